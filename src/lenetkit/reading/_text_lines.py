"""Lines of writing, made of pieces of ink.

In: the pieces of a page. Out: for each line its pieces from left to right, and the height of its digits; specks, dots
and remains of rules are in none.
Next: :mod:`lenetkit.reading._candidates`.
"""

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


@attrs.frozen(kw_only=True, eq=False)
class Line:
    """A line of writing."""

    pieces: tuple[Piece, ...]  # from left to right; each is a digit, a part of one, or several that touch
    height: float  # of its digits, in pixels of the page


def find_lines(pieces: Sequence[Piece], digit_height: float) -> list[Line]:
    """Return the lines of writing from top to bottom."""
    bodies = [piece for piece in pieces if _is_body(piece, digit_height)]
    lines = _whole(_grouped(sorted(bodies, key=lambda piece: piece.centre[1])), digit_height)
    heights = [float(np.median([piece.height for piece in line])) for line in lines]
    lines = [
        [piece for piece in line if _LOWEST * height <= piece.height <= _HIGHEST * height]
        for line, height in zip(lines, heights, strict=True)
    ]
    # Strokes of a digit rather than dots: flags, bars and broken lines. Each is joined to the nearest body.
    for stroke in pieces:
        large = max(stroke.height, stroke.width) >= _SMALLEST_STROKE * digit_height
        if large and stroke.width <= _WIDEST_LOOSE * digit_height and not _is_body(stroke, digit_height):
            _join_nearest(lines, stroke, _NEAR * digit_height)
    found = [Line(pieces=tuple(line), height=height) for line, height in zip(lines, heights, strict=True) if line]
    return sorted(found, key=lambda line: float(np.mean([piece.centre[0] for piece in line.pieces])))


def _is_body(piece: Piece, height: float) -> bool:
    fits = _LOWEST * height <= piece.height <= _HIGHEST * height
    return fits and piece.stroke <= _WIDEST_STROKE * height


def _grouped(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Put each piece behind those that it is level with."""
    lines: list[list[Piece]] = []
    for piece in pieces:
        levels = [_level(piece, line[-_LAST:]) for line in lines]
        best = int(np.argmax(levels)) if levels else 0
        if levels and levels[best] >= _LEVEL:
            lines[best].append(piece)
        else:
            lines.append([piece])
    return lines


def _level(piece: Piece, line: Sequence[Piece]) -> float:
    """Return the fraction of the lower one's height that a piece has in common with the last ones of a line."""
    top, bottom = (float(np.mean([getattr(other, side) for other in line])) for side in ("top", "bottom"))
    return (min(bottom, piece.bottom) - max(top, piece.top)) / min(piece.height, bottom - top)


def _whole(lines: list[list[Piece]], height: float) -> list[list[Piece]]:
    """Join lines that are the upper and the lower half of one, as a gap through all digits makes them."""
    lines = sorted(lines, key=lambda line: float(np.mean([piece.centre[0] for piece in line])))
    joined: list[list[Piece]] = []
    for line in lines:
        partners = _partners(joined[-1], line, height) if joined else []
        if partners and 2 * len(partners) >= len(joined[-1]) + len(line) - 2 * len(partners):
            upper = joined.pop()
            matched = {half for pair in partners for half in pair}
            rest = [piece for piece in (*upper, *line) if id(piece) not in matched]
            both = {id(piece): piece for piece in (*upper, *line)}
            line = rest + [join([both[one], both[other]]) for one, other in partners]
            line.sort(key=lambda piece: piece.centre[1])
        joined.append(line)
    return joined


def _partners(upper: Sequence[Piece], lower: Sequence[Piece], height: float) -> list[tuple[int, int]]:
    """Return the pairs of pieces of two lines that lie closely over one another, by their ids."""
    pairs: list[tuple[int, int]] = []
    for over in upper:
        for under in lower:
            shared = min(over.right, under.right) - max(over.left, under.left)
            close = abs(under.top - over.bottom) <= _HALVES_APART * height
            fresh = all(id(under) != other for _, other in pairs)
            if close and fresh and shared >= _HALVES_OVER * min(over.width, under.width):
                pairs.append((id(over), id(under)))
                break
    return pairs


def _join_nearest(lines: list[list[Piece]], stroke: Piece, reach: float) -> None:
    """Join a stroke to the piece whose box is nearest to its own, if that is within reach."""
    nearest, where = np.inf, (0, 0)
    for row, line in enumerate(lines):
        for column, piece in enumerate(line):
            down = max(stroke.top - piece.bottom, piece.top - stroke.bottom, 0)
            right = max(stroke.left - piece.right, piece.left - stroke.right, 0)
            if (distance := float(np.hypot(down, right))) < nearest:
                nearest, where = distance, (row, column)
    if nearest <= reach:
        row, column = where
        lines[row][column] = join([lines[row][column], stroke])
