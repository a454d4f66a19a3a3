"""Keras on TensorFlow, imported when the first model is built."""

import contextlib
import os

from lenetkit._utils.html import in_a_notebook
from lenetkit._utils.stderr import filter_stderr
from lenetkit.exceptions import BackendError

__all__ = ["import_keras"]

# TensorFlow's lines about itself on import, whatever its log level, and about a missing driver for a GPU.
_CHATTER = (
    r"WARNING: All log messages before absl|I\d{4} \d\d:|To enable the following instructions:|"
    r"E\d{4} \d\d:.*failed call to cuInit: .*UNKNOWN ERROR \(303\)"
)


def import_keras() -> None:
    """Import Keras, in a notebook without TensorFlow's lines about itself; raise BackendError on another backend."""
    wanted = os.environ.get("KERAS_BACKEND", "tensorflow")
    if wanted == "tensorflow":
        # Not on a terminal: what is held back would be lost if the import ended the process.
        with filter_stderr(_CHATTER) if in_a_notebook() else contextlib.nullcontext():
            import keras

            wanted = keras.backend.backend()
            if in_a_notebook() and wanted == "tensorflow":
                import tensorflow as tf

                tf.config.list_logical_devices()  # a complaint about a missing GPU comes now, while it is filtered
    if wanted != "tensorflow":
        raise BackendError(
            f"lenetkit needs Keras on TensorFlow; Keras is set to {wanted!r}. "
            "Unset KERAS_BACKEND (or set it to tensorflow) before Python starts."
        )
