"""Images and labels in two ``.npz`` files each, as Kuzushiji-49, Kuzushiji-MNIST and Kannada-MNIST have them.

In: a folder with ``k49-train-imgs.npz`` and ``k49-train-labels.npz``, or ``X_kannada_MNIST_train.npz`` and
``y_kannada_MNIST_train.npz``, and the same of the test part. Out: images uint8 and labels.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

import re
from pathlib import Path

from lenetkit.datasets._entries import list_folder
from lenetkit.datasets._formats.labelled import Labelled, join_parts
from lenetkit.datasets._formats.named_arrays import from_arrays
from lenetkit.datasets._formats.npz import read_npz_array
from lenetkit.datasets._subsets import split_names
from lenetkit.exceptions import DataError

__all__ = ["find_npz_pairs", "read_npz_pairs"]

_NAMES = (
    re.compile(r"(?P<set>.+)-(?P<part>train|test)-(?P<kind>imgs|labels)\.npz"),
    re.compile(r"(?P<kind>[Xy])_(?P<set>.+)_(?P<part>train|test)\.npz"),
)
_KINDS = {"imgs": "images", "X": "images", "labels": "labels", "y": "labels"}


def find_npz_pairs(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the files by (part, kind), if images and labels of a part are there.

    Raises
    ------
    DataError
        If they are of several data sets.
    """
    found = {}
    sets = set()
    for path in list_folder(folder):
        match = next((match for name in _NAMES if (match := name.fullmatch(path.name))), None)
        if match:
            found[match["part"], _KINDS[match["kind"]]] = path
            sets.add(match["set"])
    if not any((part, "images") in found and (part, "labels") in found for part in ("train", "test")):
        return {}
    if len(sets) > 1:
        raise DataError(f"{folder} holds {len(sets)} data sets ({', '.join(sorted(sets))}); make a folder for each.")
    return found


def read_npz_pairs(folder: Path, files: dict[tuple[str, str], Path], subset: str) -> Labelled:
    """Read the parts of a subset.

    Raises
    ------
    DataError
        If a file is missing or does not hold what it should.
    SettingError
        If `subset` is none of the three.
    """
    parts = []
    for part in split_names(subset):
        missing = next((kind for kind in ("images", "labels") if (part, kind) not in files), None)
        if missing:
            held = ", ".join(path.name for path in files.values())
            raise DataError(f"{folder} lacks the {missing} of the {part} part; it has {held}. Load another subset.")
        images, labels = (read_npz_array(files[part, kind]) for kind in ("images", "labels"))
        parts.append(from_arrays(images, labels, str(files[part, "images"])))
    return join_parts(parts, folder)
