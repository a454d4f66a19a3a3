"""Same seed, same bytes, whichever NumPy: what is drawn and how it is split rests on no stream that a release changed.

The hashes are those of NumPy 1.26.4, 2.4.6 and 2.5.5: the environments with the oldest and newest versions hold them.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lenetkit import load_dataset
from lenetkit.synthesis import corrupt, draw_digits, draw_lines, draw_nondigits

DRAWS: dict[str, tuple[Callable[[], Any], str]] = {
    "a split": (lambda: load_dataset("digits").split(0.1, seed=3)[0].labels, "59c1da8b8b97c934"),
    "the rest of it": (lambda: load_dataset("digits").split(0.1, seed=3)[1].images, "4f3ffffe72ed7a7a"),
    "digits": (lambda: draw_digits(50, styles="varied", seed=1).images, "bed657b4c42f9dc9"),
    "non-digits": (lambda: draw_nondigits(30, seed=2).images, "b12fb2323a916d7e"),
    "a line": (lambda: next(iter(draw_lines(5, seed=1))).image, "85fdb5a2c8e3cac1"),
    "a corruption": (lambda: corrupt(draw_digits(5).images, "fog"), "786d3ff55db8ba5a"),
}


@pytest.mark.parametrize("what", DRAWS)
def test_what_a_seed_gives_stays(what: str) -> None:
    draw, expected = DRAWS[what]
    assert hashlib.sha256(np.ascontiguousarray(draw()).tobytes()).hexdigest()[:16] == expected
