"""Digits in poor pictures: photographed on paper, a few pixels high, grainy, crossed by a pen, or far aslant.

``train_pretrained.py`` teaches the first three, and learns from all of them how sure an answer must be. None is made by
``lenetkit.synthesis.corrupt``, whose kinds judge: light, paper and pens are drawn, small pictures are averaged, their
levels few, grain is what film and sensors add to the picture that a lens has blurred, and a pen's line bends freely.
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import interpolate, ndimage, spatial

from lenetkit.synthesis import draw_paper
from lenetkit.transforms import MnistNormalize

__all__ = ["draw_poor", "normalise"]

Images = npt.NDArray[np.uint8]


def draw_poor(kind: str, digits: Images, *, seed: int) -> list[Images]:
    """Return poor pictures of digits (n, 28, 28), ink bright: uint8 (height, width) each.

    `kind` is "photograph", "reduce", "grain", "cross" or "slant".
    """
    return _spread(_draw_one, [(kind, seed, number, digit) for number, digit in enumerate(digits)])


def normalise(pictures: list[Images]) -> Images:
    """Return what ``MnistNormalize`` makes of pictures: uint8 (n, 28, 28), black where a digit got lost."""
    return np.stack(_spread(_normalise_one, pictures))


def _spread(function: Callable[[Any], Images], work: list[Any]) -> list[Images]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(function, work, chunksize=50))


def _draw_one(work: tuple[str, int, int, Images]) -> Images:
    kind, seed, number, digit = work
    return _KINDS[kind](digit, np.random.default_rng([seed, number]))


def _normalise_one(picture: Images) -> Images:
    return np.asarray(MnistNormalize()(picture[np.newaxis])[0])


def _photograph(image: Images, rng: np.random.Generator) -> Images:
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


def _reduce(image: Images, rng: np.random.Generator) -> Images:
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


def _grain(image: Images, rng: np.random.Generator) -> Images:
    """Return a digit out of focus, with grain, on paper of some shade: 28 to 56 pixels a side."""
    ink = np.clip(ndimage.zoom(image / 255.0, rng.uniform(1, 2), order=1), 0, 1)
    scale = len(ink) / 28
    level = rng.uniform(0.4, 1)
    picture = ndimage.gaussian_filter(ink * level, rng.uniform(0, 1.3) * scale)
    noise = ndimage.gaussian_filter(rng.normal(size=ink.shape), rng.uniform(0.3, 0.8) * scale)
    picture += rng.uniform(0, 0.22) * level * noise / noise.std() + rng.uniform(0, 0.3)
    picture = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    return 255 - picture if rng.random() < 0.5 else picture


def _cross(image: Images, rng: np.random.Generator) -> Images:
    """Return a digit through which a pen has drawn a curve, a wave or corners: 28 to 84 pixels a side."""
    side = int(rng.integers(28, 85))
    ink = np.clip(ndimage.zoom(image / 255.0, side / 28, order=1), 0, 1)
    bends = int(rng.integers(3, 13))
    x = np.linspace(rng.uniform(-0.05, 0.2), rng.uniform(0.8, 1.05), bends)
    y = rng.uniform(0.1, 0.9) + rng.uniform(-0.25, 0.25) * (x - 0.5)
    y += rng.uniform(0.02, 0.08) * np.where(np.arange(bends) % 2, 1, -1) * rng.uniform(0.5, 1.2, bends)
    steps = np.linspace(0, bends - 1, 4 * side)
    line = np.stack([y, x], axis=1) * side
    order = 1 if rng.random() < 0.3 else 3
    points = interpolate.make_interp_spline(np.arange(bends), line, k=min(order, bends - 1))(steps)
    rows = np.stack(np.mgrid[:side, :side], axis=-1).reshape(-1, 2) + 0.5
    away, _ = spatial.KDTree(points).query(rows)
    pen = (rng.uniform(1, 2.6) * side / 56 + 0.5 - away.reshape(side, side)).clip(0, 1) * rng.uniform(0.6, 1)
    picture = np.rint(np.maximum(ink, pen) * 255).astype(np.uint8)
    return 255 - picture if rng.random() < 0.5 else picture


def _slant(image: Images, rng: np.random.Generator) -> Images:
    """Return a digit turned by up to 35 degrees, slanted and stretched, on 40 x 40 pixels."""
    angle, lean = rng.uniform(-0.6, 0.6), rng.uniform(-0.4, 0.4)
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turned @ np.array([[1, 0], [lean, 1]]) @ np.diag(rng.uniform(0.75, 1.25, 2))
    ink = ndimage.affine_transform(
        np.pad(image / 255.0, 6), matrix, np.full(2, 19.5) - matrix @ np.full(2, 19.5), order=1
    )
    return np.rint(ink.clip(0, 1) * 255).astype(np.uint8)


_KINDS = {"photograph": _photograph, "reduce": _reduce, "grain": _grain, "cross": _cross, "slant": _slant}
