"""Digits from handwriting fonts, as hands for lines of writing.

    python tools/handwriting_fonts.py FOLDER
    python tools/handwriting_fonts.py FOLDER --sheet SHEET.png

installs the fonts that are missing in FOLDER, checks each, draws their digits, and keeps them there in ``hands.npz``,
about 4 MB. Only training needs the fonts; no file of them is in lenetkit. Installing needs npm and the network.

``handwriting_fonts.csv`` names the fonts: family, licence, package, version, file in the package, SHA-256 of that file.
A font whose hash differs is refused. All are under the SIL Open Font License 1.1 or the Apache License 2.0.

A *hand* is one font, reshaped once, with one pen: its digits belong in one line. Each font gives `HANDS` hands, each
hand `WRITINGS` images a digit that differ a little, as one person's digits do. Half of the hands keep the strokes of
the font, made bolder or lighter; the others follow their middle with a round pen. The same fonts, seed and version of
Pillow give the same bytes.

    from handwriting_fonts import font_datasets

    hands = font_datasets("fonts")  # a Dataset for each hand
"""

import argparse
import csv
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from lenetkit.datasets import Dataset
from lenetkit.exceptions import DataError, DownloadError

LIST = Path(__file__).with_suffix(".csv")
LICENCES = ("Apache-2.0", "OFL-1.1")

HANDS, WRITINGS = 4, 6
# Side of an image and length of its digit's longer side, in pixels; the same where the fonts are first drawn.
SIDE, LONG = 52, 30
DRAWN_SIDE, DRAWN_LONG = 128, 90
# Half a stroke's width in pixels of the image: least and most, and the least where a font has hairlines.
PEN, HAIRLINE = (0.95, 2.2), 0.8
# Standard deviations: how much wider (a logarithm), how slanted, and bent how far in pixels, from hand to hand and from
# digit to digit of a hand; and of the blur of the bends, in pixels.
WIDER, SLANT, BEND, TURN, PEN_SPREAD = (0.12, 0.03), (0.12, 0.03), (1.1, 0.45), 0.03, 0.06
BEND_BLUR = 7
# Twigs of the middle of strokes that are shorter than this, in drawn pixels, come from rough outlines.
TWIG = 9

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Font(NamedTuple):
    """A line of the list."""

    family: str
    licence: str
    package: str
    version: str
    file: str
    sha256: str
    script: str = "Latin"
    use: str = "train"

    @property
    def path(self) -> str:
        """Return the name that the font has in the folder."""
        return self.package.rpartition("/")[2] + Path(self.file).suffix


class Hands(NamedTuple):
    """Digits of all hands."""

    images: npt.NDArray[np.uint8]  # (n, SIDE, SIDE), bright on black
    labels: npt.NDArray[np.int64]  # (n,)
    hands: npt.NDArray[np.int64]  # (n,), indices into names
    names: npt.NDArray[np.str_]  # (hands,), the family of each hand

    def datasets(self) -> list[Dataset]:
        """Return a data set for each hand, named after its family."""
        rows = [np.flatnonzero(self.hands == hand) for hand in range(len(self.names))]
        return [
            Dataset(images=self.images[those], labels=self.labels[those], name=f"{name} {hand}")
            for hand, (name, those) in enumerate(zip(self.names, rows, strict=True))
        ]


def read_list(path: Path | None = None) -> list[Font]:
    """Return the fonts of the list, or of another one."""
    with (path or LIST).open(encoding="utf-8", newline="") as file:
        return [Font(**row) for row in csv.DictReader(file)]


