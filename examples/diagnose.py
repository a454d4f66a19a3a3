"""When a photo fails: what sets a picture apart from the training images, and what each stage makes of it.

What you learn: how to ask why a picture is read wrong, how to follow it through the pipeline, and that the cure is
mostly a transform.

    python examples/diagnose.py                    looks at digits that were drawn dark on light
    python examples/diagnose.py --trace trace.png  draws the way of one of them as well
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

    # What scanners and phones give: dark ink on light paper. The third picture is empty, the fourth is no picture.
    scans = 255 - test.images
    share = pipe.score(scans, test.labels)
    print(f"scanned: {share:.0%} are read right")

    # A pipeline keeps what its training images looked like, in a few plain numbers.
    pictures = [test.images[0], scans[0], np.full((60, 40), 230, np.uint8), "no_such_photo.png"]
    print(pipe.diagnose(pictures))

    found = pipe.trace(scans[0])
    print(found)
    if target is not None:
        found.plot().figure_.savefig(target)
        print(f"the trace is in {target}")

    # The cure, as it was named.
    steps = [Grayscale(), Invert(), Resize((28, 28)), Rescale()]
    cured = Pipeline(transforms=steps, trainer=Trainer(epochs=digits.epochs, verbose=0))
    cured.fit(255 - train.images, train.labels)
    print("cured:", cured.evaluate(scans, test.labels).summary_line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Find out why pictures are read wrong.")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="draw the way of one picture into this file")
    main(parser.parse_args().trace)
