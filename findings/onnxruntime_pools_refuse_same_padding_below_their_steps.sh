#!/usr/bin/env bash
# ONNX Runtime and pools with auto_pad="SAME_UPPER" whose window is smaller than their step.
#
# Guess before running: a pool and a convolution of the same window, step and auto_pad give results of the same shape, as
# the padding is worked out alike for both: no padding where the windows need none.
# Seen with ONNX Runtime 1.32.0: a convolution works for every size. MaxPool and AveragePool work only for sizes in which
# the last window ends at the border or beyond; for all others running (not loading) the model fails, "padding values must
# be non-negative". So a window of 1 and a step of 2 read 7 x 7 pixels, and refuse 6 x 6 and 28 x 28. The reference
# evaluator of the package onnx 1.23.2 runs them with a padding of -1: it begins at the second row and column, where the
# convolution (and TensorFlow, whose padding="same" this is) begins at the first.
# Why it matters: subsampling without averaging is such a pool; converters write auto_pad, and 28 is even.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "numpy==2.4.6" "onnx==1.23.2" "onnxruntime==1.32.0"
cd "$folder"
"$folder/environment/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("ONNX Runtime", onnxruntime.__version__, "onnx", onnx.__version__)


def model_of(kind, window, step):
    """Return a model of one pool or convolution over a square image of any size."""
    weights = [helper.make_tensor("w", TensorProto.FLOAT, [1, 1, window, window], [1.0] * window**2)]
    names, held = (["x", "w"], weights) if kind == "Conv" else (["x"], [])
    node = helper.make_node(
        kind, names, ["y"], kernel_shape=[window] * 2, strides=[step] * 2, auto_pad="SAME_UPPER"
    )
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, None, None]) for name in "xy"]
    graph = helper.make_graph([node], "one", ends[:1], ends[1:], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


settings = onnxruntime.SessionOptions()
settings.log_severity_level = 4
refused = {}
for kind in ("Conv", "MaxPool", "AveragePool"):
    for window, step in ((1, 2), (2, 3)):
        model = model_of(kind, window, step)
        session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
        refused[kind, window, step] = []
        for side in (4, 5, 6, 7, 28):
            image = np.arange(side * side, dtype=np.float32).reshape(1, 1, side, side)
            try:
                assert session.run(None, {"x": image})[0].shape[2] == -(-side // step)
            except onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException as error:
                assert "padding values must be non-negative" in str(error)
                refused[kind, window, step].append(side)
        print(kind, "window", window, "step", step, "refused sizes:", refused[kind, window, step])
picture = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6)
by_standard = ReferenceEvaluator(model_of("MaxPool", 1, 2)).run(None, {"x": picture})[0]
print("the standard's evaluator, MaxPool of 6 x 6:", by_standard.ravel().tolist())
assert np.array_equal(by_standard[0, 0], picture[0, 0, 1::2, 1::2])
convolution = onnxruntime.InferenceSession(
    model_of("Conv", 1, 2).SerializeToString(), settings, providers=["CPUExecutionProvider"]
)
assert np.array_equal(convolution.run(None, {"x": picture})[0][0, 0], picture[0, 0, ::2, ::2])
assert refused["Conv", 1, 2] == refused["Conv", 2, 3] == []
assert refused["MaxPool", 1, 2] == refused["AveragePool", 1, 2] == [4, 6, 28], "other sizes are refused now"
assert refused["MaxPool", 2, 3] == refused["AveragePool", 2, 3] == [6], "other sizes are refused now"
PYTHON
