"""pandas in and out: tables of pixels, columns of paths, Series of labels and weights, and probabilities by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetkit import Dataset, LeNetClassifier, Pipeline, Trainer, evaluate, load_dataset
from lenetkit.datasets._pixel_tables import read_table
from lenetkit.exceptions import DataError

QUICK = Trainer(epochs=1, batch_size=32, verbose=0)


def table_of(images: np.ndarray, name: str = "pixel{}", first: int = 0) -> pd.DataFrame:
    rows = images.reshape(len(images), -1).astype(np.int64)
    columns = [name.format(number) for number in range(first, first + rows.shape[1])]
    return pd.DataFrame(rows, columns=columns, index=range(100, 100 + len(rows)))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Return two hundred small digits."""
    return load_dataset("digits")[:200]


# Images


@given(order=st.permutations(range(9)), first=st.sampled_from([0, 1]), seed=st.integers(0, 99))
def test_pixels_find_their_place_by_their_names(order: list[int], first: int, seed: int) -> None:
    """In whatever order the columns stand, numbered from 0 or 1, by row and column, or by plain numbers."""
    images = np.random.default_rng(seed).integers(0, 256, (4, 3, 3), np.uint8)
    named = table_of(images, first=first)
    placed = named.set_axis([f"{row}x{column}" for row in (1, 2, 3) for column in (1, 2, 3)], axis=1)
    numbered = named.set_axis(range(first, first + 9), axis=1)
    for table in (named, placed, numbered, named.astype(float), named.astype(str)):
        np.testing.assert_array_equal(read_table(table.iloc[:, order]), images, strict=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"label": [1], "pixel0": [0]}), r"pass the pixels alone, table.drop\(columns='label'\)"),
        (
            pd.DataFrame({"pixel0": [0, 300]}),
            "pixel0 in row 1 must be an integer .*; it is .*300.*LeNet",
        ),
        (pd.DataFrame({"pixel0": [0.5]}), "pixel0 in row 0 must be an integer"),
        (pd.DataFrame({"pixel0": [0, None]}), "pixel0 in row 1 must be an integer"),
        (pd.DataFrame({"pixel0": ["x"]}), "pixel0 in row 0 must be an integer"),
        (pd.DataFrame({"pixel0": [0], "pixel2": [0]}), "the column pixel1 is missing"),
        (pd.DataFrame({"pixel0": [0], "pixel1": [0]}), "2 pixels make no square image"),
        (pd.DataFrame({"1x2": [0]}), "the columns must be 1x1 to"),
        (pd.DataFrame({"age": [0]}), "the columns of pixels must be pixel0"),
        (pd.DataFrame({"pixel0": [0], "age": [0]}), "the column 'age' is neither"),
        (pd.DataFrame(), "must have rows and columns"),
        (pd.DataFrame({"pixel0": []}), "must have rows and columns"),
        (pd.DataFrame([[0, 0]], columns=["pixel0", "pixel0"]), "must have rows and columns of different names"),
    ],
)
def test_tables_that_are_no_images_are_refused(table: pd.DataFrame, message: str) -> None:
    """By a pipeline too, naming the first offender."""
    for take in (read_table, Pipeline.pretrained().predict):
        with pytest.raises(DataError, match=message):
            take(table)


def test_a_table_of_pixels_is_answered_as_its_images(digits: Dataset) -> None:
    """By everything that takes images."""
    pipe = Pipeline.pretrained()
    table = table_of(digits.images)
    assert pipe.predict_proba(table).tobytes() == pipe.predict_proba(digits.images).tobytes()
    assert pipe.score(table, pd.Series(digits.labels, index=table.index)) == pipe.score(digits.images, digits.labels)


