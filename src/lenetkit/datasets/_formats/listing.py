"""Tables of pictures: a CSV file with a column of file names and a column of labels.

In: the path of the table. Out: the files and their labels, of which the columns are found by content.
Next: :mod:`lenetkit.datasets._formats.folder` reads the pictures.
"""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import attrs

from lenetkit._utils.notices import notify
from lenetkit.datasets._entries import BadEntriesError, is_picture, list_visible, name_damage
from lenetkit.datasets._formats.csv_layout import DAMAGE, GROUP_NAMES, LABEL_NAMES, first_cells, is_index, open_table
from lenetkit.exceptions import DataError

__all__ = ["Listing", "find_listing", "read_listing"]

# A table of pixels has more columns.
_MOST_COLUMNS = 50
_PEEKED = 100
# The columns of ``lenetkit label``: rows with a reason in the last one are passed over, and a text stays one.
_DECISIONS = (["file", "label", "left_out"], ["file", "text", "left_out"])


@attrs.frozen(kw_only=True)
class Listing:
    """A table of pictures, as far as its first rows tell."""

    path: Path
    separator: str
    files: int  # the column of file names
    label: int
    group: int | None
    has_header: bool
    bases: tuple[Path, ...]  # the folders that names are looked for in
    left_out: int | None = None  # the column of reasons to pass a row over
    is_text: bool = False  # labels that are digits are no numbers of classes


def find_listing(path: Path) -> Listing | None:
    """Return the columns of a table of pictures with labels; None if it is no such table.

    Raises
    ------
    DataError
        If it names pictures, but none of them is there, or no column can be told to be the labels.
    """
    with name_damage(path, "is not a CSV file of images", DAMAGE):
        names, separator, _ = first_cells(path)
        if len(names) > _MOST_COLUMNS:
            return None
        if names in _DECISIONS:
            return _find_decisions(path, names, separator)
        rows = [cells for _, cells in islice(_iterate(path, separator), _PEEKED + 1)]
    bases = _find_bases(path)
    full = [row for row in rows if len(row) == len(names)]
    columns = list(zip(*full, strict=True))
    found = [sum(_find(cell, bases) is not None for cell in column) for column in columns]
    files = max(range(len(columns)), key=lambda index: found[index], default=0)
    if not found or 2 * found[files] < len(full) - 1 or not found[files]:
        named = next((cell for row in full[1:] for cell in row if is_picture(Path(cell))), None)
        if named is not None:
            raise DataError(
                f"{path} names pictures that are not there, as {named!r}; looked in {path.parent} and the folders in "
                "it. Put the table beside the pictures, or beside their folder."
            )
        return None
    has_header = _find(names[files], bases) is None
    label = _find_label(path, names if has_header else [""] * len(names), columns, files)
    lowered = [name.lower() for name in names] if has_header else []
    group = next((lowered.index(word) for word in GROUP_NAMES if word in lowered), None)
    return Listing(
        path=path, separator=separator, files=files, label=label, group=group, has_header=has_header, bases=bases
    )


def _find_decisions(path: Path, names: list[str], separator: str) -> Listing:
    return Listing(
        path=path,
        separator=separator,
        files=0,
        label=1,
        group=None,
        has_header=True,
        bases=_find_bases(path),
        left_out=2,
        is_text=names[1] == "text",
    )


def _find_bases(path: Path) -> tuple[Path, ...]:
    return path.parent, *(folder for folder in list_visible(path.parent) if folder.is_dir())


def read_listing(listing: Listing) -> tuple[list[Path], list[str], list[str]]:
    """Return the files of a table of pictures, their labels and groups as text; say which pictures it does not name.

    Raises
    ------
    DataError
        If a file is not there, or a label is missing: each such row is named.
    """
    files: list[Path] = []
    labels: list[str] = []
    groups: list[str] = []
    bad = []
    passed_over: list[Path | None] = []
    with name_damage(listing.path, "is not a CSV file of images", DAMAGE):
        for line, cells in islice(_iterate(listing.path, listing.separator), int(listing.has_header), None):
            name, label = (cells[index] if index < len(cells) else "" for index in (listing.files, listing.label))
            file = _find(name, listing.bases)
            if listing.left_out is not None and "".join(cells[listing.left_out :]):
                passed_over.append(file)
                continue
            if file is None or not label:
                bad.append(f"line {line}: " + ("the label is missing" if file else f"there is no picture {name!r}"))
            else:
                files.append(file)
                labels.append(label)
                if listing.group is not None:
                    groups.append(cells[listing.group] if listing.group < len(cells) else "")
    if bad:
        raise BadEntriesError(f"{listing.path} has rows that are no pictures with a label", bad)
    if passed_over:
        notify(f"{listing.path}: {len(passed_over)} rows are passed over, which say in left_out why.")
    if not files:
        raise DataError(f"{listing.path} has a header line but no rows with a label.")
    listed = {*files, *passed_over}
    for folder in sorted({file.parent for file in files}):
        others = [path.name for path in list_visible(folder) if is_picture(path) and path not in listed]
        if others:
            notify(f"{listing.path} does not name {len(others)} of the pictures in {folder}: {others[0]}, for example.")
    return files, labels, groups


def _iterate(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    with open_table(path) as stream:
        reader = csv.reader(stream, delimiter=separator, skipinitialspace=True)
        for cells in reader:
            if any(cells):
                yield reader.line_num, [cell.strip() for cell in cells]


def _find(name: str, bases: tuple[Path, ...]) -> Path | None:
    """Return the picture of a name: beside the table, or in a folder beside it, whatever folders stand before."""
    if not is_picture(Path(name)):
        return None
    short = name.replace("\\", "/")
    for text in dict.fromkeys([short, short.rpartition("/")[2]]):
        for base in bases:
            try:
                if (base / text).is_file():
                    return base / text
            except (OSError, ValueError):  # a name that no file can have
                return None
    return None


def _find_label(path: Path, names: list[str], columns: list[tuple[str, ...]], files: int) -> int:
    """Return the column of labels: by its name, or the only one that is neither files nor an index."""
    lowered = [name.lower() for name in names]
    rest = [index for index in range(len(names)) if index != files]
    for word in LABEL_NAMES:
        if word in lowered and lowered.index(word) != files:
            return lowered.index(word)
    able = [index for index in rest if not (names[index] and is_index(names[index]))]
    if len(able) > 1:
        able = [index for index in able if len(set(columns[index][1:])) < len(columns[index]) - 1]
    if len(able) != 1:
        found = ", ".join(names[index] or f"column {index + 1}" for index in rest[:5]) or "none"
        raise DataError(
            f"{path} has a column of pictures, but which column is the label is not clear; the others: {found}. "
            "Name it label."
        )
    return able[0]
