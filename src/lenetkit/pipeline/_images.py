"""Images as people have them, made into what the stages take."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

if TYPE_CHECKING:
    from lenetkit.transforms import Compose

__all__ = ["affine_of", "as_one_array", "fit_and_prepare", "read"]


def read(images: Any) -> Any:
    """Return images as arrays; see :func:`lenetkit.datasets.read_images`."""
    from lenetkit.datasets import read_images

    return read_images(images)


def as_one_array(images: Any) -> Any:
    """Return images that the transforms brought to one size; say what is missing if they did not."""
    if isinstance(images, list):
        shapes = sorted({image.shape for image in images})
        raise DataError(
            f"after the transforms all images must have one shape; got {', '.join(map(str, shapes[:4]))}. "
            "Add lenetkit.transforms.Resize."
        )
    return images


def fit_and_prepare(transforms: "Compose", images: Any) -> tuple[Any, dict[str, Any]]:
    """Let the transforms learn, and apply all but a trailing affine one, which the trainer does in its graph."""
    head, affine = transforms.fit(images).split_affine()
    prepared = as_one_array(head(images))
    scale, offset = affine_of(affine, prepared.dtype)
    return prepared, {"scale": scale, "offset": offset}


def affine_of(affine: Any, dtype: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the map that the last transform makes of pixels of this type; without one pixels stay as they are."""
    if affine is None:
        return np.ones((), np.float32), np.zeros((), np.float32)
    scale, offset = affine.affine(dtype)
    return scale, offset
