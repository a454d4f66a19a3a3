"""Learning curves and provenance in a saved pipeline: the same table, the same bytes, and nothing that is made up."""

import hashlib
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from hypothesis import example, given, settings

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.bundle import History, clean_provenance, read_bundle, read_file
from lenetkit.bundle._container import pack
from lenetkit.bundle._history import check_provenance
from lenetkit.bundle._values import dump_values
from lenetkit.exceptions import BundleError, NotFittedError
from lenetkit.trainer import TrainingResult

SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"
PROVENANCE = {"data": "0" * 64, "setting seed": "0"}
GOOD = {"epochs": 2, "columns": ["loss", "val_loss"], "environment": PROVENANCE}
ARRAYS = {
    "training/000": np.array([0.5, 0.25]),
    "training/001": np.array([0.75, 0.0]),
    "training/001/missing": np.array([False, True]),
}


def a_result(history: pd.DataFrame, **provenance: str) -> TrainingResult:
    return TrainingResult(
        history=history,
        epochs_run=len(history),
        steps=10,
        seconds=1.0,
        seconds_per_epoch=(1.0,) * len(history),
        images_per_second=100.0,
        stopped_by="epochs",
        peak_memory=1,
        provenance={**PROVENANCE, **provenance},
    )


def a_history(columns: dict[str, Any]) -> pd.DataFrame:
    n = len(next(iter(columns.values()), ()))
    return pd.DataFrame(columns, index=pd.RangeIndex(1, n + 1, name="epoch"))


def saved(path: Path, values: Any, arrays: dict[str, np.ndarray]) -> Path:
    """Save the sample with this as its training, sound in itself: what somebody makes who means harm."""
    file = read_file(SAMPLE)
    manifest, members = file.manifest, {name: file.members[name] for name in list(file.members)[2:]}
    members["extras.safetensors"] = safetensors.numpy.save({**file.bundle.extra_tensors, **arrays})
    manifest["extras"]["training"] = values
    for name, content in members.items():
        manifest["members"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    text = dump_values(manifest)
    checksum = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n".encode()
    path.write_bytes(pack({"manifest.json": text, "manifest.sha256": checksum, **members}))
    return path


def through_a_file(path: Path, result: TrainingResult) -> Pipeline:
    history = History.from_table(result.history)
    return Pipeline.load(saved(path, *history.to_extras(clean_provenance(result.provenance))))


# Round trips

numbers = st.floats(width=64, min_value=-1e38, max_value=1e38) | st.just(float("nan"))
kinds = st.sampled_from([numbers, st.integers(-(2**63), 2**63 - 1), st.booleans()])
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9)
tables = st.integers(0, 5).flatmap(
    lambda n: st.dictionaries(names, kinds.flatmap(lambda kind: st.lists(kind, min_size=n, max_size=n)), max_size=4)
)


@settings(max_examples=60)
@given(columns=tables)
def test_any_table_of_numbers_comes_back_as_it_went(tmp_path_factory: pytest.TempPathFactory, columns: Any) -> None:
    """To the bit, with its types, its index, its order and what was not measured."""
    history = a_history(columns)
    if not len(history):
        history = history.astype(float)
    loaded = through_a_file(tmp_path_factory.getbasetemp() / "any.lenet", a_result(history))
    pd.testing.assert_frame_equal(loaded.history_, history, check_exact=True, check_column_type=bool(columns))
    assert loaded.provenance_ == PROVENANCE


def test_a_file_of_an_older_version_has_no_history(tmp_path: Path) -> None:
    """It loads, predicts and says what is missing."""
    old = Pipeline.load(SAMPLE)
    assert old.predict(np.zeros((1, 4, 4), np.uint8)).shape == (1,)
    for name, wanted in (("history_", "no history"), ("provenance_", "no provenance"), ("result_", "no training")):
        with pytest.raises(NotFittedError, match=wanted):
            getattr(old, name)


def test_what_is_no_number_is_left_out_and_what_is_not_finite_is_missing(tmp_path: Path) -> None:
    """Callbacks may log anything; that is no reason to lose the file."""
    history = a_history({"loss": [np.inf, 0.5], "note": ["a", "b"], "odd\nname": [1.0, 2.0], "big": [1e300, -np.inf]})
    loaded = through_a_file(tmp_path / "x.lenet", a_result(history))
    assert list(loaded.history_) == ["loss", "big"]
    np.testing.assert_array_equal(loaded.history_["loss"], [np.nan, 0.5])
    assert loaded.history_["big"].isna().all()


