"""MnistNormalize: pictures of digits as MNIST would have them."""

import copy
import gzip
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lenetkit.datasets import load_dataset
from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis import draw_digits, draw_number, draw_paper
from lenetkit.transforms import (
    MnistNormalize,
    create_transform,
    map_images,
    transform_from_dict,
    transform_to_dict,
)

DIGITS = draw_digits(50, seed=3).images
SIDE, SCALE = 120, 3


def page(digit: np.ndarray, *, down: int = 18, right: int = 18, scale: int = SCALE, side: int = SIDE) -> np.ndarray:
    """Return ink, 0 to 1, of a digit in a square picture."""
    size = scale * len(digit)
    ink = np.zeros((side, side))
    enlarged = Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)
    ink[down : down + size, right : right + size] = np.asarray(enlarged) / 255
    return ink


def on_paper(ink: np.ndarray, paper: Any = 230, pen: float = 40) -> np.ndarray:
    """Return dark ink on light paper, or the other way round."""
    return np.rint(paper + (pen - np.asarray(paper, float)) * ink).astype(np.uint8)


INKS = np.stack([page(digit) for digit in DIGITS])
PAGES = on_paper(INKS)
NORMAL = MnistNormalize()(PAGES)


def differences(images: Any, expected: np.ndarray = NORMAL) -> np.ndarray:
    """Return each image's mean difference in grey levels, at the best of nine places a pixel apart.

    Where the centre of mass lies on the edge of two pixels, nothing decides for one of them.
    """
    images, expected = np.asarray(images, int), np.asarray(expected, int)
    shifted = [np.roll(images, (down, right), (1, 2)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return np.min([np.abs(images - expected).mean(axis=(1, 2)) for images in shifted], axis=0)


def read_mnist(shared_data: Path, subset: str, n: int) -> np.ndarray:
    """Return the first images of the real data."""
    with gzip.open(shared_data / "mnist" / f"{subset}-images-idx3-ubyte.gz") as file:
        file.seek(16)
        return np.frombuffer(file.read(n * 784), np.uint8).reshape(n, 28, 28)


# What comes out


def test_the_result_is_made_as_mnist_is() -> None:
    """A box of 20 pixels, the centre of mass within the pixel after the middle, white ink on black."""
    assert NORMAL.shape == (50, 28, 28)
    assert NORMAL.dtype == np.uint8
    assert (NORMAL.max(axis=(1, 2)) == 255).all()
    middles = np.arange(28) + 0.5
    for axis in (1, 2):
        mass = NORMAL.sum(axis=axis, dtype=float)
        centres = (mass @ middles) / mass.sum(axis=1)
        assert ((centres > 14) & (centres <= 15)).all()
    rows, columns = NORMAL.any(axis=2), NORMAL.any(axis=1)
    sides = [28 - lines.argmax(axis=1) - lines[:, ::-1].argmax(axis=1) for lines in (rows, columns)]
    assert (np.maximum(*sides) == 20).all()


def test_a_digit_from_a_picture_is_the_digit_that_was_put_in() -> None:
    """Drawn like MNIST's, laid on paper, and brought back."""
    found = differences(NORMAL, DIGITS)
    assert np.median(found) < 6
    assert found.max() < 15


def test_what_is_like_mnist_already_passes_unchanged() -> None:
    """Its own results do, for example; as a copy, so that nobody's images are written to."""
    again = MnistNormalize()(NORMAL)
    np.testing.assert_array_equal(again, NORMAL)
    np.testing.assert_array_equal(MnistNormalize()(NORMAL[..., np.newaxis] / 255), NORMAL)
    mixed = np.concatenate([NORMAL[:3], 255 - NORMAL[3:6], NORMAL[6:]])
    np.testing.assert_array_equal(MnistNormalize()(mixed)[[0, 1, 2, *range(6, 50)]], NORMAL[[0, 1, 2, *range(6, 50)]])


@pytest.mark.parametrize(("subset", "n"), [("t10k", 10_000), pytest.param("train", 60_000, marks=pytest.mark.slow)])
def test_mnist_stays_mnist(shared_data: Path, subset: str, n: int) -> None:
    """At most 5 in 10,000 images change by more than 4 grey levels: no model's accuracy differs by over 0.05 points."""
    images = read_mnist(shared_data, subset, n)
    changes = np.abs(MnistNormalize()(images).astype(int) - images).max(axis=(1, 2))
    assert (changes > 4).sum() <= 5 * n / 10_000


@pytest.mark.parametrize("stroke", [True, False])
def test_the_way_through_all_steps_is_nearly_the_identity_on_mnist(shared_data: Path, stroke: bool) -> None:
    """Negatives of MNIST's images cannot pass unchanged, and come back as what they were."""
    images = read_mnist(shared_data, "t10k", 2000)
    found = differences(MnistNormalize(stroke=stroke)(255 - images), images)
    assert np.median(found) < 3
    assert np.quantile(found, 0.99) < 20


# What does not matter


@given(down=st.integers(3, 33), right=st.integers(3, 33), digit=st.sampled_from(range(50)))
@settings(max_examples=30)
def test_where_the_digit_stands_does_not_matter(down: int, right: int, digit: int) -> None:
    """Whole pixels on flat paper: the same to the bit."""
    picture = on_paper(page(DIGITS[digit], down=down, right=right))
    np.testing.assert_array_equal(MnistNormalize()([picture])[0], NORMAL[digit])


def test_the_size_of_the_paper_does_not_matter() -> None:
    """More margin, the same bits."""
    wide = np.pad(PAGES, ((0, 0), (40, 10), (5, 90)), constant_values=230)
    np.testing.assert_array_equal(MnistNormalize()(wide), NORMAL)


def test_black_and_white_may_change_places() -> None:
    """Chalk is as good as ink."""
    np.testing.assert_array_equal(MnistNormalize()(255 - PAGES), NORMAL)


@given(
    paper=st.floats(0, 255),
    pen=st.floats(0, 255),
    digits=st.lists(st.sampled_from(range(50)), min_size=1, max_size=8),
)
@settings(max_examples=40)
def test_brightness_and_contrast_do_not_matter(paper: float, pen: float, digits: list[int]) -> None:
    """As long as ink and paper are 40 grey levels apart."""
    if abs(paper - pen) < 40:
        pen = paper + 40 if paper < 128 else paper - 40
    found = differences(MnistNormalize()(on_paper(INKS[digits], paper, pen)), NORMAL[digits])
    assert found.max() < 12


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (60, 20), (228, 188), (0, 40), (130, 90)])
def test_light_changes_next_to_nothing_on_average(paper: int, pen: int) -> None:
    """Less than one grey level."""
    assert differences(MnistNormalize()(on_paper(INKS, paper, pen))).mean() < 1


