"""Tests for inverted bands along the border of pictures."""

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetkit import Pipeline
from lenetkit._ink.bands import without_bands
from lenetkit.synthesis import corrupt, draw_digits

DIGITS = np.asarray(draw_digits(40, styles="american", seed=11).images)
PRETRAINED = Pipeline.pretrained()
PLACES = {"left": "l", "bottom": "b", "sides": "lr", "top and bottom": "tb", "corner": "tl"}


def band(side: int, edges: str, width: float) -> np.ndarray:
    """Return the mask of a band along some edges, its width a fraction of the side."""
    mask = np.zeros((side, side), bool)
    for edge in edges:
        {"t": mask, "b": mask[::-1], "l": mask.T, "r": mask.T[::-1]}[edge][: round(width * side)] = True
    return mask


def digits_of(size: int) -> np.ndarray:
    """Return the digits in pictures of a size, bright on dark, enlarged from 56 pixels on."""
    if size < 56:
        return np.pad(DIGITS, ((0, 0), ((size - 28) // 2,) * 2, ((size - 28) // 2,) * 2))
    return enlarged(DIGITS, size)


def enlarged(images: np.ndarray, size: int) -> np.ndarray:
    """Return images of another size."""
    bilinear = PIL.Image.Resampling.BILINEAR
    return np.stack([np.asarray(PIL.Image.fromarray(image).resize((size, size), bilinear)) for image in images])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [28, 40, *(pytest.param(size, marks=pytest.mark.slow) for size in (64, 100, 200))])
def test_a_digit_under_an_inverted_band_is_read_as_without_it(size: int, place: str) -> None:
    """At most two of forty answers differ, or four where the line turns within the digit, in either polarity."""
    digits = digits_of(size)
    plain = PRETRAINED.predict(digits)
    for width in (0.125, 0.25, 0.4):
        banded = np.where(band(size, PLACES[place], width), 255 - digits, digits)
        banded[::2] = 255 - banded[::2]
        assert (PRETRAINED.predict(banded) != plain).sum() <= (4 if place == "corner" and size == 28 else 2)


@pytest.mark.parametrize("levels", [(255, 0), (200, 40), (90, 230)])
def test_a_band_that_was_enlarged_or_has_other_levels_is_turned(levels: tuple[int, int]) -> None:
    """Its edge is blurred then; paper and ink need be neither black nor white."""
    paper, ink = levels
    plain = PRETRAINED.predict(DIGITS)
    banded = np.where(band(28, "lr", 0.25), 255 - DIGITS, DIGITS)
    greys = np.rint(paper + (ink - paper) * (banded / 255)).astype(np.uint8)
    for size in (28, 100):
        assert (PRETRAINED.predict(enlarged(greys, size)) != plain).sum() <= 2


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_mnist_cs_stripe_is_read(severity: int) -> None:
    """Whose border is of the ink's level for the most part."""
    plain = PRETRAINED.predict(DIGITS)
    assert (PRETRAINED.predict(corrupt(DIGITS, "stripe", severity=severity)) != plain).sum() <= 1


def test_a_sharp_band_is_turned_to_the_bit() -> None:
    """Nothing else changes."""
    pictures = digits_of(40)
    turned = without_bands(np.where(band(40, "lr", 0.25), 255 - pictures, pictures))
    assert (turned == pictures).all(axis=(1, 2)).mean() >= 0.9


@given(st.integers(0, 39), st.sampled_from([28, 40, 64, 120]), st.integers(0, 2))
def test_pictures_without_bands_stay_as_they_are(index: int, size: int, margin: int) -> None:
    """Digits on paper, and digits cut tightly with up to two pixels of margin, of either polarity."""
    image = digits_of(size)[index]
    rows, columns = image.any(axis=1).nonzero()[0], image.any(axis=0).nonzero()[0]
    tight = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], margin)
    for picture in (tight, image):
        for grey in (picture[np.newaxis], 255 - picture[np.newaxis]):
            assert (without_bands(grey) == grey).all()


