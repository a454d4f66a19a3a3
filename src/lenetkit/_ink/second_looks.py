"""Second looks at pictures whose ink has two meanings, and the doubts in which they are taken.

Strokes may be drawn by their outlines; a line may cross the digit. Neither can be told for sure from the ink alone,
a thin 0 being an outline and the bar of a 7 a line: so both readings go on, and the network with the gate chooses.

In: the raw stages of pictures, :func:`lenetkit._ink.digit.raw_stages`. Out: the :func:`doubts` about each picture, and
MNIST's 28x28 pixels of what those in doubt may show besides.
Next: the network and the gate, which choose.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lenetkit._ink.digit import (
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
from lenetkit._ink.paper import LARGE, WIDE, Contrast, InkMap, dark_on_light, ink_map
from lenetkit._ink.pieces import dark_enough, digit_mask
from lenetkit._ink.rulings import reduce_rows, runs_near_the_middle

__all__ = [
    "FILLED",
    "SURE",
    "doubts",
    "fill_hollow",
    "fill_images",
    "is_thin",
    "look_again",
    "without_crossing_lines",
    "without_grains",
]

FILLED = "hollow strokes filled"

# No second look is asked for where the first one is as sure as this, by the reason for doubt; "thin" are images like
# MNIST's. Chosen on MNIST's training digits: outlined, crossed by drawn curves, tightly cut, and a few pixels high.
SURE = {"thin": 0.9, "outline": 0.9, "line": 0.9, "grains": 0.9, "polarity": 0.9, "small": 1.0}

_EIGHT = np.ones((3, 3), bool)

# Doubts: a polarity by fewer votes than this; strokes thinner than this, in pixels of the box; ink along this fraction
# of a side; fewer pixels a side than this. Set on MNIST's training digits and the pen's, made to be in doubt.
_UNDECIDED, _OUTLINE, _ACROSS, _SMALL = 0.3, 2.1, 0.8, 20
# Grains differ from their four neighbours by this part of the picture's range, in this fraction of the pixels, in
# pictures of at least so many a side. Of an image like MNIST's, outlines have at most this fraction of the ink above
# this level in squares of 2x2 pixels; and rows and columns cross them so often on average.
_GRAIN, _GRAINS, _LEAST_SIDE, _SOLID, _GREY, _DOUBLE = 0.3, 0.005, 20, 0.04, 127, 1.6

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


def doubts(found: dict[str, Any]) -> dict[str, Array]:
    """Tell quickly, of the :func:`raw_stages` of pictures, which ones may be meant otherwise: bool (n,), by reason.

    "polarity": neither ink nor paper is clearly the darker; "grains": of noise; "outline": strokes so thin that they
    may be outlines; "line": ink from the left to the right; "small": so few pixels that a digit may fill them.
    """
    grey, canvas, mask = found["grey"], found["canvas"], found["possible ink"]
    undecided = np.abs(found["polarity"]) < _UNDECIDED
    if undecided.any():
        undecided &= np.ptp(grey, axis=(1, 2)) > 0
    top, bottom, left, right = bounding_boxes(canvas > _HALF)
    width = measure_stroke(canvas) * BOX / np.maximum(bottom - top, right - left)
    outline = (width > 0) & (width < _OUTLINE)
    if outline.any():
        outline[outline] = _is_double(canvas[outline] > _HALF)
    small = max(mask.shape[1:]) < _SMALL
    return {
        "polarity": undecided,
        "grains": _is_grainy(grey),
        "outline": outline,
        "line": (mask.any(axis=1).sum(axis=1) >= _ACROSS * mask.shape[2]) & (not small),
        "small": np.full(len(mask), small),
    }


def is_thin(images: Array) -> Array:
    """Tell quickly which images, uint8 (n, 28, 28), may be outlines: bool (n,)."""
    n, _, width = images.shape
    ink = (images > _GREY).reshape(-1)
    if n == 1:
        # One number of 784 bits, in a few microseconds.
        bits = int.from_bytes(np.packbits(ink).tobytes(), "big")
        solid_bits = bits & bits << 1 & bits << width & bits << width + 1
        thin = np.array([solid_bits.bit_count() <= _SOLID * bits.bit_count()])
    else:
        end = len(ink) - width - 1
        solid = np.zeros(len(ink), bool)
        np.logical_and(ink[:end], ink[1 : end + 1], out=solid[:end])
        solid[:end] &= ink[width:-1]
        solid[:end] &= ink[width + 1 :]
        thin = np.asarray(_count(solid, n) <= _SOLID * _count(ink, n))
    if thin.any():
        thin[thin] = _is_double(images[thin] > _GREY)
    return thin


def _count(mask: Array, n: int) -> Array:
    """Return the sums of n masks of 28x28: eight pixels are added at once, 98 times."""
    eights = mask.view(np.uint64).reshape(n, -1).sum(axis=1)
    return np.asarray(eights.view(np.uint8).reshape(n, 8).sum(axis=1, dtype=np.int64))


def _is_grainy(grey: Array) -> Array:
    """Tell which pictures, uint8 (n, height, width), have many pixels unlike all their neighbours: bool (n,)."""
    n, height, width = grey.shape
    if min(height, width) < _LEAST_SIDE:
        return np.zeros(n, bool)
    rows = slice(1, height - 1, 1 + height // LARGE)
    centre, left, right = grey[:, rows, 1:-1], grey[:, rows, :-2], grey[:, rows, 2:]
    up, down = grey[:, : height - 2 : rows.step, 1:-1], grey[:, 2 :: rows.step, 1:-1]
    highest, lowest = np.maximum(left, right), np.minimum(left, right)
    for other in (up, down):
        np.maximum(highest, other, out=highest)
        np.minimum(lowest, other, out=lowest)
    flat = grey.reshape(n, -1)
    least = (_GRAIN * (flat.max(axis=1) - flat.min(axis=1))).astype(np.uint8)[:, np.newaxis, np.newaxis]
    # Above its neighbours by more than the least, without a sum that does not fit a byte.
    grains = (centre > highest) & (centre - highest > least) | (lowest > centre) & (lowest - centre > least)
    return np.asarray(np.count_nonzero(grains, axis=(1, 2)) > _GRAINS * grains[0].size)


def _is_double(mask: Array) -> Array:
    """Tell in which masks (n, height, width) rows and columns mostly cross ink twice, as with outlines."""
    enough = np.ones(len(mask), bool)
    for view in (mask, mask.transpose(0, 2, 1)):
        begins = view[:, :, 0].astype(np.int64) + (view[:, :, 1:] & ~view[:, :, :-1]).sum(axis=2)
        enough &= begins.sum(axis=1) >= _DOUBLE * np.maximum((begins > 0).sum(axis=1), 1)
    return enough


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
    part = InkMap(paper.ink[rows], Contrast(*(level[rows] for level in paper.contrast)))
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
    if len(inked) < max(_FEWEST, _ACROSS * mask.shape[1]):
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
