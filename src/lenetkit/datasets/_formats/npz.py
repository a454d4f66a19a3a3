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
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import attrs
import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from lenetkit._utils.special_files import describe_special
from lenetkit._utils.validation import raise_first
from lenetkit.datasets._entries import check_classes, name_damage
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.named_arrays import read_named
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.datasets._views import LARGE, Images, Labels, join_images
from lenetkit.exceptions import DataError

__all__ = ["read_npy_pair", "read_npz", "read_npz_array"]

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
    """Header of an array in NumPy's format, checked against the file's length, and the way to its values."""

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: Callable[[], IO[bytes]]
    path: Path | None


def read_npz(path: Path, subset: str = "all") -> Labelled:
    """Read an ``.npz`` file with ``images`` and ``labels``, or one in the layout of Keras' ``mnist.npz``.

    It may hold ``class_names``, too, and ``groups``, or ``groups_train`` and ``groups_test``.

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
            names, groups = [_PLAIN], ["groups"]
        elif entries.isdisjoint(name for pair in _KERAS.values() for name in pair):
            headers = {name: _read_entry_header(archive, path, name) for name in sorted(entries)}
            arrays = {name: _LateArray(header) for name, header in headers.items() if header.shape}
            return read_named(arrays, subset, str(path))
        else:
            names = [_KERAS[split] for split in split_names(subset)]
            groups = [f"groups_{split}" for split in split_names(subset)]
        classes = _read_text(archive, path, "class_names") if "class_names" in entries else None
        pairs = [
            _read_pair(*(_read_entry_header(archive, path, name) for name in pair), named=classes is not None)
            for pair in names
        ]
        grouped = [_read_text(archive, path, name) for name in groups if name in entries]
    return Labelled(
        images=join_images([images for images, _ in pairs]),
        labels=np.concatenate([labels for _, labels in pairs]),
        class_names=None if classes is None else tuple(map(str, classes)),
        groups=np.concatenate(grouped) if len(grouped) == len(groups) else None,
    )


def _read_text(archive: zipfile.ZipFile, path: Path, name: str) -> Labels:
    """Return an entry of strings or integers (n,)."""
    header = _read_entry_header(archive, path, name)
    if header.dtype.kind not in "iuU" or len(header.shape) != 1:
        raise DataError(f"{header.where} must be integers or strings of shape (n,); got {header.dtype}.")
    return _check_text(_read_array(header), header.where)


def read_npz_array(path: Path) -> npt.NDArray[Any]:
    """Read the only array of an ``.npz`` file.

    Raises
    ------
    DataError
        If the file cannot be read, or holds none or several.
    """
    with _name_damage(path), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1 or not names[0].endswith(".npy"):
            raise DataError(f"{path} must hold one array; it holds {', '.join(names[:10]) or 'nothing'}.")
        return _read_array(_read_entry_header(archive, path, names[0].removesuffix(".npy")))


class _LateArray:
    """An array of a file, read when it is asked for."""

    def __init__(self, header: _Header) -> None:
        self._header = header
        self.shape, self.dtype, self.ndim = header.shape, header.dtype, len(header.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return _read_array(self._header)


def read_npy_pair(folder: Path) -> tuple[Images, Labels]:
    """Read ``images.npy`` and ``labels.npy`` of a folder; more than 128 MiB of images stay a memory map.

    Raises
    ------
    DataError
        If a file is missing or does not hold what it should.
    """
    return _read_pair(*(_read_file_header(folder / f"{name}.npy") for name in _PLAIN))


def _name_damage(where: object) -> contextlib.AbstractContextManager[None]:
    return name_damage(where, "is damaged or no file of NumPy's", _DAMAGE)


def _read_pair(images: _Header, labels: _Header, *, named: bool = False) -> tuple[npt.NDArray[np.uint8], Labels]:
    # Before a byte of pixels is read: a wrong file must not cost memory.
    n_images, n_labels = (header.shape[0] if header.shape else 0 for header in (images, labels))
    raise_first(
        DataError,
        [
            (
                images.dtype != np.uint8 or len(images.shape) not in (3, 4),
                f"{images.where} must be uint8 of shape (n, height, width) or (n, height, width, channels); "
                f"got {images.dtype} of shape {images.shape}.",
            ),
            (
                labels.dtype.kind not in "iuU" or len(labels.shape) != 1,
                f"{labels.where} must be integers or strings of shape (n,); "
                f"got {labels.dtype} of shape {labels.shape}.",
            ),
            (
                n_images != n_labels,
                f"there must be one label for each image; {images.where} has {n_images} images and "
                f"{labels.where} {n_labels} labels.",
            ),
        ],
    )
    values = _check_text(_read_array(labels), labels.where)
    if not named:
        check_classes(values, labels.where)
    return _read_array(images), values


def _read_file_header(path: Path) -> _Header:
    kind = describe_special(path)
    if kind:
        raise DataError(f"{path} is not a file: it is {kind}.")
    with _name_damage(path):
        return _read_header(lambda: path.open("rb"), str(path), path.stat().st_size, path)


def _read_entry_header(archive: zipfile.ZipFile, path: Path, name: str) -> _Header:
    where = f"{path}: {name}"
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        held = ", ".join(archive.namelist()[:10]) or "nothing"
        raise DataError(f"{path} must hold the entry {name}.npy; it holds {held}.") from None
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{where} must be stored or deflated, as numpy.savez writes it; save the file again with it.")
    stored = info.compress_type == zipfile.ZIP_STORED
    if info.file_size > path.stat().st_size * (1 if stored else _MOST_EXPANSION):
        raise DataError(
            f"{where} announces {info.file_size} bytes, which the file cannot hold. Fetch or save it again."
        )
    if not stored and info.file_size > _MOST_UNPACKED:
        raise DataError(
            f"{where} announces {info.file_size} bytes; {_MOST_UNPACKED} are the most accepted of what is compressed. "
            "If the file is right, save it with numpy.savez, which does not compress."
        )
    return _read_header(lambda: archive.open(info), where, info.file_size)


def _read_header(open_: Callable[[], IO[bytes]], where: str, size: int, path: Path | None = None) -> _Header:
    with _name_damage(where), open_() as stream:
        version = npy.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{where} is in version {version[0]}.{version[1]} of NumPy's format; 1.0 and 2.0 are read.")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
        if dtype.hasobject or dtype.fields is not None:
            raise DataError(f"{where} holds {dtype}, which is never read, because it can run code; save plain numbers.")
        expected, found = math.prod(shape) * dtype.itemsize, size - stream.tell()
        if min(shape, default=0) < 0 or expected != found:
            raise DataError(
                f"{where} is damaged: its header announces {dtype} of shape {shape}, which takes {expected} bytes; "
                f"{found} follow. Fetch or save it again."
            )
        return _Header(where, shape, dtype, open_, path)


def _read_array(header: _Header) -> npt.NDArray[Any]:
    with _name_damage(header.where), header.open() as stream:
        if header.path is not None and math.prod(header.shape) * header.dtype.itemsize > LARGE:
            return npy.open_memmap(header.path, mode="r")
        array: npt.NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        # zipfile compares the checksum when it meets the end.
        stream.read(1)
    return array


def _check_text(labels: Labels, where: str) -> Labels:
    if labels.dtype.kind == "U" and labels.dtype.itemsize:
        # NumPy itself fails in the interpreter's depths when it meets a number that is no character.
        codes = np.ascontiguousarray(labels).view(labels.dtype.str[0] + "u4").reshape(len(labels), -1)
        bad = ((codes > _LAST_CHARACTER) | ((codes >= _SURROGATES[0]) & (codes <= _SURROGATES[1]))).any(axis=1)
        if bad.any():
            raise DataError(f"{where}: label {int(bad.argmax())} is a string that is no text. Save the file again.")
    return labels
