"""Archives of pictures (``.zip``) as trees of folders: nothing is unpacked to the disk.

In: the path of an archive. Out: :class:`ZipPath`, which has what the readers of folders use of :class:`pathlib.Path`.
Next: :mod:`lenetkit.datasets._formats.folder` reads the pictures.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from lenetkit.datasets._entries import name_damage
from lenetkit.exceptions import DataError

__all__ = ["ZIP_DAMAGE", "ZipPath", "open_tree"]

# What zipfile asks an entry for when it reads it.
_FIELDS = ("header_offset", "compress_size", "file_size", "compress_type", "CRC", "flag_bits")
# Pictures and tables of one archive, unpacked; a deflated entry can hold a thousand times its size.
_MOST_UNPACKED = 2**31
_MOST_BYTES = 2**30
_MOST_ENTRIES = 2**21
ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, NotImplementedError, KeyError)


class _Tree:
    """The entries of an archive by folder and name: numbers of few bytes, of which zipfile's records take ten times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folders: dict[str, dict[str, int | None]] = {"": {}}
        self._archive = zipfile.ZipFile(path)
        entries = self._archive.infolist()
        total = sum(entry.file_size for entry in entries)
        if len(entries) > _MOST_ENTRIES or total > _MOST_UNPACKED:
            raise DataError(
                f"{path} announces {len(entries):,} entries of {total:,} bytes; {_MOST_ENTRIES:,} entries and "
                f"{_MOST_UNPACKED:,} bytes are the most accepted. Unpack it, and give the folder."
            )
        self._fields = np.array([[getattr(entry, field) for field in _FIELDS] for entry in entries], np.int64).reshape(
            -1, len(_FIELDS)
        )
        self._other_names: dict[int, str] = {}
        for index, entry in enumerate(entries):
            self._add(index, entry)
        self._archive.filelist.clear()
        self._archive.NameToInfo.clear()

    def _add(self, index: int, entry: zipfile.ZipInfo) -> None:
        folder, _, name = entry.filename.rstrip("/").rpartition("/")
        parts = folder.split("/") if folder else []
        if ".." in (*parts, name) or not name:
            raise DataError(f"{self.path}: the entry {entry.filename!r} has a name that leads out of the archive.")
        above = ""
        for part in parts:
            self.folders[above].setdefault(part, None)
            above = f"{above}/{part}" if above else part
            self.folders.setdefault(above, {})
        if entry.is_dir():
            self.folders[folder].setdefault(name, None)
            self.folders.setdefault(f"{folder}/{name}" if folder else name, {})
            return
        self.folders[folder][name] = index
        if entry.orig_filename != (f"{folder}/{name}" if folder else name):
            self._other_names[index] = entry.orig_filename

    def read(self, index: int, name: str) -> bytes:
        """Return the content of an entry."""
        entry = zipfile.ZipInfo(name)
        entry.orig_filename = self._other_names.get(index, name)
        for field, value in zip(_FIELDS, self._fields[index].tolist(), strict=True):
            setattr(entry, field, value)
        if entry.file_size > _MOST_BYTES:
            raise DataError(f"{self.path}: {name} announces {entry.file_size:,} bytes; 1 GiB is the most accepted.")
        with self._archive.open(entry) as stream:
            return stream.read()


class ZipPath:
    """A file or folder in an archive."""

    def __init__(self, tree: _Tree, inside: str) -> None:
        self._tree, self._inside = tree, inside

    @property
    def name(self) -> str:
        return self._inside.rpartition("/")[2] or self._tree.path.name

    @property
    def suffix(self) -> str:
        return PurePosixPath(self._inside).suffix

    @property
    def parent(self) -> "ZipPath":
        return ZipPath(self._tree, self._inside.rpartition("/")[0])

    def __truediv__(self, name: str) -> "ZipPath":
        return ZipPath(self._tree, f"{self._inside}/{name}".strip("/"))

    def __str__(self) -> str:
        return f"{self._tree.path}: {self._inside}" if self._inside else str(self._tree.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZipPath) and (self._tree, self._inside) == (other._tree, other._inside)

    def __hash__(self) -> int:
        return hash(self._inside)

    def __lt__(self, other: "ZipPath") -> bool:
        return self._inside < other._inside

    def relative_to(self, folder: "ZipPath") -> PurePosixPath:
        """Return the path below a folder."""
        return PurePosixPath(self._inside).relative_to(folder._inside)

    def iterdir(self) -> Iterator["ZipPath"]:
        """Yield what is in the folder."""
        return (self / name for name in self._tree.folders.get(self._inside, {}))

    def list_kinds(self) -> tuple[list[str], list[str]]:
        """Return the names of the folders and of the files in it."""
        members = self._tree.folders.get(self._inside, {})
        return (
            sorted(name for name, entry in members.items() if entry is None),
            sorted(name for name, entry in members.items() if entry is not None),
        )

    def exists(self) -> bool:
        """Tell whether there is such a file or folder."""
        return self.is_dir() or self.is_file()

    def is_dir(self) -> bool:
        """Tell whether it is a folder."""
        return self._inside in self._tree.folders

    def is_file(self) -> bool:
        """Tell whether it is a file."""
        return self._find() is not None

    def _find(self) -> int | None:
        folder, _, name = self._inside.rpartition("/")
        return self._tree.folders.get(folder, {}).get(name)

    def read_bytes(self) -> bytes:
        """Return the content; raise DataError if it is damaged, encrypted or larger than announced."""
        entry = self._find()
        if entry is None:
            raise FileNotFoundError(2, "No such entry", str(self))
        with name_damage(self, "is damaged, encrypted or packed in an unusual way", ZIP_DAMAGE):
            return self._tree.read(entry, self._inside)

    def open(self, mode: str = "rb") -> io.BytesIO:  # noqa: ARG002
        """Open the file for reading."""
        return io.BytesIO(self.read_bytes())


def open_tree(path: Path) -> Any:
    """Return the folder that an archive is; folders that hold nothing but one folder are left out.

    Raises
    ------
    DataError
        If it is damaged, or announces more than is accepted.
    """
    with name_damage(path, "is damaged or no .zip archive", ZIP_DAMAGE):
        folder = ZipPath(_Tree(path), "")
    while True:
        folders, files = folder.list_kinds()
        visible = [name for name in folders if not name.startswith((".", "__"))]
        if len(visible) != 1 or files or not any((folder / visible[0]).list_kinds()[0]):
            return folder
        folder = folder / visible[0]
