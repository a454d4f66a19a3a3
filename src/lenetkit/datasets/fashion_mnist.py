"""Fashion-MNIST: 70,000 pictures of clothes in the format of MNIST, and harder."""

import os

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._fetch.idx_sets import RemoteIdx, mnist_files
from lenetkit.datasets._loading import register_dataset

__all__ = ["FASHION_MNIST", "load"]

# Of the files in Debian's package dataset-fashion-mnist. Packed again under their names and times they give the
# published gzip files, MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d, 25c81989df183df01b3e8a0aad5dffbe,
# bef4ecab320f06d8554ea6380940ec79 and bb300cfdad3c16e7a12a480ee83cd310.
FASHION_MNIST = RemoteIdx(
    name="fashion_mnist",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    **mnist_files(
        # The authors' own server answers http only, so it is not among them.
        mirrors=[
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/{name}.gz",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/{name}.gz",
        ],
        # Keras; Debian's package
        copies=["~/.keras/datasets/fashion-mnist/{name}.gz", "/usr/share/datasets/fashion-mnist/{name}.gz"],
        sha256=[
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ],
    ),
)
"""The records of Fashion-MNIST's four files."""


@register_dataset(
    "fashion_mnist",
    description="70,000 pictures of clothes of 28 x 28 pixels, 60,000 for training.",
    licence="MIT",
    citation='H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747, 2017',
    splits=("train: 60,000", "test: 10,000"),
)
def load(*, subset: str = "all", data_dir: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    """Load Fashion-MNIST, from this machine where it is there and right, else from the first mirror that has it.

    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", arXiv:1708.07747, 2017.

    Images are of shape (n, 28, 28), bright on black; see :func:`lenetkit.datasets.load_dataset`.
    """
    return FASHION_MNIST.load(subset=subset, data_dir=data_dir, download=download)
