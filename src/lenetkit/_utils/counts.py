"""Counts from fractions, by exact arithmetic: 0.29 of 100 is 29, although in binary 0.29 * 100 is a little less."""

import math
from fractions import Fraction
from typing import Any

__all__ = ["ceil_product", "floor_product"]


def floor_product(fraction: Any, n: int) -> int:
    """Return the largest integer up to `fraction` of `n`; the fraction is the decimal number that it prints as."""
    return math.floor(Fraction(str(fraction)) * n)


def ceil_product(fraction: Any, n: int) -> int:
    """Return the smallest integer from `fraction` of `n` on; the fraction is the decimal number that it prints as."""
    return math.ceil(Fraction(str(fraction)) * n)
