"""The export formats: the suffix of each, how a file is written, and how it is run with its own runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lenetkit.exceptions import ExportError
from lenetkit.exporting._conversion import Array, Batch, BuildModel, first_line, trace_model
from lenetkit.exporting._litert import convert_to_litert
from lenetkit.runtime import Predictor

__all__ = ["FORMATS", "Format"]

# Of ONNX's opset, not of the runtime: old enough for every ONNX Runtime of the last years.
_OPSET = 17


class Format(NamedTuple):
    """An export format: the suffix of its files, the functions that write and run one, the modules of its extra.

    `write` is called with a batch of None only, unless `batch` is True; `run` gets as many images as the file takes.
    """

    suffix: str
    write: Callable[[Path, bytes, BuildModel, Batch], object]
    run: Callable[[Path, Array, Batch], Array]
    modules: tuple[str, ...] = ()
    batch: bool = False


def _write_litert(path: Path, tflite: bytes, build_model: BuildModel, batch: Batch) -> None:
    path.write_bytes(tflite if batch is None else convert_to_litert(build_model(), batch=batch))


def _run_litert(path: Path, images: Array, batch: Batch) -> Array:
    if batch is None:
        return Predictor(path.read_bytes()).predict_proba(images)
    from ai_edge_litert.interpreter import Interpreter

    # As runtimes that cannot resize: nothing is set but the input's values.
    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(given["index"], images)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(answer["index"]))


def _write_onnx(path: Path, _: bytes, build_model: BuildModel, batch: Batch) -> None:
    import tf2onnx

    model = build_model()
    _, function = trace_model(model, batch)
    try:
        proto, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=_OPSET)
    except Exception as error:
        raise ExportError(f"the model {model.name!r} cannot be converted to ONNX: {first_line(error)}.") from error
    for tensor in (*proto.graph.input, *proto.graph.output):
        images = tensor.type.tensor_type.shape.dim[0]
        if batch is None:
            images.dim_param = "n"
        else:
            images.dim_value = batch
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _run_onnx(path: Path, images: Array, _: Batch) -> Array:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["probabilities"], {"images": images})[0])


def _write_saved_model(path: Path, _: bytes, build_model: BuildModel, __: Batch) -> None:
    import tensorflow as tf

    module, function = trace_model(build_model())
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})


def _run_saved_model(path: Path, images: Array, _: Batch) -> Array:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.asarray(signature(images=tf.constant(images))["probabilities"])


def _write_keras(path: Path, _: bytes, build_model: BuildModel, __: Batch) -> None:
    build_model().save(path)


def _run_keras(path: Path, images: Array, _: Batch) -> Array:
    import keras

    # The file was written a moment ago by this very process; files from elsewhere are never given to Keras.
    model = keras.saving.load_model(path, compile=False)
    return np.asarray(model(images, training=False))


FORMATS = {
    "litert": Format(".tflite", _write_litert, _run_litert, batch=True),
    "onnx": Format(".onnx", _write_onnx, _run_onnx, modules=("onnxruntime", "tf2onnx"), batch=True),
    "saved_model": Format("", _write_saved_model, _run_saved_model),
    "keras": Format(".keras", _write_keras, _run_keras),
}
