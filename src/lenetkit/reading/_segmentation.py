"""Segmentation: connected pieces of ink on a page, and cuts through them.

In: the mask of all ink. Out: connected pieces, or parts of them, each with its own mask.
Next: :mod:`lenetkit.reading._text_lines` and :mod:`lenetkit.reading._candidates`.
"""

import bisect
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.budget import spend
from lenetkit.reading._price import PIECES

__all__ = [
    "Array",
    "Cut",
    "Piece",
    "cut_apart",
    "divide",
    "find_cuts",
    "find_pieces",
    "is_blot",
    "join",
    "label_pieces",
    "middle_height",
]

Array: TypeAlias = npt.NDArray[Any]

# A blot's box: shorter side by longer, and the fraction that is ink, and that is nearly its darkest. Of 4,870 of
# MNIST's training digits in rows 13 fill so much of their boxes, eights most of all, 1 with nearly its darkest; discs
# of 14 to 30 pixels all do.
_SIDES, _FILLED, _DARK = 0.55, 0.72, 0.8


@attrs.frozen(kw_only=True, eq=False)
class Piece:
    """Some ink, within the smallest box that holds it; everything is in pixels of the page."""

    top: int
    left: int
    mask: Array  # bool (height, width), the pixels of the box that belong to it

    @property
    def height(self) -> int:
        """Of the box, in pixels."""
        return int(self.mask.shape[0])

    @property
    def width(self) -> int:
        """Of the box, in pixels."""
        return int(self.mask.shape[1])

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.left + self.width

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the box's middle."""
        return (self.top + self.bottom) / 2, (self.left + self.right) / 2

    @property
    def area(self) -> int:
        """Pixels of ink."""
        return int(np.count_nonzero(self.mask))

    @property
    def outline(self) -> Array:
        """Its pixels with a neighbour, of 4, that does not belong to it: bool (height, width)."""
        around = np.zeros((self.height + 2, self.width + 2), bool)
        around[1:-1, 1:-1] = self.mask
        inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
        return np.asarray(self.mask > inner)

    @property
    def stroke(self) -> float:
        """Width of its strokes: twice the area over the length of the outline."""
        return 2 * self.area / max(1, int(np.count_nonzero(self.outline)))

    def of(self, page: Array) -> Array:
        """Return the part of a page that its box covers."""
        return page[self.top : self.bottom, self.left : self.right]


@attrs.frozen(kw_only=True, eq=False)
class Cut:
    """A way from the top of a piece to its bottom that crosses little ink."""

    columns: Array  # int (height,), for each row the first column to the right of the cut
    ink: int  # pixels of ink that it crosses


def is_blot(ink: Array, mask: Array) -> bool:
    """Tell whether a piece of ink, uint8 of its box, fills the box as a disc does, and as dark inside as at its edge.

    The loops of a broad 8 may be closed, but are paler.
    """
    height, width = mask.shape
    if min(height, width) <= _SIDES * max(height, width) or np.count_nonzero(mask) <= _FILLED * mask.size:
        return False
    dark = mask & (ink > _DARK * ink[mask].max())
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    box = (rows[-1] + 1 - rows[0]) * (columns[-1] + 1 - columns[0]) if len(rows) else 1
    return bool(np.count_nonzero(dark) > _FILLED * box)


def find_pieces(mask: Array, *, smallest: int) -> list[Piece]:
    """Return the connected pieces (8 neighbours) whose box is at least so many pixels high or wide.

    They are counted: a page of too many is refused by the budget of its picture.
    """
    from lenetkit._utils.ndimage import ndimage

    pieces = label_pieces(ndimage.label(mask, np.ones((3, 3)))[0], smallest=smallest)
    spend(PIECES, len(pieces), pixels=mask.size)
    return pieces


