"""Why a picture fails: what sets it apart from the training images, and what each stage makes of it.

In: images as people have them, and a fitted pipeline. Out: :class:`Diagnosis`, causes and cures in a sentence each;
:class:`Trace`, the picture of every stage. Nothing here trains, or imports TensorFlow.

What the training images look like is kept by the pipeline as plain values: :func:`reference_of` makes them of the
measures that :func:`describe_images` takes.
"""

from lenetkit.diagnosis._diagnosis import Diagnosis, diagnose
from lenetkit.diagnosis._feature_maps import FeatureMaps, feature_maps
from lenetkit.diagnosis._findings import Finding
from lenetkit.diagnosis._reference import describe_images, reference_of
from lenetkit.diagnosis._trace import Trace, trace

__all__ = [
    "Diagnosis",
    "FeatureMaps",
    "Finding",
    "Trace",
    "describe_images",
    "diagnose",
    "feature_maps",
    "reference_of",
    "trace",
]
