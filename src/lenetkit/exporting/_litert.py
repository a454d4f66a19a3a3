"""The conversion of a Keras model to LiteRT."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from lenetkit._utils.keras_settings import standard_keras
from lenetkit.exceptions import ExportError
from lenetkit.exporting._conversion import Array, Batch, check_answers, first_line, quiet_conversion, trace_model
from lenetkit.runtime import Predictor

if TYPE_CHECKING:
    import keras

__all__ = ["convert_line_reader", "convert_to_litert", "quantize_to_litert"]


def convert_to_litert(model: "keras.Model", *, check_images: Array | None = None, batch: int | None = None) -> bytes:
    """Convert a Keras model to LiteRT: float32, nothing quantised, no custom operations.

    The bytes depend on the architecture, the weights and the version of TensorFlow alone, not on how layers happen to
    be called. Global random generators are left as they were found.

    Parameters
    ----------
    model : keras.Model
        One input of shape (n, height, width, channels), one output of shape (n, n_classes), float32.
    check_images : ndarray of shape (k, height, width, channels), optional
        Inputs that the converted model must answer as the Keras model does.
    batch : int, optional
        The number of images in a call, fixed; free by default. With it, `check_images` must be so many.

    Returns
    -------
    bytes
        For :class:`lenetkit.runtime.Predictor`, or to be written to a ``.tflite`` file. The input is called
        ``images``, the output ``probabilities``.

    Raises
    ------
    ExportError
        If LiteRT has no operation for a layer, or an answer to `check_images` is off by more than 1e-5.

    Examples
    --------
    >>> from lenetkit.exporting import convert_to_litert
    >>> from lenetkit.models import create_model
    >>> from lenetkit.runtime import Predictor
    >>> images = np.zeros((2, 28, 28, 1), np.float32)
    >>> tflite = convert_to_litert(create_model("lenet5", seed=0), check_images=images)
    >>> Predictor(tflite).predict_proba(images).shape
    (2, 10)
    """
    with quiet_conversion(), standard_keras():
        module, function = trace_model(model, batch)
        tflite = _convert(model.name, function.get_concrete_function(), module)
        if check_images is not None:
            expected = np.asarray(function(check_images)["probabilities"])
            check_answers("litert", Predictor(tflite).predict_proba(check_images), expected)
    return tflite


def quantize_to_litert(model: "keras.Model", quantize: str, samples: Array, *, batch: Batch = None) -> bytes:
    """Convert a Keras model to a smaller LiteRT model, whose inputs and outputs are float32 all the same.

    Parameters
    ----------
    model : keras.Model
        As for :func:`convert_to_litert`.
    quantize : {"int8", "float16", "dynamic"}
        ``"int8"``: weights and what is computed between the layers; ``"dynamic"``: weights are int8, sums are rounded
        by the range of each image; ``"float16"``: weights.
    samples : ndarray of shape (k, height, width, channels)
        Inputs that show which values occur between the layers; only for ``"int8"``.
    batch : int, optional
        The number of images in a call, fixed; free by default.

    Raises
    ------
    ExportError
        If LiteRT has no operation for a layer.
    """
    n = batch or 1
    filled = (
        np.concatenate([samples, samples[: -len(samples) % n]])
        if len(samples) >= n
        else np.resize(samples, (n, *samples.shape[1:]))
    )

    def give_samples() -> Iterator[list[Array]]:
        for start in range(0, len(filled), n):
            yield [filled[start : start + n]]

    with quiet_conversion(), standard_keras():
        module, function = trace_model(model, batch)
        return _convert(model.name, function.get_concrete_function(), module, quantize, give_samples)


def convert_line_reader(model: "keras.Model") -> bytes:
    """Convert the network that reads whole lines to LiteRT, with logarithms of probabilities as its answer.

    Parameters
    ----------
    model : keras.Model
        As :func:`lenetkit.models.create_line_reader` builds it.

    Returns
    -------
    bytes
        For :class:`lenetkit.runtime.SweptPredictor`; the width of a line is free.

    Raises
    ------
    ExportError
        If LiteRT has no operation for a layer.

    Examples
    --------
    >>> from lenetkit.exporting import convert_line_reader
    >>> from lenetkit.models import create_line_reader
    >>> from lenetkit.runtime import SweptPredictor
    >>> reader = SweptPredictor(convert_line_reader(create_line_reader(seed=0)), pitch=4)
    >>> reader.log_probabilities(np.zeros((40, 100), np.uint8)).shape
    (29, 17)
    """
    with quiet_conversion(), standard_keras():
        import tensorflow as tf
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        signature = [tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="images")]
        answer = tf.function(
            lambda images: tf.nn.log_softmax(model(images, training=False)), input_signature=signature, autograph=False
        )
        # With variables left in it and a free width the converter writes a model that answers NaN (TensorFlow 2.21).
        return _convert(model.name, convert_variables_to_constants_v2(answer.get_concrete_function()), None)


def _convert(
    name: str,
    function: Any,
    module: Any,
    quantize: str | None = None,
    give_samples: Callable[[], Iterator[list[Array]]] | None = None,
) -> bytes:
    """Return a traced function as a LiteRT model; the only one that calls TensorFlow's converter, which is to go.

    The way that stays is LiteRT's own converter by way of PyTorch: tests/exporting/test_second_converter.py.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif quantize == "int8":
        converter.representative_dataset = give_samples
    try:
        converted = converter.convert()
    except Exception as error:
        raise ExportError(
            f"the model {name!r} cannot be converted to LiteRT: {first_line(error)}. "
            "Build it of layers that LiteRT has operations for: https://ai.google.dev/edge/litert/conversion."
        ) from error
    return _without_layer_names(converted)


def _without_layer_names(tflite: bytes) -> bytes:
    """Return the same LiteRT model without the names that Keras gives to layers as it goes: dense, dense_1, ..."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(tflite))
    for graph in model.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = None
    main = model.subgraphs[0]
    main.tensors[main.inputs[0]].name = b"images"
    main.tensors[main.outputs[0]].name = b"probabilities"
    model.buffers = [_AlignedBuffer(buffer) for buffer in model.buffers]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


@attrs.frozen
class _AlignedBuffer:
    """A buffer that is written at a multiple of 16 bytes: LiteRT's schema wants it, the Python generator ignores it."""

    buffer: Any

    def Pack(self, builder: Any) -> Any:  # noqa: N802 -- the generated classes call it so
        if self.buffer.data is not None:
            builder.Prep(16, len(self.buffer.data))
        return self.buffer.Pack(builder)
