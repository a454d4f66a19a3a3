"""The parts that several export formats share: what they are made of, tracing, silence and the check of answers."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import preserve_rng_state
from lenetkit._utils.stderr import filter_stderr
from lenetkit.exceptions import ExportError

__all__ = [
    "TOLERANCE",
    "Array",
    "Batch",
    "BuildModel",
    "Source",
    "check_answers",
    "first_line",
    "quiet_conversion",
    "trace_model",
]

# The log lines of TensorFlow's converter: I and W for information and warnings, month and day.
_CONVERTER_CHATTER = r"[IW]\d{4} \d\d:|WARNING: All log messages before|fully_quantize: "

Array = npt.NDArray[np.float32]
BuildModel = Callable[[], Any]  # which gives a keras.Model
Batch = int | None  # the number of images in a call; None leaves it free

TOLERANCE = 1e-5
"""The largest accepted difference between an exported model's probabilities and the known ones."""


@attrs.frozen(kw_only=True, eq=False)
class Source:
    """Everything that a file for another runtime is made of.

    Parameters
    ----------
    target : pathlib.Path
        The file as it will be called.
    tflite : bytes
        The LiteRT model.
    build_model : callable
        Gives the Keras model.
    batch : int or None
        The number of images in a call.
    quantize : str or None
        How numbers are shortened.
    samples : ndarray of shape (k, height, width, channels)
        Inputs that show which values occur inside the network.
    golden_images, golden_probabilities : ndarray
        Inputs and the answers that they must give.
    class_names : list
        In the order of the output's columns.
    """

    target: Path
    tflite: bytes
    build_model: BuildModel
    batch: Batch
    quantize: str | None
    samples: Array
    golden_images: Array
    golden_probabilities: Array
    class_names: list[Any]


def check_answers(format_name: str, actual: Array, expected: Array, tolerance: float = TOLERANCE) -> float:
    """Return the greatest difference between answers and the known ones; refuse another shape and too great ones."""
    if actual.shape != expected.shape:
        raise ExportError(
            f"the {format_name} model answers with shape {actual.shape}; it should be {expected.shape}. Not exported."
        )
    differences = np.abs(actual.astype(np.float64) - expected).max(axis=1)
    greatest = float(differences.max())
    if not greatest <= tolerance:
        raise ExportError(
            f"the {format_name} model does not answer as it should: on golden input {int(differences.argmax())} a "
            f"probability is off by {greatest:.3g}, more than {tolerance:g}. Not exported."
        )
    return greatest


@contextlib.contextmanager
def quiet_conversion() -> Iterator[None]:
    """Leave random generators as they are, and hold back what TensorFlow tells of its temporary files and passes."""
    logger = logging.getLogger("tensorflow")
    with preserve_rng_state(), filter_stderr(_CONVERTER_CHATTER), contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # of the converters' own code, which warnings that are errors would stop
        stack.callback(logger.setLevel, logger.level)
        stack.callback(_put_back_handlers, logging.root.handlers[:])
        logger.setLevel(max(logger.level, logging.WARNING))  # in notebooks it is INFO
        yield


def _put_back_handlers(handlers: list[logging.Handler]) -> None:
    logging.root.handlers[:] = handlers  # absl configures logging for the whole process where nobody has


def trace_model(model: Any, batch: Batch = None) -> tuple[Any, Any]:
    """Return the model as a ``tf.function`` for `batch` images, and the ``tf.Module`` that owns its variables."""
    import tensorflow as tf

    shape = tuple(model.input_shape) if isinstance(model.input_shape, tuple) else ()
    if len(shape) != 4:
        raise ExportError(
            f"a model to export must have one input of shape (n, height, width, channels); {model.name!r} has "
            f"{model.input_shape}."
        )
    signature = [tf.TensorSpec((batch, *shape[1:]), tf.float32, name="images")]
    module = tf.Module()
    module.variables_of_the_model = [variable.value for variable in model.variables]
    module.function = tf.function(
        lambda images: {"probabilities": model(images, training=False)}, input_signature=signature, autograph=False
    )
    return module, module.function


def first_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
