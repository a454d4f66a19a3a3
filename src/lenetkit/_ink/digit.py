"""One digit: its mask, its ink, and MNIST's 28x28 pixels of it; and the generator of all stages from a picture on.

In: an ink map, uint8 (n, height, width), 0 is paper, with its contrast; or, for :func:`stages`, uint8
pictures (n, height, width[, 3]) of one size.
Out: the digit alone, uint8 (n, height, width), ink 255 on 0, all 0 where there is none; then uint8 (n, 28, 28).
Next: the model.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lenetkit._ink.bands import LARGEST_BANDED, without_bands
from lenetkit._ink.edges import LARGEST_CELL, without_edge_lines
from lenetkit._ink.grey import Array, to_bytes, working_grey
from lenetkit._ink.paper import LARGE, Contrast, InkMap, dark_on_light, ink_map, polarity
from lenetkit._ink.pieces import dark_enough, digit_mask, reaches_across, without_frames
from lenetkit._ink.rulings import without_lines

__all__ = [
    "BOX",
    "SIDE",
    "bounding_boxes",
    "centre",
    "cut_out",
    "even_ink",
    "even_stroke",
    "fit_box",
    "is_like_mnist",
    "measure_stroke",
    "raw_stages",
    "spread",
    "stages",
    "without_rulings",
]

# MNIST's images and the box of their digits, in pixels (LeCun, Cortes, Burges 1998). An image that has white ink of at
# least this level may be one of MNIST's already.
SIDE, BOX, _WHITE = 28, 20, 250
# At least a fifth of a digit's inked pixels are white (250 and more): so it is in 92 % of MNIST's training images.
_WHITE_PART = 5

# Where no source is given, the number was set by eye on the development pictures, as in lenetkit._ink.paper,
# and "wrong" says the same.

# Full ink is what this fraction of the digit's pixels does not exceed; its edges are sharpened at most so many times.
# Wrong: 217 results change, one fewer is read; 78 change.
_FULL_INK, _SHARPEST = 0.9, 4

# 12 % of MNIST's training images have thinner strokes than the first and 5 % wider ones than the second, in pixels of
# the box, measured by measure_stroke; benchmarks/normalize.py shows what MNIST loses by them.
# Wrong: 213 results change, one fewer is read.
_THINNEST, _WIDEST = 1.8, 3.6
# Strokes are changed on at most so many pixels, four for each of the box; with this margin, smaller digits with that;
# twice at most, and not by less than this radius in pixels. Wrong (the last two): 74 results change.
_FINE, _MARGIN, _SMALL_MARGIN = 4 * BOX, 12, 3
_PASSES, _LEAST_RADIUS = 2, 0.02
# The sums that tell where an image balances: integers and halves below 2**24, exact in float32 in whatever order.
_ONES, _MIDDLES = np.ones(SIDE, np.float32), np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
_MOMENTS = np.stack([np.ones(SIDE * SIDE, np.float32), np.repeat(_MIDDLES, SIDE), np.tile(_MIDDLES, SIDE)], axis=1)
# Images judged at once. For the rows of more than 580 BLAS starts threads, which go on spinning.
_AT_ONCE = 334
# Levels, of 1: what counts as black, and what counts to the digit's box. Wrong (the second): 116 results change.
_FAINT, _INK = 0.5 / 255, 0.1


def stages(batch: Array, *, stroke: bool = True) -> Iterator[tuple[str, Array]]:
    """Yield name and images, uint8, of each stage from pictures of one size to images like MNIST's.

    Of images that are like MNIST's already only the result. `batch` is uint8 in [0, 255] or floating in [0, 1], of
    shape (n, height, width[, 1 or 3]); with `stroke`, very thin and very wide strokes are brought to the width of
    MNIST's. The names are "grey", "even paper", "possible ink", "digit", "stroke" and "result".
    """
    batch = to_bytes(batch)
    if is_like_mnist(batch).all():
        yield "result", batch
        return
    for name, stage in raw_stages(batch, stroke):
        if isinstance(stage, InkMap):
            yield name, stage.ink
        elif name == "possible ink":
            yield name, stage * np.uint8(255)
        elif name == "stroke":
            yield name, np.rint(stage * 255).astype(np.uint8)
        elif name in ("grey", "digit", "result"):
            yield name, stage


def raw_stages(batch: Array, stroke: bool) -> Iterator[tuple[str, Any]]:
    """Yield every stage as the next one takes it, with the "polarity" and the "canvas" of the digit."""
    grey = working_grey(batch)
    yield "grey", grey
    if max(grey.shape[1:]) < LARGEST_CELL:
        grey = without_edge_lines(grey)
    if max(grey.shape[1:]) < LARGEST_BANDED:
        grey = without_bands(grey)
    votes = polarity(grey)
    found = ink_map(dark_on_light(grey, votes), quick=True)
    yield "grey without bands", grey
    yield "polarity", votes
    yield "even paper", found
    mask = dark_enough(found.ink, found.contrast)
    mask = without_rulings(mask)
    chosen = digit_mask(mask, found)
    yield "possible ink", mask
    digit = even_ink(found.ink, chosen, found.contrast)
    yield "digit", digit
    canvas = cut_out(digit)
    yield "canvas", canvas
    if stroke:
        canvas = even_stroke(canvas)
    yield "stroke", canvas
    yield "result", centre(fit_box(canvas))


def is_like_mnist(batch: Array) -> Array:
    """Tell which images are what MNIST's are: a box of 20 pixels on pure black, well placed, with white ink."""
    if batch.shape[1:] != (SIDE, SIDE):
        return np.zeros(len(batch), bool)
    if len(batch) == 1:
        return np.array([_is_one_like_mnist(batch[0])])
    if len(batch) > _AT_ONCE:
        return np.concatenate([is_like_mnist(batch[at : at + _AT_ONCE]) for at in range(0, len(batch), _AT_ONCE)])
    levels = batch.astype(np.float32)
    like = batch.reshape(len(batch), -1).max(axis=1) >= _WHITE
    lengths = []
    for sums in (levels.reshape(-1, SIDE).dot(_ONES).reshape(-1, SIDE), np.matmul(_ONES, levels)):
        total, moment = np.einsum("ni,ki->kn", sums, np.stack([_ONES, _MIDDLES]))
        like &= (moment > 14 * total) & (moment <= 15 * total)
        inked = sums > 0
        lengths.append(SIDE - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1))
    return np.asarray(like & (np.maximum(*lengths) == BOX))


