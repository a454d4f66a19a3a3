"""What the bits of a run rest on: data, settings, model, versions and machine, each as a short string."""

import hashlib
import inspect
import json
import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from lenetkit._utils.memmap import release_pages

if TYPE_CHECKING:
    from lenetkit.trainer._data import TrainingData
    from lenetkit.trainer._trainer import Trainer

__all__ = ["environment", "fingerprint", "record_provenance"]

# Settings that change what a run shows or keeps, not what it computes.
_WITHOUT_EFFECT = ("verbose", "steps_per_call", "checkpoint", "checkpoint_steps", "checkpoint_seconds")
_PACKAGES = ("lenetkit", "keras", "tensorflow", "numpy")
_CHUNK_BYTES = 8 * 2**20


def record_provenance(trainer: "Trainer", model: Any, data: "TrainingData", validation: Any) -> dict[str, str]:
    """Return what the result of a run rests on; two runs with the same description end with the same bits."""
    settings = {
        f"setting {field.name}": _describe(getattr(trainer, field.name))
        for field in attrs.fields(type(trainer))
        if field.name not in _WITHOUT_EFFECT
    }
    return {
        "data": fingerprint(data),
        "validation data": "none" if validation is None else fingerprint(validation),
        "model": _model_fingerprint(model),
        **settings,
        **{name: str(value) for name, value in environment().items()},
    }


def environment() -> dict[str, Any]:
    """Return versions, threads and instruction set."""
    import tensorflow as tf

    return {
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "machine": platform.machine(),
        "instruction_set": " ".join(_instruction_set()),
        "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads() or _cores(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
    }


def fingerprint(data: "TrainingData") -> str:
    """Return a hash of images, targets and weights."""
    images = data.images
    digest = hashlib.sha256(f"{images.dtype} {images.shape}".encode())
    rows = max(1, _CHUNK_BYTES // max(1, int(np.prod(images.shape[1:])) * images.dtype.itemsize))
    for start in range(0, len(images), rows):
        digest.update(np.ascontiguousarray(images[start : start + rows]).data)
        release_pages(images)
    for array in (data.targets, data.weights):
        if array is not None:
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _instruction_set() -> list[str]:
    """Name the vector extensions that the kernels may choose between."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return []
    return sorted(flag for flag in flags.split() if flag.startswith(("avx", "fma", "amx", "sse4", "asimd", "sve")))


def _model_fingerprint(model: Any) -> str:
    """Hash the architecture: what the layers are set to where Keras can tell, and all variables' shapes."""
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
    if _is_callback(value):
        return _describe_callback(value)
    if hasattr(value, "get_config"):
        return f"{type(value).__qualname__} {json.dumps(value.get_config(), sort_keys=True, default=str)}"
    if inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    if value is None or isinstance(value, (bool, int, float, str)) or attrs.has(type(value)):
        return repr(value)
    return type(value).__qualname__


def _is_callback(value: Any) -> bool:
    return hasattr(value, "on_epoch_end") and hasattr(value, "set_model")


def _describe_callback(callback: Any) -> str:
    """Name the class and those constructor arguments that no callback changes while it runs."""
    parameters = inspect.signature(type(callback).__init__).parameters
    fixed = {name: vars(callback).get(name) for name in parameters}
    plain = {name: value for name, value in fixed.items() if isinstance(value, (bool, int, str))}
    return f"{type(callback).__qualname__} {plain}"
