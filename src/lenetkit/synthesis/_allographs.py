"""How each digit is written: the forms (allographs) that hands of one style or another give it.

The control points are lenetkit's own, set down by eye. A form is written as a path: points ``x y`` in percent of the
digit's height, x to the right, y downwards from the top (0) to the line (100), joined by commas. ``|`` after a point
makes it a corner, ``;`` lifts the pen.
"""

from collections.abc import Mapping

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["ALLOGRAPHS", "STYLES", "Allograph", "Style"]

Piece = tuple[int, ...]


@attrs.frozen(kw_only=True)
class Style:
    """What the hands of one style have in common besides their forms.

    Parameters
    ----------
    slant : float
        How far the top leans to the right, as a share of the height.
    slant_spread : float
        Standard deviation of `slant` from hand to hand.
    looseness : float
        How freely the forms are bent; 1 is an ordinary hand.
    """

    slant: float
    slant_spread: float
    looseness: float


STYLES: Mapping[str, Style] = {
    "american": Style(slant=0.18, slant_spread=0.22, looseness=1.0),
    "continental": Style(slant=0.14, slant_spread=0.18, looseness=1.0),
    "school": Style(slant=0.05, slant_spread=0.07, looseness=0.5),
}


@attrs.frozen(kw_only=True, eq=False)
class Allograph:
    """One form of one digit.

    Parameters
    ----------
    name : str
        ``"<digit>-<form>"``.
    digit : int
        What it means, 0 to 9.
    weights : mapping of str to float
        The styles that use it, and how often in proportion to the digit's other forms.
    points : ndarray of shape (k, 2)
        Control points (x, y) in units of the digit's height.
    strokes : tuple of tuple of Piece
        For each stroke the smooth pieces it is made of, each the positions of its points; neighbours share a corner.
    """

    name: str
    digit: int
    weights: Mapping[str, float]
    points: npt.NDArray[np.float64]
    strokes: tuple[tuple[Piece, ...], ...]


def _allograph(name: str, styles: str, path: str) -> Allograph:
    weights = {style: float(weight) for style, weight in (entry.split() for entry in styles.split(","))}
    points: list[tuple[float, float]] = []
    strokes = []
    for stroke in path.split(";"):
        pieces: list[Piece] = []
        for piece in stroke.split("|"):
            start = len(points)
            points += [(float(x) / 100, float(y) / 100) for x, y in (point.split() for point in piece.split(","))]
            corner = (start - 1,) if pieces else ()
            pieces.append((*corner, *range(start, len(points))))
        strokes.append(tuple(pieces))
    return Allograph(name=name, digit=int(name[0]), weights=weights, points=np.array(points), strokes=tuple(strokes))


