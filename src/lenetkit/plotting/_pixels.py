"""Checked pixels and their value range.

In: one image as people have it, of any numeric dtype. Out: pixels that matplotlib and Pillow draw.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import Array

__all__ = ["as_uint8", "check_image", "finite_range", "value_range"]


def check_image(image: Any, index: int = 0) -> Array:
    """Return an image's pixels of shape (h, w) or (h, w, 3 or 4).

    Raise DataError if it has another shape or holds no numbers; the message names it ``images[index]``.
    """
    pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))) or not pixels.size:
        raise DataError(f"images[{index}] must have shape (h, w) or (h, w, 1, 3 or 4); got {pixels.shape}.")
    if pixels.dtype.kind not in "buif":
        raise DataError(f"images[{index}] must hold numbers; got dtype {pixels.dtype}.")
    return pixels


def value_range(images: Sequence[Array]) -> tuple[float, float]:
    """Return the values of black and white, the same for all images, so that a grey level means one thing.

    0 and 255 for uint8, 0 and 1 for what lies between them, otherwise the smallest and the largest finite value.
    """
    if all(pixels.dtype == np.uint8 for pixels in images):
        return 0, 255
    low, high = finite_range(*images)
    return (0, 1) if low >= 0 and high <= 1 else (low, high)


def finite_range(*images: Array) -> tuple[float, float]:
    """Return the smallest and the largest finite value; 0 and 1 where there is none."""
    finite = np.concatenate([pixels[np.isfinite(pixels)].astype(float).ravel() for pixels in images])
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def as_uint8(image: Any, limits: tuple[float, float] | None = None, *, index: int = 0) -> npt.NDArray[np.uint8]:
    """Return an image's pixels as bytes; NaN and negative infinity are black.

    Parameters
    ----------
    image : array-like of shape (h, w[, 1, 3 or 4])
        Numbers.
    limits : tuple of float, optional
        The values of black and white, by default as :func:`lenetkit.plotting.plot_digits` draws the image.
    index : int, default 0
        Its position, for the message.

    Raises
    ------
    DataError
        If the image has another shape or holds no numbers.
    """
    pixels = check_image(image, index)
    low, high = limits or value_range([pixels])
    if pixels.dtype == np.uint8 and (low, high) == (0, 255):
        return pixels
    values = np.nan_to_num(pixels.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.asarray(np.round(255 * ((values - low) / max(high - low, 1e-12)).clip(0, 1)), np.uint8)
