"""What the readers share: several bad entries reported as one error, and which labels can be meant as classes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

__all__ = ["BadEntriesError", "check_classes", "labels_from_text"]

_SHOWN = 20
_ALWAYS_PLAUSIBLE = 10
_LONGEST_NUMBER = 6


class BadEntriesError(DataError):
    """Some entries of a file or folder do not hold what they should.

    Parameters
    ----------
    what : str
        What was read, and what is wrong in general.
    entries : iterable of str
        One line for each bad entry, naming it and saying what is wrong with it.

    Attributes
    ----------
    entries : tuple of str
        All of them; the message shows the first 20 and their number.
    """

    def __init__(self, what: str, entries: Iterable[str]) -> None:
        self.what = what
        self.entries = tuple(entries)
        hidden = len(self.entries) - _SHOWN
        lines = [*self.entries[:_SHOWN], *([f"... and {hidden} more"] if hidden > 0 else [])]
        super().__init__("\n  ".join([f"{what} ({len(self.entries)} in all):", *lines]))

    def __reduce__(self) -> tuple[type["BadEntriesError"], tuple[str, tuple[str, ...]]]:
        return type(self), (self.what, self.entries)


def _plausible(n_present: int, highest: int) -> bool:
    # A corrupt byte read as a label must not make a set of 10 classes one of 200.
    return highest < _ALWAYS_PLAUSIBLE or 2 * n_present >= highest + 1


def check_classes(labels: npt.NDArray[Any], where: str) -> None:
    """Refuse integer labels that cannot number the classes of a set whose classes are not known otherwise.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Integers or strings; strings are always fine.
    where : str
        The file, for messages.

    Raises
    ------
    DataError
        If an integer is negative, or larger than 9 while more than half of the numbers up to it do not occur.
    """
    if labels.dtype.kind not in "iu" or not len(labels):
        return
    n_present = len(np.unique(labels))
    for position in (int(labels.argmin()), int(labels.argmax())):
        label = int(labels[position])
        if label < 0 or not _plausible(n_present, label):
            raise DataError(
                f"{where}: label {position} is {label}, which is no class: labels number the classes from 0, and only "
                f"{n_present} different ones occur. Correct it, or build a Dataset with class_names of your own."
            )


def labels_from_text(names: Sequence[str]) -> npt.NDArray[Any]:
    """Return int64 labels where all class names are whole numbers that can number classes from 0, else the strings.

    Parameters
    ----------
    names : sequence of str
        The name of each class.

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    if all(map(_is_number, names)) and _plausible(len(names), max(map(int, names), default=-1)):
        return np.array([int(name) for name in names], dtype=np.int64)
    return np.array(names, dtype=np.str_)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < _LONGEST_NUMBER and name == str(int(name))
