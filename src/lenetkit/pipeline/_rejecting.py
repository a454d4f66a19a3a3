"""Answers that a pipeline may withhold: calibration, rejection and sets of labels.

In: a fitted state, and images as people have them. Out: predictions with a reason, or label sets.
Next: :class:`lenetkit.pipeline.Pipeline` offers them.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import NotFittedError
from lenetkit.pipeline._fitted import FittedState, check_one_each, get_input
from lenetkit.rejection import Calibration, Gate, Prediction, check_fraction

__all__ = ["calibrate", "label_sets", "predict_or_reject"]

_NONDIGITS_SEED = 1


def calibrate(fitted: FittedState, images: Any, labels: Any, others: Any, gate: Gate | None) -> None:
    """Learn when not to answer; see :meth:`Pipeline.calibrate <lenetkit.pipeline.Pipeline.calibrate>`."""
    prepared = fitted.prepare(images)
    indices = fitted.encoder.indices(labels)
    check_one_each(prepared.images, indices)
    # The model's own probabilities: a calibration from before must not have a say in the next one.
    calibration = Calibration.fit(fitted.predictor.predict_proba(get_input(prepared)), indices)
    if gate is None:
        if others is None:
            from lenetkit.synthesis import draw_nondigits

            others = draw_nondigits(max(1000, len(indices)), seed=_NONDIGITS_SEED).images
        # The last tenth decides on the threshold: it must be no special part.
        order = np.random.default_rng(0).permutation(len(indices))
        digits, others = np.asarray(prepared.images)[order], fitted.prepare(others).images
        gate = Gate.fit(digits, others, scale=prepared.scale, offset=prepared.offset)
    fitted.reject_with(calibration, gate)


def predict_or_reject(fitted: FittedState, images: Any, reject: float) -> list[Prediction]:
    """Return an answer for each image, or the reason for none."""
    check_fraction("reject", reject)
    calibration, gate = _get_rejection(fitted)
    prepared = fitted.prepare(images)
    probabilities = fitted.predict_proba(prepared)
    passed = gate.digit_probability(get_input(prepared)) >= gate.threshold
    blank = np.ptp(prepared.images.reshape(len(probabilities), -1), axis=1) == 0
    threshold = calibration.threshold(reject)
    classes = fitted.classes
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    predictions = []
    for row, (best, *rest) in enumerate(ranked.tolist()):
        probability = float(probabilities[row, best])
        if blank[row]:
            reason = "there is nothing in the picture."
        elif not passed[row]:
            reason = "this does not look like one of the labels, or not like only one."
        elif probability < threshold:
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
