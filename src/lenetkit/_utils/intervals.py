"""Confidence intervals of proportions."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["resample_groups", "wilson_interval"]

# Resamplings of the groups: with more, the ends of the interval move by less than a tenth of its width.
_RESAMPLINGS = 2000

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


def resample_groups(sizes: npt.NDArray[Any], errors: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the 95 % interval of the accuracy that other samples of as many whole groups might have given.

    The percentile bootstrap over groups (Davison and Hinkley, Bootstrap Methods, 1997, section 3.8): answers to one
    writer's images are not independent, which makes the interval of as many single images too narrow. If no answer, or
    every one, is wrong, resampling shows nothing: then Wilson's interval for one answer a group.
    """
    accuracy = 1 - errors.sum() / sizes.sum()
    if accuracy in (0, 1):
        low, high = wilson_interval(accuracy, len(sizes))
        return float(low), float(high)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=_RESAMPLINGS)
    low, high = np.quantile(1 - (counts @ errors) / (counts @ sizes), [0.025, 0.975])
    return float(min(low, accuracy)), float(max(high, accuracy))
