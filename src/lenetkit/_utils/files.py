"""Atomic writing of files, and the check before long work that its output can be written.

In: a path and either the content or a function that writes a file. Out: that file, whole; or, whatever happens on the
way, the file that was there before, byte for byte. Next: saved pipelines, checkpoints, cached data and reports use it.

The new content goes to a temporary name in the same folder (``.lenetkit-<12 hex digits>-<name>``), is flushed to the
disk and renamed over the old file; then the folder is flushed. A process that is killed on the way leaves its
temporary file behind; the next write of the same file removes it. A lock on the temporary file tells litter from the
work of a process that is still alive, so any number of processes may write the same file: the last one wins.

Each of :data:`STEPS` is announced, before it is done, as an audit event ``lenetkit._utils.files`` with the arguments
``(step, path)``: a hook (:func:`sys.addaudithook`) can watch the writer or, in a test, kill its process at any step.

Examples
--------
>>> import pathlib, tempfile
>>> from lenetkit._utils.files import atomic_path, write_atomically
>>> folder = tempfile.TemporaryDirectory()
>>> path = write_atomically(pathlib.Path(folder.name) / "notes.txt", b"seven")
>>> with atomic_path(path) as temporary:
...     _ = temporary.write_text("four")
>>> path.read_text()
'four'
>>> folder.cleanup()
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lenetkit._utils.system import get_working_folder
from lenetkit.exceptions import SettingError

__all__ = ["STEPS", "atomic_path", "check_writable", "sync_file", "write_atomically"]

STEPS = ("clean", "create", "write", "sync", "rename", "sync_folder", "done")
"""The steps of one write in order; ``"done"`` is announced after the last of them."""

_TRIED = 4096  # bytes: a block of most file systems
_LONGEST_NAME = 55  # characters of up to 4 bytes; with the prefix this stays below the usual limit of 255 bytes


def check_writable(path: str | os.PathLike[str], suffixes: Iterable[str] | None = None, *, kind: str = "file") -> Path:
    """Check before long work that its output can be written, with the errors that writing it would give.

    The folder is tried: a temporary file is written there and removed again. A file that is there stays as it is.

    Parameters
    ----------
    path : str or path-like
        The file to write, as in :func:`write_atomically`.
    suffixes : iterable of str, optional
        The suffixes that its name may end in, in lower case, for example ``[".png", ".svg"]``; capitals are accepted.
    kind : str, default "file"
        The kind of file, for the message about its suffix: "the name of a {kind} must end in ...".

    Returns
    -------
    pathlib.Path
        The file that will be written, absolute, links resolved.

    Raises
    ------
    SettingError
        If the path is empty, the suffix is none of `suffixes`, the folder does not exist, or the path is a folder or
        a device.
    OSError
        If the system refuses, for example because the folder or the file is read-only, or the disk full.

    Examples
    --------
    >>> from lenetkit._utils.files import check_writable
    >>> check_writable("missing/digits.lenet")
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.SettingError: cannot write missing/digits.lenet: there is no folder .... Create it first.
    """
    known = None if suffixes is None else tuple(suffixes)
    if known is not None and not os.fspath(path).lower().endswith(known):
        raise SettingError(f"the name of a {kind} must end in {' or '.join(map(repr, known))}; got {path}.")
    target = _target(path)
    temporary, descriptor = _create(target)
    try:
        left = _TRIED
        while left:  # a full disk still takes empty files
            left -= os.write(descriptor, bytes(left))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        temporary.unlink()
    return target


def write_atomically(
    path: str | os.PathLike[str], content: bytes | bytearray | memoryview | Callable[[Path], object]
) -> Path:
    """Write a file so that everybody sees the old file or the whole new one, never anything between.

    Parameters
    ----------
    path : str or path-like
        The file to write. Its folder must exist. A symbolic link is followed, not replaced. A file that is there
        hands its permissions on to the new one.
    content : bytes-like, or callable
        The new content; or a function that is given the temporary path and writes it, for libraries that
        want a path. See :func:`atomic_path` for what they may do with it.

    Returns
    -------
    pathlib.Path
        The file that was written, absolute, links resolved.

    Raises
    ------
    SettingError
        If ``path`` is empty, a folder or a device, or its folder does not exist.
    OSError
        If the system refuses, for example because the disk is full or the file is read-only. Then, and when
        ``content`` raises, the old file is untouched and the temporary file removed.
    """
    target = _target(path)
    with atomic_path(target) as temporary:
        if callable(content):
            content(temporary)
        else:
            temporary.write_bytes(content)
    return target


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to ``path`` when the block ends without an error.

    Parameters
    ----------
    path : str or path-like
        The file to write, as in :func:`write_atomically`.

    Yields
    ------
    pathlib.Path
        An empty file in the same folder whose name ends in the name of ``path``, so that libraries which look at the
        suffix see the right one. Write it and close it. It is locked by ``flock``, which is why HDF5 files, locked by
        their library in the same way, have to be written to memory first.

    Raises
    ------
    SettingError
        If ``path`` is empty, a folder or a device, or its folder does not exist.
    OSError
        If the system refuses. Then, and when the block raises, the old file is untouched and the temporary file
        removed.
    """
    target = _target(path)
    _announce("clean", target)
    _remove_litter(target)
    _announce("create", target)
    temporary, descriptor = _create(target)
    with contextlib.ExitStack() as lock:
        lock.callback(os.close, descriptor)
        try:
            _announce("write", temporary)
            yield temporary
            _announce("sync", temporary)
            sync_file(temporary)
            _announce("rename", temporary)
            if sys.platform == "win32":  # an open file cannot be renamed there
                lock.close()
            os.replace(temporary, target)
        except BaseException:
            lock.close()
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    _announce("sync_folder", target)
    _sync_folder(target.parent)
    _announce("done", target)


