"""Text of users and files made safe to print: nothing in it can steer a terminal. Standard library only."""

from typing import Any

__all__ = ["printable", "printable_lines"]


def printable(value: Any) -> str:
    """Return a value as text on one line, with an escape (backslash, x1b) for each character that shows nothing."""
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def printable_lines(value: Any) -> str:
    """Return a value as text like :func:`printable`, with its line breaks."""
    return "\n".join(map(printable, str(value).split("\n")))
