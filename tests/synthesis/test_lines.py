"""Lines of writing: text, boxes and picture agree, a line depends on seed and index alone, and each kind is there."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lenetkit.datasets import Dataset
from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis import DrawnLine, LineSettings, draw_digits, draw_line, draw_lines

NEVER = dict.fromkeys(
    (
        *("empty", "touching", "joined", "boxed", "framed", "ruled", "underlined", "starred", "patterned", "stained"),
        *("bordered", "neighboured", "compressed", "bleached", "small_zeros", "linked_zeros", "uncommon", "raised"),
        *("lettered", "printed", "crossed"),
    ),
    0,
)
# Ink on blank white paper, each pixel as it was drawn.
PLAIN: Mapping[str, Any] = {
    **NEVER,
    "height": None,
    "paper": (1, 1),
    "ink": (0, 0),
    "blur": (0, 0),
    "noise": (0, 0),
    "margin": (0.2, 0.2),
    "spacing": (0.15, 0.2),
    "digit_height": (32, 32),
    "side_margin": (0.3, 0.5),
    "slope": (0, 0),
}
TEXTS = st.text("0123456789.,-/: ", max_size=12).filter(lambda text: not text.strip() or any(map(str.isdigit, text)))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Return images of digits."""
    return draw_digits(200, styles="american", seed=1)


def plain(text: str | None = None, *, digits: Dataset | None = None, seed: int = 0, **changes: Any) -> DrawnLine:
    """Return a line on blank paper but for some settings; of images where they are given."""
    varied = LineSettings(**{**PLAIN, "drawn": 0, **changes})
    return draw_line(text, digits=digits, settings=varied, seed=seed)


def count_figures(line: DrawnLine) -> int:
    """Return how many pieces of ink there are."""
    return int(ndimage.label(line.image < 128, np.ones((3, 3)))[1])


@settings(max_examples=40, deadline=None)
@given(text=st.none() | TEXTS, index=st.integers(0, 2**31 - 1), drawn=st.sampled_from([0, 1]))
def test_text_boxes_and_picture_agree(text: str | None, index: int, drawn: int, digits: Dataset) -> None:
    """One box for each digit, inside the picture, in reading order; the text is the digits of what stands there."""
    line = draw_line(text, digits=digits, settings=LineSettings(drawn=drawn), seed=3, index=index)
    height, width = line.image.shape
    assert height == 40
    assert line.image.dtype == np.uint8
    assert line.text == "".join(character for character in line.raw if character.isdigit())
    assert line.raw == " ".join(line.raw.split())
    assert set(line.raw) <= set("0123456789.,-/: ")
    if text is not None:
        assert line.raw == " ".join(text.split())
    assert line.boxes.shape == (len(line.text), 4)
    assert line.boxes.dtype == np.int64
    left, top, right, bottom = line.boxes.T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= width).all()
    assert (bottom <= height).all()
    assert (right > left).all()
    assert (bottom - top >= 4).all()
    assert (np.diff(left + right) >= 0).all()


