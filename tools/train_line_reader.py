"""Train the line reader, from lines of writing that lenetkit composes itself.

    python tools/train_line_reader.py --data DIR --fonts DIR --work DIR --steps 12000 --decay 3000

goes on from the checkpoint in the work folder: up to step 12,000 at the full rate, then 3,000 more with a falling rate,
on a copy; their result is what is kept. More steps later go on from step 12,000. Each step sees 64 fresh lines; their
digits are those of MNIST's first 55,000 training images, of handwriting fonts (``handwriting_fonts.py``) and of the
pen. No real line, no other part of MNIST. ``log.jsonl`` in the work folder has the loss, the exact share of held-back
lines, and a hash over all lines so far: the same steps give the same hash, and on one thread of the same machine the
same weights.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import attrs
import handwriting_fonts
import numpy as np
import numpy.typing as npt

from lenetkit.datasets import Dataset, load_dataset
from lenetkit.models import LINE_READER, create_line_reader
from lenetkit.synthesis import DrawnLine, LineSettings, draw_lines

SEED, HELD_BACK = 2026, 5_000
LINES, BATCH = 1_024, 64  # lines composed and sorted by width together; lines of a step
RATE, WARM_UP, WEIGHT_DECAY = 2e-3, 500, 0.01
# From this step on so many lines are writing that is no number: only who reads numbers can learn where there are none.
FOREIGN_FROM, FOREIGN = 10_000, LineSettings(empty=0.12, foreign=0.8)
EVERY, N_HELD_BACK = 1_000, 400  # steps between looks at held-back lines, and how many of each kind
BLANK = len(LINE_READER.characters)
MARGIN = 8  # columns of mean paper on both sides


class Batch(NamedTuple):
    """Lines of like width."""

    images: npt.NDArray[np.uint8]  # (n, 40, w), behind a line's own width anything
    widths: npt.NDArray[np.int32]
    raws: list[str]


class Hands(NamedTuple):
    """What digits are drawn with, and the seed of the lines."""

    digits: list[tuple[Dataset, float]]
    drawn: float  # share of the pen
    seed: int


def training_hands(data: Path, fonts: Path) -> Hands:
    """Return MNIST's digits, the fonts' and the pen's, about a third each."""
    mnist, families = known_digits(data, fonts, held_back=False)
    return Hands([(mnist, 1.0), *((family, 1 / len(families)) for family in families)], 0.35, SEED)


def held_back_hands(data: Path, fonts: Path) -> dict[str, Hands]:
    """Return digits and fonts that no training sees, and another seed of the pen."""
    mnist, families = known_digits(data, fonts, held_back=True)
    return {
        "mnist": Hands([(mnist, 1.0)], 0.0, SEED + 1),
        "fonts": Hands([(family, 1.0) for family in families], 0.0, SEED + 2),
        "pen": Hands([(mnist, 1.0)], 1.0, SEED + 3),
    }


def known_digits(data: Path, fonts: Path, *, held_back: bool) -> tuple[Dataset, list[Dataset]]:
    """Return MNIST's digits, and a data set for each font: those of the training, or those held back."""
    mnist = load_dataset("mnist", subset="train", data_dir=data, download=False)
    cut = len(mnist) - HELD_BACK
    rows = slice(cut, None) if held_back else slice(0, cut)
    part = Dataset(images=np.asarray(mnist.images)[rows], labels=np.asarray(mnist.labels)[rows])
    families = handwriting_fonts.font_datasets(fonts)
    return part, [
        family for index, family in enumerate(families) if (index // handwriting_fonts.HANDS % 10 == 9) == held_back
    ]


def compose(hands: Hands, start: int, n: int, foreign: LineSettings | None = None) -> list[DrawnLine]:
    """Draw `n` lines from the one numbered `start` on, with no writing but numbers unless told how much of it."""
    settings = attrs.evolve(
        foreign or LineSettings(foreign=0),
        height=LINE_READER.height,
        styles="varied",
        drawn=hands.drawn,
        digit_height=(13, 40),
    )
    return list(draw_lines(n, digits=hands.digits, settings=settings, seed=hands.seed, start=start))


def in_batches(lines: list[DrawnLine]) -> list[Batch]:
    """Return lines sorted by width, in batches."""
    order = sorted(range(len(lines)), key=lambda index: lines[index].image.shape[1])
    batches = []
    for first in range(0, len(order), BATCH):
        chosen = [lines[index] for index in order[first : first + BATCH]]
        widths = np.array([line.image.shape[1] for line in chosen], np.int32)
        images = np.zeros((len(chosen), LINE_READER.height, int(widths.max())), np.uint8)
        for image, line in zip(images, chosen, strict=True):
            image[:, : line.image.shape[1]] = line.image
        batches.append(Batch(images, widths, [line.raw for line in chosen]))
    return batches


_hands: Hands  # of a composing process


def _begin(data: Path, fonts: Path) -> None:
    global _hands
    _hands = training_hands(data, fonts)


def _compose_chunk(chunk: int) -> tuple[list[Batch], bytes]:
    """Return the batches of a chunk in the order of training, and a hash of its lines."""
    foreign = FOREIGN if chunk * LINES >= FOREIGN_FROM * BATCH else None
    lines = compose(_hands, chunk * LINES, LINES, foreign)
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line.image.shape} {line.raw}\n".encode() + line.image.tobytes())
    batches = in_batches(lines)
    order = np.random.default_rng([SEED, chunk]).permutation(len(batches))
    return [batches[index] for index in order], digest.digest()


