"""Kannada-MNIST: 70,000 digits of the Kannada script in the format of MNIST."""

import os
from pathlib import Path

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.idx_pairs import read_idx_pair
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._loading import register_dataset

__all__ = ["KANNADA", "load"]

_MIRROR = "https://raw.githubusercontent.com/vinayprabhu/Kannada_MNIST/master/data/output_tensors/MNIST_format/"
_MOST = 60_000_000
_MD5 = {
    "train": ("db2cd247b479801b3a882ab980b340c3", "f1f06031670554894b697988b906b036"),
    "test": ("8682876e8fbc8cd0e7bb07fc2f502335", "b426d27d50a5fd8411b9e5838868be4b"),
}


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    return read_idx_pair(paths[f"X_kannada_MNIST_{part}-idx3-ubyte.gz"])


KANNADA = Published(
    name="kannada",
    class_names=tuple("0123456789"),
    read=_read,
    parts={
        part: (
            packed_file(f"{_MIRROR}X_kannada_MNIST_{part}-idx3-ubyte.gz", size=_MOST, md5=images),
            packed_file(f"{_MIRROR}y_kannada_MNIST_{part}-idx1-ubyte.gz", size=_MOST, md5=labels),
        )
        for part, (images, labels) in _MD5.items()
    },
)
"""The records of Kannada-MNIST's four files."""


@register_dataset(
    "kannada",
    description="70,000 digits of the Kannada script, 28 x 28 pixels, 60,000 of them for training.",
    licence="not stated in its repository",
    citation='V. U. Prabhu, "Kannada-MNIST: A new handwritten digits dataset for the Kannada language", '
    "arXiv:1908.01242, 2019",
    source="MD5 in keras/datasets/kannada_mnist.py of the repository jjangsangy/keras, commit 1f51624",
    splits=("train: 60,000", "test: 10,000"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load Kannada-MNIST; images (n, 28, 28) are bright on black. See :func:`lenetkit.datasets.load_dataset`."""
    return KANNADA.load(subset=subset, data_dir=data_dir, download=download)
