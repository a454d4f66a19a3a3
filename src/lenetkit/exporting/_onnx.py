"""The export format ONNX: an ``.onnx`` file, run with ONNX Runtime."""

from pathlib import Path

from lenetkit.exceptions import ExportError
from lenetkit.exporting._format import Array, BuildModel, Format, first_line, trace_model

__all__ = ["ONNX"]

# Of the opset, not of the runtime: old enough for every ONNX Runtime of the last years.
_OPSET = 17


def _write(path: Path, _: bytes, build_model: BuildModel) -> None:
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


def _run(path: Path, images: Array) -> Array:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    probabilities: Array = session.run(["probabilities"], {"images": images})[0]
    return probabilities


ONNX = Format(".onnx", _write, _run, modules=("onnxruntime", "tf2onnx"))
