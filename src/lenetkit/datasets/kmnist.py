"""Kuzushiji-MNIST: 70,000 Japanese characters of old books in the format of MNIST."""

import os
from pathlib import Path

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.idx_pairs import read_idx_pair
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._loading import register_dataset

__all__ = ["KMNIST", "load"]

_MIRROR = "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    return read_idx_pair(paths[f"{'train' if part == 'train' else 't10k'}-images-idx3-ubyte.gz"])


KMNIST = Published(
    name="kmnist",
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    read=_read,
    parts={
        "train": (
            packed_file(
                f"{_MIRROR}train-images-idx3-ubyte.gz",
                size=18165135,
                sha256="51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            ),
            packed_file(
                f"{_MIRROR}train-labels-idx1-ubyte.gz",
                size=29497,
                sha256="e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            ),
        ),
        "test": (
            packed_file(
                f"{_MIRROR}t10k-images-idx3-ubyte.gz",
                size=3041136,
                sha256="edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            ),
            packed_file(
                f"{_MIRROR}t10k-labels-idx1-ubyte.gz",
                size=5120,
                sha256="20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        ),
    },
)
"""The records of Kuzushiji-MNIST's four files."""


@register_dataset(
    "kmnist",
    description="70,000 Japanese characters of 28 x 28 pixels, 60,000 of them for training.",
    licence="CC BY-SA 4.0",
    citation='T. Clanuwat et al., "Deep Learning for Classical Japanese Literature", arXiv:1812.01718, 2018',
    source="SHA-256 in tensorflow-datasets 4.9.10, url_checksums/kmnist.txt",
    splits=("train: 60,000", "test: 10,000"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load Kuzushiji-MNIST; images (n, 28, 28) are bright on black. See :func:`lenetkit.datasets.load_dataset`."""
    return KMNIST.load(subset=subset, data_dir=data_dir, download=download)
