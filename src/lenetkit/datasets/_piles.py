"""Piles of pictures: read a few at a time and beside each other, in order, in bounded memory.

In: images as people have them, or the bytes of many files. Out: the pixels of each or its error, or what a function
makes of the pixels. Next: the pipeline, which prepares them, and the readers of folders and archives.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from lenetkit._utils.fork_lock import ForkLock
from lenetkit._utils.threads import count_threads, map_in_order
from lenetkit.datasets._images import Array, Named, get_name, name_sources, read_image
from lenetkit.datasets._png_batch import decode_small
from lenetkit.exceptions import DataError

__all__ = ["cut_piles", "decode_pile", "iter_batches", "load_small", "map_images"]

# A batch ends after so many pictures or bytes, which bounds the memory that many of them need.
_BATCH = 256
_BATCH_BYTES = 32 * 2**20
# Files up to this size are read in one piece, which is fewer calls of the system, at each of which the interpreter's
# lock may change hands; the plainest PNGs among them are decoded many at a time.
_SMALL = 2**20
# A pile ends after so many pictures, or so many bytes of their files: two photos at first, so that few keep all threads
# busy, then up to five, since those of one size are prepared together; or hundreds of small pictures, then a thousand.
_AT_ONCE, _FEW_BYTES, _MANY_BYTES = (512, 1024), 2**19, 2**20
# Threads that open and read files of a pile as long as this wait for one another more than they read.
_MANY = 32
# The plainest PNGs whose pixels are all below this are left to read_image, which says that they are nearly black.
_BRIGHT = 4


def iter_batches(images: Any) -> Iterator[list[Named]]:
    """Read images batch by batch; one that cannot be read stops none of the others.

    Parameters
    ----------
    images : array-like, path, bytes, binary file, PIL image, pandas.DataFrame, or iterable of these
        As for :func:`read_images`.

    Yields
    ------
    list of (str, ndarray or DataError)
        The name of each image, which is its path or ``images[3]``, and its pixels or the error. At most 256 images or
        about 32 MiB.

    Raises
    ------
    DataError
        If they are no images at all.

    Examples
    --------
    >>> from lenetkit.datasets import iter_batches
    >>> [(name, type(found).__name__) for batch in iter_batches(["none.png"]) for name, found in batch]
    [('none.png', 'DataError')]
    """
    batch: list[Named] = []
    size = 0
    for name, image in name_sources(images):
        batch.append((name, image))
        size += 0 if isinstance(image, DataError) else image.nbytes
        if len(batch) == _BATCH or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def map_images(
    images: Any,
    function: Callable[[list[Array]], Iterable[Any]],
    *,
    n_jobs: int | None = None,
    side: int | None = None,
) -> Iterator[list[tuple[str, Any]]]:
    """Read images, a pile at a time and beside each other, and apply a function to the pixels of each pile.

    Parameters
    ----------
    images : array-like, path, bytes, binary file, PIL image, pandas.DataFrame, or iterable of these
        As for :func:`read_images`.
    function : callable
        Takes a list of arrays and returns as many results. It is called in several threads.
    n_jobs : int, optional
        Number of threads. None: one for each core, up to 8. With 1 all is done in the caller's thread.
    side : int, optional
        As for :func:`read_images`.

    Yields
    ------
    list of (str, result or DataError)
        The name of each image, which is its path or ``images[3]``, in their order; an image that cannot be read stops
        none of the others.

    Raises
    ------
    DataError
        If they are no images at all.
    SettingError
        If `n_jobs` is not a positive integer.

    Examples
    --------
    >>> from lenetkit.datasets import map_images
    >>> [(name, type(found).__name__) for pile in map_images(["none.png"], len) for name, found in pile]
    [('none.png', 'DataError')]
    """
    opening, nobody = ForkLock(), contextlib.nullcontext()

    def work(pile: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        is_long = len(pile) >= _MANY
        with opening.inner if is_long else nobody:
            found = decode_pile([_load(source) for _, source in pile], side)
        good = [picture for _, picture in found if not isinstance(picture, DataError)]
        results = iter(function(good) if good else ())
        pictures = (picture if isinstance(picture, DataError) else next(results) for _, picture in found)
        return [(name, picture) for (name, _), picture in zip(pile, pictures, strict=True)]

    # Open files and PIL images may be the same one twice, which only one thread may read.
    sources = name_sources(images, (str, os.PathLike, bytes))
    return map_in_order(work, cut_piles(sources), count_threads(n_jobs))


def decode_pile(pile: Sequence[tuple[str, Any]], side: int | None = None) -> list[Named]:
    """Return the pixels of named picture files, paths or bytes, or their errors; plain small PNGs are decoded together.

    Pixels and errors stay as they are. `side` is that of :func:`read_image`.
    """
    small = decode_small([data if isinstance(data, bytes) else b"" for _, data in pile])
    return [
        (name, picture if picture is not None and picture.max() >= _BRIGHT else _attempt(data, name, side))
        for (name, data), picture in zip(pile, small, strict=True)
    ]


def load_small(path: Any) -> bytes:
    """Return the content of a small file; nothing for all that needs more care."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError, TypeError):
        return b""
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _SMALL:
            return b""
        data = os.read(file, found.st_size + 1)  # so many bytes are set aside
        return data if len(data) == found.st_size else b""
    except OSError:
        return b""
    finally:
        os.close(file)


def _load(source: Any) -> tuple[str, Any]:
    """Return the name of a source in messages, and its bytes if it is a small file."""
    if isinstance(source, (str, os.PathLike)):
        return get_name(source), load_small(source) or source
    return get_name(source) if isinstance(source, bytes) else "", source


def _attempt(source: Any, name: str, side: int | None) -> Array | DataError:
    if not isinstance(source, (str, os.PathLike, bytes)):
        return cast(Array | DataError, source)
    try:
        return read_image(source, name=name, side=side)
    except DataError as error:
        return error


def cut_piles(sources: Iterable[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    """Yield named sources a few at a time: so many small ones, or two photos, and later on more."""
    pile: list[tuple[str, Any]] = []
    size, most, limit = 0, _AT_ONCE[0], _FEW_BYTES
    for name, source in sources:
        pile.append((name, source))
        size += _weigh(source)
        if len(pile) == most or size > limit:
            yield pile
            pile, size, most, limit = [], 0, _AT_ONCE[1], min(limit + _FEW_BYTES // 4, _MANY_BYTES)
    if pile:
        yield pile


def _weigh(source: Any) -> int:
    if isinstance(source, (str, os.PathLike)):
        try:
            return os.stat(source).st_size
        except (OSError, ValueError):
            return 0
    return len(source) if isinstance(source, bytes) else int(getattr(source, "nbytes", 0))