@given(scale=st.floats(0.5, 5), digit=st.sampled_from(range(50)))
@settings(max_examples=30)
def test_the_scale_of_the_picture_does_not_matter(scale: float, digit: int) -> None:
    """From half the size to five times."""
    side = round(SIDE * scale)
    picture = np.asarray(Image.fromarray(PAGES[digit]).resize((side, side), Image.Resampling.BICUBIC))
    assert differences(MnistNormalize()([picture]), NORMAL[digit : digit + 1]).max() < 18


def test_colour_depth_does_not_matter() -> None:
    """Grey, grey with a channel, the same in three channels, and floating."""
    for same in (PAGES[..., None], np.repeat(PAGES[..., None], 3, axis=3), PAGES / 255, (PAGES / 255).astype("f2")):
        result = MnistNormalize()(same)
        assert result.dtype == np.uint8
        np.testing.assert_array_equal(result, NORMAL)


@pytest.mark.parametrize("side", [20, 28, 50, 63, 64, 120, 600])
def test_company_does_not_matter(side: int) -> None:
    """Alone, in a batch and in a list, an image gives the same bits."""
    rng = np.random.default_rng(side)
    digits = np.stack(
        [np.asarray(Image.fromarray(image).resize((side, side))) for image in PAGES[: 9 if side < 600 else 3]]
    )
    images = np.concatenate([digits, 255 - digits, rng.integers(0, 256, (2, side, side), dtype=np.uint8)])
    noisy = np.rint((images + rng.normal(0, 5, images.shape)).clip(0, 255)).astype(np.uint8)
    whole = MnistNormalize()(noisy)
    np.testing.assert_array_equal([MnistNormalize()(image[np.newaxis])[0] for image in noisy], whole)
    np.testing.assert_array_equal(MnistNormalize()([*noisy, PAGES[0]])[:-1], whole)
    np.testing.assert_array_equal(MnistNormalize()(noisy[::-1])[::-1], whole)


# What does not belong to the digit


