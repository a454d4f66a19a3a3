"""USPS: 9,298 digits from envelopes, 16 x 16 pixels."""

import os
from pathlib import Path

import attrs

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.svmlight import FORMAT
from lenetkit.datasets._loading import register_dataset

__all__ = ["USPS", "load"]

_MIRROR = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
_MOST = 20_000_000
_FILES = {"train": "usps.bz2", "test": "usps.t.bz2"}


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    found = FORMAT.read(paths[_FILES[part]], "all")
    return attrs.evolve(found, labels=found.labels - 1)  # LIBSVM's labels are 1 to 10


USPS = Published(
    name="usps",
    class_names=tuple("0123456789"),
    read=_read,
    parts={
        "train": (packed_file(f"{_MIRROR}usps.bz2", size=_MOST, md5="ec16c51db3855ca6c91edd34d0e9b197"),),
        "test": (packed_file(f"{_MIRROR}usps.t.bz2", size=_MOST, md5="8ea070ee2aca1ac39742fdd1ef5ed118"),),
    },
)
"""The records of USPS's two files, in LIBSVM's format."""


@register_dataset(
    "usps",
    description="9,298 digits from envelopes, 16 x 16 pixels, 7,291 for training.",
    epochs=20,
    licence="not stated",
    citation='J. J. Hull, "A database for handwritten text recognition research", IEEE PAMI 16(5), 1994',
    source="MD5 in torchvision 0.29.2, datasets/usps.py",
    splits=("train: 7,291", "test: 2,007"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load USPS, its -1..1 spread over 0..255; images (n, 16, 16) fill their box, ink bright on black.

    See :func:`lenetkit.datasets.load_dataset`.
    """
    return USPS.load(subset=subset, data_dir=data_dir, download=download)
