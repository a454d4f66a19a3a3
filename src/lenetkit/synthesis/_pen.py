"""The pen: skeletons of digits bent as hands do, and a line of varying width along them.

In: allographs and hands, many at once, lengths in units of the digit's height. Out: traces of the pen, and, from
:func:`lay_ink`, which works in pixels, ink. Next: the modules that lay out digits, numbers and non-digits.
"""

import functools
import itertools
from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit.synthesis._allographs import Allograph, Style

__all__ = ["Hand", "Trace", "curve_through", "lay_ink", "lay_steps", "trace_digits"]

# All set by eye beside MNIST's digits; tests/synthesis/test_drawing.py compares ink and proportions with MNIST's, and
# whether what reads MNIST reads them. Any change draws other pixels for every seed.
# Standard deviations of control points, ends, strokes and of the bow of a digit, in units of its height.
_POINT_JITTER, _END_JITTER, _STROKE_JITTER, _BOW = 0.014, 0.04, 0.026, 0.045
# Logarithm of the width (mean, standard deviation) and rotation in radians (standard deviation) of an ordinary hand.
_STRETCH, _STRETCH_SPREAD, _ROTATION_SPREAD = 0.05, 0.2, 0.05
# Largest swell of the line along its way, its second frequency, and largest difference that the nib's direction makes.
_SWELL, _SECOND_WAVE, _NIB = 0.18, 2.7, 0.2
# About here a digit is stretched, slanted and turned: the middle of the line on which it stands.
_FOOT = 0.35

# The displacement field that bends a form as a whole: waves (x, y) per digit height, and their heights.
_WAVES = np.array([(0.0, 0.5), (0.6, 0.3), (0.3, -0.8), (0.9, 0.9)])
_WAVE_HEIGHTS = np.array([0.036, 0.032, 0.024, 0.01])

# Random numbers are drawn for so many, whatever a form has: a new form must not change the others' digits.
_MOST_POINTS, _MOST_STROKES = 32, 4

# Pixels that one step of the distance loop works on, so that its arrays stay in the processor's cache.
_BLOCK = 100_000


@attrs.frozen(kw_only=True, eq=False)
class Hand:
    """The hands of n digits apart from their forms; every array has shape (n,)."""

    slant: Floats  # how far the top leans to the right, as a fraction of the height
    stretch: Floats  # logarithm of the width in relation to the form's
    rotation: Floats  # radians, clockwise
    roundness: Floats  # from 0, corners as they are, to 1, corners cut as in a hurry
    looseness: Floats  # of everything else; 0 gives the forms as they are

    @classmethod
    def drawn(cls, styles: Sequence[Style], streams: RandomStreams, variation: float) -> "Hand":
        """Draw one hand of each style."""
        slant, spread, looseness = np.array([(style.slant, style.slant_spread, style.looseness) for style in styles]).T
        return cls(
            slant=slant + variation * spread * streams.normal(),
            stretch=variation * looseness * (_STRETCH + _STRETCH_SPREAD * streams.normal()),
            rotation=variation * looseness * _ROTATION_SPREAD * streams.normal(),
            roundness=np.minimum(1, variation) * looseness * streams.uniform(0, 1),
            looseness=variation * looseness,
        )


@attrs.frozen(kw_only=True, eq=False)
class Trace:
    """The way of the pen for n digits."""

    points: Floats  # (n, s, 2), positions (x, y), y downwards
    radii: Floats  # (n, s), half the width of the line, in the units of the points
    down: npt.NDArray[np.bool_]  # (n, s - 1), True where the pen touches the paper from one position to the next

    def extent(self) -> tuple[Floats, Floats]:
        """Return the upper left and the lower right corner (x, y) of the ink, each of shape (n, 2)."""
        radii = self.radii[..., None]
        return (self.points - radii).min(axis=1), (self.points + radii).max(axis=1)

    def cut(self, index: int, start: int, stop: int) -> "Trace":
        """Return some steps of one digit."""
        one, ends = slice(index, index + 1), slice(start, stop + 1)
        return Trace(points=self.points[one, ends], radii=self.radii[one, ends], down=self.down[one, start:stop])

    def moved(self, scale: Floats, shift: Floats) -> "Trace":
        """Return it scaled about the origin by (n,), then shifted by (n, 2)."""
        return Trace(
            points=self.points * scale[:, None, None] + shift[:, None, :],
            radii=self.radii * scale[:, None],
            down=self.down,
        )


