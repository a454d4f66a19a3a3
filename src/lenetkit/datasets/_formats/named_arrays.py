"""Arrays that are known by names: which are images, which labels, and of which part of the data set.

In: names such as ``x_train``, ``train/images``, ``testY`` or ``data``, with arrays. Out: images uint8 and labels.
Next: the readers of MATLAB's and HDF5 files, and of objects, hand them on.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from lenetkit.datasets._entries import check_classes
from lenetkit.datasets._formats.labelled import Labelled, join_parts
from lenetkit.datasets._formats.pixel_values import as_labels, as_pixels, as_stack
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.exceptions import DataError, SettingError

__all__ = ["from_arrays", "read_named"]

_PARTS = {"train": "train", "training": "train", "tr": "train", "test": "test", "testing": "test", "te": "test"}
_IMAGES = ("images", "image", "imgs", "img", "x", "data", "pixels", "samples", "features")
_LABELS = ("labels", "label", "y", "targets", "target", "classes", "class", "digits")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# MATLAB's older collections: train0, ..., test9, the images of one class each.
_BY_CLASS = re.compile(r"(train|test)_?(\d)")


def from_arrays(images: Any, labels: Any, where: str, class_names: tuple[str, ...] | None = None) -> Labelled:
    """Return arrays of images and labels in any of the usual shapes and ranges as a data set's.

    Raises
    ------
    DataError
        If they are no images with labels; the message begins with `where`.
    """
    values = as_labels(labels, where)
    pixels = as_pixels(as_stack(np.asarray(images), len(values), where), where)
    if class_names is None:
        check_classes(values, where)
    return Labelled(images=pixels, labels=values, class_names=class_names)


def read_named(arrays: Mapping[str, Any], subset: str, where: str) -> Labelled:
    """Return the parts of a data set that arrays hold by their names.

    Raises
    ------
    DataError
        If no two of them can be images and labels, or they are no such.
    SettingError
        If `subset` is a predefined split that is not there.
    """
    wanted = split_names(subset)
    by_class = {match.groups(): key for key in arrays if (match := _BY_CLASS.fullmatch(key.rpartition("/")[2]))}
    if len({digit for _, digit in by_class}) > 1:
        return join_parts([_join_classes(arrays, by_class, part, where) for part in wanted], where)
    found = _find_pairs(arrays)
    if not found:
        raise DataError(
            f"{where} must hold images and labels (or data and target, X and y, with or without train and test); it "
            f"holds {', '.join(list(arrays)[:10]) or 'no arrays of numbers'}."
        )
    if "train" not in found or "test" not in found:
        refuse_splits(where, subset)
        if len(found) > 1:
            raise DataError(f"{where} holds images and labels more than once: {', '.join(map(repr, found))}.")
        parts = list(found)
    else:
        parts = list(wanted)
    return join_parts([from_arrays(arrays[found[part][0]], arrays[found[part][1]], where) for part in parts], where)


def _find_pairs(arrays: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the names of images and labels by part."""
    kinds: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for key in arrays:
        words = [word.lower() for word in _WORD.findall(key)]
        part = next((_PARTS[word] for word in words if word in _PARTS), "")
        for kind, known in (("images", _IMAGES), ("labels", _LABELS)):
            ranks = [known.index(word) for word in words if word in known]
            if ranks:
                kinds.setdefault((part, kind), []).append((min(ranks), key))
    parts = {part for part, _ in kinds}
    return {
        part: (min(kinds[part, "images"])[1], min(kinds[part, "labels"])[1])
        for part in sorted(parts)
        if (part, "images") in kinds and (part, "labels") in kinds
    }


def _join_classes(arrays: Mapping[str, Any], keys: Mapping[tuple[str, ...], str], part: str, where: str) -> Labelled:
    digits = sorted(digit for found, digit in keys if found == part)
    if not digits:
        raise SettingError(f"{where} has no part {part!r}; it has {', '.join(sorted({found for found, _ in keys}))}.")
    stacks = [np.asarray(arrays[keys[part, digit]]) for digit in digits]
    labels = np.concatenate([np.full(len(stack), int(digit)) for stack, digit in zip(stacks, digits, strict=True)])
    return from_arrays(np.concatenate(stacks), labels, where)
