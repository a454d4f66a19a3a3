#!/usr/bin/env bash
# Pillow and the memory that a 28x28 picture takes on its way to NumPy, by ImageFile.MAXBLOCK.
#
# Guess before running: MAXBLOCK is about files. A larger one lets a JPEG be decoded in one piece, a little faster, as
# decodermaxblock of a single opened file does; np.asarray(picture) takes the picture's 784 bytes whatever it is.
# Seen with Pillow 13.0.0 and NumPy 2.4.6: Image.tobytes, and with it np.asarray, sets MAXBLOCK bytes aside for each
# picture, and cuts them down afterwards: 64 KiB for a digit as it is, 4 MiB with MAXBLOCK = 2**22, beside which the
# 784 bytes are nothing. A folder of digits is handed over several times as slowly then.
# Why it matters: to raise MAXBLOCK is the usual advice against "encoder error -2" when a large JPEG is saved. It then
# holds for every small picture of the process; decodermaxblock of the file that is read has no such effect.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "pillow==13.0.0" "numpy==2.4.6"
"$folder/environment/bin/python" - <<'PYTHON'
import timeit
import tracemalloc

import numpy as np
import PIL
from PIL import Image, ImageFile

print("Pillow", PIL.__version__, "NumPy", np.__version__)
digit = Image.fromarray(np.arange(784, dtype=np.uint8).reshape(28, 28))


def measure(block: int) -> int:
    ImageFile.MAXBLOCK = block
    np.asarray(digit)
    tracemalloc.start()
    np.asarray(digit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    took = min(timeit.repeat(lambda: np.asarray(digit), number=200, repeat=5)) / 200
    print(f"MAXBLOCK {block:>9,}: peak {peak:>9,} bytes for 784, {1e6 * took:.0f} microseconds")
    return peak


peaks = {block: measure(block) for block in (2**16, 2**20, 2**22)}
assert all(block <= peak < block + 2**16 for block, peak in peaks.items()), "Pillow sets other amounts aside now"
PYTHON
