"""SVHN, cropped: 99,289 digits of house numbers in photographs, 32 x 32 pixels in colour."""

import os
from pathlib import Path

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.mat import FORMAT
from lenetkit.datasets._loading import register_dataset

__all__ = ["SVHN", "load"]

_MIRROR = "https://ufldl.stanford.edu/housenumbers/"


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    return FORMAT.read(paths[f"{part}_32x32.mat"], "all")


SVHN = Published(
    name="svhn",
    class_names=tuple("0123456789"),
    read=_read,
    parts={
        "train": (
            packed_file(
                f"{_MIRROR}train_32x32.mat",
                size=182040794,
                sha256="435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            ),
        ),
        "test": (
            packed_file(
                f"{_MIRROR}test_32x32.mat",
                size=64275384,
                sha256="cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            ),
        ),
    },
)
"""The records of SVHN's two files of cropped digits."""


@register_dataset(
    "svhn",
    description="99,289 digits of house numbers in photographs, 32 x 32 pixels in colour, 73,257 for training.",
    epochs=20,
    licence="for non-commercial use, as its page states",
    citation='Y. Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011',
    source="SHA-256 in tensorflow-datasets 4.9.10, datasets/svhn_cropped/checksums.tsv",
    splits=("train: 73,257", "test: 26,032"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load SVHN's cropped digits; images (n, 32, 32, 3), neighbours at the edges included.

    See :func:`lenetkit.datasets.load_dataset`.
    """
    return SVHN.load(subset=subset, data_dir=data_dir, download=download)
