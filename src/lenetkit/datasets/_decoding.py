"""Decoding of picture files: the same picture saved in any lossless way gives the same array.

In: the bytes of a file, a PIL image or an array, each one picture.
Out: uint8 (height, width) where the picture is grey, (height, width, 3) where it has colours.
Next: :func:`lenetkit.datasets.read_images`, which finds the pictures in what it is given.
"""

import io
import struct
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, PpmImagePlugin, TiffImagePlugin

from lenetkit._ink import get_reduction
from lenetkit._utils.levels import INTEGER_ADVICE, range_advice
from lenetkit.datasets._pillow import FORMAT_NAMES, READERS
from lenetkit.exceptions import DataError

__all__ = ["MAX_PIXELS", "Pixels", "check_array", "check_size", "decode", "decode_frames", "measure_picture"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

MAX_PIXELS = 200_000_000
# Pillow prepares a GIF's frames while it opens the file, and warns when they pass a limit of its own.
_MAX_GIF_PIXELS = 80_000_000

# Bytes of a JPEG that are decoded at once.
_PIECE = 2**22
_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF_ORIENTATION = 0x0112
# Orientations in which height and width change places.
_ON_ITS_SIDE = (5, 6, 7, 8)
_TIFF_PHOTOMETRIC, _TIFF_BITS = 262, 258
# The factor from the grey levels of a PNG of few bits to those of eight, by the name that Pillow has for them.
_GREY_STEPS = {"1": 255, "L;2": 85, "L;4": 17}


def decode(
    source: bytes | Image.Image | npt.NDArray[Any], name: str, max_pixels: int, side: int | None = None
) -> Pixels:
    """Return the pixels of one picture, of a file halved until no side is longer than `side`, where that saves work.

    Raises
    ------
    DataError
        If it is no picture in one of the formats, damaged, too large, animated or has several pages, or holds pixels
        outside their range. The message names the picture.
    Exception
        Of any kind if Pillow meets damage that it does not expect.
    """
    if isinstance(source, np.ndarray):
        array = check_array(source, name, max_pixels)
        return _simplify(array if array.dtype == np.uint8 else _from_floats(array, name))
    if isinstance(source, Image.Image):
        return _decode(source, name, max_pixels)
    _check_sums(source)
    with _open(source, name, max_pixels) as image:
        return _decode(image, name, max_pixels, side)


def check_array(array: npt.NDArray[Any], name: str, max_pixels: int) -> npt.NDArray[Any]:
    """Return an array (height, width[, channels]) as it is; refuse one of another type or without pixels.

    Raises
    ------
    DataError
        If it is neither uint8 nor floating, or has no or too many pixels.
    """
    check_size(array, name, max_pixels)
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise DataError(
            f"{name} must be uint8 in 0..255 or float in 0..1; got {array.dtype}. "
            f"{'Convert with .astype(np.uint8) * 255.' if array.dtype.kind == 'b' else INTEGER_ADVICE}"
        )
    return array


def measure_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Return the height and width of the pixels that :func:`decode` gives, without decoding them."""
    with _open(data, name, max_pixels) as image:
        # To find a PNG's EXIF data Pillow may decode all of it.
        is_plain = isinstance(image, PngImagePlugin.PngImageFile) and b"eXIf" not in data
        turned = not is_plain and _orientation(image) in _ON_ITS_SIDE
        return image.size if turned else (image.height, image.width)


def decode_frames(data: bytes, name: str, max_pixels: int) -> Iterator[Pixels]:
    """Yield the pixels of each page of a picture file.

    Raises
    ------
    DataError
        As for :func:`decode`.
    Exception
        Of any kind if Pillow meets damage that it does not expect.
    """
    with _open(data, name, max_pixels, several=True) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            yield _decode(image, f"{name}: page {index + 1}", max_pixels)


def _find_modern_reader(data: bytes, name: str, max_pixels: int) -> Any:
    from lenetkit.datasets._modern_pictures import find_modern_reader, jxl_size

    reader = find_modern_reader(data, name)
    if reader is not None and reader.__name__.startswith("JXL"):
        _check_size(*jxl_size(data), name, max_pixels)
    return reader


def _open(data: bytes, name: str, max_pixels: int, *, several: bool = False) -> ImageFile.ImageFile:
    if not data:
        raise DataError(f"{name} must be a picture ({FORMAT_NAMES}); it is empty.")
    reader = next((reader for magic, reader in READERS.items() if data.startswith(magic)), None)
    reader = reader or _find_modern_reader(data, name, max_pixels)
    if reader is None:
        raise DataError(
            f"{name} must be a picture in {FORMAT_NAMES}; it begins with {data[:12]!r}. "
            "Save it in one of these formats."
        )
    if issubclass(reader, GifImagePlugin.GifImageFile) and len(data) >= 10:
        width, height = struct.unpack_from("<HH", data, 6)
        _check_size(width, height, name, min(max_pixels, _MAX_GIF_PIXELS))
    image: ImageFile.ImageFile = reader(io.BytesIO(data))
    _check_size(image.width, image.height, name, max_pixels)
    if getattr(image, "is_animated", False) and not several:
        raise DataError(
            f"{name} must hold one picture; it holds {getattr(image, 'n_frames', 'several')}. "
            "Choose one with PIL (Image.open, seek) and pass that."
        )
    return image


def _check_sums(data: bytes) -> None:
    """Let Pillow check the pixels' checksums of a PNG, which it does only when asked, and can't decode after that."""
    if data.startswith(_PNG):
        with READERS[_PNG](io.BytesIO(data)) as image:
            image.verify()


def _decode(image: Image.Image, name: str, max_pixels: int, side: int | None = None) -> Pixels:
    _check_size(image.width, image.height, name, max_pixels)
    factor = 1 if side is None else get_reduction(max(image.size), side)
    if factor > 1 and isinstance(image, JpegImagePlugin.JpegImageFile):
        factor //= _decode_reduced(image, factor)
        # In one piece: after each of 64 KiB a thread that prepares pictures would wait for the interpreter's lock.
        image.decodermaxblock = _PIECE
    # Before it is loaded a file tells how many bits it has.
    stored = image.tile[0] if isinstance(image, ImageFile.ImageFile) and image.tile else (None,) * 4
    if isinstance(image, PpmImagePlugin.PpmImageFile) and image.mode == "RGB" and _is_deep(stored):
        pixels = _from_deep_ppm(image, stored)
    elif isinstance(image, PngImagePlugin.PngImageFile) and isinstance(image.info.get("transparency"), (int, tuple)):
        pixels = _with_transparent_colour(image, str(stored[3]) if stored[3] else None)
    else:
        image.load()
        pixels = _channels(image, name, factor)
    return _turn(_simplify(pixels), _orientation(image))


def _decode_reduced(image: JpegImagePlugin.JpegImageFile, factor: int) -> int:
    """Let a JPEG be decoded at 1/2, 1/4 or 1/8 of its size; return by how much it will be smaller."""
    before = max(image.size)
    image.draft(None, (max(1, image.width // factor), max(1, image.height // factor)))
    return round(before / max(image.size))


def _is_deep(stored: tuple[Any, ...]) -> bool:
    return isinstance(stored[3], tuple) and stored[3][1] > 255


def _from_deep_ppm(image: PpmImagePlugin.PpmImageFile, stored: tuple[Any, ...]) -> Pixels:
    """Return a PPM of more than 8 bits, of which Pillow would round to 8 what it does not round in a PGM.

    Sample for sample it is a PGM of three times the width.
    """
    file: Any = image.fp
    file.seek(stored[2])
    kind = b"P2" if stored[0] == "ppm_plain" else b"P5"
    header = b"%s %d %d %d\n" % (kind, 3 * image.width, image.height, stored[3][1])
    with READERS[kind](io.BytesIO(header + file.read())) as grey:
        return _from_32_bits(np.asarray(grey), "", white=65535).reshape(image.height, image.width, 3)


def _with_transparent_colour(image: PngImagePlugin.PngImageFile, stored: str | None) -> Pixels:
    """Return a PNG, one colour of which is transparent: the file names it in bits of its own."""
    given = np.atleast_1d(np.array(image.info["transparency"], np.int64))
    if image.mode == "P":
        image.load()
        return np.array(image.convert("RGBA"))
    lower = _lower_bytes(image) if stored == "RGB;16B" and not image.is_animated else None
    image.load()
    if image.mode.startswith("I"):
        values = np.asarray(image)
        pixels, seen = (values >> 8).astype(np.uint8), values == given
    elif image.mode in ("1", "L"):
        step = _GREY_STEPS.get("1" if image.mode == "1" else str(stored), 1)
        pixels = np.asarray(image.convert("L"))
        seen = pixels == given % (255 // step + 1) * step
    else:
        pixels = np.asarray(image)
        is_deep = lower is not None or (stored is None and given.max() > 255)
        upper = given >> 8 if is_deep else given % 256
        seen = (pixels == upper).all(axis=2) & (lower is None or (lower == given % 256).all(axis=2))
    return np.dstack([pixels, np.where(seen, 0, 255).astype(np.uint8)])


def _lower_bytes(image: PngImagePlugin.PngImageFile) -> Pixels:
    """Return the lower bytes of the samples of a PNG of 16 bits in colour, of which Pillow keeps the upper ones."""
    file: Any = image.fp
    at = file.tell()
    file.seek(0)
    again = READERS[_PNG](io.BytesIO(file.read()))
    file.seek(at)
    # As if the lower byte came first.
    again.tile = [(*tile[:3], "RGB;16L") for tile in again.tile]  # type: ignore[misc]
    with again:
        return np.array(again)


def check_size(array: npt.NDArray[Any], name: str, most: int) -> None:
    """Refuse an array (height, width[, channels]) with no or too many pixels."""
    _check_size(array.shape[1], array.shape[0], name, most)


def _check_size(width: int, height: int, name: str, most: int) -> None:
    if not 0 < width * height <= most:
        raise DataError(f"{name} must have 1 to {most:,} pixels; it has {width:,} x {height:,} = {width * height:,}.")


def _channels(image: Image.Image, name: str, factor: int = 1) -> Pixels:
    """Return grey, grey and alpha, RGB, or RGB and alpha; blocks of pixels averaged where all are solid."""
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if image.mode not in ("1", "L") and tags.get(_TIFF_PHOTOMETRIC) == 0:
        # Pillow would give the negative.
        raise DataError(f"{name} is a TIFF of more than 8 bits in which 0 means white. Save it as PNG.")
    if image.mode.startswith("I;16"):
        # The upper byte, as Pillow takes it from 16-bit colours: 257 * v becomes v.
        return np.asarray(np.asarray(image) >> tags.get(_TIFF_BITS, (16,))[0] - 8, np.uint8)
    if image.mode == "I":
        return _from_32_bits(np.asarray(image), name, white=65535 if image.format == "PPM" else 255)
    if image.mode == "F":
        return _from_floats(np.asarray(image), name)
    colours = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    wanted = colours + ("A" if image.has_transparency_data else "")
    converted = image if image.mode == wanted else image.convert(wanted)
    return np.array(converted.reduce(factor) if factor > 1 and wanted == colours else converted)


def _from_32_bits(values: npt.NDArray[Any], name: str, *, white: int) -> Pixels:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > white:
        raise DataError(
            f"{name} has 32-bit pixels, which must hold 0 to {white}; they hold {low} to {high}. "
            "Save it with 8 or 16 bits."
        )
    return np.asarray(values >> (8 if white > 255 else 0), np.uint8)


def _from_floats(values: npt.NDArray[Any], name: str) -> Pixels:
    low, high = values.min(), values.max()
    # A NaN makes both comparisons false.
    if not (low >= 0 and high <= 1):
        raise DataError(
            f"{name} has floating pixels, which must lie in 0..1; they lie in {low:g}..{high:g}. "
            f"{range_advice(float(low), float(high))}".rstrip()
        )
    return np.asarray(np.rint(values * 255), np.uint8)


def _simplify(pixels: Pixels) -> Pixels:
    """Remove transparency, and channels that say the same."""
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] in (2, 4):
        pixels = _lay_on_paper(pixels[..., :-1], pixels[..., -1])
    red, *others = np.moveaxis(pixels, -1, 0)
    # The first row mostly tells colours already.
    is_grey = all(np.array_equal(red[:1], other[:1]) and np.array_equal(red, other) for other in others)
    return np.ascontiguousarray(red if is_grey else pixels)


def _lay_on_paper(colours: Pixels, alpha: Pixels) -> Pixels:
    if alpha.min() == 255:
        return colours
    paper = _paper_for(colours, alpha)
    out = np.empty_like(colours)
    for rows in _blocks(alpha):
        opacity = alpha[rows, :, np.newaxis].astype(np.uint16)
        out[rows] = (colours[rows] * opacity + paper * (255 - opacity) + 127) // 255
    return out


def _paper_for(colours: Pixels, alpha: Pixels) -> int:
    """Return white or black.

    If most of the picture is solid and has two tones, it brings its own paper (a cut-out photo, round corners), which
    is continued. Otherwise the solid part is ink, and the paper is the colour that it stands out from.
    """
    most, n_solid, n_dark = alpha.max(), 0, 0
    for rows in _blocks(alpha):
        solid = alpha[rows] == most
        luma = _luma(colours[rows][solid])
        n_solid += len(luma)
        n_dark += int(np.count_nonzero(luma < 128))
    mostly_dark = most == 0 or n_dark * 2 >= n_solid
    has_paper = n_solid * 2 >= alpha.size and 0.01 <= n_dark / n_solid <= 0.99
    return 255 if mostly_dark != has_paper else 0


def _luma(colours: Pixels) -> npt.NDArray[Any]:
    if colours.shape[-1] == 1:
        return colours[..., 0]
    red, green, blue = (colours[..., i].astype(np.uint32) for i in range(3))
    # ITU-R 601 in 16-bit fixed point.
    return np.asarray((19595 * red + 38470 * green + 7471 * blue) >> 16)


def _blocks(alpha: Pixels) -> Iterator[slice]:
    # A large picture must not need many times its size.
    step = max(1, 2**20 // alpha.shape[1])
    return (slice(start, start + step) for start in range(0, alpha.shape[0], step))


def _orientation(image: Image.Image) -> int:
    if image.format == "JXL":
        return 1  # its decoder has turned it already
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    # Damaged remarks about a picture are no damage to the picture.
    except Exception:
        return 1


def _turn(pixels: Pixels, orientation: int) -> Pixels:
    """Undo what EXIF says was done to a picture (CIPA DC-008, tag Orientation)."""
    upright = pixels.swapaxes(0, 1) if orientation in _ON_ITS_SIDE else pixels
    mirrored = upright[:, ::-1] if orientation in (2, 3, 6, 7) else upright
    return np.ascontiguousarray(mirrored[::-1] if orientation in (3, 4, 7, 8) else mirrored)
