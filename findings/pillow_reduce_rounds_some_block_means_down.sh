#!/usr/bin/env bash
# Pillow's Image.reduce on 8-bit grey images: the mean of a block is not always rounded to the nearest level.
#
# Guess before running: each output pixel is the block's mean, rounded to the nearest integer (ties either way), so it
# is never more than 0.5 levels from the exact mean.
# Seen with Pillow 13.0.0: with blocks of 3 x 3 pixels all 255 sums whose mean ends in 5/9 come out one level too low,
# 5/9 = 0.556 levels from the mean (the sums that any other rest leaves, 2,041, and all of 2 x 2 and 4 x 4 blocks, are not).
# Why it matters: a test that compares a reduced digit with its exact block means to half a level fails now and then.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "numpy==2.4.6" "pillow==13.0.0"
"$folder/environment/bin/python" - <<'PYTHON'
import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__, "NumPy", np.__version__)
found = {}
for side in (2, 3, 4):
    n = side * side
    # Every possible sum of a block once: as many pixels as possible of one level, the rest one level brighter.
    sums = np.arange(255 * n + 1)
    blocks = sums[:, None] // n + (np.arange(n) < (sums % n)[:, None])
    image = blocks.reshape(len(sums), side, side).transpose(1, 0, 2).reshape(side, -1).astype(np.uint8)
    reduced = np.asarray(Image.fromarray(image).reduce(side)).ravel().astype(float)
    error = np.abs(reduced - sums / n)
    found[side] = round(float(error.max()), 4), int((error > 0.5 + 1e-9).sum()), len(sums)
    print(f"blocks of {side} x {side}: largest error {found[side][0]} levels; {found[side][1]} of {found[side][2]} sums above 0.5")
assert found[3] == (0.5556, 255, 2296), "Pillow rounds 3 x 3 blocks otherwise now"
assert found[2][0] <= 0.5 and found[4][0] <= 0.5, "Pillow rounds 2 x 2 or 4 x 4 blocks otherwise now"
PYTHON
