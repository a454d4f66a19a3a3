"""Standard streams of the commands: whatever is wrong with them is one error, and no result is lost by it.

In: the streams of the process, which may be closed, full, without a reader, or of an encoding that lacks letters.
Out: streams that take any text. Next: :func:`lenetkit.cli.main` runs a command between them.
"""

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

from lenetkit._utils.system import describe_system_error

__all__ = ["Stream", "describe_output", "guarded_streams", "hold_interrupts", "keep_going"]

_CLOSED = "it is closed"


class Stream(io.TextIOBase):
    """A stream that takes any text, notices when it cannot be written any more, and keeps quiet from then on.

    It has no ``buffer``, past which click would write UTF-8 where the encoding is ASCII.
    """

    def __init__(self, stream: TextIO | None, instead: "Stream | None" = None) -> None:
        self.error: OSError | None = None if stream is not None else OSError(errno.EBADF, _CLOSED)
        self.stops = False  # raise the error, since there is nothing to do but to print
        self._stream, self._instead = stream, instead
        if isinstance(stream, io.TextIOWrapper):
            # File names that are no UTF-8 leave as the bytes they came as.
            stream.reconfigure(errors="surrogateescape" if stream.encoding.lower() == "utf-8" else "backslashreplace")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "errors", None) or "strict"

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        try:
            self._try("write", text)
        except UnicodeEncodeError:
            self._try("write", text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def _try(self, method: str, *arguments: Any) -> None:
        if self.error is None and self._stream is not None:
            try:
                getattr(self._stream, method)(*arguments)
            except UnicodeEncodeError:
                raise
            except (OSError, ValueError) as error:  # ValueError: the program around has closed it
                self.error = error if isinstance(error, OSError) else OSError(errno.EBADF, _CLOSED)
                _discard(self._stream)
        if self.error is None:
            return
        if self.stops and method == "write":
            raise self.error
        # Whoever closes a pipe has had enough; a full disk must not cost what was computed.
        if self._instead is not None and not isinstance(self.error, BrokenPipeError):
            getattr(self._instead, method)(*arguments)


def _discard(stream: TextIO) -> None:
    """Send what the stream still holds back, and all that follows, nowhere: Python would fail at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def guarded_streams() -> Iterator[Stream]:
    """Guard standard output and standard error while the block lasts; give the first of them.

    Closed ones are opened on nothing: the next file to be opened would get their numbers, and what C++ libraries
    write to standard error would go into it.
    """
    given = sys.stdout, sys.stderr
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number, which is this one
    errors = Stream(given[1])
    output = Stream(given[0], instead=errors)
    output.stops = True
    sys.stdout, sys.stderr = output, errors
    try:
        yield output
    finally:
        output.stops = False
        output.flush()
        sys.stdout, sys.stderr = given


def keep_going() -> None:
    """Go on with long work when standard output takes no more: what is still to be printed goes to standard error."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.stops = False


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back until the block has ended: what was computed is kept first."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if heard:
        raise KeyboardInterrupt


def describe_output(error: OSError) -> str:
    """Return the words for a standard output that took no more."""
    return f"standard output cannot be written: {describe_system_error(error)}"
