"""Runs killed at random moments: each must end with the bits of a run that nobody stopped.

Usage: python benchmarks/kills.py [--kills 50] [--seed 0]

A small training with every callback that the documentation names, two of the user's own and a learning-rate schedule
writes a checkpoint every second step. Its process gets SIGKILL after a random time, from 0 to as long as the whole
training takes, counted from the first hook on; then the same training is started again. When it ends, weights,
optimizer, history, the callbacks' state and the CSV log are compared with those of the run that was left alone, and the
next run begins in a new folder, until there were so many kills. Prints a line per run, and fails at the first
difference.
"""

import argparse
import collections
import hashlib
import json
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


def train(folder: Path, checkpoint: bool, begun: Any) -> None:
    """Train in this process, and leave a report in the folder."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TensorFlow's greetings
    import keras

    from lenetkit.trainer import Trainer

    folder.mkdir(exist_ok=True)
    model, images, labels = make_task(keras)
    callbacks = make_callbacks(keras, folder, begun)
    trainer = Trainer(
        epochs=12,
        batch_size=16,
        optimizer=keras.optimizers.Adam(use_ema=True, ema_momentum=0.9),
        learning_rate=0.003,
        metrics=["accuracy", keras.metrics.MeanSquaredError(name="mse")],
        callbacks=list(callbacks.values()),
        checkpoint=folder / "run" if checkpoint else None,
        checkpoint_steps=2,
        steps_per_call=1,
        verbose=0,
    )
    result = trainer.fit(model, images, labels, (images[:16], (labels[:16] + 1) % 3))
    variables = (*model.variables, *model.optimizer.variables)
    report = {
        "weights": hashlib.sha256(b"".join(np.asarray(v.numpy()).tobytes() for v in variables)).hexdigest(),
        "history": result.history.to_dict(orient="list"),
        "stopped_by": result.stopped_by,
        "stopping": [getattr(callbacks["stopping"], name) for name in ("wait", "best_epoch", "best", "min_delta")],
        "plateau": [getattr(callbacks["plateau"], name) for name in ("wait", "best", "min_delta", "cooldown_counter")],
        "own": repr(callbacks["own"].told()),
        "log": (folder / "log.csv").read_text(),
    }
    (folder / "report.json").write_text(json.dumps(report))


def make_task(keras: Any) -> tuple[Any, Any, Any]:
    """Return a model and data that train in a second."""
    layers = keras.layers
    keras.utils.clear_session(free_memory=False)  # automatic names as in a new process
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            layers.Input((4, 4, 1), name="image"),
            layers.Flatten(name="flatten"),
            layers.Dense(12, name="hidden"),
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(3, activation="softmax", name="output"),
        ],
        name="little",
    )
    images = np.random.default_rng(0).integers(0, 255, (96, 4, 4), np.uint8)
    return model, images, np.arange(96) % 3


def make_callbacks(keras: Any, folder: Path, begun: Any) -> dict[str, Any]:
    """Return every callback that the documentation names, and two of a user's own."""

    class Own(keras.callbacks.Callback):
        """Keeps a set, a deque, a mapping with numbers as keys and a random generator, and uses them."""

        def __init__(self, jitter: float) -> None:
            super().__init__()
            self.jitter = jitter
            self.seen: set[float] = set()
            self.last: collections.deque[float] = collections.deque(maxlen=3)
            self.by_epoch: dict[int, float] = {}
            self.generator = np.random.default_rng(7)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.last.append(logs["loss"])

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seen.add(round(logs["loss"], 1))
            self.by_epoch[epoch] = float(np.mean(self.last))
            rate = self.model.optimizer.learning_rate
            rate.assign(rate * (1 + self.jitter * self.generator.standard_normal() / len(self.seen)))

        def told(self) -> Any:
            return sorted(self.seen), self.last, self.by_epoch, self.generator.random()

    class Begun(keras.callbacks.Callback):
        """Says that the training has begun."""

        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
            if begun is not None:
                begun.send(True)

    kinds = keras.callbacks
    heard: list[int] = []
    return {
        "begun": Begun(),
        "stopping": kinds.EarlyStopping(monitor="val_loss", min_delta=0.01, patience=9, restore_best_weights=True),
        "plateau": kinds.ReduceLROnPlateau(monitor="loss", factor=0.6, patience=1, min_delta=0.03, cooldown=1),
        "schedule": kinds.LearningRateScheduler(lambda epoch, rate: rate * (0.97 if epoch else 1.0)),
        "own": Own(0.1),
        "hook": kinds.LambdaCallback(on_epoch_end=lambda epoch, logs: (heard.append(epoch), logs.update(n=len(heard)))),
        "csv": kinds.CSVLogger(str(folder / "log.csv")),
        "best": kinds.ModelCheckpoint(
            str(folder / "best.weights.h5"), monitor="val_loss", save_best_only=True, save_weights_only=True
        ),
        "ema": kinds.SwapEMAWeights(swap_on_epoch=True),
        "nan": kinds.TerminateOnNaN(),
    }


def run(context: Any, folder: Path, checkpoint: bool, delay: float | None) -> tuple[bool, float]:
    """Train in a new process, killed after `delay` seconds; return whether it was, and the seconds it trained."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=train, args=(folder, checkpoint, sender))
    process.start()
    sender.close()
    receiver.recv()
    began = time.perf_counter()
    process.join(delay)
    killed = process.exitcode is None
    if killed:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    elif process.exitcode:
        raise SystemExit(f"the training in {folder} failed with exit code {process.exitcode}")
    return killed, time.perf_counter() - began


def main() -> None:
    """Kill as often as asked, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras"])
    with tempfile.TemporaryDirectory() as name:
        _, seconds = run(context, Path(name) / "alone", False, None)
        expected = json.loads((Path(name) / "alone" / "report.json").read_text())
        print(f"left alone: {len(expected['history']['loss'])} epochs in {seconds:.1f} s", flush=True)
        kills, runs = 0, 0
        while kills < arguments.kills:
            folder, of_this = Path(name) / f"run{runs}", 0
            while kills < arguments.kills and run(context, folder, True, generator.uniform(0, seconds))[0]:
                kills, of_this = kills + 1, of_this + 1
            if not (folder / "report.json").exists():
                run(context, folder, True, None)
            told = json.loads((folder / "report.json").read_text())
            if differing := [
                f"{name}: {told[name]}, not {expected[name]}" for name in told if told[name] != expected[name]
            ]:
                raise SystemExit(f"run {runs}, killed {of_this} times, ended otherwise: " + "\n".join(differing))
            runs += 1
            print(f"run {runs}: killed {of_this} times, the same bits", flush=True)
        print(f"{kills} kills in {runs} runs: all ended with the bits of the run left alone")


if __name__ == "__main__":
    main()
