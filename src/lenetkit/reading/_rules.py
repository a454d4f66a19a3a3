"""Removal of ruled lines that go through writing, and repair of the strokes that they cross.

In: a mask of possible ink, the ink map, and the height of digits. Out: a mask.
Next: :mod:`lenetkit.reading._segmentation` takes the mask apart.
"""

import numpy as np

from lenetkit._ink import Contrast
from lenetkit.reading._segmentation import Array

__all__ = ["with_lost_strokes", "without_rules"]

# Set by eye on drawn, scanned and photographed paper, and guarded by tests/reading (ruled, dotted and squared paper,
# frames); benchmarks/whole_numbers.py shows the effect of a change. Lower ones take strokes for rules.
# In digit heights: the length of a level and of an upright line that no digit has, and the thickness of a rule.
_LEVEL, _UPRIGHT, _THICKEST = 1.6, 2.2, 0.14
# The same as fractions of the page's sides, and pixels that a rule is thicker at least.
_ACROSS, _THICKEST_ON_PAGE, _LEAST_THICK = 0.7, 0.012, 2.0
# Where a rule is so many times thicker than its median, and a pixel, a stroke crosses it.
_CROSSED = 1.6
# Pixels of a rule that may be missing.
_BROKEN = 5
# Ink darker than this level between paper and ink, and so many standard deviations of the noise, is the pen's.
_PEN, _PEN_NOISES = 0.7, 3.5


def without_rules(mask: Array, height: float) -> Array:
    """Remove thin straight lines longer than any stroke, level or upright, and keep what crosses them."""
    out = mask.copy()
    # Where all ink hangs together, as on squared paper, the height is that of the page.
    thickest = max(_LEAST_THICK, min(_THICKEST * height, _THICKEST_ON_PAGE * max(mask.shape) + _LEAST_THICK))
    for view, length in ((out, _LEVEL), (out.T, _UPRIGHT)):
        _erase(view, round(min(length * height, _ACROSS * view.shape[1])), thickest)
    return out


def _erase(mask: Array, length: int, thickest: float) -> None:
    from lenetkit._utils.ndimage import ndimage

    # A line that is not quite level goes on in the next row, and a faint one may be broken.
    thick = ndimage.binary_dilation(mask, np.ones((3, 1), bool))
    thick |= ndimage.binary_closing(thick, np.ones((1, _BROKEN), bool))
    lines, count = ndimage.label((_run_lengths(thick) >= length) & mask, np.ones((3, 3)))
    if count:
        runs = _run_lengths(mask.T).T
        thickness = ndimage.median(runs, lines, np.arange(1, count + 1))
        limits = np.append(0.0, np.where(thickness <= thickest, _CROSSED * thickness + 1, 0.0))
        mask[(lines > 0) & (runs <= limits[lines])] = False


def _run_lengths(mask: Array) -> Array:
    """Return for each pixel the length of the level run of the mask that it lies in, 0 outside."""
    edges = np.flatnonzero(np.diff(np.pad(mask, ((0, 0), (1, 1))), axis=1))
    runs = edges[1::2] - edges[::2]
    lengths = np.zeros(mask.shape, np.int32)
    lengths[mask] = np.repeat(runs, runs)
    return lengths


def with_lost_strokes(mask: Array, ink: Array, contrast: Contrast, height: float) -> Array:
    """Put back ink as dark as the pen beside the rest of a stroke, but nothing where a rule as dark runs."""
    from lenetkit._utils.ndimage import ndimage

    lost = (ink > contrast.level(_PEN, _PEN_NOISES)[0]) & ~mask
    for view, length in ((lost, _LEVEL), (lost.T, _UPRIGHT)):
        thick = ndimage.binary_dilation(view, np.ones((3, 1), bool))
        view[(_run_lengths(thick) >= round(length * height)).any(axis=1)] = False
    labels, _ = ndimage.label(lost, np.ones((3, 3)))
    beside = labels[ndimage.binary_dilation(mask, np.ones((3, 3), bool))]
    return np.asarray(mask | np.isin(labels, beside[beside > 0]))
