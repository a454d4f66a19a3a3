"""Plain values <-> the JSON of a bundle's manifest, within limits that no hostile file gets past."""

import json
import math
import re
from typing import Any

from lenetkit.exceptions import BundleError

__all__ = ["check_plain", "dump_values", "load_values", "show"]

_DEEPEST = 32
_LONGEST_NUMBER = 32  # characters: the longest float64 has 24, the longest int64 20
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
        What it is called in messages.

    Raises
    ------
    BundleError
        If it is anything else: not UTF-8, not JSON, nested too deeply, with a key twice, with NaN, infinite or overlong
        numbers, or written in another way.
    """
    try:
        text = content.decode()
        _check_depth(text)
        values = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_int=_integer, parse_float=_float, parse_constant=_float
        )
        if not isinstance(values, dict):
            raise ValueError("it must be an object")
        if dump_values(values) != content:
            raise ValueError("it is not written the way lenetkit writes it")
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{what} cannot be read: {error}. Get the file again, or save the pipeline again.") from None
    return values


def check_plain(value: Any, where: str, depth: int = 0) -> None:
    """Refuse what JSON cannot give back: other types, keys that are no strings, numbers that are not finite.

    Raises
    ------
    BundleError
        Naming the first offender, for example ``metrics['loss']``.
    """
    if depth > _DEEPEST:
        raise BundleError(f"{where} is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, dict):
        for key, member in value.items():
            if type(key) is not str:
                raise BundleError(f"{where} must have strings as keys; got {show(key)}.")
            check_plain(key, f"a key of {where}", depth + 1)
            check_plain(member, f"{where}[{show(key)}]", depth + 1)
    elif isinstance(value, list | tuple):
        for number, member in enumerate(value):
            check_plain(member, f"{where}[{number}]", depth + 1)
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


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in values if keys.count(key) > 1)
        raise ValueError(f"the key {show(twice)} is there twice")
    return values


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"the number {text[:_LONGEST_NUMBER]}... is too long")
    return int(text)


def _float(text: str) -> float:
    value = float(text) if len(text) <= _LONGEST_NUMBER else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:_LONGEST_NUMBER]} is not a finite number")
    return value
