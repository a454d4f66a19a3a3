"""Prediction without TensorFlow: a LiteRT model in bytes, images in, probabilities out.

In: images as the transforms give them, uint8 or float of shape (n, height, width, channels).
Out: float32 probabilities of shape (n, n_classes). Next: :meth:`lenetkit.encoder.LabelEncoder.inverse_transform`.

Predictions are batch-invariant: row i has the same bits for every batch size, order, split, thread and neighbour.

Three runtimes run the same bytes, with the same answers within 1e-6 (the network for lines, by rounding: 3e-6):

* ``"litert"``, the default and the fastest;
* ``"numpy"``, wherever NumPy runs, and by itself where LiteRT cannot be imported: a small reader of the bytes and the
  operations of the registered models, those of most other small networks, and no more;
* ``"onnx"``, ONNX Runtime, on request, with ``pip install "lenetkit[onnx]"``.

The runtime is imported when the first image is predicted, TensorFlow never.
"""

from lenetkit.runtime._predictor import Predictor
from lenetkit.runtime._swept import SweptPredictor

__all__ = ["Predictor", "SweptPredictor"]
