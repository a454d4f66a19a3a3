"""The one door for images: arrays, files, bytes, PIL images, tables, and lists or generators of these.

In: images as people have them.
Out: an array of images as it came, or uint8 (height, width[, 3]) for each picture that was read.
Next: :mod:`lenetkit.transforms`, which check the pixel values of arrays.

Every function that takes images calls this module, so that they all take the same and refuse it in the same words.
"""

import contextlib
import inspect
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit._utils.deprecation import warn_renamed
from lenetkit._utils.levels import FAINTEST, check_levels
from lenetkit._utils.names import shorten
from lenetkit._utils.special_files import describe_special
from lenetkit._utils.system import describe_system_error, get_working_folder
from lenetkit.datasets._axes import as_batch, as_plain, as_single, is_nested, nested_array
from lenetkit.datasets._decoding import MAX_PIXELS, Pixels, check_array, check_size, decode, measure_picture
from lenetkit.exceptions import DataError, LenetkitError

__all__ = [
    "check_failures",
    "get_name",
    "is_pile",
    "load_bytes",
    "measure_image",
    "name_sources",
    "read_image",
    "read_images",
    "single_image",
]

Array: TypeAlias = npt.NDArray[Any]
Named: TypeAlias = tuple[str, Array | DataError]

_MAX_BYTES = 2**30
_OPAQUE_CHANNELS, _ALL_CHANNELS, _TRANSPARENT = (1, 3), (1, 2, 3, 4), (2, 4)
# Linux' PATH_MAX, the largest of all systems; a path that is shorter than this is whole in messages.
_LONGEST_PATH, _LONG = 4096, 300


def read_image(
    image: Any = None,
    *,
    name: str | None = None,
    max_pixels: int = MAX_PIXELS,
    side: int | None = None,
    source: Any = None,
) -> Pixels:
    """Read one picture as uint8.

    Transparent pictures are laid on paper that their ink stands out from: dark ink on white, bright ink on black.
    Sixteen bits become eight (65535 is 255), EXIF's orientation is applied, palettes, CMYK and single bits become
    colours or grey levels. Colour profiles and gamma are ignored.

    Parameters
    ----------
    image : str, path, bytes, binary file, PIL image, ndarray, or list of one of these
        A file of at most 1 GiB in PNG, JPEG, GIF, BMP, TIFF, WebP or PBM/PGM/PPM that holds one picture of at most 200
        million pixels (GIF: 80 million). An open file is read from where it stands, and not closed. Of a PIL image
        with several frames the current one is read. An array is uint8 in [0, 255] or floating in [0, 1], of shape
        (height, width[, channels]) with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels.
    name : str, optional
        The picture's name in messages. Default: the file's, where it has one.
    max_pixels : int
        Refuse a picture with more pixels before it is unpacked: a server has less memory for each visitor.
    side : int, optional
        A picture file may be halved, the fewest times that bring its longer side to this or below; JPEG fast.
    source : optional
        Deprecated name of `image`.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3)
        uint8 in [0, 255]. Two axes where red, green and blue are equal everywhere.

    Raises
    ------
    DataError
        If it is not one picture, there is no such file, it cannot be read, is no picture in one of these formats, is
        damaged, too large, animated or has several pages, or holds 32-bit values outside 0..255 (integers) or 0..1
        (floating). The message names the file.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> from lenetkit.datasets import read_image
    >>> file = io.BytesIO()
    >>> Image.new("RGBA", (28, 20), "black").save(file, "png")
    >>> read_image(file.getvalue()).shape
    (20, 28)
    """
    if source is not None:
        warn_renamed("read_image(source=...)", "image=...")
        image = source
    single = _find_single(image, _ALL_CHANNELS)
    name = name or get_name(single)
    with _named_damage(name):
        pixels = decode(_load(single, name), name, max_pixels, side)
    if pixels.max() <= FAINTEST:
        check_levels(pixels[np.newaxis], name.replace("{", "{{").replace("}", "}}"))
    return pixels


def measure_image(data: bytes, name: str) -> tuple[int, int]:
    """Return the height and width that :func:`read_image` gives a picture file, without decoding its pixels.

    Raises
    ------
    DataError
        If the file cannot be read as far as that.
    """
    with _named_damage(name):
        return measure_picture(data, name)


def load_bytes(path: os.PathLike[str], name: str) -> bytes:
    """Return the content of a picture file.

    Raises
    ------
    DataError
        If it is no ordinary file, cannot be read, or holds more than 1 GiB.
    """
    with _named_damage(name):
        return cast(bytes, _load(path, name))


@contextlib.contextmanager
def _named_damage(name: str) -> Iterator[None]:
    """Call damage of a picture what it is, and trouble of the system what that is."""
    try:
        yield
    except LenetkitError:
        raise
    # A damaged file makes Pillow raise more than its own exceptions (struct.error, IndexError, ...).
    except Exception as error:
        # Pillow's own have no number.
        if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
            raise DataError(f"{name} cannot be read: {describe_system_error(error)}") from error
        raise DataError(
            f"{name} is damaged or of an unusual kind and cannot be read: {type(error).__name__}: {shorten(error)}. "
            "Open it in a picture editor and save it as PNG."
        ) from error


