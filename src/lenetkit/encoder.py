"""Stage 3: labels <-> the numbers that a network learns.

In: labels of shape (n,), integers, strings or bools, as :class:`lenetkit.datasets.Dataset` holds them.
Out: one-hot targets, float32 of shape (n, n_classes), or class indices, int64 of shape (n,).
Back: one row of targets or probabilities per image -> labels.
Next: :mod:`lenetkit.trainer` learns from the targets; :mod:`lenetkit.evaluator` compares probabilities with labels.
"""

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, LenetkitError, NotFittedError, SettingError

__all__ = ["LabelEncoder"]

LabelArray = npt.NDArray[Any]
_KINDS = {"i": "int", "U": "str", "b": "bool"}


class LabelEncoder:
    """Turn labels into one-hot targets and probabilities back into labels.

    A label is a name, not a position: integers (negative ones too), strings and bools are accepted, one kind at a time.
    Floats that hold integers, as a CSV file with gaps gives them, are read as integers. Everything else is refused,
    naming the first offender: fractions, missing values (NaN, None, empty strings), 2-D labels and mixed kinds.

    Parameters
    ----------
    classes : array-like of shape (n_classes,), optional
        Fix the classes and their order beforehand, for example ``range(10)``, so that a class which happens to be
        missing from the training part exists all the same. Learnt from the labels by default.

    Examples
    --------
    >>> from lenetkit.encoder import LabelEncoder
    >>> encoder = LabelEncoder().fit(["seven", "one", "seven"])
    >>> encoder.classes_.tolist()
    ['one', 'seven']
    >>> encoder.transform(["seven", "one"])
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    >>> encoder.inverse_transform([[0.2, 0.8], [0.9, 0.1]]).tolist()
    ['seven', 'one']
    """

    def __init__(self, classes: npt.ArrayLike | None = None) -> None:
        self.classes = classes
        self._classes: LabelArray | None = None

    def __repr__(self) -> str:
        return "LabelEncoder()" if self.classes is None else f"LabelEncoder(classes={reprlib.repr(self.classes)})"

    @property
    def classes_(self) -> LabelArray:
        """The classes in the order of the target's columns: ndarray of shape (n_classes,), int64, str or bool.

        Sorted where they were learnt, in the given order where they were fixed.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        if self._classes is None:
            raise NotFittedError("this LabelEncoder does not know its classes yet: call fit(labels) first.")
        return self._classes

    def fit(self, labels: npt.ArrayLike) -> Self:
        """Learn the classes; where they were fixed beforehand, check the labels against them.

        Parameters
        ----------
        labels : array-like of shape (n,)
            Integers, strings or bools: an array, a list, a pandas Series or Categorical.

        Returns
        -------
        LabelEncoder
            This encoder.

        Raises
        ------
        DataError
            If there are no labels, or one of them is missing, fractional, of another kind than the others or not
            among the fixed classes: the message names its row and value.
        SettingError
            If the fixed classes are empty, repeat themselves or are no labels.

        Examples
        --------
        >>> LabelEncoder().fit([5, 0, 4, 5]).classes_
        array([0, 4, 5])
        """
        seen = _as_labels(labels, "labels", DataError)
        if not seen.size:
            raise DataError("labels is empty: there must be at least one label to learn the classes from.")
        classes = np.unique(seen) if self.classes is None else _as_classes(self.classes, SettingError)
        _find_indices(seen, classes)
        self._classes = classes
        return self

    def indices(self, labels: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return each label's index in ``classes_``, for sparse losses.

        Parameters
        ----------
        labels : array-like of shape (n,)
            Labels that :meth:`fit` has seen or that were fixed beforehand.

        Returns
        -------
        ndarray of shape (n,)
            int64 in [0, n_classes).

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If a label is unknown, missing, fractional or of another kind: the message names its row and value.

        Examples
        --------
        >>> LabelEncoder().fit([5, 0, 4]).indices([4, 5, 5])
        array([1, 2, 2])
        """
        return _find_indices(_as_labels(labels, "labels", DataError), self.classes_)

    def transform(self, labels: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return one-hot targets; for classes 0 to n - 1 those of ``keras.utils.to_categorical``, bit for bit.

        Labels and errors are those of :meth:`indices`.

        Returns
        -------
        ndarray of shape (n, n_classes)
            float32, one 1 in each row.

        Examples
        --------
        >>> LabelEncoder(classes=range(3)).fit([0, 2]).transform([2, 1])
        array([[0., 0., 1.],
               [0., 1., 0.]], dtype=float32)
        """
        indices = self.indices(labels)
        targets = np.zeros((len(indices), len(self.classes_)), dtype=np.float32)
        targets[np.arange(len(indices)), indices] = 1
        return targets

    def fit_transform(self, labels: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Fit and transform the same labels: see :meth:`fit` and :meth:`transform`."""
        return self.fit(labels).transform(labels)

    def inverse_transform(self, targets: npt.ArrayLike) -> LabelArray:
        """Return the label with the largest value in each row; of equal values the first one wins.

        Parameters
        ----------
        targets : array-like of shape (n, n_classes)
            One-hot rows or probabilities, columns in the order of ``classes_``.

        Returns
        -------
        ndarray of shape (n,)
            Labels, of the dtype of ``classes_``.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the shape is another one, or a row holds NaN, infinite values or nothing but zeros.

        Examples
        --------
        >>> LabelEncoder().fit(["no", "yes"]).inverse_transform([[0.4, 0.6]])
        array(['yes'], dtype='<U3')
        """
        classes = self.classes_
        rows = _as_rows(targets, len(classes))
        for row in np.flatnonzero(~(np.isfinite(rows).all(axis=1) & rows.any(axis=1)))[:1]:
            found = _show(rows[row].tolist())
            raise DataError(f"targets[{row}] must hold finite numbers, not all of them 0; got {found}.")
        return np.asarray(np.take(classes, rows.argmax(axis=1)))

    def to_dict(self) -> dict[str, Any]:
        """Return what was learnt as plain values, for JSON.

        Returns
        -------
        dict
            ``kind`` ("int", "str" or "bool"), ``classes`` (list) and ``fixed`` (True if they were given beforehand).

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.

        Examples
        --------
        >>> LabelEncoder().fit([4, 2]).to_dict()
        {'kind': 'int', 'classes': [2, 4], 'fixed': False}
        """
        kind = _KINDS[self.classes_.dtype.kind]
        return {"kind": kind, "classes": self.classes_.tolist(), "fixed": self.classes is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return a fitted encoder from what :meth:`to_dict` gave.

        Parameters
        ----------
        values : mapping
            Exactly the keys ``kind``, ``classes`` and ``fixed``.

        Returns
        -------
        LabelEncoder
            With the same classes in the same order.

        Raises
        ------
        DataError
            If a key is missing, unknown or holds what :meth:`to_dict` cannot have written.

        Examples
        --------
        >>> LabelEncoder.from_dict({"kind": "int", "classes": [2, 4], "fixed": False}).transform([4])
        array([[0., 1.]], dtype=float32)
        """
        if not isinstance(values, Mapping) or set(values) != {"kind", "classes", "fixed"}:
            raise DataError(f"a saved LabelEncoder must have the keys kind, classes and fixed; got {_show(values)}.")
        classes, fixed = _as_classes(values["classes"], DataError), values["fixed"]
        kind = _KINDS[classes.dtype.kind]
        if values["kind"] != kind or not isinstance(fixed, bool):
            raise DataError(f"a saved LabelEncoder with these classes must be of kind {kind!r}; got {_show(values)}.")
        encoder = cls(classes=classes.tolist() if fixed else None)
        encoder._classes = classes
        return encoder


def _as_classes(classes: Any, error: type[LenetkitError]) -> LabelArray:
    array = _as_labels(classes, "classes", error)
    if not array.size:
        raise error("classes is empty: there must be at least one class.")
    if len(np.unique(array)) < len(array):
        raise error(f"classes must differ from one another; got {_listed(array)}.")
    return array.copy()


def _find_indices(labels: LabelArray, classes: LabelArray) -> npt.NDArray[np.int64]:
    if labels.size and labels.dtype.kind != classes.dtype.kind:
        raise DataError(
            f"labels must be of type {_KINDS[classes.dtype.kind]}, as the classes are ({_listed(classes)}); "
            f"got {_KINDS[labels.dtype.kind]}: labels[0] is {_show(labels[0])}."
        )
    order = np.argsort(classes)
    nearest: npt.NDArray[np.int64] = np.take(order, np.searchsorted(classes, labels, sorter=order), mode="clip")
    for row in np.flatnonzero(classes[nearest] != labels)[:1]:
        raise DataError(
            f"labels[{row}] must be one of the {len(classes)} classes ({_listed(classes)}); got {_show(labels[row])}. "
            "Name classes that the training labels may lack in advance: LabelEncoder(classes=...)."
        )
    return nearest


def _as_labels(labels: Any, name: str, error: type[LenetkitError]) -> LabelArray:
    """Return labels as a 1-D int64, str or bool array."""
    array = _as_vector(labels, name, error)
    if array.dtype.kind == "b":
        return array
    if np.can_cast(array.dtype, np.int64):
        return array.astype(np.int64, copy=False)
    values = [_as_label(value, f"{name}[{row}]", error) for row, value in enumerate(array)]
    for row, value in enumerate(values):
        if type(value) is not type(values[0]):
            raise error(
                f"{name} must be of one kind; got {_show(values[0])} ({type(values[0]).__name__}) in row 0 and "
                f"{_show(value)} ({type(value).__name__}) in row {row}."
            )
    return np.array(values) if values else np.empty(0, dtype=np.int64)


def _as_vector(labels: Any, name: str, error: type[LenetkitError]) -> LabelArray:
    # numpy would hide what a mask covers.
    if isinstance(labels, np.ma.MaskedArray):
        labels = labels.tolist()
    if hasattr(labels, "__array__"):
        array = np.asarray(labels)
    elif isinstance(labels, Sequence) and not isinstance(labels, str | bytes | bytearray):
        # Element by element: numpy would turn [1, "a"] into strings and [True, 2] into numbers.
        array = np.fromiter(labels, dtype=object, count=len(labels))
    else:
        raise error(
            f"{name} must be a list or one-dimensional array such as [7, 2, 1] or range(10); "
            f"got {_show(labels)} ({type(labels).__name__})."
        )
    if array.ndim != 1:
        raise error(
            f"{name} must have shape (n,); got {array.shape}. "
            "For a single column pass labels.ravel(), for one-hot rows labels.argmax(axis=1)."
        )
    return array


def _as_label(value: Any, where: str, error: type[LenetkitError]) -> bool | int | str:
    """Return one label as a plain value, or say what is wrong with it."""
    plain = _plain(value)
    if _is_missing(plain):
        raise error(f"{where} is missing (got {_show(value)}). Drop the rows without a label, or give them a class.")
    if isinstance(plain, str) and "\0" in plain:
        raise error(f"{where} must not hold a NUL character; got {_show(value)}.")
    if isinstance(plain, bool | str):
        return plain
    if not isinstance(plain, int | float):
        raise error(f"{where} must be an integer, a string or a bool; got {_show(value)} ({type(value).__name__}).")
    # Beyond 2**53 floats skip integers: such a label may not be the one that was meant.
    if isinstance(plain, float) and not (abs(plain) <= 2**53 and plain.is_integer()):
        raise error(f"{where} must be an integer, a string or a bool; got {_show(value)}. It is not rounded.")
    if not -(2**63) <= plain < 2**63:
        raise error(f"{where} must fit into 64 bits; got a number of {int(plain).bit_length()} bits.")
    return int(plain)


def _as_rows(targets: Any, n_classes: int) -> npt.NDArray[Any]:
    try:
        rows = np.asarray(targets)
    except ValueError as error:
        raise DataError(f"targets must have shape (n, {n_classes}); their rows differ in length.") from error
    if rows.ndim != 2 or rows.shape[1] != n_classes or rows.dtype.kind not in "fiub":
        raise DataError(
            f"targets must be numbers of shape (n, {n_classes}), one column per class; got {rows.dtype} of shape "
            f"{rows.shape}. For a single row pass targets[None]."
        )
    return rows


def _listed(classes: LabelArray) -> str:
    shown = [_show(label) for label in classes[:10]]
    return ", ".join(shown) + (", ..." if len(classes) > 10 else "")


def _is_missing(plain: Any) -> bool:
    if isinstance(plain, float | str):
        return plain != plain or not str(plain).strip()
    # By name: pandas is not imported for the sake of two constants.
    return plain is None or type(plain).__name__ in ("NAType", "NaTType")


def _plain(value: Any) -> Any:
    # Not all numpy scalars: item() would turn dates and durations into bare numbers.
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufU" else value


def _show(value: Any) -> str:
    return reprlib.repr(_plain(value))
