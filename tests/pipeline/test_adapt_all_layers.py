"""Adaptation of all layers, with TensorFlow: it learns, forgets nothing, and is refused as that of the last layers."""

import io
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np
import pytest

from lenetkit import Pipeline, Trainer
from lenetkit.bundle import read_bundle, verify_bundle
from lenetkit.datasets import Dataset
from lenetkit.exceptions import BundleError
from lenetkit.pipeline import AdaptationReport
from lenetkit.pipeline._all_layers import Network
from lenetkit.pipeline._head import predict, read_head
from lenetkit.pretrained import get_path
from lenetkit.synthesis import draw_digits

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

FORMS = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
MINE, REST = slice(50), slice(50, None)


def draw_hand(n: int = 250, seed: int = 1) -> Dataset:
    return draw_digits(n, allographs=FORMS, pen_width=(2.4, 2.8), variation=0.6, seed=seed)


HAND = draw_hand()


@pytest.fixture(scope="module")
def adapted() -> tuple[Pipeline, AdaptationReport]:
    pipe = Pipeline.pretrained()
    return pipe, pipe.adapt(HAND.images[MINE], HAND.labels[MINE])


def test_all_layers_learn_where_tensorflow_is_installed(adapted: tuple[Pipeline, AdaptationReport]) -> None:
    """Every array of weights is another one, and at most half of the errors are left; so in the LiteRT model."""
    pipe, report = adapted
    assert report.accepted
    assert report.layers == "all"
    assert "layers: all" in str(report).splitlines()
    assert 0 < report.steps <= 40
    assert report.after.n_errors < report.before.n_errors
    before = 1 - Pipeline.pretrained().score(HAND.images[REST], HAND.labels[REST])
    assert 1 - pipe.score(HAND.images[REST], HAND.labels[REST]) <= before / 2
    bundle, old = pipe._check_fitted().to_bundle(), read_bundle(get_path("digits"))
    assert list(bundle.weights) == list(old.weights)
    assert not any(np.array_equal(new, old.weights[name]) for name, new in bundle.weights.items())
    answers = pipe.model_.predict(bundle.golden_images, verbose=0)
    assert np.abs(answers - bundle.golden_probabilities).max() < 1e-5


def test_other_digits_are_read_as_before(adapted: tuple[Pipeline, AdaptationReport]) -> None:
    """Drawn digits of every style, none of which was part of the replay."""
    others = draw_digits(2000, styles=["american", "continental", "school"], seed=99)
    before = Pipeline.pretrained().score(others.images, others.labels)
    assert adapted[0].score(others.images, others.labels) >= before - 0.002


def test_the_same_examples_give_the_same_bytes(adapted: tuple[Pipeline, AdaptationReport], tmp_path: Path) -> None:
    """Whatever Keras is set to, and nothing of the program around is changed: settings, the global generator."""
    again = Pipeline.pretrained()
    found = keras.config.floatx(), keras.config.image_data_format()
    random.seed(5)
    state = random.getstate()
    try:
        keras.config.set_floatx("float16")
        keras.config.set_image_data_format("channels_first")
        assert again.adapt(HAND.images[MINE], HAND.labels[MINE], layers="all") == adapted[1]
        assert (keras.config.floatx(), keras.config.image_data_format()) == ("float16", "channels_first")
    finally:
        keras.config.set_floatx(found[0])
        keras.config.set_image_data_format(found[1])
    assert random.getstate() == state
    assert again.save(tmp_path / "a").read_bytes() == adapted[0].save(tmp_path / "b").read_bytes()


