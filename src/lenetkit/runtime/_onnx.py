"""ONNX Runtime as a runtime: the graph of a LiteRT model, written anew as one of ONNX; see :mod:`lenetkit.runtime`.

Neither TensorFlow nor a converter has a part in it: the packages ``onnx`` and ``onnxruntime`` do.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.imports import import_quietly
from lenetkit.exceptions import DataError
from lenetkit.runtime._graph import Graph, Operation, read_graph, unusable
from lenetkit.runtime._operations import pad_ends

__all__ = ["OnnxNetwork"]

# Old enough for every ONNX Runtime of the last years.
_OPSET, _IR_VERSION = 17, 8
_SAME = 0  # of schema.fbs' Padding

# Operations that have the same meaning under another name, with all inputs.
_NAMES = """
add Add, sub Sub, mul Mul, div Div, pow Pow, maximum Max, minimum Min, relu Relu, sigmoid Sigmoid, tanh Tanh, exp Exp,
log Log, sqrt Sqrt, abs Abs, neg Neg, elu Elu, hard_swish HardSwish, log_softmax LogSoftmax
"""
_ALIKE = dict(map(str.split, _NAMES.split(",")))
_REDUCTIONS = {"mean": "ReduceMean", "product": "ReduceProd", "largest": "ReduceMax", "smallest": "ReduceMin"}
_CLIPS = {"relu6": (0, 6), "relu_n1_to_1": (-1, 1), "relu_0_to_1": (0, 1)}
_ACTIVATIONS = {1: "relu", 2: "relu_n1_to_1", 3: "relu6", 4: "tanh"}

Array = npt.NDArray[Any]


class OnnxNetwork:
    """A network that many threads may run at once: a session of ONNX Runtime, with one thread of its own.

    Parameters
    ----------
    tflite : bytes
        A LiteRT model.

    Raises
    ------
    DataError
        If it is none, or has an operation that is not known here.
    """

    def __init__(self, tflite: bytes) -> None:
        onnxruntime = import_quietly("onnxruntime")
        graph = read_graph(tflite)
        self.input_shape = graph.tensors[graph.input].shape
        settings = onnxruntime.SessionOptions()
        # As in LiteRT: more threads would not survive a fork.
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 4
        try:
            content = _Writer(graph).write()
            self._session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
        except DataError:
            raise
        except Exception as error:  # ONNX Runtime has kinds of its own
            raise unusable(f"ONNX Runtime refuses it ({_first_line(error)}).") from error

    def __call__(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the network's answer; a DataError if the images do not fit it."""
        try:
            return np.asarray(self._session.run(None, {"images": images})[0])
        except Exception as error:
            raise unusable(f"ONNX Runtime refuses it ({_first_line(error)}).") from error


