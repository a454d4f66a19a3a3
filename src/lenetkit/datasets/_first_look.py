"""A first look at images and labels: what is often wrong with data that were brought from elsewhere.

In: images, labels and class names. Out: a sentence for each doubt. Next: :meth:`lenetkit.datasets.Dataset.describe`
and ``lenetkit datasets --check``.

The orientation is compared with the mean of each of MNIST's digits in a box of 14 x 14 (``mnist_means.png``, from
60,000 training images): turned or mirrored digits resemble them more after the opposite turn.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit._utils.memmap import iter_chunks

__all__ = ["box_means", "find_doubts", "find_overlap"]

_SIDE = 14
_SAMPLE = 1000
_FEWEST = 50
# Nearer to another position by so much than to upright; turned EMNIST, USPS and MNIST differ by 0.3 to 0.6.
# What a set of digits, however they are turned, reaches (8 x 8 pixels: 0.70; MNIST's size: 0.88 to 0.96), and digits of
# another script or with other labels do not (at most 0.56).
_ALIKE = 0.63
_MARGIN = 0.1
_TURNS: dict[str, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    "turned by 90 degrees to the left": lambda x: np.rot90(x, -1, (-2, -1)),
    "upside down": lambda x: np.rot90(x, 2, (-2, -1)),
    "turned by 90 degrees to the right": lambda x: np.rot90(x, 1, (-2, -1)),
    "mirrored left to right": lambda x: x[..., ::-1],
    "mirrored top to bottom": lambda x: x[..., ::-1, :],
    "lying on their side (rows and columns swapped)": lambda x: x.swapaxes(-2, -1),
    "lying on their other side": lambda x: np.rot90(x.swapaxes(-2, -1), 2, (-2, -1)),
}


def find_doubts(images: Any, labels: npt.NDArray[Any], class_names: Sequence[str]) -> dict[str, str]:
    """Return a sentence for each thing that looks wrong, by its name.

    Looked at are the range, the polarity and, of digits, the orientation of up to 1,000 images; and blank images,
    duplicates and classes of all.
    """
    if not len(labels):
        return {}
    chosen = np.unique(np.linspace(0, len(labels) - 1, _SAMPLE).astype(np.int64))
    sample, found = np.asarray(images[chosen]), {}
    grey = sample.mean(axis=3) if sample.ndim == 4 else sample
    names = np.array(class_names)[labels[chosen]] if labels.dtype.kind != "U" else labels[chosen]
    found["range"] = _look_at_range(grey)
    paper, found["polarity"] = _look_at_paper(grey)
    found["orientation"] = _look_at_orientation(np.abs(grey - paper), names)
    found["classes"] = _look_at_classes(labels, class_names)
    found["duplicates"] = _look_at_duplicates(images, labels)
    return {name: sentence for name, sentence in found.items() if sentence}


def find_overlap(first: Any, second: Any) -> str:
    """Return a sentence if images of one part are in the other, too, else nothing."""
    known = set(_digests(first))
    count = sum(digest in known for digest in _digests(second))
    if not count:
        return ""
    return f"{count:,} of the {len(second):,} images of the test part are in the training part, pixel for pixel."


def _look_at_range(grey: npt.NDArray[Any]) -> str:
    highest, lowest = float(grey.max()), float(grey.min())
    if highest - lowest < 128:
        return f"the pixels lie in {lowest:g}..{highest:g} only; MNIST's fill 0..255."
    return ""


def _look_at_paper(grey: npt.NDArray[Any]) -> tuple[float, str]:
    border = np.concatenate([grey[:, 0].ravel(), grey[:, -1].ravel(), grey[:, :, 0].ravel(), grey[:, :, -1].ravel()])
    paper = float(np.median(border))
    if paper > 192:
        return paper, (
            f"the paper is bright ({paper:g} at the edges) and the ink dark; MNIST's ink is bright on black. Pipelines "
            "find that out; for your own network use 255 - images."
        )
    if paper > 64:
        return paper, f"the paper is grey ({paper:g} at the edges); values of -1..1 or photos look so. MNIST's is 0."
    return paper, ""


def _look_at_orientation(ink: npt.NDArray[Any], names: npt.NDArray[Any]) -> str:
    digits = np.isin(names, list("0123456789"))
    if digits.sum() < _FEWEST or len(np.unique(names[digits])) < 5:
        return ""
    means, present = box_means(ink[digits], names[digits].astype(np.int64))
    known = np.asarray(Image.open(Path(__file__).with_name("mnist_means.png"))).reshape(10, _SIDE, _SIDE)[present]
    upright = _likeness(means, known)
    scores = {name: _likeness(turn(means), known) for name, turn in _TURNS.items()}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < max(upright + _MARGIN, _ALIKE):
        return ""
    return (
        f"the digits seem to be {best}: turned back, their means resemble MNIST's by {scores[best]:.2f}, "
        f"as they are by {upright:.2f}."
    )


def box_means(ink: npt.NDArray[Any], digits: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return the mean image (14, 14) of each digit that is there, its ink scaled to fill the box, and the digits."""
    present = np.unique(digits)
    boxes = np.stack([_box(image) for image in ink])
    return np.stack([boxes[digits == digit].mean(axis=0) for digit in present]), present


def _box(ink: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    bright = ink > 0.3 * max(float(ink.max()), 1)
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    if not len(rows):
        return np.zeros((_SIDE, _SIDE), np.uint8)
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(cut.shape)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return np.asarray(Image.fromarray(square).resize((_SIDE, _SIDE), Image.Resampling.BOX))


def _likeness(means: npt.NDArray[Any], known: npt.NDArray[Any]) -> float:
    pairs = zip(means, known, strict=True)
    return float(
        np.mean([np.corrcoef(mean.ravel(), other.ravel())[0, 1] if mean.std() else 0 for mean, other in pairs])
    )


def _look_at_classes(labels: npt.NDArray[Any], class_names: Sequence[str]) -> str:
    present = np.unique(labels)
    if len(present) == 1:
        return f"all {len(labels):,} images are of one class."
    if labels.dtype.kind == "U":
        return ""
    if present[0] == 1 and len(present) == present[-1]:
        return f"the labels start at 1 and end at {present[-1]}; if they number the classes, subtract 1."
    missing = [name for index, name in enumerate(class_names) if index not in present]
    return f"there are no images of {', '.join(missing[:10])}." if missing else ""


def _look_at_duplicates(images: Any, labels: npt.NDArray[Any]) -> str:
    seen: dict[bytes, int] = {}
    again = otherwise = 0
    for index, digest in enumerate(_digests(images)):
        first = seen.setdefault(digest, index)
        if first != index:
            again += 1
            otherwise += bool(labels[first] != labels[index])
    if not again:
        return ""
    labelled = f", {otherwise:,} of them with another label" if otherwise else ""
    return f"{again:,} of {len(labels):,} images are there before, pixel for pixel{labelled}."


def _digests(images: Any) -> Iterator[bytes]:
    for chunk in iter_chunks(images):
        for image in chunk:
            yield hashlib.blake2b(image.tobytes(), digest_size=16).digest()
