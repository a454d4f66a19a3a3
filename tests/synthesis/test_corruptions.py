"""The fifteen corruptions: what each does, and what all have in common."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis import CORRUPTIONS, corrupt, draw_digits

Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def digits() -> Pixels:
    """Return images to spoil."""
    return np.asarray(draw_digits(60, seed=1).images)


def test_the_kinds_are_the_papers() -> None:
    """All fifteen, in its order."""
    assert CORRUPTIONS == (
        "shot_noise",
        "impulse_noise",
        "glass_blur",
        "motion_blur",
        "shear",
        "scale",
        "rotate",
        "brightness",
        "translate",
        "stripe",
        "fog",
        "spatter",
        "dotted_line",
        "zigzag",
        "canny_edges",
    )


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_images_are_spoilt_and_the_originals_are_not(kind: str, severity: int, digits: Pixels) -> None:
    """Same shape and type, every image changed, the given array untouched."""
    before = digits.copy()
    spoilt = corrupt(digits, kind, severity=severity)
    assert spoilt.shape == digits.shape
    assert spoilt.dtype == np.uint8
    np.testing.assert_array_equal(digits, before)
    assert (spoilt != digits).any(axis=(1, 2)).all()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_an_image_depends_on_seed_and_position_alone(kind: str, digits: Pixels) -> None:
    """Neither how many there are nor what the others hold matters."""
    spoilt = corrupt(digits, kind, seed=3)
    np.testing.assert_array_equal(corrupt(digits[:7], kind, seed=3), spoilt[:7])
    others = digits.copy()
    others[::2] = 255 - others[::2]
    np.testing.assert_array_equal(corrupt(others, kind, seed=3)[1::2], spoilt[1::2])


@pytest.mark.parametrize("kind", sorted(set(CORRUPTIONS) - {"scale", "brightness", "stripe", "canny_edges"}))
def test_another_seed_spoils_otherwise(kind: str, digits: Pixels) -> None:
    """And so do two positions."""
    assert (corrupt(digits, kind, seed=1) != corrupt(digits, kind, seed=2)).any()
    twins = corrupt(np.repeat(digits[:1], 16, axis=0), kind)
    assert len(np.unique(twins.reshape(16, -1), axis=0)) > 1


def test_blocks_do_not_repeat_one_another() -> None:
    """The 513th image gets random numbers of its own."""
    blank = np.zeros((1024, 28, 28), np.uint8)
    noisy = corrupt(blank, "impulse_noise")
    assert (noisy[:512] != noisy[512:]).any(axis=(1, 2)).all()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_higher_severity_changes_more(kind: str, digits: Pixels) -> None:
    """The mean change grows from level to level."""
    original = digits.astype(float)
    changes = [np.abs(corrupt(digits, kind, severity=severity) - original).mean() for severity in range(1, 6)]
    assert all(later > earlier for earlier, later in itertools.pairwise(changes[:3])), changes
    assert changes[4] > changes[1]


def test_shot_noise_keeps_the_mean_and_takes_whole_photons() -> None:
    """Three photons make white in the published setting; the counts follow Poisson's law."""
    grey = np.full((400, 28, 28), 85, np.uint8)
    photons = corrupt(grey, "shot_noise") / 85
    assert set(np.unique(photons)) == {0, 1, 2, 3}
    shares = [np.mean(photons == count) for count in range(3)]
    np.testing.assert_allclose(shares, [np.exp(-1), np.exp(-1), np.exp(-1) / 2], atol=0.005)
    assert corrupt(np.zeros((5, 28, 28), np.uint8), "shot_noise", severity=5).max() == 0


def test_impulse_noise_makes_its_share_black_or_white() -> None:
    """Half of each, 17 % of the pixels in the published setting."""
    noisy = corrupt(np.full((100, 28, 28), 128, np.uint8), "impulse_noise")
    assert np.mean(noisy == 0) == pytest.approx(0.085, abs=0.005)
    assert np.mean(noisy == 255) == pytest.approx(0.085, abs=0.005)
    assert np.mean(noisy == 128) == pytest.approx(0.83, abs=0.01)


