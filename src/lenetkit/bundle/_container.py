"""The zip file around a bundle's members, in the one form that is accepted.

A zip file can say the same thing in many ways; this one says it in one: members stored, in a fixed order, without
dates, extra fields or comments. So every byte that is not a member's content is known, and a reader compares it.
The bytes are written here and not by :mod:`zipfile`, whose details may change with a Python release and whose reader
believes any directory.
"""

import struct
import zlib
from collections.abc import Mapping

from lenetkit.exceptions import BundleError

__all__ = ["damaged", "member_at", "pack", "packed_size", "unpack"]

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")

_VERSION_NEEDED = 10  # 1.0: stored members need no more
_MADE_BY = 3 << 8 | 20  # on Unix, so that the permissions below mean something
_PERMISSIONS = 0o100644 << 16
_DATE = 1 << 5 | 1  # 1 January 1980, the earliest there is


def damaged(what: str) -> BundleError:
    """Return the error for a file that is not as it was written."""
    return BundleError(f"the file is damaged: {what}. Get it again, or save the pipeline again.")


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return the zip file that holds the members in this order."""
    pieces = []
    for name, content in members.items():
        pieces += [_local_header(name, content), content]
    return b"".join([*pieces, _directory(members)])


def packed_size(sizes: Mapping[str, int]) -> int:
    """Return how many bytes :func:`pack` needs for members of these sizes."""
    names = sum(len(name.encode()) for name in sizes)
    return sum(sizes.values()) + 2 * names + len(sizes) * (_LOCAL.size + _CENTRAL.size) + _END.size


def member_at(data: bytes, position: int, expected: str, largest: int) -> tuple[bytes, int]:
    """Return the member whose header is at a position, and the position after it.

    Parameters
    ----------
    data : bytes
        The file, or its beginning.
    position : int
        Offset at which the member's header must start.
    expected : str
        The member's name.
    largest : int
        How many bytes it may have.

    Raises
    ------
    BundleError
        If it is another member, a larger one, or its header is not the one that :func:`pack` writes.
    """
    start = position + _LOCAL.size + len(expected.encode())
    if len(data) < start:
        raise damaged(f"it ends before {expected}")
    signature, *_, size, _, name_length, extra_length = _LOCAL.unpack_from(data, position)
    name = data[position + _LOCAL.size : position + _LOCAL.size + name_length]
    if signature != b"PK\3\4" or name != expected.encode() or extra_length:
        raise damaged(f"{expected} is not where it must be")
    if size > largest:
        raise BundleError(f"{expected} claims {size:,} bytes; at most {largest:,} are accepted.")
    if len(data) < start + size:
        raise damaged(f"it ends within {expected}")
    content = data[start : start + size]
    if data[position:start] != _local_header(expected, content):
        raise damaged(f"the zip header of {expected} is not as it was written")
    return content, start + size


def unpack(data: bytes, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return the members of a zip file, which must be exactly these.

    Parameters
    ----------
    data : bytes
        The whole file.
    sizes : mapping of str to int
        Name and size of every member, in their order.

    Raises
    ------
    BundleError
        If any byte outside the members' contents differs from what :func:`pack` would have written, or there are too
        many or too few.
    """
    position, members = 0, {}
    for name, size in sizes.items():
        members[name], position = member_at(data, position, name, size)
        if len(members[name]) != size:
            raise damaged(f"{name} has {len(members[name]):,} bytes; it must have {size:,}")
    if data[position:] != _directory(members):
        raise damaged("its zip directory is not as it was written")
    return members


def _local_header(name: str, content: bytes) -> bytes:
    encoded = name.encode()
    return _LOCAL.pack(b"PK\3\4", _VERSION_NEEDED, *_common(encoded, content)) + encoded


def _directory(members: Mapping[str, bytes]) -> bytes:
    entries, position = [], 0
    for name, content in members.items():
        encoded = name.encode()
        common = _common(encoded, content)
        entries.append(
            _CENTRAL.pack(b"PK\1\2", _MADE_BY, _VERSION_NEEDED, *common, 0, 0, 0, _PERMISSIONS, position) + encoded
        )
        position += _LOCAL.size + len(encoded) + len(content)
    directory = b"".join(entries)
    return directory + _END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), position, 0)


def _common(name: bytes, content: bytes) -> tuple[int, ...]:
    """Return the fields that both headers of a member have: flags to the length of extra fields."""
    return 0, 0, 0, _DATE, zlib.crc32(content), len(content), len(content), len(name), 0
