"""Price of a picture: processor seconds per megapixel of the costliest kinds of pictures, answered or refused.

    python benchmarks/price.py                   each kind at 0.3, 1 and 4 megapixels
    python benchmarks/price.py --sides 600       other sizes, in pixels of a side

Each picture is given to ``predict``, ``read_number``, ``diagnose`` and ``trace`` of the pretrained pipeline. Beside the
seconds stands what was counted for the budget of :func:`lenetkit.reading.read_number`; "refused" is an error in words.
The last lines are ordinary pages, which must never be refused.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from _shared import describe_machine, machine
from PIL import Image

from lenetkit import Pipeline
from lenetkit.exceptions import DataError
from lenetkit.synthesis import draw_digits, draw_paper

Picture = np.ndarray


def specks(side: int, size: int = 4, pitch: int = 7) -> Picture:
    """Return paper full of square specks."""
    page = np.full((side, side), 255, np.uint8)
    for row in range(size):
        for column in range(size):
            page[3 + row :: pitch, 3 + column :: pitch] = 0
    return page


def small_digits(side: int, height: int = 20) -> Picture:
    """Return a page full of digits of a height in pixels."""
    images = draw_digits(200, seed=1).images
    across = side // height
    digits = [255 - np.asarray(Image.fromarray(image).resize((height, height))) for image in images]
    rows = [np.hstack([digits[(row * 7 + column) % 200] for column in range(across)]) for row in range(across)]
    page = np.full((side, side), 255, np.uint8)
    page[: across * height, : across * height] = np.vstack(rows)
    return page


def comb(side: int) -> Picture:
    """Return lines of upright bars, so close that any number of them may be one digit."""
    page = np.full((side, side), 255, np.uint8)
    for top in range(4, side - 24, 30):
        page[top : top + 20, 4:-4:4] = 0
        page[top : top + 20, 5:-4:4] = 0
    return page


def zigzag(side: int) -> Picture:
    """Return lines of writing that hang together from margin to margin."""
    page = np.full((side, side), 255, np.uint8)
    columns = np.arange(6, side - 6)
    for top in range(6, side - 30, 34):
        rows = top + np.abs((columns * 3) % 40 - 20)
        for thick in range(3):
            page[rows + thick, columns] = 0
    return page


def stripes(side: int, pitch: int = 8) -> Picture:
    """Return diagonal stripes, each of which lies in the boxes of many others."""
    rows, columns = np.mgrid[:side, :side]
    return np.where((rows + columns) % pitch < 2, 0, 255).astype(np.uint8)


def frames(side: int, pitch: int = 8) -> Picture:
    """Return frames within frames."""
    rows, columns = np.mgrid[:side, :side]
    distance = np.minimum.reduce([rows, columns, side - 1 - rows, side - 1 - columns])
    return np.where(distance % pitch < 2, 0, 255).astype(np.uint8)


def noise(side: int) -> Picture:
    """Return black and white pixels at random."""
    return np.where(np.random.default_rng(0).random((side, side)) < 0.1, 0, 255).astype(np.uint8)


def blobs(side: int) -> Picture:
    """Return smooth noise with a threshold: pieces of all sizes and forms."""
    small = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8)).astype(np.uint8)
    large = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))
    return np.where(large < 100, 0, 255).astype(np.uint8)


def page(side: int, n_digits: int = 1000, ruling: str = "plain") -> Picture:
    """Return an ordinary page: so many digits in lines, on paper."""
    across = int(np.ceil(np.sqrt(n_digits)))
    pitch = side // (across + 1)
    paper = draw_paper(side, side, ruling=ruling, pitch=pitch, shadow=0.2, seed=1)
    images = draw_digits(n_digits, seed=2).images
    out = paper.copy()
    height = int(pitch * 0.7)
    for index, image in enumerate(images):
        top, left = (pitch // 2 + pitch * part for part in divmod(index, across))
        ink = np.asarray(Image.fromarray(image).resize((height, height))).astype(int)
        part = out[top : top + height, left : left + height]
        part[:] = np.minimum(part, 255 - ink)
    return out


KINDS: dict[str, Callable[[int], Picture]] = {
    "specks": specks,
    "20-pixel digits": small_digits,
    "12-pixel digits": lambda side: small_digits(side, 12),
    "bars": comb,
    "zigzag": zigzag,
    "stripes": stripes,
    "frames": frames,
    "noise": noise,
    "blobs": blobs,
}
PAGES: dict[str, Callable[[int], Picture]] = {
    "100 digits": lambda side: page(side, 100),
    "500 digits, ruled": lambda side: page(side, 500, "ruled"),
    "1000 digits": lambda side: page(side, 1000),
    "1000 digits, dotted": lambda side: page(side, 1000, "dotted"),
}


def measure(pipeline: Pipeline, picture: Picture) -> dict[str, tuple[float, str]]:
    """Return processor seconds of each method, and what came of it."""
    found = {}
    for name in ("predict", "read_number", "diagnose", "trace"):
        begun = time.process_time()
        try:
            answer = getattr(pipeline, name)([picture] if name in ("predict", "diagnose") else picture)
            said = f"{len(answer.digits)} digits" if name == "read_number" else ""
        except DataError as error:
            said = f"refused: {error}"
        found[name] = (time.process_time() - begun, said)
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[600, 1000, 2000])
    parser.add_argument("--kinds", nargs="+", default=[*KINDS, *PAGES], help="names of kinds")
    arguments = parser.parse_args()
    print(describe_machine(machine()))
    pipeline = Pipeline.pretrained()
    measure(pipeline, specks(100))
    print(f"{'kind':<22}{'megapixels':>11}{'predict':>9}{'read':>9}{'diagnose':>9}{'trace':>9}  seconds; result")
    for kind in arguments.kinds:
        for side in arguments.sides:
            picture = (KINDS | PAGES)[kind](side)
            found = measure(pipeline, picture)
            seconds = "".join(f"{found[name][0]:>9.2f}" for name in ("predict", "read_number", "diagnose", "trace"))
            print(f"{kind:<22}{picture.size / 1e6:>11.2f}{seconds}  {found['read_number'][1]}", flush=True)


if __name__ == "__main__":
    main()
