"""Pictures to grey ones, no larger than needed.

In: pictures (n, height, width[, 1 or 3]) of one size. Out: uint8 (n, height, width).
Next: :mod:`lenetkit._ink.paper`, which tells ink from paper.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = [
    "WORKING_SIDE",
    "Array",
    "average_blocks",
    "enlarge",
    "get_reduction",
    "mix_channels",
    "shrink",
    "to_bytes",
    "to_grey",
    "weigh_channels",
    "working_grey",
]

Array: TypeAlias = npt.NDArray[Any]

# Numbers were set as in lenetkit._ink.paper, and "wrong" says the same.

# Larger pictures are halved until no side is longer. Wrong: 30 results change.
WORKING_SIDE = 512
# The mixture of colours is found on images of at most this side, and from details finer than this part of it.
_COLOUR_SIDE, _DETAILS = 96, 8


def to_bytes(batch: Array) -> Array:
    """Return uint8 images (n, height, width) or (n, height, width, 3)."""
    if batch.ndim == 4 and batch.shape[3] == 1:
        batch = batch[..., 0]
    return batch if batch.dtype == np.uint8 else np.rint(batch * 255).astype(np.uint8)


def working_grey(batch: Array) -> Array:
    """Return pictures as all later stages see them: grey, and no larger than they need."""
    return to_grey(average_blocks(batch, get_reduction(max(batch.shape[1:3]), WORKING_SIDE)))


def shrink(batch: Array, side: int) -> Array:
    """Average whole blocks of pixels until no side is longer than `side`."""
    return average_blocks(batch, -(-max(batch.shape[1:3]) // side))


def get_reduction(length: int, side: int) -> int:
    """Return the smallest power of two that brings a length to `side` or below: what decoders of JPEG can do, too."""
    return 1 << (-(-length // side) - 1).bit_length()


def average_blocks(batch: Array, factor: int) -> Array:
    """Average blocks of `factor` pixels a side by Pillow: of n pixels the mean, rounded to within 0.5 + 1 / (2 n)."""
    if factor == 1:
        return batch
    return np.stack([np.asarray(Image.fromarray(image).reduce(factor)) for image in batch])


def enlarge(batch: Array, factor: int, size: tuple[int, ...]) -> Array:
    """Return images (n, height, width) from averages of blocks, without steps, which would look like ink."""
    for axis in (2, 1):
        batch = _stretch(batch, factor, size[axis - 1], axis)
    return batch


def _stretch(batch: Array, factor: int, length: int, axis: int) -> Array:
    """Interpolate linearly along an axis, as Pillow's ``resize`` does to the bit, in a third of its time."""
    places = np.arange(-1, batch.shape[axis] + 1).clip(0, batch.shape[axis] - 1)
    blocks = batch.take(places, axis).astype(np.uint16).swapaxes(0, axis)
    out = np.empty([*batch.shape[:axis], length, *batch.shape[axis + 1 :]], np.uint8)
    for step in range(factor):
        # From the middle of the block, in halves of a pixel, of which a block has 2 * factor.
        offset = 2 * step + 1 - factor
        line = out.swapaxes(0, axis)[step::factor]
        mixed = blocks[1 : len(line) + 1] * np.uint16(2 * factor - abs(offset))
        mixed += blocks[2 if offset > 0 else 0 :][: len(line)] * np.uint16(abs(offset))
        mixed += np.uint16(factor)
        mixed //= np.uint16(2 * factor)
        line[...] = mixed
    return out


def to_grey(batch: Array) -> Array:
    """Return the one mixture of red, green and blue in which fine strokes differ most from their surroundings."""
    if batch.ndim == 3:
        return batch
    if batch.shape[3] == 1:
        return np.asarray(batch[..., 0])
    return mix_channels(batch, weigh_channels(shrink(batch, _COLOUR_SIDE)))


def mix_channels(batch: Array, weights: Array) -> Array:
    """Return a mixture of red, green and blue, by weights (n, 3) such as those of :func:`weigh_channels`."""
    lowest = (255 * np.minimum(weights, 0).sum(axis=1)).astype(np.float32)
    mixed = np.empty(batch.shape[:3], np.uint8)
    # One by one, so that what is in work stays near the processor.
    for image, own, offset, result in zip(batch, weights.astype(np.float32), lowest, mixed, strict=True):
        grey = np.full(image.shape[:2], -offset)
        for channel in range(3):
            grey += image[..., channel] * own[channel]
        np.rint(grey.clip(0, 255, out=grey), out=grey)
        result[:] = grey
    return mixed


def weigh_channels(batch: Array) -> Array:
    """Return weights (n, 3) whose sizes sum to 1: the main axis of what a smoothed copy of the image lacks."""
    from lenetkit._utils.ndimage import ndimage

    size = max(3, max(batch.shape[1:3]) // _DETAILS | 1)
    levels = batch.astype(np.int64)
    details = levels - ndimage.uniform_filter(levels, (1, size, size, 1))
    # In integers, so that an image's weights do not depend on the batch.
    together = np.einsum("nhwc,nhwd->ncd", details, details).astype(np.float64)
    # Without any details all channels count the same.
    main = np.linalg.eigh(together + 1e-3)[1][:, :, -1]
    main = np.where(np.abs(main) < 1e-9, 0, main)
    strongest = np.take_along_axis(main, np.abs(main).argmax(axis=1)[:, np.newaxis], axis=1)
    total = main.sum(axis=1, keepdims=True)
    sign = np.where(np.abs(total) > 1e-6, total, strongest)
    return np.asarray(np.where(sign < 0, -main, main) / np.abs(main).sum(axis=1, keepdims=True))
