"""Weights of images and of classes in the loss, and the weights that a model starts from, checked."""

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, SettingError

__all__ = ["check_class_weight", "check_sample_weight", "check_some_weight", "set_initial_weights"]

_MOST_NAMED = 10


def check_sample_weight(weights: Any, n: int, part: str = "") -> npt.NDArray[np.float32] | None:
    """Return the weights of `n` images as float32; `part` is put before "sample_weight" in messages.

    Raises
    ------
    DataError
        If there is not one weight per image, or one is not finite or negative, or all of them are 0.
    """
    if weights is None:
        return None
    try:
        array = np.asarray(weights)
    except (TypeError, ValueError):  # a list whose items differ in length
        array = np.empty(0, object)
    if array.shape != (n,) or array.dtype.kind not in "iuf":
        raise DataError(
            f"{part}sample_weight must be {n} numbers, one per image; got {array.dtype} of shape {array.shape}."
        )
    with np.errstate(over="ignore"):
        small = array.astype(np.float32)
    bad = ~np.isfinite(small) | (small < 0)
    first = int(np.argmax(bad))
    if bad[first]:
        raise DataError(f"{part}sample_weight {first} is {array[first]}; weights are finite and not negative.")
    check_some_weight(small, f"{part}sample_weight is 0 for every image")
    return small


def set_initial_weights(model: Any, weights: Sequence[npt.ArrayLike] | None) -> dict[str, str]:
    """Give a model the weights to start from; return what a checkpoint must know of them.

    Raises
    ------
    SettingError
        If they are not those of such a model, or not finite.
    """
    if weights is None:
        return {}
    try:
        arrays = [np.asarray(array) for array in weights]
    except (TypeError, ValueError):
        arrays = []
    found, wanted = [array.shape for array in arrays], [tuple(array.shape) for array in model.get_weights()]
    if found != wanted:
        raise SettingError(
            f"initial_weights must be a list of arrays of the shapes {wanted}, as model.get_weights() gives them; got "
            f"{found if arrays else type(weights).__name__}."
        )
    for index, array in enumerate(arrays):
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise SettingError(f"initial_weights[{index}] must hold finite numbers; got {array.dtype}.")
    model.set_weights(arrays)
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    return {"initial weights": digest.hexdigest()}


def check_some_weight(weights: npt.NDArray[Any] | None, found: str) -> None:
    """Refuse weights of which none is above 0, with a message that starts with `found`."""
    if weights is not None and not weights.any():
        raise DataError(f"{found}: there is nothing to learn from. Give at least one image a weight above 0.")


def check_class_weight(
    class_weight: Any, indices: npt.NDArray[Any], classes: Iterable[Any], sample_weight: Any = None
) -> dict[int, float]:
    """Return the weight of each class by its index, for images of these class indices.

    Parameters
    ----------
    class_weight : "balanced", mapping from class to number, or array-like of shape (n_classes,)
        ``"balanced"`` gives every class that occurs the same weight in sum, as
        :func:`sklearn.utils.class_weight.compute_class_weight` does: n / (number of classes * images of the class),
        where images count by their `sample_weight`. A mapping, or a pandas Series, must name every class that occurs
        and nothing else; an array has one weight per class, in the order of `classes`.
    indices : ndarray of shape (n,)
        The class of each image, as a position in `classes`.
    classes : iterable
        The classes as the user knows them.
    sample_weight : ndarray of shape (n,), optional
        Checked.

    Raises
    ------
    SettingError
        If a class has no weight, a weight belongs to no class, is not finite or negative, or if all are 0.
    """
    known = np.asarray(classes).tolist() if hasattr(classes, "dtype") else list(classes)
    amounts = np.bincount(indices, weights=sample_weight, minlength=len(known))
    if isinstance(class_weight, str) and class_weight == "balanced":
        fair = float(amounts.sum() / np.count_nonzero(amounts))
        return {index: fair / amount if amount else 1.0 for index, amount in enumerate(amounts.tolist())}
    if isinstance(class_weight, Mapping) or (hasattr(class_weight, "items") and getattr(class_weight, "ndim", 0) == 1):
        weights = _weights_by_name(class_weight, known)
    else:
        weights = _weights_in_order(class_weight, known)
    for index in np.unique(indices).tolist():
        if index not in weights:
            raise SettingError(
                f"class_weight has no weight for the class {known[index]!r}; name every class: {_listed(known)}."
            )
    if not any(weight and amounts[index] for index, weight in weights.items()):
        raise SettingError(
            "class_weight is 0 for every image: there is nothing to learn from. Give a class a weight above 0."
        )
    return weights


def _weights_by_name(class_weight: Any, known: list[Any]) -> dict[int, float]:
    positions = {label: index for index, label in enumerate(known)}
    weights: dict[int, float] = {}
    for key, weight in class_weight.items():
        label = key.item() if isinstance(key, np.generic) else key
        index = positions.get(label) if isinstance(label, Hashable) else None
        if index is None:
            raise SettingError(
                f"class_weight names {label!r}, which is none of the {len(known)} classes: {_listed(known)}."
            )
        if index in weights:
            raise SettingError(f"class_weight names the class {known[index]!r} twice; name every class once.")
        weights[index] = _as_weight(weight, known[index])
    return weights


def _weights_in_order(class_weight: Any, known: list[Any]) -> dict[int, float]:
    expected = (
        "class_weight must be 'balanced', a mapping from class to weight, or an array with one weight for each of the "
        f"{len(known)} classes in the order {_listed(known)}"
    )
    try:
        array = np.asarray(class_weight)
    except (TypeError, ValueError):
        raise SettingError(f"{expected}; got a {type(class_weight).__name__} that is no array.") from None
    if array.ndim == 0:
        raise SettingError(f"{expected}; got {class_weight!r:.80}.")
    if array.shape != (len(known),) or array.dtype.kind not in "iuf":
        raise SettingError(f"{expected}; got {array.dtype} of shape {array.shape}.")
    return {index: _as_weight(weight, known[index]) for index, weight in enumerate(array.tolist())}


def _as_weight(weight: Any, label: Any) -> float:
    try:
        value = float("nan") if isinstance(weight, (str, bytes)) else float(weight)
    except (TypeError, ValueError, OverflowError):
        value = float("nan")
    if not 0 <= value <= float(np.finfo(np.float32).max):
        raise SettingError(f"class_weight[{label!r}] is {weight!r:.80}; weights are finite and not negative.")
    return value


def _listed(known: list[Any]) -> str:
    return ", ".join(map(repr, known[:_MOST_NAMED])) + (", ..." if len(known) > _MOST_NAMED else "")
