"""Recipes: what was tried for the trainer's presets, and what it gave on images held back from the training images.

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
from _shared import (
    Results,
    describe_machine,
    in_fresh_process,
    markdown_table,
    same_settings,
    settings_of,
    spread,
)

from lenetkit.trainer import OneCycle, Trainer
from lenetkit.transforms.augment import Shift, Warp

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
    label_smoothing : float
        Of the loss.
    n_seeds : int
        Runs, with seeds from 0.
    """

    what: str
    trainer: Trainer
    pooling: str = attrs.field(default="average", kw_only=True)
    label_smoothing: float = attrs.field(default=0.0, kw_only=True)
    n_seeds: int = attrs.field(default=3, kw_only=True)

    @property
    def settings(self) -> dict[str, str]:
        """All that decides what the recipe gives, as text."""
        own = {"pooling": self.pooling, "label_smoothing": repr(self.label_smoothing)}
        return {**settings_of(self.trainer), **own}


def warped(**changes: Any) -> Trainer:
    """Return Muon with warped images."""
    return Trainer(**{**MUON, "augmentation": Warp(), **changes})


def short(epochs: float = 0.42, peak: float = 0.05, **options: Any) -> Trainer:
    """Return Muon for a part of an epoch."""
    return Trainer(
        epochs=epochs,
        optimizer="muon",
        optimizer_options={"weight_decay": 0.2, **options},
        learning_rate=OneCycle(peak, warmup=0.1, shape="linear"),
    )


CLASSIC = Trainer.preset("classic")
MUON = {
    "batch_size": 256,
    "optimizer": "muon",
    "optimizer_options": {"weight_decay": 0.2},
    "learning_rate": OneCycle(0.025, shape="linear"),
}
SHIFTED_ADAM = attrs.evolve(CLASSIC, learning_rate=OneCycle(0.006), augmentation=Shift())
RECIPES = {
    "Adam, five epochs": [
        Recipe("the classical procedure: constant rate 0.001", CLASSIC),
        Recipe("the same with max pooling", CLASSIC, pooling="max"),
        Recipe("one-cycle, peak 0.006", attrs.evolve(SHIFTED_ADAM, augmentation=None)),
        Recipe("and each batch shifted by up to a pixel", SHIFTED_ADAM),
        Recipe("and peak 0.01", attrs.evolve(SHIFTED_ADAM, learning_rate=OneCycle(0.01))),
        Recipe("and beta_2 0.99", Trainer()),
        Recipe("and max pooling", Trainer(), pooling="max"),
        Recipe("and two pixels instead of one", Trainer(augmentation=Shift(pixels=2))),
        Recipe("and warps, one per batch, instead of shifts", Trainer(augmentation=Warp(groups=1))),
        Recipe("and warps, eight per batch, instead of shifts", Trainer(augmentation=Warp())),
        Recipe("and label smoothing 0.1", Trainer(), label_smoothing=0.1),
    ],
    "Muon, five to seven epochs": [
        Recipe("batch 256, linear one-cycle, peak 0.025, weight decay 0.2, shifts", Trainer(**MUON)),
        Recipe("and warps, eight per batch, instead of shifts", warped()),
        Recipe("and elastic", warped(augmentation=Warp(elastic=0.4))),
        Recipe("and seven epochs", warped(augmentation=Warp(elastic=0.4), epochs=7)),
        Recipe("and label smoothing 0.1", warped(augmentation=Warp(elastic=0.4), epochs=7), label_smoothing=0.1),
    ],
    "Muon, less than an epoch": [
        Recipe("0.72 epoch, peak 0.03", short(0.72, 0.03)),
        Recipe("and label smoothing 0.1", short(0.72, 0.03), label_smoothing=0.1),
        Recipe("0.42 epoch, peak 0.05, label smoothing 0.1", short(), label_smoothing=0.1),
        Recipe("and momentum 0.85", short(momentum=0.85), label_smoothing=0.1),
    ],
    "Thirty epochs": [
        Recipe("Muon, stronger warps", Trainer.preset("accurate", epochs=30), n_seeds=1),
    ],
}
PRESETS = {
    **{name: Trainer.preset(name) for name in ("default", "classic", "fast", "accurate")},
    "accurate, 30 epochs": Trainer.preset("accurate", epochs=30),
}


def run(recipe: Recipe, folder: Path, seed: int) -> dict[str, Any]:
    """Train once and return what it gave."""
    import keras

    from lenetkit.datasets import load_dataset
    from lenetkit.models import create_model

    mnist = load_dataset(folder, subset="train")
    training, validation = mnist[:N_TRAINING], mnist[N_TRAINING:]
    model = create_model("lenet5", seed=seed, pooling=recipe.pooling)
    trainer = attrs.evolve(recipe.trainer, seed=seed, verbose=0)
    if recipe.label_smoothing:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        trainer = attrs.evolve(trainer, loss=loss)
    began, began_processor = time.perf_counter(), time.process_time()
    result = trainer.fit(model, training.images, training.labels)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - began_processor
    x = np.asarray(validation.images)[..., None].astype("float32") / 255
    answers = model.predict(x, batch_size=1000, verbose=0).argmax(axis=1)
    return {
        "what": recipe.what,
        "seed": seed,
        "accuracy": round(100 * float((answers == np.asarray(validation.labels)).mean()), 4),
        "steps": result.steps,
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "settings": recipe.settings,
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
    if recipe.pooling != "average" or recipe.label_smoothing:
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
        str(runs[0]["steps"]),
        f"{statistics.median(run['processor_seconds'] for run in runs):.0f}",
        str(len(runs)),
    ]


def page(results: Results) -> str:
    """Return the page of the documentation."""
    header = ("recipe", "validation accuracy, %", "steps", "processor time, s", "runs")
    parts = []
    for group, tried in RECIPES.items():
        rows = [row(recipe, runs) for recipe in tried if (runs := runs_of(results, recipe))]
        if rows:
            parts.append(f"## {group}\n\n{markdown_table(header, rows)}\n")
    return INTRODUCTION.format(machine=describe_machine(results.machine)) + "\n".join(parts)


INTRODUCTION = """\
# Recipes: what was tried

<!-- Written by benchmarks/recipes.py from docs/research/data/recipes.json; changes made here are lost. -->

Each recipe trains LeNet-5 on the first 50,000 of MNIST's training images and is judged on the last 10,000; the test
images take no part. "And" adds to the line above it, unless that line says "instead"; bold names the preset of
{{py:class}}`~lenetkit.trainer.Trainer` that was chosen. Parts of an epoch are parts of these 50,000 images: 0.42 of
them are as many steps as 0.35 of all 60,000.

Accuracy is mean ± standard deviation over seeds; with 10,000 images, 0.1 points are ten images. Processor time is that
of `fit`, tracing included, median, summed over cores: it says what a recipe costs, and other programs change it little.
How fast the presets are beside plain Keras stands under [](benchmarks.md).

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
