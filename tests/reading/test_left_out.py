"""Doubts in a reading: places left out, question marks in the text, the probability of the whole."""

import json

import numpy as np
import numpy.typing as npt
import pytest

from lenetkit import Pipeline
from lenetkit.reading import DigitReading, LeftOut, Reading, read_number
from lenetkit.reading._segmentation import is_blot
from lenetkit.synthesis import draw_digits, draw_nondigits

Picture = npt.NDArray[np.uint8]

PIPELINE = Pipeline.pretrained()
DIGITS = draw_digits(300, styles="american", seed=22)
SURE = [
    index
    for index, digit in enumerate(PIPELINE.predict(DIGITS.images, reject=0.01))
    if not digit.rejected and digit.probability > 0.99
]


def row_of(images: list[Picture], *, gap: int = 14, margin: int = 20) -> Picture:
    """Return dark ink on light paper, the images of 28 x 28 pixels side by side."""
    blank = np.zeros((28, gap), np.uint8)
    row = np.concatenate([part for image in images for part in (image, blank)][:-1], axis=1)
    return 255 - np.pad(row, margin)


def read_by_digits(picture: Picture) -> Reading:
    """Read without the network for whole lines, but with the novelty detector."""
    rejecting = PIPELINE._check_fitted().rejecting
    assert rejecting is not None
    return read_number(picture, PIPELINE, is_digit=rejecting[1].digit_probability)


def broad_eight() -> Picture:
    """Return an 8 whose loops are closed but for paler ink: it fills its box as a disc does."""
    rows, columns = np.mgrid[:28, :28]
    upper, lower = np.hypot((rows - 9) / 5.5, (columns - 14) / 6.5), np.hypot((rows - 18.5) / 5.5, (columns - 13.5) / 7)
    ink = 255 * np.clip(6 * (1 - np.minimum(upper, lower)), 0, 1) - 140 * (np.minimum(upper, lower) < 0.35)
    return ink.astype(np.uint8)


