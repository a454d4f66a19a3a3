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
    bodies = [piece for piece in pieces if _is_body(piece, digit_height)]
    strokes = [piece for piece in pieces if not _is_body(piece, digit_height)]
    lines = _whole(_grouped(sorted(bodies, key=lambda piece: piece.centre[1]), cells), digit_height)
    heights = [float(np.median([piece.height for piece in line])) for line in lines]
    odd = []
    for line, height in zip(lines, heights, strict=True):
        odd += [piece for piece in line if not _LOWEST * height <= piece.height <= _HIGHEST * height]
        line[:] = [piece for piece in line if _LOWEST * height <= piece.height <= _HIGHEST * height]
    # Strokes of a digit rather than dots: flags, bars and broken lines. Each is joined to the nearest body.
    large = [piece for piece in strokes if _is_large(piece, digit_height)]
    loose = [piece for piece in large if not _join_nearest(lines, piece, _NEAR * digit_height)]
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
    for piece in pieces:
        levels = [_level(rows[piece], [rows[other] for other in line[-_LAST:]]) for line in lines]
        best = int(np.argmax([*levels, _LEVEL]))
        if best == len(lines):
            lines.append([])
        lines[best].append(piece)
    return lines


def _rows(piece: Piece, cells: Sequence[Cell]) -> tuple[int, int]:
    """Return a piece's first and end row, or those of the cell that it is written into."""
    own = piece.top, piece.bottom
    return next(((cell.top, cell.bottom) for cell in cells if cell.holds(piece)), own)


def _level(rows: tuple[int, int], line: Sequence[tuple[int, int]]) -> float:
    """Return the fraction of the lower one's height that a piece has in common with the last ones of a line."""
    top, bottom = np.mean(line, axis=0)
    return float((min(bottom, rows[1]) - max(top, rows[0])) / min(rows[1] - rows[0], bottom - top))


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
    for over in upper:
        for under in lower:
            if under not in pairs and _is_over(over, under, height):
                pairs[under] = over
                break
    return [(over, under) for under, over in pairs.items()]


def _is_over(over: Piece, under: Piece, height: float) -> bool:
    """Return True where a piece lies closely over another."""
    shared = min(over.right, under.right) - max(over.left, under.left)
    close = abs(under.top - over.bottom) <= _HALVES_APART * height
    return close and shared >= _HALVES_OVER * min(over.width, under.width)


def _join_nearest(lines: list[list[Piece]], stroke: Piece, reach: float) -> bool:
    """Join a stroke to the piece whose box is nearest to its own, if that is within reach; tell whether it was."""
    distance, row, column = min(
        (
            (_distance(stroke, piece), row, column)
            for row, line in enumerate(lines)
            for column, piece in enumerate(line)
        ),
        default=(np.inf, 0, 0),
    )
    if distance <= reach:
        lines[row][column] = join([lines[row][column], stroke])
    return distance <= reach


def _join_halves(lines: list[list[Piece]], strokes: Sequence[Piece], height: float) -> list[Piece]:
    """Put digits that are broken into strokes one over the other on their lines; return the strokes left."""
    wholes: list[list[Piece]] = []
    for stroke in sorted(strokes, key=lambda piece: piece.top):
        near = next((whole for whole in wholes if _is_over(join(whole), stroke, height)), None)
        if near is None:
            wholes.append([stroke])
        else:
            near.append(stroke)
    left: list[Piece] = []
    for parts in wholes:
        whole = join(parts)
        levels = [_level((whole.top, whole.bottom), [(piece.top, piece.bottom) for piece in line]) for line in lines]
        if len(parts) > 1 and _is_body(whole, height) and max(levels, default=0.0) >= _LEVEL:
            line = lines[int(np.argmax(levels))]
            line[:] = sorted([*line, whole], key=lambda piece: piece.centre[1])
        else:
            left += parts
    return left


def _distance(one: Piece, other: Piece) -> float:
    """Return the pixels between two boxes."""
    down = max(one.top - other.bottom, other.top - one.bottom, 0)
    right = max(one.left - other.right, other.left - one.right, 0)
    return float(np.hypot(down, right))
