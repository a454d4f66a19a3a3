"""Smaller exports, measured before they are kept: int8, float16 and dynamic for LiteRT, int8 weights in C."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenetkit import Pipeline
from lenetkit.exceptions import DataError, ExportError, MissingExtraError, SettingError
from lenetkit.exporting import FORMATS, check_target, export
from lenetkit.exporting._measuring import check_drop, measure
from lenetkit.models import create_model, list_models, model_info
from lenetkit.runtime import Predictor

BLACK = np.zeros((2, 28, 28), np.uint8)
LITERT = ("int8", "float16", "dynamic")

tensorflow = pytest.mark.tensorflow


# The measure itself, without TensorFlow


def one_hot(*labels: int) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[list(labels)]


def test_agreement_is_counted_on_golden_inputs_and_on_the_given_images() -> None:
    """Accuracies on the given ones alone, whose labels are known."""
    golden = one_hot(0, 1), one_hot(0, 2)
    without = measure(one_hot(0, 1, 2, 2), one_hot(0, 1, 2, 1), golden, None)
    assert (without.n_images, without.agreement, without.accuracy) == (6, 4 / 6, None)
    labelled = measure(one_hot(0, 1, 2, 2), one_hot(0, 1, 2, 1), golden, np.array([0, 1, 1, 1]))
    assert (labelled.agreement, labelled.accuracy, labelled.accuracy_before) == (4 / 6, 0.5, 0.75)


@pytest.mark.parametrize(
    ("lost", "allowed", "accepted"), [(5, 0.005, True), (6, 0.005, False), (1, 0, False), (0, 0, True)]
)
def test_exactly_what_was_allowed_may_be_lost(lost: int, allowed: float, accepted: bool) -> None:
    """Not a bit of the division more or less; the message names both accuracies and the way out."""
    known = np.zeros(1000, int)
    found = np.where(np.arange(1000) < lost, 1, 0)
    golden = one_hot(0), one_hot(0)
    measured = measure(one_hot(*found), one_hot(*known), golden, known)
    if accepted:
        check_drop("litert", measured, allowed)
    else:
        with pytest.raises(ExportError, match=r"the accuracy falls from 100.00% to 9\d\.\d0%; max_drop="):
            check_drop("litert", measured, allowed)


def test_a_gain_is_no_loss() -> None:
    """Where rounding happens to help."""
    measured = measure(one_hot(0, 1), one_hot(0, 2), (one_hot(0), one_hot(0)), np.array([0, 1]))
    check_drop("litert", measured, 0)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (
            "a.tflite",
            {"quantize": "int4"},
            r"quantize='int4' is not possible with format='litert': choose",
        ),
        ("a.onnx", {"quantize": "int8"}, r"quantize='int8' is not possible with format='onnx'"),
        ("a.keras", {"quantize": "float16"}, r"not possible with format='keras'"),
        ("a.h", {"quantize": "float16"}, r"not possible with format='c': .*; with format='c' 'int8'"),
        ("a.h", {"batch": 1}, r"not with format='c'"),
        ("a.txt", {"format": "c"}, r"must end in '\.h'"),
        ("a.h", {"format": "litert"}, r"format='litert' contradicts the suffix '\.h', that of format='c'"),
        ("a.tflite", {"max_drop": 1.5}, r"max_drop must be a number from 0 to 1; got 1.5"),
        ("a.tflite", {"max_drop": float("nan")}, r"max_drop must be a number from 0 to 1"),
        ("a.tflite", {"labels": [1]}, r"labels need the images that they belong to"),
        ("a.tflite", {"calibration_images": BLACK}, r"calibration_images are for format='litert' with quantize='int8'"),
        ("a.tflite", {"images": BLACK, "labels": [1]}, r"one label per image; got 2 images and 1"),
        ("a.tflite", {"images": BLACK, "labels": [1, 12]}, r"labels\[1\] must be one of the 10 classes"),
        ("a.tflite", {"images": BLACK[:0]}, r"images must hold at least one image"),
    ],
)
def test_an_invalid_argument_is_named(tmp_path: Path, name: str, settings: dict[str, Any], message: str) -> None:
    """Before anything is converted, and nothing is written."""
    with pytest.raises((SettingError, DataError), match=message):
        Pipeline.pretrained().export(tmp_path / name, **settings)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("missing", ["tensorflow", "keras"])
@pytest.mark.parametrize(
    ("name", "settings"), [("a.h", {}), ("a.tflite", {"quantize": "int8"}), ("a.tflite", {"batch": 1})]
)
def test_what_tensorflow_converts_says_so_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, name: str, settings: dict[str, Any]
) -> None:
    """At once, with the command; a plain LiteRT export goes on without it."""
    monkeypatch.setitem(sys.modules, missing, None)
    called = {"tensorflow": "TensorFlow", "keras": "Keras"}[missing]
    with pytest.raises(
        MissingExtraError, match=rf"exporting with format=.* needs {called}, not installed here.*pip ins"
    ):
        Pipeline.pretrained().export(tmp_path / name, **settings)
    assert os.listdir(tmp_path) == []
    check_target(tmp_path / "plain.tflite", "litert")


def test_any_export_is_measured_on_the_given_images(tmp_path: Path) -> None:
    """A plain one, too: its label is the pipeline's for every image."""
    from lenetkit.synthesis import draw_digits

    drawn = draw_digits(20, seed=4)
    report = Pipeline.pretrained().export(tmp_path / "a.tflite", images=drawn.images, labels=drawn.labels)
    assert (report.n_images, report.agreement, report.quantize) == (30, 1.0, None)
    assert report.accuracy == report.accuracy_before == Pipeline.pretrained().score(drawn.images, drawn.labels)
    assert report.size == (tmp_path / "a.tflite").stat().st_size
    normalize, rescale = json.loads(report.preprocessing.read_text())["preprocessing"]["transforms"]
    assert [stage["stage"] for stage in normalize["steps"]][::11] == ["pass", "centre"]
    assert rescale["steps"][0].startswith("out = in * 0.0039215")