def prepare(batch: Batch) -> npt.NDArray[np.float32]:
    """Return what the network takes: each line less its mean and by its spread, ink positive, between margins."""
    inside = np.arange(batch.images.shape[2]) < batch.widths[:, None, None]
    count = (batch.widths * LINE_READER.height)[:, None, None]
    levels = batch.images.astype(np.float32)
    ink = np.where(inside, (levels * inside).sum((1, 2), keepdims=True) / count - levels, 0)
    ink /= np.sqrt((ink**2).sum((1, 2), keepdims=True) / count) + 4
    wide = -(-(batch.images.shape[2] + 2 * MARGIN) // 16) * 16
    ink = np.pad(ink, ((0, 0), (0, 0), (MARGIN, wide - MARGIN - batch.images.shape[2])))
    return ink[..., None].astype(np.float32)


def columns(batch: Batch) -> npt.NDArray[np.int32]:
    """Return the length of each line's answer."""
    return -(-(batch.widths + 2 * MARGIN) // LINE_READER.pitch)


class Training:
    """The network, its optimizer, and how far they are."""

    def __init__(self) -> None:
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(SEED)
        self.model = create_line_reader(seed=SEED)
        self.optimizer = keras.optimizers.AdamW(RATE, beta_2=0.99, weight_decay=WEIGHT_DECAY, global_clipnorm=2.0)
        self.optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        self.optimizer.build(self.model.trainable_variables)
        self.steps, self.digest = 0, b""
        signature = [tf.TensorSpec(shape, kind) for shape, kind in (
            ((None, LINE_READER.height, None, 1), tf.float32), ((None,), tf.int32),
            ((None, None), tf.int64), ((None,), tf.int32), ((None,), tf.float32),
        )]  # fmt: skip
        self._learn = tf.function(self._step, input_signature=signature)
        self._answer = tf.function(lambda images: self.model(images, training=False), input_signature=signature[:1])

    def _step(self, images: Any, lengths: Any, places: Any, labels: Any, sizes: Any) -> Any:
        import tensorflow as tf

        shape = [tf.shape(images, tf.int64)[0], tf.reduce_max(places[:, 1]) + 1]
        with tf.GradientTape() as tape:
            logits = tf.transpose(self.model(images, training=True), (1, 0, 2))
            losses = tf.nn.ctc_loss(tf.SparseTensor(places, labels, shape), logits, None, lengths, blank_index=BLANK)
            # The operation refuses empty texts: `learn` gives them a digit, and their one way is all blanks.
            inside = tf.sequence_mask(lengths, tf.shape(logits)[0], tf.float32)
            empty = -tf.reduce_sum(tf.transpose(tf.nn.log_softmax(logits)[:, :, BLANK]) * inside, 1)
            losses = tf.where(sizes > 0, losses, empty)
            losses = tf.where(tf.math.is_finite(losses), losses, 0.0)  # no way to write a text in so few columns
            loss = tf.reduce_mean(losses / (sizes + 1))
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.model.trainable_variables), self.model.trainable_variables, strict=True)
        )
        return loss

    def learn(self, batch: Batch, rate: float) -> float:
        """Take one step."""
        self.optimizer.learning_rate.assign(rate)
        codes = [[LINE_READER.characters.index(character) for character in raw or "0"] for raw in batch.raws]
        places = [(row, at) for row, text in enumerate(codes) for at in range(len(text))]
        self.steps += 1
        return float(
            self._learn(
                prepare(batch),
                columns(batch),
                np.array(places, np.int64).reshape(-1, 2),
                np.array([code for text in codes for code in text], np.int32),
                np.array([len(raw) for raw in batch.raws], np.float32),
            )
        )

    def read(self, batch: Batch) -> list[str]:
        """Return the text of each line: the most probable class of each column, repeats and blanks left out."""
        answers = np.asarray(self._answer(prepare(batch))).argmax(axis=2)
        texts = []
        for answer, length in zip(answers, columns(batch), strict=True):
            own = answer[:length]
            kept = own[np.concatenate([[True], own[1:] != own[:-1]]) & (own != BLANK)]
            texts.append("".join(LINE_READER.characters[code] for code in kept).strip())
        return texts

    def variables(self) -> list[Any]:
        """Return all that a checkpoint holds."""
        return [*self.model.variables, *self.optimizer.variables]

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        arrays = {f"{index:03}": np.asarray(variable) for index, variable in enumerate(self.variables())}
        with open(path.with_suffix(".part"), "wb") as file:
            np.savez(file, steps=self.steps, digest=np.frombuffer(self.digest, np.uint8), **arrays)
        path.with_suffix(".part").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        with np.load(path) as kept:
            self.steps, self.digest = int(kept["steps"]), kept["digest"].tobytes()
            for index, variable in enumerate(self.variables()):
                variable.assign(kept[f"{index:03}"])