# Rows: the weights of four neighbouring control points; columns: powers of the way from the second to the third.
_THROUGH = np.array([(0, -1, 2, -1), (2, 0, -5, 3), (0, 1, 4, -3), (0, 0, -1, 1)]) / 2  # Catmull and Rom
_BESIDE = np.array([(1, -3, 3, -1), (4, 0, -6, 3), (1, 3, 3, -3), (0, 0, 0, 1)]) / 6  # cubic B-spline


def _curve(n_points: int, at: Floats, basis: Floats) -> Floats:
    """Return the weights (s, n_points) of a curve along points at positions `at` in [0, n_points - 1]."""
    segment = np.minimum(at.astype(int), n_points - 2)
    powers = (at - segment)[:, None] ** np.arange(4)
    weights = np.zeros((len(at), n_points + 2))
    for offset in range(4):
        weights[np.arange(len(at)), segment + offset] += powers @ basis[offset]
    inner = weights[:, 1:-1].copy()
    for end, beside, outside in ((0, 1, 0), (-1, -2, -1)):  # what lies beyond an end mirrors its neighbour
        inner[:, end] += 2 * weights[:, outside]
        inner[:, beside] -= weights[:, outside]
    return inner


@functools.lru_cache(maxsize=256)
def _even(n_points: int, n_samples: int) -> Floats:
    return _curve(n_points, np.linspace(0, n_points - 1, n_samples), _THROUGH)


def curve_through(points: Floats, n_samples: int) -> Floats:
    """Return positions (n_samples, 2) of a smooth curve through points (k, 2)."""
    return np.asarray(_even(len(points), n_samples) @ points)


@functools.lru_cache(maxsize=256)
def _sampling(
    allograph: Allograph, n_samples: int
) -> tuple[Floats, Floats, npt.NDArray[np.bool_], Floats, npt.NDArray[np.int64]]:
    """Return how positions along an allograph follow from its k control points, to which they are linear.

    The weights (n_samples, k) of the points with corners kept, the same with corners cut, and where the pen is down,
    (n_samples - 1,); of each point, (k,), the standard deviation of its jitter, and its stroke.
    """
    k = len(allograph.points)
    runs = [slice(stroke[0], stroke[-1] + 1) for stroke in allograph.strokes]
    lengths = [np.linalg.norm(np.diff(allograph.points[run], axis=0), axis=1) for run in runs]
    ends = np.cumsum([0.0, *(length.sum() for length in lengths)])
    bounds = np.rint(ends / ends[-1] * n_samples).astype(int)
    sharp, smooth = np.zeros((n_samples, k)), np.zeros((n_samples, k))
    for here, run, stroke, length in zip(itertools.pairwise(bounds), runs, allograph.strokes, lengths, strict=True):
        way = np.concatenate([[0.0], np.cumsum(length)])
        at = np.interp(np.linspace(0, way[-1], here[1] - here[0]), way, np.arange(len(way)))
        smooth[slice(*here), run] = _curve(len(way), at, _BESIDE)
        corners = np.array(stroke)
        owners = np.searchsorted(corners[1:-1] - corners[0], at, side="right")
        for index, (start, stop) in enumerate(itertools.pairwise(stroke)):
            own = np.flatnonzero(owners == index)
            sharp[here[0] + own, start : stop + 1] = _curve(stop - start + 1, at[own] - (start - stroke[0]), _THROUGH)
    down = np.ones(n_samples - 1, bool)
    down[bounds[1:-1] - 1] = False
    ends_here = np.isin(np.arange(k), [(stroke[0], stroke[-1]) for stroke in allograph.strokes])
    owners = np.repeat(np.arange(len(runs)), [run.stop - run.start for run in runs])
    return sharp, smooth, down, np.where(ends_here, _END_JITTER, _POINT_JITTER), owners


