"""Ink beside the number that is none of it: strokes below, bits of neighbouring writing, print.

In: a size in pixels and where the writing lies. Out: ink, float32 in [0, 1]. Next: the picture of a line.
"""

import functools
import string
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats
from lenetkit.synthesis._one_hand import join_strokes
from lenetkit.synthesis._pen import lay_steps

__all__ = ["Place", "cross", "draw_neighbours", "print_word", "underline"]

Ink = npt.NDArray[np.float32]

# All set by eye. Positions of the pen in a stroke; a stroke below the digits, in digit heights: distance from their
# feet, slope, bend, how far it begins and ends beside them; how often there are two; how far it comes above their feet.
_SAMPLES, _BELOW, _TILT, _BEND, _BESIDE, _TWICE, _TOUCHING = 64, (-0.02, 0.22), 0.05, 0.05, (-0.3, 0.4), 0.3, 0.06
# How far below the line it stays where there are points or commas, in digit heights and radii of the pen.
_CLEAR, _CLEAR_RADII = 0.1, 2.5
# A stroke through the writing: how often it is steep, and how far it goes on beyond, in digit heights.
_STEEP, _BEYOND = 0.7, 0.8
# How far foreign strokes reach into the picture: past the edge of the writing, at its sides into the margin.
_REACH, _SIDE_REACH, _MOST_STROKES = (0.02, 0.22), (0.1, 0.7), 9
# How often the neighbours are numbers of a column, and how much of their height is seen at most.
_COLUMNS, _MOST_SEEN = 0.35, 0.4
# So high above the feet of the writing nothing comes in from below, in digit heights.
_POINTS = 0.25
# Size of print in digit heights, in pixels at least and at most, and its darkness.
_PRINT, _PRINT_PIXELS, _PRINT_INK = (0.25, 0.5), (7, 40), (0.4, 1.0)


@attrs.frozen(kw_only=True)
class Place:
    """The writing in its picture, in pixels."""

    shape: tuple[int, int]  # rows and columns of the picture
    left: int
    top: int
    right: int
    bottom: int
    baseline: float
    size: float  # height of a digit
    radius: float  # half the width of the pen's line
    slope: float = 0.0
    signed: bool = False  # with separators, which nothing may cover


def underline(place: Place, rng: np.random.Generator) -> Ink:
    """Draw one stroke of the pen below the digits, or two."""
    count, slope = 2 if rng.random() < _TWICE else 1, place.slope
    ends = np.empty((count, 2, 2))
    ends[:, 0, 0] = place.left - rng.uniform(*_BESIDE, count) * place.size
    ends[:, 1, 0] = place.right + rng.uniform(*_BESIDE, count) * place.size
    ends[:, :, 1] = place.baseline + rng.uniform(*_BELOW) * place.size + slope * (ends[:, :, 0] - place.left)
    ends[:, :, 1] += np.arange(count)[:, None] * (2.5 * place.radius + 2)
    ways = ends[:, 1:] - ends[:, :1] + rng.standard_normal((count, 2, 2)) * np.array([0, _BEND]) * place.size * 4
    ends[:, 1, 1] += (ends[:, 1, 0] - ends[:, 0, 0]) * _TILT * rng.standard_normal(count)
    # It may touch the digits, not strike them out, nor cover points.
    nearest = _CLEAR * place.size + _CLEAR_RADII * place.radius if place.signed else -_TOUCHING * place.size
    feet = place.baseline + slope * (ends[:, :, 0] - place.left) + nearest
    ends[:, :, 1] += np.maximum(feet - ends[:, :, 1], 0).max()
    return _laid(ends, ways, place)


def cross(place: Place, rng: np.random.Generator) -> Ink:
    """Draw a stroke of another pen through the writing and beyond, steep or from corner to corner."""
    low, high = np.array([place.left, place.top]), np.array([place.right, place.bottom])
    beyond = _BEYOND * place.size
    if place.signed or rng.random() < _STEEP:
        first, last = rng.uniform(low[0], high[0]) + rng.uniform(-1.5, 1.5, 2) * place.size
        ends = np.array([[(first, low[1] - beyond), (last, high[1] + beyond)]])
    else:
        rows = np.where(rng.random() < 0.5, [low[1], high[1]], [high[1], low[1]])
        ends = np.array([[(low[0] - beyond, rows[0]), (high[0] + beyond, rows[1])]])
    ways = ends[:, 1:] - ends[:, :1] + 0.7 * place.size * rng.standard_normal((1, 2, 2))
    return _laid(ends, ways, place)


def draw_neighbours(place: Place, written: Ink, rng: np.random.Generator) -> Ink:
    """Draw the feet of the writing above, the heads of that below, bits at the sides, or print.

    A part of the lines above and below are numbers in the same hand: `written`, moved along.
    """
    kinds = rng.random(4) < (0.35, 0.25, 0.4, 0.2)
    ink = np.zeros(place.shape, np.float32)
    for wanted, draw in zip(kinds.tolist(), (_above, _below, _beside, _print), strict=True):
        if wanted:
            np.maximum(ink, draw(place, rng), out=ink)
    if written.any():  # a bit from below would be a point between the digits, or cover one
        high = max(0, place.bottom - round(_POINTS * place.size))
        ink[high : place.bottom + 1, max(0, place.left) : place.right] = 0
    if written.any() and rng.random() < _COLUMNS:
        _column(ink, place, written, rng)
    return ink


