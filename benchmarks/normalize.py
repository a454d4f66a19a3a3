"""What MnistNormalize costs, and what it leaves of MNIST itself.

Usage::

    python benchmarks/normalize.py [FILE.lenet] [--page FILE]

Beside it stands what one would write otherwise: grey, inverted, resized. Every figure is the median of several rounds,
in which all ways take turns. The accuracy is that of the saved pipeline's model, or of a LeNet-5 trained for one epoch
first, on MNIST's test images as they are, after MnistNormalize, and on their negatives after it.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _shared import Results, describe_machine, markdown_table

from lenetkit import Pipeline, load_dataset
from lenetkit._utils.files import write_atomically
from lenetkit.synthesis import draw_number, draw_paper
from lenetkit.trainer import Trainer
from lenetkit.transforms import Compose, Grayscale, Invert, MnistNormalize, Resize

ROUNDS = 7
LEVELS = 4  # more than so many grey levels count as a change

Way = Callable[[Any], Any]
WAYS: dict[str, Way] = {
    "MnistNormalize": MnistNormalize(),
    "without `stroke`": MnistNormalize(stroke=False),
    "grey, inverted, resized": Compose([Grayscale(), Invert(), Resize((28, 28))]),
}


def photo(height: int, width: int, colour: bool) -> np.ndarray:
    """Return a digit on ruled paper in a shadow, as a camera sees it."""
    number = draw_number("5", height=round(0.4 * height), seed=1)
    shade = (225, 215, 190) if colour else 215
    paper = draw_paper(height, width, ruling="ruled", pitch=height / 8, shade=shade, shadow=0.4, noise=3.0, seed=1)
    down, right = height // 4, width // 3
    part = paper[down : down + number.image.shape[0], right : right + number.image.shape[1]]
    part[:] = number.on(part.copy(), ink=(40, 50, 120) if colour else 50)
    return paper


def jobs(images: np.ndarray) -> dict[str, tuple[Any, int]]:
    """Return what is normalised, and how many images it counts for."""
    grey = np.random.default_rng(0).normal(30, 4, images.shape) + 0.6 * (255 - images)
    return {
        "MNIST's test images as they are": (images, len(images)),
        "their negatives": (255 - images, len(images)),
        "grey, with noise": (np.rint(grey.clip(0, 255)).astype(np.uint8), len(images)),
        "one 28x28 image": (255 - images[:1], 1),
        "photo, 0.3 megapixels, grey": ([photo(480, 640, False)], 1),
        "photo, 12 megapixels, grey": ([photo(3000, 4000, False)], 1),
        "photo, 12 megapixels, colour": ([photo(3000, 4000, True)], 1),
    }


def measure(ways: Mapping[str, Way], images: Any) -> list[float]:
    """Return the median seconds of each way."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):  # the first warms up
        for name, way in ways.items():
            start = time.perf_counter()
            way(images)
            times[name].append(time.perf_counter() - start)
    return [statistics.median(values[1:]) for values in times.values()]


def speeds(images: np.ndarray) -> str:
    """Return a table: images per second of many, milliseconds of one."""
    rows = []
    for name, (given, n) in jobs(images).items():
        seconds = measure(WAYS, given)
        rows.append([name, *(f"{n / value:,.0f}/s" if n > 1 else f"{value * 1e3:,.1f} ms" for value in seconds)])
    return markdown_table([f"median of {ROUNDS} rounds", *WAYS], rows)


def changes() -> str:
    """Return a table: how much of MNIST is not what it was."""
    rows = []
    for subset in ("train", "test"):
        images = np.asarray(load_dataset("mnist", subset=subset).images)
        largest = np.abs(MnistNormalize()(images).astype(int) - images).max(axis=(1, 2))
        rows.append([subset, f"{len(images):,}", f"{(largest > 0).sum()}", f"{(largest > LEVELS).sum()}"])
    return markdown_table(["MNIST", "images", "changed", f"by more than {LEVELS} levels"], rows)


def accuracies(path: Path | None) -> str:
    """Return a table: what a model reads of MNIST's test images, with and without."""
    if path is None:
        train = load_dataset("mnist", subset="train")
        pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(train.images, train.labels)
    else:
        pipe = Pipeline.load(path)
    test = load_dataset("mnist", subset="test")
    images = np.asarray(test.images)
    given = {
        "as they are": images,
        "after MnistNormalize": MnistNormalize()(images),
        "negatives after MnistNormalize": MnistNormalize()(255 - images),
    }
    rows = [[name, f"{np.mean(pipe.predict(batch) == test.labels):.2%}"] for name, batch in given.items()]
    return markdown_table([path.name if path else "LeNet-5, one epoch", "accuracy"], rows)


def main() -> None:
    """Measure and say where."""
    parser = argparse.ArgumentParser(description="What MnistNormalize costs and changes.")
    parser.add_argument("file", nargs="?", type=Path, help="a saved pipeline whose model reads 28x28 images")
    parser.add_argument("--page", type=Path, help="file to write the tables to")
    given = parser.parse_args()
    images = np.asarray(load_dataset("mnist", subset="test").images)
    tables = [speeds(images), changes(), accuracies(given.file), f"{describe_machine(Results(None).machine)}."]
    page = "\n\n".join(tables) + "\n"
    print(page)
    if given.page is not None:
        write_atomically(given.page, page.encode())


if __name__ == "__main__":
    main()
