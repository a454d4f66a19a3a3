#!/usr/bin/env bash
# Pillow and colour pictures of 16 bits: the same samples as binary PPM and as PNG.
#
# Guess before running: both are lossless, and Pillow makes 8 bits of the 16 in one way (the upper byte), so the arrays
# are equal.
# Seen with Pillow 13.0.0: the PNG gives the upper byte, value // 256; the PPM gives round(value / 257). Of all 65,536
# levels 24.8 % differ, by one, the PPM brighter below the middle and darker above it. A grey PGM keeps all 16 bits.
# Why it matters: a scan converted from one lossless format to the other is not the same array, and a hash of its pixels
# or a count of duplicates finds two pictures.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "numpy==2.4.6" "pillow==13.0.0"
"$folder/environment/bin/python" - <<'PYTHON'
import io
import struct
import zlib

import numpy as np
import PIL
from PIL import Image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


print("Pillow", PIL.__version__, "NumPy", np.__version__)
levels = np.arange(65536, dtype=">u2").reshape(256, 256)
colour = np.repeat(levels[..., None], 3, axis=2)
rows = b"".join(b"\0" + row.tobytes() for row in colour)
png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 256, 256, 16, 2, 0, 0, 0))
png += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
ppm = b"P6\n256 256\n65535\n" + colour.tobytes()
pgm = b"P5\n256 256\n65535\n" + levels.tobytes()

from_png, from_ppm = (np.asarray(Image.open(io.BytesIO(data)))[..., 0].astype(int) for data in (png, ppm))
from_pgm = np.asarray(Image.open(io.BytesIO(pgm)))
values = levels.astype(int)
print("PNG is the upper byte:", bool((from_png == values // 256).all()))
print("PPM is value / 257, rounded:", bool((from_ppm == np.rint(values / 257)).all()))
print("PGM keeps 16 bits:", bool((from_pgm == values).all()), from_pgm.dtype)
differ = from_png != from_ppm
print(f"levels that differ: {differ.sum()} of {differ.size}, by {sorted(set((from_ppm - from_png)[differ].tolist()))}")
assert (from_png == values // 256).all() and (from_ppm == np.rint(values / 257)).all() and (from_pgm == values).all()
assert differ.sum() == 16256, "another number of levels differs now"
assert (from_ppm - from_png)[differ & (values < 32768)].min() == 1 and (from_ppm - from_png)[differ & (values >= 32768)].max() == -1
PYTHON
