"""Non-digits and printed characters, drawn by lenetkit itself."""

import functools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lenetkit.exceptions import SettingError
from lenetkit.synthesis import draw_nondigits, draw_printed

KINDS = ("blank", "noise", "scribble", "letter", "shape", "turned", "several")
FAST = ("scribble", "shape", "turned", "blank", "noise")


def test_kinds_take_turns_and_are_the_classes() -> None:
    """All kinds come in equal parts."""
    drawn = draw_nondigits(70, seed=1)
    assert drawn.class_names == KINDS
    assert np.bincount(drawn.labels).tolist() == [10] * 7
    assert drawn.images.shape == (70, 28, 28)
    assert drawn.images.dtype == np.uint8


@functools.cache
def sixty(seed: int) -> np.ndarray:
    """Return sixty images of the kinds that are drawn fastest."""
    return np.asarray(draw_nondigits(60, kinds=FAST, seed=seed).images)


@pytest.mark.slow
@settings(max_examples=10)
@given(n=st.integers(0, 60), seed=st.integers(0, 1))
def test_more_pictures_only_add_to_them(n: int, seed: int) -> None:
    """A picture depends on the seed and on its position alone."""
    np.testing.assert_array_equal(draw_nondigits(n, kinds=FAST, seed=seed).images, sixty(seed)[:n])


@pytest.mark.slow
def test_another_seed_gives_other_pictures() -> None:
    """No picture of one seed is among those of another, blank paper apart."""
    one, other = (draw_nondigits(60, kinds=KINDS[1:], seed=seed).images for seed in (0, 1))
    assert not (one == other).all(axis=(1, 2)).any()


@pytest.mark.parametrize("kind", ["scribble", "letter", "several"])
def test_what_is_drawn_is_laid_out_as_digits_are(kind: str) -> None:
    """The longer side is 20 pixels at most and nearly that, and the ink balances about the middle."""
    images = np.asarray(draw_nondigits(40, kinds=kind, seed=3).images)
    sides = [
        max(part.stop - part.start for part in ndimage.find_objects((image > 0).astype(int))[0]) for image in images
    ]
    assert max(sides) <= 20
    assert np.median(sides) >= 19
    centres = np.array([ndimage.center_of_mass(image.astype(float)) for image in images]) + 0.5
    assert np.abs(np.median(centres, axis=0) - 14.5).max() < 0.75


def test_blank_paper_has_a_few_specks_at_most() -> None:
    """Some is empty altogether."""
    inked = (np.asarray(draw_nondigits(100, kinds="blank").images) > 0).sum(axis=(1, 2))
    assert inked.min() == 0
    assert inked.max() <= 6


def test_several_digits_stand_side_by_side() -> None:
    """Their box is broader than that of one digit."""
    images = np.asarray(draw_nondigits(60, kinds="several", seed=2).images)
    boxes = [ndimage.find_objects((image > 0).astype(int))[0] for image in images]
    broad = [columns.stop - columns.start > rows.stop - rows.start for rows, columns in boxes]
    assert np.mean(broad) > 0.5


def test_printed_characters_have_their_labels() -> None:
    """The labels are positions in the string, and one character looks alike wherever it comes."""
    printed = draw_printed(30, characters="AK", seed=4)
    assert printed.class_names == ("A", "K")
    assert printed.labels.tolist() == [0, 1] * 15
    means = [np.asarray(printed.images)[printed.labels == label].mean(axis=0) for label in (0, 1)]
    nearest = [
        int(np.argmin([np.abs(image - mean).sum() for mean in means])) for image in np.asarray(printed.images, float)
    ]
    assert np.mean(np.array(nearest) == printed.labels) > 0.9


def test_printed_characters_can_be_of_a_given_font() -> None:
    """Matplotlib's fonts do."""
    import matplotlib as mpl

    font = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSerif.ttf")
    own, other = draw_printed(10, seed=1), draw_printed(10, seed=1, fonts=[font])
    assert not np.array_equal(own.images, other.images)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": -1}, "n must be an integer of at least 0; got -1"),
        ({"n": 1, "seed": -1}, "seed must be"),
        ({"n": 1, "kinds": "scrible"}, "Did you mean 'scribble'"),
        ({"n": 1, "kinds": []}, "kinds must name at least one"),
        ({"n": 1, "kinds": "letter", "fonts": ["no-such.ttf"]}, "no-such.ttf cannot be used as a font"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, object], message: str) -> None:
    """Names are suggested, fonts are named."""
    with pytest.raises(SettingError, match=message):
        draw_nondigits(**arguments)


def test_no_characters_cannot_be_printed() -> None:
    """An empty string is an error."""
    with pytest.raises(SettingError, match="characters must be a string of at least one"):
        draw_printed(3, characters="")
