"""``lenetkit datasets``: what can be learnt from."""

import click

__all__ = ["datasets"]


@click.command()
@click.argument("pattern", default="*")
def datasets(pattern: str) -> None:
    """List the registered data sets, or those whose names match PATTERN.

    \b
    Examples:
      lenetkit datasets
      lenetkit train --dataset fashion_mnist
    """
    from rich.console import Console
    from rich.table import Table

    from lenetkit.datasets import dataset_info, list_datasets
    from lenetkit.exceptions import PluginError

    table = Table("name", "epochs", "what it is", box=None)
    for name in list_datasets(pattern):
        try:
            info = dataset_info(name)
        except PluginError as error:
            table.add_row(name, "", f"[red]broken:[/red] {error}")
            continue
        table.add_row(name, str(info.epochs), info.description)
    Console().print(table)
