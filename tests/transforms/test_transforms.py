"""Transforms: what they do to pixels, what they refuse, and how they travel as JSON."""

import enum
import json
import re
import subprocess
import sys
import textwrap
from typing import Literal

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import lenetkit.transforms
from lenetkit.exceptions import DataError, LenetkitError, NameTakenError, NotFittedError, SettingError, UnknownNameError
from lenetkit.transforms import (
    Compose,
    Grayscale,
    Invert,
    Pad,
    Rescale,
    Resize,
    Standardize,
    Transform,
    check_images,
    create_transform,
    list_transforms,
    map_images,
    register_transform,
    transform_from_dict,
    transform_to_dict,
)

NAMES = list_transforms()

SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, max_side=9).flatmap(
    lambda shape: st.sampled_from([shape, (*shape, 1), (*shape, 3)])
)
GOOD = SHAPES.flatmap(
    lambda shape: st.one_of(
        hnp.arrays(np.uint8, shape),
        hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)),
        hnp.arrays(np.float64, shape, elements=st.floats(0, 1)),
    )
)
ANY_SHAPE = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5)
ANYTHING = st.one_of(
    hnp.arrays(hnp.scalar_dtypes(), ANY_SHAPE),
    hnp.arrays(object, ANY_SHAPE, elements=st.one_of(st.none(), st.integers(), st.text())),
    GOOD,
    st.lists(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)), max_size=3),
    st.lists(st.one_of(st.integers(), st.none(), st.text()), max_size=3),
    st.one_of(st.none(), st.integers(), st.text(), st.dictionaries(st.text(), st.integers())),
)


@pytest.fixture
def digits():
    """Return twenty images with every grey level."""
    return np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)


def fitted(name, images=None):
    """Create a transform by name, and fit it where it learns."""
    transform = create_transform(name)
    if hasattr(transform, "fit"):
        transform.fit(np.arange(24, dtype=np.uint8).reshape(2, 3, 4) if images is None else images)
    return transform


# What holds for every registered transform


@pytest.mark.parametrize("name", NAMES)
@given(images=ANYTHING)
@settings(max_examples=60, deadline=None)
def test_anything_gives_a_result_or_an_error_of_ours(name, images):
    """No array, list or other object makes a transform raise anything but a LenetkitError."""
    try:
        result = fitted(name)(images)
    except LenetkitError:
        return
    for image in result:
        assert image.dtype in (np.uint8, np.float32)
        assert np.isfinite(image).all()


@pytest.mark.parametrize("name", NAMES)
@given(images=ANYTHING)
@settings(max_examples=60, deadline=None)
def test_fitting_anything_gives_a_result_or_an_error_of_ours(name, images):
    """The same holds for what learns."""
    try:
        result = fitted(name, images)(images)
    except LenetkitError:
        return
    assert all(np.isfinite(image).all() for image in result)


@pytest.mark.parametrize("name", NAMES)
@given(images=GOOD)
@settings(max_examples=30, deadline=None)
def test_a_list_is_treated_like_an_array(name, images):
    """One image at a time, a list of images and a whole array are the same to a transform."""
    transform = fitted(name)
    whole = transform(images)
    listed = transform(list(images))
    assert isinstance(listed, np.ndarray)
    np.testing.assert_array_equal(listed, whole)
    np.testing.assert_array_equal(np.concatenate([transform(image[np.newaxis]) for image in images]), whole)


@pytest.mark.parametrize("name", NAMES)
@given(images=GOOD)
@settings(max_examples=30, deadline=None)
def test_images_are_left_as_they_were(name, images):
    """A transform never writes into its input."""
    before = images.copy()
    images.flags.writeable = False
    fitted(name)(images)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_survives_json(name, digits):
    """Settings and what was learnt are plain JSON values and come back as the same transform."""
    transform = fitted(name, digits)
    described = json.loads(json.dumps(transform_to_dict(transform), allow_nan=False))
    again = transform_from_dict(described)
    assert repr(again) == repr(transform)
    assert transform_to_dict(again) == described
    np.testing.assert_array_equal(again(digits), transform(digits))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_settings_are_refused(name):
    """A misspelt setting is an error, in code and in JSON."""
    with pytest.raises(SettingError, match=f"the transform '{name}' has no setting 'sise'"):
        create_transform(name, sise=1)
    with pytest.raises(SettingError, match=r"extra fields found \(sise\)"):
        transform_from_dict({"name": name, "settings": {"sise": 1}})


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_frozen(name):
    """A transform does not change under the model that was trained with it."""
    transform = create_transform(name)
    for field in attrs.fields(type(transform)):
        if field.init:
            with pytest.raises(attrs.exceptions.FrozenError, match=r"^(can't set attribute)?$"):
                setattr(transform, field.name, getattr(transform, field.name))


