"""Folders of pictures: one sub-folder for each class, or a table or the files' names that say their labels.

In: the folder, or an archive as one. Out: images of one shape, uint8, and labels.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.notices import notify
from lenetkit.datasets._entries import (
    check_classes,
    find_special,
    labels_from_cells,
    labels_from_text,
    list_kinds,
)
from lenetkit.datasets._formats.file_names import list_picture_names
from lenetkit.datasets._formats.listing import Listing, read_listing
from lenetkit.datasets._formats.pictures import group_paths, read_pictures
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.exceptions import DataError

__all__ = [
    "ClassFolders",
    "find_class_folders",
    "read_class_folder",
    "read_listed",
    "read_named",
]

Pixels: TypeAlias = npt.NDArray[np.uint8]

_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
}
# Names of folders that say of their pictures no more than that they are some.
_GENERIC = frozenset({"data", "digits", "image", "images", "img", "imgs", "photos", "pics", "pictures", "png", "scans"})


@attrs.frozen(kw_only=True)
class ClassFolders:
    """Sub-folders of pictures, and the parts of the data set that they are in."""

    folder: Path
    parts: Mapping[str, Path]  # train, test and validation; none where there are no predefined splits
    names: tuple[str, ...]  # of the sub-folders, if there are no parts
    ignored: tuple[str, ...]

    @property
    def may_be_one_pile(self) -> bool:
        """True if a table says more than the sub-folders do: there is but one, or they are ``train`` and ``test``."""
        return not self.parts and (len(self.names) == 1 or all(name.lower() in _PARTS for name in self.names))

    @property
    def pile(self) -> Path | None:
        """The only sub-folder, if its name is no class but says that it holds pictures."""
        alone = not self.parts and len(self.names) == 1 and self.names[0].lower() in _GENERIC
        return self.folder / self.names[0] if alone else None


def find_class_folders(folder: Path) -> ClassFolders | None:
    """Return the sub-folders of pictures, or the parts (``train``, ``test``, ...) that have such; None without any."""
    folders = [folder / name for name in list_kinds(folder)[0]]
    nested = [path for path in folders if _pictures_by_class(path)]
    parts: dict[str, Path] = {}
    for path in nested:
        parts.setdefault(_PARTS.get(path.name.lower(), ""), path)
    parts.pop("", None)
    direct = _pictures_by_class(folder)
    strays = {path.name for path in folders} - {path.name for path in parts.values()}
    if "train" in parts and (len(parts) > 1 or all(name.lower() in _PARTS for name in direct)):
        ignored = sorted(strays & ({path.name for path in nested} | set(direct)))
        if "test" not in parts and "validation" in parts:
            parts["test"] = parts.pop("validation")
        return ClassFolders(folder=folder, parts=parts, names=(), ignored=tuple(ignored))
    if not direct:
        return None
    loose = [name for name in list_picture_names(folder) if (folder / name).is_file()]
    ignored = [path.name for path in nested if path.name not in direct] + loose
    return ClassFolders(folder=folder, parts={}, names=tuple(direct), ignored=tuple(ignored))


def read_class_folder(folder: Path, subset: str = "all") -> tuple[Pixels, npt.NDArray[Any], tuple[str, ...]]:
    """Read a folder with one sub-folder of pictures for each class.

    A picture is a file with one of the usual suffixes (.png, .jpg, .bmp, .tif, .gif, .webp, .pgm ...) right in the
    sub-folder; other files and hidden ones are passed over, and a notice names pipes, sockets and devices. If the
    folder has a ``train`` and a ``test`` folder with class folders in them, these are the predefined splits; so are
    ``training`` and ``testing``, and ``val``, ``valid`` or ``validation`` where there is no test folder. Beside both, a
    validation folder is in ``"all"`` only. A notice
    says which pictures are left out.

    The images become one array. Pictures of one size stay as they are. If sizes differ, each picture is scaled,
    aspect kept, to fit the most common size (where more than half have it; otherwise a square as long as the longest
    side) and centred on a ground of the median colour of its border; then, and where the images would take more than
    1 GiB, that size is itself scaled down to a longest side of 64 pixels. The array is grey if all pictures are.

    Labels are int64 where all sub-folders are named by integers (``0`` to ``9``), otherwise the names. Returned are
    images, class by class in the order of the file names, labels and class names.

    Raises
    ------
    DataError
        If there are no pictures, or if some cannot be read: all of them are named.
    SettingError
        If `subset` is a predefined split that is not there.
    """
    found = find_class_folders(folder)
    if found is None:
        raise DataError(f"{folder} has no sub-folder with pictures; it must have one for each class.")
    chosen = _choose_parts(found, subset)
    trees = {root: _pictures_by_class(root) for root in (found.parts.values() if found.parts else chosen)}
    trees = _without_special(folder, trees)
    names = sorted({name for tree in trees.values() for name in tree}, key=_natural)
    groups = [(root / name, trees[root].get(name, [])) for root in chosen for name in names]
    values = labels_from_text(names)
    classes = tuple(names) if values.dtype.kind == "U" else tuple(map(str, range(int(values.max()) + 1)))
    images = read_pictures(folder, groups)
    return images, np.repeat(np.tile(values, len(chosen)), [len(pictures) for _, pictures in groups]), classes


def _choose_parts(found: ClassFolders, subset: str) -> list[Path]:
    """Return the folders that hold a subset's classes, and say what is left out."""
    folder, parts = found.folder, found.parts
    if len(parts) < 2:
        refuse_splits(str(folder), subset)
    order = ("train", "validation", "test") if subset == "all" else split_names(subset)
    chosen = [parts[part] for part in order if part in parts]
    left_out = list(found.ignored)
    if "validation" in parts and subset != "all":
        left_out.append(parts["validation"].name)
    if "test" in parts and _PARTS[parts["test"].name.lower()] == "validation":
        notify(f"{folder} has no folder test: {parts['test'].name} is its test part.")
    if left_out:
        shown = ", ".join(left_out[:5]) + (f" and {len(left_out) - 5} more" if len(left_out) > 5 else "")
        read = " and ".join(path.name for path in chosen) or "the folders of pictures"
        notify(f"{folder}: read: {read}; left out: {shown}.")
    return chosen or [folder]


