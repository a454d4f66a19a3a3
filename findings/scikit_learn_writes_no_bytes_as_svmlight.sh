#!/usr/bin/env bash
# scikit-learn's dump_svmlight_file and images as they are: uint8.
#
# Guess before running: every integer and floating type of the pixels is written; small ones, if anything, are widened.
# Seen with scikit-learn 1.9.1: int16, int32, int64, float32 and float64 are written. uint8, int8 and uint16 end in
# "TypeError: Function call with ambiguous argument types", whatever the type of the labels: the compiled function has
# variants for five types, and the message names neither the argument nor its type.
# Why it matters: uint8 is what every data set of digits has; the cure, .astype(float), makes eight bytes of each.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/python" -m pip install --quiet "numpy==2.4.6" "scikit-learn==1.9.1"
"$folder/environment/bin/python" - <<'PYTHON'
import io

import numpy as np
import sklearn
from sklearn.datasets import dump_svmlight_file

print("scikit-learn", sklearn.__version__, "NumPy", np.__version__)
pixels, labels = np.arange(8).reshape(2, 4), np.array([1, 2])
refused = []
for kind in ("uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64"):
    try:
        dump_svmlight_file(pixels.astype(kind), labels, io.BytesIO())
        print(f"{kind}: written")
    except TypeError as error:
        refused.append(kind)
        print(f"{kind}: {error}")
assert refused == ["uint8", "int8", "uint16"], "scikit-learn takes other types now"
PYTHON
