"""A pile of pictures to their labels: seconds of the wall and of the processor, beside decoding and plain OpenCV.

    python benchmarks/pile.py [--first-version PYTHON] [--opencv PYTHON] [--folder FOLDER] [--rounds N] [--quick]

PYTHON of ``--first-version`` is that of an environment with an older lenetkit, which then takes part; PYTHON of
``--opencv`` is that of one with opencv-python-headless, ai-edge-litert and numpy, for ``_pile_opencv.py``. The pictures
are drawn into FOLDER, or into a temporary one: photos of 1280 x 1280 pixels and of 12 megapixels as JPEG at quality 90,
and 10,000 PNGs of 28 x 28, white on black as MNIST's, and dark on light.

Every run is a fresh process, which reads one picture to warm up. In each round all programs take turns, so that other
load on the machine affects all of them; the table has medians, and ratios to decoding: every pixel of each file by
Pillow, in one thread. "Times as fast" compares with the first version, by the wall. Peak memory is that of piles of 20
and of 2,000 photos. "Answers" counts those that differ from the first version's,
or, without one, from the labels that were drawn.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PEAK = re.compile(r"VmHWM:\s*(\d+) kB")


def read_pile(paths: Sequence[str]) -> list[int]:
    """Return the labels, by the pretrained pipeline; the interface is that of all versions."""
    from lenetkit import Pipeline

    pipeline = Pipeline.pretrained()
    pipeline.predict([paths[0]])
    return measured(lambda: pipeline.predict(list(paths)).tolist())


def decode_pile(paths: Sequence[str]) -> list[int]:
    """Decode all pictures whole, one after the other."""
    import numpy as np
    from PIL import Image

    def decode() -> list[int]:
        for path in paths:
            with Image.open(path) as image:
                np.asarray(image)
        return []

    return measured(decode)


def measured(work: Callable[[], list[int]]) -> list[int]:
    """Do the work, and print its seconds and this process's peak memory before it returns."""
    wall, before = time.perf_counter(), os.times()
    answers = work()
    wall, after = time.perf_counter() - wall, os.times()
    processor = sum(after[:4]) - sum(before[:4])
    status = Path("/proc/self/status")
    peak = int(PEAK.search(status.read_text("ascii"))[1]) / 1024 if status.exists() else float("nan")
    print(json.dumps({"wall": wall, "processor": processor, "peak": peak, "answers": answers}))
    return answers


