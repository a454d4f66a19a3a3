"""Turns of processes that download to one folder: one works and shows that it does, the others wait while it does.

In: a folder. Out: the right to download to it. Next: :mod:`lenetkit.datasets._fetch.mirrors` asks the mirrors.

The lock is the system's and ends with its process. Beside it lies a note of who holds it, since when, written anew
every second while something arrives: a process that was suspended keeps the lock, but not the note.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lenetkit._utils.notices import notify
from lenetkit.exceptions import DownloadError

if TYPE_CHECKING:
    import filelock

__all__ = ["take_turn"]

_LOCK, _NOTE = ".lock", ".lock-holder"
# Seconds between two looks at the note, until the notice, and between two signs of life.
_LOOK, _PATIENCE, _BEAT = 0.25, 5.0, 1.0


@contextlib.contextmanager
def take_turn(folder: Path, name: str, *, silence: float) -> Iterator[Callable[[], None]]:
    """Lock a folder, and give a function to call while the download goes on.

    Parameters
    ----------
    folder : path
        An existing folder.
    name : str
        The data set, for messages.
    silence : float
        Seconds without a sign of life after which the process that holds the lock is no longer waited for.

    Raises
    ------
    DownloadError
        If that process gives no sign of life.
    OSError, NotImplementedError
        If the folder cannot be locked.
    """
    import filelock

    lock = filelock.FileLock(folder / _LOCK)
    note = folder / _NOTE
    _wait(lock, note, name, silence)
    try:
        holder = f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
        yield _Pulse(note, holder)
    finally:
        with contextlib.suppress(OSError):
            note.unlink()
        lock.release()


class _Pulse:
    """A function that writes the note, once a second at most."""

    def __init__(self, note: Path, holder: str) -> None:
        self._note, self._holder = note, holder
        self._last = -_BEAT
        self()

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._last >= _BEAT:
            self._last = now
            # A note that cannot be written is no reason not to download.
            with contextlib.suppress(OSError):
                self._note.write_text(self._holder, "utf-8")


def _wait(lock: "filelock.BaseFileLock", note: Path, name: str, silence: float) -> None:
    """Wait for the lock as long as its holder is alive."""
    from filelock import Timeout

    begun = alive = time.monotonic()
    seen: int | None = None
    told = False
    while True:
        try:
            lock.acquire(timeout=min(_LOOK, silence / 4), poll_interval=0.05)
        except Timeout:
            now = time.monotonic()
        else:
            return
        # Changes of the note count, not its time: the clocks of two hosts may differ.
        written = _written(note)
        if written != seen:
            seen, alive = written, now
        if now - alive >= silence:
            raise DownloadError(
                f"the data set {name!r} is being downloaded to {note.parent} by {_holder(note)}, which gave no sign of "
                f"life for {silence:g} s: it may be suspended. Let it go on (fg, or kill -CONT) or end it; or name "
                "another folder as data_dir= or in the environment variable LENETKIT_DATA."
            )
        if not told and now - begun >= min(_PATIENCE, silence / 2):
            told = True
            notify(f"waiting for {_holder(note)}, which downloads the data set {name!r} to {note.parent}.")


def _written(note: Path) -> int | None:
    try:
        return note.stat().st_mtime_ns
    except OSError:
        return None


def _holder(note: Path) -> str:
    """Return who holds the lock, and since when; a process killed before may have left its note."""
    try:
        return note.read_text("utf-8", errors="replace").strip() or "another process"
    except OSError:
        return "another process"
