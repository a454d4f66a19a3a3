"""Pillow's readers of picture files, on which settings of the whole process have no influence.

A program that uses lenetkit may have set ``PIL.Image.MAX_IMAGE_PIXELS`` or ``PIL.ImageFile.LOAD_TRUNCATED_IMAGES`` for
pictures of its own, and its other threads rely on them: here they are neither changed nor obeyed. The readers are
called directly, since ``PIL.Image.open`` obeys them.

Out: a reader for each kind of file, by the bytes that it begins with. Next: :mod:`lenetkit.datasets._decoding`, which
has a limit of its own and takes no half pictures.
"""

import types
from typing import Any, cast

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

__all__ = ["FORMAT_NAMES", "READERS"]

_CHECK, _TRUNCATED = "_decompression_bomb_check", "LOAD_TRUNCATED_IMAGES"


def _accept_any_size(size: object, **options: object) -> None:
    """Stand in for Pillow's check."""


# What Pillow's functions see in place of their modules' globals.
_OWN = {
    "Image": types.SimpleNamespace(**{**vars(Image), _CHECK: _accept_any_size}),
    "ImageFile": types.SimpleNamespace(**{**vars(ImageFile), _TRUNCATED: False}),
    _TRUNCATED: False,
}


def _own_methods(kind: type) -> dict[str, Any]:
    """Return copies of the methods that look at a setting of the process; theirs is that of `_OWN`."""
    return {
        name: types.FunctionType(
            method.__code__, {**method.__globals__, **_OWN}, name, method.__defaults__, method.__closure__
        )
        for name, method in vars(kind).items()
        if isinstance(method, types.FunctionType) and {_CHECK, _TRUNCATED} & set(method.__code__.co_names)
    }


# Between a reader and its base class, which the reader's own load calls.
_Strict: Any = type("_Strict", (ImageFile.ImageFile,), _own_methods(ImageFile.ImageFile))


def _independent(reader: type[ImageFile.ImageFile]) -> type[ImageFile.ImageFile]:
    return cast(type[ImageFile.ImageFile], type(reader.__name__, (reader, _Strict), _own_methods(reader)))


_PNG = _independent(PngImagePlugin.PngImageFile)
_TIFF = _independent(TiffImagePlugin.TiffImageFile)
_PPM = _independent(PpmImagePlugin.PpmImageFile)

# An allow-list: nothing that runs an interpreter (EPS) or holds more than pixels.
READERS: dict[bytes, type[ImageFile.ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": _PNG,
    b"\xff\xd8\xff": _independent(JpegImagePlugin.JpegImageFile),
    b"GIF8": _independent(GifImagePlugin.GifImageFile),
    b"BM": _independent(BmpImagePlugin.BmpImageFile),
    b"II*\0": _TIFF,
    b"MM\0*": _TIFF,
    b"II+\0": _TIFF,
    b"MM\0+": _TIFF,
    b"RIFF": _independent(WebPImagePlugin.WebPImageFile),
    **{b"P%d" % kind: _PPM for kind in range(1, 7)},
}
FORMAT_NAMES = "PNG, JPEG, GIF, BMP, TIFF, WebP or PBM/PGM/PPM"
