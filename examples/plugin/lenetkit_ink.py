"""All kinds of additions to lenetkit in one module: a model, a data set and a transform."""

import attrs
import numpy as np

from lenetkit import Dataset, register_dataset, register_model, register_transform
from lenetkit.exceptions import SettingError
from lenetkit.transforms import map_images


@register_model("two_layers", description="One hidden layer.", n_parameters=50_890)
def two_layers(input_shape, n_classes, *, units=64):
    """Build two dense layers; Keras is imported here to keep the listing of models fast."""
    import keras
    from keras import layers

    image = keras.Input(input_shape, name="image")
    x = layers.Flatten(name="flatten")(image)
    x = layers.Dense(units, activation="relu", name="hidden")(x)
    output = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="two_layers")


@register_dataset("bars_and_rings", description="400 drawings of 16 x 16 pixels.", epochs=5)
def load(*, subset="all", data_dir=None, download=True):  # noqa: ARG001 -- nothing is read or downloaded
    """Draw 200 bars and 200 rings."""
    if subset != "all":
        raise SettingError(f"bars_and_rings has no predefined splits; got subset={subset!r}.")
    noise = np.random.default_rng(0).integers(0, 64, (400, 16, 16))
    bar, ring = np.zeros((2, 16, 16), int)
    bar[2:14, 7:9] = 190
    ring[4:12, 4:12] = 190
    ring[6:10, 6:10] = 0
    images = np.concatenate([bar + noise[:200], ring + noise[200:]]).astype(np.uint8)
    return Dataset(images=images, labels=np.repeat([0, 1], 200), class_names=["bar", "ring"])


@register_transform("threshold")
@attrs.frozen(kw_only=True)
class Threshold:
    """Make pixels black or white; `level` is a fraction of white."""

    level: float = 0.5

    def __call__(self, images, /):
        """Return the images with each pixel at 0 or at the maximum."""
        return map_images(self._cut, images)

    def _cut(self, batch):
        white = 255 if batch.dtype == np.uint8 else 1
        return np.where(batch >= self.level * white, white, 0).astype(batch.dtype)
