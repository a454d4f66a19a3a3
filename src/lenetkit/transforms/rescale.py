"""Pixels 0..255 to 0..1."""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.transforms._base import Affine, AffineBatchTransform, register_transform

__all__ = ["Rescale"]


@register_transform("rescale")
@attrs.frozen(kw_only=True)
class Rescale(AffineBatchTransform):
    """Bring pixels to float32 in [0, 1]: what uint8 images mean as 0..255. Floating images are in [0, 1] already.

    Arrays of float32 are not copied.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Rescale
    >>> Rescale()(np.array([[[0, 51, 255]]], np.uint8))
    array([[[0.        , 0.20000002, 1.        ]]], dtype=float32)
    """

    def affine(self, dtype: npt.DTypeLike) -> Affine:
        """Return the map: scale 1/255 for uint8, 1 for a floating type, and offset 0; float32 of shape ()."""
        scale = 1 / 255 if np.dtype(dtype) == np.uint8 else 1.0
        return Affine(np.array(scale, np.float32), np.array(0, np.float32))

    def describe_steps(self) -> list[str]:
        """Return its steps; see :func:`lenetkit.transforms.describe_transform`."""
        return [f"out = in * {self.scale:.9g} (1 / 255 as float32), of levels from 0 to 255"]

    def _passes(self, _: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
        return dtype.kind == "f"
