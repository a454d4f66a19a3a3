"""Images laid on larger ones: settings and arithmetic that such transforms have in common."""

from typing import Any

import numpy as np

from lenetkit._utils.validation import is_integer, is_number
from lenetkit.exceptions import SettingError
from lenetkit.transforms._pixels import Array

__all__ = ["as_background", "as_lengths", "describe_background", "get_background", "lay_on_background"]

# A saved pipeline from a stranger must not be able to ask for any amount of memory.
_MAX_LENGTH = 4096


def as_lengths(setting: str, value: Any, names: str, *, least: int) -> tuple[int, ...]:
    """Return lengths in pixels, one for each of the names, or say what is wrong with the setting."""
    count = len(names.split(", "))
    given = value.tolist() if isinstance(value, np.ndarray) else value
    lengths = tuple(given) if isinstance(given, (list, tuple, range)) else (given,) * count
    if len(lengths) != count or not all(is_integer(length, least, _MAX_LENGTH) for length in lengths):
        raise SettingError(
            f"{setting} must be ({names}), each {least} to {_MAX_LENGTH} pixels, or one number for all; got {value!r}."
        )
    return tuple(int(length) for length in lengths)


def as_background(value: Any) -> float | None:
    """Return a setting `background` as a float in [0, 1] or None, or say what is wrong with it."""
    if value is None:
        return None
    if is_number(value, 0, 1):
        return float(value)
    raise SettingError(
        f"background must be a number from 0 (black) to 1 (white), or None for the median of each image's border; "
        f"got {value!r}."
    )


def describe_background(background: float | None) -> str:
    """Return the level of the background in words, of 0 to 255."""
    if background is None:
        return "that is the lower median of each image's outermost pixels"
    return str(round(background * 255))


def lay_on_background(batch: Array, size: tuple[int, int], corner: tuple[int, int], background: Array) -> Array:
    """Lay images on new, larger ones of a size (height, width), with their first pixel at a corner (top, left).

    The remaining pixels have the value of `background`, (n, 1, 1[, c]).
    """
    (top, left), (height, width) = corner, batch.shape[1:3]
    out = np.empty((len(batch), *size, *batch.shape[3:]), batch.dtype)
    out[:] = background
    out[:, top : top + height, left : left + width] = batch
    return out


def get_background(batch: Array, background: float | None) -> Array:
    """Return the level of the paper of each image: the setting, or the lower median of its outermost pixels.

    Its shape is (n, 1, 1[, c]), in the batch's type and range.
    """
    shape = (len(batch), 1, 1, *batch.shape[3:])
    if background is not None:
        value = round(background * 255) if batch.dtype == np.uint8 else background
        return np.full(shape, value, batch.dtype)
    border = np.concatenate([batch[:, 0], batch[:, -1], batch[:, 1:-1, 0], batch[:, 1:-1, -1]], axis=1)
    middle = (border.shape[1] - 1) // 2
    return np.partition(border, middle, axis=1)[:, middle].reshape(shape)