def _column(ink: Ink, place: Place, written: Ink, rng: np.random.Generator) -> None:
    """Let numbers above and below reach into the picture, as in a column of them, less than half of each."""
    moved = np.roll(written, int(rng.integers(written.shape[1])), axis=1)
    left = max(0, place.left)
    for margin, low in ((place.top, False), (place.shape[0] - place.bottom, True)):
        depth = int(min(margin * rng.uniform(0.3, 1), _MOST_SEEN * place.size, len(written)))
        if depth > 0:
            part = moved[:depth] if low else moved[len(moved) - depth :]
            rows = slice(place.shape[0] - depth, None) if low else slice(0, depth)
            here = ink[rows, left : left + part.shape[1]]
            np.maximum(here, part, out=here)


def _above(place: Place, rng: np.random.Generator) -> Ink:
    return _laid(*_hanging(place, max(0, place.top), rng), place)


def _below(place: Place, rng: np.random.Generator) -> Ink:
    """Draw what hangs from above, upside down."""
    ends, ways = _hanging(place, max(0, place.shape[0] - place.bottom), rng)
    flip = np.array([1, -1])
    return _laid(ends * flip + (0, place.shape[0]), ways * flip, place)


def _hanging(place: Place, margin: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return strokes that come in over the upper edge; some turn and leave it, some end."""
    count = int(rng.integers(1, _MOST_STROKES + 1))
    reach = np.minimum(margin * rng.random(count), place.size) + rng.uniform(*_REACH, count) * place.size
    ends = np.empty((count, 2, 2))
    ends[:, 0, 0] = rng.uniform(0, place.shape[1], count)
    ends[:, 0, 1] = -0.3 * place.size
    turning = rng.random(count) < 0.5
    ends[:, 1, 0] = ends[:, 0, 0] + rng.standard_normal(count) * 0.3 * place.size
    ends[:, 1, 1] = np.where(turning, -0.3 * place.size, reach)
    ways = rng.standard_normal((count, 2, 2)) * 0.3 + np.array([(0, 1), (0, 1)])
    # A stroke that turns is half a circle: its directions decide how deep it comes.
    ways[turning, 1] = -ways[turning, 0] * np.array([1, 1]) + 0.1
    ends[turning, 1, 0] = ends[turning, 0, 0] + (reach[turning] + 0.3 * place.size) * 1.2
    return ends, ways


def _beside(place: Place, rng: np.random.Generator) -> Ink:
    """Draw a piece of a letter at one side or both, which leaves the number's own room free."""
    ends, ways = [], []
    for side, margin in enumerate((place.left, place.shape[1] - place.right)):
        if rng.random() < 0.35 or margin < 3:
            continue
        count = int(rng.integers(1, 4))
        depth = margin * rng.uniform(*_SIDE_REACH, (count, 2, 1)) * np.array([1.0, -0.3])[:, None][None]
        rows = rng.uniform(place.top, place.bottom, (count, 2, 1))
        points = np.concatenate([depth, rows], axis=2)
        way = rng.standard_normal((count, 2, 2)) * (-0.5, 1)
        ends.append(points if side == 0 else points * (-1, 1) + (place.shape[1], 0))
        ways.append(way if side == 0 else way * (-1, 1))
    if not ends:
        return np.zeros(place.shape, np.float32)
    return _laid(np.concatenate(ends), np.concatenate(ways), place)


def _print(place: Place, rng: np.random.Generator) -> Ink:
    """Print a word in small type, half outside the picture or in a margin."""
    from PIL import Image, ImageDraw

    rows, columns = place.shape
    pixels = int(np.clip(rng.uniform(*_PRINT) * place.size, *_PRINT_PIXELS))
    above = rng.random() < 0.5
    row = place.top - 1.3 * pixels if above else place.bottom + 0.2 * pixels
    row = min(row, -0.4 * pixels) if above else max(row, rows - 0.9 * pixels)
    picture = Image.new("L", (columns, rows))
    drawing = ImageDraw.Draw(picture)
    drawing.text((int(rng.integers(0, columns)) - pixels, int(row)), _letters(rng, 11), fill=255, font=_face(pixels))
    return np.asarray(picture, np.float32) * np.float32(rng.uniform(*_PRINT_INK) / 255)


def print_word(size: float, rng: np.random.Generator) -> Ink:
    """Return a word in small type beside digits of a size in pixels."""
    from PIL import Image, ImageDraw

    pixels = int(np.clip(rng.uniform(*_PRINT) * size, *_PRINT_PIXELS))
    text, face = _letters(rng, 8), _face(pixels)
    left, top, right, bottom = (int(side) for side in face.getbbox(text))
    picture = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(picture).text((1 - left, 1 - top), text, fill=255, font=face)
    return np.asarray(picture, np.float32) * np.float32(rng.uniform(*_PRINT_INK) / 255)


def _letters(rng: np.random.Generator, most: int) -> str:
    return "".join(string.ascii_letters[int(at)] for at in rng.integers(0, 52, int(rng.integers(2, most + 1))))


@functools.lru_cache(maxsize=64)
def _face(pixels: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(pixels)


def _laid(ends: Floats, ways: Floats, place: Place) -> Ink:
    strokes = join_strokes(ends, ways, np.full(len(ends), place.radius / 0.75), _SAMPLES)
    return np.asarray(lay_steps(strokes, *place.shape).max(axis=0))
