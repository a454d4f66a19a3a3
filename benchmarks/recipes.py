"""Comparison of training settings for the presets, on images held back from the training images.

Each recipe trains on the first 50,000 of MNIST's training images and is judged on the last 10,000. The test images are
never read: choosing by them would spoil them. Usage::

    python benchmarks/recipes.py MNIST_FOLDER [--only TEXT] [--json FILE] [--page FILE]

Every run is a fresh process and is written to the JSON file at once (docs/research/data/recipes.json): after a stop the
same command goes on where it was, and a recipe is added by adding a line to ``RECIPES``. ``--only`` makes only the runs
of recipes whose description holds the text. At the end docs/research/recipes.md is written from all runs there are.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from _shared import (
    Results,
    describe_machine,
    in_fresh_process,
    markdown_table,
    same_settings,
    settings_of,
    spread,
)

from lenetkit.augment import Shift, Warp
from lenetkit.trainer import OneCycle, Trainer

N_TRAINING = 50_000
RESEARCH = Path(__file__).parents[1] / "docs" / "research"


@attrs.frozen
class Recipe:
    """Settings that were tried.

    Parameters
    ----------
    what : str
        What it is, for a reader of the page.
    trainer : Trainer
        The settings.
    pooling : str
        Of the LeNet-5.
    n_seeds : int
        Runs, with seeds from 0.
    """

    what: str
    trainer: Trainer
    pooling: str = attrs.field(default="average", kw_only=True)
    n_seeds: int = attrs.field(default=1, kw_only=True)

    @property
    def settings(self) -> dict[str, str]:
        """All that decides what the recipe gives, as text."""
        return {**settings_of(self.trainer), "pooling": repr(self.pooling)}


def adam(**changes: Any) -> Trainer:
    """Return Adam with what the classical procedure leaves out added one by one."""
    return attrs.evolve(CLASSIC, **changes)


def muon(**changes: Any) -> Trainer:
    """Return Muon in large batches, for some epochs."""
    settings = {
        "batch_size": 256,
        "optimizer": "muon",
        "optimizer_options": {"weight_decay": 0.2},
        "learning_rate": OneCycle(0.025, shape="linear"),
        "label_smoothing": 0.0,
    }
    return Trainer(**{**settings, **changes})


def short(epochs: float, peak: float, label_smoothing: float, **options: Any) -> Trainer:
    """Return Muon for a part of an epoch."""
    return Trainer(
        epochs=epochs,
        optimizer="muon",
        optimizer_options={"weight_decay": 0.2, **options},
        learning_rate=OneCycle(peak, warmup=0.1, shape="linear"),
        label_smoothing=label_smoothing,
    )


CLASSIC = Trainer.preset("classic")
CYCLE = {"learning_rate": OneCycle(0.01), "augmentation": Shift()}
BETA_2 = {**CYCLE, "optimizer_options": None}  # the trainer's own for Adam
RECIPES = {
    "Adam, five epochs": [
        Recipe("the classical procedure: constant rate 0.001", CLASSIC),
        Recipe("the same with max pooling", CLASSIC, pooling="max"),
        Recipe("one-cycle, peak 0.006", adam(learning_rate=OneCycle(0.006))),
        Recipe("and each batch shifted by up to a pixel", adam(learning_rate=OneCycle(0.006), augmentation=Shift())),
        Recipe("and peak 0.01", adam(**CYCLE)),
        Recipe("and beta_2 0.99", adam(**BETA_2)),
        Recipe("that with max pooling", adam(**BETA_2), pooling="max"),
        Recipe("that with two pixels instead of one", adam(**{**BETA_2, "augmentation": Shift(pixels=2)})),
        Recipe("that with one warp per batch instead of a shift", adam(**{**BETA_2, "augmentation": Warp(groups=1)})),
        Recipe("that with eight warps per batch instead of a shift", adam(**{**BETA_2, "augmentation": Warp()})),
        Recipe("that with label smoothing 0.05", adam(**BETA_2, label_smoothing=0.05)),
    ],
    "Muon, batches of 256, five to seven epochs": [
        Recipe("linear one-cycle, peak 0.025, weight decay 0.2, shifts", muon()),
        Recipe("and eight warps per batch instead of a shift", muon(augmentation=Warp())),
        Recipe("and elastic ones", muon(augmentation=Warp(elastic=0.4))),
        Recipe("and label smoothing 0.1", muon(augmentation=Warp(elastic=0.4), label_smoothing=0.1)),
        Recipe("and seven epochs", muon(augmentation=Warp(elastic=0.4), label_smoothing=0.1, epochs=7)),
        Recipe("that without label smoothing", muon(augmentation=Warp(elastic=0.4), epochs=7)),
    ],
    "Muon, less than an epoch": [
        Recipe("0.72 epoch, peak 0.03", short(0.72, 0.03, 0.0), n_seeds=3),
        Recipe("and label smoothing 0.1", short(0.72, 0.03, 0.1), n_seeds=3),
        Recipe("0.42 epoch, peak 0.05, label smoothing 0.1", short(0.42, 0.05, 0.1), n_seeds=3),
        Recipe("and momentum 0.85", short(0.42, 0.05, 0.1, momentum=0.85), n_seeds=3),
        Recipe(
            "and peak 0.06, label smoothing 0.15, four Newton-Schulz steps",
            short(0.42, 0.06, 0.15, momentum=0.85, newton_schulz_steps=4),
            n_seeds=3,
        ),
    ],
    "Thirty epochs": [
        Recipe("Muon, stronger warps", Trainer.preset("accurate", epochs=30), n_seeds=1),
        Recipe("that without label smoothing", Trainer.preset("accurate", epochs=30, label_smoothing=0.0), n_seeds=1),
    ],
}
PRESETS = {
    **{name: Trainer.preset(name) for name in ("default", "classic", "fast", "accurate")},
    "accurate, 30 epochs": Trainer.preset("accurate", epochs=30),
}


def run(recipe: Recipe, folder: Path, seed: int) -> dict[str, Any]:
    """Train once and return what it gave."""
    from lenetkit.datasets import load_dataset
    from lenetkit.models import create_model

    mnist = load_dataset(folder, subset="train")
    training, validation = mnist[:N_TRAINING], mnist[N_TRAINING:]
    model = create_model("lenet5", seed=seed, pooling=recipe.pooling)
    trainer = attrs.evolve(recipe.trainer, seed=seed, verbose=0)
    began, began_processor = time.perf_counter(), time.process_time()
    result = trainer.fit(model, training.images, training.labels)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - began_processor
    x = np.asarray(validation.images)[..., None].astype("float32") / 255
    judged = judge(model.predict(x, batch_size=1000, verbose=0), np.asarray(validation.labels))
    return {
        "what": recipe.what,
        "seed": seed,
        **judged,
        "steps": result.steps,
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "settings": recipe.settings,
    }


def judge(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return accuracy, cross-entropy, and how many of the surest 99 % are wrong."""
    wrong = probabilities.argmax(axis=1) != labels
    of_labels = probabilities[np.arange(len(labels)), labels]
    surest = np.argsort(-probabilities.max(axis=1), kind="stable")[: round(0.99 * len(labels))]
    return {
        "accuracy": round(100 * float(1 - wrong.mean()), 4),
        "cross_entropy": round(float(-np.log(np.maximum(of_labels, 1e-7)).mean()), 5),
        "wrong_among_surest": int(wrong[surest].sum()),
    }


