"""Photographs and scans of sheets that ``lenetkit sheet`` printed: each box is a labelled image.

In: a folder of pictures, or a picture. Out: images uint8 (n, 64, 64), labels, and the sheets' numbers as groups.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenetkit._utils.notices import notify
from lenetkit.datasets._entries import BadEntriesError
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._images import load_bytes, measure_image, read_image
from lenetkit.datasets._sheets import SheetBoxes, find_sheet, read_sheet
from lenetkit.exceptions import DataError

__all__ = ["read_sheets"]

# A smaller picture shows no sheet that can be read.
_SMALLEST_SIDE = 600
# So many pictures without a sheet are taken for pictures of something else.
_TRIED = 3


def read_sheets(where: Path, pictures: Sequence[Path]) -> Labelled | None:
    """Return the boxes of sheets in photographs, or None if these show none.

    Raises
    ------
    DataError
        If some show no whole sheet, or all boxes are empty: all of them are named.
    """
    if not pictures or not all(map(_is_large, pictures[:_TRIED])):
        return None
    found: list[tuple[int, SheetBoxes]] = []
    bad: list[str] = []
    for index, path in enumerate(pictures):
        if index == _TRIED and not found and not bad:
            return None
        try:
            picture = read_image(path)
            sheet = find_sheet(picture, str(path))
        except DataError as error:
            bad.append(str(error))
            continue
        if sheet is not None:
            found.append((sheet.number, read_sheet(picture, sheet)))
        elif found or bad:
            bad.append(f"{path} shows no sheet with its four corner marks; photograph it anew, or take it out")
    if not found and (not bad or len(pictures) > len(bad)):
        return None
    if bad:
        raise BadEntriesError(f"{where} has photographs of sheets that cannot be read", bad)
    _say_what_is_left_out(where, pictures, found)
    labels = np.concatenate([boxes.labels for _, boxes in found])
    if not len(labels):
        raise DataError(f"{where}: nothing is written on the sheets; fill them in with a dark pen.")
    groups: npt.NDArray[np.int64] = np.repeat([number for number, _ in found], [len(b.labels) for _, b in found])
    return Labelled(images=np.concatenate([boxes.images for _, boxes in found]), labels=labels, groups=groups)


def _is_large(path: Path) -> bool:
    try:
        return min(measure_image(load_bytes(path, str(path)), str(path))) >= _SMALLEST_SIDE
    except DataError:
        return False


def _say_what_is_left_out(where: Path, pictures: Sequence[Path], found: Sequence[tuple[int, SheetBoxes]]) -> None:
    n_empty = sum(boxes.n_empty for _, boxes in found)
    unreadable = [
        f"{path.name}, {place}" for path, (_, boxes) in zip(pictures, found, strict=True) for place in boxes.unreadable
    ]
    if n_empty:
        notify(f"{where}: {n_empty} boxes of the sheets are empty.")
    if unreadable:
        shown = "; ".join(unreadable[:10]) + (f"; and {len(unreadable) - 10} more" if len(unreadable) > 10 else "")
        notify(f"{where}: left out, since no digit can be told: {shown}.")
