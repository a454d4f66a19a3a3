"""Probability that a number was read right as a whole.

In: what speaks for each digit, and what was left out. Out: a probability.
Next: :mod:`lenetkit.reading._outcome`.
"""

import math
from collections.abc import Sequence

from lenetkit.reading._segmentation import Array

__all__ = ["compute_probability"]


def compute_probability(digits: Sequence[tuple[Array, float, float]], left_out: Sequence[float]) -> float:
    """Return the probability that all digits are right and that nothing left out is one."""
    right = [float(probabilities.max()) for probabilities, _, _ in digits]
    return math.prod(right) * math.prod(1 - probability for probability in left_out)
