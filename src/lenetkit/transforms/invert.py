"""Dark ink on white paper to bright ink on black, and back."""

import attrs
import numpy as np

from lenetkit.transforms._base import register_transform
from lenetkit.transforms._pixels import Array, BatchTransform

__all__ = ["Invert"]


@register_transform("invert")
@attrs.frozen(kw_only=True)
class Invert(BatchTransform):
    """Exchange black and white. MNIST's digits are bright on black; most scans are the other way round.

    The result is ``255 - images`` in uint8, or ``1 - images`` in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.transforms import Invert
    >>> Invert()(np.array([[[0, 100, 255]]], np.uint8))
    array([[[255, 155,   0]]], dtype=uint8)
    """

    def _apply(self, batch: Array) -> Array:
        white = np.uint8(255) if batch.dtype == np.uint8 else np.float32(1)
        return np.asarray(white - batch)

    def describe_steps(self) -> list[str]:
        """Return its steps; see :func:`lenetkit.transforms.describe_transform`."""
        return ["out = 255 - in, of levels from 0 to 255"]
