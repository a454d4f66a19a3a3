"""Poor pictures of digits: the same from the same seed, legible, and none of them MNIST's format already."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from lenetkit import Pipeline
from lenetkit.synthesis import draw_digits

TOOLS = Path(__file__).parent.parent / "tools"
DIGITS = draw_digits(40, seed=3)


@pytest.fixture(scope="module")
def tool() -> object:
    spec = importlib.util.spec_from_file_location("poor_pictures", TOOLS / "poor_pictures.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["poor_pictures"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["poor_pictures"]


def drawn(tool: object, kind: str, seed: int = 0) -> list[np.ndarray]:
    return [tool._draw_one((kind, seed, number, digit)) for number, digit in enumerate(DIGITS.images)]


@pytest.mark.parametrize(
    ("kind", "sides", "least"),
    [
        ("photograph", (40, 160), 0.85),
        ("reduce", (6, 40), 0.7),
        ("grain", (28, 56), 0.6),
        ("cross", (28, 84), 0.7),
        ("slant", (40, 40), 0.7),
    ],
)
def test_poor_pictures_are_digits_still(tool: object, kind: str, sides: tuple[int, int], least: float) -> None:
    """Grey, of their sizes, each another one, and mostly read."""
    pictures = drawn(tool, kind)
    for picture in pictures:
        assert picture.dtype == np.uint8
        assert picture.ndim == 2
        assert sides[0] <= max(picture.shape) <= sides[1]
        assert np.ptp(picture) > 30
    assert np.mean(Pipeline.pretrained().predict(pictures) == DIGITS.labels) >= least
    for one, again in zip(pictures, drawn(tool, kind), strict=True):
        np.testing.assert_array_equal(one, again)
    assert any(
        one.shape != other.shape or (one != other).any()
        for one, other in zip(pictures, drawn(tool, kind, 1), strict=True)
    )


def test_averaging_keeps_the_mean(tool: object) -> None:
    """Whatever the number of rows."""
    rows = np.random.default_rng(0).random((20, 5))
    for n in (1, 3, 7, 20):
        averaged = tool._average(rows, n)
        assert averaged.shape == (n, 5)
        np.testing.assert_allclose(averaged.mean(axis=0), rows.mean(axis=0))
    np.testing.assert_allclose(tool._average(rows, 20), rows)
