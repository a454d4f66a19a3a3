"""Checks of settings: each says what was expected and what was found. As functions, and as attrs validators."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lenetkit._utils.names import did_you_mean
from lenetkit._utils.rng import HIGHEST_SEED
from lenetkit.exceptions import SettingError

__all__ = [
    "check_fraction",
    "check_interval",
    "check_number",
    "check_seed",
    "check_whole",
    "chosen",
    "chosen_one",
    "is_integer",
    "is_number",
    "number",
    "raise_first",
    "share",
    "switch",
    "whole_number",
]

Validator = Callable[[Any, Any, Any], None]


def is_integer(value: Any, lowest: float, highest: float = math.inf) -> bool:
    """Tell whether a value is an integer in a range, bounds included; True and False are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(lowest <= value <= highest)


def is_number(value: Any, lowest: float, highest: float = math.inf) -> bool:
    """Tell whether a value is a finite number in a range, bounds included; True and False are none."""
    good = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return good and bool(lowest <= value <= highest) and value != math.inf


def check_whole(name: str, value: Any, lowest: int, highest: int | None = None) -> None:
    """Refuse what is not an integer from `lowest` to `highest`."""
    if not is_integer(value, lowest, math.inf if highest is None else highest):
        wanted = f"of at least {lowest}" if highest is None else f"from {lowest} to {highest}"
        raise SettingError(f"{name} must be an integer {wanted}; got {value!r}.")


def check_number(name: str, value: Any, lowest: float, highest: float = math.inf) -> None:
    """Refuse what is not a finite number from `lowest` to `highest`."""
    if not is_number(value, lowest, highest):
        wanted = f"of at least {lowest:g}" if math.isinf(highest) else f"from {lowest:g} to {highest:g}"
        raise SettingError(f"{name} must be a number {wanted}; got {value!r}.")


def check_fraction(name: str, value: Any) -> None:
    """Refuse what is not a number above 0 and up to 1."""
    good = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))
    if not good or not 0 < value <= 1:
        raise SettingError(f"{name} must be a number above 0 and up to 1; got {value!r}.")


def check_seed(seed: Any) -> None:
    """Refuse an invalid seed."""
    check_whole("seed", seed, 0, HIGHEST_SEED)


def check_interval(name: str, value: Any, lowest: float, highest: float) -> None:
    """Refuse what is not a pair of numbers in ascending order, both from `lowest` to `highest`."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise SettingError(f"{name} must be two numbers, the least and the most; got {value!r}.")
    for end in value:
        check_number(f"each of the two numbers of {name}", end, lowest, highest)
    if value[0] > value[1]:
        raise SettingError(f"{name} must have its least number first; got {value!r}.")


def raise_first(error: type[Exception], checks: Iterable[tuple[bool, str]]) -> None:
    """Raise an error with the first message whose condition holds, if one does."""
    for wrong, message in checks:
        if wrong:
            raise error(message)


def whole_number(lowest: int, highest: int | None = 2**31 - 1) -> Validator:
    """Return a validator for integers in a range, bounds included."""
    return lambda _, attribute, value: check_whole(attribute.name, value, lowest, highest)


def number(lowest: float, highest: float = math.inf) -> Validator:
    """Return a validator for finite numbers in a range, bounds included."""
    return lambda _, attribute, value: check_number(attribute.name, value, lowest, highest)


def switch(_: Any, attribute: Any, value: Any) -> None:
    """Check for True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise SettingError(f"{attribute.name} must be True or False; got {value!r}.")


def share(_: Any, attribute: Any, value: Any) -> None:
    """Check for a fraction: 0 is one, 1 is not."""
    if not is_number(value, 0, 1) or value == 1:
        raise SettingError(f"{attribute.name} must be a fraction from 0 to less than 1; got {value!r}.")


def chosen(what: str, names: Any, known: Iterable[str]) -> tuple[str, ...]:
    """Return known names, one or several, each once."""
    known = list(known)
    try:
        among = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    except TypeError:
        among = ()
    for name in among:
        if name not in known:
            raise SettingError(
                f"{what}: there is no {name!r}.{did_you_mean(name, known)} Choose among {', '.join(known)}."
            )
    if not among:
        raise SettingError(f"{what} must name at least one of {', '.join(known)}; got {names!r}.")
    return among


def chosen_one(what: str, name: Any, known: Iterable[str]) -> str:
    """Return a known name."""
    if not isinstance(name, str):
        raise SettingError(f"{what} must be one of {', '.join(known)}; got {name!r}.")
    return chosen(what, name, known)[0]
