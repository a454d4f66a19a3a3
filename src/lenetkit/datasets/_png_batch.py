"""Many small PNGs of one size, decoded together: the same pixels as one after the other, in a fraction of the time.

In: the bytes of PNG files. Out: their pixels, or None for every file that is not of the plainest kind: grey or RGB of 8
bits, not interlaced, without transparency, animation or a turned camera, every checksum right. Those are left to
:func:`~lenetkit.datasets.read_image`, which knows all kinds and says what is wrong with a damaged one.

Each row of a PNG is stored as differences from its neighbours. To undo that takes a step for each row, in some kinds
for each pixel; here such a step is taken for all pictures at once.

Source: W3C, Portable Network Graphics (PNG) Specification, sections 5 (chunks) and 9 (filtering).
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["decode_small"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
_Form: TypeAlias = tuple[int, int, int]  # height, width and channels
_Opened: TypeAlias = tuple[int, bytes]  # which file, and its filtered rows

_START = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">4sIIBBBBB")
_LARGEST_SIDE = 128  # of larger pictures Pillow's time is spent on pixels, not on starting
_CHANNELS = {0: 1, 2: 3}
# Pixels decoded at once: a thousand images like MNIST's, and so many of larger ones that memory stays small.
_MOST_BYTES = 2**21
# Chunks that say nothing of the pixels that read_image would heed.
_REMARKS = frozenset({b"gAMA", b"pHYs", b"cHRM", b"sRGB", b"tIME", b"sBIT", b"bKGD"})


def decode_small(files: Sequence[bytes]) -> list[Pixels | None]:
    """Return the pixels (height, width) or (height, width, 3) of each file, or None; grey where all channels agree."""
    found: list[Pixels | None] = [None] * len(files)
    piles: dict[_Form, list[_Opened]] = {}
    for index, data in enumerate(files):
        opened = _open(data)
        if opened is not None:
            piles.setdefault(opened[0], []).append((index, opened[1]))
    for (height, width, channels), pile in _cut(piles):
        rows = np.frombuffer(b"".join(content for _, content in pile), np.uint8)
        rows = rows.reshape(len(pile), height, 1 + width * channels)
        good = np.asarray((rows[:, :, 0] <= 4).all(axis=1))
        pixels = _undo_filters(rows[good], channels).reshape(-1, height, width, channels)
        grey = (pixels == pixels[..., :1]).all(axis=(1, 2, 3))
        for index, picture, is_grey in zip(
            (index for (index, _), is_good in zip(pile, good, strict=True) if is_good), pixels, grey, strict=True
        ):
            found[index] = picture[..., 0] if is_grey else picture
    return found


def _cut(piles: dict[_Form, list[_Opened]]) -> Iterator[tuple[_Form, list[_Opened]]]:
    """Yield pictures of one form, as many as may be decoded together."""
    for form, pile in piles.items():
        many = max(1, _MOST_BYTES // math.prod(form))
        for start in range(0, len(pile), many):
            yield form, pile[start : start + many]


def _open(data: bytes) -> tuple[_Form, bytes] | None:
    """Return height, width and channels of a plain PNG, and its filtered rows."""
    if not data.startswith(_START) or len(data) < 45 or data[8:12] != b"\0\0\0\r":
        return None
    kind, width, height, bits, colours, packing, filtering, interlaced = _HEADER.unpack_from(data, 12)
    channels = _CHANNELS.get(colours, 0)
    is_plain = kind == b"IHDR" and bits == 8 and channels and not (packing or filtering or interlaced)
    if not is_plain or not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        return None
    start, packed = 8, []
    while True:
        if start + 12 > len(data):
            return None
        length, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        end = start + 8 + length
        if zlib.crc32(data[start + 4 : end]) != int.from_bytes(data[end : end + 4], "big") or end + 4 > len(data):
            return None
        if kind == b"IDAT":
            packed.append(data[start + 8 : end])
        elif kind == b"IEND":
            break
        elif kind not in _REMARKS and not (kind == b"IHDR" and start == 8):
            return None
        start = end + 4
    size = height * (1 + width * channels)
    unpack = zlib.decompressobj()
    try:
        content = unpack.decompress(b"".join(packed), size + 1)
    except zlib.error:
        return None
    return ((height, width, channels), content) if len(content) == size and unpack.eof else None


def _undo_filters(rows: Pixels, channels: int) -> Pixels:
    """Return the bytes (n, height, width * channels) of rows that each begin with the kind of their filter."""
    count, height, stride = rows.shape
    above = np.zeros((count, stride - 1), np.uint8)
    pixels = np.empty((count, height, stride - 1), np.uint8)
    for y in range(height):
        kinds, line = rows[:, y, 0], rows[:, y, 1:].copy()
        for kind in np.flatnonzero(np.bincount(kinds, minlength=5)).tolist():
            here = np.flatnonzero(kinds == kind)
            if kind == 1:
                steps = line[here].reshape(len(here), -1, channels)
                line[here] = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(len(here), -1)
            elif kind == 2:
                line[here] += above[here]
            elif kind:
                line[here] = _undo_by_pixel(line[here], above[here], channels, kind == 4)
        pixels[:, y] = above = line
    return pixels


def _undo_by_pixel(line: Pixels, above: Pixels, channels: int, is_paeth: bool) -> Pixels:
    """Undo the filters that look at the pixel before: the average with the one above, or Paeth's choice of three."""
    steps = line.T.reshape(-1, channels, len(line))
    upper = above.T.reshape(steps.shape).astype(np.int16)
    left = corner = np.zeros(steps.shape[1:], np.int16)
    undone = np.empty(steps.shape, np.uint8)
    for x in range(len(steps)):
        up = upper[x]
        if is_paeth:
            down, right = up - corner, left - corner
            by_left, by_up, by_corner = np.abs(down), np.abs(right), np.abs(down + right)
            guess = np.where(by_up <= by_corner, up, corner)
            guess = np.where(by_left <= np.minimum(by_up, by_corner), left, guess)
        else:
            guess = (left + up) >> 1
        undone[x] = steps[x] + guess.astype(np.uint8)
        left, corner = undone[x].astype(np.int16), up
    return undone.reshape(-1, len(line)).T
