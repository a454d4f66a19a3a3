"""How well the pretrained pipeline tells digits from what is none, kind by kind, beside the softmax probability alone.

    python benchmarks/gate.py DIR --fonts FOLDER [--pipeline FILE.lenet] [--output FILE.txt]

DIR holds ``mnist``, and may hold ``usps``. FOLDER holds, or gets, the fonts of ``tools/other_writing.py``; only
families that no training saw are used. Two scores are compared, as the field of out-of-distribution detection does:
that of the novelty detector, and the baseline, the largest probability of a label (Hendrycks and Gimpel, A Baseline for
Detecting Misclassified and Out-of-Distribution Examples in Neural Networks, ICLR 2017).

AUROC is the probability that a digit of MNIST's test part scores higher than an image that is none (50 % is chance).
The next figure is the fraction of non-digits that are accepted where 95 % of these digits are (FPR95). The last column
is the fraction that the pipeline accepts with ``reject=1``, by its own threshold. Look-alikes are digits of other
scripts that a person takes for one of ours; ``tools/other_writing.py`` lists them. They count in no other line.
"""

import argparse
import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import numpy as np
from _shared import describe_machine, machine
from other_writing import SCRIPTS, cut_parts, draw_scripts, draw_signs
from sklearn.metrics import roc_auc_score
from wild import LETTERS, UNSEEN, digit_sets

from lenetkit import Pipeline, load_dataset
from lenetkit.exceptions import DownloadError
from lenetkit.pipeline._fitted import get_input
from lenetkit.synthesis import draw_nondigits, draw_paper, draw_printed

SEED = 99
ACCEPTED = 0.95
# Of what costs little to draw, so many: one in a thousand shows.
MANY = 10_000


def foreign_writing(fonts: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Give digits of other scripts, script by script and all together, look-alikes apart, and what hands write else."""
    scripts = draw_scripts(fonts, "judge", hands=40, seed=SEED)
    for script in SCRIPTS:
        yield f"digits, {script}", scripts.images[(scripts.kinds == script) & ~scripts.alike]
    yield "digits, all scripts", scripts.images[~scripts.alike]
    yield "look-alikes", scripts.images[scripts.alike]
    signs = draw_signs(fonts, "judge", hands=5, seed=SEED)
    for kind in ("letters", "punctuation"):
        yield f"{kind}, by hand", signs.images[signs.kinds == kind]


def other_kinds(data: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Give each set of what is no digit and no writing of others."""
    yield "letters, printed", draw_printed(MANY, characters=LETTERS, seed=SEED, fonts=UNSEEN).images
    test = load_dataset("mnist", subset="test", data_dir=data, download=False)
    images = np.asarray(test.images)
    yield "parts of digits", cut_parts(images, np.asarray(test.labels).astype(int))[0]
    yield "two digits", np.concatenate([images[:2000, :, 3:25], images[2000:4000, :, 3:25]], axis=2)
    for kind in ("several", "turned", "scribble", "shape", "noise"):
        yield kind, draw_nondigits(MANY, kinds=kind, seed=SEED).images
    yield "texture", draw_textures(1000)
    with contextlib.suppress(DownloadError):
        yield "Fashion-MNIST test", load_dataset("fashion_mnist", subset="test", data_dir=data, download=False).images


def draw_textures(n: int) -> np.ndarray:
    """Return n patches (n, 64, 64) of fabric and of paper."""
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[:64, :64]
    patches = np.empty((n, 64, 64), np.uint8)
    for index, patch in enumerate(patches):
        if index % 2:
            ruling = str(rng.choice(["ruled", "grid", "dotted"]))
            strength, noise = float(rng.uniform(0.1, 0.6)), float(rng.uniform(0, 20))
            seed = int(rng.integers(2**31))
            patch[:] = draw_paper(
                64, 64, ruling=ruling, pitch=20, print_strength=strength, noise=noise, shadow=0.3, specks=3, seed=seed
            )
            continue
        turn, pitch = rng.uniform(0, np.pi), rng.uniform(3, 20, 2)
        along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
        weave = np.sin(2 * np.pi * along / pitch[0]) + rng.uniform(0, 1) * np.sin(2 * np.pi * across / pitch[1])
        grain = rng.normal(0, rng.uniform(0, 0.5), weave.shape)
        patch[:] = np.rint(255 * np.clip(0.5 + rng.uniform(0.1, 0.6) * (weave + grain), 0, 1))
    return patches


def judge(pipeline: Pipeline, images: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores (2, n) of the gate and of the probability alone, and what ``reject=1`` accepts."""
    fitted = pipeline._check_fitted()
    assert fitted.rejecting is not None
    gate, prepared = fitted.rejecting[1], fitted.prepare(images)
    empty = ~prepared.images.reshape(len(images), -1).any(axis=1)
    scores = np.stack([gate.digit_probability(get_input(prepared)), fitted.predict_proba(prepared).max(axis=1)])
    scores[:, empty] = 0
    return scores, scores[0] >= gate.threshold


def accepted_at(digits: np.ndarray, others: np.ndarray) -> float:
    """Return the fraction of the others that are accepted where so many digits are as `ACCEPTED` says."""
    threshold = np.sort(digits)[int((1 - ACCEPTED) * len(digits))]
    return float(np.mean(others >= threshold))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the data")
    parser.add_argument("--fonts", type=Path, required=True, help="folder of the fonts")
    parser.add_argument("--pipeline", type=Path, help="a saved pipeline instead of the one that comes with lenetkit")
    parser.add_argument("--output", type=Path, help="write what is printed into this file too")
    arguments = parser.parse_args()
    pipeline = Pipeline.load(arguments.pipeline) if arguments.pipeline else Pipeline.pretrained()
    lines: list[str] = []

    def show(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)

    show(describe_machine(machine()))
    show()
    show(f"{'digits':24}{'n':>7}{'accepted':>46}")
    known = np.empty((2, 0))
    for name, images, _ in itertools.takewhile(
        lambda found: not found[0].startswith("MNIST test,"), digit_sets(arguments.data)
    ):
        scores, accepted = judge(pipeline, images)
        known = scores if name == "MNIST test" else known
        show(f"{name:24}{len(images):7}{accepted.mean():46.2%}")
    show()
    show(f"{'':24}{'':7}{'AUROC':>18}{'accepted at 95 %':>18}")
    show(f"{'no digits':24}{'n':>7}{'gate':>9}{'softmax':>9}{'gate':>9}{'softmax':>9}{'accepted':>10}")
    for name, images in (*foreign_writing(arguments.fonts), *other_kinds(arguments.data)):
        scores, accepted = judge(pipeline, images)
        truth = np.repeat([1, 0], [known.shape[1], len(images)])
        ranked = [roc_auc_score(truth, np.concatenate(pair)) for pair in zip(known, scores, strict=True)]
        passed = [accepted_at(*pair) for pair in zip(known, scores, strict=True)]
        figures = "".join(f"{figure:9.2%}" for figure in (*ranked, *passed))
        show(f"{name:24}{len(images):7}{figures}{accepted.mean():10.2%}")
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
