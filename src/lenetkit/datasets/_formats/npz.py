"""NumPy's files: Keras' ``mnist.npz``, an ``.npz`` with ``images`` and ``labels``, and the same two as ``.npy`` files.

In: a path. Out: images uint8 and labels. Every size is read from the headers and compared with the file before memory
is asked for; what would need pickle is refused.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

import contextlib
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from lenetkit.datasets._formats.entries import check_classes, name_damage
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.datasets._views import LARGE, Images, join_images
from lenetkit.exceptions import DataError

__all__ = ["read_npy_pair", "read_npz"]

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
    """Header of an array in NumPy's format, and where its values begin."""

    where: str
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    offset: int


def read_npz(path: Path, subset: str = "all") -> tuple[Images, Labels]:
    """Read an ``.npz`` file with ``images`` and ``labels``, or one in the layout of Keras' ``mnist.npz``.

    Raises
    ------
    DataError
        If the file cannot be read, lacks an entry, or an entry does not hold what it should.
    SettingError
        If `subset` is none of the three, or a predefined split of a file that has none.
    """
    with _name_damage(path), zipfile.ZipFile(path) as archive:
        entries = {name.removesuffix(".npy") for name in archive.namelist()}
        if not entries.isdisjoint(_PLAIN):
            refuse_splits(str(path), subset)
            names = [_PLAIN]
        elif entries.isdisjoint(name for pair in _KERAS.values() for name in pair):
            raise DataError(
                f"{path} must hold images and labels, or x_train, y_train, x_test and y_test as Keras' mnist.npz does; "
                f"it holds {', '.join(sorted(entries)[:10]) or 'nothing'}."
            )
        else:
            names = [_KERAS[split] for split in split_names(subset)]
        pairs = [_read_pair(archive, path, *pair) for pair in names]
    return join_images([images for images, _ in pairs]), np.concatenate([labels for _, labels in pairs])


def read_npy_pair(folder: Path) -> tuple[Images, Labels]:
    """Read ``images.npy`` and ``labels.npy`` of a folder; more than 128 MiB of images stay a memory map.

    Raises
    ------
    DataError
        If a file is missing or does not hold what it should.
    """
    headers = []
    for name in _PLAIN:
        path = folder / f"{name}.npy"
        with _name_damage(path), path.open("rb") as stream:
            headers.append(_read_header(stream, str(path), path.stat().st_size))
    _check_pair(*headers)
    images, labels = (_read_npy(Path(header.where), header) for header in headers)
    return images, _checked_labels(labels, headers[1].where)


def _read_npy(path: Path, header: _Header) -> npt.NDArray[Any]:
    if math.prod(header.shape) * header.dtype.itemsize > LARGE:
        order = "F" if header.fortran_order else "C"
        return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)  # type: ignore[call-overload,no-any-return]
    with _name_damage(path), path.open("rb") as stream:
        return _read_array(stream)


def _name_damage(where: object) -> contextlib.AbstractContextManager[None]:
    return name_damage(where, "is damaged or no file of NumPy's", _DAMAGE)


def _read_pair(archive: zipfile.ZipFile, path: Path, images: str, labels: str) -> tuple[npt.NDArray[np.uint8], Labels]:
    headers = [_entry_header(archive, path, name) for name in (images, labels)]
    # Before a byte of pixels is read: a wrong file must not cost memory.
    _check_pair(*headers)
    arrays = []
    for name, header in zip((images, labels), headers, strict=True):
        with _name_damage(header.where), archive.open(f"{name}.npy") as stream:
            arrays.append(_read_array(stream))
    return arrays[0], _checked_labels(arrays[1], headers[1].where)


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
    with _name_damage(where), archive.open(info) as stream:
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