@pytest.mark.parametrize("kind", ["object", "string", "category", np.array])
def test_a_column_of_paths_is_a_list_of_pictures(digits: Dataset, kind: Any, tmp_path: Path) -> None:
    """As in a table of files and labels."""
    for number in range(3):
        PIL.Image.fromarray(digits.images[number]).save(tmp_path / f"{number}.png")
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    column = kind(paths) if callable(kind) else pd.Series(paths, index=[7, 8, 9], dtype=kind)
    pipe = Pipeline.pretrained()
    assert pipe.predict_proba(column).tobytes() == pipe.predict_proba(digits.images[:3]).tobytes()
    with pytest.raises(DataError, match=r"none\.png"):
        pipe.predict(pd.Series(["none.png"]))


# Training


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_pipeline_trained_on_a_table_is_the_one_trained_on_its_arrays(digits: Dataset) -> None:
    """Pixels, labels, both weights and the validation data, all from pandas with an index of their own."""
    table = table_of(digits.images).assign(label=digits.labels)
    pixels, labels = table.drop(columns="label"), table["label"]
    heavier = dict(zip(range(10), np.linspace(0.5, 2, 10), strict=True))
    weights = np.linspace(0.1, 1, len(digits))
    from_pandas = Pipeline(trainer=QUICK).fit(
        pixels,
        labels,
        validation_data=(pixels[:50], labels[:50]),
        sample_weight=pd.Series(weights, index=table.index),
        class_weight=pd.Series(heavier),
    )
    from_arrays = Pipeline(trainer=QUICK).fit(
        digits.images,
        digits.labels,
        validation_data=(digits.images[:50], digits.labels[:50]),
        sample_weight=weights,
        class_weight=heavier,
    )
    pd.testing.assert_frame_equal(from_pandas.history_, from_arrays.history_, check_exact=True)
    for mine, other in zip(from_pandas.model_.get_weights(), from_arrays.model_.get_weights(), strict=True):
        assert mine.tobytes() == other.tobytes()


@pytest.mark.tensorflow
def test_the_classifier_knows_a_tables_columns(digits: Dataset) -> None:
    """As scikit-learn's own: it keeps their names and refuses others."""
    table = table_of(digits.images)
    labels = pd.Series(digits.labels, index=table.index).astype(str).astype("category")
    classifier = LeNetClassifier(image_shape=(8, 8), epochs=1, random_state=0).fit(table, labels)
    assert classifier.feature_names_in_.tolist() == table.columns.tolist()
    assert classifier.predict(table).dtype == classifier.classes_.dtype
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(table.rename(columns={"pixel0": "age"}))


# Evaluating


def test_probabilities_find_their_class_by_the_names_of_their_columns() -> None:
    """In whatever order; without classes the columns are the classes."""
    table = pd.DataFrame({"b": [0.1, 0.8], "a": [0.9, 0.2]}, index=[5, 6])
    labels = pd.Series(["a", "b"], index=[5, 6])
    assert evaluate(labels, table).accuracy == 1
    for classes in (["a", "b"], np.array(["a", "b"]), pd.Index(["a", "b"]), ["b", "a"]):
        found = evaluate(labels, table, classes)
        assert (found.accuracy, found.classes.tolist()) == (1, list(classes))
    # Columns with other names count by their place.
    assert evaluate(labels, table.set_axis(["p", "q"], axis=1), ["b", "a"]).accuracy == 1
    with pytest.raises(DataError, match=r"labels\[0\] must be one of the classes \['p', 'q'\]"):
        evaluate(labels, table.set_axis(["p", "q"], axis=1))
    with pytest.raises(DataError, match="classes must"):
        evaluate(labels, table, [{}, {}])


def test_what_is_a_table_comes_out_as_one(digits: Dataset) -> None:
    """Of pandas, each with names for its columns."""
    evaluation = Pipeline.pretrained().evaluate(digits.images, digits.labels)
    tables = [evaluation.per_class, evaluation.confusion_matrix, evaluation.most_confused(), evaluation.top_losses()]
    tables += [evaluation.reliability(), evaluation.rejection_curve()]
    for table in tables:
        assert isinstance(table, pd.DataFrame)
        assert len(table.columns) > 1
    assert isinstance(digits.describe(), pd.Series)
