"""Digits in poor pictures: photographed on paper, a few pixels high, grainy or out of focus.

``train_pretrained.py`` teaches them. None of the ways is one of MNIST-C's: light, paper and pens are drawn, small
pictures are averaged, their levels few, and grain is what film and sensors add, before the lens blurs the whole.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lenetkit.synthesis import draw_paper
from lenetkit.transforms import MnistNormalize

__all__ = ["draw_poor", "grain", "photograph", "reduce"]

Images = npt.NDArray[np.uint8]


def draw_poor(kind: str, digits: Images, *, seed: int) -> Images:
    """Return poor pictures of digits (n, 28, 28), ink bright, after ``MnistNormalize``: uint8 (n, 28, 28).

    `kind` is "photograph", "reduce" or "grain". A digit that got lost is black.
    """
    work = [(kind, seed, number, digit) for number, digit in enumerate(digits)]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return np.stack(list(pool.map(_draw_one, work, chunksize=50)))


def _draw_one(work: tuple[str, int, int, Images]) -> Images:
    kind, seed, number, digit = work
    picture = _KINDS[kind](digit, np.random.default_rng([seed, number]))
    return np.asarray(MnistNormalize()(picture[np.newaxis])[0])


def photograph(image: Images, rng: np.random.Generator) -> Images:
    """Return what a camera sees of a digit on paper, 44 to 150 pixels a side."""
    side = int(rng.integers(36, 90))
    ink = np.clip(ndimage.zoom(image / 255.0, side / 28, order=1), 0, 1)
    if rng.random() < 0.5:  # another pen
        reach = max(1, round(side / 28 * rng.uniform(0.3, 0.7)))
        change = ndimage.grey_dilation if rng.random() < 0.5 else ndimage.grey_erosion
        thinner = change(ink, (reach, reach))
        ink = thinner if thinner.max() > 0.5 else ink
    height, width = len(ink) + rng.integers(8, 60), ink.shape[1] + rng.integers(8, 60)
    paper = draw_paper(
        int(height),
        int(width),
        ruling=str(rng.choice(["plain", "plain", "plain", "ruled", "dotted"])),
        pitch=float(rng.uniform(30, 80)),
        print_strength=float(rng.uniform(0.1, 0.5)),
        shade=int(rng.integers(120, 256)),
        shadow=float(rng.choice([0.0, rng.uniform(0, 0.5)])),
        noise=float(rng.choice([0.0, rng.uniform(0, 12)])),
        specks=int(rng.integers(0, 4)),
        seed=int(rng.integers(2**31)),
    ).astype(np.float32)
    top, left = rng.integers(0, height - len(ink) + 1), rng.integers(0, width - ink.shape[1] + 1)
    here = (slice(top, top + len(ink)), slice(left, left + ink.shape[1]))
    paper[here] *= 1 - rng.uniform(0.45, 0.95) * ink
    picture = ndimage.gaussian_filter(paper, rng.uniform(0, 1.2))
    picture = np.rint(picture.clip(0, 255)).astype(np.uint8)
    return 255 - picture if rng.random() < 0.25 else picture


def reduce(image: Images, rng: np.random.Generator) -> Images:
    """Return a digit 6 to 14 pixels high, as a register scanned too coarsely or a small display shows it."""
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / 255.0
    high = int(rng.integers(6, 15))
    wide = max(2, round(ink.shape[1] * high / len(ink) * rng.uniform(0.85, 1.15)))
    small = _average(_average(ink, high).T, wide).T * rng.uniform(0.7, 1.3)
    edge = [(int(rng.integers(0, 3)), int(rng.integers(0, 3))) for _ in range(2)]
    levels = int(rng.choice([15, 255]))
    picture = np.rint(np.pad(small, edge).clip(0, 1) * levels) / levels * 255
    return np.rint(picture).astype(np.uint8)


def _average(rows: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Return n rows, each the mean of the part of the given ones that it covers."""
    below = np.concatenate([np.zeros((1, rows.shape[1])), rows.cumsum(axis=0)])
    edges = np.linspace(0, len(rows), n + 1)
    low = np.minimum(edges.astype(int), len(rows) - 1)
    at = below[low] + (edges - low)[:, np.newaxis] * rows[low]
    return np.asarray(np.diff(at, axis=0) * n / len(rows))


def grain(image: Images, rng: np.random.Generator) -> Images:
    """Return a digit out of focus, with grain, on paper of some shade: 28 to 56 pixels a side."""
    ink = np.clip(ndimage.zoom(image / 255.0, rng.uniform(1, 2), order=1), 0, 1)
    scale = len(ink) / 28
    level = rng.uniform(0.4, 1)
    picture = ndimage.gaussian_filter(ink * level, rng.uniform(0, 1.3) * scale)
    noise = ndimage.gaussian_filter(rng.normal(size=ink.shape), rng.uniform(0.3, 0.8) * scale)
    picture += rng.uniform(0, 0.22) * level * noise / noise.std() + rng.uniform(0, 0.3)
    picture = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    return 255 - picture if rng.random() < 0.5 else picture


_KINDS = {"photograph": photograph, "reduce": reduce, "grain": grain}
