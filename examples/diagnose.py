"""Diagnosis of misread images: their differences from the training images, and the image after each stage.

Find the reason why an image is misread, trace it through the pipeline, and apply the cure, usually a transform.

    python examples/diagnose.py                    diagnoses digits that are dark on light
    python examples/diagnose.py --trace trace.png  also draws the trace of one of them
"""

import argparse
from pathlib import Path

import numpy as np

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.transforms import Grayscale, Invert, Rescale, Resize


def main(target: Path | None) -> None:
    digits = load_dataset("digits")
    train, test = digits.split(test_size=0.10, seed=0)
    pipe = Pipeline(trainer=Trainer(epochs=digits.epochs, verbose=0)).fit(train.images, train.labels)
    print("as in training:", pipe.evaluate(test.images, test.labels).summary_line)

    # Images as from scanners and phones: dark ink on light paper.
    scans = 255 - test.images
    share = pipe.score(scans, test.labels)
    print(f"scanned: {share:.0%} are read right")

    # The pipeline keeps statistics of its training images. The third image is empty, the fourth does not exist.
    pictures = [test.images[0], scans[0], np.full((60, 40), 230, np.uint8), "no_such_photo.png"]
    print(pipe.diagnose(pictures))

    found = pipe.trace(scans[0])
    print(found)
    if target is not None:
        found.plot().figure_.savefig(target)
        print(f"the trace is in {target}")

    # The cure named by the diagnosis.
    steps = [Grayscale(), Invert(), Resize((28, 28)), Rescale()]
    cured = Pipeline(transforms=steps, trainer=Trainer(epochs=digits.epochs, verbose=0))
    cured.fit(255 - train.images, train.labels)
    print("cured:", cured.evaluate(scans, test.labels).summary_line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Find out why pictures are read wrong.")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="draw the way of one picture into this file")
    main(parser.parse_args().trace)
