"""Errors of the operating system in words: the place, the reason and what to do. Standard library only."""

import errno
import os

__all__ = ["describe_system_error", "get_working_folder"]

_GONE = "the working folder does not exist any more. Change to another folder, or give absolute paths."
_NO_MEMORY = "there is not enough memory. Close other programs, or give fewer or smaller images."
_ROOM = "Make room there, or name another folder."
_RIGHTS = "Change the permissions, or name another place."
_CURES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), or name another folder.",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "Name a folder on a disk that can be written.",
    errno.EIO: "The disk, or the connection to it, fails: check it, and try again.",
    errno.EMFILE: "Close files, or raise the limit on open files (ulimit -n).",
    errno.ENFILE: "Close other programs: the system has no more open files to give.",
}


def describe_system_error(error: BaseException) -> str | None:
    """Return the words for an error of the system: no space, no permission, no memory; None for any other error."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return _NO_MEMORY
    if isinstance(error, ImportError) and "cannot allocate memory" in str(error).lower():
        return _NO_MEMORY
    # TensorFlow's, which need not be imported to recognise it.
    if type(error).__name__ == "ResourceExhaustedError" and "OOM" in str(error):
        return _NO_MEMORY
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "the system starts no more threads for this process. Close other programs, or raise the limit (ulimit)."
    if not isinstance(error, OSError):
        return None
    if isinstance(error, FileNotFoundError) and error.filename is None and get_working_folder() is None:
        return _GONE
    reason = f"{error.strerror or error}".rstrip(".")
    place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{place}{reason}. {_CURES.get(error.errno or 0, '')}".rstrip()


def get_working_folder() -> str | None:
    """Return the path of the working folder; None if it has been deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None
