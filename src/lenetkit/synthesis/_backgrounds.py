"""Paper: blank, ruled, dotted, squared or framed, unevenly lit.

In: a size, settings and a seed. Out: uint8 pixels. Next: :meth:`lenetkit.synthesis.DrawnNumber.on` writes on it.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit._utils.validation import check_number, check_seed, check_whole, chosen_one, is_integer
from lenetkit.exceptions import SettingError

__all__ = ["as_colour", "draw_paper"]

_LONGEST = 20_000

# All set by eye beside scans and phone photos; tests/synthesis/test_drawing.py holds what follows from them, and any
# change draws other pixels for every seed. The fraction of a shadow that is a slope of the light, and where, in page
# lengths from the middle, and how soft the edge of the rest is.
_SLOPE, _EDGE_SHIFT, _EDGE_SOFTNESS = 0.4, (-0.3, 0.3), (0.02, 0.15)
# Darkness of a speck, its smallest radius in pixels and by how much others are larger; line widths between two lines.
_SPECK_DARKNESS, _SPECK_RADIUS, _SPECK_SPREAD, _PITCH_PER_LINE = 0.75, 0.6, 1.6, 30


def draw_paper(
    height: int,
    width: int,
    *,
    ruling: str = "plain",
    rows: Iterable[float] | None = None,
    pitch: float = 40.0,
    print_strength: float = 0.55,
    shade: int | tuple[int, int, int] = 238,
    shadow: float = 0.0,
    noise: float = 2.0,
    specks: int = 0,
    seed: int = 0,
) -> npt.NDArray[np.uint8]:
    """Draw a sheet of paper, as a scanner or a camera sees it: the background of test images.

    Parameters
    ----------
    height, width : int
        Size of the image in pixels.
    ruling : {"plain", "ruled", "dotted", "grid", "framed"}, default "plain"
        The print: nothing, lines, lines of dots, squares, or a rectangle near the border.
    rows : iterable of float, optional
        Rows of the lines of ``"ruled"`` and ``"dotted"`` paper, for example a number's ``baselines``. By default
        every `pitch` pixels.
    pitch : float, default 40.0
        Distance of lines and squares in pixels, at least 4; dots are a quarter of it apart.
    print_strength : float, default 0.55
        Darkness of the print, from 0 (not there) to 1 (black).
    shade : int or tuple of three int, default 238
        Grey level or RGB colour of the paper, 0 to 255.
    shadow : float, default 0.0
        Light that the darkest part lacks, 0 to 1: the light falls off to one side, and a soft-edged shadow lies on
        a part of the sheet.
    noise : float, default 2.0
        Standard deviation of the noise in grey levels, 0 to 64.
    specks : int, default 0
        Number of dark specks.
    seed : int, default 0
        Decides light, noise and specks.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3)
        uint8; with colour channels where `shade` is a colour.

    Raises
    ------
    SettingError
        If `ruling` is unknown or a number is out of its range.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_paper
    >>> draw_paper(60, 200, ruling="grid", pitch=20, shadow=0.5).shape
    (60, 200)
    """
    check_whole("height", height, 1, _LONGEST)
    check_whole("width", width, 1, _LONGEST)
    check_number("pitch", pitch, 4)
    for name, strength, most in (("print_strength", print_strength, 1), ("shadow", shadow, 1), ("noise", noise, 64)):
        check_number(name, strength, 0, most)
    check_whole("specks", specks, 0)
    check_seed(seed)
    draw_print = _RULINGS[chosen_one("ruling", ruling, _RULINGS)]
    lines = np.arange(pitch, height, pitch) if rows is None else _checked_rows(rows)
    printed = np.clip(draw_print(height, width, lines, pitch), 0, 1)
    rng = RandomStreams("paper", seed, n=1).generator()
    light = _light(height, width, shadow, rng) * (1 - print_strength * printed)
    light *= 1 - _SPECK_DARKNESS * _specks(height, width, specks, rng)
    colour = as_colour("shade", shade)
    levels = light.astype(np.float32)[..., None] * np.array(colour, np.float32)
    levels += np.float32(noise) * rng.standard_normal((height, width, 1), np.float32)
    paper: npt.NDArray[np.uint8] = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    return paper if len(colour) == 3 else paper[..., 0]


def _checked_rows(rows: Iterable[float]) -> Floats:
    try:
        given = np.array(list(rows), float)
    except (TypeError, ValueError):
        given = np.array([np.nan])
    if given.ndim != 1 or not np.isfinite(given).all():
        raise SettingError(f"rows must be finite numbers, one for each line; got {rows!r}.")
    return given


def as_colour(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Return one grey level or three of a colour. Raise SettingError if it is neither."""
    levels = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(levels) not in (1, 3) or not all(is_integer(level, 0, 255) for level in levels):
        raise SettingError(f"{name} must be a grey level or three levels of RGB, whole, 0 to 255; got {value!r}.")
    return tuple(int(level) for level in levels)


