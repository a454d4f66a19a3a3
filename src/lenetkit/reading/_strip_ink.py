"""The ink of a picture in which lines of writing are looked for, whatever its size, light and polarity.

In: a picture, uint8 (height, width[, 3]). Out: a :class:`Sheet`: its paper and its ink, reduced where it is large.
Next: :mod:`lenetkit.reading._strip_lines`.
"""

import math

import attrs
import numpy as np
from PIL import Image

from lenetkit._ink import close, mix_channels, shrink, slope, weigh_channels
from lenetkit._utils.lazy import lazy
from lenetkit._utils.ndimage import ndimage
from lenetkit.reading._segmentation import Array
from lenetkit.reading._strip_rules import EIGHT, measure_boxes, without_borders, without_rules

__all__ = ["Sheet", "find_ink", "reduced"]

# Set on the composed scenes of benchmarks/_scenes.py and guarded by tests/reading/test_strips.py.
# The largest sheet, in pixels; larger pictures are averaged over whole blocks of pixels. Colours are weighed on a
# picture of at most this side.
_MOST_PIXELS, _COLOUR_SIDE = 800_000, 96
# Side of a block in which the paper is the brightest, in pixels; blocks on each side that strokes are narrower than,
# per pixel of the sheet's shorter side, and their bounds.
_BLOCK, _BLOCKS, _FEWEST, _MOST = 4, 0.03, 2, 5
# Of the difference to the next block paper is so much darker in its middle.
_FALLING = 0.25
# Paper darker than this fraction of the brightest paper counts as that; what is darker than the second is a border,
# with so many pixels around it.
_DARKEST, _BLACK, _AROUND = 0.35, 0.35, 8
# Where both dark and bright cover more than this fraction, apart from strokes, strokes tell which is paper; bright
# paper has this vote before them if it is most of the picture, and that one if not. Width of these strokes in pixels.
_LARGE_PART, _VOTE_OF_MOST, _VOTE_FOR_DARK, _STROKE = 0.08, 0.15, 0.05, 5
# Ink stands out from the paper by this fraction of the contrast, so many standard deviations of the noise, and levels;
# and a pixel of a piece by this fraction of what its piece does.
_FAINT, _NOISES, _LEAST, _HALF = 0.25, 4.0, 6, 0.36
# The contrast of a sheet with writing: levels and standard deviations of the noise at least. Patterns are noise, which
# is smoothed away so many times at most.
_LEAST_SPAN, _LEAST_NOISES, _SMOOTHINGS = 16, 5, 3
# Pixels four columns apart share no smoothed noise; a quarter of the differences of normal deviates is below this. An
# edge is where the squared gradient (slope, 4 times) exceeds what noise gives, and two levels per pixel.
_APART, _QUARTER, _EDGE = 4, 0.3186, 16


@attrs.frozen(kw_only=True, eq=False, slots=False)
class Sheet:
    """The paper and the ink of a picture, dark on light."""

    paper: Array  # uint8 (height, width), the level of the paper at each pixel of the sheet
    ink: Array  # uint8 (height, width), how much darker than the paper, 255 is black on white
    labels: Array  # int32 (height, width), the pieces of possible ink from 1 on, without rules and borders
    count: int  # number of pieces
    rules: Array  # uint8 (height, width), 255 where rules and borders were
    noise: float  # standard deviation of the ink where there is none
    sides: tuple[int, int]  # first and end column between black borders
    factor: int  # pixels of the picture on a side of a pixel of the sheet
    weights: Array | None  # float64 (1, 3), of red, green and blue in grey
    inverted: bool  # whether the picture is light on dark

    @lazy
    def boxes(self) -> tuple[Array, Array, Array, Array]:
        """First and end rows, first and end columns of the pieces: each int64 (count,)."""
        return measure_boxes(self.labels, self.count)

    def to_grey(self, part: Array) -> Array:
        """Return a part of the picture, uint8 (height, width[, 3]), in grey and dark on light."""
        if part.ndim == 3:
            part = part[..., 0] if self.weights is None else mix_channels(part[np.newaxis], self.weights)[0]
        return 255 - part if self.inverted else part