# Converted by TensorFlow


@tensorflow
@pytest.mark.versions
@pytest.mark.parametrize("quantize", LITERT)
def test_a_smaller_file_takes_and_gives_float32(
    exported: Callable[..., Any], images: np.ndarray, tmp_path: Path, quantize: str
) -> None:
    """The report says how small, and how nearly it answers; any number of images goes, each by itself."""
    report = exported(tmp_path / "a.tflite", quantize=quantize, max_drop=1)
    predictor = Predictor(report.path.read_bytes())
    answers = predictor.predict_proba(images)
    assert report.quantize == quantize
    assert report.size == report.path.stat().st_size < 130_000
    assert 0 < report.greatest_difference < 0.2
    np.testing.assert_array_equal(
        np.concatenate([predictor.predict_proba(images[k : k + 1]) for k in range(8)]), answers
    )


@tensorflow
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("quantize", LITERT)
def test_a_smaller_file_for_a_fixed_number_of_images(
    exported: Callable[..., Any], tmp_path: Path, quantize: str, batch: int
) -> None:
    """As the file for any number answers, nearly."""
    from ai_edge_litert.interpreter import Interpreter

    report = exported(tmp_path / "a.tflite", quantize=quantize, batch=batch, max_drop=1)
    interpreter = Interpreter(str(report.path))
    interpreter.allocate_tensors()
    assert interpreter.get_input_details()[0]["shape_signature"].tolist() == [batch, 28, 28, 1]
    assert report.greatest_difference < 0.2


@tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("quantize", LITERT)
def test_every_registered_model_has_smaller_files(tmp_path: Path, name: str, quantize: str) -> None:
    """Smaller than the float32 file, and of its opinion on nearly all noise."""
    from lenetkit.exporting import convert_to_litert
    from lenetkit.exporting._litert import quantize_to_litert

    info = model_info(name)
    built = create_model(name, input_shape=info.input_shape, seed=0)
    images = np.random.default_rng(0).uniform(*info.value_range, (40, *info.input_shape)).astype(np.float32)
    small, plain = quantize_to_litert(built, quantize, images[:10]), convert_to_litert(built)
    assert len(small) < 0.95 * len(plain)
    answers = Predictor(small).predict_proba(images)
    assert np.isfinite(answers).all()
    assert np.abs(answers - np.asarray(built(images, training=False))).max() < 0.2


