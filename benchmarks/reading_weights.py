"""Fit what speaks for and against a way to part a line into digits: the weights in ``lenetkit.reading``.

    python benchmarks/reading_weights.py DIR [--pipeline FILE.lenet] [--drawn N]

Numbers are drawn, and rows are set from the last 5,000 of MNIST's training images, half of the time with digits that
touch. The ways to part a line form a chain of choices, and the weights are those that make the true one most probable
among all: a conditional random field (Lafferty, McCallum and Pereira, ICML 2001) over segmentations (Sarawagi and
Cohen, NeurIPS 2004). Pictures whose digits no combination of cuts parts are left out. Half of the pictures are for
fitting; of the other half the share parted rightly is printed.
"""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import attrs
import numpy as np
from _numbers import drawn_picture, overlap, row_of_digits
from scipy.optimize import minimize
from scipy.special import logsumexp

from lenetkit import Pipeline, load_dataset
from lenetkit.reading._candidates import Candidate, best_path, compute_features, find_candidates, normalize
from lenetkit.reading._page import Page, find_page
from lenetkit.reading._text_lines import find_lines

DRAWN = {"touching": 10, "plain": 1, "lines": 1, "small": 1, "dotted": 1, "ruled": 1, "pencil": 1, "photo": 1}
ROWS = {"rows apart": 3, "rows touching": 10}
FEATURES = ("label", "single", "digit", "cut", "ink cut", "join", "gap", "too wide", "too low")

# Shared areas over joint ones: what is one digit, and what must be gained by taking a part.
_FITS, _WORTH = 0.6, 0.55
_PENALTY = 0.02


@attrs.frozen(kw_only=True, eq=False)
class Example:
    """One line: its candidates, what speaks for them without and with a gate, and the true path."""

    kind: str
    candidates: Sequence[Candidate]
    features: tuple[np.ndarray, np.ndarray | None]
    path: Sequence[int]


def examples_of(kind: str, picture: np.ndarray, boxes: np.ndarray, pipeline: Pipeline, gate: Any) -> list[Example]:
    """Return the lines of one picture; none where its digits cannot be parted."""
    page = find_page(picture)
    found = []
    for line in find_lines(page.pieces, page.digit_height)[0]:
        candidates = find_candidates(line)
        path = true_path(candidates, page, boxes)
        if not path:
            return []
        images = normalize([candidate.piece for candidate in candidates], page)
        probabilities = pipeline.predict_proba(images)
        alone = compute_features(candidates, probabilities)
        gated = None if gate is None else compute_features(candidates, probabilities, gate.digit_probability(images))
        found.append(Example(kind=kind, candidates=candidates, features=(alone, gated), path=path))
    return found if sum(len(example.path) for example in found) == len(boxes) else []


def true_path(candidates: Sequence[Candidate], page: Page, boxes: np.ndarray) -> list[int]:
    """Return the path that fits the true boxes; empty where none does."""
    fits = []
    for candidate in candidates:
        piece = candidate.piece
        box = np.array([piece.left, piece.top, piece.right, piece.bottom]) / page.scale
        fits.append(max(overlap(box, true.astype(float)) for true in boxes))
    path = best_path(candidates, np.array(fits) - _WORTH)
    return path if min(fits[index] for index in path) >= _FITS else []


def loss(weights: np.ndarray, examples: Sequence[Example], gated: int) -> tuple[float, np.ndarray]:
    """Return the negative logarithm of the true paths' probability, and its gradient."""
    total, gradient = _PENALTY * float(weights @ weights), 2 * _PENALTY * weights
    for example in examples:
        features: Any = example.features[gated]
        scores = features @ weights
        spans = [(candidate.first, candidate.end) for candidate in example.candidates]
        n_parts = max(end for _, end in spans)
        before, after = np.full(n_parts + 1, -np.inf), np.full(n_parts + 1, -np.inf)
        before[0] = after[n_parts] = 0
        for place in range(1, n_parts + 1):
            ways = [before[first] + scores[index] for index, (first, end) in enumerate(spans) if end == place]
            before[place] = logsumexp(ways) if ways else -np.inf
        for place in range(n_parts - 1, -1, -1):
            ways = [after[end] + scores[index] for index, (first, end) in enumerate(spans) if first == place]
            after[place] = logsumexp(ways) if ways else -np.inf
        logarithms = [before[first] + scores[index] + after[end] for index, (first, end) in enumerate(spans)]
        expected = np.exp(np.array(logarithms) - before[n_parts])
        total += before[n_parts] - scores[list(example.path)].sum()
        gradient = gradient - features[list(example.path)].sum(axis=0) + expected @ features
    return total, gradient


def report(examples: Sequence[Example], gated: int) -> None:
    """Fit on every second line and print the weights and what they part rightly of the others."""
    seen, unseen = examples[::2], examples[1::2]
    start = np.array([2.0, gated, 0, -2, -1, -1, 0, -6, -4])
    fitted = minimize(loss, start, args=(seen, gated), jac=True, method="L-BFGS-B").x
    right: Counter[str] = Counter()
    for example in unseen:
        features: Any = example.features[gated]
        right[example.kind] += best_path(example.candidates, features @ fitted) == list(example.path)
    print("with the gate:" if gated else "without:")
    print("  weights", dict(zip(FEATURES, fitted.round(1).tolist(), strict=True)))
    n = Counter(example.kind for example in unseen)
    print("  parted rightly", ", ".join(f"{kind} {right[kind]}/{n[kind]}" for kind in n))
    print(f"  of all {sum(right.values())}/{len(unseen)}", flush=True)


def main() -> None:
    """Draw, fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder that holds mnist")
    parser.add_argument("--pipeline", type=Path, help="a saved pipeline instead of the one that comes with lenetkit")
    parser.add_argument("--drawn", type=int, default=30, help="numbers of each kind; ten times as many that touch")
    given = parser.parse_args()
    pipeline = Pipeline.load(given.pipeline) if given.pipeline else Pipeline.pretrained()
    rejecting = pipeline._check_fitted().rejecting
    gate = None if rejecting is None else rejecting[1]
    last = load_dataset("mnist", subset="train", data_dir=given.data, download=False)[-5000:]
    images, labels = np.asarray(last.images), np.asarray(last.labels)
    examples: list[Example] = []
    for kind, times in {**DRAWN, **ROWS}.items():
        n, found = times * given.drawn, 0
        for seed in range(100_000, 100_000 + n):
            if kind in DRAWN:
                picture, _, boxes = drawn_picture(kind, seed)
            else:
                picture, _, boxes = row_of_digits(images, labels, seed, touching=kind == "rows touching")
            lines = examples_of(kind, picture, boxes, pipeline, gate)
            examples += lines
            found += bool(lines)
        print(f"{kind}: {found} of {n} pictures can be parted", flush=True)
    for gated in (0, 1) if gate is not None else (0,):
        report(examples, gated)


if __name__ == "__main__":
    main()
