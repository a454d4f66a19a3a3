"""Writing that shows none of our digits: digits of other scripts, letters and punctuation, drawn from fonts.

    python tools/other_writing.py FOLDER --sheet SHEET.png

installs the fonts of the scripts that are missing in FOLDER/scripts, checks each, and draws a picture of their digits.
Only training and ``benchmarks/gate.py`` need the fonts; no file of them is in lenetkit. Installing needs npm and the
network. ``script_fonts.csv`` names them as ``handwriting_fonts.csv`` does, with the script, and the use: families of
the use ``train`` may teach, those of the use ``judge`` only judge. Letters and punctuation come from the handwriting
fonts, of which every tenth family only judges.

Every character is written as ``handwriting_fonts.py`` writes digits: half of the hands keep the strokes of the font,
the others follow their middle with a round pen; all are bent, and then blurred.

    from other_writing import draw_scripts

    writing = draw_scripts("fonts", "judge", hands=10)
    writing.images[~writing.alike]
"""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import handwriting_fonts
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

LIST = Path(__file__).with_name("script_fonts.csv")

# From nought to nine. The round Chinese nought, 〇, is ours, and missing in fonts; Arabic-Indic 4 to 6 have a Persian
# form, too.
SCRIPTS = {
    "Devanagari": "०१२३४५६७८९",
    "Bengali": "০১২৩৪৫৬৭৮৯",
    "Tamil": "௦௧௨௩௪௫௬௭௮௯",
    "Telugu": "౦౧౨౩౪౫౬౭౮౯",
    "Kannada": "೦೧೨೩೪೫೬೭೮೯",
    "Arabic-Indic": "٠١٢٣٤٥٦٧٨٩۴۵۶",
    "Thai": "๐๑๒๓๔๕๖๗๘๙",
    "Chinese": "一二三四五六七八九",
}

# The digits of other scripts that a person takes for one of ours, by eye: no gate can refuse them and accept ours. They
# are kept out of training, and reported apart. The noughts are rings; the Arabic 1 is a bar, and 6 a 7; the forms
# like γ are an 8 that is open at the top, the Devanagari 5 an open 4; the rest are ours with another hook.
LOOK_ALIKES = {
    "Devanagari": {"०": 0, "१": 9, "२": 2, "३": 3, "४": 8, "५": 4},
    "Bengali": {"০": 0, "২": 2, "৪": 8, "৭": 9},
    "Tamil": {"௦": 0, "௨": 2},
    "Telugu": {"౦": 0, "౨": 9, "౩": 3, "౪": 8, "౭": 2},
    "Kannada": {"೦": 0, "೨": 9, "೩": 2, "೪": 8, "೭": 2},
    "Arabic-Indic": {"١": 1, "٥": 0, "٦": 7, "٩": 9, "۵": 0},
    "Thai": {"๐": 0},
}

# Without those that a digit may look like where a hand writes them.
LETTERS = "ACEFHKLMNPQRTUVWXadefhkmnprtuvwx"
PUNCTUATION = '?&%#@$+=*~<>{}:"'

# Halves of digits that are no digit; those of 1, 3, 6, 7 and 9, and the right one of 8, may be.
PARTS = ((0, "upper"), (0, "lower"), (2, "lower"), (4, "upper"), (5, "upper"), (8, "left"))

BLUR = 1.5
"""The largest standard deviation of the blur, in pixels of images whose characters are 30 pixels long."""


class Writing(NamedTuple):
    """Images of characters."""

    images: npt.NDArray[np.uint8]  # (n, side, side), bright on black
    characters: npt.NDArray[np.str_]  # (n,)
    kinds: npt.NDArray[np.str_]  # (n,), the script, "letters" or "punctuation"
    families: npt.NDArray[np.str_]  # (n,)

    @property
    def alike(self) -> npt.NDArray[np.bool_]:
        """Which images show a character that is taken for one of our digits, of shape (n,)."""
        return np.isin(self.characters, [character for these in LOOK_ALIKES.values() for character in these])


