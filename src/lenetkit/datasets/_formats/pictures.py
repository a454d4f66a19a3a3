"""Pictures as one array: decoded, and those of other sizes fitted in.

In: the bytes of picture files, by name. Out: images uint8 of one shape. The pictures are decoded as
:func:`~lenetkit.datasets.read_image` does; what cannot be decoded is reported all at once.
Next: the readers of folders, archives, tables and pages.
"""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit._utils.imports import import_quietly
from lenetkit._utils.threads import count_threads, map_in_order
from lenetkit.datasets._entries import BadEntriesError
from lenetkit.datasets._formats.zip_tree import ZipPath
from lenetkit.datasets._images import load_bytes, measure_image
from lenetkit.datasets._piles import cut_piles, decode_pile, load_small
from lenetkit.exceptions import DataError

__all__ = ["Source", "group_paths", "read_pictures", "stack_arrays", "stack_pictures"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Size: TypeAlias = tuple[int, int]
# The name of a picture, and its bytes or the reason why there are none.
Source: TypeAlias = tuple[str, bytes | DataError]

_LONGEST_SIDE = 64
_MOST_BYTES = 2**30
_MANY = 1000


def read_pictures(folder: Path, groups: Sequence[tuple[Any, Sequence[str]]]) -> Pixels:
    """Read pictures, given by the folder they lie in and their names, into one array, those of other sizes fitted in.

    `folder` is named in errors. Names need a fraction of the memory of paths, which is as much as that of small images.

    Raises
    ------
    DataError
        If some cannot be read: all of them are named.
    """

    def iterate() -> Iterator[Source]:
        for parent, names in groups:
            load = _load_zipped if isinstance(parent, ZipPath) else _load_file
            for name in names:
                path, content = load(parent, name)
                yield path, content

    return stack_pictures(iterate, sum(len(names) for _, names in groups), str(folder))


def group_paths(paths: Iterable[Any]) -> list[tuple[Any, list[str]]]:
    """Return the folders of paths and the names in them, in order, as :func:`read_pictures` takes them."""
    return [(parent, [path.name for path in found]) for parent, found in groupby(paths, lambda path: path.parent)]


def _load_zipped(folder: ZipPath, name: str) -> Source:
    path = folder / name
    try:
        return str(path), path.read_bytes()
    except DataError as error:
        return str(path), error


def _load_file(folder: Path, name: str) -> Source:
    path = os.path.join(folder, name)
    try:
        return path, load_small(path) or load_bytes(Path(path), path)
    except DataError as error:
        return path, error


def stack_pictures(sources: Callable[[], Iterable[Source]], count: int, where: str) -> Pixels:
    """Return `count` pictures as one array; those of other sizes than most are fitted in.

    `sources` gives their bytes, and is called again if the pictures are not all of one size.

    Raises
    ------
    DataError
        If some cannot be read: all of them are named.
    """
    # Nearly every set is of one size: then nothing is read twice.
    images = _stack(_with_progress(_decode(sources()), count, where), count, where, None)
    if images is None:
        sizes = [size for name, data in sources() if (size := _size(name, data)) is not None]
        images = _stack(_with_progress(_decode(sources()), count, where), count, where, _box(sizes))
    return images if images is not None else np.zeros((0, 1, 1), np.uint8)


def stack_arrays(pictures: Sequence[Pixels], where: str) -> Pixels:
    """Return pictures that are decoded already as one array, those of other sizes fitted in."""
    found = [(str(index), picture) for index, picture in enumerate(pictures)]
    box = _box([(picture.shape[0], picture.shape[1]) for picture in pictures])
    images = _stack(iter(found), len(found), where, box)
    return images if images is not None else np.zeros((0, 1, 1), np.uint8)


def _decode(sources: Iterable[Source]) -> Iterator[tuple[str, Pixels | DataError]]:
    """Decode pictures, a few at a time and beside each other, the plainest PNGs together."""
    return chain.from_iterable(map_in_order(decode_pile, cut_piles(sources), count_threads()))


def _stack(
    pictures: Iterator[tuple[str, Pixels | DataError]], count: int, where: str, box: Size | None
) -> Pixels | None:
    """Put decoded pictures into one array of size `box`; without one return None as soon as their sizes differ."""
    images: Pixels | None = None
    bad: list[str] = []
    index = -1
    for index, (_, picture) in enumerate(pictures):
        if index == count:
            break
        if isinstance(picture, DataError):
            bad.append(str(picture))
            continue
        size = (picture.shape[0], picture.shape[1])
        if images is None:
            if box is None and (count * math.prod(size) > _MOST_BYTES and max(size) > _LONGEST_SIDE):
                return None
            images = np.zeros((count, *(box or size)), np.uint8)
        if box is None and size != images.shape[1:3]:
            return None
        if box is not None:
            picture = _fitted(picture, box)
        if picture.ndim == images.ndim:
            images = np.repeat(images[..., None], 3, axis=3)
        images[index] = picture if picture.ndim == images.ndim - 1 else picture[..., None]
    if bad:
        raise BadEntriesError(f"{where} has pictures that cannot be read", bad)
    if index + 1 != count:
        raise DataError(f"{where} must have one picture for each of {count} labels; it has more, or fewer.")
    return images


def _size(name: str, data: bytes | DataError) -> Size | None:
    """Return height and width as far as the file's header tells; a damaged file is reported when it is decoded."""
    if isinstance(data, DataError):
        return None
    try:
        return measure_image(data, name)
    except DataError:
        return None


def _box(sizes: Sequence[Size]) -> Size:
    """Return the height and width that all pictures get."""
    if not sizes:
        return (1, 1)
    box, count = Counter(sizes).most_common(1)[0]
    if 2 * count <= len(sizes):
        longest = max(max(size) for size in sizes)
        box = (longest, longest)
    if max(box) > _LONGEST_SIDE and (count < len(sizes) or len(sizes) * math.prod(box) > _MOST_BYTES):
        box = _scaled(box, (_LONGEST_SIDE, _LONGEST_SIDE))
    return box


def _scaled(size: Size, box: Size) -> Size:
    """Return the largest size of the same aspect that fits in a box."""
    scale = min(box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _fitted(picture: Pixels, box: Size) -> Pixels:
    """Scale a picture to fit in a box, aspect kept, and centre it on the median colour of its border."""
    if picture.shape[:2] == box:
        return picture
    height, width = _scaled((picture.shape[0], picture.shape[1]), box)
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    fitted = np.full((*box, *picture.shape[2:]), np.median(border, axis=0), np.uint8)
    top, left = (box[0] - height) // 2, (box[1] - width) // 2
    fitted[top : top + height, left : left + width] = np.asarray(resized)
    return fitted


def _with_progress(
    pictures: Iterator[tuple[str, Pixels | DataError]], count: int, where: str
) -> Iterator[tuple[str, Pixels | DataError]]:
    """Show a bar on a terminal where there is long to wait."""
    if count < _MANY:
        return pictures
    import_quietly("rich.progress")
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    bar = track(
        pictures,
        f"reading {Path(where).name}",
        total=count,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        update_period=0.2,
    )
    return iter(bar)
