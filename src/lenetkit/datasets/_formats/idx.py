"""The IDX format of the MNIST files: a reader that checks all that a file says about itself.

In: the path of an IDX file, gzipped or not: a magic number (two zero bytes, the type of the values, the number of
axes), the length of each axis as a big-endian 32-bit integer, and the values, big-endian, too. Out: an array of the
type and shape in the header, uint8 for nearly all images; or int64 labels.
Next: :mod:`lenetkit.datasets._formats.detect` puts images and labels together.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section "File formats".
"""

import gzip
import io
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._entries import name_damage
from lenetkit.datasets._views import LARGE
from lenetkit.exceptions import DataError

__all__ = ["is_gzipped", "read_idx", "read_idx_labels"]

_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
# The most that every NumPy allows.
_MOST_AXES = 32
_CHUNK = 2**20
_QMNIST_COLUMNS, _WRITER = 8, 2
# A gzip file can hold a thousand times its size: without a limit a small file fills the memory.
_MOST_UNPACKED = 2**30


def read_idx(path: Path, *, expected_ndim: int | None = None) -> npt.NDArray[Any]:
    """Read an IDX file, gzipped or not, which is told by its content.

    No memory is asked for on the header's word alone; an uncompressed file of more than 128 MiB stays on disk as a
    read-only memory map. `expected_ndim` is 3 for images and 1 for labels.

    Raises
    ------
    DataError
        If the file cannot be read, is no IDX file, has another number of axes, holds more than 2**30 values
        compressed, or fewer or more bytes than its header says.
    """
    values, dtype = _read(path, expected_ndim)
    return values if dtype == np.uint8 else values.view(dtype).reshape(values.shape[:-1])


def read_idx_labels(path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
    """Read an IDX file of labels (n,) or (n, m) of any type, and the groups in it, if there are any.

    The second is QMNIST's: the first column is the class, the third the writer.

    Raises
    ------
    DataError
        As for :func:`read_idx`; or if a label is no integer.
    """
    values = read_idx(path)
    if values.ndim not in (1, 2) or 0 in values.shape[1:]:
        raise DataError(f"{path} must have 1 or 2 axes (labels, or rows that begin with one); got {values.ndim}.")
    if values.ndim == 2 and values.dtype.itemsize == 1:
        raise DataError(f"{path} must have 1 axes (labels have 1); got 2.")
    rows = values.reshape(len(values), -1)
    first = rows[:, 0]
    if first.dtype.kind == "f":
        fractions = ~np.isfinite(first) | (first != np.floor(first))
        if fractions.any():
            index = int(fractions.argmax())
            raise DataError(f"{path}: label {index} is {first[index]:g}; labels must be integers.")
    groups = rows[:, _WRITER].astype(np.int64) if rows.shape[1] == _QMNIST_COLUMNS else None
    return first.astype(np.int64), groups


def _read(path: Path, expected_ndim: int | None) -> tuple[npt.NDArray[np.uint8], np.dtype[Any]]:
    """Read the values as unsigned bytes, with a last axis for those that take several; and their type."""
    # Opening a pipe waits for a writer, and a device never ends.
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a file.")
    with (
        name_damage(path, "is damaged or cut short", (EOFError, zlib.error, gzip.BadGzipFile)),
        path.open("rb") as stream,
    ):
        packed = is_gzipped(stream)
        content = gzip.GzipFile(fileobj=stream, mode="rb") if packed else stream
        shape, dtype = _read_header(content, path, expected_ndim)
        if packed and math.prod(shape) > _MOST_UNPACKED:
            raise DataError(
                f"{path} announces {_count(shape)} values; {_MOST_UNPACKED} are the most accepted of what is "
                "compressed. If the file is right, unpack it first: uncompressed files have no limit."
            )
        remaining = os.fstat(stream.fileno()).st_size - stream.tell()
        if not packed and remaining != math.prod(shape):
            raise _wrong_length(path, shape, f"{remaining} follow")
        if not packed and remaining > LARGE:
            return np.memmap(path, np.uint8, mode="r", offset=stream.tell(), shape=shape), dtype
        return _read_values(content, shape, path), dtype


def is_gzipped(stream: BinaryIO) -> bool:
    """Return True if the rest of a stream is gzipped; the position stays."""
    magic = stream.read(2)
    stream.seek(-len(magic), io.SEEK_CUR)
    return magic == b"\x1f\x8b"


def _read_header(stream: Any, path: Path, expected_ndim: int | None) -> tuple[tuple[int, ...], np.dtype[Any]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an IDX file: it must start with two zero bytes, a type and a number of axes; "
            f"got {magic.hex(' ') or 'nothing'}."
        )
    if magic[2] not in _TYPES or magic[3] == 0:
        raise DataError(
            f"{path} must be an IDX file of type 08 (unsigned bytes), 09, 0b, 0c, 0d or 0e with "
            f"at least one axis; got type {magic[2]:02x} with {magic[3]} axes."
        )
    if expected_ndim is not None and magic[3] != expected_ndim:
        raise DataError(
            f"{path} must have {expected_ndim} axes ({'labels have 1' if expected_ndim == 1 else 'images have 3'}); "
            f"got {magic[3]}."
        )
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise DataError(f"{path} is cut short: its header announces {magic[3]} axes and ends before their lengths.")
    if magic[3] > _MOST_AXES:
        raise DataError(f"{path} announces {magic[3]} axes; {_MOST_AXES} are the most that can be read.")
    dtype = np.dtype(_TYPES[magic[2]])
    several = () if dtype == np.uint8 else (dtype.itemsize,)
    return struct.unpack(f">{magic[3]}I", lengths) + several, dtype


def _read_values(stream: Any, shape: tuple[int, ...], path: Path) -> npt.NDArray[np.uint8]:
    expected = math.prod(shape)
    values = bytearray()
    # One byte more than announced: that is how trailing bytes, and an endless stream, are noticed.
    while len(values) <= expected and (chunk := stream.read(min(_CHUNK, expected + 1 - len(values)))):
        values += chunk
    if len(values) != expected:
        raise _wrong_length(path, shape, f"{'more' if len(values) > expected else f'only {len(values)}'} follow")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _wrong_length(path: Path, shape: tuple[int, ...], found: str) -> DataError:
    return DataError(
        f"{path} is damaged: its header announces {_count(shape)} values, but {found}. Fetch or save it again."
    )


def _count(shape: tuple[int, ...]) -> str:
    return f"{' x '.join(map(str, shape))} = {math.prod(shape)}"
