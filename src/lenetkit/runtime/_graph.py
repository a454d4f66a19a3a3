"""The graph in a LiteRT model: its tensors, weights and operations, read from a flatbuffer that may be hostile.

In: the bytes of a model. Out: a :class:`Graph`, whose weights are views of the bytes.
Next: :mod:`lenetkit.runtime._numpy` runs it, :mod:`lenetkit.runtime._onnx` writes it in another form.

A flatbuffer is tables that point at one another. Every read is checked against the length of the bytes, and everything
that could be claimed many times over has a limit. The layout is that of TensorFlow's ``schema.fbs``, version 3: field
numbers are counted there from 0, in the order of the declarations.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lenetkit._utils.flat_table import FlatTable, unusable

__all__ = ["Graph", "Operation", "Tensor", "read_graph", "unusable"]

_MOST_RANK = 8
_MOST_INPUTS = 1_000

# The numbers of schema.fbs' TensorType that a network in numbers needs.
_TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 6: "?", 9: "i1", 10: "<f8"}

# The numbers of schema.fbs' BuiltinOperator, and for each operation the fields of its options: number and format.
_NUMBERED = """
0 add, 1 average_pool, 2 concatenation, 3 convolution, 4 depthwise_convolution, 6 dequantize, 9 dense, 14 sigmoid,
17 max_pool, 18 mul, 19 relu, 20 relu_n1_to_1, 21 relu6, 22 reshape, 25 softmax, 28 tanh, 34 pad, 39 transpose, 40 mean,
41 sub, 42 div, 43 squeeze, 45 strided_slice, 47 exp, 50 log_softmax, 53 cast, 55 maximum, 57 minimum, 59 neg,
70 expand_dims, 73 log, 74 sum, 75 sqrt, 76 rsqrt, 77 shape, 78 pow, 81 product, 82 largest, 83 pack, 89 smallest,
92 square, 98 leaky_relu, 99 squared_difference, 101 abs, 111 elu, 117 hard_swish, 150 gelu, 152 relu_0_to_1
"""
_NAMES = {int(number): name for number, name in map(str.split, _NUMBERED.split(","))}
_WINDOW = {"padding": (0, "b"), "stride_width": (1, "i"), "stride_height": (2, "i")}
_POOL = {**_WINDOW, "width": (3, "i"), "height": (4, "i"), "activation": (5, "b")}
_ACTIVATED = {"activation": (0, "b")}
_REDUCED = {"keep_dims": (0, "?")}
_OPTIONS: dict[str, dict[str, tuple[int, str]]] = {
    **dict.fromkeys(("add", "mul", "sub", "div"), _ACTIVATED),
    **dict.fromkeys(("average_pool", "max_pool"), _POOL),
    **dict.fromkeys(("mean", "sum", "product", "largest", "smallest"), _REDUCED),
    "concatenation": {"axis": (0, "i"), "activation": (1, "b")},
    "convolution": {**_WINDOW, "activation": (3, "b"), "dilation_width": (4, "i"), "dilation_height": (5, "i")},
    "depthwise_convolution": {
        **_WINDOW,
        "activation": (4, "b"),
        "dilation_width": (5, "i"),
        "dilation_height": (6, "i"),
    },
    "dense": {**_ACTIVATED, "weights_format": (1, "b"), "keep_dims": (2, "?")},
    "softmax": {"beta": (0, "f")},
    "leaky_relu": {"alpha": (0, "f")},
    "gelu": {"approximate": (0, "?")},
    "pack": {"axis": (1, "i")},
    "strided_slice": {f"{name}_mask": (i, "i") for i, name in enumerate(["begin", "end", "ellipsis", "new", "shrink"])},
}
# All other fields are 0 where a model does not say, as the flatbuffer has it.
_DEFAULTS = {"dilation_width": 1, "dilation_height": 1}


class Tensor(NamedTuple):
    """A value of the graph: its shape, -1 where it is free, its type, and its content if that is fixed."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    content: npt.NDArray[Any] | None


