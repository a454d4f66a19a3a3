"""Text files of numbers alone, as the UCI repository and older books have them: a line for each image.

In: ``semeion.data`` (pixels, then ten digits of which one is 1), ``optdigits.tra`` and ``.tes`` (pixels, then the
label), ``zip.train`` (the label, then pixels). Out: images uint8 and labels.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit._utils.imports import import_quietly
from lenetkit.datasets._entries import check_classes, name_damage
from lenetkit.datasets._formats.labelled import Format, Labelled, Start
from lenetkit.datasets._formats.packed import DAMAGE, iter_blocks
from lenetkit.datasets._formats.pixel_values import PixelRows, as_labels
from lenetkit.datasets._pixel_tables import square_side
from lenetkit.datasets._subsets import refuse_splits
from lenetkit.exceptions import DataError

__all__ = ["FORMAT"]

_SMALLEST_SIDE = 7
_N_CLASSES = 10


def _cells(line: bytes) -> list[bytes]:
    return line.replace(b",", b" ").split()


def _recognise(start: Start) -> bool:
    line = start.unpacked.lstrip().partition(b"\n")[0]
    cells = _cells(line)
    # The last one may be cut.
    try:
        return len(cells) > 30 and all(np.isfinite(float(cell)) for cell in cells[:-1])
    except ValueError:
        return False


def _read(path: Path, subset: str) -> Labelled:
    refuse_splits(str(path), subset)
    pixels, labels = PixelRows(str(path)), []
    with name_damage(path, "is not a text file of numbers", DAMAGE):
        layout, line = None, 1
        for block in iter_blocks(path):
            rows = _parse(path, block, line)
            layout = layout or _find_layout(path, rows)
            if rows.shape[1] != layout[2]:
                raise DataError(f"{path}: line {line} has {rows.shape[1]} numbers; those before have {layout[2]}.")
            pixels.add(rows[:, layout[0]])
            labels.append(as_labels(rows[:, layout[1]], str(path)))
            line += len(rows)
    if not labels:
        raise DataError(f"{path} has no rows.")
    values = np.concatenate(labels)
    check_classes(values, str(path))
    images = pixels.finish()
    side = square_side(images.shape[1])
    return Labelled(images=images.reshape(-1, side, side), labels=values)


def _parse(path: Path, block: bytes, first: int) -> npt.NDArray[np.float64]:
    require_library("reading numbers in a text file", "pandas")
    import_quietly("pandas")
    import pandas as pd

    separator = "," if b"," in block.partition(b"\n")[0] else r"\s+"
    frame = pd.read_csv(io.BytesIO(block), sep=separator, header=None, dtype=np.float64)
    values = frame.to_numpy()
    missing = ~np.isfinite(values).all(axis=1)
    if missing.any():
        raise DataError(f"{path}: line {first + int(missing.argmax())} has fewer numbers than the first, or none.")
    return values


def _find_layout(path: Path, rows: npt.NDArray[np.float64]) -> tuple[Any, Any, int]:
    """Return the columns of the pixels, those of the label, and how many there are."""
    count = rows.shape[1]
    last = rows[:, -_N_CLASSES:]
    if (
        square_side(count - _N_CLASSES) >= _SMALLEST_SIDE
        and (last.sum(axis=1) == 1).all()
        and np.isin(last, (0, 1)).all()
    ):
        return slice(0, -_N_CLASSES), slice(-_N_CLASSES, None), count
    if square_side(count - 1) >= _SMALLEST_SIDE:
        if _may_be_labels(rows[:, 0]) and not _may_be_labels(rows[:, -1]):
            return slice(1, None), slice(0, 1), count
        if _may_be_labels(rows[:, -1]) and (not _may_be_labels(rows[:, 0]) or not rows[:, 0].any()):
            return slice(0, -1), slice(-1, None), count
        if _may_be_labels(rows[:, 0]):
            ends = [len(np.unique(rows[:, column])) for column in (0, -1)]
            return (slice(0, -1), slice(-1, None), count) if ends[1] > ends[0] else (slice(1, None), slice(0, 1), count)
    raise DataError(
        f"{path} has {count} numbers a line; it must have those of a square image of at least "
        f"{_SMALLEST_SIDE} x {_SMALLEST_SIDE} pixels and its label, before or after them, or ten of which one is 1."
    )


def _may_be_labels(column: npt.NDArray[np.float64]) -> bool:
    return bool((column >= 0).all() and (column < _N_CLASSES).all() and (column == np.floor(column)).all())


FORMAT = Format(
    description="a text file of numbers, a line for each image, as UCI's semeion.data and optdigits.tra",
    recognise=_recognise,
    read=_read,
    rank=60,
)