@pytest.mark.parametrize("source", ["pen", "images"])
@pytest.mark.parametrize("text", ["0123456789", "71", "5"])
def test_all_ink_of_a_plain_line_lies_in_the_boxes_and_fills_them(source: str, text: str, digits: Dataset) -> None:
    """Boxes are tight, and what is not in one is paper."""
    line = plain(text, digits=digits if source == "images" else None, seed=2)
    outside = line.image.copy()
    for left, top, right, bottom in line.boxes:
        outside[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = 255
        digit = line.image[top:bottom, left:right]
        for side in (digit[0], digit[-1], digit[:, 0], digit[:, -1]):
            assert side.min() < 225
    assert outside.min() > 150
    assert count_figures(line) >= len(text)


@settings(max_examples=15, deadline=None)
@given(start=st.integers(0, 40), n=st.integers(0, 6))
def test_a_line_is_the_same_however_many_are_drawn(start: int, n: int, digits: Dataset) -> None:
    """It depends on the seed and its index alone."""
    some = list(draw_lines(n, digits=digits, seed=5, start=start))
    assert len(some) == n
    for offset, line in enumerate(some):
        alone = draw_line(digits=digits, seed=5, index=start + offset)
        np.testing.assert_array_equal(line.image, alone.image)
        np.testing.assert_array_equal(line.boxes, alone.boxes)
        assert (line.raw, line.text) == (alone.raw, alone.text)


def test_other_seeds_and_indices_give_other_lines() -> None:
    """No two lines of many are the same."""
    lines = [line.image.tobytes() for seed in (1, 2) for line in draw_lines(30, seed=seed)]
    assert len(set(lines)) == len(lines)


def test_a_given_text_is_written_differently_each_time() -> None:
    """The text is fixed, hand and paper are not."""
    lines = [draw_line("12.50", index=index) for index in range(6)]
    assert {line.raw for line in lines} == {"12.50"}
    assert len({line.image.tobytes() for line in lines}) == 6


def test_the_texts_are_those_that_people_write() -> None:
    """Plain numbers, and each of the signs now and then; the number of digits keeps its bounds."""
    lines = [line.raw for line in draw_lines(300, settings=LineSettings(n_digits=(2, 6), empty=0, height=16), seed=1)]
    for character in ".,-/: ":
        assert 2 <= sum(character in raw for raw in lines) < 150
    assert 100 < sum(raw.isdigit() for raw in lines) < 250
    counts = {sum(map(str.isdigit, raw)) for raw in lines}
    assert counts == {2, 3, 4, 5, 6}
    for digit in "0123456789":
        assert sum(digit in raw for raw in lines) > 30


def test_without_signs_there_are_digits_alone_and_empty_lines_have_none() -> None:
    """Both fractions reach from never to always."""
    assert all(line.raw.isdigit() for line in draw_lines(20, settings=LineSettings(signs=0, empty=0)))
    for line in draw_lines(5, settings=LineSettings(empty=1)):
        assert (line.raw, line.text, line.boxes.shape) == ("", "", (0, 4))


def test_writing_that_is_no_number_is_drawn_and_has_no_text() -> None:
    """A word, a mark or a scribble of the size of digits, of many forms, where no text is given; else blank paper."""
    settings = {**PLAIN, "empty": 1.0, "foreign": 1.0}
    lines = [plain(seed=seed, **settings) for seed in range(60)]
    assert all((line.raw, line.boxes.shape) == ("", (0, 4)) for line in lines)
    inked = [np.argwhere(line.image < 128) for line in lines]
    heights = [np.ptp(pixels[:, 0]) / 32 for pixels in inked]
    widths = [np.ptp(pixels[:, 1]) / 32 for pixels in inked]
    assert 0.5 < np.median(heights) < 1.3
    assert min(widths) < 0.7
    assert max(widths) > 2
    assert len({count_figures(line) for line in lines}) >= 4
    assert plain(seed=1, **{**settings, "foreign": 0.0}).image.min() > 250
    assert plain("", seed=1, **settings).image.min() > 250


def test_digits_come_from_the_images_that_are_given() -> None:
    """Full squares stay full squares, in a part of the lines."""
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 4:24, 4:24] = 255
    squares = Dataset(images=images, labels=np.arange(10), class_names=tuple("0123456789"), name="squares")

    def inked(drawn: float) -> npt.NDArray[np.float64]:
        changes = {"signs": 0, "drawn": drawn, "slant": (0, 0), "bend": (0, 0)}
        lines = draw_lines(60, digits=squares, settings=LineSettings(**{**PLAIN, **changes}), seed=3)
        return np.array(
            [
                np.mean([(line.image[top:bottom, left:right] < 128).mean() for left, top, right, bottom in line.boxes])
                for line in lines
            ]
        )

    assert inked(0).min() > 0.6
    assert inked(1).max() < 0.6
    assert 15 < (inked(0.5) > 0.6).sum() < 45


