"""How much of what a model reads is left when its images are spoilt: every kind of corruption, every severity.

Side by side, on the same images: accuracy in percent. Usage::

    python benchmarks/robustness.py [FILE.lenet ...] [--images N] [--kinds KIND,...]

Each file is a column. Without one, a plain LeNet-5 is trained as everybody does (Adam, constant rate, five epochs, no
augmentation) and stands beside the pretrained pipeline. Severity 3 is the published setting of each kind (N. Mu,
J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019); the others are lenetkit's own.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from lenetkit import Pipeline, load_dataset
from lenetkit.synthesis import CORRUPTIONS, corrupt
from lenetkit.trainer import Trainer

SEVERITIES = (1, 2, 3, 4, 5)
PUBLISHED = 3

Reader = Callable[[np.ndarray], np.ndarray]
Table = dict[tuple[str, int], float]


def readers(paths: Sequence[Path]) -> dict[str, Reader]:
    """Return what takes part: name -> images (n, 28, 28) to labels."""
    if paths:
        stems = [path.stem for path in paths]
        names = stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
        return {name: Pipeline.load(path).predict for name, path in zip(names, paths, strict=True)}
    train = load_dataset("mnist", subset="train")
    plain = Pipeline(trainer=Trainer.preset("classic", verbose=0)).fit(train.images, train.labels)
    found: dict[str, Reader] = {"plain": plain.predict}
    pretrained = getattr(Pipeline, "pretrained", None)
    if pretrained is not None:
        found["pretrained"] = pretrained().predict
    return found


def measure(
    ways: Mapping[str, Reader], images: np.ndarray, labels: np.ndarray, kinds: Sequence[str] = CORRUPTIONS
) -> dict[str, Table]:
    """Return for each reader its accuracy by kind and severity; ``("clean", 0)`` is that on the given images."""
    accuracies: dict[str, Table] = {name: {} for name in ways}
    for kind, severity in (("clean", 0), *((kind, severity) for kind in kinds for severity in SEVERITIES)):
        spoilt = corrupt(images, kind, severity=severity) if severity else images
        for name, read in ways.items():
            accuracies[name][kind, severity] = float(np.mean(read(spoilt) == labels))
    return accuracies


def print_table(accuracies: Mapping[str, Table], kinds: Sequence[str]) -> None:
    """Print a row for each kind and a group of columns for each reader."""
    width = 7 * len(SEVERITIES)
    names = "".join(f"  {name[:width]:>{width}}" for name in accuracies)
    print(f"{'accuracy in %':15}{names}")
    print(f"{'severity':15}" + ("  " + "".join(f"{severity:7}" for severity in SEVERITIES)) * len(accuracies))
    for kind in kinds:
        rows = ([table[kind, severity] for severity in SEVERITIES] for table in accuracies.values())
        print(f"{kind:15}" + "".join("  " + "".join(f"{value:7.1%}"[:-1].rjust(7) for value in row) for row in rows))
    print()
    for name, table in accuracies.items():
        published = np.mean([table[kind, PUBLISHED] for kind in kinds])
        everything = np.mean([table[kind, severity] for kind in kinds for severity in SEVERITIES])
        print(
            f"{name}: clean {table['clean', 0]:.2%}, mean of the published setting {published:.2%}, "
            f"of all severities {everything:.2%}"
        )


def main() -> None:
    """Measure on MNIST's test images and print the table."""
    parser = argparse.ArgumentParser(description="Accuracy on spoilt images, side by side.")
    parser.add_argument("files", nargs="*", type=Path, help="saved pipelines; default: a plain LeNet-5, trained first")
    parser.add_argument("--images", type=int, default=2000, help="how many of the test images (default 2000)")
    parser.add_argument("--kinds", default=",".join(CORRUPTIONS), help="some of them, joined by commas (default: all)")
    given = parser.parse_args()
    kinds = given.kinds.split(",")
    test = load_dataset("mnist", subset="test")[: given.images]
    print(f"{len(test):,} of MNIST's test images")
    print_table(measure(readers(given.files), np.asarray(test.images), test.labels, kinds), kinds)


if __name__ == "__main__":
    main()
