"""Tests for `lenetkit._ink`: paper, light, lines and pieces."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from lenetkit._ink import digit, paper, pieces, rulings
from lenetkit._ink import grey as grey_stage
from lenetkit.synthesis import draw_digits, draw_paper
from lenetkit.transforms import MnistNormalize

BATCHES = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=12))


def cross(side: int = 120, light: float = 220, pen: float = 50) -> np.ndarray:
    """Return a plus sign, a tenth of the picture thick."""
    image = np.full((1, side, side), light)
    thick = side // 10
    image[:, side // 2 - thick // 2 :][:, :thick, side // 4 : 3 * side // 4] = pen
    image[:, side // 4 : 3 * side // 4, side // 2 - thick // 2 :][:, :, :thick] = pen
    return image


def as_bytes(levels: Any) -> np.ndarray:
    """Return whole grey levels."""
    return np.rint(np.asarray(levels)).clip(0, 255).astype(np.uint8)


def mask_of(batch: np.ndarray) -> np.ndarray:
    """Return the mask of the digit, all the way."""
    found = paper.ink_map(paper.dark_on_light(grey_stage.to_grey(batch)))
    return pieces.digit_mask(digit.without_rulings(digit.dark_enough(found.ink, found.contrast)), found)


# Neighbours


@given(BATCHES, st.integers(1, 30))
def test_closing_fills_what_is_dark_and_narrow(batch: np.ndarray, size: int) -> None:
    """As SciPy's grey closing with a mirrored border, one image at a time."""
    closed = paper.close(batch, size)
    sizes = [min(size | 1, 2 * length - 1) for length in batch.shape[1:]]
    for image, found in zip(batch, closed, strict=True):
        widened = ndimage.maximum_filter(image, sizes, mode="reflect")
        np.testing.assert_array_equal(found, ndimage.minimum_filter(widened, sizes, mode="reflect"))
    assert (closed >= batch).all()


@given(BATCHES, st.booleans())
def test_spreading_takes_the_extreme_of_the_neighbours(batch: np.ndarray, square: bool) -> None:
    """Four of them, or all eight."""
    footprint = ndimage.generate_binary_structure(2, 2 if square else 1)[np.newaxis]
    for extreme, reference in ((np.maximum, ndimage.maximum_filter), (np.minimum, ndimage.minimum_filter)):
        expected = reference(batch, footprint=footprint, mode="nearest")
        np.testing.assert_array_equal(digit.spread(batch, extreme, square=square), expected)


@given(BATCHES)
def test_the_inside_of_a_mask_is_what_four_neighbours_surround(batch: np.ndarray) -> None:
    """What lies beyond the border does not belong to it."""
    mask = batch > 60
    cross_of_five = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    np.testing.assert_array_equal(paper.inner(mask), ndimage.binary_erosion(mask, cross_of_five))


@given(BATCHES)
def test_slopes_are_squared_differences_of_neighbours(batch: np.ndarray) -> None:
    """Whole numbers, without overflow."""
    padded = np.pad(batch.astype(np.int64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down, right = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    np.testing.assert_array_equal(paper.slope(batch), down**2 + right**2)
    everywhere = np.indices(batch.shape).reshape(3, -1)
    np.testing.assert_array_equal(paper.slope_at(batch, *everywhere), paper.slope(batch).reshape(-1))


@given(BATCHES, st.integers(2, 5), st.integers(0, 4), st.integers(0, 4))
def test_blocks_are_enlarged_as_pillow_enlarges_pictures(batch: np.ndarray, factor: int, down: int, right: int) -> None:
    """To the bit, also where the last blocks were cut off."""
    height, width = (
        factor * side - min(cut, factor - 1) for side, cut in zip(batch.shape[1:], (down, right), strict=True)
    )
    box = (0, 0, width / factor, height / factor)
    expected = [Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR, box) for one in batch]
    np.testing.assert_array_equal(grey_stage.enlarge(batch, factor, (height, width)), np.stack(expected))


@given(BATCHES, st.integers(0, 250))
def test_pieces_are_bounded_as_scipy_bounds_them(batch: np.ndarray, level: int) -> None:
    """Each in its own image."""
    one_image = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])
    labels, count = ndimage.label(batch > level, one_image)
    places = np.flatnonzero(labels)
    bounds = pieces._find_bounds(places, labels.reshape(-1)[places], count, labels.shape)
    boxes = [
        (image.start, rows.start, rows.stop, columns.start, columns.stop)
        for image, rows, columns in ndimage.find_objects(labels)
    ]
    np.testing.assert_array_equal(bounds.T, np.reshape(boxes, (count, 5)))


