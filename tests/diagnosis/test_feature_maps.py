"""Looking inside: the values and filters of every layer, for every model, as a library and from the command line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from lenetkit import Pipeline, create_model, list_models
from lenetkit.diagnosis import feature_maps
from lenetkit.exceptions import DataError, NotFittedError, SettingError
from lenetkit.models.lenet5_1998 import C3_TABLE
from lenetkit.synthesis import draw_digits

pytestmark = pytest.mark.tensorflow

NAMES = {
    "lenet1": "input h1 h2 h3 h4",
    "lenet4": "input c1 s2 c3 s4 f5",
    "lenet5": "input c1 s2 c3 s4 c5 f6",
    "lenet5_1998": "input c1 s2 c3 s4 c5 f6",
    "mlp": "input hidden1 hidden2",
    "convnet": "input conv1 conv2 pool1 conv3 conv4 pool2 conv5",
}


@pytest.fixture(scope="module")
def digit() -> np.ndarray:
    """Return a drawn 7."""
    return np.asarray(draw_digits(10, styles="american", seed=1).images[7])


@pytest.mark.parametrize("name", list_models())
def test_every_model_can_be_looked_into(name: str, digit: np.ndarray) -> None:
    """The layers are the papers', what comes out is what the model answers, and all of it can be drawn."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    model = create_model(name, seed=0)
    maps = feature_maps(digit, model)
    if name in NAMES:
        assert [layer for layer, _ in maps.layers] == NAMES[name].split()
    answer = np.asarray(model(digit[None, ..., None].astype(np.float32) / 255))[0]
    np.testing.assert_allclose(maps.probabilities, answer, atol=1e-5)
    for _, values in maps.layers:
        assert values.dtype == np.float32
        assert values.ndim in (1, 3)
    assert len(maps.plot().axes_) == len(maps.layers) + 1
    if maps.filters:
        maps.plot_filters()
    pyplot.close("all")


def test_the_values_are_those_of_the_layers(digit: np.ndarray) -> None:
    """C1 convolves, S2 averages; computed here by hand."""
    model = create_model("lenet5", seed=0)
    layers = dict(feature_maps(digit, model).layers)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("c1").weights)
    padded = np.pad(digit.astype(np.float32) / 255, 2)
    for row, column in [(0, 0), (14, 14), (20, 9)]:
        expected = np.maximum(
            (padded[row : row + 5, column : column + 5, None] * kernel[:, :, 0]).sum((0, 1)) + bias, 0
        )
        np.testing.assert_allclose(layers["c1"][row, column], expected, atol=1e-5)
    blocks = layers["c1"].reshape(14, 2, 14, 2, 6).mean(axis=(1, 3))
    np.testing.assert_allclose(layers["s2"], blocks, atol=1e-5)


def test_squashing_belongs_to_the_layer_before(digit: np.ndarray) -> None:
    """The 1998 network's S2 is shown as C3 gets it, framed to 32 x 32, and C3's filters as the paper's table I."""
    maps = feature_maps(digit, create_model("lenet5_1998", seed=0))
    layers, filters = dict(maps.layers), dict(maps.filters)
    assert layers["input"].shape == (32, 32, 1)
    assert layers["input"].min() == pytest.approx(-0.1)
    assert abs(layers["s2"]).max() <= 1.7159
    connected = np.isfinite(filters["c3"]).all(axis=(0, 1))
    assert [tuple(np.flatnonzero(connected[:, place])) for place in range(16)] == [tuple(row) for row in C3_TABLE]


def test_units_that_see_the_image_have_filters_of_its_size(digit: np.ndarray) -> None:
    """The first hidden layer of the multilayer perceptron."""
    (name, kernels), *rest = feature_maps(digit, create_model("mlp", seed=0)).filters
    assert (name, kernels.shape, rest) == ("hidden1", (28, 28, 1, 300), [])


def test_a_pipeline_gives_its_own_answer(digit: np.ndarray, tmp_path: Path) -> None:
    """Transforms first, calibrated probabilities last; from a path as from an array."""
    pipeline = Pipeline.pretrained()
    path = tmp_path / "seven.png"
    PIL.Image.fromarray(255 - digit).save(path)
    maps = feature_maps(path, pipeline)
    assert maps.label == 7
    assert maps.probabilities.tolist() == pipeline.predict_proba(path)[0].tolist()
    np.testing.assert_array_equal(maps.layers[0][1][..., 0], pipeline.transforms_([255 - digit])[0])
    assert "c1" in repr(maps)


