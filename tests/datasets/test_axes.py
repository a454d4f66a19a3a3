"""Axes of arrays: one picture is never taken for many, and every method decides alike."""

from typing import Any

import numpy as np
import pytest

from lenetkit import Pipeline, Trainer
from lenetkit.datasets import read_images
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import DataError
from lenetkit.synthesis import draw_digits

PIPELINE = Pipeline.pretrained()
ONE = np.asarray(draw_digits(10, seed=1).images[7])
LARGE = 255 - np.kron(ONE, np.ones((10, 10), np.uint8))
BATCH = np.asarray(draw_digits(12, seed=1).images)

# Every method gives one answer for each image, or an error.
MANY = {
    "predict": lambda images: len(PIPELINE.predict(images)),
    "predict, reject": lambda images: len(PIPELINE.predict(images, reject=0.05)),
    "predict_proba": lambda images: len(PIPELINE.predict_proba(images)),
    "predict_set": lambda images: len(PIPELINE.predict_set(images)),
    "diagnose": lambda images: len(PIPELINE.diagnose(images).names),
    "read_images": lambda images: len(read_images(images)),
}
SINGLE = {
    "trace": lambda image: PIPELINE.trace(image).label,
    "predict": lambda image: PIPELINE.predict(image)[0],
    "read_number": lambda image: int(PIPELINE.read_number(image).text),
}

ONE_PICTURE = {
    "grey": ONE,
    "grey, large": LARGE,
    "wide": np.pad(LARGE, ((0, 0), (150, 150)), constant_values=255),
    "colours": np.dstack([LARGE] * 3),
    "colours and alpha": np.dstack([*[LARGE] * 3, np.full_like(LARGE, 255)]),
    "grey and alpha": np.dstack([LARGE, np.full_like(LARGE, 255)]),
    "ink on nothing": np.dstack([*[np.zeros_like(LARGE)] * 3, 255 - LARGE]),
    "one channel": ONE[..., np.newaxis],
    "floats": ONE / 255,
    "float colours": np.dstack([LARGE / np.float32(255)] * 3),
    "batch of one": ONE[np.newaxis],
    "channels first": ONE[np.newaxis, np.newaxis],
    "colours first": np.stack([LARGE] * 3)[np.newaxis],
    "nested lists": ONE.tolist(),
    "nested tuples": tuple(map(tuple, ONE.tolist())),
    "nested floats": (ONE / 255).tolist(),
    "nested colours": np.dstack([LARGE] * 3).tolist(),
    "rows": list(ONE),
    "list of nested lists": [ONE.tolist()],
}

MANY_PICTURES = {
    "batch": BATCH,
    "channels last": BATCH[..., np.newaxis],
    "channels first": BATCH[:, np.newaxis],
    "colours first": np.stack([BATCH] * 3, axis=1),
    "nested lists": BATCH.tolist(),
    "nested floats": (BATCH / 255).tolist(),
    "list of nested lists and arrays": [BATCH[0].tolist(), *BATCH[1:]],
    "nested lists of different sizes": [image[: 28 - index % 2].tolist() for index, image in enumerate(BATCH)],
    "generator of nested lists": (image.tolist() for image in BATCH),
    "narrow crops": np.zeros((4, 28, 4), np.uint8),
}

ROWS = BATCH.reshape(12, 784)
REFUSED = {
    "rows of pixels": (ROWS, r"Pass images\.reshape\(-1, 28, 28\)"),
    "one row in a batch": (ROWS[:1], r"Pass images\.reshape\(-1, 28, 28\)"),
    "one row": (ROWS[0], r"Pass images\.reshape\(-1, 28, 28\)"),
    "float rows": (ROWS / 255, r"Pass images\.reshape\(-1, 28, 28\)"),
    "list of rows": (list(ROWS), r"Pass images\.reshape\(-1, 28, 28\)"),
    "nested rows": (ROWS.tolist(), r"Pass images\.reshape\(-1, 28, 28\)"),
    "rows with an axis": (ROWS[:, np.newaxis], r"Pass images\.reshape\(-1, 28, 28\)"),
    "rows with a last axis": (ROWS[..., np.newaxis], r"Pass images\.reshape\(-1, 28, 28\)"),
    "rows with two axes": (ROWS[:, np.newaxis, np.newaxis], r"Pass images\.reshape\(-1, 28, 28\)"),
    "transposed": (np.moveaxis(BATCH, 0, -1), r"which may be 12 images of 28 x 28 .*np\.moveaxis\(images, -1, 0\)"),
    "transposed colours": (np.zeros((32, 32, 3, 50), np.uint8), r"np\.moveaxis\(images, -1, 0\)"),
    "ragged lists": ([[0, 255], [0]], "nested lists must hold the numbers .*rows of different lengths"),
    "lists of texts": ([[0, "a"], [0, "b"]], "nested lists must hold the numbers"),
    "numbers": ([0, 128, 255], r"must have shape .*got \(3,\)"),
    "five axes": (np.zeros((1, 1, 1, 28, 28), np.uint8), r"must have shape .*got \(1, 1, 1, 28, 28\)"),
}


