"""Dark borders and printed rules around writing, taken out of a mask of ink.

In: the mask of what may be ink, bool (height, width). Out: the same without borders along its sides, and without long
thin lines; what crosses them stays. Next: :mod:`lenetkit.reading._strip_ink`.
"""

import numpy as np

from lenetkit._utils.ndimage import ndimage
from lenetkit.reading._segmentation import Array

__all__ = ["EIGHT", "measure_boxes", "without_borders", "without_rules"]

EIGHT = np.ones((3, 3))  # neighbours that make one piece

# Set on the composed scenes of benchmarks/_scenes.py and guarded by tests/reading/test_strips.py.
# A border lies along this fraction of a side, begins within so many pixels of it, is at most so deep beside the sheet,
# and everywhere at most so many times as deep, and pixels more, as in the middle.
_ALONG, _INSET, _DEEPEST, _UNEVEN = 0.7, 3, 0.5, (1.5, 2)
# A rule is as long as the sheet is high (upright: wide) at least, between these bounds in pixels, at most so thick, and
# covered on this fraction of any such length.
_SHORTEST, _THICKEST, _COVERED = (32, 64), 5, 0.93
# An upright one has this fraction of the sheet's height, or so many pixels.
_UPRIGHT = 0.65, 100
# The side of a frame has this fraction of the distance between its level lines, which is so many pixels at least.
_SIDE, _LOWEST_FRAME = 0.8, 16
# In digit heights: the bar of a digit is no longer than this, its stem no higher. The lowest digit, in pixels.
_BAR, _STEM, _LOWEST = 1.3, 1.6, 6


def measure_boxes(labels: Array, count: int) -> tuple[Array, Array, Array, Array]:
    """Return the first and end rows, the first and end columns of the pieces 1 to `count`: each int64 (count,)."""
    places = np.flatnonzero(labels)
    owners = labels.reshape(-1)[places] - 1
    rows, columns = np.divmod(places, labels.shape[1])
    top, bottom = np.zeros(count, np.int64), np.zeros(count, np.int64)
    # The pixels are in order: of those that are written to one place the last one stays.
    top[owners[::-1]], bottom[owners] = rows[::-1], rows + 1
    left, right = np.full(count, labels.shape[1]), np.zeros(count, np.int64)
    np.minimum.at(left, owners, columns)
    np.maximum.at(right, owners, columns + 1)
    return top, bottom, left, right


def without_borders(mask: Array) -> Array:
    """Remove dark borders along the sides of a sheet, such as a scanner's or the edge of the paper."""
    out = mask.copy()
    for side in (out, out[:, ::-1], out.T, out.T[:, ::-1]):
        begins = side[:, :_INSET].any(axis=1)
        if begins.mean() < _ALONG:
            continue
        columns = np.arange(side.shape[1])
        first = side[:, :_INSET].argmax(axis=1)[:, np.newaxis]
        ends = np.where(~side & (columns > first), columns, side.shape[1]).min(axis=1)
        usual = np.median(ends[begins])
        thin = begins & (ends <= _UNEVEN[0] * usual + _UNEVEN[1])
        if thin.mean() >= _ALONG and usual <= _DEEPEST * side.shape[1]:
            side[thin[:, np.newaxis] & (columns < ends[:, np.newaxis])] = False
    return out