def test_what_differs_from_run_to_run_is_not_kept() -> None:
    """Paths of callbacks and addresses in memory."""
    result = a_result(
        a_history({"loss": [0.5]}),
        **{
            "setting callbacks": "[CSVLogger]",
            "setting callbacks[0].filename": "'/home/me/today.csv'",
            "setting x": "<f at 0x7f00ab> \n",
        },
    )
    kept = clean_provenance(result.provenance)
    assert kept == {**PROVENANCE, "setting x": "<f>  "}
    assert "seconds" not in str(History.from_table(result.history).to_extras(kept))


def test_a_changed_table_changes_nothing_else(tmp_path: Path) -> None:
    """Whoever asks gets a table of his own."""
    loaded = through_a_file(tmp_path / "x.lenet", a_result(a_history({"loss": [0.5]})))
    table = loaded.history_
    table["loss"] = 7.0
    loaded.provenance_.clear()
    assert loaded.history_["loss"].tolist() == [0.5]
    assert loaded.provenance_ == PROVENANCE


# Hostile files


def without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


@pytest.mark.parametrize(
    ("values", "arrays", "message"),
    [
        *[(values, ARRAYS, "must name epochs, columns") for values in ([], None, 7, "x", {}, without(GOOD, "epochs"))],
        *[
            ({**GOOD, "epochs": epochs}, ARRAYS, "epochs must be an integer|a number for each of")
            for epochs in (-1, True, 2.0, "2", None, [2], 1, 3, 10**7, 2**62)
        ],
        *[({**GOOD, "columns": columns}, ARRAYS, "must be a list of at most") for columns in ("loss", {}, [1], [[]])],
        ({**GOOD, "columns": ["x"] * 1001}, ARRAYS, "must be a list of at most"),
        ({**GOOD, "columns": ["loss", "loss"]}, ARRAYS, "two columns have one name"),
        ({**GOOD, "columns": ["loss", ""]}, ARRAYS, "the name of a column must be a printable text"),
        ({**GOOD, "columns": ["loss", "a\nb"]}, ARRAYS, "the name of a column must be a printable text"),
        ({**GOOD, "columns": ["loss", "x" * 10_000]}, ARRAYS, "the name of a column must be a printable text"),
        ({**GOOD, "columns": ["loss", "val_loss", "os.system"]}, ARRAYS, "the column 'os.system' is missing"),
        (GOOD, without(ARRAYS, "training/000"), "the column 'loss' is missing"),
        (GOOD, {**ARRAYS, "training/000": np.ones((2, 2))}, "the column 'loss' must hold a number for each of 2"),
        (GOOD, {**ARRAYS, "training/000": np.ones(1_000_000)}, "the column 'loss' must hold a number for each of 2"),
        (GOOD, {**ARRAYS, "training/000": np.array([1e300, 1])}, "that nobody can have measured"),
        (GOOD, {**ARRAYS, "training/001/missing": np.ones(3, bool)}, "does not say where"),
        (GOOD, {**ARRAYS, "training/001/missing": np.ones(2)}, "does not say where"),
        (GOOD, {**ARRAYS, "training/001": np.ones(2, int)}, "does not say where"),
        *[({**GOOD, "environment": value}, ARRAYS, "must be a table of settings") for value in ([], None, "x", 1)],
        ({**GOOD, "environment": {"seed": 0}}, ARRAYS, "the setting 'seed' must be a printable text"),
        ({**GOOD, "environment": {"seed": "\x1b[2J"}}, ARRAYS, "the setting 'seed' must be a printable text"),
        ({**GOOD, "environment": {"seed": "x" * 3000}}, ARRAYS, "the setting 'seed' must be a printable text"),
        ({**GOOD, "environment": {"": "0"}}, ARRAYS, "the name of a setting must be a printable text"),
        ({**GOOD, "environment": {f"{n}": "" for n in range(1001)}}, ARRAYS, "more than 1,000 settings"),
    ],
)
def test_an_invalid_history_is_refused(values: Any, arrays: Any, message: str, tmp_path: Path) -> None:
    """With the file's own error, before anybody looks at it."""
    path = saved(tmp_path / "x.lenet", values, arrays)
    with pytest.raises(BundleError, match=message):
        Pipeline.load(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float, tmp_path: Path) -> None:
    """As in every array of a file."""
    path = saved(tmp_path / "x.lenet", GOOD, {**ARRAYS, "training/000": np.array([bad, 0])})
    with pytest.raises(BundleError, match="the column 'loss' holds NaN or infinite values"):
        Pipeline.load(path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 1) | st.text("a", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["loss", "0"]), inner),
    max_leaves=5,
)


