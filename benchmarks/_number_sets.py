"""The sets of whole numbers that ``whole_numbers.py`` reads: images with what they say."""

import csv
from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np
from _numbers import KINDS, drawn_picture, row_of_digits

from lenetkit.datasets import Dataset, read_image
from lenetkit.synthesis import LineSettings, draw_lines, draw_number, draw_paper

__all__ = ["Example", "NumberSet", "find_sets", "timing_examples"]

_LINES_SEED = 20_261_127
_GROUPS = {
    "cheque": ("real cheques: amounts", "line"),
    "register_easy": ("real registers: easy", "page"),
    "register_average": ("real registers: average", "page"),
    "register_difficult": ("real registers: difficult", "page"),
}


@attrs.frozen(kw_only=True, eq=False)
class Example:
    """An image and what it says.

    Parameters
    ----------
    name : str
        Of the image.
    image : ndarray of shape (height, width) or (height, width, 3)
        uint8.
    text : str
        The digits in reading order, nothing else.
    raw : str, optional
        With signs and gaps, where these are known.
    length : int, optional
        Number of digits; None where there are none, or several lines, since ``read_number`` takes it for each line.
    """

    name: str
    image: np.ndarray
    text: str
    raw: str | None = None
    length: int | None = None


@attrs.frozen(kw_only=True, eq=False)
class NumberSet:
    """Images of one kind.

    Parameters
    ----------
    name : str
        A part before a colon is shared by the sets that are also counted together.
    layout : {"line", "page"}
        Whether an image is one line, cut out, or more than that; general readers must be told.
    examples : list of Example
    """

    name: str
    layout: str
    examples: list[Example]


def find_sets(data: Path, test: Dataset, *, n_drawn: int, n_lines: int) -> Iterator[NumberSet]:
    """Give the real, the photographed, the composed and the drawn sets that have images."""
    groups = (
        _real_sets(data / "wild" / "numbers_real"),
        _wild_set(data / "wild" / "numbers"),
        _row_sets(test, n_drawn),
        _line_sets(test, n_lines),
        _drawn_sets(n_drawn),
    )
    return (number_set for group in groups for number_set in group if number_set.examples)


def timing_examples() -> list[Example]:
    """Return a line of 1,000 x 100 pixels and a page of 12 megapixels."""
    return [
        _on_paper("line of 1,000 x 100 pixels", "4075 9218 36", height=40, shape=(100, 1000)),
        _on_paper("page of 12 megapixels", "\n".join(["40759", "21836", "90417"] * 3), height=150, shape=(3000, 4000)),
    ]


def _on_paper(name: str, text: str, *, height: int, shape: tuple[int, int]) -> Example:
    number = draw_number(text, height=height, seed=4, spacing=0.2)
    sides = []
    for length, whole in zip(number.image.shape, shape, strict=True):
        if length > whole:
            raise ValueError(f"{text!r} takes {length} pixels of {whole}; draw it smaller.")
        sides.append(((whole - length) // 2, whole - length - (whole - length) // 2))
    written = attrs.evolve(number, image=np.pad(number.image, sides))
    return _example(name, written.on(draw_paper(*shape, noise=2.0, seed=4)), text)


def _example(name: str, image: np.ndarray, text: str) -> Example:
    digits = "".join(filter(str.isdigit, text))
    return Example(name=name, image=image, text=digits, length=None if "\n" in text else len(digits) or None)


def _real_sets(folder: Path) -> Iterator[NumberSet]:
    rows = _read_table(folder)
    for group, (name, layout) in _GROUPS.items():
        examples = [
            _example(row["file"], read_image(folder / row["file"]), row["transcription"])
            for row in rows
            if row["group"] == group
        ]
        yield NumberSet(name=name, layout=layout, examples=examples)


def _wild_set(folder: Path) -> Iterator[NumberSet]:
    examples = [
        _example(row["file"], read_image(folder / row["file"]), row["transcription"]) for row in _read_table(folder)
    ]
    yield NumberSet(name="scanned, photographed, drawn on a screen", layout="page", examples=examples)


def _read_table(folder: Path) -> list[dict[str, str]]:
    table = folder / "labels.csv"
    if not table.exists():
        return []
    with open(table, newline="") as file:
        return list(csv.DictReader(file))


def _row_sets(test: Dataset, n: int) -> Iterator[NumberSet]:
    for name, touching in (("apart", False), ("touching", True)):
        rows = (row_of_digits(np.asarray(test.images), test.labels, seed, touching=touching)[:2] for seed in range(n))
        examples = [_example(f"{name} {seed}", image, text) for seed, (image, text) in enumerate(rows)]
        yield NumberSet(name=f"rows of MNIST's test digits: {name}", layout="line", examples=examples)


def _line_sets(test: Dataset, n: int) -> Iterator[NumberSet]:
    empty: list[Example] = []
    settings = LineSettings(drawn=0)
    for name, digits in (("MNIST's test digits", test), ("the pen's digits", None)):
        examples = [
            Example(
                name=f"{name} {index}", image=line.image, text=line.text, raw=line.raw, length=len(line.text) or None
            )
            for index, line in enumerate(draw_lines(n, digits=digits, settings=settings, seed=_LINES_SEED))
        ]
        empty += [example for example in examples if not example.text]
        examples = [example for example in examples if example.text]
        yield NumberSet(name=f"composed lines: {name}", layout="line", examples=examples)
    yield NumberSet(name="composed paper without a number", layout="line", examples=empty)


def _drawn_sets(n: int) -> Iterator[NumberSet]:
    for kind in KINDS:
        drawn = (drawn_picture(kind, seed)[:2] for seed in range(n))
        examples = [_example(f"{kind} {seed}", image, text) for seed, (image, text) in enumerate(drawn)]
        yield NumberSet(name=f"drawn: {kind}", layout="page", examples=examples)
