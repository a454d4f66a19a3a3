"""Tests for what a reading shows a person: signs, doubts and rejections, as text, in a notebook and on a diagram."""

import attrs
import numpy as np
import pytest

from lenetkit.reading import DigitReading, LeftOut, Reading

ONE = DigitReading(label=1, probability=0.9, box=(2, 2, 10, 30), line=0)
FIVE = DigitReading(label=5, probability=0.9, box=(17, 2, 28, 30), line=0)
POINT = LeftOut(box=(12, 26, 15, 30), reason="the sign .", probability=0.0, line=0)
READING = Reading(
    digits=(ONE, FIVE),
    left_out=(POINT,),
    image=np.full((40, 60), 255, np.uint8),
    raw="1.5",
    rejected=True,
    reason="the reading is right with a probability of 0.2 only.",
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("1.5", "1.5"),
        ("-15", "-15"),
        ("15", "1?5"),
        ("1 5", "1?5"),
        ("1/5\n2", "1/5\n2"),
        ("1:5", "1:5"),
        ("1,5", "1,5"),
    ],
)
def test_signs_are_shown_and_gaps_are_not(raw: str, shown: str) -> None:
    """Digits alone are another number than with a point between them; without signs each doubt has its mark."""
    reading = attrs.evolve(READING, raw=raw)
    assert reading.raw_with_doubts == reading.to_dict()["raw_with_doubts"] == shown


def test_a_notebook_shows_signs_and_the_reason_of_a_rejection() -> None:
    """The reason only where there is one."""
    page = READING._repr_html_()
    assert ">1.5</div>" in page
    assert f"rejected: {READING.reason}" in page
    assert "rejected" not in attrs.evolve(READING, rejected=False, reason="")._repr_html_()


def test_a_diagram_shows_signs_and_the_reason_of_a_rejection() -> None:
    """Above the picture; a reading of digits alone that is sure has nothing there."""
    pytest.importorskip("matplotlib").use("agg")
    assert READING.plot().ax_.get_title() == f"1.5\nrejected: {READING.reason}"
    assert attrs.evolve(READING, raw="15", rejected=False).plot().ax_.get_title() == ""
    nothing = Reading(digits=(), image=READING.image)
    assert nothing.plot().ax_.get_title() == "nothing read"
