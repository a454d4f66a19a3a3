"""The process is left as it was found: the random generators, the filters of warnings, Pillow's settings."""

import subprocess
import sys

import pytest

PROGRAM = """
import random, warnings
import numpy as np
from PIL import Image, ImageFile

random.seed(1), np.random.seed(1)
Image.MAX_IMAGE_PIXELS = 300

def state():
    generator = np.random.get_state()
    return (random.getstate(), generator[1].tolist(), generator[2:], list(warnings.filters), Image.MAX_IMAGE_PIXELS,
            ImageFile.LOAD_TRUNCATED_IMAGES)

found = state()
from lenetkit import Pipeline, load_dataset
from lenetkit.evaluator import evaluate

image = np.pad(np.full((14, 4), 255, np.uint8), ((7, 7), (12, 12)))
pipe = Pipeline.pretrained()
STEPS = {
    "load_dataset": lambda: load_dataset("digits").split(seed=0),
    "evaluate": lambda: str(evaluate([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])),
    "predict": lambda: pipe.predict(image, reject=0.01),
    "predict_set": lambda: pipe.predict_set(image),
    "read_number": lambda: pipe.read_number(image),
    "trace": lambda: str(pipe.trace(image)),
    "diagnose": lambda: str(pipe.diagnose(image)),
    "report": lambda: repr(pipe.evaluate(image, [1])),
}
for name, step in STEPS.items():
    step()
    # What a library adds to the filters while it is imported is its own.
    now = state()
    changed = [part for part, (old, new) in enumerate(zip(found, now)) if old != new and part != 3]
    assert not changed, (name, changed)
    assert now[3][-len(found[3]):] == found[3], name
"""


@pytest.mark.slow
def test_the_process_is_left_as_it_was_found() -> None:
    """By the first call of each method in a fresh process, which imports what it needs."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
