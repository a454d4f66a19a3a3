"""A table of what is registered, the broken plug-ins among it, and a check of all of it."""

from collections.abc import Callable
from typing import Any

import click

from lenetkit.registry import Registry

__all__ = ["check_all", "print_table"]


def print_table(registry: Registry[Any], names: list[str], columns: tuple[str, ...], row: Callable[[Any], Any]) -> None:
    """Print a row for each name, and in the end what is wrong with which plug-in."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lenetkit.exceptions import PluginError

    table = Table(*columns, box=None)

    def add_broken(name: str, reason: str) -> None:
        table.add_row(name, *[""] * (len(columns) - 2), f"[red]broken:[/red] {escape(reason)}")

    for name in names:
        try:
            table.add_row(name, *(escape(str(cell)) for cell in row(registry.get(name))))
        except PluginError:
            continue
        except Exception as error:
            whose = registry.distribution(name) or registry.owner(name)
            add_broken(name, f"its record, from {whose}, cannot be shown: {type(error).__name__}: {error}")
    for plug_in in registry.plug_ins():
        if plug_in.error is not None and plug_in.name in names:
            add_broken(plug_in.name, plug_in.error)
    Console().print(table)


def check_all(names: list[str], check: Callable[[str], None]) -> None:
    """Check each name, a line for each, and exit with 1 if one does not keep its contract."""
    from lenetkit.exceptions import DownloadError, LenetkitError

    failed = False
    for name in names:
        try:
            check(name)
        except DownloadError:
            click.echo(f"{name}: not on this machine, not checked")
        except LenetkitError as error:
            failed = True
            click.echo(f"{name}: {error}")
        else:
            click.echo(f"{name}: keeps its contract")
    if failed:
        click.get_current_context().exit(1)
