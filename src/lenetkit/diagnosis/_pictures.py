"""Images as people have them, taken through the transforms one by one: what cannot be read stops none of the others.

In: what a pipeline predicts. Out: what its model would see, or what is wrong, and a few facts about what came in.
"""

import os
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

if TYPE_CHECKING:
    from lenetkit.transforms import Compose

__all__ = ["Array", "FittedPipeline", "Taken", "as_list", "name_of", "take"]

Array = npt.NDArray[Any]

# Of larger pictures every second, third, ... pixel is looked at: these are facts about the whole.
_ENOUGH = 512


class FittedPipeline(Protocol):
    """What diagnosis needs of a :class:`lenetkit.pipeline.Pipeline`."""

    @property
    def transforms_(self) -> "Compose":
        """The fitted transforms."""
        ...

    @property
    def classes_(self) -> Array:
        """The labels in the order of the probabilities."""
        ...

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each image."""
        ...


class Taken(NamedTuple):
    """One image: what the transforms made of it, and what it was.

    Parameters
    ----------
    prepared : ndarray of shape (height, width[, channels]) or Exception
        After the transforms, or what stopped them.
    peak : float
        Level of the brightest pixel as it came, white being 1.
    span : float
        From the darkest to the brightest pixel as it came, in grey.
    colours : float
        The same in the one of red, green and blue where it is largest.
    """

    prepared: "Array | Exception"
    peak: float = 0.0
    span: float = 0.0
    colours: float = 0.0


def as_list(images: Any) -> Any:
    """Return images as something with a length: an array as it is, one path or PIL image as a list.

    Raises
    ------
    DataError
        If it is no images at all.
    """
    shape = getattr(images, "shape", None)
    if isinstance(shape, tuple) and hasattr(images, "dtype"):
        if len(shape) in (3, 4) and 0 not in shape:
            return images
        hint = " For a single image pass images[None]." if len(shape) == 2 else ""
        raise DataError(
            "images must have shape (n, height, width) or (n, height, width, channels) with at least one pixel; "
            f"got {shape}.{hint}"
        )
    if isinstance(images, str | os.PathLike | bytes) or hasattr(images, "convert"):
        return [images]
    if not isinstance(images, list | tuple):
        raise DataError(
            f"images must be an array, a path, a PIL image or a list of these; got {type(images).__name__}."
        )
    if not images:
        raise DataError("there are no images: got an empty list.")
    return images


def name_of(image: Any, place: int) -> str:
    """Return how people call an image: its path, or its place in the list."""
    return os.fspath(image) if isinstance(image, str | os.PathLike) else f"images[{place}]"


def take(images: Any, transforms: "Compose") -> list[Taken]:
    """Take images through transforms, an array at once if it can be, anything else one by one."""
    if isinstance(images, list | tuple):
        return [_take_one(image, transforms) for image in images]
    try:
        prepared = transforms(images)
        return [Taken(*found) for found in zip(prepared, *_facts(np.asarray(images)), strict=True)]
    # Transforms may be anybody's functions. Which of the images they cannot take is found out here.
    except Exception:
        return [_take_row(np.asarray(images[row]), transforms) for row in range(len(images))]


def _take_one(image: Any, transforms: "Compose") -> Taken:
    from lenetkit.datasets import read_image

    try:
        return _take_row(read_image(image), transforms)
    except DataError as error:
        return Taken(error)


def _take_row(image: Array, transforms: "Compose") -> Taken:
    batch = image[np.newaxis]
    try:
        (prepared,) = transforms(batch)
        ((peak,), (span,), (colours,)) = _facts(batch)
    except Exception as error:
        return Taken(error)
    return Taken(np.asarray(prepared), float(peak), float(span), float(colours))


def _facts(images: Array) -> tuple[Array, Array, Array]:
    """Return peak, span and colours of checked images."""
    white = 255 if images.dtype == np.uint8 else 1
    step = -(-max(images.shape[1:3]) // _ENOUGH)
    images = images[:, ::step, ::step]
    if images.ndim == 3 or images.shape[3] == 1:
        flat = images.reshape(len(images), -1)
        span = np.ptp(flat, axis=1) / white
        return flat.max(axis=1) / white, span, span
    # ITU-R 601; what has another number of channels has no colours.
    weights = [0.299, 0.587, 0.114] if images.shape[3] == 3 else np.full(images.shape[3], 1 / images.shape[3])
    grey = images @ np.asarray(weights, np.float32)
    span = np.ptp(grey, axis=(1, 2)) / white
    colours = np.ptp(images, axis=(1, 2)).max(axis=1) / white
    return images.max(axis=(1, 2, 3)) / white, span, colours
