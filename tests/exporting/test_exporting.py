"""Exports: every file is run with its own runtime, and kept only if it answers as it should."""

import importlib.machinery
import json
import os
import random
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenetkit.bundle import read_bundle
from lenetkit.exceptions import ExportError, MissingExtraError, SettingError
from lenetkit.exporting import FORMATS, TOLERANCE, convert_to_litert, export, resolve_format
from lenetkit.models import create_model, list_models, model_info
from lenetkit.runtime import Predictor

pytestmark = [pytest.mark.tensorflow, pytest.mark.versions]

SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"
PREPROCESSING = {"transforms": [{"name": "rescale", "settings": {}}]}  # as in conftest


def target_in(folder: Path, format_name: str) -> Path:
    return folder / f"digits{FORMATS[format_name]}"


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# LiteRT


@pytest.mark.parametrize("name", list_models())
def test_litert_answers_as_keras_does(name: str) -> None:
    """For every registered model: nothing is quantised, only the order of sums may differ."""
    info = model_info(name)
    built = create_model(name, input_shape=info.input_shape, seed=0)
    rng = np.random.default_rng(0)
    built.set_weights([weights + rng.normal(0, 0.05, weights.shape).astype("f4") for weights in built.get_weights()])
    images = rng.uniform(*info.value_range, (70, *info.input_shape)).astype(np.float32)
    answers = Predictor(convert_to_litert(built, check_images=images[:2])).predict_proba(images)
    np.testing.assert_allclose(answers, np.asarray(built(images, training=False)), atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def unnamed_model() -> Any:
    """Return a branching model whose layers have the names that Keras gives them as it goes."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, padding="same", kernel_initializer="ones")(image)
    x = layers.BatchNormalization()(x)
    y = layers.DepthwiseConv2D(3, padding="same", depthwise_initializer="ones")(x)
    x = layers.Concatenate()([layers.Add()([x, y]), x])
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.3)(x))
    return keras.Model(image, layers.Dense(3, activation="softmax", kernel_initializer="ones")(x))


@pytest.mark.slow
def test_the_bytes_depend_on_architecture_and_weights_alone(model: Any) -> None:
    """Not on how many layers were made before, whose names go up with every one."""
    assert convert_to_litert(model) == convert_to_litert(model)
    first, second = unnamed_model(), unnamed_model()
    assert first.layers[1].name != second.layers[1].name
    assert convert_to_litert(first) == convert_to_litert(second)
    second.layers[-1].bias.assign([1, 0, 0])
    assert convert_to_litert(first) != convert_to_litert(second)


def test_other_litert_programs_find_names_and_aligned_weights(model: Any) -> None:
    """A signature with two telling names, any number of images, and weights at multiples of 16 bytes."""
    from ai_edge_litert.interpreter import Interpreter
    from tensorflow.lite.tools import flatbuffer_utils

    tflite = convert_to_litert(model)
    runner = Interpreter(model_content=tflite, num_threads=1).get_signature_runner("serving_default")
    assert runner(images=np.zeros((5, 28, 28, 1), np.float32))["probabilities"].shape == (5, 10)
    starts = [tflite.index(weights.tobytes()) for weights in model.get_weights() if weights.ndim == 1]
    assert starts
    assert all(start % 16 == 0 for start in starts)
    assert flatbuffer_utils.read_model_from_bytearray(bytearray(tflite)).version == 3


def test_global_generators_are_left_alone(model: Any, exported: Callable[..., Any], tmp_path: Path) -> None:
    """The user's own draws do not depend on whether a model was converted."""
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    convert_to_litert(model)
    exported(tmp_path / "digits", format="saved_model")
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


def test_a_layer_that_litert_cannot_run_is_an_error() -> None:
    """And not a file that fails on somebody's phone."""
    import keras

    class Determinant(keras.layers.Layer):
        def call(self, images: Any) -> Any:
            return keras.ops.linalg.det(images[..., 0])[:, None] + keras.ops.zeros((1, 3))

    image = keras.Input((4, 4, 1))
    with pytest.raises(ExportError, match=r"cannot be converted to LiteRT: .*layers that LiteRT has operations for"):
        convert_to_litert(keras.Model(image, Determinant()(image), name="odd"))


def test_a_model_of_vectors_is_no_model_of_images() -> None:
    """Said before the converter says it in its own way."""
    import keras

    vector = keras.Input((4,))
    with pytest.raises(ExportError, match=r"one input of shape \(n, height, width, channels\); 'v' has \(None, 4\)"):
        convert_to_litert(keras.Model(vector, keras.layers.Dense(2)(vector), name="v"))


# The format and the number of images


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("a.tflite", "litert"),
        ("b.c.ONNX", "onnx"),
        ("a.keras", "keras"),
        ("folder", "saved_model"),
        ("v1.2", "saved_model"),
    ],
)
def test_the_name_tells_the_format(tmp_path: Path, name: str, format_name: str) -> None:
    """By its suffix; a name without one, or of a folder that is there, is a SavedModel's."""
    if name == "v1.2":
        (tmp_path / name).mkdir()
    assert resolve_format(tmp_path / name) == format_name
    assert resolve_format(str(tmp_path / name), format_name) == format_name


