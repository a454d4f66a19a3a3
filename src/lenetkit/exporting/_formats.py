"""The export formats: the suffix of each, how a file is written, and how it is run with its own runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lenetkit.exceptions import ExportError
from lenetkit.exporting._conversion import Array, BuildModel, first_line, trace_model
from lenetkit.runtime import Predictor

__all__ = ["FORMATS", "Format"]

# Of ONNX's opset, not of the runtime: old enough for every ONNX Runtime of the last years.
_OPSET = 17


class Format(NamedTuple):
    """An export format: the suffix of its files, the functions that write and run one, the modules of its extra."""

    suffix: str
    write: Callable[[Path, bytes, BuildModel], object]
    run: Callable[[Path, Array], Array]
    modules: tuple[str, ...] = ()


def _run_litert(path: Path, images: Array) -> Array:
    return Predictor(path.read_bytes()).predict_proba(images)


def _write_onnx(path: Path, _: bytes, build_model: BuildModel) -> None:
    import tf2onnx

    model = build_model()
    _, function = trace_model(model)
    try:
        proto, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=_OPSET)
    except Exception as error:
        raise ExportError(f"the model {model.name!r} cannot be converted to ONNX: {first_line(error)}.") from error
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "n"
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _run_onnx(path: Path, images: Array) -> Array:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["probabilities"], {"images": images})[0])


def _write_saved_model(path: Path, _: bytes, build_model: BuildModel) -> None:
    import tensorflow as tf

    module, function = trace_model(build_model())
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})


def _run_saved_model(path: Path, images: Array) -> Array:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.asarray(signature(images=tf.constant(images))["probabilities"])


def _run_keras(path: Path, images: Array) -> Array:
    import keras

    # The file was written a moment ago by this very process; files from elsewhere are never given to Keras.
    model = keras.saving.load_model(path, compile=False)
    return np.asarray(model(images, training=False))


FORMATS = {
    "litert": Format(".tflite", lambda path, tflite, _: path.write_bytes(tflite), _run_litert),
    "onnx": Format(".onnx", _write_onnx, _run_onnx, modules=("onnxruntime", "tf2onnx")),
    "saved_model": Format("", _write_saved_model, _run_saved_model),
    "keras": Format(".keras", lambda path, _, build_model: build_model().save(path), _run_keras),
}
