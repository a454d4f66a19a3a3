"""Train the pipelines that come with lenetkit, with LeNet-5 or with the small modern network.

    python tools/train_pretrained.py --data DIR --fonts FOLDER --gate gate.npz
    python tools/train_pretrained.py --data DIR --gate gate.npz --name digits-accurate

trains on MNIST's 60,000 training images and on what lenetkit draws itself, and writes the file that the package holds,
with its hash and figures beside it. The same machine gives the same file. The larger network is trained with AVX2,
which nearly all x86 processors have: where there are newer instructions oneDNN would use these, and give other bits.
MNIST's test part is not read here; ``benchmarks/wild.py`` measures the file on it and on other people's digits.

The classifier learns from MNIST, from drawn digits (continental forms above all, which MNIST hardly has), from printed
ones, and from MNIST's and drawn digits as a camera would see them. All of them pass ``MnistNormalize`` first. A second
network, the gate, learns to tell these digits, forms that few hands use and those of handwriting fonts from what is
none: scribbles, letters, shapes, several digits, parts of digits, and digits of other scripts (``gate_pictures.py``).
The fonts of these are in ``--fonts``, or get there. ``--gate FILE`` keeps the gate, so that the next run, for the other
pipeline, reads it from there and needs no fonts.

How sure an answer must be is learnt from a twin, trained in the same way without MNIST's last 10,000 training images,
on exactly these, on poor pictures of them, and on drawn digits of other hands
(:meth:`lenetkit.pipeline.Pipeline.calibrate`). The larger network, whose training takes long, has no twin: it is itself
trained without the last 5,000 images, and judged on these.

    python tools/train_pretrained.py --data DIR --calibrate-only

trains the twin alone and learns that anew for the networks that are in the file, or with the gate of ``--gate FILE``
in place of its own. ``--network FILE`` and ``--twin FILE`` keep classifier and twin for the next run.
"""

import argparse
import hashlib
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import handwriting_fonts
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from gate_pictures import collect_gate_digits, collect_others
from poor_pictures import draw_poor, normalise

from lenetkit.augment import Warp
from lenetkit.bundle import read_bundle, write_bundle
from lenetkit.datasets import Dataset, load_dataset
from lenetkit.exceptions import SettingError
from lenetkit.pipeline import Pipeline
from lenetkit.rejection import Gate
from lenetkit.synthesis import draw_digits, draw_printed
from lenetkit.trainer import OneCycle, Trainer
from lenetkit.transforms import MnistNormalize, Rescale

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

HOME = Path(__file__).parent.parent
PRETRAINED = HOME / "src" / "lenetkit" / "pretrained"
SEED = 2026


class Others(NamedTuple):
    """Numbers of digits besides MNIST's."""

    continental: int  # drawn in this style, and so on
    school: int
    varied: int
    printed: int
    written: int  # of handwriting fonts
    reduced: int  # of all these, a few pixels high


class Recipe(NamedTuple):
    """The way to one pretrained pipeline."""

    model: str
    epochs: float
    held_back: int  # of MNIST's training images, the last ones, which tell how sure an answer must be
    has_twin: bool  # that is trained without them, while the pipeline itself learns from them, too
    seed: int = SEED  # of what is drawn for the classifier, and of its training
    instructions: str = "ALL"  # the newest that oneDNN may use: older ones give the same bits on more processors


# The gate learns from rare forms and fonts, too: they are digits. To the classifiers they were of no use for other
# people's digits (docs/use/pretrained.md).
USUAL, MANY = Others(12_000, 3_000, 0, 3_000, 0, 2_000), Others(12_000, 3_000, 10_000, 3_000, 10_000, 5_000)

RECIPES = {
    "digits": Recipe("lenet5", 20, 10_000, has_twin=True),
    "digits-accurate": Recipe("convnet", 30, 5_000, has_twin=False, instructions="AVX2"),
}

GATE_EPOCHS = 20
NOTES = {"name": "MNIST's training part and digits drawn by lenetkit", "licence": "MIT"}