def label_pieces(labels: Array, *, top: int = 0, left: int = 0, smallest: int = 1) -> list[Piece]:
    """Return the pixels of each label from 1 on as a piece, those of the upper left corner at (top, left)."""
    from lenetkit._utils.ndimage import ndimage

    return [
        Piece(top=top + box[0].start, left=left + box[1].start, mask=labels[box] == label)
        for label, box in enumerate(ndimage.find_objects(labels), start=1)
        if box and max(side.stop - side.start for side in box) >= smallest
    ]


def join(pieces: Sequence[Piece]) -> Piece:
    """Return one piece that holds the ink of several."""
    if len(pieces) == 1:
        return pieces[0]
    top, left = min(piece.top for piece in pieces), min(piece.left for piece in pieces)
    bottom, right = max(piece.bottom for piece in pieces), max(piece.right for piece in pieces)
    mask = np.zeros((bottom - top, right - left), bool)
    for piece in pieces:
        mask[piece.top - top : piece.bottom - top, piece.left - left : piece.right - left] |= piece.mask
    return Piece(top=top, left=left, mask=mask)


def middle_height(pieces: Sequence[Piece]) -> float:
    """Return the median of heights, in which each piece counts as much as the square on its height."""
    heights = np.sort([piece.height for piece in pieces]).astype(float)
    weights = np.cumsum(heights**2) / np.sum(heights**2)
    return float(heights[int(np.searchsorted(weights, 0.5))])


def find_cuts(piece: Piece, *, distance: float, most_ink: float) -> list[Cut]:
    """Return cuts through a piece that cross less ink than those beside them, and at most `most_ink` pixels of it.

    `distance` is the least number of pixels between two of them.
    """
    ink = piece.mask.astype(np.float32)
    down, up = _cheapest(ink), _cheapest(ink[::-1])[::-1]
    # Among cuts through as much ink the straight one at the middle of a gap is kept.
    cuts: dict[bytes, Cut] = {}
    to_top, to_bottom = _steps_up(down), _steps_up(up[::-1])
    for row in sorted({int(fraction * piece.height) for fraction in _ROWS}):
        for column in _minima(down[row] + up[row] - ink[row], distance):
            above, below = _way(to_top, row, column), _way(to_bottom, piece.height - 1 - row, column)
            columns = np.array(above[::-1] + below[1:])
            crossed = int(piece.mask[np.arange(piece.height), columns].sum())
            if crossed <= most_ink:
                cuts[columns.tobytes()] = Cut(columns=columns, ink=crossed)
    return list(cuts.values())


# Rows, as fractions of a piece's height, through which the best cuts go. Three instead of one (commit e9eff39): more
# touching digits are parted rightly in benchmarks/whole_numbers.py.
_ROWS = (0.3, 0.5, 0.7)
# Cost of a step to the side in pixels of ink; set by eye, guarded by tests/reading.
_ASIDE = 0.5


def _cheapest(ink: Array) -> Array:
    """Return for each pixel the cost of the cheapest way to it from the top."""
    cost = np.pad(ink, ((0, 0), (1, 1)), constant_values=np.inf)
    for row in range(1, len(ink)):
        before = cost[row - 1]
        cost[row, 1:-1] += np.minimum(before[1:-1], np.minimum(before[:-2], before[2:]) + _ASIDE)
    return cost[:, 1:-1]


def _steps_up(cost: Array) -> list[list[int]]:
    """Return for each pixel below the top row the step to the side, -1 to 1, of the cheapest way to the row above."""
    padded = np.pad(cost[:-1], ((0, 0), (1, 1)), constant_values=np.inf)
    straight, left, right = padded[:, 1:-1], padded[:, :-2] + _ASIDE, padded[:, 2:] + _ASIDE
    aside = np.where(left < straight, -1, 0)
    steps: list[list[int]] = np.where(right < np.minimum(straight, left), 1, aside).tolist()
    return steps


def _way(steps: list[list[int]], row: int, column: int) -> list[int]:
    """Return the columns of the cheapest way from a pixel back to the top."""
    columns = [column]
    for above in range(row - 1, -1, -1):
        column += steps[above][column]
        columns.append(column)
    return columns


