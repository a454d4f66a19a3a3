"""Memory that stays behind after each training in one process: cross-validation, a notebook, a server that learns.

Usage::

    python benchmarks/memory_per_fit.py [FITS] [--keras]

Each fit trains a new LeNet-5 for one epoch and lets go of it. Printed is the resident memory after each, and the slope
of a straight line through all but the first ten; ``--keras`` does the same with plain Keras. Garbage is collected
before each look, so that it is no matter of luck when Python last did that.
"""

import argparse
import ctypes
import gc
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from lenetkit import Pipeline
from lenetkit.trainer import Trainer

WARM_UP = 10


def resident() -> float:
    """Return the memory of this process in MiB, without what is free already."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def with_lenetkit(images: np.ndarray, labels: np.ndarray) -> None:
    pipeline = Pipeline(trainer=Trainer(epochs=1, batch_size=50, verbose=0)).fit(images, labels)
    pipeline.predict(images[:10])


def with_keras(images: np.ndarray, labels: np.ndarray) -> None:
    from lenetkit.models import create_model

    model = create_model("lenet5", seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images[..., None] / np.float32(255), labels, batch_size=50, verbose=0)


def measure(fits: int, *, keras: bool = False) -> tuple[list[float], float]:
    """Return the memory after each fit, and the slope in MiB per fit."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (300, 28, 28), dtype=np.uint8), np.arange(300) % 10
    found = []
    for _ in range(fits):
        (with_keras if keras else with_lenetkit)(images, labels)
        found.append(resident())
    rest = found[WARM_UP:]
    return found, float(np.polyfit(np.arange(len(rest)), rest, 1)[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fits", nargs="?", type=int, default=41)
    parser.add_argument("--keras", action="store_true")
    arguments = parser.parse_args()
    found, slope = measure(arguments.fits, keras=arguments.keras)
    for index in range(0, len(found), 5):
        print(f"after fit {index + 1:3}: {found[index]:7.1f} MiB")
    print(f"{slope:.2f} MiB per fit after the first {WARM_UP}")


if __name__ == "__main__":
    main()
