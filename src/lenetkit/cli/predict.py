"""``lenetkit predict``: what is in these pictures."""

import contextlib
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from lenetkit.cli._saved import is_saved_pipeline, let_any_text_out, printable
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    import numpy.typing as npt

    from lenetkit.pipeline import Pipeline

__all__ = ["predict"]

# Pictures are read and answered so many, or so many bytes of them, at a time: that bounds the memory.
_BATCH = 256
_MOST_BYTES = 32 << 20

Array: TypeAlias = "npt.NDArray[Any]"
Outcome: TypeAlias = "npt.NDArray[Any] | DataError"
Ranked: TypeAlias = list[tuple[Any, float]]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="[FILE] IMAGE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="text: path, label and probability between tabs; json: one object per line.",
)
@click.option("--top", type=click.IntRange(1), default=1, metavar="K", help="Give the K most probable labels.")
def predict(paths: tuple[str, ...], form: str, top: int) -> None:
    """Read each IMAGE with the saved pipeline FILE: one line each, in their order.

    An IMAGE may be a folder, which stands for the picture files in it. A picture that cannot be read is reported on
    standard error, and the rest is done; the exit code is then 2.

    \b
    Examples:
      lenetkit predict digits.lenet photo.png
      lenetkit predict digits.lenet scans --format csv > answers.csv
      lenetkit predict digits.lenet scans/*.png --top 3 --format json
    """
    file, images = (paths[0], paths[1:]) if is_saved_pipeline(paths[0]) else (None, paths)
    if not images:
        raise SettingError(f"there is nothing to read with {file}: name a picture or a folder of them after it.")
    pipeline = _pipeline(file, images)
    classes = pipeline.classes_.tolist()
    top = min(top, len(classes))
    let_any_text_out()
    if form == "csv":
        names = [name for rank in range(1, top + 1) for name in _columns(rank)]
        _echo(_csv_line(["image", *names]))
    failed = 0
    for path, answer in _answers(pipeline, list(_pictures(images))):
        if isinstance(answer, DataError):
            failed += 1
            click.echo(f"error: {printable(str(answer).strip())}", file=sys.stderr)
        else:
            _echo(_LINES[form](path, _ranked(answer, classes, top)))
    if failed:
        raise click.exceptions.Exit(2)


def _echo(line: str) -> None:
    # Without the flag click takes out of a file's name what looks like a terminal's colours.
    click.echo(line, color=True)


def _pipeline(file: str | None, images: tuple[str, ...]) -> "Pipeline":
    from lenetkit.pipeline import Pipeline

    if file is None:
        raise SettingError(
            f"{printable(images[0])} is not a saved pipeline, and nothing else says how to read pictures. Name one "
            "first: lenetkit predict FILE IMAGE... (lenetkit train --output FILE makes one.)"
        )
    return Pipeline.load(file)


def _pictures(paths: Iterable[str]) -> Iterator[str]:
    """Put the picture files in a folder in its place; a folder without any stays, to be reported."""
    from lenetkit.datasets._folder import _SUFFIXES

    for path in paths:
        try:
            names = sorted(os.listdir(path))
        except OSError:  # a file, mostly
            names = []
        inside = [os.path.join(path, name) for name in names if not name.startswith(".")]
        yield from [name for name in inside if os.path.splitext(name)[1].lower() in _SUFFIXES] or [path]


def _answers(pipeline: "Pipeline", paths: list[str]) -> Iterator[tuple[str, Outcome]]:
    """Give for each picture, in their order, the probabilities or what is wrong with it."""
    with _progress(len(paths)) as advance:
        for batch in _batches(paths):
            answers = iter(_answer(pipeline, [picture for _, picture in batch if not isinstance(picture, DataError)]))
            for path, picture in batch:
                answer = picture if isinstance(picture, DataError) else next(answers)
                named = isinstance(answer, DataError) and path not in str(answer)
                yield path, DataError(f"{path}: {answer}") if named else answer
            advance(len(batch))


def _batches(paths: Iterable[str]) -> Iterator[list[tuple[str, Outcome]]]:
    batch: list[tuple[str, Outcome]] = []
    size = 0
    for path in paths:
        picture = _read(path)
        batch.append((path, picture))
        size += 0 if isinstance(picture, DataError) else picture.nbytes
        if len(batch) == _BATCH or size > _MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(path: str) -> Outcome:
    from lenetkit.datasets import read_image

    try:
        if os.path.isdir(path):
            raise DataError(f"{path} is a folder without picture files.")
        return read_image(path)
    except DataError as error:
        return error


def _answer(pipeline: "Pipeline", pictures: list[Array]) -> list[Outcome]:
    if not pictures:
        return []
    try:
        return list(pipeline.predict_proba(pictures))
    except DataError as error:
        if len(pictures) == 1:
            return [error]
        # Which of them does not fit is not known; the others shall have their answers.
        return [answer for picture in pictures for answer in _answer(pipeline, [picture])]


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar where there is much to wait for, unless the answers appear on the same terminal."""
    if total <= _BATCH or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)


def _ranked(probabilities: Array, classes: list[Any], top: int) -> Ranked:
    # The shortest decimals that give the same float32 again.
    best = (-probabilities).argsort(kind="stable")[:top].tolist()
    return [(classes[index], float(str(probabilities[index]))) for index in best]


def _text_line(path: str, ranked: Ranked) -> str:
    pairs = [text for label, probability in ranked for text in (printable(label), f"{probability:.4f}")]
    return "\t".join([printable(path), *pairs])


def _json_line(path: str, ranked: Ranked) -> str:
    best = [{"label": label, "probability": probability} for label, probability in ranked]
    return json.dumps({"image": path, **best[0], **({"top": best} if len(best) > 1 else {})})


def _csv_line(values: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def _columns(rank: int) -> tuple[str, str]:
    return ("label", "probability") if rank == 1 else (f"label_{rank}", f"probability_{rank}")


_LINES: dict[str, Callable[[str, Ranked], str]] = {
    "text": _text_line,
    "json": _json_line,
    "csv": lambda path, ranked: _csv_line([path, *(value for pair in ranked for value in pair)]),
}
