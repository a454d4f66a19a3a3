"""Export a trained model to LiteRT, ONNX, SavedModel, Keras or C, verified on golden inputs.

In: a ``keras.Model``, or the LiteRT bytes of one. Out: files for other runtimes, each run with its own runtime on
inputs whose answers are known, and beside them the class names and a description of the preprocessing.
Next: :mod:`lenetkit.runtime` runs the LiteRT bytes, :mod:`lenetkit.bundle` carries them.

TensorFlow is imported when a Keras model is converted, never for a LiteRT export as it is. A format is one line of the
table in ``_formats``.
"""

from lenetkit.exporting._conversion import TOLERANCE
from lenetkit.exporting._export import ExportReport, export
from lenetkit.exporting._litert import convert_line_reader, convert_to_litert
from lenetkit.exporting._measuring import MAX_DROP
from lenetkit.exporting._target import FORMATS
from lenetkit.exporting._target import check_target as check_target
from lenetkit.exporting._target import resolve_format as resolve_format

__all__ = ["FORMATS", "MAX_DROP", "TOLERANCE", "ExportReport", "convert_line_reader", "convert_to_litert", "export"]