def reduced(picture: Array, factor: int) -> Array:
    """Average blocks of so many pixels on a side; of large even ones every other pixel."""
    if factor > 2 and factor % 2 == 0:
        picture, factor = np.ascontiguousarray(picture[::2, ::2]), factor // 2
    return picture if factor == 1 else np.asarray(Image.fromarray(picture).reduce(factor))


def find_ink(picture: Array, factor: int = 1) -> Sheet:
    """Return the ink of a picture, reduced by the factor at least; it has no pieces where nothing stands out."""
    factor = max(factor, math.ceil(math.sqrt(picture.shape[0] * picture.shape[1] / _MOST_PIXELS)))
    small = reduced(picture, factor)
    weights = None
    if small.ndim == 3 and (small == small[..., :1]).all():
        small = np.ascontiguousarray(small[..., 0])
    elif small.ndim == 3:
        weights = weigh_channels(shrink(small[np.newaxis], _COLOUR_SIDE))
        small = mix_channels(small[np.newaxis], weights)[0]
    inverted = _is_light_on_dark(small)
    grey = 255 - small if inverted else small
    paper = _find_paper(grey)
    brightest = int(paper.max())
    black = (paper < _BLACK * brightest) & (grey < _BLACK * brightest)
    ink = _darker(grey, paper, brightest)
    level, noise = _threshold(ink, black)
    for _ in range(_SMOOTHINGS):
        if level is not None or noise == 0:
            break
        ink = _smoothed(ink)
        level, noise = _threshold(ink, black)
    labels: Array = np.zeros(ink.shape, np.int32)
    count, rules = 0, np.zeros(ink.shape, np.uint8)
    if level is not None:
        mask = ink > level
        if black.any():
            mask &= ~ndimage.maximum_filter(black, 2 * _AROUND + 1, mode="nearest")
        written = without_rules(without_borders(mask))
        rules[mask & ~written] = 255
        labels, count = ndimage.label(_whole_pieces(written, ink), EIGHT)
    return Sheet(
        paper=paper,
        ink=ink,
        labels=labels,
        count=count,
        rules=rules,
        noise=noise,
        sides=_find_sides(black),
        factor=factor,
        weights=weights,
        inverted=inverted,
    )


def _find_sides(black: Array) -> tuple[int, int]:
    """Return the first and the end column that are not mostly black."""
    light = np.flatnonzero(black.mean(axis=0) < 0.5)
    return (int(light[0]), int(light[-1]) + 1) if len(light) else (0, black.shape[1])


def _is_light_on_dark(grey: Array) -> bool:
    """Tell whether most of the picture is dark; where both levels cover large parts of it, whether strokes are bright.

    A scanner's border may cover most of a picture.
    """
    counts = np.bincount(grey.ravel(), minlength=256).cumsum()
    lowest, middle, highest = np.searchsorted(counts, (1, counts[-1] / 2, counts[-1])).tolist()
    is_dark = bool(2 * middle < lowest + highest)
    blocks = np.asarray(Image.fromarray(grey).reduce(_BLOCK))
    other = (blocks > (lowest + highest) / 2) == is_dark
    # Little is left of strokes and of writing when they are eaten away from all sides.
    if ndimage.minimum_filter(other, 5, mode="nearest").mean() <= _LARGE_PART:
        return is_dark
    sides = grey[np.newaxis], 255 - grey[np.newaxis]
    dark, bright = (float(np.square((close(side, _STROKE) - side).astype(np.float32)).sum()) for side in sides)
    return (dark - bright) / max(dark + bright, 1) + (_VOTE_FOR_DARK if is_dark else _VOTE_OF_MOST) < 0


