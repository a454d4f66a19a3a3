"""Counts as people write them: one, or the fewest and the most. Standard library only."""

import re

from lenetkit.exceptions import SettingError

__all__ = ["parse_span"]


def parse_span(name: str, text: str) -> int | tuple[int, int]:
    """Return the integer, or the pair of integers, that a text such as ``5`` or ``4-6`` stands for.

    Examples
    --------
    >>> from lenetkit._utils.spans import parse_span
    >>> parse_span("length", "5"), parse_span("length", "4-6")
    (5, (4, 6))
    """
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?", text)
    if found is None:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise SettingError(
            f"{name} must be a number of digits such as 5, or the fewest and the most such as 4-6; got {shown!r}."
        )
    least, most = found.groups()
    return int(least) if most is None else (int(least), int(most))
