"""Weights of images and classes: the same at every door, and a clear error for what cannot be meant."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from lenetkit import LeNetClassifier, Pipeline, Trainer
from lenetkit.exceptions import DataError, SettingError
from lenetkit.trainer import check_class_weight, check_sample_weight

LABELS = [["three", "eight"], [3, 8], [8, 3], [False, True], [-1, 0, 5], ["a", "b", "c", "d"]]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_balanced_weights_are_those_of_scikit_learn(indices: list[int]) -> None:
    """Whatever classes occur; a class that does not occur has no say."""
    found = np.unique(indices)
    expected = compute_class_weight("balanced", classes=found, y=indices)
    weights = check_class_weight("balanced", np.array(indices), "abcde")
    np.testing.assert_allclose([weights[index] for index in found], expected, rtol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=30))
def test_in_balance_a_weight_of_two_is_the_row_twice(rows: list[tuple[int, int]]) -> None:
    """All classes weigh the same in sum."""
    indices, amounts = (np.array(column) for column in zip(*rows, strict=True))
    once = check_class_weight("balanced", indices, range(4), amounts)
    repeated = check_class_weight("balanced", np.repeat(indices, amounts), range(4))
    np.testing.assert_allclose([once[i] for i in indices], [repeated[i] for i in indices], rtol=1e-12)
    sums = [sum(amounts[indices == i] * once[i]) for i in np.unique(indices)]
    np.testing.assert_allclose(sums, sums[0], rtol=1e-12)


@pytest.mark.parametrize("classes", LABELS, ids=str)
def test_mappings_series_and_arrays_say_the_same(classes: list[Any]) -> None:
    """By label, however numpy or pandas wrap it, or in the order of the classes."""
    n = len(classes)
    indices, values = np.arange(3 * n) % n, [0.5 * index for index in range(1, n + 1)]
    expected = dict(enumerate(values))
    by_label = dict(zip(reversed(np.array(classes)), reversed(values), strict=True))
    exact = {label: Fraction(value) for label, value in zip(classes, values, strict=True)}
    for given_weights in (by_label, exact, pd.Series(by_label), values, tuple(values), np.array(values, np.float32)):
        assert check_class_weight(given_weights, indices, np.array(classes)) == expected


def test_a_class_that_does_not_occur_needs_no_weight() -> None:
    """As where ten classes are fixed and the training part has nine of them."""
    assert check_class_weight({"a": 2, "c": 1}, np.array([0, 2, 2]), ["a", "b", "c"]) == {0: 2.0, 2: 1.0}


BAD_CLASS_WEIGHTS: list[tuple[Any, str]] = [
    ({3: 15}, "has no weight for the class 8; name every class: 3, 8"),
    ({8: 15}, "has no weight for the class 3; name every class"),
    ({}, "has no weight for the class 3"),
    ({0: 1, 1: 2}, "names 0, which is none of the 2 classes: 3, 8"),
    ({"3": 1, "8": 2}, "names '3', which is none of the 2 classes: 3, 8"),
    ({3: 1, 8: 1, 9: 1}, "names 9, which is none of the 2 classes"),
    ({3: 1, 8: 1, None: 1}, "names None, which is none"),
    ({3: -1.0, 8: 1}, r"class_weight\[3\] is -1.0; weights are finite and not negative"),
    ({3: 1, 8: float("nan")}, r"class_weight\[8\] is nan"),
    ({3: 1, 8: 1e300}, r"class_weight\[8\] is 1e\+300"),
    ({3: 1, 8: 10**400}, r"class_weight\[8\] is 1000"),
    ({3: 1, 8: "2"}, r"class_weight\[8\] is '2'"),
    ({3: None, 8: 1}, r"class_weight\[3\] is None"),
    ({3: [1, 2], 8: 1}, r"class_weight\[3\] is \[1, 2\]"),
    ({3: 0, 8: 0}, "is 0 for every image: there is nothing to learn from"),
    ([0.0, 0.0], "is 0 for every image"),
    ([1.0], r"one weight for each of the 2 classes in the order 3, 8; got float64 of shape \(1,\)"),
    (np.ones((2, 1)), r"got float64 of shape \(2, 1\)"),
    ([1.0, -2.0], r"class_weight\[8\] is -2.0"),
    ([1.0, np.inf], r"class_weight\[8\] is inf"),
    (["a", "b"], r"'balanced', a mapping from class to weight, or an array .* got <U1 of shape \(2,\)"),
    ([[1], [1, 2]], "got a list that is no array"),
    ("balance", "must be 'balanced', a mapping .* got 'balance'"),
    (2, "must be 'balanced', a mapping .* got 2"),
    ({1, 2}, "must be 'balanced', a mapping .* got {1, 2}"),
    (iter([1, 2]), "must be 'balanced', a mapping"),
    (pd.Series([1, 2, 3], index=[3, 8, 3]), "names the class 3 twice"),
    (pd.DataFrame({3: [1], 8: [2]}), r"got int64 of shape \(1, 2\)"),
    (lambda: None, "must be 'balanced', a mapping"),
]


def _fit_trainer(images: Any, labels: Any, **weights: Any) -> Any:
    from lenetkit.models import create_model

    options: dict[str, Any] = {"hidden": (4,)}
    model = create_model("mlp", n_classes=9, seed=0, **options)
    return Trainer(epochs=1, verbose=0).fit(model, images, labels, **weights)


def _fit_pipeline(images: Any, labels: Any, **weights: Any) -> Any:
    return Pipeline("mlp", model_options={"hidden": (4,)}, trainer=Trainer(epochs=1, verbose=0)).fit(
        images, labels, **weights
    )


def _fit_classifier(images: Any, labels: Any, *, sample_weight: Any = None, class_weight: Any = None) -> Any:
    classifier = LeNetClassifier("mlp", model_options={"hidden": (4,)}, epochs=1, class_weight=class_weight)
    return classifier.set_params(random_state=0).fit(images, labels, sample_weight)


DOORS = [_fit_trainer, _fit_pipeline, _fit_classifier]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Return 40 images of noise."""
    return np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)


