"""Keras on TensorFlow, imported when the first model is built."""

import contextlib
import json
import os
import sys
import warnings
from pathlib import Path

from lenetkit._utils.extras import require_library
from lenetkit._utils.html import in_a_notebook
from lenetkit._utils.rng import preserve_rng_state
from lenetkit._utils.stderr import filter_stderr
from lenetkit.exceptions import BackendError

__all__ = ["import_keras"]

# TensorFlow's lines about itself on import, whatever its log level, and about a missing driver for a GPU.
_CHATTER = (
    r"WARNING: All log messages before absl|I\d{4} \d\d:|To enable the following instructions:|"
    r"E\d{4} \d\d:.*failed call to cuInit: .*UNKNOWN ERROR \(303\)"
)


def import_keras() -> None:
    """Import Keras, in a notebook without TensorFlow's lines about itself.

    The random generators and the filters of warnings are left as they were: TensorFlow's own code does not survive
    warnings that are errors.

    Raises
    ------
    BackendError
        If Keras is set to another backend.
    MissingExtraError
        If TensorFlow or Keras is not installed.
    """
    wanted = _read_backend()
    if wanted == "tensorflow":
        require_library("a Keras model", "tensorflow", "keras")
        # Not on a terminal: what is held back would be lost if the import ended the process.
        with (
            filter_stderr(_CHATTER) if in_a_notebook() else contextlib.nullcontext(),
            preserve_rng_state(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            import keras

            wanted = keras.backend.backend()
            if in_a_notebook() and wanted == "tensorflow":
                import tensorflow as tf

                tf.config.list_logical_devices()  # a complaint about a missing GPU comes now, while it is filtered
    if wanted != "tensorflow":
        raise BackendError(
            f"lenetkit needs Keras on TensorFlow; Keras is set to {wanted!r}. Unset KERAS_BACKEND (or set it to "
            "tensorflow), and the backend in keras.json, before Python starts."
        )


def _read_backend() -> str:
    """Return the backend that Keras will choose: importing it fails where that is not installed."""
    if "keras" in sys.modules:  # it has chosen
        return "tensorflow"
    if backend := os.environ.get("KERAS_BACKEND"):
        return backend
    folder = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        return str(json.loads(Path(folder, "keras.json").read_text("utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):  # Keras ignores such a file as well
        return "tensorflow"