def with_paper(**paper: Any) -> np.ndarray:
    """Return 20 of the digits, larger, on paper that the pen draws."""
    inks = [page(digit, side=240, scale=6, down=36, right=36) for digit in DIGITS[:20]]
    return np.stack([on_paper(ink, draw_paper(240, 240, seed=seed, **paper)) for seed, ink in enumerate(inks)])


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    """Return the results from a clean sheet."""
    return np.asarray(MnistNormalize()(with_paper(noise=0.0)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "paper",
    [
        {"shadow": 0.3},
        {"shadow": 0.6},
        {"noise": 12.0},
        {"specks": 30},
        {"ruling": "ruled", "pitch": 60},
        {"ruling": "dotted", "pitch": 60},
        {"ruling": "grid", "pitch": 60},
        {"ruling": "framed"},
        {"shade": 120, "shadow": 0.4, "noise": 6.0},
        {"ruling": "ruled", "pitch": 70, "shadow": 0.5, "noise": 4.0, "specks": 10},
    ],
    ids=str,
)
def test_what_the_paper_adds_is_left_out(paper: dict[str, Any], clean: np.ndarray) -> None:
    """The digits come out nearly as from a clean sheet."""
    found = differences(MnistNormalize()(with_paper(**paper)), clean)
    assert np.median(found) < 9
    assert np.quantile(found, 0.9) < 20


@pytest.mark.parametrize("pen", [(200, 40, 40), (30, 90, 200), (20, 130, 60), (235, 170, 0)])
def test_a_coloured_pen_is_ink(pen: tuple[int, int, int]) -> None:
    """Also where it is hardly darker than the paper."""
    images = np.stack([on_paper(INKS, 235, channel) for channel in pen], axis=-1)
    assert differences(MnistNormalize()(images)).max() < 12


def test_the_dark_edge_of_the_table_is_left_out() -> None:
    """Paper on a dark table, as a camera sees it."""
    images = np.pad(PAGES, ((0, 0), (0, 0), (14, 0)), constant_values=50)
    assert np.median(differences(MnistNormalize()(images))) < 3


def test_a_digit_that_touches_the_border_is_kept() -> None:
    """Cut out tightly, it fills its picture."""
    tight = [image[ink.any(1)][:, ink.any(0)] for image, ink in zip(PAGES, INKS > 0.4, strict=True)]
    assert differences(MnistNormalize()(tight)).max() < 20


def test_broken_strokes_stay_together() -> None:
    """A gap across the digit takes nothing away but itself."""
    broken = PAGES.copy()
    broken[:, 58:61] = 230
    result = MnistNormalize()(broken)
    for part in (result[:, :13], result[:, 15:]):
        assert (part.max(axis=(1, 2)) == 255).all()
    assert np.median(differences(result)) < 12


def test_two_digits_stay_two() -> None:
    """Which one was meant is not for a transform to say."""
    number = draw_number("88", height=60, seed=1)
    result = MnistNormalize()([number.on(draw_paper(*number.image.shape), ink=30)])[0]
    rows, columns = result.nonzero()
    assert np.ptp(columns) + 1 == 20
    assert np.ptp(rows) + 1 < 18


def stroke_widths(images: np.ndarray) -> np.ndarray:
    """Return twice the area over the outline."""
    down, right = np.diff(images / 255, axis=1)[:, :, :-1], np.diff(images / 255, axis=2)[:, :-1]
    return 2 * (images / 255).sum(axis=(1, 2)) / np.hypot(down, right).sum(axis=(1, 2))


@pytest.mark.parametrize(("pen_width", "low", "high"), [((0.5, 0.6), 1.6, 2.4), ((6.0, 6.5), 3.0, 4.4)])
def test_very_thin_and_very_wide_strokes_become_mnists(pen_width: tuple[float, float], low: float, high: float) -> None:
    """Unless that is not wanted."""
    images = 255 - draw_digits(30, size=112, pen_width=pen_width, digits=[0, 2, 3, 5], seed=2).images
    even, plain = (stroke_widths(MnistNormalize(stroke=stroke)(images)) for stroke in (True, False))
    assert np.quantile(even, 0.1) > low
    assert np.quantile(even, 0.9) < high
    assert abs(np.median(plain) - 2.7) > 0.5 + abs(np.median(even) - 2.7)


# Anything else that images can be


@pytest.mark.parametrize("deviation", [0, 1])
@pytest.mark.parametrize("side", [64, 100, 300])
def test_light_that_falls_off_is_no_digit(side: int, deviation: float) -> None:
    """To one side, to a corner, and to all sides."""
    slope, bowl = np.linspace(180, 100, side), 60 * np.linspace(-1, 1, side) ** 2
    lights = np.stack([np.tile(slope, (side, 1)), np.add.outer(slope, slope) / 2, 180 - np.add.outer(bowl, bowl) / 2])
    pictures = lights + np.random.default_rng(side).normal(0, deviation, lights.shape)
    assert not MnistNormalize()(np.rint(pictures).astype(np.uint8)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 3), (28, 28), (1, 5000), (5000, 2), (700, 500)])
