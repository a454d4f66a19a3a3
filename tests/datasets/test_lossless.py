"""One picture in every lossless way: depth, colour type, interlacing, palette and transparency store it, no more."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from tests.datasets.raw_pictures import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, colour, png, pnm, tiff

from lenetkit.datasets import read_image

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)
DEPTHS = (1, 2, 4, 8)


def step(depth: int) -> int:
    return 255 // (2**depth - 1)


def stack(pixels: np.ndarray, *more: np.ndarray) -> np.ndarray:
    return np.dstack([pixels] * 3 + list(more))


def ways(levels: np.ndarray, depth: int) -> Iterator[tuple[str, bytes]]:
    """Give a grey picture of a few bits as a PNG of each type and depth that can hold it, and in other formats."""
    for interlaced in (False, True):
        for more in [wide for wide in DEPTHS if wide % depth == 0]:
            samples = levels * (step(depth) // step(more))
            yield f"grey {more}", png(samples, GREY, more, interlaced=interlaced)
            greys = b"".join(bytes([255 - level * step(more)]) * 3 for level in range(2**more))
            yield f"palette {more}", png(2**more - 1 - samples, PALETTE, more, palette=greys, interlaced=interlaced)
        for more in (8, 16):
            samples = levels * step(depth) * (257 if more == 16 else 1)
            solid = np.full_like(samples, 2**more - 1)
            yield f"grey {more}", png(samples, GREY, more, interlaced=interlaced)
            yield f"rgb {more}", png(stack(samples), RGB, more, interlaced=interlaced)
            yield f"rgba {more}", png(stack(samples, solid), RGBA, more, interlaced=interlaced)
            yield f"grey, alpha {more}", png(np.dstack([samples, solid]), GREY_ALPHA, more, interlaced=interlaced)
    for highest in (255, 2**depth - 1, 65535):
        samples = np.rint(levels * (highest / (2**depth - 1))).astype(int)
        for plain in (False, True):
            yield f"pgm {highest}", pnm(samples, highest, plain=plain)
            yield f"ppm {highest}", pnm(stack(samples), highest, plain=plain)
    for order in "<>":
        for more in (8, 16):
            samples = levels * step(depth) * (257 if more == 16 else 1)
            yield f"tiff {more}", tiff(samples, more, order=order)
            yield f"rgb tiff {more}", tiff(stack(samples), more, order=order)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), depth=st.sampled_from(DEPTHS))
def test_a_grey_picture_is_the_same_in_every_way(data: st.DataObject, depth: int) -> None:
    """The array says the levels, 0 to 255, whatever way it came."""
    levels = data.draw(hnp.arrays(np.int64, SHAPES, elements=st.integers(0, 2**depth - 1)))
    expected = levels * step(depth)
    assume(not 0 < expected.max() <= 3)  # refused
    for way, content in ways(levels, depth):
        np.testing.assert_array_equal(read_image(content), expected, err_msg=way)


def transparent_ways(levels: np.ndarray, depth: int, clear: int) -> Iterator[tuple[str, bytes]]:
    """Give a grey picture, one level of which is transparent, as a PNG of each type and depth, and in other formats."""
    alpha = np.where(levels == clear, 0, 255)
    for interlaced in (False, True):
        for more in [wide for wide in DEPTHS if wide % depth == 0]:
            factor = step(depth) // step(more)
            yield (
                f"grey {more}",
                png(levels * factor, GREY, more, transparent=colour(clear * factor), interlaced=interlaced),
            )
            greys = b"".join(bytes([level * step(more)]) * 3 for level in range(2**more))
            opacity = bytes([255] * clear * factor + [0])
            yield (
                f"palette {more}",
                png(levels * factor, PALETTE, more, palette=greys, transparent=opacity, interlaced=interlaced),
            )
        for more in (8, 16):
            factor = step(depth) * (257 if more == 16 else 1)
            samples, opaque = levels * factor, alpha * (257 if more == 16 else 1)
            one, three = colour(clear * factor), colour([clear * factor] * 3)
            yield f"grey {more}", png(samples, GREY, more, transparent=one, interlaced=interlaced)
            yield f"rgb {more}", png(stack(samples), RGB, more, transparent=three, interlaced=interlaced)
            yield f"rgba {more}", png(stack(samples, opaque), RGBA, more, interlaced=interlaced)
            yield f"grey, alpha {more}", png(np.dstack([samples, opaque]), GREY_ALPHA, more, interlaced=interlaced)
    yield "rgba tiff", tiff(stack(levels * step(depth), alpha), 8, alpha=True)
    grey_alpha = np.dstack([levels * step(depth), alpha]).astype(np.uint8)
    for kind, options in (("webp", {"lossless": True, "exact": True}), ("tiff", {}), ("png", {})):
        file = io.BytesIO()
        Image.fromarray(stack(grey_alpha[..., 0], grey_alpha[..., 1])).save(file, kind, **options)
        yield kind, file.getvalue()


@settings(max_examples=40, deadline=None)
@given(data=st.data(), depth=st.sampled_from(DEPTHS))
def test_a_transparent_level_is_the_same_in_every_way(data: st.DataObject, depth: int) -> None:
    """As the array with an alpha channel has it; a PIL image that was opened, but not loaded, too."""
    levels = data.draw(hnp.arrays(np.int64, SHAPES, elements=st.integers(0, 2**depth - 1)))
    clear = data.draw(st.integers(0, 2**depth - 1))
    grey = (levels * step(depth)).astype(np.uint8)
    assume(not 0 < np.where(levels == clear, 0, grey).max() <= 3)
    expected = read_image(np.dstack([grey, np.where(levels == clear, 0, 255).astype(np.uint8)]))
    for way, content in transparent_ways(levels, depth, clear):
        np.testing.assert_array_equal(read_image(content), expected, err_msg=way)
        with Image.open(io.BytesIO(content)) as image:
            np.testing.assert_array_equal(read_image(image), expected, err_msg=f"{way}, opened")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_bits_above_the_depth_say_nothing(depth: int, interlaced: bool) -> None:
    """Of a transparent level as many bits count as the picture has, the lowest (PNG specification, 11.3.2.1)."""
    levels = np.array([[0, 1, 0], [1, 0, 1]]) * (2**depth - 1)
    content = png(levels, GREY, depth, transparent=colour(2**16 - 1), interlaced=interlaced)
    assert read_image(content).tolist() == [[0, 255, 0], [255, 0, 255]]
    colours = png(stack(np.full((2, 2), 7)), RGB, 8, transparent=colour([0x107, 0xFF07, 7]))
    assert set(read_image(colours).ravel().tolist()) == {255}


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_transparent_colour_of_sixteen_bits_is_met_in_all_of_them(interlaced: bool) -> None:
    """Neighbours that differ in the lowest bit stay what they are."""
    values = np.array([[65535, 65534], [65279, 0]])
    for samples, kind, clear in (
        (values, GREY, colour(65535)),
        (stack(values), RGB, colour([65535] * 3)),
        (np.dstack([values, values, values * 0 + 65535]), RGB, colour([65535] * 3)),
    ):
        given = png(samples, kind, 16, transparent=clear, interlaced=interlaced)
        alpha = np.where(values == 65535, 0, 255)
        upper = stack(values >> 8, alpha) if kind == GREY else np.dstack([samples >> 8, alpha])
        np.testing.assert_array_equal(read_image(given), read_image(upper.astype(np.uint8)))


@settings(max_examples=40, deadline=None)
@given(values=hnp.arrays(np.int64, SHAPES, elements=st.integers(0, 65535)))
def test_sixteen_bits_become_their_upper_eight_in_every_way(values: np.ndarray) -> None:
    """In colour as in grey, in a PPM as in a PNG."""
    upper = values >> 8
    assume(not 0 < upper.max() <= 3)
    solid = np.full_like(values, 65535)
    contents = {
        "png": png(values, GREY, 16),
        "rgb png": png(stack(values), RGB, 16),
        "rgba png": png(stack(values, solid), RGBA, 16),
        "grey and alpha png": png(np.dstack([values, solid]), GREY_ALPHA, 16),
        **{f"pgm {plain}": pnm(values, 65535, plain=plain) for plain in (False, True)},
        **{f"ppm {plain}": pnm(stack(values), 65535, plain=plain) for plain in (False, True)},
        **{f"tiff {order}": tiff(values, 16, order=order) for order in "<>"},
        **{f"rgb tiff {order}": tiff(stack(values), 16, order=order) for order in "<>"},
    }
    for way, content in contents.items():
        np.testing.assert_array_equal(read_image(content), upper, err_msg=way)


def test_colours_of_sixteen_bits_stay_in_their_places() -> None:
    """A PPM that is not grey."""
    samples = np.random.default_rng(0).integers(0, 65536, (5, 7, 3))
    for plain in (False, True):
        np.testing.assert_array_equal(read_image(pnm(samples, 65535, plain=plain)), samples >> 8)
    with Image.open(io.BytesIO(pnm(samples, 65535))) as image:
        np.testing.assert_array_equal(read_image(image), samples >> 8)


@pytest.mark.parametrize("highest", [1000, 1023, 4095])
def test_a_ppm_is_what_the_pgm_is(highest: int) -> None:
    """Whatever number is white."""
    values = np.arange(highest + 1)[None]
    np.testing.assert_array_equal(read_image(pnm(stack(values), highest)), read_image(pnm(values, highest)))


def test_twelve_bits_of_a_tiff_are_twelve() -> None:
    """White is 4095, as in a PGM that says so."""
    values = np.arange(4096).reshape(64, 64)
    np.testing.assert_array_equal(read_image(tiff(values, 12)), values >> 4)
    np.testing.assert_array_equal(read_image(tiff(values, 12)), read_image(pnm(values, 4095)))


def test_a_truncated_ppm_of_sixteen_bits_is_damaged() -> None:
    """It is read in a way of its own, which finds that too."""
    content = pnm(stack(np.full((9, 9), 65535)), 65535)
    with pytest.raises(ValueError, match="is damaged"):
        read_image(content[:-20])
