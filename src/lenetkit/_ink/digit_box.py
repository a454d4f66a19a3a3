"""From the ink of one digit to MNIST's 28x28 pixels: stroke width, 20x20 box, centre of mass.

In: the digit alone, uint8 (n, height, width), ink 255 on 0.
Out: uint8 (n, 28, 28).
Next: the model.
"""

import numpy as np

from lenetkit._ink.arrays import Array
from lenetkit._ink.mask import bounds_of
from lenetkit._ink.neighbours import spread

__all__ = ["centre", "cut_out", "even_stroke", "fit_box"]

_SIDE, _BOX = 28, 20

# 5 % of MNIST's strokes are thinner than the first and 5 % wider than the second, in pixels of the box.
_THINNEST, _WIDEST = 1.8, 3.6

# Strokes are changed on at most so many pixels, four for each of the box.
_FINE = 4 * _BOX
_MARGIN = 12
_SMALL_MARGIN = 3

_FAINT = 0.5 / 255
_INK = 0.1  # level from which a pixel counts to the digit's box


def cut_out(digit: Array) -> Array:
    """Lay each digit on a canvas with room around it, scaled down to 80 pixels if it is larger: float32 in [0, 1]."""
    if max(digit.shape[1:]) <= 2 * _BOX:
        margin = (_SMALL_MARGIN, _SMALL_MARGIN)
        return np.pad(digit, ((0, 0), margin, margin)).astype(np.float32) / np.float32(255)
    canvas = np.zeros((len(digit), _FINE + 2 * _MARGIN, _FINE + 2 * _MARGIN), np.float32)
    for index, (top, bottom, left, right) in enumerate(zip(*bounds_of(digit > 0), strict=True)):
        piece = digit[index : index + 1, top:bottom, left:right]
        height, width = piece.shape[1:]
        scale = min(1, _FINE / max(height, width))
        placed = _place(
            piece.astype(np.float32) / np.float32(255),
            np.array([[0.0, height, scale * height], [0.0, width, scale * width]])[:, :, np.newaxis],
            (_FINE, _FINE),
        )
        canvas[index, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = placed[0]
    return canvas


def even_stroke(canvas: Array) -> Array:
    """Thicken strokes that are thinner than nearly all of MNIST's, and thin those that are wider."""
    canvas = canvas.copy()
    changed = np.arange(len(canvas))
    for _ in range(2):
        radius = _missing_radius(canvas[changed])
        changed, radius = changed[np.abs(radius) > 0.02], radius[np.abs(radius) > 0.02]
        if len(changed) == 0:
            break
        canvas[changed] = _grow(canvas[changed], radius)
    return canvas


def _missing_radius(canvas: Array) -> Array:
    """Return by how many pixels strokes must grow on either side: float32 (n,)."""
    top, bottom, left, right = bounds_of(canvas > _INK)
    side = np.maximum(bottom - top, right - left)
    width = _stroke_width(canvas)
    wanted = (width * _BOX / side).clip(_THINNEST, _WIDEST)
    # The box grows with the strokes.
    radius = (wanted * side / _BOX - width) / (2 * (1 - wanted / _BOX))
    return np.where(width == 0, 0, radius).astype(np.float32)


def _stroke_width(canvas: Array) -> Array:
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
                share = np.minimum(grows[chosen] - step, 1)[:, np.newaxis, np.newaxis]
                # Squares and crosses in turn make octagons, which are round enough.
                after = spread(before, extreme, square=step % 2 == 1)
                canvas[chosen] = before + (after - before) * share
    return canvas


def fit_box(canvas: Array) -> Array:
    """Scale each digit to a box of 20x20 pixels by area weighting and let its ink reach white: uint8 (n, 20, 20)."""
    top, bottom, left, right = bounds_of(canvas > _INK)
    lengths = np.stack([bottom - top, right - left]).astype(np.float64)
    scaled = lengths * _BOX / lengths.max(axis=0)
    box = _place(canvas, np.stack([[top, left], lengths, scaled], axis=1), (_BOX, _BOX))
    return _whiten(box)


def _whiten(box: Array) -> Array:
    """Scale the ink of each box as MNIST's is: a fifth of the pixels that are not black are white; uint8."""
    ordered = np.sort(box.reshape(len(box), -1), axis=1)
    inked = (ordered > _FAINT).sum(axis=1)
    place = ordered.shape[1] - 1 - inked // 5
    white = np.take_along_axis(ordered, place[:, np.newaxis], axis=1)[:, :, np.newaxis]
    return np.asarray(np.rint(255 * (box / np.maximum(white, np.float32(1e-3))).clip(0, 1)), np.uint8)


def _place(images: Array, spans: Array, size: tuple[int, int]) -> Array:
    """Scale parts of images into the middle of the fewest pixels that hold them, at the top left of a new image.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        float32.
    spans : ndarray of shape (2, 3, n)
        For rows and for columns: start and length of the part, and the length wanted.
    size : tuple of int
        Of the new images.
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
    if (scale >= 1).all():
        weights = (np.minimum(high, source + 1) - np.maximum(low, source)).clip(0) / scale
    else:
        shared = (np.minimum(high, source + 1) - np.maximum(low, source)).clip(0) / scale
        weights = np.where(scale >= 1, shared, (1 - np.abs((low + high - 1) / 2 - source)).clip(0))
    return np.where(target < whole, weights, np.float32(0))


def centre(box: Array) -> Array:
    """Lay each box in 28x28 pixels such that the centre of mass falls into (14, 15] both ways: uint8."""
    n = len(box)
    rows, columns = bounds_of(box > 0)[1::2]
    centred = np.zeros((n, _SIDE, _SIDE), np.uint8)
    down = _offsets(box.sum(axis=2, dtype=np.int64), rows)
    right = _offsets(box.sum(axis=1, dtype=np.int64), columns)
    across = np.zeros((n, _BOX, _SIDE), np.uint8)
    places = np.arange(_BOX)
    image = np.arange(n)[:, np.newaxis]
    fits = right[:, np.newaxis] + places
    # A narrow box may stand further to the right than a full one; its empty columns are cut off.
    inside = fits < _SIDE
    across[np.broadcast_to(image, fits.shape)[inside], :, fits[inside]] = box.transpose(0, 2, 1)[inside]
    fits = down[:, np.newaxis] + places
    inside = fits < _SIDE
    centred[np.broadcast_to(image, fits.shape)[inside], fits[inside]] = across[inside]
    return centred


def _offsets(mass: Array, ends: Array) -> Array:
    """Return floor(15 - b), b being where each row of masses balances, as far as the box stays inside."""
    total = mass.sum(axis=1)
    # Pixel i is at i + 0.5; in whole numbers, so that nothing is rounded.
    twice = (mass * (2 * np.arange(_BOX) + 1)).sum(axis=1)
    return np.asarray((30 * total - twice) // np.maximum(2 * total, 1)).clip(0, _SIDE - ends)
