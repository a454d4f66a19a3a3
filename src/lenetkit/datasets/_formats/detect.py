"""Formats of data sets on disk, recognised by content where possible.

In: a file or folder. Out: a checked :class:`~lenetkit.datasets.Dataset`, named after the path.
Next: :mod:`lenetkit.transforms`.
"""

import contextlib
import pkgutil
import re
import zipfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from lenetkit._utils.levels import check_set_levels
from lenetkit._utils.notices import notify
from lenetkit._utils.special_files import describe_special
from lenetkit.datasets import _formats
from lenetkit.datasets._class_files import read_classes
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._entries import find_special, list_folder, list_kinds, name_damage
from lenetkit.datasets._formats.csv import is_pixel_table, read_csv
from lenetkit.datasets._formats.file_names import find_labels, list_picture_names
from lenetkit.datasets._formats.folder import find_class_folders, read_class_folder, read_listed, read_named
from lenetkit.datasets._formats.idx_pairs import find_idx_files, read_idx_folder, read_idx_pair
from lenetkit.datasets._formats.labelled import Format, Labelled, Start, join_parts
from lenetkit.datasets._formats.listing import find_listing
from lenetkit.datasets._formats.npz import read_npy_pair, read_npz
from lenetkit.datasets._formats.npz_pairs import find_npz_pairs, read_npz_pairs
from lenetkit.datasets._formats.packed import read_start
from lenetkit.datasets._formats.parts import find_parts
from lenetkit.datasets._formats.sheet_photos import read_sheets
from lenetkit.datasets._formats.zip_tree import ZIP_DAMAGE, open_tree
from lenetkit.datasets._subsets import refuse_splits
from lenetkit.exceptions import DataError

__all__ = ["list_formats", "load_path"]

_ZIP = b"PK\x03\x04"
_IDX_START = b"\0\0"
_GZIP = b"\x1f\x8b"
_PEEKED = 2**16
_TAR_MAGIC, _TAR_AT = b"ustar", 257
_PICKLE_NAME = re.compile(r"\.(pkl|pickle)(\.gz)?$", re.IGNORECASE)
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_TAR_NAME = re.compile(r"\.(tar(\.\w+)?|tgz|tbz2?|txz)$", re.IGNORECASE)


def list_formats() -> str:
    """Return a sentence that lists the formats, for messages."""
    return "; ".join(
        [
            "the four IDX files of MNIST, gzipped or not (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
            "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte)",
            "an .npz file with images and labels, or x_train, y_train, x_test and y_test; images.npy with labels.npy",
            "a .csv file with the columns label, pixel0, pixel1, ...",
            *(form.description for form in _find_formats()),
            "a folder or .zip archive with one sub-folder of pictures for each class, or a table of pictures "
            "(filename, label) beside them",
        ]
    )


@cache
def _find_formats() -> tuple[Format, ...]:
    """Return the formats that the modules of this package hold, in the order in which to ask them."""
    names = [module.name for module in pkgutil.iter_modules(_formats.__path__)]
    modules = [import_module(f"{_formats.__name__}.{name}") for name in names]
    found = [module.FORMAT for module in modules if isinstance(getattr(module, "FORMAT", None), Format)]
    return tuple(sorted(found, key=lambda form: form.rank))


def load_path(path: Path, subset: str = "all") -> Dataset:
    """Load a data set from a file or folder; see :func:`lenetkit.datasets.load_dataset`.

    Raises
    ------
    DataError
        If it is in none of the formats, or does not hold what it should; the message names file and entry.
    SettingError
        If `subset` is a predefined split that is not there.
    """
    found = _read_folder(path, subset) if path.is_dir() else _read_file(path, subset)
    if found.class_names is None:
        found = attrs.evolve(found, class_names=read_classes(path, found.labels))
    name = path.resolve().name if path.is_dir() else path.resolve().name.split(".")[0]
    return as_dataset(found, name or "unnamed", str(path))