def _is_one_like_mnist(image: Array) -> bool:
    """Do what :func:`is_like_mnist` does for one image, in a few microseconds."""
    total, down, across = image.reshape(-1).astype(np.float32).dot(_MOMENTS).tolist()
    centred = 14 * total < down <= 15 * total and 14 * total < across <= 15 * total
    return centred and max(_inked_rows(image), _inked_rows(image.T)) == BOX and bool(image.max() >= _WHITE)


def _inked_rows(image: Array) -> int:
    """Return the number of rows from the first one with ink to the last one."""
    levels = image.tobytes()
    return (len(levels.rstrip(b"\0")) - 1) // SIDE - (len(levels) - len(levels.lstrip(b"\0"))) // SIDE + 1


def without_rulings(mask: Array) -> Array:
    """Remove ruled lines and frames from masks from 64 pixels on, in place."""
    if max(mask.shape[1:]) >= LARGE:
        for index in np.flatnonzero(mask.any(axis=(1, 2))):
            one = mask[index]
            if reaches_across(one) or reaches_across(one.T):
                one = without_lines(one)
            mask[index] = without_frames(one)
    return mask


def even_ink(ink: Array, digit: Array, contrast: Contrast) -> Array:
    """Return the digit alone, its ink at 255 and its edges about as sharp as they can be drawn in 20x20 pixels."""
    n, size = len(ink), ink[0].size
    pixels = np.flatnonzero(digit)
    histogram = np.bincount(pixels // size * 256 + ink.reshape(-1)[pixels], minlength=256 * n).reshape(n, 256)
    below = histogram.cumsum(axis=1)
    full = (below < _FULL_INK * below[:, -1:]).sum(axis=1)
    top, bottom, left, right = bounding_boxes(digit)
    gain = (np.maximum(bottom - top, right - left) / BOX).clip(1, _SHARPEST)[:, np.newaxis]
    paper = contrast.paper[:, np.newaxis]
    level = (np.arange(256) - paper) / np.maximum(full[:, np.newaxis] - paper, 1)
    table: Array = np.rint(255 * (0.5 + (level - 0.5) * gain).clip(0, 1)).astype(np.uint8)
    # The pixels around the digit hold the rest of its edges.
    around = spread(digit, np.logical_or, square=True)
    pixels = np.flatnonzero(around)
    out = np.zeros(ink.size, np.uint8)
    out[pixels] = table.reshape(-1)[pixels // size * 256 + ink.reshape(-1)[pixels]]
    return out.reshape(ink.shape)


def bounding_boxes(mask: Array) -> tuple[Array, Array, Array, Array]:
    """Return first row, end row, first column and end column of each mask; the whole image where it is empty."""
    rows, columns = np.asarray(mask.any(axis=2)), np.asarray(mask.any(axis=1))
    height, width = mask.shape[1:]
    return (
        rows.argmax(axis=1),
        height - rows[:, ::-1].argmax(axis=1),
        columns.argmax(axis=1),
        width - columns[:, ::-1].argmax(axis=1),
    )


def cut_out(digit: Array) -> Array:
    """Lay each digit on a canvas with room around it, scaled down to 80 pixels if it is larger: float32 in [0, 1]."""
    if max(digit.shape[1:]) <= 2 * BOX:
        margin = _SMALL_MARGIN
        canvas = np.zeros((len(digit), digit.shape[1] + 2 * margin, digit.shape[2] + 2 * margin), np.float32)
        np.divide(digit, np.float32(255), out=canvas[:, margin:-margin, margin:-margin])
        return canvas
    canvas = np.zeros((len(digit), _FINE + 2 * _MARGIN, _FINE + 2 * _MARGIN), np.float32)
    for index, (top, bottom, left, right) in enumerate(zip(*bounding_boxes(digit > 0), strict=True)):
        placed = digit[index, top:bottom, left:right].astype(np.float32) / np.float32(255)
        scale = min(1, _FINE / max(placed.shape))
        for _ in range(2):
            span = np.array([[0.0], [len(placed)], [scale * len(placed)]])
            placed = _weigh(_weights(span, len(placed), _FINE)[0], placed).T
        canvas[index, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = placed
    return canvas


def _weigh(weights: Array, rows: Array) -> Array:
    """Return the product of two matrices, of which the first is 0 but for a few neighbours in each row.

    That is less work than the whole product, and none for BLAS, whose threads would wait for one another.
    """
    reach = int((weights > 0).sum(axis=1).max())
    first = np.minimum((weights > 0).argmax(axis=1), len(rows) - reach)
    targets = np.arange(len(weights))
    parts = (weights[targets, first + step, np.newaxis] * rows[first + step] for step in range(reach))
    return np.asarray(sum(parts))


def even_stroke(canvas: Array) -> Array:
    """Thicken strokes that are thinner than nearly all of MNIST's, and thin those that are wider."""
    canvas = canvas.copy()
    changed = np.arange(len(canvas))
    for _ in range(_PASSES):
        radius = _missing_radius(canvas[changed])
        wrong = np.abs(radius) > _LEAST_RADIUS
        changed, radius = changed[wrong], radius[wrong]
        if len(changed) == 0:
            break
        canvas[changed] = _grow(canvas[changed], radius)
    return canvas


def _missing_radius(canvas: Array) -> Array:
    """Return by how many pixels strokes must grow on either side: float32 (n,)."""
    top, bottom, left, right = bounding_boxes(canvas > _INK)
    side = np.maximum(bottom - top, right - left)
    width = measure_stroke(canvas)
    wanted = (width * BOX / side).clip(_THINNEST, _WIDEST)
    # The box grows with the strokes.
    radius = (wanted * side / BOX - width) / (2 * (1 - wanted / BOX))
    return np.where(width == 0, 0, radius).astype(np.float32)


def measure_stroke(canvas: Array) -> Array:
    """Return twice the ink's area over the length of its outline, which also holds for blurred ink."""
    down = canvas[:, 1:, :-1] - canvas[:, :-1, :-1]
    right = canvas[:, :-1, 1:] - canvas[:, :-1, :-1]
    down *= down
    right *= right
    down += right
    outline = np.sqrt(down, out=down).sum(axis=(1, 2))
    return np.asarray(2 * canvas.sum(axis=(1, 2)) / np.maximum(outline, np.float32(1e-6)))


def _grow(canvas: Array, radius: Array) -> Array:
    """Widen (negative: narrow) all strokes by a radius in pixels, in place."""
    for step in range(int(np.ceil(np.abs(radius).max()))):
        for extreme, grows in ((np.maximum, radius), (np.minimum, -radius)):
            chosen = np.flatnonzero(grows > step)
            if len(chosen):
                before = canvas[chosen]
                part = np.minimum(grows[chosen] - step, 1)[:, np.newaxis, np.newaxis]
                # Squares and crosses in turn make octagons, which are round enough.
                after = spread(before, extreme, square=step % 2 == 1)
                canvas[chosen] = before + (after - before) * part
    return canvas


def fit_box(canvas: Array) -> Array:
    """Scale each digit to a box of 20x20 pixels by area weighting and let its ink reach white: uint8 (n, 20, 20)."""
    top, bottom, left, right = bounding_boxes(canvas > _INK)
    lengths = np.stack([bottom - top, right - left]).astype(np.float64)
    scaled = lengths * BOX / lengths.max(axis=0)
    box = _place(canvas, np.stack([[top, left], lengths, scaled], axis=1), (BOX, BOX))
    return _whiten(box)


def _whiten(box: Array) -> Array:
    """Scale the ink of each box as MNIST's is: a fifth of the pixels that are not black are white; uint8."""
    ordered = np.sort(box.reshape(len(box), -1), axis=1)
    inked = (ordered > _FAINT).sum(axis=1)
    rank = ordered.shape[1] - 1 - inked // _WHITE_PART
    white = np.take_along_axis(ordered, rank[:, np.newaxis], axis=1)[:, :, np.newaxis]
    return np.asarray(np.rint(255 * (box / np.maximum(white, np.float32(1e-3))).clip(0, 1)), np.uint8)


def _place(images: Array, spans: Array, size: tuple[int, int]) -> Array:
    """Scale parts of float32 images into the middle of the fewest pixels that hold them, at the top left of new ones.

    `spans` (2, 3, n) holds, for rows and for columns, start and length of the part, and the length wanted.
    """
    rows = _weights(spans[0], images.shape[1], size[0])
    columns = _weights(spans[1], images.shape[2], size[1])
    return np.asarray(rows @ images @ columns.transpose(0, 2, 1))


def _weights(span: Array, n_sources: int, n_targets: int) -> Array:
    """Return the area of each source pixel in each target pixel, linear when enlarging: (n, n_targets, n_sources)."""
    start, length, wanted = span[:, :, np.newaxis, np.newaxis].astype(np.float32)
    whole = np.ceil(wanted - np.float32(1e-4))
    target, source = np.arange(n_targets, dtype=np.float32)[:, np.newaxis], np.arange(n_sources, dtype=np.float32)
    scale = length / wanted
    low = start + (target - (whole - wanted) / 2) * scale
    high = low + scale
    weights = (np.minimum(high, source + 1) - np.maximum(low, source)).clip(0) / scale
    if (scale < 1).any():
        weights = np.where(scale >= 1, weights, (1 - np.abs((low + high - 1) / 2 - source)).clip(0))
    return np.where(target < whole, weights, np.float32(0))


def centre(box: Array) -> Array:
    """Lay each box in 28x28 pixels such that the centre of mass falls into (14, 15] both ways: uint8."""
    n = len(box)
    rows, columns = bounding_boxes(box > 0)[1::2]
    centred = np.zeros((n, SIDE, SIDE), np.uint8)
    down = _offsets(box.sum(axis=2, dtype=np.int64), rows)
    right = _offsets(box.sum(axis=1, dtype=np.int64), columns)
    across = np.zeros((n, BOX, SIDE), np.uint8)
    image = np.repeat(np.arange(n), BOX).reshape(n, BOX)
    # A narrow box may stand further to the right than a full one; its empty columns are cut off.
    x, y = (start[:, np.newaxis] + np.arange(BOX) for start in (right, down))
    across[image[x < SIDE], :, x[x < SIDE]] = box.transpose(0, 2, 1)[x < SIDE]
    centred[image[y < SIDE], y[y < SIDE]] = across[y < SIDE]
    return centred


def _offsets(mass: Array, ends: Array) -> Array:
    """Return floor(15 - b), b being where each row of masses balances, as far as the box stays inside."""
    total = mass.sum(axis=1)
    # Pixel i is at i + 0.5, in integers, so that nothing is rounded.
    twice = (mass * (2 * np.arange(BOX) + 1)).sum(axis=1)
    return np.asarray((30 * total - twice) // np.maximum(2 * total, 1)).clip(0, SIDE - ends)


def spread(batch: Array, extreme: Callable[..., Array], *, square: bool) -> Array:
    """Return the extreme of each pixel and its 4 neighbours, or all 8 with `square`."""
    out = batch.copy()
    extreme(out[:, 1:], batch[:, :-1], out=out[:, 1:])
    extreme(out[:, :-1], batch[:, 1:], out=out[:, :-1])
    rows = out.copy() if square else batch
    extreme(out[:, :, 1:], rows[:, :, :-1], out=out[:, :, 1:])
    extreme(out[:, :, :-1], rows[:, :, 1:], out=out[:, :, :-1])
    return out
