"""The loss that an export costs, measured before the file is kept: agreement with the pipeline, and accuracy."""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import ExportError, SettingError
from lenetkit.exporting._conversion import Array

__all__ = ["MAX_DROP", "Measured", "check_drop", "check_inputs", "measure"]

MAX_DROP = 0.005
"""The largest loss of accuracy, or the largest fraction of changed answers, that is accepted by default."""


@attrs.frozen(kw_only=True)
class Measured:
    """Answers compared: on how many images, the fraction with the same label, and accuracies where labels are known."""

    n_images: int
    agreement: float
    accuracy: float | None = None
    accuracy_before: float | None = None


def check_inputs(name: str, images: Any, shape: tuple[int, ...]) -> Array:
    """Return inputs of a model as float32; refuse none, another shape, and values that are not finite."""
    inputs = np.ascontiguousarray(images, dtype=np.float32)
    if inputs.shape[1:] != shape or not len(inputs):
        raise SettingError(
            f"{name} must be inputs of the model, of shape (k, {', '.join(map(str, shape))}), at least one; got shape "
            f"{inputs.shape}."
        )
    if not np.isfinite(inputs).all():
        raise SettingError(f"{name} must be finite; got NaN or infinity.")
    return inputs


def measure(
    answers: Array, expected: Array, golden: tuple[Array, Array], targets: npt.NDArray[np.int64] | None
) -> Measured:
    """Compare the answers to some images, and to the golden inputs, with those of the pipeline.

    Parameters
    ----------
    answers, expected : ndarray of shape (n, n_classes)
        Probabilities of the export and of the pipeline for the user's images; n may be 0.
    golden : pair of ndarray
        The same for the golden inputs.
    targets : ndarray of shape (n,), optional
        The right columns.
    """
    found, known = (part.argmax(axis=1) for part in (answers, expected))
    same = np.concatenate([found == known, golden[0].argmax(axis=1) == golden[1].argmax(axis=1)])
    if targets is None or not len(targets):
        return Measured(n_images=len(same), agreement=float(same.mean()))
    return Measured(
        n_images=len(same),
        agreement=float(same.mean()),
        accuracy=float((found == targets).mean()),
        accuracy_before=float((known == targets).mean()),
    )


def check_drop(form: str, measured: Measured, max_drop: float, show: Callable[[float], str] = "{:.2%}".format) -> None:
    """Refuse an export that loses more than was allowed."""
    if measured.accuracy is None or measured.accuracy_before is None:
        lost = 1 - measured.agreement
        told = f"{show(lost)} of {measured.n_images:,} images get another label than the pipeline gives"
        more = ", give images= and labels= to measure the accuracy on,"
    else:
        lost = measured.accuracy_before - measured.accuracy
        told = f"the accuracy falls from {show(measured.accuracy_before)} to {show(measured.accuracy)}"
        more = ", give better calibration_images=,"
    if lost > max_drop + 1e-9:  # as decimals, whose difference may be off in the last bit
        raise ExportError(
            f"the {form} model loses too much: {told}; max_drop={max_drop:g} accepts {show(max_drop)}. Raise it{more} "
            "or choose a milder quantize=. Not exported."
        )