def trace_digits(allographs: Sequence[Allograph], hand: Hand, streams: RandomStreams, n_samples: int = 64) -> Trace:
    """Write n digits, each allograph bent by its hand and at random, with `n_samples` positions of the pen.

    The trace is in units of the digit's height and stands on the line y = 1; its radii are 1 on average.
    """
    n = len(allographs)
    points, down = np.empty((n, n_samples, 2)), np.empty((n, n_samples - 1), bool)
    jitter, offsets = streams.normal(_MOST_POINTS, 2), streams.normal(_MOST_STROKES, 2)
    for allograph in dict.fromkeys(allographs):
        rows = np.flatnonzero([other is allograph for other in allographs])
        sharp, smooth, down[rows], spread, stroke = _sampling(allograph, n_samples)
        moved = spread[:, None] * jitter[rows, : len(allograph.points)] + _STROKE_JITTER * offsets[rows][:, stroke]
        curve = sharp + hand.roundness[rows, None, None] * (smooth - sharp)
        points[rows] = curve @ (allograph.points + hand.looseness[rows, None, None] * moved)
    points = _leant(_bent(points, hand, streams), hand)
    return Trace(points=points, radii=_pressure(points, hand, streams), down=down)


def _bent(points: Floats, hand: Hand, streams: RandomStreams) -> Floats:
    """Displace everything by smooth waves, and bow it to one side."""
    heights = _WAVE_HEIGHTS[:, None] * streams.normal(len(_WAVES), 2) * hand.looseness[:, None, None]
    phases = streams.uniform(0, 2 * np.pi, 1, len(_WAVES))
    bent: Floats = points + np.sin(2 * np.pi * points @ _WAVES.T + phases) @ heights
    bow = _BOW * hand.looseness * streams.normal()
    bent[..., 0] += bow[:, None] * (4 * (bent[..., 1] - 0.5) ** 2 - 1)
    return bent


def _leant(points: Floats, hand: Hand) -> Floats:
    """Stretch, lean and turn about the middle of the line on which the digits stand."""
    y = points[..., 1] - 1
    x = (points[..., 0] - _FOOT) * np.exp(hand.stretch)[:, None] - hand.slant[:, None] * y
    sine, cosine = np.sin(hand.rotation)[:, None], np.cos(hand.rotation)[:, None]
    return np.stack([x * cosine - y * sine + _FOOT, x * sine + y * cosine + 1], axis=-1)


def _pressure(points: Floats, hand: Hand, streams: RandomStreams) -> Floats:
    """Return radii around 1: the pen presses unevenly, has a broad side, and lands and leaves."""
    along = np.linspace(0, 2 * np.pi, points.shape[1])
    swell = streams.uniform(0, _SWELL, 2) * np.minimum(1, hand.looseness)[:, None]
    phases = streams.uniform(0, 2 * np.pi, 3)
    radii = (
        1 + swell[:, :1] * np.sin(along + phases[:, :1]) + swell[:, 1:] * np.sin(_SECOND_WAVE * along + phases[:, 1:2])
    )
    way = np.gradient(points, axis=1)
    nib = streams.uniform(0, _NIB) * np.minimum(1, hand.looseness)
    across = np.cos(2 * np.arctan2(way[..., 1], way[..., 0]) + phases[:, 2:])
    return np.asarray(radii * (1 + nib[:, None] * across))


