"""Provenance of a run: data, settings, model, versions and machine, each as a short string."""

import hashlib
import inspect
import json
import os
import platform
from importlib.metadata import version
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.fingerprint import fingerprint
from lenetkit._utils.machine import count_cores, get_instruction_set
from lenetkit.trainer._data import TrainingData
from lenetkit.trainer._settings import TrainerSettings

__all__ = ["record_provenance"]

# Settings that change what a run shows or keeps, not what it computes.
_WITHOUT_EFFECT = ("verbose", "steps_per_call", "checkpoint", "checkpoint_steps", "checkpoint_seconds")
_PACKAGES = ("lenetkit", "keras", "tensorflow", "numpy")


def record_provenance(
    settings: TrainerSettings, model: Any, data: TrainingData, validation: TrainingData | None
) -> dict[str, str]:
    """Return everything that the weights depend on: two runs with the same provenance end with the same bits."""
    import tensorflow as tf

    return {
        **_data_fingerprints("data", data),
        **({"validation data": "none"} if validation is None else _data_fingerprints("validation data", validation)),
        "model": _model_fingerprint(model),
        **{
            f"setting {field.name}": _describe(getattr(settings, field.name))
            for field in attrs.fields(TrainerSettings)
            if field.name not in _WITHOUT_EFFECT
        },
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "machine": platform.machine(),
        "instruction_set": " ".join(get_instruction_set()),
        "intra_op_threads": str(tf.config.threading.get_intra_op_parallelism_threads() or count_cores()),
        "onednn": str(os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0"),
    }


def _data_fingerprints(name: str, data: TrainingData) -> dict[str, str]:
    """Return the fingerprint of images and labels, that of a Dataset of them, and hashes of what a Dataset lacks."""
    labels = data.targets if data.targets.ndim == 1 else data.targets.argmax(axis=1)
    further = {f"{name}: rows": data.targets if data.targets.ndim == 2 else None, f"{name}: weights": data.weights}
    hashes = {key: _hash(array) for key, array in further.items() if array is not None}
    return {name: fingerprint(data.images, labels), **hashes}


def _hash(array: Any) -> str:
    return hashlib.sha256(f"{array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def _model_fingerprint(model: Any) -> str:
    """Hash the architecture: the layers' configuration if Keras can tell, and the shapes of all variables."""
    shapes = [(variable.path, list(variable.shape), str(variable.dtype)) for variable in model.variables]
    try:
        config = json.dumps(model.get_config(), sort_keys=True, default=str)
    except (NotImplementedError, TypeError, ValueError):  # a subclassed model that has no configuration
        config = type(model).__qualname__
    return hashlib.sha256(f"{config} {shapes}".encode()).hexdigest()


def _describe(value: Any) -> str:
    """Describe a setting in a way that is the same in every process."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_describe, value)) + "]"
    if hasattr(value, "on_epoch_end") and hasattr(value, "set_model"):
        # Of a callback, the constructor's arguments that no callback changes while it runs.
        names = inspect.signature(type(value).__init__).parameters
        fixed = {name: vars(value)[name] for name in names if isinstance(vars(value).get(name), (bool, int, str))}
        return f"{type(value).__qualname__} {fixed}"
    if hasattr(value, "get_config"):
        return f"{type(value).__qualname__} {json.dumps(value.get_config(), sort_keys=True, default=str)}"
    if inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    if value is None or isinstance(value, (bool, int, float, str)) or attrs.has(type(value)):
        return repr(value)
    return type(value).__qualname__
