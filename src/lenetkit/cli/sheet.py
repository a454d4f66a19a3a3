"""``lenetkit sheet``: pages of boxes to write digits into."""

from functools import partial
from pathlib import Path

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._outputs import check_output

__all__ = ["sheet"]


@click.command()
@click.option(
    "--output",
    metavar="FILE",
    required=True,
    callback=partial(check_output, suffixes=(".pdf", ".png")),
    help="Where to write the pages: a .pdf, or a .png of a single one.",
)
@click.option("--sheets", type=click.IntRange(1), default=1, show_default=True, help="How many: one for each writer.")
@click.option("--first", type=click.IntRange(0), default=1, show_default=True, help="Number of the first one.")
@click.option(
    "--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True, help="Size of the pages."
)
def sheet(output: str, sheets: int, first: int, paper: str) -> None:
    """Write pages of boxes to print and fill in: each digit ten times, for a data set of one's own in ten minutes.

    Photographs or scans of the filled-in pages are a data set: load_dataset(FOLDER) and every command that takes data
    read them. The boxes become labelled images, and the number of the page their group, which is its writer.

    \b
    Examples:
      lenetkit sheet --output sheet.pdf
      lenetkit sheet --output class.pdf --sheets 28 --paper letter
      lenetkit datasets --check photos
      lenetkit adapt photos --output mine.lenet
    """
    from lenetkit.datasets import save_sheets

    save_sheets(Path(output), sheets=sheets, first=first, paper=paper)
    last = first + sheets - 1
    numbers = f"sheet {first}" if sheets == 1 else f"sheets {first} to {last}"
    click.echo(f"{printable(output)}: {numbers}")
