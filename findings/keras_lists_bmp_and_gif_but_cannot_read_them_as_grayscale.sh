#!/usr/bin/env bash
# Keras' image_dataset_from_directory(color_mode="grayscale") and folders of grey BMPs and GIFs.
#
# Guess before running: a grey BMP of 8 bits is read, as one of color_mode="rgb" is; BMP and GIF are among the formats that
# the function's documentation lists, and TensorFlow's decoder finds one channel in that BMP when it is not told a number.
# Seen with Keras 3.15.1 and TensorFlow 2.21.0: the files are listed and the data set is built. The first batch, that is
# the training, ends in InvalidArgumentError: "`channels` must be 0, 3 or 4 for BMP, but got 1", "channels must be 0 or 3
# for GIF, got 1". With color_mode="rgb" all are read, three equal channels each.
# Why it matters: scanners and Windows programs write grey BMPs, and networks for digits ask for one channel.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "numpy==2.4.6" "keras==3.15.1" \
    "tensorflow==2.21.0" "pillow==13.0.0"
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/environment/bin/python" - <<'PYTHON'
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

print("Keras", keras.__version__, "TensorFlow", tf.__version__)
digit = np.zeros((28, 28), np.uint8)
digit[4:24, 12:16] = 200
for kind in ("png", "jpeg", "bmp", "gif"):
    for label in ("0", "1"):
        place = Path("pictures", kind, label)
        place.mkdir(parents=True)
        Image.fromarray(digit).save(place / f"a.{kind}")


def read(kind, colours):
    """Return the first batch of a folder."""
    found = keras.utils.image_dataset_from_directory(
        Path("pictures", kind), image_size=(28, 28), color_mode=colours, verbose=False
    )
    return next(iter(found))[0].numpy()


refused = []
for kind in ("png", "jpeg", "bmp", "gif"):
    assert read(kind, "rgb").shape == (2, 28, 28, 3)
    try:
        print(kind, "as grayscale:", read(kind, "grayscale").shape)
    except tf.errors.InvalidArgumentError as error:
        refused.append(kind)
        print(kind, "as grayscale:", str(error).partition("}} ")[2].split("\n")[0][:80])
assert tf.io.decode_image(Path("pictures/bmp/0/a.bmp").read_bytes(), channels=0).shape == (28, 28, 1)
assert refused == ["bmp", "gif"], "Keras reads more formats as grayscale now"
PYTHON
