"""Dark ink on white paper to bright ink on black, and back."""

import attrs
import numpy as np

from lenetkit.transforms._base import register_transform
from lenetkit.transforms._pixels import Array, Images, map_images

__all__ = ["Invert"]


@register_transform("invert")
@attrs.frozen(kw_only=True)
class Invert:
    """Exchange black and white. MNIST's digits are bright on black; most scans are the other way round.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Invert
    >>> Invert()(np.array([[[0, 100, 255]]], np.uint8))
    array([[[255, 155,   0]]], dtype=uint8)
    """

    def __call__(self, images: Images, /) -> Array | list[Array]:
        """Return the negatives.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or list of (height, width[, channels]) arrays
            uint8 in [0, 255] or floating in [0, 1].

        Returns
        -------
        ndarray or list of ndarray
            In the images' shape: ``255 - images`` in uint8, or ``1 - images`` in float32.

        Raises
        ------
        DataError
            If the images are not that.
        """
        return map_images(_negative, images)


def _negative(batch: Array) -> Array:
    white = np.uint8(255) if batch.dtype == np.uint8 else np.float32(1)
    return np.asarray(white - batch)
