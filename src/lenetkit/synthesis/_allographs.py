"""Allographs: the forms of each digit in hands of different styles.

A form is a path: points ``x y`` in percent of the digit's height, x to the right, y downwards from the top (0) to the
line (100), joined by commas; ``|`` after a point makes it a corner, ``;`` lifts the pen. Next: the pen traces it.
"""

from collections.abc import Iterator, Mapping

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.synthesis._hands import HANDS

__all__ = ["ALLOGRAPHS", "STYLES", "Allograph", "Style"]


@attrs.frozen(kw_only=True)
class Style:
    """Common traits of the hands of one style besides their forms."""

    slant: float  # how far the top leans to the right, as a fraction of the height
    slant_spread: float  # standard deviation of the slant from hand to hand
    looseness: float  # of the bending of the forms; 1 is an ordinary hand


# Weight of a form of the varied hands beside the others of its digit: about half of all are theirs.
_HANDS_WEIGHT = 2.0

# Set by eye; tests/synthesis/test_drawing.py compares the proportions with MNIST's.
STYLES: Mapping[str, Style] = {
    "american": Style(slant=0.18, slant_spread=0.22, looseness=1.0),
    "continental": Style(slant=0.14, slant_spread=0.18, looseness=1.0),
    "school": Style(slant=0.05, slant_spread=0.07, looseness=0.5),
    "varied": Style(slant=0.14, slant_spread=0.22, looseness=1.1),
}


@attrs.frozen(kw_only=True, eq=False)
class Allograph:
    """One form of one digit."""

    digit: int
    weights: Mapping[str, float]  # of the styles that use it, in proportion to the digit's other forms
    points: npt.NDArray[np.float64]  # (k, 2), control points (x, y) in units of the digit's height
    strokes: tuple[tuple[int, ...], ...]  # for each the positions of its first point, its corners and its last point


