"""Probability that a number was read right as a whole.

In: what speaks for each digit, and what was left out. Out: a probability.
Next: :mod:`lenetkit.reading._outcome`.
"""

from collections.abc import Sequence

import numpy as np

from lenetkit.reading._segmentation import Array

__all__ = ["compute_features", "compute_probability"]

# Fitted by benchmarks/reading_doubts.py, as a logistic regression of whole numbers, to 2,897 pictures made of MNIST's
# last 10,000 training digits and of drawn ones, as read by a network that has not learnt from these digits. For a
# digit: constant, and the log odds that its label is right, that it is one digit, that it is cut from the line rightly.
# For a place left out: constant, and the log odds that it is one digit.
_DIGIT = np.array([-4.59, 0.87, 0.49, 0.42])
_LEFT_OUT = np.array([3.00, 0.20])
# Odds beyond this probability count as those of it: networks are not to be trusted farther.
_SURE = 0.999


def compute_features(*probabilities: Sequence[float]) -> Array:
    """Return a column of ones and a column of log odds for each sequence: float64 (n, 1 + n_sequences)."""
    bounded = np.clip(np.array(probabilities, float), 1 - _SURE, _SURE)
    return np.column_stack([np.ones(bounded.shape[1]), *np.log(bounded / (1 - bounded))])


def compute_probability(
    labels: Sequence[float], singles: Sequence[float], cuts: Sequence[float], left_out: Sequence[float]
) -> float:
    """Return the probability that all digits are right and that nothing left out is one.

    For each digit: that its label is right, that it is one digit, and that it is cut from the line rightly; for each
    place left out: that it is one digit.
    """
    right = 1 / (1 + np.exp(-compute_features(labels, singles, cuts) @ _DIGIT))
    nothing_lost = 1 / (1 + np.exp(compute_features(left_out) @ _LEFT_OUT))
    return float(right.prod() * nothing_lost.prod())
