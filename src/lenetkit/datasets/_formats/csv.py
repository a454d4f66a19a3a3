"""Images in a table: the layout of Kaggle's digit recogniser.

In: a CSV file with a header line, a column ``label`` and one column for each pixel, or a pandas.DataFrame without
labels. Out: images uint8, and labels. Files are read through pandas, some rows at a time, so that only the bytes of the
images are kept.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them, :func:`lenetkit.datasets.read_images` hands on
the images of a table.
"""

import math
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._formats.entries import BadEntriesError, check_classes, name_damage
from lenetkit.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_csv", "read_table"]

_NUMBERED = re.compile(r"pixel(\d{1,6})")
_PLACED = re.compile(r"(\d{1,4})x(\d{1,4})")
_ROWS = 2000


def read_csv(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    """Read a CSV file with the columns ``label`` and ``pixel0``, ``pixel1``, ...

    The pixels may also be numbered from 1; they run along the rows of a square image. For images that are not square
    name the columns ``1x1``, ``1x2``, ... (row x column). The columns may stand in any order. Labels are int64 where
    all are integers, else str.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing or the pixels make no rectangle; or if a pixel is missing or not
        an integer from 0 to 255, or a label is missing, fractional or negative: then each such row is named.
    """
    import pandas as pd

    # pandas' own errors and UnicodeDecodeError are ValueErrors.
    with name_damage(path, "is not a CSV file in Kaggle's layout", (ValueError, OverflowError)):
        names = [str(column) for column in pd.read_csv(path, nrows=0, index_col=False).columns]
        if "label" not in names or len(names) < 2:
            raise DataError(
                f"{path} must have a header line with the columns label, pixel0, pixel1, ...; it starts with "
                f"{', '.join(names[:3]) or 'nothing'}{'' if 'label' in names else ' and has no column label'}."
            )
        names.remove("label")
        columns, shape = _in_order(path, names)
        pixels: list[npt.NDArray[np.uint8]] = []
        labels: list[str] = []
        bad: list[str] = []
        with pd.read_csv(
            path, low_memory=False, chunksize=_ROWS, dtype={"label": str}, skip_blank_lines=False
        ) as frames:
            for frame in frames:
                if not isinstance(frame.index, pd.RangeIndex):
                    raise DataError(f"{path}: the first rows have more values than there are columns.")
                rows = frame.dropna(how="all")
                numbers = _as_numbers(rows[columns])
                bad += _bad_rows(rows, numbers, columns)
                if not bad:
                    pixels.append(numbers.astype(np.uint8))
                    labels += rows["label"].tolist()
        if bad:
            raise BadEntriesError(f"{path} has rows that are no images with a label", bad)
        if not labels:
            raise DataError(f"{path} has a header line but no rows.")
        values = _as_labels(labels)
        check_classes(values, str(path))
        return np.concatenate(pixels).reshape(-1, *shape), values


def read_table(table: "pd.DataFrame") -> npt.NDArray[np.uint8]:
    """Return the images of a pandas.DataFrame that has one row for each, and a column for each pixel.

    The columns are those of :func:`read_csv`, without ``label``; an integer stands for ``pixel`` with that number.

    Raises
    ------
    DataError
        If the columns make no rectangle, there are no rows, or a pixel is missing or not an integer from 0 to 255.
    """
    what = "the table of pixels"
    names = [str(name) if isinstance(name, str) else f"pixel{name}" for name in table.columns]
    if "label" in names:
        raise DataError(f"{what} has a column label: pass the pixels alone, table.drop(columns='label').")
    if not len(table) or not names or len(set(names)) != len(names):
        raise DataError(f"{what} must have rows and columns of different names; got {table.shape[0]} x {len(names)}.")
    columns, shape = _in_order(what, names)
    numbers = _as_numbers(table.set_axis(names, axis=1)[columns])
    bad = np.argwhere(~_are_pixels(numbers))
    if len(bad):
        row, column = bad[0].tolist()
        raise DataError(
            f"{what}: {columns[column]} in row {row} must be an integer from 0 to 255; it is "
            f"{table[table.columns[names.index(columns[column])]].iloc[row]!r}. "
            "LeNetClassifier takes tables of other numbers."
        )
    return numbers.astype(np.uint8).reshape(-1, *shape)


def _in_order(path: object, names: list[str]) -> tuple[list[str], tuple[int, int]]:
    """Return the pixel columns along the rows of the image, and its height and width."""
    for pattern, compute_shape in ((_NUMBERED, _square_shape), (_PLACED, _placed_shape)):
        matches = [pattern.fullmatch(name) for name in names]
        if matches[0] is not None:
            strange = next((name for name, match in zip(names, matches, strict=True) if match is None), None)
            if strange is not None:
                raise DataError(f"{path}: the column {strange!r} is neither label nor a pixel like {names[0]}.")
            found = {tuple(map(int, match.groups())): name for name, match in zip(names, matches, strict=True) if match}
            return [found[numbers] for numbers in sorted(found)], compute_shape(path, found, len(names))
    raise DataError(f"{path}: the columns of pixels must be pixel0, pixel1, ... or 1x1, 1x2, ...; got {names[0]!r}.")


def _square_shape(path: object, found: Collection[tuple[int, ...]], n_columns: int) -> tuple[int, int]:
    first = 0 if (0,) in found else 1
    missing = next((number for number in range(first, first + n_columns) if (number,) not in found), None)
    if missing is not None:
        raise DataError(
            f"{path}: the column pixel{missing} is missing; there are {n_columns} up to pixel{max(found)[0]}."
        )
    side = math.isqrt(n_columns)
    if side * side != n_columns:
        raise DataError(
            f"{path}: {n_columns} pixels make no square image ({side} x {side} would be {side * side}). If a column "
            "is missing, add it; if the images are not square, name the columns 1x1, 1x2, ... (row x column)."
        )
    return side, side


def _placed_shape(path: object, found: Collection[tuple[int, ...]], n_columns: int) -> tuple[int, int]:
    height, width = map(max, zip(*found, strict=True))
    wanted = height * width
    if not wanted == len(found) == n_columns or min(map(min, found)) != 1:
        raise DataError(
            f"{path}: the columns must be 1x1 to {height}x{width} (row x column), {wanted} in all, each once; "
            f"got {n_columns}."
        )
    return height, width


def _as_numbers(frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
    import pandas as pd

    numbers = {
        name: pd.to_numeric(frame[name].astype(str), errors="coerce")
        for name in frame.columns
        if frame[name].dtype.kind not in "iuf"
    }
    return frame.assign(**numbers).to_numpy(dtype=np.float64)


def _are_pixels(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.asarray((values >= 0) & (values <= 255) & (values == np.floor(values)))


def _bad_rows(rows: "pd.DataFrame", values: npt.NDArray[np.float64], columns: list[str]) -> list[str]:
    good = _are_pixels(values)
    good_labels = _good_labels(rows["label"])
    entries = []
    for position in np.flatnonzero(~(good.all(axis=1) & good_labels)).tolist():
        name = columns[int(good[position].argmin())] if good_labels[position] else "label"
        wanted = "an integer from 0 to 255" if good_labels[position] else "a class name or an integer from 0"
        value = rows[name].iloc[position]
        found = "missing" if value != value else repr(str(value))
        row = int(rows.index[position])
        entries.append(f"row {row} (line {row + 2}): {name} must be {wanted}; it is {found}")
    return entries


def _good_labels(labels: "pd.Series[Any]") -> npt.NDArray[np.bool_]:
    import pandas as pd

    numbers = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    whole = (numbers >= 0) & (numbers < 2**53) & (numbers == np.floor(numbers))
    return np.asarray(labels.notna().to_numpy(dtype=np.bool_) & (whole | np.isnan(numbers)))


def _as_labels(texts: Sequence[str]) -> npt.NDArray[Any]:
    try:
        # By way of float, because a spreadsheet writes 7.0.
        return np.array([int(float(text)) for text in texts], dtype=np.int64)
    except ValueError:
        return np.array([text.strip() for text in texts], dtype=np.str_)
