"""Training on: a pipeline, a model and an estimator go on from the weights that they have."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from lenetkit import LeNetClassifier, Pipeline, Trainer, create_model
from lenetkit.exceptions import CheckpointError, DataError, SettingError
from lenetkit.synthesis import draw_digits

pytestmark = pytest.mark.tensorflow

TRAIN, MORE = draw_digits(400, seed=1), draw_digits(100, seed=2)
TRAINER = Trainer(epochs=4, batch_size=32, verbose=0)
STILL = Trainer(epochs=0, verbose=0)


@pytest.fixture(scope="module")
def fitted() -> Pipeline:
    return Pipeline("mlp", trainer=TRAINER).fit(TRAIN.images, TRAIN.labels)


def test_a_warm_start_begins_with_what_was_learnt(fitted: Pipeline, tmp_path: Path) -> None:
    """Without a step the answers are the same, in memory and after loading; with some they are others."""
    before = fitted.predict_proba(MORE.images)
    for pipe in (fitted, Pipeline.load(fitted.save(tmp_path / "digits.lenet"))):
        pipe.trainer = STILL
        assert np.array_equal(pipe.fit(MORE.images, MORE.labels, warm_start=True).predict_proba(MORE.images), before)
        pipe.trainer = Trainer(epochs=1, learning_rate=1e-3, verbose=0)
        assert not np.array_equal(
            pipe.fit(MORE.images, MORE.labels, warm_start=True).predict_proba(MORE.images), before
        )
    fitted.trainer = STILL
    assert not np.array_equal(fitted.fit(MORE.images, MORE.labels).predict_proba(MORE.images), before)


def test_the_pretrained_pipeline_trains_on() -> None:
    """Its weights, classes and transforms; a few of its classes are enough."""
    pipe = Pipeline.pretrained()
    before = pipe.score(TRAIN.images, TRAIN.labels)
    pipe.trainer = Trainer(epochs=1, learning_rate=1e-5, verbose=0)
    some = MORE.labels < 5
    pipe.fit(MORE.images[some], MORE.labels[some], warm_start=True)
    assert pipe.classes_.tolist() == list(range(10))
    assert pipe.score(TRAIN.images, TRAIN.labels) >= before - 0.01
    with pytest.raises(DataError, match=r"labels\[0\] must be one of the 10 classes"):
        pipe.fit(MORE.images[:2], [11, 12], warm_start=True)


def test_a_pipeline_that_is_not_fitted_starts_anew() -> None:
    pipe = Pipeline("mlp", trainer=Trainer(epochs=1, verbose=0))
    assert pipe.fit(MORE.images, MORE.labels, warm_start=True).history_.shape[0] == 1


@pytest.mark.parametrize("layers", ["all", "last"])
def test_an_adapted_pipeline_is_a_keras_model_again(layers: Literal["all", "last"]) -> None:
    """The weights in its file are those of its LiteRT model, also with a new class; and it can be trained on."""
    pipe = Pipeline.pretrained()
    signs = np.zeros((6, 28, 28), np.uint8)
    for index, image in enumerate(signs):
        image[13:16, 5 + index : 22] = 200
    assert pipe.adapt(signs, ["-"] * 6, layers=layers).accepted
    bundle = pipe._check_fitted().to_bundle()
    answers = pipe.model_.predict(bundle.golden_images, verbose=0)
    assert answers.shape[1] == 11
    assert np.abs(answers - bundle.golden_probabilities).max() < 1e-5
    pipe.trainer = STILL
    assert pipe.fit(signs, ["-", "-", "-", "-", "-", "1"], warm_start=True).predict(signs).tolist() == ["-"] * 6


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["all", "last"])
@pytest.mark.parametrize("model", ["lenet1", "lenet4", "mlp", "convnet"])
def test_every_model_with_a_dense_end_can_be_adapted(model: str, layers: Literal["all", "last"]) -> None:
    """Right after its training, before any file was written."""
    pipe = Pipeline(model, trainer=Trainer(epochs=3, batch_size=32, verbose=0)).fit(TRAIN.images, TRAIN.labels)
    turned = np.rot90(MORE.images, axes=(1, 2))
    report = pipe.adapt(turned, MORE.labels, layers=layers, epochs=10)
    assert report.layers == layers
    assert report.before.n == 100
    assert report.after.n_errors <= 100
    bundle = pipe._check_fitted().to_bundle()
    answers = pipe.model_.predict(bundle.golden_images, verbose=0)
    assert np.abs(answers - bundle.golden_probabilities).max() < 1e-4


def test_of_a_model_that_ends_otherwise_all_layers_learn() -> None:
    """The paper's network compares with bitmaps at its end: the last layers alone cannot learn, nor a new class."""
    pipe = Pipeline("lenet5_1998", trainer=Trainer(epochs=0, verbose=0)).fit(MORE.images, MORE.labels)
    with pytest.raises(SettingError, match="does not end in a dense layer"):
        pipe.adapt(MORE.images, MORE.labels, layers="last")
    with pytest.raises(SettingError, match="does not end in a dense layer"):
        pipe.adapt(MORE.images[:8], ["-"] * 8)
    assert pipe.adapt(MORE.images, MORE.labels, epochs=8).layers == "all"


