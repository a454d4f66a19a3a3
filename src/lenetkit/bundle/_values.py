"""Plain values and arrays of a bundle: their checks, and the JSON of its manifest, within limits for hostile files.

In: values, arrays and JSON from anywhere. Out: the same, checked, or a :class:`~lenetkit.exceptions.BundleError` that
names the first offender. Next: :mod:`lenetkit.bundle._bundle` and :mod:`lenetkit.bundle._history` are made of them.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from lenetkit.exceptions import BundleError

__all__ = ["check_arrays", "check_names", "check_plain", "check_tensors", "dump_values", "load_values", "show"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_LONGEST_TENSOR_NAME = 300
_MOST_TENSORS = 10_000
# The types that a safetensors file and NumPy have in common, complex numbers left out.
_TYPES = frozenset(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"])

_DEEPEST = 32
_INT64 = 2**63

_STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


def show(value: Any) -> str:
    """Return a short text for a value from a file that may be hostile."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def dump_values(values: dict[str, Any]) -> bytes:
    """Return the one JSON text for these values: keys sorted, indented for people, UTF-8."""
    text = json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def load_values(content: bytes, what: str) -> dict[str, Any]:
    """Return the values of a JSON text that :func:`dump_values` wrote.

    Parameters
    ----------
    content : bytes
        The text; the caller has limited its length.
    what : str
        Name of the value in messages.

    Raises
    ------
    BundleError
        If it is anything else: not UTF-8, not JSON, nested too deeply, with a key twice, with NaN, infinite or overlong
        numbers, or written in another way.
    """
    try:
        text = content.decode()
        _check_depth(text)
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it must be an object")
        # Which also refuses a key that is there twice, NaN, and numbers that Python would read otherwise than written.
        if dump_values(values) != content:
            raise ValueError("it is not written the way lenetkit writes it")
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{what} cannot be read: {error}. Get the file again, or save the pipeline again.") from None
    return values


def check_names(names: Mapping[str, Any]) -> None:
    """Refuse names of models, distributions and transforms that nothing can be registered under."""
    for where, name in names.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BundleError(
                f"{where} must be letters, digits, '_', '-' and '.', starting with a letter or digit; got {show(name)}."
            )


def check_plain(dicts: Mapping[str, Any]) -> None:
    """Refuse what is no dict of plain values that JSON gives back: dict, list, str, finite number, bool, None."""
    for where, values in dicts.items():
        if type(values) is not dict:
            raise BundleError(f"{where} must be a dict; got {show(values)}.")
        _check_plain(values, where, 0)


def check_tensors(groups: Mapping[str, Any]) -> None:
    """Refuse what is no dict of names and arrays as :func:`check_arrays` wants them."""
    for where, tensors in groups.items():
        if not isinstance(tensors, Mapping) or len(tensors) > _MOST_TENSORS:
            raise BundleError(f"{where} must be a dict of at most {_MOST_TENSORS:,} arrays.")
        for key in tensors:
            if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_TENSOR_NAME or not key.isprintable():
                raise BundleError(f"{where} must be named by printable strings; got {show(key)}.")
        check_arrays({f"{where}[{show(key)}]": array for key, array in tensors.items()})


def check_arrays(arrays: Mapping[str, Any]) -> None:
    """Refuse arrays that are empty, or hold anything but finite numbers."""
    for where, array in arrays.items():
        if not isinstance(array, np.ndarray) or f"{array.dtype.kind}{array.dtype.itemsize}" not in _TYPES:
            raise BundleError(f"{where} must be an array of numbers; got {show(getattr(array, 'dtype', array))}.")
        if not array.size:
            raise BundleError(f"{where} is empty: it has shape {array.shape}.")
        if not np.isfinite(array).all():
            raise BundleError(f"{where} holds NaN or infinite values. Such a model gives no answers.")


def _check_plain(value: Any, where: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise BundleError(f"{where} is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, dict):
        for key, member in value.items():
            if type(key) is not str:
                raise BundleError(f"{where} must have strings as keys; got {show(key)}.")
            _check_plain(key, f"a key of {where}", depth + 1)
            _check_plain(member, f"{where}[{show(key)}]", depth + 1)
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            _check_plain(member, f"{where}[{index}]", depth + 1)
    elif not _is_plain_scalar(value):
        raise BundleError(
            f"{where} must be a plain value: dict, list, str, finite number, bool or None; got {show(value)} "
            f"({type(value).__name__})."
        )


def _is_plain_scalar(value: Any) -> bool:
    if type(value) is str:
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if type(value) is int:
        return -_INT64 <= value < _INT64
    return value is None or type(value) is bool or (type(value) is float and math.isfinite(value))


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the parser follows it."""
    depth, in_string = 0, False
    for match in _STRUCTURE.finditer(text):
        mark = match.group()
        if mark == '"':
            in_string = not in_string
        elif not in_string and mark in "[{":
            depth += 1
            if depth > _DEEPEST + 2:
                raise ValueError(f"it is nested more than {_DEEPEST} levels deep")
        elif not in_string and mark in "]}":
            depth -= 1
