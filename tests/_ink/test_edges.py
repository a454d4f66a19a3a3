"""Tests for lines along the border of small pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetkit import Pipeline
from lenetkit._ink.edges import without_edge_lines
from lenetkit.synthesis import draw_digits
from lenetkit.transforms import MnistNormalize

DIGITS = draw_digits(40, styles="american", seed=11)
PRETRAINED = Pipeline.pretrained()


def cells(size: int, edges: str, width: int, grey: int, inset: int) -> np.ndarray:
    """Return dark digits on white, lines at some edges of each."""
    out = np.full((len(DIGITS), size, size), 255, np.uint8)
    start = (size - 28) // 2
    out[:, start : start + 28, start : start + 28] -= DIGITS.images
    for edge in edges:
        across = out.transpose(0, 2, 1)
        line = {"t": out, "b": out[:, ::-1], "l": across, "r": across[:, ::-1]}[edge][:, inset : inset + width]
        np.minimum(line, grey, out=line)
    return out


@pytest.mark.parametrize("edges", ["t", "tl", "lr", "tlbr"])
@pytest.mark.parametrize("size", [28, 50, *(pytest.param(size, marks=pytest.mark.slow) for size in (40, 64, 80, 100))])
def test_a_digit_in_a_cell_is_read_as_without_the_lines(size: int, edges: str) -> None:
    """At most one of forty answers differs, in either polarity, whatever the lines are like."""
    plain = PRETRAINED.predict(cells(size, "", 0, 0, 0))
    for width, grey, inset in [(1, 0, 0), (2, 120, 1), (3, 60, 0)]:
        lined = cells(size, edges, width, grey, inset)
        assert (PRETRAINED.predict(lined) != plain).sum() <= 1
        assert (PRETRAINED.predict(255 - lined) != plain).sum() <= 1


@given(st.integers(0, 39), st.sampled_from([28, 40, 64]), st.integers(0, 2))
def test_pictures_without_lines_stay_as_they_are(index: int, size: int, margin: int) -> None:
    """Digits on paper, and digits cut tightly with up to two pixels of margin, bright on dark or dark on bright."""
    image = DIGITS.images[index]
    rows, columns = image.any(axis=1).nonzero()[0], image.any(axis=0).nonzero()[0]
    tight = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], margin)
    for picture in (tight, np.pad(image, (size - 28) // 2)):
        for grey in (picture[np.newaxis], 255 - picture[np.newaxis]):
            assert (without_edge_lines(grey) == grey).all()


@pytest.mark.parametrize("grey", [0, 60, 120])
def test_a_digit_that_fills_its_frame_stays_whole(grey: int) -> None:
    """A thick zero touches all four lines, and more than half of what is within is ink."""
    rows, columns = np.mgrid[-14:14, -14:14] + 0.5
    radius = np.hypot(rows, columns)
    cell = np.full((1, 28, 28), 255, np.uint8)
    cell[0, (radius < 9.5) & (radius > 4)] = 0
    plain = cell.copy()
    across = cell.transpose(0, 2, 1)
    for side in (cell, cell[:, ::-1], across, across[:, ::-1]):
        np.minimum(side[:, 1:4], grey, out=side[:, 1:4])
    assert (without_edge_lines(cell) == plain).all()


def test_a_line_is_painted_with_the_level_of_the_paper() -> None:
    """Within the lines nothing changes."""
    lined = cells(40, "tl", 2, 0, 1)
    mended = without_edge_lines(lined)
    assert (mended[:, 3:, 3:] == lined[:, 3:, 3:]).all()
    assert mended[:, :3].min() >= 250
    assert mended[:, :, :3].min() >= 250


def test_each_picture_of_a_batch_is_mended_by_itself() -> None:
    """To the bit: predictions are batch-invariant."""
    mixed = np.concatenate(
        [cells(50, "tlbr", 2, 60, 0)[:5], cells(50, "", 0, 0, 0)[5:10], cells(50, "r", 1, 0, 1)[10:15]]
    )
    assert (without_edge_lines(mixed) == np.concatenate([without_edge_lines(one[np.newaxis]) for one in mixed])).all()


@pytest.mark.parametrize("level", [0, 90, 255])
def test_an_empty_cell_stays_as_it_is(level: int) -> None:
    """Without a digit there is no telling lines from anything else, and no digit is made up."""
    empty = np.full((1, 50, 50), 255, np.uint8)
    empty[:, :2] = level
    assert (without_edge_lines(empty) == empty).all()
    assert MnistNormalize()(empty).max() == 0
