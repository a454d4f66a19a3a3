"""The fifteen corruptions of MNIST-C, each in five severities.

In: uint8 images of digits, ink bright on black. Out: the same images, spoilt in one way. Next: an evaluation.
"""

import functools
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.imports import import_quietly
from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit._utils.validation import check_seed, check_whole, chosen_one
from lenetkit.exceptions import DataError

__all__ = ["CORRUPTIONS", "corrupt"]

# Images that are worked on together. Each block has random streams of its own, so it must not change.
_BLOCK = 512

_SMALLEST = 8

# Side of the map that fog is a corner of, as published; a smaller map would vary more within an image.
_CLOUDS_SIDE = 256
# Vertical distance in pixels from a line's middle to where its level's logarithm is minus infinity, as published.
_LINE_REACH = 2.3


def corrupt(images: npt.ArrayLike, kind: str, *, severity: int = 3, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Spoil images in one of the fifteen ways of MNIST-C [1]_.

    Parameters
    ----------
    images : array-like of shape (n, height, width)
        uint8, ink bright on black, height and width at least 8. Distances are in pixels, meant for 28x28 images.
    kind : str
        One of :data:`CORRUPTIONS`.
    severity : int, default 3
        From 1, mild, to 5, severe; 3 is the published setting. See the notes.
    seed : int, default 0
        Decides everything that is random. The corruption of an image depends on the seed and on its position alone, and
        is the same for every severity as far as that makes sense.

    Returns
    -------
    ndarray of shape (n, height, width)
        uint8.

    Raises
    ------
    SettingError
        If there is no such kind or severity, or `seed` cannot be one.
    DataError
        If the images are not uint8 of that shape.

    Notes
    -----
    The paper has one setting for each kind, which is severity 3 here; the others are lenetkit's own.

    ============== ======================================================= ======================================
    kind           what it does                                            severity 1, 2, **3**, 4, 5
    ============== ======================================================= ======================================
    shot_noise     counts few photons, so many for white                   12, 6, **3**, 2, 1
    impulse_noise  a fraction of the pixels becomes black or white         0.06, 0.1, **0.17**, 0.27, 0.4
    glass_blur     swaps neighbours between two blurs along the columns    sigma 0.5, 0.6, **0.7**, 0.8, 1; so many
                                                                           rounds: 1, 1, **2**, 3, 3
    motion_blur    smears within 45 degrees of the horizontal              sigma 1, 2, **3**, 4.5, 6.5 pixels
    shear          leans to either side, by radians                        0.2, 0.3, **0.4**, 0.6, 0.8
    scale          shrinks to                                              0.9, 0.8, **0.7**, 0.6, 0.5
    rotate         turns to either side, by radians                        0.2, 0.3, **0.4**, 0.6, 0.8
    brightness     adds a fraction of full white                           0.2, 0.35, **0.5**, 0.65, 0.8
    translate      shifts along both axes, by pixels                       1, 2, **3**, 4, 5
    stripe         inverts the columns on both sides, so many each         3, 5, **7**, 8, 9
    fog            lies over it in clouds, so thick in relation to ink;    2, 2.5, **3**, 4, 5; roughness
                   an octave is weaker than the last by roughness squared  2, 1.7, **1.4**, 1.4, 1.4
    spatter        spots of grey mud, from this threshold of a noise up    0.69, 0.67, **0.65**, 0.63, 0.61
    dotted_line    a dotted line across: its strength, then their number   0.5, 0.75, **1**, 2, 3
    zigzag         a zigzag line across: likewise                          0.5, 0.75, **1**, 2, 3
    canny_edges    mixes in the edges, found after a Gaussian of sigma 1,  0.5, 0.75, **1**, 0.2, 0.4
                   by this fraction; then this fraction is missing
    ============== ======================================================= ======================================

    The kinds are written anew on NumPy and SciPy, so they are not MNIST-C's images bit for bit: the random numbers
    differ, and its motion blur comes from ImageMagick.

    References
    ----------
    .. [1] N. Mu, J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", ICML Workshop on Uncertainty and
       Robustness in Deep Learning, 2019, arXiv:1906.02337.

    Examples
    --------
    >>> from lenetkit.synthesis import corrupt, draw_digits
    >>> digits = draw_digits(100)
    >>> foggy = corrupt(digits.images, "fog", severity=2)
    >>> foggy.shape, foggy.dtype
    ((100, 28, 28), dtype('uint8'))
    """
    kind = chosen_one("kind", kind, CORRUPTIONS)
    check_whole("severity", severity, 1, 5)
    check_seed(seed)
    given = np.asarray(images)
    if given.dtype != np.uint8 or given.ndim != 3 or min(given.shape[1:]) < _SMALLEST:
        raise DataError(
            f"images must be uint8 of shape (n, height, width), at least {_SMALLEST} pixels high and wide; got "
            f"{given.dtype} of shape {given.shape}. Of images with one channel pass images[..., 0]."
        )
    spoilt = np.empty(given.shape, np.uint8)
    spoil, *settings = _KINDS[kind]
    values = [by_severity[severity - 1] for by_severity in settings]
    for rows, streams in RandomStreams.in_blocks(kind, seed, n=len(given), size=_BLOCK):
        result = spoil(given[rows] / 255.0, streams, *values)
        spoilt[rows] = np.rint(np.clip(result, 0, 1) * 255)
    return spoilt


def _shot_noise(images: Floats, streams: RandomStreams, photons: float) -> Floats:
    """Draw Poisson numbers by inverting their distribution: then each image uses up equally many random numbers."""
    levels = np.rint(images * 255).astype(int)
    means = np.arange(256)[:, None] / 255 * photons
    most = int(photons + 12 * math.sqrt(photons) + 12)
    factorials = np.cumprod([1.0, *range(1, most)])
    below = np.cumsum(np.exp(-means) * means ** np.arange(most) / factorials, axis=1)
    # The 256 distributions one after the other make one ascending table, so that one search answers for all pixels.
    table = (np.minimum(below, 1) + np.arange(256)[:, None]).ravel()
    found = np.searchsorted(table, levels + streams.uniform(0, 1, *images.shape[1:]), side="right")
    return np.asarray((found - levels * most) / photons)


def _impulse_noise(images: Floats, streams: RandomStreams, fraction: float) -> Floats:
    draw = streams.uniform(0, 1, *images.shape[1:])
    return np.where(draw < fraction / 2, 0.0, np.where(draw < fraction, 1.0, images))


def _glass_blur(images: Floats, streams: RandomStreams, sigma: float, rounds: int) -> Floats:
    """Swap neighbours between two blurs along the columns alone: the published code takes the rows for colours."""
    import_quietly("scipy.ndimage")
    from scipy.ndimage import gaussian_filter1d

    blurred = np.asarray(gaussian_filter1d(images, sigma, axis=1, mode="nearest"))
    n, height, width = images.shape
    every = np.arange(n)
    for _ in range(rounds):
        swaps = streams.uniform(0, 1, height, width) < 0.5
        steps = np.floor(streams.uniform(-1, 1, height, width, 2)).astype(int)  # -1 or 0, as published
        for row in range(height - 1, 1, -1):
            for column in range(width - 1, 1, -1):
                down, right = (steps[:, row, column] * swaps[:, row, column, None]).T
                here, there = (every, row, column), (every, row + down, column + right)
                blurred[here], blurred[there] = blurred[there], blurred[here]
    return np.asarray(gaussian_filter1d(blurred, sigma, axis=1, mode="nearest"))


def _blur(images: Floats, sigma: float) -> Floats:
    import_quietly("scipy.ndimage")
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(images, (0, sigma, sigma), mode="nearest"))


def _motion_blur(images: Floats, streams: RandomStreams, sigma: float) -> Floats:
    """Smear one way with the right half of a Gaussian, cut off at 10 pixels in the published setting."""
    angle = np.deg2rad(streams.uniform(-45, 45))
    way = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    weights = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(math.ceil(10 / 3 * sigma) + 1)]
    smeared = sum(weight * _mapped(images, np.eye(2), step * way) for step, weight in enumerate(weights))
    return np.asarray(smeared / sum(weights))


def _mapped(images: Floats, matrix: Floats, shift: Floats | float = 0.0) -> Floats:
    """Return images whose pixel p, from the middle, is the given one's pixel ``matrix @ p + shift``; black outside.

    `matrix` is of shape (2, 2) or (n, 2, 2), `shift` of shape (n, 2), both in (row, column).
    """
    import_quietly("scipy.ndimage")
    from scipy.ndimage import affine_transform

    matrices = np.broadcast_to(matrix, (len(images), 2, 2))
    middle = (np.array(images.shape[1:]) - 1) / 2
    mapped = np.empty_like(images)
    for image, *by, output in zip(images, matrices, middle - matrices @ middle + shift, mapped, strict=True):
        affine_transform(image, *by, output=output, order=1)
    return mapped


def _signs(streams: RandomStreams, *shape: int) -> Floats:
    return np.where(streams.uniform(0, 1, *shape) < 0.5, -1.0, 1.0)


def _shear(images: Floats, streams: RandomStreams, radians: float) -> Floats:
    """Tilt the vertical axis alone: a column leans by the tangent of the angle and grows by 1 / cosine."""
    matrix = np.tile(np.eye(2), (len(images), 1, 1))
    matrix[:, 0, 0] = math.cos(radians)
    matrix[:, 1, 0] = math.sin(radians) * _signs(streams)
    return _mapped(images, matrix)


def _rotate(images: Floats, streams: RandomStreams, radians: float) -> Floats:
    cosine = np.full(len(images), math.cos(radians))
    sine = math.sin(radians) * _signs(streams)
    return _mapped(images, np.array([[cosine, -sine], [sine, cosine]]).transpose(2, 0, 1))


def _stripe(images: Floats, _: RandomStreams, columns: int) -> Floats:
    striped = images.copy()
    for side in (slice(None, columns), slice(-columns, None)):
        striped[:, :, side] = 1 - striped[:, :, side]
    return striped


def _fog(images: Floats, streams: RandomStreams, thickness: float, decay: float) -> Floats:
    """Lay the corner of a map of clouds over the ink."""
    return (images + thickness * _clouds(images.shape, decay, streams)) / (1 + thickness)


def _clouds(shape: tuple[int, ...], decay: float, streams: RandomStreams) -> Floats:
    """Return the corner of periodic maps, diamond-square fractals of 256x256, each scaled to 0..1 as a whole.

    Only the corner is worked out to the last octaves: elsewhere these would hardly change the lowest and highest value.
    """
    n, height, width = shape
    octaves = (max(_CLOUDS_SIDE, height, width) - 1).bit_length()
    heights, low, high = np.zeros((n, 1, 1)), np.zeros(n), np.zeros(n)
    for octave in range(octaves):
        if octave == octaves - 2:
            low, high = heights.min(axis=(1, 2)), heights.max(axis=(1, 2))
            # Two rows and columns more on every side, as those at the border get wrong neighbours.
            rows, columns = (np.arange(-2, -(-side // 4) + 3) % 2**octave for side in (height, width))
            heights = heights[:, rows[:, None], columns]
        heights = _refined(heights, decay ** (-2 * octave), streams)
    corner = heights[:, 8 : 8 + height, 8 : 8 + width]
    low, high = np.minimum(low, corner.min(axis=(1, 2))), np.maximum(high, corner.max(axis=(1, 2)))
    return np.asarray((corner - low[:, None, None]) / (high - low)[:, None, None])


def _refined(heights: Floats, roughness: float, streams: RandomStreams) -> Floats:
    """Return periodic maps of twice the side: new points are the mean of four neighbours and noise."""
    n, rows, columns = heights.shape
    noise = [roughness * streams.uniform(-1, 1, rows, columns) for _ in range(3)]
    finer = np.empty((n, rows, 2, columns, 2))
    right, below = np.roll(heights, -1, 2), np.roll(heights, -1, 1)
    middle = (heights + right + below + np.roll(below, -1, 2)) / 4 + noise[0]
    finer[:, :, 0, :, 0], finer[:, :, 1, :, 1] = heights, middle
    finer[:, :, 0, :, 1] = (heights + right + middle + np.roll(middle, 1, 1)) / 4 + noise[1]
    finer[:, :, 1, :, 0] = (heights + below + middle + np.roll(middle, 1, 2)) / 4 + noise[2]
    return finer.reshape(n, 2 * rows, 2 * columns)


def _spatter(images: Floats, streams: RandomStreams, threshold: float) -> Floats:
    wet = _blur(0.65 + 0.3 * streams.normal(*images.shape[1:]), 1.0) > threshold
    mud = _blur(wet.astype(float), 1.5)
    mud[mud < 0.8] = 0
    return np.asarray(images * (1 - mud) + 63 / 255 * mud)


_Line = Callable[[tuple[int, ...], RandomStreams], Floats]


def _lined(line: _Line, images: Floats, streams: RandomStreams, strength: float, n_lines: int) -> Floats:
    """Add lines of one form."""
    for _ in range(n_lines):
        images = images + strength * line(images.shape, streams)
    return images


def _dotted(shape: tuple[int, ...], streams: RandomStreams) -> Floats:
    """Go from the left border to the right: of four columns two get nothing, and neither does the last one."""
    n, height, width = shape
    ends = np.floor(streams.uniform(0, height - 1, 2))
    points = np.stack([np.broadcast_to([0.0, width - 1.0], (n, 2)), ends], axis=-1)
    return _legs(points, height, width) * (np.arange(width) % 4 >= 2)


def _zigzag(shape: tuple[int, ...], streams: RandomStreams) -> Floats:
    """Go 2 pixels to either side every 4 pixels, from near the left border to near the right."""
    n, height, width = shape
    start = np.floor(streams.uniform(0, height - 1))[:, None]
    drop = np.floor(streams.uniform(-5, 5))
    span = width - 5.0
    angle, length = np.arctan2(drop, span)[:, None], np.hypot(span, drop)[:, None]
    knots = np.array([0.0, *np.arange(2, span, 4)])
    sides = np.where(np.arange(len(knots)) % 2, 2.0, -2.0) * (knots > 0)
    along = np.concatenate([np.broadcast_to(knots, (n, len(knots))), length], axis=1)
    # The last knot lies aside by the published formula, which divides by 0 where the width is 5 + 4k pixels.
    last = sides[-1] / (2 * np.maximum(length % 4, 0.5))
    aside = np.concatenate([np.broadcast_to(sides, (n, len(sides))), last], axis=1)
    x = 2 + along * np.cos(angle) - aside * np.sin(angle)
    y = start + along * np.sin(angle) + aside * np.cos(angle)
    return _legs(np.stack([x, y], axis=-1), height, width)


def _legs(points: Floats, height: int, width: int) -> Floats:
    """Return lines through points (n, k, 2), which fade with the distance along the column: steep ones are thin.

    A leg covers the columns from its first point's on to the last one before its second point.
    """
    columns, rows = np.arange(width), np.arange(height)[:, None]
    lines = np.zeros((len(points), height, width))
    for (x, y), (next_x, next_y) in itertools.pairwise(points.transpose(1, 2, 0)[..., None, None]):
        distances = np.abs(rows - y - (next_y - y) / np.where(next_x > x, next_x - x, 1) * (columns - x))
        levels = 1 + np.log(np.maximum(1 - distances / _LINE_REACH, 1e-3))
        lines += np.where((columns >= np.floor(x)) & (columns < np.ceil(next_x)), levels.clip(0), 0)
    return np.minimum(lines, 1)


def _canny_edges(images: Floats, streams: RandomStreams, fraction: float, missing: float) -> Floats:
    kept = streams.uniform(0, 1, *images.shape[1:]) >= missing
    return (1 - fraction) * images + fraction * kept * _edges(images)


def _edges(images: Floats) -> Floats:
    """Find edges as J. Canny, "A Computational Approach to Edge Detection", 1986, does; 1 on an edge, 0 elsewhere."""
    import_quietly("scipy.ndimage")
    from scipy.ndimage import correlate1d, label

    smooth = _blur(images, 1.0)
    # Sobel's two slopes; scipy.ndimage.sobel would smooth from one image to the next as well.
    down, right = (correlate1d(correlate1d(smooth, (-1, 0, 1), axis), (1, 2, 1), 3 - axis) for axis in (1, 2))
    steepness = np.hypot(down, right)
    padded = np.pad(steepness, ((0, 0), (1, 1), (1, 1)))
    height, width = images.shape[1:]
    # Of four directions the one that is nearest to the slope's: only a crest across it is an edge.
    direction = np.rint(np.arctan2(down, right) / (np.pi / 4)).astype(int) % 4
    crest = np.zeros(images.shape, bool)
    for index, (row, column) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]
        behind = padded[:, 1 - row : 1 - row + height, 1 - column : 1 - column + width]
        crest |= (direction == index) & (steepness > ahead) & (steepness >= behind)
    within_one_image = np.multiply.outer((0, 1, 0), np.ones((3, 3), int))
    parts, _ = label(crest & (steepness > 0.1), within_one_image)
    return np.isin(parts, np.unique(parts[crest & (steepness > 0.2)])).astype(float)


# By name: the function, and the values of each of its settings in five severities.
_KINDS: Mapping[str, tuple[Any, ...]] = {
    "shot_noise": (_shot_noise, (12, 6, 3, 2, 1)),
    "impulse_noise": (_impulse_noise, (0.06, 0.1, 0.17, 0.27, 0.4)),
    "glass_blur": (_glass_blur, (0.5, 0.6, 0.7, 0.8, 1.0), (1, 1, 2, 3, 3)),
    "motion_blur": (_motion_blur, (1, 2, 3, 4.5, 6.5)),
    "shear": (_shear, (0.2, 0.3, 0.4, 0.6, 0.8)),
    "scale": (lambda images, _, factor: _mapped(images, np.eye(2) / factor), (0.9, 0.8, 0.7, 0.6, 0.5)),
    "rotate": (_rotate, (0.2, 0.3, 0.4, 0.6, 0.8)),
    "brightness": (lambda images, _, fraction: images + fraction, (0.2, 0.35, 0.5, 0.65, 0.8)),
    "translate": (lambda images, streams, n: _mapped(images, np.eye(2), n * _signs(streams, 2)), (1, 2, 3, 4, 5)),
    "stripe": (_stripe, (3, 5, 7, 8, 9)),
    "fog": (_fog, (2, 2.5, 3, 4, 5), (2, 1.7, 1.4, 1.4, 1.4)),
    "spatter": (_spatter, (0.69, 0.67, 0.65, 0.63, 0.61)),
    "dotted_line": (functools.partial(_lined, _dotted), (0.5, 0.75, 1, 1, 1), (1, 1, 1, 2, 3)),
    "zigzag": (functools.partial(_lined, _zigzag), (0.5, 0.75, 1, 1, 1), (1, 1, 1, 2, 3)),
    "canny_edges": (_canny_edges, (0.5, 0.75, 1, 1, 1), (0, 0, 0, 0.2, 0.4)),
}

CORRUPTIONS = tuple(_KINDS)
"""The kinds that :func:`corrupt` knows, in the order of the paper."""
