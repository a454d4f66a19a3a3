"""Training: lenetkit's presets beside plain Keras, on MNIST's predefined splits.

Every way trains in a fresh process, one process at a time, and the ways take turns, so that all of them meet the same
machine. Usage::

    python benchmarks/train.py MNIST_FOLDER [--seeds 5] [--recipes default,classic,fast,accurate] [--epochs-30]
                               [--json FILE] [--page FILE]

MNIST_FOLDER holds the four gzipped IDX files. With ``--json`` each run is written down at once: after a stop the same
command goes on where it was, and a larger ``--seeds`` adds to what is there. ``--page`` writes the table for the
documentation.
"""

import argparse
import gzip
import json
import math
import statistics
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
    peak_mib,
    same_settings,
    settings_of,
    spread,
)

from lenetkit.trainer import Trainer

PLAIN_EPOCHS = 5
PLAIN_BATCH_SIZE = 128


@attrs.frozen(kw_only=True)
class Way:
    """A way to train, and what it is meant to reach beside plain Keras' five epochs.

    Parameters
    ----------
    preset : str or None
        lenetkit's preset; None is plain Keras.
    changes : dict
        Settings that differ from the preset's.
    accuracy : float or None
        Least mean accuracy on the test images, in percent; None means plain Keras' own, within noise.
    speed : float or None
        How many times sooner ``fit`` must be done.
    memory : float or None
        Largest share of plain Keras' peak memory.
    """

    preset: str | None
    changes: dict[str, Any] = attrs.field(factory=dict)
    accuracy: float | None = None
    speed: float | None = None
    memory: float | None = None


WAYS = {
    "plain Keras": Way(preset=None),
    "default": Way(preset="default", accuracy=99.25, speed=1.2, memory=0.9),
    "classic": Way(preset="classic", speed=1.3),
    "fast": Way(preset="fast", accuracy=98.5, speed=6.0),
    "accurate": Way(preset="accurate", accuracy=99.45, speed=1.0),
    "accurate, 30 epochs": Way(preset="accurate", changes={"epochs": 30}, accuracy=99.55),
}
PLAIN, LONG = "plain Keras", "accurate, 30 epochs"


# -- one run, in a process of its own


def run(name: str, folder: Path, seed: int) -> dict[str, Any]:
    """Train once and return what it gave."""
    trainer = trainer_of(name)
    if trainer is None:
        return {"way": name, "seed": seed, "settings": {}, **train_plainly(folder, seed)}
    measured = train_with_lenetkit(attrs.evolve(trainer, seed=seed, verbose=0), folder)
    return {"way": name, "seed": seed, "settings": settings_of(trainer), **measured}


def trainer_of(name: str) -> Trainer | None:
    """Return the trainer as the preset is today."""
    way = WAYS[name]
    return None if way.preset is None else Trainer.preset(way.preset, **way.changes)


def train_plainly(folder: Path, seed: int) -> dict[str, Any]:
    """Follow the classical procedure as it is written with Keras alone."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    images, labels = read_part(folder, "train")
    x, y = as_keras_wants(images), keras.utils.to_categorical(labels, 10)
    del images
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    began = time.perf_counter()
    model.fit(x, y, batch_size=PLAIN_BATCH_SIZE, epochs=PLAIN_EPOCHS, verbose=0)
    seconds = time.perf_counter() - began
    return outcome(model, folder, seconds, PLAIN_EPOCHS)


def train_with_lenetkit(trainer: Trainer, folder: Path) -> dict[str, Any]:
    """Train lenetkit's LeNet-5."""
    from lenetkit.datasets import load_dataset
    from lenetkit.models import create_model

    mnist = load_dataset(folder, subset="train")
    model = create_model("lenet5", seed=trainer.seed)
    began = time.perf_counter()
    trainer.fit(model, mnist.images, mnist.labels)
    seconds = time.perf_counter() - began
    return outcome(model, folder, seconds, trainer.epochs)


def outcome(model: Any, folder: Path, seconds: float, epochs: float) -> dict[str, Any]:
    """Return cost and accuracy; the test images are read only now."""
    peak = peak_mib()
    images, labels = read_part(folder, "t10k")
    answers = model.predict(as_keras_wants(images), batch_size=1000, verbose=0).argmax(axis=1)
    return {
        "accuracy": round(100 * float((answers == labels).mean()), 4),
        "seconds": seconds,
        "peak_mib": peak,
        "epochs": epochs,
    }