def test_a_pipeline_draws_its_feature_maps(digit: np.ndarray) -> None:
    """One panel for each layer and one for the answer."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    display = Pipeline.pretrained().plot_feature_maps(digit)
    assert [ax.get_title() for ax in display.axes_] == ["input", "c1", "s2", "c3", "s4", "c5", "f6", "output"]
    pyplot.close("all")


def test_floats_are_taken_as_they_are(digit: np.ndarray) -> None:
    """0..1 is what uint8 becomes."""
    model = create_model("lenet5", seed=0)
    whole, part = feature_maps(digit, model), feature_maps(digit.astype(np.float32) / np.float32(255), model)
    np.testing.assert_allclose(whole.probabilities, part.probabilities, atol=1e-5)


def test_a_sequential_model_of_ones_own_can_be_looked_into(digit: np.ndarray) -> None:
    """Branches and layers with names of their own too."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1))
    left, right = layers.Conv2D(2, 3, name="left")(image), layers.Conv2D(3, 3, name="right")(image)
    x = layers.Flatten()(layers.Concatenate()([left, layers.ReLU()(right)]))
    branched = keras.Model(image, layers.Dense(10, activation="softmax")(x))
    assert sorted(name for name, _ in feature_maps(digit, branched).layers) == ["input", "left", "right"]
    chain = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(5, name="five"), layers.Softmax()]
    )
    maps = feature_maps(digit, chain)
    assert [name for name, _ in maps.layers] == ["input"]
    assert maps.probabilities.shape == (5,)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((3, 28, 28), np.uint8), r"one image must have .*got \(3, 28, 28\)"),
        (np.zeros((28, 28), int), "must be uint8 .*got int64"),
        (np.zeros(28, np.uint8), r"one image must have .*got \(28,\)"),
        ([np.zeros((28, 28), np.uint8)] * 2, "one image is expected; got 2"),
        (np.zeros((20, 28), np.uint8), r"the model takes images of shape \(28, 28, 1\); got \(20, 28, 1\)"),
        ("no_such_picture.png", "no_such_picture.png"),
    ],
)
def test_what_is_not_one_fitting_image_is_refused(image: Any, message: str) -> None:
    """The message says what was found."""
    with pytest.raises(DataError, match=message):
        feature_maps(image, create_model("lenet5", seed=0))


def test_what_cannot_be_looked_into_is_refused(digit: np.ndarray) -> None:
    """No model, a model without layers that are known, and a pipeline that is not fitted."""
    import keras

    class Opaque(keras.Model):
        """Its layers are known when it runs only."""

        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(SettingError, match=r"functional or sequential keras\.Model; got str"):
        feature_maps(digit, "lenet5")
    with pytest.raises(SettingError, match=r"functional or sequential keras\.Model; got Opaque"):
        feature_maps(digit, Opaque())
    inputs = [keras.Input((28, 28, 1)), keras.Input((28, 28, 1))]
    two = keras.Model(inputs, keras.layers.Add()(inputs))
    with pytest.raises(SettingError, match="must have one input of shape"):
        feature_maps(digit, two)
    flat = create_model("mlp", seed=0).get_layer("hidden1")
    with pytest.raises(SettingError, match="must be a Pipeline"):
        feature_maps(digit, flat)
    with pytest.raises(NotFittedError, match="not fitted"):
        feature_maps(digit, Pipeline())


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONUTF8": "1"}
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "lenetkit", "inspect", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.slow
def test_the_command_line_draws_maps_and_filters(digit: np.ndarray, tmp_path: Path) -> None:
    """And prints the label; without a file by the pipeline that comes along."""
    PIL.Image.fromarray(255 - digit).save(tmp_path / "seven.png")
    maps, filters = tmp_path / "maps.png", tmp_path / "filters.svg"
    answer = run(tmp_path / "seven.png", "--output", maps, "--filters", filters)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == f"the picture is in {maps}\nthe picture is in {filters}\n"
    path, label, probability = answer.stdout.rstrip("\n").split("\t")
    assert (path, label) == (str(tmp_path / "seven.png"), "7")
    assert 0.5 < float(probability) <= 1
    with PIL.Image.open(maps) as picture:
        assert picture.width > picture.height > 300
    assert filters.read_text("utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "--output", "maps.doc"], "--output must end in .png, .jpg, .jpeg, .svg, .pdf; got maps.doc"),
        (["no_such.png", "--output", "maps.png"], "no_such.png"),
    ],
)
def test_what_cannot_be_drawn_is_one_message(arguments: list[str], message: str) -> None:
    """Never a traceback."""
    answer = run(*arguments)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
