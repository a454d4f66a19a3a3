"""What the drawing functions accept besides numbers."""

from collections.abc import Iterable, Sequence

import numpy as np

from lenetkit._utils.validation import chosen
from lenetkit.exceptions import SettingError
from lenetkit.synthesis._allographs import ALLOGRAPHS, STYLES, Allograph

__all__ = ["as_colour", "chosen_allographs", "chosen_digits", "chosen_styles"]


def as_colour(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Return one grey level or three of a colour.

    Raises
    ------
    SettingError
        If it is neither.
    """
    levels = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    whole = all(isinstance(level, (int, np.integer)) and not isinstance(level, bool) for level in levels)
    if not whole or len(levels) not in (1, 3) or not all(0 <= level <= 255 for level in levels):
        raise SettingError(f"{name} must be a grey level or three levels of RGB, whole, 0 to 255; got {value!r}.")
    return tuple(int(level) for level in levels)


def chosen_styles(styles: str | Iterable[str]) -> tuple[str, ...]:
    """Return known styles, at least one."""
    return chosen("styles", styles, STYLES)


def chosen_allographs(allographs: str | Iterable[str]) -> tuple[Allograph, ...]:
    """Return known forms, at least one."""
    return tuple(ALLOGRAPHS[name] for name in chosen("allographs", allographs, ALLOGRAPHS))


def chosen_digits(digits: Iterable[int] | None) -> tuple[int, ...]:
    """Return digits in ascending order, at least one; all ten for None."""
    if digits is None:
        return tuple(range(10))
    try:
        wanted = list(digits)
    except TypeError:
        wanted = []
    for digit in wanted:
        if isinstance(digit, bool) or not isinstance(digit, (int, np.integer)) or not 0 <= digit <= 9:
            raise SettingError(f"digits must be integers from 0 to 9; got {digit!r} among them.")
    if not wanted:
        raise SettingError(f"digits must be one or more whole numbers from 0 to 9; got {digits!r}.")
    return tuple(sorted({int(digit) for digit in wanted}))
