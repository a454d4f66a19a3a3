"""Synthetic digits: a data set without a download, and forms that another data set lacks.

Draw digits in several styles of handwriting, see that a network reads only the forms in its training images, and draw
whole numbers on paper with the box of every digit.

    python examples/drawn_digits.py                   trains on American digits, then also on continental ones
    python examples/drawn_digits.py --output PICTURES also writes a sheet of digits and a number on ruled paper there
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from lenetkit import Dataset, Pipeline, Trainer
from lenetkit.synthesis import draw_digits, draw_number, draw_paper, list_allographs


def main(output: Path | None) -> None:
    print("how a continental hand may write a 7:", ", ".join(list_allographs(styles="continental", digits=[7])))

    # Other seeds give other digits, so that the test images are unseen.
    foreign = draw_digits(600, styles="continental", digits=[1, 4, 7], seed=100)
    american = draw_digits(4000, styles="american", seed=1)
    both = draw_digits(6000, styles=["american", "continental"], seed=1)

    print(f"shown American digits only, it reads {share_read(learnt(american), foreign):.0%} of continental 1, 4 and 7")
    pipe = learnt(both)
    print(f"shown both, it reads {share_read(pipe, foreign):.0%} of them")
    test = draw_digits(1000, styles=["american", "continental"], seed=200)
    print(pipe.evaluate(test.images, test.labels))

    number = draw_number("1947", style="continental", seed=4)
    print(f"drawn {number.text}: {number.image.shape[1]} pixels wide, the 9 in the box {number.boxes[1].tolist()}")
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sheet(both)).save(output / "digits.png")
        paper = draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4, seed=4)
        Image.fromarray(number.on(paper, ink=(40, 45, 110))).save(output / "number.png")
        print(f"digits.png and number.png are in {output}")


def learnt(dataset: Dataset) -> Pipeline:
    """Train a LeNet-5."""
    return Pipeline(trainer=Trainer(epochs=4, verbose=0)).fit(dataset.images, dataset.labels)


def share_read(pipe: Pipeline, dataset: Dataset) -> float:
    return pipe.score(dataset.images, dataset.labels)


def sheet(dataset: Dataset) -> np.ndarray:
    """Return the first 200 digits in rows of 20: 0 to 9 and again 0 to 9."""
    rows = np.asarray(dataset.images[:200]).reshape(10, 20, 28, 28)
    return rows.transpose(0, 2, 1, 3).reshape(280, 560)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw digits and learn to read them.")
    parser.add_argument("--output", type=Path, help="folder to write pictures to")
    main(parser.parse_args().output)
