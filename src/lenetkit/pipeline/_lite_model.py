"""A LiteRT model whose weights, output and number of classes can be changed, in its bytes.

In: the bytes of a model. Out: other bytes of the same form. Next: :mod:`lenetkit.pipeline._head`.

Content of the same size is written where it was; a larger one is appended, and the reference to it is changed. So no
library that knows the format is needed. Fields have the numbers of TensorFlow's ``schema.fbs``, version 3.
"""

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lenetkit._utils.flat_table import FlatTable, unusable

__all__ = ["LiteModel", "LiteOperator", "LiteTensor"]

_FLOAT32 = 0
# LiteRT wants the content of tensors at multiples of it.
_ALIGNMENT = 16


class LiteTensor(NamedTuple):
    """A value of the graph: its shape, and its content if it has fixed float32 values that no other tensor shares."""

    shape: tuple[int, ...]
    content: npt.NDArray[np.float32] | None
    table: FlatTable
    buffer: FlatTable


class LiteOperator(NamedTuple):
    """A step of the graph: its number in the schema, its tensors, and its options if it has any."""

    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: FlatTable | None


class LiteModel:
    """Tensors, operators and the output of the only graph of a LiteRT model.

    Raises
    ------
    DataError
        If the bytes are no such model, or are damaged.
    """

    def __init__(self, tflite: bytes) -> None:
        if tflite[4:8] != b"TFL3":
            raise unusable("its identifier TFL3 is missing.")
        self._data = tflite
        model = FlatTable.root(tflite)
        graphs = model.tables(2)
        if len(graphs) != 1 or len(graphs[0].integers(2)) != 1:
            raise unusable("it must have one graph with one output.")
        self._graph, buffers = graphs[0], model.tables(4)
        tables = self._graph.tables(0)
        used = [table.number(2, "I") for table in tables]
        if any(index >= len(buffers) for index in used):
            raise unusable(f"it names a buffer that is none of {len(buffers)}.")
        self.tensors = [
            _read_tensor(table, buffers[index], alone=used.count(index) == 1)
            for table, index in zip(tables, used, strict=True)
        ]
        codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
        self.operators = [self._read_operator(table, codes) for table in self._graph.tables(3)]
        (self.output,) = self._graph.integers(2)

    def with_output(self, tensor: int) -> bytes:
        """Return a model that gives another tensor."""
        data = bytearray(self._data)
        struct.pack_into("<i", data, self._graph.vector(2, 4)[0], tensor)
        return bytes(data)

    def with_contents(self, contents: dict[int, npt.NDArray[np.float32]], widened: Iterable[int], more: int) -> bytes:
        """Return a model with other contents of some tensors, and with so many more columns in those `widened`."""
        data = bytearray(self._data)
        for index, array in contents.items():
            tensor, content = self.tensors[index], np.ascontiguousarray(array, "<f4").tobytes()
            start, length = tensor.buffer.vector(0, 1, len(data))
            if len(content) == length:
                data[start : start + length] = content
            else:
                _append(data, tensor.buffer, 0, len(content), content)
            if tensor.shape != array.shape:
                _append_shape(data, tensor.table, 0, array.shape)
                if tensor.table.integers(7):
                    _append_shape(data, tensor.table, 7, array.shape)
        for index in widened if more else ():
            table = self.tensors[index].table
            for field in (0, 7):
                if shape := table.integers(field):
                    _append_shape(data, table, field, (*shape[:-1], shape[-1] + more))
        return bytes(data)

    def _read_operator(self, table: FlatTable, codes: list[int]) -> LiteOperator:
        index, inputs, outputs = table.number(0, "I"), table.integers(1), table.integers(2)
        if index >= len(codes) or any(not -1 <= tensor < len(self.tensors) for tensor in (*inputs, *outputs)):
            raise unusable("it names an operation or a tensor that it does not have.")
        return LiteOperator(codes[index], inputs, outputs, table.table(4) if table.has(4) else None)


def _read_tensor(table: FlatTable, buffer: FlatTable, *, alone: bool) -> LiteTensor:
    shape, raw = table.integers(0), buffer.content(0)
    content = None
    if alone and table.number(1, "b") == _FLOAT32 and len(raw):
        content = np.frombuffer(raw, "<f4") if len(raw) % 4 == 0 else np.empty(0, np.float32)
        try:
            content = content.reshape(shape)
        except ValueError:
            raise unusable(f"a tensor of shape {shape} has {len(raw)} bytes.") from None
    return LiteTensor(shape, content, table, buffer)


def _append_shape(data: bytearray, table: FlatTable, field: int, shape: tuple[int, ...]) -> None:
    _append(data, table, field, len(shape), np.array(shape, "<i4").tobytes())


def _append(data: bytearray, table: FlatTable, field: int, length: int, content: bytes) -> None:
    """Append a vector, and let a field of a table refer to it."""
    position: Any = table.find(field)
    data += bytes(-(len(data) + 4) % _ALIGNMENT)
    struct.pack_into("<I", data, position, len(data) - position)
    data += struct.pack("<I", length) + content
