"""What ``Pipeline.adapt`` learns of ten hands from five examples a digit, and what it forgets, beside plain Keras.

    python benchmarks/adapt.py DIR [--output FILE.txt] [--without-tensorflow]

The hands are drawn with forms that the pretrained pipeline was never trained on, one form for each digit and one pen,
and only such as it misreads at least 5 % of. Each is learnt ten times, every time from other examples; with the first
choice it is measured, too, what has become of MNIST's test part and of the digits that people photographed and drew.
DIR holds ``mnist``, and may hold ``wild/digits``; the adapted weights are thrown away.

The lines "last" and "all" are the two choices of ``layers``. Plain Keras is what one finds in tutorials: ``model.fit``
on the same examples, Adam at 0.001, ten epochs. The seconds are processor time after imports, the largest of ten.
"""

import argparse
import csv
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _shared import describe_machine, machine

from lenetkit import Pipeline, load_dataset
from lenetkit.datasets import Dataset, read_image
from lenetkit.synthesis import draw_digits, list_allographs

HANDS, SEEDS, PER_CLASS, SIZE = 10, 10, 5, 500
FEWEST_ERRORS = 0.05


def draw_hand(number: int) -> Dataset:
    """Return digits of one hand: a form for each digit, a pen, a looseness."""
    rng = np.random.default_rng([2026, number])
    forms = [str(rng.choice(list_allographs(styles="varied", digits=[digit]))) for digit in range(10)]
    pen, variation = float(rng.uniform(1.6, 4.0)), float(rng.uniform(0.4, 0.9))
    return draw_digits(
        SIZE,
        styles="varied",
        allographs=forms,
        pen_width=(0.93 * pen, 1.07 * pen),
        variation=variation,
        seed=5_000_000 + number,
    )


def find_hands() -> list[tuple[int, Dataset]]:
    """Return the first hands of which the pretrained pipeline misreads enough."""
    pipeline, hands, number = Pipeline.pretrained(), [], 0
    while len(hands) < HANDS:
        hand = draw_hand(number)
        if 1 - pipeline.score(hand.images, hand.labels) >= FEWEST_ERRORS:
            hands.append((number, hand))
        number += 1
    return hands


