"""The classical procedure with Keras alone, as a script of a user, for ``whole_process.py``; nothing of lenetkit.

python _plain_training.py FOLDER          FOLDER: the four gzipped IDX files of MNIST
"""

import gzip
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers


def read(name: str, offset: int) -> np.ndarray:
    """Return the bytes of a gzipped IDX file behind its header."""
    with gzip.open(Path(sys.argv[1]) / name) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def images(part: str) -> np.ndarray:
    """Return images in 0..1, with an axis for their one channel."""
    return read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1).astype("float32") / 255


def labels(part: str) -> np.ndarray:
    """Return one-hot rows."""
    return keras.utils.to_categorical(read(f"{part}-labels-idx1-ubyte.gz", 8), 10)


model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(6, 5, padding="same", activation="relu"),
        layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(120, activation="relu"),
        layers.Dense(84, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.summary()
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(images("train"), labels("train"), batch_size=128, epochs=5, verbose=2)
_, accuracy = model.evaluate(images("t10k"), labels("t10k"), verbose=0)
print(f"accuracy {100 * accuracy:.2f} %")
