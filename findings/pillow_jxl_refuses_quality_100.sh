#!/usr/bin/env bash
# pillow-jxl-plugin and the highest quality of JPEG XL: quality=100 beside lossless=True.
#
# Guess before running: quality=100 is the best lossy picture, or the lossless one, as in libjxl's own cjxl, where
# "-q 100" is mathematically lossless.
# Seen with pillow-jxl-plugin 1.3.8 and Pillow 13.0.0: qualities up to 99 and lossless=True are written; quality=100 ends
# in "RuntimeError: The encoder API is used in an incorrect way", for colours and grey alike.
# Why it matters: save(..., quality=100) is how a program asks any of Pillow's formats for its best.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "pillow==13.0.0" "pillow-jxl-plugin==1.3.8"
"$folder/environment/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

import PIL
import pillow_jxl  # noqa: F401
from PIL import Image

print("Pillow", PIL.__version__, "pillow-jxl-plugin", version("pillow-jxl-plugin"))
seen = {}
for mode in ("RGB", "L"):
    picture = Image.new(mode, (48, 32), "black")
    for options in ({"quality": 90}, {"quality": 99}, {"quality": 100}, {"lossless": True}):
        name = f"{mode}, {options}"
        try:
            picture.save(io.BytesIO(), "jxl", **options)
            seen[name] = "written"
        except RuntimeError as error:
            seen[name] = f"RuntimeError: {error}"
        print(f"{name}: {seen[name]}")
refused = [name for name, result in seen.items() if result != "written"]
assert refused == ["RGB, {'quality': 100}", "L, {'quality': 100}"], "pillow-jxl-plugin treats qualities otherwise now"
PYTHON
