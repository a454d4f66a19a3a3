"""``lenetkit datasets``: the registered data sets."""

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
    from lenetkit.cli._registered import check_all, print_table
    from lenetkit.datasets import registry

    names = registry.names(pattern)
    if check:
        from lenetkit.testing import check_dataset

        check_all(names, check_dataset)
    else:
        columns = ("name", "epochs", "description")
        print_table(registry, names, columns, lambda info: (info.epochs, info.description))
