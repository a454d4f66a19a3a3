"""Second looks at pictures whose ink has two meanings.

Strokes may be drawn by their outlines; a line may cross the digit. Neither can be told for sure from the ink alone,
a thin 0 being an outline and the bar of a 7 a line: so both readings go on, and the network with the gate chooses.

In: canvases or masks of possible ink, (n, height, width). Out: the indices of those with another reading, ascending,
and their other canvases or masks.
Next: the stages that follow, in :mod:`lenetkit._ink.digit`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lenetkit._ink.digit import (
    ACROSS,
    BOX,
    SIDE,
    bounding_boxes,
    centre,
    cut_out,
    even_ink,
    even_stroke,
    fit_box,
    measure_stroke,
    raw_stages,
    without_rulings,
)
from lenetkit._ink.grey import Array
from lenetkit._ink.paper import WIDE, Contrast, InkMap, dark_on_light, ink_map
from lenetkit._ink.pieces import dark_enough, digit_mask
from lenetkit._ink.rulings import reduce_rows, runs_near_the_middle

__all__ = [
    "FILLED",
    "SURE",
    "fill_hollow",
    "fill_images",
    "look_again",
    "without_crossing_lines",
    "without_grains",
]

FILLED = "hollow strokes filled"

# No second look is asked for where the first one is as sure as this, by the reason for doubt; "thin" are images like
# MNIST's. Chosen on MNIST's training digits: outlined, crossed by drawn curves, tightly cut, and a few pixels high.
SURE = {"thin": 0.9, "outline": 0.9, "line": 0.9, "grains": 0.9, "polarity": 0.9, "small": 1.0}

_EIGHT = np.ones((3, 3), bool)

# Set on MNIST's training digits, outlined, and crossed by waves, corners and curves, in pictures of 28 and 100 pixels.

# This fraction of the ink at least lies along what was filled; filled strokes are so wide at most, in the box's pixels.
_HALF, _ALONG, _WIDEST = 0.5, 0.8, 6.0
# A line has ink in this fraction of its columns; it is thin in this fraction of them, no thicker than this part of the
# longer side, and by at most this fraction, and 1.5 pixels, thicker than it mostly is.
_UNBROKEN, _THIN, _THICKEST, _MORE = 0.92, 0.4, 0.12, 0.4
# It is looked for where at least so many columns have ink.
_FEWEST = 8
# It is followed on at most so many pixels a side, up to so many rows a column and so many from where no ink was found;
# to climb by a row costs this part of a pixel without ink. It stays so near to a straight one, in longer sides.
_COARSE, _STEEPEST, _REACH, _CLIMB, _BAND = 64, 2, 4, 0.03, 0.13
# At least this fraction of the ink is left, and on both sides of it the line goes on by this part of the longer side.
_LEFT, _BEYOND = 0.25, 0.03
# Standard deviation of the blur against grains, in pixels.
_BLUR = 0.8


def look_again(found: dict[str, Any], doubts: dict[str, Array], stroke: bool) -> Iterator[tuple[Array, Array, str]]:
    """Yield, of the raw stages of pictures and the doubts about them, indices, what they may show, and what was done.

    The second of these is uint8 (m, 28, 28).
    """
    doubts = {reason: np.flatnonzero(answer) for reason, answer in doubts.items()}
    grey, mask = found["grey"], found["possible ink"]
    rows = doubts["polarity"]
    if len(rows):
        turned = 255 - dark_on_light(found["grey without bands"][rows], found["polarity"][rows])
        yield rows, _finish(_canvas(ink_map(turned, quick=True)), stroke), "ink and paper exchanged"
    rows = doubts["grains"]
    if len(rows):
        for done, other in without_grains(grey[rows]).items():
            yield rows, dict(raw_stages(other, stroke))["result"], done
    rows = doubts["small"]
    if len(rows):
        dark = _stretch(dark_on_light(grey[rows]))
        yield rows, _finish(cut_out(dark), stroke), "all of a small picture taken as ink"
        yield rows, _finish(cut_out(_enlarge(dark)), stroke), "all of a small picture taken as ink, and enlarged"
    rows = doubts["line"]
    if len(rows) and max(grey.shape[1:]) >= WIDE:
        closely = ink_map(dark_on_light(found["grey without bands"][rows], found["polarity"][rows]))
        yield rows, _finish(_canvas(closely), stroke), "the paper looked for on all pixels"
    index, canvas = fill_hollow(found["canvas"][doubts["outline"]])
    yield doubts["outline"][index], _finish(canvas, stroke), FILLED
    index, left = without_crossing_lines(mask[doubts["line"]])
    yield from _cut_lines(doubts["line"][index], left, found, stroke) if len(index) else ()


def _cut_lines(rows: Array, left: Array, found: dict[str, Any], stroke: bool) -> Iterator[tuple[Array, Array, str]]:
    """Yield the digits that are left without lines, and those whose lines are cut off on both sides of them."""
    paper, mask = found["even paper"], found["possible ink"][rows]
    part = InkMap(paper.ink[rows], Contrast(*(level[rows] for level in paper.contrast)), paper.slope[rows])
    chosen = digit_mask(left, part)
    there = goes_beyond(mask, chosen)
    _, _, first, end = (edge[:, np.newaxis, np.newaxis] for edge in bounding_boxes(chosen))
    columns = np.arange(mask.shape[2])
    short = left | (mask & (columns >= first - 1) & (columns <= end))
    for inked, done in ((left, "a line left out"), (short, "a line cut off beside the digit")):
        digit = even_ink(part.ink * inked, digit_mask(inked, part), part.contrast)
        yield rows[there], _finish(cut_out(digit[there]), stroke), done


def _stretch(dark: Array) -> Array:
    """Return how dark each pixel is, 0 to 255 in each picture."""
    low, high = (extreme(dark, axis=(1, 2), keepdims=True).astype(np.float32) for extreme in (np.min, np.max))
    return np.asarray(np.rint(255 * (high - dark) / np.maximum(high - low, 1)), np.uint8)


def _enlarge(dark: Array) -> Array:
    """Return pictures with rounded strokes, four times as large: cubic splines, which read best (1 to 3 were tried)."""
    from lenetkit._utils.ndimage import ndimage

    framed = np.pad(dark, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
    large = [ndimage.zoom(one, 4, order=3, mode="nearest", grid_mode=True) for one in framed]
    return np.asarray(np.rint(np.stack(large).clip(0, 255)), np.uint8)


def _canvas(found: InkMap) -> Array:
    mask = without_rulings(dark_enough(found.ink, found.contrast))
    return cut_out(even_ink(found.ink, digit_mask(mask, found), found.contrast))


def _finish(canvas: Array, stroke: bool) -> Array:
    if len(canvas) == 0:
        return np.zeros((0, SIDE, SIDE), np.uint8)
    return centre(fit_box(even_stroke(canvas) if stroke else canvas))


def fill_images(images: Array, *, stroke: bool) -> tuple[Array, Array]:
    """Do what :func:`fill_hollow` does for images like MNIST's, uint8 (n, 28, 28)."""
    index, canvas = fill_hollow(cut_out(images))
    return index, _finish(canvas, stroke)


