"""The NumPy runtime, and ONNX Runtime's, against LiteRT: every registered model, and small ones drawn at random."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lenetkit import Pipeline, list_models
from lenetkit.exceptions import DataError
from lenetkit.exporting._litert import _convert
from lenetkit.runtime import Predictor
from lenetkit.runtime._graph import read_graph
from lenetkit.synthesis import draw_digits
from lenetkit.trainer import Trainer

pytestmark = pytest.mark.tensorflow

# Squared distances of up to a hundred, from which LiteRT and NumPy take the same exponentials, have few digits left.
_LOOSE = {"lenet5_1998": 1e-5}


@pytest.fixture(params=["numpy", "onnx"])
def other(request: pytest.FixtureRequest) -> str:
    """Return a runtime that is not LiteRT."""
    if request.param == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    return str(request.param)


def shake(model: Any) -> None:
    """Give a model weights that are its own, and batch normalisation something to do."""
    rng = np.random.default_rng(3)
    for variable in model.weights:
        value = variable.numpy() + rng.normal(0, 0.05, variable.shape).astype(np.float32)
        variable.assign(np.abs(value) + np.float32(0.1) if "variance" in variable.path else value)


def compare(tflite: bytes, runtime: str, tolerance: float = 1e-6) -> None:
    """Compare the answers to a batch and a rest with LiteRT's, and an image's with those in company."""
    predictor = Predictor(tflite, runtime=runtime)
    images = np.random.default_rng(0).random((35, *predictor.input_shape), dtype=np.float32)
    answers = predictor.predict_proba(images)
    expected = Predictor(tflite, runtime="litert").predict_proba(images)
    np.testing.assert_allclose(answers, expected, rtol=0, atol=tolerance)
    alone = np.concatenate([predictor.predict_proba(image[None]) for image in images])
    assert answers.tobytes() == alone.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 16, 3)], ids=str)
@pytest.mark.parametrize("name", list_models())
def test_every_registered_model_answers_as_in_litert(name: str, shape: tuple[int, int, int], other: str) -> None:
    """Of the default size and of another one, with channels, that is framed or padded."""
    from lenetkit.exporting import convert_to_litert
    from lenetkit.models import create_model

    model = create_model(name, input_shape=shape, n_classes=12, seed=1)
    shake(model)
    compare(convert_to_litert(model), other, _LOOSE.get(name, 1e-6))


ACTIVATIONS = ("linear", "relu", "relu6", "tanh", "sigmoid", "elu", "leaky_relu", "softplus", "hard_silu")


@st.composite
def layers_of_a_network(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Draw names of Keras' layers with arguments."""
    padding, activation = st.sampled_from(["same", "valid"]), st.sampled_from(ACTIVATIONS)
    small = st.tuples(st.integers(1, 3), st.integers(1, 3))
    convolution = st.fixed_dictionaries(
        {"filters": st.sampled_from([2, 4, 6]), "kernel_size": small, "padding": padding, "activation": activation}
    )
    strided = st.tuples(convolution, st.integers(1, 2), st.integers(1, 2)).map(
        # Keras takes strides or a dilation.
        lambda drawn: {**drawn[0], "strides": drawn[1], "dilation_rate": drawn[2] if drawn[1] == 1 else 1}
    )
    depthwise = st.fixed_dictionaries(
        {"kernel_size": st.integers(1, 3), "depth_multiplier": st.integers(1, 2), "padding": padding}
    )
    pool = st.fixed_dictionaries({"pool_size": small, "strides": st.integers(1, 2), "padding": padding})
    layer = st.one_of(
        st.tuples(st.just("Conv2D"), strided),
        st.tuples(st.just("DepthwiseConv2D"), depthwise),
        st.tuples(st.just("SeparableConv2D"), convolution),
        st.tuples(st.sampled_from(["MaxPooling2D", "AveragePooling2D"]), pool),
        st.tuples(st.just("BatchNormalization"), st.just({})),
        st.tuples(st.just("LayerNormalization"), st.just({})),
        st.tuples(st.just("ZeroPadding2D"), st.just({"padding": ((1, 0), (0, 2))})),
        st.tuples(st.just("Activation"), st.fixed_dictionaries({"activation": activation})),
    )
    body = draw(st.lists(layer, min_size=1, max_size=4))
    end = draw(st.sampled_from(["Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D"]))
    hidden = {"units": draw(st.integers(1, 20)), "activation": draw(activation)}
    return [*body, (end, {}), ("Dense", hidden), ("Dense", {"units": 3, "activation": "softmax"})]


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=layers_of_a_network(), channels=st.integers(1, 3))
def test_small_networks_answer_as_in_litert(other: str, chosen: list[tuple[str, dict]], channels: int) -> None:
    """Or say that an operation is missing: an answer is never another one."""
    import keras

    from lenetkit.exporting import convert_to_litert

    image = x = keras.Input((12, 11, channels))
    for name, arguments in chosen:
        x = getattr(keras.layers, name)(**arguments)(x)
    model = keras.Model(image, x, name="small")
    shake(model)
    tflite = convert_to_litert(model)
    missing = ""
    try:
        read_graph(tflite)
    except DataError as error:
        missing = str(error)
    if missing:
        assert "only LiteRT knows" in missing
        assert "pip install" in missing
    else:
        # Normalisation of what hardly varies makes much of the last bits; a wrong operation is off by far more.
        compare(tflite, other, 5e-5)


