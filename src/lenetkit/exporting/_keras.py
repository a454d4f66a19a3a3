"""The export format of Keras: a ``.keras`` file."""

from pathlib import Path

import numpy as np

from lenetkit.exporting._format import Array, BuildModel, Format

__all__ = ["KERAS"]


def _write(path: Path, _: bytes, build_model: BuildModel) -> None:
    build_model().save(path)


def _run(path: Path, images: Array) -> Array:
    import keras

    # The file was written a moment ago by this very process; files from elsewhere are never given to Keras.
    model = keras.saving.load_model(path, compile=False)
    return np.asarray(model(images, training=False))


KERAS = Format(".keras", _write, _run)
