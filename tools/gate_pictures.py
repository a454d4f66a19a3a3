"""Pictures that the gate of ``train_pretrained.py`` learns from: digits, and what is none, after ``MnistNormalize``.

    digits = collect_gate_digits(normalised)
    others = collect_others(normalised, labels, fonts, seed=2026, faces=FONTS)

What is no digit comes from many sources, each with a share of its own. They are drawn from seeds, and from fonts of the
use ``train`` alone (``other_writing.py``), so that the same fonts and seed give the same bytes. Whatever makes digits
poor - few pixels, grain, a photograph - makes a part of the others poor as well: it must not be what tells them apart.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from other_writing import cut_parts, draw_scripts, draw_signs
from poor_pictures import draw_poor, normalise
from scipy import ndimage

from lenetkit.synthesis import draw_digits, draw_nondigits, draw_paper
from lenetkit.transforms import MnistNormalize

__all__ = ["collect_gate_digits", "collect_others", "draw_pairs", "draw_textures"]

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

AMERICAN, REDUCED = 6_000, 10_000
"""Drawn digits of the American forms, and digits a few pixels high, besides those that the classifier learns from."""

DRAWN = {
    "drawn": (70_000, None),
    "scribbles": (40_000, ("scribble",)),
    "forms": (75_000, ("letter", "shape", "turned")),
    "noise": (10_000, ("noise",)),
}
"""What lenetkit draws: of all kinds, and more of those that come nearest to digits in poor pictures."""

SCRIPT_HANDS, SIGN_HANDS = 400, 5
"""Hands that write the digits of each script; and hands of each font that write letters and punctuation."""

CUT, PAIRS, TEXTURES = 12_000, 5_000, 5_000
"""Digits that are cut into parts, pairs of digits that touch, and textures."""

POOR = {"reduce": 8_000, "grain": 4_000, "photograph": 3_000}
POOR_SOURCES = ("drawn", "scribbles", "scripts", "signs", "parts", "pairs")
"""Poor pictures of the others, of each kind; as many show each of the sources."""


def collect_gate_digits(digits: Images, *, seed: int) -> Images:
    """Return the digits (n, 28, 28) and more of them; the order is mixed but for drawn ones, which come first."""
    rng = np.random.default_rng(seed)
    american = MnistNormalize()(draw_digits(AMERICAN, styles="american", seed=seed + 1).images)
    some = rng.choice(len(digits), min(REDUCED, len(digits)), replace=False)
    reduced = normalise(draw_poor("reduce", digits[some], seed=seed))
    known = np.concatenate([digits, _without_blank(reduced)])
    return np.concatenate([american, known[rng.permutation(len(known))]])


def collect_others(digits: Images, labels: Labels, fonts: Path, *, seed: int, faces: Sequence[str]) -> Images:
    """Return pictures of what is no digit (n, 28, 28): the fonts of its writing are in a folder, or get there.

    `digits` and `labels` are cut into parts and put beside each other; with the font files `faces` letters are printed.
    """
    sources = dict(draw_sources(digits, labels, fonts, seed=seed, faces=faces))
    return np.concatenate([*sources.values(), *dict(make_poor(sources, seed=seed)).values()])


def draw_sources(
    digits: Images, labels: Labels, fonts: Path, *, seed: int, faces: Sequence[str]
) -> Iterator[tuple[str, Images]]:
    """Give each source of others in good pictures."""
    normalize = MnistNormalize()
    for number, (name, (n, kinds)) in enumerate(DRAWN.items()):
        images = draw_nondigits(n, kinds=kinds, seed=seed + number, fonts=faces).images
        looks = normalize.look(images)
        normalised = looks.images
        yield name, normalised
        # A picture that is looked at again must not get another chance to pass for a digit.
        yield f"{name}, second looks", looks.others
        # Not everything passes MnistNormalize unchanged, and what does is decided by its thresholds.
        yield f"{name}, as drawn", images[(images != normalised).any(axis=(1, 2))]
    scripts = draw_scripts(fonts, "train", hands=SCRIPT_HANDS, seed=seed)
    yield "scripts", normalize(scripts.images[~scripts.alike])
    yield "signs", normalize(draw_signs(fonts, "train", hands=SIGN_HANDS, seed=seed).images)
    rng = np.random.default_rng(seed)
    some = rng.choice(len(digits), min(CUT, len(digits)), replace=False)
    yield "parts", normalize(cut_parts(digits[some], labels[some])[0])
    yield "pairs", normalize(draw_pairs(digits, PAIRS, rng))
    yield "textures", normalize(draw_textures(TEXTURES, rng))


def make_poor(sources: dict[str, Images], *, seed: int) -> Iterator[tuple[str, Images]]:
    """Give poor pictures of the others, of each kind."""
    rng = np.random.default_rng(seed)
    for kind, n in POOR.items():
        parts = [_without_blank(sources[name]) for name in POOR_SOURCES]
        chosen = [part[rng.choice(len(part), min(n // len(parts), len(part)), replace=False)] for part in parts]
        yield kind, _without_blank(normalise(draw_poor(kind, np.concatenate(chosen), seed=seed)))


def draw_pairs(digits: Images, n: int, rng: np.random.Generator) -> Images:
    """Return n pictures (n, 28, 64) of two digits that touch or nearly do: far apart, one might be taken for dirt."""
    pairs = np.zeros((n, 28, 64), np.uint8)
    for pair, rows in zip(pairs, rng.integers(len(digits), size=(n, 2)), strict=True):
        left, right = (image[:, image.any(axis=0)] for image in digits[rows])
        start = max(0, 4 + left.shape[1] - int(rng.integers(0, 4)))
        pair[:, 4 : 4 + left.shape[1]] = left
        there = pair[:, start : start + right.shape[1]]
        np.maximum(there, right, out=there)
    return pairs


def draw_textures(n: int, rng: np.random.Generator) -> Images:
    """Return n patches (n, 48, 48): half of them paper, half grain that runs one way, as wood, stone and cloth show."""
    patches = np.empty((n, 48, 48), np.uint8)
    for index, patch in enumerate(patches):
        if index % 2:
            patch[:] = draw_paper(
                48,
                48,
                ruling=str(rng.choice(["plain", "ruled", "grid", "dotted", "framed"])),
                pitch=float(rng.uniform(6, 40)),
                print_strength=float(rng.uniform(0.1, 0.8)),
                shade=int(rng.integers(100, 256)),
                noise=float(rng.uniform(0, 15)),
                shadow=float(rng.uniform(0, 0.5)),
                specks=int(rng.integers(0, 6)),
                seed=int(rng.integers(2**31)),
            )
            continue
        grain = ndimage.gaussian_filter(rng.standard_normal((96, 96)), rng.uniform(0.3, 6, 2), mode="wrap")
        grain = ndimage.rotate(grain, rng.uniform(0, 180), reshape=False, mode="wrap")[24:72, 24:72]
        level = grain / grain.std() * rng.uniform(0.05, 0.3) + rng.uniform(0.2, 0.8)
        if rng.random() < 0.3:
            level = (level > level.mean()) * 1.0
        patch[:] = np.rint(255 * level.clip(0, 1))
    return patches


def _without_blank(images: Images) -> Images:
    return images[images.any(axis=(1, 2))]
