"""How well digits are read that people scanned, photographed and drew, and what is rejected, beside the plain way.

    python benchmarks/wild.py DIR [--pipeline FILE.lenet] [--output FILE.txt]

The plain way is what one finds in tutorials: resized to 28x28, inverted by brightness, read by a LeNet-5 that was
trained on MNIST as it is (Adam, five epochs). DIR holds ``mnist``, and may hold ``usps``, ``wild/digits`` (pictures and
``labels.csv``). Fashion-MNIST is used where it is on the machine.

Rejection is measured at one setting, the one that ``Pipeline.predict(..., reject=1)`` uses: what is lost of digits and
what is caught of everything else stand in the same table. The letters are drawn with fonts that no training saw.
"""

import argparse
import contextlib
import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib as mpl
import numpy as np
from _shared import describe_machine, machine

from lenetkit import Pipeline, load_dataset
from lenetkit.datasets import read_image
from lenetkit.exceptions import DownloadError
from lenetkit.synthesis import corrupt, draw_digits, draw_nondigits, draw_printed
from lenetkit.trainer import Trainer
from lenetkit.transforms import Grayscale, Resize

Reader = Callable[[Any], np.ndarray]

FONTS = Path(mpl.get_data_path(), "fonts", "ttf")
UNSEEN = [str(FONTS / name) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf")]
# Without those that a digit may look like: B b G g I i l O o Q q S s Z z.
LETTERS = "ACDEFHJKLMNPRTUVWXYacdefhjkmnprtuvwxy"


def plain_way(data: Path) -> Reader:
    """Return what reads pictures as tutorials do."""
    train = load_dataset("mnist", subset="train", data_dir=data, download=False)
    trained = Pipeline(trainer=Trainer.preset("classic", verbose=0)).fit(train.images, train.labels)

    def read(images: Any) -> np.ndarray:
        grey = np.concatenate([Resize((28, 28))(Grayscale()(image[np.newaxis])) for image in images])
        grey = grey.reshape(-1, 28, 28)
        bright = grey.mean(axis=(1, 2), keepdims=True) > 127
        return trained.predict(np.where(bright, 255 - grey, grey))

    return read


def digit_sets(data: Path) -> Iterator[tuple[str, Any, np.ndarray]]:
    """Give each set's name, images and labels."""
    test = load_dataset("mnist", subset="test", data_dir=data, download=False)
    yield "MNIST test", test.images, np.asarray(test.labels)
    usps = data / "usps" / "usps-train.npz"
    if usps.exists():
        with np.load(usps) as found:
            yield "USPS train", found["images"], found["labels"]
    table = data / "wild" / "digits" / "labels.csv"
    if table.exists():
        with open(table, newline="") as file:
            rows = list(csv.DictReader(file))
        for group in dict.fromkeys(row["group"] for row in rows):
            here = [row for row in rows if row["group"] == group]
            yield (
                f"wild: {group}",
                [read_image(table.parent / row["file"]) for row in here],
                np.array([int(row["label"]) for row in here]),
            )
    drawn = draw_digits(2000, styles="continental", seed=77)
    yield "drawn, continental", drawn.images, np.asarray(drawn.labels)
    some = slice(0, 2000)
    for kind in ("shot_noise", "glass_blur", "spatter", "fog"):
        yield f"MNIST test, {kind}", corrupt(np.asarray(test.images[some]), kind), np.asarray(test.labels[some])


def other_sets(data: Path) -> Iterator[tuple[str, Any]]:
    """Give each set of what is no digit."""
    levels = np.random.default_rng(5).integers(0, 256, 200, dtype=np.uint8)
    yield "blank, any grey", np.broadcast_to(levels[:, None, None], (200, 28, 28)).copy()
    for kind in ("noise", "scribble", "shape", "turned", "several"):
        yield kind, draw_nondigits(500, kinds=kind, seed=99).images
    yield "letters, unseen fonts", draw_printed(1000, characters=LETTERS, seed=99, fonts=UNSEEN).images
    with contextlib.suppress(DownloadError):
        fashion = load_dataset("fashion_mnist", subset="test", data_dir=data, download=False)
        yield "Fashion-MNIST test", fashion.images


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the data")
    parser.add_argument("--pipeline", type=Path, help="a saved pipeline instead of the one that comes with lenetkit")
    parser.add_argument("--without-plain", action="store_true", help="leave out the plain way, which must be trained")
    parser.add_argument("--output", type=Path, help="write what is printed into this file too")
    arguments = parser.parse_args()
    pipeline = Pipeline.load(arguments.pipeline) if arguments.pipeline else Pipeline.pretrained()
    plain = None if arguments.without_plain else plain_way(arguments.data)
    lines: list[str] = []

    def show(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)

    show(describe_machine(machine()))
    show()
    show(f"{'digits':28}{'right':>14}{'':>9}{'plain way':>11}{'rejected':>10}")
    for name, images, labels in digit_sets(arguments.data):
        answers = pipeline.predict(images, reject=1)
        right = np.array([answer.label for answer in answers]) == labels
        rejected = np.mean([answer.rejected for answer in answers])
        other = "" if plain is None else f"{np.mean(plain(images) == labels):11.2%}"
        show(f"{name:28}{right.sum():7}/{len(right):6}{right.mean():9.2%}{other:>11}{rejected:10.2%}")
    show()
    show(f"{'no digits':28}{'n':>14}{'':>20}{'rejected':>10}")
    for name, images in other_sets(arguments.data):
        rejected = np.mean([answer.rejected for answer in pipeline.predict(images, reject=1)])
        show(f"{name:28}{len(images):14}{'':20}{rejected:10.2%}")
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
