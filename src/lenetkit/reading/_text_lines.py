"""From pieces of ink to lines of writing.

In: the pieces of a page. Out: for each line its pieces from left to right, and how high its digits are; specks, dots
and what is left of rules are in none.
Next: :mod:`lenetkit.reading._candidates`.
"""

from collections.abc import Sequence

import attrs
import numpy as np

from lenetkit.reading._segmentation import Piece, join

__all__ = ["Line", "find_lines"]

# All in digit heights.
_LOWEST, _HIGHEST = 0.45, 2.6
_SMALLEST_STROKE = 0.22
_NEAR = 0.15
_WIDEST_STROKE = 0.45
_HALVES_APART = 0.2

# So much of the lower one's height neighbours on a line share.
_LEVEL = 0.4


@attrs.frozen(kw_only=True, eq=False)
class Line:
    """A line of writing.

    Parameters
    ----------
    pieces : tuple of Piece
        From left to right; each is a digit, a part of one, or several that touch.
    height : float
        How high its digits are, in pixels of the page.
    """

    pieces: tuple[Piece, ...]
    height: float


def find_lines(pieces: Sequence[Piece], digit_height: float) -> list[Line]:
    """Return the lines of writing from top to bottom."""
    bodies = [piece for piece in pieces if _is_body(piece, digit_height)]
    lines = _whole(_grouped(sorted(bodies, key=lambda piece: piece.centre[1])), digit_height)
    heights = [float(np.median([piece.height for piece in line])) for line in lines]
    lines = [
        [piece for piece in line if _LOWEST * height <= piece.height <= _HIGHEST * height]
        for line, height in zip(lines, heights, strict=True)
    ]
    strokes = [piece for piece in pieces if _is_stroke(piece, digit_height) and not _is_body(piece, digit_height)]
    _take_in(lines, strokes, digit_height)
    found = [Line(pieces=tuple(line), height=height) for line, height in zip(lines, heights, strict=True) if line]
    return sorted(found, key=lambda line: float(np.mean([piece.centre[0] for piece in line.pieces])))


def _is_body(piece: Piece, height: float) -> bool:
    fits = _LOWEST * height <= piece.height <= _HIGHEST * height
    return fits and piece.stroke <= _WIDEST_STROKE * height


def _is_stroke(piece: Piece, height: float) -> bool:
    """Tell whether a piece is large enough to be a stroke of a digit, rather than a dot."""
    return max(piece.height, piece.width) >= _SMALLEST_STROKE * height and piece.width <= 1.2 * height


def _grouped(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Put each piece behind those that it is level with."""
    lines: list[list[Piece]] = []
    for piece in pieces:
        levels = [_level(piece, line[-3:]) for line in lines]
        best = int(np.argmax(levels)) if levels else 0
        if levels and levels[best] >= _LEVEL:
            lines[best].append(piece)
        else:
            lines.append([piece])
    return lines


def _level(piece: Piece, line: Sequence[Piece]) -> float:
    """Return which share of the lower one's height a piece has in common with the last ones of a line."""
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
            matched = {place for pair in partners for place in pair}
            rest = [piece for piece in (*upper, *line) if id(piece) not in matched]
            both = {id(piece): piece for piece in (*upper, *line)}
            line = rest + [join([both[one], both[other]]) for one, other in partners]
            line.sort(key=lambda piece: piece.centre[1])
        joined.append(line)
    return joined


def _partners(upper: Sequence[Piece], lower: Sequence[Piece], height: float) -> list[tuple[int, int]]:
    """Return which pieces of two lines lie closely over one another, as pairs of their ids."""
    pairs: list[tuple[int, int]] = []
    for over in upper:
        for under in lower:
            shared = min(over.right, under.right) - max(over.left, under.left)
            close = abs(under.top - over.bottom) <= _HALVES_APART * height
            fresh = all(id(under) != other for _, other in pairs)
            if close and fresh and shared >= 0.3 * min(over.width, under.width):
                pairs.append((id(over), id(under)))
                break
    return pairs


def _take_in(lines: list[list[Piece]], strokes: Sequence[Piece], height: float) -> None:
    """Add each stroke that lies beside or over a piece to that piece: flags, bars and broken lines."""
    for stroke in strokes:
        nearest = min(
            (
                (_distance(stroke, piece), number, place)
                for number, line in enumerate(lines)
                for place, piece in enumerate(line)
            ),
            default=(np.inf, 0, 0),
        )
        if nearest[0] <= _NEAR * height:
            _, number, place = nearest
            lines[number][place] = join([lines[number][place], stroke])


def _distance(one: Piece, other: Piece) -> float:
    """Return how far the boxes of two pieces are apart."""
    down = max(one.top - other.bottom, other.top - one.bottom, 0)
    right = max(one.left - other.right, other.left - one.right, 0)
    return float(np.hypot(down, right))
