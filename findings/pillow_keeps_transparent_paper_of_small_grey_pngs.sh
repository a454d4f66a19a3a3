#!/usr/bin/env bash
# Pillow and the transparent level of grey PNGs of 1, 2, 4 and 8 bits (their tRNS chunk): scans of digits on "no" paper.
#
# Guess before running: whatever the bits of a sample, the pixels of the level that the file calls transparent have
# alpha 0 once the picture is converted to RGBA, and all others 255.
# Seen with Pillow 13.0.0: so it is with 1 and 8 bits. With 2 and 4 bits Pillow widens the samples to 0..255 but compares
# them with the level in the file's own bits: white paper, 3 of 0..3 or 15 of 0..15, stays opaque. With 4 bits and
# level 0 the black pixels are transparent, as 0 is 0 in any number of bits.
# Why it matters: the same picture, saved with fewer bits, has another paper, and so another polarity.
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


def grey_png(samples, bits, transparent):
    """One row of grey samples, packed as the PNG specification says, with a tRNS chunk."""
    row = np.unpackbits(np.asarray(samples, np.uint8)[:, None], axis=1)[:, -bits:].ravel()
    header = struct.pack(">IIBBBBB", len(samples), 1, bits, 0, 0, 0, 0)
    parts = (b"IHDR", header), (b"tRNS", struct.pack(">H", transparent))
    data = (b"IDAT", zlib.compress(b"\0" + np.packbits(row).tobytes())), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in (*parts, *data))


print("Pillow", PIL.__version__, "NumPy", np.__version__)
seen = {}
for bits in (1, 2, 4, 8):
    white = 2**bits - 1
    for transparent in (0, white):
        samples = np.linspace(0, white, 8 if bits > 2 else white + 1).astype(int)
        image = Image.open(io.BytesIO(grey_png(samples, bits, transparent)))
        alpha = np.asarray(image.convert("RGBA"))[0, :, 3]
        seen[bits, transparent] = bool(((alpha == 0) == (samples == transparent)).all())
        print(f"{bits} bits, level {transparent} transparent: levels {samples.tolist()} have alpha {alpha.tolist()}")
wrong = [key for key, is_right in seen.items() if not is_right]
print("not as the file says:", wrong)
assert wrong == [(2, 3), (4, 15)], "Pillow treats transparent levels otherwise now"
PYTHON
