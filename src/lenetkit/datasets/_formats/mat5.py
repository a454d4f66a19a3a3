"""MATLAB's files of version 5: a reader that checks all that a file says about itself.

In: the path of a ``.mat`` file. Out: its structures and arrays of numbers by name.
Next: :mod:`lenetkit.datasets._formats.mat` finds images and labels among them.

SciPy's reader is fast and complete, but some damaged files end the process in it.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

__all__ = ["DAMAGE", "START", "read_variables"]

START = b"MATLAB 5.0"
DAMAGE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    StopIteration,
    RuntimeError,
    zlib.error,
    struct.error,
    MemoryError,
)
_HEADER = 128
_ENDIANS = {b"IM": "<", b"MI": ">"}
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED, _STRUCTURE = 14, 15, 2
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_COMPLEX = 0x800
_DEEPEST = 8
_MOST_UNPACKED = 2**30
_CHUNK = 2**17  # of a size that memory is used again for


def read_variables(path: Path) -> dict[str, Any]:
    """Return the variables of a file by name: arrays of numbers, and structures of one element as dicts of them.

    Others, such as text and cells, are left out.

    Raises
    ------
    DataError
        If the file holds more than 1 GiB when unpacked.
    Exception
        One of ``DAMAGE`` if it is damaged.
    """
    content, endian = _unpack(path)
    variables = {}
    for kind, data in _iterate(content, endian):
        if kind == _MATRIX and len(data):
            name, value = _read_matrix(data, endian, 0)
            if value is not None:
                variables[name] = value
    return variables


def _unpack(path: Path) -> tuple[memoryview, str]:
    """Return the elements of a MATLAB file of version 5, unpacked, and the order of their bytes."""
    content = bytearray()
    with path.open("rb") as file:
        endian = _ENDIANS[file.read(_HEADER)[-2:]]
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{endian}2I", tag)
            unpack = zlib.decompressobj() if kind == _COMPRESSED else None
            content += b"" if unpack else tag
            while length and (chunk := file.read(min(_CHUNK, length))):
                length -= len(chunk)
                while chunk:
                    content += chunk if unpack is None else unpack.decompress(chunk, _CHUNK)
                    chunk = b"" if unpack is None else unpack.unconsumed_tail
                    if len(content) > _MOST_UNPACKED:
                        raise DataError(f"{path} holds more than 1 GiB when unpacked; save it as HDF5 (-v7.3).")
            if length or (unpack is not None and not unpack.eof):
                raise EOFError("it is cut short")
    return memoryview(content), endian


def _iterate(content: memoryview, endian: str) -> Iterator[tuple[int, memoryview]]:
    """Give type and values of each element, all of which lie inside the content."""
    start = 0
    while start < len(content):
        kind, length = struct.unpack_from(f"{endian}2I", content, start)
        first, size = start + 8, 8 + length + -length % 8
        if kind >> 16:  # a small element: at most four bytes of values in eight bytes
            kind, length, first, size = kind & 0xFFFF, kind >> 16, start + 4, 8
        if first + length > len(content) or (size == 8 and length > 4):
            raise EOFError(f"an element of {length} bytes is longer than what holds it")
        yield kind, content[first : first + length]
        start += size


def _read_matrix(content: memoryview, endian: str, depth: int) -> tuple[str, Any]:
    elements = _iterate(content, endian)
    flags = int(_as_numbers(*next(elements), endian)[0])
    shape = tuple(_as_numbers(*next(elements), endian).tolist())
    name = bytes(next(elements)[1]).decode("ascii")
    if flags & 0xFF == _STRUCTURE and shape == (1, 1) and depth < _DEEPEST:
        width = int(_as_numbers(*next(elements), endian)[0])
        names = bytes(next(elements)[1])
        fields = [names[i : i + width].rstrip(b"\0").decode("ascii") for i in range(0, len(names), width)]
        return name, {field: _read_matrix(next(elements)[1], endian, depth + 1)[1] for field in fields}
    if flags & 0xFF not in _CLASSES or flags & _COMPLEX:
        return name, None
    # Numbers are stored in the smallest type that holds them, whatever type the array has.
    return name, _as_numbers(*next(elements), endian).reshape(shape, order="F")


def _as_numbers(kind: int, data: memoryview, endian: str) -> npt.NDArray[Any]:
    return np.frombuffer(data, np.dtype(endian + _TYPES[kind]))
