"""Ruled lines: ink that goes from border to border, level or upright, and what crosses it.

In: a mask of what may be ink, bool (height, width). Out: the same without lines, if a digit is left; otherwise
unchanged, since a tightly cut 7 has a line from border to border too.
Next: :func:`lenetkit._ink.pieces.without_frames`.
"""

from typing import NamedTuple

import numpy as np

from lenetkit._ink.grey import Array
from lenetkit._ink.pieces import COARSE, CROSSING, reaches_across

__all__ = ["reduce_rows", "runs_near_the_middle", "without_lines"]

_EIGHT = np.ones((3, 3))  # neighbours that make one piece

# Where no source is given, the number was set by eye on the development pictures, as in lenetkit._ink.paper.

# Lines are at most so steep (4 degrees).
_STEEPEST = 0.07
# A line shows in 7 of 8 equal parts of the width, in each on this fraction of the columns. Wrong: 18 results change, 11
# fewer are read.
_PARTS, _PARTS_NEEDED, _COLUMNS_NEEDED = 8, 7, 0.5
# A line is looked for so far from where it should be.
_REACH = 0.05
# A line is at most so thick, as a fraction of the longer side: a bar of a digit that fills the picture is thicker.
_THICKEST = 0.02
# Lines are erased only if a piece is left that is clear of a border this wide and this large beside the largest.
_CLEAR_BORDER, _LARGE_ENOUGH = 0.02, 0.25


class _Line(NamedTuple):
    """Row in the middle of the picture, and rows per column."""

    row: float
    steepness: float


def without_lines(mask: Array) -> Array:
    """Remove lines that go from border to border, level or upright, and keep what crosses them."""
    out = mask.copy()
    for view in (out, out.T):
        _erase_lines(view, _find_lines(view))
    return out if (out != mask).any() and _holds_digit(out, mask) else mask


def _holds_digit(left: Array, mask: Array) -> bool:
    """Tell whether a piece clear of the border is left, not much smaller than the largest there was."""
    from lenetkit._utils.ndimage import ndimage

    labels, count = ndimage.label(left, _EIGHT)
    if count == 0:
        return False
    margin = max(1, round(_CLEAR_BORDER * min(mask.shape)))
    at_border = np.zeros(count + 1, bool)
    for rim in (labels[:margin], labels[-margin:], labels[:, :margin], labels[:, -margin:]):
        at_border[rim] = True
    areas = np.bincount(labels[left], minlength=count + 1)
    return bool(np.where(at_border, 0, areas).max() >= _LARGE_ENOUGH * areas.max())


