"""Errors among the answers that ``reject=0.01`` accepts: on clean digits, on MNIST-C's fifteen corruptions, on USPS.

    python benchmarks/rejection.py DIR [--pipeline FILE.lenet] [--twin FILE.lenet] [--images N] [--output FILE.txt]

DIR holds ``mnist`` and may hold ``usps``. The corruptions are those of :func:`lenetkit.synthesis.corrupt` in the
published setting. The threshold of the pretrained pipeline was learnt from such corruptions of training digits. How it
does on kinds that it did not learn from is measured with a twin, a pipeline that did not see MNIST's last 10,000
training images; ``tools/train_pretrained.py --twin FILE`` writes it. On these the threshold is learnt anew for every
family of corruptions without that family, and the family's own images are judged by it. Intervals are Wilson's
(95 %).
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _shared import describe_machine, machine

from lenetkit import Pipeline, load_dataset
from lenetkit._utils.intervals import wilson_interval
from lenetkit.pipeline._rejecting import judge_answers, make_corrupted
from lenetkit.rejection import Calibration
from lenetkit.synthesis import CORRUPTIONS, corrupt

REJECT = 0.01
HELD_BACK = 10_000
FAMILIES = (
    ("shot_noise", "impulse_noise"),
    ("glass_blur", "motion_blur"),
    ("shear", "scale", "rotate", "translate"),
    ("brightness", "fog"),
    ("stripe",),
    ("spatter",),
    ("dotted_line", "zigzag"),
    ("canny_edges",),
)


def test_sets(data: Path, n: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Give each set's name, images and labels."""
    test = load_dataset("mnist", subset="test", data_dir=data, download=False)
    rows = np.linspace(0, len(test) - 1, min(n, len(test))).astype(int)
    images, labels = np.asarray(test.images)[rows], np.asarray(test.labels)[rows].astype(int)
    yield "clean", images, labels
    usps = data / "usps" / "usps-train.npz"
    if usps.exists():
        with np.load(usps) as found:
            yield "USPS train", found["images"], found["labels"].astype(int)
    for kind in CORRUPTIONS:
        yield kind, corrupt(images, kind), labels


def learn_without_families(twin: Pipeline, gate: Any, data: Path) -> dict[str, float]:
    """Return the threshold for each kind, learnt from clean digits and all kinds of other families."""
    train = load_dataset("mnist", subset="train", data_dir=data, download=False)
    images, labels = np.asarray(train.images)[-HELD_BACK:], np.asarray(train.labels)[-HELD_BACK:].astype(int)
    fitted = twin._check_fitted()
    prepared = fitted.prepare(images)
    calibration = Calibration.fit(fitted.predictor.predict_proba(prepared.images), labels)
    copies = zip(("clean", *CORRUPTIONS), (prepared, *make_corrupted(fitted, prepared, CORRUPTIONS)), strict=True)
    found = {kind: judge_answers(fitted, calibration, gate, images, labels) for kind, images in copies}
    thresholds = {}
    for family in ((), *FAMILIES):
        known = [answers for kind, answers in found.items() if kind not in family]
        pooled = tuple(np.concatenate(part) for part in zip(*known, strict=True))
        threshold = calibration.with_bounds(found["clean"], pooled).threshold(REJECT)
        thresholds |= dict.fromkeys(family or ("clean", "USPS train"), threshold)
    return thresholds


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
    parser.add_argument("--twin", type=Path, help="the saved twin, to leave each family of corruptions out")
    parser.add_argument("--images", type=int, default=10_000, help="test images of each kind (default: all)")
    parser.add_argument("--output", type=Path, help="write what is printed into this file too")
    arguments = parser.parse_args()
    pipeline = Pipeline.load(arguments.pipeline) if arguments.pipeline else Pipeline.pretrained()
    fitted = pipeline._check_fitted()
    assert fitted.rejecting is not None
    calibration, gate = fitted.rejecting
    left_out = learn_without_families(Pipeline.load(arguments.twin), gate, arguments.data) if arguments.twin else {}
    lines: list[str] = []

    def show(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    show(describe_machine(machine()))
    show("")
    show(f"reject={REJECT}, threshold {calibration.threshold(REJECT):.4f}")
    second = f"   {'family left out: threshold, accepted, error among these':>53}" if left_out else ""
    show(f"{'':16}{'n':>7}{'right':>9}{'accepted':>10}{'error among these':>28}{second}")
    totals = np.zeros((2, 3), int)
    for name, images, labels in test_sets(arguments.data, arguments.images):
        answers = pipeline.predict(images, reject=REJECT)
        wrong = np.array([answer.label for answer in answers]) != labels
        accepted = ~np.array([answer.rejected for answer in answers])
        counts = np.array([[np.sum(accepted & ~wrong), np.sum(accepted & wrong), len(labels)]] * 2)
        line = f"{name:16}{len(labels):7}{1 - wrong.mean():9.2%}{describe(*counts[0])}"
        if left_out:
            confidences, errors = judge_answers(fitted, calibration, gate, fitted.prepare(images), labels)
            kept = errors[confidences >= left_out[name]]
            counts[1, :2] = np.sum(~kept), np.sum(kept)
            line += f"{left_out[name]:12.4f}{describe(*counts[1])}"
        show(line)
        if name in CORRUPTIONS:
            totals += counts
    pooled = f"{'all fifteen':16}{totals[0, 2]:7}{'':9}{describe(*totals[0])}"
    show(pooled + (f"{'':12}{describe(*totals[1])}" if left_out else ""))
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
