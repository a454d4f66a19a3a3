#!/usr/bin/env bash
# RapidOCR: how long an option that is given to one call holds.
#
# Guess before running: `use_det=False` in a call (read this picture as one line, without looking for lines) holds for
# that call; the next call without it looks for lines again, as the first call did.
# Seen with rapidocr 3.10.0 and onnxruntime 1.32.0: it holds for all later calls. A page of three numbers that was read
# whole is one garbled line, or nothing, once any picture was read with use_det=False; no warning. Giving use_det=True
# brings the lines back.
# Why it matters: a program that reads single fields and whole pages of digits with one engine loses most of the pages.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet --only-binary :all: "rapidocr==3.10.0" "onnxruntime==1.32.0" \
    "numpy==2.4.6" "pillow==13.0.0" "opencv-python-headless==5.0.0.93"
"$folder/environment/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidocr import RapidOCR

print("rapidocr", version("rapidocr"), "onnxruntime", version("onnxruntime"))
numbers = ["47120", "80356", "19274"]
font = ImageFont.load_default(60)
page, line = Image.new("RGB", (420, 420), "white"), Image.new("RGB", (300, 90), "white")
for row, number in enumerate(numbers):
    ImageDraw.Draw(page).text((60, 30 + 130 * row), number, "black", font)
ImageDraw.Draw(line).text((40, 8), "365", "black", font)
page, line = (np.asarray(picture)[..., ::-1].copy() for picture in (page, line))

engine = RapidOCR()


def read(picture, **options):
    texts = engine(picture, use_cls=False, **options).txts
    return [] if texts is None else [text.strip() for text in texts]


before = read(page)
field = read(line, use_det=False)
after = read(page)
again = read(page, use_det=True)
print("page:", before, "| field without detection:", field, "| page:", after, "| page, use_det=True:", again)
assert before == again == numbers, "the page is read otherwise now"
assert after != numbers, "the option holds for one call only now"
PYTHON
