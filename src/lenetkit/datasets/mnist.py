"""MNIST: 70,000 handwritten digits of 28x28 pixels, the data set of the classical procedure."""

import os

import attrs

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.idx_sets import RemoteIdx, mnist_files
from lenetkit.datasets._loading import register_dataset
from lenetkit.datasets.qmnist import find_mnist_writers

__all__ = ["MNIST", "load"]

# The uncompressed files have the published MD5 sums 6bbc9ace898e44ae57da46a324031adb, a25bea736e30d166cdddb491f175f624,
# 2646ac647ad5339dbf082846283269ea and 27ae3e4e09519cfbb04c329615203637; the stronger sums are of the same files.
MNIST = RemoteIdx(
    name="mnist",
    class_names="0123456789",
    **mnist_files(
        mirrors=[
            "https://storage.googleapis.com/cvdf-datasets/mnist/{name}.gz",
            "https://ossci-datasets.s3.amazonaws.com/mnist/{name}.gz",
        ],
        copies=["~/.keras/datasets/mnist.npz#{key}"],
        sha256=[
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ],
    ),
)
"""The records of MNIST's four files."""


@register_dataset(
    "mnist",
    description="70,000 handwritten digits of 28 x 28 pixels, 60,000 of them for training.",
    licence="CC BY-SA 3.0, as its copies state; the authors state none",
    citation='Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998',
    splits=("train: 60,000", "test: 10,000"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load MNIST, from this machine where it is there and right, else from the first mirror that has it.

    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998.

    Images are of shape (n, 28, 28), ink bright on black; see :func:`lenetkit.datasets.load_dataset`. With
    QMNIST's tables on this machine ``groups`` are NIST's writers.
    """
    found = MNIST.load(subset=subset, data_dir=data_dir, download=download)
    writers = find_mnist_writers(found.labels, subset=subset, data_dir=data_dir)
    return found if writers is None else attrs.evolve(found, groups=writers)
