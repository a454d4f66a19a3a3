"""Calibrated probabilities, sets of labels, and a novelty detector, which tell when not to answer.

In: a trained model's probabilities and prepared images, of examples that it was not trained on.
Out: thresholds that :class:`lenetkit.pipeline.Pipeline` applies when it is asked to reject.
Next: ``Pipeline.predict(images, reject=...)`` and ``Pipeline.predict_set(images, alpha=...)``.

Only :meth:`Gate.fit` needs TensorFlow.
"""

from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.counts import floor_product
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.validation import check_fraction
from lenetkit.exceptions import DataError
from lenetkit.runtime import Predictor

__all__ = ["Calibration", "Gate", "Prediction"]

Probabilities = npt.NDArray[np.float32]

# The bounds on the error hold together with this probability, as in Geifman and El-Yaniv (2017); documented for users.
_CONFIDENCE = 0.95
# Levels of acceptance for which a bound is kept. More of them make each bound wider, fewer leave gaps between them:
# where a tenth is rejected, the acceptance falls in steps of 1.6 points with 40 levels, of 1.1 with 60. With 100 the
# bound of the pretrained pipeline would stay above 0.2 % everywhere, by a hair.
_LEVELS = 60
# Errors among answers to harder images that are never too many: hardly any have a lower bound, and without this
# reject=0.002 would accept nothing, not even clean digits, whose own bound allows it.
_HARD_RISK = 0.005
# Below this the bounds promise nothing: one error in 50 answers is an error of up to 9 %.
_FEWEST_EXAMPLES = 50
# The logarithm of a probability of 0 is that of this one, far below what float32 softmax gives.
_TINY = 1e-30


@attrs.frozen(kw_only=True)
class Prediction:
    """The answer for one image, or the reason for none.

    Parameters
    ----------
    label : int or str
        The most probable label, also where it is rejected.
    probability : float
        Its calibrated probability, 0 to 1.
    rejected : bool
        True if the label is not to be relied upon.
    reason : str
        The reason for a rejection, in a sentence; empty without one.

    Examples
    --------
    >>> from lenetkit.rejection import Prediction
    >>> Prediction(label=7, probability=0.998)
    Prediction(label=7, probability=0.998, rejected=False, reason='')
    """

    label: Any
    probability: float
    rejected: bool = False
    reason: str = ""


