"""Checks of labels, probabilities and classes on their way into an evaluation.

In: arrays, lists or tables. Out: an :class:`~lenetkit.evaluator.Evaluation`.
"""

import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.evaluator._evaluation import Evaluation
from lenetkit.exceptions import DataError

__all__ = ["evaluate"]

# Rounding of float16 and of printed tables; a row that is not a distribution, such as logits, is further off.
_SUM_TOLERANCE = 1e-3


def evaluate(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    classes: npt.ArrayLike | None = None,
    *,
    groups: npt.ArrayLike | None = None,
) -> Evaluation:
    """Compare probabilities with the true labels.

    Parameters
    ----------
    labels : array-like of shape (n,)
        True labels, integers or strings, each one of ``classes``.
    probabilities : array-like of shape (n, n_classes)
        In [0, 1], each row sums to 1 within 0.001. A pandas table's columns may be named after the classes, in any
        order.
    classes : array-like of shape (n_classes,), optional
        The class labels in the order of the columns, for example an encoder's ``classes_``. By default the names of a
        table's columns, else 0 to n_classes - 1.
    groups : array-like of shape (n,), optional
        The group of each image, an integer or a string: its writer, as :attr:`Dataset.groups
        <lenetkit.datasets.Dataset>` holds it, or the form that it is from. Then ``per_group`` has the accuracy of each,
        and the interval of the accuracy is that of other groups, not of other images of the same ones.

    Returns
    -------
    Evaluation
        Numbers, tables and pictures; ``print`` shows the most important ones.

    Raises
    ------
    DataError
        If there is nothing to evaluate, lengths or shapes do not fit, a probability is NaN, infinite, negative or part
        of a row that does not sum to 1, a label is not one of the classes, a class is named twice, or a group is no
        integer or string. The message names the first offender.

    Examples
    --------
    >>> from lenetkit.evaluator import evaluate
    >>> evaluation = evaluate([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> round(evaluation.accuracy, 4), evaluation.n_errors
    (0.6667, 1)
    >>> evaluation.top_losses(1)["index"].tolist()
    [2]
    """
    if hasattr(probabilities, "columns"):
        probabilities, classes = _by_name(probabilities, classes)
    rows = _as_probabilities(probabilities)
    names = np.arange(rows.shape[1]) if classes is None else _as_classes(classes, rows.shape[1])
    true = _as_indices(labels, names)
    if len(true) != len(rows):
        raise DataError(f"there must be one row of probabilities per label: got {len(rows)} for {len(true)} labels.")
    if not len(true):
        raise DataError("labels and probabilities are empty: there is nothing to evaluate.")
    return Evaluation(classes=names, true_indices=true, probabilities=rows, groups=_as_groups(groups, len(true)))


def _as_groups(groups: npt.ArrayLike | None, n: int) -> npt.NDArray[Any] | None:
    if groups is None:
        return None
    given = _as_vector(groups, "groups")
    if len(given) != n:
        raise DataError(f"there must be one group for each label: got {len(given)} groups for {n} labels.")
    values = [value.item() if isinstance(value, np.generic) else value for value in given.tolist()]
    for row, value in enumerate(values):
        if not isinstance(value, int | str) or type(value) is not type(values[0]):
            raise DataError(
                f"groups[{row}] must be an integer or a string, as groups[0]; got {reprlib.repr(value)} "
                f"({type(value).__name__})."
            )
    array = np.array(values)
    array.setflags(write=False)
    return array


def _by_name(table: Any, classes: npt.ArrayLike | None) -> tuple[Any, Any]:
    """Return a table's columns in the order of the classes, where they are named after these, and the classes."""
    names = table.columns.tolist()
    if classes is None:
        return table, names
    wanted = _as_vector(classes, "classes").tolist()
    try:
        named = len(wanted) == len(names) == len(set(names)) and set(wanted) == set(names)
    except TypeError:  # an invalid class is refused later
        named = False
    # By position: True and False would choose rows.
    return (table.iloc[:, [names.index(name) for name in wanted]] if named else table), classes


def _as_probabilities(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    try:
        given = np.asarray(probabilities)
    except ValueError as error:
        raise DataError("probabilities must have shape (n, n_classes); their rows differ in length.") from error
    if given.ndim != 2 or not given.shape[1] or given.dtype.kind not in "fiub":
        raise DataError(
            f"probabilities must be numbers of shape (n, n_classes); got {given.dtype} of shape {given.shape}."
        )
    # A copy which nobody can change: the figures belong together.
    with np.errstate(over="ignore", invalid="ignore"):
        rows = np.array(given, dtype=np.float64)
        sums = rows.sum(axis=1)
        bad = np.flatnonzero(~((rows >= 0).all(axis=1) & (abs(sums - 1) <= _SUM_TOLERANCE)))
    if bad.size:
        raise DataError(
            f"probabilities[{bad[0]}] must hold finite values in [0, 1] that sum to 1; "
            f"got {reprlib.repr(rows[bad[0]].tolist())}, sum {sums[bad[0]]:.6g}. Logits need a softmax first."
        )
    rows.setflags(write=False)
    return rows


def _as_classes(classes: npt.ArrayLike, n_classes: int) -> npt.NDArray[Any]:
    values = _as_vector(classes, "classes").tolist()
    strange = [value for value in values if not isinstance(value, int | float | str | np.generic)]
    if strange:
        raise DataError(f"classes must be integers, strings or bools; got {reprlib.repr(strange[0])}.")
    names = np.array(values)
    if len(names) != n_classes:
        raise DataError(f"there must be one class per column of the probabilities: got {len(names)} for {n_classes}.")
    if len(set(names.tolist())) < n_classes:
        raise DataError(f"classes must differ from one another; got {reprlib.repr(names.tolist())}.")
    return names


def _as_indices(labels: npt.ArrayLike, classes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    position = {label: index for index, label in enumerate(classes.tolist())}
    values = _as_vector(labels, "labels")
    indices = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        try:
            indices[row] = position[value]
        except (KeyError, TypeError):
            raise DataError(
                f"labels[{row}] must be one of the classes {reprlib.repr(classes.tolist())}; "
                f"got {reprlib.repr(value)} ({type(value).__name__})."
            ) from None
    return indices


def _as_vector(values: Any, name: str) -> npt.NDArray[Any]:
    # numpy would hide what a mask covers, and make strings of a list of numbers and strings.
    array = np.asarray(values.tolist() if isinstance(values, np.ma.MaskedArray) else values, dtype=object)
    if array.ndim != 1:
        raise DataError(f"{name} must have shape (n,); got {array.shape}. For one-hot rows pass {name}.argmax(axis=1).")
    return array
