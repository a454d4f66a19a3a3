"""NumPy's files: Keras' ``mnist.npz``, an ``.npz`` with ``images`` and ``labels``, and the same two as ``.npy`` files.

In: a path. Out: images uint8 and labels, not yet a data set. Every size is read from the headers and compared with
the file before memory is asked for; what would need pickle is refused.
"""

import contextlib
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from lenetkit.datasets._formats.entries import check_classes
from lenetkit.datasets._subsets import parts_of, refuse_parts
from lenetkit.datasets._views import LARGE, Images, join_images
from lenetkit.exceptions import DataError, LenetkitError

__all__ = ["read_keras_npz", "read_npy_pair", "read_npz"]

StrPath: TypeAlias = str | os.PathLike[str]
Labels: TypeAlias = npt.NDArray[Any]

_KERAS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
_PLAIN = ("images", "labels")
# A deflated entry can hold a thousand times its size: without a limit a small file fills the memory.
_MOST_UNPACKED = 2**30
_MOST_EXPANSION = 1032  # of deflate, by its design
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    TypeError,
    SyntaxError,
    KeyError,
    RuntimeError,  # an encrypted entry, and NotImplementedError for an unknown compression
    RecursionError,
    MemoryError,
    OverflowError,
    tokenize.TokenError,
)


@attrs.frozen
class _Header:
    """What an array in NumPy's format says about itself."""

    where: str
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    offset: int


def read_keras_npz(path: StrPath, subset: str = "all") -> tuple[Images, Labels]:
    """Read the layout of Keras' ``mnist.npz``: ``x_train``, ``y_train``, ``x_test``, ``y_test``.

    Parameters
    ----------
    path : path
        The file.
    subset : {"all", "train", "test"}, default "all"
        ``"all"`` is the training part followed by the test part.

    Returns
    -------
    images : ndarray or IndexedImages of shape (n, height, width[, channels])
        uint8.
    labels : ndarray of shape (n,)
        Integers or strings.

    Raises
    ------
    DataError
        If the file cannot be read, lacks an entry, or an entry does not hold what it should.
    SettingError
        If `subset` is none of the three.
    """
    path = Path(path)
    parts = parts_of(subset)
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        pairs = [_read_pair(archive, path, *_KERAS[part]) for part in parts]
    return join_images([images for images, _ in pairs]), np.concatenate([labels for _, labels in pairs])


def read_npz(path: StrPath, subset: str = "all") -> tuple[Images, Labels]:
    """Read an ``.npz`` file with ``images`` and ``labels``, or one in the layout of Keras' ``mnist.npz``.

    Parameters
    ----------
    path : path
        The file.
    subset : {"all", "train", "test"}, default "all"
        Only Keras' layout has predefined splits.

    Returns
    -------
    images : ndarray or IndexedImages of shape (n, height, width[, channels])
        uint8.
    labels : ndarray of shape (n,)
        Integers or strings.

    Raises
    ------
    DataError
        If the file cannot be read, lacks an entry, or an entry does not hold what it should.
    SettingError
        If `subset` is none of the three, or a part of a file that has no parts.
    """
    path = Path(path)
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        entries = {name.removesuffix(".npy") for name in archive.namelist()}
        if not entries.isdisjoint(_PLAIN):
            refuse_parts(str(path), subset)
            return _read_pair(archive, path, *_PLAIN)
    if entries.isdisjoint(name for pair in _KERAS.values() for name in pair):
        raise DataError(
            f"{path} must hold images and labels, or x_train, y_train, x_test and y_test as Keras' mnist.npz does; "
            f"it holds {', '.join(sorted(entries)[:10]) or 'nothing'}."
        )
    return read_keras_npz(path, subset)


def read_npy_pair(folder: StrPath) -> tuple[Images, Labels]:
    """Read ``images.npy`` and ``labels.npy`` of a folder; more than 128 MiB of images stay a memory map.

    Parameters
    ----------
    folder : path
        Where the two files are.

    Returns
    -------
    images : ndarray of shape (n, height, width[, channels])
        uint8.
    labels : ndarray of shape (n,)
        Integers or strings.

    Raises
    ------
    DataError
        If a file is missing or does not hold what it should.
    """
    folder = Path(folder)
    headers = []
    for name in _PLAIN:
        path = folder / f"{name}.npy"
        with _damage_named(path), path.open("rb") as stream:
            headers.append(_read_header(stream, str(path), path.stat().st_size))
    _check_pair(*headers)
    images, labels = (_read_npy(Path(header.where), header) for header in headers)
    return images, _checked_labels(labels, headers[1].where)