def choose(labels: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a few examples of each digit, and all others."""
    rng = np.random.default_rng([7, seed])
    mine = np.concatenate([rng.permutation(np.flatnonzero(labels == digit))[:PER_CLASS] for digit in range(10)])
    return mine, np.setdiff1d(np.arange(len(labels)), mine)


def other_sets(data: Path) -> dict[str, tuple[Any, np.ndarray]]:
    """Return MNIST's test part and what people photographed and drew, as the model sees them."""
    prepare = Pipeline.pretrained().transforms_.prepare
    test = load_dataset("mnist", subset="test", data_dir=data, download=False)
    sets = {"MNIST test": (np.asarray(prepare(test.images).images), np.asarray(test.labels))}
    table = data / "wild" / "digits" / "labels.csv"
    if table.exists():
        with open(table, newline="") as file:
            rows = list(csv.DictReader(file))
        images = [np.asarray(prepare(read_image(table.parent / row["file"])[np.newaxis]).images)[0] for row in rows]
        sets["wild"] = np.stack(images), np.array([int(row["label"]) for row in rows])
    return sets


def count_errors(pipeline: Pipeline, sets: dict[str, tuple[Any, np.ndarray]]) -> dict[str, int]:
    """Return the errors on images that are prepared already."""
    predictor = pipeline._check_fitted().predictor
    return {
        name: int((predictor.predict_proba(images).argmax(axis=1) != labels).sum())
        for name, (images, labels) in sets.items()
    }


def fine_tune(hand: Dataset, sets: dict[str, tuple[Any, np.ndarray]]) -> tuple[int, dict[str, int], float]:
    """Return the errors on the rest of a hand and on the other sets after plain fine-tuning, and its seconds."""
    import keras

    pipeline = Pipeline.pretrained()
    model, prepare = pipeline.model_, pipeline.transforms_.prepare
    mine, rest = choose(hand.labels, 0)
    images = prepare(hand.images).apply_affine()[..., np.newaxis]
    start = time.process_time()
    keras.utils.set_random_seed(0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images[mine], np.asarray(hand.labels)[mine], epochs=10, batch_size=32, verbose=0)
    seconds = time.process_time() - start
    errors = {
        name: int((model.predict(others[..., np.newaxis] / 255, verbose=0).argmax(axis=1) != labels).sum())
        for name, (others, labels) in sets.items()
    }
    return int((model.predict(images[rest], verbose=0).argmax(axis=1) != hand.labels[rest]).sum()), errors, seconds


def adapt_often(hand: Dataset, sets: dict[str, tuple[Any, np.ndarray]], layers: Any) -> dict[str, Any]:
    """Return what ten adaptations of one hand give."""
    found: dict[str, Any] = {"before": [], "after": [], "accepted": [], "seconds": []}
    for seed in range(SEEDS):
        mine, rest = choose(hand.labels, seed)
        pipeline = Pipeline.pretrained()
        right = pipeline.predict(hand.images[rest]) == hand.labels[rest]
        start = time.process_time()
        report = pipeline.adapt(hand.images[mine], hand.labels[mine], layers=layers, seed=seed)
        found["seconds"].append(time.process_time() - start)
        found["accepted"].append(report.accepted)
        found["before"].append(int((~right).sum()))
        found["after"].append(int((pipeline.predict(hand.images[rest]) != hand.labels[rest]).sum()))
        if seed == 0:
            found["others"] = count_errors(pipeline, sets)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with mnist and perhaps wild")
    parser.add_argument("--output", type=Path, help="write what is printed into this file too")
    parser.add_argument("--without-tensorflow", action="store_true", help="the last layers alone")
    arguments = parser.parse_args()
    sets, lines = other_sets(arguments.data), list[str]()
    names = list(sets)
    ways = ["last"] if arguments.without_tensorflow else ["last", "all", "Keras"]
    if len(ways) > 1:
        Pipeline.pretrained().model_  # noqa: B018 -- imports TensorFlow, before anything is measured

    def show(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)
        if arguments.output:
            arguments.output.write_text("\n".join(lines) + "\n")

    show(describe_machine(machine()))
    start = count_errors(Pipeline.pretrained(), sets)
    show(f"errors before: {', '.join(f'{start[name]} of {len(sets[name][1]):,} ({name})' for name in names)}")
    show(f"{'hand':>5}{'errors':>8}{'':6}{'after, of ten seeds':>42}{'accepted':>10}{'seconds':>9}  {'; '.join(names)}")
    ratios: dict[str, list[float]] = {way: [] for way in ways}
    found: dict[str, Any] = {}
    for number, hand in find_hands():
        for way in ways:
            if way == "Keras":
                left, errors, seconds = fine_tune(hand, sets)
                ratios[way].append(left / found["before"][0])
                shown = f"{'':13}{way:>6}{left:>42}{'':10}{seconds:9.2f}"
            else:
                found = adapt_often(hand, sets, way)
                ratios[way].append(float(np.mean(found["after"]) / np.mean(found["before"])))
                errors, accepted = found["others"], f"{sum(found['accepted'])}/10"
                first = f"{number:>5}{np.mean(found['before']):8.1f}" if way == "last" else ""
                after = " ".join(map(str, found["after"]))
                shown = f"{first:13}{way:>6}{after:>42}{accepted:>10}{max(found['seconds']):9.2f}"
                worst = max(after - before for before, after in zip(found["before"], found["after"], strict=True))
                shown += f"  worst of ten seeds: {worst:+d}" if worst > 0 else ""
            show(shown + "  " + "; ".join(f"{errors[name] - start[name]:+d}" for name in names))
    for way in ways:
        show(f"errors that are left, mean of the hands, {way}: {np.mean(ratios[way]):.1%}")


if __name__ == "__main__":
    main()
