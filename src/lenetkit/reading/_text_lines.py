"""Lines of writing, made of pieces of ink.

In: the pieces of a page. Out: for each line its pieces from left to right, and the height of its digits; specks, dots
and remains of rules are in none.
Next: :mod:`lenetkit.reading._candidates`.
"""

import itertools
from collections.abc import Sequence

import attrs
import numpy as np

from lenetkit.reading._frames import Cell
from lenetkit.reading._segmentation import Array, Piece, join

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


@attrs.frozen(kw_only=True, eq=False)
class Line:
    """A line of writing."""

    pieces: tuple[Piece, ...]  # from left to right; each is a digit, a part of one, or several that touch
    height: float  # of its digits, in pixels of the page


def find_lines(
    pieces: Sequence[Piece], digit_height: float, cells: Sequence[Cell] = ()
) -> tuple[list[Line], list[Piece]]:
    """Return the lines of writing from top to bottom, and the pieces that are in none.

    All that is written into boxes side by side, `cells`, is on one line.
    """
    are_bodies = [_is_body(piece, digit_height) for piece in pieces]
    bodies = list(itertools.compress(pieces, are_bodies))
    strokes = [piece for piece, is_body in zip(pieces, are_bodies, strict=True) if not is_body]
    lines = _whole(_grouped(sorted(bodies, key=lambda piece: piece.centre[1]), cells), digit_height)
    heights = [float(np.median([piece.height for piece in line])) for line in lines]
    odd = []
    for line, height in zip(lines, heights, strict=True):
        odd += [piece for piece in line if not _LOWEST * height <= piece.height <= _HIGHEST * height]
        line[:] = [piece for piece in line if _LOWEST * height <= piece.height <= _HIGHEST * height]
    # Strokes of a digit rather than dots: flags, bars and broken lines. Each is joined to the nearest body.
    large = [piece for piece in strokes if _is_large(piece, digit_height)]
    lines, loose = _join_nearest(lines, large, _NEAR * digit_height)
    loose = _join_halves(lines, loose, digit_height)
    found = [Line(pieces=tuple(line), height=height) for line, height in zip(lines, heights, strict=True) if line]
    small = [piece for piece in strokes if not _is_large(piece, digit_height)]
    return sorted(found, key=lambda line: _middle(line.pieces)), odd + loose + small


def _is_large(stroke: Piece, height: float) -> bool:
    size = max(stroke.height, stroke.width)
    return size >= _SMALLEST_STROKE * height and stroke.width <= _WIDEST_LOOSE * height


def _is_body(piece: Piece, height: float) -> bool:
    return _LOWEST * height <= piece.height <= _HIGHEST * height and piece.stroke <= _WIDEST_STROKE * height


def _middle(line: Sequence[Piece]) -> float:
    """Return the mean row of the pieces' middles."""
    return float(np.mean([piece.centre[0] for piece in line]))


def _grouped(pieces: Sequence[Piece], cells: Sequence[Cell]) -> list[list[Piece]]:
    """Put each piece behind those that it is level with."""
    lines: list[list[Piece]] = []
    rows = {piece: _rows(piece, cells) for piece in pieces}
    # Mean top and bottom of the last pieces of each line.
    tops, bottoms = np.empty(len(pieces)), np.empty(len(pieces))
    for piece in pieces:
        top, bottom = tops[: len(lines)], bottoms[: len(lines)]
        best = int(np.argmax(np.append(_level(rows[piece], top, bottom), _LEVEL)))
        if best == len(lines):
            lines.append([])
        lines[best].append(piece)
        tops[best], bottoms[best] = np.mean([rows[other] for other in lines[best][-_LAST:]], axis=0)
    return lines


def _rows(piece: Piece, cells: Sequence[Cell]) -> tuple[int, int]:
    """Return a piece's first and end row, or those of the cell that it is written into."""
    own = piece.top, piece.bottom
    return next(((cell.top, cell.bottom) for cell in cells if cell.holds(piece)), own)


def _level(rows: tuple[int, int], tops: Array, bottoms: Array) -> Array:
    """Return the fraction of the lower one's height that a piece has in common with each line."""
    shared = np.minimum(bottoms, rows[1]) - np.maximum(tops, rows[0])
    return np.asarray(shared / np.minimum(rows[1] - rows[0], bottoms - tops))


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


def _join_nearest(
    lines: list[list[Piece]], strokes: Sequence[Piece], reach: float
) -> tuple[list[list[Piece]], list[Piece]]:
    """Join each stroke to the piece whose box, with what was joined to it, is nearest to its own and within reach.

    Return the lines and the strokes that are left.
    """
    groups = [[piece] for line in lines for piece in line]
    if not groups:
        return lines, list(strokes)
    top, bottom, left, right = np.array([(one.top, one.bottom, one.left, one.right) for (one,) in groups]).T
    left_over = []
    for stroke in strokes:
        down = np.maximum(np.maximum(stroke.top - bottom, top - stroke.bottom), 0)
        aside = np.maximum(np.maximum(stroke.left - right, left - stroke.right), 0)
        distances = np.hypot(down, aside)
        nearest = int(distances.argmin())
        if distances[nearest] <= reach:
            groups[nearest].append(stroke)
            top[nearest], bottom[nearest] = min(top[nearest], stroke.top), max(bottom[nearest], stroke.bottom)
            left[nearest], right[nearest] = min(left[nearest], stroke.left), max(right[nearest], stroke.right)
        else:
            left_over.append(stroke)
    joined = map(join, groups)
    return [list(itertools.islice(joined, len(line))) for line in lines], left_over


def _join_halves(lines: list[list[Piece]], strokes: Sequence[Piece], height: float) -> list[Piece]:
    """Put digits that are broken into strokes one over the other on their lines; return the strokes left."""
    wholes: list[Piece] = []
    parts: list[list[Piece]] = []
    for stroke in sorted(strokes, key=lambda piece: piece.top):
        over = next((index for index, whole in enumerate(wholes) if _partners([whole], [stroke], height)), None)
        if over is None:
            wholes.append(stroke)
            parts.append([stroke])
        else:
            parts[over].append(stroke)
            wholes[over] = join(parts[over])
    ends = [np.mean([(one.top, one.bottom) for one in line], axis=0) for line in lines]
    tops, bottoms = np.array(ends).reshape(-1, 2).T
    left: list[Piece] = []
    for whole, strokes in zip(wholes, parts, strict=True):
        levels = _level((whole.top, whole.bottom), tops, bottoms)
        if len(strokes) > 1 and _is_body(whole, height) and levels.max(initial=0.0) >= _LEVEL:
            line = lines[int(np.argmax(levels))]
            line[:] = sorted([*line, whole], key=lambda piece: piece.centre[1])
        else:
            left += strokes
    return left
