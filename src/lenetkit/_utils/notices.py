"""Notices: what was assumed or ignored while data were read.

In: a sentence. Out: a :class:`~lenetkit.exceptions.DataNotice` at the line of the caller's own code.
Next: Python's warnings show it once; the command line prints it as one line.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar

from lenetkit.exceptions import DataNotice

__all__ = ["hush", "notify"]

_PACKAGE = __name__.partition(".")[0]
_hushed: ContextVar[bool] = ContextVar("hushed", default=False)


@contextlib.contextmanager
def hush() -> Iterator[None]:
    """Say nothing meanwhile, in this thread: of data that are known, nothing is assumed."""
    token = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(token)


def notify(message: str) -> None:
    """Warn of an assumption, as of the nearest line that is outside the package."""
    if _hushed.get():
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, DataNotice, stacklevel=level)