def check_font(path: Path, font: Font) -> Path:
    """Return the path.

    Raises DataError if the file is missing or not the one that the list means.
    """
    if not path.exists():
        raise DataError(
            f"the font {font.family} of {font.package} {font.version} is not there: {path.parent} has no {path.name}. "
            "Correct its line in the list."
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != font.sha256:
        raise DataError(
            f"{path} is not the font {font.family} of {font.package} {font.version}: its SHA-256 should be "
            f"{font.sha256} and is {found}. Delete it and it is installed again; if that does not help, do not use it."
        )
    return path


def fetch(folder: Path, fonts: Sequence[Font] | None = None) -> dict[str, Path]:
    """Install what is missing in the folder; return the checked file of each family.

    Raises DownloadError if npm is missing or fails, and DataError if a file is not the one that the list means.
    """
    fonts = read_list() if fonts is None else fonts
    folder.mkdir(parents=True, exist_ok=True)
    missing = [font for font in fonts if not (folder / font.path).exists()]
    if missing:
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            _install([f"{font.package}@{font.version}" for font in missing], temporary)
            for font in missing:
                path = check_font(Path(temporary, "node_modules", font.package, font.file), font)
                path.replace(folder / font.path)
    return {font.family: check_font(folder / font.path, font) for font in fonts}


def _install(packages: list[str], folder: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise DownloadError("npm installs the fonts and is not on the PATH. Install Node.js, or copy a folder of them.")
    Path(folder, "package.json").write_text('{"private": true}\n', "utf-8")
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--no-package-lock"]
    done = subprocess.run([npm, "install", *quiet, *packages], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DownloadError(f"npm could not install {len(packages)} fonts; it said:\n{done.stderr.strip()}")


def render(fonts: dict[str, ImageFont.FreeTypeFont], *, seed: int = 0) -> Hands:
    """Return the digits of `HANDS` hands a font; the bytes of a family do not depend on the others.

    Raises DataError if a font lacks a digit.
    """
    images = []
    for family, font in fonts.items():
        images.extend(write_hands(font, family, "0123456789", HANDS, WRITINGS, seed=seed))
    each = 10 * WRITINGS
    return Hands(
        images=np.concatenate(images),
        labels=np.tile(np.repeat(np.arange(10), WRITINGS), len(images)),
        hands=np.repeat(np.arange(len(images)), each),
        names=np.repeat(np.array(list(fonts)), HANDS),
    )


def write_hands(
    font: ImageFont.FreeTypeFont, family: str, characters: str, hands: int, writings: int, *, seed: int
) -> list[npt.NDArray[np.uint8]]:
    """Return the images (characters * writings, SIDE, SIDE) of each of a font's hands.

    Raises DataError if the font lacks a character.
    """
    depth, middle = _fields(_glyphs(font, family, characters))
    name = int.from_bytes(hashlib.sha256(family.encode()).digest()[:4])
    return [
        _write(depth, middle, hand % 2 == 0, writings, np.random.default_rng((seed, name, hand)))
        for hand in range(hands)
    ]


def open_font(path: Path) -> ImageFont.FreeTypeFont:
    """Return the font, in the size that :func:`render` wants."""
    return ImageFont.truetype(path, 2 * DRAWN_LONG, layout_engine=ImageFont.Layout.BASIC)


def lacks(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Tell if a font has no such character."""
    ink = font.getmask(character)
    return ink.getbbox() is None or bytes(ink) == bytes(font.getmask("\uffff"))


def font_datasets(folder: str | os.PathLike[str], *, seed: int = 0) -> list[Dataset]:
    """Return one data set for each hand, from the file in the folder if it is of today, else drawn and kept there."""
    return get_hands(Path(folder), seed=seed).datasets()


def get_hands(folder: Path, *, seed: int = 0) -> Hands:
    """Return all hands, from the file in the folder if it is of today, else drawn and kept there."""
    cache = folder / "hands.npz"
    made_of = (LIST.read_bytes(), Path(__file__).read_bytes(), PIL.__version__.encode(), str(seed).encode())
    key = hashlib.sha256(b"\n".join(made_of)).hexdigest()
    if cache.exists():
        with np.load(cache) as file:
            if "key" in file and str(file["key"]) == key:
                return Hands(*(file[name] for name in Hands._fields))
    hands = render({family: open_font(path) for family, path in fetch(folder).items()}, seed=seed)
    temporary = folder / f"hands-{os.getpid()}.npz"
    np.savez_compressed(temporary, key=np.array(key), **hands._asdict())
    temporary.replace(cache)
    return hands


def _glyphs(font: ImageFont.FreeTypeFont, family: str, characters: str) -> Mask:
    """Return the characters (n, DRAWN_SIDE, DRAWN_SIDE) as one size in the middle, their outlines smoothed."""
    glyphs = np.zeros((len(characters), DRAWN_SIDE, DRAWN_SIDE), np.float64)
    for index, character in enumerate(characters):
        if lacks(font, character):
            raise DataError(f"the font {family} has no character {character}. Take it off the list.")
        ink = font.getmask(character)
        picture = Image.new("L", ink.size)
        ImageDraw.Draw(picture).draw.draw_bitmap((0, 0), ink, 255)
        picture = picture.crop(ink.getbbox())
        scale = DRAWN_LONG / max(picture.size)
        width, height = (max(1, round(scale * length)) for length in picture.size)
        left, top = (DRAWN_SIDE - width) // 2, (DRAWN_SIDE - height) // 2
        glyphs[index, top : top + height, left : left + width] = np.asarray(picture.resize((width, height)))
    smooth = ndimage.gaussian_filter(glyphs, (0, 1, 1))
    highest = smooth.max(axis=(1, 2), keepdims=True)
    # Hairlines are thin and grey once they are smoothed.
    return np.asarray(smooth > np.where(highest > 110, 110, highest / 2))


def _fields(glyphs: Mask) -> tuple[Array, Array]:
    """Return distances in drawn pixels: into the ink, less half a stroke; and from the middle of strokes."""
    lines = _prune(_thin(glyphs))
    inside = np.stack([ndimage.distance_transform_edt(glyph) for glyph in glyphs])
    outside = np.stack([ndimage.distance_transform_edt(~glyph) for glyph in glyphs])
    middle = np.stack([ndimage.distance_transform_edt(~line) for line in lines])
    # Digits that sit low in their font were made larger and are bolder now: each has its own half stroke.
    radius = np.array([np.median(depth[line]) for depth, line in zip(inside, lines, strict=True)])
    return inside - outside - radius[:, None, None], middle


def _write(depth: Array, middle: Array, own: bool, writings: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return a hand's images (n * writings, SIDE, SIDE), with the font's own strokes or those of a round pen."""
    scale = DRAWN_LONG / LONG
    pen = np.exp(rng.uniform(*np.log(PEN)))
    wider, slant = WIDER[0] * rng.standard_normal(), SLANT[0] * rng.standard_normal()
    at = np.arange(SIDE) + 0.5 - SIDE / 2
    images = np.empty((len(depth), writings, SIDE, SIDE), np.uint8)
    for index, written in enumerate(images):
        habit = _bends(BEND[0], rng)
        for image in written:
            across, along = habit + _bends(BEND[1], rng)
            lean = slant + SLANT[1] * rng.standard_normal()
            turn = TURN * rng.standard_normal()
            x = at * np.exp(-wider - WIDER[1] * rng.standard_normal()) + (lean + turn) * at[:, None] + across
            y = at[:, None] - turn * at + along
            places = scale * np.stack([y, x]) + (DRAWN_SIDE - 1) / 2
            half = pen * np.exp(PEN_SPREAD * rng.standard_normal())
            near = ndimage.map_coordinates(middle[index], places, order=1, mode="nearest") / scale
            ink = half - near
            if own:
                own_ink = ndimage.map_coordinates(depth[index], places, order=1, mode="nearest") / scale
                ink = np.maximum(own_ink + half, HAIRLINE - near)
            image[:] = np.rint(255 * np.clip(ink + 0.5, 0, 1))
    return images.reshape(-1, SIDE, SIDE)


def _bends(size: float, rng: np.random.Generator) -> Array:
    """Return smooth displacements (2, SIDE, SIDE) of that standard deviation, in pixels."""
    bends = ndimage.gaussian_filter(rng.standard_normal((2, SIDE, SIDE)), (0, BEND_BLUR, BEND_BLUR), mode="reflect")
    return np.asarray(size * bends / bends.std())


def _thin(masks: Mask) -> Mask:
    """Return the middle of strokes, one pixel wide (Zhang and Suen, 1984)."""
    ink = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            # The neighbours clockwise, from the one above.
            around = np.stack(_neighbours(ink))
            up, _, right, _, down, _, left, _ = around
            count = around.sum(axis=0)
            turns = (~around & np.roll(around, -1, axis=0)).sum(axis=0)
            free = ~(right & down & (up | left)) if first else ~(up & left & (right | down))
            doomed = ink[:, 1:-1, 1:-1] & (count >= 2) & (count <= 6) & (turns == 1) & free
            ink[:, 1:-1, 1:-1] &= ~doomed
            changed |= bool(doomed.any())
    return ink[:, 1:-1, 1:-1]


def _prune(lines: Mask) -> Mask:
    """Return the lines without their short twigs: their ends are eaten, then what is left at ends grows back."""
    left = lines
    for _ in range(TWIG):
        left = left & ~_ends(left)
    ends = _ends(left)
    for _ in range(TWIG):
        ends = ends | (_spread(ends) & lines & ~left)
    # A line that was all twig, such as a dot, stays as it was.
    gone = ~left.any(axis=(1, 2), keepdims=True)
    return (left | ends) | (lines & gone)


def _ends(lines: Mask) -> Mask:
    return np.asarray(lines & (np.sum(_neighbours(np.pad(lines, ((0, 0), (1, 1), (1, 1)))), axis=0) <= 1))


def _spread(lines: Mask) -> Mask:
    return np.asarray(np.any(_neighbours(np.pad(lines, ((0, 0), (1, 1), (1, 1)))), axis=0))


def _neighbours(framed: Mask) -> list[Mask]:
    """Return the eight neighbours of each pixel within a frame of one pixel, clockwise from the one above."""
    rows, columns = framed.shape[1] - 2, framed.shape[2] - 2
    steps = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    return [framed[:, down : down + rows, right : right + columns] for down, right in steps]


def sheet(hands: Hands) -> Image.Image:
    """Return a picture of one image of each digit and hand, a row for each font."""
    rows = []
    for family in dict.fromkeys(hands.names):
        of_family = np.flatnonzero(hands.names == family)
        rows.append(np.concatenate([hands.images[hands.hands == hand][::WRITINGS] for hand in of_family]))
    return Image.fromarray(255 - np.concatenate([np.concatenate(list(row), axis=1) for row in rows]))


def main() -> None:
    """Draw all hands into the folder, and a sheet of them if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="for the fonts and hands.npz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="a picture of one image of each digit and hand, to look at")
    arguments = parser.parse_args()
    hands = get_hands(arguments.folder, seed=arguments.seed)
    print(f"{len(hands.images):,} images of {len(hands.names)} hands from {len(set(hands.names))} fonts")
    if arguments.sheet:
        sheet(hands).save(arguments.sheet)


if __name__ == "__main__":
    main()