class _Writer:
    """The nodes and weights of an ONNX graph, as they are put together; a value of tensor 7 is called ``t7``."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._helper, self._to_tensor = import_quietly("onnx.helper"), import_quietly("onnx.numpy_helper").from_array
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._writers: dict[str, Callable[[Operation], str]] = {
            **dict.fromkeys(("convolution", "depthwise_convolution"), self._write_convolution),
            **dict.fromkeys(("average_pool", "max_pool"), self._write_pool),
            **dict.fromkeys(_REDUCTIONS, self._write_reduction),
            "sum": lambda each: self._reduce("ReduceSum", each, self._axes(each)),
            "dense": self._write_dense,
            "softmax": self._write_softmax,
            "leaky_relu": lambda each: self._add("LeakyRelu", each.inputs[0], alpha=each.options["alpha"]),
            "rsqrt": lambda each: self._add("Reciprocal", self._add("Sqrt", each.inputs[0])),
            "square": lambda each: self._add("Mul", each.inputs[0], each.inputs[0]),
            "squared_difference": lambda each: self._square(self._add("Sub", *each.inputs)),
            "cast": lambda each: self._cast(each.inputs[0], graph.tensors[each.output].dtype),
            "dequantize": lambda each: self._cast(each.inputs[0], np.dtype(np.float32)),
            "shape": lambda each: self._cast(self._add("Shape", each.inputs[0]), graph.tensors[each.output].dtype),
            "strided_slice": self._write_slice,
            "reshape": self._write_reshape,
            "squeeze": self._write_reshape,
            "expand_dims": lambda each: self._add("Unsqueeze", each.inputs[0], self._as_list(each.inputs[1])),
            "transpose": lambda each: self._add(
                "Transpose", each.inputs[0], perm=self._content(each.inputs[1]).tolist()
            ),
            "pack": self._write_pack,
            "concatenation": lambda each: self._add("Concat", *each.inputs, axis=each.options["axis"]),
            "pad": lambda each: self._add("Pad", each.inputs[0], self._as_list(each.inputs[1], "F")),
        }

    def write(self) -> bytes:
        """Return the model's bytes."""
        graph, helper = self._graph, self._helper
        for each in graph.operations:
            self._write(each)
        ends = []
        for name, index in (("images", graph.input), (f"t{graph.output}", graph.output)):
            shape = [f"d{axis}" if side < 0 else side for axis, side in enumerate(graph.tensors[index].shape)]
            kind = helper.np_dtype_to_tensor_dtype(graph.tensors[index].dtype)
            ends.append(helper.make_tensor_value_info(name, kind, shape))
        for index, tensor in enumerate(graph.tensors):
            if tensor.content is not None:
                self._weights.append(self._to_tensor(np.asarray(tensor.content, order="C"), f"t{index}"))
        made = helper.make_graph(self._nodes, "lenetkit", ends[:1], ends[1:], self._weights)
        opset = [helper.make_opsetid("", _OPSET)]
        content: bytes = helper.make_model(made, opset_imports=opset, ir_version=_IR_VERSION).SerializeToString()
        return content

    def _write(self, each: Operation) -> None:
        if each.name in _ALIKE:
            value = self._add(_ALIKE[each.name], *each.inputs)
        elif each.name in _CLIPS:
            value = self._clip(each.name, each.inputs[0])
        elif each.name in self._writers:
            value = self._writers[each.name](each)
        else:
            raise unusable(f"it holds the operation {each.name}, which is not written for ONNX Runtime. Use LiteRT.")
        self._nodes.append(self._helper.make_node("Identity", [self._activate(each, value)], [f"t{each.output}"]))

    def _add(self, kind: str, *inputs: int | str, **attributes: Any) -> str:
        """Add a node and return the name of its output; an input is a tensor's index or a name."""
        names = [value if isinstance(value, str) else self._name(value) for value in inputs]
        output = f"v{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, names, [output], **attributes))
        return output

    def _name(self, index: int) -> str:
        return "images" if index == self._graph.input else f"t{index}"

    def _weight(self, value: Array) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(self._to_tensor(np.asarray(value, order="C"), name))
        return name

    def _content(self, index: int) -> Array:
        content = self._graph.tensors[index].content if index >= 0 else None
        if content is None:
            raise unusable("an operation's weights or settings are computed, which is not written for ONNX Runtime.")
        return content

    def _as_list(self, index: int, order: Any = "C") -> str:
        return self._weight(self._content(index).astype(np.int64).ravel(order))

    def _cast(self, value: int | str, dtype: np.dtype[Any]) -> str:
        return self._add("Cast", value, to=self._helper.np_dtype_to_tensor_dtype(dtype))

    def _square(self, value: str) -> str:
        return self._add("Mul", value, value)

    def _clip(self, name: str, value: int | str) -> str:
        return self._add("Clip", value, *(self._weight(np.array(end, np.float32)) for end in _CLIPS[name]))

    def _activate(self, each: Operation, value: str) -> str:
        number = each.options.get("activation", 0)
        if not number:
            return value
        if number not in _ACTIVATIONS:
            raise unusable(f"it holds an activation that only LiteRT knows (number {number}).")
        name = _ACTIVATIONS[number]
        return self._clip(name, value) if name in _CLIPS else self._add(_ALIKE[name], value)

    def _slide(self, kind: str, each: Operation, *weights: str, **attributes: Any) -> str:
        """Add a node that slides windows over images, whose channels ONNX wants before the rows."""
        strides = [each.options["stride_height"], each.options["stride_width"]]
        attributes.setdefault("auto_pad", "SAME_UPPER" if each.options["padding"] == _SAME else "VALID")
        planes = self._add("Transpose", each.inputs[0], perm=[0, 3, 1, 2])
        value = self._add(kind, planes, *weights, strides=strides, **attributes)
        return self._add("Transpose", value, perm=[0, 2, 3, 1])

    def _write_convolution(self, each: Operation) -> str:
        weights, depth = self._content(each.inputs[1]), self._graph.tensors[each.inputs[0]].shape[3]
        deep = each.name == "depthwise_convolution"
        given = [weights.transpose(3, 0, 1, 2) if deep else weights.transpose(0, 3, 1, 2)]
        given += [self._content(index) for index in each.inputs[2:3] if index >= 0]
        dilations = [each.options["dilation_height"], each.options["dilation_width"]]
        group = depth if deep else depth // weights.shape[3]
        return self._slide("Conv", each, *map(self._weight, given), dilations=dilations, group=group)

    def _write_pool(self, each: Operation) -> str:
        kernel = each.options["height"], each.options["width"]
        sides = self._graph.tensors[each.inputs[0]].shape[1:3]
        padding: dict[str, Any] = {}
        if each.options["padding"] == _SAME and min(sides) > 0:
            # ONNX Runtime refuses the automatic padding of windows that are smaller than their steps.
            (top, bottom, _), (left, right, _) = pad_ends(each.options, (sides[0], sides[1]), kernel)
            padding = {"auto_pad": "NOTSET", "pads": [top, left, bottom, right]}
        kind = "MaxPool" if each.name == "max_pool" else "AveragePool"
        return self._slide(kind, each, kernel_shape=[*kernel], **padding)

    def _write_dense(self, each: Operation) -> str:
        weights = self._content(each.inputs[1])
        value: int | str = each.inputs[0]
        if not each.options["keep_dims"]:
            value = self._add("Reshape", value, self._weight(np.array([-1, weights.shape[1]])))
        value = self._add("MatMul", value, self._weight(weights.T))
        bias = [index for index in each.inputs[2:3] if index >= 0]
        return self._add("Add", value, *bias) if bias else value

    def _write_softmax(self, each: Operation) -> str:
        scaled = self._add("Mul", each.inputs[0], self._weight(np.array(each.options["beta"], np.float32)))
        return self._add("Softmax", scaled, axis=-1)

    def _axes(self, each: Operation) -> str:
        return self._as_list(each.inputs[1])

    def _reduce(self, kind: str, each: Operation, *axes: str, **attributes: Any) -> str:
        return self._add(kind, each.inputs[0], *axes, keepdims=int(each.options["keep_dims"]), **attributes)

    def _write_reduction(self, each: Operation) -> str:
        axes = self._content(each.inputs[1]).ravel().tolist()
        return self._reduce(_REDUCTIONS[each.name], each, axes=axes)

    def _write_reshape(self, each: Operation) -> str:
        if each.name == "reshape" and len(each.inputs) > 1:
            return self._add("Reshape", each.inputs[0], self._cast(each.inputs[1], np.dtype(np.int64)))
        return self._add("Reshape", each.inputs[0], self._weight(np.array(self._graph.tensors[each.output].shape)))

    def _write_pack(self, each: Operation) -> str:
        axis = each.options["axis"]
        parts = [self._add("Unsqueeze", index, self._weight(np.array([axis]))) for index in each.inputs]
        return self._add("Concat", *parts, axis=axis)

    def _write_slice(self, each: Operation) -> str:
        masks = {name: each.options[f"{name}_mask"] for name in ("begin", "end", "ellipsis", "new", "shrink")}
        begins, ends, steps = (self._content(index).astype(np.int64) for index in each.inputs[1:4])
        if masks["ellipsis"] or masks["new"] or (steps < 1).any():
            raise unusable("it cuts an array in a way that is not written for ONNX Runtime.")
        axes = np.arange(len(begins))
        shrunk = axes[masks["shrink"] >> axes & 1 == 1]
        begins = np.where(masks["begin"] >> axes & 1 == 1, 0, begins)
        ends = np.where(masks["end"] >> axes & 1 == 1, np.iinfo(np.int64).max, ends)
        ends[shrunk] = np.where(begins[shrunk] == -1, np.iinfo(np.int64).max, begins[shrunk] + 1)
        value = self._add("Slice", each.inputs[0], *map(self._weight, (begins, ends, axes, steps)))
        return self._add("Squeeze", value, self._weight(shrunk)) if len(shrunk) else value


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