def lay_ink(trace: Trace, height: int, width: int, softness: npt.ArrayLike = 1.0) -> npt.NDArray[np.float32]:
    """Draw traces in pixels, the middle of the upper left pixel at (0.5, 0.5): float32 (n, height, width), ink 1.

    The edges of the lines fade out over `softness` pixels, a index or one for each trace; 1 is exact coverage.
    """
    n = len(trace.points)
    soft = np.broadcast_to(np.asarray(softness, np.float32), (n,))
    ink = np.empty((n, height, width), np.float32)
    step = max(1, _BLOCK // (height * width))
    for start in range(0, n, step):
        part = slice(start, start + step)
        depth = _depth(trace.points[part], trace.radii[part], trace.down[part], height, width)
        ink[part] = np.clip(depth / soft[part, None, None] + np.float32(0.5), 0, 1)
    return ink


def lay_steps(trace: Trace, height: int, width: int) -> npt.NDArray[np.float32]:
    """Draw traces as `lay_ink` does with a softness of 1, each step in a small window: faster for many short steps."""
    index, step = np.nonzero(trace.down)
    start = trace.points[index, step].astype(np.float32)
    way = trace.points[index, step + 1].astype(np.float32) - start
    radius = ((trace.radii[index, step] + trace.radii[index, step + 1]) / 2).astype(np.float32)[:, None]
    reach = radius + np.float32(0.5)
    corner = np.floor(np.minimum(start, start + way) - reach).astype(np.int64)
    side = int((np.ceil(np.maximum(start, start + way) + reach) - corner).max(initial=1))
    at = corner[:, None, :] + np.arange(side)[:, None]  # (k, side, 2), columns and rows of each window
    away = at.astype(np.float32) + (np.float32(0.5) - start[:, None, :])
    towards = way / np.maximum((way**2).sum(axis=1, keepdims=True), 1e-12)
    parts = away * towards[:, None, :]
    along = np.clip(parts[:, :, None, 1] + parts[:, None, :, 0], 0, 1)
    across = away[:, None, :, 0] - along * way[:, 0, None, None]
    along *= way[:, 1, None, None]
    np.subtract(away[:, :, None, 1], along, out=along)
    depth = radius[..., None] + np.float32(0.5) - np.sqrt(across * across + along * along)
    # Windows reach over the edge into a frame of one pixel, which is cut off.
    ink = np.zeros((len(trace.points), height + 2, width + 2), np.float32)
    columns, rows = (np.clip(at[..., axis] + 1, 0, size + 1) for axis, size in ((0, width), (1, height)))
    pixels = (index[:, None] * (height + 2) + rows)[:, :, None] * (width + 2) + columns[:, None, :]
    inked = depth > 0
    np.maximum.at(ink.reshape(-1), pixels[inked], np.minimum(depth[inked], 1))
    return ink[:, 1:-1, 1:-1]


def _depth(
    points: Floats, radii: Floats, down: npt.NDArray[np.bool_], height: int, width: int
) -> npt.NDArray[np.float32]:
    """Return the depth of every pixel's middle inside the line, negative outside: the largest over all segments."""
    start = points[:, :-1].astype(np.float32)
    way = np.diff(points, axis=1).astype(np.float32)
    towards = way / np.maximum((way**2).sum(axis=-1, keepdims=True), 1e-12)
    # A segment that the pen makes in the air has no width at all.
    radius = np.where(down, (radii[:, :-1] + radii[:, 1:]) / 2, -1e6).astype(np.float32)
    x = np.arange(width, dtype=np.float32)[None, None, :] + np.float32(0.5)
    y = np.arange(height, dtype=np.float32)[None, :, None] + np.float32(0.5)
    deepest = np.full((len(points), height, width), -1e6, np.float32)
    for step in range(way.shape[1]):
        dx = x - start[:, step, 0, None, None]
        dy = y - start[:, step, 1, None, None]
        along = dx * towards[:, step, 0, None, None] + dy * towards[:, step, 1, None, None]
        np.clip(along, 0, 1, out=along)
        across = along * way[:, step, 0, None, None]
        np.subtract(dx, across, out=across)
        along *= way[:, step, 1, None, None]
        np.subtract(dy, along, out=along)
        across *= across
        along *= along
        across += along
        np.sqrt(across, out=across)
        np.subtract(radius[:, step, None, None], across, out=across)
        np.maximum(deepest, across, out=deepest)
    return deepest
