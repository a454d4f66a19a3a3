"""Digits as one hand writes them in a row, and the strokes between digits where the pen stays down.

In: labels, the forms of a style, random streams. Out: traces in units of the digit's height. Next: the modules that lay
out numbers and lines.
"""

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit.synthesis._digit_images import FormTable, choose_forms
from lenetkit.synthesis._pen import Hand, Trace, trace_digits

__all__ = ["join_strokes", "write_digits"]

# Spread of slant and proportions within one hand, of that between hands.
_OWN = 0.2
# How far a joining stroke goes on in the direction of the digit it leaves, in its length, and its width in the pen's;
# set by eye.
_SWING, _JOIN_WIDTH = 0.6, 0.75


def write_digits(
    digits: Sequence[int],
    table: FormTable,
    streams: tuple[RandomStreams, RandomStreams],
    *,
    pen_width: tuple[float, float],
    variation: float,
    n_samples: int,
) -> Trace:
    """Write digits in one hand, each where it was designed, in digit heights.

    The two streams are the hand's own, of 10 digits, and those of the digits that it writes.
    """
    own, each = streams
    favourites, writers = choose_forms(range(10), table, own)
    hand = Hand.drawn([writers[digit] for digit in digits], each, variation)
    writer = Hand.drawn(writers, own, variation)
    hand = attrs.evolve(
        hand,
        slant=writer.slant[0] + _OWN * (hand.slant - writers[0].slant),
        stretch=writer.stretch[0] + _OWN * hand.stretch,
        rotation=_OWN * hand.rotation,
        roundness=np.full(len(digits), writer.roundness[0]),
    )
    trace = trace_digits([favourites[digit] for digit in digits], hand, each, n_samples)
    width = pen_width[0] * (pen_width[1] / pen_width[0]) ** own.uniform(0, 1)[0]
    return attrs.evolve(trace, radii=trace.radii * width / 2)


def join_strokes(ends: Floats, ways: Floats, radii: Floats, n_samples: int) -> Trace:
    """Return the strokes from ends (m, 2, 2), each a point (x, y) that is left and one that is reached.

    The pen leaves and arrives in the directions `ways` (m, 2, 2); the radii (m,) are those of the pen.
    """
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)[:, None, None]
    norms = np.maximum(np.linalg.norm(ways, axis=2, keepdims=True), 1e-9)
    swings = _SWING * length * ways / norms
    at = np.linspace(0, 1, n_samples)[:, None]
    hermite = np.hstack([2 * at**3 - 3 * at**2 + 1, 3 * at**2 - 2 * at**3, at**3 - 2 * at**2 + at, at**3 - at**2])
    points = hermite @ np.concatenate([ends, swings], axis=1)
    down: npt.NDArray[np.bool_] = np.ones((len(ends), n_samples - 1), bool)
    return Trace(points=points, radii=np.repeat(_JOIN_WIDTH * radii[:, None], n_samples, axis=1), down=down)
