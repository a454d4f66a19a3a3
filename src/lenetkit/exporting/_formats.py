"""The export formats: the suffix of each, how a file is written, and how it is run with its own runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lenetkit.exceptions import ExportError
from lenetkit.exporting._c_code import count_bytes, write_header
from lenetkit.exporting._c_layers import read_steps
from lenetkit.exporting._c_steps import compute
from lenetkit.exporting._conversion import Array, Source, first_line, trace_model
from lenetkit.exporting._litert import convert_to_litert, quantize_to_litert
from lenetkit.runtime import Predictor

__all__ = ["FORMATS", "Format"]

# Of ONNX's opset, not of the runtime: old enough for every ONNX Runtime of the last years.
_OPSET = 17


class Format(NamedTuple):
    """An export format: its suffix, the functions that write and run a file, and what it can be asked for.

    `write` returns the bytes of the model where those of the file do not tell. `run` gets as many images as the file
    takes. `modules` are those of its extra. `quantize` names the ways to shorten numbers, `batch` tells if the number
    of images can be fixed.
    """

    suffix: str
    write: Callable[[Path, Source], int | None]
    run: Callable[[Path, Array, Source], Array]
    modules: tuple[str, ...] = ()
    batch: bool = False
    quantize: tuple[str, ...] = ()


def _write_litert(path: Path, source: Source) -> None:
    if source.quantize is not None:
        tflite = quantize_to_litert(source.build_model(), source.quantize, source.samples, batch=source.batch)
    elif source.batch is not None:
        tflite = convert_to_litert(source.build_model(), batch=source.batch)
    else:
        tflite = source.tflite
    path.write_bytes(tflite)


def _run_litert(path: Path, images: Array, source: Source) -> Array:
    if source.batch is None:
        return Predictor(path.read_bytes()).predict_proba(images)
    from ai_edge_litert.interpreter import Interpreter

    # As runtimes that cannot resize: nothing is set but the input's values.
    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(given["index"], images)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(answer["index"]))


def _write_onnx(path: Path, source: Source) -> None:
    import tf2onnx

    model = source.build_model()
    _, function = trace_model(model, source.batch)
    try:
        proto, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=_OPSET)
    except Exception as error:
        raise ExportError(f"the model {model.name!r} cannot be converted to ONNX: {first_line(error)}.") from error
    for tensor in (*proto.graph.input, *proto.graph.output):
        images = tensor.type.tensor_type.shape.dim[0]
        if source.batch is None:
            images.dim_param = "n"
        else:
            images.dim_value = source.batch
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _run_onnx(path: Path, images: Array, _: Source) -> Array:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["probabilities"], {"images": images})[0])


def _write_saved_model(path: Path, source: Source) -> None:
    import tensorflow as tf

    module, function = trace_model(source.build_model())
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})


def _run_saved_model(path: Path, images: Array, _: Source) -> Array:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.asarray(signature(images=tf.constant(images))["probabilities"])


def _write_keras(path: Path, source: Source) -> None:
    source.build_model().save(path)


def _run_keras(path: Path, images: Array, _: Source) -> Array:
    import keras

    # The file was written a moment ago by this very process; files from elsewhere are never given to Keras.
    model = keras.saving.load_model(path, compile=False)
    return np.asarray(model(images, training=False))


def _write_c(path: Path, source: Source) -> int:
    model = source.build_model()
    steps = read_steps(model, int8=source.quantize == "int8")
    answers = compute(steps, source.golden_images)
    title = f"{model.name}, {source.quantize or 'float32'} weights"
    header = write_header(source.target.name, steps, source.class_names, source.golden_images, answers, title=title)
    path.write_bytes(header.encode())
    return count_bytes(steps)


def _run_c(_: Path, images: Array, source: Source) -> Array:
    # No compiler is called: on some systems that opens a window. The header has a check of its own.
    return compute(read_steps(source.build_model(), int8=source.quantize == "int8"), images)


FORMATS = {
    "litert": Format(".tflite", _write_litert, _run_litert, batch=True, quantize=("int8", "float16", "dynamic")),
    "onnx": Format(".onnx", _write_onnx, _run_onnx, modules=("onnxruntime", "tf2onnx"), batch=True),
    "saved_model": Format("", _write_saved_model, _run_saved_model),
    "keras": Format(".keras", _write_keras, _run_keras),
    "c": Format(".h", _write_c, _run_c, quantize=("int8",)),
}