def blocks(width: int) -> Dataset:
    """Return ten images of one upright block each."""
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 4:24, 4 : 4 + width] = 255
    return Dataset(images=images, labels=np.arange(10), class_names=tuple("0123456789"), name=f"{width} wide")


@pytest.mark.parametrize(
    ("weights", "least", "most"), [((1, 1), 35, 65), ((3, 1), 10, 40), ((1, 1e6), 100, 100), ((None, 0.25), 8, 35)]
)
def test_each_line_is_composed_of_one_of_several_data_sets(
    weights: tuple[float | None, float], least: int, most: int
) -> None:
    """As often as its weight says, 1 where none is given; never of two at once."""
    narrow, wide = blocks(6), blocks(20)
    sources = [data if weight is None else (data, weight) for data, weight in zip((narrow, wide), weights, strict=True)]
    varied = LineSettings(**{**PLAIN, "drawn": 0, "signs": 0, "slant": (0, 0), "bend": (0, 0), "n_digits": (3, 6)})
    wide_lines = 0
    for line in draw_lines(100, digits=sources, settings=varied, seed=1):
        left, top, right, bottom = line.boxes.T
        broad = (right - left) > 0.6 * (bottom - top)
        assert broad.all() or not broad.any()
        wide_lines += int(broad.all())
    assert least <= wide_lines <= most


def test_one_data_set_in_a_list_is_that_data_set(digits: Dataset) -> None:
    """The same lines, whatever its weight."""
    for given_digits in ([digits], (digits,), [(digits, 0.3)]):
        for line, alone in zip(draw_lines(6, digits=given_digits), draw_lines(6, digits=digits), strict=True):
            np.testing.assert_array_equal(line.image, alone.image)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "much", True, None])
def test_weights_that_are_none_are_refused(weight: Any, digits: Dataset) -> None:
    """The message says which data set has it and what a weight is."""
    with pytest.raises(
        SettingError, match=r"digits\[1\] must be a Dataset, or a pair of a Dataset and a weight above 0"
    ):
        draw_line(digits=[digits, (digits, weight)])


def test_each_of_several_data_sets_must_hold_digits(digits: Dataset) -> None:
    """The message says which one does not."""
    with pytest.raises(DataError, match=r"digits must have at least one Dataset; got none"):
        draw_line(digits=[])
    with pytest.raises(DataError, match=r"digits\[1\] must be a Dataset.*got str"):
        draw_line(digits=[digits, "mnist"])  # type: ignore[list-item]
    with pytest.raises(DataError, match=r"digits\[0\] must have images of all ten digits.*there is no 9"):
        draw_line(digits=[(digits[:9], 2), digits])


def test_images_with_one_channel_and_labels_of_text_will_do(digits: Dataset) -> None:
    """The same data in another form give the same line."""
    images = np.asarray(digits.images)[..., None]
    other = Dataset(images=images, labels=digits.labels.astype(str), class_names=digits.class_names, name="text")
    np.testing.assert_array_equal(plain("407", digits=other).image, plain("407", digits=digits).image)


@pytest.mark.parametrize("source", ["pen", "images"])
def test_touching_and_joined_digits_hang_together(source: str, digits: Dataset) -> None:
    """Fewer pieces of ink than apart, and as many boxes."""
    given_images = digits if source == "images" else None

    def pieces(**changes: Any) -> float:
        lines = [plain("0286", digits=given_images, seed=seed, **changes) for seed in range(12)]
        assert all(len(line.boxes) == 4 for line in lines)
        return float(np.mean([count_figures(line) for line in lines]))

    apart = pieces(spacing=(0.3, 0.3))
    assert apart >= 4
    assert pieces(touching=1, overlap=(0.03, 0.12)) < apart - 2
    assert pieces(joined=1, spacing=(0.3, 0.3)) < apart - 0.8


