"""Formats of data sets on disk, recognised by content where possible.

In: a file or folder. Out: a checked :class:`~lenetkit.datasets.Dataset`, named after the path.
Next: :mod:`lenetkit.transforms`.
"""

import contextlib
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.levels import check_set_levels
from lenetkit._utils.notices import notify
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._entries import check_classes, list_folder, name_damage
from lenetkit.datasets._formats.csv import is_pixel_table, read_csv
from lenetkit.datasets._formats.folder import (
    find_class_folders,
    find_prefixed,
    read_class_folder,
    read_listed,
    read_prefixed,
)
from lenetkit.datasets._formats.idx import read_idx
from lenetkit.datasets._formats.listing import find_listing
from lenetkit.datasets._formats.npz import read_npy_pair, read_npz
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.datasets._views import Images, Labels, join_images
from lenetkit.exceptions import DataError

__all__ = ["load_path"]

FORMATS = (
    "the four IDX files of MNIST, gzipped or not (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte); "
    "an .npz file with images and labels, or with x_train, y_train, x_test and y_test; images.npy with labels.npy; "
    "a .csv file with the columns label, pixel0, pixel1, ...; "
    "a folder with one sub-folder of pictures for each class, or a table of pictures (filename, label) beside them"
)

# "t10k-images-idx3-ubyte.gz", with a dot for the second dash as some programs unpack it, "emnist-digits-train-..."
_IDX_NAME = re.compile(r"(?P<prefix>.*?)(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")
_ZIP = b"PK\x03\x04"
_IDX_STARTS = (b"\x1f\x8b", b"\0\0")


def load_path(path: Path, subset: str = "all") -> Dataset:
    """Load a data set from a file or folder; see :func:`lenetkit.datasets.load_dataset`.

    Raises
    ------
    DataError
        If it is in none of the formats, or does not hold what it should; the message names file and entry.
    SettingError
        If `subset` is a predefined split that is not there.
    """
    images, labels, class_names = _read_folder(path, subset) if path.is_dir() else _read_file(path, subset)
    if not len(labels):
        raise DataError(f"{path} holds no images.")
    name = path.resolve().name if path.is_dir() else path.resolve().name.split(".")[0]
    given: dict[str, Any] = {} if class_names is None else {"class_names": class_names}
    try:
        dataset = Dataset(images=images, labels=labels, name=name or "unnamed", **given)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    check_set_levels(dataset.images, str(path))
    return dataset


def _read_picture_folder(folder: Path, subset: str) -> tuple[Images, Labels, tuple[str, ...] | None] | None:
    """Read class folders, a table of pictures or pictures whose names begin with their labels; None without any."""
    classes = find_class_folders(folder)
    tables = [path for path in list_folder(folder) if is_pixel_table(path)]
    if classes is not None and not classes.may_be_one_pile:
        _name_unread_tables(tables)
        return read_class_folder(folder, subset)
    if classes is None and any(path.suffix.lower() in (".npy", ".npz") for path in list_folder(folder)):
        return None
    listings = [listing for listing in map(find_listing, tables) if listing is not None]
    if len(listings) > 1:
        names = ", ".join(listing.path.name for listing in listings[:5])
        raise DataError(
            f"{folder} has {len(listings)} tables of pictures ({names}); give the path of the one you mean."
        )
    if listings:
        refuse_splits(str(folder), subset)
        return read_listed(listings[0])
    pile = folder if classes is None else classes.pile
    prefixed = {} if pile is None else find_prefixed(pile)
    if pile is not None and prefixed:
        refuse_splits(str(folder), subset)
        return read_prefixed(pile, prefixed)
    return None if classes is None else read_class_folder(folder, subset)


def _name_unread_tables(tables: list[Path]) -> None:
    for path in tables:
        with contextlib.suppress(DataError):
            if find_listing(path) is not None:
                notify(
                    f"{path} is not read: the folders beside it are the classes. "
                    f"To read it: load_dataset({str(path)!r})."
                )