def read_images(images: Any = None, *, side: int | None = None, sources: Any = None) -> Any:
    """Return images as arrays: an array stays as it is, everything else is read.

    Parameters
    ----------
    images : array-like, path, bytes, binary file, PIL image, pandas.DataFrame, or iterable of these
        An array (n, height, width[, channels]), uint8 in [0, 255] or floating in [0, 1]; its values are checked by the
        transforms. One image (height, width[, channels]) is a batch of one; channels may come first in four axes. Rows
        of 784 pixels and batches that are counted by the last axis are refused. Nested lists of numbers are an array,
        integers from 0 to 255 as uint8. A table has one row for each image and a column for each pixel; a column or
        one-dimensional array of paths is a list of them. One path, file or picture is one image. Members of lists and
        generators are what :func:`read_image` takes.
    side : int, optional
        As for :func:`read_image`; arrays stay as they are.
    sources : optional
        Deprecated name of `images`.

    Returns
    -------
    array-like of shape (n, height, width[, channels]) or list of ndarray
        The array that was given; of anything else a list with one uint8 array of shape (height, width) or
        (height, width, 3) for each picture.

    Raises
    ------
    DataError
        If there are no images, one is nearly black (its largest value is 1, 2 or 3 of 255), or some cannot be read;
        the message names every one that cannot, with its reason.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.datasets import read_images
    >>> [image.shape for image in read_images([np.zeros((28, 28)), np.zeros((8, 8, 3))])]
    [(28, 28), (8, 8)]
    """
    if sources is not None:
        warn_renamed("read_images(sources=...)", "images=...")
        images = sources
    if not isinstance(images, np.ndarray) and _is_one_picture(images):
        return [read_image(images, side=side)]
    found_in = _find_sources(images)
    if _is_array(found_in):
        check_levels(found_in)
        return found_in
    pictures = [picture for _, picture in _iterate(found_in, side)]
    check_failures(pictures)
    return pictures


def check_failures(pictures: Collection[Any]) -> None:
    """Raise one DataError that names all pictures that cannot be read, if there are any."""
    failures = [f"images[{index}]: {found}" for index, found in enumerate(pictures) if isinstance(found, DataError)]
    if len(failures) == len(pictures) > 1 and len({str(found) for found in pictures}) == 1:
        raise DataError(f"none of {len(pictures)} pictures can be read: {next(iter(pictures))}")
    if failures:
        raise DataError(f"{len(failures)} of {len(pictures)} pictures cannot be read:\n" + "\n".join(failures))


def single_image(image: Any) -> tuple[str, Array]:
    """Return the name and the pixels of one image: an array as it is, everything else as :func:`read_image` reads it.

    Parameters
    ----------
    image : array-like, path, bytes, binary file, PIL image, or list of one of these
        An array has the shape (height, width[, channels]) or (1, height, width[, channels]).

    Returns
    -------
    name : str
        Its path, or "the image".
    pixels : ndarray of shape (height, width[, channels])

    Raises
    ------
    DataError
        If it is not one image or cannot be read.
    """
    # (1, height, 4) is rather a batch of one than a row of pixels.
    is_batch = _is_array(image) and len(image.shape) == 3 and image.shape[0] == 1
    source = _find_single(image, _OPAQUE_CHANNELS if is_batch else _ALL_CHANNELS)
    name = _as_path(source) if isinstance(source, (str, os.PathLike)) else "the image"
    # Only what came with an axis of images is surely meant for a model of that many channels.
    is_picture = _is_array(image) and _is_array(source) and len(image.shape) == len(source.shape) == 3
    is_transparent = is_picture and source.shape[2] in _TRANSPARENT
    is_ready = _is_array(source) and not is_transparent
    if not is_ready:
        return name, read_image(source)
    check_levels(source[np.newaxis], get_name(source))
    return name, check_array(source, get_name(source), MAX_PIXELS)


def _find_sources(images: Any, channels: Collection[int] = ()) -> Any:
    """Return an array (n, height, width[, channels]), or an iterable of pictures that are yet to be read."""
    if not isinstance(images, np.ndarray) and _is_one_picture(images):
        return [images]
    if hasattr(images, "columns") and hasattr(images, "to_numpy"):
        from lenetkit.datasets._pixel_tables import read_table

        return read_table(images)
    if _is_array(images):
        images = as_plain(images)
        # A column of a table and an array of paths are lists in another form.
        is_list = len(images.shape) == 1 and getattr(images.dtype, "kind", "") in {"O", "U", "T"}
        return _find_sources(images.tolist()) if is_list else _as_images(images, channels)
    if isinstance(images, (list, tuple)) and is_nested(images):
        array = nested_array(images)
        return array if isinstance(array, list) else _as_images(array, channels)
    if isinstance(images, (Mapping, Set)) or not isinstance(images, Iterable):
        raise _wrong_kind(images)
    return images


