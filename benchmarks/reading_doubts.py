"""Fit how probable it is that a whole number was read right: the weights in ``lenetkit.reading._doubts``.

    python benchmarks/reading_doubts.py DIR --twin FILE [--rows N] [--drawn N]
    python benchmarks/reading_doubts.py DIR --check

The twin is the pretrained network trained without MNIST's last 10,000 training digits (``tools/train_pretrained.py
--calibrate-only --twin FILE`` keeps it): of digits that it has learnt from, a network is surer than of others. Rows are
set from these 10,000, 2 pixels over one another to 28 apart; numbers are drawn in fifteen ways.
A number is right if all its digits are and nothing left out is one, each independently of the others: a logistic
regression whose product must be the probability of the whole. ``--check`` fits nothing: it reads rows of five of
MNIST's test digits, 8 to 20 pixels apart, five seeds of 300, and prints how many wrong readings show no doubt (nothing
left out and a probability of at least 0.9), and how many right ones show one.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _numbers import KINDS, drawn_picture
from scipy.optimize import minimize
from scipy.special import log_expit

from lenetkit import Pipeline, load_dataset
from lenetkit.datasets import Dataset
from lenetkit.reading import Reading, _cut_reading
from lenetkit.reading._doubts import compute_features

_PENALTY = 1e-4
_HELD_BACK = 10_000
_BINS = (0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98, 1)
_DOUBT = 0.9


def row_picture(digits: Dataset, rng: np.random.Generator, n: int, spacing: int) -> tuple[np.ndarray, str]:
    """Set digits as they are, dark on white, side by side."""
    picture = np.full((76, 40 + n * 28 + (n - 1) * spacing), 255, np.uint8)
    text = ""
    for place in range(n):
        index = rng.integers(len(digits.labels))
        left = 20 + place * (28 + spacing)
        part = picture[20:48, left : left + 28]
        part[:] = np.minimum(part, 255 - digits.images[index])
        text += str(digits.labels[index])
    return picture, text


def training_pictures(digits: Dataset, n_rows: int, n_drawn: int) -> Iterator[tuple[np.ndarray, str]]:
    """Yield rows of digits, and numbers that are drawn."""
    rng = np.random.default_rng(7)
    for _ in range(n_rows):
        yield row_picture(digits, rng, int(rng.integers(1, 8)), int(rng.integers(-2, 28)))
    for kind in KINDS:
        for seed in range(0 if kind == "page" else n_drawn):
            yield drawn_picture(kind, 50_000 + seed)[:2]


def read(picture: np.ndarray, twin: Pipeline) -> tuple[Reading, np.ndarray, np.ndarray]:
    """Return a reading with the features of its digits and of the places left out."""
    seen = []
    compute = _cut_reading.compute_probability

    def compute_and_keep(*arguments: list[float]) -> float:
        seen.extend(arguments)
        return compute(*arguments)

    _cut_reading.compute_probability = compute_and_keep
    try:
        reading = twin.read_number(picture)
    finally:
        _cut_reading.compute_probability = compute
    return reading, compute_features(*seen[:3]), compute_features(seen[3])


def fit(found: list[tuple[np.ndarray, np.ndarray, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights, and the probability that they give to each number."""

    def log_probabilities(weights: np.ndarray) -> np.ndarray:
        logs = [log_expit(d @ weights[:4]).sum() + log_expit(-(p @ weights[4:])).sum() for d, p, _ in found]
        return np.minimum(logs, -1e-9)

    def loss(weights: np.ndarray) -> float:
        logs = log_probabilities(weights)
        return float(-np.where(right, logs, np.log(-np.expm1(logs))).mean() + _PENALTY * (weights**2).sum())

    right = np.array([is_right for _, _, is_right in found])
    weights = minimize(loss, np.array([2, 0.5, 0.2, 0.3, 1, 0.5]), method="BFGS").x
    return weights, np.exp(log_probabilities(weights))


def print_reliability(probabilities: np.ndarray, right: np.ndarray) -> None:
    """Print how many numbers are right beside how many are said to be."""
    for low, high in itertools.pairwise(_BINS):
        here = (probabilities >= low) & (probabilities < high + (high == 1))
        if here.any():
            said = f"{probabilities[here].mean():.3f} said, {right[here].mean():.3f} right"
            print(f"{low:4.2f} to {high:4.2f}: {here.sum():5d} numbers, {said}")


def check(digits: Dataset, pipeline: Pipeline) -> None:
    """Print how many readings of rows of test digits show a doubt."""
    rows = []
    for seed in range(5):
        rng = np.random.default_rng(1000 + seed)
        for _ in range(300):
            picture, text = row_picture(digits, rng, 5, int(rng.integers(8, 21)))
            reading = pipeline.read_number(picture)
            rows.append((reading.text == text, bool(reading.left_out), reading.probability, text, reading.text))
        right, lost, sure = (np.array(column) for column in list(zip(*rows, strict=True))[:3])
        doubt = lost | (sure < _DOUBT)
        print(
            f"{len(rows)} rows: {(~right).sum()} wrong, {(~right & ~doubt).sum()} of them without a doubt; "
            f"{(right & doubt).sum()} right ones with one ({(right & doubt).sum() / right.sum():.1%})"
        )
    print_reliability(sure, right)
    for is_right, is_lost, probability, text, found in rows:
        if not is_right and not is_lost and probability >= _DOUBT:
            print(f"{text} read as {found}: {probability:.3f}")


def fit_and_print(pictures: Iterator[tuple[np.ndarray, str]], twin: Pipeline) -> None:
    """Print the weights, and how many numbers are right beside how many they say."""
    found = []
    for picture, text in pictures:
        reading, digits, left_out = read(picture, twin)
        if len(digits):
            found.append((digits, left_out, reading.text == text))
    weights, probabilities = fit(found)
    print(f"{len(found)} numbers; digit {weights[:4].round(2)}, left out {weights[4:].round(2)}")
    print_reliability(probabilities, np.array([is_right for _, _, is_right in found]))


def main() -> None:
    """Fit, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path, help="folder with MNIST's four files")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--drawn", type=int, default=60, help="numbers of each kind")
    parser.add_argument("--twin", type=Path, help="the pretrained network's twin")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        check(load_dataset(arguments.mnist, subset="test"), Pipeline.pretrained())
    elif arguments.twin is None:
        parser.error("fitting needs --twin FILE")
    else:
        digits = load_dataset(arguments.mnist, subset="train")[-_HELD_BACK:]
        twin = Pipeline.load(arguments.twin)
        _, gate = Pipeline.pretrained()._check_fitted().rejecting
        twin.calibrate(digits.images, digits.labels, gate=gate, corruptions=())
        fit_and_print(training_pictures(digits, arguments.rows, arguments.drawn), twin)


if __name__ == "__main__":
    main()
