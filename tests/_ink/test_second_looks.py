"""Second looks: hollow strokes, crossing lines, grains, doubtful polarity and tiny pictures, at several sizes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lenetkit._ink import doubts, is_like_mnist, is_thin, raw_stages
from lenetkit._ink.second_looks import SURE, fill_hollow, look_again, without_crossing_lines, without_grains
from lenetkit.synthesis import draw_digits, draw_number
from lenetkit.transforms import MnistNormalize

DIGITS = draw_digits(60, styles="school", seed=5)


def enlarged(images: np.ndarray, side: int) -> np.ndarray:
    """Return images (n, 28, 28) as pictures with `side` pixels each way, dark on white."""
    pictures = [ndimage.zoom(image / 255.0, side / 28, order=1).clip(0, 1) for image in images]
    return np.rint(255 * (1 - np.stack(pictures))).astype(np.uint8)


def outlined(images: np.ndarray, side: int) -> np.ndarray:
    """Return pictures of the digits' outlines, about a 28th of the side thick, dark on white."""
    ink = enlarged(images, side) < 128
    reach = max(1, side // 40)
    inside = np.stack([ndimage.binary_erosion(one, np.ones((3, 3)), iterations=reach) for one in ink])
    return np.where(ink & ~inside, 0, 255).astype(np.uint8)


def crossed(images: np.ndarray, side: int, amplitude: float = 0.06) -> np.ndarray:
    """Return pictures of digits with a wave from side to side, dark on white."""
    pictures = enlarged(images, side)
    columns = np.arange(side)
    middle = side * (0.7 + amplitude * np.sin(columns / side * 25))
    away = np.abs(np.arange(side)[:, np.newaxis] + 0.5 - middle)
    return np.where(away < side / 35, 0, pictures).astype(np.uint8)


def all_looks(pictures: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray], list[tuple[Any, Any, str]]]:
    """Return the stages, the doubts and the second looks."""
    found = dict(raw_stages(pictures, True))
    unsure = doubts(found)
    return found, unsure, list(look_again(found, unsure, stroke=True))


def done_to(looks: list[tuple[Any, Any, str]], word: str) -> dict[int, np.ndarray]:
    """Return the images of one kind of look, by picture."""
    return {
        int(row): image for rows, images, way in looks if word in way for row, image in zip(rows, images, strict=True)
    }


@pytest.mark.parametrize("side", [56, 112, 224])
def test_outlined_digits_are_filled(side: int) -> None:
    """The filled look is nearly the image that the solid digit gives."""
    _, _, looks = all_looks(outlined(DIGITS.images, side))
    filled = done_to(looks, "filled")
    assert len(filled) >= 0.8 * len(DIGITS.images)
    solid = dict(raw_stages(enlarged(DIGITS.images, side), True))["result"]
    away = [np.abs(image.astype(int) - solid[row]).mean() for row, image in filled.items()]
    first = dict(raw_stages(outlined(DIGITS.images, side), True))["result"]
    unfilled = [np.abs(first[row].astype(int) - solid[row]).mean() for row in filled]
    assert np.mean(away) < 0.7 * np.mean(unfilled)


def test_solid_strokes_and_plain_noughts_are_no_outlines() -> None:
    """Solid digits have no filled looks, but that a thin ring may."""
    _, unsure, looks = all_looks(enlarged(DIGITS.images, 112))
    assert {int(DIGITS.labels[row]) for row in done_to(looks, "filled")} <= {0}
    assert unsure["outline"].mean() < 0.1


def test_a_filled_canvas_holds_the_outline_and_what_it_encloses() -> None:
    """Of nested outlines every second gap is filled."""
    canvas = np.zeros((1, 40, 40), np.float32)
    canvas[0, 2:38, 2:38] = 1
    canvas[0, 3:37, 3:37] = 0
    canvas[0, 7:33, 7:33] = 1
    canvas[0, 8:32, 8:32] = 0
    rows, filled = fill_hollow(canvas)
    assert rows.tolist() == [0]
    wanted = np.zeros((40, 40), bool)
    wanted[2:38, 2:38] = True
    wanted[8:32, 8:32] = False
    np.testing.assert_array_equal(filled[0] > 0.5, wanted)


