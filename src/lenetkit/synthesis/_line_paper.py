"""Paper under a line of writing: security patterns, printed lines, frames and boxes, stains, shades, scanner borders.

In: a size in pixels, where the writing lies, settings. Out: levels of light, float32, 1 is white. Next: the picture of
a line.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats
from lenetkit.synthesis._line_marks import Place
from lenetkit.synthesis._line_settings import LineSettings

__all__ = ["add_borders", "cloud", "draw_pattern", "draw_rules", "shade_paper"]

Levels = npt.NDArray[np.float32]

# All set by eye. Distance of a pattern's lines in pixels, its darkness, and how sharp and how wide its lines are.
_PITCH, _DARKNESS, _SHARP, _WIDE = (2.5, 9.0), (0.06, 0.34), (1.0, 4.0), (-0.3, 0.7)
# Waves of its lines: height in line distances, length in digit heights; tilt.
_WAVE_HEIGHT, _WAVE_LENGTH, _TILT = (0.3, 2.5), (0.6, 5.0), 0.25
# Thickness of printed lines in pixels, their darkness, their distance in digit heights, spread of their tilt.
_RULE, _RULE_DARKNESS, _RULE_PITCH, _RULE_TILT = (0.7, 2.2), (0.15, 0.9), (1.2, 2.2), 0.01
# How far frames and lines keep away from points and commas, in digit heights and radii of the pen.
_CLEAR, _CLEAR_RADII = (0.1, 0.25), 1.0
# Depth of shades and stains.
_SHADE, _STAIN = (0.05, 0.3), (0.1, 0.45)
# Lightness of a scanner's border, width of it in digit heights.
_BORDER, _BORDER_WIDTH = (0.0, 0.25), (0.1, 0.8)


def cloud(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> Levels:
    """Return smooth noise with a standard deviation of about 1, its spots `cell` pixels large."""
    from PIL import Image

    rows, columns = shape
    size = int(columns / cell) + 2, int(rows / cell) + 2
    coarse = Image.fromarray(rng.standard_normal(size[::-1], np.float32))
    box = (0, 0, min(size[0], columns / cell + 1), min(size[1], rows / cell + 1))
    return np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC, box=box), np.float32)


def shade_paper(place: Place, rng: np.random.Generator) -> Levels:
    """Return light that falls off to one side, or stains, as factors."""
    kind, depth = rng.random(), rng.uniform(*_SHADE)
    noise = cloud(place.shape, place.size * rng.uniform(0.5, 3), rng)
    if kind < 0.5:
        rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) * rng.uniform(-1, 1) for side in place.shape)
        slope = rows[:, None] + columns
        return np.asarray(1 - depth * np.clip(0.5 + 0.35 * slope + 0.25 * noise, 0, 1), np.float32)
    edge = np.float32(rng.uniform(0.2, 1.2))
    return np.asarray(1 - rng.uniform(*_STAIN) * np.clip((noise - edge) * rng.uniform(0.7, 4), 0, 1), np.float32)


def draw_pattern(place: Place, rng: np.random.Generator) -> Levels:
    """Return a security pattern as darkness."""
    kind = int(rng.integers(5))
    if kind == 4:  # grains
        grains = cloud(place.shape, rng.uniform(1.0, 2.2), rng)
        pattern = np.clip((grains - rng.uniform(0.2, 1)) * 1.5, 0, 1)
    else:
        rows, columns = np.ogrid[: place.shape[0], : place.shape[1]]
        y, x = rows.astype(np.float32), columns.astype(np.float32)
        first = _lines(kind, y, x, place.size, rng)
        if kind == 2:  # dots, where two families of lines meet
            pattern = first * _lines(kind, x, y, place.size, rng)
        elif kind == 0 or rng.random() < 0.5:
            pattern = first
        else:
            pattern = np.maximum(first, _lines(kind, y, x, place.size, rng))
    return np.asarray(pattern * np.float32(rng.uniform(*_DARKNESS)), np.float32)


def _lines(kind: int, y: Levels, x: Levels, size: float, rng: np.random.Generator) -> Levels:
    """Return a family of lines along x: waves (kinds 0 and 1, a guilloche where two cross), else straight ones."""
    pitch = rng.uniform(*_PITCH)
    tilt = rng.uniform(-1, 1) * (_TILT if kind < 3 else 1.5)
    phase = y + np.float32(tilt) * x
    if kind < 2:
        length, height = rng.uniform(*_WAVE_LENGTH) * size, rng.uniform(*_WAVE_HEIGHT) * pitch
        swell = height * np.sin(x * np.float32(2 * np.pi / length) + np.float32(rng.uniform(0, 2 * np.pi)))
        if rng.random() < 0.5:  # the waves grow and shrink
            swell *= np.sin(x * np.float32(2 * np.pi / (5.3 * length)) + np.float32(rng.uniform(0, 2 * np.pi)))
        phase = phase + swell.astype(np.float32)
    waves = np.cos(phase * np.float32(2 * np.pi / (pitch * np.hypot(1, tilt))))
    return np.asarray(np.clip((waves - np.float32(rng.uniform(*_WIDE))) * np.float32(rng.uniform(*_SHARP)), 0, 1))


def _strip(length: int, lines: npt.ArrayLike, thickness: float) -> Levels:
    """Return how much of each pixel along one axis lines at these positions cover."""
    middles = np.arange(length, dtype=np.float32)[:, None] + np.float32(0.5)
    covered = thickness / 2 + 0.5 - np.abs(middles - np.asarray(lines, np.float32)[None, :])
    return np.asarray(np.clip(covered, 0, 1).max(axis=1, initial=0), np.float32)


def draw_rules(place: Place, settings: LineSettings, cells: Floats, rng: np.random.Generator) -> Levels:
    """Return printed lines as darkness: joined boxes or a comb, a frame, a line to write on and its neighbours."""
    rows, columns = place.shape
    thickness, printed = rng.uniform(*_RULE), np.zeros(place.shape, np.float32)
    framed, ruled = rng.random(2) < (settings.framed, settings.ruled)
    foot = place.baseline + rng.uniform(-0.05, 0.2) * place.size
    if place.signed:
        foot = place.baseline + rng.uniform(*_CLEAR) * place.size + _CLEAR_RADII * place.radius
    if len(cells):
        top, bottom = place.top - rng.uniform(-0.05, 0.3) * place.size, foot + 0.05 * place.size
        comb = rng.random() < 0.3
        tall = _span(rows, bottom - 0.3 * place.size if comb else top, bottom)
        across = _strip(rows, [bottom] if comb else [top, bottom], thickness)
        _add(printed, tall, _strip(columns, place.left + cells, thickness))
        _add(printed, across, _span(columns, place.left + cells[0], place.left + cells[-1]))
    elif framed:
        inset = rng.uniform(_CLEAR[0] if place.signed else -0.05, 0.35, 4) * (-1, 1, -1, 1) * place.size
        upper, lower, left, right = np.array([place.top, place.bottom, place.left, place.right]) + inset
        _add(printed, _strip(rows, [upper, lower], thickness), _span(columns, left, right))
        _add(printed, _span(rows, upper, lower), _strip(columns, [left, right], thickness))
    elif ruled:
        pitch = np.float32(rng.uniform(*_RULE_PITCH) * place.size)
        # Points lie on a sloping line of writing: the printed line slopes with it.
        tilt = np.float32(_RULE_TILT * rng.standard_normal() + (place.slope if place.signed else 0))
        away = np.arange(rows, dtype=np.float32)[:, None] - tilt * (np.arange(columns, dtype=np.float32) - place.left)
        away -= np.float32(foot - 0.5)
        if rng.random() < 0.5:  # one line of many
            away -= pitch * np.rint(away / pitch)
        dots = np.ones(columns, np.float32)
        if rng.random() < 0.25:
            dots = _strip(columns, np.arange(0, columns, max(3.0, 3 * thickness)), 1.3 * thickness)
        printed = np.clip(np.float32(thickness / 2 + 0.5) - np.abs(away), 0, 1) * dots
        if rng.random() < 0.2:  # the line between two columns of a table
            _add(printed, np.ones(rows, np.float32), _strip(columns, [rng.choice([0.4, 0.9]) * place.left], thickness))
    return np.asarray(printed * np.float32(rng.uniform(*_RULE_DARKNESS)))


def _span(length: int, low: float, high: float) -> Levels:
    middles = np.arange(length) + 0.5
    return np.asarray((middles >= low) & (middles <= high), np.float32)


def _add(printed: Levels, down: Levels, along: Levels) -> None:
    np.maximum(printed, down[:, None] * along, out=printed)


def add_borders(levels: Levels, place: Place, widths: Any, rng: np.random.Generator) -> None:
    """Blacken the border of a scan: `widths` pixels at the top, the bottom, the left and the right."""
    level = np.float32(rng.uniform(*_BORDER))
    top, bottom, left, right = (int(width) for width in widths)
    rows, columns = place.shape
    for part in (np.s_[:top], np.s_[rows - bottom :], np.s_[:, :left], np.s_[:, columns - right :]):
        levels[part] = np.minimum(levels[part], level)
