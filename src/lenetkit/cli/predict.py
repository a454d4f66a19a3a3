"""``lenetkit predict``: what is in these pictures."""

import contextlib
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import click

from lenetkit.cli._saved import is_saved_pipeline, let_any_text_out, pictures_in, pipeline_of, printable
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    import numpy.typing as npt

    from lenetkit.rejection import Prediction

__all__ = ["predict"]

# Up to so many pictures are answered before anybody would look at a bar.
_BATCH = 256

Array: TypeAlias = "npt.NDArray[Any]"
Ranked: TypeAlias = list[tuple[Any, float]]
Reader: TypeAlias = "Callable[[list[Array]], list[Answer]]"


class Answer(NamedTuple):
    """The most probable labels with their probabilities; the reason is None where nothing was to be rejected."""

    ranked: Ranked
    reason: str | None = None


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
@click.option(
    "--reject",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="Do not answer where the picture shows no digit, or where the answer is not sure enough to keep the share of "
    "errors at this or below, for example 0.01. The label is then - and the reason follows.",
)
def predict(paths: tuple[str, ...], form: str, top: int, reject: float | None) -> None:
    """Read each IMAGE with the saved pipeline FILE: one line each, in their order.

    Without FILE the pipeline that comes with lenetkit reads them. An IMAGE may be a folder, which stands for the
    picture files in it. A picture that cannot be read is reported on standard error, and the rest is done; the exit
    code is then 2.

    \b
    Examples:
      lenetkit predict photo.png
      lenetkit predict photo.png --reject 0.01
      lenetkit predict digits.lenet photo.png
      lenetkit predict digits.lenet scans --format csv > answers.csv
      lenetkit predict digits.lenet scans/*.png --top 3 --format json
    """
    file, images = (paths[0], paths[1:]) if is_saved_pipeline(paths[0]) else (None, paths)
    if not images:
        raise SettingError(f"there is nothing to read with {file}: name a picture or a folder of them after it.")
    if reject is not None and top > 1:
        raise SettingError("--top and --reject cannot be combined: a rejected picture has no label at all.")
    pipeline = pipeline_of(file)
    classes = pipeline.classes_.tolist()
    top = min(top, len(classes))
    let_any_text_out()

    def read(pictures: list[Array]) -> list[Answer]:
        if reject is not None:
            return [_declined_or_not(prediction) for prediction in pipeline.predict(pictures, reject=reject)]
        return [Answer(_ranked(row, classes, top)) for row in pipeline.predict_proba(pictures)]

    if form == "csv":
        names = [name for rank in range(1, top + 1) for name in _columns(rank)]
        _echo(_csv_line(["image", *names, *(["reason"] if reject is not None else [])]))
    failed = 0
    for path, answer in _answers(read, list(pictures_in(images))):
        if isinstance(answer, DataError):
            failed += 1
            click.echo(f"error: {printable(str(answer).strip())}", file=sys.stderr)
        else:
            _echo(_LINES[form](path, answer))
    if failed:
        raise click.exceptions.Exit(2)


def _echo(line: str) -> None:
    # Without the flag click takes out of a file's name what looks like a terminal's colours.
    click.echo(line, color=True)


def _answers(read: Reader, paths: list[str]) -> Iterator[tuple[str, "Answer | DataError"]]:
    """Give for each picture, in their order, the answer or what is wrong with it."""
    from lenetkit.datasets import iter_batches

    with _progress(len(paths)) as advance:
        for batch in iter_batches(paths):
            answers = iter(_answer(read, [picture for _, picture in batch if not isinstance(picture, DataError)]))
            for path, picture in batch:
                answer = picture if isinstance(picture, DataError) else next(answers)
                if isinstance(answer, DataError) and os.path.isdir(path):
                    answer = DataError(f"{path} is a folder without picture files.")
                named = isinstance(answer, DataError) and path not in str(answer)
                yield path, DataError(f"{path}: {answer}") if named else answer
            advance(len(batch))


def _answer(read: Reader, pictures: list[Array]) -> list["Answer | DataError"]:
    if not pictures:
        return []
    try:
        return [*read(pictures)]
    except DataError as error:
        if len(pictures) == 1:
            return [error]
        # Which of them does not fit is not known; the others shall have their answers.
        return [answer for picture in pictures for answer in _answer(read, [picture])]


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


def _declined_or_not(prediction: "Prediction") -> "Answer":
    label = None if prediction.rejected else prediction.label
    return Answer([(label, round(prediction.probability, 7))], prediction.reason)


def _text_line(path: str, answer: "Answer") -> str:
    shown = [("-" if label is None else label, probability) for label, probability in answer.ranked]
    pairs = [text for label, probability in shown for text in (printable(label), f"{probability:.4f}")]
    return "\t".join([printable(path), *pairs, *([printable(answer.reason)] if answer.reason else [])])


def _json_line(path: str, answer: "Answer") -> str:
    best = [{"label": label, "probability": probability} for label, probability in answer.ranked]
    line: dict[str, Any] = {"image": path, **best[0]}
    if len(best) > 1:
        line["top"] = best
    if answer.reason is not None:
        line.update(rejected=bool(answer.reason), reason=answer.reason)
    return json.dumps(line)


def _csv_row(path: str, answer: "Answer") -> str:
    reason = [] if answer.reason is None else [answer.reason]
    return _csv_line([path, *("" if value is None else value for pair in answer.ranked for value in pair), *reason])


def _csv_line(values: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def _columns(rank: int) -> tuple[str, str]:
    return ("label", "probability") if rank == 1 else (f"label_{rank}", f"probability_{rank}")


_LINES: dict[str, Callable[[str, "Answer"], str]] = {"text": _text_line, "json": _json_line, "csv": _csv_row}
