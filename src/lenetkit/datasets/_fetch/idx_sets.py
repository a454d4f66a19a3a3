"""Data sets that are published as MNIST is: four IDX files.

In: a :class:`RemoteIdx` record. Out: a :class:`~lenetkit.datasets.Dataset`. Next: :mod:`lenetkit.transforms`.
"""

import math
import os
from collections.abc import Sequence

import attrs
import numpy as np

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.mirrors import fetch_files
from lenetkit.datasets._fetch.records import Content, RemoteFile, as_strings
from lenetkit.datasets._subsets import split_names
from lenetkit.datasets._views import join_images
from lenetkit.exceptions import DataError

__all__ = ["RemoteIdx", "mnist_files"]

# The files of MNIST and its replacements: name, the array's name in Keras' copies, and bytes.
_MNIST_FILES = {
    "train_images": ("train-images-idx3-ubyte", "x_train", 47_040_016),
    "train_labels": ("train-labels-idx1-ubyte", "y_train", 60_008),
    "test_images": ("t10k-images-idx3-ubyte", "x_test", 7_840_016),
    "test_labels": ("t10k-labels-idx1-ubyte", "y_test", 10_008),
}


def mnist_files(*, mirrors: Sequence[str], copies: Sequence[str], sha256: Sequence[str]) -> dict[str, RemoteFile]:
    """Return the records of four files with MNIST's names and sizes.

    `mirrors` and `copies` are templates with ``{name}`` and ``{key}`` (Keras' name of the array); `sha256` are the
    hashes of training images, training labels, test images and test labels.
    """
    return {
        part: RemoteFile(
            name=name,
            size=size,
            sha256=digest,
            mirrors=[template.format(name=name) for template in mirrors],
            copies=[template.format(name=name, key=key) for template in copies],
        )
        for (part, (name, key, size)), digest in zip(_MNIST_FILES.items(), sha256, strict=True)
    }


@attrs.frozen(kw_only=True)
class RemoteIdx:
    """A data set of four IDX files: images and labels of a training and a test part.

    Parameters
    ----------
    name : str
        The data set's name, which is the name of its folder.
    class_names : sequence of str
        The meaning of the labels 0, 1, ...
    train_images, train_labels, test_images, test_labels : RemoteFile
        The files; images are uint8 of shape (n, height, width), labels uint8 of shape (n,).

    Examples
    --------
    >>> from lenetkit.datasets import RemoteFile, RemoteIdx
    >>> parts = ["train_images", "train_labels", "test_images", "test_labels"]
    >>> mirrors = ["https://example.org/letters/labels.gz"]
    >>> files = {part: RemoteFile(name=part, size=60008, sha256="65" * 32, mirrors=mirrors) for part in parts}
    >>> RemoteIdx(name="letters", class_names="ABCDEFGHIJ", **files).load(subset="test", download=False)
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.DownloadError: ...

    A data set of one's own, in one file::

        from lenetkit.datasets import RemoteFile, RemoteIdx, register_dataset

        LETTERS = RemoteIdx(
            name="letters",
            class_names="ABCDEFGHIJ",
            train_images=RemoteFile(
                name="train-images-idx3-ubyte",
                size=7840016,
                sha256="...",
                mirrors=["https://example.org/letters/train-images-idx3-ubyte.gz"],
            ),
            ...,
        )


        @register_dataset("letters", description="Ten letters of 28 x 28 pixels.")
        def load(*, subset, data_dir, download):
            return LETTERS.load(subset=subset, data_dir=data_dir, download=download)
    """

    name: str
    class_names: tuple[str, ...] = attrs.field(converter=as_strings)
    train_images: RemoteFile
    train_labels: RemoteFile
    test_images: RemoteFile
    test_labels: RemoteFile

    def load(
        self, *, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True
    ) -> Dataset:
        """Return the data set or one of its predefined splits; only the files of that split are looked for.

        Parameters are those of :func:`load_dataset`.

        Returns
        -------
        Dataset
            ``"all"`` is the training part followed by the test part.

        Raises
        ------
        SettingError
            If `subset` is none of the three.
        DownloadError
            If a file is neither on this machine nor available from a mirror.
        DataError
            If a file is what its record says and yet not an IDX file of images or labels.
        """
        pairs = {"train": (self.train_images, self.train_labels), "test": (self.test_images, self.test_labels)}
        files = [file for part in split_names(subset) for file in pairs[part]]
        contents = fetch_files(self.name, files, data_dir=data_dir, download=download)
        arrays = [_array(content, file.name) for content, file in zip(contents, files, strict=True)]
        return Dataset(
            images=join_images(arrays[::2]),
            labels=np.concatenate(arrays[1::2]),
            class_names=self.class_names,
            name=self.name,
        )


def _array(content: Content, name: str) -> Content:
    """Return the array of an IDX file without a copy, so that a memory map stays one."""
    magic, n_axes = bytes(content[:3]), int(content[3:4].sum())
    start = 4 + 4 * n_axes
    shape = tuple(content[4:start].view(">u4").tolist()) if len(content) >= start else ()
    if magic != b"\0\0\x08" or math.prod(shape) != len(content) - start:
        raise DataError(f"{name} must be an IDX file of unsigned bytes, and its record's hash is of something else.")
    return content[start:].reshape(shape)