@given(BATCHES)
def test_smoothing_keeps_the_range_and_what_is_flat(batch: np.ndarray) -> None:
    """It is a mean."""
    smooth = paper.smooth(batch)
    assert (smooth.max(axis=(1, 2)) <= batch.max(axis=(1, 2))).all()
    assert (smooth.min(axis=(1, 2)) >= batch.min(axis=(1, 2))).all()


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, max_side=9)))
def test_bounds_are_the_smallest_box(mask: np.ndarray) -> None:
    """The whole image where nothing is set."""
    for image, top, bottom, left, right in zip(mask, *digit.bounding_boxes(mask), strict=True):
        rows, columns = np.nonzero(image)
        box = (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) if len(rows) else (0, len(image), 0, None)
        assert (top, bottom, left, right) == (*box[:3], image.shape[1] if box[3] is None else box[3])


# Paper and light


@given(
    st.one_of(BATCHES, hnp.arrays(np.uint8, st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9), st.just(3)))),
    st.integers(1, 12),
)
def test_shrinking_averages_blocks(batch: np.ndarray, side: int) -> None:
    """No side is longer than asked for, and each level is its block's mean, rounded to 0.5 + 1 / (2 n) of n pixels."""
    small = grey_stage.shrink(batch, side)
    factor = -(-max(batch.shape[1:3]) // side)
    assert max(small.shape[1:3]) <= side
    expected, n_pixels = batch.astype(float), np.ones(batch.shape)
    for axis in (1, 2):
        starts = np.arange(0, batch.shape[axis], factor)
        expected, n_pixels = (np.add.reduceat(levels, starts, axis) for levels in (expected, n_pixels))
    assert small.shape == expected.shape
    assert (np.abs(small - expected / n_pixels) <= 0.5 + 0.5 / n_pixels + 1e-9).all()


def test_pillow_rounds_a_block_of_nine_down_from_five_ninths() -> None:
    """The exact claim is needed: the mean 147.56 becomes 147, by 0.5 + 1 / 18."""
    block = np.full((1, 3, 3), 147, np.uint8)
    block[0, 0, :] = 148, 150, 148
    assert block.mean() == pytest.approx(147 + 5 / 9)
    assert grey_stage.shrink(block, 1).tolist() == [[[147]]]


def test_grey_pictures_in_three_channels_keep_their_levels() -> None:
    """The mixture that tells most is then the plain mean."""
    grey = as_bytes(cross() + np.random.default_rng(0).normal(0, 3, (1, 120, 120)))
    np.testing.assert_array_equal(grey_stage.to_grey(np.repeat(grey[..., None], 3, axis=3)), grey)
    np.testing.assert_array_equal(grey_stage.to_grey(grey), grey)
    np.testing.assert_array_equal(grey_stage.to_grey(grey[..., None]), grey)


def test_ink_shows_that_is_as_bright_as_its_paper() -> None:
    """Red on green of the same luma: the channels are mixed so that they differ."""
    shape = cross()[0] < 100
    picture = np.where(shape[..., None], (200, 60, 60), (40, 140, 65)).astype(np.uint8)
    grey = grey_stage.to_grey(picture[None])[0].astype(int)
    assert abs(grey[shape].mean() - grey[~shape].mean()) > 60


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=30)))
@settings(max_examples=50)
def test_a_picture_and_its_negative_are_one_or_each_others(batch: np.ndarray) -> None:
    """Nothing but inversion happens."""
    result = paper.dark_on_light(batch)
    for image, turned in zip(batch, result, strict=True):
        assert (turned == image).all() or (turned == 255 - image).all()


