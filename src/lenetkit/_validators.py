"""Checks of settings, as attrs validators: each says what was expected and what was found."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lenetkit.exceptions import SettingError

__all__ = ["number", "share", "switch", "whole_number"]

Validator = Callable[[Any, Any, Any], None]


def whole_number(smallest: int, largest: int = 2**31 - 1) -> Validator:
    """Return a validator for whole numbers in a range, bounds included."""

    def check(_: Any, attribute: Any, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not smallest <= value <= largest:
            raise SettingError(f"{attribute.name} must be a whole number from {smallest} to {largest}; got {value!r}.")

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