def _find_lines(mask: Array) -> list[_Line]:
    if not reaches_across(mask):
        return []
    scale = -(-max(mask.shape) // COARSE)
    coarse = reduce_rows(reduce_rows(mask, scale).T, scale).T
    height, width = coarse.shape
    if width < 2 * _PARTS:
        return []
    rows, columns = np.nonzero(coarse)
    reach = int(_STEEPEST * width / 2) + 1
    part_of = np.arange(width) * _PARTS // width
    sizes = np.bincount(part_of)
    steeps = np.linspace(-_STEEPEST, _STEEPEST, 4 * reach + 1)
    shape = len(steeps), height + 2 * reach, _PARTS
    shifted = np.rint(rows - steeps[:, np.newaxis] * (columns - width / 2)).astype(int) + reach
    shifted += shape[1] * np.arange(shape[0])[:, np.newaxis]
    shifted *= _PARTS
    shifted += part_of[columns]
    counts = np.bincount(shifted.ravel(), minlength=shape[0] * shape[1] * shape[2]).reshape(shape)
    parts = (counts >= _COLUMNS_NEEDED * sizes).sum(axis=2)
    found = parts >= _PARTS_NEEDED
    if not found.any():
        return []
    score = np.zeros(found.shape)
    score[found] = parts[found] + 0.1 * np.minimum(counts[found] / sizes, 1).mean(axis=1)
    best, steepness = score.max(axis=0), steeps[score.argmax(axis=0)]
    lines = []
    while best.max() >= _PARTS_NEEDED:
        row = int(best.argmax())
        best[max(0, row - 2) : row + 3] = 0
        lines.append(_Line((row - reach + 0.5) * scale - 0.5, steepness[row]))
    return lines


def reduce_rows(mask: Array, scale: int) -> Array:
    """Return for each so many rows, and those that are left over, where any of them is set."""
    found = mask[::scale].copy()
    for row in range(1, scale):
        others = mask[row::scale]
        found[: len(others)] |= others
    return found


def _erase_lines(mask: Array, lines: list[_Line]) -> None:
    """Remove, column by column, the run of pixels on each line, unless it is longer than the line is thick."""
    if not lines:
        return
    height, width = mask.shape
    longest, reach = max(height, width), max(8, round(_REACH * height))
    # Room for lines that leave the picture.
    room, size = 2 * reach + 1, 2 * reach + 1
    padded = np.zeros((width, height + 2 * room), bool)  # a column's pixels are beside one another
    padded[:, room:-room] = mask.T
    strips = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)
    columns = np.arange(width)
    across = columns - (width - 1) / 2
    row, steepness = np.array(lines).T
    # The coarse picture says where the line is within a few pixels, its own pixels say it exactly.
    for tolerance in (2 * -(-longest // COARSE) + 2, 2):
        top = np.rint(row[:, np.newaxis] + steepness[:, np.newaxis] * across).astype(int) - reach
        start = np.minimum(np.maximum(top, -room), height) + room
        strip = strips[columns, start]
        first, last = (edge.reshape(top.shape) for edge in runs_near_the_middle(strip.reshape(-1, size), tolerance))
        lengths = last - first
        there = lengths > 0
        thickness = _ranked(lengths, there, 0.25)
        is_line = there.any(axis=1) & (thickness <= 1 + _THICKEST * longest)
        thin = there & is_line[:, np.newaxis] & (lengths <= CROSSING * thickness[:, np.newaxis] + 1)
        row, steepness = _fit(across, top + (first + last - 1) / 2, thin, row, steepness)
    erased = np.where(thin, lengths, 0).reshape(-1)
    within = np.arange(erased.sum()) - np.repeat(erased.cumsum() - erased, erased)
    first_place = columns * padded.shape[1] + start + first
    padded.reshape(-1)[np.repeat(first_place.reshape(-1), erased) + within] = False
    mask[:] = padded[:, room:-room].T


def _ranked(values: Array, chosen: Array, fraction: float) -> Array:
    """Return, of the chosen values of each row (n, m), what ``numpy.quantile`` does: (n,), 0 where there are none."""
    last = np.maximum(np.count_nonzero(chosen, axis=1) - 1, 0)
    ordered = np.sort(np.where(chosen, values, np.inf), axis=1)
    place = fraction * last
    low = place.astype(int)
    rows = np.arange(len(values))
    below, above = ordered[rows, low], ordered[rows, np.minimum(low + 1, last)]
    there = chosen.any(axis=1)
    below, above = (np.where(there, found, 0) for found in (below, above))
    return np.asarray(below + (above - below) * (place - low))


def _fit(columns: Array, rows: Array, chosen: Array, row: Array, steepness: Array) -> tuple[Array, Array]:
    """Return row and steepness (n,) of the lines through chosen points (n, m), those far from it left out.

    Lines whose points are too few, or too near to one another, stay as they were.
    """
    near, is_wide = chosen, np.ones(len(rows), bool)
    for _ in range(2):
        count = np.maximum(np.count_nonzero(near, axis=1), 1)
        # The columns are in order.
        is_wide = (
            is_wide
            & near.any(axis=1)
            & (columns[-1 - near[:, ::-1].argmax(axis=1)] - columns[near.argmax(axis=1)] >= _PARTS)
        )
        middle, level = ((near * values).sum(axis=1) / count for values in (columns, rows))
        across = near * (columns - middle[:, np.newaxis])
        steep = (across * (rows - level[:, np.newaxis])).sum(axis=1) / np.maximum((across * across).sum(axis=1), 1)
        level -= steep * middle
        distances = np.abs(rows - level[:, np.newaxis] - steep[:, np.newaxis] * columns)
        near = chosen & (distances <= 2 * _ranked(distances, chosen, 0.5)[:, np.newaxis] + 0.5)
    return np.where(is_wide, level, row), np.where(is_wide, steep, steepness)


def runs_near_the_middle(strip: Array, tolerance: int) -> tuple[Array, Array]:
    """Return begin and end of the run of pixels in each row of a strip that is nearest to the middle of the row.

    They are equal where there is none.
    """
    width, size = strip.shape
    places = np.arange(size, dtype=np.int16)
    order = np.argsort(np.abs(places - size // 2), kind="stable").astype(np.int16)[: 2 * tolerance + 1]
    nearest = order[strip[:, order].argmax(axis=1)][:, np.newaxis]
    there = strip[np.arange(width), nearest[:, 0]]
    # At the end of each row is a gap.
    ends = np.ones((2, width, size + 1), bool)
    np.logical_and(~strip, places > nearest, out=ends[0, :, :-1])
    np.logical_and(~strip[:, ::-1], places[::-1] < nearest, out=ends[1, :, :-1])
    last, first = ends[0].argmax(axis=1), size - ends[1].argmax(axis=1)
    return first, np.where(there, last, first)
