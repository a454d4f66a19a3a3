"""Ruled lines, dashed ones, and frames are not part of a digit.

In: a mask (height, width) of what may be ink. Out: the same without lines from border to border and without frames,
if a digit is left; otherwise unchanged, since a tightly cut 7 has a line from border to border too.
Next: :mod:`lenetkit._ink.pieces`, which chooses among what is left.
"""

from typing import NamedTuple

import numpy as np

from lenetkit._ink.arrays import Array

__all__ = ["without_frames", "without_lines"]

# Lines are looked for on at most so many pixels, and at most so steep (4 degrees).
_COARSE = 128
_STEEPEST = 0.07

# A line shows in that many of that many equal parts of the width, in each on this share of the columns.
_PARTS = 8
_PARTS_NEEDED = 7
_SHARE_NEEDED = 0.5


class _Line(NamedTuple):
    """Row in the middle of the picture, and rows per column."""

    row: float
    steepness: float


def without_lines(mask: Array) -> Array:
    """Remove lines that go from border to border, level or upright, and keep what crosses them."""
    out = mask.copy()
    for view in (out, out.T):
        for line in _find_lines(view):
            _erase_line(view, line)
    return out if (out != mask).any() and _holds_digit(out, mask) else mask


def _holds_digit(left: Array, mask: Array) -> bool:
    """Tell whether a piece clear of the border is left, not much smaller than the largest there was."""
    from scipy import ndimage

    labels, count = ndimage.label(left, np.ones((3, 3)))
    if count == 0:
        return False
    margin = max(1, round(0.02 * min(mask.shape)))
    at_border = np.zeros(count + 1, bool)
    for rim in (labels[:margin], labels[-margin:], labels[:, :margin], labels[:, -margin:]):
        at_border[rim] = True
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    return bool(np.where(at_border, 0, areas).max() >= 0.25 * areas.max())


