"""The arithmetic that transforms of pixel values and the training graph have in common."""

import numpy as np

from lenetkit.transforms._base import Affine
from lenetkit.transforms._pixels import Array

__all__ = ["apply_affine"]


def apply_affine(batch: Array, affine: Affine) -> Array:
    """Return ``batch.astype(float32) * scale + offset``, rounded to float32 after each step."""
    # The type is given, not deduced: NumPy would take uint8 times a float32 scalar in another type before version 2.
    out = np.multiply(batch, affine.scale, dtype=np.float32)
    if affine.offset.any():
        np.add(out, affine.offset, out=out)
    return out
