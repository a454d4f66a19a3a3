"""Tests for `lenetkit.classifier`: a citizen of scikit-learn, by scikit-learn's own word."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_wine
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate, learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lenetkit import LeNetClassifier, Pipeline, Trainer
from lenetkit.classifier import _find_square
from lenetkit.exceptions import DataError, SettingError, UnknownNameError

pytestmark = [pytest.mark.tensorflow, pytest.mark.versions]

EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "mini-batches of other rows: no network can give equal bits"
}

# The model that compiles and learns fastest: the checks are about the estimator, whatever its model.
_MARK = parametrize_with_checks(
    [LeNetClassifier("mlp", model_options={"hidden": (64,)}, epochs=8)],
    expected_failed_checks=lambda _: EXPECTED_TO_FAIL,
)
# Those that train often.
_SLOW = (
    "check_classifiers_train",
    "check_classifiers_classes",
    "check_classifier_data_not_an_array",
    "check_estimators_dtypes",
    "check_sample_weight_equivalence_on_dense_data",
)


def _marked(arguments: Any) -> Any:
    estimator, check = getattr(arguments, "values", arguments)
    if check.func.__name__ == "check_classifiers_train":  # asks for an accuracy, which the default model has
        estimator = LeNetClassifier(epochs=8)
    marks = [*getattr(arguments, "marks", ()), *([pytest.mark.slow] if check.func.__name__ in _SLOW else [])]
    return pytest.param(estimator, check, marks=marks)


# A list, because older versions of scikit-learn give a generator, which newer versions of pytest do not take.
@pytest.mark.parametrize(_MARK.args[0], [_marked(arguments) for arguments in _MARK.args[1]], **_MARK.kwargs)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    """All of ``check_estimator`` but the one that is expected to fail, and that one does fail."""
    check(estimator)


def test_no_check_is_switched_off() -> None:
    """The tags that would are as scikit-learn sets them."""
    tags = LeNetClassifier().__sklearn_tags__()
    assert not any([tags._skip_test, tags.no_validation, tags.non_deterministic, tags.classifier_tags.poor_score])
    assert tags.input_tags.two_d_array


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any]:
    """Return rows of 64 pixels from 0 to 16, and labels."""
    pixels, labels = load_digits(return_X_y=True)
    return pixels[:600], labels[:600]


@pytest.fixture(scope="module")
def small() -> LeNetClassifier:
    """Return a classifier that learns digits quickly."""
    return LeNetClassifier("mlp", model_options={"hidden": (64,)}, image_shape=(8, 8), epochs=6, random_state=0)


@pytest.fixture(scope="module")
def fitted(small: LeNetClassifier, digits: tuple[Any, Any]) -> LeNetClassifier:
    """Return it fitted."""
    return clone(small).fit(*digits)


def test_it_reads_digits(fitted: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """From rows of pixels."""
    assert fitted.score(*digits) > 0.9
    assert fitted.n_features_in_ == 64
    assert fitted.classes_.tolist() == list(range(10))
    assert fitted.history_["loss"].is_monotonic_decreasing


def test_images_of_bytes_are_the_pipelines_images() -> None:
    """The face is thin: a whole number as random state gives the bits of a pipeline with that seed."""
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), dtype=np.uint8)
    labels = np.tile(["one", "two"], 32)
    ours = LeNetClassifier(epochs=1, random_state=3).fit(images, labels)
    pipeline = Pipeline(trainer=Trainer(epochs=1, batch_size=32, seed=3, verbose=0)).fit(images, labels)
    assert ours.predict_proba(images).tobytes() == pipeline.predict_proba(images).tobytes()
    assert ours.predict(images).tolist() == pipeline.predict(images).tolist()


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1)])
def test_images_of_numbers_are_rows_of_pixels_in_another_shape(
    shape: tuple[int, ...], fitted: LeNetClassifier, digits: tuple[Any, Any]
) -> None:
    """Whatever their range, the answers are the same."""
    pixels, labels = digits
    images = pixels.reshape(-1, *shape) * 1000 - 7
    again = clone(fitted).set_params(image_shape=None).fit(images, labels)
    np.testing.assert_allclose(again.predict_proba(images), fitted.predict_proba(pixels), atol=1e-2)
    with pytest.raises(DataError, match=r"X must have shape \(n, 8, 8.*\), as in fit; got \(600, 8, 4"):
        again.predict(images[:, :, :4])


@pytest.mark.parametrize("kind", ["0..16", "0..255", "0..1", "bytes"])
def test_rows_of_pixels_are_recognised(small: LeNetClassifier, digits: tuple[Any, Any], kind: str) -> None:
    """Without an `image_shape`: the bits are those of the estimator that was given it."""
    pixels, labels = digits
    scaled = np.rint(pixels * (255 / 16))
    rows = {"0..16": pixels, "0..255": scaled, "0..1": scaled / 255, "bytes": scaled.astype(np.uint8)}[kind]
    given, found = (clone(small).set_params(image_shape=shape, epochs=1).fit(rows, labels) for shape in ((8, 8), None))
    assert found.image_shape_ == given.image_shape_ == (8, 8)
    assert found.predict_proba(rows).tobytes() == given.predict_proba(rows).tobytes()


def test_other_columns_are_features(digits: tuple[Any, Any]) -> None:
    """Counts, flags, shuffled pixels, standardised ones, and a number of columns that is no square."""
    pixels, rng = digits[0], np.random.default_rng(0)
    for rows in (
        rng.poisson(5, (300, 64)),
        rng.integers(0, 256, (300, 100)),
        (pixels > 7).astype(float),
        pixels[:, rng.permutation(64)],
        StandardScaler().fit_transform(pixels),
        pixels + 0.5,
        pixels - 1,
        pixels * 100,
        pixels[:, :60],
        pixels[:, :49],
        np.zeros((5, 64)),
        np.full((5, 64), 255),
    ):
        assert _find_square(rows) is None


@pytest.mark.slow
def test_colour_is_taken(digits: tuple[Any, Any]) -> None:
    """It is made grey, as in a pipeline."""
    pixels, labels = digits
    colours = np.repeat(pixels.reshape(-1, 8, 8, 1), 3, axis=3)
    classifier = LeNetClassifier(epochs=2, random_state=0).fit(colours, labels)
    assert classifier.pipeline_.model_.input_shape == (None, 28, 28, 1)
    assert classifier.score(colours, labels) > 0.5


@pytest.mark.slow
def test_columns_of_different_units_are_standardised() -> None:
    """Wines have thirteen properties, from 0.1 to 1,680: one row."""
    features, labels = load_wine(return_X_y=True, as_frame=True)
    wines = labels.map({0: "barolo", 1: "grignolino", 2: "barbera"})
    classifier = LeNetClassifier(epochs=25, random_state=0).fit(features, wines)
    assert classifier.score(features, wines) > 0.9
    assert classifier.feature_names_in_.tolist() == features.columns.tolist()
    assert classifier.classes_.tolist() == ["barbera", "barolo", "grignolino"]


def test_a_clone_has_every_setting() -> None:
    """Objects too: nothing is computed from them in the constructor."""
    settings = {
        "model": "lenet5",
        "model_options": {"pooling": "max"},
        "image_shape": (4, 16),
        "epochs": 0.5,
        "batch_size": 7,
        "optimizer": "sgd",
        "optimizer_options": {"momentum": 0.9},
        "learning_rate": 0.02,
        "augmentation": None,
        "label_smoothing": 0.1,
        "class_weight": {1: 2.0, 2: 0.5},
        "random_state": 11,
        "warm_start": True,
        "verbose": 2,
    }
    classifier = LeNetClassifier(**settings)
    assert classifier.get_params() == settings
    assert clone(classifier).get_params() == settings
    assert settings.keys() == LeNetClassifier().get_params().keys()


def test_settings_reach_the_trainer_and_the_model(digits: tuple[Any, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Each where it belongs."""
    pixels, labels = digits
    classifier = LeNetClassifier(
        model_options={"pooling": "max"}, epochs=1, batch_size=100, optimizer="sgd", learning_rate=0.5, verbose=2
    )
    classifier.fit(pixels, labels)
    assert classifier.pipeline_.result_.steps == 6
    assert classifier.history_["learning_rate"].tolist() == [0.5]
    assert type(classifier.pipeline_.model_.optimizer).__name__ == "SGD"
    assert type(classifier.pipeline_.model_.get_layer("s2")).__name__ == "MaxPooling2D"
    assert "epoch 1/1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"epochs": -1}, SettingError, "epochs must be"),
        ({"model": "lenet6"}, UnknownNameError, "Did you mean 'lenet5'"),
        ({"image_shape": (8, 9)}, SettingError, r"of 64 pixels, as many as X has columns; got \(8, 9\)"),
        ({"image_shape": (64,)}, SettingError, r"image_shape must be \(height, width\)"),
        ({"optimizer": "adamant"}, SettingError, "got 'adamant'"),
        ({"random_state": "x"}, ValueError, "cannot be used to seed"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_fit(
    settings: dict[str, Any], error: type[Exception], message: str, digits: tuple[Any, Any]
) -> None:
    """The constructor stores them, as scikit-learn wants it."""
    classifier = LeNetClassifier(**settings)
    with pytest.raises(error, match=message):
        classifier.fit(*digits)


def test_one_class_is_refused(digits: tuple[Any, Any]) -> None:
    """There is nothing to tell apart."""
    with pytest.raises(DataError, match=r"at least 2 classes; got one class, .*7"):
        LeNetClassifier().fit(digits[0], np.full(600, 7))


@pytest.mark.slow
def test_a_weight_of_0_leaves_a_row_out(small: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """To the bit; a class without weight keeps its column."""
    pixels, labels = digits
    kept = labels != 4
    one = clone(small).set_params(epochs=1).fit(pixels, labels, sample_weight=kept.astype(float))
    order = np.concatenate([np.flatnonzero(kept), np.flatnonzero(~kept)])
    weights = np.concatenate([np.ones(kept.sum()), np.zeros((~kept).sum())])
    two = clone(small).set_params(epochs=1).fit(pixels[order], labels[order], sample_weight=weights)
    assert one.classes_.tolist() == list(range(10))
    assert one.predict_proba(pixels).tobytes() == two.predict_proba(pixels).tobytes()
    with pytest.raises(ValueError, match=r"[Ww]eight"):
        small.fit(pixels, labels, sample_weight=np.zeros(600))


@pytest.mark.slow
def test_random_states_decide(small: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """The same one gives the same bits; a generator is drawn from."""

    def bits(state: Any) -> bytes:
        classifier = clone(small).set_params(epochs=0.1, random_state=state).fit(*digits)
        return b"".join(weights.tobytes() for weights in classifier.pipeline_.model_.get_weights())

    assert bits(5) == bits(5) != bits(6)
    assert bits(np.random.RandomState(5)) == bits(np.random.RandomState(5))
    assert bits(None) != bits(None)


def test_pickles_answer_the_same(fitted: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """To the bit, with the history."""
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.predict_proba(digits[0]).tobytes() == fitted.predict_proba(digits[0]).tobytes()
    pd.testing.assert_frame_equal(copy.history_, fitted.history_)


@pytest.mark.slow
def test_a_grid_search_goes_over_model_epochs_and_learning_rate(
    small: LeNetClassifier, digits: tuple[Any, Any]
) -> None:
    """And finds that learning is better than not learning."""
    grid = {"model": ["mlp"], "epochs": [0, 6], "learning_rate": [0.01]}
    search = GridSearchCV(small, grid, cv=2).fit(*digits)
    assert search.best_params_ == {"model": "mlp", "epochs": 6, "learning_rate": 0.01}
    assert search.best_score_ > 0.7
    assert len(search.cv_results_["params"]) == 2


@pytest.mark.slow
def test_cross_validation_works_alone_and_behind_a_scaler(small: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """As with any classifier; a step after a scaler gets numbers of any sign."""
    assert cross_val_score(small, *digits, cv=2).min() > 0.7
    behind = make_pipeline(StandardScaler(), LeNetClassifier(image_shape=(8, 8), epochs=4, random_state=0))
    assert cross_val_score(behind, *digits, cv=2).min() > 0.6


@pytest.mark.slow
def test_probabilities_can_be_calibrated(small: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """On held-back parts."""
    calibrated = CalibratedClassifierCV(small, cv=2).fit(*digits)
    np.testing.assert_allclose(calibrated.predict_proba(digits[0]).sum(axis=1), 1, rtol=1e-5)
    assert calibrated.score(*digits) > 0.8


def test_what_it_looks_at_can_be_measured(fitted: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """The first column of pixels is always blank: shuffling it changes nothing, unlike the middle."""
    pixels, labels = digits[0][:200], digits[1][:200]
    importances = permutation_importance(fitted, pixels, labels, n_repeats=1, random_state=0).importances_mean
    assert importances[0] == 0
    assert importances.reshape(8, 8)[2:6, 2:6].max() > 0.01


@pytest.mark.slow
def test_a_learning_curve_rises(small: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """More images, better answers."""
    _, _, scores = learning_curve(
        small, *digits, train_sizes=[20, 300], cv=2, shuffle=True, random_state=0, error_score="raise"
    )
    assert scores[1].mean() > scores[0].mean() + 0.1


@pytest.mark.slow
def test_sample_weights_are_routed(small: LeNetClassifier, digits: tuple[Any, Any]) -> None:
    """Through ``cross_validate`` to ``fit``, where it is asked for."""
    pixels, labels = digits
    without_fours = (labels != 4).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(small).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        answer = cross_validate(
            routed, pixels, labels, cv=2, params={"sample_weight": without_fours}, return_estimator=True
        )
    for estimator in answer["estimator"]:
        assert 4 not in estimator.predict(pixels)
