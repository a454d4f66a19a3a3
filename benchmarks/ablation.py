"""What drawn digits and poor pictures give the pretrained pipeline, and what they cost.

    python benchmarks/ablation.py DIR [--seeds N] [--epochs E] [--json FILE] [--output FILE]

The same network, trained in the same way on MNIST alone, with drawn and printed digits, and with digits in poor
pictures as well, for as many steps each. A stopped run goes on with ``--json``. The sets are those of
``benchmarks/wild.py``.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import numpy as np
from _shared import Results, describe_machine, spread
from train_pretrained import USUAL, other_digits, poor_pictures_of
from wild import digit_sets

from lenetkit import Pipeline, load_dataset
from lenetkit.trainer import Trainer
from lenetkit.transforms import MnistNormalize, Rescale

WAYS = ("MNIST", "+ drawn", "+ drawn + poor pictures")


def training_sets(data: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return images and labels of each way."""
    mnist = load_dataset("mnist", subset="train", data_dir=data, download=False)
    images, labels = np.asarray(mnist.images), np.asarray(mnist.labels).astype(np.int64)
    added, added_labels = other_digits(None, USUAL)
    seen, seen_labels, _ = poor_pictures_of(images, labels, added, added_labels, USUAL.reduced)
    parts = [(MnistNormalize()(images), labels), (added, added_labels), (seen, seen_labels)]
    return {
        name: (
            np.concatenate([part[0] for part in parts[:count]]),
            np.concatenate([part[1] for part in parts[:count]]),
        )
        for count, name in enumerate(WAYS, start=1)
    }


def measure(images: np.ndarray, labels: np.ndarray, data: Path, *, seed: int, epochs: float) -> dict[str, float]:
    """Train once and return the share of right answers on each set."""
    trainer = Trainer.preset("accurate", epochs=epochs * 60_000 / len(images), seed=seed, verbose=0)
    pipeline = Pipeline(transforms=[MnistNormalize(), Rescale()], trainer=trainer).fit(images, labels)
    return {name: float(np.mean(pipeline.predict(some) == truth)) for name, some, truth in digit_sets(data)}


def report(results: Results) -> str:
    """Return a row for each set, a column for each way."""
    names = list(results.runs[0]["right"])
    lines = [describe_machine(results.machine), "", f"{'right, %':28}" + "".join(f"{way:>26}" for way in WAYS)]
    for name in names:
        runs: list[list[dict[str, Any]]] = [results.find(way=way) for way in WAYS]
        cells = [spread([100 * run["right"][name] for run in some]) if some else "" for some in runs]
        lines.append(f"{name:28}" + "".join(f"{cell:>26}" for cell in cells))
    counts = {way: len(results.find(way=way)) for way in WAYS}
    epochs = statistics.mean(run["epochs"] for run in results.runs)
    lines += ["", f"runs: {counts}; as many steps as {epochs:g} epochs of MNIST"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the data")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each way (default: 3)")
    parser.add_argument("--epochs", type=float, default=10, help="passes over MNIST (default: 10)")
    parser.add_argument("--json", type=Path, help="keep the runs here")
    parser.add_argument("--output", type=Path, help="write the table into this file too")
    arguments = parser.parse_args()
    results = Results(arguments.json)
    sets = training_sets(arguments.data)
    for seed in range(arguments.seeds):
        for way, (images, labels) in sets.items():
            if results.find(way=way, seed=seed, epochs=arguments.epochs):
                continue
            right = measure(images, labels, arguments.data, seed=seed, epochs=arguments.epochs)
            results.add({"way": way, "seed": seed, "epochs": arguments.epochs, "right": right})
            print(f"{way}, seed {seed}: {right}", flush=True)
    table = report(results)
    print(table)
    if arguments.output:
        arguments.output.write_text(table)


if __name__ == "__main__":
    main()