def _minima(cost: Array, distance: float) -> list[int]:
    """Return the columns whose cost is the least of all within a distance, the cheapest first served."""
    from lenetkit._utils.ndimage import ndimage

    least = ndimage.minimum_filter1d(cost, 2 * max(1, round(distance / 2)) + 1, mode="nearest")
    order = np.argsort(cost, kind="stable")
    is_free, reach = np.ones(len(cost), bool), math.ceil(distance) - 1
    minima = []
    for column in order[cost[order] <= least[order]].tolist():
        if is_free[column]:
            is_free[max(0, column - reach) : column + reach + 1] = False
            minima.append(column)
    return sorted(minima)


def divide(
    piece: Piece, cuts: Sequence[Cut], *, narrowest: float, lowest: float, least: float
) -> tuple[list[Piece], list[Cut]]:
    """Cut a piece wherever cuts allow, the first served before the others; return parts and cuts from left to right.

    Both sides of each cut are at least so wide and high, in pixels, and every part has at least `least` pixels of ink.
    """
    rows = np.arange(piece.height)
    # Ink of each row to the left of each column.
    before = np.zeros((piece.height, piece.width + 1), np.int64)
    np.cumsum(piece.mask, axis=1, out=before[:, 1:])
    kept: list[Cut] = []
    middles: list[float] = []
    areas = [0, piece.area]
    for cut, is_fit in zip(cuts, _have_two_sides(piece.mask, cuts, narrowest, lowest), strict=True):
        if not is_fit:
            continue
        middle, area = float(cut.columns.mean()), int(before[rows, cut.columns].sum())
        place = bisect.bisect_right(middles, middle)
        crosses = (place > 0 and (cut.columns < kept[place - 1].columns).any()) or (
            place < len(kept) and (kept[place].columns < cut.columns).any()
        )
        if not crosses and min(area - areas[place], areas[place + 1] - area) >= least:
            kept.insert(place, cut)
            middles.insert(place, middle)
            areas.insert(place + 1, area)
    return cut_apart(piece, kept) if kept else [piece], kept


def _have_two_sides(mask: Array, cuts: Sequence[Cut], narrowest: float, lowest: float) -> list[bool]:
    """Tell for each cut alone if the boxes around the ink at its left and its right are at least so wide and high."""
    if not cuts:
        return []
    height, width = mask.shape
    columns, rows = np.arange(width), np.arange(height)
    # The last column of ink before each column, and the first one from it on.
    last = np.full((height, width + 1), -1)
    np.maximum.accumulate(np.where(mask, columns, -1), axis=1, out=last[:, 1:])
    first = np.full((height, width + 1), width)
    first[:, :-1] = np.minimum.accumulate(np.where(mask, columns, width)[:, ::-1], axis=1)[:, ::-1]
    good = []
    for cut in cuts:
        left, right = last[rows, cut.columns], first[rows, cut.columns]
        in_left, in_right = np.flatnonzero(left >= 0), np.flatnonzero(right < width)
        if not len(in_left) or not len(in_right):
            good.append(False)
            continue
        widths = left.max() - first[in_left, 0].min() + 1, last[in_right, width].max() - right.min() + 1
        heights = np.ptp(in_left) + 1, np.ptp(in_right) + 1
        good.append(bool(min(widths) >= narrowest and min(heights) >= lowest))
    return good


def cut_apart(piece: Piece, cuts: Sequence[Cut]) -> list[Piece]:
    """Return the parts of a piece between cuts that do not cross, from left to right; all of it where they do."""
    columns = np.array([cut.columns for cut in cuts])
    if (np.diff(columns, axis=0) < 0).any():
        return [piece]
    owners = np.zeros((piece.height, piece.width + 1), np.int32)
    np.add.at(owners, (np.arange(piece.height), columns), 1)
    owners = owners[:, :-1].cumsum(axis=1)
    return label_pieces((owners + 1) * piece.mask, top=piece.top, left=piece.left)
