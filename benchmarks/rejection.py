"""Errors among the answers that ``reject=0.01`` accepts, on kinds of pictures that it was learnt from, and on others.

    python benchmarks/rejection.py DIR [--pipeline FILE.lenet] [--images N] [--output FILE.txt]

DIR holds ``mnist`` and may hold ``usps``. The promise of the pretrained pipelines is learnt from clean training digits,
from poor pictures of them (``tools/poor_pictures.py``), and from drawn hands; here are others of these kinds, from
MNIST's test digits. Nothing of MNIST-C's fifteen corruptions, of other post codes, or of what people drew had a part
in it: these tell what the promise is worth where it was not made. Intervals are Wilson's (95 %).
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _shared import describe_machine, machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from poor_pictures import draw_poor

from lenetkit import Pipeline, load_dataset
from lenetkit._utils.intervals import wilson_interval
from lenetkit.synthesis import CORRUPTIONS, corrupt, draw_digits

REJECT = 0.01
LEARNT, FOREIGN = ("photograph", "reduce", "grain", "cross", "slant"), 2_000


class TestSet(NamedTuple):
    """Pictures with their labels, and the line under which they are summed up."""

    name: str
    images: Any
    labels: np.ndarray
    among: str = ""


def test_sets(data: Path, n: int) -> Iterator[TestSet]:
    """Give each set."""
    test = load_dataset("mnist", subset="test", data_dir=data, download=False)
    rows = np.linspace(0, len(test) - 1, min(n, len(test))).astype(int)
    images, labels = np.asarray(test.images)[rows], np.asarray(test.labels)[rows].astype(int)
    yield TestSet("clean", images, labels)
    few = slice(None, None, max(1, len(images) // FOREIGN))
    for kind in LEARNT:
        yield TestSet(kind, draw_poor(kind, images[few], seed=1), labels[few], "kinds that were learnt from")
    drawn = draw_digits(FOREIGN, seed=1)
    yield TestSet("drawn hands", drawn.images, drawn.labels, "kinds that were learnt from")
    usps = data / "usps" / "usps-train.npz"
    if usps.exists():
        with np.load(usps) as found:
            yield TestSet("USPS train", found["images"], found["labels"].astype(int))
    for kind in CORRUPTIONS:
        yield TestSet(kind, corrupt(images, kind), labels, "the fifteen corruptions")


def describe(n_right: int, n_wrong: int, n: int) -> str:
    """Return the accepted and the error among them with its interval."""
    accepted = n_right + n_wrong
    if not accepted:
        return f"{0:10.1%}{'':24}"
    low, high = wilson_interval(n_wrong / accepted, accepted)
    return f"{accepted / n:10.1%}{n_wrong / accepted:9.2%} ({float(low):6.2%} to {float(high):6.2%})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the data")
    parser.add_argument("--pipeline", type=Path, help="a saved pipeline instead of the one that comes with lenetkit")
    parser.add_argument("--images", type=int, default=10_000, help="test images of each kind (default: all)")
    parser.add_argument("--output", type=Path, help="write what is printed into this file too")
    arguments = parser.parse_args()
    pipeline = Pipeline.load(arguments.pipeline) if arguments.pipeline else Pipeline.pretrained()
    calibration, _ = pipeline._check_fitted().rejecting
    lines: list[str] = []

    def show(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    show(describe_machine(machine()))
    show("")
    show(f"reject={REJECT}, threshold {calibration.threshold(REJECT):.4f}")
    show(f"{'':28}{'n':>7}{'right':>9}{'accepted':>10}{'error among these':>28}")
    totals: dict[str, np.ndarray] = {}
    for name, images, labels, among in test_sets(arguments.data, arguments.images):
        answers = pipeline.predict(images, reject=REJECT)
        wrong = np.array([answer.label for answer in answers]) != labels
        accepted = ~np.array([answer.rejected for answer in answers])
        counts = np.array([np.sum(accepted & ~wrong), np.sum(accepted & wrong), len(labels), np.sum(~wrong)])
        show(f"{name:28}{len(labels):7}{1 - wrong.mean():9.2%}{describe(*counts[:3])}")
        if among:
            totals[among] = totals.get(among, np.zeros(4, int)) + counts
    show("")
    for among, counts in totals.items():
        show(f"{among:28}{counts[2]:7}{counts[3] / counts[2]:9.2%}{describe(*counts[:3])}")
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
