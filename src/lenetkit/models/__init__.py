"""Stage 4: a name and options in, a ``keras.Model`` out.

In: the name of a registered model, the shape of one input image and the number of classes.
Out: a ``keras.Model`` that takes float32 images of shape (n, height, width, channels) in the record's value range
and answers with float32 probabilities of shape (n, n_classes). Next: :mod:`lenetkit.trainer`.

TensorFlow is imported when a model is built, not before. Every public module of this package registers the model that
it holds; a new one needs no other line anywhere.
"""

from lenetkit.models._backend import import_keras as import_keras
from lenetkit.models._catalogue import ModelInfo, _models, create_model, list_models, model_info, register_model
from lenetkit.models._counting import ModelCounts
from lenetkit.models._line_reader import LINE_READER, LineReaderInfo, create_line_reader

__all__ = [
    "LINE_READER",
    "LineReaderInfo",
    "ModelCounts",
    "ModelInfo",
    "create_line_reader",
    "create_model",
    "list_models",
    "model_info",
    "register_model",
]

registry = _models
"""The registry itself, for the command line and the tests."""
