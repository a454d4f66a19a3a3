"""Axes of arrays: which of them counts images, for arrays, nested lists of numbers and rows of pixels.

In: an array or nested lists. Out: an array (n, height, width[, channels]), or one image (height, width[, channels]).
Next: :mod:`lenetkit.datasets._images`, through which every function takes its images.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

__all__ = ["as_batch", "as_plain", "as_single", "is_nested", "nested_array"]

_CHANNELS = (1, 2, 3, 4)
# MNIST's 28 x 28 pixels in one row: so many people have them that they are taken for rows, never for a wide image.
_ROW = 784
# Fewer pixels are no side of a digit: equal axes of such lengths say nothing about a transposed batch.
_SMALLEST = 8


def as_batch(array: Any) -> Any:
    """Return an array of images as (n, height, width[, channels]); what is one image becomes a batch of one.

    An array is read as the only thing that it can be: two axes are one image, except rows of 784 pixels; three axes
    that end in 1 to 4 are one image with channels, unless the first is as short; channels may come first in four axes.

    Raises
    ------
    DataError
        If it holds rows of pixels, seems to have its images along the last axis, has another number of axes, or no
        pixels. The message says what to do.
    """
    shape = tuple(array.shape)
    if 0 in shape and len(shape) in (2, 3, 4):
        missing = "no image" if shape[0] == 0 else "no pixels"
        raise DataError(f"images must hold at least one image of at least one pixel; got {missing}: shape {shape}.")
    if _is_rows(shape):
        raise _rows(shape)
    if len(shape) == 2:
        return np.asarray(array)[np.newaxis]
    if len(shape) == 3:
        if shape[2] in _CHANNELS and shape[0] not in _CHANNELS:
            return np.asarray(array)[np.newaxis]
        if shape[0] == shape[1] != shape[2] and shape[0] >= _SMALLEST:
            raise _last_axis(shape, f"{shape[0]} images of {shape[1]} x {shape[2]}")
        return array
    if len(shape) == 4:
        if shape[3] in _CHANNELS:
            return array
        if shape[1] in _CHANNELS:
            return as_batch(np.moveaxis(np.asarray(array), 1, -1))
        if shape[2] in _CHANNELS:
            raise _last_axis(shape, "images with a channel axis that is no last one")
        return array
    raise DataError(
        f"images must have shape (n, height, width) or (n, height, width, channels); got {shape}. "
        "A single image has shape (height, width) or (height, width, channels)."
    )


def as_plain(array: Any) -> Any:
    """Return an array of NumPy's as its base class, so that it computes as arrays do; a memory map as it is.

    Raises
    ------
    DataError
        If it is a masked array in which something is masked.
    """
    if isinstance(array, np.ma.MaskedArray):
        _check_unmasked(array)
    return np.asarray(array) if isinstance(array, np.ndarray) and not isinstance(array, np.memmap) else array


def _check_unmasked(array: Any) -> None:
    """Refuse an array in which something is masked: what is under the mask is no pixel.

    Raises
    ------
    DataError
        Saying how many.
    """
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise DataError(
            f"images must have all their pixels; {np.count_nonzero(array.mask):,} of {array.size:,} are masked. "
            "Give them a value: images.filled(0), or that of the paper."
        )


def as_single(array: Any, channels: Collection[int]) -> Any:
    """Return one image as a batch of one, whose last axis of three may be `channels`.

    An array of two axes is one image then, however wide.

    Raises
    ------
    DataError
        If it is a row of pixels or not one image.
    """
    shape = tuple(array.shape)
    if shape in ((_ROW,), (1, _ROW), (_ROW, 1)):
        raise _rows(shape)
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in channels):
        return np.asarray(array)[np.newaxis]
    if len(shape) in (3, 4) and shape[0] == 1:
        return np.asarray(as_batch(array))
    raise DataError(
        "one image must have shape (height, width) or (height, width, 1 to 4 channels); "
        f"got {shape}. Of several images choose one, for example images[0]."
    )


def is_nested(images: Any) -> bool:
    """Return True for a list of numbers, of rows of numbers, or of deeper lists of them, as JSON has images."""
    if not isinstance(images, (list, tuple)) or not len(images):
        return False
    first = images[0]
    if isinstance(first, (list, tuple)):
        return all(isinstance(member, (list, tuple)) for member in images) and (not first or is_nested(first))
    is_row = getattr(first, "shape", None) is not None and len(first.shape) <= 1
    return isinstance(first, (int, float)) or (is_row and getattr(first.dtype, "kind", "") in {"b", "i", "u", "f"})


def nested_array(images: Any) -> npt.NDArray[Any] | list[npt.NDArray[Any]]:
    """Return nested lists of numbers as an array, or as a list of arrays where images differ in size.

    Integers from 0 to 255 become uint8.

    Raises
    ------
    DataError
        If the lists are ragged or hold something else than numbers.
    """
    _check_members(images)
    try:
        array = np.array(images)
    except (ValueError, OverflowError):
        array = None
    if array is None and all(is_nested(image) and not isinstance(image[0], (int, float)) for image in images):
        return [np.asarray(nested_array(image)) for image in images]
    if array is None or array.dtype.kind not in "biuf":
        found = "rows of different lengths" if array is None else f"values of type {array.dtype}"
        raise DataError(f"nested lists must hold the numbers of an image, row by row, or of several; got {found}.")
    is_small = array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 255
    return array.astype(np.uint8) if is_small else array


def _check_members(images: Any) -> None:
    for member in images:
        if isinstance(member, (int, float)):
            return  # a row of numbers: there may be millions
        if isinstance(member, (list, tuple)):
            _check_members(member)
        _check_unmasked(member)


def _is_rows(shape: tuple[int, ...]) -> bool:
    """Return True for rows of 784 pixels, with or without axes of length 1 beside them."""
    if len(shape) <= 2:
        return shape[-1:] == (_ROW,) or shape == (_ROW, 1)
    image = shape[1:3] if len(shape) == 4 or shape[2] not in _CHANNELS else shape[1:]
    is_grey = len(shape) == 3 or shape[3] == 1
    return is_grey and tuple(image) in ((1, _ROW), (_ROW, 1))


def _rows(shape: tuple[int, ...]) -> DataError:
    return DataError(
        f"rows of {_ROW} pixels are no images yet; got shape {shape}. "
        f"Pass images.reshape(-1, 28, 28); for one picture {_ROW} pixels wide pass images[None]."
    )


def _last_axis(shape: tuple[int, ...], reading: str) -> DataError:
    return DataError(
        f"images must be counted by the first axis; got {shape}, which may be {shape[-1]} images of "
        f"{' x '.join(map(str, shape[:-1]))} along the last axis, or {reading}. In the first case pass "
        "np.moveaxis(images, -1, 0); a list of images is always clear."
    )
