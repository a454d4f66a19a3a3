"""EMNIST: its splits, its classes, and its images that lie on their side.

In: the name of a file, or what a MATLAB file holds. Out: upright images, labels and class names.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.

Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters" (2017),
and the mapping files that come with it.
"""

import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._entries import check_classes
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._pixel_tables import square_side
from lenetkit.datasets._views import Labels
from lenetkit.exceptions import DataError

__all__ = ["EMNIST_CLASSES", "emnist_split", "name_classes", "read_structure"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

# Small letters that look like their capitals are one class with them.
_MERGED = string.digits + string.ascii_uppercase + "abdefghnqrt"
EMNIST_CLASSES = {
    "digits": string.digits,
    "mnist": string.digits,
    "letters": string.ascii_uppercase,
    "balanced": _MERGED,
    "bymerge": _MERGED,
    "byclass": string.digits + string.ascii_uppercase + string.ascii_lowercase,
}
# Labels of the split letters are numbered from 1.
_FIRST = {"letters": 1}
_NAME = re.compile(rf"emnist-({'|'.join(EMNIST_CLASSES)})-(train|test)-.*", re.IGNORECASE)


def emnist_split(path: Path) -> str | None:
    """Return the split of EMNIST that a file is of by its name; None if it is none of EMNIST's."""
    match = _NAME.fullmatch(path.name)
    return match[1].lower() if match else None


def name_classes(labels: Labels, split: str, path: Path) -> tuple[Labels, tuple[str, ...]]:
    """Return labels and class names of a split: integers for digits, else the characters.

    Raises
    ------
    DataError
        If a label is outside the classes of the split.
    """
    classes = tuple(EMNIST_CLASSES[split])
    return _as_characters(labels - _FIRST.get(split, 0), classes, f"EMNIST's {split}", path), classes


def _as_characters(indices: Labels, classes: tuple[str, ...], what: str, path: Path) -> Labels:
    outside = (indices < 0) | (indices >= len(classes))
    if outside.any():
        first = int(outside.argmax())
        raise DataError(f"{path}: label {first} is none of the {len(classes)} classes of {what}. Fetch the file again.")
    return indices if classes == tuple(string.digits) else np.array(classes, np.str_)[indices]


def read_structure(dataset: Mapping[str, Any], parts: tuple[str, ...], path: Path) -> Labelled:
    """Return the parts of the structure ``dataset`` of EMNIST's MATLAB files: train, test and mapping.

    Raises
    ------
    DataError
        If images and labels differ in number, or a label is not in the mapping.
    KeyError, ValueError
        If it is no such structure.
    """
    mapping = np.asarray(dataset["mapping"]).astype(np.int64)
    pairs = [(np.asarray(dataset[part]["images"]), np.asarray(dataset[part]["labels"])) for part in parts]
    images = np.concatenate([_upright(pixels) for pixels, _ in pairs])
    labels = np.concatenate([values.reshape(-1).astype(np.int64) for _, values in pairs])
    classes = tuple(chr(row[1]) for row in mapping)
    order = np.argsort(mapping[:, 0])
    indices = order[np.searchsorted(mapping[order, 0], labels).clip(max=len(order) - 1)]
    known = mapping[indices, 0] == labels
    characters = _as_characters(np.where(known, indices, -1), classes, "its mapping", path)
    if len(images) != len(labels):
        raise DataError(f"{path} has {len(images)} images and {len(labels)} labels; there must be one for each.")
    check_classes(characters, str(path))
    writers = [dataset[part].get("writers") for part in parts]
    numbers = [np.asarray(found).reshape(-1).astype(np.int64) for found in writers if found is not None]
    groups = np.concatenate(numbers) if len(numbers) == len(parts) else None
    if groups is not None and len(groups) != len(images):
        raise DataError(f"{path} has {len(images)} images and {len(groups)} writers; there must be one for each.")
    return Labelled(images=images, labels=characters, class_names=classes, groups=groups)


def _upright(pixels: Any) -> Pixels:
    side = square_side(pixels.shape[1])
    if pixels.dtype != np.uint8 or not side:
        raise ValueError(f"images must be uint8 rows of square images; got {pixels.dtype} of shape {pixels.shape}")
    return np.ascontiguousarray(pixels).reshape(-1, side, side).transpose(0, 2, 1)
