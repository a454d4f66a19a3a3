"""Memory maps that do not pile up in memory.

A process that reads a memory map keeps what it has read resident until the system runs short, and what measures or
limits memory counts it. Given back, the pages stay in the system's cache: reading them again costs little.
"""

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["release_pages", "take_rows"]

# A system maps what lies around a page that is asked for too, up to some MiB; that must not add up.
_ROWS_AT_ONCE = 16


def release_pages(array: Any) -> None:
    """Give the pages of a memory map back that reading brought into this process; other arrays are left alone.

    Parameters
    ----------
    array : object
        A :class:`numpy.memmap`, a view of one, or anything else.
    """
    mapped = _map_of(array)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def take_rows(array: Any, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return some rows of an array, reading a memory map from front to back and a little at a time.

    Parameters
    ----------
    array : array-like
        Indexed along its first axis.
    rows : ndarray of shape (m,)
        Which rows, in the order wanted.

    Returns
    -------
    ndarray
        A copy of these rows.
    """
    if _map_of(array) is None:
        return np.asarray(array[rows])
    taken = np.empty((len(rows), *array.shape[1:]), array.dtype)
    forward = np.argsort(rows, kind="stable")
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        places = forward[start : start + _ROWS_AT_ONCE]
        taken[places] = array[rows[places]]
        release_pages(array)
    return taken


def _map_of(array: Any) -> mmap.mmap | None:
    while array is not None and not isinstance(array, mmap.mmap):
        array = getattr(array, "base", None)
    return array
