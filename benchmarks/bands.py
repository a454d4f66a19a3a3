"""Digits in pictures with an inverted band along the border: wrong answers by size, place and width of the band.

    python benchmarks/bands.py MNIST_FOLDER [--each 500] [--subset test] [--baseline PYTHON]

MNIST digits are laid into pictures of 28 to 200 pixels, as they are (up to 40 pixels) and enlarged. Black and white
change places in bands of 1/8 to 2/5 of the picture at one side, two or all four, in MNIST's polarity or the other; of
the enlarged ones half had their band before they were enlarged, so that its edge is blurred. The table shows errors in
percent, and beside them those of another installation of lenetkit if its Python is given. 500 digits each take about
3 minutes of one core.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time

import numpy as np
import PIL.Image

from lenetkit import Pipeline, __version__, load_dataset

SIZES = (28, 40, 56, 64, 100, 150, 200)
PLACES = {"none": "", "left": "l", "bottom": "b", "sides": "lr", "top, bottom": "tb", "corner": "tl", "frame": "tlbr"}
WIDTHS = (0.125, 0.25, 0.325, 0.4)


def invert_band(images: np.ndarray, place: str, width: float) -> np.ndarray:
    """Return images, uint8 (n, side, side), whose band is inverted."""
    side = images.shape[1]
    band = np.zeros((side, side), bool)
    columns = max(1, round(width * side))
    for edge in place:
        {"t": band, "b": band[::-1], "l": band.T, "r": band.T[::-1]}[edge][:columns] = True
    return np.where(band, 255 - images, images)


def enlarge(images: np.ndarray, size: int) -> np.ndarray:
    """Return images of another size; up to 40 pixels only the margin grows."""
    if size <= 40:
        return np.pad(images, ((0, 0), ((size - 28) // 2,) * 2, ((size - 28) // 2,) * 2))
    return np.stack(
        [np.asarray(PIL.Image.fromarray(image).resize((size, size), PIL.Image.Resampling.BILINEAR)) for image in images]
    )


def combinations() -> list[tuple[int, str, float]]:
    """Return size, place and width of every kind of picture; a frame keeps half of the picture at least."""
    return [
        (size, place, width)
        for size, place in itertools.product(SIZES, PLACES)
        for width in (WIDTHS if place != "none" else WIDTHS[:1])
        if place != "frame" or width <= 0.25
    ]


def measure(folder: str, subset: str, each: int) -> list[float]:
    """Return the fraction of wrong answers for every kind of picture."""
    digits = load_dataset(folder, subset=subset)
    order, pipe, wrong = np.random.default_rng(0).permutation(len(digits)), Pipeline.pretrained(), []
    for index, (size, place, width) in enumerate(combinations()):
        chosen = order[(index * each + np.arange(each)) % len(order)]
        images = digits.images[chosen]
        # The four ways in turn: before or after enlarging, bright on dark or dark on bright.
        before = invert_band(enlarge(images, size if size <= 40 else 28), PLACES[place], width)
        pictures = invert_band(enlarge(images, size), PLACES[place], width)
        if size > 40:
            pictures[::2] = enlarge(before[::2], size)
        pictures[1::4], pictures[2::4] = 255 - pictures[1::4], 255 - pictures[2::4]
        wrong.append(float(np.mean(pipe.predict(pictures) != digits.labels[chosen])))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="MNIST's files")
    parser.add_argument("--each", type=int, default=500, help="digits for each kind of picture")
    parser.add_argument("--subset", default="test", choices=["train", "test"])
    parser.add_argument("--baseline", metavar="PYTHON", help="another installation's interpreter")
    parser.add_argument("--json", action="store_true", help="print the numbers alone")
    options = parser.parse_args()
    start = time.process_time()
    found = {__version__: measure(options.folder, options.subset, options.each)}
    seconds = time.process_time() - start
    if options.json:
        print(json.dumps(found))
        return
    if options.baseline:
        command = [options.baseline, __file__, options.folder, "--each", str(options.each), "--subset", options.subset]
        found["baseline"] = next(iter(json.loads(subprocess.check_output([*command, "--json"])).values()))
    print(f"errors in %, {options.each} digits each, {sys.version.split()[0]}; {', then '.join(found)}")
    names = [f"{place} {width:.3f}" if place != "none" else "none" for _, place, width in combinations()]
    rows = list(dict.fromkeys(names))
    print(" " * 18 + "".join(f"{size:>8}" * len(found) for size in SIZES))
    table = {
        (name, size): [100 * wrong[index] for wrong in found.values()]
        for index, (name, (size, _, _)) in enumerate(zip(names, combinations(), strict=True))
    }
    for row in rows:
        print(f"{row:18}" + "".join(f"{value:8.1f}" for size in SIZES for value in table[row, size]))
    print(f"mean {', '.join(f'{100 * np.mean(wrong):.2f}' for wrong in found.values())}; {seconds:.0f} s")


if __name__ == "__main__":
    main()
