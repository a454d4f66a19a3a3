"""What the benchmarks of whole numbers share: pictures of numbers with the truth beside them, and how to compare."""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from PIL import Image

from lenetkit.synthesis import draw_number, draw_paper

__all__ = ["KINDS", "drawn_picture", "edit_distance", "overlap", "row_of_digits"]

# Kind -> what is special about it; each is a function of random numbers and the digits' height.
KINDS = (
    "plain",
    "touching",
    "lines",
    "ruled",
    "dotted",
    "grid",
    "framed",
    "photo",
    "colour",
    "specks",
    "noise",
    "small",
    "large",
    "pencil",
    "inverse",
    "page",
)
_PENS = ((20, 30, 140), (170, 30, 30), (20, 110, 50), (90, 30, 120), (200, 90, 10))

Picture = tuple[np.ndarray, str, np.ndarray]


def drawn_picture(kind: str, seed: int) -> Picture:
    """Draw a picture of a random number: the picture, the text, and a box (left, top, right, bottom) for each digit."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    style = str(rng.choice(["american", "continental", "school"], p=[0.5, 0.35, 0.15]))
    height = int(rng.integers(*{"small": (16, 30), "large": (120, 260), "page": (24, 40)}.get(kind, (36, 80))))
    spacing = rng.uniform(-0.08, 0.02) if kind == "touching" else rng.uniform(0.08, 0.3)
    number = draw_number(
        _random_text(kind, rng),
        style=style,
        seed=int(rng.integers(1_000_000)),
        height=height,
        spacing=float(spacing),
        grain=float(rng.uniform(0.3, 0.8)) if kind == "pencil" else 0.0,
        pen_width=(0.05, 0.12),
    )
    top, bottom, left, right = (rng.uniform(*((1, 4) if kind == "page" else (0, 2.5)), 4) * height).astype(int)
    number = attrs.evolve(
        number,
        image=np.pad(number.image, ((top, bottom), (left, right))),
        boxes=number.boxes + np.array([left, top, left, top]),
        baselines=tuple(row + top for row in number.baselines),
    )
    settings = {
        "noise": float(rng.uniform(0, 4)),
        "shade": int(rng.integers(200, 250)),
        "seed": int(rng.integers(1_000_000)),
    }
    ink: Any = int(rng.integers(10, 110))
    if kind in _PAPERS:
        settings.update(_PAPERS[kind](rng, height, number.baselines))
    if kind == "colour":
        ink = _PENS[rng.integers(len(_PENS))]
    picture = number.on(draw_paper(*number.image.shape, **settings), ink=ink)
    return 255 - picture if kind == "inverse" else picture, number.text, number.boxes


def _random_text(kind: str, rng: np.random.Generator) -> str:
    lengths = {"touching": (2, 6), "page": (3, 12)}.get(kind, (1, 9))
    n_lines = {"lines": (2, 5), "page": (6, 14)}.get(kind, (1, 3) if kind in ("ruled", "dotted") else (1, 2))
    lines = [rng.integers(0, 10, rng.integers(*lengths)) for _ in range(rng.integers(*n_lines))]
    return "\n".join("".join(map(str, line)) for line in lines)


def _lined(ruling: str) -> Callable[[np.random.Generator, int, tuple[float, ...]], dict[str, Any]]:
    def settings(rng: np.random.Generator, height: int, baselines: tuple[float, ...]) -> dict[str, Any]:
        return {
            "ruling": ruling,
            "rows": [row + rng.uniform(0, 0.15) * height for row in baselines],
            "pitch": float(rng.uniform(0.8, 1.6) * height),
            "print_strength": float(rng.uniform(0.3, 0.8)),
        }

    return settings


def _colour(rng: np.random.Generator, lowest: tuple[int, int, int], highest: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple(int(level) for level in rng.integers(lowest, highest))


_PAPERS: dict[str, Callable[[np.random.Generator, int, tuple[float, ...]], dict[str, Any]]] = {
    "ruled": _lined("ruled"),
    "dotted": _lined("dotted"),
    "grid": lambda rng, height, _: {
        "ruling": "grid",
        "pitch": float(rng.uniform(0.5, 1.3) * height),
        "print_strength": float(rng.uniform(0.15, 0.5)),
    },
    "framed": lambda *_: {"ruling": "framed", "print_strength": 0.7},
    "photo": lambda rng, _, baselines: {
        "ruling": str(rng.choice(["plain", "ruled", "dotted"])),
        "rows": baselines,
        "shadow": float(rng.uniform(0.3, 0.7)),
        "noise": float(rng.uniform(2, 7)),
        "shade": _colour(rng, (180, 170, 140), (240, 230, 220)),
    },
    "colour": lambda rng, *_: {"shade": _colour(rng, (225, 220, 200), (250, 250, 250))},
    "specks": lambda rng, *_: {"specks": int(rng.integers(10, 60))},
    "noise": lambda rng, *_: {"noise": float(rng.uniform(10, 25))},
}


def row_of_digits(images: np.ndarray, labels: np.ndarray, seed: int, *, touching: bool) -> Picture:
    """Set single digits (n, 28, 28), bright on black, in a row as one hand would, half of them touching if asked."""
    rng = np.random.default_rng([int(touching), seed])
    chosen = rng.integers(0, len(images), rng.integers(2, 7))
    scale = rng.uniform(1.5, 3)
    sheet = np.zeros((int(60 * scale), int((28 * len(chosen) + 60) * scale)), np.uint8)
    at, boxes = int(20 * scale), []
    for place, index in enumerate(chosen):
        digit = np.asarray(Image.fromarray(images[index]).resize((int(28 * scale),) * 2, Image.Resampling.BICUBIC))
        columns, rows = (np.flatnonzero((digit > 100).any(axis=axis)) for axis in (0, 1))
        digit = digit[:, columns[0] : columns[-1] + 1]
        height, width = digit.shape
        top = int((16 + rng.normal(0, 0.7)) * scale)
        gap = int(scale * 20 * rng.uniform(0.08, 0.3))
        if touching and place and rng.random() < 0.5:
            gap, before = 0, sheet[top : top + height] > 100
            while gap > -10 * scale and not (before[:, at + gap : at + gap + width] & (digit > 100)).any():
                gap -= 1
        at += gap
        here = sheet[top : top + height, at : at + width]
        np.maximum(here, digit, out=here)
        boxes.append((at, top + rows[0], at + width, top + rows[-1] + 1))
        at += width
    picture = 235 * (1 - 0.8 * sheet / 255) + rng.normal(0, 2, sheet.shape)
    text = "".join(str(labels[index]) for index in chosen)
    return np.rint(picture.clip(0, 255)).astype(np.uint8), text, np.array(boxes)


def edit_distance(one: str, other: str) -> int:
    """Return how many characters must be put in, left out or changed to make one text the other."""
    costs = list(range(len(other) + 1))
    for row, character in enumerate(one, start=1):
        diagonal, costs[0] = costs[0], row
        for column, wanted in enumerate(other, start=1):
            best = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (character != wanted))
            diagonal, costs[column] = costs[column], best
    return costs[-1]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the area that two boxes share over the area that they cover together."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(sides.clip(0)))
    return shared / (float(np.prod(one[2:] - one[:2])) + float(np.prod(other[2:] - other[:2])) - shared)
