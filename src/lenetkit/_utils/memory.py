"""Memory that was freed, given back to the system. Standard library only."""

import contextlib
import ctypes
import sys

__all__ = ["return_memory"]


def return_memory() -> None:
    """Give freed memory back to the system: glibc keeps up to hundreds of megabytes in each thread's part."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has no such function
            ctypes.CDLL(None).malloc_trim(0)