def without_grains(grey: Array) -> dict[str, Array]:
    """Return pictures (n, height, width), by the way grains were taken out: single ones, and those of all levels."""
    from lenetkit._utils.ndimage import ndimage

    blurred = ndimage.gaussian_filter(grey.astype(np.float32), (0, _BLUR, _BLUR))
    return {
        "grains left out": ndimage.median_filter(grey, (1, 3, 3)),
        "grains blurred": np.rint(blurred).astype(np.uint8),
    }


def fill_hollow(canvas: Array) -> tuple[Array, Array]:
    """Fill strokes that are drawn by their outlines, in canvases, float32 (n, height, width) in [0, 1]."""
    found = [(row, filled) for row, one in enumerate(canvas) if (filled := _fill(one)) is not None]
    return _gather(found, canvas)


def _gather(found: list[tuple[int, Array]], like: Array) -> tuple[Array, Array]:
    """Return indices and images of what was found, none of the shape of these where nothing was."""
    return np.array([row for row, _ in found], int), np.stack([one for _, one in found]) if found else like[:0]


def _fill(canvas: Array) -> Array | None:
    """Fill what lies an odd number of outlines inside; None if these are no outlines of strokes."""
    from lenetkit._utils.ndimage import ndimage

    ink = np.pad(canvas > _HALF, 1)
    paper, n_papers = ndimage.label(~ink)
    if n_papers == 1:
        return None
    pieces, n_pieces = ndimage.label(ink, _EIGHT)
    # From outside on, one outline after the other.
    depth, crossed = np.full(n_papers + 1, -1), np.zeros(n_pieces + 1, bool)
    depth[paper[0, 0]], crossed[0], steps = 0, True, 0
    while (front := (depth == steps)[paper]).any():
        touched = np.zeros_like(crossed)
        touched[pieces[ndimage.binary_dilation(front, _EIGHT)]] = True
        beyond = paper[ndimage.binary_dilation((touched & ~crossed)[pieces], _EIGHT)]
        crossed |= touched
        steps += 1
        depth[beyond[(depth[beyond] < 0) & (beyond > 0)]] = steps
    core = ((depth % 2 == 1) & (depth > 0))[paper]
    line = max(1, round(float(measure_stroke(canvas[np.newaxis])[0])))
    along = ndimage.binary_dilation(core, _EIGHT, iterations=line) & ink
    if np.count_nonzero(along) < _ALONG * np.count_nonzero(ink):
        return None
    whole = np.where(core[1:-1, 1:-1], np.float32(1), canvas)
    top, bottom, left, right = bounding_boxes(whole[np.newaxis] > _HALF)
    widest = _WIDEST / BOX * max(bottom - top, right - left)
    return whole if measure_stroke(whole[np.newaxis])[0] <= widest else None