@given(
    values=st.fixed_dictionaries(
        {"epochs": st.integers(0, 3) | anything, "columns": st.just(["loss"]) | anything, "environment": anything}
    ),
    shape=st.lists(st.integers(1, 3), max_size=2),
    dtype=st.sampled_from(["f8", "f4", "f2", "i8", "u1", "?"]),
)
@example(values={"epochs": 1, "columns": ["loss"], "environment": {}}, shape=[1], dtype="f2")
def test_fuzz_any_values_give_a_table_or_our_error(values: Any, shape: list[int], dtype: str) -> None:
    """And a table that can be drawn."""
    try:
        history, provenance = History.from_extras(values, {"training/000": np.ones(shape, dtype)})
        check_provenance(provenance)
    except BundleError:
        return
    assert len(history.to_table()) == values["epochs"]


# The report


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"loss": [0.5, 0.25], "accuracy": [0.5, 0.875]}, "Learning curves"),
        ({"loss": [3e38, -3e38], "val_loss": [np.nan, np.nan]}, "Learning curves"),
        ({"loss": [True, False]}, "Learning curves"),
        ({"loss": []}, "0 epochs, in another process"),
        ({"other": [1.0]}, "1 epochs, in another process"),
        ({}, "0 epochs, in another process"),
    ],
)
def test_the_report_of_a_loaded_pipeline_shows_its_learning_curves(columns: Any, wanted: str, tmp_path: Path) -> None:
    """As far as there are any that can be drawn, and the settings; nothing in them becomes markup."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    hostile = "<script>alert(1)</script>"
    pipe = through_a_file(tmp_path / "x.lenet", a_result(a_history(columns), **{hostile: hostile}))
    evaluation = pipe.evaluate(np.zeros((2, 4, 4), np.uint8), ["eins", "drei"])
    html = evaluation.to_html(tmp_path / "report.html", pipeline=pipe).read_text("utf-8")
    assert wanted in html
    assert ("Learning curves" in html) == (wanted == "Learning curves")
    assert "setting seed" in html
    assert "<script" not in html


# Real trainings

TRAIN = """
import sys
from lenetkit import Pipeline, Trainer, load_dataset
import keras

def train(path):
    data = load_dataset("digits")[:120]
    log = keras.callbacks.CSVLogger(f"{path}.csv")
    trainer = Trainer(epochs=3, batch_size=32, verbose=0, validation_split=0.2, callbacks=[log])
    pipe = Pipeline(trainer=trainer).fit(data.images, data.labels)
    pipe.save(path)
    return pipe
"""

LOAD = """
import sys
sys.modules.update(dict.fromkeys(["pandas", "tensorflow", "keras"]))
import numpy as np
from lenetkit import Pipeline
Pipeline.load(sys.argv[1]).predict(np.zeros((1, 8, 8), np.uint8))
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_two_processes_that_train_alike_save_the_same_bytes_and_the_history(tmp_path: Path) -> None:
    """Wherever they log to; the table comes back, and predicting needs no pandas for it."""
    first, second = tmp_path / "first.lenet", tmp_path / "second.lenet"
    code = f"{TRAIN}train(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(first)], check=True, capture_output=True)
    here: dict[str, Any] = {}
    exec(TRAIN, here)
    trained = here["train"](second).history_
    assert first.read_bytes() == second.read_bytes()
    loaded = Pipeline.load(first)
    assert list(trained) == ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    pd.testing.assert_frame_equal(loaded.history_, trained, check_exact=True)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(loaded)).history_, trained, check_exact=True)
    assert loaded.provenance_["setting epochs"] == "3"
    bundle = read_bundle(first)
    fingerprint = load_dataset("digits")[:120].fingerprint
    assert loaded.provenance_["data"] == bundle.data["fingerprint"] == fingerprint
    assert "csv" not in json.dumps(read_file(first).manifest)
    assert bundle.metrics["val_loss"] == trained["val_loss"].iloc[-1]
    subprocess.run([sys.executable, "-c", LOAD, str(first)], check=True)
    logged = pd.read_csv(str(first) + ".csv")
    np.testing.assert_allclose(logged["val_loss"], trained["val_loss"])


@pytest.mark.slow
@pytest.mark.tensorflow
def test_training_again_replaces_what_the_file_kept(tmp_path: Path) -> None:
    """And no training at all leaves an empty table."""
    data = load_dataset("digits")[:64]
    pipe = Pipeline(trainer=Trainer(epochs=0, verbose=0)).fit(data.images, data.labels)
    loaded = Pipeline.load(pipe.save(tmp_path / "none.lenet"))
    assert loaded.history_.shape == (0, 0)
    loaded.trainer = Trainer(epochs=2, verbose=0)
    loaded.fit(data.images, data.labels)
    assert len(loaded.history_) == len(loaded.result_.history) == 2
    assert loaded.provenance_ == {**loaded.result_.provenance, "data": data.fingerprint}
