"""EMNIST: its splits, its classes, its images that lie on their side, and its MATLAB files.

In: the name of a file, or a ``.mat`` file of version 5. Out: upright images, labels and class names.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.

Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters" (2017),
and the mapping files that come with it.
"""

import re
import string
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._entries import check_classes, name_damage
from lenetkit.datasets._pixel_tables import square_side
from lenetkit.datasets._subsets import split_names
from lenetkit.datasets._views import Labels
from lenetkit.exceptions import DataError

__all__ = ["MAT_START", "emnist_split", "name_classes", "read_mat"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

MAT_START = b"MATLAB 5.0"
# Small letters that look like their capitals are one class with them.
_MERGED = string.digits + string.ascii_uppercase + "abdefghnqrt"
_CLASSES = {
    "digits": string.digits,
    "mnist": string.digits,
    "letters": string.ascii_uppercase,
    "balanced": _MERGED,
    "bymerge": _MERGED,
    "byclass": string.digits + string.ascii_uppercase + string.ascii_lowercase,
}
# Labels of the split letters are numbered from 1.
_FIRST = {"letters": 1}
_NAME = re.compile(rf"emnist-({'|'.join(_CLASSES)})-(train|test)-.*", re.IGNORECASE)
_HEADER = 128
_ENDIANS = {b"IM": "<", b"MI": ">"}
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED, _STRUCTURE = 14, 15, 2
_DEEPEST = 8
_MOST_UNPACKED = 2**30
_CHUNK = 2**20


def emnist_split(path: Path) -> str | None:
    """Return the split of EMNIST that a file is of by its name; None if it is none of EMNIST's."""
    match = _NAME.fullmatch(path.name)
    return match[1].lower() if match else None


def name_classes(labels: Labels, split: str, path: Path) -> tuple[Labels, tuple[str, ...]]:
    """Return labels and class names of a split: integers for digits, else the characters.

    Raises
    ------
    DataError
        If a label is outside the classes of the split.
    """
    classes = tuple(_CLASSES[split])
    return _as_characters(labels - _FIRST.get(split, 0), classes, f"EMNIST's {split}", path), classes


def _as_characters(indices: Labels, classes: tuple[str, ...], what: str, path: Path) -> Labels:
    outside = (indices < 0) | (indices >= len(classes))
    if outside.any():
        first = int(outside.argmax())
        raise DataError(f"{path}: label {first} is none of the {len(classes)} classes of {what}. Fetch the file again.")
    return indices if classes == tuple(string.digits) else np.array(classes, np.str_)[indices]


def read_mat(path: Path, subset: str = "all") -> tuple[Pixels, Labels, tuple[str, ...]]:
    """Read a ``.mat`` file of EMNIST: ``dataset.train`` and ``dataset.test`` with images and labels, and the mapping.

    Raises
    ------
    DataError
        If the file cannot be read, holds more than 1 GiB or something else.
    SettingError
        If `subset` is none of the three.
    """
    parts = split_names(subset)
    kinds = (
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
    with name_damage(path, "is not a MATLAB file of EMNIST (version 5: dataset with train, test and mapping)", kinds):
        dataset = _read_variables(*_unpack(path))["dataset"]
        mapping = dataset["mapping"].astype(np.int64)
        pairs = [(dataset[part]["images"], dataset[part]["labels"]) for part in parts]
        images = np.concatenate([_upright(pixels) for pixels, _ in pairs])
        labels = np.concatenate([values.reshape(-1).astype(np.int64) for _, values in pairs])
        classes = tuple(chr(row[1]) for row in mapping)
        order = np.argsort(mapping[:, 0])
        indices = order[np.searchsorted(mapping[order, 0], labels).clip(max=len(order) - 1)]
        known = mapping[indices, 0] == labels
        characters = _as_characters(np.where(known, indices, -1), classes, "its mapping", path)
    if len(images) != len(labels):
        raise DataError(f"{path} has {len(images)} images and {len(labels)} labels; there must be one for each.")
    check_classes(characters, str(path))
    return images, characters, classes


def _upright(pixels: Any) -> Pixels:
    side = square_side(pixels.shape[1])
    if pixels.dtype != np.uint8 or not side:
        raise ValueError(f"images must be uint8 rows of square images; got {pixels.dtype} of shape {pixels.shape}")
    return np.ascontiguousarray(pixels).reshape(-1, side, side).transpose(0, 2, 1)


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
                        raise DataError(f"{path} holds more than 1 GiB when unpacked, which is more than EMNIST has.")
            if length or (unpack is not None and not unpack.eof):
                raise EOFError("it is cut short")
    return memoryview(content), endian


# SciPy's reader is fast and complete, but some damaged files end the process in it.
def _read_variables(content: memoryview, endian: str) -> dict[str, Any]:
    """Return the structures of a file by name, with their fields: structures and arrays of numbers, no others."""
    variables = {}
    for kind, data in _iterate(content, endian):
        if kind == _MATRIX:
            name, value = _read_matrix(data, endian, 0)
            variables[name] = value
    return variables


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
    flags = _as_numbers(*next(elements), endian)
    shape = tuple(_as_numbers(*next(elements), endian).tolist())
    name = bytes(next(elements)[1]).decode("ascii")
    if flags[0] & 0xFF == _STRUCTURE and shape == (1, 1) and depth < _DEEPEST:
        width = int(_as_numbers(*next(elements), endian)[0])
        names = bytes(next(elements)[1])
        fields = [names[i : i + width].rstrip(b"\0").decode("ascii") for i in range(0, len(names), width)]
        return name, {field: _read_matrix(next(elements)[1], endian, depth + 1)[1] for field in fields}
    return name, _as_numbers(*next(elements), endian).reshape(shape, order="F")


def _as_numbers(kind: int, data: memoryview, endian: str) -> npt.NDArray[Any]:
    return np.frombuffer(data, np.dtype(endian + _TYPES[kind]))