def as_dataset(found: Labelled, name: str, where: str) -> Dataset:
    """Return what a reader found as a data set; `where` is what messages call it.

    Raises
    ------
    DataError
        If there are no images, or they do not fit together.
    """
    if not len(found.labels):
        raise DataError(f"{where} holds no images.")
    given: dict[str, Any] = {} if found.class_names is None else {"class_names": found.class_names}
    try:
        dataset = Dataset(images=found.images, labels=found.labels, groups=found.groups, name=name, **given)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    check_set_levels(dataset.images, where)
    return dataset


def _read_picture_folder(folder: Any, subset: str) -> tuple[Any, ...] | None:
    """Read class folders, a table of pictures or pictures whose names or text files are labels; None without any."""
    classes = find_class_folders(folder)
    names = list_kinds(folder)[1]
    tables = [folder / name for name in names if is_pixel_table(name)]
    for path in [path for path in tables if (kind := find_special(path))]:
        notify(f"{path} is not read: it is {kind}, no ordinary file.")
    if classes is not None and not classes.may_be_one_pile:
        _name_unread_tables(tables)
        return read_class_folder(folder, subset)
    if classes is None and any(name.lower().endswith((".npy", ".npz")) for name in names):
        return None
    listings = [listing for listing in map(find_listing, tables) if listing is not None]
    if len(listings) > 1:
        held = ", ".join(listing.path.name for listing in listings[:5])
        raise DataError(f"{folder} has {len(listings)} tables of pictures ({held}); give the path of the one you mean.")
    if listings:
        refuse_splits(str(folder), subset)
        return read_listed(listings[0])
    sheets = None if classes is not None else _find_sheets(folder)
    if sheets is not None:
        refuse_splits(str(folder), subset)
        return sheets.images, sheets.labels, None, sheets.groups
    pile: Any = folder if classes is None else classes.pile
    labels, origin = ({}, "") if pile is None else find_labels(pile)
    if labels:
        refuse_splits(str(folder), subset)
        return read_named(pile, labels, origin)
    return None if classes is None else read_class_folder(folder, subset)


def _find_sheets(folder: Any) -> Labelled | None:
    """Read photographs of printed sheets, if that is what the pictures right in a folder show."""
    pictures = [folder / name for name in list_picture_names(folder)] if isinstance(folder, Path) else []
    return read_sheets(folder, [path for path in pictures if not find_special(path)])


def _name_unread_tables(tables: list[Any]) -> None:
    for path in tables:
        with contextlib.suppress(DataError):
            if find_listing(path) is not None:
                notify(
                    f"{path} is not read: the folders beside it are the classes. "
                    f"To read it: load_dataset({str(path)!r})."
                )


def _as_labelled(found: tuple[Any, ...]) -> Labelled:
    images, labels, *others = found
    class_names, groups = (*others, None, None)[:2]
    return Labelled(images=images, labels=labels, class_names=class_names, groups=groups)


def _read_folder(folder: Path, subset: str) -> Labelled:
    if find_idx_files(folder):
        return read_idx_folder(folder, subset)
    pairs = find_npz_pairs(folder)
    if pairs:
        return read_npz_pairs(folder, pairs, subset)
    pictures = _read_picture_folder(folder, subset)
    if pictures is not None:
        return _as_labelled(pictures)
    if (folder / "images.npy").exists():
        refuse_splits(str(folder), subset)
        return _as_labelled(read_npy_pair(folder))
    for kind, files in _sort_files(folder).items():
        if len(files) == 1:
            return _read_file(files[0], subset)
        parts = find_parts(files, subset)
        if parts is None:
            found = ", ".join(path.name for path in files[:5])
            raise DataError(f"{folder} has {len(files)} {kind} files ({found}); give the path of the one you mean.")
        return join_parts([_read_file(path, "all") for path in parts], folder)
    found = ", ".join(path.name for path in list_folder(folder)[:5])
    raise DataError(
        f"{folder} is in no format that is read here; it holds {found or 'nothing'}. Formats: {list_formats()}."
    )


