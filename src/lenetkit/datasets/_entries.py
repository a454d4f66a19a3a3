"""Shared parts of the readers: errors that name files and entries, listed folders, and labels that number classes."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.names import shorten
from lenetkit._utils.special_files import describe_special
from lenetkit._utils.system import describe_system_error
from lenetkit.exceptions import DataError, LenetkitError

__all__ = [
    "IMAGE_SUFFIXES",
    "BadEntriesError",
    "check_classes",
    "find_special",
    "is_picture",
    "labels_from_cells",
    "labels_from_text",
    "list_folder",
    "list_kinds",
    "list_visible",
    "name_damage",
]

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
    | {".avif", ".heic", ".heif", ".jxl"}
)
_HIDDEN = (".", "__")
_SHOWN = 20
_ALWAYS_PLAUSIBLE = 10
_LONGEST_NUMBER = 6


class BadEntriesError(DataError):
    """Some entries of a file or folder do not hold what they should.

    Parameters
    ----------
    what : str
        The file or folder, and what is wrong in general.
    entries : iterable of str
        One line for each bad entry, with its name and what is wrong with it.

    Attributes
    ----------
    entries : tuple of str
        All of them; the message shows the first 20 and their number.
    """

    def __init__(self, what: str, entries: Iterable[str]) -> None:
        self.what = what
        self.entries = tuple(entries)
        hidden = len(self.entries) - _SHOWN
        more = [f"... and {hidden} more"] if hidden > 0 else []
        super().__init__("\n  ".join([f"{what} ({len(self.entries)} in all):", *self.entries[:_SHOWN], *more]))

    def __reduce__(self) -> tuple[type["BadEntriesError"], tuple[str, tuple[str, ...]]]:
        return type(self), (self.what, self.entries)


@contextlib.contextmanager
def name_damage(name: object, problem: str, kinds: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn errors of these kinds, which a damaged file makes its reader raise, and OSError into DataError."""
    try:
        yield
    except LenetkitError:
        raise
    except MemoryError as error:
        raise DataError(f"{name} cannot be read: {describe_system_error(error)}") from error
    except kinds as error:
        found = shorten(error)  # some of zipfile's hold all the bytes where it expected a name
        raise DataError(f"{name} {problem}: {type(error).__name__}: {found}. Fetch or save it again.") from error
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from error


def list_folder(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted; raise DataError if it cannot be read."""
    with name_damage(folder, "", ()):
        return sorted(folder.iterdir())


def list_visible(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted, without hidden files and what archivers leave behind."""
    return [path for path in list_folder(folder) if not path.name.startswith(_HIDDEN)]


def list_kinds(folder: Any) -> tuple[list[str], list[str]]:
    """Return the names of the folders in a folder and of all else in it, sorted, without hidden ones.

    Of a hundred thousand files this takes a fraction of the time that asking each takes.
    """
    if hasattr(folder, "list_kinds"):
        folders, files = folder.list_kinds()
    else:
        with name_damage(folder, "", ()), os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
        folders, files = ([name for name, is_dir in found if is_dir is kind] for kind in (True, False))
    shown = [[name for name in names if not name.startswith(_HIDDEN)] for names in (folders, files)]
    return shown[0], shown[1]


def find_special(path: Any) -> str | None:
    """Return the kind of a named pipe, a socket or a device; what is in an archive is none."""
    return describe_special(path) if isinstance(path, os.PathLike) else None


def is_picture(path: Path | str) -> bool:
    """Tell by its suffix whether a file is a picture."""
    name = path if isinstance(path, str) else path.name
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and dot + suffix.lower() in IMAGE_SUFFIXES


def _is_plausible(labels: Sequence[Any] | npt.NDArray[Any], highest: int) -> bool:
    # A corrupt byte read as a label must not make a set of 10 classes one of 200.
    return highest < _ALWAYS_PLAUSIBLE or 2 * len(np.unique(labels)) >= highest + 1


def check_classes(labels: npt.NDArray[Any], where: str) -> None:
    """Refuse integer labels that cannot number the classes of a set whose classes are not known otherwise.

    Raises
    ------
    DataError
        If an integer is negative, or larger than 9 while more than half of the numbers up to it do not occur; the
        message names the file `where`.
    """
    if labels.dtype.kind not in "iu" or not len(labels):
        return
    for index in (int(labels.argmin()), int(labels.argmax())):
        label = int(labels[index])
        if label < 0 or not _is_plausible(labels, label):
            n_present = len(np.unique(labels))
            raise DataError(
                f"{where}: label {index} is {label}, which is no class: labels number the classes from 0, and only "
                f"{n_present} different ones occur. Correct it, or build a Dataset with class_names of your own."
            )


def labels_from_cells(cells: Sequence[str]) -> npt.NDArray[Any]:
    """Return int64 labels where all cells of a table's column are integers, else the strings."""
    try:
        # By way of float, because a spreadsheet writes 7.0.
        return np.array([int(float(cell)) for cell in cells], dtype=np.int64)
    except ValueError:
        return np.array([cell.strip() for cell in cells], dtype=np.str_)


def labels_from_text(names: Sequence[str]) -> npt.NDArray[Any]:
    """Return int64 labels where all class names are integers that can number classes from 0, else the strings."""
    if all(map(_is_number, names)) and _is_plausible(names, max(map(int, names), default=-1)):
        return np.array([int(name) for name in names], dtype=np.int64)
    return np.array(names, dtype=np.str_)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < _LONGEST_NUMBER and name == str(int(name))
