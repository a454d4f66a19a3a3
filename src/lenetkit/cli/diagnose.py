"""``lenetkit diagnose``: causes and cures for images that are read wrong."""

import copy
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

import lenetkit
from lenetkit._utils.printable import printable
from lenetkit.cli._options import pipeline_option, runtime_option
from lenetkit.cli._outputs import check_drawing, refuse_input, save_drawing
from lenetkit.cli._progress import show_progress
from lenetkit.cli._saved import echo, load_pipeline, split_pipeline
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from lenetkit.diagnosis import Finding

__all__ = ["diagnose"]

# So many images are answered before anybody would look at a bar.
_FEW = 64
# The problems whose cause is the message of an error.
_ERRORS = ("unreadable", "range")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE...")
@pipeline_option
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Images read at a time; default: one for each core.")
@runtime_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per image and line.")
@click.option(
    "--trace",
    "target",
    metavar="OUT.png",
    callback=lambda context, option, path: path if path == "-" else check_drawing(context, option, path),
    help="Draw each stage of the IMAGE; - prints them instead.",
)
def diagnose(
    paths: tuple[str, ...],
    file: str | None,
    jobs: int | None,
    runtime: str | None,
    as_json: bool,
    target: str | None,
) -> None:
    """Name the differences between each IMAGE and the training images, and their cures.

    An IMAGE may be a folder, which stands for the image files in it. Compared is the model's input, after the
    pipeline's transforms. The exit code is 2 if an image cannot be read.

    \b
    Examples:
      lenetkit diagnose photo.png
      lenetkit diagnose scans --pipeline digits.lenet --json > findings.jsonl
      lenetkit diagnose photo.png --trace trace.png
    """
    file, images = split_pipeline(file, paths, "diagnose")
    if target is not None and (len(images) != 1 or as_json):
        raise SettingError(f"--trace is for one image, and not with --json; got {len(images)} images.")
    refuse_input("--trace", target, *images, file)
    pipeline = load_pipeline(file, runtime)
    unreadable = False
    with show_progress(len(images), _FEW) as advance:
        for path, findings in _findings(pipeline, images, jobs):
            unreadable |= _report(path, findings, as_json)
            advance(1)
    if unreadable:
        raise click.exceptions.Exit(2)
    if target == "-":
        click.echo(f"\n{pipeline.trace(images[0])}")
    elif target is not None:
        save_drawing(pipeline.trace(images[0]).plot(), target)
        click.echo(f"the trace is in {printable(target)}", file=sys.stderr)


def _findings(
    pipeline: "lenetkit.Pipeline", paths: list[str], jobs: int | None
) -> "Iterator[tuple[str, tuple[Finding, ...]]]":
    """Give the findings for each image, in their order; the memory holds a few images, however many there are."""
    from lenetkit.datasets import map_images

    pipeline = copy.copy(pipeline)

    def look(pictures: list[Any]) -> "list[tuple[Finding, ...]]":
        found = pipeline.diagnose(pictures, n_jobs=1).findings if pictures else ()
        return [tuple(finding for finding in found if finding.image == index) for index in range(len(pictures))]

    # Functions of others may not be made for threads.
    for pile in map_images(paths, look, n_jobs=jobs if pipeline.transforms_.elementwise else 1):
        for path, found in pile:
            # An error has the image's name only where it is looked at by itself.
            is_bad = isinstance(found, DataError) or any(finding.problem in _ERRORS for finding in found)
            yield path, pipeline.diagnose([path], n_jobs=1).findings if is_bad else found


def _report(path: str, found: "tuple[Finding, ...]", as_json: bool) -> bool:
    """Print the findings for one image; return whether it is unreadable."""
    if as_json:
        # Without the image's index, which is that in its pile.
        facts = [finding.to_dict().items() for finding in found]
        findings = [{name: value for name, value in items if name != "image"} for items in facts]
        echo(json.dumps({"image": path, "ok": not found, "findings": findings}))
    elif not found:
        echo(f"{printable(path)}: nothing sets it apart from the training images")
    else:
        lines = [line for finding in found for line in str(finding).splitlines()]
        echo("\n".join([printable(path), *(f"  {printable(line)}" for line in lines)]))
    return any(finding.problem == "unreadable" for finding in found)
