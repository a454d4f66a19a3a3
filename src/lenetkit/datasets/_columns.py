"""Columns of a data set, one entry for each image: converted to the few types that they are kept in, and read-only.

In: what the user gave for images, labels, class names and groups. Out: arrays.
Next: :class:`~lenetkit.datasets.Dataset` checks that they belong together.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._views import IndexedImages
from lenetkit.exceptions import DataError

__all__ = ["as_groups", "as_images", "as_labels", "as_names"]


def as_images(value: Any) -> Any:
    """Return a read-only view, because a frozen data set's fingerprint must stay true."""
    if isinstance(value, IndexedImages):
        return value
    try:
        view = np.asanyarray(value).view()
    except ValueError as error:
        raise DataError(f"images must all have one shape to become an array: {error}") from None
    view.flags.writeable = False
    return view


def as_labels(value: Any) -> npt.NDArray[Any]:
    """Return int64 or str labels of one axis."""
    try:
        labels = np.asarray(value)
    except ValueError as error:
        raise DataError(f"labels must be one integer or string each: {error}") from None
    if labels.ndim != 1:
        raise DataError(f"labels must have shape (n,), one per image; got shape {labels.shape}.")
    if labels.dtype.kind in "OT" and all(isinstance(label, str) for label in labels):
        labels = np.array(labels, dtype=np.str_)
    if labels.dtype.kind not in "iuU" and len(labels):
        raise DataError(
            f"labels must be integers (indices into class_names) or strings; got {labels.dtype}, "
            f"the first one being {labels[0]!r}."
        )
    labels = labels.astype(np.str_ if labels.dtype.kind == "U" else np.int64)
    labels.flags.writeable = False
    return labels


def as_groups(value: Any) -> npt.NDArray[Any] | None:
    """Return int64 or str groups of one axis, or None."""
    if value is None:
        return None
    groups = np.asarray(value)
    if groups.dtype.kind in "OT" and all(isinstance(group, str) for group in groups.ravel()):
        groups = groups.astype(np.str_)
    if groups.ndim != 1 or groups.dtype.kind not in "iuU":
        raise DataError(
            "groups must be integers or strings of shape (n,), such as each image's writer; "
            f"got {groups.dtype} of shape {groups.shape}."
        )
    groups = groups.astype(np.str_ if groups.dtype.kind == "U" else np.int64)
    groups.flags.writeable = False
    return groups


def as_names(value: Any) -> tuple[str, ...]:
    """Return names as a tuple of str; a string is one name."""
    return tuple(map(str, (value,) if isinstance(value, str) else value))
