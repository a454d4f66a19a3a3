"""Images and probabilities as text for a terminal, without control characters.

In: arrays. Out: lines of at most 76 characters.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit._utils.printable import printable
from lenetkit.diagnosis._pictures import Array

__all__ = ["bars", "strip"]

_SHADES = np.array(list(" ░▒▓█"))
# A character is about twice as high as it is wide.
_COLUMNS, _ROWS = 24, 12
_PER_LINE = 3
_GAP = "  "


def strip(stages: Sequence[tuple[str, Array]]) -> str:
    """Return images side by side, three in a line of 76 characters, bright pixels as full blocks."""
    lines = []
    for start in range(0, len(stages), _PER_LINE):
        columns = [
            [(name if len(name) <= _COLUMNS else f"{name[: _COLUMNS - 1]}…").ljust(_COLUMNS), *_blocks(picture)]
            for name, picture in stages[start : start + _PER_LINE]
        ]
        lines += [*(_GAP.join(row).rstrip() for row in zip(*columns, strict=True)), ""]
    return "\n".join(lines[:-1])


def bars(classes: Array, probabilities: Array, most: int = 3) -> str:
    """Return the most probable classes, each with its probability and a bar."""
    best = np.argsort(-probabilities, kind="stable")[:most]
    names = {index: printable(classes[index]) for index in best}
    width = max(map(len, names.values()))
    lengths = np.rint(probabilities * _COLUMNS).astype(int)
    lines = (f"{names[index]:>{width}}  {probabilities[index]:.4f}  {'█' * lengths[index]}" for index in best)
    return "\n".join(line.rstrip() for line in lines)


def _blocks(picture: Array) -> list[str]:
    """Return an image in characters, as large as fits, its aspect ratio kept."""
    grey = _grey(picture)
    height, width = grey.shape
    scale = min(_COLUMNS / width, 2 * _ROWS / height)
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale / 2))
    small = Image.fromarray(grey).resize((columns, rows), Image.Resampling.BOX)
    shades = np.rint(np.asarray(small) * (len(_SHADES) - 1)).astype(int)
    lines = ["".join(_SHADES[row]).ljust(_COLUMNS) for row in shades]
    return lines + [" " * _COLUMNS] * (_ROWS - rows)


def _grey(picture: Array) -> npt.NDArray[np.float32]:
    """Return float32 from 0 to 1: of white for uint8, else of the picture's own range where that is another."""
    plane = picture.mean(axis=2, dtype=np.float32) if picture.ndim == 3 else picture.astype(np.float32)
    values: npt.NDArray[np.float32] = np.nan_to_num(plane)
    low, high = (0.0, 255.0) if picture.dtype == np.uint8 else (float(values.min()), float(values.max()))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return np.asarray((values - low) / max(high - low, 1e-6), np.float32)
