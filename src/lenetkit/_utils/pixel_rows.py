"""Rows of pixels told from rows of other features."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["find_square"]

# Rows are taken for pixels if the columns that would be neighbours differ by at most this fraction of what columns of a
# row differ by otherwise. MNIST has 0.32, scikit-learn's digits 0.64; counts and shuffled pixels have 0.9 to 1
# (test_other_columns_are_features). Too low a value leaves pixels to be standardised, with twice the errors.
_ALIKE = 0.8
_ROWS_LOOKED_AT = 1000


def find_square(features: npt.NDArray[Any]) -> tuple[int, int] | None:
    """Return the shape of the square images that rows hold as pixels; None if they do not look like pixels."""
    side = math.isqrt(features.shape[1])
    if side**2 != features.shape[1] or not 8 <= side <= 64 or features.dtype.kind not in "iuf":
        return None
    rows = features[:_ROWS_LOOKED_AT].astype(np.float64)
    if features.min() < 0 or features.max() > 255:
        return None
    levels = rows * 255 if features.max() <= 1 else rows
    found = np.unique(np.rint(levels))
    if np.abs(levels - np.rint(levels)).max() > 1e-3 or len(found) < 3 or 16 < found[-1] < 128 or found[-1] < 15:
        return None
    images = levels.reshape(-1, side, side)
    near = (np.abs(np.diff(images, axis=1)).mean() + np.abs(np.diff(images, axis=2)).mean()) / 2
    order = np.random.default_rng(0).permutation(features.shape[1])
    apart = np.abs(levels - levels[:, order]).mean()
    return (side, side) if near <= _ALIKE * apart else None