class Operation(NamedTuple):
    """A step of the graph: its name, its options by name, and the indices of its tensors; -1 is an input left out."""

    name: str
    options: dict[str, Any]
    inputs: tuple[int, ...]
    output: int


class Graph(NamedTuple):
    """Tensors, operations in their order, and the indices of the only input and the only output."""

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    input: int
    output: int


def read_graph(tflite: bytes) -> Graph:
    """Read the graph of a LiteRT model.

    Raises
    ------
    DataError
        If the bytes are no such model, are damaged, or hold an operation that is not known here.
    """
    if tflite[4:8] != b"TFL3":
        raise unusable("its identifier TFL3 is missing.")
    model = FlatTable.root(tflite)
    graphs, buffers = model.tables(2), model.tables(4)
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    if len(graphs) != 1:
        raise unusable(f"it must have one graph; it has {len(graphs)}.")
    tensors = tuple(_read_tensor(table, buffers) for table in graphs[0].tables(0))
    operations = tuple(_read_operation(table, codes, len(tensors)) for table in graphs[0].tables(3))
    ends = [graphs[0].integers(field) for field in (1, 2)]
    for end, what in zip(ends, ("input", "output"), strict=True):
        if len(end) != 1 or not 0 <= end[0] < len(tensors):
            raise unusable(f"it must have one {what}; it has {len(end)}.")
        if tensors[end[0]].dtype != np.float32:
            raise unusable(f"it must have one float32 {what}; it has {tensors[end[0]].dtype}.")
    return Graph(tensors, operations, ends[0][0], ends[1][0])


def _read_tensor(table: FlatTable, buffers: list[FlatTable]) -> Tensor:
    number, index = table.number(1, "b"), table.number(2, "I")
    if number not in _TYPES or table.has(6):  # whose content would be packed in a way of its own
        raise unusable(f"it holds a tensor of a type that only LiteRT knows ({number}). {_CURE}")
    shape, dtype = table.integers(0, _MOST_RANK), np.dtype(_TYPES[number])
    signature = table.integers(7, _MOST_RANK)
    content = None
    if index:
        if index >= len(buffers):
            raise unusable(f"it names the buffer {index} of {len(buffers)}.")
        raw = buffers[index].content(0)
        if raw:
            # Python's integers: a product that wraps round would pass for a small one.
            size = dtype.itemsize
            for side in shape:
                size *= side
            if min(shape, default=1) < 0 or size != len(raw):
                raise unusable(f"a tensor of shape {shape} has {len(raw)} bytes.")
            content = np.frombuffer(raw, dtype).reshape(shape)
    return Tensor(signature if len(signature) == len(shape) else shape, dtype, content)


def _read_operation(table: FlatTable, codes: list[int], n_tensors: int) -> Operation:
    index = table.number(0, "I")
    if index >= len(codes):
        raise unusable(f"it names the operation {index} of {len(codes)}.")
    name = _NAMES.get(codes[index])
    if name is None:
        raise unusable(f"it holds an operation that only LiteRT knows (number {codes[index]}). {_CURE}")
    inputs, outputs = table.integers(1, _MOST_INPUTS), table.integers(2, _MOST_INPUTS)
    if len(outputs) != 1 or not all(-1 <= tensor < n_tensors for tensor in inputs) or not 0 <= outputs[0] < n_tensors:
        raise unusable(f"the operation {name} takes {inputs} and gives {outputs} of {n_tensors} tensors.")
    fields = _OPTIONS.get(name, {})
    given = table.table(4) if fields and table.has(4) else None
    options = {
        option: _DEFAULTS.get(option, 0) if given is None else given.number(*where, _DEFAULTS.get(option, 0))
        for option, where in fields.items()
    }
    return Operation(name, options, inputs, outputs[0])


_CURE = "Use LiteRT (pip install ai-edge-litert)."
