"""CSV files of pixels: the layout of Kaggle's digit recogniser.

In: a CSV file with a header line, a column ``label`` and one column for each pixel.
Out: images uint8, and labels. The file is read through pandas, some rows at a time, so that only the bytes of the
images are kept.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._entries import BadEntriesError, check_classes, name_damage
from lenetkit.datasets._pixel_tables import are_pixels, as_numbers, order_columns
from lenetkit.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_csv"]

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
        columns, shape = order_columns(path, names)
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
                numbers = as_numbers(rows[columns])
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


def _bad_rows(rows: "pd.DataFrame", values: npt.NDArray[np.float64], columns: list[str]) -> list[str]:
    good = are_pixels(values)
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
