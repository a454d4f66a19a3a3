"""Lock on a folder of checkpoints: one run at a time writes there."""

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType

from lenetkit.exceptions import CheckpointError, SettingError

__all__ = ["FolderLock"]

_FILE_NAME = ".lenetkit-run.lock"

# Device and inode of the folders that runs of this process hold. A forked process holds none.
_held: dict[tuple[int, int], object] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_held.clear)


class FolderLock:
    """While the block lasts, no other run can lock the folder, which is made if missing.

    The system gives the lock up when its process ends, however it ends, so a run that was killed never blocks the next
    one. It is a record lock: processes forked from the run do not inherit it. The file that carries it is removed at
    the end. On a system without such locks (Windows, some network drives) only runs of the same process are told.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._descriptor: int | None = None

    def __enter__(self) -> "FolderLock":
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise SettingError(f"checkpoint must be a folder; {self._folder} is a file or lies in one.") from None
        status = self._folder.stat()
        self._key = (status.st_dev, status.st_ino)
        if _held.setdefault(self._key, self) is not self:
            raise self._error("another run of this process")
        try:
            self._descriptor = self._lock()
        except BaseException:
            _held.pop(self._key, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if _held.pop(self._key, None) is self and self._descriptor is not None:
            with contextlib.suppress(OSError):
                (self._folder / _FILE_NAME).unlink()
            os.close(self._descriptor)

    def _lock(self) -> int | None:
        if sys.platform == "win32":
            return None
        import fcntl

        path = self._folder / _FILE_NAME
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                        os.truncate(descriptor, 0)
                        os.write(descriptor, str(os.getpid()).encode())
                        return descriptor
            except (BlockingIOError, PermissionError):  # what the system says of a lock that is held
                owner = os.read(descriptor, 20).decode("ascii", "replace")
                os.close(descriptor)
                raise self._error(f"another run (process {owner or 'unknown'})") from None
            except OSError:  # a file system without locks
                os.close(descriptor)
                with contextlib.suppress(OSError):
                    path.unlink()
                return None
            os.close(descriptor)  # its owner removed the file before it was locked

    def _error(self, owner: str) -> CheckpointError:
        return CheckpointError(
            f"the checkpoint folder {self._folder} is in use by {owner}: two runs would overwrite each other's "
            "checkpoints. Give this run another folder, or wait until the other has ended."
        )
