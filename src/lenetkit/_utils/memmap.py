"""Memory maps that do not pile up in memory.

A process that reads a memory map keeps what it has read resident until the system runs short, and what measures or
limits memory counts it. Given back, the pages stay in the system's cache: reading them again costs little.
"""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["iter_chunks", "read_rows", "release_pages"]

# A system maps what lies around a page that is asked for too, up to some MiB; that must not add up.
_ROWS_AT_ONCE = 16
_CHUNK_BYTES = 16 * 2**20


def release_pages(array: Any) -> None:
    """Give the pages of a memory map back that reading brought into this process; other arrays are left alone."""
    mapped = _find_map(array)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def read_rows(array: Any, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return a copy of the rows (m,) of an array, reading a memory map from front to back and a little at a time."""
    if _find_map(array) is None:
        return np.asarray(array[rows])
    selected = np.empty((len(rows), *array.shape[1:]), array.dtype)
    forward = np.argsort(rows, kind="stable")
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        indices = forward[start : start + _ROWS_AT_ONCE]
        selected[indices] = array[rows[indices]]
        release_pages(array)
    return selected


def iter_chunks(array: Any) -> Iterator[npt.NDArray[Any]]:
    """Read an array (n, ...), or what is indexed like one, from front to back, about 16 MiB at a time."""
    rows = max(1, _CHUNK_BYTES // max(1, int(np.prod(array.shape[1:], dtype=object)) * array.dtype.itemsize))
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows])
        release_pages(array)


def _find_map(array: Any) -> mmap.mmap | None:
    while array is not None and not isinstance(array, mmap.mmap):
        array = getattr(array, "base", None)
    return array
