"""The 1,797 digits of 8x8 pixels that scikit-learn ships: the data set for machines that can reach no mirror."""

import os

import numpy as np

from lenetkit._utils.extras import require_library
from lenetkit._utils.imports import import_quietly
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._loading import register_dataset
from lenetkit.datasets._subsets import refuse_splits

__all__ = ["load"]

# Pixels of ink in a block of 4x4.
_HIGHEST = 16


@register_dataset(
    "digits",
    description="1,797 digits of 8 x 8 pixels, built in: no download, ever.",
    epochs=30,
    licence="CC BY 4.0",
    citation='E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Repository, 1998',
)
def load(
    *,
    subset: str = "all",
    data_dir: str | os.PathLike[str] | None = None,  # noqa: ARG001
    download: bool = True,  # noqa: ARG001
) -> Dataset:
    """Load scikit-learn's bundled digits, their 17 levels of ink spread over 0 to 255.

    They are the test part of E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998: counts of ink in 4x4 blocks of a 32x32 bitmap. Nothing is read but a file of the installed
    package.
    Images are of shape (1797, 8, 8), and there are no predefined splits; see :func:`lenetkit.datasets.load_dataset`.
    """
    require_library("the data set 'digits'", "sklearn")
    import_quietly("sklearn.datasets")
    from sklearn.datasets import load_digits

    refuse_splits("the data set 'digits'", subset)
    bundled = load_digits()
    images = np.rint(bundled.images * (255 / _HIGHEST)).astype(np.uint8)
    return Dataset(images=images, labels=bundled.target, class_names=tuple("0123456789"), name="digits")
