"""Export a trained model to LiteRT, ONNX, SavedModel or Keras, verified on golden inputs.

In: a ``keras.Model``, or the LiteRT bytes of one. Out: files for other runtimes, each run with its own runtime on
inputs whose answers are known, and beside them the class names and a description of the preprocessing.
Next: :mod:`lenetkit.runtime` runs the LiteRT bytes, :mod:`lenetkit.bundle` carries them.

TensorFlow is imported when a Keras model is converted, never for a LiteRT export. A format is one line of the table in
``_formats``.
"""

from lenetkit.exporting._conversion import TOLERANCE
from lenetkit.exporting._export import FORMATS, ExportReport, export
from lenetkit.exporting._export import check_target as check_target
from lenetkit.exporting._export import resolve_format as resolve_format
from lenetkit.exporting._litert import convert_line_reader, convert_to_litert

__all__ = ["FORMATS", "TOLERANCE", "ExportReport", "convert_line_reader", "convert_to_litert", "export"]
