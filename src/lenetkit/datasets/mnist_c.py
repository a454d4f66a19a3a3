"""MNIST-C: MNIST in fifteen corruptions, as published; and made anew from MNIST, for who asks for that."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.corruptions import corrupt
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._entries import name_damage
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.zip_tree import ZIP_DAMAGE
from lenetkit.datasets._loading import register_dataset
from lenetkit.datasets._subsets import split_names
from lenetkit.datasets.mnist import load as load_mnist
from lenetkit.exceptions import DownloadError

__all__ = ["MNIST_C", "load", "load_made"]

_CORRUPTIONS = (
    *("shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate", "brightness"),
    *("translate", "stripe", "fog", "spatter", "dotted_line", "zigzag", "canny_edges"),
)


def _array(archive: zipfile.ZipFile, corruption: str, name: str) -> npt.NDArray[Any]:
    with archive.open(f"mnist_c/{corruption}/{name}.npy") as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        return array


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    (path,) = paths.values()
    with name_damage(path, "lacks a file of MNIST-C", ZIP_DAMAGE), zipfile.ZipFile(path) as archive:
        labels = [_array(archive, corruption, f"{part}_labels").astype(np.int64) for corruption in _CORRUPTIONS]
        images = np.empty((sum(map(len, labels)), 28, 28), np.uint8)
        start = 0
        for corruption, values in zip(_CORRUPTIONS, labels, strict=True):
            images[start : start + len(values)] = _array(archive, corruption, f"{part}_images")[..., 0]
            start += len(values)
    groups = np.repeat(np.array(_CORRUPTIONS, np.str_), [len(values) for values in labels])
    return Labelled(images=images, labels=np.concatenate(labels), groups=groups)


_ARCHIVE = packed_file(
    "https://zenodo.org/record/3239543/files/mnist_c.zip",
    size=246661575,
    sha256="af9ee8c6a815870c7fdde5af84c7bf8db0bcfa1f41056db83871037fba70e493",
)
MNIST_C = Published(
    name="mnist_c",
    class_names=tuple("0123456789"),
    read=_read,
    parts=dict.fromkeys(("train", "test"), (_ARCHIVE,)),
)
"""The record of MNIST-C's archive."""


@register_dataset(
    "mnist_c",
    description="MNIST in fifteen corruptions, 28 x 28 pixels: 900,000 digits for training, 150,000 to test.",
    licence="not stated in its repository; its page on Zenodo names one",
    citation='N. Mu, J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", arXiv:1906.02337, 2019',
    source="SHA-256 in tensorflow-datasets 4.9.10, url_checksums/mnist_corrupted.txt",
    splits=("train: 900,000", "test: 150,000"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load MNIST-C, whose ``groups`` are the names of the corruptions.

    It is never made up: where it is not available, the error names ``"mnist_c-made"``.
    See :func:`lenetkit.datasets.load_dataset`.
    """
    try:
        return MNIST_C.load(subset=subset, data_dir=data_dir, download=download)
    except DownloadError as error:
        raise DownloadError(
            f"{error} load_dataset('mnist_c-made') makes the same fifteen corruptions from MNIST, by our own code."
        ) from error


@register_dataset(
    "mnist_c-made",
    description="MNIST in MNIST-C's fifteen corruptions, made here by lenetkit.synthesis.corrupt, not fetched.",
    licence="CC BY-SA 3.0, as copies of MNIST state; its authors state none",
    citation='N. Mu, J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", arXiv:1906.02337, 2019',
    source="made from the verified files of mnist",
    splits=("train: 900,000", "test: 150,000"),
)
def load_made(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load MNIST and spoil it as MNIST-C is spoilt, at the published severity and seed 0, in MNIST-C's order.

    The corruptions are those of :func:`lenetkit.synthesis.corrupt`: like the published ones in kind and strength, not
    pixel by pixel. ``groups`` are their names. The test part takes some ten seconds, the training part a minute and
    700 MB. See :func:`lenetkit.datasets.load_dataset`.
    """
    parts = [load_mnist(subset=part, data_dir=data_dir, download=download) for part in split_names(subset)]
    images = np.empty((len(_CORRUPTIONS) * sum(map(len, parts)), *parts[0].images.shape[1:]), np.uint8)
    start = 0
    for part in parts:
        for corruption in _CORRUPTIONS:
            images[start : start + len(part)] = corrupt(part.images, corruption)
            start += len(part)
    return Dataset(
        images=images,
        labels=np.concatenate([np.tile(part.labels, len(_CORRUPTIONS)) for part in parts]),
        groups=np.concatenate([np.repeat(np.array(_CORRUPTIONS, np.str_), len(part)) for part in parts]),
        class_names=parts[0].class_names,
        name="mnist_c-made",
    )
