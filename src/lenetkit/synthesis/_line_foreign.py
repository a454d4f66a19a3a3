"""Writing that is no number: words, marks, scribbles, digits that were struck out.

In: the traits of a hand. Out: ink without boxes. Next: marks, paper and camera, as for a line of digits.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats
from lenetkit.synthesis._line_hand import LineHand
from lenetkit.synthesis._line_signs import CROSSED_OUT, LETTERS, write_signs
from lenetkit.synthesis._pen import Trace, curve_through, lay_steps

__all__ = ["write_foreign"]

# All set by eye. Positions of the pen in a stroke.
_SAMPLES = 48
# Joined letters: how many strokes of the pen go down in a word, the step from one to the next and the height of small
# letters in digit heights, and how many rise above those or sink below the line.
_DOWN, _STEP, _SMALL, _RISING, _SINKING = (5, 17), (0.16, 0.34), (0.3, 0.6), 0.25, 0.15
# Letters of a word that is not joined, and the paper between them in digit heights.
_LETTERS, _BETWEEN = (2, 6), (0.04, 0.25)
# Points of a scribble, its width and height in digit heights.
_POINTS, _WIDTH, _HEIGHT = (7, 15), (0.4, 2.0), (0.4, 1.3)
# Strokes of a mark: ends of each, in digit heights.
_MARKS: tuple[tuple[tuple[tuple[float, float], tuple[float, float]], ...], ...] = (
    (((0.0, 0.6), (0.6, 0.58)), ((0.31, 0.3), (0.29, 0.9))),  # a cross that stands
    (((0.0, 0.3), (0.5, 0.9)), ((0.5, 0.3), (0.0, 0.9))),  # a cross that lies
    (((0.0, 0.55), (0.7, 0.5)),),
    (((0.0, 0.45), (0.6, 0.42)), ((0.0, 0.7), (0.6, 0.68))),
    (((0.0, 0.6), (0.7, 0.58)), ((0.35, 0.2), (0.33, 1.0)), ((0.05, 1.05), (0.65, 1.02))),
    (((0.0, 0.6), (0.25, 0.95)), ((0.25, 0.95), (0.95, 0.0))),  # a tick
    (((0.0, 0.35), (0.05, 0.6)), ((0.25, 0.33), (0.3, 0.58))),  # the same as above
    (((0.0, 0.4), (0.5, 0.75)), ((0.02, 0.75), (0.48, 0.38)), ((0.25, 0.25), (0.24, 0.9))),
)
_MARK_SIZE, _JITTER = (0.5, 1.2), 0.05


def write_foreign(hand: LineHand, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return ink (rows, columns), cut tight, of writing in which there is nothing to read."""
    kinds = tuple(_KINDS.values())
    points, down = kinds[int(rng.integers(len(kinds)))](hand, rng)
    points = points * hand.size
    points[..., 0] -= hand.slant * points[..., 1]
    points[..., 1] += hand.slope * points[..., 0]
    edge = hand.radius + 1
    points += edge - points.min(axis=(0, 1))
    columns, rows = (int(np.ceil(size + edge)) for size in points.max(axis=(0, 1)))
    trace = Trace(points=points, radii=np.full(points.shape[:2], hand.radius), down=down)
    return np.asarray(lay_steps(trace, rows, columns).max(axis=0))


def _word(_: LineHand, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return joined letters: up and down along a line, here and there above or below."""
    count, small = int(rng.integers(*_DOWN)), rng.uniform(*_SMALL)
    steps = rng.uniform(*_STEP, 2 * count)
    knots = np.stack([np.cumsum(steps), np.zeros(2 * count)], axis=1)
    fate = rng.random(count)
    heads, feet = small * np.exp(0.12 * rng.standard_normal(count)), 0.05 * rng.standard_normal(count)
    heads[fate < _RISING] = rng.uniform(0.8, 1.2)
    feet[fate > 1 - _SINKING] = -rng.uniform(0.2, 0.5)
    # A head leans over the foot before it: loops where the pen goes far, points where it does not.
    knots[::2, 1], knots[1::2, 1] = -heads, -feet
    knots[::2, 0] += rng.uniform(-0.3, 0.3) * small
    if rng.random() < 0.5:
        knots[0, 1] = -rng.uniform(0.8, 1.2)
    return _one_stroke(curve_through(knots, _SAMPLES * max(1, count // 2)))


def _letters(hand: LineHand, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return letters side by side, or digits that were struck out."""
    known = CROSSED_OUT if rng.random() < 0.25 else list(LETTERS)
    count = int(rng.integers(*_LETTERS)) if len(known) > 1 else int(rng.integers(1, 4))
    chosen = [known[int(at)] for at in rng.integers(0, len(known), count)]
    trace = write_signs(chosen, 0.0, hand.radius, hand.size, _SAMPLES, rng)
    points = trace.points - (0, 1)
    at = 0.0
    for own in points:
        own[:, 0] += at - own[:, 0].min()
        at = own[:, 0].max() + rng.uniform(*_BETWEEN)
    return points, trace.down


def _scribble(_: LineHand, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return one stroke here and there."""
    knots = rng.random((int(rng.integers(*_POINTS)), 2)) * (rng.uniform(*_WIDTH), rng.uniform(*_HEIGHT))
    return _one_stroke(curve_through(knots, _SAMPLES * 3))


def _mark(_: LineHand, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return one or two crosses, dashes, ticks, stars."""
    mark = np.array(_MARKS[int(rng.integers(len(_MARKS)))]) * rng.uniform(*_MARK_SIZE)
    if rng.random() < 0.2:
        aside = mark[..., 0].max() + rng.uniform(*_BETWEEN) + 0.1
        mark = np.concatenate([mark, mark + np.array([aside, 0.0])])
    mark = mark + _JITTER * rng.standard_normal(mark.shape)
    bow = 0.03 * rng.standard_normal((len(mark), 1, 2))
    at = np.linspace(0, 1, _SAMPLES)[:, None]
    points = (1 - at) * mark[:, :1] + at * mark[:, 1:] + 4 * at * (1 - at) * bow
    return points, np.ones((len(mark), _SAMPLES - 1), bool)


def _one_stroke(points: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    return points[None], np.ones((1, len(points) - 1), bool)


_KINDS: Mapping[str, Callable[[LineHand, np.random.Generator], tuple[Floats, npt.NDArray[np.bool_]]]] = {
    "word": _word,
    "letters": _letters,
    "scribble": _scribble,
    "mark": _mark,
}