def read_listed(listing: Listing) -> tuple[Pixels, npt.NDArray[Any], None, npt.NDArray[Any] | None]:
    """Read the pictures that a table names, in its order; its labels are int64 where all are integers."""
    files, texts, groups = read_listing(listing)
    images = read_pictures(listing.path, group_paths(files))
    labels = np.array(texts, dtype=np.str_) if listing.is_text else _labels(texts)
    return images, labels, None, labels_from_cells(groups) if groups else None


def read_named(folder: Path, labels: Mapping[Path, str], origin: str) -> tuple[Pixels, npt.NDArray[Any], None]:
    """Read the pictures whose labels :func:`find_labels` found, and say where these are from."""
    name = next(iter(labels))
    _without_special(folder, {folder: {"": list_picture_names(folder)}})
    notify(f"{folder} has no folders of classes: {origin}, {labels[name]!r} of {name.name}.")
    return read_pictures(folder, group_paths(labels)), _labels(list(labels.values())), None


def _labels(texts: list[str]) -> npt.NDArray[Any]:
    values = labels_from_cells(texts)
    try:
        check_classes(values, "")
    except DataError:
        return np.array(texts, dtype=np.str_)  # years, for example
    return values


def _pictures_by_class(folder: Path) -> dict[str, list[str]]:
    pictures = {name: list_picture_names(folder / name) for name in list_kinds(folder)[0]}
    return {name: files for name, files in pictures.items() if files}


def _without_special(
    folder: Path, trees: Mapping[Path, Mapping[str, Sequence[str]]]
) -> dict[Path, dict[str, list[str]]]:
    """Return trees of pictures without named pipes, sockets and devices, which a notice names."""
    kept: dict[Path, dict[str, list[str]]] = {}
    kinds: dict[Path, str] = {}
    for root, tree in trees.items():
        kept[root] = {}
        for name, files in tree.items():
            found = {file: kind for file in files if (kind := find_special(root / name / file))}
            kinds.update({root / name / file: kind for file, kind in found.items()})
            if len(found) < len(files):
                kept[root][name] = [file for file in files if file not in found]
    if kinds:
        shown = ", ".join(f"{path.relative_to(folder)} ({kind})" for path, kind in list(kinds.items())[:5])
        more = f" and {len(kinds) - 5} more" if len(kinds) > 5 else ""
        notify(f"{folder}: left out, since they are no ordinary files: {shown}{more}.")
    return kept


def _natural(name: str) -> tuple[int, str]:
    """Sort 10 after 9."""
    return (int(name) if name.isascii() and name.isdigit() and len(name) < 10 else -1, name)