@pytest.mark.parametrize("level", [0, 1, 128, 255])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_a_picture_of_one_level_is_black(shape: tuple[int, int], level: int, channels: tuple[int, ...]) -> None:
    """Nothing is made of nothing."""
    result = MnistNormalize()([np.full(shape + channels, level, np.uint8)])
    assert result.shape == (1, 28, 28)
    assert not result.any()


@pytest.mark.parametrize("deviation", [1, 5, 20, 60])
@pytest.mark.parametrize("side", [28, 100, 300])
def test_noise_is_no_digit(deviation: int, side: int) -> None:
    """However strong, in small pictures and in large ones."""
    levels = np.random.default_rng(side).normal(128, deviation, (3, side, side))
    noisy = np.rint(levels).clip(0, 255).astype(np.uint8)
    assert not MnistNormalize()(noisy).any()


@given(
    st.one_of(
        hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=90)),
        hnp.arrays(np.uint8, st.tuples(st.just(2), st.integers(1, 80), st.integers(1, 80), st.sampled_from([1, 3]))),
        hnp.arrays(np.float32, (2, 30, 70), elements=st.floats(0, 1, width=32)),
    )
)
@settings(max_examples=60)
def test_every_picture_gives_an_image(images: np.ndarray) -> None:
    """Whatever it holds; no warning, no NaN."""
    before = images.copy()
    result = MnistNormalize()(images)
    assert result.shape == (len(images), 28, 28)
    assert result.dtype == np.uint8
    assert set(result.reshape(len(images), -1).max(axis=1).tolist()) <= {0, 255} or images.shape[1:3] == (28, 28)
    np.testing.assert_array_equal(images, before)


def test_pictures_of_any_size_and_colour_go_together() -> None:
    """A list gives one array."""
    small, large = on_paper(page(DIGITS[7], side=40, scale=1, down=6, right=6)), PAGES[7]
    colour = np.repeat(np.kron(large, np.ones((3, 3), np.uint8))[..., None], 3, axis=2)
    result = MnistNormalize()([small, large, colour, DIGITS[7]])
    assert result.shape == (4, 28, 28)
    assert differences(result, NORMAL[[7] * 4]).max() < 15


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_photo_of_twelve_megapixels(channels: tuple[int, ...]) -> None:
    """The digit takes a tenth of its height."""
    photo = np.full((3000, 4000, *channels), 190, np.uint8)
    photo[1000:1336, 2500:2836] = on_paper(page(DIGITS[8], side=336, scale=12, down=0, right=0), 190, 60).reshape(
        336, 336, *(1 for _ in channels)
    )
    assert differences(MnistNormalize()([photo]), NORMAL[8:9]).max() < 20


@pytest.mark.parametrize("n_channels", [2, 4])
def test_transparency_is_refused(n_channels: int) -> None:
    """What shines through depends on the paper."""
    with pytest.raises(DataError, match=f"must have 1 or 3 channels here; got {n_channels} .*transparent"):
        MnistNormalize()(np.zeros((1, 30, 30, n_channels), np.uint8))
    with pytest.raises(DataError, match=rf"images\[0\] must have 1 or 3 channels here; got {n_channels} "):
        MnistNormalize().steps(np.zeros((30, 30, n_channels), np.uint8))


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.5])
def test_values_out_of_range_are_refused(bad: float) -> None:
    """As for every transform."""
    with pytest.raises(DataError, match=r"float images must lie in 0\.\.1"):
        MnistNormalize()(np.full((1, 9, 9), bad))


@pytest.mark.parametrize("stroke", [1, 0.0, None, "yes"])
def test_a_setting_that_cannot_be_meant_is_refused(stroke: object) -> None:
    """True or False."""
    with pytest.raises(SettingError, match="stroke must be True or False; got "):
        MnistNormalize(stroke=stroke)  # type: ignore[arg-type]


# How it travels, and how it is looked into