@pytest.mark.parametrize("kind", ["MaxPooling2D", "AveragePooling2D"])
def test_windows_smaller_than_their_steps_may_be_padded(kind: str, other: str) -> None:
    """With sides that end on a step and sides that do not; no padding is ever less than none."""
    import keras

    from lenetkit.exporting import convert_to_litert

    image = keras.Input((12, 11, 2))
    branches = [
        keras.layers.Flatten()(getattr(keras.layers, kind)(window, strides=steps, padding="same")(image))
        for window, steps in (((1, 1), 2), ((2, 1), 3), ((1, 2), (2, 3)), ((3, 3), 2))
    ]
    x = keras.layers.Dense(3, activation="softmax")(keras.layers.Concatenate()(branches))
    model = keras.Model(image, x)
    shake(model)
    compare(convert_to_litert(model), other)


@pytest.mark.slow
def test_a_pipeline_that_was_trained_here_answers_the_same_in_every_runtime(other: str, tmp_path: Path) -> None:
    """Saved by whoever has TensorFlow, with its gate, for whoever has not."""
    digits = draw_digits(300, seed=1)
    pipe = Pipeline("convnet", model_options={"width": 4}, trainer=Trainer(epochs=1, verbose=0))
    path = pipe.fit(digits.images, digits.labels).save(tmp_path / "own.lenet")
    loaded = Pipeline.load(path, runtime=other)
    assert loaded._fitted is not None
    assert loaded._fitted.predictor.runtime == other
    expected = Pipeline.load(path, runtime="litert").predict_proba(digits.images)
    np.testing.assert_allclose(loaded.predict_proba(digits.images), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["input", "output", "type"])
def test_models_of_another_kind_are_refused_as_by_litert(kind: str, other: str) -> None:
    """One float32 image in, one row of probabilities out."""
    import tensorflow as tf

    shape, dtype = {"input": (None, 4), "output": (None, 4, 4, 1), "type": (None, 4, 4, 1)}[kind], tf.float32
    dtype = tf.int32 if kind == "type" else dtype
    function = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec(shape, dtype)])
    tflite = _convert("a test", function.get_concrete_function(), tf.Module())
    for runtime in ("litert", other):
        with pytest.raises(DataError, match=r"it must have one float32 (input|output)"):
            _ = Predictor(tflite, runtime=runtime).n_classes