def _find_paper(grey: Array) -> Array:
    """Return the level of the paper: what is dark and narrow is filled, block by block."""
    height, width = grey.shape
    rows, columns = (-(-side // _BLOCK) for side in grey.shape)
    padded = np.pad(grey, ((0, rows * _BLOCK - height), (0, columns * _BLOCK - width)), mode="edge")
    calm = np.asarray(Image.fromarray(padded).reduce(2))
    blocks = np.maximum(np.maximum(calm[::2, ::2], calm[1::2, ::2]), np.maximum(calm[::2, 1::2], calm[1::2, 1::2]))
    reach = int(np.clip(round(_BLOCKS * min(height, width)), _FEWEST, _MOST))
    wider, size = np.pad(blocks, reach, mode="edge"), 2 * reach + 1
    closed = ndimage.minimum_filter(ndimage.maximum_filter(wider, size), size)
    # Where light falls off the brightest of a block is not its middle.
    steep = np.abs(np.diff(closed.astype(np.int16), axis=0, prepend=closed[:1]))
    steep += np.abs(np.diff(closed.astype(np.int16), axis=1, prepend=closed[:, :1]))
    closed = (closed - (_FALLING * steep).astype(np.int16)).clip(0, 255).astype(np.uint8)[reach:-reach, reach:-reach]
    shape = columns * _BLOCK, rows * _BLOCK
    return np.asarray(Image.fromarray(closed).resize(shape, Image.Resampling.BILINEAR))[:height, :width]


def _darker(grey: Array, paper: Array, brightest: int) -> Array:
    """Return how much darker than the paper each pixel is, smoothed: uint8."""
    reference = np.maximum(np.arange(256, dtype=np.float32), np.float32(max(1, _DARKEST * brightest)))
    darker = np.maximum(paper, grey) - grey
    return _smoothed((darker * (np.float32(255) / reference)[paper]).astype(np.uint8))


def _smoothed(levels: Array) -> Array:
    """Weigh 3x3 pixels by 1-2-1 both ways."""
    total = np.pad(levels, 1, mode="edge").astype(np.uint16)
    total = total[:-2] + 2 * total[1:-1] + total[2:]
    return ((total[:, :-2] + 2 * total[:, 1:-1] + total[:, 2:] + 8) >> 4).astype(np.uint8)


def _threshold(ink: Array, black: Array) -> tuple[float | None, float]:
    """Return the level from which on ink may be writing, None without enough contrast; and the noise."""
    calm = ink[:: max(1, ink.size // 100_000)]
    counts = np.bincount(calm.ravel(), minlength=256).cumsum()
    paper, noise = float(np.searchsorted(counts, counts[-1] / 4)), 0.0
    if ink.shape[1] > 2 * _APART:
        left, right = calm[:, :-_APART], calm[:, _APART:]
        steps = np.bincount((np.maximum(left, right) - np.minimum(left, right)).ravel(), minlength=256).cumsum()
        level = int(np.searchsorted(steps, steps[-1] / 4))
        below = int(steps[level - 1]) if level else 0
        # A difference has the noise of two pixels, and was rounded.
        share = (steps[-1] / 4 - below) / (int(steps[level]) - below)
        noise = float(max(level - 0.5, 0) + share * (1 if level else 0.5)) / _QUARTER / math.sqrt(2)
    steep = slope(ink[np.newaxis])[0]
    places = np.flatnonzero((steep > _EDGE * (noise * noise + 1)) & ~black)
    if len(places) == 0:
        return None, noise
    weights = steep.reshape(-1)[places].astype(np.float64)
    # Twice the mean level where ink begins, weighted by steepness (Kittler et al., as in lenetkit._ink.paper).
    span = 2 * (float((weights * ink.reshape(-1)[places]).sum() / weights.sum()) - paper)
    if span < max(_LEAST_SPAN, _LEAST_NOISES * noise):
        return None, noise
    return paper + max(_FAINT * span, _NOISES * noise, _LEAST), noise


def _whole_pieces(mask: Array, ink: Array) -> Array:
    """Leave of each piece what is dark for the piece: faint writing stays whole beside dark print."""
    labels, count = ndimage.label(mask, EIGHT)
    places = np.flatnonzero(labels)
    owners, levels = labels.reshape(-1)[places], ink.reshape(-1)[places]
    darkest = np.zeros(count + 1, np.uint8)
    np.maximum.at(darkest, owners, levels)
    out = np.zeros(mask.shape, bool)
    out.reshape(-1)[places] = levels > _HALF * darkest[owners]
    return out
