"""``lenetkit diagnose``: causes and cures for images that are read wrong."""

import json
import sys

import click

import lenetkit
from lenetkit._utils.printable import printable
from lenetkit.cli._options import pipeline_option, runtime_option
from lenetkit.cli._outputs import check_drawing, refuse_input, save_drawing
from lenetkit.cli._saved import echo, load_pipeline, split_pipeline
from lenetkit.exceptions import SettingError

__all__ = ["diagnose"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE...")
@pipeline_option
@runtime_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per image and line.")
@click.option(
    "--trace",
    "target",
    metavar="OUT.png",
    callback=lambda context, option, path: path if path == "-" else check_drawing(context, option, path),
    help="Draw each stage of the IMAGE; - prints them instead.",
)
def diagnose(paths: tuple[str, ...], file: str | None, runtime: str | None, as_json: bool, target: str | None) -> None:
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
    # One at a time: however many and large they are, the memory holds one.
    unreadable = sum([_report(path, pipeline, as_json) for path in images])
    if unreadable:
        raise click.exceptions.Exit(2)
    if target == "-":
        click.echo(f"\n{pipeline.trace(images[0])}")
    elif target is not None:
        save_drawing(pipeline.trace(images[0]).plot(), target)
        click.echo(f"the trace is in {printable(target)}", file=sys.stderr)


def _report(path: str, pipeline: "lenetkit.Pipeline", as_json: bool) -> bool:
    """Print the findings for one image; return whether it is unreadable."""
    diagnosis = pipeline.diagnose([path])
    if as_json:
        # Without the image's index, always the first of one.
        facts = [finding.to_dict().items() for finding in diagnosis.findings]
        findings = [{name: value for name, value in items if name != "image"} for items in facts]
        echo(json.dumps({"image": path, "ok": diagnosis.ok, "findings": findings}))
    elif diagnosis.ok:
        echo(f"{printable(path)}: nothing sets it apart from the training images")
    else:
        lines = [line for finding in diagnosis.findings for line in str(finding).splitlines()]
        echo("\n".join([printable(path), *(f"  {printable(line)}" for line in lines)]))
    return "unreadable" in diagnosis.problems
