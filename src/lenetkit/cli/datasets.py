"""``lenetkit datasets``: the registered data sets."""

import os
from typing import Any

import click

from lenetkit._utils.printable import printable

__all__ = ["datasets"]


@click.command()
@click.argument("pattern", default="*")
@click.option(
    "--check", is_flag=True, help="Load each, and say which keep their contract; of a path, what looks wrong."
)
def datasets(pattern: str, check: bool) -> None:
    """List the registered data sets, or those whose names match PATTERN; of one name show the record.

    Plug-ins are imported; a broken one is listed with its distribution and the reason. With --check, PATTERN may be a
    file or folder, too: range, polarity, orientation, duplicates and classes are looked at.

    \b
    Examples:
      lenetkit datasets
      lenetkit datasets mnist
      lenetkit datasets --check my_digits
      lenetkit datasets --check folder_of_images
      lenetkit train --dataset fashion_mnist
    """
    from lenetkit.cli._registered import check_all, print_table
    from lenetkit.datasets import registry

    names = registry.names(pattern)
    if check and not names and os.path.exists(pattern):
        _check_path(pattern)
    elif check:
        from lenetkit.testing import check_dataset

        check_all(names, check_dataset)
    elif pattern in names:
        _show(registry.get(pattern))
    else:
        columns = ("name", "epochs", "description")
        print_table(registry, names, columns, lambda info: (info.epochs, info.description))


def _show(info: Any) -> None:
    """Print the record of a data set, a line for each fact that is known."""
    facts = {
        "name": info.name,
        "description": info.description,
        "splits": ", ".join(info.splits),
        "licence": info.licence,
        "citation": info.citation,
        "source": info.source,
        "epochs": info.epochs,
    }
    for name, fact in facts.items():
        if fact:
            click.echo(f"{name + ':':13}{printable(str(fact))}")


def _check_path(path: str) -> None:
    """Print what a path holds and what looks wrong, and exit with 1 if anything does."""
    from lenetkit.datasets import find_overlap, load_parts

    parts = load_parts(path)
    doubts = []
    for part, dataset in parts.items():
        click.echo(f"{part + ': ' if part else ''}{printable(repr(dataset))}")
        facts = dataset.describe()
        found = facts["doubt"].to_dict() if "doubt" in facts.index.get_level_values(0) else {}
        doubts += [f"{part + ', ' if part else ''}{what}: {sentence}" for what, sentence in found.items()]
    if len(parts) > 1 and (overlap := find_overlap(parts["train"].images, parts["test"].images)):
        doubts.append(f"duplicates: {overlap}")
    click.echo("\n".join(printable(doubt) for doubt in doubts) or "nothing looks wrong")
    click.get_current_context().exit(1 if doubts else 0)
