"""Stage 2: images as they come in, images the way the model was trained to see them out.

In: an array (n, height, width[, channels]), or a list of arrays (height, width[, channels]) of different sizes.
**uint8 means 0..255, float means 0..1**, anything else is a :class:`~lenetkit.exceptions.DataError` that says so.
Out: an array where all results have one size, else a list. Geometric transforms keep uint8; :class:`Rescale` and
:class:`Standardize` give float32, :class:`MnistNormalize` uint8.
Next: :mod:`lenetkit.models`, by way of :mod:`lenetkit.trainer` or a pipeline.

A transform is a callable. Those of this package are attrs classes with a name, so that they can be saved as plain
JSON values (:func:`transform_to_dict`). To add one, put a file with a public name into this package, or register it
from your own (entry-point group ``lenetkit.transforms``)::

    @register_transform("mirror")
    @attrs.frozen(kw_only=True)
    class Mirror:
        def __call__(self, images):
            return map_images(lambda batch: batch[:, :, ::-1], images)

Examples
--------
>>> import numpy as np
>>> from lenetkit.transforms import Compose, Grayscale, Invert, Rescale, Resize
>>> prepare = Compose([Grayscale(), Invert(), Resize((28, 28)), Rescale()])
>>> scans = [np.full((90, 60, 3), 255, np.uint8), np.full((40, 40), 255, np.uint8)]
>>> prepare(scans).shape
(2, 28, 28)
"""

from lenetkit._utils.deprecation import forward
from lenetkit.transforms._base import (
    Affine,
    AffineTransform,
    FittableTransform,
    Transform,
    create_transform,
    list_transforms,
    register_transform,
)
from lenetkit.transforms._looks import Look, Looks
from lenetkit.transforms._pixels import check_images, map_images
from lenetkit.transforms._saving import describe_transform, transform_from_dict, transform_to_dict
from lenetkit.transforms.compose import Compose, Prepared
from lenetkit.transforms.grayscale import Grayscale
from lenetkit.transforms.invert import Invert
from lenetkit.transforms.mnist_normalize import MnistNormalize
from lenetkit.transforms.pad import Pad
from lenetkit.transforms.rescale import Rescale
from lenetkit.transforms.resize import Resize
from lenetkit.transforms.standardize import Standardize

__all__ = [
    "Affine",
    "AffineTransform",
    "Compose",
    "FittableTransform",
    "Grayscale",
    "Invert",
    "Look",
    "Looks",
    "MnistNormalize",
    "Pad",
    "Prepared",
    "Rescale",
    "Resize",
    "Standardize",
    "Transform",
    "check_images",
    "create_transform",
    "describe_transform",
    "list_transforms",
    "map_images",
    "register_transform",
    "transform_from_dict",
    "transform_to_dict",
]

__getattr__ = forward(__name__, {"LearningTransform": "lenetkit.transforms.FittableTransform"})