# What counts as images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((28, 28), np.uint8),
            "images must have shape (n, height, width) or (n, height, width, channels); got (28, 28). "
            "For a single image pass images[None].",
        ),
        (np.zeros(3, np.uint8), "(n, height, width, channels); got (3,)."),
        (np.uint8(3), "(n, height, width, channels); got ()."),
        (np.zeros((0, 28, 28), np.uint8), "got no image: shape (0, 28, 28)"),
        (np.zeros((2, 0, 28), np.uint8), "got no pixels: shape (2, 0, 28)"),
        (np.zeros((2, 3, 28, 28), np.uint8), "got 28 in images of shape (3, 28, 28). The channels come last"),
        (np.zeros((2, 4, 4), np.int64), "got int64. If the values are 0..255, convert with .astype(np.uint8)."),
        (np.zeros((2, 4, 4), np.uint16), "got uint16. If the values are 0..255, convert with .astype(np.uint8)."),
        (np.zeros((2, 4, 4), bool), "got bool. Convert with .astype(np.uint8) * 255."),
        (np.zeros((2, 4, 4), complex), "got complex128"),
        (np.zeros((2, 4, 4), object), "got object. Pass images of different sizes as a list of arrays."),
        (np.zeros((2, 4, 4), "U3"), "got <U3"),
        (np.full((2, 4, 4), 254.0), "float images must lie in 0..1; images[0] holds 254. Divide by 255"),
        ([], "got an empty list"),
        ("digits.png", "images must be an array or a list of arrays; got str."),
        (None, "got NoneType"),
        ([np.zeros((4, 4), np.uint8), np.zeros(4, np.uint8)], "images[1] must have shape (height, width) or"),
        ([np.zeros((4, 0), np.uint8)], "images[0] must hold at least one pixel; got shape (4, 0)"),
        ([np.zeros((4, 4), np.uint8), [[1, 2]]], "images[1] must be an array; got list."),
        ([np.zeros((4, 4), np.uint8), np.zeros((4, 4), int)], "images[1] must be uint8 in 0..255 or float in 0..1"),
        ([np.zeros((4, 4)), np.full((4, 4), -0.5)], "images[1] holds -0.5"),
        ([np.zeros((9, 28, 28), np.uint8)], "images[0] must have 1 or 2 or 3 or 4 channels here; got 28"),
        ([np.zeros((4, 4)), np.zeros((4, 4), np.uint8)], "images[0] is float32 and images[1] is uint8"),
    ],
)
def test_other_images_are_refused_with_a_reason(images, message):
    """Each message says what was expected, what was found and what to do."""
    with pytest.raises(DataError, match=re.escape(message)):
        check_images(images)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.0000001, -1e-9, 255.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_bad_pixel_is_named(value, dtype):
    """The message names the first offending image, wherever it is in a large set."""
    images = np.zeros((2000, 28, 28), dtype)
    images[1717, 3, 4] = value
    images[1900] = np.nan
    if 0 <= images[1717, 3, 4] <= 1:
        pytest.skip("this type rounds the value into the range")
    found = re.escape(f"{images[1717, 3, 4]:g}")
    with pytest.raises(DataError, match=rf"images\[1717\] holds {found}\."):
        Rescale()(images)


def test_something_that_cannot_become_an_array_is_refused():
    """Whatever an object's own conversion raises, the caller sees one kind of error."""

    class OnAnotherDevice:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("copy it to the host first")

    with pytest.raises(DataError, match="images cannot be made an array: TypeError: copy it to the host first"):
        check_images(OnAnotherDevice())


def test_what_reads_on_demand_is_not_read_whole():
    """A selection of a large data set is passed on where nothing is to be done, and read in parts elsewhere."""

    class OnDemand:
        shape, dtype = (5000, 28, 28), np.dtype(np.uint8)
        largest = 0

        def __len__(self):
            return self.shape[0]

        def __getitem__(self, rows):
            count = len(range(*rows.indices(len(self))))
            self.largest = max(self.largest, count)
            return np.full((count, 28, 28), 51, np.uint8)

    images = OnDemand()
    assert Compose([Grayscale(), Resize((28, 28))])(images) is images
    assert images.largest == 0
    assert Invert()(images).shape == (5000, 28, 28)
    assert 0 < images.largest < 1000


def test_memory_maps_are_read(tmp_path, digits):
    """A memory map is an array."""
    np.save(tmp_path / "digits.npy", digits)
    mapped = np.load(tmp_path / "digits.npy", mmap_mode="r")
    np.testing.assert_array_equal(Invert()(mapped), 255 - digits)


# Grayscale and Invert


@given(images=hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.just(3))))
@settings(deadline=None)
def test_grey_levels_are_pillows(images):
    """Luma is computed to the bit as Pillow computes it."""
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in images]
    np.testing.assert_array_equal(Grayscale()(images), expected)


@given(levels=hnp.arrays(np.float32, (2, 5, 5), elements=st.floats(0, 1, width=32)))
@settings(deadline=None)
def test_equal_channels_keep_their_level(levels):
    """Grey saved as colour stays what it was, and in 0..1."""
    grey = Grayscale()(np.stack([levels] * 3, axis=-1))
    np.testing.assert_allclose(grey, levels, rtol=1e-6, atol=1e-40)
    assert grey.max() <= 1


def test_grey_images_pass_without_a_copy(digits):
    """There is nothing to do for (n, height, width); a channel axis of one is dropped."""
    assert Grayscale()(digits) is digits
    np.testing.assert_array_equal(Grayscale()(digits[..., np.newaxis]), digits)


@pytest.mark.parametrize("n_channels", [2, 4])
def test_transparency_is_refused(n_channels):
    """What shines through depends on the paper, which an array does not say."""
    images = [np.zeros((5, 5), np.uint8), np.zeros((5, 5, n_channels), np.uint8)]
    with pytest.raises(DataError, match=rf"images\[1\] must have 1 or 3 channels here; got {n_channels}.*transparent"):
        Grayscale()(images)


@given(images=GOOD)
@settings(deadline=None)
def test_inverting_twice_changes_nothing(images):
    """Invert is its own inverse, up to rounding for floating images."""
    np.testing.assert_allclose(Invert()(Invert()(images)), images.astype(np.float32), atol=1e-7)