def run(training: Training, steps: int, decay: int, arguments: argparse.Namespace) -> None:
    """Train up to a step at the full rate, keep that, and then with a falling rate."""
    kept, result = arguments.work / "checkpoint.npz", arguments.work / "result.npz"
    if kept.exists():
        training.load(kept)
    if training.steps > steps:
        raise SystemExit(f"{kept} is at step {training.steps} already; --steps must be at least that.")
    held_back = {
        name: in_batches(compose(hands, 0, N_HELD_BACK))
        for name, hands in held_back_hands(arguments.data, arguments.fonts).items()
    }
    pen = held_back_hands(arguments.data, arguments.fonts)["pen"]
    held_back["foreign"] = in_batches(compose(pen, 0, N_HELD_BACK, LineSettings(empty=1, foreign=1)))
    begin, first, losses = time.perf_counter(), training.steps, []
    for batch, digest in batches(training.steps, steps + decay, arguments):
        falling = min(1.0, (steps + decay - training.steps) / max(1, decay))
        losses.append(training.learn(batch, RATE * min(1.0, (training.steps + 1) / WARM_UP) * falling))
        if digest is not None:
            training.digest = hashlib.sha256(training.digest + digest).digest()
        if training.steps % EVERY == 0 or training.steps in (steps, steps + decay):
            exact = {name: share_exact(training, parts) for name, parts in held_back.items()}
            line = {
                "step": training.steps, "loss": round(float(np.mean(losses)), 4), "exact": exact,
                "lines": training.digest.hex()[:16], "seconds": round(time.perf_counter() - begin),
                "processor_seconds": round(time.process_time()),
            }  # fmt: skip
            losses.clear()
            left = (time.perf_counter() - begin) / (training.steps - first) * (steps + decay - training.steps)
            print(json.dumps(line), f"{left / 60:.0f} minutes left", flush=True)
            with open(arguments.work / "log.jsonl", "a") as file:
                file.write(json.dumps(line) + "\n")
            if training.steps <= steps:
                training.save(kept)
    training.save(result)


def share_exact(training: Training, parts: list[Batch]) -> float:
    """Return the share of lines that are read as they stand there, signs and all."""
    right = [own == raw for part in parts for own, raw in zip(training.read(part), part.raws, strict=True)]
    return round(float(np.mean(right)), 4)


def batches(first: int, end: int, arguments: argparse.Namespace) -> Iterator[tuple[Batch, bytes | None]]:
    """Give the batches of the steps from one up to another, composed beside; with the last of a chunk its hash."""
    each = LINES // BATCH
    chunks = range(first // each, -(-end // each))
    step = chunks.start * each
    context = multiprocessing.get_context("spawn")
    with context.Pool(arguments.composers, _begin, (arguments.data, arguments.fonts)) as pool:
        ahead = [pool.apply_async(_compose_chunk, (chunk,)) for chunk in chunks[:4]]
        for chunk in chunks:
            composed, digest = ahead.pop(0).get()
            if chunk + 4 in chunks:
                ahead.append(pool.apply_async(_compose_chunk, (chunk + 4,)))
            for index, batch in enumerate(composed):
                if first <= step < end:
                    yield batch, digest if index == each - 1 else None
                step += 1


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in which the folder mnist is")
    parser.add_argument("--fonts", type=Path, required=True, help="folder for the fonts, which are fetched once")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoint, log and result")
    parser.add_argument("--steps", type=int, required=True, help="steps at the full rate, from the very first on")
    parser.add_argument("--decay", type=int, required=True, help="steps with a falling rate after them")
    parser.add_argument("--composers", type=int, default=1, help="processes that compose lines (default: 1)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    run(Training(), arguments.steps, arguments.decay, arguments)


if __name__ == "__main__":
    main()