def _sort_files(folder: Path) -> dict[str, list[Path]]:
    """Return the files of a folder by their format."""
    kinds: dict[str, list[Path]] = {}
    for path in (folder / name for name in list_kinds(folder)[1]):
        if not path.is_file():
            continue
        if path.suffix.lower() == ".npz":
            kind = ".npz"
        elif is_pixel_table(path):
            kind = ".csv"
        else:
            form = _find_format(path)
            kind = form.description.partition(" (")[0] if form else ""
        if kind:
            kinds.setdefault(kind, []).append(path)
    order = [".npz", ".csv", *kinds]
    return {kind: kinds[kind] for kind in order if kind in kinds}


def _find_format(path: Path) -> Format | None:
    with name_damage(path, "", ()):
        first, unpacked = read_start(path, _PEEKED)
    start = Start(path=path, first=first, unpacked=unpacked)
    return next((form for form in _find_formats() if form.recognise(start)), None)


def _read_file(path: Path, subset: str) -> Labelled:
    # Opening a pipe waits for a writer.
    if not path.is_file():
        raise DataError(f"{path} is neither a file nor a folder: it is {describe_special(path) or 'something else'}.")
    with name_damage(path, "", ()):
        start, inside = read_start(path, _PEEKED)
    if start.startswith(_ZIP):
        return _read_zip(path, subset)
    if is_pixel_table(path):
        refuse_splits(str(path), subset)
        listing = find_listing(path)
        return _as_labelled(read_csv(path) if listing is None else read_listed(listing))
    _refuse_code(path, inside)
    if inside.startswith(_IDX_START) or (not inside and start.startswith(_GZIP)):
        refuse_splits(str(path), subset)
        return read_idx_pair(path)
    form = _find_format(path)
    if form is not None:
        return form.read(path, subset)
    sheets = read_sheets(path, [path])
    if sheets is not None:
        refuse_splits(str(path), subset)
        return sheets
    raise DataError(
        f"{path} is in no format that is read here; it starts with {inside[:4]!r}. Formats: {list_formats()}. "
        "A single picture is read by read_image."
    )


def _refuse_code(path: Path, inside: bytes) -> None:
    """Refuse pickles, and archives whose members can be written to any place."""
    if _PICKLE_NAME.search(path.name) or inside.startswith(_PICKLE_STARTS):
        raise DataError(
            f"{path} is a pickle, which can run any code when it is opened, so it is never read here. If you trust it, "
            "convert it once with Python: read it with pickle.load, bring the pixels to uint8 0..255 of shape "
            "(n, height, width), for example (x * 255).round().astype('uint8').reshape(-1, 28, 28), and save them "
            "with numpy.savez('mnist.npz', images=..., labels=...), which load_dataset reads."
        )
    if _TAR_NAME.search(path.name) or inside[_TAR_AT : _TAR_AT + len(_TAR_MAGIC)] == _TAR_MAGIC:
        raise DataError(
            f"{path} is a tar archive, which has no list of its members and may hold links to other places, so it is "
            "not read here. Unpack it (tar -xf, or tarfile.open(...).extractall(folder, filter='data')) and give the "
            "folder, or pack that as .zip."
        )


def _read_zip(path: Path, subset: str) -> Labelled:
    """Read NumPy's arrays, or pictures as in a folder."""
    damage = name_damage(path, "is damaged or no .zip archive", ZIP_DAMAGE)
    with damage, zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        held, has_arrays = names[:5], any(name.endswith(".npy") for name in names)
    del archive, names  # they take as much as small images
    if path.suffix.lower() == ".npz" or has_arrays:
        return read_npz(path, subset)
    pictures = _read_picture_folder(open_tree(path), subset)
    if pictures is None:
        raise DataError(
            f"{path} is an archive without folders of pictures or a table of them; it holds "
            f"{', '.join(held) or 'nothing'}. Unpack it, and give the file or folder that you mean."
        )
    return _as_labelled(pictures)
