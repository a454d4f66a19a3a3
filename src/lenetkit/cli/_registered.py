"""Commands that list a registry: a table of its members, broken plug-ins included, and a check of each.

In: a registry and a row or a check for each name. Out: a table, or a line for each name and the exit code.
Next: ``lenetkit models`` and ``lenetkit datasets``.
"""

from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lenetkit._utils.printable import printable, printable_lines
from lenetkit.exceptions import DownloadError, LenetkitError, PluginError
from lenetkit.registry import UNREADABLE, Registry

__all__ = ["check_all", "print_table"]


def print_table(registry: Registry[Any], names: list[str], columns: tuple[str, ...], row: Callable[[Any], Any]) -> None:
    """Print a row for each name, and after them the reason for each broken plug-in."""
    table = Table(*columns, box=None)
    broken: list[tuple[str, str]] = []
    for name in names:
        try:
            table.add_row(printable(name), *(escape(printable(cell)) for cell in row(registry.get(name))))
        except PluginError:
            continue
        except Exception as error:
            owner = registry.distribution(name) or registry.owner(name)
            broken.append((name, f"its record, from {owner}, cannot be shown: {type(error).__name__}: {error}"))
    broken += [(plug_in.name, plug_in.error) for plug_in in registry.plug_ins() if plug_in.error is not None]
    for name, reason in broken:
        if name in names or name == UNREADABLE:
            table.add_row(
                printable(name), *[""] * (len(columns) - 2), f"[red]broken:[/red] {escape(printable(reason))}"
            )
    Console().print(table)


def check_all(names: list[str], check: Callable[[str], None]) -> None:
    """Check each name, a line for each, and exit with 1 if one does not keep its contract."""
    failed = False
    for name in names:
        try:
            check(name)
            result = "keeps its contract"
        except DownloadError:
            result = "not on this machine, not checked"
        except LenetkitError as error:
            failed, result = True, str(error)
        click.echo(f"{printable(name)}: {printable_lines(result)}")
    click.get_current_context().exit(1 if failed else 0)
