"""Tests for `lenetkit._utils.intervals`."""

import pytest
from scipy.stats import binomtest

from lenetkit._utils.intervals import wilson_interval


@pytest.mark.parametrize(("right", "n"), [(0, 10), (7, 10), (10, 10), (9950, 10_000)])
def test_the_interval_is_wilsons(right: int, n: int) -> None:
    """SciPy's, for integer counts."""
    interval = binomtest(right, n).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson_interval(right / n, n) == pytest.approx((interval.low, interval.high))
