"""MATLAB's ``.mat`` files, of version 5 and of version 7.3, and HDF5 files: images and labels among their variables.

In: the path. Out: images uint8, upright, labels and class names. Known layouts: EMNIST's ``dataset``, SVHN's ``X`` and
``y`` (10 is the digit 0), ``train0`` to ``test9``; any other that names its arrays images and labels, or X and y.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.

MATLAB keeps arrays column by column. As HDF5 (version 7.3) their axes are therefore in the reverse order.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.extras import require_extra
from lenetkit._utils.imports import import_quietly
from lenetkit.datasets._entries import name_damage
from lenetkit.datasets._formats.emnist import read_structure
from lenetkit.datasets._formats.labelled import Format, Labelled, Start
from lenetkit.datasets._formats.mat5 import DAMAGE, START, read_variables
from lenetkit.datasets._formats.named_arrays import from_arrays, read_named
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.exceptions import DataError

__all__ = ["FORMAT"]

_HDF5_START = b"\x89HDF\r\n\x1a\n"
_MATLAB_HDF5_START = b"MATLAB 7.3"
_MOST_UNPACKED = 2**30
_DEEPEST = 4
_MOST_ARRAYS = 1000
_SVHN_ZERO = 10


def _read(path: Path, subset: str) -> Labelled:
    split_names(subset)
    with path.open("rb") as stream:
        is_hdf5 = not stream.read(len(START)).startswith(START)
    what = "an HDF5 file of images" if is_hdf5 else "a MATLAB file of images (version 5)"
    with name_damage(path, f"is not {what}", DAMAGE), _open_hdf5(path) if is_hdf5 else _open_mat5(path) as variables:
        return _find_images(variables, subset, path)


@contextlib.contextmanager
def _open_mat5(path: Path) -> Iterator[dict[str, Any]]:
    yield read_variables(path)


def _find_images(variables: Mapping[str, Any], subset: str, path: Path) -> Labelled:
    dataset = variables.get("dataset")
    if isinstance(dataset, Mapping) and "mapping" in dataset:
        return read_structure(dataset, split_names(subset), path)
    arrays = dict(_flatten(variables, ""))
    if {"X", "y"} <= set(arrays) and np.ndim(arrays["X"]) == 4:
        refuse_splits(str(path), subset)
        return _read_svhn(arrays["X"], arrays["y"], path)
    return read_named(arrays, subset, str(path))


def _read_svhn(images: Any, labels: Any, path: Path) -> Labelled:
    found = from_arrays(images, labels, str(path))
    lowest, highest = found.labels.min(initial=1), found.labels.max(initial=1)
    if lowest < 1 or highest != _SVHN_ZERO:
        return found
    digits = np.where(found.labels == _SVHN_ZERO, 0, found.labels)
    return attrs.evolve(found, labels=digits, class_names=tuple("0123456789"))


def _flatten(variables: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in variables.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}/")
        elif value is not None and np.ndim(value) and value.dtype.kind in "biuf":
            yield f"{prefix}{name}", value


@contextlib.contextmanager
def _open_hdf5(path: Path) -> Iterator[dict[str, Any]]:
    require_extra("reading HDF5, which MATLAB's files of version 7.3 are,", "formats", "h5py")
    import_quietly("h5py")
    import h5py

    with h5py.File(path, "r") as file:
        with path.open("rb") as stream:
            is_matlab = stream.read(len(_MATLAB_HDF5_START)) == _MATLAB_HDF5_START
        yield _collect(file, path, is_matlab, _DEEPEST)


def _collect(group: Any, path: Path, is_matlab: bool, depth: int) -> dict[str, Any]:
    """Return the arrays of a group, read when they are asked for, and its groups; links to other files are not read."""
    import h5py

    found: dict[str, Any] = {}
    for name in list(group)[:_MOST_ARRAYS]:
        if name.startswith("#") or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        member = group[name]
        if isinstance(member, h5py.Group) and depth:
            found[name] = _Structure(_collect(member, path, is_matlab, depth - 1))
        elif isinstance(member, h5py.Dataset) and member.dtype.kind in "biuf" and member.shape:
            found[name] = _Stored(member, path, is_matlab)
    return found


class _Structure(dict[str, Any]):
    """Arrays of a group; MATLAB's structures of one element are such."""


class _Stored:
    """An array in an HDF5 file, in the order of MATLAB's axes where MATLAB wrote it."""

    def __init__(self, stored: Any, path: Path, is_matlab: bool) -> None:
        self._stored, self._path, self._is_matlab = stored, path, is_matlab
        self.dtype, self.ndim = stored.dtype, len(stored.shape)
        self.shape = tuple(reversed(stored.shape)) if is_matlab else tuple(stored.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        stored, name = self._stored, f"{self._path}: {self._stored.name}"
        if stored.external or stored.is_virtual:
            raise DataError(f"{name} lies in other files, which are not read. Save it in one file.")
        size, held = stored.size * stored.dtype.itemsize, stored.id.get_storage_size()
        if size > max(held, _MOST_UNPACKED):
            raise DataError(f"{name} announces {size} bytes and holds {held}; {_MOST_UNPACKED} are the most accepted.")
        if size and not held:
            raise DataError(f"{name} announces {size} bytes and holds none. Save it again.")
        values = stored[()]
        return values.T if self._is_matlab else values


def _recognise(start: Start) -> bool:
    return start.first.startswith((START, _HDF5_START, _MATLAB_HDF5_START))


FORMAT = Format(
    description="a .mat file of MATLAB (EMNIST's, SVHN's or with images and labels), or an HDF5 file likewise",
    recognise=_recognise,
    read=_read,
    rank=10,
)
