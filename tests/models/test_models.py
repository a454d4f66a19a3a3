"""Tests for `lenetkit.models`."""

import random
import subprocess
import sys
from typing import Any

import pytest

from lenetkit.exceptions import NameTakenError, SettingError, UnknownNameError
from lenetkit.models import create_model, model_info, register_model, registry

pytestmark = [pytest.mark.tensorflow, pytest.mark.versions]


def test_without_a_seed_every_model_is_another() -> None:
    """What a seed decides is part of the contract that tests/test_contracts.py checks for every model."""
    first, second = (create_model("mlp").get_weights() for _ in range(2))
    assert any((a != b).any() for a, b in zip(first, second, strict=True))


def test_lenet5_has_61706_parameters_at_both_sizes() -> None:
    """At 28x28 with padding and at 32x32 without."""
    assert create_model("lenet5", seed=0).count_params() == 61_706
    assert create_model("lenet5", input_shape=(32, 32, 1), seed=0).count_params() == 61_706


def test_lenet5_reads_like_the_paper() -> None:
    """Layer by layer, with the paper's names and sizes."""
    shapes = {layer.name: layer.output.shape[1:] for layer in create_model("lenet5", seed=0).layers}
    assert shapes == {
        "image": (28, 28, 1),
        "c1": (28, 28, 6),
        "s2": (14, 14, 6),
        "c3": (10, 10, 16),
        "s4": (5, 5, 16),
        "flatten": (400,),
        "c5": (120,),
        "f6": (84,),
        "output": (10,),
    }


def test_lenet5_takes_an_activation_and_a_pooling() -> None:
    """As options by name."""
    model = create_model("lenet5", seed=0, activation="tanh", pooling="max")
    assert model.get_layer("c1").activation.__name__ == "tanh"
    assert type(model.get_layer("s2")).__name__ == "MaxPooling2D"


@pytest.mark.slow
def test_building_leaves_global_generators_alone() -> None:
    """Even the first time, when TensorFlow is imported, which draws from ``random``."""
    code = (
        "import random, numpy\n"
        "random.seed(1); numpy.random.seed(1)\n"
        "before = random.getstate(), numpy.random.get_state()[1].tolist()\n"
        "import lenetkit\n"
        "lenetkit.create_model(seed=3)\n"
        "assert before == (random.getstate(), numpy.random.get_state()[1].tolist())"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_building_ignores_global_generators() -> None:
    """The weights depend on the seed alone."""
    random.seed(1)
    first = create_model(seed=5).get_weights()
    random.seed(2)
    second = create_model(seed=5).get_weights()
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (28, 28)}, r"three positive integers .* got \(28, 28\)"),
        ({"input_shape": (28, 28, 0)}, "three positive integers"),
        ({"input_shape": 28}, "three positive integers"),
        ({"input_shape": (8, 8, 1)}, "at least 12 x 12 pixels; got 8 x 8"),
        ({"n_classes": 0}, "n_classes must be an integer from 1"),
        ({"n_classes": 2.0}, "n_classes must be an integer"),
        ({"seed": -1}, "seed must be an integer from 0"),
        ({"seed": "x"}, "seed must be an integer"),
        ({"activation": "reluu"}, "activation must be the name of a Keras activation; got 'reluu'"),
        ({"pooling": "mean"}, "pooling must be 'average' or 'max'; got 'mean'"),
        ({"depth": 3}, "'lenet5' has no option 'depth'; its options are: activation='relu', pooling='average'"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, Any], message: str) -> None:
    """With what was expected and what was found."""
    with pytest.raises(SettingError, match=message):
        create_model("lenet5", **arguments)


def test_an_unknown_model_is_an_error_with_a_hint() -> None:
    """The nearest spelling is offered."""
    with pytest.raises(UnknownNameError, match="Did you mean 'lenet5'"):
        create_model("lenet-5")


def test_another_backend_is_refused() -> None:
    """With what to do about it."""
    code = "import lenetkit; lenetkit.create_model()"
    environment = {"KERAS_BACKEND": "jax", "PATH": ""}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert "BackendError: lenetkit needs Keras on TensorFlow; Keras is set to 'jax'." in answer.stderr
    assert "Unset KERAS_BACKEND" in answer.stderr


def test_a_name_is_taken_once() -> None:
    """Both owners are named."""
    with pytest.raises(NameTakenError, match=r"'lenet5' is taken by lenetkit\.models\.lenet5\.lenet5"):
        register_model("lenet5", description="", n_parameters=0)(lambda input_shape, n_classes: None)


def test_a_builder_must_take_shape_and_classes() -> None:
    """Said when it is registered, not when it is first used."""
    with pytest.raises(SettingError, match=r"must start with the parameters input_shape and n_classes; .*\(size\)"):
        register_model("odd", description="", n_parameters=0)(lambda size: None)


def test_the_old_name_of_the_preset_still_works() -> None:
    """As an argument and as an attribute, with a warning that names the new one."""
    with pytest.warns(DeprecationWarning, match=r"register_model\(training=\.\.\.\) is deprecated.*use preset="):
        decorate = register_model("old", description="", n_parameters=0, training={"epochs": 3})
    decorate(lambda input_shape, n_classes: None)
    try:
        assert model_info("old").preset == {"epochs": 3}
        with pytest.warns(DeprecationWarning, match=r"ModelInfo\.training is deprecated.*use preset"):
            assert model_info("old").training == {"epochs": 3}
    finally:
        registry.unregister("old")


def test_a_builder_that_forgets_the_classes_is_found_out() -> None:
    """Its output has another width than was asked for."""

    def stubborn(input_shape: Any, n_classes: int) -> Any:
        import keras

        return keras.Sequential([keras.layers.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(4)])

    register_model("stubborn", description="", n_parameters=0, replace=True)(stubborn)
    try:
        with pytest.raises(SettingError, match=r"of .*stubborn must answer with shape \(n, 3\); its output has .* 4\)"):
            create_model("stubborn", n_classes=3)
    finally:
        registry.unregister("stubborn")


def test_draws_of_other_threads_do_not_change_the_weights() -> None:
    """As a cluster's workers make them while a model is built."""
    import random
    import threading

    expected = [weight.numpy().tobytes() for weight in create_model(seed=3).weights]
    stop = threading.Event()

    def draw() -> None:
        while not stop.is_set():
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        built = [[weight.numpy().tobytes() for weight in create_model(seed=3).weights] for _ in range(5)]
    finally:
        stop.set()
        thread.join()
    assert built == [expected] * 5
