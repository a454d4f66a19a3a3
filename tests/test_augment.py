"""Tests for `lenetkit.augment`."""

from typing import Any

import numpy as np
import pytest

from lenetkit.augment import Shift, Warp
from lenetkit.exceptions import SettingError

pytestmark = pytest.mark.tensorflow

AUGMENTATIONS = [Shift(), Shift(pixels=3), Warp(), Warp(elastic=0.5), Warp(groups=3, rotation=1.0)]


def pictures(n: int = 20, height: int = 28, width: int = 28, channels: int = 1) -> np.ndarray:
    """Return soft blobs in 0..1."""
    y, x = np.mgrid[:height, :width]
    centres = np.random.default_rng(0).uniform(0.3, 0.7, (n, 2)) * (height, width)
    blobs = np.exp(-((y - centres[:, :1, None]) ** 2 + (x - centres[:, 1:, None]) ** 2) / 20)
    return np.repeat(blobs[..., None], channels, axis=-1).astype(np.float32)


def varied(augmentation: Any, images: np.ndarray, key: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Return the varied images as an array."""
    return np.asarray(augmentation(images, key))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("shape", [(20, 28, 28, 1), (1, 28, 28, 1), (7, 12, 20, 3)])
def test_shape_and_range_are_kept(augmentation: Any, shape: tuple[int, int, int, int]) -> None:
    """For any batch size, also those that do not divide into the groups."""
    images = pictures(*shape)
    result = varied(augmentation, images)
    assert result.shape == images.shape
    assert result.dtype == np.float32
    assert result.min() >= -1e-6
    assert result.max() <= images.max() + 1e-6


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_the_key_decides(augmentation: Any) -> None:
    """The same key the same bits; another seed or step something else."""
    images = pictures()
    first = varied(augmentation, images, (1, 5))
    assert varied(augmentation, images, (1, 5)).tobytes() == first.tobytes()
    assert any(varied(augmentation, images, (1, step)).tobytes() != first.tobytes() for step in range(6, 12))
    assert any(varied(augmentation, images, (seed, 5)).tobytes() != first.tobytes() for seed in range(2, 8))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_a_flat_picture_stays_flat(augmentation: Any) -> None:
    """Any background goes on beyond the border."""
    images = np.full((9, 28, 28, 1), 0.7, np.float32)
    np.testing.assert_allclose(varied(augmentation, images), 0.7, rtol=1e-5)


def test_shift_moves_all_images_of_a_batch_alike_by_whole_pixels() -> None:
    """Every one of the nine ways is taken sooner or later."""
    images = np.zeros((3, 9, 9, 1), np.float32)
    images[:, 4, 4] = 1
    seen = set()
    for step in range(100):
        places = np.argwhere(varied(Shift(pixels=1), images, (0, step))[..., 0] == 1)
        assert len(places) == 3
        assert len(set(map(tuple, places[:, 1:]))) == 1
        seen.add(tuple(places[0, 1:] - 4))
    assert seen == {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)}


@pytest.mark.parametrize("still", [Shift(pixels=0), Warp(rotation=0, scale=0, shear=0, shift=0)])
def test_without_reach_nothing_moves(still: Any) -> None:
    """But for rounding."""
    images = pictures()
    np.testing.assert_allclose(varied(still, images), images, atol=1e-5)


def test_warp_turns_and_moves_within_its_bounds() -> None:
    """The centre of mass stays within the shift, plus what rotation about the middle adds."""
    y, x = np.mgrid[:28, :28]
    images = pictures(64)
    before = [(images[..., 0] * axis).sum((1, 2)) / images[..., 0].sum((1, 2)) for axis in (y, x)]
    result = varied(Warp(rotation=0, scale=0, shear=0, shift=2.0), images)[..., 0]
    after = [(result * axis).sum((1, 2)) / result.sum((1, 2)) for axis in (y, x)]
    moved = np.abs(np.subtract(before, after))
    assert moved.max() <= 2.05
    assert moved.max() > 1


def test_elastic_bends_differently_in_different_places() -> None:
    """A straight bar does not stay straight."""
    images = np.zeros((8, 28, 28, 1), np.float32)
    images[:, 13:15, 2:26] = 1
    result = varied(Warp(rotation=0, scale=0, shear=0, shift=0, elastic=1.0), images)[..., 0]
    heights = (result * np.arange(28)[:, None]).sum(1)[:, 4:24] / result.sum(1)[:, 4:24]
    assert heights.std(axis=1).max() > 0.3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Shift(pixels=-1), "pixels must be an integer from 0 to 2147483647; got -1"),
        (lambda: Shift(pixels=0.5), "pixels must be an integer"),
        (lambda: Warp(rotation=-1), "rotation must be a number from 0 to 4"),
        (lambda: Warp(scale=float("nan")), "scale must be a number from 0 to 0.9; got nan"),
        (lambda: Warp(groups=0), "groups must be an integer from 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(make: Any, message: str) -> None:
    """When it is made."""
    with pytest.raises(SettingError, match=message):
        make()
