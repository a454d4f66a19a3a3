"""Every pixel and its neighbours, for a whole batch at once: NumPy only.

In: a batch of images (n, height, width) of one size. Out: a new batch of the same shape. What lies beyond the border
mirrors what lies within. Next: :mod:`lenetkit._ink.paper` and the other parts of ``MnistNormalize``.
"""

from collections.abc import Callable

import numpy as np

from lenetkit._ink.arrays import Array

__all__ = ["close", "inner", "slope", "smooth", "spread"]

Extreme = Callable[..., Array]


def close(batch: Array, size: int) -> Array:
    """Fill whatever is dark and too narrow to hold a square of `size` pixels (grey-level closing)."""
    for extreme in (np.maximum, np.minimum):
        for axis in (1, 2):
            batch = _running(extreme, batch, size, axis)
    return batch


def _running(extreme: Extreme, batch: Array, size: int, axis: int) -> Array:
    """Return the extreme of the `size` pixels around each pixel along an axis, in log2(size) steps."""
    lines = np.moveaxis(batch, axis, 0)
    length = len(lines)
    size = min(size | 1, 2 * length - 1)
    if size == 1:
        return batch
    places = np.arange(-(size // 2), length + size // 2) % (2 * length)
    runs = lines[np.where(places >= length, 2 * length - 1 - places, places)]
    span = 1
    while 2 * span <= size:
        runs = extreme(runs[:-span], runs[span:])
        span *= 2
    rest = size - span
    return np.moveaxis(extreme(runs[: len(runs) - rest], runs[rest:]) if rest else runs, 0, axis)


def smooth(batch: Array) -> Array:
    """Weigh 3x3 pixels by 1-2-1 both ways; uint8, rounded."""
    total = batch.astype(np.uint16)
    for axis in (1, 2):
        lines = np.moveaxis(total, axis, 0)
        before, after = np.concatenate([lines[:1], lines[:-1]]), np.concatenate([lines[1:], lines[-1:]])
        total = np.moveaxis(before + 2 * lines + after, 0, axis)
    return ((total + 8) >> 4).astype(np.uint8)


def slope(batch: Array) -> Array:
    """Return the squared length of the gradient in grey levels per pixel, times 4: whole numbers, int32."""
    levels = np.pad(batch.astype(np.int16), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = (levels[:, 2:, 1:-1] - levels[:, :-2, 1:-1]).astype(np.int32)
    right = (levels[:, 1:-1, 2:] - levels[:, 1:-1, :-2]).astype(np.int32)
    down *= down
    right *= right
    down += right
    return down


def spread(batch: Array, extreme: Extreme, *, square: bool) -> Array:
    """Return the extreme of each pixel and its 4 neighbours, or all 8 with `square`."""
    out = batch.copy()
    extreme(out[:, 1:], batch[:, :-1], out=out[:, 1:])
    extreme(out[:, :-1], batch[:, 1:], out=out[:, :-1])
    rows = out.copy() if square else batch
    extreme(out[:, :, 1:], rows[:, :, :-1], out=out[:, :, 1:])
    extreme(out[:, :, :-1], rows[:, :, 1:], out=out[:, :, :-1])
    return out


def inner(mask: Array) -> Array:
    """Return the pixels of a mask whose 4 neighbours belong to it too; the border counts as outside."""
    out = mask.copy()
    out[:, 1:] &= mask[:, :-1]
    out[:, :-1] &= mask[:, 1:]
    out[:, :, 1:] &= mask[:, :, :-1]
    out[:, :, :-1] &= mask[:, :, 1:]
    out[:, [0, -1]] = False
    out[:, :, [0, -1]] = False
    return out
