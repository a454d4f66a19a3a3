"""A pipeline that may decline to answer."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, NotFittedError
from lenetkit.pipeline._fitted import FittedState
from lenetkit.pipeline._images import affine_of
from lenetkit.rejection import Calibration, Gate, Prediction, check_share

__all__ = ["calibrate", "label_sets", "predict_or_reject"]

_SEED_OF_OTHERS = 1


def calibrate(fitted: FittedState, images: Any, labels: Any, others: Any, gate: Gate | None) -> None:
    """Learn from examples that a pipeline was not trained on when not to answer."""
    prepared = np.asarray(fitted.prepare(images))
    indices = fitted.encoder.indices(labels)
    if len(indices) != len(prepared):
        raise DataError(f"there must be one label per image; got {len(prepared)} images and {len(indices)} labels.")
    calibration = Calibration.fit(fitted.predict_prepared(prepared), indices)
    if gate is None:
        if others is None:
            from lenetkit.synthesis import draw_nondigits

            others = draw_nondigits(max(1000, len(prepared)), seed=_SEED_OF_OTHERS).images
        scale, offset = affine_of(fitted.affine, prepared.dtype)
        # The last tenth decides on the threshold: it must be no special part.
        order = np.random.default_rng(0).permutation(len(prepared))
        gate = Gate.fit(prepared[order], fitted.prepare(others), scale=scale, offset=offset)
    fitted.reject_with(calibration, gate)


def predict_or_reject(fitted: FittedState, images: Any, reject: float) -> list[Prediction]:
    """Return an answer for each image, or why there is none."""
    check_share("reject", reject)
    calibration, gate = _needed(fitted)
    prepared = np.asarray(fitted.prepare(images))
    probabilities = fitted.predict_prepared(prepared)
    passed = gate.digit_probability(fitted.for_predictor(prepared)) >= gate.threshold
    blank = np.ptp(prepared.reshape(len(prepared), -1), axis=1) == 0
    threshold = calibration.threshold(reject)
    classes = fitted.encoder.classes_
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
    calibration, _ = _needed(fitted)
    sets = calibration.label_sets(fitted.predict_prepared(fitted.prepare(images)), alpha)
    return [fitted.encoder.classes_[chosen] for chosen in sets]


def _needed(fitted: FittedState) -> tuple[Calibration, Gate]:
    if fitted.calibration is None or fitted.gate is None:
        raise NotFittedError(
            "this Pipeline cannot tell yet when not to answer. Call calibrate(images, labels) with examples that it "
            "was not trained on, or use Pipeline.pretrained()."
        )
    return fitted.calibration, fitted.gate
