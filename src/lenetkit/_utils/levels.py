"""Ranges of pixel values: images that are nearly black, and the cure for values outside a range.

In: images, or their extremes. Out: an error or a sentence. Next: the readers of images and the transforms.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.memmap import iter_chunks
from lenetkit.exceptions import DataError

__all__ = ["FAINTEST", "INTEGER_ADVICE", "check_levels", "check_set_levels", "is_faint", "range_advice"]

# Masks and class indices of 0..3 saved as uint8 are no grey levels: a network answers them at chance level. Pictures of
# 0..15 and 0..16, which scanners and scikit-learn have, are read rightly.
FAINTEST = 3

INTEGER_ADVICE = (
    "If the values are 0..255, convert with .astype(np.uint8). If they are 0..65535, with (images >> 8)"
    ".astype(np.uint8); if 0 and 1, multiply by 255 first."
)
_ROUNDED, _STANDARDISED = 1e-3, 20


def is_faint(images: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return for each of uint8 or floating images (n, ...) whether it is nearly black; one level is blank."""
    faint = np.zeros(len(images), bool)
    if not images.size:
        return faint
    least = (FAINTEST + 0.5) / (255 if images.dtype.kind == "f" else 1)
    # What is bright in its middle row need not be read whole.
    middle = images[:, images.shape[1] // 2].reshape(len(images), -1)
    rows = np.flatnonzero(~(middle.max(axis=1) >= least))
    if len(rows):
        pixels = images[rows].reshape(len(rows), -1)
        peaks = pixels.max(axis=1)
        faint[rows] = (peaks > 0) & (peaks < least) & (pixels.min(axis=1) < peaks)
    return faint


def check_levels(images: Any, name: str = "images[{}]") -> None:
    """Refuse uint8 or floating images (n, ...) of which one is nearly black; other types are left to other checks.

    Raises
    ------
    DataError
        Naming the first one, by `name` with its index.
    """
    if not isinstance(getattr(images, "dtype", None), np.dtype):
        try:
            images = np.asarray(images)
        except Exception:  # Another check says why it is no array.
            return
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        return
    if len(images) == 1 and images.size and images.dtype == np.uint8 and images.item(images.argmax()) > FAINTEST:
        return  # One image is a matter of microseconds.
    start = 0
    for chunk in iter_chunks(images):
        faint = is_faint(chunk)
        if faint.any():
            index = int(faint.argmax())
            raise _too_dark(name.format(start + index), float(chunk[index].max()), chunk.dtype)
        start += len(chunk)


def check_set_levels(images: Any, name: str) -> None:
    """Refuse a set of uint8 images if all together are nearly black; one dark picture keeps no file from being read.

    Raises
    ------
    DataError
        Naming the set.
    """
    peak, found = 0, False
    for chunk in iter_chunks(images):
        peak = max(peak, int(chunk.max(initial=0)))
        if peak > FAINTEST:
            return
        found = found or bool(is_faint(chunk).any())
    if found:
        raise _too_dark(f"every image of {name}", peak, images.dtype)


def _too_dark(name: str, peak: float, dtype: np.dtype[Any]) -> DataError:
    is_float = dtype.kind == "f"
    factor = f"255 // {peak:g}" if not is_float and peak > 1 else "255"
    held = f"{peak:.2g}, where white is 1" if is_float else f"{peak:g}, where white is 255"
    return DataError(
        f"{name} is nearly black: the brightest is at {100 * peak * (1 if is_float else 1 / 255):.2g} % of white "
        f"(it is {held}). Bring the pixels to 0..255 (uint8) or 0..1 (float): multiply by {factor}; they may have been "
        "divided twice."
    )


def range_advice(low: float, high: float) -> str:
    """Return the cure for floating values of this range, which should be 0 to 1; nothing for infinite ones and NaN."""
    if not np.isfinite([low, high]).all():
        return ""
    if low >= -_ROUNDED and high <= 1 + _ROUNDED:
        return "Clip what rounding left outside: np.clip(images, 0, 1)."
    if low >= 0:
        return f"Divide by {255 if high <= 255 else 65535 if high <= 65535 else 'the value that means white'}" + (
            ", or pass uint8, if they mean 0..255." if high <= 255 else "."
        )
    if low >= -1 and high <= 1:
        return "If they mean -1..1, pass (images + 1) / 2."
    if high - low < _STANDARDISED:
        return (
            "If they were standardised, undo it: images * std + mean, which is images * 0.3081 + 0.1307 for MNIST's "
            "usual numbers."
        )
    return "Bring them to 0..1: (images - low) / (high - low), with the values that mean black and white."