@tensorflow
def test_the_same_export_gives_the_same_bytes(exported: Callable[..., Any], tmp_path: Path) -> None:
    """Calibration draws nothing at random."""
    first = exported(tmp_path / "a.tflite", quantize="int8", max_drop=1).path.read_bytes()
    second = exported(tmp_path / "b.tflite", quantize="int8", max_drop=1).path.read_bytes()
    assert first == second


@tensorflow
@pytest.mark.parametrize("name", ["a.tflite", "a.h"])
def test_too_great_a_loss_is_refused_and_leaves_nothing(
    exported: Callable[..., Any], images: np.ndarray, tmp_path: Path, name: str
) -> None:
    """The file that was there before stays."""
    (tmp_path / name).write_bytes(b"the old file")
    # The pipeline is said to give labels that no rounding of its weights gives.
    wrong = np.eye(10, dtype=np.float32)[(exported(tmp_path / "b.tflite").greatest_difference >= 0) * np.arange(8) % 10]
    for path in tmp_path.glob("b.*"):
        path.unlink()
    with pytest.raises(
        ExportError, match=r"of 8 images get another label than the pipeline gives; max_drop=0\.005 accep"
    ):
        exported(tmp_path / name, quantize="int8", golden_probabilities=wrong)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"the old file"


@tensorflow
def test_calibration_images_decide_the_ranges(exported: Callable[..., Any], images: np.ndarray, tmp_path: Path) -> None:
    """Black ones tell nothing of what ink does inside the network."""
    black = exported(tmp_path / "a.tflite", quantize="int8", calibration_images=np.zeros_like(images), max_drop=1)
    own = exported(tmp_path / "b.tflite", quantize="int8", max_drop=1)
    assert black.greatest_difference > 2 * own.greatest_difference
    with pytest.raises(SettingError, match="calibration_images must be finite"):
        exported(tmp_path / "c.tflite", quantize="int8", calibration_images=np.full_like(images, np.nan))


@tensorflow
def test_a_header_says_how_small_its_constants_are(exported: Callable[..., Any], tmp_path: Path) -> None:
    """Not how long its text is."""
    plain, small = exported(tmp_path / "a.h"), exported(tmp_path / "b.h", quantize="int8", max_drop=1)
    assert plain.size == 4 * 61_706
    assert small.size < 65_000
    assert plain.greatest_difference <= 1e-5
    assert json.loads(small.preprocessing.read_text())["input"]["shape"] == ["n", 28, 28, 1]


@tensorflow
def test_a_model_that_c_has_no_code_for_leaves_nothing(images: np.ndarray, tmp_path: Path) -> None:
    """A plug-in's layer is named."""
    import keras

    image = keras.Input((28, 28, 1))
    x = keras.layers.DepthwiseConv2D(3, name="deep")(image)
    model = keras.Model(image, keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(x)), name="plugged")
    with pytest.raises(ExportError, match=r"'plugged' cannot be written in C: the layer 'deep' of class Depthwise"):
        export(
            tmp_path / "a.h",
            tflite=b"",
            build_model=lambda: model,
            golden_images=images,
            golden_probabilities=np.ones((8, 10), np.float32),
            classes=range(10),
            preprocessing={},
        )
    assert os.listdir(tmp_path) == []


@tensorflow
@pytest.mark.slow
def test_int8_keeps_lenet5_on_mnist(shared_data: Path, tmp_path: Path) -> None:
    """At most 80 kB and at most 0.05 points less on the test set; it was calibrated on training images."""
    from lenetkit import load_dataset

    test = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)
    report = Pipeline.pretrained().export(
        tmp_path / "a.tflite", quantize="int8", images=test.images, labels=test.labels, max_drop=0.0005
    )
    assert report.size <= 80_000
    assert report.accuracy is not None
    assert report.accuracy_before is not None
    assert report.accuracy >= report.accuracy_before - 0.0005
    assert report.agreement > 0.999


def test_the_formats_have_suffixes_of_their_own() -> None:
    """A name tells one format."""
    assert len(set(FORMATS.values())) == len(FORMATS)
