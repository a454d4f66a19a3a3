"""Digits in cells cut from a grid: wrong answers by size, edges, width and grey of the lines.

    python benchmarks/cells.py MNIST_FOLDER [--each 2000] [--baseline PYTHON]

MNIST test digits are laid dark on white into cells of 28 to 100 pixels, as they are (28 pixels) and enlarged with the
cell; lines are drawn at one, two (neighbouring or opposite) or four edges, at the border or one pixel inside, 1 to 3
pixels wide, black to grey. The table shows the worst combination of width, grey and inset for each kind of cell, beside
that of another installation of lenetkit if its Python is given. 2,000 digits each take about 40 minutes of one core.
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

SIZES = (28, 40, 50, 64, 80, 100)
EDGES = {"none": "", "one": "t", "corner": "tl", "opposite": "lr", "four": "tlbr"}
WIDTHS, GREYS, INSETS = (1, 2, 3), (0, 60, 120, 180), (0, 1)
LARGEST_ERROR = 0.02


def draw_cell(digit: np.ndarray, size: int, edges: str, width: int, grey: int, inset: int, side: int) -> np.ndarray:
    """Return a cell, uint8 (size, size): a digit of `side` pixels on white with lines at some edges."""
    if side != len(digit):
        digit = np.asarray(PIL.Image.fromarray(digit).resize((side, side), PIL.Image.Resampling.BILINEAR))
    cell = np.full((size, size), 255, np.uint8)
    start = (size - side) // 2
    cell[start : start + side, start : start + side] -= digit
    for edge in edges:
        line = {"t": cell, "b": cell[::-1], "l": cell.T, "r": cell.T[::-1]}[edge][inset : inset + width]
        np.minimum(line, grey, out=line)
    return cell


def combinations() -> list[tuple[int, str, int, int, int, int]]:
    """Return size, edges, side of the digit, width, grey and inset of every kind of cell."""
    kinds = []
    for size, edges in itertools.product(SIZES, EDGES):
        for side in sorted({28, max(28, 28 * size // 50)}):
            lines = itertools.product(WIDTHS, GREYS, INSETS) if EDGES[edges] else [(1, 0, 0)]
            kinds += [(size, edges, side, *line) for line in lines]
    return kinds


def measure(folder: str, each: int) -> list[int]:
    """Return how many of `each` digits are wrong in every kind of cell."""
    test = load_dataset(folder, subset="test")
    order, pipe, wrong = np.random.default_rng(0).permutation(len(test)), Pipeline.pretrained(), []
    for index, (size, edges, side, *line) in enumerate(combinations()):
        chosen = order[(index * each + np.arange(each)) % len(order)]
        cells = np.stack([draw_cell(test.images[row], size, EDGES[edges], *line, side) for row in chosen])
        wrong.append(int((pipe.predict(cells) != test.labels[chosen]).sum()))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="MNIST's files")
    parser.add_argument("--each", type=int, default=2000, help="digits for each kind of cell")
    parser.add_argument("--baseline", metavar="PYTHON", help="another installation's interpreter")
    parser.add_argument("--json", action="store_true", help="print the numbers alone")
    options = parser.parse_args()
    start = time.process_time()
    found = {__version__: measure(options.folder, options.each)}
    seconds = time.process_time() - start
    if options.json:
        print(json.dumps(found))
        return
    if options.baseline:
        command = [options.baseline, __file__, options.folder, "--each", str(options.each), "--json"]
        found["baseline"] = next(iter(json.loads(subprocess.check_output(command)).values()))
    for name, wrong in found.items():
        worst: dict[tuple[int, str, int], tuple[float, tuple[int, ...]]] = {}
        errors = [count / options.each for count in wrong]
        for error, (size, edges, side, *line) in zip(errors, combinations(), strict=True):
            worst[size, edges, side] = max(worst.get((size, edges, side), (-1.0, ())), (error, tuple(line)))
        print(f"\n{name}: {options.each} digits each, {sys.version.split()[0]}")
        print(f"{'cell':>4} {'edges':9} {'digit':>5}  worst")
        for (size, edges, side), (error, line) in worst.items():
            print(f"{size:4} {edges:9} {side:5}  {100 * error:5.2f} % wrong with (width, grey, inset) = {line}")
        above = sum(error > LARGEST_ERROR for error in errors)
        print(f"{above} of {len(errors)} kinds above 2 %; mean {100 * sum(errors) / len(errors):.2f} %")
    print(f"\n{seconds:.0f} s of processor time")


if __name__ == "__main__":
    main()
