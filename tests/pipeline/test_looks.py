"""Looks of a pipeline: answers come from the surest one, alike in any batch, from arrays as from files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lenetkit import Pipeline
from lenetkit.diagnosis import trace
from lenetkit.exceptions import DataError, NotFittedError
from lenetkit.pipeline._surest_look import take_surest, weigh_looks
from lenetkit.synthesis import corrupt, draw_digits
from lenetkit.transforms import Compose, Grayscale, Invert, Looks, MnistNormalize, Rescale, Resize

DIGITS = draw_digits(200, seed=11)


@pytest.fixture(scope="module")
def pretrained() -> Pipeline:
    return Pipeline.pretrained()


def accuracy(pipeline: Pipeline, images: np.ndarray) -> float:
    return float((pipeline.predict(images) == DIGITS.labels).mean())


@pytest.mark.parametrize(("kind", "least"), [("canny_edges", 0.75), ("zigzag", 0.75), ("impulse_noise", 0.9)])
def test_second_looks_read_what_the_first_one_does_not(pretrained: Pipeline, kind: str, least: float) -> None:
    """Outlines, crossing lines and grains: many more are right than by the first look."""
    spoilt = corrupt(DIGITS.images, kind)
    first = (pretrained.predict(MnistNormalize()(spoilt)) == DIGITS.labels).mean()
    assert accuracy(pretrained, spoilt) >= max(least, float(first))


def test_clean_digits_are_looked_at_once(pretrained: Pipeline) -> None:
    """Their answers are those of the first look."""
    looks = pretrained.looks(DIGITS.images)
    assert sum(len(each) > 1 for each in looks) <= 4
    assert all(each[0].done == "" for each in looks)


def test_the_look_that_is_taken_is_answered_from(pretrained: Pipeline) -> None:
    """One of each image; the surest, the first of equals."""
    spoilt = corrupt(DIGITS.images[:60], "canny_edges")
    labels = pretrained.predict(spoilt)
    for label, looks in zip(labels, pretrained.looks(spoilt), strict=True):
        (taken,) = (look for look in looks if look.taken)
        assert taken.sureness == max(look.sureness for look in looks)
        assert pretrained.predict(taken.image[np.newaxis])[0] == label


def test_answers_are_the_same_in_any_batch_from_arrays_and_from_files(pretrained: Pipeline, tmp_path: Path) -> None:
    """To the bit, in one thread and in several."""
    spoilt = np.concatenate([corrupt(DIGITS.images[:8], kind) for kind in ("zigzag", "canny_edges", "shot_noise")])
    paths = [tmp_path / f"{index}.png" for index in range(len(spoilt))]
    for image, path in zip(spoilt, paths, strict=True):
        Image.fromarray(image).save(path)
    together = pretrained.predict_proba(spoilt)
    alone = np.concatenate([pretrained.predict_proba(image[np.newaxis]) for image in spoilt])
    np.testing.assert_array_equal(together, alone)
    for n_jobs in (None, 1, 2):
        np.testing.assert_array_equal(pretrained.predict_proba(paths, n_jobs=n_jobs), together)
    np.testing.assert_array_equal(pretrained.predict_proba(spoilt / 255.0), together)


def test_rejection_judges_the_look_that_is_taken(pretrained: Pipeline) -> None:
    """A digit by its outline is accepted where its filled look is a digit."""
    spoilt = corrupt(DIGITS.images, "canny_edges")
    answers = pretrained.predict(spoilt, reject=1)
    accepted = [
        answer.label == label for answer, label in zip(answers, DIGITS.labels, strict=True) if not answer.rejected
    ]
    assert len(accepted) >= 100
    assert np.mean(accepted) >= 0.9


def test_a_trace_shows_all_looks_and_the_one_that_is_taken(pretrained: Pipeline) -> None:
    """And ends with it."""
    spoilt = corrupt(DIGITS.images[:40], "zigzag")
    row = next(row for row, looks in enumerate(pretrained.looks(spoilt)) if any(look.taken for look in looks[1:]))
    looks = pretrained.looks(spoilt)[row]
    found = trace(spoilt[row], pretrained)
    names = [name for name, _ in found.stages]
    assert sum("sure" in name for name in names) == len(looks)
    assert sum("taken" in name for name in names) == 1
    taken = next(look.image for look in looks if look.taken)
    np.testing.assert_allclose(np.squeeze(found.stages[-1][1]), taken / np.float32(255), atol=1e-6)
    assert "taken" in str(found)
    assert found.label == pretrained.predict(spoilt[row : row + 1])[0]


def test_pictures_that_are_refused_are_named_as_before(pretrained: Pipeline) -> None:
    """By looks, too."""
    with pytest.raises(DataError, match="none"):
        pretrained.looks(["none.png"])
    with pytest.raises(DataError, match="1 or 3 channels"):
        pretrained.looks(np.zeros((1, 28, 28, 2), np.uint8))
    with pytest.raises(NotFittedError):
        Pipeline().looks(DIGITS.images)


def test_transforms_without_second_looks_take_none() -> None:
    """Images of several sizes come together as before."""
    steps = Compose([Grayscale(), Resize((20, 20)), Rescale()])
    images = [np.zeros((30, 30), np.uint8), np.zeros((40, 20, 3), np.uint8)]
    looks = steps.look(images)
    np.testing.assert_array_equal(looks.images, steps.prepare(images).images)
    assert len(looks.rows) == len(looks.others) == len(looks.done) == 0
    with pytest.raises(DataError, match=r"one shape; got \(30, 30\), \(40, 20\)"):
        Compose([Grayscale()]).join(Compose([Grayscale()]).look_at_each(images))


def test_no_second_look_where_the_first_is_sure() -> None:
    """Whoever asks says how sure it is; without that all are taken."""
    spoilt = corrupt(DIGITS.images[:20], "canny_edges")
    asked = []

    def measure(images: np.ndarray) -> np.ndarray:
        asked.append(len(images))
        return np.ones(len(images), np.float32)

    assert len(MnistNormalize().look(spoilt, measure=measure).rows) == 0
    everything = MnistNormalize().look(spoilt)
    assert sum(asked) >= len(np.unique(everything.rows)) > 10  # not every doubt finds something to do
    np.testing.assert_array_equal(everything.images, MnistNormalize()(spoilt))


def test_images_like_mnist_and_others_are_looked_at_alike_alone_and_among_many() -> None:
    """More than are prepared at once, in any order; what a transform leaves alone is not looked at longer."""
    clean = MnistNormalize()(draw_digits(700, seed=4).images)
    spoilt = np.concatenate([corrupt(DIGITS.images[:20], kind) for kind in ("canny_edges", "zigzag")])
    mixed = np.concatenate([clean, spoilt, 255 - clean[:660]])[np.random.default_rng(1).permutation(1400)]
    transform, steps = MnistNormalize(), Compose([MnistNormalize(), Rescale()])
    before = mixed.copy()
    together = transform.look(mixed)
    assert len(together.others) > 20
    np.testing.assert_array_equal(together.images, transform(mixed))
    n_left = 0
    for image, (expected, rows, others, done) in list(zip(mixed, together.split(), strict=True))[::7]:
        alone = transform.look(image[np.newaxis])
        np.testing.assert_array_equal(alone.images, expected)
        np.testing.assert_array_equal(alone.others, others)
        assert (alone.rows.tolist(), alone.done) == (rows.tolist(), done)
        left = steps.pass_unchanged(image[np.newaxis, :, :, np.newaxis])
        if left is not None:
            n_left += 1
            np.testing.assert_array_equal(left, expected)
            assert len(others) == 0
    assert n_left > 50
    np.testing.assert_array_equal(mixed, before)
    assert not np.may_share_memory(transform(clean), clean)


class Darker(Resize):
    """A transform from elsewhere, that does not tell what it leaves alone."""

    def __call__(self, images, /):
        return super().__call__(images) // 2


@pytest.mark.parametrize(
    ("steps", "shape", "left"),
    [
        ([Grayscale(), Resize((28, 28)), Rescale()], (1, 28, 28, 1), (1, 28, 28)),
        ([Grayscale(), Resize((28, 28)), Rescale()], (1, 28, 28), (1, 28, 28)),
        ([Resize((28, 28))], (1, 28, 28, 1), (1, 28, 28, 1)),
        ([Rescale()], (1, 9, 9), (1, 9, 9)),
        ([Grayscale(), Resize((28, 28))], (1, 28, 29), None),
        ([Invert()], (1, 28, 28), None),
        ([Darker((28, 28))], (1, 28, 28), None),
        ([lambda images: images], (1, 28, 28), None),
    ],
)
def test_what_no_step_changes_is_told_by_its_form(steps: list, shape: tuple[int, ...], left: tuple | None) -> None:
    """Or, where a step may change it, not at all; it is what all steps make of it."""
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    found = Compose(steps).pass_unchanged(image)
    assert (found if found is None else found.shape) == left
    if found is not None:
        np.testing.assert_array_equal(found, Compose(steps).prepare(image).images)


def test_looks_are_split_and_joined_again() -> None:
    """Image by image, in their order."""
    looks = MnistNormalize().look(corrupt(DIGITS.images[:20], "zigzag"))
    again = Looks.join(looks.split())
    assert len(looks.split()) == 20
    for one, other in zip(looks, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_surest_look_is_taken_and_the_first_of_equals() -> None:
    """By what the networks say of the looks alone."""
    images, others = np.zeros((3, 2, 2), np.uint8), np.arange(1, 5, dtype=np.uint8)[:, np.newaxis, np.newaxis]
    looks = Looks(images, np.array([0, 0, 2, 2]), np.broadcast_to(others, (4, 2, 2)), ["a", "b", "c", "d"])
    worth = {0: 0.5, 1: 0.6, 2: 0.6, 3: 0.2, 4: 0.5}

    def measure(batch: np.ndarray) -> np.ndarray:
        return np.array([worth[int(image[0, 0])] for image in batch], np.float32)

    assert take_surest(looks, measure)[:, 0, 0].tolist() == [1, 0, 0]
    assert [[look.taken for look in each] for each in weigh_looks(looks, measure)] == [
        [False, True, False],
        [True],
        [True, False, False],
    ]