# Poor pictures of each kind: of so many of MNIST's digits, and of so many others, unless it is said with these.
POOR = {"photograph": (5_000, 1_500), "reduce": (7_000, None), "grain": (4_000, 1_000)}

# The kinds of poor pictures that are drawn of all digits held back, to learn how sure an answer must be.
HARDER = ("photograph", "reduce", "grain", "cross", "slant")

# Fonts that come with Matplotlib. DejaVu Sans is left out: benchmarks/wild.py tests with its letters.
FONT_NAMES = (
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "DejaVuSerif-Italic.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralItalic.ttf",
    "cmr10.ttf",
    "cmb10.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
)
FONTS = tuple(str(Path(mpl.get_data_path(), "fonts", "ttf", name)) for name in FONT_NAMES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in which the folder mnist is")
    parser.add_argument("--name", choices=RECIPES, default="digits", help="which of them (default: digits)")
    parser.add_argument("--output", type=Path, help=f"file to write (default: NAME.lenet in {PRETRAINED})")
    parser.add_argument(
        "--fonts", type=Path, help="folder of the fonts, to train the gate with: it has them, or gets them"
    )
    parser.add_argument("--gate", type=Path, help="write the gate into this file (.npz), or read it if it is there")
    parser.add_argument("--network", type=Path, help="write the classifier into this file, or read it if it is there")
    parser.add_argument("--twin", type=Path, help="write the twin into this file, or read it if it is there")
    parser.add_argument("--calibrate-only", action="store_true", help="keep the networks that are in the output file")
    parser.add_argument("--epochs", type=float, help="passes of each training (default: 20, with convnet 30)")
    parser.add_argument("--seed", type=int, help=f"of the classifier and what it learns from (default: {SEED})")
    arguments = parser.parse_args()
    output = arguments.output or PRETRAINED / f"{arguments.name}.lenet"
    recipe = RECIPES[arguments.name]
    asked = {"epochs": arguments.epochs, "seed": arguments.seed}
    recipe = recipe._replace(**{name: value for name, value in asked.items() if value is not None})
    trains_gate = not arguments.gate.exists() if arguments.gate else not arguments.calibrate_only
    if trains_gate and arguments.fonts is None:
        parser.error("the gate learns from fonts, too: give --fonts FOLDER, or --gate FILE with one that is trained")
    if trains_gate and recipe.instructions != "ALL":
        parser.error(f"with {recipe.instructions} the gate would be another: give --gate FILE, from a run for digits")
    os.environ["ONEDNN_MAX_CPU_ISA"] = recipe.instructions  # read when TensorFlow is imported
    start = time.perf_counter()
    mnist = load_dataset("mnist", subset="train", data_dir=arguments.data, download=False)
    if arguments.calibrate_only:
        pipeline = Pipeline.load(output)
        gate = pipeline._check_fitted().rejecting[1]
    else:
        # What is learnt from is all of MNIST's training part, or all but what the pipeline itself is judged by.
        known = len(mnist) - (0 if recipe.has_twin else recipe.held_back)
        pipeline = train_or_load(mnist, arguments.network, recipe, known)
    if arguments.gate or not arguments.calibrate_only:
        gate = train_or_load_gate(mnist, arguments.gate, arguments.fonts)
    judge = pipeline
    if recipe.has_twin:
        judge = train_or_load(mnist, arguments.twin, recipe, len(mnist) - recipe.held_back)
    calibrate(pipeline, gate, judge, mnist, recipe.held_back)
    output.parent.mkdir(parents=True, exist_ok=True)
    pipeline.save(output, notes=None if arguments.calibrate_only else {**NOTES, "made_by": Path(__file__).name})
    leave_out_training(output)
    write_card(output, recipe, seconds=time.perf_counter() - start, calibrated=arguments.calibrate_only)


def leave_out_training(path: Path) -> None:
    """Leave out the learning curves and the machine: the card says how it was trained."""
    write_bundle(path, attrs.evolve(read_bundle(path), history=None, provenance=None))


def collect_digits(
    mnist: Dataset, fonts: Path | None, others: Others, seed: int
) -> tuple[list[Images], list[Labels], npt.NDArray[np.int64]]:
    """Return MNIST's, the other and the poor digits, normalised, and which of MNIST's the last ones are."""
    images, labels = np.asarray(mnist.images), np.asarray(mnist.labels).astype(np.int64)
    added, added_labels = other_digits(fonts, others, seed=seed)
    seen, seen_labels, rows = poor_pictures_of(images, labels, added, added_labels, others.reduced, seed=seed)
    return [MnistNormalize()(images), added, seen], [labels, added_labels, seen_labels], rows


def train_or_load(mnist: Dataset, path: Path | None, recipe: Recipe, known: int) -> Pipeline:
    """Return the classifier of the file, or a new one that knows so many of MNIST's images, on photographs, too."""
    if path is not None and path.exists():
        return Pipeline.load(path)
    (normalised, added, seen), (labels, added_labels, seen_labels), rows = collect_digits(
        mnist, None, USUAL, recipe.seed
    )
    of_known = rows < known
    pipeline = fit(
        [normalised[:known], added, seen[of_known]],
        [labels[:known], added_labels, seen_labels[of_known]],
        recipe,
    )
    if path is not None:
        pipeline.save(path)
    return pipeline


def calibrate(pipeline: Pipeline, gate: Gate, judge: Pipeline, mnist: Dataset, held_back: int) -> None:
    """Let the pipeline reject by the gate, and by what the judge learns from the digits held back."""
    images, labels = np.asarray(mnist.images)[-held_back:], np.asarray(mnist.labels)[-held_back:]
    foreign = draw_digits(held_back, seed=SEED + 1)
    harder = [picture for kind in HARDER for picture in draw_poor(kind, images, seed=SEED + 1)] + list(foreign.images)
    truth = np.concatenate([np.tile(labels, len(HARDER)), foreign.labels])
    # Nothing of ``corrupt`` decides: its kinds judge.
    judge.calibrate(images, labels, gate=gate, corruptions=(), harder=(harder, truth))
    calibration, _ = judge._check_fitted().rejecting
    thresholds = {reject: round(calibration.threshold(reject), 4) for reject in (0.002, 0.005, 0.01, 0.02, 0.05)}
    print(f"temperature {calibration.temperature:.3f}, {gate}, thresholds {thresholds}")
    pipeline._fitted = pipeline._check_fitted().with_rejection(calibration, gate)


def fit(images: list[Images], labels: list[Labels], recipe: Recipe) -> Pipeline:
    trainer = Trainer.preset("accurate", epochs=recipe.epochs, seed=recipe.seed, verbose=2)
    pipeline = Pipeline(recipe.model, transforms=[MnistNormalize(), Rescale()], trainer=trainer)
    return pipeline.fit(np.concatenate(images), np.concatenate(labels))


def other_digits(fonts: Path | None, others: Others, *, seed: int = SEED) -> tuple[Images, Labels]:
    """Return what is added to MNIST, as ``MnistNormalize`` gives it."""
    styles = {style: getattr(others, style) for style in ("continental", "school", "varied")}
    added = [draw_digits(n, styles=style, seed=seed) for style, n in styles.items() if n]
    added.append(draw_printed(others.printed, seed=seed, fonts=FONTS))
    if others.written:
        if fonts is None:
            raise SettingError("digits of handwriting fonts were asked for, and no folder of fonts was given.")
        written = handwriting_fonts.get_hands(fonts)
        # Every tenth family is kept to choose by.
        learnt = np.flatnonzero(written.hands // handwriting_fonts.HANDS % 10 != 9)
        rows = np.random.default_rng(seed).choice(learnt, others.written, replace=False)
        added.append(Dataset(images=written.images[rows], labels=written.labels[rows]))
    images = [MnistNormalize()(np.asarray(part.images)) for part in added]
    return np.concatenate(images), np.concatenate([part.labels for part in added]).astype(np.int64)


def poor_pictures_of(
    images: Images, labels: Labels, added: Images, added_labels: Labels, reduced: int, *, seed: int = SEED
) -> tuple[Images, Labels, npt.NDArray[np.int64]]:
    """Return digits in poor pictures, after ``MnistNormalize``, and which of MNIST's images they are; -1 for none."""
    rng = np.random.default_rng(seed)
    parts = []
    for kind, (known, drawn) in POOR.items():
        drawn = reduced if drawn is None else drawn
        rows = np.concatenate([rng.choice(len(images), known, replace=False), np.full(drawn, -1)])
        extra = rng.choice(len(added), drawn, replace=False)
        digits = np.concatenate([images[rows[:known]], added[extra]])
        truth = np.concatenate([labels[rows[:known]], added_labels[extra]])
        seen = normalise(draw_poor(kind, digits, seed=seed))
        # A digit that got lost in its picture teaches nothing.
        found = seen.any(axis=(1, 2))
        parts.append((seen[found], truth[found], rows[found]))
    seen, truth, rows = (np.concatenate(part) for part in zip(*parts, strict=True))
    return seen, truth, rows


def train_or_load_gate(mnist: Dataset, path: Path | None, fonts: Path | None) -> Gate:
    """Return the gate of the file; where there is none, a new one, which is kept there."""
    if path is not None and path.exists():
        return load_gate(path)
    if fonts is None:
        raise SettingError("the gate learns from fonts, too, and no folder of them was given.")
    images, labels, _ = collect_digits(mnist, fonts, MANY, SEED)
    gate = train_gate(np.concatenate(images), np.concatenate(labels), fonts, epochs=GATE_EPOCHS)
    if path is not None:
        save_gate(path, gate)
    return gate


def save_gate(path: Path, gate: Gate) -> None:
    """Write the network of a gate and its threshold (.npz)."""
    with path.open("wb") as file:
        np.savez(file, tflite=np.frombuffer(gate.tflite, np.uint8), threshold=gate.threshold)


def load_gate(path: Path) -> Gate:
    """Return the gate that :func:`save_gate` wrote."""
    scale, offset = Rescale().affine(np.uint8)
    with np.load(path) as file:
        return Gate(file["tflite"].tobytes(), float(file["threshold"]), scale=scale, offset=offset)


def train_gate(digits: Images, labels: Labels, fonts: Path, *, epochs: float) -> Gate:
    """Return what tells digits from what is none. The folder holds the fonts of `gate_pictures`, or gets them."""
    everything = collect_gate_digits(digits, seed=SEED)
    others = collect_others(digits, labels, fonts, seed=SEED, faces=FONTS)
    trainer = Trainer(
        epochs=epochs,
        batch_size=256,
        optimizer="muon",
        optimizer_options={"weight_decay": 0.15},
        learning_rate=OneCycle(0.02, warmup=0.1, shape="linear"),
        augmentation=Warp(elastic=0.4),
        label_smoothing=0.02,
        seed=SEED,
        verbose=2,
    )
    scale, offset = Rescale().affine(np.uint8)
    # A quarter of what is held back are poor pictures: of MNIST's digits alone, that rejects about one in a hundred.
    return Gate.fit(everything, others, rejected=0.019, trainer=trainer, scale=scale, offset=offset)


def write_card(path: Path, recipe: Recipe, *, seconds: float, calibrated: bool = False) -> None:
    """Write down which file it is and how it was made, or how it was calibrated anew."""
    content, card = path.read_bytes(), path.with_suffix(".json")
    facts: dict[str, Any] = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    how = {
        "seconds": round(seconds),
        "made_with": {name: version(name) for name in ("lenetkit", "keras", "tensorflow", "numpy", "scipy", "pillow")},
        "machine": f"{platform.machine()}, {platform.system()}",
    }
    if calibrated:
        facts = {**json.loads(card.read_text()), **facts, "calibrated": how}
    else:
        facts = {**facts, "seed": recipe.seed, "ONEDNN_MAX_CPU_ISA": recipe.instructions, **how}
    card.write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