def test_signs_stand_beside_joined_images(digits: Dataset) -> None:
    """The flattest dash of the thinnest pen, too."""
    for seed in range(10):
        line = plain("5-0-", digits=digits, seed=seed, joined=1, pen_width=(0.01, 0.01), digit_height=(8, 8))
        assert line.boxes.shape == (2, 4)


@pytest.mark.parametrize("source", ["pen", "images"])
def test_the_line_of_writing_slopes(source: str, digits: Dataset) -> None:
    """The digits stand lower and lower, or higher and higher."""
    for slope in (-0.15, 0.15):
        line = plain("0000000", digits=digits if source == "images" else None, slope=(slope, slope))
        middles = line.boxes[:, [1, 3]].mean(axis=1)
        run = np.polyfit(line.boxes[:, [0, 2]].mean(axis=1), middles, 1)[0]
        assert run == pytest.approx(slope, abs=0.08)


def test_images_are_slanted(digits: Dataset) -> None:
    """The upper half of a digit's ink moves to the right."""

    def lean(slant: float) -> float:
        line = plain("00000000", digits=digits, slant=(slant, slant), spacing=(0.3, 0.3))
        leans = []
        for left, top, right, bottom in line.boxes:
            ink = 255.0 - line.image[top:bottom, left:right]
            halves = [ink[: len(ink) // 2], ink[len(ink) // 2 :]]
            upper, lower = (float((half.sum(axis=0) @ np.arange(half.shape[1])) / half.sum()) for half in halves)
            leans.append((upper - lower) / len(ink))
        return float(np.mean(leans))

    assert lean(0.5) > lean(0.0) + 0.15 > lean(-0.5) + 0.3


@pytest.mark.parametrize("source", ["pen", "images"])
def test_zeros_may_be_small(source: str, digits: Dataset) -> None:
    """All but a first one, and they stand on the line."""
    line = plain("20000", digits=digits if source == "images" else None, small_zeros=1, styles="school", seed=1)
    heights = line.boxes[:, 3] - line.boxes[:, 1]
    assert (heights[1:] < 0.9 * heights[0]).all()
    assert np.abs(line.boxes[1:, 3] - line.boxes[0, 3]).max() < 8


def test_images_are_bent(digits: Dataset) -> None:
    """The more the less they are alike."""

    def differences(bend: float) -> float:
        straight, bent = (plain("3", digits=digits, bend=(value, value), slant=(0, 0)).image for value in (0, bend))
        rows, columns = np.minimum(straight.shape, bent.shape)
        return float(np.abs(straight[:rows, :columns].astype(int) - bent[:rows, :columns]).mean())

    assert 0 < differences(0.02) < differences(0.15)


def test_a_line_may_be_cut_tight_above_and_below() -> None:
    """The margin is paper, and below 0 the writing reaches the edge."""
    wide, tight = (plain("808", margin=(margin, margin)) for margin in (0.3, -0.1))
    assert wide.image[[0, -1]].min() > 200
    assert tight.image[0].min() < 128
    assert tight.image[-1].min() < 128
    assert (tight.boxes[:, 1] == 0).any()
    signed = plain("808.,", margin=(-0.2, -0.2), styles="school")
    right = signed.boxes[-1, 2]
    assert (signed.image[:, right + 2 :] < 128).sum() > 10
    assert tight.image.shape[0] < wide.image.shape[0] - 15


def test_the_height_is_the_pictures_and_the_boxes_follow() -> None:
    """Scaled up or down; None leaves the size as drawn."""
    drawn = plain("31")
    for height in (16, 40, 96):
        scaled = plain("31", height=height)
        assert scaled.image.shape[0] == height
        factor = height / drawn.image.shape[0]
        np.testing.assert_allclose(scaled.boxes, drawn.boxes * factor, atol=1.5)
    small = plain("31", digit_height=(11, 11), margin=(0, 0))
    assert 9 <= small.image.shape[0] <= 18


def test_security_patterns_lie_under_the_writing() -> None:
    """The paper is uneven, the writing darker than all of it."""
    blank, patterned = ([plain("", patterned=fraction, seed=seed).image for seed in range(8)] for fraction in (0, 1))
    assert max(image.std() for image in blank) == 0
    assert min(image.std() for image in patterned) > 2
    for seed in range(8):
        line = plain("806", patterned=1, ink=(0.85, 0.85), seed=seed)
        left, top, right, bottom = line.boxes[0]
        outside = line.image[:, : line.boxes[:, 0].min() - 2]
        assert line.image[top:bottom, left:right].min() < outside.min() - 15


@pytest.mark.parametrize(
    ("change", "least"),
    [({"ruled": 1}, 0.02), ({"stained": 1}, 0.02), ({"neighboured": 1}, 0.003), ({"bordered": 1}, 0.02)],
)
def test_other_marks_lie_on_the_paper_alone(change: dict[str, Any], least: float) -> None:
    """Most empty lines have something on them, and the text stays empty."""
    lines = [plain("", seed=seed, **change) for seed in range(20)]
    marked = [float((line.image < 252).mean()) for line in lines]
    assert np.mean(np.array(marked) > least) >= 0.5
    assert all(line.raw == "" and not len(line.boxes) for line in lines)


def test_borders_are_black_and_leave_the_writing_free() -> None:
    """A scanner's border lies beside the number, never over it."""
    bordered = 0
    for seed in range(20):
        line = plain("47", bordered=1, seed=seed)
        height, width = line.image.shape
        edges = [np.median(edge) for edge in (line.image[0], line.image[-1], line.image[:, 0], line.image[:, -1])]
        bordered += min(edges) < 70
        for left, top, right, bottom in line.boxes:
            assert np.mean(line.image[top:bottom, left:right] > 200) > 0.3
        assert (line.boxes[:, 2] < width).all()
        assert (line.boxes[:, 3] < height).all()
    assert bordered >= 10


def long_runs(image: npt.NDArray[np.uint8], part: float) -> int:
    """Return how many separate columns are dark over this part of the height of the picture."""
    dark = (image < 250).mean(axis=0) > part
    return int(ndimage.label(dark)[1])


def test_joined_boxes_hold_one_digit_each() -> None:
    """Lines stand between the digits, of one distance; only digits are written so."""
    lines = [plain("000000", boxed=1, seed=seed, margin=(0.3, 0.4)) for seed in range(30)]
    assert np.mean([long_runs(line.image, 0.5) >= 5 for line in lines]) > 0.4
    for line in lines:
        steps = np.diff(line.boxes[:, [0, 2]].mean(axis=1))
        assert steps.std() < 0.25 * steps.mean()
    signed = LineSettings(boxed=1, empty=0, signs=1)
    assert all(line.raw.isdigit() for line in draw_lines(10, settings=signed))


def test_a_frame_surrounds_the_number() -> None:
    """Two long lines stand beside the digits, two lie above and below."""
    line = plain("25", framed=1, margin=(0.6, 0.6), side_margin=(0.6, 0.6), ink=(0.5, 0.5))
    assert long_runs(line.image, 0.35) >= 2
    assert long_runs(line.image.T, 0.35) >= 2


def test_a_stroke_lies_under_the_number() -> None:
    """It is as long as the number and below the middle of its digits."""
    bare, underlined = (plain("2555", underlined=fraction, margin=(0.5, 0.5)) for fraction in (0, 1))
    bottom = bare.boxes[:, 3].min()
    assert (bare.image[bottom + 6 :] < 128).mean() < 0.02
    assert (underlined.image[bottom - 6 :] < 128).any(axis=0).mean() > 0.5
    np.testing.assert_array_equal(bare.boxes, underlined.boxes)


@pytest.mark.parametrize("kind", ["starred", "lettered", "printed", "crossed"])
@pytest.mark.parametrize("source", ["pen", "images"])
def test_what_stands_around_a_number_is_no_part_of_its_text(kind: str, source: str, digits: Dataset) -> None:
    """It takes room or lies over it, and the boxes are those of the digits."""
    given_images = digits if source == "images" else None
    changes: dict[str, Any] = {"margin": (0.5, 0.5), "side_margin": (0.8, 0.8), "ink": (0.2, 0.2)}
    for seed in range(12):
        line = plain("1.250", digits=given_images, seed=seed, **changes, **{kind: 1})
        assert (line.raw, len(line.boxes)) == ("1.250", 4)
        left, right = line.boxes[0, 0] - 3, line.boxes[-1, 2] + 3
        outside = (line.image[:, :left] < 200).sum() + (line.image[:, right:] < 200).sum()
        if kind == "crossed":
            outside += (line.image[: line.boxes[:, 1].min() - 3] < 230).sum()
            outside += (line.image[line.boxes[:, 3].max() + 3 :] < 230).sum()
        assert outside > 5


@pytest.mark.parametrize("source", ["pen", "images"])
@pytest.mark.parametrize("end", ["50", "-"])
def test_an_end_may_be_small_and_raised(source: str, end: str, digits: Dataset) -> None:
    """Two digits or a dash stand higher than without, and the text is the same."""
    given_images = digits if source == "images" else None
    feet = []
    for raised in (0, 1):
        changes = {"raised": raised, "styles": "school", "margin": (0.5, 0.5), "spacing": (0.3, 0.3)}
        line = plain(f"32.{end}", digits=given_images, seed=3, **changes)  # type: ignore[arg-type]
        assert line.raw == f"32.{end}"
        point = line.boxes[1, 2] + 12 if end == "-" else line.boxes[2, 0]
        foot = np.flatnonzero((line.image[:, point:] < 128).any(axis=1)).max()
        feet.append(line.boxes[0, 3] - foot)
    assert feet[1] > feet[0] + 5


@pytest.mark.parametrize("source", ["pen", "images"])
def test_zeros_in_a_row_may_be_linked(source: str, digits: Dataset) -> None:
    """Strokes over their tops or overlaps make one figure of them; each has its box still."""
    given_images = digits if source == "images" else None

    def pieces(**changes: Any) -> list[int]:
        lines = [plain("30000", digits=given_images, seed=seed, spacing=(0.3, 0.3), **changes) for seed in range(10)]
        assert all(len(line.boxes) == 5 for line in lines)
        return [count_figures(line) for line in lines]

    assert min(pieces()) >= 5
    assert np.mean(pieces(linked_zeros=1)) < 2.6


def test_uncommon_hands_are_narrower_wider_and_more_slanted() -> None:
    """The widths of a digit vary more than those of common hands."""

    def spread(uncommon: float) -> float:
        boxes = np.concatenate([plain("0", seed=seed, uncommon=uncommon).boxes for seed in range(40)])
        return float(np.log((boxes[:, 2] - boxes[:, 0]) / (boxes[:, 3] - boxes[:, 1])).std())

    assert spread(1) > 1.25 * spread(0)


@pytest.mark.parametrize("source", ["pen", "images"])
@pytest.mark.parametrize("size", [14, 32])
@pytest.mark.parametrize("sign", list(".,-:/"))
def test_no_sign_is_swallowed_by_its_neighbours(sign: str, size: int, source: str, digits: Dataset) -> None:
    """Paper lies on both sides of it even where digits touch, and they do not meet over it."""
    crowded: dict[str, Any] = {"touching": 1, "overlap": (0.16, 0.16), "spacing": (-0.02, -0.02)}
    for seed in range(10):
        line = plain(
            f"8{sign}8",
            digits=digits if source == "images" else None,
            seed=seed,
            digit_height=(size, size),
            pen_width=(0.07, 0.07),
            styles="school",
            **crowded,
        )
        assert count_figures(line) >= 3 + (sign == ":")


@pytest.mark.parametrize("change", [{"underlined": 1}, {"framed": 1}, {"ruled": 1}])
def test_no_line_runs_through_a_point(change: dict[str, Any]) -> None:
    """Strokes below, frames and printed lines leave it as a figure of its own."""
    alone = 0
    for seed in range(20):
        slopes: dict[str, Any] = {"slope": (0.09, 0.09) if seed % 2 else (-0.09, -0.09), "side_margin": (1, 1)}
        line = plain("0.0", seed=seed, margin=(0.6, 0.6), styles="school", pen_width=(0.08, 0.08), **slopes, **change)
        figures, _ = ndimage.label(line.image < 200, np.ones((3, 3)))
        inside = figures[line.boxes[0, 1] : line.boxes[0, 3] + 4, line.boxes[0, 2] + 1 : line.boxes[1, 0] - 1]
        alone += any(0 < (figures == index).sum() < 60 for index in set(inside[inside > 0].tolist()))
    assert alone >= 19


def test_bits_of_other_writing_do_not_become_points() -> None:
    """Between two digits there is nothing at the foot."""
    for seed in range(30):
        line = plain("1 1", seed=seed, neighboured=1, margin=(0.0, 0.1), styles="school")
        (_, _, first, bottom), (second, _, _, other) = line.boxes
        foot = min(bottom, other)
        assert line.image[foot - 5 : foot, first + 4 : second - 4].min() > 200


def test_patterns_are_fainter_than_thin_writing() -> None:
    """The darkest spot of the paper is far nearer to white than the writing."""
    for seed in range(12):
        line = plain("88", patterned=1, ink=(0.6, 0.6), pen_width=(0.05, 0.05), digit_height=(11, 11), seed=seed)
        left, top, right, bottom = line.boxes[0]
        pattern = 255 - int(line.image[:, : max(1, left - 2)].min())
        assert pattern < 0.4 * (255 - int(line.image[top:bottom, left:right].min()))


def test_signs_lie_between_their_neighbours() -> None:
    """There is ink between the boxes for a sign and none for a space."""
    for sign in ".,-/:":
        line = plain(f"1{sign}0", styles="school", spacing=(0.25, 0.25), seed=4)
        (_, _, first, _), (second, _, _, _) = line.boxes
        assert count_figures(line) >= 3
        assert second - first > 4
    gap, none = (plain(text, spacing=(0.1, 0.1), seed=4).boxes for text in ("1 0", "10"))
    assert gap[1, 0] - gap[0, 2] > none[1, 0] - none[0, 2] + 12


def test_scanners_and_files_leave_their_traces() -> None:
    """Noise, blur and JPEG change the paper and the edges, bleaching makes the paper white."""
    sharp = plain("8")
    assert plain("8", noise=(8, 8), paper=(0.7, 0.7)).image[:4].std() > 4
    blurred = plain("8", blur=(2, 2))
    assert np.abs(np.diff(blurred.image.astype(int))).max() < np.abs(np.diff(sharp.image.astype(int))).max()
    np.testing.assert_array_equal(blurred.boxes, sharp.boxes)
    squeezed = plain("8", compressed=1, quality=(5, 5))
    assert 0 < np.abs(squeezed.image.astype(int) - sharp.image).mean() < 25
    grey, bleached = (plain("8", paper=(0.6, 0.6), bleached=fraction).image for fraction in (0, 1))
    assert np.median(grey) == pytest.approx(153, abs=1)
    assert np.median(bleached) > 200


def test_a_line_belongs_to_who_asked_for_it() -> None:
    """The picture and the boxes can be changed."""
    for changes in ({}, {"compressed": 1}, {"height": 40}):
        line = plain("12", **changes)
        line.image[:] = 0
        line.boxes[:] = 0


def test_the_global_generator_is_left_alone() -> None:
    """Drawing takes nothing from the user's own random numbers."""
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    list(draw_lines(3))
    assert np.random.random() == expected  # noqa: NPY002


def test_settings_are_values() -> None:
    """Equal ones are equal, lists will do for pairs, and a changed copy differs."""
    assert LineSettings(spacing=[0, 0.1], styles="school") == LineSettings(spacing=(0, 0.1), styles=["school"])
    assert attrs.evolve(LineSettings(), drawn=1) != LineSettings()
    for setting in attrs.fields(LineSettings):
        assert setting.name in (LineSettings.__doc__ or "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height": 15}, r"height must be an integer from 16 to 512; got 15"),
        ({"height": 40.0}, r"height must be an integer"),
        ({"styles": "schol"}, r"no 'schol'\. Did you mean 'school'"),
        ({"styles": []}, r"styles must name at least one"),
        ({"drawn": 1.5}, r"drawn must be a fraction from 0 to 1; got 1.5"),
        ({"patterned": True}, r"patterned must be a fraction"),
        ({"n_digits": (0, 3)}, r"n_digits must be a number from 1 to 40; got 0"),
        ({"n_digits": (1, 2.5)}, r"n_digits must be an integer from 1 to 40; got 2.5"),
        ({"n_digits": 4}, r"n_digits must be two numbers"),
        ({"digit_height": (40, 11)}, r"digit_height must have its least number first"),
        ({"spacing": (0, float("nan"))}, r"spacing must be a number from -0.5 to 3; got nan"),
        ({"ink": (0, 0.9)}, r"ink must be a number from 0 to 0.85; got 0.9"),
        ({"quality": "good"}, r"quality must be two numbers"),
    ],
)
def test_invalid_settings_are_refused(options: dict[str, Any], message: str) -> None:
    """The message names the setting, what it may be and what it was."""
    with pytest.raises(SettingError, match=message):
        LineSettings(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "12a"}, r"text must be digits, \. , - / : and spaces, with at least one digit, or empty; got '12a'"),
        ({"text": "12\n3"}, r"text must be digits"),
        ({"text": ".-"}, r"at least one digit"),
        ({"text": "٣"}, r"text must be digits"),
        ({"text": 12}, r"text must be digits.*got 12"),
        ({"text": "1" * 61}, r"at most 60 characters; got 61"),
        ({"index": -1}, r"index must be an integer from 0 to 2147483647; got -1"),
        ({"seed": 2**32}, r"seed must be"),
        ({"settings": {"drawn": 1}}, r"settings must be LineSettings; got dict"),
    ],
)
def test_invalid_lines_are_refused(options: dict[str, Any], message: str) -> None:
    """The message names the argument, what it may be and what it was."""
    with pytest.raises(SettingError, match=message):
        draw_line(**options)


