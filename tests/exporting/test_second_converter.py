"""The converter that will stay when ``tf.lite`` goes: LiteRT's own, by way of PyTorch, gives the same answers.

It takes StableHLO, which Keras models give when they run on PyTorch. Run by ``tox -e converter``: PyTorch is large.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lenetkit import Pipeline
from lenetkit.bundle import read_bundle
from lenetkit.pretrained import get_path

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

CONVERT = """
import json, sys
import keras, litert_torch, numpy, torch
from ai_edge_litert.interpreter import Interpreter
model = keras.saving.load_model(sys.argv[1])
images = numpy.load(sys.argv[2])
litert_torch.convert(model.eval(), (torch.from_numpy(images[:1]),)).export(sys.argv[3])
interpreter = Interpreter(sys.argv[3])
interpreter.allocate_tensors()
source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
answers = []
for image in images:
    interpreter.set_tensor(source["index"], image[numpy.newaxis])
    interpreter.invoke()
    answers.append(interpreter.get_tensor(target["index"])[0].tolist())
json.dump(answers, open(sys.argv[4], "w"))
"""


def test_golden_answers_hold_whichever_converter_is_used(tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="needs litert-torch, see tox -e converter")
    bundle = read_bundle(get_path("digits"))
    Pipeline.pretrained().export(tmp_path / "digits.keras")
    np.save(tmp_path / "images.npy", bundle.golden_images)
    files = [str(tmp_path / name) for name in ("digits.keras", "images.npy", "digits.tflite", "answers.json")]
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-c", CONVERT, *files], check=True, env=environment, capture_output=True)
    answers = np.array(json.loads((tmp_path / "answers.json").read_text()))
    assert np.abs(answers - bundle.golden_probabilities).max() <= 1e-6
