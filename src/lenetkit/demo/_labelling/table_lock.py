"""Lock on a table: one page at a time works on it.

In: the path of the table. Out: a lock that the system gives back when the process ends, however it ends. Standard
library only: the light installation has no other.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from lenetkit._utils.printable import printable
from lenetkit._utils.system import describe_system_error
from lenetkit.exceptions import SettingError

__all__ = ["hold_table"]

_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@contextlib.contextmanager
def hold_table(table: Path) -> Iterator[None]:
    """Hold the lock while the block lasts.

    Raises
    ------
    SettingError
        If another process holds it, or its file cannot be written.
    """
    path = table.with_name(f".{table.name[-200:]}.lock")
    try:
        descriptor = _open_locked(path)
    except OSError as error:
        raise SettingError(f"{printable(table)} cannot be written: {describe_system_error(error)}") from error
    if descriptor is None:
        raise SettingError(
            f"another lenetkit label works on {printable(table)}: {_read_holder(path)}. Use its page, or end it first."
        )
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()}".encode())
    try:
        yield
    finally:
        # While it is locked, unless the system removes no open file.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)
        if sys.platform == "win32":
            with contextlib.suppress(OSError):
                path.unlink()


def _open_locked(path: Path) -> int | None:
    """Return the open, locked file; None if another process holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in _HELD:
                os.close(descriptor)
                return None
            # A file system without locks: nothing tells of others there.
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # the one that held it has just removed it


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 1000, os.SEEK_SET)  # beyond what is to be read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read_holder(path: Path) -> str:
    try:
        return printable(path.read_text("utf-8", errors="replace").strip()) or "another process"
    except OSError:
        return "another process"