_ALL = (
    _allograph(
        "0-oval", "american 3, continental 3, school 4", "38 0, 14 12, 2 46, 8 82, 32 100, 56 86, 66 50, 58 14, 36 1"
    ),
    _allograph(
        "0-overlapped",
        "american 2, continental 2",
        "50 6, 26 4, 6 30, 4 66, 22 97, 48 92, 66 60, 62 22, 42 3, 22 10, 14 26",
    ),
    _allograph(
        "0-curled",
        "american 1.5, continental 1",
        "44 4, 18 12, 3 48, 12 88, 36 99, 60 82, 68 44, 56 10, 36 8, 30 22, 44 26",
    ),
    _allograph("1-stroke", "american 8, continental 0.5, school 1", "50 0, 49 33, 48 66, 47 100"),
    _allograph("1-flag", "american 0.6, continental 1, school 3", "29 23, 41 13, 52 0 | 51 50, 50 100"),
    _allograph("1-flag-base", "american 0.6, school 1", "24 20, 38 13, 50 0 | 50 50, 49 99; 18 100, 50 99, 82 98"),
    _allograph("1-upstroke", "continental 4", "8 60, 30 33, 53 0 | 52 50, 51 100"),
    _allograph("1-tent", "continental 3", "0 94, 26 52, 54 0 | 60 50, 64 103"),
    _allograph("1-upstroke-base", "continental 1.5", "8 56, 30 30, 52 0 | 52 50, 50 98; 20 100, 50 99, 82 98"),
    _allograph(
        "2-round", "american 3, continental 3, school 4", "8 24, 20 5, 44 0, 63 14, 60 38, 36 70, 4 98 | 36 97, 72 97"
    ),
    _allograph(
        "2-looped",
        "american 3, continental 1",
        "8 22, 24 3, 48 1, 62 16, 56 44, 36 76, 14 98, 3 90, 14 80, 38 90, 74 96",
    ),
    _allograph(
        "2-waved",
        "american 1, continental 2, school 0.5",
        "10 20, 26 3, 50 2, 62 18, 54 44, 30 74, 4 98 | 20 90, 38 93, 56 100, 78 91",
    ),
    _allograph("2-flat", "american 2, continental 1.5", "4 14, 24 4, 58 4, 62 16, 36 54, 2 97 | 36 95, 76 96"),
    _allograph(
        "3-round",
        "american 3, continental 3, school 4",
        "8 14, 28 1, 54 7, 57 28, 28 45 | 56 54, 66 76, 48 97, 22 100, 2 86",
    ),
    _allograph(
        "3-smooth", "american 2, continental 2", "8 14, 30 0, 57 11, 52 35, 36 45, 54 54, 65 74, 50 96, 22 100, 0 88"
    ),
    _allograph(
        "3-looped",
        "american 1, continental 1",
        "8 12, 30 0, 57 10, 52 36, 30 50, 22 44, 34 42, 58 58, 64 80, 42 99, 16 99, 0 86",
    ),
    _allograph(
        "3-flat", "american 0.4, continental 1, school 0.5", "4 3, 62 2 | 28 42 | 58 50, 66 74, 48 97, 22 100, 0 88"
    ),
    _allograph(
        "4-open", "american 5, continental 2, school 2", "16 3, 11 26, 7 50 | 36 53, 74 49; 64 4, 59 52, 56 100"
    ),
    _allograph("4-closed", "american 1.5, school 3", "52 0, 27 34, 2 67 | 40 66, 78 65; 54 1, 53 50, 52 100"),
    _allograph("4-curved", "american 2", "12 6, 6 32, 20 50, 46 46, 66 22, 70 2 | 62 50, 56 102"),
    _allograph("4-slanted", "continental 4, school 1", "46 0, 24 34, 2 69 | 40 68, 80 65; 58 38, 53 70, 49 106"),
    _allograph("4-phi", "continental 3", "4 0, 8 28, 20 53, 42 54, 62 36, 66 13, 50 8, 32 28, 23 60, 25 84, 34 104"),
    _allograph("4-phi-upright", "continental 2", "4 10, 3 36, 20 54, 46 53, 66 34, 66 10, 52 4, 40 22, 36 56, 35 104"),
    _allograph(
        "5-flagged",
        "american 3, continental 3, school 4",
        "18 4, 12 42 | 38 36, 62 50, 63 77, 44 98, 18 98, 0 86; 18 4, 42 3, 68 1",
    ),
    _allograph(
        "5-long-flagged",
        "american 1.5, continental 0.5",
        "16 8, 12 44 | 36 38, 56 54, 56 78, 38 98, 14 98, 0 88; 16 8, 50 5, 94 0",
    ),
    _allograph(
        "5-one-stroke",
        "american 3, continental 1.5",
        "68 1, 42 3, 20 4 | 13 43 | 38 37, 62 52, 61 79, 42 98, 18 99, 0 88",
    ),
    _allograph(
        "5-curved", "american 1.5, continental 0.5", "68 2, 36 3, 17 20, 28 41, 55 56, 58 80, 36 99, 12 98, 0 88"
    ),
    _allograph("5-angular", "continental 2.5", "20 8, 12 46 | 36 52, 58 70, 48 92, 22 97, 0 94; 20 9, 44 6, 76 0"),
    _allograph(
        "6-curved",
        "american 3, continental 3, school 4",
        "55 0, 28 20, 8 56, 9 86, 30 100, 53 90, 57 70, 40 56, 19 64, 9 82",
    ),
    _allograph("6-straight", "american 2, continental 2", "44 0, 21 38, 4 74, 17 98, 44 95, 53 76, 38 60, 15 68, 5 82"),
    _allograph(
        "6-hooked",
        "american 1, continental 1",
        "59 10, 48 0, 25 18, 7 56, 10 88, 32 100, 53 88, 53 68, 36 58, 17 68, 10 80",
    ),
    _allograph("6-open", "american 1, continental 1", "49 0, 23 26, 6 62, 11 92, 34 100, 55 84, 51 64, 34 60, 25 70"),
    _allograph("7-plain", "american 4, school 3", "4 6, 36 5, 68 3 | 46 48, 30 101"),
    _allograph("7-serif", "american 1.5, continental 0.5", "5 22, 8 4 | 38 5, 70 3 | 48 48, 32 101"),
    _allograph("7-waved", "american 1.5, continental 0.5", "2 14, 16 3, 44 8, 68 2 | 44 44, 34 74, 32 101"),
    _allograph("7-round", "american 1.5", "4 13, 22 3, 54 1, 66 13, 52 46, 38 76, 32 101"),
    _allograph(
        "7-crossed", "american 0.3, continental 4, school 1", "4 8, 36 6, 68 4 | 46 48, 28 102; 16 54, 44 52, 72 49"
    ),
    _allograph("7-crossed-serif", "continental 2", "4 24, 8 5 | 38 6, 70 4 | 48 48, 30 102; 18 55, 46 52, 74 50"),
    _allograph("7-crossed-waved", "continental 2", "2 16, 16 3, 42 9, 70 2 | 46 48, 30 101; 16 56, 44 53, 72 48"),
    _allograph("7-x", "continental 3", "8 10, 34 0, 60 7, 60 28, 36 64, 2 104; 16 48, 44 70, 82 95"),
    _allograph("7-x-sharp", "continental 1.5", "2 6, 34 4, 66 3 | 40 50, 8 103; 12 36, 42 60, 78 88"),
    _allograph(
        "8-crossed",
        "american 3, continental 3, school 2",
        "50 12, 31 0, 10 14, 17 38, 40 53, 53 76, 36 99, 10 92, 7 68, 28 49, 46 32, 49 12, 38 2",
    ),
    _allograph(
        "8-open",
        "american 2, continental 1",
        "52 6, 31 0, 11 14, 19 38, 40 54, 52 76, 34 99, 10 92, 8 69, 28 50, 46 30, 57 4",
    ),
    _allograph(
        "8-circles",
        "american 0.7, continental 0.7, school 2",
        "29 47, 10 36, 10 11, 29 0, 48 11, 47 36, 29 47; 29 46, 5 60, 5 88, 29 100, 53 88, 52 60, 29 46",
    ),
    _allograph(
        "9-straight",
        "american 3, continental 2, school 3",
        "50 16, 37 2, 13 6, 3 27, 17 43, 39 36, 51 11 | 50 56, 47 101",
    ),
    _allograph(
        "9-curved",
        "american 1, continental 3, school 1",
        "50 15, 35 1, 12 7, 3 29, 18 44, 40 38, 52 13, 55 41, 47 82, 29 100, 7 92",
    ),
    _allograph(
        "9-leaning", "american 2.5, continental 1", "55 7, 35 0, 10 16, 7 38, 24 43, 45 27, 57 4 | 45 45, 29 102"
    ),
    _allograph("9-open", "american 1.5", "42 5, 22 4, 5 20, 7 38, 24 43, 44 29, 54 5 | 49 54, 44 101"),
    _allograph("9-tall", "continental 2", "44 46, 22 50, 3 42, 10 20, 32 0, 46 9, 45 44, 54 70, 45 98, 27 130"),
)

ALLOGRAPHS: Mapping[str, Allograph] = {allograph.name: allograph for allograph in _ALL}
