"""Ruled lines that go through writing, and strokes that were taken away with them.

In: a mask of what may be ink, the ink map, and how high digits are. Out: a mask.
Next: :mod:`lenetkit.reading._segmentation` takes the mask apart.
"""

import numpy as np

from lenetkit._ink import Contrast
from lenetkit.reading._segmentation import Array

__all__ = ["with_lost_strokes", "without_rules"]

# In digit heights: how long a level and an upright line is that no digit has, and how thick a rule may be.
_LEVEL, _UPRIGHT, _THICKEST = 1.6, 2.2, 0.14

# The same as shares of the page's sides.
_ACROSS, _THICKEST_ON_PAGE = 0.7, 0.012

# Pixels of a rule that may be missing.
_BROKEN = 5

# What is darker than this share of the way from paper to ink is the pen's and not printed.
_PEN = 0.7


def without_rules(mask: Array, height: float) -> Array:
    """Remove thin straight lines longer than any stroke, level or upright, and keep what crosses them."""
    out = mask.copy()
    # Where all ink hangs together, as on squared paper, the height is that of the page.
    thickest = max(2.0, min(_THICKEST * height, _THICKEST_ON_PAGE * max(mask.shape) + 2))
    for view, length in ((out, _LEVEL), (out.T, _UPRIGHT)):
        _erase(view, round(min(length * height, _ACROSS * view.shape[1])), thickest)
    return out


def _erase(mask: Array, length: int, thickest: float) -> None:
    from scipy import ndimage

    # A line that is not quite level goes on in the next row, and a faint one may be broken.
    thick = ndimage.binary_dilation(mask, np.ones((3, 1), bool))
    thick |= ndimage.binary_closing(thick, np.ones((1, _BROKEN), bool))
    lines, count = ndimage.label(_long_runs(thick, length) & mask, np.ones((3, 3)))
    if count == 0:
        return
    runs = _run_lengths(mask)
    thickness = ndimage.median(runs, lines, np.arange(1, count + 1))
    limits = np.append(0.0, np.where(thickness <= thickest, 1.6 * thickness + 1, 0.0))
    mask[(lines > 0) & (runs <= limits[lines])] = False


def _long_runs(mask: Array, length: int) -> Array:
    """Return the pixels that lie in a level run of at least so many."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    kept = ends - starts >= length
    marks = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int8)
    marks[rows[kept], starts[kept]] = 1
    marks[rows[kept], ends[kept]] -= 1
    return np.asarray(marks.cumsum(axis=1)[:, :-1] > 0)


def _run_lengths(mask: Array) -> Array:
    """Return for each pixel how many pixels of the mask stand over and under it, itself among them."""
    lengths = np.zeros(mask.shape, np.int32)
    for view, counts in ((mask, lengths), (mask[::-1], lengths[::-1])):
        count = np.zeros(mask.shape[1], np.int32)
        for row, here in enumerate(view):
            count = (count + 1) * here
            counts[row] += count
    return np.maximum(lengths - 1, 0)


def with_lost_strokes(mask: Array, ink: Array, contrast: Contrast, height: float) -> Array:
    """Put back what is as dark as the pen beside what is left of it, but nothing where a rule as dark runs."""
    from scipy import ndimage

    lost = (ink > contrast.level(_PEN, 3.5)[0]) & ~mask
    for view, length in ((lost, _LEVEL), (lost.T, _UPRIGHT)):
        thick = ndimage.binary_dilation(view, np.ones((3, 1), bool))
        view[_long_runs(thick, round(length * height)).any(axis=1)] = False
    labels, count = ndimage.label(lost, np.ones((3, 3)))
    beside = np.zeros(count + 1, bool)
    beside[labels[ndimage.binary_dilation(mask, np.ones((3, 3), bool))]] = True
    beside[0] = False
    return np.asarray(mask | beside[labels])