@pytest.mark.parametrize("shape", [(0, 30, 30), (3, 30, 30)])
def test_without_outlines_nothing_is_filled(shape: tuple[int, int, int]) -> None:
    """Neither in no canvas nor in empty ones."""
    rows, filled = fill_hollow(np.zeros(shape, np.float32))
    assert rows.shape == (0,)
    assert filled.shape == (0, 30, 30)


@pytest.mark.parametrize("side", [28, 60, 120, 300])
def test_lines_that_cross_digits_are_left_out(side: int) -> None:
    """A wave through the digit is gone, and most of the digit is not."""
    pictures, plain = crossed(DIGITS.images, side), enlarged(DIGITS.images, side)
    found, unsure, looks = all_looks(pictures)
    assert unsure["line"].all()
    left_out = done_to(looks, "left out")
    left_out = {row: image for row, image in left_out.items() if row in done_to(looks, "cut off")}
    assert len(left_out) >= 0.7 * len(pictures)
    wanted = dict(raw_stages(plain, True))["result"]
    before = np.mean([np.abs(found["result"][row].astype(int) - wanted[row]).mean() for row in left_out])
    after = np.mean([np.abs(image.astype(int) - wanted[row]).mean() for row, image in left_out.items()])
    assert after < 0.6 * before


def test_a_line_alone_leaves_nothing_to_look_at() -> None:
    """A mask that is only a line, or only a digit, stays."""
    line = np.zeros((1, 40, 40), bool)
    line[0, 20:22] = True
    assert len(without_crossing_lines(line)[0]) == 0
    seven = enlarged(DIGITS.images[7:8], 60) < 128
    assert len(without_crossing_lines(seven)[0]) == 0


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    kind=st.sampled_from(["line", "noise", "rings", "blank", "gradient"]),
    seed=st.integers(0, 1000),
)
def test_any_picture_of_any_size_can_be_looked_at_again(height: int, width: int, kind: str, seed: int) -> None:
    """Lines at the very edge, noise, rings, gradients: looks are 28x28 images of the picture, and the input stays."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    picture = {
        "line": np.where(np.abs(rows - rng.integers(height) - rng.integers(-3, 4) * np.sin(columns / 3)) < 2, 0, 255),
        "noise": rng.choice([0, 128, 255], (height, width)),
        "rings": np.where(np.hypot(rows - height / 2, columns - width / 2) % 9 < 2, 0, 255),
        "blank": np.full((height, width), 90),
        "gradient": (rows + columns) * 255 / (height + width),
    }[kind].astype(np.uint8)[np.newaxis]
    before = picture.copy()
    found, unsure, _ = all_looks(picture)
    everything = {reason: np.ones(1, bool) for reason in unsure}
    for rows_found, images, way in look_again(found, everything, stroke=True):
        assert way
        assert images.shape == (len(rows_found), 28, 28)
        assert images.dtype == np.uint8
        assert (rows_found == 0).all()
    np.testing.assert_array_equal(picture, before)


def test_grains_are_seen_and_taken_out() -> None:
    """Salt and pepper are grains; a clean digit, and one on ruled paper, has none."""
    rng = np.random.default_rng(0)
    clean = enlarged(DIGITS.images, 40)
    spoilt = np.where(rng.random(clean.shape) < 0.1, rng.choice([0, 255], clean.shape), clean).astype(np.uint8)
    assert not doubts(dict(raw_stages(clean, True)))["grains"].any()
    found, unsure, looks = all_looks(spoilt)
    assert unsure["grains"].all()
    wanted = dict(raw_stages(clean, True))["result"].astype(int)
    medians = done_to(looks, "left out")
    after = np.mean([np.abs(image - wanted[row]).mean() for row, image in medians.items()])
    assert after < 0.6 * np.abs(found["result"] - wanted).mean()
    assert set(without_grains(spoilt)) == {"grains left out", "grains blurred"}


def test_where_ink_and_paper_are_in_doubt_both_are_shown() -> None:
    """A picture whose border goes from black to white."""
    picture = np.tile(np.linspace(0, 255, 28).astype(np.uint8), (1, 28, 1))
    picture[0, 8:20, 18:21] = 0
    _, unsure, looks = all_looks(picture)
    assert unsure["polarity"].all()
    assert list(done_to(looks, "exchanged")) == [0]


def test_blank_pictures_have_no_doubts() -> None:
    """Nothing is sought where there is nothing."""
    for level in (0, 130, 255):
        unsure = doubts(dict(raw_stages(np.full((2, 50, 50), level, np.uint8), True)))
        assert not any(answer.any() for answer in unsure.values())


def test_of_tiny_pictures_all_is_taken_as_ink_once_more() -> None:
    """A thick 1 that fills 8x8 pixels is too wide for a stroke, but not for the second look."""
    one = np.zeros((1, 8, 8), np.uint8)
    one[0, :, 2:6] = 255
    _, unsure, looks = all_looks(one)
    assert unsure["small"].all()
    (image,) = done_to(looks, "all of a small picture").values()
    rows, columns = image.nonzero()
    assert np.ptp(rows) == 19
    assert 8 <= np.ptp(columns) <= 11


@pytest.mark.parametrize(("side", "n_looks"), [(200, 0), (300, 1)])
def test_with_lines_across_a_large_picture_the_paper_is_looked_for_closely(side: int, n_looks: int) -> None:
    """The first look finds it on few pixels there; on smaller pictures on all of them as it is."""
    pictures = crossed(DIGITS.images[:3], side)
    found, doubt, looks = all_looks(pictures)
    assert doubt["line"].all()
    closely = [seen for _, seen, done in looks if done == "the paper looked for on all pixels"]
    assert len(closely) == n_looks
    for seen in closely:
        assert (seen.shape, seen.dtype) == (found["result"].shape, np.uint8)
        assert seen.any(axis=(1, 2)).all()


def test_every_doubt_has_a_limit() -> None:
    """From which on the first look is enough."""
    found = dict(raw_stages(enlarged(DIGITS.images[:2], 40), True))
    assert set(SURE) == {*doubts(found), "thin"}


def test_images_like_mnists_may_be_outlines() -> None:
    """Thin lines in pairs are told from strokes, without a doubt about ordinary digits."""
    assert not is_thin(draw_digits(300, seed=1).images).any()
    ring = np.zeros((1, 28, 28), np.uint8)
    ring[0, 4:24, 8:20] = 255
    ring[0, 5:23, 9:19] = 0
    assert is_thin(ring).all()


def test_one_image_is_judged_as_among_others() -> None:
    """Though in a way of its own, which takes a few microseconds."""
    digits = MnistNormalize()(draw_digits(40, seed=2).images)
    rings = np.zeros((2, 28, 28), np.uint8)
    rings[:, 5:25, 9:21] = 255
    rings[:, 6:24, 10:20] = 0
    rings[1, 10:20, 9] = 100
    shifted = [np.roll(digits, by, axis) for by in (-1, 1) for axis in (1, 2)]
    speck, faint = digits.copy(), digits // 2
    speck[:, 1, 1] = 1
    blank = np.zeros((1, 28, 28), np.uint8)
    noise = np.random.default_rng(1).integers(0, 256, (9, 28, 28), dtype=np.uint8)
    images = np.concatenate([digits, rings, *shifted, speck, faint, blank, blank + 255, noise])
    for judge, given_images in ((is_like_mnist, images), (is_thin, images[is_like_mnist(images)])):
        alone = np.concatenate([judge(image[np.newaxis]) for image in given_images])
        np.testing.assert_array_equal(alone, judge(given_images))
        assert alone.any()
        assert not alone.all()


def test_a_picture_is_looked_at_as_in_any_batch() -> None:
    """To the bit."""
    pictures = np.concatenate([crossed(DIGITS.images[:8], 60), outlined(DIGITS.images[:8], 60)])
    _, _, together = all_looks(pictures)
    for row in range(len(pictures)):
        _, _, alone = all_looks(pictures[row : row + 1])
        ours = [
            (way, image) for rows, images, way in together for at, image in zip(rows, images, strict=True) if at == row
        ]
        theirs = [(way, image) for _, images, way in alone for image in images]
        assert [way for way, _ in ours] == [way for way, _ in theirs]
        for (_, one), (_, other) in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_numbers_in_one_picture_stay_whole() -> None:
    """Two digits are not taken for a digit and a line."""
    picture = 255 - draw_number("47", seed=2).image
    _, _, looks = all_looks(picture[np.newaxis])
    assert not done_to(looks, "line")
