"""IDX files of images with those of their labels: MNIST's four files, EMNIST's, QMNIST's and Kannada-MNIST's.

In: a folder, or the path of a file of images. Out: images, labels, and class names where the files' names tell them.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lenetkit.datasets._entries import check_classes, list_folder
from lenetkit.datasets._formats.emnist import emnist_split, name_classes
from lenetkit.datasets._formats.idx import read_idx, read_idx_labels
from lenetkit.datasets._formats.labelled import Labelled, join_parts
from lenetkit.datasets._formats.pixel_values import as_pixels
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.exceptions import DataError

__all__ = ["find_idx_files", "read_idx_folder", "read_idx_pair"]


# "t10k-images-idx3-ubyte.gz", with a dot for the second dash as some programs unpack it, "emnist-digits-train-...",
# "qmnist-test-labels-idx2-int.gz"
_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train-|t10k-|test-|)(?P<kind>images[-.]idx[34]|labels[-.]idx[12])-(ubyte|int)(\.gz)?"
)
# "X_kannada_MNIST_train-idx3-ubyte.gz"
_KANNADA_NAME = re.compile(r"(?P<kind>[Xy])_(?P<prefix>.+?)(?P<part>_train|_test|)-idx[1-4]-ubyte(\.gz)?")
_PARTS = {"train-": "train", "t10k-": "test", "test-": "test", "_train": "train", "_test": "test", "": ""}
_KINDS = {"X": "images", "y": "labels"}
_COLOURS = (1, 3)


def read_idx_folder(folder: Path, subset: str) -> Labelled:
    """Read the IDX files of a folder, gzipped or not, by the names that MNIST gave them.

    Raises
    ------
    DataError
        If a file is missing or does not hold what it should.
    SettingError
        If `subset` is none of the three.
    """
    files = find_idx_files(folder)
    parts = split_names(subset)
    if all(part == "" for part, _ in files):
        refuse_splits(str(folder), subset)
        parts = ("",)
    for part, kind in itertools.product(parts, ("images", "labels")):
        if (part, kind) not in files:
            held = ", ".join(sorted(path.name for path in files.values())) or "none"
            raise DataError(
                f"{folder} lacks the {kind} of the {part or 'only'} part; of MNIST's IDX files it has: {held}. "
                "Add it, or load another subset."
            )
    return join_parts([_read_pair(files[part, "images"], files[part, "labels"]) for part in parts], folder)


def find_idx_files(folder: Path) -> Mapping[tuple[str, str], Path]:
    """Return the files by (part, kind); where one is there packed and unpacked, the unpacked one.

    Raises
    ------
    DataError
        If they are of several data sets.
    """
    found = [(path, match) for path in list_folder(folder) if (match := _match(path.name))]
    # Files of no part are the data set only where there are no others.
    found = [pair for pair in found if pair[1]["part"]] or found
    prefixes = sorted({match["prefix"] for _, match in found})
    if len(prefixes) > 1:
        raise DataError(
            f"{folder} holds the IDX files of {len(prefixes)} data sets ({', '.join(map(repr, prefixes[:5]))}); "
            "give the path of the file of images that you mean, or a folder for each."
        )
    # Longer names first, so that the unpacked file overwrites the packed one.
    found.sort(key=lambda item: len(item[0].name), reverse=True)
    return {(_PARTS[match["part"]], _KINDS.get(match["kind"], match["kind"][:6])): path for path, match in found}


def _match(name: str) -> re.Match[str] | None:
    return _NAME.fullmatch(name) or _KANNADA_NAME.fullmatch(name)


def read_idx_pair(images: Path) -> Labelled:
    """Read an IDX file of images, and the file of labels that belongs to it by its name.

    Raises
    ------
    DataError
        If a file is missing or does not hold what it should.
    """
    return _read_pair(images, _find_labels(images))


def _read_pair(images_path: Path, labels_path: Path) -> Labelled:
    labels, groups = read_idx_labels(labels_path)
    images = read_idx(images_path)
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in _COLOURS):
        raise DataError(
            f"{images_path} must have 3 axes (images have 3, in colour a fourth one of 3); got {images.ndim} axes: "
            f"{' x '.join(map(str, images.shape))}."
        )
    if len(images) != len(labels):
        raise DataError(
            f"there must be one label for each image; {images_path} has {len(images)} images and "
            f"{labels_path} {len(labels)} labels."
        )
    if images.dtype != np.uint8:
        images = as_pixels(images, str(images_path))
    split = emnist_split(images_path)
    if split is None:
        check_classes(labels, str(labels_path))
        return Labelled(images=images, labels=labels, groups=groups)
    # EMNIST's pixels run down the columns.
    named, classes = name_classes(labels, split, labels_path)
    return Labelled(images=images.swapaxes(1, 2), labels=named, class_names=classes)


def _find_labels(images: Path) -> Path:
    """Return the file of labels that belongs to an IDX file of images."""
    name = images.name.replace("images", "labels").removesuffix(".gz")
    axes = re.compile("idx[34]")
    names = [axes.sub("idx1", name), re.sub("idx[34]-ubyte", "idx2-int", name)]
    if _KANNADA_NAME.fullmatch(name):
        names[0] = f"y{names[0][1:]}"
    for path in (images.with_name(f"{name}{suffix}") for name in names for suffix in ("", ".gz")):
        if path.is_file() and path != images:
            return path
    plain = images.with_name(names[0])
    raise DataError(
        f"{images} looks like an IDX file of images, but the labels that belong to it are missing: "
        f"no {plain} and no {plain.name}.gz."
    )
