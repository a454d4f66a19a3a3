"""Colours that the drawing functions accept."""

from collections.abc import Sequence

import numpy as np

from lenetkit.exceptions import SettingError

__all__ = ["as_colour"]


def as_colour(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Return one grey level or three of a colour. Raise SettingError if it is neither."""
    levels = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    whole = all(isinstance(level, (int, np.integer)) and not isinstance(level, bool) for level in levels)
    if not whole or len(levels) not in (1, 3) or not all(0 <= level <= 255 for level in levels):
        raise SettingError(f"{name} must be a grey level or three levels of RGB, whole, 0 to 255; got {value!r}.")
    return tuple(int(level) for level in levels)