def test_the_format_need_not_be_said(exported: Callable[..., Any], tmp_path: Path) -> None:
    """The file is the same."""
    told, said = exported(tmp_path / "a.tflite"), exported(tmp_path / "b.tflite", format="litert")
    assert told.format == said.format == "litert"
    assert told.path.read_bytes() == said.path.read_bytes()


@pytest.mark.parametrize("batch", [1, 3, 8, 20])
def test_a_litert_file_for_a_fixed_number_of_images(
    exported: Callable[..., Any], model: Any, tmp_path: Path, batch: int
) -> None:
    """No axis is free, and a runtime that sets nothing but the input's values is answered."""
    from ai_edge_litert.interpreter import Interpreter

    report = exported(tmp_path / "a.tflite", batch=batch)
    assert report.greatest_difference <= TOLERANCE
    interpreter = Interpreter(str(report.path))
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["shape"].tolist() == given["shape_signature"].tolist() == [batch, 28, 28, 1]
    assert answer["shape"].tolist() == answer["shape_signature"].tolist() == [batch, 10]
    images = np.random.default_rng(3).random((batch, 28, 28, 1), dtype=np.float32)
    interpreter.set_tensor(given["index"], images)
    interpreter.invoke()
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(interpreter.get_tensor(answer["index"]), expected, atol=TOLERANCE, rtol=0)
    described = json.loads(report.preprocessing.read_text())
    assert (described["input"]["shape"], described["output"]["shape"]) == ([batch, 28, 28, 1], [batch, 10])


@pytest.mark.parametrize("batch", [1, 5])
def test_an_onnx_file_for_a_fixed_number_of_images(
    exported: Callable[..., Any], model: Any, tmp_path: Path, batch: int
) -> None:
    """Checked on the golden inputs, whose number is no multiple of it."""
    report = exported(tmp_path / "a.onnx", format="onnx", batch=batch)
    import onnxruntime

    session = onnxruntime.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [batch, 28, 28, 1]
    assert session.get_outputs()[0].shape == [batch, 10]
    images = np.random.default_rng(3).random((batch, 28, 28, 1), dtype=np.float32)
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(session.run(None, {"images": images})[0], expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", ["a.tflite", "a.onnx"])
def test_a_fixed_number_is_checked_as_any_export(exported: Callable[..., Any], tmp_path: Path, name: str) -> None:
    """The last of the golden inputs, in a call that is filled up, counts too."""
    if name == "a.onnx":
        pytest.importorskip("tf2onnx")
    wrong = np.full((8, 10), 0.1, np.float32)
    with pytest.raises(ExportError, match="does not answer as it should: on golden input"):
        exported(tmp_path / name, batch=3, golden_probabilities=wrong)
    assert os.listdir(tmp_path) == []


# Files


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_export_answers_as_the_pipeline_does(exported: Callable[..., Any], tmp_path: Path, format_name: str) -> None:
    """The report says how nearly; labels and preprocessing lie beside the file, and nothing else does."""
    path = target_in(tmp_path, format_name)
    report = exported(path, format=format_name)
    assert (report.path, report.format) == (path, format_name)
    assert 0 <= report.greatest_difference <= TOLERANCE
    assert report.labels.read_text() == "".join(f"{digit}\n" for digit in range(10))
    described = json.loads(report.preprocessing.read_text())
    assert described["preprocessing"] == PREPROCESSING
    assert described["input"] == {"name": "images", "dtype": "float32", "shape": ["n", 28, 28, 1], "layout": "NHWC"}
    assert described["output"]["classes"] == list(range(10))
    beside = [f"{path.name}.labels.txt", f"{path.name}.preprocessing.json"]
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, *beside])