def _announce(step: str, path: Path) -> None:
    sys.audit("lenetkit._utils.files", step, str(path))


def _target(path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path):
        raise SettingError("cannot write a file without a name: its path is empty.")
    if get_working_folder() is None and not os.path.isabs(path):
        raise SettingError(
            f"cannot write {path}: the working folder does not exist any more. Change to another folder, or give an "
            "absolute path."
        )
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise SettingError(f"cannot write {path}: there is no folder {target.parent}. Create it first.")
    with contextlib.suppress(FileNotFoundError):
        os.stat(target)  # such as a name that is too long
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "a device or pipe"
        raise SettingError(f"cannot write {path}: it must be a regular file or not be there yet, and it is {kind}.")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only", str(target))
    return target


def _create(target: Path) -> tuple[Path, int]:
    """Create an empty temporary file and lock it as a sign of life."""
    while True:
        temporary = target.with_name(f".lenetkit-{secrets.token_hex(6)}-{target.name[-_LONGEST_NAME:]}")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(descriptor, wait=True)
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # somebody took it for litter before it was locked
    if target.exists():
        with contextlib.suppress(OSError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode) | stat.S_IRUSR | stat.S_IWUSR)
    return temporary, descriptor


def _remove_litter(target: Path) -> None:
    """Remove what writers of the same file left behind when they were killed."""
    pattern = re.compile(r"\.lenetkit-[0-9a-f]{12}-" + re.escape(target.name[-_LONGEST_NAME:]))
    with contextlib.suppress(PermissionError):  # a folder that may be written but not listed
        for name in filter(pattern.fullmatch, os.listdir(target.parent)):
            with contextlib.suppress(OSError):
                _remove_unless_alive(target.with_name(name))


def _remove_unless_alive(path: Path) -> None:
    if sys.platform == "win32":
        path.unlink()  # refused while the writer has it open
        return
    with open(path, "rb+") as file:
        if _lock(file.fileno(), wait=False):
            path.unlink()


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file until it is closed or its process ends; False if that is not available."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by another, or a file system without locks
        return False
    return True


def sync_file(path: Path) -> None:
    """Flush a file to the disk, opened anew: a library that wrote it may have put another one in its place."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # has no such thing
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder that may be written but not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # a file system that cannot
            raise
    finally:
        os.close(descriptor)
