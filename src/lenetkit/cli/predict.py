"""``lenetkit predict``: the label of each image, with its probability."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, count, groupby
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._options import pipeline_option, runtime_option
from lenetkit.cli._progress import show_progress
from lenetkit.cli._saved import echo, echo_error, load_pipeline, split_pipeline
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["predict"]

# So many images are answered before anybody would look at a bar.
_BATCH = 256

_COLUMNS = ("label", "probability")
_TABLE = csv.writer(SimpleNamespace(write=lambda row: click.echo(row, nl=False, color=True)), lineterminator="\n")

Array: TypeAlias = "npt.NDArray[Any]"


# The most probable labels with their probabilities, and the reason of a rejection; None if none was asked for.
Answer: TypeAlias = tuple[list[tuple[Any, float]], str | None]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE...")
@pipeline_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    help="text: path, label and probability between tabs; json: one object per line. Default: text, for a table csv.",
)
@click.option("--top", type=click.IntRange(1), default=1, metavar="K", help="Give the K most probable labels.")
@click.option(
    "--reject",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="FRACTION",
    help="Do not answer if the image shows no digit, or if the answer is not sure enough to keep the fraction of "
    "errors at this or below, for example 0.01. The label is then - and the reason follows.",
)
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Images read at a time; default: one for each core.")
@runtime_option
def predict(
    paths: tuple[str, ...],
    file: str | None,
    form: str | None,
    top: int,
    reject: float | None,
    jobs: int | None,
    runtime: str | None,
) -> None:
    """Read each IMAGE: one line each, in their order.

    An IMAGE may be a folder, which stands for the image files in it, or a CSV file (.csv, .csv.gz) with a row of pixels
    for each image: a column of labels in it is passed over. An image that cannot be read is reported on standard
    error, and the rest is done; the exit code is then 2.

    \b
    Examples:
      lenetkit predict photo.png
      lenetkit predict photo.png --reject 0.01
      lenetkit predict photo.png --pipeline digits.lenet
      lenetkit predict photo.png --pretrained digits
      lenetkit predict scans --pipeline digits.lenet --format csv > answers.csv
      lenetkit predict scans/*.png --top 3 --format json
      lenetkit predict test.csv > answers.csv
    """
    from lenetkit.datasets import is_pixel_table

    file, images = split_pipeline(file, paths, "read")
    if form is None:
        form = "csv" if any(map(is_pixel_table, images)) else "text"
    if reject is not None and top > 1:
        raise SettingError("--top and --reject cannot be combined: a rejected image has no label at all.")
    pipeline = load_pipeline(file, runtime)
    classes = pipeline.classes_.tolist()
    top = min(top, len(classes))

    def read(images: list[Array]) -> list[Answer]:
        if reject is None:
            return [(_rank(row, classes, top), None) for row in pipeline.predict_proba(images, n_jobs=1)]
        found = pipeline.predict(images, reject=reject, n_jobs=1)
        return [([(None if p.rejected else p.label, round(p.probability, 7))], p.reason) for p in found]

    if form == "csv":
        names = [f"{name}{f'_{rank}' if rank > 1 else ''}" for rank in range(1, top + 1) for name in _COLUMNS]
        _TABLE.writerow(["image", *names, *(["reason"] if reject is not None else [])])
    failed = False
    transforms = pipeline.transforms_
    n_jobs = jobs if transforms.elementwise else 1  # functions of others may not be made for threads
    for path, answer in _answers(read, images, n_jobs, transforms.working_side):
        if isinstance(answer, DataError):
            failed = True
            echo_error(path, answer)
        else:
            _print(form, path, answer)
    click.get_current_context().exit(2 if failed else 0)


def _answers(
    read: Callable[[list[Array]], list[Answer]], paths: list[str], n_jobs: int | None, side: int | None
) -> Iterator[tuple[str, Answer | DataError]]:
    """Give for each image, in their order, the answer or the error; for each row of a table, too."""
    from lenetkit.datasets import is_pixel_table, map_images

    with show_progress(len(paths), _BATCH) as advance:
        for tables, group in groupby(paths, is_pixel_table):
            if tables:
                yield from chain.from_iterable(_rows(read, path) for path in group)
                continue
            for batch in map_images(group, partial(_answer, read), n_jobs=n_jobs, side=side):
                yield from batch
                advance(len(batch))


def _rows(read: Callable[[list[Array]], list[Answer]], path: str) -> Iterator[tuple[str, Answer | DataError]]:
    """Give the answer for each row of a table; or the error, under the table's name."""
    from lenetkit.datasets import iter_batches, read_pixel_table

    try:
        images = read_pixel_table(Path(path))
    except DataError as error:
        yield path, error
        return
    row = count()
    for batch in iter_batches(images):
        answers = iter(_answer(read, [image for _, image in batch if not isinstance(image, DataError)]))
        for _, image in batch:
            yield f"{path}[{next(row)}]", image if isinstance(image, DataError) else next(answers)


def _answer(read: Callable[[list[Array]], list[Answer]], images: list[Array]) -> list[Answer | DataError]:
    try:
        return [*read(images)] if images else []
    except DataError as error:
        if len(images) == 1:
            return [error]
        # Which of them does not fit is unknown; the others shall have their answers.
        return [answer for image in images for answer in _answer(read, [image])]


def _rank(probabilities: Array, classes: list[Any], top: int) -> list[tuple[Any, float]]:
    # The shortest decimals that give the same float32 again.
    best = (-probabilities).argsort(kind="stable")[:top].tolist()
    return [(classes[index], float(str(probabilities[index]))) for index in best]


def _print(form: str, path: str, answer: Answer) -> None:
    ranked, reason = answer
    if form == "csv":
        cells = [path, *chain.from_iterable(ranked), *([] if reason is None else [reason])]
        # A file gets names as they are; a terminal must not be steered by them.
        _TABLE.writerow(map(printable, cells) if sys.stdout.isatty() else cells)
    elif form == "json":
        best = [dict(zip(_COLUMNS, pair, strict=True)) for pair in ranked]
        more = {"top": best} if len(best) > 1 else {}
        rejection = {} if reason is None else {"rejected": bool(reason), "reason": reason}
        echo(json.dumps({"image": path, **best[0], **more, **rejection}))
    else:
        cells = [cell for label, p in ranked for cell in ("-" if label is None else label, f"{p:.4f}")]
        echo("\t".join(map(printable, [path, *cells, *([reason] if reason else [])])))
