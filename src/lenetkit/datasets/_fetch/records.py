"""Records of the files of named data sets, and their verification.

In: what a file must hold, and a stream. Out: verified content, or the reason why it is not the file's.
Next: the loader of the data set parses it, see :mod:`lenetkit.datasets._fetch.idx_sets`.

A file is known by the SHA-256 of its *uncompressed* content, so the file itself, any gzipped copy of it and the same
array in an ``.npz`` all count, wherever they come from. Nothing is unpacked beyond the size that is known beforehand.
"""

import gzip
import hashlib
import io
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.system import describe_system_error
from lenetkit._utils.validation import raise_first
from lenetkit.datasets._fetch.http import is_allowed
from lenetkit.datasets._formats.idx import is_gzipped
from lenetkit.exceptions import SettingError

__all__ = ["Content", "RemoteFile", "UnfitError", "as_strings", "unpack", "verify"]

Content: TypeAlias = npt.NDArray[np.uint8]
AnyContent = TypeVar("AnyContent", bytes, Content)

_OVERHEAD = 2**16  # bytes that a container may add to what it holds, next to 1 %


class UnfitError(Exception):
    """The reason why a file is not used; never seen outside of this package."""


def as_strings(values: Iterable[str]) -> tuple[str, ...]:
    """Return any iterable of strings as a tuple."""
    return tuple(values)


@attrs.frozen(kw_only=True)
class RemoteFile:
    """One file of a data set: its content's size and hash, and the places where it may be found.

    Parameters
    ----------
    name : str
        File name in the data set's folder, without ``.gz``.
    size : int
        Bytes of the uncompressed content.
    sha256 : str
        SHA-256 of the uncompressed content, 64 hexadecimal digits.
    mirrors : sequence of str
        https addresses of the file, gzipped or not, in the order in which to ask them.
    packed : bool, default False
        Size and hash are those of the file as it is published, which is kept and never unpacked here; without a known
        size, `size` is the most that it may be.
    md5 : str
        In place of `sha256` for a packed file of which nobody published a stronger hash: 32 hexadecimal digits.
    copies : sequence of str
        Paths where other programs keep the file, gzipped or not; ``~/.keras`` becomes ``$KERAS_HOME`` where that is
        set. They are read, never written. ``~/all.npz#x_train`` is the array ``x_train`` of that ``.npz`` file, which
        must be uint8; its content is that of the IDX file that would hold the same array.

    Raises
    ------
    SettingError
        If the name is not a plain file name, the size or hash is invalid, or a mirror is not an https address.

    Examples
    --------
    >>> from lenetkit.datasets._fetch.records import RemoteFile
    >>> RemoteFile(name="labels", size=60008, sha256="65" * 32, mirrors=["http://example.org/labels.gz"])
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.SettingError: a mirror of labels must be an https address without '#'; got ...
    """

    name: str
    size: int
    sha256: str = ""
    mirrors: tuple[str, ...] = attrs.field(converter=as_strings)
    copies: tuple[str, ...] = attrs.field(default=(), converter=as_strings)
    packed: bool = False
    md5: str = ""

    def __attrs_post_init__(self) -> None:
        name, digest, length = self.name, self.sha256 or self.md5, 64 if self.sha256 or not self.packed else 32
        raise_first(
            SettingError,
            [
                (
                    not name or name.startswith(".") or Path(name).name != name or "#" in name,
                    f"a remote file's name must be a plain file name without '#'; got {name!r}.",
                ),
                (self.size < 1, f"the size of {name} must be at least 1 byte; got {self.size!r}."),
                (
                    len(digest) != length or bool(set(digest) - set("0123456789abcdef")),
                    f"the {'md5' if length == 32 else 'sha256'} of {name} must be {length} lower-case hexadecimal "
                    f"digits; got {digest!r}.",
                ),
                *(
                    (
                        not is_allowed(url) or "#" in url,
                        f"a mirror of {name} must be an https address without '#'; got {url!r}.",
                    )
                    for url in self.mirrors
                ),
            ],
        )

    @property
    def most_bytes(self) -> int:
        """The most bytes that a mirror may send."""
        return self.size + self.size // 100 + _OVERHEAD


def unpack(stream: BinaryIO, member: str, file: RemoteFile) -> bytes:
    """Return the content of a file, a gzipped file or a member of an ``.npz``; a little more than expected at most.

    Raises
    ------
    UnfitError
        If it cannot be unpacked.
    """
    try:
        if file.packed:
            return stream.read(file.size + 1)
        if member:
            return _npz_member(stream, member, file)
        plain = gzip.GzipFile(fileobj=stream) if is_gzipped(stream) else stream
        return plain.read(file.size + 1)
    except (OSError, MemoryError) as error:
        if (words := describe_system_error(error)) and (isinstance(error, MemoryError) or error.errno is not None):
            raise UnfitError(f"it cannot be read: {words}") from error
        raise UnfitError(f"it is damaged: {error}") from error
    except Exception as error:  # damage makes gzip, zipfile and NumPy raise all kinds of them
        raise UnfitError(f"it is damaged: {error}") from error


def _npz_member(stream: BinaryIO, member: str, file: RemoteFile) -> bytes:
    """Return the IDX file that would hold the array. Its header needs no check, because the hash will tell."""
    with zipfile.ZipFile(stream) as archive, archive.open(f"{member}.npy") as packed:
        array = io.BytesIO(packed.read(file.size + _OVERHEAD))
    version = np.lib.format.read_magic(array)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_header(array)
    if dtype != np.uint8 or by_columns:
        raise ValueError(f"{member} holds {dtype} of shape {shape}; rows of uint8 were expected")
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + array.read()


def verify(content: AnyContent, file: RemoteFile) -> AnyContent:
    """Return the content if length and hash are those of the record.

    Raises
    ------
    UnfitError
        If its length or its hash is another.
    """
    if len(content) > file.size or (len(content) != file.size and not file.md5):
        found = f"at least {len(content)}" if len(content) > file.size else len(content)
        raise UnfitError(f"expected {file.size} bytes of {file.name}, found {found}{_quote_start(content)}")
    kind, expected = ("md5", file.md5) if file.md5 else ("sha256", file.sha256)
    digest = hashlib.new(
        kind, content if isinstance(content, bytes) else content.data, usedforsecurity=False
    ).hexdigest()
    if digest != expected:
        raise UnfitError(f"expected {file.name} with {kind} {expected}, found {digest}{_quote_start(content)}")
    return content


def _quote_start(content: bytes | Content) -> str:
    """Quote the start of a page, which is what captive portals and error pages send."""
    start = bytes(content[:40])
    return f", beginning with {start.decode()!r}" if start.lstrip().startswith(b"<") and start.isascii() else ""
