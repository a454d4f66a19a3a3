"""MADBase: 70,000 Arabic digits by 700 writers in the size of MNIST, as Loey's archives of PNGs have them."""

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._entries import name_damage
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.pictures import Source, stack_pictures
from lenetkit.datasets._formats.zip_tree import ZIP_DAMAGE
from lenetkit.datasets._loading import register_dataset
from lenetkit.exceptions import DataError

__all__ = ["MADBASE", "load"]

_MIRROR = "https://github.com/mloey/Arabic-Handwritten-Digits-Dataset/raw/master/"
_MOST = 100_000_000
_FILES = {"train": "Train%20Images.zip", "test": "Test%20Images.zip"}
_MD5 = {"train": "3be5796e39c1497c3a61bc4be77514b1", "test": "258d12dff10a8fdaf17be73e257e0f25"}
_LABEL = re.compile(r"(?:.*/)?[^/]*_([0-9])\.png")


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    path = paths[_FILES[part].replace("%20", " ")]
    with name_damage(path, "is no archive of MADBase", ZIP_DAMAGE), zipfile.ZipFile(path) as archive:
        labels = {name: int(match[1]) for name in archive.namelist() if (match := _LABEL.fullmatch(name))}
        names = sorted(labels, key=_in_order)
        if not names:
            raise DataError(f"{path} has no pictures whose names end with their labels, such as id_1_label_9.png.")

        def iterate() -> Iterator[Source]:
            return ((f"{path}: {name}", archive.read(name)) for name in names)

        images = stack_pictures(iterate, len(names), str(path))
    values = np.array([labels[name] for name in names], np.int64)
    return Labelled(images=_bring_upright(_brighten(images), values), labels=values)


def _in_order(name: str) -> tuple[list[int], str]:
    return [int(number) for number in re.findall("[0-9]+", name)], name


def _brighten(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return images with bright ink: the original files have it dark."""
    return 255 - images if np.median(images[:, 0]) > 127 else images


def _bring_upright(images: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Turn images that run down the columns, as the tables beside the archives do: the digit 1 is an upright stroke."""
    inked = images[labels == 1] > 127
    n_rows, n_columns = inked.any(axis=2).sum(), inked.any(axis=1).sum()
    return images.swapaxes(1, 2) if n_columns > n_rows else images


MADBASE = Published(
    name="madbase",
    class_names=tuple("0123456789"),
    read=_read,
    parts={part: (packed_file(f"{_MIRROR}{file}", size=_MOST, md5=_MD5[part]),) for part, file in _FILES.items()},
)
"""The records of the two archives."""


@register_dataset(
    "madbase",
    description="70,000 Arabic digits (from \u0660 to \u0669) by 700 writers, 28 x 28 pixels, 60,000 for training.",
    licence="not stated",
    citation='S. Abdelazeem, E. El-Sherif, "Arabic handwritten digit recognition", IJDAR 11(3), 2008',
    source="MD5 in aidatasets/images/arabic_digits.py of the repository galilai-group/stable-datasets, commit 6c1c9c6",
    splits=("train: 60,000", "test: 10,000 of other writers"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load MADBase; images (n, 28, 28), made upright and bright on black where the archives have them otherwise.

    See :func:`lenetkit.datasets.load_dataset`.
    """
    return MADBASE.load(subset=subset, data_dir=data_dir, download=download)
