"""How well whole numbers are read from one picture, beside the plain way.

    python benchmarks/whole_numbers.py DIR [--pipeline FILE.lenet] [--drawn N] [--output FILE.txt]

The plain way is what one finds in tutorials: one threshold for the whole picture (Otsu's), connected pieces from left
to right, each padded to a square, resized to 28x28 and read by a LeNet-5 that was trained on MNIST as it is (Adam, five
epochs). DIR holds ``mnist``, and may hold ``wild/numbers`` (pictures and ``labels.csv`` with the columns file,
transcription and kind); each of these pictures is listed with what both ways read. Numbers that lenetkit draws follow,
by kind. The character error rate is the number of characters to put in, leave out or change over the number of
characters that are there.
"""

import argparse
import csv
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _numbers import KINDS, drawn_picture, edit_distance, row_of_digits
from _shared import describe_machine, machine
from PIL import Image
from scipy import ndimage

from lenetkit import Pipeline, load_dataset
from lenetkit.datasets import Dataset, read_image
from lenetkit.trainer import Trainer

Reader = Callable[[np.ndarray], str]

_SMALLEST = 20  # pixels of a piece that the plain way reads


def plain_way(data: Path) -> Reader:
    """Return what reads numbers as tutorials do."""
    train = load_dataset("mnist", subset="train", data_dir=data, download=False)
    trained = Pipeline(trainer=Trainer.preset("classic", verbose=0)).fit(train.images, train.labels)

    def read(picture: np.ndarray) -> str:
        grey = np.asarray(Image.fromarray(picture).convert("L"))
        grey = 255 - grey if grey.mean() > 127 else grey
        labels, _ = ndimage.label(grey > otsu(grey))
        crops = []
        places = [(place, number) for number, place in enumerate(ndimage.find_objects(labels), start=1)]
        for place, number in sorted(places, key=lambda found: found[0][1].start):
            mask = labels[place] == number
            if mask.sum() >= _SMALLEST:
                crops.append(square(np.where(mask, grey[place], 0)))
        return "".join(map(str, trained.predict(np.array(crops)))) if crops else ""

    return read


def otsu(grey: np.ndarray) -> int:
    """Return the threshold that parts a picture's levels into the two most even groups."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    below, levels = counts.cumsum(), (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (levels[-1] * below / below[-1] - levels) ** 2 / (below * (below[-1] - below))
    return int(np.nan_to_num(between).argmax())


def square(crop: np.ndarray) -> np.ndarray:
    """Return a crop in the middle of a black square with a border as MNIST has it, 28x28."""
    side = max(crop.shape)
    canvas = np.zeros((side * 28 // 20 + 1,) * 2, np.uint8)
    top, left = ((len(canvas) - length) // 2 for length in crop.shape)
    canvas[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    return np.asarray(Image.fromarray(canvas).resize((28, 28), Image.Resampling.BILINEAR))


def drawn_sets(test: Dataset, n: int) -> Iterator[tuple[str, list[tuple[np.ndarray, str]]]]:
    """Give each kind's name, and its pictures with what they say."""
    for kind in KINDS:
        yield f"drawn: {kind}", [drawn_picture(kind, seed)[:2] for seed in range(n)]
    for name, touching in (("apart", False), ("touching", True)):
        rows = [row_of_digits(np.asarray(test.images), test.labels, seed, touching=touching)[:2] for seed in range(n)]
        yield f"rows of MNIST's test digits: {name}", rows


def wild_pictures(data: Path) -> list[tuple[str, str, np.ndarray]]:
    """Return name, text and pixels of each picture that is there."""
    table = data / "wild" / "numbers" / "labels.csv"
    if not table.exists():
        return []
    with open(table, newline="") as file:
        return [
            (row["file"], row["transcription"], read_image(table.parent / row["file"])) for row in csv.DictReader(file)
        ]


class Tally:
    """How many pictures were read exactly, and how many characters wrong."""

    def __init__(self) -> None:
        self.n = self.exact = self.characters = self.wrong = 0

    def add(self, text: str, read: str) -> None:
        """Count one picture."""
        self.n += 1
        self.exact += read == text
        self.characters += len(text)
        self.wrong += edit_distance(read, text)

    def __str__(self) -> str:
        return f"{self.exact:4}/{self.n:4}{100 * self.wrong / self.characters:8.1f} %"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the data")
    parser.add_argument("--pipeline", type=Path, help="a saved pipeline instead of the one that comes with lenetkit")
    parser.add_argument("--without-plain", action="store_true", help="leave out the plain way, which must be trained")
    parser.add_argument("--drawn", type=int, default=25, help="how many numbers of each kind are drawn (default 25)")
    parser.add_argument("--output", type=Path, help="write what is printed into this file too")
    given = parser.parse_args()
    pipeline = Pipeline.load(given.pipeline) if given.pipeline else Pipeline.pretrained()
    ways: dict[str, Reader] = {"lenetkit": lambda picture: pipeline.read_number(picture).text}
    if not given.without_plain:
        ways["plain way"] = plain_way(given.data)
    lines: list[str] = []

    def show(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)

    show(describe_machine(machine()))
    wild = wild_pictures(given.data)
    if wild:
        show()
        show(f"{'picture':18}{'says':10}" + "".join(f"{name:16}" for name in ways))
        tallies = {name: Tally() for name in ways}
        for name, text, picture in wild:
            answers = {way: read(picture) for way, read in ways.items()}
            for way, answer in answers.items():
                tallies[way].add(text, answer)
            shown = [answer.replace("\n", " / ") + ("" if answer == text else " x") for answer in answers.values()]
            show(f"{name:18}{text:10}" + "".join(f"{answer:16}" for answer in shown).rstrip())
        show(f"{'exact, character error rate':28}" + "   ".join(str(tally) for tally in tallies.values()))
    show()
    show(f"{'exact, character error rate':38}" + "".join(f"{name:>21}" for name in ways) + f"{'ms a picture':>14}")
    test = load_dataset("mnist", subset="test", data_dir=given.data, download=False)
    for kind, pictures in drawn_sets(test, given.drawn):
        tallies, seconds = {name: Tally() for name in ways}, 0.0
        for picture, text in pictures:
            for way, read in ways.items():
                start = time.perf_counter()
                tallies[way].add(text, read(picture))
                seconds += (time.perf_counter() - start) * (way == "lenetkit")
        figures = "".join(f"{tally!s:>21}" for tally in tallies.values())
        show(f"{kind:38}{figures}{1000 * seconds / len(pictures):14.0f}")
    if given.output:
        given.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