def test_a_broad_digit_is_no_blot() -> None:
    """Its loops are paler than its strokes; a blot is as dark inside."""
    eight = broad_eight()
    assert is_blot(np.full((20, 20), 255, np.uint8), np.hypot(*np.mgrid[-9.5:10, -9.5:10]) < 10)
    rows, columns = np.flatnonzero(eight.any(axis=1)), np.flatnonzero(eight.any(axis=0))
    box = eight[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert (box > 60).mean() > 0.72
    assert not is_blot(box, box > 60)


def test_a_broad_digit_is_read_among_others() -> None:
    """By whole lines and digit by digit."""
    images = [DIGITS.images[index] for index in SURE[:4]]
    text = "".join(str(DIGITS.labels[index]) for index in SURE[:4])
    picture = row_of([*images[:2], broad_eight(), *images[2:]])
    for reading in (PIPELINE.read_number(picture), read_by_digits(picture)):
        assert reading.text == f"{text[:2]}8{text[2:]}"


@pytest.mark.slow
def test_ink_on_the_line_that_is_no_digit_is_a_question_mark() -> None:
    """Wherever it stands; the rest of the text is as before."""
    shapes = draw_nondigits(40, kinds=["shape", "letter", "scribble"], seed=3).images
    seen = 0
    for number, shape in enumerate(shapes):
        digits = [DIGITS.images[SURE[(3 * number + k) % len(SURE)]] for k in range(3)]
        place = number % 4
        reading = read_by_digits(row_of([*digits[:place], shape, *digits[place:]]))
        if len(reading.digits) == 3 and reading.left_out:
            seen += 1
            assert reading.text_with_doubts.replace("?", "") == reading.text
            assert reading.text_with_doubts.index("?") == place
            left, top, right, bottom = reading.left_out[0].box
            assert 20 + 42 * place - 2 <= left < right <= 20 + 42 * place + 30
            assert 18 <= top < bottom <= 50
            assert 0 <= reading.left_out[0].probability < 0.3
            assert reading.left_out[0].line == 0
    # Others are taken for digits, or are so large that nothing beside them is of a digit's size.
    assert seen >= 20


def test_ink_that_is_taken_for_a_digit_is_doubtful() -> None:
    """Of a whole line: what the novelty detector refuses makes the reading less probable."""
    shapes = draw_nondigits(40, kinds=["shape", "letter", "scribble"], seed=3).images
    silent = 0
    for number, shape in enumerate(shapes):
        indices = [SURE[(3 * number + k) % len(SURE)] for k in range(3)]
        text = "".join(str(DIGITS.labels[index]) for index in indices)
        digits = [DIGITS.images[index] for index in indices]
        reading = PIPELINE.read_number(row_of([*digits[: number % 4], shape, *digits[number % 4 :]]))
        silent += reading.text != text and not reading.left_out and reading.probability >= 0.9
    assert silent <= 6


def test_a_digit_without_a_line_is_named() -> None:
    """As a digit whose strokes are too low to be one, or which fills its box as a blot does."""
    zero = np.zeros((28, 28), np.uint8)
    rows, columns = np.mgrid[-14:14, -14:14] + 0.5
    zero[(np.hypot(rows / 10, columns / 8) < 1) & (np.hypot(rows / 2.5, columns / 1.5) > 1)] = 255
    named = 0
    for first in range(0, 40, 2):
        digits = [DIGITS.images[SURE[first]], zero, DIGITS.images[SURE[first + 1]]]
        reading = PIPELINE.read_number(row_of(digits))
        assert len(reading.digits) + len(reading.left_out) >= 3, reading
        named += any("blot" in place.reason for place in reading.left_out)
    assert named or len(reading.digits) == 3


def test_a_digit_in_two_strokes_is_read_as_one() -> None:
    """With a gap between its upper and its lower half, each too low to be a digit by itself."""
    right = 0
    indices = [index for index in SURE if DIGITS.labels[index] in (2, 3, 5, 8)][:20]
    for index in indices:
        broken = DIGITS.images[index].copy()
        broken[13:15] = 0
        beside = [DIGITS.images[SURE[0]], DIGITS.images[SURE[1]]]
        reading = PIPELINE.read_number(row_of([beside[0], broken, beside[1]]))
        right += len(reading.text) == 3
        assert len(reading.text_with_doubts) >= 3
    assert right >= 18


def test_a_clean_number_has_no_doubts() -> None:
    """At most one of twenty."""
    doubtful = 0
    for first in range(0, 100, 5):
        reading = PIPELINE.read_number(row_of([DIGITS.images[SURE[first + k]] for k in range(5)]))
        doubtful += bool(reading.left_out) or reading.probability < 0.9
        assert 0 <= reading.probability <= 1
    assert doubtful <= 1


def place(left: int, line: int | None = 0, top: int = 5) -> LeftOut:
    return LeftOut(box=(left, top, left + 10, top + 20), reason="a blot", probability=0.25, line=line)


def digit(label: int, left: int, line: int = 0, top: int = 5) -> DigitReading:
    return DigitReading(label=label, probability=0.9, box=(left, top, left + 10, top + 20), line=line)


@pytest.mark.parametrize(
    ("digits", "left_out", "text"),
    [
        ((), (), ""),
        ((), (place(0, None),), "?"),
        ((), (place(20, None), place(0, None), place(9, None, top=60)), "??\n?"),
        ((digit(4, 0), digit(2, 40)), (place(20),), "4?2"),
        ((digit(4, 20), digit(2, 40)), (place(0), place(60)), "?42?"),
        ((digit(4, 0), digit(2, 0, line=1, top=50)), (place(20, line=1, top=50), place(20)), "4?\n2?"),
        ((digit(4, 0), digit(2, 0, line=1, top=90)), (place(5, None, top=45),), "4\n?\n2"),
    ],
)
def test_question_marks_stand_where_something_was_left_out(
    digits: tuple[DigitReading, ...], left_out: tuple[LeftOut, ...], text: str
) -> None:
    """From left to right, line by line; on a line of its own what is on none."""
    reading = Reading(digits=digits, left_out=left_out, image=np.zeros((120, 90), np.uint8))
    assert reading.text_with_doubts == text
    plain = json.loads(json.dumps(reading.to_dict()))
    assert plain["text_with_doubts"] == text
    assert [LeftOut(**{**entry, "box": tuple(entry["box"])}) for entry in plain["left_out"]] == list(left_out)
    assert plain["probability"] == reading.probability == pytest.approx(0.9 ** len(digits))


def test_pictures_of_a_reading_show_what_was_left_out() -> None:
    """In a notebook and in a plot, in the colour of doubt."""
    reading = Reading(digits=(digit(4, 0),), left_out=(place(20),), image=np.zeros((40, 60), np.uint8), probability=0.6)
    page = reading._repr_html_()
    assert page.count("<rect") == 2
    assert ">?</text>" in page
    assert "0.60" in page
    pytest.importorskip("matplotlib")
    texts = reading.plot().ax_.texts
    assert [text.get_text() for text in texts] == ["4", "?"]
    assert texts[0].get_color() != texts[1].get_color()
