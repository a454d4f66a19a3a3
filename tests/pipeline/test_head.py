"""The last layers of a network in NumPy: their answers, their gradient, and what is no head."""

import numpy as np
import pytest

from lenetkit.bundle import read_bundle
from lenetkit.exceptions import SettingError
from lenetkit.pipeline._head import _compute_gradients, learn, predict, read_head, run_layers
from lenetkit.pretrained import get_path
from lenetkit.runtime import Predictor

BUNDLE = read_bundle(get_path("digits"))


def test_the_head_answers_as_the_model_does() -> None:
    """Its layers and those before give what LiteRT gives for all of it."""
    head = read_head(BUNDLE.tflite, scale=None, offset=None)
    assert [kernel.shape for kernel, _ in head.weights] == [(400, 120), (120, 84), (84, 10)]
    assert head.activations == ("relu", "relu", "linear")
    answers = predict(head.weights, head.activations, head.features.predict_proba(BUNDLE.golden_images))
    assert np.abs(answers - BUNDLE.golden_probabilities).max() < 1e-5


def test_other_weights_are_those_of_the_model() -> None:
    head = read_head(BUNDLE.tflite, scale=None, offset=None)
    changed = [(kernel * 1.1, bias - 0.1) for kernel, bias in head.weights]
    answers = Predictor(head.with_weights(changed)).predict_proba(BUNDLE.golden_images)
    features = head.features.predict_proba(BUNDLE.golden_images)
    assert np.abs(answers - predict(changed, head.activations, features)).max() < 1e-5
    assert np.abs(answers - BUNDLE.golden_probabilities).max() > 1e-3


def test_only_layers_with_known_weights_are_the_head() -> None:
    """A layer that is not as the pipeline holds it, such as one that something was folded into, ends the search."""
    weights = dict(BUNDLE.weights)
    weights["006 f6/kernel"] = np.abs(weights["006 f6/kernel"])
    head = read_head(BUNDLE.tflite, scale=None, offset=None, among=weights.values())
    assert [kernel.shape for kernel, _ in head.weights] == [(84, 10)]
    with pytest.raises(SettingError, match="does not end in a dense layer"):
        read_head(BUNDLE.tflite, scale=None, offset=None, among=[np.ones(3)])


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
def test_the_gradient_is_that_of_the_loss(activation: str) -> None:
    """Measured by central differences in float64."""
    rng = np.random.default_rng(0)
    shapes = [(5, 4), (4, 3)]
    weights = [(rng.normal(size=shape), rng.normal(size=shape[1])) for shape in shapes]
    features, targets = rng.normal(size=(6, 5)), rng.dirichlet(np.ones(3), size=6)
    importance = rng.uniform(size=6)
    activations = (activation, "linear")

    def compute_loss() -> float:
        logits = run_layers(weights, activations, features)[-1]
        logits = logits - logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return float(-(importance[:, None] * targets * logs).sum())

    gradients = _compute_gradients(weights, activations, features, targets, importance)
    for array, gradient in zip([each for layer in weights for each in layer], gradients, strict=True):
        for index in np.ndindex(array.shape):
            value, losses = array[index], []
            for change in (1e-5, -1e-5):
                array[index] = value + change
                losses.append(compute_loss())
            array[index] = value
            assert abs((losses[0] - losses[1]) / 2e-5 - gradient[index]) < 1e-5


def test_learning_lowers_the_loss_and_leaves_the_given_weights() -> None:
    rng = np.random.default_rng(1)
    weights = [(rng.normal(size=(5, 3)).astype(np.float32), np.zeros(3, np.float32))]
    before = weights[0][0].copy()
    features = rng.normal(size=(30, 5)).astype(np.float32)
    truth = features[:, :3].argmax(axis=1)
    steps = learn(
        weights,
        ("linear",),
        features,
        np.eye(3, dtype=np.float32)[truth],
        np.full(30, 1 / 30, np.float32),
        steps=100,
        rate=0.1,
    )
    *_, learnt = steps
    assert (predict(learnt, ("linear",), features).argmax(axis=1) == truth).mean() > 0.9
    assert np.array_equal(weights[0][0], before)