def read_part(folder: Path, part: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read images and labels from gzipped IDX files."""
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images, labels


def as_keras_wants(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return images[..., None].astype("float32") / 255


# -- the comparison


def measure(names: list[str], folder: Path, n_seeds: int, results: Results) -> None:
    """Let the ways take turns, one seed after the other."""
    for seed in range(n_seeds):
        for name in names:
            if any(run["seed"] == seed for run in runs_of(results, name)):
                continue
            results.add(in_fresh_process(__file__, str(folder), "--child", name, str(seed)))
            last = results.runs[-1]
            print(f"{name}, seed {seed}: {last['accuracy']:.2f} % after {last['seconds']:.1f} s", flush=True)


def runs_of(results: Results, name: str) -> list[dict[str, Any]]:
    """Return the runs of a way, but for those made when its preset was another."""
    trainer = trainer_of(name)
    now = {} if trainer is None else settings_of(trainer)
    return [run for run in results.find(way=name) if same_settings(run["settings"], now)]


def paired(results: Results, name: str, field: str) -> list[float]:
    """Return plain Keras' figure over this way's, for each round that has both."""
    plain = {run["seed"]: run[field] for run in runs_of(results, PLAIN)}
    own = {run["seed"]: run[field] for run in runs_of(results, name)}
    return [plain[seed] / own[seed] for seed in own if seed in plain]


def report(results: Results) -> str:
    """Return table, machine and verdicts as Markdown."""
    names = [name for name in WAYS if runs_of(results, name)]
    if not names:
        return "No run has been made yet.\n"
    header = ("", "test accuracy, %", "`fit`, s", "times as fast", "peak, MiB", "of plain", "runs")
    table = markdown_table(header, [row(results, name) for name in names])
    lines = [f"- {line}" for name in names for line in verdicts(results, name)]
    return (
        f"{table}\n\nAccuracy: mean ± standard deviation; `fit`, peak and ratios: medians. Ratios are those of each "
        f"round with plain Keras' five epochs, smallest and largest in brackets.\n\n"
        f"Measured on {describe_machine(results.machine)}.\n\n" + "\n".join(lines) + "\n"
    )


def row(results: Results, name: str) -> list[str]:
    runs = runs_of(results, name)
    cells = [
        name,
        spread([run["accuracy"] for run in runs]),
        f"{statistics.median(run['seconds'] for run in runs):.1f}",
        ranged(paired(results, name, "seconds")),
        f"{statistics.median(run['peak_mib'] for run in runs):.0f}",
        ranged([1 / ratio for ratio in paired(results, name, "peak_mib")]),
        str(len(runs)),
    ]
    return [*cells[:3], "1", cells[4], "1", cells[6]] if name == PLAIN else cells


def ranged(ratios: list[float]) -> str:
    """Return median, smallest and largest."""
    if not ratios:
        return "-"
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def verdicts(results: Results, name: str) -> list[str]:
    """Compare one way with what it is meant to reach."""
    way = WAYS[name]
    if way.preset is None:
        return []
    mean = statistics.mean(run["accuracy"] for run in runs_of(results, name))
    lines = []
    if way.accuracy is not None:
        lines.append(verdict(f"{name}: accuracy ≥ {way.accuracy} %", f"{mean:.3f} %", reached=mean >= way.accuracy))
    elif runs_of(results, PLAIN):
        lines.append(verdict_within_noise(results, name))
    speeds = paired(results, name, "seconds")
    if way.speed is not None and speeds:
        speed = statistics.median(speeds)
        lines.append(verdict(f"{name}: ≥ {way.speed} times as fast", f"{speed:.2f}", reached=speed >= way.speed))
    if way.memory is not None and speeds:
        share = statistics.median(1 / ratio for ratio in paired(results, name, "peak_mib"))
        lines.append(verdict(f"{name}: memory ≤ {way.memory} of plain", f"{share:.2f}", reached=share <= way.memory))
    return lines


def verdict(goal: str, found: str, *, reached: bool) -> str:
    return f"{goal}: {found}, {'reached' if reached else 'missed'}"


def verdict_within_noise(results: Results, name: str) -> str:
    """Compare mean accuracies; noise is twice the standard error of their difference."""
    own, plain = ([run["accuracy"] for run in runs_of(results, way)] for way in (name, PLAIN))
    difference = statistics.mean(own) - statistics.mean(plain)
    goal = f"{name}: plain Keras' accuracy within noise"
    if min(len(own), len(plain)) < 2:
        return f"{goal}: {difference:+.2f} points, too few runs to tell"
    noise = 2 * math.sqrt(sum(statistics.variance(values) / len(values) for values in (own, plain)))
    return verdict(goal, f"{difference:+.2f} points, noise ± {noise:.2f}", reached=abs(difference) <= noise)


def main() -> None:
    """Run what is still missing, then print table and verdicts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recipes", default="default,classic,fast,accurate")
    parser.add_argument("--epochs-30", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, seed = options.child
        print(json.dumps(run(name, options.folder, int(seed))))
        return
    recipes = options.recipes.split(",")
    known = [name for name in WAYS if name not in (PLAIN, LONG)]
    if unknown := set(recipes) - set(known):
        parser.error(f"unknown recipes: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    names = [PLAIN, *recipes, *([LONG] if options.epochs_30 else [])]
    results = Results(options.json)
    measure(names, options.folder, options.seeds, results)
    results.write()
    text = report(results)
    print(f"\n{text}")
    if options.page:
        options.page.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