# Resize and Pad


@given(
    image=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=70)),
    side=st.integers(1, 40),
)
@settings(deadline=None)
def test_scaled_pixels_are_pillows(image, side):
    """A batch is scaled at once to the very values that Pillow gives for each image."""
    square = np.resize(image, (max(image.shape), max(image.shape)))
    expected = Image.fromarray(square).resize((side, side), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(Resize(side)(square[np.newaxis])[0], expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_colours_are_scaled_channel_by_channel(dtype):
    """A colour image is scaled like its channels."""
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    images = images if dtype == np.uint8 else (images / np.float32(255))
    whole = Resize((28, 28))(images)
    for channel in range(3):
        np.testing.assert_array_equal(whole[..., channel], Resize((28, 28))(images[..., channel]))


@given(images=GOOD, height=st.integers(1, 40), width=st.integers(1, 40))
@settings(deadline=None)
def test_the_size_and_the_range_are_kept(images, height, width):
    """Whatever comes in, the size is what was asked for and values do not leave the input's range."""
    resized = Resize((height, width))(images)
    assert resized.shape == (len(images), height, width, *images.shape[3:])
    assert resized.dtype == (np.uint8 if images.dtype == np.uint8 else np.float32)
    slack = 0 if images.dtype == np.uint8 else 1e-6
    assert resized.min() >= images.min() - slack
    assert resized.max() <= min(images.max() + slack, 255 if images.dtype == np.uint8 else 1)


def test_right_sized_images_pass_without_a_copy(digits):
    """There is nothing to do."""
    assert Resize((28, 28))(digits) is digits


@pytest.mark.parametrize("turned", [False, True])
def test_the_aspect_ratio_is_kept(turned):
    """A tall digit stays tall and a wide one wide, in the middle, on the background."""
    tall = np.full((1, 40, 20), 200, np.uint8)
    resized = Resize((28, 28), background=0)(tall.swapaxes(1, 2) if turned else tall)[0]
    resized = resized.T if turned else resized
    assert (resized[:, 7:21] == 200).all()
    assert (resized[:, :7] == 0).all()
    assert (resized[:, 21:] == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (1000, 1), (3000, 2)])
def test_extreme_shapes_are_taken(shape):
    """A line of pixels becomes a line, not nothing."""
    assert Resize((28, 28))(np.full((1, *shape), 9, np.uint8)).max() == 9


def test_thin_strokes_do_not_vanish():
    """Shrinking averages; it does not pick pixels."""
    page = np.zeros((1, 280, 280), np.uint8)
    page[0, :, 143] = 255
    assert Resize((28, 28))(page)[0].sum(axis=1).min() >= 20


@pytest.mark.parametrize("paper", [0, 250])
def test_paper_is_continued(paper):
    """Without a setting the background is the median of each image's own border."""
    tall = np.full((30, 10), paper, np.uint8)
    tall[5:25, 4:6] = 128
    images = [tall, 255 - tall]
    for image, expected in zip(Resize((30, 30))(images), (paper, 255 - paper), strict=True):
        assert (image[:, :8] == expected).all()
    for image, expected in zip(Pad(3)(images), (paper, 255 - paper), strict=True):
        assert (image[:3] == expected).all()
        assert (image[:, -3:] == expected).all()


@given(images=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=7)))
@settings(deadline=None)
def test_the_background_is_the_median_of_the_border(images):
    """Of an even number of pixels the lower one of the two in the middle is taken."""
    inside = np.zeros(images.shape[1:], bool)
    inside[1:-1, 1:-1] = True
    border = np.sort(images[:, ~inside], axis=1)
    np.testing.assert_array_equal(Pad(1)(images)[:, 0, 0], border[:, (border.shape[1] - 1) // 2])


@given(images=GOOD, margin=st.tuples(*[st.integers(0, 5)] * 4), background=st.sampled_from([None, 0, 0.25, 1]))
@settings(deadline=None)
def test_padding_keeps_the_image(images, margin, background):
    """The image is in the middle of what Pad returns, and the rest is background."""
    top, bottom, left, right = margin
    padded = Pad(margin, background=background)(images)
    n, height, width = images.shape[:3]
    assert padded.shape[:3] == (n, top + height + bottom, left + width + right)
    inner = padded[:, top : top + height, left : left + width]
    np.testing.assert_array_equal(inner, images.astype(padded.dtype))
    if background is not None and top:
        expected = round(255 * background) if images.dtype == np.uint8 else background
        assert (padded[:, :top] == expected).all()


def test_no_margin_means_no_copy(digits):
    """There is nothing to do."""
    assert Pad(0)(digits) is digits


def test_one_number_stands_for_all():
    """Squares and even margins are written shortly."""
    assert Resize(28) == Resize((28, 28))
    assert Pad(2) == Pad((2, 2, 2, 2)) == Pad()
    assert Resize([np.int64(28), 28]) == Resize()


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (lambda: Resize((28, 0)), r"Resize: size must be \(height, width\), each 1 to 4096 pixels.*got \(28, 0\)"),
        (lambda: Resize((28, 28, 3)), r"got \(28, 28, 3\)"),
        (lambda: Resize(28.0), r"got 28\.0"),
        (lambda: Resize(True), "got True"),
        (lambda: Resize((28, True)), r"Resize: size must be .* pixels.*got \(28, True\)"),
        (lambda: Resize({28: 0, 30: 0}), "Resize: size must be .* pixels.*got {28: 0, 30: 0}"),
        (lambda: Resize(np.array([28, 2.5])), "Resize: size must be .* pixels"),
        (lambda: Resize("28"), "got '28'"),
        (lambda: Resize(10**9), "got 1000000000"),
        (lambda: Resize(background=255), "background must be a number from 0 .black. to 1 .white.*got 255"),
        (lambda: Resize(background=float("nan")), "got nan"),
        (lambda: Resize(background="white"), "got 'white'"),
        (lambda: Resize(background=True), "got True"),
        (lambda: Pad(-1), r"Pad: margin must be \(top, bottom, left, right\), each 0 to 4096 pixels.*got -1"),
        (lambda: Pad((1, 2)), r"got \(1, 2\)"),
        (lambda: Standardize(per_channel="yes"), "per_channel must be True or False; got 'yes'"),
        (lambda: Compose([Grayscale(), Rescale]), r"steps\[1\] must be a transform.*Did you mean Rescale\(\)\?"),
        (lambda: Compose(["rescale"]), r"steps\[0\] must be a transform.*create_transform"),
        (lambda: Compose("rescale"), "steps must be a list of transforms; got 'rescale'"),
        (lambda: Compose({}), "steps must be a list of transforms; got {}"),
        (lambda: Compose({Rescale()}), "steps must be a list of transforms; got {Rescale"),
        (lambda: Compose(None), "steps must be a list of transforms; got None"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(create, message):
    """Settings are checked when they are made, not when images come."""
    with pytest.raises(SettingError, match=message):
        create()


# Rescale and Standardize


def test_rescaling_uses_the_whole_range(digits):
    """0 is 0, 255 is 1, and floating images are in 0..1 already."""
    assert Rescale()(np.array([[[0, 255]]], np.uint8)).tolist() == [[[0.0, 1.0]]]
    images = Rescale()(digits)
    np.testing.assert_allclose(images, digits / 255, rtol=1e-6)
    assert Rescale()(images) is images
    assert Rescale()(images.astype(np.float64)).dtype == np.float32


@pytest.mark.parametrize("transform", [Rescale(), Standardize(), Standardize(per_channel=True)], ids=repr)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(20, 28, 28), (700, 30, 30, 3)])
def test_affine_transforms_are_scale_and_offset_bit_for_bit(transform, dtype, shape):
    """A trainer that multiplies and adds in float32 gets what the transform gives."""
    images = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    images = images if dtype == np.uint8 else images / np.float32(255)
    if isinstance(transform, Standardize):
        transform.fit(images)
    scale, offset = transform.affine(dtype)
    assert scale.dtype == offset.dtype == np.float32
    expected = images.astype(np.float32) * scale + offset
    np.testing.assert_array_equal(transform(images).view(np.uint32), expected.view(np.uint32))
    if dtype == np.uint8:
        assert (transform.scale == scale).all()
        assert (transform.offset == offset).all()


@given(images=GOOD)
@settings(deadline=None)
def test_standardised_training_images_have_mean_0_and_deviation_1(images):
    """What fit learns is what NumPy computes in float64."""
    units = images.astype(np.float64) / (255 if images.dtype == np.uint8 else 1)
    try:
        transform = Standardize().fit(images)
    except DataError:
        assert units.std() < 1.001e-6
        return
    np.testing.assert_allclose(transform.mean_, [units.mean()], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(transform.std_, [units.std()], rtol=1e-6)


def test_channels_have_their_own_mean():
    """With per_channel each colour is standardised by itself."""
    images = np.random.default_rng(0).integers(0, 200, (50, 8, 8, 3), dtype=np.uint8)
    images[..., 2] //= 4
    result = Standardize(per_channel=True).fit(images)(images)
    np.testing.assert_allclose(result.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_what_is_learnt_does_not_depend_on_the_type(digits):
    """The same pictures as uint8 and as float give the same statistics and the same result."""
    as_bytes, as_floats = Standardize().fit(digits), Standardize().fit(digits / 255)
    np.testing.assert_allclose(as_bytes.mean_, as_floats.mean_, rtol=1e-12)
    np.testing.assert_allclose(as_bytes.std_, as_floats.std_, rtol=1e-12)
    np.testing.assert_allclose(as_bytes(digits), as_floats(digits / 255), atol=1e-5)


def test_a_list_of_different_sizes_is_learnt_pixel_by_pixel():
    """Every pixel counts the same, in whatever image it is."""
    images = [np.zeros((2, 2), np.uint8), np.full((2, 6), 255, np.uint8)]
    assert Standardize().fit(images).mean_.tolist() == [0.75]


@pytest.mark.parametrize("attribute", ["mean_", "std_", "scale", "offset"])
def test_nothing_is_learnt_before_fit(attribute):
    """Using it too early is an error that says what to do."""
    with pytest.raises(NotFittedError, match="Call fit with the training images first"):
        getattr(Standardize(), attribute)
    assert not hasattr(Standardize(), attribute)
    with pytest.raises(NotFittedError, match="Call fit"):
        Standardize()(np.zeros((1, 2, 2), np.uint8))


def test_images_of_one_level_teach_nothing():
    """There is no deviation to divide by."""
    with pytest.raises(DataError, match=r"more than one grey level; found only 0\.6 \(of 0\.\.1\)\."):
        Standardize().fit(np.full((3, 4, 4), 153, np.uint8))
    colours = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    colours[..., 1] = 7
    with pytest.raises(DataError, match="in channel 1"):
        Standardize(per_channel=True).fit(colours)


def test_another_number_of_channels_is_refused():
    """Three means do not fit one channel; the first offender is named."""
    colour, grey = np.arange(48, dtype=np.uint8).reshape(4, 4, 3), np.zeros((4, 4), np.uint8)
    transform = Standardize(per_channel=True)
    with pytest.raises(DataError, match=r"same number of channels as images\[0\], 3; images\[2\] has 1"):
        transform.fit([colour, colour, grey])
    transform.fit([colour])
    with pytest.raises(DataError, match=r"same number of channels as the images in fit, 3; images\[1\] has 1"):
        transform([colour, grey])
    with pytest.raises(DataError, match=r"images\[0\] has 1"):
        transform(grey[np.newaxis])


def test_mnist_has_its_published_mean_and_deviation(shared_data):
    """0.1307 and 0.3081 are the numbers that everybody uses."""
    import gzip

    with gzip.open(shared_data / "mnist" / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    transform = Standardize().fit(images)
    assert transform.mean_.round(4).tolist() == [0.1307]
    assert transform.std_.round(4).tolist() == [0.3081]


# Compose


def test_steps_run_in_their_order(digits):
    """Compose is its steps one after the other; any callable may be one."""
    steps = [Invert(), lambda images: images // 2, Rescale()]
    np.testing.assert_array_equal(Compose(steps)(digits), Rescale()((255 - digits) // 2))


def test_no_steps_leave_images_alone(digits):
    """The empty composition only checks."""
    assert Compose()(digits) is digits
    with pytest.raises(DataError, match="pass images"):
        Compose()(digits[0])


def test_fit_reaches_every_step_that_learns(digits):
    """Each step learns from what the steps before it make, in nested compositions too."""
    inner = Standardize()
    prepare = Compose([Invert(), Compose([Pad(2, background=0), inner])])
    assert prepare.fit(digits) is prepare
    assert inner.mean_ == Standardize().fit(Pad(2, background=0)(255 - digits)).mean_


def test_fit_leaves_the_last_step_out(digits):
    """What nobody learns from is not computed."""

    class Explosive:
        fitted = False

        def fit(self, images):
            self.fitted = True

        def __call__(self, images):
            raise AssertionError("not needed")

    learner = Explosive()
    Compose([Invert(), learner, learner.__call__]).fit(digits)
    assert learner.fitted


@pytest.mark.parametrize(
    ("steps", "n_head", "tail"),
    [
        ([], 0, None),
        ([Grayscale(), Resize()], 2, None),
        ([Grayscale(), Rescale()], 1, Rescale),
        ([Grayscale(), Compose([Resize(), Compose([Standardize()])])], 2, Standardize),
        ([Rescale(), Standardize()], 1, Standardize),
        ([Rescale(), Pad()], 2, None),
        ([Compose([Rescale()]), Compose([])], 0, Rescale),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_affine_tail_can_be_taken_off(steps, n_head, tail, dtype, digits):
    """Head and then scale and offset are, bit for bit, the whole."""
    images = digits if dtype == np.uint8 else digits / np.float32(255)
    prepare = Compose(steps).fit(images)
    head, last = prepare.split_affine()
    assert len(head.steps) == n_head
    result = head(images)
    if tail is None:
        assert last is None
    else:
        assert type(last) is tail
        scale, offset = last.affine(result.dtype)
        result = result.astype(np.float32) * scale + offset
    np.testing.assert_array_equal(result, prepare(images))


class Foreign:
    """A transform from elsewhere: it multiplies, and keeps what it was called with."""

    def __init__(self, factor, dtype=np.float64):
        self.factor, self.dtype, self.seen = factor, dtype, []

    def __call__(self, images):
        self.seen.append(images)
        return images.astype(self.dtype) * self.dtype(self.factor)


def test_images_are_checked_once_on_their_way(digits, monkeypatch):
    """Their range at the entry, and once more after a step from elsewhere; alone, every transform checks."""
    checks = []
    check = lenetkit.transforms._pixels._check_range
    monkeypatch.setattr(
        lenetkit.transforms._pixels, "_check_range", lambda *given: checks.append(given) or check(*given)
    )
    images = digits / np.float32(255)
    Compose([Invert(), Pad(1), Compose([Resize(20)]), Rescale()])(images)
    assert len(checks) == 1
    Compose([Invert(), Foreign(0.5), Pad(1), Rescale()]).prepare(images)
    assert len(checks) == 3
    for transform in (Invert(), Pad(1), Rescale()):
        transform(images)
    assert len(checks) == 6


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Foreign(300.0), r"float images must lie in 0\.\.1; images\[0\] holds"),
        (Foreign(1, np.int64), "images must be uint8 in 0..255 or float in 0..1; got int64"),
    ],
)
def test_wrong_results_of_a_step_from_elsewhere_are_refused(step, message, digits):
    """By the next step, or by preparing for a trailing scale and offset; it is given arrays."""
    images = digits / np.float32(255) + np.float32(0)
    for use in (Compose([step, Invert()]), Compose([step, Rescale()]), Compose([step, Rescale()]).prepare):
        with pytest.raises(DataError, match=message):
            use(images)
    assert all(isinstance(seen, np.ndarray) for seen in step.seen)


def test_a_subclass_keeps_its_own_call(digits):
    """A step is called as its class says, not as its parent's."""

    @attrs.frozen
    class Twice(Invert):
        def __call__(self, images):
            return super().__call__(super().__call__(images))

    np.testing.assert_array_equal(Compose([Twice(), Pad(1)])(digits), Pad(1)(digits))


def test_channels_are_checked_before_each_step_that_allows_few(digits):
    """The message is that of the transform alone."""
    rgba = np.stack([digits] * 4, axis=-1)
    for use in (Grayscale(), Compose([Invert(), Grayscale()])):
        with pytest.raises(DataError, match=r"images must have 1 or 3 channels here; got 4.*transparent"):
            use(rgba)


def test_a_refitted_standardize_is_not_remembered(digits):
    """Scale and offset are those of the last fit."""
    inner = Standardize()
    prepare = Compose([inner]).fit(digits)
    before = prepare.get_affine(np.uint8)
    inner.fit(digits // 2)
    assert prepare.get_affine(np.uint8).scale > before.scale
    assert Compose([Rescale()]).get_affine("uint8").scale == np.float32(1 / 255)


@pytest.mark.parametrize("steps", [[], [Invert()], [Pad(1), Rescale()], [Invert(), Compose([Standardize()])]])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_prepared_images_are_the_composition_but_for_scale_and_offset(steps, dtype, digits):
    """Prepared images with their map applied are the whole, bit for bit; fitting and preparing may be one pass."""
    images = digits if dtype == np.uint8 else digits / np.float32(255)
    prepare = Compose(steps)
    fitted, prepared = prepare.fit_prepare(images), prepare.prepare(images)
    assert prepared.images.dtype == dtype
    assert prepared.scale.dtype == prepared.offset.dtype == np.float32
    np.testing.assert_array_equal(prepared.apply_affine(), prepare(images))
    np.testing.assert_array_equal(prepare.get_affine(dtype).scale, prepared.scale)
    for name in ("images", "scale", "offset"):
        np.testing.assert_array_equal(getattr(fitted, name), getattr(prepared, name))


def test_prepared_images_have_one_shape(digits):
    """What differs in shape after the transforms is refused, with the cure."""
    with pytest.raises(DataError, match=r"one shape; got \(9, 9\), \(28, 28\)\. Add lenetkit\.transforms\.Resize\."):
        Compose([Invert(), Rescale()]).prepare([digits[0], digits[0, :9, :9]])


def test_geometric_steps_keep_bytes(digits):
    """Training data stay uint8 until the last step."""
    images = np.stack([digits] * 3, axis=-1)
    assert Compose([Grayscale(), Invert(), Resize(20), Pad(6)])(images).dtype == np.uint8


# Names and JSON


def test_the_built_in_names_are_known():
    """These names are in files that users have saved."""
    assert {"compose", "grayscale", "invert", "pad", "rescale", "resize", "standardize"} <= set(NAMES)


@pytest.mark.parametrize("per_channel", [False, True])
def test_what_was_learnt_travels_exactly(per_channel):
    """Mean and deviation come back to the last bit."""
    images = np.random.default_rng(3).integers(0, 256, (5, 9, 9, 3), dtype=np.uint8)
    transform = Standardize(per_channel=per_channel).fit(images)
    again = transform_from_dict(json.loads(json.dumps(transform_to_dict(Compose([transform])))))
    np.testing.assert_array_equal(again.steps[0].mean_, transform.mean_)
    np.testing.assert_array_equal(again.steps[0].std_, transform.std_)


def test_an_unfitted_transform_comes_back_unfitted():
    """Nothing is learnt on the way."""
    described = transform_to_dict(Standardize(per_channel=True))
    assert described == {"name": "standardize", "settings": {"per_channel": True}}
    with pytest.raises(NotFittedError, match="Call fit"):
        _ = transform_from_dict(described).mean_


@given(
    size=st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
    margin=st.tuples(*[st.integers(0, 4096)] * 4),
    background=st.one_of(st.none(), st.floats(0, 1)),
)
@settings(deadline=None)
def test_any_settings_survive_json(size, margin, background):
    """What goes in comes out, equal."""
    transform = Compose([Resize(size, background=background), Compose([Pad(margin, background=background)])])
    assert transform_from_dict(json.loads(json.dumps(transform_to_dict(transform)))) == transform


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = st.sampled_from(["size", "background", "margin", "steps", "per_channel", "mean", "std"])


@given(
    described=st.one_of(
        JSON,
        st.fixed_dictionaries(
            {"name": st.one_of(st.sampled_from(NAMES), JSON)},
            optional={
                "settings": st.one_of(JSON, st.dictionaries(FIELDS, JSON, max_size=2)),
                "learnt": st.one_of(JSON, st.dictionaries(FIELDS, JSON, max_size=2)),
            },
        ),
    )
)
@settings(deadline=None)
def test_any_json_gives_a_transform_or_an_error_of_ours(described):
    """A saved file from a stranger is never worse than a LenetkitError."""
    try:
        transform = transform_from_dict(described)
    except LenetkitError:
        return
    assert transform_to_dict(transform)["name"] == described["name"]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"name": "resize", "settings": {"size": "28"}}, r"expected a list, got '28' @ resize\.size"),
        ({"name": "resize", "settings": {"size": {}}}, r"expected a list, got {} @ resize\.size"),
        ({"name": "resize", "settings": {"size": [28]}}, r"expected 2 values, got \[28\] @ resize\.size"),
        ({"name": "resize", "settings": {"size": [28, 2.0]}}, r"expected int, got 2\.0 @ resize\.size"),
        ({"name": "resize", "settings": {"size": [28, True]}}, "expected int, got True"),
        ({"name": "resize", "settings": {"size": [28, 0]}}, "Resize: size must be"),
        (
            {"name": "resize", "settings": {"background": "0"}},
            r"expected a finite number, got '0' @ resize\.background",
        ),
        ({"name": "standardize", "settings": {"per_channel": 1}}, r"expected bool, got 1 @ standardize\.per_channel"),
        ({"name": "compose", "settings": {"steps": {}}}, r"expected a list, got {} @ compose\.steps"),
        ({"name": "compose", "settings": {"steps": [3]}}, "a saved transform must be a dict with its 'name'.*got 3"),
        ({"name": "pad", "learnt": {}}, "the transform 'pad' learns nothing"),
        ({"name": "standardize", "learnt": {"mean": [0.1], "std": [0]}}, "what was learnt must be"),
        ({"name": "standardize", "learnt": {"mean": [0.1], "std": [10**400]}}, "what was learnt must be"),
        ({"name": "standardize", "learnt": {"mean": [0.1], "std": [0.1, 0.2]}}, "what was learnt must be"),
        ({"name": "standardize", "learnt": {"mean": [0.1, 0.1], "std": [0.1, 0.2]}}, "what was learnt must be"),
        ({"name": "standardize", "learnt": {"mean": "0", "std": "0"}}, "what was learnt must be"),
        ({"name": "pad", "module": "os"}, "and nothing else"),
        ({"settings": {}}, "must be a dict with its 'name'"),
        ([], "must be a dict with its 'name'"),
    ],
)
def test_damaged_settings_are_refused(described, message):
    """Nothing is converted on the quiet, and the message says where the fault is."""
    with pytest.raises(SettingError, match=message):
        transform_from_dict(described)


@pytest.mark.parametrize("name", ["os.system", "lenetkit.transforms.resize.Resize", "builtins:eval", ""])
def test_names_are_looked_up_and_never_imported(name):
    """A path to some function is just an unknown name, inside a composition too."""
    with pytest.raises(UnknownNameError, match="unknown transform"):
        transform_from_dict({"name": name})
    with pytest.raises(UnknownNameError, match="unknown transform"):
        transform_from_dict({"name": "compose", "settings": {"steps": [{"name": name}]}})


def test_deep_nesting_is_refused():
    """A hostile file can't exhaust the stack."""
    described = {"name": "grayscale"}
    for _ in range(5000):
        described = {"name": "compose", "settings": {"steps": [described]}}
    with pytest.raises(SettingError, match="recursion"):
        transform_from_dict(described)


def test_a_step_without_a_name_cannot_be_saved():
    """A function has no settings that could be written down."""
    with pytest.raises(SettingError, match="cannot be saved: its class function has no name"):
        transform_to_dict(Compose([lambda images: images]))


@pytest.fixture
def registered():
    """Register a transform for one test."""

    @register_transform("mirror")
    @attrs.frozen(kw_only=True)
    class Mirror:
        vertical: bool = False

        def __call__(self, images):
            return map_images(lambda batch: np.flip(batch, 1 if self.vertical else 2), images)

    yield Mirror
    lenetkit.transforms._base._transforms.unregister("mirror")


def test_ones_own_transform_is_as_good_as_the_built_in_ones(registered, digits):
    """It is listed, created, composed and saved by its name."""
    assert "mirror" in list_transforms("m*")
    prepare = Compose([create_transform("mirror", vertical=True), Rescale()])
    assert transform_from_dict(transform_to_dict(prepare)) == prepare
    np.testing.assert_array_equal(prepare(digits), Rescale()(digits[:, ::-1]))


@pytest.fixture
def centring():
    """Register a transform that learns and has only the methods of lenetkit 0.1 to save that."""

    @register_transform("centring")
    @attrs.define
    class Centring:
        middle: float = attrs.field(default=0.0, init=False)

        def fit(self, images):
            self.middle = float(images.mean())
            return self

        def learnt_to_dict(self):
            return {"middle": self.middle}

        def learnt_from_dict(self, learnt):
            self.middle = learnt["middle"]

        def __call__(self, images):
            return images

    yield Centring
    lenetkit.transforms._base._transforms.unregister("centring")


def test_the_old_methods_of_a_transform_that_learns_still_work(centring, digits):
    """For one minor release, with a warning: a plug-in's, and those of Standardize."""
    transform = centring().fit(digits)
    with pytest.warns(DeprecationWarning, match=r"Centring\.learnt_to_dict with .* use get_state with set_state"):
        described = transform_to_dict(Compose([transform]))
    with pytest.warns(DeprecationWarning, match="use get_state with set_state"):
        assert transform_from_dict(described).steps[0].middle == digits.mean()
    fitted_, empty = Standardize().fit(digits), Standardize()
    with pytest.warns(DeprecationWarning, match=r"use Standardize\.get_state"):
        learnt = fitted_.learnt_to_dict()
    with pytest.warns(DeprecationWarning, match=r"use Standardize\.set_state"):
        empty.learnt_from_dict(learnt)
    assert empty.get_state() == fitted_.get_state()


class Ink(enum.Enum):
    """A setting with names."""

    BLUE = "blue"


@attrs.frozen
class Nib:
    """A setting with settings of its own."""

    width: float = 1.0


@pytest.fixture
def varied():
    """Register a transform with settings of every kind that has a plain form."""

    @register_transform("varied")
    @attrs.frozen(kw_only=True)
    class Varied:
        mode: Literal["soft", "hard"] = "soft"
        size: int | float | None = None
        weights: list[float] = attrs.field(factory=list)
        names: dict[str, int] = attrs.field(factory=dict)
        ink: Ink = Ink.BLUE
        nib: Nib = Nib()
        inner: Transform | None = None

        def __call__(self, images):
            return images

    yield Varied
    lenetkit.transforms._base._transforms.unregister("varied")


def test_settings_of_every_kind_survive_json(varied):
    """Values come back in their own types."""
    given = varied(mode="hard", size=2, weights=[1.0], names={"a": 1}, nib=Nib(2.0), inner=Resize(9))
    again = transform_from_dict(json.loads(json.dumps(transform_to_dict(given))))
    assert again == given
    assert type(again.size) is int
    assert transform_from_dict({"name": "varied", "settings": {"size": 2.5}}).size == 2.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "loud"}, r"expected Literal, got 'loud' @ varied\.mode"),
        ({"size": "9"}, r"expected a finite number, got '9' @ varied\.size"),
        ({"names": [1]}, r"expected a dict, got \[1\] @ varied\.names"),
        ({"names": {"a": 0.5}}, r"expected int, got 0\.5 @ varied\.names"),
        ({"ink": "red"}, "'red' is not a valid Ink"),
        (
            {"nib": {"width": "1", "tip": 1}},
            r"expected a finite number, got '1' @ Nib\.width; extra fields.*\(tip\) @ Nib",
        ),
        ({"mode": 1, "size": [1]}, r"got 1 @ varied\.mode; expected a finite number, got \[1\] @ varied\.size"),
    ],
)
def test_settings_of_a_wrong_kind_are_refused(varied, settings, message):
    """All faults are named, each with its path."""
    with pytest.raises(SettingError, match=message):
        transform_from_dict({"name": "varied", "settings": settings})


