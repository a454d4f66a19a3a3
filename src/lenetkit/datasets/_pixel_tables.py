"""Tables with a column for each pixel: the order of the columns, the shape of the images, the values.

In: a pandas.DataFrame with a row for each image. Out: images uint8 (n, height, width).
Next: :func:`lenetkit.datasets.read_images` hands them on; CSV files are read by the same rules.
"""

import math
import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenetkit._utils.names import shorten
from lenetkit.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["are_pixels", "as_numbers", "order_columns", "read_table", "square_side"]

# pixel0, px_1, V2, 3: one beginning for all, and a number.
_NUMBERED = re.compile(r"(?P<prefix>\D*)(\d{1,6})")
_PLACED = re.compile(r"(?P<prefix>)(\d{1,4})x(\d{1,4})")


def read_table(table: "pd.DataFrame") -> npt.NDArray[np.uint8]:
    """Return the images of a pandas.DataFrame that has one row for each, and a column for each pixel.

    The columns are those of a CSV file of pixels, without ``label``; an integer stands for ``pixel`` with that number.

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
    columns, shape = order_columns(what, names)
    numbers = as_numbers(table.set_axis(names, axis=1)[columns])
    bad = np.argwhere(~are_pixels(numbers))
    if len(bad):
        row, column = bad[0].tolist()
        raise DataError(
            f"{what}: {columns[column]} in row {row} must be an integer from 0 to 255; it is "
            f"{shorten(repr(table[table.columns[names.index(columns[column])]].iloc[row]))}. "
            "LeNetClassifier takes tables of other numbers."
        )
    return numbers.astype(np.uint8).reshape(-1, *shape)


def order_columns(path: object, names: list[str]) -> tuple[list[str], tuple[int, int]]:
    """Return the pixel columns along the rows of the image, and its height and width."""
    for pattern in (_PLACED, _NUMBERED):
        matches = [pattern.fullmatch(name) for name in names]
        if matches[0] is not None:
            prefix = matches[0]["prefix"]
            paired = [(name, match) for name, match in zip(names, matches, strict=True) if match]
            fitting = {tuple(map(int, match.groups()[1:])): name for name, match in paired if match["prefix"] == prefix}
            known = set(fitting.values())
            strange = next((name for name in names if name not in known), None)
            if strange is not None:
                raise DataError(
                    f"{path}: the column {shorten(repr(strange))} is neither label nor a pixel like {names[0]}."
                )
            count = len(names)
            shape = _placed_shape(path, fitting, count) if pattern is _PLACED else _square(path, fitting, count, prefix)
            return [fitting[numbers] for numbers in sorted(fitting)], shape
    raise DataError(
        f"{path}: the columns of pixels must be pixel0, pixel1, ... or 1x1, 1x2, ...; got {shorten(repr(names[0]))}."
    )


def _square(path: object, found: Collection[tuple[int, ...]], n_columns: int, prefix: str) -> tuple[int, int]:
    first = 0 if (0,) in found else 1
    missing = next((number for number in range(first, first + n_columns) if (number,) not in found), None)
    if missing is not None:
        raise DataError(
            f"{path}: the column {prefix}{missing} is missing; there are {n_columns} up to {prefix}{max(found)[0]}."
        )
    side = square_side(n_columns)
    if not side:
        side = math.isqrt(n_columns)
        raise DataError(
            f"{path}: {n_columns} pixels make no square image ({side} x {side} would be {side * side}). If a column "
            "is missing, add it; if the images are not square, name the columns 1x1, 1x2, ... (row x column)."
        )
    return side, side


def square_side(n_pixels: int) -> int:
    """Return the side of a square image of so many pixels, 0 if they make none."""
    side = math.isqrt(max(n_pixels, 0))
    return side if side * side == n_pixels else 0


def _placed_shape(path: object, found: Collection[tuple[int, ...]], n_columns: int) -> tuple[int, int]:
    height, width = map(max, zip(*found, strict=True))
    wanted = height * width
    if not wanted == len(found) == n_columns or min(map(min, found)) != 1:
        raise DataError(
            f"{path}: the columns must be 1x1 to {height}x{width} (row x column), {wanted} in all, each once; "
            f"got {n_columns}."
        )
    return height, width


def as_numbers(frame: "pd.DataFrame") -> npt.NDArray[np.float64]:
    """Return the values as float64, NaN for what is no number."""
    import pandas as pd

    numbers = {
        name: pd.to_numeric(frame[name].astype(str), errors="coerce")
        for name in frame.columns
        if frame[name].dtype.kind not in "iuf"
    }
    return frame.assign(**numbers).to_numpy(dtype=np.float64)


def are_pixels(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which values are integers from 0 to 255."""
    return np.asarray((values >= 0) & (values <= 255) & (values == np.floor(values)))