def test_a_saved_adaptation_learns_on(adapted: tuple[Pipeline, AdaptationReport], tmp_path: Path) -> None:
    """In a fresh process, from more than one step's images and with a new class: everything is read afterwards."""
    signs = np.zeros((12, 28, 28), np.uint8)
    for index, image in enumerate(signs):
        image[13 + index % 3 : 15 + index % 3, 5 + index % 4 : 22] = 200
    more = draw_hand(120, seed=2)
    adapted[0].save(tmp_path / "first.lenet")
    images = np.concatenate([more.images, signs[:8]])
    np.savez(tmp_path / "more.npz", images=images, labels=[*more.labels.astype(str), *"-" * 8])
    code = f"""
import os
os.chdir({str(tmp_path)!r})
import numpy as np
from lenetkit import Pipeline
more, pipe = np.load("more.npz"), Pipeline.load("first.lenet")
report = pipe.adapt(more["images"], more["labels"])
assert (report.accepted, report.layers, report.new_classes) == (True, "all", ("-",)), report
pipe.save("second.lenet")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert verify_bundle(read_bundle(tmp_path / "second.lenet")) <= 1e-5
    second = Pipeline.load(tmp_path / "second.lenet")
    assert second.classes_.tolist() == [*"0123456789", "-"]
    assert second.predict(signs[8:]).tolist() == ["-"] * 4
    assert second.score(HAND.images[REST], HAND.labels[REST].astype(str)) > 0.97
    plain = draw_digits(500, seed=3)
    assert second.score(plain.images, plain.labels.astype(str)) > 0.98


def test_wrong_labels_are_refused() -> None:
    """The pipeline stays as it was, to the bit, and its Keras model does."""
    pipe, plain = Pipeline.pretrained(), draw_digits(50, styles="school", seed=3)
    before, weights = pipe.fingerprint_, pipe.model_.get_weights()
    report = pipe.adapt(plain.images, np.random.default_rng(0).permutation(plain.labels), layers="all")
    assert not report.accepted
    assert (report.steps, report.layers) == (0, "all")
    assert pipe.fingerprint_ == before
    assert all(np.array_equal(a, b) for a, b in zip(weights, pipe.model_.get_weights(), strict=True))


def test_where_the_model_cannot_be_rebuilt_the_last_layers_learn() -> None:
    """One of the user's own that has no name in the registry; to ask for all layers is an error then."""
    pipe = Pipeline.from_bundle(attrs.evolve(read_bundle(get_path("digits")), model=None))
    with pytest.raises(BundleError, match="built by hand and has no name in the registry"):
        pipe.adapt(HAND.images[MINE], HAND.labels[MINE], layers="all")
    report = pipe.adapt(HAND.images[MINE], HAND.labels[MINE])
    assert report.accepted
    assert report.layers == "last"


def test_with_another_backend_the_last_layers_learn() -> None:
    """As in a process without TensorFlow."""
    code = (
        "import os, sys; os.environ['KERAS_BACKEND'] = 'jax'\n"
        "from lenetkit import Pipeline; from lenetkit.synthesis import draw_digits\n"
        f"hand = draw_digits(50, allographs={FORMS}, pen_width=(2.4, 2.8), variation=0.6, seed=1)\n"
        "print(Pipeline.pretrained().adapt(hand.images, hand.labels).layers, 'tensorflow' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["last", "False"]


def test_the_gradient_is_that_of_the_loss() -> None:
    """By finite differences in every array; what is not trained has none."""
    bundle = read_bundle(get_path("digits"))
    network, values = Network(Pipeline.pretrained().model_), list(bundle.weights.values())
    rng = np.random.default_rng(0)
    images = draw_hand(20).images[..., np.newaxis].astype(np.float32) / 255
    targets = rng.dirichlet(np.ones(10), 20).astype(np.float32)
    importance = rng.dirichlet(np.ones(20)).astype(np.float32)

    def loss(changed: list[Any]) -> float:
        logarithms = np.log(network.predict(changed, images).astype(np.float64))
        return float(-(importance * (targets * logarithms).sum(axis=1)).sum())

    gradients = network.compute_gradients(values, images, targets, importance)
    assert len(gradients) == len(values)
    for index, gradient in enumerate(gradients):
        assert gradient is not None
        direction = gradient / np.linalg.norm(gradient)
        moved = [
            loss([array + sign * 1e-2 * direction if at == index else array for at, array in enumerate(values)])
            for sign in (1, -1)
        ]
        assert (moved[0] - moved[1]) / 2e-2 == pytest.approx(float(np.linalg.norm(gradient)), rel=0.05)
    network.model.layers[1].trainable = False
    assert Network(network.model).compute_gradients(values, images, targets, importance)[:2] == [None, None]


def test_both_ways_answer_alike() -> None:
    """The same weights give the same probabilities in TensorFlow as in NumPy."""
    bundle = read_bundle(get_path("digits"))
    head = read_head(bundle.tflite, scale=np.float32(1 / 255), offset=np.float32(0))
    images = draw_hand(600).images[..., np.newaxis].astype(np.float32) / 255
    answers = Network(Pipeline.pretrained().model_).predict(list(bundle.weights.values()), images)
    assert np.abs(answers - predict(head.weights, head.activations, head.features.predict_proba(images))).max() < 1e-5


@pytest.mark.parametrize("verbose", ["auto", 0])
def test_there_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, verbose: Any) -> None:
    """Unless the pipeline's trainer is silent."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), Pipeline.pretrained()
    pipe.trainer = Trainer(verbose=verbose)
    monkeypatch.setattr(sys, "stderr", terminal)
    pipe.adapt(HAND.images[MINE], HAND.labels[MINE], layers="all", epochs=2)
    assert ("learning" in terminal.getvalue()) == (verbose == "auto")
