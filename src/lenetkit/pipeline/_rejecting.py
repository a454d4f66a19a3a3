"""Answers that a pipeline may withhold: calibration, rejection and sets of labels.

In: a fitted state, and images as people have them. Out: predictions with a reason, or label sets.
Next: :class:`lenetkit.pipeline.Pipeline` offers them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.imports import import_quietly
from lenetkit._utils.validation import check_fraction, chosen_one
from lenetkit.exceptions import NotFittedError, SettingError
from lenetkit.pipeline._fitted import FittedState, check_one_each, get_input
from lenetkit.rejection import Calibration, Gate, Prediction, Probabilities
from lenetkit.transforms import Prepared

__all__ = ["calibrate", "judge_answers", "label_sets", "make_corrupted", "predict_or_reject"]

_NONDIGITS_SEED = 1
_CORRUPTION_SEED = 1
# Standard deviation of the second look's blur, as a fraction of the image's side: 0.7 pixels of 28. A hollow stroke
# closes and a thin stray line fades, while a digit stays what it is. At the same error among accepted answers it saves
# two of a hundred on MNIST-C (compare benchmarks/rejection.py with 0 here); with half or twice as much it saves one.
_BLUR = 0.025
# Smaller images have no corrupted copies: corrupt refuses them.
_SMALLEST = 8
# Preparing what is prepared already must change next to no answer, or copies of it are not prepared again.
_ALIKE = 0.99


def calibrate(
    fitted: FittedState,
    images: Any,
    labels: Any,
    *,
    others: Any = None,
    gate: Gate | None = None,
    corruptions: Iterable[str] | None = None,
    harder: tuple[Any, Any] | None = None,
) -> FittedState:
    """Return a state that has learnt when not to answer.

    See :meth:`Pipeline.calibrate <lenetkit.pipeline.Pipeline.calibrate>`.
    """
    from lenetkit.synthesis import CORRUPTIONS

    kinds = (
        CORRUPTIONS if corruptions is None else [chosen_one("corruptions", kind, CORRUPTIONS) for kind in corruptions]
    )
    # A calibration from before must not have a say in the next one, nor in the looks at pictures.
    fitted = fitted.without_rejection()
    prepared = fitted.prepare(images)
    indices = fitted.encoder.indices(labels)
    check_one_each(prepared.images, indices)
    calibration = Calibration.fit(fitted.predictor.predict_proba(get_input(prepared)), indices)
    if gate is None:
        if others is None:
            from lenetkit.synthesis import draw_nondigits

            others = draw_nondigits(max(1000, len(indices)), seed=_NONDIGITS_SEED).images
        # The last tenth decides on the threshold: it must be no special part.
        order = np.random.default_rng(0).permutation(len(indices))
        digits, others = np.asarray(prepared.images)[order], fitted.prepare(others).images
        gate = Gate.fit(digits, others, scale=prepared.scale, offset=prepared.offset)
    judging = fitted.with_rejection(calibration, gate)
    prepared = judging.prepare(images)
    found = [
        judge_answers(fitted, calibration, gate, copies, indices)
        for copies in (prepared, *make_corrupted(judging, prepared, kinds))
    ]
    if harder is not None:
        found.append(judge_answers(fitted, calibration, gate, *_read_pair(judging, harder)))
    confidences, wrong = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return fitted.with_rejection(calibration.with_bounds(found[0], (confidences, wrong)), gate)


def _read_pair(fitted: FittedState, pair: Any) -> tuple[Prepared, npt.NDArray[Any]]:
    """Return the prepared images and the indices of their labels."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise SettingError(f"harder must be (images, labels); got {type(pair).__name__}.")
    prepared, indices = fitted.prepare(pair[0]), fitted.encoder.indices(pair[1])
    check_one_each(prepared.images, indices)
    return prepared, indices


def make_corrupted(fitted: FittedState, prepared: Prepared, kinds: Iterable[str]) -> Iterator[Prepared]:
    """Give a corrupted copy of all images for each kind; none of images that :func:`corrupt` does not take."""
    from lenetkit.synthesis import corrupt

    shape = prepared.images.shape
    if prepared.images.dtype != np.uint8 or shape[3:] not in ((), (1,)) or min(shape[1:3]) < _SMALLEST:
        return
    # Ink must be bright: where most of the pixels are, they are the paper.
    paper = np.uint8(255 if np.median(prepared.images) > 127 else 0)
    twice = fitted.prepare(prepared.images)
    once, again = (fitted.predictor.predict_proba(get_input(each)).argmax(axis=1) for each in (prepared, twice))
    for kind in kinds:
        copies = (
            corrupt((prepared.images ^ paper).reshape(shape[:3]), kind, seed=_CORRUPTION_SEED).reshape(shape) ^ paper
        )
        if np.mean(once == again) >= _ALIKE:
            yield fitted.prepare(copies)
        else:
            yield Prepared(copies, prepared.scale, prepared.offset)


