"""Output of C++ libraries to stderr, past Python, without the lines that are of no use to anybody."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from lenetkit._utils.fork_lock import ForkLock

__all__ = ["filter_stderr"]

# Two threads that redirect one file descriptor would put it back in the wrong order.
_lock = ForkLock()


@contextlib.contextmanager
def filter_stderr(pattern: str) -> Iterator[None]:
    """Hold back all output to file descriptor 2 until the block ends, and drop some lines of it.

    Parameters
    ----------
    pattern : str
        Regular expression; lines that it matches at their beginning are dropped.
    """
    with _lock.inner, contextlib.ExitStack() as stack:
        if sys.__stderr__ is None:  # closed when Python started: the number may be that of another file by now
            yield
            return
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(2)
        except OSError:  # no stderr, or nowhere to hold it back
            yield
            return
        stack.callback(_hand_on, held, stderr, re.compile(pattern.encode()))
        os.dup2(held.fileno(), 2)
        yield


def _hand_on(held: IO[bytes], stderr: int, unwanted: re.Pattern[bytes]) -> None:
    os.dup2(stderr, 2)
    os.close(stderr)
    held.seek(0)
    rest = b"".join(line for line in held if not unwanted.match(line))
    with contextlib.suppress(OSError):  # a full disk, or nobody who reads: remarks are not worth an error
        while rest:
            rest = rest[os.write(2, rest) :]
