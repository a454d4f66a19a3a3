"""How well whole numbers are read from one image, beside reading digit by digit and beside general readers.

    python benchmarks/whole_numbers.py DIR [--general-readers FOLDER] [--today PYTHON] [--pipeline FILE.lenet]
        [--drawn N] [--lines N] [--output FILE.md] [--readings FILE.json]

The readers:

* lenetkit: ``pipeline.read_number(image)``;
* digit by digit: the same without its network for whole lines, by cuts between digits;
* plain way, as one finds it in tutorials: one threshold for the whole image (Otsu's), connected pieces from left to
  right, each padded to a square, resized to 28x28 and read by a LeNet-5 that was trained on MNIST as it is (Adam, five
  epochs);
* RapidOCR and Tesseract, general readers of text, with ``--general-readers FOLDER``: they are installed from PyPI, in
  the versions of ``general_readers.py``, into a virtual environment in FOLDER, and read there. That script says how
  they are told that there are numbers. One that cannot be installed is left out, and the reason printed.

The sets: DIR holds ``mnist``, and may hold ``wild/numbers_real`` (real cheques and registers: ``labels.csv`` with the
columns file, group and transcription) and ``wild/numbers``, each of which is also listed with what all read. Rows of
MNIST's test digits follow, lines that lenetkit composes, and numbers that it draws, by kind.

Only digits count, in reading order: signs, gaps and line breaks are left out of what is read and of what stands there.
The character error rate is the number of digits to put in, leave out or change over the number of digits that stand
there. Intervals are Wilson's, of 95 %. Times are processor time; the general readers and lenetkit run on one core.

With ``reject=0.01`` lenetkit declines rather than guess, so that at most 1 % of what it accepts should be wrong; once
without and, where the number stands on one line, once with the number of digits given. Before that the time of a line
and of a page is taken, of lenetkit and, with ``--today PYTHON``, of the version that this interpreter has, in turn.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _number_readers import (
    Answer,
    Reader,
    digit_by_digit,
    install_general_readers,
    plain_way,
    read_generally,
    read_timed,
    take_turns,
)
from _number_sets import NumberSet, find_sets, timing_examples
from _numbers import edit_distance
from _shared import describe_machine, machine, markdown_table
from general_readers import REQUIREMENTS

from lenetkit import Pipeline, load_dataset
from lenetkit._utils.intervals import wilson_interval
from lenetkit.exceptions import DataError

Readings = dict[str, list[list[Answer]]]  # reader -> set -> image
Counts = Counter[str]

# Sets are counted together that begin with these words.
_GROUPS = {
    "real registers, all": "real registers",
    "real numbers, all": "real",
    "composed lines, all": "composed lines",
    "drawn, all": "drawn",
}
_LISTED = "scanned, photographed, drawn on a screen"
_REJECT = 0.01
_ROUNDS = 9


def with_groups(counts: dict[str, dict[str, Counts]]) -> dict[str, dict[str, Counts]]:
    """Return the counts of each set by reader, and those of the sets of a group together."""
    groups = {}
    for group, start in _GROUPS.items():
        members = [readers for name, readers in counts.items() if name.startswith(start)]
        if len(members) > 1:
            groups[group] = {reader: sum((readers[reader] for readers in members), Counter()) for reader in members[0]}
    return {**counts, **groups}


def percentage(count: int, n: int) -> str:
    """Return a percentage with its interval."""
    if not n:
        return ""
    low, high = wilson_interval(count / n, n)
    return f"{100 * count / n:.1f} ({100 * float(low):.0f}-{100 * float(high):.0f})"


def digits_of(text: str) -> str:
    """Return the digits 0 to 9 of a text."""
    return "".join(character for character in text if character in "0123456789")


def read_all(
    readers: dict[str, Reader], sets: Sequence[NumberSet], folder: Path | None
) -> tuple[Readings, dict[str, str]]:
    """Return what each reader reads on each image, digits alone, and why some general readers are left out."""
    readings: Readings = {name: [] for name in readers}
    for number_set in sets:
        print(f"{number_set.name}: {len(number_set.examples)} images", file=sys.stderr, flush=True)
        for name, reader in readers.items():
            readings[name].append([read_timed(reader, example.image) for example in number_set.examples])
    reasons = {} if folder is None else install_general_readers(folder)
    for name in [] if folder is None else REQUIREMENTS:
        answers = reasons.get(name) or read_generally(name, folder, sets)
        if isinstance(answers, str):
            reasons[name] = answers
        else:
            readings[name] = answers
    digits = {
        name: [[(digits_of(text), seconds) for text, seconds in answers] for answers in found]
        for name, found in readings.items()
    }
    return digits, reasons


def count(sets: Sequence[NumberSet], readings: Readings) -> dict[str, dict[str, Counts]]:
    """Return the counts of each set by reader, and of the groups."""
    counts: dict[str, dict[str, Counts]] = {}
    for index, number_set in enumerate(sets):
        counts[number_set.name] = {name: Counter() for name in readings}
        for name, answers in readings.items():
            for example, (text, seconds) in zip(number_set.examples, answers[index], strict=True):
                counts[number_set.name][name].update(
                    n=1,
                    exact=text == example.text,
                    digits=len(example.text),
                    wrong=edit_distance(text, example.text),
                    seconds=seconds,
                )
    return with_groups(counts)


def accuracy_tables(counts: dict[str, dict[str, Counts]]) -> Iterable[str]:
    """Give a table of the exact readings, one of the character error rates, and one of the times."""
    columns = {
        "Exact, % (95 % interval)": lambda count: percentage(count["exact"], count["n"]),
        "Character error rate, %": lambda count: (
            f"{100 * count['wrong'] / max(1, count['digits']):.1f}" * bool(count["digits"])
        ),
        "Processor time of an image, ms": lambda count: f"{1000 * count['seconds'] / count['n']:.0f}",
    }
    for title, figure in columns.items():
        rows = [
            [name, str(next(iter(readers.values()))["n"]), *(figure(count) for count in readers.values())]
            for name, readers in counts.items()
        ]
        header = ["set", "images", *next(iter(counts.values()))]
        yield f"{title}:\n\n{markdown_table(header, rows)}"


def list_readings(number_set: NumberSet, answers: dict[str, list[Answer]]) -> str:
    """Return a table of what is read on each image of a set."""
    rows = []
    for index, example in enumerate(number_set.examples):
        read = [answers[name][index][0] for name in answers]
        rows.append([example.name, example.text, *(text + (" x" if text != example.text else "") for text in read)])
    return f"What is read ({number_set.name}; x: wrong):\n\n{markdown_table(['image', 'says', *answers], rows)}"


def rejection_tables(pipeline: Pipeline, sets: Sequence[NumberSet]) -> Iterable[str]:
    """Give a table of what lenetkit accepts, one of numbers with all signs, and one with one line known."""
    counts: dict[str, dict[str, Counts]] = {}
    signs, lines = [], []
    for number_set in sets:
        counts[number_set.name] = {"free": Counter(), "length": Counter()}
        with_signs, with_lines = [], []
        for example in number_set.examples:
            if example.length is not None:
                with_lines.append(read_line(pipeline, example.image) == example.text)
            for kind, count in counts[number_set.name].items():
                if kind == "length" and example.length is None:
                    continue
                length = example.length if kind == "length" else None
                text, raw, rejected = read_or_reject(pipeline, example.image, length)
                count.update(n=1, accepted=not rejected, wrong=not rejected and text != example.text)
                if kind == "free" and example.raw:
                    with_signs.append(raw == example.raw)
        if with_signs:
            signs.append([number_set.name, str(len(with_signs)), percentage(sum(with_signs), len(with_signs))])
        if with_lines:
            lines.append([number_set.name, str(len(with_lines)), percentage(sum(with_lines), len(with_lines))])
    rows = []
    for name, kinds in with_groups(counts).items():
        figures = [
            (percentage(kind["accepted"], kind["n"]), percentage(kind["wrong"], kind["accepted"]))
            for kind in kinds.values()
        ]
        rows.append([name, str(kinds["free"]["n"]), *itertools.chain(*figures)])
    header = ["set", "images", "accepted", "wrong of these", "length known: accepted", "wrong of these"]
    yield f"lenetkit at reject={_REJECT}, % (95 % interval):\n\n{markdown_table(header, rows)}"
    header = ["set", "images", "lenetkit"]
    yield f"Exact with all signs and gaps, % (95 % interval):\n\n{markdown_table(header, signs)}"
    yield f"Exact where one line is known (lines=1), % (95 % interval):\n\n{markdown_table(header, lines)}"


def read_line(pipeline: Pipeline, image: Any) -> str:
    """Return the digits read in an image of one line."""
    try:
        return digits_of(pipeline.read_number(image, lines=1).text)
    except DataError:
        return ""


def read_or_reject(pipeline: Pipeline, image: Any, length: int | None) -> tuple[str, str, bool]:
    """Return the digits read, those with signs and gaps, and whether they are rejected."""
    try:
        reading = pipeline.read_number(image, reject=_REJECT, length=length)
    except DataError:
        return "", "", True
    return digits_of(reading.text), reading.raw, reading.rejected


def time_table(builds: dict[str, list[str]], folder: Path | None, names: Iterable[str]) -> str:
    """Return a table of the time of a line and a page: medians of the builds of lenetkit and of general readers."""
    examples = timing_examples()
    seconds = take_turns(builds, examples, _ROUNDS)
    repeated = [
        NumberSet(name=example.name, layout=layout, examples=[example] * _ROUNDS)
        for example, layout in zip(examples, ("line", "page"), strict=True)
    ]
    for name in names:
        answers = read_generally(name, folder, repeated) if folder else "none"
        if not isinstance(answers, str):
            seconds[name] = [[taken for _, taken in timed] for timed in answers]
    rows = [
        [example.name, *(f"{1000 * statistics.median(taken[index]):.0f}" for taken in seconds.values())]
        for index, example in enumerate(examples)
    ]
    table = markdown_table(["image", *seconds], rows)
    return f"Processor time, ms (median of {_ROUNDS}; versions of lenetkit in turn):\n\n{table}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the data")
    parser.add_argument("--pipeline", type=Path, help="a saved pipeline instead of the one that comes with lenetkit")
    parser.add_argument("--without-plain", action="store_true", help="leave out the plain way, which must be trained")
    parser.add_argument("--general-readers", type=Path, metavar="FOLDER", help="virtual environment for their packages")
    parser.add_argument(
        "--today", metavar="PYTHON", help="interpreter with another version of lenetkit, to time beside"
    )
    parser.add_argument("--drawn", type=int, default=25, help="how many numbers of each kind are drawn (default 25)")
    parser.add_argument("--lines", type=int, default=500, help="how many lines are composed of each kind (default 500)")
    parser.add_argument("--output", type=Path, help="write what is printed into this file too")
    parser.add_argument("--readings", type=Path, metavar="FILE.json", help="write all that is read into this file")
    given = parser.parse_args()
    pipeline = Pipeline.load(given.pipeline) if given.pipeline else Pipeline.pretrained()
    test = load_dataset("mnist", subset="test", data_dir=given.data, download=False)
    sets = list(find_sets(given.data, test, n_drawn=given.drawn, n_lines=given.lines))
    readers: dict[str, Reader] = {
        "lenetkit": lambda image: pipeline.read_number(image).text,
        "digit by digit": digit_by_digit(pipeline),
    }
    if not given.without_plain:
        readers["plain way"] = plain_way(given.data)
    parts: list[str] = []

    def show(part: str) -> None:
        print(f"{part}\n", flush=True)
        parts.append(part)
        if given.output:
            given.output.write_text("\n\n".join(parts) + "\n", "utf-8")

    show(describe_machine(machine()))
    readings, reasons = read_all(readers, sets, given.general_readers)
    for name, reason in reasons.items():
        show(f"{name} is left out: {reason}")
    if given.readings:
        given.readings.write_text(json.dumps(as_records(sets, readings), indent=1), "utf-8")
    for table in accuracy_tables(count(sets, readings)):
        show(table)
    for index, number_set in enumerate(sets):
        if number_set.name == _LISTED:
            show(list_readings(number_set, {name: answers[index] for name, answers in readings.items()}))
    builds = {"lenetkit": [sys.executable, *([str(given.pipeline)] if given.pipeline else [])]}
    if given.today:
        builds["lenetkit before"] = [given.today]
    show(time_table(builds, given.general_readers, [name for name in readings if name in REQUIREMENTS]))
    for table in rejection_tables(pipeline, sets):
        show(table)


def as_records(sets: Sequence[NumberSet], readings: Readings) -> list[dict[str, Any]]:
    """Return what is read on each image, for a JSON file."""
    return [
        {
            "set": number_set.name,
            "image": example.name,
            "says": example.text,
            "read": {name: answers[place][index][0] for name, answers in readings.items()},
        }
        for place, number_set in enumerate(sets)
        for index, example in enumerate(number_set.examples)
    ]


if __name__ == "__main__":
    main()
