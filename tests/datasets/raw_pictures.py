"""Pictures written byte by byte: ways of storing them that Pillow reads but cannot write."""

import struct
import zlib

import numpy as np

# First row, first column, and the steps between rows and columns, of each pass (PNG specification, section 8.2).
_ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def pack(samples: np.ndarray, depth: int, order: str = ">") -> bytes:
    """Return the bytes of one row's samples, each of so many bits."""
    flat = np.asarray(samples).ravel()
    if depth >= 8:
        return flat.astype(f"{order}u{depth // 8}").tobytes()
    return pack_bits(flat, depth)


def pack_bits(flat: np.ndarray, depth: int) -> bytes:
    """Return samples of any number of bits without gaps, the highest bit first."""
    return np.packbits((flat[:, None].astype(np.int64) >> np.arange(depth)[::-1]) & 1).tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    samples: np.ndarray,
    kind: int,
    depth: int,
    *,
    transparent: bytes = b"",
    palette: bytes = b"",
    interlaced: bool = False,
    size: tuple[int, int] | None = None,
) -> bytes:
    """Return a PNG of samples (height, width[, channels]), as they are stored, of one of the colour types above.

    Its header tells another `size`, (width, height), if there is one.
    """
    height, width = samples.shape[:2]
    passes = _ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for top, left, down, right in passes:
        part = samples[top::down, left::right]
        if part.shape[1]:
            rows += b"".join(b"\0" + pack(row, depth) for row in part)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), depth, kind, 0, 0, int(interlaced))
    chunks = [
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"tRNS", transparent),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    needed = [_chunk(name, data) for name, data in chunks if data or name == b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(needed)


def colour(values: object) -> bytes:
    """Return a chunk tRNS that names one grey level or colour."""
    return np.asarray(values).ravel().astype(">u2").tobytes()


def pnm(samples: np.ndarray, highest: int, *, plain: bool = False) -> bytes:
    """Return a PGM or PPM of samples (height, width[, 3]) from 0 to `highest`."""
    height, width = samples.shape[:2]
    kind = (3 if samples.ndim == 3 else 2) if plain else (6 if samples.ndim == 3 else 5)
    header = b"P%d\n# made by hand\n%d %d\n%d\n" % (kind, width, height, highest)
    if plain:
        return header + b" ".join(b"%d" % value for value in samples.ravel().tolist())
    return header + pack(samples, 16 if highest > 255 else 8)


def tiff(samples: np.ndarray, depth: int, *, order: str = "<", alpha: bool = False) -> bytes:
    """Return a TIFF without compression, of samples (height, width[, channels]), of 8, 12 or 16 bits."""
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    data = b"".join(pack_bits(row.ravel(), depth) if depth % 8 else pack(row, depth, order) for row in samples)
    bits_at = 8 + len(data) + len(data) % 2
    after = bits_at + 2 * channels
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, depth if channels == 1 else bits_at)]
    entries += [(259, 3, 1, 1), (262, 3, 1, 2 if channels > 2 else 1), (273, 4, 1, 8), (277, 3, 1, channels)]
    entries += [(278, 4, 1, height), (279, 4, 1, len(data))] + ([(338, 3, 1, 2)] if alpha else [])
    directory = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        directory += struct.pack(order + "HHI", tag, kind, count) + struct.pack(
            order + ("HH" if short else "I"), *([value, 0] if short else [value])
        )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", after)
    bits = struct.pack(order + f"{channels}H", *[depth] * channels)
    return head + data + b"\0" * (len(data) % 2) + bits + directory + struct.pack(order + "I", 0)
