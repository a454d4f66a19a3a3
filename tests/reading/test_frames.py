"""Digits written into frames: joined boxes, single ones, empty cells; and what only looks like a frame."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lenetkit import Pipeline
from lenetkit.reading._frames import find_gaps, without_frames
from lenetkit.synthesis import draw_digits

Picture = npt.NDArray[np.uint8]

PIPELINE = Pipeline.pretrained()
DIGITS = draw_digits(200, styles="american", seed=21)
SURE = np.flatnonzero(PIPELINE.predict_proba(DIGITS.images).max(axis=1) > 0.99)


def draw_boxes(
    n: int, side: int, width: int, *, grey: int = 60, empty: tuple[int, ...] = (), seed: int = 0, margin: int = 30
) -> tuple[Picture, str]:
    """Return a picture of joined boxes with a digit of 28 x 28 pixels in each but the empty ones, and the digits."""
    rng = np.random.default_rng([n, side, width, seed])
    picture = np.full((side + 2 * margin, n * side + width + 2 * margin), 255, np.uint8)
    text = ""
    for cell in range(n):
        if cell in empty:
            continue
        index = rng.choice(SURE)
        row, column = margin + (side - 28) // 2, margin + cell * side + (side - 28) // 2
        picture[row : row + 28, column : column + 28] -= DIGITS.images[index]
        text += str(DIGITS.labels[index])
    bottom, right = margin + side, margin + n * side + width
    for edge in range(n + 1):
        picture[margin:bottom, margin + edge * side :][:, :width] = grey
    for top in (margin, bottom - width):
        picture[top : top + width, margin:right] = grey
    return picture, text


@pytest.mark.parametrize("grey", [60, *(pytest.param(grey, marks=pytest.mark.slow) for grey in (0, 150))])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_digits_in_joined_boxes_are_read(width: int, grey: int) -> None:
    """Two to six boxes of 64 to 100 pixels, with black to grey lines."""
    for n, side in ((2, 64), (3, 80), (4, 100), (5, 64), (6, 80)):
        picture, text = draw_boxes(n, side, width, grey=grey)
        assert PIPELINE.read_number(picture).text == text


@pytest.mark.parametrize("change", [np.transpose, lambda picture: 255 - picture], ids=["upright ladder", "inverse"])
def test_frames_are_found_whichever_way(change: Any) -> None:
    """Boxes one above the other hold a line each; bright lines on black are lines, too."""
    picture, text = draw_boxes(3, 80, 2)
    if change is np.transpose:
        rows = [draw_boxes(1, 80, 2, seed=seed) for seed in range(3)]
        picture, text = np.concatenate([row for row, _ in rows]), "\n".join(text for _, text in rows)
        assert PIPELINE.read_number(picture).text == text
    else:
        assert PIPELINE.read_number(change(picture)).text == text


def test_an_empty_box_between_others_is_a_doubt() -> None:
    """Empty boxes before the first digit and behind the last one are none: amounts stand at one side of their boxes."""
    picture, text = draw_boxes(5, 80, 2, empty=(2,))
    reading = PIPELINE.read_number(picture)
    assert reading.text == text
    assert reading.text_with_doubts == f"{text[:2]}?{text[2:]}"
    (place,) = reading.left_out
    assert (place.reason, place.probability, place.line) == ("an empty box", 0.0, 0)
    left, top, right, bottom = place.box
    assert (left, top) == pytest.approx((30 + 2 * 80 + 2, 32), abs=3)
    assert (right, bottom) == pytest.approx((30 + 3 * 80, 108), abs=3)
    for empty in ((0,), (4,), (0, 1, 4)):
        picture, text = draw_boxes(5, 80, 2, empty=empty)
        reading = PIPELINE.read_number(picture)
        assert (reading.text, reading.left_out) == (text, ())


def test_the_case_that_was_reported() -> None:
    """A ladder of two boxes, 64 pixels high, with lines of two pixels; 1 was read instead of both digits."""
    picture = np.full((124, 208), 255, np.uint8)
    six, five = (next(i for i in SURE if DIGITS.labels[i] == label) for label in (6, 5))
    for cell, index in enumerate((six, five)):
        picture[44:72, 58 + 64 * cell : 86 + 64 * cell] -= DIGITS.images[index]
    for column in (40, 104, 168):
        picture[30:94, column : column + 2] = 60
    picture[30:32, 40:170] = picture[92:94, 40:170] = 60
    assert PIPELINE.read_number(picture).text == "65"


def frame(height: int, width: int, *, columns: tuple[int, ...] = ()) -> npt.NDArray[np.bool_]:
    mask = np.zeros((height + 20, width + 20), bool)
    mask[10 : 10 + height, 10 : 10 + width] = True
    inner = mask[12 : 8 + height, 12 : 8 + width]
    inner[:] = False
    for column in columns:
        inner[:, column : column + 2] = True
    return mask


def test_frames_are_taken_off_the_mask_and_their_cells_told() -> None:
    """Nothing else is changed."""
    ink = np.zeros((80, 220), bool)
    ink[30:50, 40:52] = ink[30:50, 170:182] = True
    mask = frame(60, 200, columns=(63, 128)) | ink
    out, cells = without_frames(mask)
    np.testing.assert_array_equal(out, ink)
    assert [cell.is_empty for cell in sorted(cells, key=lambda cell: cell.left)] == [False, True, False]
    assert len({cell.frame for cell in cells}) == 1
    (gap,) = find_gaps(cells)
    assert (gap.left, gap.top, gap.right, gap.bottom) == (77, 12, 140, 68)


def test_a_stroke_that_touches_the_frame_stays() -> None:
    """As far as it is within the box."""
    mask = frame(60, 200, columns=(98,))
    mask[30:50, 40:52] = True
    mask[25:28, 12:90] = False
    mask[12:40, 150:154] = True  # hangs from the upper side
    out, _ = without_frames(mask)
    np.testing.assert_array_equal(out[12:68, 112:208], mask[12:68, 112:208])
    assert not out[:12].any()
    assert not out[68:].any()


@pytest.mark.parametrize("kind", ["a zero", "an empty frame", "squared paper", "an eight of straight strokes"])
def test_what_is_no_frame_stays(kind: str) -> None:
    """A frame holds something, and squared paper that is written on hangs together with the writing."""
    rows, columns = np.mgrid[-40:40, -30:30]
    if kind == "a zero":
        radius = np.hypot(rows / 36, columns / 24)
        mask = (radius < 1) & (radius > 0.8) | (np.hypot(rows, columns) < 5)
    elif kind == "an empty frame":
        mask = frame(60, 40)
    elif kind == "squared paper":
        rows, columns = np.mgrid[:200, :300]
        mask = (rows % 20 == 10) | (columns % 20 == 10)
        mask |= (np.abs(rows - columns) < 3) & (rows > 30) & (rows < 170)
    else:
        mask = frame(60, 40)
        mask[38:40, 10:50] = True
    out, cells = without_frames(mask)
    np.testing.assert_array_equal(out, mask)
    assert cells == []