# By name, "<digit>-<form>": the weight in each of the first three styles, and the path. The control points are
# lenetkit's own, set by eye beside handwriting of each style; tests/synthesis holds that what reads MNIST reads the
# American forms, and not all continental ones.
_FORMS: Mapping[str, tuple[tuple[float, float, float], str]] = {
    "0-oval": ((3, 3, 4), "38 0, 14 12, 2 46, 8 82, 32 100, 56 86, 66 50, 58 14, 36 1"),
    "0-overlapped": ((2, 2, 0), "50 6, 26 4, 6 30, 4 66, 22 97, 48 92, 66 60, 62 22, 42 3, 22 10, 14 26"),
    "0-curled": ((1.5, 1, 0), "44 4, 18 12, 3 48, 12 88, 36 99, 60 82, 68 44, 56 10, 36 8, 30 22, 44 26"),
    "1-stroke": ((8, 0.5, 1), "50 0, 49 33, 48 66, 47 100"),
    "1-flag": ((0.6, 1, 3), "29 23, 41 13, 52 0 | 51 50, 50 100"),
    "1-flag-base": ((0.6, 0, 1), "24 20, 38 13, 50 0 | 50 50, 49 99; 18 100, 50 99, 82 98"),
    "1-upstroke": ((0, 4, 0), "8 60, 30 33, 53 0 | 52 50, 51 100"),
    "1-tent": ((0, 3, 0), "0 94, 26 52, 54 0 | 60 50, 64 103"),
    "1-upstroke-base": ((0, 1.5, 0), "8 56, 30 30, 52 0 | 52 50, 50 98; 20 100, 50 99, 82 98"),
    "2-round": ((3, 3, 4), "8 24, 20 5, 44 0, 63 14, 60 38, 36 70, 4 98 | 36 97, 72 97"),
    "2-looped": ((3, 1, 0), "8 22, 24 3, 48 1, 62 16, 56 44, 36 76, 14 98, 3 90, 14 80, 38 90, 74 96"),
    "2-waved": ((1, 2, 0.5), "10 20, 26 3, 50 2, 62 18, 54 44, 30 74, 4 98 | 20 90, 38 93, 56 100, 78 91"),
    "2-flat": ((2, 1.5, 0), "4 14, 24 4, 58 4, 62 16, 36 54, 2 97 | 36 95, 76 96"),
    "3-round": ((3, 3, 4), "8 14, 28 1, 54 7, 57 28, 28 45 | 56 54, 66 76, 48 97, 22 100, 2 86"),
    "3-smooth": ((2, 2, 0), "8 14, 30 0, 57 11, 52 35, 36 45, 54 54, 65 74, 50 96, 22 100, 0 88"),
    "3-looped": ((1, 1, 0), "8 12, 30 0, 57 10, 52 36, 30 50, 22 44, 34 42, 58 58, 64 80, 42 99, 16 99, 0 86"),
    "3-flat": ((0.4, 1, 0.5), "4 3, 62 2 | 28 42 | 58 50, 66 74, 48 97, 22 100, 0 88"),
    "4-open": ((5, 2, 2), "16 3, 11 26, 7 50 | 36 53, 74 49; 64 4, 59 52, 56 100"),
    "4-closed": ((1.5, 0, 3), "52 0, 27 34, 2 67 | 40 66, 78 65; 54 1, 53 50, 52 100"),
    "4-curved": ((2, 0, 0), "12 6, 6 32, 20 50, 46 46, 66 22, 70 2 | 62 50, 56 102"),
    "4-slanted": ((0, 4, 1), "46 0, 24 34, 2 69 | 40 68, 80 65; 58 38, 53 70, 49 106"),
    "4-phi": ((0, 3, 0), "4 0, 8 28, 20 53, 42 54, 62 36, 66 13, 50 8, 32 28, 23 60, 25 84, 34 104"),
    "4-phi-upright": ((0, 2, 0), "4 10, 3 36, 20 54, 46 53, 66 34, 66 10, 52 4, 40 22, 36 56, 35 104"),
    "5-flagged": ((3, 3, 4), "18 4, 12 42 | 38 36, 62 50, 63 77, 44 98, 18 98, 0 86; 18 4, 42 3, 68 1"),
    "5-long-flagged": ((1.5, 0.5, 0), "16 8, 12 44 | 36 38, 56 54, 56 78, 38 98, 14 98, 0 88; 16 8, 50 5, 94 0"),
    "5-one-stroke": ((3, 1.5, 0), "68 1, 42 3, 20 4 | 13 43 | 38 37, 62 52, 61 79, 42 98, 18 99, 0 88"),
    "5-curved": ((1.5, 0.5, 0), "68 2, 36 3, 17 20, 28 41, 55 56, 58 80, 36 99, 12 98, 0 88"),
    "5-angular": ((0, 2.5, 0), "20 8, 12 46 | 36 52, 58 70, 48 92, 22 97, 0 94; 20 9, 44 6, 76 0"),
    "6-curved": ((3, 3, 4), "55 0, 28 20, 8 56, 9 86, 30 100, 53 90, 57 70, 40 56, 19 64, 9 82"),
    "6-straight": ((2, 2, 0), "44 0, 21 38, 4 74, 17 98, 44 95, 53 76, 38 60, 15 68, 5 82"),
    "6-hooked": ((1, 1, 0), "59 10, 48 0, 25 18, 7 56, 10 88, 32 100, 53 88, 53 68, 36 58, 17 68, 10 80"),
    "6-open": ((1, 1, 0), "49 0, 23 26, 6 62, 11 92, 34 100, 55 84, 51 64, 34 60, 25 70"),
    "7-plain": ((4, 0, 3), "4 6, 36 5, 68 3 | 46 48, 30 101"),
    "7-serif": ((1.5, 0.5, 0), "5 22, 8 4 | 38 5, 70 3 | 48 48, 32 101"),
    "7-waved": ((1.5, 0.5, 0), "2 14, 16 3, 44 8, 68 2 | 44 44, 34 74, 32 101"),
    "7-round": ((1.5, 0, 0), "4 13, 22 3, 54 1, 66 13, 52 46, 38 76, 32 101"),
    "7-crossed": ((0.3, 4, 1), "4 8, 36 6, 68 4 | 46 48, 28 102; 16 54, 44 52, 72 49"),
    "7-crossed-serif": ((0, 2, 0), "4 24, 8 5 | 38 6, 70 4 | 48 48, 30 102; 18 55, 46 52, 74 50"),
    "7-crossed-waved": ((0, 2, 0), "2 16, 16 3, 42 9, 70 2 | 46 48, 30 101; 16 56, 44 53, 72 48"),
    "7-x": ((0, 3, 0), "8 10, 34 0, 60 7, 60 28, 36 64, 2 104; 16 48, 44 70, 82 95"),
    "7-x-sharp": ((0, 1.5, 0), "2 6, 34 4, 66 3 | 40 50, 8 103; 12 36, 42 60, 78 88"),
    "8-crossed": ((3, 3, 2), "50 12, 31 0, 10 14, 17 38, 40 53, 53 76, 36 99, 10 92, 7 68, 28 49, 46 32, 49 12, 38 2"),
    "8-open": ((2, 1, 0), "52 6, 31 0, 11 14, 19 38, 40 54, 52 76, 34 99, 10 92, 8 69, 28 50, 46 30, 57 4"),
    "8-circles": (
        (0.7, 0.7, 2),
        "29 47, 10 36, 10 11, 29 0, 48 11, 47 36, 29 47; 29 46, 5 60, 5 88, 29 100, 53 88, 52 60, 29 46",
    ),
    "9-straight": ((3, 2, 3), "50 16, 37 2, 13 6, 3 27, 17 43, 39 36, 51 11 | 50 56, 47 101"),
    "9-curved": ((1, 3, 1), "50 15, 35 1, 12 7, 3 29, 18 44, 40 38, 52 13, 55 41, 47 82, 29 100, 7 92"),
    "9-leaning": ((2.5, 1, 0), "55 7, 35 0, 10 16, 7 38, 24 43, 45 27, 57 4 | 45 45, 29 102"),
    "9-open": ((1.5, 0, 0), "42 5, 22 4, 5 20, 7 38, 24 43, 44 29, 54 5 | 49 54, 44 101"),
    "9-tall": ((0, 2, 0), "44 46, 22 50, 3 42, 10 20, 32 0, 46 9, 45 44, 54 70, 45 98, 27 130"),
}


