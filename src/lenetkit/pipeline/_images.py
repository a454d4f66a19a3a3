"""Images as people have them, made into what the stages take."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

if TYPE_CHECKING:
    from lenetkit.transforms import Compose

__all__ = ["affine_of", "as_one_array", "fit_and_prepare", "read"]


def read(images: Any) -> Any:
    """Return images as arrays: what is an array stays one, everything else is read.

    Parameters
    ----------
    images : array-like, path, PIL image, or sequence of these; or pandas.DataFrame
        A single path or PIL image is one image; a table has one row for each image and a column for each pixel.

    Returns
    -------
    array-like of shape (n, height, width[, channels]) or list of ndarray
        uint8 where it was read from pictures.

    Raises
    ------
    DataError
        If there are no images, or one cannot be read: the message names it.
    """
    if hasattr(images, "columns") and hasattr(images, "to_numpy"):
        from lenetkit.datasets._formats.csv import images_of_table

        return images_of_table(images)
    if _is_column(images):
        images = images.tolist()
    if hasattr(images, "shape") and hasattr(images, "dtype"):
        return images
    from lenetkit.datasets import read_image, read_images

    if isinstance(images, (str, os.PathLike, bytes)) or hasattr(images, "convert"):
        return [read_image(images)]
    if not isinstance(images, (list, tuple)):
        raise DataError(
            f"images must be an array, a path, a PIL image or a list of these; got {type(images).__name__}."
        )
    if not images:
        raise DataError("there are no images: got an empty list.")
    return read_images(images)


def _is_column(images: Any) -> bool:
    """Tell whether this is a list in another form, such as a table's column of paths."""
    kind = getattr(getattr(images, "dtype", None), "kind", "")
    return getattr(images, "ndim", 0) == 1 and kind in {"O", "U", "T"}


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