def test_bad_arguments_are_refused_before_the_first_line() -> None:
    """Not when the lines are asked for."""
    with pytest.raises(SettingError, match=r"n must be an integer of at least|n must be an integer from 0"):
        draw_lines(-1)
    with pytest.raises(SettingError, match=r"start must be an integer from 0"):
        draw_lines(2, start=-1)
    with pytest.raises(DataError, match=r"digits must be a Dataset"):
        draw_lines(2, digits=np.zeros((10, 28, 28), np.uint8))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        ((9, 28, 28), "012345678", r"all ten digits, named 0 to 9; there is no 9\. Add some"),
        ((10, 28, 28, 3), "0123456789", r"digits must have grey images.*got \(10, 28, 28, 3\)"),
        ((10, 28, 28), "abcdefghij", r"there is no 0, 1, 2"),
    ],
)
def test_images_that_are_no_digits_are_refused(shape: tuple[int, ...], names: str, message: str) -> None:
    """The message says what is missing."""
    letters = Dataset(images=np.ones(shape, np.uint8), labels=np.arange(len(names)), class_names=tuple(names), name="x")
    with pytest.raises(DataError, match=message):
        draw_line(digits=letters)


def test_drawing_lines_needs_numpy_and_pillow_only() -> None:
    """Neither SciPy nor TensorFlow is imported for a line."""
    code = (
        "import sys; from lenetkit.synthesis import draw_digits, draw_lines\n"
        "list(draw_lines(20, digits=draw_digits(100)))\n"
        "print(sorted({'scipy', 'tensorflow', 'keras', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
