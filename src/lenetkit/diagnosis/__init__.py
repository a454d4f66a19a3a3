"""Diagnosis of images: differences from the training images, with causes and cures, and a trace of every stage.

In: images as people have them, and a fitted pipeline. Out: :class:`Diagnosis`, causes and cures in a sentence each;
:class:`Trace`, an image of every stage; :class:`FeatureMaps`, the values of every layer. Next: a person. Nothing here
trains; only feature maps need TensorFlow.

The pipeline keeps a reference to compare with, quantiles of its training images as plain values:
:func:`compute_reference` makes them of what :func:`describe_images` measures.
"""

from lenetkit._utils.deprecation import forward
from lenetkit.diagnosis._diagnosis import Diagnosis, diagnose
from lenetkit.diagnosis._feature_maps import FeatureMaps, feature_maps
from lenetkit.diagnosis._findings import Finding
from lenetkit.diagnosis._reference import compute_reference, describe_images
from lenetkit.diagnosis._trace import Trace, trace

__all__ = [
    "Diagnosis",
    "FeatureMaps",
    "Finding",
    "Trace",
    "compute_reference",
    "describe_images",
    "diagnose",
    "feature_maps",
    "trace",
]

__getattr__ = forward(__name__, {"reference_of": "lenetkit.diagnosis.compute_reference"})
