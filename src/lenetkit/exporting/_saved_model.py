"""The export format SavedModel: a folder, run with TensorFlow."""

from pathlib import Path

from lenetkit.exporting._format import Array, BuildModel, Format, trace_model

__all__ = ["SAVED_MODEL"]


def _write(path: Path, _: bytes, build_model: BuildModel) -> None:
    import tensorflow as tf

    module, function = trace_model(build_model())
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})


def _run(path: Path, images: Array) -> Array:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    probabilities: Array = signature(images=tf.constant(images))["probabilities"].numpy()
    return probabilities


SAVED_MODEL = Format("", _write, _run)
