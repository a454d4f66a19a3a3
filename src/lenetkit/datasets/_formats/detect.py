"""Formats of data sets on disk, recognised by content where possible.

In: a file or folder. Out: a checked :class:`~lenetkit.datasets.Dataset`, named after the path.
Next: :mod:`lenetkit.transforms`.
"""

import contextlib
import gzip
import re
import zlib
from pathlib import Path
from typing import Any

from lenetkit._utils.levels import check_set_levels
from lenetkit._utils.notices import notify
from lenetkit._utils.special_files import describe_special
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._entries import list_folder, name_damage
from lenetkit.datasets._formats.csv import is_pixel_table, read_csv
from lenetkit.datasets._formats.emnist import MAT_START, read_mat
from lenetkit.datasets._formats.folder import (
    find_class_folders,
    find_prefixed,
    read_class_folder,
    read_listed,
    read_prefixed,
)
from lenetkit.datasets._formats.idx_pairs import find_idx_files, read_idx_folder, read_idx_pair
from lenetkit.datasets._formats.listing import find_listing
from lenetkit.datasets._formats.npz import read_npy_pair, read_npz
from lenetkit.datasets._subsets import refuse_splits
from lenetkit.datasets._views import Images, Labels
from lenetkit.exceptions import DataError

__all__ = ["load_path"]

FORMATS = (
    "the four IDX files of MNIST, gzipped or not (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte); "
    "an .npz file with images and labels, or with x_train, y_train, x_test and y_test; images.npy with labels.npy; "
    "a .csv file with the columns label, pixel0, pixel1, ...; a .mat file of EMNIST; "
    "a folder with one sub-folder of pictures for each class, or a table of pictures (filename, label) beside them"
)

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_IDX_START = b"\0\0"
_PICKLE_NAME = re.compile(r"\.(pkl|pickle)(\.gz)?$", re.IGNORECASE)
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


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
    for path in [path for path in tables if (kind := describe_special(path))]:
        notify(f"{path} is not read: it is {kind}, no ordinary file.")
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
    if find_idx_files(folder):
        return read_idx_folder(folder, subset)
    pictures = _read_picture_folder(folder, subset)
    if pictures is not None:
        return pictures
    if (folder / "images.npy").exists():
        refuse_splits(str(folder), subset)
        return (*read_npy_pair(folder), None)
    for suffix in (".npz", ".csv", ".mat"):
        files = [
            path
            for path in list_folder(folder)
            if (is_pixel_table(path) if suffix == ".csv" else path.suffix.lower() == suffix)
        ]
        if len(files) == 1:
            return _read_file(files[0], subset)
        if files:
            found = ", ".join(path.name for path in files[:5])
            raise DataError(f"{folder} has {len(files)} {suffix} files ({found}); give the path of the one you mean.")
    found = ", ".join(path.name for path in list_folder(folder)[:5])
    raise DataError(f"{folder} is in no format that is read here; it holds {found or 'nothing'}. Formats: {FORMATS}.")


def _read_file(path: Path, subset: str) -> tuple[Images, Labels, tuple[str, ...] | None]:
    # Opening a pipe waits for a writer.
    if not path.is_file():
        raise DataError(f"{path} is neither a file nor a folder: it is {describe_special(path) or 'something else'}.")
    with name_damage(path, "", ()), path.open("rb") as stream:
        start = stream.read(len(MAT_START))
    if start.startswith(_ZIP):
        return (*read_npz(path, subset), None)
    if is_pixel_table(path):
        refuse_splits(str(path), subset)
        listing = find_listing(path)
        if listing is not None:
            return read_listed(listing)
        return (*read_csv(path), None)
    if start == MAT_START:
        return read_mat(path, subset)
    inside = _unpack_start(path, start)
    if _PICKLE_NAME.search(path.name) or inside.startswith(_PICKLE_STARTS):
        raise DataError(
            f"{path} is a pickle, which can run any code when it is opened, so it is never read here. If you trust it, "
            "convert it once with Python: read it with pickle.load, bring the pixels to uint8 0..255 of shape "
            "(n, height, width), for example (x * 255).round().astype('uint8').reshape(-1, 28, 28), and save them "
            "with numpy.savez('mnist.npz', images=..., labels=...), which load_dataset reads."
        )
    if inside.startswith(_IDX_START) or (not inside and start.startswith(_GZIP)):
        refuse_splits(str(path), subset)
        return read_idx_pair(path)
    raise DataError(
        f"{path} is in no format that is read here; it starts with {inside[:4]!r}. Formats: {FORMATS}. "
        "A single picture is read by read_image."
    )


def _unpack_start(path: Path, start: bytes) -> bytes:
    """Return the first bytes of a file, of a gzipped one those of what is packed."""
    if not start.startswith(_GZIP):
        return start
    with contextlib.suppress(OSError, EOFError, zlib.error), gzip.open(path) as stream:
        return stream.read(4)
    return b""