def _read_npy(path: Path, header: _Header) -> npt.NDArray[Any]:
    if math.prod(header.shape) * header.dtype.itemsize > LARGE:
        order = "F" if header.fortran_order else "C"
        return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)  # type: ignore[call-overload,no-any-return]
    with _damage_named(path), path.open("rb") as stream:
        return _read_array(stream)


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes zipfile and NumPy raise into one kind of error."""
    try:
        yield
    except LenetkitError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except _DAMAGE as error:
        raise DataError(f"{path} is damaged or no file of NumPy's: {type(error).__name__}: {error}.") from error


def _read_pair(archive: zipfile.ZipFile, path: Path, images: str, labels: str) -> tuple[npt.NDArray[np.uint8], Labels]:
    headers = [_entry_header(archive, path, name) for name in (images, labels)]
    # Before a byte of pixels is read: a wrong file must not cost memory.
    _check_pair(*headers)
    arrays = []
    for name, header in zip((images, labels), headers, strict=True):
        with _entry_damage_named(header.where), archive.open(f"{name}.npy") as stream:
            arrays.append(_read_array(stream))
    return arrays[0], _checked_labels(arrays[1], headers[1].where)


def _entry_damage_named(where: str) -> contextlib.AbstractContextManager[None]:
    return _damage_named(Path(where))


def _entry_header(archive: zipfile.ZipFile, path: Path, name: str) -> _Header:
    where = f"{path}: {name}"
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        held = ", ".join(archive.namelist()[:10]) or "nothing"
        raise DataError(f"{path} must hold the entry {name}.npy; it holds {held}.") from None
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{where} must be stored or deflated, as numpy.savez writes it; save the file again with it.")
    stored = info.compress_type == zipfile.ZIP_STORED
    room = path.stat().st_size * (1 if stored else _MOST_EXPANSION)
    if info.file_size > room:
        raise DataError(
            f"{where} announces {info.file_size} bytes, which the file cannot hold. Fetch or save it again."
        )
    if not stored and info.file_size > _MOST_UNPACKED:
        raise DataError(
            f"{where} announces {info.file_size} bytes; {_MOST_UNPACKED} are the most accepted of what is compressed. "
            "If the file is right, save it with numpy.savez, which does not compress."
        )
    with _entry_damage_named(where), archive.open(info) as stream:
        return _read_header(stream, where, info.file_size)


def _read_header(stream: Any, where: str, size: int) -> _Header:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise DataError(f"{where} is in version {version[0]}.{version[1]} of NumPy's format; 1.0 and 2.0 are read.")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = read(stream)
    if dtype.hasobject or dtype.fields is not None:
        raise DataError(f"{where} holds {dtype}, which is never read, because it can run code; save plain numbers.")
    expected, found = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or expected != found:
        raise DataError(
            f"{where} is damaged: its header announces {dtype} of shape {shape}, which takes {expected} bytes; "
            f"{found} follow. Fetch or save it again."
        )
    return _Header(where, shape, fortran_order, dtype, stream.tell())


def _check_pair(images: _Header, labels: _Header) -> None:
    if images.dtype != np.uint8 or len(images.shape) not in (3, 4):
        raise DataError(
            f"{images.where} must be uint8 of shape (n, height, width) or (n, height, width, channels); "
            f"got {images.dtype} of shape {images.shape}."
        )
    if labels.dtype.kind not in "iuU" or len(labels.shape) != 1:
        raise DataError(
            f"{labels.where} must be integers or strings of shape (n,); got {labels.dtype} of shape {labels.shape}."
        )
    if images.shape[0] != labels.shape[0]:
        raise DataError(
            f"there must be one label for each image; {images.where} has {images.shape[0]} images and "
            f"{labels.where} {labels.shape[0]} labels."
        )


def _read_array(stream: BinaryIO | Any) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    # zipfile compares the checksum when it meets the end.
    stream.read(1)
    return array


def _checked_labels(labels: Labels, where: str) -> Labels:
    check_classes(labels, where)
    if labels.dtype.kind == "U" and labels.dtype.itemsize:
        # NumPy itself fails in the interpreter's depths when it meets a number that is no character.
        codes = np.ascontiguousarray(labels).view(labels.dtype.str[0] + "u4").reshape(len(labels), -1)
        bad = ((codes > _LAST_CHARACTER) | ((codes >= _SURROGATES[0]) & (codes <= _SURROGATES[1]))).any(axis=1)
        if bad.any():
            raise DataError(f"{where}: label {int(bad.argmax())} is a string that is no text. Save the file again.")
    return labels