def _read_folder(folder: Path, subset: str) -> tuple[Images, Labels, tuple[str, ...] | None]:
    if _find_idx_files(folder):
        return (*_read_idx_folder(folder, subset), None)
    pictures = _read_picture_folder(folder, subset)
    if pictures is not None:
        return pictures
    if (folder / "images.npy").exists():
        refuse_splits(str(folder), subset)
        return (*read_npy_pair(folder), None)
    for suffix in (".npz", ".csv"):
        fits = is_pixel_table if suffix == ".csv" else _is_npz
        files = [path for path in list_folder(folder) if fits(path)]
        if len(files) == 1:
            return _read_file(files[0], subset)
        if files:
            found = ", ".join(path.name for path in files[:5])
            raise DataError(f"{folder} has {len(files)} {suffix} files ({found}); give the path of the one you mean.")
    found = ", ".join(path.name for path in list_folder(folder)[:5])
    raise DataError(f"{folder} is in no format that is read here; it holds {found or 'nothing'}. Formats: {FORMATS}.")


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _read_file(path: Path, subset: str) -> tuple[Images, Labels, tuple[str, ...] | None]:
    # Opening a pipe waits for a writer.
    if not path.is_file():
        raise DataError(f"{path} is neither a file nor a folder.")
    with name_damage(path, "", ()), path.open("rb") as stream:
        start = stream.read(4)
    if start == _ZIP:
        return (*read_npz(path, subset), None)
    if is_pixel_table(path):
        refuse_splits(str(path), subset)
        listing = find_listing(path)
        if listing is not None:
            return read_listed(listing)
        return (*read_csv(path), None)
    if start.startswith(_IDX_STARTS):
        refuse_splits(str(path), subset)
        return (*_read_pair(path, _find_labels(path)), None)
    raise DataError(
        f"{path} is in no format that is read here; it starts with {start!r}. Formats: {FORMATS}. "
        "A single picture is read by read_image."
    )


def _read_idx_folder(folder: Path, subset: str) -> tuple[Images, Labels]:
    """Read the IDX files of a folder, gzipped or not, by the names that MNIST gave them."""
    files = _find_idx_files(folder)
    parts = split_names(subset)
    for part, kind in itertools.product(parts, ("images", "labels")):
        if (part, kind) not in files:
            held = ", ".join(sorted(path.name for path in files.values())) or "none"
            raise DataError(
                f"{folder} lacks the {kind} of the {part} part; of MNIST's IDX files it has: {held}. "
                "Add it, or load another subset."
            )
    pairs = [_read_pair(files[part, "images"], files[part, "labels"]) for part in parts]
    return join_images([images for images, _ in pairs]), np.concatenate([labels for _, labels in pairs])


def _find_idx_files(folder: Path) -> Mapping[tuple[str, str], Path]:
    """Return the files by (part, kind); where one is there packed and unpacked, the unpacked one."""
    found = [(path, match) for path in list_folder(folder) if (match := _IDX_NAME.fullmatch(path.name))]
    prefixes = sorted({match["prefix"] for _, match in found})
    if len(prefixes) > 1:
        raise DataError(
            f"{folder} holds the IDX files of {len(prefixes)} data sets ({', '.join(map(repr, prefixes[:5]))}); "
            "give the path of the file of images that you mean, or a folder for each."
        )
    # Longer names first, so that the unpacked file overwrites the packed one.
    found.sort(key=lambda item: len(item[0].name), reverse=True)
    return {("train" if match["part"] == "train" else "test", match["kind"]): path for path, match in found}


def _read_pair(images_path: Path, labels_path: Path) -> tuple[npt.NDArray[np.uint8], Labels]:
    labels = read_idx(labels_path, expected_ndim=1).astype(np.int64)
    images = read_idx(images_path, expected_ndim=3)
    if len(images) != len(labels):
        raise DataError(
            f"there must be one label for each image; {images_path} has {len(images)} images and "
            f"{labels_path} {len(labels)} labels."
        )
    check_classes(labels, str(labels_path))
    return images, labels


def _find_labels(images: Path) -> Path:
    """Return the file of labels that belongs to an IDX file of images."""
    name = images.name.replace("images", "labels").replace("idx3", "idx1")
    plain = images.with_name(name.removesuffix(".gz"))
    for path in (plain, plain.with_name(f"{plain.name}.gz")):
        if path.is_file() and path != images:
            return path
    raise DataError(
        f"{images} looks like an IDX file of images, but the labels that belong to it are missing: "
        f"no {plain} and no {plain.name}.gz."
    )
