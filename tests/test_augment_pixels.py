"""Tests for what changes the pixels of training images: pens, noise, holes, and several of these together."""

import re
from typing import Any

import numpy as np
import pytest

from lenetkit.augment import Compose, Erase, Noise, Shift, Stroke, Warp
from lenetkit.exceptions import SettingError

pytestmark = [pytest.mark.tensorflow, pytest.mark.versions]

CHANGING = [
    Stroke(),
    Noise(),
    Erase(),
    Compose([Shift(), Stroke()]),
    Compose([Warp(elastic=0.4), Stroke(), Noise(), Erase()]),
]


def bars(n: int = 20, height: int = 28, width: int = 28, channels: int = 1) -> np.ndarray:
    """Return upright bars, three pixels wide, white on black, at different places."""
    images = np.zeros((n, height, width, channels), np.float32)
    for image, left in zip(images, np.arange(n) % (width - 7) + 2, strict=True):
        image[3:-3, left : left + 3] = 1
    return images


def varied(augmentation: Any, images: np.ndarray, key: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Return the varied images as an array."""
    return np.asarray(augmentation(images, key))


@pytest.mark.parametrize("augmentation", CHANGING)
@pytest.mark.parametrize("shape", [(20, 28, 28, 1), (1, 28, 28, 1), (7, 12, 20, 3)])
def test_shape_and_range_are_kept(augmentation: Any, shape: tuple[int, int, int, int]) -> None:
    """For any number of images and channels."""
    result = varied(augmentation, bars(*shape))
    assert result.shape == shape
    assert result.dtype == np.float32
    assert result.min() >= -1e-6
    assert result.max() <= 1 + 1e-6


@pytest.mark.parametrize("augmentation", CHANGING)
def test_the_key_decides(augmentation: Any) -> None:
    """The same key the same bits; another seed or step something else."""
    images = bars()
    first = varied(augmentation, images, (1, 5)).tobytes()
    assert varied(augmentation, images, (1, 5)).tobytes() == first
    assert varied(augmentation, images, (1, 6)).tobytes() != first
    assert varied(augmentation, images, (2, 5)).tobytes() != first


@pytest.mark.parametrize("augmentation", CHANGING)
def test_a_compiled_step_of_any_batch_size_gives_the_same(augmentation: Any) -> None:
    """The last batch of an epoch is smaller, and is not compiled for."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, 28, 28, 1), tf.float32), tf.TensorSpec((2,), tf.int32)]
    compiled = tf.function(augmentation.__call__, input_signature=signature)
    for n in (20, 3):
        result = np.asarray(compiled(bars(n), tf.constant([4, 9])))
        np.testing.assert_allclose(result, varied(augmentation, bars(n), (4, 9)), atol=1e-5)


@pytest.mark.parametrize(
    "still",
    [
        Stroke(widen=0, narrow=0),
        Noise(deviation=0, remains=0),
        Noise(share=0, remains=0),
        Erase(share=0),
        Erase(size=0),
        Compose([]),
        Compose([Shift(pixels=0), Stroke(widen=0, narrow=0)]),
    ],
    ids=repr,
)
def test_without_strength_nothing_changes(still: Any) -> None:
    """Every setting can be turned off."""
    np.testing.assert_allclose(varied(still, bars()), bars(), atol=1e-6)


@pytest.mark.parametrize(("widen", "narrow"), [(1.0, 0.0), (0.0, 1.0), (0.6, 0.4)])
def test_strokes_grow_and_shrink_within_their_bounds(widen: float, narrow: float) -> None:
    """A bar of three pixels becomes up to two pixels wider or narrower, each image by its own."""
    widths = varied(Stroke(widen=widen, narrow=narrow), bars(200))[:, 14, :, 0].sum(axis=1) - 3
    assert widths.max() <= 2 * widen + 1e-5
    assert widths.min() >= -2 * narrow - 1e-5
    assert widths.max() > 1.8 * widen - 0.05
    assert widths.min() < -1.8 * narrow + 0.05
    assert len(np.unique(widths.round(4))) > 150


def test_a_flat_picture_has_no_strokes() -> None:
    """Nothing comes in from beyond the border."""
    flat = np.full((4, 9, 9, 1), 0.7, np.float32)
    np.testing.assert_allclose(varied(Stroke(widen=1, narrow=1), flat), 0.7, rtol=1e-6)


def test_noise_is_as_strong_as_it_is_set_on_its_share_of_the_images() -> None:
    """On a grey ground, which leaves room on both sides."""
    grey = np.full((2000, 12, 12, 1), 0.5, np.float32)
    deviations = varied(Noise(deviation=0.1, remains=0, share=0.4), grey).std(axis=(1, 2, 3))
    assert (deviations > 0).mean() == pytest.approx(0.4, abs=0.05)
    assert deviations.max() < 0.12
    assert deviations[deviations > 0].mean() == pytest.approx(0.05, abs=0.01)


def test_remains_are_pieces_of_strokes_away_from_the_middle() -> None:
    """On their share of the images; the digit keeps its place."""
    result = varied(Noise(deviation=0, remains=0.3), np.zeros((1000, 28, 28, 1), np.float32))[..., 0]
    touched = result.max(axis=(1, 2)) > 0.02
    assert touched.mean() == pytest.approx(0.3, abs=0.06)
    assert result[:, 11:17, 11:17].max() == 0
    assert result.max() > 0.9
    assert 3 < result[touched].sum(axis=(1, 2)).mean() < 40


def test_noise_leaves_the_ink_where_remains_cross_it() -> None:
    """The brighter of the two is seen."""
    assert (varied(Noise(deviation=0, remains=1.0), bars()) >= bars()).all()


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_a_rectangle_is_painted_over_in_its_share_of_the_images(level: float) -> None:
    """No larger than it is set, anywhere."""
    white = np.ones((1500, 20, 30, 1), np.float32)
    result = varied(Erase(size=0.4, share=0.5, level=level), white)[..., 0]
    holes = result == level
    assert set(np.unique(result)) == {np.float32(level), np.float32(1)}
    assert holes.any(axis=2).sum(axis=1).max() <= 0.4 * 20 + 1
    assert holes.any(axis=1).sum(axis=1).max() <= 0.4 * 30 + 1
    for hole in holes[:100]:
        assert hole.sum() == hole.any(axis=0).sum() * hole.any(axis=1).sum()
    assert 0.3 < holes.any(axis=(1, 2)).mean() <= 0.55
    assert holes.any(axis=0).all()


def test_steps_of_a_kind_draw_differently() -> None:
    """Each has a key of its own, so that nothing is drawn twice."""
    grey = np.full((3, 28, 28, 1), 0.5, np.float32)
    noise = Noise(deviation=0.05, remains=0, share=1.0)
    once = varied(Compose([noise]), grey) - 0.5
    both = varied(Compose([noise, noise]), grey) - 0.5
    second = both - once
    assert abs(np.corrcoef(once.ravel(), second.ravel())[0, 1]) < 0.1


def test_functions_are_steps_too() -> None:
    """Whatever takes images and a key."""
    result = varied(Compose([lambda images, key: 1 - images, Stroke(widen=0, narrow=0)]), bars())
    np.testing.assert_allclose(result, 1 - bars(), atol=1e-6)


def test_a_trainer_learns_with_all_of_them() -> None:
    """Inside its compiled step; twice the same with the same seed."""
    from lenetkit.models import create_model
    from lenetkit.synthesis import draw_digits
    from lenetkit.trainer import Trainer

    drawn = draw_digits(600, seed=1)
    trainer = Trainer(epochs=2, batch_size=64, verbose=0, augmentation=CHANGING[-1])
    losses = [trainer.fit(create_model(seed=0), drawn.images, drawn.labels).history["loss"] for _ in range(2)]
    assert losses[0].tolist() == losses[1].tolist()
    assert losses[0].iloc[-1] < losses[0].iloc[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stroke(widen=1.5), "widen must be a number from 0 to 1; got 1.5"),
        (lambda: Stroke(narrow=-0.1), "narrow must be a number from 0 to 1; got -0.1"),
        (lambda: Noise(deviation=float("nan")), "deviation must be a number from 0 to 1; got nan"),
        (lambda: Noise(remains=2), "remains must be a number from 0 to 1; got 2"),
        (lambda: Noise(share="all"), "share must be a number from 0 to 1; got 'all'"),
        (lambda: Erase(size=-1), "size must be a number from 0 to 1; got -1"),
        (lambda: Erase(level=255), "level must be a number from 0 to 1; got 255"),
        (
            lambda: Compose([Stroke(), "noise"]),
            "Compose takes callables of images and a key; got 'noise'",
        ),
        (lambda: Compose(None), "Compose takes callables of images and a key; got None"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(make: Any, message: str) -> None:
    """When it is made."""
    with pytest.raises(SettingError, match=re.escape(message)):
        make()
