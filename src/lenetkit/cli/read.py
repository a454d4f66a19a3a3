"""``lenetkit read``: the numbers in these pictures."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lenetkit.cli._saved import let_any_text_out, pipeline_of, printable
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline
    from lenetkit.reading import Reading

__all__ = ["read"]


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--pipeline", "file", metavar="FILE", help="A saved pipeline; default: the one that comes with lenetkit.")
@click.option("--json", "as_json", is_flag=True, help="One object per picture: text, and each digit with its box.")
@click.option("--annotate", metavar="OUT.png", help="Draw the boxes into a picture; for one IMAGE only.")
def read(images: tuple[str, ...], file: str | None, as_json: bool, annotate: str | None) -> None:
    """Read the numbers in each IMAGE: path and text, a line of output for each line of writing.

    A picture without any number gives its path alone. One that cannot be read is reported on standard error, and the
    rest is done; the exit code is then 2.

    \b
    Examples:
      lenetkit read meter.jpg
      lenetkit read form.png --json
      lenetkit read form.png --annotate read.png
    """
    if annotate is not None and len(images) != 1:
        raise SettingError(f"--annotate draws one picture; got {len(images)} images. Call it once for each of them.")
    pipeline = pipeline_of(file)
    let_any_text_out()
    failed = 0
    for path, reading in _readings(pipeline, images):
        if isinstance(reading, DataError):
            failed += 1
            click.echo(f"error: {printable(str(reading).strip())}", file=sys.stderr)
            continue
        _show(path, reading, as_json=as_json)
        if annotate is not None:
            _draw(reading, annotate)
    if failed:
        raise click.exceptions.Exit(2)


def _readings(pipeline: "Pipeline", paths: tuple[str, ...]) -> "Iterator[tuple[str, Reading | DataError]]":
    for path in paths:
        try:
            yield path, pipeline.read_number(path)
        except DataError as error:
            yield path, error if path in str(error) else DataError(f"{path}: {error}")


def _show(path: str, reading: "Reading", *, as_json: bool) -> None:
    # Without the flag click takes out of a file's name what looks like a terminal's colours.
    if as_json:
        click.echo(json.dumps({"image": path, **reading.to_dict()}), color=True)
        return
    for line in reading.lines or ("",):
        click.echo(f"{printable(path)}\t{printable(line)}", color=True)


def _draw(reading: "Reading", path: str) -> None:
    from lenetkit._utils.files import atomic_path

    suffix = Path(path).suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg", ".pdf", ".svg"):
        raise SettingError(f"--annotate writes .png, .jpg, .pdf or .svg; got {printable(path)}.")
    figure: Any = reading.plot().figure_
    with atomic_path(path) as unfinished:
        figure.savefig(unfinished, format=suffix[1:], dpi=150)