@pytest.mark.parametrize("kind", ONE_PICTURE)
def test_one_picture_has_one_answer(kind: str) -> None:
    """By every method, the same as for the picture in a list."""
    image = ONE_PICTURE[kind]
    assert {name: answer(image) for name, answer in MANY.items()} == dict.fromkeys(MANY, 1)
    assert {name: answer(image) for name, answer in SINGLE.items()} == dict.fromkeys(SINGLE, 7)
    assert PIPELINE.evaluate(image, [7]).accuracy == PIPELINE.score(image, [7]) == 1


@pytest.mark.parametrize("kind", MANY_PICTURES)
def test_many_pictures_have_an_answer_each(kind: str) -> None:
    """However the axes stand, if that can only be read in one way."""
    expected = len(MANY_PICTURES["batch"]) if kind != "narrow crops" else 4
    for name, answer in MANY.items():
        images = MANY_PICTURES[kind]
        if kind == "generator of nested lists":
            images = (image.tolist() for image in BATCH)
        assert answer(images) == expected, name
    if kind in ("channels first", "channels last", "nested lists"):
        np.testing.assert_array_equal(PIPELINE.predict_proba(MANY_PICTURES[kind]), PIPELINE.predict_proba(BATCH))


@pytest.mark.parametrize("kind", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused_with_a_cure(kind: str) -> None:
    """Once, in the same words by every method."""
    images, message = REFUSED[kind]
    messages = set()
    for answer in (*MANY.values(), lambda images: Pipeline().fit(images, range(12))):
        with pytest.raises(DataError, match=message) as caught:
            answer(images)
        messages.add(str(caught.value))
    assert len(messages) == 1
    assert "\n" not in messages.pop()


def test_a_generator_of_rows_is_refused_once() -> None:
    """Not once for every row."""
    with pytest.raises(DataError, match=r"none of 12 pictures can be read: rows of 784") as caught:
        PIPELINE.predict(iter(ROWS))
    assert str(caught.value).count("784 pixels are") == 1


def test_a_picture_784_pixels_wide_is_taken_in_a_batch_or_alone() -> None:
    """The way that the message names, in a list, and where one image is expected."""
    wide = np.pad(LARGE, ((0, 0), (252, 252)), constant_values=255)
    assert wide.shape[1] == 784
    assert len(read_images(wide[None])) == len(read_images([wide])) == 1
    assert len(read_images(np.dstack([wide] * 3))) == 1
    assert PIPELINE.read_number(wide).text == "7"


@pytest.mark.parametrize(
    ("given", "dtype"), [([[0, 255]], np.uint8), ([[0, 256]], int), ([[0, -1]], int), ([[0.5]], float)]
)
def test_numbers_in_lists_have_the_type_of_their_range(given: Any, dtype: Any) -> None:
    """Integers up to 255 are grey levels; all else is left to the transforms."""
    assert read_images(given).dtype == dtype


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_pipeline_is_fitted_to_pictures_in_any_order_of_axes() -> None:
    """One picture is one: it has one label, and a single class is refused for that."""
    quick = Trainer(epochs=1, batch_size=32, verbose=0)
    with pytest.raises(DataError, match="got one class, 7"):
        Pipeline(trainer=quick, encoder=LabelEncoder(range(10))).fit(ONE, [7])
    labels = [0, 1] * 6
    answers = {
        Pipeline(trainer=quick).fit(images, labels).predict_proba(BATCH).tobytes()
        for images in (BATCH, BATCH[:, np.newaxis], BATCH.tolist())
    }
    assert len(answers) == 1
