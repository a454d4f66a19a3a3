"""Readers for HEIC, AVIF and JPEG XL, where a library for them is installed.

In: the first bytes of a picture that none of the usual readers knows. Out: a reader, or an error that names what to
install. Next: :mod:`lenetkit.datasets._decoding`, which has loaded none of this for any other picture.
"""

import importlib
from typing import Any

from lenetkit.exceptions import DataError

__all__ = ["find_modern_reader", "jxl_size"]

_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_JXL, _JXL_BOXES = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
_JXL_BITS = (9, 13, 18, 30)
_JXL_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def find_modern_reader(data: bytes, name: str) -> Any:
    """Return the class that reads a picture, None if it is none of the three.

    Raises
    ------
    DataError
        If the library for it is not installed.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return _import(name, "a HEIC picture", "pillow_heif.as_plugin", "HeifImageFile")
    if data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS:
        return _import(name, "an AVIF picture", "PIL.AvifImagePlugin", "AvifImageFile")
    if data.startswith((_JXL, _JXL_BOXES)):
        return _import(name, "a JPEG XL picture", "pillow_jxl.JpegXLImagePlugin", "JXLImageFile")
    return None


def _import(name: str, kind: str, module: str, reader: str) -> Any:
    advice = 'pip install "lenetkit[formats]"'
    if module.startswith("PIL."):
        from PIL import features

        advice = 'pip install "pillow>=11.3"'
        module = module if "avif" in features.get_supported() else ""
    try:
        return getattr(importlib.import_module(module), reader)
    except (ImportError, ValueError):
        raise DataError(f"{name} is {kind}. To read it: {advice}; or save it as PNG.") from None


def jxl_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG XL picture, which its reader would decode before it tells them.

    Source: ISO/IEC 18181-1, SizeHeader.
    """
    bits = int.from_bytes(_codestream(data)[2:14], "little")

    def read(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    is_small = read(1)

    def read_length() -> int:
        return (read(5) + 1) * 8 if is_small else read(_JXL_BITS[read(2)]) + 1

    height = read_length()
    ratio = read(3)
    if not ratio:
        return read_length(), height
    above, below = _JXL_RATIOS[ratio]
    return height * above // below, height


def _codestream(data: bytes) -> bytes:
    """Return what begins with the picture's header: in a file of boxes the content of the first box of that kind."""
    start = 0
    while data[start : start + 2] != _JXL and start + 8 <= len(data):
        length, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        if kind in (b"jxlc", b"jxlp"):
            start += 8 + (4 if kind == b"jxlp" else 0) + (8 if length == 1 else 0)
            break
        if length < 8:
            break
        start += length
    return data[start : start + 16]
