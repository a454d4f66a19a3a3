"""CSV files of pixels: Kaggle's digit recogniser and its relatives, with or without a header, gzipped or not.

In: a CSV file with one row for each image. Out: images uint8, and labels. The file is read through pandas, some rows
at a time, so that only the bytes of the images are kept.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._entries import BadEntriesError, check_classes, labels_from_cells, name_damage
from lenetkit.datasets._formats.csv_layout import DAMAGE, SUFFIXES, Layout, find_layout, open_table
from lenetkit.datasets._pixel_tables import are_pixels, as_numbers
from lenetkit.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_pixel_table", "read_csv", "read_pixel_table"]

_ROWS = 2000


def is_pixel_table(path: object) -> bool:
    """Tell by its name whether a file is a table: ``.csv`` or ``.tsv``, gzipped or not."""
    return str(path).lower().endswith(SUFFIXES)


def read_csv(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any], None, npt.NDArray[Any] | None]:
    """Read a CSV file with the columns ``label`` and ``pixel0``, ``pixel1``, ...

    The label's column may also be called class, target, digit or y. The pixels may be numbered from 1 or have another
    beginning of their names, one for all; they run along the rows of a square image. For images that are not square
    name the columns ``1x1``, ``1x2``, ... (row x column). The columns may stand in any order; an index column (without
    a name, or called id or index) is passed over. Without a header line the first column is the label, or the last one
    if the first cannot be; a notice says so. Separators are commas, semicolons, tabs or bars. Labels are int64 where
    all are integers, else str.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing or the pixels make no rectangle; or if a pixel is missing or not
        an integer from 0 to 255, or a label is missing, fractional or negative: then each such row is named.
    """
    with name_damage(path, "is not a CSV file of images", DAMAGE):
        layout = find_layout(path)
        if layout.label is None:
            height, width = layout.shape
            raise DataError(
                f"{path} has the pixels of {height} x {width} images but no column label (or class, target, digit, y). "
                "Add it; to have images without labels answered: lenetkit predict."
            )
        images, cells, groups = _read_rows(path, layout)
        labels = labels_from_cells(cells)
        check_classes(labels, str(path))
        return images, labels, None, labels_from_cells(groups) if groups else None


def read_pixel_table(path: Path) -> npt.NDArray[np.uint8]:
    """Read the images of a CSV file (n, height, width) as :func:`read_csv` does; a column of labels is passed over.

    Raises
    ------
    DataError
        If the file cannot be read or the pixels are no images.
    """
    with name_damage(path, "is not a CSV file of images", DAMAGE):
        return _read_rows(path, find_layout(path))[0]


def _read_rows(path: Path, layout: Layout) -> tuple[npt.NDArray[np.uint8], list[str], list[str]]:
    pixels: list[npt.NDArray[np.uint8]] = []
    labels: list[str] = []
    groups: list[str] = []
    bad: list[str] = []
    for frame in _frames(path, layout):
        rows = frame.dropna(how="all")
        numbers = as_numbers(rows[layout.pixels])
        bad += _bad_rows(rows, numbers, layout)
        if not bad:
            pixels.append(numbers.astype(np.uint8))
            labels += [] if layout.label is None else rows[layout.label].tolist()
            groups += [] if layout.group is None else rows[layout.group].fillna("").tolist()
    if bad:
        raise BadEntriesError(f"{path} has rows that are no images with a label", bad)
    if not sum(map(len, pixels)):
        raise DataError(f"{path} has a header line but no rows.")
    return np.concatenate(pixels).reshape(-1, *layout.shape), labels, groups


def _frames(path: Path, layout: Layout) -> "Iterator[pd.DataFrame]":
    import pandas as pd

    types = {column: str for column in (layout.label, layout.group) if column is not None}
    with (
        open_table(path) as stream,
        pd.read_csv(stream, low_memory=False, chunksize=_ROWS, dtype=types, **layout.options) as frames,
    ):
        for frame in frames:
            if not isinstance(frame.index, pd.RangeIndex):
                raise DataError(f"{path}: the first rows have more values than there are columns.")
            yield frame


def _bad_rows(rows: "pd.DataFrame", values: npt.NDArray[np.float64], layout: Layout) -> list[str]:
    good = are_pixels(values)
    good_labels = np.ones(len(rows), np.bool_) if layout.label is None else _good_labels(rows[layout.label])
    entries = []
    for position in np.flatnonzero(~(good.all(axis=1) & good_labels)).tolist():
        column = layout.pixels[int(good[position].argmin())] if good_labels[position] else layout.label
        wanted = "an integer from 0 to 255" if good_labels[position] else "a class name or an integer from 0"
        value = rows[column].iloc[position]
        found = "missing" if value != value else repr(str(value))
        row = int(rows.index[position])
        name = column if isinstance(column, str) else f"column {column + 1}"
        entries.append(f"row {row} (line {row + layout.first_line}): {name} must be {wanted}; it is {found}")
    return entries


def _good_labels(labels: "pd.Series[Any]") -> npt.NDArray[np.bool_]:
    import pandas as pd

    numbers = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    whole = (numbers >= 0) & (numbers < 2**53) & (numbers == np.floor(numbers))
    return np.asarray(labels.notna().to_numpy(dtype=np.bool_) & (whole | np.isnan(numbers)))