def test_a_taken_name_is_refused_and_can_be_taken_over(registered):
    """Nobody loses a name by accident; what was made before says that its class was replaced."""
    before = registered()

    @attrs.frozen
    class Other:
        def __call__(self, images):
            return images

    with pytest.raises(NameTakenError, match="the transform name 'mirror' is taken by"):
        register_transform("mirror")(Other)
    register_transform("mirror", replace=True)(Other)
    assert transform_to_dict(Other()) == {"name": "mirror", "settings": {}}
    with pytest.raises(SettingError, match="the name 'mirror' belongs to another class by now"):
        transform_to_dict(before)


def test_a_subclass_has_no_name_of_its_own(registered):
    """A subclass would come back as its parent."""

    @attrs.frozen
    class Child(registered):
        pass

    with pytest.raises(SettingError, match=r"its class .*Child has no name"):
        transform_to_dict(Child())


def test_only_what_can_be_saved_and_called_is_registered():
    """The decorator checks what it is given."""

    class Plain:
        def __call__(self, images):
            return images

    @attrs.frozen
    class Silent:
        pass

    @attrs.frozen
    class Demanding:
        size: int

        def __call__(self, images):
            return images

    for thing, message in [
        (Plain, "must be an attrs class.*between @register_transform"),
        (lambda images: images, "must be an attrs class"),
        (Silent, "Silent must be callable"),
        (Demanding, "every setting of a transform needs a default.*Demanding.size has none"),
    ]:
        with pytest.raises(SettingError, match=message):
            register_transform("unwanted")(thing)
    assert "unwanted" not in list_transforms()