def draw_photo(height: int, width: int, seed: int) -> Any:
    """Return a digit on paper, plain or printed, grey or in colour, in a shadow, with noise."""
    import numpy as np

    from lenetkit.synthesis import draw_number, draw_paper

    rng = np.random.default_rng(seed)
    digit = str(seed % 10)
    colour = bool(seed % 2)
    size = round(rng.uniform(0.2, 0.4) * min(height, width))
    number = draw_number(digit, height=size, pen_width=(0.05, 0.1), seed=seed)
    paper = draw_paper(
        height,
        width,
        ruling=("plain", "ruled", "dotted", "grid")[seed // 10 % 4],
        pitch=min(height, width) / rng.uniform(8, 16),
        print_strength=rng.uniform(0.15, 0.5),
        shade=(225, 215, 190) if colour else 215,
        shadow=rng.uniform(0, 0.5),
        noise=rng.uniform(1, 4),
        seed=seed,
    )
    rows, columns = number.image.shape
    top, left = (round(rng.uniform(0.15, 0.85) * (side - size)) for side, size in ((height, rows), (width, columns)))
    part = paper[top : top + rows, left : left + columns]
    part[:] = number.on(part.copy(), ink=(40, 50, 120) if colour else 50)
    return paper


def draw_piles(folder: Path, quick: bool) -> dict[str, list[Path]]:
    """Write the pictures that are not there yet, and return the files of each pile."""
    from PIL import Image

    piles: dict[str, list[Path]] = {}
    for name, count, height, width in (("photos", 200, 1280, 1280), ("12 megapixels", 20, 3000, 4000)):
        count = count // 5 if quick else count
        piles[name] = [folder / name.replace(" ", "_") / f"{seed:03d}_{seed % 10}.jpg" for seed in range(count)]
        piles[name][0].parent.mkdir(parents=True, exist_ok=True)
        for seed, path in enumerate(piles[name]):
            if not path.exists():
                Image.fromarray(draw_photo(height, width, seed)).save(path, quality=90)
    for name, inverted in (("small, like MNIST", False), ("small, dark on light", True)):
        place = folder / name.replace(", ", "_").replace(" ", "_")
        piles[name] = draw_small(place, 1_000 if quick else 10_000, inverted)
    return piles


def draw_small(folder: Path, count: int, inverted: bool) -> list[Path]:
    """Write drawn digits as MNIST would have them, or their negatives."""
    from PIL import Image

    from lenetkit.synthesis import draw_digits
    from lenetkit.transforms import MnistNormalize

    paths = [folder / f"{index:05d}_{index % 10}.png" for index in range(count)]
    if not paths[-1].exists():
        folder.mkdir(parents=True, exist_ok=True)
        images = MnistNormalize()(draw_digits(count, seed=5).images)
        for path, image in zip(paths, 255 - images if inverted else images, strict=True):
            Image.fromarray(image).save(path)
    return paths


def run(command: Sequence[str], paths: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Run one program on a pile in a process of its own."""
    listing = folder / "pile.json"
    listing.write_text(json.dumps([str(path) for path in paths]), "utf-8")
    child = subprocess.run([*command, str(listing)], capture_output=True, text=True, check=False)
    if child.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{child.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return result


def compare(name: str, paths: list[Path], ways: dict[str, list[str]], folder: Path, rounds: int) -> list[list[str]]:
    """Return the rows of a table on one pile."""
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, command in ways.items():
            runs[way].append(run(command, paths, folder))
    middle = {
        way: {key: statistics.median(found[key] for found in done) for key in ("wall", "processor")}
        for way, done in runs.items()
    }
    first = middle["first version"]["wall"] if "first version" in ways else None
    drawn = [int(path.stem[-1]) for path in paths]
    right = runs[next(iter(ways))][0]["answers"] or drawn
    rows = []
    for way in ways:
        answers = runs[way][0]["answers"]
        cells = [name, way]
        for key in ("wall", "processor"):
            milliseconds = 1e3 * middle[way][key] / len(paths)
            cells += [f"{milliseconds:.3g}", f"{middle[way][key] / middle['decoding'][key]:.2f}"]
        cells.insert(3, f"{first / middle[way]['wall']:.1f}" if first else "")
        differ = sum(a != b for a, b in zip(answers, right, strict=True)) if answers else None
        rows.append([*cells, "" if differ is None else str(differ)])
    return rows


def main() -> None:
    """Measure everything and say where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-version", metavar="PYTHON", help="Python of an environment with an older lenetkit")
    parser.add_argument("--opencv", metavar="PYTHON", help="Python of an environment with OpenCV and LiteRT")
    parser.add_argument("--folder", type=Path, help="where the pictures are, or will be")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--piles", nargs="+", help="names of the piles to measure; default: all, and memory")
    parser.add_argument("--quick", action="store_true", help="a fifth of the photos, a tenth of the small ones")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        report(given, given.folder or Path(temporary), Path(temporary))


def report(given: argparse.Namespace, folder: Path, temporary: Path) -> None:
    """Print the tables."""
    from _shared import describe_machine, machine, markdown_table

    from lenetkit import Pipeline

    piles = draw_piles(folder, given.quick)
    model = temporary / "digits.tflite"
    Pipeline.pretrained().export(model)
    own = [str(Path(__file__)), "--read"]
    ways = {"first version": [given.first_version, *own]} if given.first_version else {}
    ways |= {"lenetkit": [sys.executable, *own], "decoding": [sys.executable, str(Path(__file__)), "--decode"]}
    if given.opencv:
        ways["OpenCV and LiteRT"] = [given.opencv, str(Path(__file__).with_name("_pile_opencv.py")), str(model)]
    header = ["pile", "program", "wall, ms each", "times as fast", "of decoding"]
    header += ["processor, ms each", "of decoding", "answers differ"]
    rows = [
        row
        for name, paths in piles.items()
        if not given.piles or name in given.piles
        for row in compare(name, paths, ways, temporary, given.rounds)
    ]
    print(markdown_table(header, rows))
    if not given.piles:
        photos = piles["photos"]
        peaks = [
            run(ways["lenetkit"], (photos * (count // len(photos) + 1))[:count], temporary)["peak"]
            for count in (20, 2000)
        ]
        print("\nPeak memory of a pile of 20 photos: {:.0f} MiB; of 2,000: {:.0f} MiB.".format(*peaks))
    print(f"\nMeasured on {describe_machine(machine())}.")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ("--read", "--decode"):
        {"--read": read_pile, "--decode": decode_pile}[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text("utf-8")))
    else:
        main()
