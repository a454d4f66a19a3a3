"""QMNIST: MNIST made again from NIST's forms, with its writers and the 50,000 test digits that were lost."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.mirrors import fetch_paths
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.idx import read_idx_labels
from lenetkit.datasets._formats.idx_pairs import read_idx_pair
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._loading import register_dataset
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.exceptions import DownloadError

__all__ = ["QMNIST", "find_mnist_writers", "load", "load_lost"]

_MIRROR = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
_MOST = 20_000_000
# The first digits of the test part are those of MNIST's.
_KNOWN = 10_000
_MD5 = {
    "train": ("ed72d4157d28c017586c42bc6afe6370", "0058f8dd561b90ffdd0f734c6a30e5e4"),
    "test": ("1394631089c404de565df7b7aeaf9412", "5b5b05890a5e13444e108efe57b788aa"),
}


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    return read_idx_pair(paths[f"qmnist-{part}-images-idx3-ubyte.gz"])


QMNIST = Published(
    name="qmnist",
    class_names=tuple("0123456789"),
    read=_read,
    parts={
        part: (
            packed_file(f"{_MIRROR}qmnist-{part}-images-idx3-ubyte.gz", size=_MOST, md5=images),
            packed_file(f"{_MIRROR}qmnist-{part}-labels-idx2-int.gz", size=_MOST, md5=labels),
        )
        for part, (images, labels) in _MD5.items()
    },
)
"""The records of QMNIST's four files."""

_LICENCE = "BSD with three clauses, as its repository states"
_CITATION = 'C. Yadav, L. Bottou, "Cold Case: The Lost MNIST Digits", NeurIPS 2019'
_SOURCE = "MD5 in torchvision 0.29.2, datasets/mnist.py"


@register_dataset(
    "qmnist",
    description="120,000 digits of 28 x 28 pixels with their writers: MNIST made again, and its lost 50,000.",
    licence=_LICENCE,
    citation=_CITATION,
    source=_SOURCE,
    splits=("train: 60,000", "test: 60,000, of which the first 10,000 are MNIST's"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load QMNIST, whose ``groups`` are NIST's writers; images (n, 28, 28) are bright on black.

    See :func:`lenetkit.datasets.load_dataset`.
    """
    return QMNIST.load(subset=subset, data_dir=data_dir, download=download)


@register_dataset(
    "qmnist-lost",
    description="The 50,000 test digits of MNIST that were lost, with their writers.",
    licence=_LICENCE,
    citation=_CITATION,
    source=_SOURCE,
)
def load_lost(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load the lost digits, which no one tuned on for twenty years. See :func:`lenetkit.datasets.load_dataset`."""
    refuse_splits("the data set 'qmnist-lost'", subset)
    return QMNIST.load(subset="test", data_dir=data_dir, download=download)[_KNOWN:]


def find_mnist_writers(labels: npt.NDArray[Any], *, subset: str, data_dir: Any = None) -> npt.NDArray[np.int64] | None:
    """Return the writers of MNIST's images, int64 (n,), if QMNIST's tables of them are on this machine; else None.

    Nothing is fetched. Tables that are not for these labels are left alone.
    """
    parts = split_names(subset)
    files = [QMNIST.parts[part][1] for part in parts]
    try:
        paths = fetch_paths("qmnist", files, data_dir=data_dir, download=False)
    except DownloadError:
        return None
    tables = [read_idx_labels(paths[file.name]) for file in files]
    known = [slice(_KNOWN if part == "test" else None) for part in parts]
    digits = np.concatenate([found[rows] for (found, _), rows in zip(tables, known, strict=True)])
    writers = [groups[rows] for (_, groups), rows in zip(tables, known, strict=True) if groups is not None]
    return np.concatenate(writers) if len(writers) == len(parts) and np.array_equal(digits, labels) else None
