"""Twelve measures of an image of handwriting, and their quantiles in the images that a model was trained on.

In: images of one size, uint8 in [0, 255] or floating. Out: one value per image and measure; plain JSON values for all.
Next: :mod:`lenetkit.diagnosis._findings` compares them.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

__all__ = ["BLANK", "MEASURES", "check_reference", "compute_reference", "describe_images"]

Array = npt.NDArray[Any]

MEASURES = (
    "contrast",
    "paper",
    "light",
    "noise",
    "ink_share",
    "size",
    "width",
    "centre",
    "stroke",
    "border",
    "pieces",
    "second_piece",
)
"""Everything that :func:`describe_images` measures."""

BLANK = 0.06
"""Blank is an image whose brightest and darkest pixel differ by less, white being 1; set by eye, tests/diagnosis."""

# Pixel values handled at once.
_CHUNK = 2**20
# Quantiles of the training images: all but 1 % of them lie between; docs/use/diagnose.md.
_LOW, _HIGH = 0.005, 0.995
_VERSION = 1
_EIGHT_NEIGHBOURS = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])


def describe_images(images: npt.ArrayLike) -> dict[str, npt.NDArray[np.float64]]:
    """Measure images of ink on paper, each by itself.

    Of the two levels the one that is rarer inside and along the border is the ink. White, 255 of uint8 or 1.0, is 1.

    Parameters
    ----------
    images : array-like of shape (n, height, width) or (n, height, width, channels)
        uint8 in [0, 255], or finite floating values, usually in [0, 1]. Channels are averaged.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        float64 each:

        - ``contrast``: level of the strongest ink less that of the paper; negative where the ink is the darker one
        - ``paper``: level of the paper
        - ``light``: how far the paper's level differs between the image's four quarters
        - ``noise``: mean step between neighbouring pixels of the paper
        - ``ink_share``: fraction of the pixels that are ink
        - ``size``: longer side of the box around the ink, of the image's longer side
        - ``width``: width of that box by its height
        - ``centre``: how far the ink's centre of mass is from the middle, of the image's longer side; the larger of
          the two directions
        - ``stroke``: width of the strokes in pixels
        - ``border``: fraction of the outermost pixels that are ink
        - ``pieces``: number of connected pieces of ink
        - ``second_piece``: area of the second largest of them, of the largest

        Of a blank image only the first four are known; the others are NaN.

    Raises
    ------
    DataError
        If the images have another shape or no pixels, or hold no finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.diagnosis import describe_images
    >>> scan = np.full((1, 28, 28), 255, np.uint8)
    >>> scan[:, 4:24, 12:16] = 0
    >>> found = describe_images(scan)
    >>> found["contrast"], found["stroke"].round(1)
    (array([-1.]), array([3.4]))
    """
    array = np.asarray(images)
    if array.ndim not in (3, 4) or not array.size or array.dtype.kind not in "uf":
        raise DataError(
            "images must be numbers of shape (n, height, width) or (n, height, width, channels) with at least one "
            f"pixel; got {array.dtype} of {array.shape}."
        )
    parts = [_describe(part) for part in _levels(array)]
    return {name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in MEASURES}


def compute_reference(images: npt.ArrayLike) -> dict[str, Any]:
    """Summarise the images that a model was trained on, for :func:`diagnose` to compare others with.

    Parameters
    ----------
    images : array-like of shape (n, height, width) or (n, height, width, channels)
        A sample of the training images after the transforms, the last, affine one left out or not; some thousand are
        plenty.

    Returns
    -------
    dict
        Plain JSON values: ``version``, ``n``, ``shape`` of an image, ``bright_ink`` (fraction of the images with ink
        brighter than the paper) and ``measures``: the quantiles 0.005, 0.5 and 0.995 of each measure, of the contrast
        without its sign. None stands for a measure that no image has.

    Raises
    ------
    DataError
        As :func:`describe_images` does.

    Examples
    --------
    >>> from lenetkit.datasets import load_dataset
    >>> from lenetkit.diagnosis import compute_reference
    >>> reference = compute_reference(load_dataset("digits").images)
    >>> reference["n"], reference["shape"], reference["bright_ink"]
    (1797, [8, 8], 1.0)
    """
    array = np.asarray(images)
    measured = describe_images(array)
    bright = measured["contrast"] > 0
    measured["contrast"] = np.abs(measured["contrast"])
    quantiles: dict[str, list[float] | None] = {}
    for name, values in measured.items():
        known = values[np.isfinite(values)]
        found = np.quantile(known, [_LOW, 0.5, _HIGH]) if known.size else ()
        # Few digits, so that the same images give the same reference on every machine.
        quantiles[name] = [float(f"{value:.4g}") for value in found] or None
    return {
        "version": _VERSION,
        "n": len(array),
        "shape": list(array.shape[1:]),
        "bright_ink": float(bright.mean().round(4)),
        "measures": quantiles,
    }


def check_reference(reference: Any) -> None:
    """Refuse what :func:`compute_reference` does not return.

    Raise DataError if it is anything else, or comes from another version.
    """
    expected = "the reference must be what lenetkit.diagnosis.compute_reference returns"
    if not isinstance(reference, Mapping):
        raise DataError(f"{expected}; got {type(reference).__name__}.")
    if reference.get("version") != _VERSION:
        raise DataError(f"{expected}, of version {_VERSION}; got version {reference.get('version')!r}. Make it again.")
    measures = reference.get("measures")
    if not isinstance(measures, Mapping) or set(measures) != set(MEASURES):
        raise DataError(f"{expected}; its measures are others than {', '.join(MEASURES)}.")
    valid = {
        **{name: value is None or _is_list((3,), value) for name, value in measures.items()},
        "bright_ink": _is_number(reference.get("bright_ink")),
        "shape": _is_list((2, 3), reference.get("shape")),
    }
    bad = [name for name, is_valid in valid.items() if not is_valid]
    if bad:
        raise DataError(f"{expected}; its {', '.join(bad)} is invalid.")


def _is_list(lengths: tuple[int, ...], value: Any) -> bool:
    return isinstance(value, list) and len(value) in lengths and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _levels(images: Array) -> Iterator[Array]:
    """Give batches (m, height, width) of float32, white being 1."""
    step = max(1, _CHUNK // math.prod(images.shape[1:]))
    for start in range(0, len(images), step):
        batch = images[start : start + step].astype(np.float32)
        if images.dtype.kind == "u":
            batch /= np.float32(np.iinfo(images.dtype).max)
        elif not np.isfinite(batch).all():
            raise DataError("images must hold finite numbers only; got NaN or infinity.")
        yield batch.mean(axis=3) if batch.ndim == 4 else batch


def _describe(batch: Array) -> dict[str, Array]:
    low, high = batch.min(axis=(1, 2)), batch.max(axis=(1, 2))
    above = batch > _wide((low + high) / 2)
    rim = _rim(above)
    # A digit that fills its box has more ink than paper inside, hardly ever along the border as well.
    bright = above.mean(axis=(1, 2)) + rim.mean(axis=1) <= 1
    ink = above == _wide(bright)
    paper = _median(batch, ~ink)
    contrast = np.where(bright, high, low) - paper
    blank = high - low < BLANK
    ink &= ~_wide(blank)
    # 0 is paper and 1 is ink.
    cover = ((batch - _wide(paper)) / _wide(np.where(blank, 1, contrast))).clip(0, 1) * ~_wide(blank)
    shape = {
        name: np.where(blank, np.nan, value)
        for name, value in (_measure_shape(ink, cover) | _measure_pieces(ink)).items()
    }
    return {
        "contrast": contrast,
        "paper": paper,
        "light": _measure_light(batch, ink),
        "noise": _measure_noise(batch, cover),
        **shape,
    }


def _measure_shape(ink: Array, cover: Array) -> dict[str, Array]:
    height, width = ink.shape[1:]
    side, area = max(height, width), np.maximum(ink.sum(axis=(1, 2)), 1)
    high, wide = _extent(ink, axis=2), _extent(ink, axis=1)
    weights = cover * ink
    total = np.maximum(weights.sum(axis=(1, 2)), 1e-6)
    down = (weights.sum(axis=2) @ (np.arange(height) + 0.5)) / total - height / 2
    right = (weights.sum(axis=1) @ (np.arange(width) + 0.5)) / total - width / 2
    return {
        "ink_share": area / (height * width),
        "size": np.maximum(high, wide) / side,
        "width": wide / high,
        "centre": np.maximum(np.abs(down), np.abs(right)) / side,
        "stroke": _measure_stroke(cover),
        "border": _rim(ink).mean(axis=1),
    }


def _extent(ink: Array, axis: int) -> Array:
    occupied = np.asarray(ink.any(axis=axis))
    return np.asarray(occupied.shape[1] - occupied.argmax(axis=1) - occupied[:, ::-1].argmax(axis=1))


def _measure_stroke(cover: Array) -> Array:
    """Return twice the area of the ink by the length of its outline: a stroke has two sides."""
    # Below 0.2 it is uneven paper, which has no outline.
    clear = ((cover - 0.2) / 0.8).clip(0, 1)
    padded = np.pad(clear, ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    return np.asarray(2 * clear.sum(axis=(1, 2)) / np.maximum(np.hypot(down, right).sum(axis=(1, 2)), 1e-6))


def _measure_pieces(ink: Array) -> dict[str, Array]:
    from lenetkit._utils.ndimage import ndimage

    labels, count = ndimage.label(ink, _EIGHT_NEIGHBOURS)
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    # Pieces are numbered image by image.
    last = np.maximum.accumulate(labels.reshape(len(ink), -1).max(axis=1))
    bounds = np.concatenate([[0], last])
    sorted_areas = [np.sort(area[start:stop])[::-1] for start, stop in itertools.pairwise(bounds)]
    second = [areas[1] / areas[0] if len(areas) > 1 else 0 for areas in sorted_areas]
    return {"pieces": np.diff(bounds), "second_piece": np.array(second, np.float64)}


def _measure_light(batch: Array, ink: Array) -> Array:
    """Return the largest difference between the paper's levels in the four quarters that show paper."""
    middle = [-(-side // 2) for side in batch.shape[1:]]
    levels = []
    for rows, columns in itertools.product(*((slice(None, half), slice(-half, None)) for half in middle)):
        paper = ~ink[:, rows, columns]
        enough = paper.mean(axis=(1, 2)) > 0.2
        levels.append(np.where(enough, _median(batch[:, rows, columns], paper), np.nan))
    return np.asarray(np.nan_to_num(np.fmax.reduce(levels) - np.fmin.reduce(levels)))


def _measure_noise(batch: Array, cover: Array) -> Array:
    """Return the mean step between neighbours that are both paper."""
    paper = cover < 0.5
    pairs = paper[:, :, 1:] & paper[:, :, :-1]
    steps = np.abs(np.diff(batch, axis=2)) * pairs
    return np.asarray(steps.sum(axis=(1, 2)) / np.maximum(pairs.sum(axis=(1, 2)), 1))


def _median(batch: Array, mask: Array) -> Array:
    """Return the lower median of each image's pixels in the mask; of all of them where it is empty."""
    flat, chosen = batch.reshape(len(batch), -1), mask.reshape(len(batch), -1)
    chosen = chosen | ~chosen.any(axis=1, keepdims=True)
    ordered = np.sort(np.where(chosen, flat, np.inf), axis=1)
    middle = (chosen.sum(axis=1) - 1) // 2
    return np.asarray(ordered[np.arange(len(batch)), middle])


def _rim(batch: Array) -> Array:
    """Return the outermost pixels, (n, m)."""
    return np.concatenate([batch[:, 0], batch[:, -1], batch[:, 1:-1, 0], batch[:, 1:-1, -1]], axis=1)


def _wide(values: Array) -> Array:
    return np.asarray(values[:, np.newaxis, np.newaxis])