THREES_AND_EIGHTS = np.array([3] * 30 + [8] * 10)


@pytest.mark.tensorflow
@pytest.mark.parametrize("door", DOORS[1:], ids=["pipeline", "classifier"])
def test_class_weights_that_cannot_be_meant_are_refused_in_the_users_labels(
    door: Callable[..., Any], images: np.ndarray
) -> None:
    """With one and the same sentence, by the pipeline and by the estimator of scikit-learn."""
    for weights, message in BAD_CLASS_WEIGHTS:
        with pytest.raises(SettingError, match=message):
            door(images, THREES_AND_EIGHTS, class_weight=weights)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_trainer_refuses_them_in_class_indices(images: np.ndarray) -> None:
    """Of which there are as many as the model has outputs."""
    for weights, message in [
        ({3: 15}, "has no weight for the class 8; name every class: 0, 1, 2, 3, 4, 5, 6, 7, 8"),
        ({3: 1, 8: 1, 9: 1}, "names 9, which is none of the 9 classes"),
        ({"3": 1, "8": 1}, "names '3', which is none"),
        ([1.0, 2.0], r"one weight for each of the 9 classes .* got float64 of shape \(2,\)"),
        ("even", "must be 'balanced'"),
        ({3: 0, 8: 0, 1: 5}, "is 0 for every image"),
    ]:
        with pytest.raises(SettingError, match=message):
            _fit_trainer(images, THREES_AND_EIGHTS, class_weight=weights)


