"""``lenetkit convert``: a data set in another format."""

from pathlib import Path

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._outputs import refuse_input

__all__ = ["convert"]


@click.command()
@click.argument("source")
@click.argument("target", type=click.Path())
@click.option(
    "--format", "form", type=click.Choice(["npz", "csv", "parquet", "idx", "png"]), help="Default: the suffix's."
)
@click.option(
    "--subset", type=click.Choice(["all", "train", "test"]), help="Default: all parts, kept apart if possible."
)
@click.option("--data-dir", type=click.Path(file_okay=False), help="Folder in which data sets are kept.")
@click.option("--download/--no-download", default=True, show_default=True, help="May data be fetched?")
def convert(
    source: str, target: str, form: str | None, subset: str | None, data_dir: str | None, download: bool
) -> None:
    """Read the data set SOURCE, a name, file or folder, and write it as TARGET, so that it is read back equal.

    TARGET ends in .npz, .csv, .csv.gz or .parquet; or it is a new folder, with --format idx or png. Predefined splits
    are kept in .npz and IDX files, and as a file each in a folder.

    \b
    Examples:
      lenetkit convert emnist-digits.mat digits.npz
      lenetkit convert mnist mnist --format idx
      lenetkit convert train.parquet pictures --format png
    """
    from lenetkit.datasets import convert_dataset

    refuse_input("TARGET", target, source)
    saved = convert_dataset(source, Path(target), format=form, subset=subset, data_dir=data_dir, download=download)
    click.echo(f"{printable(target)}: {printable(saved)}")
