"""Layout of a CSV file of pixels: its separator, whether it has a header line, and the column that is the label.

In: the path of a file, gzipped or not. Out: a :class:`Layout`.
Next: :mod:`lenetkit.datasets._formats.csv` reads the rows.
"""

import contextlib
import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import attrs

from lenetkit._utils.extras import require_library
from lenetkit._utils.notices import notify
from lenetkit._utils.special_files import describe_special
from lenetkit.datasets._entries import check_classes, labels_from_cells
from lenetkit.datasets._formats.idx import is_gzipped
from lenetkit.datasets._pixel_tables import order_columns, square_side
from lenetkit.exceptions import DataError

__all__ = [
    "DAMAGE",
    "GROUP_NAMES",
    "LABEL_NAMES",
    "SUFFIXES",
    "Layout",
    "find_layout",
    "first_cells",
    "is_index",
    "open_table",
]

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
# pandas' own errors and UnicodeDecodeError are ValueErrors.
DAMAGE = (ValueError, OverflowError, EOFError, csv.Error, zlib.error, gzip.BadGzipFile)
# In the order of preference.
LABEL_NAMES = ("label", "labels", "class", "target", "digit", "y")
GROUP_NAMES = ("group", "groups", "writer", "writer_id")
_INDEX_NAMES = ("", "id", "index", "idx", "image_id", "imageid", "row", "row_id", "rowid")
_SEPARATORS = ",;\t|"
# Tables are for small images: pandas needs seconds for so many columns. A line of them fits in so many bytes.
_SIDE = 512
_MOST_COLUMNS, _LONGEST_LINE = _SIDE**2, 2**23
# Columns besides the pixels, and bytes read at once.
_SPARE, _CHUNK = 10, 2**16
_ROWS = 2000
# A gzip file can hold a thousand times its size: without a limit a small file fills the memory.
_MOST_UNPACKED = 2**30


@attrs.frozen(kw_only=True)
class Layout:
    """Columns of a CSV file by their keys in pandas' frames, and the options that pandas reads it with."""

    options: dict[str, Any]
    label: Any  # None where there is no column of labels
    group: Any  # likewise
    pixels: list[Any]
    shape: tuple[int, int]
    first_line: int


