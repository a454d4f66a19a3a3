"""Segmentation: connected pieces of ink on a page, and cuts through them.

In: the mask of all ink. Out: connected pieces, or parts of them, each with its own mask.
Next: :mod:`lenetkit.reading._text_lines` and :mod:`lenetkit.reading._candidates`.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Cut", "Piece", "cut_apart", "find_cuts", "find_pieces", "join", "label_pieces", "middle_height"]

Array: TypeAlias = npt.NDArray[Any]


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
        around = np.pad(self.mask, 1)
        inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
        return np.asarray(self.mask & ~inner)

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


def find_pieces(mask: Array, *, smallest: int) -> list[Piece]:
    """Return the connected pieces (8 neighbours) whose box is at least so many pixels high or wide."""
    from lenetkit._utils.ndimage import ndimage

    return label_pieces(ndimage.label(mask, np.ones((3, 3)))[0], smallest=smallest)


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
    for row in sorted({int(fraction * piece.height) for fraction in _ROWS}):
        for column in _minima(down[row] + up[row] - ink[row], distance):
            below = _way(up[::-1], piece.height - 1 - row, column)
            columns = np.concatenate([_way(down, row, column)[::-1], below[1:]])
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
    cost = ink.copy()
    for row in range(1, len(ink)):
        before = np.pad(cost[row - 1], 1, constant_values=np.inf)
        cost[row] += np.minimum(before[1:-1], np.minimum(before[:-2], before[2:]) + _ASIDE)
    return cost


def _way(cost: Array, row: int, column: int) -> Array:
    """Return the columns of the cheapest way from a pixel back to the top."""
    columns = [column]
    for above in range(row - 1, -1, -1):
        choices = [
            (cost[above, near] + _ASIDE * (near != column), near)
            for near in (column, column - 1, column + 1)
            if 0 <= near < cost.shape[1]
        ]
        column = min(choices, key=lambda choice: choice[0])[1]
        columns.append(column)
    return np.array(columns)


def _minima(cost: Array, distance: float) -> list[int]:
    """Return the columns whose cost is the least of all within a distance, the cheapest first served."""
    minima: list[int] = []
    reach = max(1, round(distance / 2))
    for column in np.argsort(cost, kind="stable").tolist():
        is_least = cost[column] <= cost[max(0, column - reach) : column + reach + 1].min()
        if is_least and all(abs(column - other) >= distance for other in minima):
            minima.append(column)
    return sorted(minima)


def cut_apart(piece: Piece, cuts: Sequence[Cut]) -> list[Piece]:
    """Return the parts of a piece between cuts that do not cross, from left to right; all of it where they do."""
    columns = np.array([cut.columns for cut in cuts])
    if (np.diff(columns, axis=0) < 0).any():
        return [piece]
    owners = (np.arange(piece.width) >= columns[:, :, np.newaxis]).sum(axis=0)
    return label_pieces((owners + 1) * piece.mask, top=piece.top, left=piece.left)