def without_rules(mask: Array) -> Array:
    """Remove long thin lines, level and upright, but for the bars and stems of large digits."""
    height, width = mask.shape
    lying = _covered(mask, int(np.clip(height, *_SHORTEST)))
    upright = max(int(np.clip(width, *_SHORTEST)), int(min(_UPRIGHT[0] * height, _UPRIGHT[1])))
    rows = np.flatnonzero(lying.any(axis=1))
    if len(rows) and np.ptp(rows) >= _LOWEST_FRAME:
        upright = min(upright, int(_SIDE * np.ptp(rows)))
    standing = _covered(mask.T, upright).T
    if not lying.any() and not standing.any():
        return mask
    gone = _thin(mask, lying) | _thin(mask.T, standing.T).T
    if lying.any() and standing.any():  # where they cross
        gone |= _widened(lying) & _widened(standing.T).T
    rest = mask & ~gone
    # Whatever its digits, a sheet has no bar as long as that.
    runs = [_lengths(run, is_lying) for run, is_lying in ((lying, True), (standing, False))]
    if all((lengths >= _STEM * len(mask)).all() for _, lengths in runs):
        return rest
    height = _digit_height(rest)
    # Alone on its paper a 1 looks like a rule.
    longest = (_BAR * height, _STEM * height) if height else (0, 0 if lying.any() else len(mask) - _INSET)
    for (labels, lengths), most in zip(runs, longest, strict=True):
        if (lengths < most).any():
            rest |= mask & np.append(False, lengths < most)[labels]
    return rest


def _lengths(runs: Array, is_lying: bool) -> tuple[Array, Array]:
    """Return the labels of long lines, and how long each is."""
    labels = np.zeros(runs.shape, np.int32)
    rows = np.flatnonzero(runs.any(axis=1))
    if len(rows) == 0:
        return labels, np.empty(0)
    part = slice(rows[0], rows[-1] + 1)
    labels[part], count = ndimage.label(runs[part], EIGHT)
    top, bottom, left, right = measure_boxes(labels[part], count)
    return labels, right - left if is_lying else bottom - top


def _widened(lying: Array) -> Array:
    """Widen level lines by two pixels to all sides."""
    out = lying.copy()
    for step in (1, 2):
        out[step:] |= lying[:-step]
        out[:-step] |= lying[step:]
    for step in (1, 1):
        out[:, step:] |= out[:, :-step]
        out[:, :-step] |= out[:, step:]
    return out


def _digit_height(mask: Array) -> float:
    """Return the height of which taller pieces make up half, each counted by its height squared; 0 without digits."""
    labels, count = ndimage.label(mask, EIGHT)
    if count == 0:
        return 0.0
    top, bottom, _, _ = measure_boxes(labels, count)
    heights = np.sort(bottom - top).astype(float)
    total = np.cumsum(heights**2)
    height = float(heights[np.searchsorted(total, total[-1] / 2)])
    return height if height >= _LOWEST else 0.0


def _covered(mask: Array, length: int) -> Array:
    """Return the pixels of level lines that are so long, with what crosses them."""
    height, width = mask.shape
    covered = np.zeros(mask.shape, bool)
    if width < length or height < 3:
        return covered
    band = mask.copy()
    band[1:] |= mask[:-1]
    band[:-1] |= mask[1:]
    rows = np.flatnonzero(np.count_nonzero(band, axis=1) >= _COVERED * length)
    sums = np.zeros((len(rows), width + 1), np.int32)
    np.cumsum(band[rows], axis=1, out=sums[:, 1:])
    starts = sums[:, length:] - sums[:, :-length] >= _COVERED * length
    chosen = starts.any(axis=1)
    # A pixel is covered if one of the lengths that end at it or behind it begins at it or before it.
    sums = np.zeros((int(chosen.sum()), width + length), np.int32)
    np.cumsum(np.pad(starts[chosen], ((0, 0), (0, length - 1))), axis=1, out=sums[:, length:])
    covered[rows[chosen]] = sums[:, length:] > sums[:, :-length]
    return covered & mask


def _thin(mask: Array, covered: Array) -> Array:
    """Return the covered pixels that are in no upright run longer than a rule is thick."""
    rows = np.flatnonzero(covered.any(axis=1))
    if len(rows) == 0:
        return covered
    first, end = max(0, rows[0] - _THICKEST), min(len(mask), rows[-1] + 1 + _THICKEST)
    near = mask[first:end]
    out = covered.copy()
    if len(near) > _THICKEST:
        runs = near[: len(near) - _THICKEST].copy()
        for step in range(1, _THICKEST + 1):
            runs &= near[step : len(near) - _THICKEST + step]
        for step in range(_THICKEST + 1):
            out[first + step : first + step + len(runs)] &= ~runs
    return out
