"""The IDX format of the MNIST files: a reader that believes nothing, and a writer.

An IDX file is a magic number (two zero bytes, the type of the values, the number of axes), the length of each axis as
a big-endian 32-bit integer, and the values. Only unsigned bytes (type 8) are images or labels here.
Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section "File formats".
"""

import contextlib
import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit._utils.files import write_atomically
from lenetkit.datasets._views import LARGE, chunks
from lenetkit.exceptions import DataError, SettingError

__all__ = ["read_idx", "write_idx"]

StrPath: TypeAlias = str | os.PathLike[str]

_UNSIGNED_BYTE = 8
# As many as every NumPy can have.
_MOST_AXES = 32
_GZIP = b"\x1f\x8b"
_CHUNK = 2**20
# A gzip file can hold a thousand times its size: without a limit a small file fills the memory.
_MOST_UNPACKED = 2**30


def read_idx(
    path_or_stream: StrPath | BinaryIO, *, max_items: int | None = None, expected_ndim: int | None = None
) -> npt.NDArray[np.uint8]:
    r"""Read an IDX file of unsigned bytes, gzipped or not.

    Whether it is gzipped is told by its content. No memory is asked for on the header's word alone; an uncompressed
    file of more than 128 MiB stays on disk as a memory map.

    Parameters
    ----------
    path_or_stream : path or binary file object
        A file object must be seekable; it is read from where it stands.
    max_items : int, optional
        Most values (the product of the axes' lengths) to accept. Default: 2**30 for what is gzipped; what is not is
        limited by its own size.
    expected_ndim : int, optional
        Number of axes the file must have: 3 for images, 1 for labels.

    Returns
    -------
    ndarray
        uint8, of the shape that the header says; read-only where it is a memory map.

    Raises
    ------
    DataError
        If the file cannot be read, is no IDX file of unsigned bytes, has another number of axes or more values than
        accepted, or holds fewer or more bytes than its header says.
    SettingError
        If a file object cannot seek.

    Examples
    --------
    >>> import io
    >>> from lenetkit.datasets._formats.idx import read_idx
    >>> read_idx(io.BytesIO(b"\0\0\x08\x02" + b"\0\0\0\x02" + b"\0\0\0\x03" + bytes(range(6))))
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint8)
    """
    if isinstance(path_or_stream, (str, os.PathLike)):
        path = Path(path_or_stream)
        name = str(path)
        with _damage_named(name), _opened(path) as stream:
            return _read(stream, name, path, max_items, expected_ndim)
    if not path_or_stream.seekable():
        raise SettingError("read_idx needs a path or a file object that can seek; read it into io.BytesIO first.")
    name = str(getattr(path_or_stream, "name", "the stream"))
    with _damage_named(name):
        return _read(path_or_stream, name, None, max_items, expected_ndim)


def _opened(path: Path) -> BinaryIO:
    # Opening a pipe waits for a writer, and a device never ends.
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a file.")
    return path.open("rb")


