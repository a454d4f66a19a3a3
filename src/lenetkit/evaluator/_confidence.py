"""Calibration and rejection: confidence against accuracy, and the error rate among the answers that are kept.

In: the confidence of each answer, and which are right. Out: pandas tables.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["calibration_error", "rejection_table", "reliability_table"]

Confidences = npt.NDArray[np.float64]
Right = npt.NDArray[np.bool_]


def reliability_table(confidences: Confidences, right: Right, n_bins: int) -> "pd.DataFrame":
    """Return confidence, accuracy and number of images in bins of equal width; see :meth:`Evaluation.reliability`."""
    import pandas as pd

    if isinstance(n_bins, bool) or not isinstance(n_bins, int | np.integer) or n_bins < 1:
        raise SettingError(f"n_bins must be a positive integer; got {n_bins!r}.")
    # A bin holds its upper edge, as in Guo et al.; rounding may take a sum of probabilities beyond 1.
    bins = np.clip(np.ceil(confidences * n_bins).astype(int) - 1, 0, n_bins - 1)
    count = np.bincount(bins, minlength=n_bins)
    filled = np.flatnonzero(count)
    sums = {
        "confidence": np.bincount(bins, weights=confidences, minlength=n_bins),
        "accuracy": np.bincount(bins, weights=right, minlength=n_bins),
    }
    columns = {name: total[filled] / count[filled] for name, total in sums.items()}
    edges = {"low": filled / n_bins, "high": (filled + 1) / n_bins}
    return pd.DataFrame({**edges, **columns, "count": count[filled]})


def calibration_error(table: "pd.DataFrame") -> float:
    """Return the mean distance of confidence and accuracy over the bins, each weighted by its images."""
    distance = (table["confidence"] - table["accuracy"]).abs()
    return float((distance * table["count"]).sum() / table["count"].sum())


def rejection_table(confidences: Confidences, right: Right) -> "pd.DataFrame":
    """Return the error rate among the answers, by the fraction that is rejected, from the least to the most."""
    import pandas as pd

    order = np.argsort(-confidences, kind="stable")
    sorted_down = confidences[order]
    # Equally sure answers are rejected together: only the last of each run is a threshold.
    last = np.flatnonzero(np.append(sorted_down[1:] < sorted_down[:-1], True))[::-1]
    errors = np.cumsum(~right[order])[last]
    answered = last + 1
    return pd.DataFrame(
        {
            "threshold": sorted_down[last],
            "rejected": 1 - answered / len(order),
            "error_rate": errors / answered,
            "answered": answered,
            "errors": errors,
        }
    )
