"""One fingerprint of images and labels: the same in a data set, in a training run and in a saved pipeline."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.memmap import iter_chunks

__all__ = ["fingerprint"]


def fingerprint(images: Any, labels: npt.NDArray[Any], class_names: Sequence[str] | None = None) -> str:
    """Return the hex SHA-256 of the content: shape, dtype, pixels, labels and class names.

    Parameters
    ----------
    images : array-like of shape (n, height, width[, channels])
        An ndarray, a memory map or anything indexed like one; large sets are read chunk by chunk.
    labels : ndarray of shape (n,)
        Integers, or strings.
    class_names : sequence of str, optional
        None stands for the labels' own names: sorted strings, or ``"0"`` to the largest integer.

    Returns
    -------
    str
    """
    words = labels.dtype.kind == "U"
    if class_names is None:
        class_names = np.unique(labels).tolist() if words else [str(k) for k in range(int(labels.max(initial=-1)) + 1)]
    digest = hashlib.sha256(b"lenetkit dataset 1\n")
    digest.update(json.dumps([list(images.shape), images.dtype.name, list(class_names)]).encode() + b"\n")
    for chunk in iter_chunks(images):
        digest.update(chunk.data)
    digest.update(json.dumps(labels.tolist()).encode() if words else labels.astype("<i8").tobytes())
    return digest.hexdigest()
