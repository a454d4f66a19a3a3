"""Lines of writing, made of pieces of ink.

In: the pieces of a page. Out: for each line its pieces from left to right, and the height of its digits; specks, dots
and remains of rules are in none.
Next: :mod:`lenetkit.reading._candidates`.
"""

import itertools
from collections.abc import Sequence

import attrs
import numpy as np

from lenetkit.reading._segmentation import Piece, join

__all__ = ["Line", "find_lines"]

# Set by eye on drawn and written pages, and guarded by tests/reading (several lines, broken strokes, specks);
# benchmarks/whole_numbers.py shows the effect of a change. In digit heights: the height of a body, the width of its
# strokes, the length and width of a loose stroke, and the distance at which it belongs to a body.
_LOWEST, _HIGHEST, _WIDEST_STROKE = 0.45, 2.6, 0.45
_SMALLEST_STROKE, _WIDEST_LOOSE, _NEAR = 0.22, 1.2, 0.15
# The distance of the halves of a broken digit, and the fraction of the narrower one's width that lies over the other.
_HALVES_APART, _HALVES_OVER = 0.2, 0.3
# The fraction of the lower one's height that neighbours on a line have in common, and so many last ones are compared.
_LEVEL, _LAST = 0.4, 3
_ENDS = "top", "bottom"


@attrs.frozen(kw_only=True, eq=False)
class Line:
    """A line of writing."""

    pieces: tuple[Piece, ...]  # from left to right; each is a digit, a part of one, or several that touch
    height: float  # of its digits, in pixels of the page


def find_lines(pieces: Sequence[Piece], digit_height: float) -> list[Line]:
    """Return the lines of writing from top to bottom."""
    are_bodies = [_is_body(piece, digit_height) for piece in pieces]
    bodies = list(itertools.compress(pieces, are_bodies))
    lines = _whole(_grouped(sorted(bodies, key=lambda piece: piece.centre[1])), digit_height)
    heights = [float(np.median([piece.height for piece in line])) for line in lines]
    lines = [
        [piece for piece in line if _LOWEST * height <= piece.height <= _HIGHEST * height]
        for line, height in zip(lines, heights, strict=True)
    ]
    # Strokes of a digit rather than dots: flags, bars and broken lines. Each is joined to the nearest body.
    strokes = [
        piece
        for piece, is_body in zip(pieces, are_bodies, strict=True)
        if not is_body
        and max(piece.height, piece.width) >= _SMALLEST_STROKE * digit_height
        and piece.width <= _WIDEST_LOOSE * digit_height
    ]
    lines = _join_nearest(lines, strokes, _NEAR * digit_height)
    found = [Line(pieces=tuple(line), height=height) for line, height in zip(lines, heights, strict=True) if line]
    return sorted(found, key=lambda line: _middle(line.pieces))


def _is_body(piece: Piece, height: float) -> bool:
    return _LOWEST * height <= piece.height <= _HIGHEST * height and piece.stroke <= _WIDEST_STROKE * height


def _middle(line: Sequence[Piece]) -> float:
    """Return the mean row of the pieces' middles."""
    return float(np.mean([piece.centre[0] for piece in line]))


def _grouped(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Put each piece behind those that it is level with."""
    lines: list[list[Piece]] = []
    # Mean top and bottom of the last pieces of each line.
    tops, bottoms = np.empty(len(pieces)), np.empty(len(pieces))
    for piece in pieces:
        top, bottom = tops[: len(lines)], bottoms[: len(lines)]
        # The fraction of the lower one's height that the piece has in common with a line.
        shared = np.minimum(bottom, piece.bottom) - np.maximum(top, piece.top)
        best = int(np.argmax(np.append(shared / np.minimum(piece.height, bottom - top), _LEVEL)))
        if best == len(lines):
            lines.append([])
        lines[best].append(piece)
        last = lines[best][-_LAST:]
        tops[best], bottoms[best] = (float(np.mean([getattr(other, side) for other in last])) for side in _ENDS)
    return lines


def _whole(lines: list[list[Piece]], height: float) -> list[list[Piece]]:
    """Join lines that are the upper and the lower half of one, as a gap through all digits makes them."""
    joined: list[list[Piece]] = []
    for line in sorted(lines, key=_middle):
        partners = _partners(joined[-1], line, height) if joined else []
        if partners and 2 * len(partners) >= len(joined[-1]) + len(line) - 2 * len(partners):
            matched = set(itertools.chain.from_iterable(partners))
            rest = [piece for piece in (*joined.pop(), *line) if piece not in matched]
            line = sorted([*rest, *map(join, partners)], key=lambda piece: piece.centre[1])
        joined.append(line)
    return joined


def _partners(upper: Sequence[Piece], lower: Sequence[Piece], height: float) -> list[tuple[Piece, Piece]]:
    """Return the pairs of pieces of two lines that lie closely over one another."""
    pairs: dict[Piece, Piece] = {}
    if not lower:
        return []
    tops, lefts, rights, widths = np.array([(one.top, one.left, one.right, one.width) for one in lower]).T
    is_free = np.ones(len(lower), bool)
    for over in upper:
        shared = np.minimum(over.right, rights) - np.maximum(over.left, lefts)
        is_close = np.abs(tops - over.bottom) <= _HALVES_APART * height
        fits = is_free & is_close & (shared >= _HALVES_OVER * np.minimum(over.width, widths))
        if fits.any():
            first = int(fits.argmax())
            is_free[first] = False
            pairs[lower[first]] = over
    return [(over, under) for under, over in pairs.items()]


def _join_nearest(lines: list[list[Piece]], strokes: Sequence[Piece], reach: float) -> list[list[Piece]]:
    """Join each stroke to the piece whose box, with what was joined to it, is nearest to its own and within reach."""
    groups = [[piece] for line in lines for piece in line]
    if not groups:
        return lines
    top, bottom, left, right = np.array([(one.top, one.bottom, one.left, one.right) for (one,) in groups]).T
    for stroke in strokes:
        down = np.maximum(np.maximum(stroke.top - bottom, top - stroke.bottom), 0)
        aside = np.maximum(np.maximum(stroke.left - right, left - stroke.right), 0)
        distances = np.hypot(down, aside)
        nearest = int(distances.argmin())
        if distances[nearest] <= reach:
            groups[nearest].append(stroke)
            top[nearest], bottom[nearest] = min(top[nearest], stroke.top), max(bottom[nearest], stroke.bottom)
            left[nearest], right[nearest] = min(left[nearest], stroke.left), max(right[nearest], stroke.right)
    joined = map(join, groups)
    return [list(itertools.islice(joined, len(line))) for line in lines]