def without_crossing_lines(mask: Array) -> tuple[Array, Array]:
    """Leave out lines that cross masks (n, height, width) from left to right, straight, bent or zigzag.

    Upright ones are left alone: a digit that fills its picture is one itself.
    """
    return _gather([(row, left) for row, one in enumerate(mask) if (left := _without_line(one)) is not None], mask)


def goes_beyond(mask: Array, digit: Array) -> Array:
    """Tell for which masks (n, height, width) there is ink on both sides of the digit that was found in it."""
    _, _, first, end = bounding_boxes(mask)
    _, _, left, right = bounding_boxes(digit)
    least = _BEYOND * max(mask.shape[1:])
    return np.asarray(digit.any(axis=(1, 2)) & (np.minimum(left - first, end - right) >= least))


def _without_line(mask: Array) -> Array | None:
    """Leave out a line from the left side to the right one; None where there is none."""
    inked = np.flatnonzero(mask.any(axis=0))
    if len(inked) < max(_FEWEST, ACROSS * mask.shape[1]):
        return None
    first, last = int(inked[0]), int(inked[-1]) + 1
    length = last - first
    if len(inked) < _UNBROKEN * length:
        return None
    part = mask[:, first:last]
    scale = -(-max(mask.shape) // _COARSE)
    coarse = reduce_rows(reduce_rows(part, scale).T, scale).T
    path, places = _follow(coarse, np.ones(coarse.shape, bool)), np.arange(length)
    for again in (True, False):
        begin, end = _runs_along(part, path, scale)
        lengths = end - begin
        if np.count_nonzero(lengths) < _UNBROKEN * length:
            return None
        thickness = int(np.sort(lengths[lengths > 0])[np.count_nonzero(lengths) // 3])
        thin = (lengths > 0) & (lengths <= thickness + max(1.5, _MORE * thickness))
        if thickness > 1 + _THICKEST * max(mask.shape) or np.count_nonzero(thin) < _THIN * length:
            return None
        if again:
            # The line is where its thin parts are: strokes of the digit must not lead it astray.
            line = np.polynomial.Polynomial.fit(places[thin], ((begin + end) / 2)[thin], 1)
            middles = line(np.arange(coarse.shape[1]) * scale + scale / 2) / scale
            away = np.abs(np.arange(len(coarse))[:, np.newaxis] + 0.5 - middles)
            path = _follow(coarse, away <= _BAND * max(coarse.shape))
    left = mask.copy()
    rows = np.arange(len(mask))[:, np.newaxis]
    left[:, first:last] &= (rows < begin) | (rows >= np.where(thin, end, 0))
    return left if np.count_nonzero(left) >= _LEFT * np.count_nonzero(mask) else None


def _follow(mask: Array, allowed: Array) -> Array:
    """Return the row, in each column of a mask, of the path from left to right that meets most ink with least climb."""
    height, width = mask.shape
    climb = _CLIMB * np.abs(np.arange(-_STEEPEST, _STEEPEST + 1))
    price = np.where(allowed, ~mask, height * width).astype(np.float64)
    total, came = np.full(height + 2 * _STEEPEST, np.inf), np.empty((width, height), int)
    inner = total[_STEEPEST:-_STEEPEST]
    inner[:] = 0
    windows = np.lib.stride_tricks.sliding_window_view(total, 2 * _STEEPEST + 1)
    for column in range(width):
        options = windows + climb
        came[column] = options.argmin(axis=1)
        inner[:] = options[np.arange(height), came[column]] + price[:, column]
    path = np.empty(width, int)
    path[-1] = inner.argmin()
    for column in range(width - 1, 0, -1):
        path[column - 1] = path[column] + came[column, path[column]] - _STEEPEST
    return path


def _runs_along(mask: Array, path: Array, scale: int) -> tuple[Array, Array]:
    """Return begin and end of the run of ink in each column of a mask that is nearest to a path on coarse pixels."""
    columns = np.arange(mask.shape[1])
    middle = np.minimum(path[columns // scale] * scale + scale // 2, len(mask) - 1)
    reach = max(_REACH * scale, len(mask) // 4)
    padded = np.pad(mask, ((reach, reach), (0, 0)))
    strip = padded[middle[:, np.newaxis] + np.arange(2 * reach + 1), columns[:, np.newaxis]]
    first, last = runs_near_the_middle(strip, scale)
    return first + middle - reach, np.maximum(first, last) + middle - reach
