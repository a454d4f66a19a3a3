"""Boxes of filled-in sheets that come back with the right image and label from simulated photographs.

    python benchmarks/sheets.py [--photos N] [--output FILE]

Each sheet is filled with digits that lenetkit draws in a hand of its own, on A4 or letter paper, and photographed: in
perspective, turned, in a shadow, blurred, noisy and as JPEG of some quality. Counted are boxes that come back with
their label, and with the picture that stands in them, by the correlation of its ink; and how many of them the
pretrained pipeline reads. Hands and photographs are other ones than those of the tests.
"""

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from _shared import describe_machine, machine

from lenetkit import Pipeline, load_dataset
from lenetkit._utils.intervals import wilson_interval
from lenetkit.synthesis import draw_digits

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.datasets.filled_sheets import alike, fill, photograph

_ALIKE = 0.6


def main() -> None:
    """Print the figures, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    pipeline = Pipeline.pretrained()
    n_right = n_read = 0
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for index in range(given.photos):
            rng = np.random.default_rng([2026, index])
            digits = draw_digits(200, styles=("american", "continental", "school")[index % 3], seed=5000 + index)
            page, written = fill(digits, index % 512, rng, paper=("a4", "letter")[index % 2])
            path = Path(folder, f"{index}.jpg")
            path.write_bytes(photograph(page, rng, turn=index % 4))
            start = time.process_time()
            found = load_dataset(path)
            seconds += time.process_time() - start
            if len(found) == len(written) and found.labels.tolist() == [*np.repeat(np.arange(10), 10)]:
                pairs = zip(found.images, written, strict=True)
                n_right += sum(alike(box, digits.images[image]) > _ALIKE for box, image in pairs)
                n_read += int((pipeline.predict(found.images) == found.labels).sum())
    n = 100 * given.photos
    low, high = wilson_interval(n_right / n, n)
    text = (
        f"{describe_machine(machine())}\n\n"
        f"{given.photos} photographs of sheets, {n:,} boxes\n"
        f"with the right image and label  {n_right / n:8.2%}  (95 % interval {low:.2%} to {high:.2%})\n"
        f"read by the pretrained pipeline {n_read / n:8.2%}\n"
        f"processor time a photograph     {seconds / given.photos:6.2f} s\n"
    )
    print(text)
    if given.output is not None:
        given.output.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