@contextlib.contextmanager
def _damage_named(name: str) -> Iterator[None]:
    """Turn whatever a damaged file makes the readers below us raise into one kind of error."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name} is damaged or cut short: {error}. Fetch it again.") from error
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from error


def _read(
    stream: BinaryIO, name: str, path: Path | None, max_items: int | None, expected_ndim: int | None
) -> npt.NDArray[np.uint8]:
    start = stream.tell()
    zipped = stream.read(2) == _GZIP
    stream.seek(start)
    if not zipped:
        return _read_plain(stream, name, path, max_items, expected_ndim)
    with gzip.GzipFile(fileobj=stream, mode="rb") as unpacked:
        shape = _read_header(unpacked, name, expected_ndim)
        _check_count(shape, name, _MOST_UNPACKED if max_items is None else max_items)
        return _read_values(unpacked, shape, name)


def _read_plain(
    stream: BinaryIO, name: str, path: Path | None, max_items: int | None, expected_ndim: int | None
) -> npt.NDArray[np.uint8]:
    shape = _read_header(stream, name, expected_ndim)
    if max_items is not None:
        _check_count(shape, name, max_items)
    offset = stream.tell()
    remaining = stream.seek(0, os.SEEK_END) - offset
    if remaining != math.prod(shape):
        raise _wrong_length(name, shape, f"{remaining} follow")
    if path is not None and remaining > LARGE:
        return np.memmap(path, np.uint8, mode="r", offset=offset, shape=shape)
    stream.seek(offset)
    return _read_values(stream, shape, name)


def _read_header(stream: Any, name: str, expected_ndim: int | None) -> tuple[int, ...]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{name} is not an IDX file: it must start with two zero bytes, a type and a number of axes; "
            f"got {magic.hex(' ') or 'nothing'}."
        )
    if magic[2] != _UNSIGNED_BYTE or magic[3] == 0:
        raise DataError(
            f"{name} must be an IDX file of unsigned bytes (type 08) with at least one axis; "
            f"got type {magic[2]:02x} with {magic[3]} axes."
        )
    if expected_ndim is not None and magic[3] != expected_ndim:
        raise DataError(
            f"{name} must have {expected_ndim} axes ({'labels have 1' if expected_ndim == 1 else 'images have 3'}); "
            f"got {magic[3]}."
        )
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise DataError(f"{name} is cut short: its header announces {magic[3]} axes and ends before their lengths.")
    if magic[3] > _MOST_AXES:
        raise DataError(f"{name} announces {magic[3]} axes; {_MOST_AXES} are the most that can be read.")
    return struct.unpack(f">{magic[3]}I", lengths)


def _check_count(shape: tuple[int, ...], name: str, most: int) -> None:
    if math.prod(shape) > most:
        raise DataError(
            f"{name} announces {' x '.join(map(str, shape))} = {math.prod(shape)} values; {most} are the most accepted "
            "here. If the file is right, unpack it first: uncompressed files have no limit."
        )


def _read_values(stream: Any, shape: tuple[int, ...], name: str) -> npt.NDArray[np.uint8]:
    expected = math.prod(shape)
    values = bytearray()
    # One byte more than announced: that is how trailing bytes, and an endless stream, are noticed.
    while len(values) <= expected and (chunk := stream.read(min(_CHUNK, expected + 1 - len(values)))):
        values += chunk
    if len(values) != expected:
        raise _wrong_length(name, shape, f"{'more' if len(values) > expected else f'only {len(values)}'} follow")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _wrong_length(name: str, shape: tuple[int, ...], found: str) -> DataError:
    return DataError(
        f"{name} is damaged: its header announces {' x '.join(map(str, shape))} = {math.prod(shape)} values, "
        f"but {found}. Fetch it again."
    )


def write_idx(path: StrPath, array: npt.ArrayLike) -> None:
    """Write unsigned bytes as an IDX file, gzipped where the name ends in ``.gz``.

    The file appears whole or not at all, and the same array always gives the same bytes.

    Parameters
    ----------
    path : path
        Where to; a file that is there is replaced.
    array : array-like
        uint8 with 1 to 32 axes, each shorter than 2**32.

    Raises
    ------
    DataError
        If the array is not uint8 or has no axis or too many.
    SettingError
        If the folder does not exist.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from lenetkit.datasets._formats.idx import read_idx, write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(Path(folder) / "labels-idx1-ubyte.gz", np.array([7, 2, 1], np.uint8))
    ...     read_idx(Path(folder) / "labels-idx1-ubyte.gz")
    array([7, 2, 1], dtype=uint8)
    """
    values = np.asarray(array)
    if values.dtype != np.uint8 or not 1 <= values.ndim <= _MOST_AXES:
        raise DataError(
            f"an IDX file holds uint8 with 1 to {_MOST_AXES} axes; got {values.dtype} of shape {values.shape}."
        )
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, _UNSIGNED_BYTE, values.ndim, *values.shape)
    write_atomically(path, lambda temporary: _write(temporary, header, values))


def _write(path: Path, header: bytes, values: npt.NDArray[np.uint8]) -> None:
    with contextlib.ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if path.suffix == ".gz":
            # A time stamp or a name in the gzip header would make every file differ.
            file = stack.enter_context(gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))
        file.write(header)
        for chunk in chunks(values):
            file.write(chunk.tobytes())
