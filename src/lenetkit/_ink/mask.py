"""From an ink map to the ink of one digit.

In: an ink map, uint8 (n, height, width), 0 is paper.
Out: the digit alone, uint8 (n, height, width): ink 255, paper 0, edges in between; all 0 where there is no digit.
Next: :mod:`lenetkit._ink.digit_box`.
"""

import numpy as np

from lenetkit._ink.arrays import Array
from lenetkit._ink.lines import without_frames, without_lines
from lenetkit._ink.neighbours import slope, spread
from lenetkit._ink.paper import LARGE, Contrast
from lenetkit._ink.pieces import choose_pieces

__all__ = ["bounds_of", "digit_mask", "even_ink", "possible_ink"]

# Side of MNIST's box in pixels.
_BOX = 20

# Ink stands out by so many grey levels at least, and by so many noises.
_FAINTEST = 8
_NOISES = 6

# No digit can be told on fewer pixels.
_NARROWEST = 4

# Shares of the ink's contrast: what surely is ink, and what is ink if it hangs together with that.
_SURE = 0.5
_POSSIBLE = 0.35


def possible_ink(ink: Array, contrast: Contrast) -> Array:
    """Return the mask of everything dark enough to be ink, without ruled lines and frames."""
    mask = ink > contrast.level(_POSSIBLE, 3.5)
    clear = (contrast.span >= np.maximum(_FAINTEST, _NOISES * contrast.noise)) & (min(ink.shape[1:]) >= _NARROWEST)
    mask &= clear[:, np.newaxis, np.newaxis]
    if max(mask.shape[1:]) >= LARGE:
        for index in np.flatnonzero(mask.any(axis=(1, 2))):
            mask[index] = without_frames(without_lines(mask[index]))
    return mask


def digit_mask(mask: Array, ink: Array, contrast: Contrast) -> Array:
    """Return the mask of the pieces that make the digit."""
    return choose_pieces(mask, mask & (ink > contrast.level(_SURE, 3.5)), slope(ink), contrast)


def even_ink(ink: Array, digit: Array, contrast: Contrast) -> Array:
    """Return the digit alone, its ink at 255 and its edges about as sharp as they can be drawn in 20x20 pixels."""
    n, size = len(ink), ink[0].size
    pixels = np.flatnonzero(digit)
    histogram = np.bincount(pixels // size * 256 + ink.reshape(-1)[pixels], minlength=256 * n).reshape(n, 256)
    below = histogram.cumsum(axis=1)
    full = (below < 0.9 * below[:, -1:]).sum(axis=1)
    top, bottom, left, right = bounds_of(digit)
    gain = (np.maximum(bottom - top, right - left) / _BOX).clip(1, 4)[:, np.newaxis]
    paper = contrast.paper[:, np.newaxis]
    share = (np.arange(256) - paper) / np.maximum(full[:, np.newaxis] - paper, 1)
    table: Array = np.rint(255 * (0.5 + (share - 0.5) * gain).clip(0, 1)).astype(np.uint8)
    # The pixels around the digit hold the rest of its edges.
    around = spread(digit, np.logical_or, square=True)
    pixels = np.flatnonzero(around)
    out = np.zeros(ink.size, np.uint8)
    out[pixels] = table.reshape(-1)[pixels // size * 256 + ink.reshape(-1)[pixels]]
    return out.reshape(ink.shape)


def bounds_of(mask: Array) -> tuple[Array, Array, Array, Array]:
    """Return first row, end row, first column and end column of each mask; the whole image where it is empty."""
    rows, columns = np.asarray(mask.any(axis=2)), np.asarray(mask.any(axis=1))
    height, width = mask.shape[1:]
    return (
        rows.argmax(axis=1),
        height - rows[:, ::-1].argmax(axis=1),
        columns.argmax(axis=1),
        width - columns[:, ::-1].argmax(axis=1),
    )