class _Limited(io.RawIOBase):
    """Bytes of a table, each line up to a limit, and what a gzip file holds up to another."""

    def __init__(self, source: Any, path: Path, most: float) -> None:
        self._source, self._path, self._most, self._read = source, path, most, 0
        self._line, self._length = 1, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._source.readinto(buffer)
        self._read += count
        if self._read > self._most:
            raise DataError(
                f"{self._path} holds more than 1 GiB when unpacked; unpack it first: then there is no limit."
            )
        chunk = bytes(memoryview(buffer)[:count])
        first, *others = re.split(rb"\r\n|[\r\n]", chunk)
        for length in (self._length + len(first), *map(len, others)):
            if length > _LONGEST_LINE:
                raise DataError(
                    f"{self._path}: line {self._line} is longer than {_LONGEST_LINE:,} bytes, which no row of at most "
                    f"{_MOST_COLUMNS:,} pixels has. Put each image on a line of its own, or save large ones as PNG."
                )
            self._line, self._length = self._line + 1, length
        self._line -= 1
        return count


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[TextIO]:
    """Open a CSV file, gzipped or not, which is told by its content."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a file: it is {describe_special(path) or 'a folder'}.")
    with path.open("rb") as file:
        packed = is_gzipped(file)
        source = (
            _Limited(gzip.GzipFile(fileobj=file), path, _MOST_UNPACKED) if packed else _Limited(file, path, math.inf)
        )
        yield io.TextIOWrapper(io.BufferedReader(source, _CHUNK), "utf-8-sig", newline="")


def first_cells(path: Path) -> tuple[list[str], str, int]:
    """Return the cells of the first line that is not empty, the separator, and the number of empty lines before it."""
    with open_table(path) as stream:
        blank = 0
        while (line := stream.readline()) and not line.strip():
            blank += 1
    separator = max(_SEPARATORS, key=line.count)
    if line.count(separator) >= _MOST_COLUMNS + _SPARE:
        raise DataError(
            f"{path} has {line.count(separator) + 1:,} columns; the pixels of {_SIDE} x {_SIDE} images are the most. "
            "Save larger images as PNG, in a folder for each class."
        )
    cells = next(csv.reader([line.strip("\r\n")], delimiter=separator, skipinitialspace=True), [])
    return [cell.strip() for cell in cells], separator, blank


def find_layout(path: Path) -> Layout:
    """Find out how a CSV file of pixels is laid out; what is assumed is said in a notice.

    Raises
    ------
    DataError
        If the columns make no image.
    MissingExtraError
        If pandas is not installed.
    """
    require_library("reading a CSV file", "pandas")
    import pandas as pd

    cells, separator, blank = first_cells(path)
    has_header = _is_header(cells)
    options: dict[str, Any] = {
        "sep": separator,
        "header": 0 if has_header else None,
        "skiprows": blank,
        "skipinitialspace": True,
        "skip_blank_lines": False,
    }
    with open_table(path) as stream:
        keys: list[Any] = (
            pd.read_csv(stream, nrows=0, index_col=False, **options).columns.tolist() if has_header else []
        )
    names = [str(key).strip() for key in keys]
    keys = keys or list(range(len(cells)))
    by_name = dict(zip(names, keys, strict=False))
    label = next((by_name[name] for word in LABEL_NAMES for name in names if name.lower() == word), None)
    group = next((by_name[word] for word in GROUP_NAMES if word in by_name), None)
    named = [name for name in names if by_name[name] not in (label, group) and not is_index(name)]
    side = square_side(len(named or keys) - 1)
    if label is None and side > 1 and not square_side(len(named or keys)) and "1x1" not in named:
        rest = [by_name[name] for name in named] or keys
        what = "no column named label" if has_header else "no header line"
        label = _choose_label(path, options, rest, what)
        pixels, shape = [key for key in rest if key != label], (side, side)
    elif named:
        ordered, shape = order_columns(path, named)
        pixels = [by_name[name] for name in ordered]
    elif has_header or square_side(len(keys)) < 2:
        raise DataError(
            f"{path} must have a header line with the columns label, pixel0, pixel1, ..., or no header and the label "
            f"before the pixels of a square image; it starts with {', '.join(cells[:3]) or 'nothing'} and has "
            f"{len(cells)} columns."
        )
    else:
        pixels, shape = keys, (square_side(len(keys)),) * 2
    first_line = blank + (2 if has_header else 1)
    return Layout(options=options, label=label, group=group, pixels=pixels, shape=shape, first_line=first_line)


def is_index(name: str) -> bool:
    """Tell by its name whether a column numbers the rows."""
    return name.lower() in _INDEX_NAMES or name.lower().startswith("unnamed:")


def _is_header(cells: list[str]) -> bool:
    """Tell a line of names from a row: names are no numbers, or number the columns."""
    numbers = [cell for cell in cells if _is_number(cell)]
    # As a table without names is saved: 0, 1, 2, ... after an empty cell or the label's name.
    if len(numbers) > 1 and any(numbers == [str(i) for i in range(s, s + len(numbers))] for s in (0, 1)):
        return True
    inside = [cell for cell in cells[1:-1] if not _is_number(cell) and cell]
    return bool(inside) or len(numbers) < len(cells) - 1 or len(numbers) < 2


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _choose_label(path: Path, options: dict[str, Any], keys: list[Any], what: str) -> Any:
    """Return the first column, or the last where the first cannot be labels and the last can."""
    import pandas as pd

    first, last = keys[0], keys[-1]
    for rows in (_ROWS, None):
        with open_table(path) as stream:
            frame = pd.read_csv(stream, nrows=rows, usecols=[first, last], dtype=str, **options)
        if _can_be_labels(frame[first]):
            chosen = first
            break
        chosen = last if _can_be_labels(frame[last]) else first
    where = "first" if chosen == first else "last"
    side = square_side(len(keys) - 1)
    notify(
        f"{path} has {what}: the {where} of its {len(keys)} columns is read as the label, the other {len(keys) - 1} as "
        f"the pixels of {side} x {side} images."
    )
    return chosen


def _can_be_labels(cells: Any) -> bool:
    found = cells.dropna()
    if found.nunique() < 2:
        return False
    try:
        check_classes(labels_from_cells(found.tolist()), "")
    except (DataError, OverflowError):
        return False
    return True