def runs_of(results: Results, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the runs that were made with these very settings."""
    return [run for run in results.runs if same_settings(run["settings"], recipe.settings)]


def measure(folder: Path, results: Results, only: str) -> None:
    """Make the runs that are missing: the first seed of every recipe, then the second, and so on."""
    recipes = [(group, place) for group, tried in RECIPES.items() for place in range(len(tried))]
    for seed in range(max(RECIPES[group][place].n_seeds for group, place in recipes)):
        for group, place in recipes:
            recipe = RECIPES[group][place]
            there = any(run["seed"] == seed for run in runs_of(results, recipe))
            if there or seed >= recipe.n_seeds or only not in f"{group}: {recipe.what}":
                continue
            results.add(in_fresh_process(__file__, str(folder), "--child", group, str(place), str(seed)))
            last = results.runs[-1]
            print(f"{last['accuracy']:.2f} %  {last['processor_seconds']:6.1f} s  {group}: {recipe.what}, seed {seed}")
            sys.stdout.flush()


def preset_of(recipe: Recipe) -> str:
    """Name the preset that has these settings; a part of an epoch counts for the steps it has with all images."""
    if recipe.pooling != "average":
        return ""
    for name, preset in PRESETS.items():
        share = 60_000 / N_TRAINING if preset.epochs < 1 else 1
        same_length = abs(recipe.trainer.epochs - preset.epochs * share) < 1e-9
        if same_length and attrs.evolve(recipe.trainer, epochs=0) == attrs.evolve(preset, epochs=0):
            return name
    return ""


def row(recipe: Recipe, runs: list[dict[str, Any]]) -> list[str]:
    preset = preset_of(recipe)
    return [
        recipe.what + (f": **{preset}**" if preset else ""),
        spread([run["accuracy"] for run in runs]),
        f"{statistics.mean(run['cross_entropy'] for run in runs):.3f}",
        f"{statistics.mean(run['wrong_among_surest'] for run in runs):.0f}",
        str(runs[0]["steps"]),
        f"{statistics.median(run['processor_seconds'] for run in runs):.0f}",
        str(len(runs)),
    ]


def page(results: Results) -> str:
    """Return the page of the documentation."""
    header = ("settings", "accuracy, %", "cross-entropy", "wrong when sure", "steps", "time, s", "runs")
    parts = []
    for group, tried in RECIPES.items():
        rows = [row(recipe, runs) for recipe in tried if (runs := runs_of(results, recipe))]
        if rows:
            parts.append(f"## {group}\n\n{markdown_table(header, rows)}\n")
    return INTRODUCTION.format(machine=describe_machine(results.machine)) + "\n".join(parts)


INTRODUCTION = """\
# Training settings, compared

<!-- Written by benchmarks/recipes.py from docs/research/data/recipes.json; changes made here are lost. -->

Each row trains LeNet-5 with other settings on the first 50,000 of MNIST's training images and is evaluated on the last
10,000; the test images are not used. "And" adds to the row above; "that" refers to the last row without "that"; bold
names the chosen preset of {{py:class}}`~lenetkit.trainer.Trainer`. Fractions of an epoch refer to these 50,000 images:
0.42 of them are as many steps as 0.35 of all 60,000.

Accuracy
: Mean ± standard deviation over seeds; 0.1 points are ten images.

Cross-entropy
: Mean over seeds. Label smoothing makes it larger, because it limits the confidence of the network.

Wrong when sure
: Wrong answers left after rejecting the hundred least certain of the 10,000, mean over seeds. It shows how well
  probabilities separate right answers from wrong ones.

Time
: Processor time of `fit`, including tracing, summed over cores, median. Other programs affect it little.

[](benchmarks.md) compares the speed of the presets with plain Keras.

Measured on {machine}.

"""


def main() -> None:
    """Run what is still missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path, default=RESEARCH / "data" / "recipes.json")
    parser.add_argument("--page", type=Path, default=RESEARCH / "recipes.md")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        group, place, seed = options.child
        print(json.dumps(run(RECIPES[group][int(place)], options.folder, int(seed))))
        return
    results = Results(options.json)
    measure(options.folder, results, options.only)
    options.page.write_text(page(results), "utf-8")
    print(f"wrote {options.page}")


if __name__ == "__main__":
    main()
