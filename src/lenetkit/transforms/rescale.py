"""Pixels 0..255 to 0..1."""

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.transforms._affine import apply_affine
from lenetkit.transforms._base import Affine, register_transform
from lenetkit.transforms._pixels import Array, Images, map_images

__all__ = ["Rescale"]


@register_transform("rescale")
@attrs.frozen(kw_only=True)
class Rescale:
    """Bring pixels to float32 in [0, 1]: what uint8 images mean as 0..255. Floating images are in [0, 1] already.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Rescale
    >>> Rescale()(np.array([[[0, 51, 255]]], np.uint8))
    array([[[0.        , 0.20000002, 1.        ]]], dtype=float32)
    """

    def affine(self, dtype: npt.DTypeLike) -> Affine:
        """Return the map as ``images.astype(float32) * scale + offset``.

        Parameters
        ----------
        dtype : dtype
            Of the images: uint8 has the scale 1/255, a floating type 1.

        Returns
        -------
        Affine
            float32 scale and offset of shape (); the offset is 0.
        """
        scale = 1 / 255 if np.dtype(dtype) == np.uint8 else 1.0
        return Affine(np.array(scale, np.float32), np.array(0, np.float32))

    @property
    def scale(self) -> npt.NDArray[np.float32]:
        """Scale for uint8 images, float32 of shape ()."""
        return self.affine(np.uint8).scale

    @property
    def offset(self) -> npt.NDArray[np.float32]:
        """Offset for uint8 images: 0, float32 of shape ()."""
        return self.affine(np.uint8).offset

    def __call__(self, images: Images, /) -> Array | list[Array]:
        """Return the images in [0, 1].

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        ndarray or list of ndarray
            float32, in the images' shape; float32 arrays are not copied.

        Raises
        ------
        DataError
            If the images are not that.
        """
        return map_images(self._rescale, images, unless=lambda _, dtype: dtype.kind == "f")

    def _rescale(self, batch: Array) -> Array:
        return apply_affine(batch, self.affine(batch.dtype))
