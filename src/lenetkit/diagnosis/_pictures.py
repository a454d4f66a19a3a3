"""Images read and transformed one by one: one that cannot be read stops none of the others.

In: images as for a pipeline's ``predict``. Out: the model's input, or the error, and the pixels' range as they came.
"""

from itertools import chain
from typing import Any, NamedTuple, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._ink import has_bands, has_edge_lines
from lenetkit._utils.threads import count_threads
from lenetkit.datasets import map_images
from lenetkit.exceptions import DataError
from lenetkit.transforms import Compose, Look

__all__ = ["Answer", "Array", "FittedPipeline", "PreparedImage", "prepare"]

Array = npt.NDArray[Any]

# Of larger images every second, third, ... pixel is looked at: these are facts about the whole.
_ENOUGH = 512


class FittedPipeline(Protocol):
    """The part of a :class:`lenetkit.pipeline.Pipeline` that diagnosis needs."""

    @property
    def transforms_(self) -> Compose:
        """The fitted transforms."""

    @property
    def classes_(self) -> Array:
        """The labels in the order of the probabilities."""

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each image."""

    def looks(self, images: Any) -> list[tuple[Look, ...]]:
        """Return all looks at each image."""


@attrs.frozen(kw_only=True, eq=False)
class Answer:
    """The probabilities that a model gives an image: base of :class:`Trace` and :class:`FeatureMaps`."""

    probabilities: npt.NDArray[np.float32] = attrs.field(repr=False)
    classes: Array = attrs.field(repr=False)

    @property
    def label(self) -> Any:
        """The most probable label."""
        return self.classes[self.probabilities.argmax()]


class PreparedImage(NamedTuple):
    """One image after the transforms, and the range of its pixels as they came, white being 1."""

    pixels: "Array | Exception"  # (height, width[, channels]) after the transforms, or the error that stopped them
    peak: float = 0.0  # the brightest pixel
    span: float = 0.0  # from the darkest to the brightest pixel, in grey
    colours: float = 0.0  # the same in the one of red, green and blue where it is largest
    lined: bool = False  # straight lines run along its border
    banded: bool = False  # a part along its border is inverted


def prepare(images: Any, transforms: Compose, n_jobs: int | None = None) -> tuple[tuple[str, ...], list[PreparedImage]]:
    """Read images and apply transforms to them, a few at a time; return their names and the results."""
    count_threads(n_jobs)
    n_jobs = n_jobs if transforms.elementwise else 1
    found = list(
        chain.from_iterable(map_images(images, lambda pictures: _prepare(pictures, transforms), n_jobs=n_jobs))
    )
    prepared = [PreparedImage(image) if isinstance(image, DataError) else image for _, image in found]
    return tuple(name for name, _ in found), prepared


def _prepare(images: list[Array], transforms: Compose) -> list[PreparedImage]:
    """Apply transforms to images of one size at once, to all others one by one."""
    if len({(image.shape, image.dtype) for image in images}) == 1:
        batch = np.stack(images) if len(images) > 1 else images[0][np.newaxis]
        # Transforms may be anybody's functions. Which of the images they cannot take is found out below.
        try:
            return [PreparedImage(*found) for found in zip(transforms(batch), *_facts(batch), strict=True)]
        except Exception as error:
            if len(images) == 1:
                return [PreparedImage(error)]
    return [prepared for image in images for prepared in _prepare([image], transforms)]


def _facts(images: Array) -> tuple[Array, ...]:
    """Return peak, span, colours, *border and banded of checked images."""
    white = 255 if images.dtype == np.uint8 else 1
    plain = images.ndim == 3 or images.shape[3] in (1, 3)
    levels = images if white == 255 else np.rint(images * 255).astype(np.uint8)
    border = [find(levels) if plain else np.zeros(len(images), bool) for find in (has_edge_lines, has_bands)]
    step = -(-max(images.shape[1:3]) // _ENOUGH)
    images = images[:, ::step, ::step]
    if images.ndim == 3 or images.shape[3] == 1:
        flat = images.reshape(len(images), -1)
        span = np.ptp(flat, axis=1) / white
        return flat.max(axis=1) / white, span, span, *border
    # ITU-R 601; what has another number of channels has no colours.
    weights = [0.299, 0.587, 0.114] if images.shape[3] == 3 else np.full(images.shape[3], 1 / images.shape[3])
    grey = images @ np.asarray(weights, np.float32)
    span = np.ptp(grey, axis=(1, 2)) / white
    colours = np.ptp(images, axis=(1, 2)).max(axis=1) / white
    return images.max(axis=(1, 2, 3)) / white, span, colours, *border
