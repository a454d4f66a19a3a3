"""Counts from fractions: exact for every decimal fraction and count."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lenetkit._utils.counts import ceil_product, floor_product


@given(st.integers(1, 10_000), st.integers(0, 100_000))
def test_a_decimal_fraction_gives_the_count_that_it_says(ten_thousandths: int, n: int) -> None:
    """Floor and ceiling of the decimal number's product, whatever its binary neighbour would give."""
    exact = Fraction(ten_thousandths, 10_000) * n
    for fraction in (ten_thousandths / 10_000, np.float64(ten_thousandths / 10_000)):
        assert floor_product(fraction, n) == exact.numerator // exact.denominator
        assert ceil_product(fraction, n) == -(-exact.numerator // exact.denominator)


def test_products_that_binary_arithmetic_misses() -> None:
    """The neighbours of 29, 57, 58 and 7."""
    assert [floor_product(fraction, 100) for fraction in (0.29, 0.57, 0.58)] == [29, 57, 58]
    assert ceil_product(0.07, 100) == 7
    assert floor_product(np.float32(0.29), 100) == 29
    assert floor_product(1, 100) == 100
