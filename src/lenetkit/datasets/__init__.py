"""Stage 1: a name, a file or a folder in, a :class:`Dataset` out.

In: the name of a registered data set, or a path to images and labels in one of the usual formats.
Out: a :class:`Dataset`: images uint8 (n, height, width[, channels]) in [0, 255] and one label each.
Next: :mod:`lenetkit.transforms`.

Names are looked up in a registry that any package can add to (:func:`register_dataset`); every public module of this
package registers the data set that it holds, so a new one needs no other line anywhere. Paths are read by
:func:`load_dataset`, which lists the formats. The readers believe nothing that a file says about itself: sizes are
checked before memory is asked for, nothing is unpickled, and what does not hold is one
:class:`~lenetkit.exceptions.DataError` that names the file and the entry.

Examples
--------
>>> from lenetkit.datasets import load_dataset
>>> digits = load_dataset("digits")
>>> digits
Dataset('digits': 1797 images of 8 x 8, 10 classes)
>>> train, test = digits.split(test_size=0.1, seed=0)
>>> len(train), len(test)
(1617, 180)
>>> test.images.shape, test.images.dtype, test.labels.shape
((180, 8, 8), dtype('uint8'), (180,))

Arrays of one's own become a data set too, and anything that can be selected from an array from it:

>>> import numpy as np
>>> from lenetkit.datasets import Dataset
>>> images = np.zeros((4, 28, 28), np.uint8)
>>> letters = Dataset(images=images, labels=["a", "b", "a", "b"], name="letters")
>>> letters[letters.labels == "a"]
Dataset('letters': 2 images of 28 x 28, 2 classes)

Where there are no images, a pen of lenetkit's own draws some (:func:`draw_digits`, :func:`draw_number`,
:func:`draw_paper`, :func:`draw_printed`, and :func:`draw_others` what is no digit), and :func:`corrupt` spoils them:

>>> from lenetkit.datasets import corrupt, draw_digits
>>> drawn = draw_digits(1000, styles=["american", "continental"], seed=0)
>>> spoilt = corrupt(drawn.images, "spatter", severity=4)
"""

from lenetkit.datasets._cache import fetch_files
from lenetkit.datasets._catalogue import DatasetInfo, dataset_info, list_datasets, load_dataset, register_dataset
from lenetkit.datasets._corruptions import CORRUPTIONS, corrupt
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._drawing import (
    DrawnNumber,
    draw_digits,
    draw_number,
    draw_others,
    draw_paper,
    draw_printed,
    list_allographs,
)
from lenetkit.datasets._images import read_image, read_images
from lenetkit.datasets._remote import RemoteFile
from lenetkit.datasets._remote_idx import RemoteIdx
from lenetkit.datasets._views import IndexedImages

__all__ = [
    "CORRUPTIONS",
    "Dataset",
    "DatasetInfo",
    "DrawnNumber",
    "IndexedImages",
    "RemoteFile",
    "RemoteIdx",
    "corrupt",
    "dataset_info",
    "draw_digits",
    "draw_number",
    "draw_others",
    "draw_paper",
    "draw_printed",
    "fetch_files",
    "list_allographs",
    "list_datasets",
    "load_dataset",
    "read_image",
    "read_images",
    "register_dataset",
]