RUN_ONNX = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
answers = session.run(None, {session.get_inputs()[0].name: numpy.load(sys.argv[2])})
"""
RUN_SAVED_MODEL = """
import sys, numpy, tensorflow
answers = [tensorflow.saved_model.load(sys.argv[1]).signatures["serving_default"](
    images=tensorflow.constant(numpy.load(sys.argv[2])))["probabilities"]]
"""
RUN_KERAS = """
import sys, numpy, keras
answers = [keras.saving.load_model(sys.argv[1])(numpy.load(sys.argv[2]), training=False)]
"""
RUN_LITERT = """
import sys, numpy
from ai_edge_litert.interpreter import Interpreter
runner = Interpreter(sys.argv[1]).get_signature_runner()
answers = [runner(images=numpy.load(sys.argv[2]))["probabilities"]]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_name", "script"),
    [("onnx", RUN_ONNX), ("saved_model", RUN_SAVED_MODEL), ("keras", RUN_KERAS), ("litert", RUN_LITERT)],
)
def test_an_export_works_where_lenetkit_is_not(
    exported: Callable[..., Any], model: Any, tmp_path: Path, format_name: str, script: str
) -> None:
    """In a fresh process, on images and numbers of them that the export was not checked with."""
    path = target_in(tmp_path, format_name)
    exported(path, format=format_name)
    images = np.random.default_rng(9).random((33, 28, 28, 1), dtype=np.float32)
    np.save(tmp_path / "images.npy", images)
    script += "assert 'lenetkit' not in sys.modules\nnumpy.save(sys.argv[3], numpy.asarray(answers[0]))"
    subprocess.run(
        [sys.executable, "-c", script, str(path), str(tmp_path / "images.npy"), str(tmp_path / "answers.npy")],
        check=True,
        capture_output=True,
        timeout=300,
    )
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_export_that_answers_wrongly_leaves_nothing(
    exported: Callable[..., Any], images: np.ndarray, tmp_path: Path, format_name: str
) -> None:
    """The file that was there before stays."""
    path = target_in(tmp_path, format_name)
    if format_name != "saved_model":
        path.write_bytes(b"the old file")
    before = everything_in(tmp_path)
    wrong = np.full((8, 10), 0.1, np.float32)
    with pytest.raises(ExportError, match=r"does not answer as it should: on golden input \d a probability is off by"):
        exported(path, format=format_name, golden_probabilities=wrong)
    assert everything_in(tmp_path) == before
    assert len(os.listdir(tmp_path)) == len(before)


def test_an_answer_that_is_not_a_number_is_wrong(exported: Callable[..., Any], tmp_path: Path) -> None:
    """NaN is greater than nothing, and refused all the same."""
    with pytest.raises(ExportError, match="off by nan"):
        exported(tmp_path / "a.tflite", format="litert", golden_images=np.full((8, 28, 28, 1), np.nan))


def test_writing_again_replaces_the_file(exported: Callable[..., Any], tmp_path: Path) -> None:
    """The same model gives the same LiteRT file."""
    exported(tmp_path / "a.tflite", format="litert")
    before = everything_in(tmp_path)
    exported(tmp_path / "a.tflite", format="litert")
    assert everything_in(tmp_path) == before


def test_a_saved_model_goes_to_a_new_or_empty_folder(exported: Callable[..., Any], tmp_path: Path) -> None:
    """A folder with something in it is nobody's to replace; what a killed export left is removed."""
    (tmp_path / ".model.lenetkit-abc").mkdir()
    (tmp_path / "model").mkdir()
    exported(tmp_path / "model", format="saved_model")
    assert (tmp_path / "model" / "saved_model.pb").is_file()
    assert sorted(os.listdir(tmp_path)) == ["model", "model.labels.txt", "model.preprocessing.json"]
    with pytest.raises(SettingError, match=r"cannot write a SavedModel to .*: it exists. Remove it first"):
        exported(tmp_path / "model", format="saved_model")


