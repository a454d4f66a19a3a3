"""Grey picture to ink map: dark on light, on paper that is even; and the filters that this takes, NumPy only.

In: uint8 images (n, height, width) of one size, any light, any polarity, from :mod:`lenetkit._ink.grey`.
Out: an ink map, uint8 (n, height, width): 0 is paper, the darker the ink the larger; and its :class:`Contrast`.
Next: :mod:`lenetkit._ink.digit`, which chooses the digit's ink.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from lenetkit._ink.grey import Array, average_blocks, enlarge, shrink

__all__ = [
    "LARGE",
    "WIDE",
    "Contrast",
    "InkMap",
    "above",
    "close",
    "dark_on_light",
    "ink_map",
    "inner",
    "measure_noise",
    "polarity",
    "slope",
    "slope_at",
    "smooth",
]

Extreme: TypeAlias = Callable[..., Array]

# Where no source is given, a number was set by eye on the development pictures (photos, scans, drawn digits) and its
# origin is not recorded; tests/_ink and tests/transforms/test_mnist_normalize.py guard it. "Wrong" is half and twice of
# it, tried on 224 pictures (those of benchmarks/wild.py, and drawn on ruled, shaded and noisy paper; the pretrained
# pipeline reads 223) and 24 blank ones: how many results change, how many fewer are read. Unsaid: none of either.

# From this side on an image has pixels to spare: it is smoothed, and its light may be uneven.
# Below the second one a digit fills the picture: differences of neighbours say nothing about noise.
# From the third on, the paper is looked for on few pixels.
LARGE, _TINY, WIDE = 64, 16, 256

# The paper is what remains when everything narrower than this fraction of the longer side is filled up.
# Wrong: up to 64 results change.
_WIDEST_STROKES = (0.4, 0.2, 0.1)
# A narrower stroke is preferred if its outline is this much steeper and it keeps this fraction of the ink. Wrong (the
# first): 68 results change.
_SHARPER, _KEPT = 1.2, 0.5
# Paper darker than this fraction of the brightest paper counts as that: in the dark noise means more. Wrong: 5 change.
# Standard deviations of noise from which a picture is smoothed a second and a third time. Wrong: 18 change.
_DARKEST_PAPER, _VERY_NOISY = 0.35, (6, 15)

# The border has this vote at most against the strokes; its level counts where it is within 1/8 of the span.
_BORDER_VOTE, _SAME_LEVEL = 0.45, 8

# An edge is where the squared gradient (slope, 4 times) exceeds what noise gives, and two grey levels per pixel.
# Wrong: ink is found in 1 to 3 blank pictures more or fewer.
_NOISE_SLOPE, _LEAST_SLOPE = 16, 16
# Ink is at least so many levels above the paper.
_LEAST_LEVELS = 2
# Ink stands out from the paper by half of the contrast, and by so many standard deviations of the noise.
# Wrong (the first; the second was not tried): 12 results change.
_HALF, NOISES = 0.5, 3.5

# From so many pixels on, counting those below a level is faster than a partial sort.
_MANY = 8000
# Pixels worked on at once where each takes several bytes.
_NEAR = 2**17
# Of differences of neighbours, a quarter of normal deviates are below the first and half below the second (quantiles of
# the normal distribution, 0.625 and 0.75). Smoothing makes neighbours alike up to a distance of 4 pixels.
_QUARTER, _MEDIAN = 0.3186, 0.6745
_FAR = 4


class Contrast(NamedTuple):
    """Levels of an ink map, in its own units; each of shape (n,).

    Parameters
    ----------
    paper, ink : ndarray
        float64, the level of the paper and of the ink.
    noise : ndarray
        float64, standard deviation of the paper's level from pixel to pixel.
    """

    paper: Array
    ink: Array
    noise: Array

    @property
    def span(self) -> Array:
        """Contrast between ink and paper, in grey levels."""
        return np.asarray(self.ink - self.paper)

    def level(self, fraction: float, noises: float = NOISES) -> Array:
        """Return the level at a fraction of the way from paper to ink, or so many noises above the paper: (n, 1, 1)."""
        level = self.paper + np.maximum(fraction * self.span, np.maximum(noises * self.noise, _LEAST_LEVELS))
        return np.asarray(level[:, np.newaxis, np.newaxis])


class InkMap(NamedTuple):
    """An ink map, uint8 (n, height, width), with its contrast."""

    ink: Array
    contrast: Contrast


def dark_on_light(grey: Array, votes: Array | None = None) -> Array:
    """Invert the images whose ink is brighter than their paper, by the votes of :func:`polarity`."""
    votes = polarity(grey) if votes is None else votes
    return grey ^ np.where(votes < 0, 255, 0).astype(np.uint8)[:, np.newaxis, np.newaxis]


def polarity(grey: Array) -> Array:
    """Return from -1 to 1: positive for dark ink, near 0 in doubt."""
    return _votes(shrink(grey, 2 * LARGE)) if max(grey.shape[1:]) >= LARGE else _border_votes(grey)[0]


def _votes(grey: Array) -> Array:
    """Return a positive number for dark ink: what the strokes say, and the border as far as it is of one level."""
    border, even = _border_votes(shrink(grey, LARGE))
    weight = _BORDER_VOTE * np.maximum(2 * even - 1, 0)
    return np.asarray((1 - weight) * _stroke_votes(grey) + weight * border)


def _stroke_votes(grey: Array) -> Array:
    """Return from -1 to 1: 1 if dark things are narrow where the picture is steep, -1 if bright things are."""
    smoothed = smooth(grey)
    steep, sides, votes = slope(smoothed), np.concatenate([smoothed, 255 - smoothed]), []
    for width in _WIDEST_STROKES[1:]:
        filled = close(sides, round(width * max(grey.shape[1:]))) - sides
        dark, bright = ((steep * found).sum(axis=(1, 2), dtype=np.int64) for found in np.split(filled, 2))
        votes.append((dark - bright) / np.maximum(dark + bright, 1))
    return np.asarray(np.mean(votes, axis=0))


def _border_votes(grey: Array) -> tuple[Array, Array]:
    """Return the border's middle level, from -1 (the darkest there is) to 1, and the fraction of the border near it."""
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]], axis=1).astype(int)
    middle = np.sort(border, axis=1)[:, (border.shape[1] - 1) // 2]
    low, high = grey.min(axis=(1, 2)).astype(int), grey.max(axis=(1, 2)).astype(int)
    span = np.maximum(high - low, 1)
    even = (np.abs(border - middle[:, np.newaxis]) * _SAME_LEVEL <= span[:, np.newaxis]).mean(axis=1)
    return (2 * middle - low - high) / span, even


def ink_map(grey: Array, *, quick: bool = False) -> InkMap:
    """Return how much darker each pixel is than the paper around it, as a fraction of the paper's brightness.

    Of several guesses at the widest stroke the largest is used, unless a smaller one gives ink with clearly sharper
    outlines: shadows have soft ones. If it is to be quick, few pixels tell which paper it is, since light changes
    slowly: enough for one digit, not for a page, on which the remains of a shadow may look like writing.
    """
    if max(grey.shape[1:]) < LARGE:
        return _guess(grey, _WIDEST_STROKES[0])[0]
    noise = measure_noise(grey)
    grey = smooth(grey)
    for limit in _VERY_NOISY:
        noisy = noise > limit
        if noisy.any():
            grey[noisy] = smooth(grey[noisy])
    if not quick or max(grey.shape[1:]) < WIDE:
        return _weigh_widths(grey)[0]
    factor = -(-max(grey.shape[1:]) // (2 * LARGE))
    paper = enlarge(_weigh_widths(average_blocks(grey, factor))[1], factor, grey.shape[1:])
    return _measure(_darker_than_paper(grey, np.maximum(paper, grey)))


def _weigh_widths(grey: Array) -> tuple[InkMap, Array]:
    """Return the ink maps of smoothed pictures by the best guess at the widest stroke of each, and their paper."""
    steep = slope(grey)
    steep *= _clear_slope(steep, measure_noise(grey))
    best, paper = _guess(grey, _WIDEST_STROKES[0])
    sharpness, inked = _outline(best, steep)
    for width in _WIDEST_STROKES[1:]:
        found, other = _guess(grey, width)
        sharper, left = _outline(found, steep)
        better = (sharper > _SHARPER * sharpness) & (left > _KEPT * inked)
        if better.all():
            best, paper, sharpness, inked = found, other, sharper, left
        elif better.any():
            pairs = (
                (best.ink, found.ink),
                (paper, other),
                *zip(best.contrast, found.contrast, strict=True),
                (sharpness, sharper),
                (inked, left),
            )
            for kept, new in pairs:
                kept[better] = new[better]
    return best, paper


def _guess(grey: Array, width: float) -> tuple[InkMap, Array]:
    """Return ink map and paper of pictures whose widest stroke is this fraction of the longer side."""
    paper = close(grey, max(3, round(width * max(grey.shape[1:]))))
    return _measure(_darker_than_paper(grey, paper)), paper


def _darker_than_paper(grey: Array, paper: Array) -> Array:
    out = np.empty(grey.shape, np.uint8)
    for few in _few(grey):
        levels = paper[few]
        darker = (levels - grey[few]).astype(np.float32)
        darker *= np.float32(255)
        least = np.maximum(np.float32(_DARKEST_PAPER) * levels.max(axis=(1, 2), keepdims=True), 1)
        darker /= np.maximum(levels, least)
        out[few] = np.rint(darker, out=darker)
    return out


def _few(batch: Array) -> Iterator[slice]:
    """Cut a batch into so few images that what is in work stays near the processor."""
    step = max(1, _NEAR // batch[0].size)
    return (slice(start, start + step) for start in range(0, len(batch), step))


def _outline(found: InkMap, steep: Array) -> tuple[Array, Array]:
    """Return how steep pictures are where the ink begins, and the number of pixels that are ink, each (n,)."""
    mask = above(found.ink, found.contrast.level(_HALF))
    edge = np.flatnonzero(mask & ~inner(mask))
    # A picture's sum must not depend on the others.
    ends = np.searchsorted(edge, mask[0].size * np.arange(1, len(mask)))
    sums = np.array([np.sqrt(part).sum() for part in np.split(steep.reshape(-1)[edge], ends)])
    counts = np.diff(ends, prepend=0, append=len(edge))
    return sums / np.maximum(counts, 1), np.count_nonzero(mask, axis=(1, 2))


def above(ink: Array, level: Array) -> Array:
    """Return the mask of the pixels of uint8 images above a level of each: (n, 1, 1)."""
    return np.asarray(ink > np.floor(level).clip(0, 255).astype(np.uint8))


def _measure(ink: Array) -> InkMap:
    """Return an ink map with its contrast and slope; the ink's level is twice the mean one where it is steep.

    Kittler, Illingworth and Foglein, Threshold selection based on a simple image statistic (CVGIP 30, 1985).
    """
    noise, flat = measure_noise(ink), ink.reshape(len(ink), -1)
    (paper,) = _ranked(flat, flat.shape[1] // 4).astype(np.float64)
    sums = np.empty((2, len(ink)), np.int64)
    for few in _few(ink):
        steep = slope(ink[few])
        clear = _clear_slope(steep, noise[few])
        sums[:, few] = _weigh_steep(flat[few], steep.reshape(len(steep), -1), clear.reshape(len(steep), -1))
    total, weighted = sums
    middle = weighted / np.maximum(total, 1)
    return InkMap(ink, Contrast(paper, np.maximum(paper, 2 * middle - paper), noise))


def _weigh_steep(ink: Array, steep: Array, clear: Array) -> tuple[Array, Array]:
    """Return the sums of the slopes of clear pixels, and those of their ink so weighed: int64 (n,)."""
    if ink.shape[1] < LARGE * LARGE:
        weights = steep * clear
        return weights.sum(axis=1, dtype=np.int64), (weights * ink).sum(axis=1, dtype=np.int64)
    # Of large pictures few pixels are clear.
    sums = np.empty((2, len(ink)), np.int64)
    for index, (levels, slopes, row) in enumerate(zip(ink, steep, clear, strict=True)):
        pixels = np.flatnonzero(row)
        weights = slopes[pixels].astype(np.int64)
        sums[:, index] = weights.sum(), weights.dot(levels[pixels])
    return sums[0], sums[1]


def _ranked(flat: Array, *ranks: int) -> Array:
    """Return of uint8 rows (n, m) the values at these places of their order, the lower ones first: (ranks, n)."""
    many = flat.shape[1] >= _MANY
    return (np.array([_rank_one(row, ranks) for row in flat]) if many else np.partition(flat, ranks)[:, ranks]).T


def _rank_one(row: Array, ranks: tuple[int, ...]) -> list[int]:
    """Count, from black on, how many pixels are no brighter than a level: what is asked for is mostly dark."""
    found: list[int] = []
    low, level = -1, 0
    for rank in ranks:
        while np.count_nonzero(row <= np.uint8(level)) <= rank:
            low, level = level, min(2 * level + 1, 255)
        while level - low > 1:
            middle = (low + level) // 2
            if np.count_nonzero(row <= np.uint8(middle)) <= rank:
                low = middle
            else:
                level = middle
        found.append(level)
        low = level - 1
    return found


def _clear_slope(steep: Array, noise: Array) -> Array:
    """Return the mask of squared gradients that are more than noise."""
    # For an integer, to be above a level is to be above the integer below the level.
    least = np.floor(_NOISE_SLOPE * noise * noise + _LEAST_SLOPE).astype(np.int32)
    return np.asarray(steep > least[:, np.newaxis, np.newaxis])


def measure_noise(batch: Array) -> Array:
    """Return the standard deviation of Gaussian noise, from the quieter differences of neighbours: float64 (n,)."""
    distance = min(_FAR if max(batch.shape[1:]) >= LARGE else 1, batch.shape[2] - 1)
    if distance == 0 or max(batch.shape[1:]) < _TINY:
        return np.zeros(len(batch))
    left, right = batch[:, :, :-distance], batch[:, :, distance:]
    steps = (np.maximum(left, right) - np.minimum(left, right)).reshape(len(batch), -1)
    quarter, half = _ranked(steps, steps.shape[1] // 4, steps.shape[1] // 2)
    # A difference has the noise of two pixels. Faint noise, rounded, leaves a quarter of the neighbours equal.
    return np.asarray(np.where(quarter > 0, quarter / _QUARTER, np.minimum(half, 2) / _MEDIAN) / np.sqrt(2))


def close(batch: Array, size: int) -> Array:
    """Fill whatever is dark and too narrow to hold a square of `size` pixels (grey-level closing, mirrored border)."""
    for extreme, axis in ((np.maximum, 1), (np.maximum, 2), (np.minimum, 2), (np.minimum, 1)):
        batch = _running(extreme, batch, size, axis)
    return batch


def _running(extreme: Extreme, batch: Array, size: int, axis: int) -> Array:
    """Return the extreme of the `size` pixels around each pixel along an axis, in log2(size) steps.

    A mirrored border holds only what is within reach on this side of it, too, so that a level that never is the extreme
    serves as well. With that between them all lines are one, and each step is a single pass over neighbouring memory.
    """
    reach = min(size // 2, batch.shape[axis] - 1)
    if reach == 0:
        return batch
    n, height, width = batch.shape
    shape = (n, height + reach, width) if axis == 1 else (n, height, width + reach)
    step = width if axis == 1 else 1
    length, margin = shape[0] * shape[1] * shape[2], reach * step
    runs = np.full(length + 2 * margin, 0 if extreme is np.maximum else 255, np.uint8)
    runs[margin : margin + length].reshape(shape)[:, :height, :width] = batch
    span, left, other = 1, len(runs), np.empty_like(runs)
    while span <= 2 * reach:
        further = min(span, 2 * reach + 1 - span)
        left -= further * step
        extreme(runs[:left], runs[further * step : further * step + left], out=other[:left])
        runs, other, span = other, runs, span + further
    return runs[:length].reshape(shape)[:, :height, :width]


def smooth(batch: Array) -> Array:
    """Weigh 3x3 pixels by 1-2-1 both ways; uint8, rounded."""
    framed = _repeat_border(batch)
    total = framed.astype(np.uint16).reshape(-1)
    for step in (framed.shape[2], 1):
        total[: -2 * step] += 2 * total[step:-step] + total[2 * step :]
    total += 8
    total >>= 4
    return total.reshape(framed.shape)[:, :-2, :-2].astype(np.uint8)


def slope(batch: Array) -> Array:
    """Return the squared length of the gradient in grey levels per pixel, times 4: int32."""
    framed = _repeat_border(batch)
    down, right = (_square_steps(framed, distance) for distance in (2 * framed.shape[2], 2))
    return np.add(down[:, :-2, 1:-1], right[:, 1:-1, :-2], out=np.empty(batch.shape, np.int32), dtype=np.int32)


def slope_at(batch: Array, image: Array, row: Array, column: Array) -> Array:
    """Return what :func:`slope` does, at some pixels only: int32 (n_pixels,)."""
    framed = _repeat_border(batch)
    _, height, width = framed.shape
    flat, places = framed.reshape(-1), (image * height + row + 1) * width + column + 1
    down, right = (flat[places + step].astype(np.int32) - flat[places - step] for step in (width, 1))
    return np.asarray(down * down + right * right)


def _repeat_border(batch: Array) -> Array:
    framed = np.empty((len(batch), batch.shape[1] + 2, batch.shape[2] + 2), np.uint8)
    framed[:, 1:-1, 1:-1] = batch
    framed[:, [0, -1], 1:-1] = batch[:, [0, -1]]
    framed[:, :, [0, -1]] = framed[:, :, [1, -2]]
    return framed


def _square_steps(framed: Array, distance: int) -> Array:
    """Return the squared differences of each pixel and the one so many places behind it; the last have none."""
    flat, squares = framed.reshape(-1), np.zeros(framed.shape, np.uint16)
    ahead, here = flat[distance:], flat[:-distance]
    steps = squares.reshape(-1)[: len(ahead)]
    steps[:] = np.maximum(ahead, here) - np.minimum(ahead, here)
    steps *= steps
    return squares


def inner(mask: Array) -> Array:
    """Return the pixels of a mask whose 4 neighbours belong to it too; the border counts as outside."""
    out, flat = mask.copy(), mask.reshape(-1)
    out[:, [0, -1]] = out[:, :, [0, -1]] = False
    for step in (1, mask.shape[2]):  # all rows as one: what is left has its neighbours in its own image
        out.reshape(-1)[step:] &= flat[:-step]
        out.reshape(-1)[:-step] &= flat[step:]
    return out
