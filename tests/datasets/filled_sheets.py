"""Filled-in sheets as a phone sees them, simulated."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from lenetkit.datasets import Dataset, draw_sheet
from lenetkit.datasets._sheets import sheet_layout as layout

__all__ = ["alike", "fill", "photograph"]

_DOTS = 150


def fill(
    digits: Dataset, number: int, rng: np.random.Generator, *, paper: str = "a4", empty: frozenset[int] = frozenset()
) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """Return a sheet whose boxes hold digits of a data set, and which image is in each box, -1 in empty ones."""
    page = draw_sheet(number, paper=paper, dots_per_inch=_DOTS).astype(float)
    scale = _DOTS / 25.4
    origin = (np.array(page.shape[::-1]) / scale - (layout.WIDTH, layout.HEIGHT)) / 2
    labels = np.asarray(digits.labels)
    written = []
    for index, place in enumerate(layout.box_places().reshape(-1, 2)):
        if index in empty:
            written.append(-1)
            continue
        image = int(rng.choice(np.flatnonzero(labels == index // 10)))
        written.append(image)
        side = round(scale * rng.uniform(8.5, 12.5))
        ink = np.asarray(Image.fromarray(digits.images[image]).resize((side, side), Image.Resampling.BICUBIC)) / 255
        room = scale * (layout.WRITTEN - 1) - side
        x, y = (place + origin) * scale - side / 2 + rng.uniform(-0.5, 0.5, 2) * max(0, room)
        part = page[round(y) : round(y) + side, round(x) : round(x) + side]
        part *= 1 - rng.uniform(0.75, 0.95) * np.clip(1.4 * ink, 0, 1)
    return np.rint(page).astype(np.uint8), written


def photograph(page: npt.NDArray[np.uint8], rng: np.random.Generator, *, turn: int = 0) -> bytes:
    """Return a photograph of a page on a table: in perspective, with a shadow, blurred, noisy, JPEG."""
    height, width = page.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    angle = rng.uniform(-0.12, 0.12)
    turned = (corners - corners.mean(axis=0)) @ np.array(
        [(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))]
    )
    seen = turned * rng.uniform(0.95, 1.25) + rng.uniform(-0.05, 0.05, (4, 2)) * width
    seen -= seen.min(axis=0) - rng.uniform(20, 120, 2)
    size = tuple(np.ceil(seen.max(axis=0) + rng.uniform(20, 120, 2)).astype(int).tolist())
    rows = []
    for (x, y), (u, v) in zip(seen, corners, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
    data = tuple(np.linalg.solve(np.array(rows), corners.ravel()).tolist())
    around = int(rng.integers(30, 140))
    image = Image.fromarray(page).transform(
        size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC, fillcolor=around
    )
    levels = np.asarray(image).astype(float)
    y, x = np.mgrid[: levels.shape[0], : levels.shape[1]] / max(levels.shape)
    light = 1 - rng.uniform(0, 0.4) * x - rng.uniform(0, 0.3) * y
    edge = rng.uniform(0.2, 0.8) + rng.uniform(-0.5, 0.5) * x
    light *= 1 - rng.uniform(0, 0.4) / (1 + np.exp((edge - y) / rng.uniform(0.005, 0.08)))
    levels = ndimage.gaussian_filter(levels * light * rng.uniform(0.75, 1), rng.uniform(0.3, 1.3))
    levels = np.rot90(levels + rng.normal(0, rng.uniform(1, 6), levels.shape), turn)
    file = io.BytesIO()
    tint = levels[..., np.newaxis] * (1, rng.uniform(0.93, 1), rng.uniform(0.85, 1))
    Image.fromarray(np.clip(tint, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(60, 95)))
    return file.getvalue()


def alike(box: npt.NDArray[np.uint8], digit: npt.NDArray[np.uint8]) -> float:
    """Return the correlation of the ink in a box with a digit, both moved to the middle."""
    ink = 255 - box.astype(float)
    rows, columns = np.nonzero(ink > 80)
    cut = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    rows, columns = np.nonzero(digit > 60)
    known = digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cut, known = (
        np.asarray(Image.fromarray(part.astype(np.uint8)).resize((20, 20))).astype(float) for part in (cut, known)
    )
    return float(np.corrcoef(cut.ravel(), known.ravel())[0, 1])
