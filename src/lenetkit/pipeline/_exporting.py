"""The export of a fitted pipeline: its parts as :func:`lenetkit.exporting.export` takes them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import SettingError
from lenetkit.exporting import ExportReport, check_target, export
from lenetkit.pipeline._fitted import FittedState, check_one_each
from lenetkit.transforms import describe_transform

__all__ = ["export_fitted"]


def export_fitted(
    fitted: FittedState,
    path: Any,
    *,
    format: str | None,  # noqa: A002
    quantize: str | None,
    batch: int | None,
    images: Any,
    labels: Any,
    calibration_images: Any,
    max_drop: float,
) -> ExportReport:
    """Write the model for another runtime; what the user gave is checked before anything is converted."""
    check_target(path, format, batch, quantize)
    if labels is not None and images is None:
        raise SettingError("labels need the images that they belong to: give images=, too.")
    measured = None if images is None else _as_inputs(fitted, images)
    targets = None
    if measured is not None and labels is not None:
        targets = fitted.encoder.indices(labels)
        check_one_each(measured, targets)
    samples = None if calibration_images is None else _as_inputs(fitted, calibration_images)
    bundle = fitted.to_bundle()
    return export(
        path,
        format=format,
        quantize=quantize,
        batch=batch,
        images=measured,
        targets=targets,
        calibration_images=samples,
        max_drop=max_drop,
        tflite=bundle.tflite,
        build_model=lambda: fitted.model,
        golden_images=bundle.golden_images,
        golden_probabilities=bundle.golden_probabilities,
        classes=fitted.classes.tolist(),
        preprocessing={
            "input_shape": list(bundle.input_shape),
            "transforms": [describe_transform(step) for step in fitted.transforms.steps],
        },
    )


def _as_inputs(fitted: FittedState, images: Any) -> npt.NDArray[np.float32]:
    """Return images as the model's inputs."""
    inputs = fitted.prepare(images).apply_affine()
    return inputs[..., np.newaxis] if inputs.ndim == 3 else inputs