@attrs.frozen(kw_only=True, eq=False)
class Calibration:
    """Calibration of a model's probabilities, from examples that it was not trained on.

    Parameters
    ----------
    temperature : float
        Divisor of the logits; Guo et al., On Calibration of Modern Neural Networks (ICML 2017), section 4.2.
    levels : ndarray of shape (k,)
        float32, confidences from which on answers may be accepted, descending.
    risks : ndarray of shape (k,)
        float32, for each of `levels` the bound that the error among the accepted does not exceed, with 95 % confidence
        for all of them together: Geifman and El-Yaniv, Selective Classification for Deep Neural Networks (NeurIPS
        2017), section 3, with the exact binomial bound. See :meth:`with_bounds`.
    true_probabilities : ndarray of shape (n,)
        float32, ascending: the calibrated probability of each example's true label.

    Examples
    --------
    A model that is right in 90 % of cases and says that it is sure in all of them:

    >>> import numpy as np
    >>> from lenetkit.rejection import Calibration
    >>> truth = np.resize([0, 1], 1000)
    >>> says = np.where(np.arange(1000) % 10 == 0, 1 - truth, truth)
    >>> calibration = Calibration.fit(np.where(np.eye(2)[says] == 1, 0.999, 0.001), truth)
    >>> calibration.temperature > 2
    True
    >>> calibration.threshold(0.2), calibration.threshold(0.05)
    (0.0, inf)
    """

    temperature: float
    levels: Probabilities
    risks: Probabilities
    true_probabilities: Probabilities

    @classmethod
    def fit(cls, probabilities: npt.ArrayLike, indices: npt.ArrayLike) -> Self:
        """Fit temperature and bounds to answers and true labels.

        Parameters
        ----------
        probabilities : array-like of shape (n, n_classes)
            The model's, for n examples that it was not trained on; at least 50.
        indices : array-like of shape (n,)
            The column of each example's true label.

        Raises
        ------
        DataError
            If there are too few examples, or the shapes do not fit each other.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit.rejection import Calibration
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.integers(0, 2, 1000)
        >>> says = np.where(rng.random(1000) < 0.9, truth, 1 - truth)  # right in 90 % of cases
        >>> sure = np.where(np.eye(2)[says] == 1, 0.999, 0.001)  # and much too sure
        >>> calibration = Calibration.fit(sure, truth)
        >>> round(float(calibration.calibrate(sure).max()), 2)
        0.91
        """
        given, truth = np.asarray(probabilities, np.float32), np.asarray(indices)
        if given.ndim != 2 or truth.shape != given.shape[:1]:
            raise DataError(
                f"there must be one row of probabilities and one index per example; got shapes {given.shape} and "
                f"{truth.shape}."
            )
        if len(given) < _FEWEST_EXAMPLES:
            raise DataError(
                f"calibration needs at least {_FEWEST_EXAMPLES} examples that the model was not trained on; got "
                f"{len(given)}."
            )
        temperature = _best_temperature(given, truth)
        calibrated = _tempered(given, temperature)
        confidences = calibrated.max(axis=1)
        levels = _choose_levels(confidences)
        risks = _bound_risks(levels, confidences, calibrated.argmax(axis=1) != truth, n_bounds=len(levels))
        true = np.sort(calibrated[np.arange(len(truth)), truth])
        return cls(temperature=temperature, levels=levels, risks=risks, true_probabilities=true)

    def with_bounds(
        self, answers: tuple[npt.ArrayLike, npt.ArrayLike], harder: tuple[npt.ArrayLike, npt.ArrayLike]
    ) -> Self:
        """Return this calibration with levels and risks learnt from other answers, of which some are to harder images.

        Parameters
        ----------
        answers : tuple of (confidences, wrong)
            A number for each answer, higher where it is more sure, and whether it is wrong; both of shape (n,).
        harder : tuple of (confidences, wrong)
            Likewise, of images that are harder, or of these and the others pooled. The bound on the error holds for
            both sets; but up to 0.5 %, which hard images hardly ever allow, for `answers` alone.

        Raises
        ------
        DataError
            If the shapes do not fit each other.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit.rejection import Calibration
        >>> calibration = Calibration.fit(np.full((1000, 2), (0.9, 0.1)), np.zeros(1000, int))
        >>> calibration.threshold(0.05)
        0.0
        >>> confidences = np.linspace(0, 1, 1000)
        >>> stricter = calibration.with_bounds((confidences, confidences < 0), (confidences, confidences < 0.3))
        >>> 0.25 < stricter.threshold(0.05) < 0.35
        True
        """
        sets = [(np.asarray(each, np.float32), np.asarray(wrong, bool)) for each, wrong in (answers, harder)]
        for confidences, wrong in sets:
            if wrong.ndim != 1 or wrong.shape != confidences.shape:
                raise DataError(
                    f"there must be one confidence per answer, both of shape (n,); got shapes {confidences.shape} and "
                    f"{wrong.shape}."
                )
        levels = _choose_levels(sets[1][0])
        risks, harder_risks = (_bound_risks(levels, *each, n_bounds=2 * len(levels)) for each in sets)
        kept = np.where(harder_risks <= _HARD_RISK, risks, np.maximum(risks, harder_risks))
        return attrs.evolve(self, levels=levels, risks=kept.astype(np.float32))

    def calibrate(self, probabilities: Probabilities) -> Probabilities:
        """Return calibrated probabilities, float32 of the same shape (n, n_classes) and in the same order."""
        return _tempered(probabilities, self.temperature)

    def threshold(self, reject: float) -> float:
        """Return the lowest confidence to accept; infinite if the examples promise no such error.

        Raises
        ------
        SettingError
            If `reject`, the fraction of errors among accepted answers not to be exceeded, is not above 0 and up to 1.
        """
        check_fraction("reject", reject)
        kept = np.flatnonzero(self.risks <= reject)
        if len(kept) == 0:
            return float("inf")
        # Where all examples may be accepted, so may everything.
        return 0.0 if kept[-1] == len(self.levels) - 1 else float(self.levels[kept[-1]])

    def label_sets(self, probabilities: Probabilities, alpha: float) -> npt.NDArray[np.bool_]:
        """Return the members of each image's label set: the true label is one with probability 1 - `alpha` or more.

        Split-conformal sets by the probability of the label: Sadinle, Lei and Wasserman, Least Ambiguous Set-Valued
        Classifiers with Bounded Error Levels (JASA 2019), section 3. `probabilities` of shape (n, n_classes) are
        calibrated; the answer is a bool array of the same shape.

        Raises
        ------
        SettingError
            If `alpha` is not above 0 and up to 1.
        """
        check_fraction("alpha", alpha)
        rank = floor_product(alpha, len(self.true_probabilities) + 1)
        ranked = np.concatenate([[0], self.true_probabilities, [np.inf]], dtype=np.float32)
        return np.asarray(probabilities >= ranked[rank])


