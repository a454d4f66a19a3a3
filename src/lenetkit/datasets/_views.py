"""Views of large sets of images, which are read when they are indexed.

In: arrays and memory maps of images. Out: a selection that copies nothing: a slice of an array is a view anyway, a
selection by index or a set that lies in several files becomes :class:`IndexedImages`.
Next: :class:`~lenetkit.datasets.Dataset` holds it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from lenetkit._utils.memmap import read_rows
from lenetkit.exceptions import DataError, SettingError

__all__ = ["LARGE", "Images", "IndexedImages", "Labels", "join_images", "select_images"]

# Bytes up to which a selection is simply copied: all of MNIST is 55 MB, all of EMNIST 640 MB.
LARGE = 128 * 2**20

Pixels: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[Any]
Index: TypeAlias = npt.NDArray[np.int64]


class IndexedImages:
    """A selection of images that are read when they are asked for.

    The ``images`` of a :class:`Dataset` that is large and was selected from by index or lies in several files. It is
    indexed like an array along its first axis: an index or a boolean mask *reads* (gives an ndarray), a slice is
    another view. ``numpy.asarray(images)`` reads everything.

    Parameters
    ----------
    parts : sequence of ndarray of shape (n_i, height, width[, channels])
        uint8 arrays or memory maps, one after the other.
    index : ndarray of shape (n,), optional
        int64 positions in the joined parts, each at least 0; all of them by default.

    Raises
    ------
    DataError
        If the parts hold images of different shapes.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.datasets import IndexedImages
    >>> images = IndexedImages([np.zeros((3, 8, 8), np.uint8), np.ones((2, 8, 8), np.uint8)])
    >>> images
    IndexedImages(shape=(5, 8, 8), dtype=uint8)
    >>> images[[0, 4]].mean(axis=(1, 2))
    array([0., 1.])
    >>> images[2:]
    IndexedImages(shape=(3, 8, 8), dtype=uint8)
    """

    def __init__(self, parts: Sequence[Pixels], index: Index | None = None) -> None:
        shapes = {part.shape[1:] for part in parts}
        if len(shapes) != 1:
            raise DataError(
                "the parts of a data set must hold images of one shape; got "
                f"{' and '.join(str(part.shape) for part in parts) or 'no part at all'}."
            )
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self._index = (np.arange(self._starts[-1]) if index is None else index).view()
        self._index.flags.writeable = False

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, height, width[, channels])."""
        return (len(self._index), *self._parts[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        return np.dtype(np.uint8)

    @property
    def ndim(self) -> int:
        """Number of axes, 3 or 4."""
        return self._parts[0].ndim

    @property
    def nbytes(self) -> int:
        """Bytes that reading everything would take."""
        return int(np.prod(self.shape, dtype=object))

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"IndexedImages(shape={self.shape}, dtype=uint8)"

    def __iter__(self) -> Iterator[Pixels]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, key: slice) -> "IndexedImages": ...
    @overload
    def __getitem__(self, key: int | Sequence[int] | npt.NDArray[Any]) -> Pixels: ...
    def __getitem__(self, key: Any) -> "Pixels | IndexedImages":
        if isinstance(key, slice):
            return IndexedImages(self._parts, self._index[key])
        if isinstance(key, tuple):
            raise SettingError(
                "images that are read on demand are indexed along their first axis only; "
                "select some first, as in images[:100][...], or read everything with numpy.asarray(images)."
            )
        rows = self._index[key]
        return self._read(rows) if rows.ndim else self._read(rows[None])[0]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("images that are read on demand cannot become an array without a copy.")
        return self._read(self._index).astype(np.uint8 if dtype is None else dtype, copy=False)

    def select(self, index: Index) -> "IndexedImages":
        """Return a view of the images at the int64 positions `index` (n,) without reading them."""
        return IndexedImages(self._parts, self._index[index])

    def _read(self, rows: Index) -> Pixels:
        if len(self._parts) == 1:
            return read_rows(self._parts[0], rows)
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        parts = np.searchsorted(self._starts, rows, side="right") - 1
        for index, part in enumerate(self._parts):
            here = np.flatnonzero(parts == index)
            images[here] = read_rows(part, rows[here] - self._starts[index])
        return images


Images: TypeAlias = Pixels | IndexedImages


def join_images(parts: Sequence[Pixels]) -> Images:
    """Put the parts (n_i, height, width[, channels]) of a data set one after the other; large ones are not copied.

    Raises
    ------
    DataError
        If the parts hold images of different shapes.
    """
    return _read_small(parts[0] if len(parts) == 1 else IndexedImages(parts))


def select_images(images: Images, key: slice | Index) -> Images:
    """Return selected images: an ndarray if it is a slice of one or takes at most 128 MiB, otherwise a view."""
    if isinstance(key, slice):
        return _read_small(images[key])
    view = images if isinstance(images, IndexedImages) else IndexedImages([images])
    return _read_small(view.select(key))


def _read_small(images: Images) -> Images:
    return np.asarray(images) if isinstance(images, IndexedImages) and images.nbytes <= LARGE else images