# Mean, spread of all pixels, mean spread within an image, spread of the images' means, and pixels above 127 in each
# image, of draw_digits(1000, seed=1), by the code that the paper published (github.com/google-research/mnist-c), with
# SciPy in place of scikit-image.
PUBLISHED = {
    "fog": (0.405, 0.171, 0.089, 0.145, 235.8),
    "dotted_line": (0.159, 0.330, 0.325, 0.037, 126.8),
    "zigzag": (0.182, 0.347, 0.344, 0.037, 142.8),
    "glass_blur": (0.134, 0.249, 0.242, 0.039, 96.7),
    "shear": (0.146, 0.302, 0.295, 0.042, 116.2),
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_statistics_are_those_of_the_published_code(kind: str) -> None:
    """In the published setting, up to the random numbers and the published rounding down."""
    images = corrupt(draw_digits(1000, seed=1).images, kind) / 255
    means = images.mean(axis=(1, 2))
    found = (means.mean(), images.std(), images.std(axis=(1, 2)).mean(), means.std())
    np.testing.assert_allclose(found, PUBLISHED[kind][:4], rtol=0.025)
    assert (images > 0.5).sum(axis=(1, 2)).mean() == pytest.approx(PUBLISHED[kind][4], rel=0.025)


def test_glass_blur_moves_ink_a_little(digits: Pixels) -> None:
    """The mass stays, the place of each pixel does not; the blurs alone run along the columns only."""
    blurred = corrupt(digits, "glass_blur")
    np.testing.assert_allclose(blurred.mean(axis=(1, 2)), digits.mean(axis=(1, 2)), rtol=0.03)
    assert np.mean(blurred.max(axis=(1, 2)) < 255) > 0.5
    column, row = np.zeros((2, 50, 28, 28), np.uint8)
    column[:, :, 14] = row[:, 14] = 255
    # Swaps move a column's ink sidewards by whole pixels; a blur along the rows would leave half of it beside them.
    assert corrupt(column, "glass_blur")[:, 5:-5, 14].mean() > 1.3 * corrupt(row, "glass_blur")[:, 14, 5:-5].mean()


def test_motion_blur_smears_a_dot_to_the_side() -> None:
    """One way, within 45 degrees of the horizontal, and most at its start."""
    dot = np.zeros((50, 28, 28), np.uint8)
    dot[:, 14, 14] = 255
    for image in corrupt(dot, "motion_blur"):
        rows, columns = np.nonzero(image)
        assert (columns <= 14).all()
        assert (np.abs(rows - 14) <= 14 - columns + 1).all()
        assert image.argmax() == 14 * 28 + 14


@pytest.mark.parametrize(("kind", "moved"), [("shear", np.sin(0.4) * 8), ("rotate", np.sin(0.4) * 8)])
def test_shear_and_rotation_turn_about_the_middle(kind: str, moved: float) -> None:
    """Ink 8 pixels above the middle moves by the published amount, to either side."""
    bar = np.zeros((40, 29, 29), np.uint8)
    bar[:, 5:24, 13:16] = 255
    spoilt = corrupt(bar, kind).astype(float)
    shifts = spoilt[:, 6] @ np.arange(29) / spoilt[:, 6].sum(axis=1) - 14
    np.testing.assert_allclose(np.abs(shifts), moved, atol=0.35)
    assert set(np.sign(shifts)) == {-1, 1}
    np.testing.assert_allclose(spoilt[:, 14] @ np.arange(29) / spoilt[:, 14].sum(axis=1), 14, atol=0.05)


def test_a_shear_leans_and_grows() -> None:
    """A column of 12 pixels leans by 0.423 of its height and becomes 1.086 times as high."""
    bar = np.zeros((40, 29, 29), np.uint8)
    bar[:, 8:21, 13:16] = 255
    leaning = corrupt(bar, "shear").astype(float)
    assert leaning.sum(axis=(1, 2)).mean() / bar[0].sum() == pytest.approx(1.086, rel=0.01)
    x, y = np.mgrid[:29, :29][::-1] - 14.0
    lean = (leaning * x * y).sum(axis=(1, 2)) / (leaning * y**2).sum(axis=(1, 2))
    np.testing.assert_allclose(np.abs(lean), 0.423 / 1.086, atol=0.01)


def test_scale_shrinks_about_the_middle() -> None:
    """To 0.7 in the published setting."""
    square = np.zeros((1, 28, 28), np.uint8)
    square[:, 4:24, 4:24] = 255
    shrunk = corrupt(square, "scale")
    assert shrunk.sum() / square.sum() == pytest.approx(0.49, rel=0.02)
    np.testing.assert_allclose(ndimage.center_of_mass(shrunk[0].astype(float)), 13.5, atol=0.01)


def test_brightness_adds_half_of_white(digits: Pixels) -> None:
    """And no more than white."""
    expected = np.minimum(digits.astype(float) + 127.5, 255)
    np.testing.assert_allclose(corrupt(digits, "brightness"), expected, atol=0.5)


@pytest.mark.parametrize("severity", range(1, 6))
def test_translation_is_exact(severity: int) -> None:
    """By as many pixels as the severity, along both axes, in all four directions, with nothing coming in."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    padded = np.pad(images, ((0, 0), (severity, severity), (severity, severity)))
    directions = set()
    for number, image in enumerate(corrupt(images, "translate", severity=severity)):
        for down in (0, 2 * severity):
            for right in (0, 2 * severity):
                if (image == padded[number, down : down + 28, right : right + 28]).all():
                    directions.add((down, right))
                    break
            else:
                continue
            break
        else:
            pytest.fail(f"image {number} is not a translation")
    assert len(directions) == 4


def test_stripes_invert_both_sides(digits: Pixels) -> None:
    """Seven columns each, and nothing between."""
    striped = corrupt(digits, "stripe")
    np.testing.assert_array_equal(striped[:, :, :7], 255 - digits[:, :, :7])
    np.testing.assert_array_equal(striped[:, :, 21:], 255 - digits[:, :, 21:])
    np.testing.assert_array_equal(striped[:, :, 7:21], digits[:, :, 7:21])


def test_fog_hides_ink_behind_clouds() -> None:
    """What is left of the contrast between ink and ground is a quarter in the published setting."""
    ground, ink = np.zeros((300, 28, 28), np.uint8), np.full((300, 28, 28), 255, np.uint8)
    clouds = corrupt(ground, "fog").astype(float)
    np.testing.assert_allclose(corrupt(ink, "fog") - clouds, 255 / 4, atol=1)
    # Corners of 256 x 256 maps: they differ from one another rather than within.
    scaled = clouds / (255 * 3 / 4)
    assert scaled.std(axis=(1, 2)).mean() == pytest.approx(0.059, rel=0.05)
    assert np.ptp(scaled.reshape(300, -1), axis=1).mean() == pytest.approx(0.29, rel=0.05)
    assert scaled.mean(axis=(1, 2)).std() == pytest.approx(0.189, rel=0.12)
    assert np.abs(np.diff(clouds, axis=2)).mean() < clouds.std() / 10


@pytest.mark.parametrize("sides", [(8, 8), (8, 300), (260, 9)])
def test_fog_covers_images_of_any_size(sides: tuple[int, int]) -> None:
    """Small ones get a corner of the map, those that are larger than it a larger map."""
    foggy = corrupt(np.zeros((4, *sides), np.uint8), "fog")
    assert (np.ptp(foggy.reshape(4, -1), axis=1) > 0).all()
    assert foggy.max() <= 192


def test_spatter_is_grey_and_covers_ink_and_ground() -> None:
    """63 of 255 where the mud is full, on black and on white."""
    for level in (0, 255):
        spoilt = corrupt(np.full((50, 28, 28), level, np.uint8), "spatter").astype(int)
        muddy = spoilt != level
        assert 0.02 < muddy.mean() < 0.3
        assert np.abs(spoilt[muddy] - 63).min() == 0
        assert (np.abs(spoilt[muddy] - 63) <= 0.2 * 255).all()


@pytest.mark.parametrize("kind", ["dotted_line", "zigzag"])
def test_lines_go_from_side_to_side(kind: str) -> None:
    """Several figures for dots, one for a zigzag, as wide as the image."""
    blank = np.zeros((50, 28, 28), np.uint8)
    lined = corrupt(blank, kind)
    columns = [np.flatnonzero((image > 100).any(axis=0)) for image in lined]
    assert max(inked.min() for inked in columns) <= 4
    assert np.median([inked.max() for inked in columns]) >= 24
    parts = [ndimage.label(image > 100, np.ones((3, 3)))[1] for image in lined]
    assert np.median(parts) == (7 if kind == "dotted_line" else 1)
    assert (corrupt(blank, kind, severity=5) > 100).sum() > 2 * (lined > 100).sum()


def test_dots_have_clean_gaps_and_their_level_falls_with_the_vertical_distance() -> None:
    """Columns 0 and 1 of every four, and the last one, stay as they were; the level is 1 + ln(1 - distance / 2.3)."""
    lined = corrupt(np.zeros((60, 28, 28), np.uint8), "dotted_line")
    gaps = (np.arange(28) % 4 < 2) | (np.arange(28) == 27)
    assert lined[:, :, gaps].max() == 0
    level = next(image for image in lined if (image[:, 2] > 0).any() and (image == image[:, [2]])[:, ~gaps].all())
    heights = level[:, 2].astype(float)
    middle = heights.argmax()
    expected = 255 * (1 + np.log(1 - np.abs(np.arange(28) - middle).clip(0, 2.29) / 2.3)).clip(0)
    np.testing.assert_allclose(heights, expected, atol=1)


def test_the_legs_of_a_zigzag_are_thin() -> None:
    """67 pixels above level 12, two and a half in each column, none in the last two columns and the first two."""
    lined = corrupt(np.zeros((300, 28, 28), np.uint8), "zigzag")
    assert (lined > 12).sum(axis=(1, 2)).mean() == pytest.approx(67, rel=0.02)
    assert lined[:, :, :2].max() == 0
    assert lined[:, :, 27:].max() == 0


def test_edges_follow_the_outline() -> None:
    """A disc leaves a thin closed ring and nothing else."""
    y, x = np.mgrid[:28, :28] - 13.5
    disc = ((np.hypot(x, y) < 8) * 255).astype(np.uint8)
    edges = corrupt(disc[None], "canny_edges")[0]
    assert set(np.unique(edges)) == {0, 255}
    distances = np.hypot(x, y)[edges > 0]
    assert distances.min() > 6.5
    assert distances.max() < 9.5
    assert 40 < len(distances) < 80
    assert ndimage.label(edges == 0)[1] == 2


def test_faint_edges_count_only_where_they_lead_to_strong_ones() -> None:
    """Hysteresis: a ramp alone is no edge."""
    faint = np.zeros((1, 28, 28), np.uint8)
    faint[:, :, 14:] = 12
    assert corrupt(faint, "canny_edges").max() == 0
    faint[:, :14, 14:] = 255
    assert corrupt(faint, "canny_edges").max() == 255


@settings(max_examples=40)
@given(
    images=arrays.arrays(
        np.uint8, st.tuples(st.integers(0, 3), st.integers(8, 32), st.integers(8, 32)), elements=st.integers(0, 255)
    ),
    kind=st.sampled_from(CORRUPTIONS),
    severity=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_images_can_be_spoilt(images: Pixels, kind: str, severity: int, seed: int) -> None:
    """Of any content and size, none too."""
    spoilt = corrupt(images, kind, severity=severity, seed=seed)
    assert spoilt.shape == images.shape
    assert spoilt.dtype == np.uint8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "fogg"}, r"kind: there is no 'fogg'\. Did you mean 'fog'\? Choose among shot_noise, .*canny_edges"),
        ({"kind": 3}, r"kind must be one of shot_noise, .*got 3"),
        ({"severity": 0}, r"severity must be an integer from 1 to 5; got 0"),
        ({"severity": 6}, r"severity must be an integer from 1 to 5; got 6"),
        ({"severity": 2.5}, r"severity must be an integer"),
        ({"seed": -1}, r"seed must be an integer from 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, object], message: str) -> None:
    """The message lists the choices."""
    with pytest.raises(SettingError, match=message):
        corrupt(np.zeros((1, 28, 28), np.uint8), **{"kind": "fog", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 28, 28)),
        np.zeros((28, 28), np.uint8),
        np.zeros((1, 28, 28, 1), np.uint8),
        np.zeros((1, 7, 28), np.uint8),
    ],
)
def test_other_arrays_are_refused(images: npt.NDArray[np.generic]) -> None:
    """The message says what was expected and what was found."""
    with pytest.raises(DataError, match=r"images must be uint8 of shape \(n, height, width\).*got \w+ of shape"):
        corrupt(images, "fog")
