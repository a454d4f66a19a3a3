"""Confidence intervals of proportions."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["wilson_interval"]

_Z = 1.959963984540054  # 97.5 % quantile of the standard normal distribution, for a two-sided 95 % interval


def wilson_interval(proportion: npt.ArrayLike, n: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return Wilson's 95 % interval of proportions observed in n trials, elementwise.

    Wilson, J. Am. Stat. Assoc. 22 (1927): unlike the textbook interval it holds near 100 % and for few trials. A mean
    of several counts may be passed, which SciPy's ``binomtest`` does not take.
    """
    p, n = np.asarray(proportion, np.float64), np.asarray(n, np.float64)
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(np.clip(p * (1 - p), 0, 1) / n + _Z**2 / (4 * n**2))
    # At 0 and 1 rounding must not put the interval's end beyond the proportion.
    return np.clip(middle - half, 0.0, p), np.clip(middle + half, p, 1.0)
