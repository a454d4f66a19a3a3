"""When not to answer: calibration, bounds on errors, label sets, the gate."""

import os
import signal
import sys
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.bundle import Rejection
from lenetkit.exceptions import BundleError, DataError, NotFittedError, SettingError
from lenetkit.pipeline import Pipeline
from lenetkit.rejection import Calibration, Gate, Prediction
from lenetkit.synthesis import draw_digits, draw_nondigits
from lenetkit.trainer import Trainer


def answers(
    n: int, *, seed: int = 0, n_classes: int = 10, sharpness: float = 1.0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return probabilities and truths drawn from them, after which the former were sharpened."""
    rng = np.random.default_rng(seed)
    logits = 3.5 * rng.standard_normal((n, n_classes))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (true.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    said = true**sharpness
    return (said / said.sum(axis=1, keepdims=True)).astype(np.float32), truth


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_what_sharpened_the_probabilities(sharpness: float) -> None:
    """Calibrated again, the probabilities are those that the truths were drawn from."""
    said, truth = answers(20_000, sharpness=sharpness)
    calibration = Calibration.fit(said, truth)
    assert calibration.temperature == pytest.approx(sharpness, rel=0.05)
    plain, _ = answers(20_000)
    np.testing.assert_allclose(calibration.calibrate(said), plain, atol=0.02)


def test_calibration_changes_no_answer() -> None:
    """The most probable label stays what it is."""
    said, truth = answers(2000, sharpness=3)
    calibrated = Calibration.fit(said, truth).calibrate(said)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), said.argmax(axis=1))
    np.testing.assert_allclose(calibrated.sum(axis=1), 1, atol=1e-5)


@settings(max_examples=20)
@given(reject=st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.2, 0.3]), seed=st.integers(0, 20))
def test_the_error_among_accepted_answers_stays_below_what_was_asked(reject: float, seed: int) -> None:
    """On new examples of the same kind, up to chance in these."""
    calibration = Calibration.fit(*answers(4000, seed=seed))
    said, truth = answers(40_000, seed=seed + 1000)
    calibrated = calibration.calibrate(said)
    accepted = calibrated.max(axis=1) >= calibration.threshold(reject)
    if accepted.any():
        error = np.mean(calibrated.argmax(axis=1)[accepted] != truth[accepted])
        assert error <= reject + 3 * np.sqrt(reject / accepted.sum())


def test_fewer_errors_cost_more_rejections() -> None:
    """The threshold falls as more errors are allowed, to 0 where everything is accepted."""
    calibration = Calibration.fit(*answers(5000))
    thresholds = [calibration.threshold(reject) for reject in (1e-6, 0.02, 0.1, 0.3, 1.0)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] == float("inf")
    assert thresholds[-1] == 0


@settings(max_examples=20)
@given(reject=st.sampled_from([0.002, 0.005, 0.01, 0.05, 0.3]), seed=st.integers(0, 20))
def test_harder_answers_are_bounded_too(reject: float, seed: int) -> None:
    """Above the threshold neither set has more errors than asked; of the harder one 0.5 % are always allowed."""
    calibration = Calibration.fit(*answers(60))
    rng = np.random.default_rng(seed)
    easy, hard = rng.random(20_000), rng.random(20_000)
    sets = [(easy, rng.random(20_000) > easy + 0.3), (hard, rng.random(20_000) > hard)]
    bounded = calibration.with_bounds(*sets)
    assert bounded.temperature == calibration.temperature
    threshold = bounded.threshold(reject)
    for (confidences, wrong), most in zip(sets, (reject, max(reject, 0.005)), strict=True):
        if (confidences >= threshold).any():
            assert wrong[confidences >= threshold].mean() <= most
    assert threshold >= calibration.with_bounds(sets[0], sets[0]).threshold(reject) - 0.01


def test_without_any_answer_nothing_is_accepted() -> None:
    """A gate that lets nothing through leaves no evidence."""
    none: tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]] = (np.empty(0, np.float32), np.empty(0, bool))
    assert Calibration.fit(*answers(60)).with_bounds(none, none).threshold(1) == float("inf")


def test_confidences_that_fit_no_answers_are_refused() -> None:
    """The message names both shapes."""
    calibration, good = Calibration.fit(*answers(60)), (np.ones(5), np.zeros(5, bool))
    for bad in ((np.ones(5), np.zeros(4, bool)), (np.ones((5, 2)), np.zeros((5, 2), bool))):
        with pytest.raises(DataError, match=r"one confidence per answer, both of shape \(n,\); got shapes \(5,"):
            calibration.with_bounds(good, bad)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_label_sets_hold_the_truth_as_often_as_promised(alpha: float) -> None:
    """Coverage on new examples is 1 - alpha, up to chance."""
    calibration = Calibration.fit(*answers(20_000, seed=5, sharpness=2))
    said, truth = answers(20_000, seed=6, sharpness=2)
    sets = calibration.label_sets(calibration.calibrate(said), alpha)
    coverage = sets[np.arange(len(truth)), truth].mean()
    assert coverage == pytest.approx(1 - alpha, abs=4 * np.sqrt(2 * alpha * (1 - alpha) / 20_000))


def ladder(n: int) -> Calibration:
    """Return a calibration whose examples had 1 / (n + 1), 2 / (n + 1), ... as probability of their true label."""
    no_levels = np.empty(0, np.float32)
    steps = (np.arange(1, n + 1) / (n + 1)).astype(np.float32)
    return Calibration(temperature=1.0, levels=no_levels, risks=no_levels, true_probabilities=steps)


@given(n=st.integers(50, 2000), ten_thousandths=st.integers(1, 10_000))
def test_the_rank_of_a_label_set_is_exact(n: int, ten_thousandths: int) -> None:
    """Labels as probable as the example of rank floor(alpha (n + 1)), by exact arithmetic."""
    calibration = ladder(n)
    rank = int(Fraction(ten_thousandths, 10_000) * (n + 1))
    members = calibration.label_sets(calibration.true_probabilities[None], ten_thousandths / 10_000)
    assert members.sum() == (n + 1 - rank if rank else n)


@pytest.mark.parametrize(("alpha", "labels"), [(0.29, 71), (0.57, 43), (0.58, 42), (np.float64(0.29), 71)])
def test_a_rank_that_binary_arithmetic_misses(alpha: float, labels: int) -> None:
    """Of the values 0.01 to 0.99."""
    calibration = ladder(99)
    assert calibration.label_sets(calibration.true_probabilities[None], alpha).sum() == labels


def test_a_set_that_few_examples_can_vouch_for_holds_every_label() -> None:
    """With 60 examples nothing can be promised for one in a thousand."""
    calibration = Calibration.fit(*answers(60))
    said, _ = answers(5, seed=3)
    assert calibration.label_sets(said, 0.001).all()


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan"), "much", True, None])
def test_fractions_that_are_none_are_refused(share: object) -> None:
    """Above 0 and up to 1."""
    calibration = Calibration.fit(*answers(60))
    with pytest.raises(SettingError, match="reject must be a number above 0 and up to 1"):
        calibration.threshold(share)
    with pytest.raises(SettingError, match="alpha must be a number above 0 and up to 1"):
        calibration.label_sets(np.ones((1, 10), np.float32), share)


def test_too_few_examples_are_refused() -> None:
    """The message says how many it takes."""
    with pytest.raises(DataError, match="at least 50 examples"):
        Calibration.fit(*answers(49))
    with pytest.raises(DataError, match=r"shapes \(60, 10\) and \(59,\)"):
        Calibration.fit(answers(60)[0], answers(59)[1])


CURVES = {name: np.array([0.9, 0.5], np.float32) for name in ("levels", "risks", "true_probabilities")}
KEPT = Rejection(temperature=0.5, **CURVES, gate_tflite=b"\0\0\0\0TFL3", gate_threshold=0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": None}, "damaged"),
        ({"temperature": -1.0}, "temperature must be above 0"),
        ({"temperature": float("nan")}, "temperature must be above 0"),
        ({"gate_threshold": "high"}, "damaged"),
    ],
)
def test_damaged_values_are_refused(change: dict[str, object], message: str) -> None:
    """Whatever a file says about itself is checked."""
    values, tensors = KEPT.to_extras()
    with pytest.raises(BundleError, match=message):
        Rejection.from_extras({**values, **change}, tensors)


@pytest.mark.parametrize("values", [None, [], {}, {"temperature": 1.0}])
def test_missing_values_are_refused(values: object) -> None:
    """As damaged."""
    with pytest.raises(BundleError, match="damaged"):
        Rejection.from_extras(values, KEPT.to_extras()[1])


@pytest.mark.parametrize("name", ["calibration.levels", "calibration.risks", "gate.tflite"])
def test_damaged_arrays_are_refused(name: str) -> None:
    """A missing one, one of another type, one of another shape."""
    values, tensors = KEPT.to_extras()
    with pytest.raises(BundleError, match="damaged"):
        Rejection.from_extras(values, {key: array for key, array in tensors.items() if key != name})
    for array in (tensors[name].astype(np.float64), tensors[name][None]):
        with pytest.raises(BundleError, match="damaged"):
            Rejection.from_extras(values, {**tensors, name: array})


def test_a_pipeline_without_calibration_says_what_is_missing() -> None:
    """It names the method to call."""
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Pipeline().predict(np.zeros((1, 28, 28), np.uint8), reject=0.1)


def test_a_prediction_reads_well() -> None:
    """It shows its four parts."""
    prediction = Prediction(label=3, probability=0.5, rejected=True, reason="not sure enough: 3 or 5.")
    assert "rejected=True, reason='not sure enough: 3 or 5.'" in repr(prediction)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize(("rejected", "most"), [(0.05, 1), (0.29, 8), (1, 29)])
def test_a_gate_rejects_no_more_of_the_digits_held_back_than_asked(rejected: float, most: int) -> None:
    """The last tenth of the digits, here 30; the fraction is counted exactly, and one is accepted at least."""
    digits, others = draw_digits(300, seed=1).images, draw_nondigits(100, seed=1).images
    trainer = Trainer(epochs=1, batch_size=32, verbose=0)
    gate = Gate.fit(digits, others, rejected=rejected, trainer=trainer, scale=1 / 255)
    assert np.sum(gate.digit_probability(digits[-30:]) < gate.threshold) == most


@pytest.mark.tensorflow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts by a POSIX signal")
def test_a_gate_that_is_interrupted_is_none() -> None:
    """A half-trained gate would decide what is answered."""
    import keras

    class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    digits, others = draw_digits(100, seed=1).images, draw_nondigits(20, seed=1).images
    trainer = Trainer(epochs=9, callbacks=[Interrupt()], verbose=0)
    with pytest.raises(KeyboardInterrupt):
        Gate.fit(digits, others, trainer=trainer, scale=1 / 255)