def test_a_trainer_starts_from_given_weights() -> None:
    """They are those of another model of the same form."""
    first, second = create_model("mlp", seed=0), create_model("mlp", seed=1)
    STILL.fit(second, MORE.images, MORE.labels, initial_weights=first.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


@pytest.mark.parametrize("wrong", ["fewer", "other shapes", "not finite", "a number"])
def test_other_initial_weights_are_refused(wrong: str) -> None:
    model = create_model("mlp", seed=0)
    weights = model.get_weights()
    given = {
        "fewer": weights[1:],
        "other shapes": [array.T for array in weights],
        "not finite": [weights[0] * np.nan, *weights[1:]],
        "a number": 3,
    }[wrong]
    with pytest.raises(SettingError, match="initial_weights"):
        TRAINER.fit(model, MORE.images, MORE.labels, initial_weights=given)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


def test_a_checkpoint_belongs_to_its_initial_weights(tmp_path: Path) -> None:
    """A run that began with other weights does not go on from it."""
    trainer = Trainer(epochs=1, learning_rate=1e-3, verbose=0, checkpoint=tmp_path / "run")
    weights = [create_model("mlp", seed=seed).get_weights() for seed in (3, 4)]
    trainer.fit(create_model("mlp", seed=0), MORE.images, MORE.labels, initial_weights=weights[0])
    with pytest.raises(CheckpointError, match="initial weights"):
        trainer.fit(create_model("mlp", seed=0), MORE.images, MORE.labels, initial_weights=weights[1])


def test_an_estimator_with_a_warm_start_goes_on() -> None:
    """The second fit begins with the first one's weights and range of values."""
    pixels, labels = MORE.images.reshape(100, -1), MORE.labels
    classifier = LeNetClassifier("mlp", image_shape=(28, 28), epochs=2, random_state=0, warm_start=True)
    before = classifier.fit(pixels, labels).predict_proba(pixels)
    classifier.set_params(epochs=0)
    assert np.array_equal(classifier.fit(pixels, labels).predict_proba(pixels), before)
    with pytest.raises(DataError, match="among the classes"):
        classifier.fit(pixels, labels + 5)
    classifier.set_params(warm_start=False)
    assert not np.array_equal(classifier.fit(pixels, labels).predict_proba(pixels), before)


def test_parts_are_learnt_one_after_another() -> None:
    """Each call is one epoch; the classes are those that the first one names."""
    pixels, labels = TRAIN.images.reshape(400, -1), TRAIN.labels
    classifier = LeNetClassifier("mlp", image_shape=(28, 28), random_state=0)
    few = labels < 6
    classifier.partial_fit(pixels[few], labels[few], classes=range(10))
    assert classifier.classes_.tolist() == list(range(10))
    first = classifier.score(pixels, labels)
    for _ in range(4):
        classifier.partial_fit(pixels, labels)
    assert classifier.score(pixels, labels) > max(first, 0.6)
    with pytest.raises(DataError, match="those of the first call"):
        classifier.partial_fit(pixels, labels, classes=range(11))
