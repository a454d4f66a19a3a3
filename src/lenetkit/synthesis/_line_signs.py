"""Signs between and around written digits, as strokes of the pen.

In: characters. Out: a trace for each, in digit heights, standing on the line y = 1. Next: the writing of lines.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats
from lenetkit.synthesis._allographs import ALLOGRAPHS
from lenetkit.synthesis._pen import Trace, curve_through

__all__ = ["CROSSED_OUT", "LETTERS", "write_signs"]

Strokes = Sequence[Sequence[tuple[float, float]]]

# Stands for any digit that was struck out again.
CROSSED_OUT = "x"
# Strokes as points (x, y) in digit heights, y downwards, the line at 1; lenetkit's own, set by eye.
_SIGNS: Mapping[str, Strokes] = {
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
# Letters that look like no digit, for what stands beside a number; from the same points as signs.
LETTERS: Mapping[str, Strokes] = {
    "a": [[(0.42, 0.5), (0.2, 0.46), (0.04, 0.72), (0.16, 0.98), (0.36, 0.84), (0.42, 0.5), (0.42, 0.9), (0.54, 0.98)]],
    "d": [[(0.38, 0.54), (0.14, 0.5), (0.02, 0.8), (0.16, 1.0), (0.36, 0.84), (0.46, -0.1)], [(0.46, -0.1), (0.42, 1)]],
    "e": [[(0.04, 0.76), (0.3, 0.68), (0.3, 0.5), (0.12, 0.48), (0.02, 0.76), (0.16, 1.0), (0.42, 0.9)]],
    "k": [[(0.06, -0.1), (0.0, 1.0)], [(0.36, 0.45), (0.04, 0.72)], [(0.1, 0.7), (0.38, 1.0)]],
    "m": [
        [(0.0, 0.48), (0.03, 1.0)],
        [(0.03, 0.7), (0.16, 0.46), (0.28, 0.56), (0.28, 1.0)],
        [(0.28, 0.7), (0.42, 0.46), (0.54, 0.56), (0.56, 1.0)],
    ],
    "n": [[(0.0, 0.48), (0.04, 1.0)], [(0.04, 0.7), (0.2, 0.46), (0.34, 0.56), (0.36, 1.0)]],
    "r": [[(0.0, 0.48), (0.03, 1.0)], [(0.03, 0.68), (0.15, 0.48), (0.32, 0.54)]],
    "u": [[(0.02, 0.48), (0.04, 0.9), (0.18, 1.0), (0.36, 0.8), (0.38, 0.48)], [(0.38, 0.48), (0.42, 1.0)]],
    "F": [[(0.1, 0.0), (0.04, 1.0)], [(0.02, 0.02), (0.5, -0.02)], [(0.08, 0.48), (0.4, 0.45)]],
    "K": [[(0.08, 0.0), (0.02, 1.0)], [(0.5, 0.0), (0.08, 0.54)], [(0.16, 0.48), (0.52, 1.0)]],
    "M": [[(0.0, 1.0), (0.1, 0.0)], [(0.1, 0.0), (0.34, 0.7)], [(0.34, 0.7), (0.6, 0.0)], [(0.6, 0.0), (0.68, 1.0)]],
    "N": [[(0.0, 1.0), (0.08, 0.0)], [(0.08, 0.0), (0.44, 1.0)], [(0.44, 1.0), (0.54, -0.04)]],
    "R": [[(0.06, 0.0), (0.0, 1.0)], [(0.0, 0.06), (0.36, 0.0), (0.42, 0.3), (0.06, 0.5)], [(0.12, 0.5), (0.5, 1.0)]],
}
# A digit is struck out by so many steep strokes, or it would be a crossed one; their ends, in digit heights.
_STRIKES, _STRIKE_ENDS = (2, 4), (-0.2, 0.9)
# Standard deviations of points, of the size as a logarithm, and of the height above the line of a dash. Dots and commas
# are pressed harder: how much thicker they are, and their radius at least, in digit heights and in pixels.
_JITTER, _SIZES, _RAISED, _PRESSED, _SEEN, _SEEN_PIXELS = 0.025, 0.2, 0.07, (1.1, 1.9), 0.05, 0.75
# A dash is longer or shorter than the others by so much more; a slash is no shorter than this part of its height.
_DASHES, _SLASH = (0.75, 2.2), 0.95


def write_signs(
    characters: Sequence[str], slant: float, radius: float, size: float, n_samples: int, rng: np.random.Generator
) -> Trace:
    """Write each character in a hand that leans by `slant`; radius of the pen and size of the digits are in pixels."""
    points = np.empty((len(characters), n_samples, 2))
    radii = np.full((len(characters), n_samples), radius / size)
    down: npt.NDArray[np.bool_] = np.ones((len(characters), n_samples - 1), bool)
    for index, character in enumerate(characters):
        strokes = list(_struck(rng)) if character == CROSSED_OUT else _STROKES[character]
        bounds = np.linspace(0, n_samples, len(strokes) + 1).astype(int)
        down[index, bounds[1:-1] - 1] = False
        scale = np.exp(_SIZES * rng.standard_normal(2))
        if character in "-=":  # its height above the line is drawn below
            scale *= (rng.uniform(*_DASHES), 1 / scale[1])
        if character == "/":  # longer than a 1
            scale[1] = max(_SLASH, scale[1])
        for start, stop, stroke in zip(bounds[:-1], bounds[1:], strokes, strict=True):
            points[index, start:stop] = _stroke(np.array(stroke), stop - start, rng)
        points[index] = (points[index] - (0, 1)) * scale + (0, 1)
        if character in "-=:":
            points[index, :, 1] += _RAISED * np.clip(rng.standard_normal(), -2, 2)
        if character in ".,:":
            radii[index] *= rng.uniform(*_PRESSED)
            np.maximum(radii[index], max(_SEEN, _SEEN_PIXELS / size), out=radii[index])
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
    return curve_through(knots, n_samples)


_STROKES = {**_SIGNS, **LETTERS}


def _struck(rng: np.random.Generator) -> Iterator[list[tuple[float, float]]]:
    """Yield the strokes of a digit and those that strike it out."""
    forms = list(ALLOGRAPHS.values())
    form = forms[int(rng.integers(len(forms)))]
    for stroke in form.strokes:
        yield [(x, y) for x, y in form.points[stroke[0] : stroke[-1] + 1].tolist()]
    crossing = rng.random() < 0.5
    for strike in range(int(rng.integers(_STRIKES[0], _STRIKES[1] + 1))):
        high, low = float(rng.uniform(0, 0.4)), float(rng.uniform(0.6, 1.0))
        left, right = (high, low) if crossing and strike % 2 else (low, high)
        yield [(_STRIKE_ENDS[0], left), (_STRIKE_ENDS[1], right)]
