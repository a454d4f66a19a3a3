"""Files that are none: named pipes, sockets and devices, of which reading may wait for ever. Standard library only."""

import os
import stat

__all__ = ["describe_special"]

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def describe_special(path: str | os.PathLike[str]) -> str | None:
    """Return "a named pipe", "a socket" or "a device" for a path that is one, None for every other.

    Examples
    --------
    >>> from lenetkit._utils.special_files import describe_special
    >>> describe_special("/dev/null"), describe_special(".")
    ('a device', None)
    """
    try:
        return _KINDS.get(stat.S_IFMT(os.stat(path).st_mode))
    except (OSError, ValueError):
        return None
