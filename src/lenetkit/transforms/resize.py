"""Images of any size to one size."""

from typing import Any

import attrs
import numpy as np
from PIL import Image

from lenetkit.transforms._base import register_transform
from lenetkit.transforms._canvas import (
    as_background,
    as_lengths,
    describe_background,
    get_background,
    lay_on_background,
)
from lenetkit.transforms._pixels import Array, BatchTransform

__all__ = ["Resize"]


def _as_size(value: Any) -> tuple[int, int]:
    height, width = as_lengths("Resize: size", value, "height, width", least=1)
    return height, width


@register_transform("resize")
@attrs.frozen
class Resize(BatchTransform):
    """Bring images to one size, keeping their aspect ratio.

    Each image is scaled until it fits, laid in the middle, and the rest is filled with the background. Scaling is
    Pillow's bilinear filter, whose reach grows when an image shrinks (antialiasing), so that thin strokes do not
    vanish; the values are Pillow's, bit for bit. Images that have the size already are not copied.

    Parameters
    ----------
    size : tuple of int
        (height, width) in pixels, each 1 to 4096. One number stands for a square.
    background : float or None
        Grey level of the filled rest from 0 (black) to 1 (white). None takes the median of each image's outermost
        pixels, so that dark and white paper are both continued.

    Raises
    ------
    SettingError
        If the size or the background is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Resize
    >>> tall = np.full((40, 20), 255, np.uint8)
    >>> wide = np.full((20, 40), 255, np.uint8)
    >>> Resize((28, 28))([tall, wide]).shape
    (2, 28, 28)
    >>> Resize((4, 4), background=0)(tall[np.newaxis])
    array([[[  0, 255, 255,   0],
            [  0, 255, 255,   0],
            [  0, 255, 255,   0],
            [  0, 255, 255,   0]]], dtype=uint8)
    """

    size: tuple[int, int] = attrs.field(default=(28, 28), converter=_as_size)
    background: float | None = attrs.field(default=None, converter=as_background, kw_only=True)

    def describe_steps(self) -> list[str]:
        """Return its steps; see :func:`lenetkit.transforms.describe_transform`."""
        height, width = self.size
        return [
            f"scale by s = min({height} / height, {width} / width), the other side rounded, halves to even, but at "
            "least 1",
            "resample with a triangle filter, first along the rows, then along the columns: weights max(0, 1 - |d| / "
            "r), d the distance of pixel centres in source pixels, r = max(1, 1 / s), divided by their sum; rounded "
            "to an integer after either pass",
            f"lay it in the middle of {height} x {width}, the odd pixel of room below or on the right, on the level "
            f"{describe_background(self.background)}",
        ]

    def _passes(self, shape: tuple[int, ...], _: np.dtype[Any]) -> bool:
        return shape[:2] == self.size

    def _apply(self, batch: Array) -> Array:
        inner = _fit(batch.shape[1:3], self.size)
        resized = _resample(batch, inner)
        if inner == self.size:
            return resized
        corner = (self.size[0] - inner[0]) // 2, (self.size[1] - inner[1]) // 2
        return lay_on_background(resized, self.size, corner, get_background(batch, self.background))


def _fit(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Return the largest (height, width) with the shape's aspect ratio inside the size."""
    (h, w), (height, width) = shape, size
    if height * w <= width * h:
        return height, max(1, round(w * height / h))
    return max(1, round(h * width / w)), width


def _resample(batch: Array, size: tuple[int, int]) -> Array:
    planes = np.moveaxis(batch, -1, 1) if batch.ndim == 4 else batch
    flat = planes.reshape(-1, *planes.shape[-2:])
    # Pillow resamples rows first, then columns. Doing the passes by hand lets it take a whole batch in one call.
    wide = _resample_rows(flat, size[1])
    done = _resample_rows(wide.swapaxes(1, 2), size[0]).swapaxes(1, 2)
    done = done.reshape(*planes.shape[:-2], *size)
    return np.moveaxis(done, 1, -1) if batch.ndim == 4 else done


def _resample_rows(planes: Array, width: int) -> Array:
    n, height, old_width = planes.shape
    if old_width == width:
        return planes
    strip = Image.fromarray(np.ascontiguousarray(planes).reshape(n * height, old_width))
    return np.asarray(strip.resize((width, n * height), Image.Resampling.BILINEAR)).reshape(n, height, width)
