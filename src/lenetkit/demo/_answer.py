"""What the page shows of one picture, as plain values.

In: a fitted pipeline and a picture file. Out: dictionaries as JSON takes them, pictures in them as data URLs.
"""

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.html import png_uri
from lenetkit._utils.stderr import filter_stderr
from lenetkit.exceptions import NotFittedError, SettingError
from lenetkit.plotting import as_uint8, layer_picture

if TYPE_CHECKING:
    from lenetkit.diagnosis import Trace
    from lenetkit.pipeline import Pipeline

__all__ = ["answer", "layers"]

# A stage is shown about this large.
_LARGEST_STAGE = 320
# What TensorFlow's C++ side writes before anybody can ask it not to.
_TENSORFLOW_STARTS = r"WARNING: All log messages before absl|[IWE]\d{4} \d\d:|To enable the following instructions"

Pixels = npt.NDArray[np.uint8]


def answer(pipeline: "Pipeline", picture: Pixels, reject: float) -> dict[str, Any]:
    """Return the label with its probabilities, the number, the findings and all stages.

    Raises
    ------
    DataError
        If the transforms or the model cannot take the picture.
    SettingError
        If `reject` is no share of errors.
    """
    trace = pipeline.trace(picture)
    found: dict[str, Any] = {**trace.to_dict(), **_rejection(pipeline, picture, reject), "findings": []}
    height, width = picture.shape[:2]
    found.update(
        probability=found["probabilities"][str(trace.label)],
        number=_number(pipeline, picture),
        size=[width, height],
        stages=_stages(trace),
    )
    # A file from before pipelines kept what their training images look like has nothing to compare with.
    try:
        diagnosis = pipeline.diagnose([picture])
        found["findings"] = [{"cause": finding.cause, "cure": finding.cure} for finding in diagnosis.findings]
    except SettingError:
        pass
    return {"answer": _headline(found), **found}


def layers(pipeline: "Pipeline", picture: Pixels) -> dict[str, Any]:
    """Return what each layer of the network makes of a picture.

    Raises
    ------
    DataError
        If the picture does not fit, or there is no Keras model for this pipeline.
    SettingError
        If the model's layers cannot be taken apart.
    """
    from lenetkit.diagnosis import feature_maps

    with contextlib.nullcontext() if "tensorflow" in sys.modules else filter_stderr(_TENSORFLOW_STARTS):
        maps = feature_maps(picture, pipeline)
    return {"layers": [_layer(name, values) for name, values in maps.layers]}


def _rejection(pipeline: "Pipeline", picture: Pixels, reject: float) -> dict[str, Any]:
    try:
        (prediction,) = pipeline.predict([picture], reject=reject)
        is_label = not prediction.rejected or not pipeline.predict([picture], reject=1)[0].rejected
    except NotFittedError:
        return {"rejected": None, "reason": None, "is_label": None}
    return {"rejected": prediction.rejected, "reason": prediction.reason, "is_label": is_label}


def _number(pipeline: "Pipeline", picture: Pixels) -> dict[str, Any] | None:
    # Words side by side make no number.
    if any(len(str(label)) != 1 for label in pipeline.classes_):
        return None
    return pipeline.read_number(picture).to_dict()


def _headline(found: dict[str, Any]) -> dict[str, str]:
    """Return the one answer: a label where it may be relied upon, or else a number where there are several digits."""
    if found["rejected"] is not False and found["number"] and len(found["number"]["digits"]) > 1:
        return {"kind": "number", "text": found["number"]["text"]}
    if found["rejected"]:
        return {"kind": "none", "text": ""}
    return {"kind": "label", "text": str(found["label"])}


def _stages(trace: "Trace") -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "size": [picture.shape[1], picture.shape[0]],
            "picture": png_uri(as_uint8(picture), _LARGEST_STAGE),
        }
        for name, picture in trace.stages
    ]


def _layer(name: str, values: npt.NDArray[Any]) -> dict[str, Any]:
    shown, caption = layer_picture(values)
    # From the smallest value, black, to the largest, white; NaN, where the picture is empty, is transparent.
    there = np.isfinite(shown)
    grey = as_uint8(shown, (float(shown[there].min()), float(shown[there].max())))
    pixels = np.stack([grey, np.where(there, 255, 0).astype(np.uint8)], axis=-1)
    return {"name": name, "caption": caption, "picture": png_uri(pixels)}