@pytest.mark.parametrize("stroke", [True, False])
def test_it_is_saved_by_its_name_and_pickled(stroke: bool) -> None:
    """And does the same afterwards."""
    transform = create_transform("mnist_normalize", stroke=stroke)
    assert transform_to_dict(transform) == {"name": "mnist_normalize", "settings": {"stroke": stroke}}
    expected = transform(PAGES[:5])
    for again in (transform_from_dict(transform_to_dict(transform)), pickle.loads(pickle.dumps(transform))):
        assert again == copy.copy(transform)
        np.testing.assert_array_equal(again(PAGES[:5]), expected)


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_steps_lead_to_the_result(channels: tuple[int, ...], dtype: Any) -> None:
    """Each is a picture, in the order in which they are made."""
    picture = np.broadcast_to(PAGES[5].reshape(SIDE, SIDE, *(1 for _ in channels)), (SIDE, SIDE, *channels))
    steps = MnistNormalize().steps(picture if dtype == np.uint8 else (picture / 255).astype(dtype))
    assert list(steps) == ["grey", "even paper", "possible ink", "digit", "stroke", "result"]
    assert all(step.dtype == np.uint8 and step.ndim == 2 for step in steps.values())
    np.testing.assert_array_equal(steps["result"], NORMAL[5])


def test_what_passes_unchanged_has_one_step() -> None:
    """Nothing is done to it."""
    steps = MnistNormalize().steps(NORMAL[0])
    assert list(steps) == ["result"]
    np.testing.assert_array_equal(steps["result"], NORMAL[0])


def test_several_images_are_more_than_steps_takes() -> None:
    """One at a time."""
    with pytest.raises(DataError, match=r"images\[0\] must have"):
        MnistNormalize().steps(PAGES)


@pytest.mark.tensorflow
def test_a_pipeline_reads_pictures_that_are_nothing_like_its_training_images(tmp_path: Path) -> None:
    """Trained on 28x28 white on black; asked about pages with lines and shadows; saved and loaded."""
    from lenetkit import Pipeline, Trainer
    from lenetkit.transforms import Rescale

    drawn = draw_digits(3000, seed=1)
    pipe = Pipeline(transforms=[MnistNormalize(), Rescale()], trainer=Trainer(epochs=4, verbose=0))
    pipe.fit(drawn.images, drawn.labels)
    pages = with_paper(ruling="ruled", pitch=60, shadow=0.5)
    loaded = Pipeline.load(pipe.save(tmp_path / "digits.lenet"))
    said = loaded.predict(pages)
    assert (said == np.arange(20) % 10).sum() >= 18
    np.testing.assert_array_equal(said, pipe.predict(map_images(lambda batch: 255 - batch, pages)))


@pytest.mark.slow
def test_digits_of_very_few_pixels_are_found() -> None:
    """In the embedded 8x8 digits nearly every pixel differs from its neighbours, and is no noise."""
    found = MnistNormalize()(load_dataset("digits").images[::4]).any(axis=(1, 2))
    assert found.mean() >= 0.98


@pytest.mark.parametrize("side", [200, 300, 512, 700])
def test_pictures_of_several_sizes_and_colours_go_together(side: int) -> None:
    """To the same images, to the bit, as each alone: in a list, in an array, and in several threads."""
    rng = np.random.default_rng(side)
    papers: tuple[dict[str, Any], ...] = (
        {"ruling": "ruled", "pitch": side / 8, "noise": 3.0},
        {"shadow": 0.5},
        {"ruling": "grid", "pitch": side / 9},
        {},
    )
    grey = [
        on_paper(page(DIGITS[seed], side=side), draw_paper(side, side, seed=seed, **paper))
        for seed, paper in enumerate(papers)
    ]
    coloured = [np.stack([photo, photo // 2, 255 - photo], axis=-1) for photo in grey[2:]]
    others = [rng.integers(0, 256, (28, 28, 3), np.uint8), draw_digits(1, seed=1).images[0], grey[0][:-7]]
    pictures = [grey[0], coloured[0], others[0], grey[1], coloured[1], *others[1:]]
    alone = np.concatenate([MnistNormalize().look([picture]).images for picture in pictures])
    np.testing.assert_array_equal(MnistNormalize().look(pictures).images, alone)
    np.testing.assert_array_equal(MnistNormalize()(pictures), alone)
    with ThreadPoolExecutor(3) as pool:
        for looks in pool.map(MnistNormalize().look, [pictures] * 6):
            np.testing.assert_array_equal(looks.images, alone)
    np.testing.assert_array_equal(MnistNormalize()(np.stack(coloured)), alone[[1, 4]])
