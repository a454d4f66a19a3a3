"""Answers of the page for one image, as plain values.

In: a fitted pipeline and an image. Out: dictionaries of JSON values, pictures in them as data URLs. Next: the page.
"""

import contextlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.budget import checkpoint
from lenetkit._utils.html import png_uri
from lenetkit._utils.stderr import filter_stderr
from lenetkit.demo._known import WrongKnowledgeError, knowing
from lenetkit.exceptions import NotFittedError, SettingError
from lenetkit.plotting import as_uint8, layer_picture

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["answer", "layers"]

# A stage is shown about this large.
_LARGEST_STAGE = 320
# Lines that TensorFlow's C++ side writes before its log level can be set.
_TENSORFLOW_STARTS = r"WARNING: All log messages before absl|[IWE]\d{4} \d\d:|To enable the following instructions"

# The number and what else it may be.
_ALTERNATIVES = 4

Pixels = npt.NDArray[np.uint8]


def answer(
    pipeline: "Pipeline", image: Pixels, reject: float, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the label with its probabilities, the number, the findings and all stages.

    `known` is what :func:`lenetkit.reading.read_number` may know of the number.

    Raises
    ------
    DataError
        If the image does not fit the transforms or the model, or takes more work than its budget.
    SettingError
        If `reject` is no fraction of errors.
    WrongKnowledgeError
        If `known` is invalid, or the pipeline does not read numbers.
    """
    # Of all steps this one costs most, or is refused.
    number = _read_number(pipeline, image, reject, known or {})
    checkpoint()
    trace = pipeline.trace(image)
    checkpoint()
    found: dict[str, Any] = {**trace.to_dict(), **_rejection(pipeline, image, reject), "findings": []}
    checkpoint()
    found.update(
        probability=found["probabilities"][str(trace.label)],
        number=number,
        size=image.shape[1::-1],
        stages=[
            {"name": name, "size": stage.shape[1::-1], "picture": png_uri(as_uint8(stage), _LARGEST_STAGE)}
            for name, stage in trace.stages
        ],
    )
    # A file from before pipelines kept statistics of their training images has nothing to compare with.
    with contextlib.suppress(SettingError):
        found["findings"] = [
            {"cause": finding.cause, "cure": finding.cure} for finding in pipeline.diagnose([image]).findings
        ]
    return {"answer": _headline(found), **found}


def layers(pipeline: "Pipeline", image: Pixels) -> dict[str, Any]:
    """Return the output of each layer of the network for an image.

    Raises
    ------
    DataError
        If the image does not fit, or there is no Keras model for this pipeline.
    SettingError
        If the model's layers cannot be taken apart.
    """
    from lenetkit.diagnosis import feature_maps

    with contextlib.nullcontext() if "tensorflow" in sys.modules else filter_stderr(_TENSORFLOW_STARTS):
        maps = feature_maps(image, pipeline)
    return {"layers": [_layer(name, values) for name, values in maps.layers]}


def _read_number(pipeline: "Pipeline", image: Pixels, reject: float, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the number with what else it may be; None where labels are words, which side by side make no number."""
    if not all(len(str(label)) == 1 for label in pipeline.classes_):
        if known:
            raise WrongKnowledgeError("this pipeline reads words and no numbers. Choose another one.")
        return None
    with knowing() if known else contextlib.nullcontext():
        reading = pipeline.read_number(image, reject=reject, **known)
    others = reading.alternatives(_ALTERNATIVES) if reading.digits else []
    return {
        **reading.to_dict(),
        "alternatives": [{"text": text, "probability": probability} for text, probability in others],
    }


def _rejection(pipeline: "Pipeline", image: Pixels, reject: float) -> dict[str, Any]:
    try:
        (prediction,) = pipeline.predict([image], reject=reject)
        is_label = not prediction.rejected or not pipeline.predict([image], reject=1)[0].rejected
    except NotFittedError:
        return {"rejected": None, "reason": None, "is_label": None}
    return {"rejected": prediction.rejected, "reason": prediction.reason, "is_label": is_label}


def _headline(found: dict[str, Any]) -> dict[str, str]:
    """Return the one answer: the label unless it is rejected, or else the number if there are several digits."""
    if found["rejected"] is not False and found["number"] and len(found["number"]["digits"]) > 1:
        return {"kind": "number", "text": found["number"]["raw_with_doubts"]}
    if found["rejected"]:
        return {"kind": "none", "text": ""}
    return {"kind": "label", "text": str(found["label"])}


def _layer(name: str, values: npt.NDArray[Any]) -> dict[str, Any]:
    shown, caption = layer_picture(values)
    # From the smallest value, black, to the largest, white; NaN, where the picture is empty, is transparent.
    there = np.isfinite(shown)
    grey = as_uint8(shown, (float(shown[there].min()), float(shown[there].max())))
    pixels = np.stack([grey, np.where(there, 255, 0).astype(np.uint8)], axis=-1)
    return {"name": name, "caption": caption, "picture": png_uri(pixels)}