def judge_answers(
    fitted: FittedState, calibration: Calibration, gate: Gate, prepared: Prepared, indices: npt.NDArray[Any]
) -> tuple[Probabilities, npt.NDArray[np.bool_]]:
    """Return the confidence of each answer that the gate lets through, and whether it is wrong."""
    probabilities = calibration.calibrate(fitted.predictor.predict_proba(get_input(prepared)))
    passed = _show_something(prepared) & _pass_gate(gate, prepared)
    confidences = _compute_confidences(fitted, calibration, prepared, probabilities)
    return confidences[passed], (probabilities.argmax(axis=1) != indices)[passed]


def _show_something(prepared: Prepared) -> npt.NDArray[np.bool_]:
    return np.asarray(np.ptp(prepared.images.reshape(len(prepared.images), -1), axis=1) > 0)


def _pass_gate(gate: Gate, prepared: Prepared) -> npt.NDArray[np.bool_]:
    return np.asarray(gate.digit_probability(get_input(prepared)) >= gate.threshold)


def _compute_confidences(
    fitted: FittedState, calibration: Calibration, prepared: Prepared, probabilities: Probabilities
) -> Probabilities:
    """Return the lower of each answer's probabilities for the image and for the image slightly blurred."""
    import_quietly("scipy.ndimage")
    from scipy.ndimage import gaussian_filter

    images = get_input(prepared)
    sigma = [0.0, *(_BLUR * side for side in images.shape[1:3]), *([0.0] * (images.ndim - 3))]
    second = calibration.calibrate(fitted.predictor.predict_proba(gaussian_filter(images, sigma, mode="nearest")))
    answers = np.arange(len(images)), probabilities.argmax(axis=1)
    return np.asarray(np.minimum(probabilities[answers], second[answers]))


def predict_or_reject(fitted: FittedState, images: Any, reject: float, n_jobs: int | None = None) -> list[Prediction]:
    """Return an answer for each image, or the reason for none."""
    check_fraction("reject", reject)
    calibration, gate = _get_rejection(fitted)
    prepared = fitted.prepare(images, n_jobs)
    probabilities = fitted.predict_proba(prepared)
    passed, shown = _pass_gate(gate, prepared), _show_something(prepared)
    threshold = calibration.threshold(reject)
    if threshold > 0:
        sure = _compute_confidences(fitted, calibration, prepared, probabilities) >= threshold
    else:
        sure = np.ones(len(probabilities), bool)
    classes = fitted.classes
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    predictions = []
    for row, (best, *rest) in enumerate(ranked.tolist()):
        probability = float(probabilities[row, best])
        if not shown[row]:
            reason = "there is nothing in the picture."
        elif not passed[row]:
            reason = "this does not look like one of the labels, or not like only one."
        elif not sure[row]:
            doubt = f"{classes[best]} or {classes[rest[0]]}" if rest else f"{classes[best]}"
            reason = f"not sure enough: {doubt}."
        else:
            reason = ""
        label = classes[best]
        predictions.append(
            Prediction(
                label=label.item() if hasattr(label, "item") else label,
                probability=probability,
                rejected=bool(reason),
                reason=reason,
            )
        )
    return predictions


def label_sets(fitted: FittedState, images: Any, alpha: float) -> list[npt.NDArray[Any]]:
    """Return for each image the labels that it may have."""
    calibration, _ = _get_rejection(fitted)
    sets = calibration.label_sets(fitted.predict_proba(fitted.prepare(images)), alpha)
    return [fitted.classes[chosen] for chosen in sets]


def _get_rejection(fitted: FittedState) -> tuple[Calibration, Gate]:
    if fitted.rejecting is None:
        raise NotFittedError(
            "this Pipeline cannot tell yet when not to answer. Call calibrate(images, labels) with examples that it "
            "was not trained on, or use Pipeline.pretrained()."
        )
    return fitted.rejecting