class Gate:
    """Novelty detector: scores how probably an image shows one digit, with its decision threshold.

    Parameters
    ----------
    tflite : bytes
        A LiteRT model with two outputs: no digit, digit.
    threshold : float
        The lowest probability of a digit that is accepted.
    scale, offset, runtime : optional
        As :class:`lenetkit.runtime.Predictor` takes them.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_digits, draw_nondigits
    >>> from lenetkit.rejection import Gate
    >>> from lenetkit.trainer import Trainer
    >>> digits, others = draw_digits(400).images, draw_nondigits(400).images
    >>> gate = Gate.fit(digits, others, trainer=Trainer(epochs=2, batch_size=32, verbose=0), scale=1 / 255)
    >>> gate.digit_probability(others[:3]).shape
    (3,)
    """

    def __init__(
        self, tflite: bytes, threshold: float, *, scale: Any = None, offset: Any = None, runtime: str | None = None
    ) -> None:
        self.threshold = float(threshold)
        self._predictor = Predictor(tflite, scale=scale, offset=offset, runtime=runtime)

    def __repr__(self) -> str:
        return f"Gate(threshold={self.threshold:g})"

    @property
    def tflite(self) -> bytes:
        """The LiteRT model."""
        return self._predictor.tflite

    @classmethod
    def fit(
        cls,
        digits: npt.NDArray[Any],
        others: npt.NDArray[Any],
        *,
        rejected: float = 0.01,
        trainer: Any = None,
        scale: Any = 1.0,
        offset: Any = 0.0,
    ) -> Self:
        """Train a LeNet-5 to tell digits from non-digits.

        Parameters
        ----------
        digits : ndarray of shape (n, height, width[, channels])
            Prepared as the pipeline's model sees them but for the affine map; the last tenth is held back, and the
            threshold set on it.
        others : ndarray of shape (m, height, width[, channels])
            Non-digits, prepared in the same way.
        rejected : float, default 0.01
            The fraction of the digits held back that the gate may reject.
        trainer : Trainer, optional
            None: the trainer's preset "accurate".
        scale, offset : array-like of float32
            The affine map.

        Raises
        ------
        DataError
            If there are too few images.
        SettingError
            If `rejected` is not above 0 and up to 1.
        """
        from lenetkit.exporting import convert_to_litert
        from lenetkit.models import create_model
        from lenetkit.trainer import Trainer

        check_fraction("rejected", rejected)
        held_back = len(digits) // 10
        if held_back < 10 or len(others) < 10:
            raise DataError(
                f"a gate needs at least 100 digits and 10 other pictures; got {len(digits)} and {len(others)}."
            )
        seen = digits[:-held_back]
        images = np.concatenate([seen, others])
        truth = np.repeat([1, 0], [len(seen), len(others)])
        shape = images.shape[1:] if images.ndim == 4 else (*images.shape[1:], 1)
        model = create_model("lenet5", input_shape=shape, n_classes=2, seed=0)
        trainer = Trainer.preset("accurate", verbose=0) if trainer is None else trainer
        if trainer.fit(model, images, truth, scale=scale, offset=offset).stopped_by == "interrupt":
            raise KeyboardInterrupt  # a half-trained gate must not decide what is answered
        gate = cls(convert_to_litert(model), 0.0, scale=scale, offset=offset)
        scores = np.sort(gate.digit_probability(digits[-held_back:]))
        # So many of those held back lie below, and no more: an interpolated quantile may lose one too many.
        gate.threshold = float(scores[min(floor_product(rejected, held_back), held_back - 1)])
        return gate

    def digit_probability(self, images: npt.NDArray[Any]) -> Probabilities:
        """Return the probability, float32 of shape (n,), that each image shows one digit.

        Raises
        ------
        DataError
            If the images, prepared as for the pipeline's model, do not fit the gate's.
        """
        return np.asarray(self._predictor.predict_proba(images)[:, 1])


def _tempered(probabilities: Probabilities, temperature: float) -> Probabilities:
    logits = np.log(np.maximum(probabilities, np.float32(_TINY))) / np.float32(temperature)
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _best_temperature(probabilities: Probabilities, truth: npt.NDArray[Any]) -> float:
    """Return the temperature that makes the truth most probable."""
    import_quietly("scipy.optimize")
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(logarithm: float) -> float:
        true = _tempered(probabilities, float(np.exp(logarithm)))[rows, truth]
        return float(-np.log(np.maximum(true, _TINY)).mean())

    best = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    return float(np.exp(best.x))


def _choose_levels(confidences: Probabilities) -> Probabilities:
    """Return levels of confidence, descending, each that of an answer."""
    if not len(confidences):
        return np.empty(0, np.float32)
    # Errors among the sure half of the answers are rare: the levels lie closer where fewer are rejected.
    fractions = 1 - np.linspace(np.sqrt(0.95), 0, _LEVELS) ** 2
    counts = np.unique(np.maximum(np.rint(fractions * len(confidences)).astype(int), 1))
    return np.asarray(-np.sort(-confidences)[counts - 1], np.float32)


def _bound_risks(
    levels: Probabilities, confidences: Probabilities, wrong: npt.NDArray[np.bool_], *, n_bounds: int
) -> Probabilities:
    """Return bounds on the error among what is at least as sure as each level, of which so many hold together."""
    import_quietly("scipy.stats")
    from scipy.stats import beta

    order = np.argsort(-confidences, kind="stable")
    # All that are exactly as sure are accepted together.
    counts = np.searchsorted(-confidences[order], -levels, side="right")
    errors = np.append(0, np.cumsum(wrong[order]))[counts]
    confidence = 1 - (1 - _CONFIDENCE) / max(n_bounds, 1)
    risks = np.where(errors == counts, 1.0, beta.ppf(confidence, errors + 1, np.maximum(counts - errors, 1)))
    return risks.astype(np.float32)
