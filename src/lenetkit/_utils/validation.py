"""Checks of settings, as attrs validators: each says what was expected and what was found."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lenetkit._utils.names import did_you_mean
from lenetkit._utils.rng import HIGHEST_SEED
from lenetkit.exceptions import SettingError

__all__ = [
    "check_interval",
    "check_number",
    "check_seed",
    "check_whole",
    "chosen",
    "chosen_one",
    "number",
    "share",
    "switch",
    "whole_number",
]

Validator = Callable[[Any, Any, Any], None]


def whole_number(smallest: int, largest: int = 2**31 - 1) -> Validator:
    """Return a validator for whole numbers in a range, bounds included."""

    def check(_: Any, attribute: Any, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not smallest <= value <= largest:
            raise SettingError(f"{attribute.name} must be an integer from {smallest} to {largest}; got {value!r}.")

    return check


def number(smallest: float, largest: float = float("inf")) -> Validator:
    """Return a validator for numbers in a range, bounds included; infinity is not a number here."""

    def check(_: Any, attribute: Any, value: Any) -> None:
        good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not good or not np.isfinite(value) or not smallest <= value <= largest:
            bounds = f"of at least {smallest:g}" if np.isinf(largest) else f"from {smallest:g} to {largest:g}"
            raise SettingError(f"{attribute.name} must be a number {bounds}; got {value!r}.")

    return check


def switch(_: Any, attribute: Any, value: Any) -> None:
    """Check for True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise SettingError(f"{attribute.name} must be True or False; got {value!r}.")


def share(_: Any, attribute: Any, value: Any) -> None:
    """Check for a share: 0 is one, 1 is not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise SettingError(f"{attribute.name} must be a share from 0 to less than 1; got {value!r}.")


def check_whole(name: str, value: Any, lowest: int, highest: int | None = None) -> None:
    """Refuse what is not an integer from `lowest` to `highest`."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < lowest or (highest is not None and value > highest):
        wanted = f"of at least {lowest}" if highest is None else f"from {lowest} to {highest}"
        raise SettingError(f"{name} must be an integer {wanted}; got {value!r}.")


def check_seed(seed: Any) -> None:
    """Refuse what cannot be a seed."""
    check_whole("seed", seed, 0, HIGHEST_SEED)


def check_number(name: str, value: Any, lowest: float, highest: float) -> None:
    """Refuse what is not a number from `lowest` to `highest`."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not lowest <= value <= highest:
        upper = "" if math.isinf(highest) else f" to {highest}"
        raise SettingError(f"{name} must be a number from {lowest}{upper}; got {value!r}.")


def check_interval(name: str, value: Any, lowest: float, highest: float) -> None:
    """Refuse what is not a pair of numbers in ascending order, both from `lowest` to `highest`."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise SettingError(f"{name} must be two numbers, the least and the most; got {value!r}.")
    for end in value:
        check_number(f"each of the two numbers of {name}", end, lowest, highest)
    if value[0] > value[1]:
        raise SettingError(f"{name} must have its least number first; got {value!r}.")


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
