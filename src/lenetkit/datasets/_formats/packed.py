"""Files packed by gzip, bzip2 or xz, told by their content and unpacked up to a limit.

In: a path. Out: its bytes, unpacked. Next: the readers of text formats, whose data sets are often packed.
"""

import bz2
import contextlib
import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lenetkit.exceptions import DataError

__all__ = ["DAMAGE", "iter_blocks", "read_start"]

_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
# A packed file can hold thousands of times its size: without a limit a small file fills the memory.
_MOST_UNPACKED = 2**30
_BLOCK = 2**20
_LONGEST_LINE = 2**23

DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, ValueError)


def _unpacked(stream: Any) -> Any:
    start = stream.read(6)
    stream.seek(0)
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
    return stream if opener is None else opener(stream)


def read_start(path: Path, size: int) -> tuple[bytes, bytes]:
    """Return the first bytes of a file, and those of what is packed in it; nothing for what cannot be unpacked."""
    with path.open("rb") as stream:
        start = stream.read(size)
        if not start.startswith(tuple(_OPENERS)):
            return start, start
        stream.seek(0)
        # bzip2 tells damage by OSError.
        with contextlib.suppress(OSError, *DAMAGE):
            return start, _unpacked(stream).read(size)
    return start, b""


def iter_blocks(path: Path) -> Iterator[bytes]:
    """Read whole lines of a text file, some MiB at a time.

    Raises
    ------
    DataError
        If a packed file holds more than 1 GiB, or a line more than 8 MiB.
    """
    total = 0
    rest = b""
    with path.open("rb") as stream:
        source = _unpacked(stream)
        while block := source.read(_BLOCK):
            total += len(block)
            if source is not stream and total > _MOST_UNPACKED:
                raise DataError(f"{path} holds more than 1 GiB when unpacked; unpack it first: then there is no limit.")
            lines, newline, tail = (rest + block).rpartition(b"\n")
            if len(tail) > _LONGEST_LINE:
                raise DataError(f"{path} has a line longer than {_LONGEST_LINE:,} bytes, which no row of pixels has.")
            rest = tail
            if newline:
                yield lines + newline
    if rest:
        yield rest
