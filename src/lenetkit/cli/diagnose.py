"""``lenetkit diagnose``: why a picture is read wrong."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lenetkit.cli._saved import is_saved_pipeline, let_any_text_out, pictures_in, pipeline_of, printable
from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    from lenetkit.diagnosis import Diagnosis
    from lenetkit.pipeline import Pipeline

__all__ = ["diagnose"]

_DRAWINGS = (".png", ".svg", ".pdf")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="[FILE] IMAGE...")
@click.option("--pipeline", "file", metavar="FILE", help="A saved pipeline; it may also come before the pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per picture and line.")
@click.option("--trace", "target", metavar="OUT.png", help="Draw what becomes of the IMAGE; - prints it instead.")
def diagnose(paths: tuple[str, ...], file: str | None, as_json: bool, target: str | None) -> None:
    """Say what sets each IMAGE apart from the training images, and what to do about it.

    An IMAGE may be a folder, which stands for the picture files in it. Compared is what the model sees, after the
    pipeline's transforms; without FILE it is the pretrained pipeline. The exit code is 2 if a picture cannot be read.

    \b
    Examples:
      lenetkit diagnose digits.lenet photo.png
      lenetkit diagnose scans --pipeline digits.lenet --json > findings.jsonl
      lenetkit diagnose digits.lenet photo.png --trace trace.png
    """
    if file is None and is_saved_pipeline(paths[0]):
        file, paths = paths[0], paths[1:]
    pictures = list(pictures_in(paths))
    if not pictures:
        raise SettingError(f"there is nothing to diagnose with {file}: name a picture or a folder of them after it.")
    _check_target(target, len(pictures), as_json)
    pipeline = pipeline_of(file)
    let_any_text_out()
    unreadable = sum([_report(path, pipeline, as_json) for path in pictures])
    if target is not None and not unreadable:
        _trace(pictures[0], pipeline, target)
    if unreadable:
        raise click.exceptions.Exit(2)


def _check_target(target: str | None, n_pictures: int, as_json: bool) -> None:
    if target is None:
        return
    if n_pictures != 1 or as_json:
        raise SettingError(f"--trace is for one picture, and not with --json; got {n_pictures} pictures.")
    if target != "-" and Path(target).suffix.lower() not in _DRAWINGS:
        raise SettingError(f"--trace must end in {', '.join(_DRAWINGS)}, or be -; got {printable(target)}.")


def _report(path: str, pipeline: "Pipeline", as_json: bool) -> bool:
    """Print what is found in one picture; return whether it cannot be read."""
    # One at a time: however many and large they are, the memory holds one.
    diagnosis = pipeline.diagnose([path])
    # Without the flag click takes out of a file's name what looks like a terminal's colours.
    click.echo(_json_line(path, diagnosis) if as_json else _text(path, diagnosis), color=True)
    return "unreadable" in diagnosis.problems


def _json_line(path: str, diagnosis: "Diagnosis") -> str:
    findings = [finding.to_dict() for finding in diagnosis.findings]
    for finding in findings:
        del finding["image"]  # always the first of one
    return json.dumps({"image": path, "ok": diagnosis.ok, "findings": findings})


def _text(path: str, diagnosis: "Diagnosis") -> str:
    if diagnosis.ok:
        return f"{printable(path)}: nothing sets it apart from the training images"
    lines = [line for finding in diagnosis.findings for line in str(finding).splitlines()]
    return "\n".join([printable(path), *(f"  {printable(line)}" for line in lines)])


def _trace(path: str, pipeline: "Pipeline", target: str) -> None:
    found = pipeline.trace(path)
    if target == "-":
        heading, _, rest = str(found).partition("\n")
        click.echo(f"\n{printable(heading)}\n{rest}")
        return
    from lenetkit._utils.files import write_atomically
    from lenetkit.plotting import import_matplotlib

    # The command line opens no window.
    import_matplotlib().use("agg")
    figure: Any = found.plot().figure_
    form = Path(target).suffix[1:].lower()
    write_atomically(target, lambda temporary: figure.savefig(temporary, format=form, dpi=150))
    click.echo(f"the trace is in {printable(target)}", file=sys.stderr)
