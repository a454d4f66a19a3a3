"""Names of classes in a text file beside the data, a line for each, in the order of the labels.

In: the path of a data set. Out: the names. Next: the readers and writers of formats that hold no names themselves.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["class_file", "read_classes"]

_LONGEST = 2**20


def class_file(path: Path) -> Path:
    """Return the path of the text file: ``classes.txt`` in a folder, ``digits.classes.txt`` beside ``digits.csv``."""
    return path / "classes.txt" if path.is_dir() else path.with_name(f"{path.name.split('.')[0]}.classes.txt")


def read_classes(path: Path, labels: npt.NDArray[Any]) -> tuple[str, ...] | None:
    """Return the names that the file holds, None if there is no such file or it does not fit the labels."""
    try:
        file = class_file(path)
        if not file.is_file() or file.stat().st_size > _LONGEST:
            return None
        names = tuple(file.read_text("utf-8").splitlines())
    except (OSError, ValueError):
        return None
    if len(set(names)) < len(names):
        return None
    if labels.dtype.kind == "U":
        return names if np.isin(labels, np.array(names, np.str_)).all() else None
    return names if labels.max(initial=-1) < len(names) else None
