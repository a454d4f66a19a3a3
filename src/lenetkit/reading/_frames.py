"""Frames that digits are written into, such as the joined boxes of a form: found, and taken off the page.

In: a mask of possible ink. Out: the mask without its frames, and the cells of each.
Next: :mod:`lenetkit.reading._page`.
"""

from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from lenetkit.reading._segmentation import Array, Piece, find_pieces, label_pieces

__all__ = ["Cell", "find_gaps", "without_frames"]

# Set on drawn boxes (1 to 9 of 48 to 100 pixels, lines of 1 to 4) and guarded by tests/reading/test_frames.py; ruled
# and squared paper must stay what it is. The shorter side of a cell in pixels, and as a fraction of its frame's.
_SMALLEST_CELL, _SHARE_OF_FRAME = 10, 0.1
# The fraction of its box that a cell fills (a round hole fills 0.79), and that the cells of a frame fill together.
_RECTANGULAR, _CELLS = 0.88, 0.6
# The most of a frame's box that is ink.
_MOST_INK = 0.5
# The height of ink within a cell that counts, as a fraction of the cell's.
_WRITTEN = 0.15
# The most of a frame's own ink that may lie within its cells: digits that touch it. Squared paper that is written on
# has more, and no ink that hangs together with none of its lines.
_TOUCHING = 0.4


@attrs.frozen(kw_only=True)
class Cell:
    """A box of a frame, in pixels of the page; right and bottom are just outside."""

    left: int
    top: int
    right: int
    bottom: int
    frame: int  # index of its frame on the page
    is_empty: bool

    def holds(self, piece: Piece) -> bool:
        """Return True where the middle of a piece lies within the cell."""
        row, column = piece.centre
        return self.left <= column < self.right and self.top <= row < self.bottom


def without_frames(mask: Array) -> tuple[Array, list[Cell]]:
    """Return the mask without the lines of frames that hold writing, and the frames' cells."""
    pieces = find_pieces(mask, smallest=_SMALLEST_CELL)
    boxes = np.array([(piece.left, piece.top, piece.right, piece.bottom) for piece in pieces]).reshape(-1, 4)
    out, cells = mask, list[Cell]()
    for frame, (left, top, right, bottom) in zip(pieces, boxes.tolist(), strict=True):
        if min(frame.height, frame.width) <= _SMALLEST_CELL or frame.area > _MOST_INK * frame.height * frame.width:
            continue
        within = (boxes[:, :2] > (left, top)).all(axis=1) & (boxes[:, 2:] < (right, bottom)).all(axis=1)
        holes = [_Hole(piece=hole, hull=_hull(hole)) for hole in _find_holes(frame)] if within.any() else []
        inks = [[pieces[index] for index in np.flatnonzero(within) if hole.holds(pieces[index])] for hole in holes]
        if not any(inks) or not _is_frame(frame, holes):
            continue
        lines = frame.mask.copy()
        for hole in holes:
            hole.of(lines, frame)[hole.hull] = False
        if out is mask:
            out = mask.copy()
        frame.of(out)[lines] = False
        n_frames = cells[-1].frame + 1 if cells else 0
        cells += [hole.cell(frame=n_frames, is_empty=not ink) for hole, ink in zip(holes, inks, strict=True)]
    return out, cells


def find_gaps(cells: Sequence[Cell]) -> list[Cell]:
    """Return the empty cells that stand between written ones."""
    return [cell for cell in cells if cell.is_empty and {True, False} <= {*_sides(cell, cells)}]


def _sides(cell: Cell, cells: Sequence[Cell]) -> Iterator[bool]:
    """Yield for each written cell in the same row of the same frame whether it stands to the right."""
    for other in cells:
        level = min(cell.bottom, other.bottom) - max(cell.top, other.top) > (cell.bottom - cell.top) / 2
        if other.frame == cell.frame and level and not other.is_empty:
            yield other.left > cell.left


@attrs.frozen(kw_only=True, eq=False)
class _Hole:
    """A part of the page that a piece surrounds."""

    piece: Piece
    hull: Array  # bool, the piece's pixels with what strokes from the side cut out of it

    def holds(self, ink: Piece) -> bool:
        return ink.height >= _WRITTEN * self.piece.height and _holds(self.piece, ink)

    def of(self, mask: Array, frame: Piece) -> Array:
        """Return the part of a mask of the frame's box that the hole's box covers."""
        top, left = self.piece.top - frame.top, self.piece.left - frame.left
        return mask[top : top + self.piece.height, left : left + self.piece.width]

    def cell(self, *, frame: int, is_empty: bool) -> Cell:
        hole = self.piece
        box = {side: getattr(hole, side) for side in ("left", "top", "right", "bottom")}
        return Cell(**box, frame=frame, is_empty=is_empty)


def _holds(outer: Piece, inner: Piece) -> bool:
    return (
        outer.left < inner.left and outer.top < inner.top and inner.right < outer.right and inner.bottom < outer.bottom
    )


def _find_holes(frame: Piece) -> list[Piece]:
    """Return what the piece surrounds, without specks."""
    from lenetkit._utils.ndimage import ndimage

    smallest = max(_SMALLEST_CELL, _SHARE_OF_FRAME * min(frame.height, frame.width))
    # A diagonal step of a line one pixel wide does not let the paper through: 4 neighbours.
    labels, _ = ndimage.label(~np.pad(frame.mask, 1))
    labels[labels == labels[0, 0]] = 0
    holes = label_pieces(labels[1:-1, 1:-1], top=frame.top, left=frame.left)
    return [hole for hole in holes if min(hole.height, hole.width) >= smallest]


def _hull(hole: Piece) -> Array:
    """Fill each row and each column of a hole between its first and its last pixel."""
    out = hole.mask.copy()
    for view, mask in ((out, hole.mask), (out.T, hole.mask.T)):
        ahead, behind = np.maximum.accumulate(mask, axis=1), np.maximum.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
        view |= ahead & behind
    return out


def _is_frame(frame: Piece, cells: list[_Hole]) -> bool:
    """Return True where the cells are rectangles that fill the frame, and little of its ink lies in them."""
    areas = [np.count_nonzero(cell.hull) for cell in cells]
    boxes = [cell.piece.height * cell.piece.width for cell in cells]
    touching = sum(np.count_nonzero(cell.of(frame.mask, frame) & cell.hull) for cell in cells)
    return bool(
        sum(areas) >= _RECTANGULAR * sum(boxes)
        and sum(boxes) >= _CELLS * frame.height * frame.width
        and touching <= _TOUCHING * frame.area
    )
