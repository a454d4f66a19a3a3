"""Stage 1, data sets: a name, a file or a folder becomes a :class:`Dataset`; every other image comes in here, too.

In: the name of a registered data set, or a path to images and labels in one of the usual formats; or images in any
form, for :func:`read_images`.
Out: a :class:`Dataset`: images uint8 (n, height, width[, channels]) in [0, 255] and one label each; or the images.
Next: :mod:`lenetkit.transforms`.

Names are looked up in a registry that any package can add to (:func:`register_dataset`); every public module of this
package registers the data set that it holds, so a new one needs no other line anywhere. Paths are read by
:func:`load_dataset`, which lists the formats. The readers check what a file says about itself: sizes are
checked before memory is asked for, nothing is unpickled, and any damage is one
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

Arrays of one's own become a data set too, which is selected from like an array:

>>> import numpy as np
>>> from lenetkit.datasets import Dataset
>>> images = np.zeros((4, 28, 28), np.uint8)
>>> letters = Dataset(images=images, labels=["a", "b", "a", "b"], name="letters")
>>> letters[letters.labels == "a"]
Dataset('letters': 2 images of 28 x 28, 2 classes)
"""

from lenetkit._utils.deprecation import forward
from lenetkit.datasets._convert import convert_dataset as convert_dataset
from lenetkit.datasets._convert import load_parts as load_parts
from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._decoding import measure_picture as measure_picture
from lenetkit.datasets._entries import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from lenetkit.datasets._fetch.idx_sets import RemoteIdx
from lenetkit.datasets._fetch.mirrors import fetch_files
from lenetkit.datasets._fetch.records import RemoteFile
from lenetkit.datasets._first_look import find_overlap as find_overlap
from lenetkit.datasets._formats.csv import is_pixel_table as is_pixel_table
from lenetkit.datasets._formats.csv import read_pixel_table as read_pixel_table
from lenetkit.datasets._images import check_failures as check_failures
from lenetkit.datasets._images import is_pile as is_pile
from lenetkit.datasets._images import read_image, read_images
from lenetkit.datasets._images import single_image as single_image
from lenetkit.datasets._loading import DatasetInfo, dataset_info, list_datasets, load_dataset, register_dataset
from lenetkit.datasets._loading import registry as registry
from lenetkit.datasets._piles import iter_batches as iter_batches
from lenetkit.datasets._piles import map_images as map_images
from lenetkit.datasets._sheets import draw_sheet, save_sheets
from lenetkit.datasets._views import IndexedImages

__all__ = [
    "Dataset",
    "DatasetInfo",
    "IndexedImages",
    "RemoteFile",
    "RemoteIdx",
    "dataset_info",
    "draw_sheet",
    "fetch_files",
    "list_datasets",
    "load_dataset",
    "read_image",
    "read_images",
    "register_dataset",
    "save_sheets",
]

__getattr__ = forward(
    __name__,
    {
        name: f"lenetkit.synthesis.{name}"
        for name in (
            "CORRUPTIONS",
            "DrawnNumber",
            "corrupt",
            "draw_digits",
            "draw_number",
            "draw_paper",
            "draw_printed",
            "list_allographs",
        )
    }
    | {"draw_others": "lenetkit.synthesis.draw_nondigits"},
)
