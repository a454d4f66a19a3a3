"""``lenetkit models``: what can be trained."""

import click

__all__ = ["models"]


@click.command()
@click.argument("pattern", default="*")
def models(pattern: str) -> None:
    """List the registered models, or those whose names match PATTERN.

    \b
    Examples:
      lenetkit models
      lenetkit models 'lenet*'
    """
    from rich.console import Console
    from rich.table import Table

    from lenetkit.exceptions import PluginError
    from lenetkit.models import list_models, model_info

    table = Table("name", "input", "parameters", "what it is", box=None)
    for name in list_models(pattern):
        try:
            info = model_info(name)
        except PluginError as error:
            table.add_row(name, "", "", f"[red]broken:[/red] {error}")
            continue
        size = " x ".join(map(str, info.input_shape))
        table.add_row(name, size, f"{info.n_parameters:,}", info.description)
    Console().print(table)
