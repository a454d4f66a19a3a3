"""EMNIST: letters and digits of NIST's forms in the format of MNIST, in six selections."""

import shutil
import tempfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._entries import name_damage
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.idx_pairs import read_idx_pair
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.zip_tree import ZIP_DAMAGE
from lenetkit.datasets._loading import register_dataset

__all__ = ["ARCHIVE", "EMNIST", "SELECTIONS"]

ARCHIVE = packed_file(
    "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
    size=561753746,
    sha256="fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
)
"""The record of EMNIST's archive, which holds all six."""

SELECTIONS = {
    "digits": ("280,000 digits", "240,000", "40,000"),
    "letters": ("145,600 letters, capital and small ones in one class", "124,800", "20,800"),
    "balanced": ("131,600 digits and letters, 47 classes of one size", "112,800", "18,800"),
    "byclass": ("814,255 digits and letters, 62 classes", "697,932", "116,323"),
    "bymerge": (
        "814,255 digits and letters, 47 classes: small letters like their capitals merged",
        "697,932",
        "116,323",
    ),
    "mnist": ("70,000 digits", "60,000", "10,000"),
}
"""Description and sizes of the six selections."""


def _read(selection: str, part: str, paths: dict[str, Path]) -> Labelled:
    (archive,) = paths.values()
    stem = f"emnist-{selection}-{part}"
    names = [f"{stem}-images-idx3-ubyte.gz", f"{stem}-labels-idx1-ubyte.gz"]
    with tempfile.TemporaryDirectory(prefix="lenetkit-") as folder:
        with name_damage(archive, "lacks a file of EMNIST", ZIP_DAMAGE), zipfile.ZipFile(archive) as file:
            for name in names:
                with file.open(f"gzip/{name}") as source, Path(folder, name).open("wb") as target:
                    shutil.copyfileobj(source, target)
        return read_idx_pair(Path(folder, names[0]))


EMNIST = {
    selection: Published(
        name=f"emnist-{selection}",
        parts=dict.fromkeys(("train", "test"), (ARCHIVE,)),
        read=partial(_read, selection),
    )
    for selection in SELECTIONS
}
"""The records of the six selections."""


def _register(selection: str) -> None:
    description, n_train, n_test = SELECTIONS[selection]
    name = f"emnist-{selection}"

    @register_dataset(
        name,
        description=f"{description}, 28 x 28 pixels, upright.",
        licence="not stated with the files; NIST Special Database 19 is a work of the US government",
        citation='G. Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", arXiv:1702.05373, 2017',
        source="SHA-256 in tensorflow-datasets 4.9.10, url_checksums/emnist.txt",
        splits=(f"train: {n_train}", f"test: {n_test}"),
    )
    def load(*, subset: str = "all", data_dir: Any = None, download: bool = True) -> Dataset:
        """Load the selection, turned upright, its classes named; see :func:`lenetkit.datasets.load_dataset`."""
        return EMNIST[selection].load(subset=subset, data_dir=data_dir, download=download, folder="emnist")


for _selection in SELECTIONS:
    _register(_selection)
