"""From a picture to its ink: smaller, grey, dark on light, and on paper that is even.

In: uint8 images (n, height, width[, 3]) of one size, any light, any polarity.
Out: an ink map, uint8 (n, height, width): 0 is paper, the darker the ink the larger.
Next: :mod:`lenetkit._ink.mask`, which tells ink from noise.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from lenetkit._ink.arrays import Array
from lenetkit._ink.neighbours import close, inner, slope, smooth

__all__ = ["LARGE", "Contrast", "contrast_of", "dark_on_light", "ink_map", "noise_of", "shrink", "to_grey"]

# From this side on an image has pixels to spare: it is smoothed, and its light may be uneven.
LARGE = 64
_TINY = 16

# The paper is what remains when everything narrower than this share of the longer side is filled up.
_WIDEST_STROKES = (0.4, 0.2, 0.1)


class Contrast(NamedTuple):
    """What an ink map holds, in its own levels; each of shape (n,).

    Parameters
    ----------
    paper, ink : ndarray
        float64, the level of the paper and of the ink.
    noise : ndarray
        float64, deviation of the paper's level from pixel to pixel.
    """

    paper: Array
    ink: Array
    noise: Array

    @property
    def span(self) -> Array:
        """How far the ink stands out."""
        return np.asarray(self.ink - self.paper)

    def level(self, share: float, noises: float) -> Array:
        """Return the level at a share of the way from paper to ink, or so many noises above the paper: (n, 1, 1)."""
        level = self.paper + np.maximum(share * self.span, np.maximum(noises * self.noise, 2))
        return np.asarray(level[:, np.newaxis, np.newaxis])


def shrink(batch: Array, side: int) -> Array:
    """Average whole blocks of pixels until no side is longer than `side`."""
    factor = -(-max(batch.shape[1:3]) // side)
    if factor == 1:
        return batch
    return np.stack([np.asarray(Image.fromarray(image).reduce(factor)) for image in batch])


def to_grey(batch: Array) -> Array:
    """Return the one mixture of red, green and blue in which fine strokes differ most from their surroundings."""
    if batch.ndim == 3:
        return batch
    if batch.shape[3] == 1:
        return np.asarray(batch[..., 0])
    weights = _telling_mixture(shrink(batch, 96))
    lowest = 255 * np.minimum(weights, 0).sum(axis=1)
    grey: Array = np.zeros(batch.shape[:3], np.float32) - lowest[:, np.newaxis, np.newaxis].astype(np.float32)
    for channel in range(3):
        grey += batch[..., channel] * weights[:, channel, np.newaxis, np.newaxis].astype(np.float32)
    return np.asarray(np.rint(grey.clip(0, 255)), np.uint8)


def _telling_mixture(batch: Array) -> Array:
    """Return weights (n, 3) whose sizes sum to 1: the main axis of what a smoothed copy of the image lacks."""
    from scipy import ndimage

    size = max(3, max(batch.shape[1:3]) // 8 | 1)
    levels = batch.astype(np.int64)
    details = levels - ndimage.uniform_filter(levels, (1, size, size, 1))
    # In whole numbers, so that an image's weights do not depend on its company.
    together = np.einsum("nhwc,nhwd->ncd", details, details).astype(np.float64)
    # Without any details all channels count the same.
    main = np.linalg.eigh(together + 1e-3)[1][:, :, -1]
    main = np.where(np.abs(main) < 1e-9, 0, main)
    strongest = np.take_along_axis(main, np.abs(main).argmax(axis=1)[:, np.newaxis], axis=1)
    total = main.sum(axis=1, keepdims=True)
    sign = np.where(np.abs(total) > 1e-6, total, strongest)
    return np.asarray(np.where(sign < 0, -main, main) / np.abs(main).sum(axis=1, keepdims=True))


def dark_on_light(grey: Array) -> Array:
    """Invert the images whose ink is brighter than their paper."""
    votes = _votes(shrink(grey, 2 * LARGE)) if max(grey.shape[1:]) >= LARGE else _border_votes(grey)[0]
    return np.where((votes < 0)[:, np.newaxis, np.newaxis], 255 - grey, grey)


def _votes(grey: Array) -> Array:
    """Return a positive number for dark ink: what the strokes say, and the border as far as it is of one level."""
    border, even = _border_votes(shrink(grey, LARGE))
    weight = 0.45 * np.maximum(2 * even - 1, 0)
    return np.asarray((1 - weight) * _stroke_votes(grey) + weight * border)


def _stroke_votes(grey: Array) -> Array:
    """Return -1 to 1: whether, where the picture is steep, dark things are narrow (1) or bright ones."""
    smoothed = smooth(grey)
    steep = slope(smoothed).astype(np.int64)
    votes = []
    for width in _WIDEST_STROKES[1:]:
        size = round(width * max(grey.shape[1:]))
        dark, bright = ((steep * (close(side, size) - side)).sum(axis=(1, 2)) for side in (smoothed, 255 - smoothed))
        votes.append((dark - bright) / np.maximum(dark + bright, 1))
    return np.asarray(np.mean(votes, axis=0))


def _border_votes(grey: Array) -> tuple[Array, Array]:
    """Return the border's middle level, from -1 (the darkest there is) to 1, and the share of the border near it."""
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]], axis=1).astype(int)
    middle = np.sort(border, axis=1)[:, (border.shape[1] - 1) // 2]
    low, high = grey.min(axis=(1, 2)).astype(int), grey.max(axis=(1, 2)).astype(int)
    span = np.maximum(high - low, 1)
    even = (np.abs(border - middle[:, np.newaxis]) * 8 <= span[:, np.newaxis]).mean(axis=1)
    return (2 * middle - low - high) / span, even


def ink_map(grey: Array) -> Array:
    """Return how much darker each pixel is than the paper around it, as a share of the paper's brightness.

    Of several guesses at the widest stroke the largest is taken, unless a smaller one gives ink with clearly sharper
    outlines: shadows have soft ones.
    """
    if max(grey.shape[1:]) < LARGE:
        return _darker_than_paper(grey, _WIDEST_STROKES[0])
    grey = _smooth_as_needed(grey)
    steepness = np.sqrt(_clear_slope(grey, noise_of(grey)))
    best = _darker_than_paper(grey, _WIDEST_STROKES[0])
    sharpness, share = _outline(best, steepness)
    for width in _WIDEST_STROKES[1:]:
        ink = _darker_than_paper(grey, width)
        sharper, left = _outline(ink, steepness)
        better = (sharper > 1.2 * sharpness) & (left > 0.5 * share)
        best = np.where(better[:, np.newaxis, np.newaxis], ink, best)
        sharpness, share = np.where(better, sharper, sharpness), np.where(better, left, share)
    return best


def _smooth_as_needed(grey: Array) -> Array:
    noise = noise_of(grey)
    grey = smooth(grey)
    for limit in (6, 15):
        if (noise > limit).any():
            grey = np.where((noise > limit)[:, np.newaxis, np.newaxis], smooth(grey), grey)
    return grey


def _darker_than_paper(grey: Array, width: float) -> Array:
    paper = close(grey, max(3, round(width * max(grey.shape[1:]))))
    darker = (paper - grey).astype(np.float32)
    # In the dark a level means more, but so does noise.
    brightest = paper.max(axis=(1, 2), keepdims=True)
    reference = np.maximum(np.maximum(paper, np.float32(0.35) * brightest), 1)
    return np.asarray(np.rint(darker * np.float32(255) / reference), np.uint8)


def _outline(ink: Array, steepness: Array) -> tuple[Array, Array]:
    """Return how steep the picture is where the ink begins, and the share of pixels that are ink."""
    mask = ink > contrast_of(ink).level(0.5, 3.5)
    edge = mask & ~inner(mask)
    sharpness = np.where(edge, steepness, 0).sum(axis=(1, 2)) / np.maximum(edge.sum(axis=(1, 2)), 1)
    return sharpness, mask.mean(axis=(1, 2))


def contrast_of(ink: Array) -> Contrast:
    """Return levels of paper and ink; the ink's is twice the mean level where it begins, weighted by steepness.

    Kittler, Illingworth and Foglein, Threshold selection based on a simple image statistic (CVGIP 30, 1985).
    """
    n, noise = len(ink), noise_of(ink)
    flat = ink.reshape(n, -1)
    paper = np.partition(flat, flat.shape[1] // 4, axis=1)[:, flat.shape[1] // 4].astype(np.float64)
    steep = _clear_slope(ink, noise).reshape(-1)
    pixels = np.flatnonzero(steep)
    image, weights = pixels // flat.shape[1], steep[pixels].astype(np.float64)
    # Sums of whole numbers are the same in any company.
    total = np.bincount(image, weights, minlength=n)
    middle = np.bincount(image, weights * flat.reshape(-1)[pixels], minlength=n) / np.maximum(total, 1)
    return Contrast(paper, np.maximum(paper, 2 * middle - paper), noise)


def _clear_slope(batch: Array, noise: Array) -> Array:
    """Return the squared gradient where it is more than noise."""
    steep = slope(batch)
    return np.where(steep > (16 * noise * noise + 16)[:, np.newaxis, np.newaxis], steep, 0)


def noise_of(batch: Array) -> Array:
    """Return the deviation of Gaussian noise, from the quieter differences of neighbours: float64 (n,)."""
    # Smoothing makes close neighbours alike.
    distance = min(4 if max(batch.shape[1:]) >= LARGE else 1, batch.shape[2] - 1)
    # On few pixels all neighbours differ, because a digit fills them.
    if distance == 0 or max(batch.shape[1:]) < _TINY:
        return np.zeros(len(batch))
    left, right = batch[:, :, :-distance], batch[:, :, distance:]
    steps = (np.maximum(left, right) - np.minimum(left, right)).reshape(len(batch), -1)
    places = steps.shape[1] // 4, steps.shape[1] // 2
    quarter, half = np.partition(steps, places, axis=1)[:, places].T
    # A quarter of normal deviates are smaller than 0.3186 and half smaller than 0.6745; a difference has the noise of
    # two pixels. Faint noise, rounded, leaves a quarter of the neighbours equal.
    return np.asarray(np.where(quarter > 0, quarter / 0.3186, np.minimum(half, 2) / 0.6745) / np.sqrt(2))
