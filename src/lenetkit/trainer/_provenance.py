"""Provenance of a run: data, settings, model, versions and machine, each as a short string."""

import hashlib
import json
import os
import platform
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.extras import get_version
from lenetkit._utils.fingerprint import fingerprint
from lenetkit._utils.machine import count_cores, get_instruction_set
from lenetkit.trainer._callbacks import describe_callbacks, has_batch_hooks
from lenetkit.trainer._data import TrainingData
from lenetkit.trainer._setting_description import PACKAGES, describe
from lenetkit.trainer._settings import TrainerSettings

__all__ = ["record_provenance"]

# Settings that change what a run shows or keeps, not what it computes.
_WITHOUT_EFFECT = ("verbose", "steps_per_call", "checkpoint", "checkpoint_steps", "checkpoint_seconds")
# Environment variables by which TensorFlow and its libraries choose their arithmetic, but for those that only watch.
_ARITHMETIC = (
    "DNNL_", "EIGEN_", "NVIDIA_TF32", "ONEDNN_", "TF_CUDNN", "TF_DETERMINISTIC", "TF_DISABLE_MKL", "TF_ENABLE_MKL",
    "TF_FP16", "TF_MKL", "TF_ONEDNN", "TF_SET_ONEDNN", "TF_XLA", "XLA_FLAGS",
)  # fmt: skip
_WATCHING = ("CACHE", "DUMP", "LOG", "PROFILE", "VERBOSE")


def record_provenance(
    settings: TrainerSettings,
    model: Any,
    data: TrainingData,
    validation: TrainingData | None,
    *,
    scale: Any = None,
    offset: Any = None,
) -> dict[str, str]:
    """Return everything that the weights depend on: two runs with the same provenance end with the same bits."""
    return {
        **_data_fingerprints("data", data),
        **({"validation data": "none"} if validation is None else _data_fingerprints("validation data", validation)),
        "scale": describe(scale),
        "offset": describe(offset),
        "model": _model_fingerprint(model),
        **_describe_settings(settings),
        "python": platform.python_version(),
        **{name: get_version(name) for name in PACKAGES},
        **_describe_arithmetic(),
    }


def _describe_settings(settings: TrainerSettings) -> dict[str, str]:
    values = {field.name: getattr(settings, field.name) for field in attrs.fields(TrainerSettings)}
    callbacks = values.pop("callbacks")
    with_effect = {name: value for name, value in values.items() if name not in _WITHOUT_EFFECT}
    if has_batch_hooks(callbacks):
        # How often such a callback is called depends on these.
        with_effect["steps_per_call"] = settings.steps_per_call
        if settings.steps_per_call not in ("auto", 1):
            with_effect["checkpoint_steps"] = settings.checkpoint_steps
    return {
        **{f"setting {name}": describe(value) for name, value in with_effect.items()},
        "setting callbacks": f"[{', '.join(type(callback).__qualname__ for callback in callbacks)}]",
        **{f"setting callbacks{name}": text for name, text in describe_callbacks(callbacks).items()},
    }


def _describe_arithmetic() -> dict[str, str]:
    import tensorflow as tf

    threads = tf.config.threading.get_intra_op_parallelism_threads() or _positive("TF_NUM_INTRAOP_THREADS")
    kinds = sorted(device.device_type for device in tf.config.list_physical_devices())
    watching = {name for name in os.environ if any(word in name for word in _WATCHING)}
    chosen = sorted(name for name in os.environ if name.startswith(_ARITHMETIC) and name not in watching)
    return {
        "machine": platform.machine(),
        "devices": " ".join(kinds),
        "instruction_set": " ".join(get_instruction_set()),
        "intra_op_threads": str(threads or count_cores()),
        "onednn": str(os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0"),
        "xla": str(tf.config.optimizer.get_jit() or "off"),
        "graph_options": describe(tf.config.optimizer.get_experimental_options()),
        "tensor_float_32": str(tf.config.experimental.tensor_float_32_execution_enabled()),
        **{f"environment {name}": os.environ[name] for name in chosen},
    }


def _positive(name: str) -> int:
    """Return the number in an environment variable, as TensorFlow reads it; 0 if there is none."""
    text = os.environ.get(name, "").strip()
    return max(0, int(text)) if text.lstrip("+-").isdigit() else 0


def _data_fingerprints(name: str, data: TrainingData) -> dict[str, str]:
    """Return the fingerprint of images and labels, that of a Dataset of them, and hashes of what a Dataset lacks."""
    labels = data.targets if data.targets.ndim == 1 else data.targets.argmax(axis=1)
    further = {f"{name}: rows": data.targets if data.targets.ndim == 2 else None, f"{name}: weights": data.weights}
    hashes = {key: _hash(array) for key, array in further.items() if array is not None}
    return {name: fingerprint(data.images, labels), **hashes}


def _hash(array: Any) -> str:
    return hashlib.sha256(f"{array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def _model_fingerprint(model: Any) -> str:
    """Hash the architecture: configuration and code of the layers, as far as known, and the shapes of all variables."""
    shapes = [(variable.path, list(variable.shape), str(variable.dtype)) for variable in model.variables]
    try:
        config = json.dumps(model.get_config(), sort_keys=True, default=describe)
    except (NotImplementedError, TypeError, ValueError):  # a subclassed model that has no configuration
        config = type(model).__qualname__
    classes = sorted({describe(type(part)) for part in (model, *model._flatten_layers())})
    return hashlib.sha256(f"{config} {shapes} {classes}".encode()).hexdigest()
