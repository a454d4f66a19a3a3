"""Images with their labels, as one frozen object.

In: arrays, or what a loader read. Out: :class:`Dataset`. Next: :mod:`lenetkit.transforms`.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit._utils.fingerprint import fingerprint
from lenetkit._utils.html import card, heading, note, table, text, thumbnail
from lenetkit._utils.lazy import lazy
from lenetkit._utils.memmap import iter_chunks
from lenetkit._utils.validation import whole_number
from lenetkit.datasets._columns import as_groups, as_images, as_labels, as_names
from lenetkit.datasets._views import Images, select_images
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    import pandas as pd

    from lenetkit.plotting import DigitsDisplay

__all__ = ["Dataset"]

# More classes than any script has characters: beyond it a label is a mistake, not a class.
_MOST_CLASSES = 2**16
# A notebook shows this many of them.
_SHOWN_CLASSES = 20


@attrs.frozen(kw_only=True, eq=False, repr=False, slots=False)
class Dataset:
    """Images with their labels, and the names of the classes. Nothing in it changes.

    Parameters
    ----------
    images : ndarray or IndexedImages of shape (n, height, width) or (n, height, width, channels)
        uint8 in [0, 255]; 1 to 4 channels. Kept as it is, a memory map too; only writing to it is switched off.
    labels : array-like of shape (n,)
        Integers, which are indices into `class_names`, or strings, each of which is in `class_names`.
        Kept as int64 or str.
    class_names : sequence of str, optional
        Default: ``"0"`` to the largest integer label, or the sorted distinct strings.
    name : str, default "unnamed"
        For messages and reports.
    epochs : int, default 5
        Number of epochs that the classical procedure needs on it, at least 1.
    groups : array-like of shape (n,), optional
        Integers or strings: the group that each image comes from, such as its writer. Images of one group resemble
        each other, so an honest split keeps a group in one part. Kept as int64 or str; selections keep their own.

    Raises
    ------
    DataError
        If the images are not uint8 or have another number of axes, if there are more or fewer labels or groups than
        images, or if a label is outside the classes; the message names the first offender.
    SettingError
        If `epochs` is not a positive integer or two classes have one name.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.datasets import Dataset
    >>> strokes = Dataset(
    ...     images=np.zeros((4, 28, 28), np.uint8), labels=[0, 1, 1, 0], class_names=["bar", "dash"], name="strokes"
    ... )
    >>> strokes
    Dataset('strokes': 4 images of 28 x 28, 2 classes)
    >>> strokes[1:3].labels
    array([1, 1])
    >>> strokes[strokes.labels == 0]
    Dataset('strokes': 2 images of 28 x 28, 2 classes)
    """

    images: Images = attrs.field(converter=as_images)
    labels: npt.NDArray[Any] = attrs.field(converter=as_labels)
    class_names: tuple[str, ...] = attrs.field(converter=as_names)
    name: str = "unnamed"
    epochs: int = attrs.field(default=5, validator=whole_number(1, None))
    groups: npt.NDArray[Any] | None = attrs.field(default=None, converter=as_groups)

    @class_names.default
    def _default_class_names(self) -> tuple[str, ...]:
        if self.labels.dtype.kind == "U":
            return tuple(np.unique(self.labels).tolist())
        highest = int(self.labels.max(initial=-1))
        if highest >= _MOST_CLASSES:
            index = int(self.labels.argmax())
            raise DataError(
                f"labels[{index}] is {highest}; integer labels number the classes from 0, and {_MOST_CLASSES} "
                "classes are the most there can be. Use strings, or number the classes anew."
            )
        return tuple(map(str, range(highest + 1)))

    @images.validator
    def _check_images(self, _: Any, images: Images) -> None:
        if images.dtype != np.uint8:
            raise DataError(
                f"images must be uint8 in [0, 255]; got {images.dtype}. "
                "For values in [0, 1] pass (images * 255).round().astype(numpy.uint8)."
            )
        if images.ndim not in (3, 4) or 0 in images.shape[1:] or (images.ndim == 4 and images.shape[3] > 4):
            raise DataError(
                "images must have shape (n, height, width) or (n, height, width, channels) with 1 to 4 channels; "
                f"got {images.shape}. For a single image pass images[None]; for rows of pixels reshape them first."
            )

    @labels.validator
    def _check_labels(self, _: Any, labels: npt.NDArray[Any]) -> None:
        if len(labels) != len(self.images):
            raise DataError(
                f"there must be one label for each image; got {len(self.images)} images and {len(labels)} labels."
            )
        outside = (
            ~np.isin(labels, np.array(self.class_names, dtype=np.str_))
            if labels.dtype.kind == "U"
            else (labels < 0) | (labels >= len(self.class_names))
        )
        if outside.any():
            index = int(outside.argmax())
            raise DataError(
                f"labels[{index}] is {labels[index].item()!r}, which is outside the {len(self.class_names)} "
                f"classes ({_shortened(self.class_names)}); {int(outside.sum())} of {len(labels)} labels are."
            )

    @class_names.validator
    def _check_class_names(self, _: Any, names: tuple[str, ...]) -> None:
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SettingError(f"class_names must differ from one another; {twice!r} is there more than once.")

    @groups.validator
    def _check_groups(self, _: Any, groups: npt.NDArray[Any] | None) -> None:
        if groups is not None and len(groups) != len(self.images):
            raise DataError(
                f"there must be one group for each image; got {len(self.images)} images and {len(groups)} groups."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.images.shape[1:]))
        return f"Dataset({self.name!r}: {len(self)} images of {size}, {len(self.class_names)} classes)"

    def _repr_html_(self) -> str:
        values, first, counts = np.unique(self.labels, return_index=True, return_counts=True)
        found = {self._class_name(value): index for index, value in enumerate(values)}
        shown = self.class_names[:_SHOWN_CLASSES]
        pictures = [thumbnail(self.images[first[found[name]]]) if name in found else "" for name in shown]
        numbers = [f"{counts[found[name]] if name in found else 0:,}" for name in shown]
        grid = table(["class", *map(text, shown)], [["", *pictures], ["images", *numbers]])
        n_hidden = len(self.class_names) - len(shown)
        return card(heading(repr(self)) + grid + (note(f"and {n_hidden} more classes") if n_hidden else ""))

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.uint8], Any]]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, key: int) -> tuple[npt.NDArray[np.uint8], Any]: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | npt.NDArray[Any]) -> "Dataset": ...
    def __getitem__(self, key: Any) -> Any:
        """Return one image with its label for an integer, and a data set for a slice, indices or a mask.

        Raises
        ------
        IndexError
            If a position is outside the data set.
        SettingError
            If `key` is none of these, or a mask of another length.
        """
        if isinstance(key, slice):
            return self._selected(key)
        try:
            index = np.asarray(key)
        except ValueError:
            index = np.array(None)
        if index.ndim == 0 and index.dtype.kind in "iu":
            (row,) = _checked_index(index[None], len(self))
            return np.asarray(self.images[int(row)]), self.labels[row].item()
        return self._selected(_checked_index(index, len(self)))

    def _selected(self, key: slice | npt.NDArray[np.int64]) -> "Dataset":
        groups = None if self.groups is None else self.groups[key]
        return attrs.evolve(self, images=select_images(self.images, key), labels=self.labels[key], groups=groups)

    def split(
        self, test_size: float | int = 0.1, seed: int = 0, stratify: bool = True, *, groups: bool = False
    ) -> tuple["Dataset", "Dataset"]:
        """Split into a training and a test part at random.

        The parts hold exactly what ``sklearn.model_selection.train_test_split`` gives for the same labels and seed.
        Large sets are not copied.

        Parameters
        ----------
        test_size : float or int, default 0.1
            Fraction of the images that go to the test part, between 0 and 1, or their number.
        seed : int, default 0
            Seed of the random choice, 0 to 2**32 - 1.
        stratify : bool, default True
            Keep every class's fraction the same in both parts.
        groups : bool, default False
            Leave every group, such as a writer's images, whole in one of the parts: the test then tells how other
            writers are read. The parts are those of ``sklearn.model_selection.GroupShuffleSplit``, whose `test_size`
            counts groups, and which does not stratify.

        Returns
        -------
        train, test : Dataset

        Raises
        ------
        SettingError
            If `test_size` or `seed` is invalid, a part would be empty, a class has too few members to be in both
            parts, or there are no groups to split by.

        Examples
        --------
        >>> from lenetkit.datasets import load_dataset
        >>> train, test = load_dataset("digits").split(test_size=0.1, seed=0)
        >>> len(train), len(test)
        (1617, 180)
        """
        from lenetkit.datasets._splitting import split_by_groups, split_images

        train, test = (
            split_by_groups(self, test_size, seed) if groups else split_images(self, test_size, seed, stratify)
        )
        return self._selected(train), self._selected(test)

    def _class_name(self, label: Any) -> str:
        return str(label) if self.labels.dtype.kind == "U" else self.class_names[int(label)]

    def describe(self) -> "pd.Series[Any]":
        """Return number, shape, dtype and range of the images, the number of each class, and what looks wrong.

        Returns
        -------
        pandas.Series
            Indexed by (``"images"``, what), (``"class"``, class name) and, for each doubt, (``"doubt"``, what): a
            sentence on the range, the polarity, the orientation of digits compared with MNIST's, classes that are
            missing, alone or numbered from 1, or duplicates.

        Examples
        --------
        >>> from lenetkit.datasets import load_dataset
        >>> facts = load_dataset("digits").describe()
        >>> facts["images"].to_dict()
        {'count': 1797, 'shape': '8 x 8', 'dtype': 'uint8', 'lowest': 0, 'highest': 255}
        >>> facts["class"]["7"]
        179
        """
        require_library("the description of a data set", "pandas")
        import pandas as pd

        from lenetkit.datasets._first_look import find_doubts

        ranges = [(int(chunk.min()), int(chunk.max())) for chunk in iter_chunks(self.images)]
        facts = {
            ("images", "count"): len(self),
            ("images", "shape"): " x ".join(map(str, self.images.shape[1:])),
            ("images", "dtype"): str(self.images.dtype),
            ("images", "lowest"): min((low for low, _ in ranges), default=None),
            ("images", "highest"): max((high for _, high in ranges), default=None),
        }
        values, counts = np.unique(self.labels, return_counts=True)
        count_of = {self._class_name(value): int(count) for value, count in zip(values, counts, strict=True)}
        facts.update({("class", name): count_of.get(name, 0) for name in self.class_names})
        doubts = find_doubts(self.images, self.labels, self.class_names)
        facts.update({("doubt", what): sentence for what, sentence in doubts.items()})
        return pd.Series(facts, dtype=object, name=self.name)

    def save(self, path: str | os.PathLike[str], *, format: str | None = None) -> Path:  # noqa: A002
        """Write the data set to a file or folder that :func:`load_dataset` reads back equal.

        Nothing is left half-written: a file or folder appears when all of it is on the disk. Groups are kept; of IDX
        files only integers, in QMNIST's layout. Names of classes that the labels do not tell are kept in a text file
        beside a table or in the folder.

        Parameters
        ----------
        path : str or path
            ``.npz`` (any data set), ``.csv``, ``.csv.gz`` (grey images) or ``.parquet`` (pictures, with the extra
            ``formats``); or a new or empty folder.
        format : {"npz", "csv", "parquet", "idx", "png"}, optional
            Default: that of the suffix. A folder needs it: ``"idx"`` for IDX files, ``"png"`` for pictures and a table.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        SettingError
            If the format is unknown or does not fit the suffix, or the folder is not empty.
        DataError
            If the format cannot hold the data set so that it is read back equal.
        MissingExtraError
            If Parquet is asked for, and pyarrow is not installed.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from lenetkit.datasets import load_dataset
        >>> digits = load_dataset("digits")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = digits.save(pathlib.Path(folder) / "digits.npz")
        ...     load_dataset(path).fingerprint == digits.fingerprint
        True
        """
        from lenetkit.datasets._writing import save_parts

        return save_parts({"": self}, Path(path), format)

    def plot(self, *, n_columns: int = 10, max_images: int = 50) -> "DigitsDisplay":
        """Draw the first images in a grid, each under its class name; see :func:`lenetkit.plotting.plot_digits`.

        Examples
        --------
        >>> from lenetkit.datasets import load_dataset
        >>> display = load_dataset("digits").plot(max_images=20)
        >>> [axes.get_title() for axes in display.axes_[:3]]
        ['0', '1', '2']
        """
        from lenetkit.plotting import plot_digits

        names = self.labels if self.labels.dtype.kind == "U" else np.array(self.class_names)[self.labels]
        images: Any = self.images
        return plot_digits(images, names, title=self.name, n_columns=n_columns, max_images=max_images)

    @lazy
    def fingerprint(self) -> str:
        """Hex SHA-256 of the content: shape, dtype, pixels, labels and class names.

        It does not depend on the file format, the name, or whether the images are in memory or on disk. Computed when
        first asked for, reading large sets chunk by chunk.

        Examples
        --------
        >>> from lenetkit import load_dataset
        >>> digits = load_dataset("digits")
        >>> digits.fingerprint[:16]
        'e4f01d7a279389de'
        >>> digits.fingerprint == digits[:].fingerprint
        True
        """
        return fingerprint(self.images, self.labels, self.class_names)


def _checked_index(index: npt.NDArray[Any], n: int) -> npt.NDArray[np.int64]:
    """Turn indices, negative ones too, or a mask into positions from 0 to n - 1."""
    if index.ndim == 1 and index.dtype == bool and len(index) == n:
        return np.flatnonzero(index)
    if index.ndim == 1 and not index.size:
        return np.zeros(0, np.int64)
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise SettingError(
            "a data set is indexed by an integer, a slice, a sequence of integers or a mask of shape "
            f"({n},); got {index.dtype} of shape {index.shape}."
        )
    outside = (index < -n) | (index >= n)
    if outside.any():
        raise IndexError(f"position {index[outside.argmax()]} is outside the data set, which has {n} images.")
    return np.asarray(np.where(index < 0, index + n, index), dtype=np.int64)


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:6])}, ..., {names[-1]}"
