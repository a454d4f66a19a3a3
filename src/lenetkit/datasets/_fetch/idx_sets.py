"""Data sets that are published as MNIST is: four IDX files."""

import math
import os
from collections.abc import Iterable

import attrs
import numpy as np

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.mirrors import fetch_files
from lenetkit.datasets._fetch.records import Content, RemoteFile
from lenetkit.datasets._subsets import parts_of
from lenetkit.datasets._views import join_images
from lenetkit.exceptions import DataError

__all__ = ["RemoteIdx"]


def _as_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen(kw_only=True)
class RemoteIdx:
    """A data set of four IDX files: images and labels of a training and a test part.

    Parameters
    ----------
    name : str
        The data set's name, which is the name of its folder.
    class_names : sequence of str
        What the labels 0, 1, ... mean.
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
    class_names: tuple[str, ...] = attrs.field(converter=_as_names)
    train_images: RemoteFile
    train_labels: RemoteFile
    test_images: RemoteFile
    test_labels: RemoteFile

    def load(
        self, *, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True
    ) -> Dataset:
        """Return the data set or one of its parts; only the files of that part are looked for.

        Parameters
        ----------
        subset : {"all", "train", "test"}, default "all"
            ``"all"`` is the training part followed by the test part.
        data_dir, download
            As for :func:`fetch_files`.

        Returns
        -------
        Dataset

        Raises
        ------
        SettingError
            If `subset` is none of the three.
        DownloadError
            If a file is neither on this machine nor to be had.
        DataError
            If a file is what its record says and yet not an IDX file of images or labels.
        """
        pairs = {"train": (self.train_images, self.train_labels), "test": (self.test_images, self.test_labels)}
        files = [file for part in parts_of(subset) for file in pairs[part]]
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
