"""The table of what was decided about pictures: a CSV file that :func:`lenetkit.datasets.load_dataset` reads.

In: names of pictures and decisions. Out: a file that is replaced whole after each of them, so that a process which is
killed at any moment leaves all that it had reported as done. Next: ``lenetkit adapt``, or the page when it goes on.

A row has the picture's path from the table's folder, its label (``label``, or ``text`` for numbers), and ``left_out``:
empty, or the reason for which :func:`lenetkit.datasets.load_dataset` passes the row over.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from lenetkit._utils.files import check_writable, write_atomically
from lenetkit._utils.printable import printable
from lenetkit._utils.system import describe_system_error
from lenetkit.exceptions import DataError, SettingError

__all__ = ["MISSING", "NOTHING", "SKIPPED", "Decision", "LabelTable", "name_pictures"]

NOTHING = "nothing to read"
"""The reason for a picture without a digit or a number."""

SKIPPED = "skipped"
"""The reason for a picture that was put off."""

MISSING = "no such picture"
"""The reason for a picture that is not there any more; its label stays for the case that it comes back."""

_REASONS = (NOTHING, SKIPPED, MISSING)
# A row that was cut off is at most as long as a path and a label; the module csv's own limit is anybody's to change.
_LONGEST_ROW = 5000


@attrs.frozen
class Decision:
    """A label, or the reason for none; a picture that is not there any more has both."""

    label: str = ""
    left_out: str = ""

    @property
    def is_label(self) -> bool:
        """True if the row is one that a data set is made of."""
        return bool(self.label) and not self.left_out


class LabelTable:
    """Decisions by the path of the picture from the table's folder, in the order in which they were made.

    Parameters
    ----------
    path : Path
        The file, absolute. Its folder must exist.
    label_name : {"label", "text"}
        The name of the column of labels.

    Raises
    ------
    SettingError
        If the file is there and is no such table, or could not be written.
    """

    def __init__(self, path: Path, label_name: str) -> None:
        self.path, self.columns = path, ("file", label_name, "left_out")
        self.torn = ""
        try:
            check_writable(path)
            read = self._parse(path.read_bytes()) if path.exists() else {}
            self.rows = self._mark_missing(read)
            self._seen = self._look()
            if self.rows != read or self.torn:
                self._write(self.rows)
        except OSError as error:
            raise SettingError(f"{printable(path)} cannot be written: {describe_system_error(error)}") from error

    def is_there(self, name: str) -> bool:
        """Tell whether a picture of the table is there, or may be."""
        try:
            return (self.path.parent / name).is_file()
        except (OSError, ValueError):
            return False

    def _mark_missing(self, rows: Mapping[str, Decision]) -> dict[str, Decision]:
        """Mark labels of pictures that are not there any more, and take the mark from those that came back."""
        return {
            name: attrs.evolve(decision, left_out="" if self.is_there(name) else MISSING)
            if decision.label
            else decision
            for name, decision in rows.items()
        }

    def change(self, changes: Mapping[str, Decision | None]) -> None:
        """Make decisions, or take them back (None), on the disk and then here.

        Raises
        ------
        OSError
            If the system refuses; then nothing has changed.
        DataError
            If another program has written the file since, which would be lost.
        """
        if self._look() != self._seen:
            raise DataError(
                f"{printable(self.path)} was changed or removed by another program, so that nothing can be kept in it. "
                "Stop lenetkit label and start it again: it goes on with what is there."
            )
        rows = {**self.rows, **{name: decision for name, decision in changes.items() if decision is not None}}
        for name, decision in changes.items():
            if decision is None:
                rows.pop(name, None)
        self._write(rows)
        self.rows = rows

    def _look(self) -> tuple[int, int, int] | None:
        """Return what tells one version of the file from another; None without one."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _write(self, rows: Mapping[str, Decision]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows((name, decision.label, decision.left_out) for name, decision in rows.items())
        write_atomically(self.path, text.getvalue().encode())
        self._seen = self._look()

    def _parse(self, content: bytes) -> dict[str, Decision]:
        try:
            reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
            rows = [(reader.line_num, cells) for cells in reader if cells]
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._refuse("the file", str(error)) from None
        if not rows:
            return {}
        (_, header), *others = rows
        if tuple(header) != self.columns:
            other = {"label": "text", "text": "label"}[self.columns[1]]
            hint = ""
            if tuple(header) == ("file", other, "left_out"):
                hint = " It holds numbers: give --numbers." if other == "text" else " It holds digits: omit --numbers."
            raise self._refuse("line 1", f"it must be {','.join(self.columns)}; it is {','.join(header)[:80]}.{hint}")
        found: dict[str, Decision] = {}
        for index, (line, cells) in enumerate(others, 2):
            decision = Decision(*(cell.strip() for cell in cells[1:3])) if len(cells) == len(self.columns) else None
            if decision is None or not _is_valid(decision):
                # A copy that was cut off, for example: the picture is asked for again.
                row = ",".join(cells)
                if index > len(others) and not content.endswith(b"\n") and len(row) <= _LONGEST_ROW:
                    self.torn = row
                    break
                raise self._refuse(f"line {line}", f"it must be a file, a label and {_join(_REASONS)} or nothing.")
            found[cells[0]] = decision
        return found

    def _refuse(self, where: str, what: str) -> SettingError:
        return SettingError(
            f"{printable(self.path)} is not a table of lenetkit label: {where}: {printable(what)} Nothing was changed. "
            "Move the file away, or name another one with --labels."
        )


def _is_valid(decision: Decision) -> bool:
    if not decision.label:
        return decision.left_out in _REASONS[:2]
    return decision.left_out in ("", MISSING)


def _join(words: Iterable[str]) -> str:
    return ", ".join(map(repr, words))


def name_pictures(pictures: Iterable[Path], folder: Path) -> tuple[dict[str, Path], list[Path]]:
    """Return pictures by the names that a table in a folder has for them, and those that it could not name."""
    named, unnamed = {}, []
    for picture in pictures:
        inside = picture.is_relative_to(folder)
        name = picture.relative_to(folder).as_posix() if inside else str(picture)
        if _is_spaced(name):
            name = f"./{name}"
        try:
            name.encode()
            is_good = not set(name) & set("\r\n\0") and (os.sep == "\\" or "\\" not in name)
        except UnicodeEncodeError:
            is_good = False
        if is_good:
            named[name] = picture
        else:
            unnamed.append(picture)
    return named, unnamed


def _is_spaced(name: str) -> bool:
    # load_dataset takes gaps from the beginnings of cells, and the mark of a file's encoding.
    return name[:1].isspace() or name.startswith("\ufeff")