def test_settings_without_a_json_form_are_refused():
    """A setting that only Python understands is found when it is saved, not when it is loaded."""

    @register_transform("odd")
    @attrs.frozen
    class Odd:
        anything: object = attrs.field(factory=object)

        def __call__(self, images):
            return images

    try:
        with pytest.raises(SettingError, match="cannot be saved as plain JSON values"):
            transform_to_dict(Odd())
    finally:
        lenetkit.transforms._base._transforms.unregister("odd")


def run_fresh(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_file_in_the_package_is_all_it_takes(tmp_path):
    """A public module of the package registers its transform; no other line is needed."""
    (tmp_path / "mirror.py").write_text(
        textwrap.dedent("""
            import attrs
            from lenetkit.transforms import map_images, register_transform

            @register_transform("mirror")
            @attrs.frozen(kw_only=True)
            class Mirror:
                def __call__(self, images):
                    return map_images(lambda batch: batch[:, :, ::-1], images)
        """)
    )
    code = """
        import sys, json
        import lenetkit.transforms as transforms
        transforms.__path__.append(sys.argv[1])
        mirror = transforms.create_transform("mirror")
        print("mirror" in transforms.list_transforms(), transforms.transform_to_dict(mirror)["name"])
    """
    assert run_fresh(code, tmp_path) == ["True", "mirror"]


def test_transforms_are_light_to_import():
    """Preparing images needs none of the heavy libraries."""
    code = """
        import sys
        import numpy as np
        import lenetkit.transforms as transforms
        prepare = transforms.Compose([transforms.Grayscale(), transforms.Resize(20), transforms.Standardize()])
        images = prepare.fit(np.arange(64, dtype=np.uint8).reshape(1, 8, 8))(np.zeros((1, 8, 8), np.uint8))
        transforms.transform_from_dict(transforms.transform_to_dict(prepare))
        heavy = {"tensorflow", "keras", "sklearn", "pandas", "scipy", "matplotlib"}
        print("loaded:", *sorted(heavy & set(sys.modules)))
    """
    assert run_fresh(code) == ["loaded:"]