def test_labels_have_one_line_each(exported: Callable[..., Any], tmp_path: Path) -> None:
    """Whatever is in their names; the JSON has them as they are."""
    classes = ["zwölf", "two\nlines", *map(str, range(8))]
    report = exported(tmp_path / "a.tflite", format="litert", classes=classes)
    assert report.labels.read_text(encoding="utf-8").splitlines()[:3] == ["zwölf", "two lines", "0"]
    assert json.loads(report.preprocessing.read_text(encoding="utf-8"))["output"]["classes"] == classes


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("a.tflite", {"format": "pickle"}, r"format must be one of 'litert', 'onnx', .*; got 'pickle'"),
        ("a.bin", {"format": "litert"}, r"must end in '\.tflite'; got .*a\.bin"),
        ("a.h5", {"format": "keras"}, r"must end in '\.keras'"),
        ("a.h5", {}, r"a\.h5 does not tell the format: end it in \.tflite, \.onnx, .* or say format='litert' or"),
        ("a.onnx", {"format": "litert"}, r"format='litert' contradicts the suffix '\.onnx', that of format='onnx'"),
        ("a.tflite", {"format": "onnx"}, r"contradicts .* the name must end in '\.onnx'; got .*a\.tflite"),
        ("a.keras", {"format": "saved_model"}, r"contradicts .* the name must be that of a folder; got"),
        ("a.tflite", {"batch": 0}, r"batch must be an integer from 1 to 10000; got 0"),
        ("a.tflite", {"batch": True}, r"batch must be an integer from 1"),
        ("a.onnx", {"batch": 2.5}, r"batch must be an integer from 1"),
        ("a", {"batch": 4}, r"with format='litert' or format='onnx', not with format='saved_model'"),
        ("a.keras", {"batch": 4}, r"not with format='keras'"),
        ("none/a.tflite", {"format": "litert"}, r"there is no folder"),
        ("none/a", {"format": "saved_model"}, r"there is no folder"),
        (
            "a.tflite",
            {"format": "litert", "classes": range(9)},
            r"probabilities of shape \(8, 9\); got 8 and \(8, 10\)",
        ),
        ("a.tflite", {"format": "litert", "golden_images": np.ones((0, 28, 28, 1))}, r"there must be at least one"),
    ],
)
def test_an_invalid_setting_is_named(
    exported: Callable[..., Any], tmp_path: Path, name: str, changes: dict[str, Any], message: str
) -> None:
    """Before anything is written."""
    with pytest.raises(SettingError, match=message):
        exported(tmp_path / name, **changes)
    assert os.listdir(tmp_path) == []


def test_a_target_is_checked_before_the_model_is_built(exported: Callable[..., Any], tmp_path: Path) -> None:
    """A folder in the way of the labels, too."""

    def build() -> None:
        pytest.fail("converted first")

    (tmp_path / "a.keras.labels.txt").mkdir()
    with pytest.raises(SettingError, match=r"cannot write .*a\.keras\.labels\.txt: .* it is a folder"):
        exported(tmp_path / "a.keras", format="keras", build_model=build)
    assert os.listdir(tmp_path) == ["a.keras.labels.txt"]


@pytest.mark.parametrize("missing", ["tf2onnx", "onnxruntime"])
def test_onnx_names_the_extra_that_is_missing(
    model: Any, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """With the command that installs it."""
    for name in ("tf2onnx", "onnxruntime"):
        there = types.ModuleType(name)
        there.__spec__ = importlib.machinery.ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, None if name == missing else there)
    message = (
        rf'exporting to ONNX needs {missing}, not installed here\. Install it with: pip install "lenetkit\[onnx\]"'
    )
    with pytest.raises(MissingExtraError, match=message):
        export(
            tmp_path / "a.onnx",
            format="onnx",
            tflite=b"",
            build_model=lambda: model,
            golden_images=images,
            golden_probabilities=np.ones((8, 10), np.float32),
            classes=range(10),
            preprocessing={},
        )
    assert os.listdir(tmp_path) == []


EXPORT_LITERT = """
import sys
from lenetkit.bundle import read_bundle
from lenetkit.exporting import export
bundle = read_bundle(sys.argv[1])
export(sys.argv[2], format="litert", tflite=bundle.tflite, build_model=None, golden_images=bundle.golden_images,
       golden_probabilities=bundle.golden_probabilities, classes=bundle.encoder["classes"], preprocessing={})
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


def test_a_litert_export_needs_no_tensorflow(tmp_path: Path) -> None:
    """Nor the plug-in that the model came from: the bytes are in the saved pipeline."""
    subprocess.run([sys.executable, "-c", EXPORT_LITERT, str(SAMPLE), str(tmp_path / "a.tflite")], check=True)
    assert (tmp_path / "a.tflite").read_bytes() == read_bundle(SAMPLE).tflite