@pytest.mark.parametrize("side", [28, 63, 64, 120, 300])
@pytest.mark.parametrize("slope", [0, 60])
def test_the_polarity_is_found(side: int, slope: float) -> None:
    """Also where the light falls off."""
    picture = as_bytes(cross(side, 200, 60) - slope * np.linspace(0, 1, side))
    np.testing.assert_array_equal(paper.dark_on_light(picture), picture)
    np.testing.assert_array_equal(paper.dark_on_light(255 - picture), picture)


@pytest.mark.parametrize("side", [120, 300])
def test_an_ink_map_is_even_where_the_light_is_not(side: int) -> None:
    """A slope of light to a third of its strength, and ink that is half as bright as its paper."""
    light = np.linspace(1, 1 / 3, side)
    picture = as_bytes(light * cross(side, 240, 120))
    darkness = paper.ink_map(picture).ink[0].astype(int)
    shape = ndimage.binary_erosion(cross(side)[0] < 100, iterations=3)
    away = ~ndimage.binary_dilation(cross(side)[0] < 100, iterations=3)
    middle = slice(side // 8, -side // 8)
    assert abs(darkness[shape] - 128).max() < 30
    assert darkness[middle, middle][away[middle, middle]].max() < 30


@pytest.mark.parametrize("deviation", [2, 5, 12])
@pytest.mark.parametrize("side", [40, 200])
def test_noise_is_measured(side: int, deviation: float) -> None:
    """Its standard deviation, whatever is drawn there."""
    noisy = as_bytes(cross(side) + np.random.default_rng(1).normal(0, deviation, (1, side, side)))
    assert paper.measure_noise(noisy)[0] == pytest.approx(deviation, rel=0.35)


def test_contrast_says_where_paper_and_ink_are() -> None:
    """In levels of the ink map."""
    contrast = paper.ink_map(as_bytes(cross(120, 200, 100))).contrast
    assert contrast.paper[0] == 0
    assert contrast.ink[0] == pytest.approx(127, abs=12)
    assert contrast.noise[0] == 0
    assert contrast.level(0.5, 3.5).item() == pytest.approx(contrast.span[0] / 2)
    assert contrast.level(0.0, 3.5).item() == 2


# Lines, frames and pieces


def line_picture(side: int = 160, **printing: Any) -> np.ndarray:
    """Return a plus sign on printed paper."""
    printed = draw_paper(side, side, noise=0.0, print_strength=0.8, **printing).astype(float)
    return as_bytes(np.where(cross(side) < 100, 40, printed))


@pytest.mark.parametrize("printing", [{"ruling": "ruled", "pitch": 50}, {"ruling": "grid", "pitch": 45}], ids=str)
def test_lines_from_border_to_border_go_and_what_crosses_them_stays(printing: dict[str, Any]) -> None:
    """Of a mask, in both directions."""
    shape = cross(160)[0] < 100
    mask = line_picture(**printing)[0] < 150
    left = rulings.without_lines(mask)
    assert mask[~shape].sum() > 300
    assert left[~ndimage.binary_dilation(shape, iterations=3)].sum() < 30
    assert left[shape].mean() > 0.97


def test_a_line_alone_is_kept() -> None:
    """It may be the bar of a tightly cut 7; without it nothing would be left."""
    mask = np.zeros((100, 100), bool)
    mask[40:44] = True
    np.testing.assert_array_equal(rulings.without_lines(mask), mask)


def test_frames_go_and_what_is_in_them_stays() -> None:
    """A closed rectangle around a digit."""
    shape = cross(160)[0] < 100
    mask = shape.copy()
    for part in (slice(15, 18), slice(142, 145)):
        mask[part, 15:145] = True
        mask[15:145, part] = True
    np.testing.assert_array_equal(pieces.without_frames(mask), shape)


def test_a_zero_is_no_frame() -> None:
    """It is round."""
    y, x = np.mgrid[:100, :100] - 50
    ring = abs(np.hypot(x / 0.8, y) - 40) < 4
    np.testing.assert_array_equal(pieces.without_frames(ring), ring)


@pytest.mark.parametrize(
    ("addition", "belongs"),
    [
        ((slice(5, 7), slice(5, 7)), False),  # a speck
        ((slice(0, 120), slice(0, 6)), False),  # the table beside the paper
        ((slice(56, 64), slice(94, 116)), True),  # a broken stroke
        ((slice(20, 100), slice(100, 110)), True),  # another digit: which was meant is not decided here
    ],
)
def test_pieces_belong_to_a_digit_or_do_not(addition: tuple[slice, slice], belongs: bool) -> None:
    """By their size and their place."""
    picture = cross()
    picture[0][addition] = 50
    found = mask_of(as_bytes(picture))[0]
    assert found[addition].any() == belongs
    assert found[cross()[0] < 100].mean() > 0.95


@pytest.mark.parametrize("side", [28, 100, 240])
@pytest.mark.parametrize("level", [0, 90, 255])
def test_flat_pictures_have_no_ink(side: int, level: int) -> None:
    """Of whatever level."""
    assert not mask_of(np.full((2, side, side), level, np.uint8)).any()


STEPS = {
    "shrink": lambda batch: grey_stage.shrink(batch, 50),
    "dark_on_light": paper.dark_on_light,
    "ink_map": lambda batch: paper.ink_map(batch).ink,
    "quick ink_map": lambda batch: paper.ink_map(batch, quick=True).ink,
    "contrast of the ink_map": lambda batch: np.stack(paper.ink_map(batch).contrast, axis=1),
    "close": lambda batch: paper.close(batch, 9),
    "smooth": paper.smooth,
    "slope": paper.slope,
    "measure_noise": paper.measure_noise,
    "mask_of": mask_of,
    "to_grey": lambda batch: grey_stage.to_grey(np.stack([batch, batch // 2, 255 - batch], axis=-1)),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("side", [28, 112])
def test_company_and_order_do_not_matter_and_the_input_stays(name: str, side: int) -> None:
    """Each picture by itself, to the bit."""
    digits = 255 - np.asarray(draw_digits(6, size=side, seed=5).images)
    noisy = as_bytes(digits * 0.6 + 40 + np.random.default_rng(2).normal(0, 6, digits.shape))
    before = noisy.copy()
    whole = STEPS[name](noisy)
    np.testing.assert_array_equal(noisy, before)
    np.testing.assert_array_equal(np.concatenate([STEPS[name](noisy[i : i + 1]) for i in range(6)]), whole)
    np.testing.assert_array_equal(STEPS[name](noisy[::-1].copy())[::-1], whole)


def test_stages_lead_from_a_picture_to_its_28x28_pixels() -> None:
    """Each stage is uint8 and by its name; what is like MNIST's images already has the result alone."""
    pictures = np.asarray(255 - np.asarray(draw_digits(4, size=90, seed=2).images))
    found = dict(digit.stages(pictures))
    assert list(found) == ["grey", "even paper", "possible ink", "digit", "stroke", "result"]
    assert {image.dtype for image in found.values()} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(found["result"], MnistNormalize()(pictures))
    assert list(dict(digit.stages(found["result"]))) == ["result"]
    np.testing.assert_array_equal(MnistNormalize()(found["result"]), found["result"])