def _find_lines(mask: Array) -> list[_Line]:
    scale = -(-max(mask.shape) // _COARSE)
    coarse = _reduce(mask, scale)
    height, width = coarse.shape
    rows, columns = np.nonzero(coarse)
    if width < 2 * _PARTS or not _reaches_both_sides(coarse):
        return []
    reach = int(_STEEPEST * width / 2) + 1
    part_of = np.arange(width) * _PARTS // width
    sizes = np.bincount(part_of)
    best, steepness = np.zeros(height + 2 * reach), np.zeros(height + 2 * reach)
    for steep in np.linspace(-_STEEPEST, _STEEPEST, 4 * reach + 1):
        shifted = np.rint(rows - steep * (columns - width / 2)).astype(int) + reach
        counts = np.bincount(shifted * _PARTS + part_of[columns], minlength=len(best) * _PARTS)
        shares = np.minimum(counts.reshape(-1, _PARTS) / sizes, 1)
        score = (shares >= _SHARE_NEEDED).sum(axis=1) + 0.1 * shares.mean(axis=1)
        steepness = np.where(score > best, steep, steepness)
        best = np.maximum(best, score)
    lines = []
    while best.max() >= _PARTS_NEEDED:
        row = int(best.argmax())
        best[max(0, row - 2) : row + 3] = 0
        lines.append(_Line((row - reach + 0.5) * scale - 0.5, steepness[row]))
    return lines


def _reduce(mask: Array, scale: int) -> Array:
    """Return whether any pixel of each block is set."""
    if scale == 1:
        return mask
    height, width = (-(-length // scale) * scale for length in mask.shape)
    padded = np.zeros((height, width), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    return np.asarray(padded.reshape(height // scale, scale, width // scale, scale).any(axis=(1, 3)))


def _reaches_both_sides(coarse: Array) -> bool:
    margin = max(1, round(0.03 * coarse.shape[1]))
    return bool(coarse[:, :margin].any() and coarse[:, -margin:].any())


def _erase_line(mask: Array, line: _Line) -> None:
    """Remove, column by column, the run of pixels on the line, unless it is longer than the line is thick."""
    height, width = mask.shape
    columns = np.arange(width)
    # The coarse picture says where the line is within a few pixels, its own pixels say it exactly.
    for tolerance in (2 * -(-max(mask.shape) // _COARSE) + 2, 2):
        middle = np.rint(line.row + line.steepness * (columns - (width - 1) / 2)).astype(int)
        nearby = middle + np.arange(-_reach(mask), _reach(mask) + 1)[:, np.newaxis]
        strip = mask[nearby.clip(0, height - 1), columns] & (nearby >= 0) & (nearby < height)
        first, last = _runs_near_the_middle(strip, tolerance)
        there = last > first
        if not there.any():
            return
        thickness = np.quantile((last - first)[there], 0.25)
        if thickness > _thickest(mask):
            return
        thin = there & (last - first <= 1.6 * thickness + 1)
        centres = nearby[0] + (first + last - 1) / 2
        line = _fit(columns[thin] - (width - 1) / 2, centres[thin]) or line
    places = np.arange(len(strip))[:, np.newaxis]
    erased = strip & thin & (places >= first) & (places < last)
    mask[nearby[erased], np.broadcast_to(columns, nearby.shape)[erased]] = False


def _fit(columns: Array, rows: Array) -> _Line | None:
    """Return the line through points, those far from it left out."""
    if np.ptp(columns) < _PARTS:
        return None
    steepness, row = np.polyfit(columns, rows, 1)
    distances = np.abs(rows - row - steepness * columns)
    close = distances <= 2 * np.median(distances) + 0.5
    if np.ptp(columns[close]) < _PARTS:
        return None
    steepness, row = np.polyfit(columns[close], rows[close], 1)
    return _Line(row, steepness)


def _reach(mask: Array) -> int:
    return max(8, round(0.05 * len(mask)))


def _thickest(mask: Array) -> float:
    """Return how thick a line may be: a bar of a digit that fills the picture is thicker than that."""
    return 1 + 0.02 * float(max(mask.shape))


def _runs_near_the_middle(strip: Array, tolerance: int) -> tuple[Array, Array]:
    """Return first row and end of each column's run of pixels nearest to the middle row; equal where there is none."""
    size, width = strip.shape
    places = np.arange(size)[:, np.newaxis]
    nearest = np.where(strip, np.abs(places - size // 2), size).argmin(axis=0)
    there = strip[nearest, np.arange(width)] & (np.abs(nearest - size // 2) <= tolerance)
    gaps = ~strip
    first = np.where(gaps & (places < nearest), places, -1).max(axis=0) + 1
    last = np.where(gaps & (places > nearest), places, size).min(axis=0)
    return first, np.where(there, last, first)


def without_frames(mask: Array) -> Array:
    """Remove closed rectangles around something that is a digit by its height, or around the whole picture."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, np.ones((3, 3)))
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if min(part.stop - part.start for part in place) < 16:
            continue
        inside = _without_sides(labels[place] == number, mask[place])
        fills = all(part.stop - part.start >= 0.85 * length for part, length in zip(place, mask.shape, strict=True))
        if inside is not None and (fills or _is_tall(inside)):
            mask = mask.copy()
            mask[place] = inside
    return mask


def _without_sides(piece: Array, mask: Array) -> Array | None:
    """Return the part of the mask within a piece's four sides; None if it is no rectangle."""
    depth = max(2, round(0.06 * min(piece.shape)))
    if piece.mean() > 0.5:
        return None
    if min(piece[:depth].any(0).mean(), piece[-depth:].any(0).mean()) < 0.85:
        return None
    if min(piece[:, :depth].any(1).mean(), piece[:, -depth:].any(1).mean()) < 0.85:
        return None
    left = mask.copy()
    for side in (left, left[::-1], left.T, left.T[::-1]):
        _erase_side(side, depth)
    return left


def _erase_side(mask: Array, depth: int) -> None:
    strip = mask[: 3 * depth]
    places = np.arange(len(strip))[:, np.newaxis]
    first = strip.argmax(axis=0)
    last = np.where(~strip & (places > first), places, len(strip)).min(axis=0)
    there = strip.any(axis=0) & (first < depth)
    lengths = last - first
    thin = there & (lengths <= 1.6 * np.median(lengths[there]) + 1) if there.any() else there
    strip[thin & (places >= first) & (places < last)] = False


def _is_tall(mask: Array) -> bool:
    """Tell whether the largest piece takes 30 % of the height, and more than a hair's width."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if count == 0:
        return False
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    rows = np.nonzero(largest.any(axis=1))[0]
    return bool(rows[-1] - rows[0] + 1 >= 0.3 * len(mask) and largest.sum() >= 0.006 * mask.size)