@pytest.mark.tensorflow
@pytest.mark.parametrize("door", DOORS, ids=["trainer", "pipeline", "classifier"])
def test_sample_weights_that_cannot_be_meant_are_refused(door: Callable[..., Any], images: np.ndarray) -> None:
    """With a ValueError at every door; those of scikit-learn's own checks are its own."""
    for weights in (
        np.zeros(40),
        [0.0] * 40,
        np.full(40, 1e-60),
        "balanced",
        {3: 1, 8: 1},
        [1.0] * 39,
        [[1.0]] * 40,
        [[1.0]] * 20 + [[1.0, 2.0]] * 20,
        ["heavy"] * 40,
        [None] * 40,
        [1.0] * 39 + [np.nan],
        [1.0] * 39 + [-1.0],
        [1.0] * 39 + [1e300],
        object(),
    ):
        with pytest.raises(ValueError, match=r"."):
            door(images, THREES_AND_EIGHTS, sample_weight=weights)
    threes_only = (THREES_AND_EIGHTS == 3).astype(float)
    heavy_eights = np.eye(9)[8] if door is _fit_trainer else {3: 0, 8: 1}
    # The classifier leaves rows of weight 0 out first, as scikit-learn asks.
    message = "got one class, 3" if door is DOORS[2] else "class_weight is 0 for every image"
    with pytest.raises(ValueError, match=message):
        door(images, THREES_AND_EIGHTS, sample_weight=threes_only, class_weight=heavy_eights)


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS, ids=["trainer", "pipeline", "classifier"])
def test_balanced_is_learnt_from_as_sample_weights_are(door: Callable[..., Any], images: np.ndarray) -> None:
    """To the bit, as one weight a class in their order is."""
    by_label = compute_class_weight("balanced", classes=np.array([3, 8]), y=THREES_AND_EIGHTS)
    in_order = np.zeros(9) if door is _fit_trainer else by_label
    if door is _fit_trainer:
        in_order[[3, 8]] = by_label
    of_each = np.where(THREES_AND_EIGHTS == 3, *by_label)
    losses = [
        _losses(door(images, THREES_AND_EIGHTS, **weights))
        for weights in ({"class_weight": "balanced"}, {"class_weight": in_order}, {"sample_weight": of_each}, {})
    ]
    assert losses[0] == losses[1] == losses[2] != losses[3]


def _losses(trained: Any) -> list[float]:
    history = trained.history if hasattr(trained, "history") else trained.history_
    return list(history["loss"])


@given(st.integers(1, 50), st.sampled_from(["", "validation "]))
@settings(max_examples=20)
def test_weights_of_images_are_kept(n: int, part: str) -> None:
    """As float32; none are as good as no weights."""
    weights = np.arange(1, n + 1)
    assert check_sample_weight(weights, n, part).tolist() == weights.tolist()  # type: ignore[union-attr]
    assert check_sample_weight(None, n, part) is None
    with pytest.raises(DataError, match=f"^{part}sample_weight is 0 for every image"):
        check_sample_weight(weights * 0, n, part)


@pytest.mark.tensorflow
def test_a_part_without_weight_is_refused(images: np.ndarray) -> None:
    """Of a validation split, and as validation data."""
    from lenetkit.models import create_model

    model = create_model("mlp", n_classes=9, seed=0)
    weights = np.arange(40) < 30
    with pytest.raises(DataError, match=r"with validation_split=0.25, the weights of the last part are all 0"):
        Trainer(validation_split=0.25).fit(model, images, THREES_AND_EIGHTS, sample_weight=weights * 1.0)
    with pytest.raises(DataError, match=r"with validation_split=0.75, the weights of the first part are all 0"):
        Trainer(validation_split=0.75).fit(model, images, THREES_AND_EIGHTS, sample_weight=~weights * 1.0)
    with pytest.raises(DataError, match=r"validation sample_weight is 0 for every image"):
        Trainer().fit(model, images, THREES_AND_EIGHTS, (images, THREES_AND_EIGHTS, np.zeros(40)))
