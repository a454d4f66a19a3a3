"""Optical Recognition of Handwritten Digits: 5,620 digits by 43 writers, 8 x 8 counts of ink."""

import os
from pathlib import Path

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.numbers_text import FORMAT
from lenetkit.datasets._loading import register_dataset

__all__ = ["OPTDIGITS", "load"]

_MIRROR = "https://archive.ics.uci.edu/ml/machine-learning-databases/optdigits/"
_FILES = {"train": "optdigits.tra", "test": "optdigits.tes"}


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    return FORMAT.read(paths[_FILES[part]], "all")


OPTDIGITS = Published(
    name="optdigits",
    class_names=tuple("0123456789"),
    read=_read,
    parts={
        "train": (
            packed_file(
                f"{_MIRROR}optdigits.tra",
                size=563639,
                sha256="e1b683cc211604fe8fd8c4417e6a69f31380e0c61d4af22e93cc21e9257ffedd",
            ),
        ),
        "test": (
            packed_file(
                f"{_MIRROR}optdigits.tes",
                size=264712,
                sha256="6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
            ),
        ),
    },
)
"""The records of the two files. That of the test part is the bundled data set ``digits`` to the byte."""


@register_dataset(
    "optdigits",
    description="5,620 digits by 43 writers, 8 x 8 pixels of 17 levels, 3,823 for training; its test part is digits.",
    epochs=30,
    licence="CC BY 4.0, as the UCI repository states",
    citation="E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI repository, 1998, "
    "doi:10.24432/C50P49",
    source="SHA-256 in about ten public repositories that agree; of the test part in dataset-ml 0.5.0, "
    "src/dataset/digits.rs, and equal to scikit-learn's digits written as text",
    splits=("train: 3,823 of 30 writers", "test: 1,797 of 13 other writers"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load the digits, their 0..16 spread over 0..255; images (n, 8, 8) are bright on black.

    See :func:`lenetkit.datasets.load_dataset`.
    """
    return OPTDIGITS.load(subset=subset, data_dir=data_dir, download=download)