def _find_single(image: Any, channels: Collection[int]) -> Any:
    """Return the only image that there is, an array as (height, width[, channels])."""
    given = _find_sources(image, channels)
    sources = list(given)
    if not sources:
        raise _no_images(given)
    if len(sources) != 1:
        raise DataError(f"one image is expected; got {len(sources)}. Choose one, for example images[0].")
    source = sources[0]
    if isinstance(source, (list, tuple)) and is_nested(source):
        source = nested_array(source)
    return as_single(as_plain(source), channels)[0] if _is_array(source) else source


def _as_images(array: Any, channels: Collection[int]) -> Any:
    """Return an array of images, or a list of one picture whose transparency is yet to be laid on paper."""
    batch = as_single(array, channels) if channels else as_batch(array)
    is_transparent = len(array.shape) == 3 and len(batch.shape) == 4 and batch.shape[3] in _TRANSPARENT
    return list(batch) if is_transparent and not channels else batch


def is_pile(images: Any) -> bool:
    """Tell if these are pictures, files or arrays of one each, that are better read and prepared a few at a time."""
    if isinstance(images, (list, tuple)):
        return len(images) > 1 and (_is_one_picture(images[0]) or (_is_array(images[0]) and not is_nested(images)))
    return isinstance(images, Iterator) and not _is_one_picture(images)


def name_sources(images: Any, unread: tuple[type, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the name of each image, and its pixels or its error; sources of these types are left to be read.

    Raises
    ------
    DataError
        If they are no images at all.
    """
    return _iterate(_find_sources(images), None, unread)


def _iterate(sources: Any, side: int | None = None, unread: tuple[type, ...] = ()) -> Iterator[tuple[str, Any]]:
    index = -1
    for index, source in enumerate(sources):
        name = _as_path(source) if isinstance(source, (str, os.PathLike)) else f"images[{index}]"
        try:
            if _is_array(sources):
                found: Any = np.asarray(source)
                check_size(found, name, MAX_PIXELS)
                check_levels(found[np.newaxis], name)
            else:
                found = source if isinstance(source, unread) else read_image(source, side=side)
        except DataError as error:
            found = error
        yield name, found
    if index < 0:
        raise _no_images(sources)


def _is_one_picture(images: Any) -> bool:
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)
    return isinstance(images, kinds) or (hasattr(images, "read") and not _is_array(images))


def _is_array(images: Any) -> bool:
    return hasattr(images, "shape") and hasattr(images, "dtype")


def get_name(source: Any) -> str:
    """Return what messages call a picture: its path, the name that its file has, or its kind."""
    if isinstance(source, (bytes, bytearray, memoryview, np.ndarray)):
        return f"the picture ({'array' if isinstance(source, np.ndarray) else 'bytes'})"
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        return path if len(path) < _LONG else shorten(path)
    kind = "PIL image" if isinstance(source, Image.Image) else "open file"
    return shorten(getattr(source, "filename", None) or getattr(source, "name", None) or f"the picture ({kind})")


def _as_path(source: "str | os.PathLike[str]") -> str:
    """Return a path as text; of a text that is longer than any path its beginning."""
    return shorten(os.fspath(source), _LONGEST_PATH)


def _load(source: Any, name: str) -> Any:
    """Return the bytes of a file; PIL images and arrays are loaded already."""
    if isinstance(source, (Image.Image, np.ndarray)):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    data = source.read(_MAX_BYTES + 1) if hasattr(source, "read") else _read_file(source, name)
    if inspect.iscoroutine(data):
        data.close()
        raise DataError(f"{name} is read asynchronously; pass its bytes, which await ...read() gives.")
    if not isinstance(data, bytes):
        raise DataError(
            f"{name} must be open in binary mode; reading it gave {type(data).__name__}. Use open(..., 'rb')."
        )
    if len(data) > _MAX_BYTES:
        raise DataError(f"{name} must hold at most 1 GiB; it holds more. Scale the picture down.")
    return data


def _read_file(source: Any, name: str) -> bytes:
    if isinstance(source, str) and source.startswith("data:"):
        raise DataError(
            "a data URL is no path of a picture. Pass the bytes in it: base64.b64decode(url.partition(',')[2])."
        )
    try:
        path = Path(source)
        # A pipe or a device might never end.
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else describe_special(path) or "no ordinary file"
            raise DataError(f"{name} must be a picture file; it is {kind}.")
        with path.open("rb") as file:
            # Asked for a number of bytes, Python sets aside that much memory first.
            return file.read(-1 if path.stat().st_size <= _MAX_BYTES else _MAX_BYTES + 1)
    except TypeError:
        raise _wrong_kind(source) from None
    except FileNotFoundError:
        looked = get_working_folder() or "a working folder that does not exist any more"
        raise DataError(f"there is no file {name}. Looked in {looked}.") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from error


def _wrong_kind(images: Any) -> DataError:
    return DataError(f"images must be an array, a path, a PIL image or a list of these; got {type(images).__name__}.")


def _no_images(sources: Any) -> DataError:
    return DataError(f"there are no images: got an empty {type(sources).__name__}.")
