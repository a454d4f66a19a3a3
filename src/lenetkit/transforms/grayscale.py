"""Colour to grey."""

from typing import Any

import attrs
import numpy as np

from lenetkit.transforms._base import register_transform
from lenetkit.transforms._pixels import Array, BatchTransform

__all__ = ["Grayscale"]

# ITU-R 601 luma in 16-bit fixed point, as Pillow's convert("L") rounds it. The three sum to 2**16.
_WEIGHTS = (19595, 38470, 7471)


@register_transform("grayscale")
@attrs.frozen(kw_only=True)
class Grayscale(BatchTransform):
    """Turn colour images into grey ones: ITU-R 601 luma, the same values as Pillow's ``convert("L")``.

    Images with three channels are taken as red, green, blue; one channel is squeezed; images without a channel axis
    pass unchanged. Neither of the latter is copied in an array. The result never has a channel axis. Two and four
    channels are refused: what shines through depends on the paper.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Grayscale
    >>> red = np.zeros((1, 28, 28, 3), np.uint8)
    >>> red[..., 0] = 255
    >>> grey = Grayscale()(red)
    >>> grey.shape, grey.dtype, int(grey[0, 0, 0])
    ((1, 28, 28), dtype('uint8'), 76)
    """

    _channels = (1, 3)

    def _passes(self, shape: tuple[int, ...], _: np.dtype[Any]) -> bool:
        return len(shape) == 2

    def _map(self, images: Array | list[Array]) -> Array | list[Array]:
        is_plain = type(images) is np.ndarray and images.dtype == np.uint8 and images.shape[3:] == (1,)
        return np.asarray(images)[..., 0] if is_plain else super()._map(images)

    def _pass_unchanged(self, image: Array) -> Array | None:
        return image if image.ndim == 3 else image[..., 0]

    def _apply(self, batch: Array) -> Array:
        if batch.shape[-1] == 1:
            return np.asarray(batch[..., 0])
        red, green, blue = np.moveaxis(batch, -1, 0)
        if batch.dtype == np.uint8:
            parts = [np.multiply(c, w, dtype=np.uint32) for c, w in zip((red, green, blue), _WEIGHTS, strict=True)]
            return np.asarray((sum(parts) + np.uint32(2**15)) >> np.uint32(16), np.uint8)
        weights = [np.float32(weight / 2**16) for weight in _WEIGHTS]
        return np.asarray(red * weights[0] + green * weights[1] + blue * weights[2])

    def describe_steps(self) -> list[str]:
        """Return its steps; see :func:`lenetkit.transforms.describe_transform`."""
        red, green, blue = _WEIGHTS
        return [f"of red, green and blue: ({red} red + {green} green + {blue} blue + 32768) >> 16; grey stays as it is"]