BLOCKS = {
    "0": ["#####", "#...#", "#...#", "#...#", "#...#", "#...#", "#####"],
    "1": ["..#..", "..#..", "..#..", "..#..", "..#..", "..#..", "..#.."],
    "4": ["#...#", "#...#", "#...#", "#####", "....#", "....#", "....#"],
    "7": ["#####", "....#", "....#", "....#", "....#", "....#", "....#"],
    "8": ["#####", "#...#", "#...#", "#####", "#...#", "#...#", "#####"],
    "1 on a foot": ["..#..", "..#..", "..#..", "..#..", "..#..", "..#..", "#####"],
}


@pytest.mark.parametrize("digit", BLOCKS)
@pytest.mark.parametrize("margin", [0, 1, 3])
@pytest.mark.parametrize("scale", [6, 12])
def test_straight_strokes_are_no_bands(digit: str, margin: int, scale: int) -> None:
    """Square digits such as displays show have long straight edges, which may reach the border."""
    strokes = np.array([[character == "#" for character in line] for line in BLOCKS[digit]], np.uint8) * 255
    picture = np.pad(np.kron(strokes, np.ones((scale, scale), np.uint8)), margin * scale // 3)
    for grey in (picture[np.newaxis], 255 - picture[np.newaxis]):
        assert (without_bands(grey) == grey).all()


def nought(side: int, power: float, width: float, loop: bool) -> np.ndarray:
    """Return a 0 between a circle (power 2) and a square, its pen up to so many 28ths wide, dark on light."""
    fine = 8 * 28
    down, right = np.abs(np.mgrid[:fine, :fine] / 8 + 1 / 16 - 14)
    outer, inner = ((down / reach) ** power + (right / reach) ** power for reach in (9.5, 9.5 - width))
    ink = (outer <= 1) & (inner >= 1)
    # Where the pen came back to its start it leaves a thick place on the inner side.
    ink[: fine // 2] |= loop & (right < 2.5)[: fine // 2] & (down < 9)[: fine // 2] & (down > 6.5 - width)[: fine // 2]
    grey = np.rint(255 - 255 * ink.reshape(28, 8, 28, 8).mean(axis=(1, 3))).astype(np.uint8)
    return enlarged(grey[np.newaxis], side)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("side", [28, 56, 100])
def test_a_nought_is_no_frame_however_square(side: int, loop: bool) -> None:
    """Nor is its hole a digit."""
    for power in (2.0, 3.0, 4.0, 6.0, 12.0):
        for width in (1.5, 2.0, 2.5, 3.0, 3.5):
            dark = nought(side, power, width, loop)
            for picture in (dark, 255 - dark):
                np.testing.assert_array_equal(without_bands(picture), picture, err_msg=f"{power} {width}")


def test_each_picture_of_a_batch_is_mended_by_itself() -> None:
    """To the bit: predictions are batch-invariant."""
    digits = digits_of(40)
    mixed = digits.copy()
    for index, (edges, width) in enumerate([("lr", 0.25), ("t", 0.125), ("tl", 0.25), ("", 0), ("b", 0.4)]):
        mixed[index::5] = np.where(band(40, edges, width), 255 - digits[index::5], digits[index::5])
    given = mixed.copy()
    assert (without_bands(mixed) == np.concatenate([without_bands(one[np.newaxis]) for one in mixed])).all()
    assert (mixed == given).all()


@pytest.mark.parametrize("level", [0, 90, 160, 255])
def test_bands_without_a_digit_make_none(level: int) -> None:
    """Stripes of one level each are paper, whatever is ink."""
    stripes = np.full((1, 50, 50), 120, np.uint8)
    stripes[:, :, :12] = stripes[:, :, -12:] = level
    assert (without_bands(stripes) == stripes).all()


def test_a_diagnosis_names_the_band() -> None:
    """In the picture as it came; without it nothing is found."""
    for size in (28, 64):
        picture = digits_of(size)[3]
        banded = np.where(band(size, "lr", 0.25), 255 - picture, picture)
        for image in (banded, 255 - banded):
            causes = [found.cause for found in PRETRAINED.diagnose([image]).findings if found.problem == "polarity"]
            assert any("straight band along the border" in cause for cause in causes)
        assert "polarity" not in PRETRAINED.diagnose([picture, 255 - picture]).problems
