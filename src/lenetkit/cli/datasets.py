"""``lenetkit datasets``: what can be learnt from."""

import click

__all__ = ["datasets"]


@click.command()
@click.argument("pattern", default="*")
@click.option("--check", is_flag=True, help="Load each from this machine, and say which keep their contract.")
def datasets(pattern: str, check: bool) -> None:
    """List the registered data sets, or those whose names match PATTERN.

    Plug-ins are imported; a broken one is listed with its distribution and the reason.

    \b
    Examples:
      lenetkit datasets
      lenetkit datasets --check my_digits
      lenetkit train --dataset fashion_mnist
    """
    from lenetkit.datasets import list_datasets, registry

    names = list_datasets(pattern)
    if check:
        from lenetkit.cli._registered import check_all
        from lenetkit.testing import check_dataset

        check_all(names, check_dataset)
        return
    from lenetkit.cli._registered import print_table

    print_table(registry, names, ("name", "epochs", "what it is"), lambda info: (str(info.epochs), info.description))
