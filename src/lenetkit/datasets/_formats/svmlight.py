"""Files of svmlight and LIBSVM: a label and ``column:value`` for each pixel that is not zero, packed or not.

In: a file such as LIBSVM's ``mnist.scale.bz2`` or ``usps.t.bz2``. Out: images uint8 and labels.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.

Columns are numbered from 1 by the format's authors, and from 0 by many programs. A column 0 or one that completes a
square tells which; otherwise both are tried: one column too far, ink goes over an edge of the images.
"""

import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.notices import notify
from lenetkit.datasets._entries import check_classes, name_damage
from lenetkit.datasets._formats.labelled import Format, Labelled, Start
from lenetkit.datasets._formats.packed import DAMAGE, iter_blocks
from lenetkit.datasets._formats.pixel_values import PixelRows, as_labels
from lenetkit.datasets._pixel_tables import square_side
from lenetkit.datasets._subsets import refuse_splits
from lenetkit.exceptions import DataError

__all__ = ["FORMAT"]

_Piece = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]

_NUMBER = rb"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"
_LINE = re.compile(rb"\s*" + _NUMBER + rb"(?:\s+qid:[0-9]+)?(?:\s+[0-9]+:" + _NUMBER + rb")+\s*(?:#.*)?")
_MOST_COLUMNS = 512**2
_SMALLEST_SIDE = 5
_MOST_BYTES = 2**30


def _recognise(start: Start) -> bool:
    lines = [line for line in start.unpacked.split(b"\n") if line.strip() and not line.startswith(b"#")]
    if not lines:
        return False
    first = lines[0] if len(lines) > 1 else lines[0].rpartition(b" ")[0] or lines[0]
    return _LINE.fullmatch(first.rstrip()) is not None


def _read(path: Path, subset: str) -> Labelled:
    refuse_splits(str(path), subset)
    with name_damage(path, "is not a file of svmlight", (*DAMAGE, OverflowError)):
        pieces, numbers = _read_rows(path)
    labels = as_labels(np.concatenate(numbers), str(path))
    base, side = _find_base(path, pieces)
    if len(labels) * side * side > _MOST_BYTES:
        raise DataError(f"{path} would take {len(labels) * side * side:,} bytes as images; 1 GiB is the most.")
    pixels = PixelRows(str(path), len(labels))
    pieces.reverse()
    while pieces:
        lengths, columns, values = pieces.pop()
        dense = np.zeros((len(lengths), side * side), values.dtype)
        dense[np.repeat(np.arange(len(lengths)), lengths), columns.astype(np.int64) - base] = values
        pixels.add(dense)
    check_classes(labels, str(path))
    return Labelled(images=pixels.finish().reshape(-1, side, side), labels=labels)


def _read_rows(path: Path) -> tuple[list[_Piece], list[npt.NDArray[Any]]]:
    """Return the rows, some at a time, as their lengths, columns and values, in few bytes; and the labels."""
    require_library("reading an svmlight file", "sklearn")
    import_quietly("sklearn.datasets")
    from sklearn.datasets import load_svmlight_file

    pieces: list[_Piece] = []
    labels = []
    for block in iter_blocks(path):
        rows, numbers = load_svmlight_file(io.BytesIO(block), dtype=np.float32, zero_based=True)
        if not len(numbers):
            continue
        if rows.shape[1] > _MOST_COLUMNS + 1:
            raise DataError(f"{path} has a column {rows.shape[1] - 1:,}; {_MOST_COLUMNS:,} pixels are the most.")
        small = rows.data.size and rows.data.min() >= 0 and rows.data.max() <= 255
        bytes_ = small and (rows.data == np.floor(rows.data)).all()
        narrow = np.uint16 if rows.shape[1] < 2**16 else np.int32
        values = rows.data.astype(np.uint8) if bytes_ else rows.data
        pieces.append((np.diff(rows.indptr), rows.indices.astype(narrow), values))
        labels.append(numbers)
    if not labels:
        raise DataError(f"{path} has no rows.")
    return pieces, labels


def _find_base(path: Path, pieces: Sequence[_Piece]) -> tuple[int, int]:
    """Return the number of the first column, 0 or 1, and the side of the images."""
    counts = np.zeros(_MOST_COLUMNS + 2)
    for _, columns, values in pieces:
        # Where values begin below 0, what stands out from the first is ink.
        ink = np.bincount(columns, np.abs(values - np.float32(min(values.min(initial=0), 0))), 0)
        counts[: len(ink)] += ink
    used = np.flatnonzero(counts)
    highest = max((int(columns.max(initial=0)) for _, columns, _ in pieces), default=0)
    has_zero = any((columns == 0).any() for _, columns, _ in pieces)
    side = max(math.isqrt(max(highest - (not has_zero), 0)) + 1, 1)
    if side < _SMALLEST_SIDE:
        raise DataError(f"{path} has {highest} columns, too few for images of {_SMALLEST_SIDE} x {_SMALLEST_SIDE}.")
    if has_zero or square_side(highest):
        return (0 if has_zero else 1), side
    fits = [0, 1] if highest < side * side else [1]
    edges = {}
    for base in fits:
        columns = (used - base) % side
        middle = np.average(columns, weights=counts[used]) - (side - 1) / 2 if len(used) else 0
        edges[base] = (counts[used][(columns == 0) | (columns == side - 1)].sum(), abs(middle), -base)
    base = min(edges, key=lambda base: edges[base])
    notify(f"{path}: the images are read as {side} x {side}, and its columns as numbered from {base}.")
    return base, side


FORMAT = Format(
    description="a file of svmlight or LIBSVM (label column:value ...), packed or not", recognise=_recognise, read=_read
)
