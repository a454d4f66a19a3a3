"""Kuzushiji-49: 270,912 Japanese characters of old books, 49 classes of different sizes."""

import os
from pathlib import Path

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.published import Published, packed_file
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.npz_pairs import read_npz_pairs
from lenetkit.datasets._loading import register_dataset

__all__ = ["K49", "load"]

_MIRROR = "https://codh.rois.ac.jp/kmnist/dataset/k49/"
_MOST = 100_000_000
# The published class map, in its order.
_NAMES = (
    "あ い う え お か き く け こ さ し す せ そ た ち つ て と な に ぬ ね の は ひ ふ へ ほ ま み む め も や ゆ よ "
    "ら り る れ ろ わ ゐ ゑ を ん ゝ"
)


def _read(part: str, paths: dict[str, Path]) -> Labelled:
    kinds = {"images": "imgs", "labels": "labels"}
    files = {(part, kind): paths[f"k49-{part}-{word}.npz"] for kind, word in kinds.items()}
    return read_npz_pairs(next(iter(files.values())).parent, files, part)


K49 = Published(
    name="k49",
    class_names=tuple(_NAMES.split()),
    read=_read,
    parts={
        "train": (
            packed_file(f"{_MIRROR}k49-train-imgs.npz", size=_MOST, md5="7ac088b20481cf51dcd01ceaab89d821"),
            packed_file(f"{_MIRROR}k49-train-labels.npz", size=_MOST, md5="44a8e1b893f81e63ff38d73cad420f7a"),
        ),
        "test": (
            packed_file(f"{_MIRROR}k49-test-imgs.npz", size=_MOST, md5="d352e201d846ce6b94f42c990966f374"),
            packed_file(f"{_MIRROR}k49-test-labels.npz", size=_MOST, md5="4da6f7a62e67a832d5eb1bd85c5ee448"),
        ),
    },
)
"""The records of Kuzushiji-49's four files."""


@register_dataset(
    "k49",
    description="270,912 Japanese characters of 28 x 28 pixels in 49 classes, 232,365 for training.",
    licence="CC BY-SA 4.0",
    citation='T. Clanuwat et al., "Deep Learning for Classical Japanese Literature", arXiv:1812.01718, 2018',
    source="MD5 in five public loaders that agree, such as a class KMNIST49 after torchvision's KMNIST",
    splits=("train: 232,365", "test: 38,547"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load Kuzushiji-49; images (n, 28, 28) are bright on black. See :func:`lenetkit.datasets.load_dataset`."""
    return K49.load(subset=subset, data_dir=data_dir, download=download)
