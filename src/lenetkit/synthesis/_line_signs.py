"""Signs between and around written digits, as strokes of the pen.

In: characters. Out: a trace for each, in digit heights, standing on the line y = 1. Next: the writing of lines.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats
from lenetkit.synthesis._pen import Trace

__all__ = ["write_signs"]

# Strokes as points (x, y) in digit heights, y downwards, the line at 1; lenetkit's own, set by eye.
_SIGNS: Mapping[str, Sequence[Sequence[tuple[float, float]]]] = {
    ".": [[(0.0, 0.96), (0.04, 0.98)]],
    ",": [[(0.06, 0.9), (0.08, 1.0), (0.0, 1.16)]],
    "-": [[(0.0, 0.56), (0.2, 0.54), (0.42, 0.55)]],
    "/": [[(0.5, -0.08), (0.28, 0.5), (0.0, 1.14)]],
    ":": [[(0.0, 0.45), (0.03, 0.47)], [(0.0, 0.94), (0.03, 0.96)]],
    "=": [[(0.0, 0.48), (0.44, 0.45)], [(0.02, 0.68), (0.46, 0.66)]],
    "*": [[(0.0, 0.4), (0.36, 0.7)], [(0.02, 0.7), (0.34, 0.38)], [(0.18, 0.3), (0.17, 0.8)]],
    "#": [
        [(0.2, 0.1), (0.1, 0.95)],
        [(0.46, 0.08), (0.36, 0.93)],
        [(0.0, 0.4), (0.58, 0.36)],
        [(0.0, 0.7), (0.56, 0.66)],
    ],
    "$": [
        [(0.5, 0.16), (0.3, 0.06), (0.08, 0.18), (0.14, 0.42), (0.44, 0.58), (0.5, 0.8), (0.26, 0.96), (0.0, 0.84)],
        [(0.32, -0.1), (0.22, 1.1)],
    ],
}
# Standard deviations of points, of the size as a logarithm, and of the height above the line of a dash. Dots and commas
# are pressed harder: how much thicker they are.
_JITTER, _SIZES, _RAISED, _PRESSED = 0.025, 0.2, 0.07, (1.1, 1.9)
# A dash is longer or shorter than the others by so much more.
_DASHES = (0.6, 2.2)


def write_signs(
    characters: Sequence[str], slant: float, radius: float, n_samples: int, rng: np.random.Generator
) -> Trace:
    """Write each character in a hand that leans by `slant`, with a pen of the given radius in digit heights."""
    points = np.empty((len(characters), n_samples, 2))
    radii = np.full((len(characters), n_samples), radius)
    down: npt.NDArray[np.bool_] = np.ones((len(characters), n_samples - 1), bool)
    for index, character in enumerate(characters):
        strokes = _SIGNS[character]
        bounds = np.linspace(0, n_samples, len(strokes) + 1).astype(int)
        down[index, bounds[1:-1] - 1] = False
        size = np.exp(_SIZES * rng.standard_normal(2))
        if character in "-=":
            size[0] *= rng.uniform(*_DASHES)
        for start, stop, stroke in zip(bounds[:-1], bounds[1:], strokes, strict=True):
            points[index, start:stop] = _stroke(np.array(stroke), stop - start, rng)
        points[index] = (points[index] - (0, 1)) * size + (0, 1)
        if character in "-=:":
            points[index, :, 1] += _RAISED * rng.standard_normal()
        if character in ".,:":
            radii[index] *= rng.uniform(*_PRESSED)
    points[..., 0] -= slant * (points[..., 1] - 1)
    return Trace(points=points, radii=radii, down=down)


def _stroke(knots: Floats, n_samples: int, rng: np.random.Generator) -> Floats:
    """Return positions along knots, each a little moved and the way between them smooth."""
    knots = knots + _JITTER * rng.standard_normal(knots.shape)
    at = np.linspace(0, len(knots) - 1, n_samples)
    if len(knots) == 3:  # a bow through the middle one
        control = 2 * knots[1] - (knots[0] + knots[2]) / 2
        part = (at / 2)[:, None]
        return np.asarray((1 - part) ** 2 * knots[0] + 2 * part * (1 - part) * control + part**2 * knots[2])
    return np.stack([np.interp(at, np.arange(len(knots)), knots[:, axis]) for axis in (0, 1)], axis=1)