def _across(length: int, lines: Floats, thickness: float) -> Floats:
    """Return the fraction of each pixel along one axis that lines at the given positions cover."""
    middles = np.arange(length) + 0.5
    covers = (np.clip(thickness / 2 + 0.5 - np.abs(middles - line), 0, 1) for line in lines)
    return functools.reduce(np.maximum, covers, np.zeros(length))


def _thickness(pitch: float) -> float:
    return max(1.0, pitch / _PITCH_PER_LINE)


def _ruled(height: int, width: int, lines: Floats, pitch: float) -> Floats:
    return np.asarray(np.maximum.outer(_across(height, lines, _thickness(pitch)), np.zeros(width)))


def _dotted(height: int, width: int, lines: Floats, pitch: float) -> Floats:
    thickness = 2 * _thickness(pitch)
    dots = np.arange(pitch / 8, width, pitch / 4)
    return np.asarray(np.minimum.outer(_across(height, lines, thickness), _across(width, dots, thickness)))


def _grid(height: int, width: int, _: Floats, pitch: float) -> Floats:
    down, along = (_across(side, np.arange(pitch / 2, side, pitch), _thickness(pitch)) for side in (height, width))
    return np.asarray(np.maximum.outer(down, along))


def _framed(height: int, width: int, _: Floats, pitch: float) -> Floats:
    inset, thickness = min(pitch / 8, height / 8, width / 8), 2 * _thickness(pitch)
    down, along = (_across(side, np.array([inset, side - inset]), thickness) for side in (height, width))
    inside_down, inside_along = (
        np.abs(np.arange(side) + 0.5 - side / 2) < side / 2 - inset + thickness / 2 for side in (height, width)
    )
    return np.asarray(np.maximum(np.outer(down, inside_along), np.outer(inside_down, along)))


_RULINGS: Mapping[str, Callable[[int, int, Floats, float], Floats]] = {
    "plain": lambda height, width, _lines, _pitch: np.zeros((height, width)),
    "ruled": _ruled,
    "dotted": _dotted,
    "grid": _grid,
    "framed": _framed,
}


def _light(height: int, width: int, shadow: float, rng: np.random.Generator) -> Floats:
    """Return the light on the paper, 1 where it is full: a slope, and the soft edge of something that stands in it."""
    angles = rng.uniform(0, 2 * np.pi, 2)
    shift, softness = rng.uniform(*_EDGE_SHIFT), rng.uniform(*_EDGE_SOFTNESS)
    y, x = ((np.arange(side) + 0.5) / side - 0.5 for side in (height, width))
    along, across = (np.add.outer(y * np.sin(angle), x * np.cos(angle)) for angle in angles)
    slope, edge = 0.5 + along / np.sqrt(2), 1 / (1 + np.exp(-(across - shift) / softness))
    return np.asarray(1 - shadow * (_SLOPE * slope + (1 - _SLOPE) * edge))


def _specks(height: int, width: int, n: int, rng: np.random.Generator) -> Floats:
    covered = np.zeros((height, width))
    for row, column, radius in rng.random((n, 3)) * (height, width, _SPECK_SPREAD) + (0, 0, _SPECK_RADIUS):
        top, left = max(0, int(row - 4)), max(0, int(column - 4))
        part = covered[top : top + 9, left : left + 9]
        y, x = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        distance = np.hypot(x + 0.5 - column, y + 0.5 - row)
        np.maximum(part, np.clip(radius + 0.5 - distance, 0, 1), out=part)
    return covered
