"""Semeion: 1,593 digits by 80 Italian writers, 16 x 16 pixels of ink or paper."""

import os
from pathlib import Path

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.numbers_text import FORMAT
from lenetkit.datasets._loading import register_dataset
from lenetkit.datasets._subsets import refuse_splits

__all__ = ["SEMEION", "load"]

_MIRROR = "https://archive.ics.uci.edu/ml/machine-learning-databases/semeion/"


def _read(part: str, paths: dict[str, Path]) -> Labelled:  # noqa: ARG001
    return FORMAT.read(paths["semeion.data"], "all")


SEMEION = Published(
    name="semeion",
    class_names=tuple("0123456789"),
    read=_read,
    parts={"train": (packed_file(f"{_MIRROR}semeion.data", size=5_000_000, md5="cb545d371d2ce14ec121470795a77432"),)},
)
"""The record of Semeion's file."""


@register_dataset(
    "semeion",
    description="1,593 digits by 80 writers, 16 x 16 pixels of two levels.",
    epochs=30,
    licence="CC BY 4.0, as the UCI repository states",
    citation="Semeion Research Center, Rome; Tattile, Brescia: Semeion Handwritten Digit, 1994",
    source="MD5 in torchvision 0.29.2, datasets/semeion.py",
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load Semeion; images (n, 16, 16) are 255 where there is ink. There are no predefined splits.

    See :func:`lenetkit.datasets.load_dataset`.
    """
    refuse_splits("the data set 'semeion'", subset)
    return SEMEION.load(subset="train", data_dir=data_dir, download=download)
