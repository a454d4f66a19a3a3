"""Values of many ranges as pixels: 0 and 1, 0..16, 0..255, 0..65535, 0..1 and -1..1 become uint8 in 0..255.

In: rows or images of numbers, in one piece or many. Out: uint8 of the same shape, spread evenly; the range is found
over all values together, and a notice says which was assumed where it is another one than 0..255.
Next: the readers of tables and objects.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.levels import range_advice
from lenetkit._utils.notices import notify
from lenetkit.datasets._pixel_tables import square_side
from lenetkit.exceptions import DataError

__all__ = ["Labels", "PixelRows", "as_labels", "as_pixels", "as_stack"]

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[Any]

# Levels of ink: bits, four bits, and UCI's counts in blocks of 4 x 4.
_FEW_LEVELS = (1, 15, 16)
# Rounding of 32-bit floats.
_SLACK = 1e-6
_SMALLEST_SIDE = 5
_LARGEST_NUMBER = 2.0**53
_BLOCK = 4096


class PixelRows:
    """Values of images, added piece by piece and kept small: uint8 as long as they are integers from 0 to 255.

    Parameters
    ----------
    where : str
        The file or object, for messages.
    count : int, optional
        The number of images that will come, where it is known: then bytes go to their place at once.
    """

    def __init__(self, where: str, count: int | None = None) -> None:
        self.where = where
        self._expected = count
        self._placed: Pixels | None = None
        self._pieces: list[npt.NDArray[Any]] = []
        self._low, self._high, self._whole, self._count = math.inf, -math.inf, True, 0

    def __len__(self) -> int:
        return self._count

    def add(self, values: npt.NDArray[Any]) -> None:
        """Add images or rows (m, ...) of numbers.

        Raises
        ------
        DataError
            If one is no number; the message names the first image that has such a value.
        """
        if values.dtype.kind not in "biuf":
            raise DataError(f"{self.where}: pixels must be numbers; got {values.dtype}.")
        if values.dtype.kind == "b":
            values = values.astype(np.uint8)
        for start in range(0, len(values), _BLOCK):
            self._add(values[start : start + _BLOCK])

    def _add(self, values: npt.NDArray[Any]) -> None:
        if not values.size:
            return
        low, high = float(values.min()), float(values.max())
        if not math.isfinite(low + high):
            bad = int(np.argmin(np.isfinite(values.reshape(len(values), -1)).all(axis=1)))
            raise DataError(f"{self.where}: image {self._count + bad} has a pixel that is missing or infinite.")
        whole = values.dtype.kind in "iu" or bool((values == np.floor(values)).all())
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._whole &= whole
        small = whole and low >= 0 and high <= 255
        if small and self._expected and not self._count:
            self._placed = np.empty((self._expected, *values.shape[1:]), np.uint8)
        if small and self._placed is not None:
            self._placed[self._count : self._count + len(values)] = values
        else:
            if self._placed is not None:
                self._pieces, self._placed = [self._placed[: self._count]], None
            self._pieces.append(values.astype(np.uint8 if small else np.int32 if whole else np.float32))
        self._count += len(values)

    def finish(self) -> Pixels:
        """Return all of them as uint8 (n, ...), spread over 0..255; no values are left here.

        Raises
        ------
        DataError
            If their range says nothing about black and white.
        """
        if not self._count:
            raise DataError(f"{self.where} holds no images.")
        scale, offset = self._find_range()
        if self._placed is not None:
            if scale != 1:
                levels = np.rint(np.arange(256) * scale).clip(0, 255).astype(np.uint8)
                for start in range(0, self._count, _BLOCK):
                    self._placed[start : start + _BLOCK] = levels[self._placed[start : start + _BLOCK]]
            return self._placed[: self._count]
        if scale == 1 and not offset and len(self._pieces) == 1 and self._pieces[0].dtype == np.uint8:
            return self._pieces.pop()
        pixels = np.empty((self._count, *self._pieces[0].shape[1:]), np.uint8)
        start = 0
        self._pieces.reverse()
        while self._pieces:
            piece = self._pieces.pop()
            rows = pixels[start : start + len(piece)]
            if scale == 1 and not offset and piece.dtype == np.uint8:
                rows[:] = piece
            else:
                rows[:] = np.rint((piece.astype(np.float64) + offset) * scale).clip(0, 255)
            start += len(piece)
        return pixels

    def _find_range(self) -> tuple[float, float]:
        """Return the factor and, before it, the summand that bring the values to 0..255."""
        low, high = self._low, self._high
        if low >= 0 and high <= 255 and self._whole:
            if high not in _FEW_LEVELS:
                return 1, 0
            return self._assume(f"0..{high:g}", 255 / high, 0)
        if low >= -_SLACK and high <= 1 + _SLACK:
            return 255, 0  # floats mean 0..1 everywhere
        if low >= -1 - _SLACK and high <= 1 + _SLACK:
            return self._assume("-1..1", 127.5, 1)
        if 255 < high <= 65535 and low >= 0 and self._whole:
            return self._assume("0..65535", 255 / 65535, 0)
        if low >= 0 and 1 < high <= 255:
            return self._assume("0..255 with fractions", 1, 0)
        raise DataError(
            f"{self.where}: pixels must lie in 0..1, 0..255 or -1..1; they lie in {low:g}..{high:g}. "
            f"{range_advice(low, high)}".rstrip()
        )

    def _assume(self, found: str, scale: float, offset: float) -> tuple[float, float]:
        notify(f"{self.where}: the pixels are read as {found}, and spread over 0..255.")
        return scale, offset


def as_pixels(values: npt.NDArray[Any], where: str) -> Pixels:
    """Return images or rows (n, ...) as uint8 in 0..255; see :class:`PixelRows`."""
    if values.dtype == np.uint8 and values.size and values.max() not in _FEW_LEVELS:
        return values
    rows = PixelRows(where)
    rows.add(values)
    return rows.finish()


def as_stack(values: npt.NDArray[Any], count: int, where: str) -> npt.NDArray[Any]:
    """Return `count` images as (n, height, width[, channels]), whichever axis counts them or holds the colours.

    Rows (n, height * width) are square images. Images are counted by the first axis, or, as MATLAB counts them, the
    last. Colours may come first.

    Raises
    ------
    DataError
        If no axis has that length, or rows make no square.
    """
    shape = values.shape
    if values.ndim > 1 and shape[0] != count and shape[-1] == count:
        values = np.moveaxis(values, -1, 0)
    if not 2 <= values.ndim <= 4 or values.shape[0] != count:
        raise DataError(f"{where}: images must have shape (n, ...) with n = {count}, one for each label; got {shape}.")
    if values.ndim == 2:
        side = square_side(values.shape[1])
        if side < _SMALLEST_SIDE:
            raise DataError(f"{where}: rows of {values.shape[1]} numbers make no square images.")
        return values.reshape(count, side, side)
    if values.ndim == 4 and values.shape[3] not in (1, 2, 3, 4) and values.shape[1] in (1, 3):
        values = np.moveaxis(values, 1, -1)
    return values[..., 0] if values.ndim == 4 and values.shape[3] == 1 else values


def as_labels(values: Any, where: str) -> Labels:
    """Return labels as int64 or str (n,): integers, numbers without fraction, text, or rows that are one-hot.

    Raises
    ------
    DataError
        If they are something else; the message names the first offender.
    """
    labels = np.asarray(values)
    if labels.ndim == 2 and 1 in labels.shape:
        labels = labels.reshape(-1)
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        hot = (labels == 1).sum(axis=1) == 1
        hot &= (labels == 0).sum(axis=1) == labels.shape[1] - 1
        if not hot.all():
            raise DataError(f"{where}: row {int(hot.argmin())} of the labels is neither one number nor one-hot.")
        return np.asarray(labels.argmax(axis=1), np.int64)
    if labels.ndim != 1:
        raise DataError(f"{where}: labels must have shape (n,), one for each image; got {labels.shape}.")
    if labels.dtype.kind in "OTU" and all(isinstance(label, str) for label in labels):
        return _from_text([label.strip() for label in labels])
    if labels.dtype.kind == "O":
        labels = _as_floats(labels, where)
    if labels.dtype.kind == "S":
        return _from_text([label.decode("utf-8", "replace") for label in labels.tolist()])
    if labels.dtype.kind == "f":
        good = np.isfinite(labels) & (np.abs(labels) < _LARGEST_NUMBER) & (labels == np.floor(labels))
        if not good.all():
            index = int(good.argmin())
            raise DataError(f"{where}: label {index} is {labels[index]:g}; labels must be integers or strings.")
    elif labels.dtype.kind not in "biu":
        raise DataError(f"{where}: labels must be integers or strings; got {labels.dtype}.")
    return np.asarray(labels, np.int64)


def _as_floats(labels: Labels, where: str) -> Labels:
    for index, label in enumerate(labels):
        if isinstance(label, bool) or not isinstance(label, (int, float, np.number)):
            raise DataError(f"{where}: label {index} is {label!r}; labels must all be integers or all strings.")
    return labels.astype(np.float64)


def _from_text(texts: list[str]) -> Labels:
    # Without leading zeros: "007" is a name.
    whole = all(text.isascii() and text.isdigit() and len(text) < 7 and text == str(int(text)) for text in texts)
    return np.array([int(text) for text in texts], np.int64) if whole and texts else np.array(texts, np.str_)
