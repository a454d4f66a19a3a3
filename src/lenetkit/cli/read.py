"""``lenetkit read``: the numbers in images."""

import contextlib
import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._known import known_options, named_as_options
from lenetkit.cli._options import pipeline_option, runtime_option
from lenetkit.cli._outputs import check_drawing, refuse_input, save_drawing
from lenetkit.cli._progress import show_progress
from lenetkit.cli._saved import echo, echo_error, expand_folders, load_pipeline
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from lenetkit.reading import Reading

__all__ = ["read"]

# So many images are read before anybody would look at a bar.
_FEW = 32


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@pipeline_option
@runtime_option
@known_options
@click.option(
    "--reject",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="FRACTION",
    help="Do not answer if there is no number, or if the whole is not sure enough to keep the fraction of wrong "
    "numbers at this or below, for example 0.01. The number is then - and the reason follows.",
)
@click.option(
    "--alternatives",
    type=click.IntRange(1),
    metavar="K",
    help="Give the K most probable numbers, digits alone, each with its probability.",
)
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Images read at a time; default: one for each core.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One object per image: text, what stands there, groups, each digit with its box, what was left out, and how "
    "probable it is that the whole is right.",
)
@click.option(
    "--annotate", metavar="OUT.png", callback=check_drawing, help="Draw the boxes into a picture; for one IMAGE only."
)
def read(
    images: tuple[str, ...],
    file: str | None,
    runtime: str | None,
    alternatives: int | None,
    jobs: int | None,
    as_json: bool,
    annotate: str | None,
    **known: Any,
) -> None:
    """Read the numbers in each IMAGE: path and number, a line of output for each line of writing.

    An IMAGE may be a folder, which stands for the image files in it. Digits are printed without the gaps between them.
    A number with signs is printed as it stands there, for example 12.50 or 27/11/2026; in one without, a question mark
    stands for each place that may hold a digit that was not read. With --alternatives there is one line of output for
    each IMAGE: path, number, and each alternative with its probability; \\n stands between lines of writing.

    An image without any number gives its path alone. One that cannot be read is reported on standard error, and the
    rest is done; the exit code is then 2.

    \b
    Examples:
      lenetkit read form.png
      lenetkit read scans --length 5 --lines 1 --reject 0.01 > numbers.tsv
      lenetkit read dates/*.png --pattern "##?/##?/####"
      lenetkit read card.jpg --length 13-19 --check luhn
      lenetkit read parcel.jpg --among orders.txt --alternatives 3
      lenetkit read form.png --json
      lenetkit read form.png --annotate read.png
    """
    paths = list(expand_folders(images))
    if annotate is not None and len(paths) != 1:
        raise SettingError(f"--annotate draws one image; got {len(paths)} images. Call it once for each of them.")
    refuse_input("--annotate", annotate, *paths, file)
    pipeline = load_pipeline(file, runtime)
    with named_as_options():
        readings = pipeline.iter_numbers(paths, n_jobs=jobs, **known)
    failed = False
    with contextlib.closing(readings), show_progress(len(paths), _FEW) as advance:
        for path, (_, reading) in zip(paths, readings, strict=True):
            if isinstance(reading, DataError):
                failed = True
                echo_error(path, reading)
            else:
                echo(_to_json(path, reading, alternatives) if as_json else _to_text(path, reading, alternatives))
                if annotate is not None:
                    save_drawing(reading.plot(), annotate)
            advance(1)
    click.get_current_context().exit(2 if failed else 0)


def _to_json(path: str, reading: "Reading", count: int | None) -> str:
    others = [{"text": text, "probability": probability} for text, probability in _find_others(reading, count)]
    return json.dumps({"image": path, **reading.to_dict(), **({} if count is None else {"alternatives": others})})


def _to_text(path: str, reading: "Reading", count: int | None) -> str:
    answer = ["-", reading.reason] if reading.rejected else [reading.raw_with_doubts]
    if count is not None:
        others = ((text, f"{probability:.4f}") for text, probability in _find_others(reading, count))
        rows = [[*answer, *chain.from_iterable(others)]]
    else:
        rows = [answer] if reading.rejected else [[line] for line in answer[0].splitlines() or [""]]
    return "\n".join("\t".join(map(printable, [path, *row])) for row in rows)


def _find_others(reading: "Reading", count: int | None) -> list[tuple[str, float]]:
    return reading.alternatives(count) if count is not None and reading.digits else []