def _allograph(name: str, weights: Mapping[str, float], path: str) -> Allograph:
    points: list[list[str]] = []
    strokes = []
    for stroke in path.split(";"):
        corners = [len(points)]
        for piece in stroke.split("|"):
            points += [point.split() for point in piece.split(",")]
            corners.append(len(points) - 1)
        strokes.append(tuple(corners))
    used = {style: float(weight) for style, weight in weights.items() if weight}
    return Allograph(digit=int(name[0]), weights=used, points=np.array(points, float) / 100, strokes=tuple(strokes))


def _weights(american: float, continental: float, school: float) -> dict[str, float]:
    """Return the weight in each style; the varied hands have the forms of grown-ups of both continents, too."""
    weights = (american, continental, school, (american + continental) / 2)
    return dict(zip(STYLES, weights, strict=True))


def _all_forms() -> Iterator[tuple[str, Allograph]]:
    """Yield each name with its form, in the order of the digits."""
    for digit in "0123456789":
        for name, (weights, path) in _FORMS.items():
            if name[0] == digit:
                yield name, _allograph(name, _weights(*weights), path)
        for name, form in HANDS.items():
            if name[0] == digit:
                yield name, _allograph(name, {"varied": _HANDS_WEIGHT * form.weight}, form.path)


ALLOGRAPHS: Mapping[str, Allograph] = dict(_all_forms())