def draw_scripts(folder: str | os.PathLike[str], use: str, *, hands: int, seed: int = 0) -> Writing:
    """Return the digits of all scripts, each written by so many hands, from the families of one use."""
    fonts = [font for font in handwriting_fonts.read_list(LIST) if font.use == use]
    paths = handwriting_fonts.fetch(Path(folder, "scripts"), fonts)
    parts = []
    for script, characters in SCRIPTS.items():
        families = [font.family for font in fonts if font.script == script]
        each = -(-hands // len(families))
        parts.extend(_write(paths[family], family, script, characters, each, seed) for family in families)
    return _join(parts)


def draw_signs(folder: str | os.PathLike[str], use: str, *, hands: int, seed: int = 0) -> Writing:
    """Return letters and punctuation, each written by so many hands of each family of one use that has it."""
    everyone = handwriting_fonts.read_list()
    fonts = [font for index, font in enumerate(everyone) if (index % 10 == 9) == (use == "judge")]
    paths = handwriting_fonts.fetch(Path(folder), fonts)
    parts = []
    for kind, characters in (("letters", LETTERS), ("punctuation", PUNCTUATION)):
        for family, path in paths.items():
            font = handwriting_fonts.open_font(path)
            there = "".join(character for character in characters if not handwriting_fonts.lacks(font, character))
            parts.append(_write(path, family, kind, there, hands, seed))
    return _join(parts)


def cut_parts(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.str_]]:
    """Return all halves of digits (n, height, width), bright on black, that are no digit, and which half each is."""
    parts, names = [np.empty_like(images[:0])], []
    for digit, half in PARTS:
        cut = images[labels == digit]
        for image in cut:
            rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
            middle = (rows[0] + rows[-1] + 1) // 2, (columns[0] + columns[-1] + 1) // 2
            gone = {"upper": np.s_[middle[0] :], "lower": np.s_[: middle[0]], "left": np.s_[:, middle[1] :]}
            image[gone[half]] = 0
        parts.append(cut)
        names += [f"{digit} {half}"] * len(cut)
    return np.concatenate(parts), np.array(names)


def _write(path: Path, family: str, kind: str, characters: str, hands: int, seed: int) -> Writing:
    font = handwriting_fonts.open_font(path)
    images = np.concatenate(handwriting_fonts.write_hands(font, family, characters, hands, 1, seed=seed))
    return Writing(
        images=_blur(images, np.random.default_rng((seed, *family.encode()))),
        characters=np.tile(list(characters), hands),
        kinds=np.full(len(images), kind),
        families=np.full(len(images), family),
    )


def _blur(images: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    widths = rng.uniform(0, BLUR, len(images))
    return np.stack([ndimage.gaussian_filter(image, width) for image, width in zip(images, widths, strict=True)])


def _join(parts: Iterable[Writing]) -> Writing:
    return Writing(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def sheet(writing: Writing) -> Image.Image:
    """Return a picture of the first two hands of each family, a row for each."""
    rows = []
    for kind, family in dict.fromkeys(zip(writing.kinds.tolist(), writing.families.tolist(), strict=True)):
        images = writing.images[(writing.kinds == kind) & (writing.families == family)]
        row = np.zeros((2 * max(map(len, SCRIPTS.values())), *images.shape[1:]), np.uint8)
        row[: len(images)] = images[: len(row)]
        rows.append(np.concatenate(list(row), axis=1))
    return Image.fromarray(255 - np.concatenate(rows))


def main() -> None:
    """Install the fonts, and draw a picture of the digits of all scripts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="for the fonts")
    parser.add_argument("--sheet", type=Path, required=True, help="a picture to look at")
    arguments = parser.parse_args()
    parts = [draw_scripts(arguments.folder, use, hands=8) for use in ("train", "judge")]
    sheet(_join(parts)).save(arguments.sheet)


if __name__ == "__main__":
    main()
