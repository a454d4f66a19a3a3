"""A folder with one sub-folder of pictures for each class.

In: the folder. Out: images of one shape, uint8, and labels. The pictures are decoded by
:func:`~lenetkit.datasets.read_image`; what cannot be decoded is reported all at once.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit.datasets._entries import BadEntriesError, labels_from_text, list_folder
from lenetkit.datasets._images import read_image
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.exceptions import DataError

__all__ = ["IMAGE_SUFFIXES", "is_class_folder", "read_class_folder"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Size: TypeAlias = tuple[int, int]

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_PARTS = frozenset({"train", "test"})
_LONGEST_SIDE = 64
_MOST_BYTES = 2**30
_MANY = 1000
_ROTATED = frozenset({5, 6, 7, 8})
_ORIENTATION = 0x0112


def is_class_folder(folder: Path) -> bool:
    """Return True for a folder with sub-folders of pictures, or with folders ``train`` and ``test`` that have them."""
    return any(_pictures_by_class(root) for root in (folder, *_parts(folder).values()))


def read_class_folder(folder: Path, subset: str = "all") -> tuple[Pixels, npt.NDArray[Any], tuple[str, ...]]:
    """Read a folder with one sub-folder of pictures for each class.

    A picture is a file with one of the usual suffixes (.png, .jpg, .bmp, .tif, .gif, .webp, .pgm ...) right in the
    sub-folder; other files and hidden ones are passed over. If the folder has a ``train`` and a ``test`` folder with
    class folders in them, these are the predefined splits.

    The images become one array. Pictures of one size stay as they are. If sizes differ, each picture is scaled,
    aspect kept, to fit the most common size (where more than half have it; otherwise a square as long as the longest
    side) and centred on a ground of the median colour of its border; then, and where the images would take more than
    1 GiB, that size is itself scaled down to a longest side of 64 pixels. The array is grey if all pictures are.

    Labels are int64 where all sub-folders are named by integers (``0`` to ``9``), otherwise the names. Returned are
    images, class by class in the order of the file names, labels and class names.

    Raises
    ------
    DataError
        If there are no pictures, or if some cannot be read: all of them are named.
    SettingError
        If `subset` is a predefined split that is not there.
    """
    parts = _parts(folder)
    if not parts:
        refuse_splits(str(folder), subset)
    chosen = [parts[part] for part in split_names(subset)] if parts else [folder]
    trees = {root: _pictures_by_class(root) for root in (parts.values() if parts else chosen)}
    names = sorted({name for tree in trees.values() for name in tree}, key=_natural)
    files = [(path, name) for root in chosen for name in names for path in trees[root].get(name, [])]
    if not files:
        raise DataError(f"{folder} has no sub-folder with pictures; it must have one for each class.")
    values = labels_from_text(names)
    values_by_name = dict(zip(names, values, strict=True))
    classes = tuple(names) if values.dtype.kind == "U" else tuple(map(str, range(int(values.max()) + 1)))
    images = _read_pictures(folder, [path for path, _ in files])
    return images, np.array([values_by_name[name] for _, name in files]), classes


def _parts(folder: Path) -> Mapping[str, Path]:
    """Return the folders of the predefined splits, or nothing where there are none."""
    folders = {path.name: path for path in _visible(folder) if path.is_dir()}
    return folders if set(folders) == _PARTS and all(map(_pictures_by_class, folders.values())) else {}


def _pictures_by_class(folder: Path) -> dict[str, list[Path]]:
    pictures = {
        path.name: [file for file in _visible(path) if file.suffix.lower() in IMAGE_SUFFIXES]
        for path in _visible(folder)
        if path.is_dir()
    }
    return {name: files for name, files in pictures.items() if files}


def _visible(folder: Path) -> list[Path]:
    return [path for path in list_folder(folder) if not path.name.startswith((".", "__"))]


def _natural(name: str) -> tuple[int, str]:
    """Sort 10 after 9."""
    return (int(name) if name.isascii() and name.isdigit() and len(name) < 10 else -1, name)


def _read_pictures(folder: Path, paths: Sequence[Path]) -> Pixels:
    # One after the other: in threads the small pictures of such folders took as long and twice the work.
    box = _box([size for size in map(_size, paths) if size is not None])
    images = np.zeros((len(paths), *box), np.uint8)
    bad = []
    for index, path in enumerate(_with_progress(paths, folder)):
        try:
            picture = _fitted(read_image(path), box)
        except DataError as error:
            bad.append(str(error))
        else:
            if picture.ndim == images.ndim:
                images = np.repeat(images[..., None], 3, axis=3)
            images[index] = picture if picture.ndim == images.ndim - 1 else picture[..., None]
    if bad:
        raise BadEntriesError(f"{folder} has pictures that cannot be read", bad)
    return images


def _size(path: Path) -> Size | None:
    """Return height and width as far as the file's header tells; a damaged file is reported when it is decoded."""
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            # Pillow decodes a whole PNG to find its EXIF data, which cameras do not write there.
            turned = picture.format != "PNG" and picture.getexif().get(_ORIENTATION) in _ROTATED
            return picture.size if turned else (picture.height, picture.width)
    except Exception:  # Pillow raises many kinds for a damaged header.
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


def _with_progress(paths: Sequence[Path], folder: Path) -> Iterable[Path]:
    """Show a bar on a terminal where there is long to wait."""
    if len(paths) < _MANY:
        return paths
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(paths, f"reading {folder.name}", console=console, transient=True, disable=not console.is_terminal)
