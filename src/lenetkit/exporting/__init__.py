"""A trained model leaves the library: as LiteRT, ONNX, SavedModel or Keras file, checked before it is believed.

In: a ``keras.Model``, or the LiteRT bytes of one. Out: files for other runtimes, each run with its own runtime on
inputs whose answers are known, and beside them the class names and a description of the preprocessing.
Next: :mod:`lenetkit.runtime` runs the LiteRT bytes, :mod:`lenetkit.bundle` carries them.

TensorFlow is imported when a Keras model is converted, never for a LiteRT export.
"""

from lenetkit.exporting._export import FORMATS, TOLERANCE, ExportReport, convert_to_litert, export
from lenetkit.exporting._export import check_target as check_target

__all__ = ["FORMATS", "TOLERANCE", "ExportReport", "convert_to_litert", "export"]
