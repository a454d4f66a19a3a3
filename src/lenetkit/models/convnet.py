"""Small modern convolutional network: 3 x 3 convolutions with batch normalisation."""

from typing import TYPE_CHECKING, Any

from lenetkit._utils.validation import check_whole
from lenetkit.models._catalogue import register_model, require_side

if TYPE_CHECKING:
    import keras

__all__ = ["convnet"]

_SMALLEST_SIDE = 8
# Without padding, 28 pixels end as 2: 28 - 2 - 2 = 24, halved 12, 12 - 2 - 2 = 8, halved 4, 4 - 2 = 2.
_SIDE_WITHOUT_PADDING = 28


@register_model(
    "convnet",
    description="Five 3x3 convolutions with batch normalisation: what a small network can do today.",
    n_parameters=144_298,
    preset={"name": "accurate", "epochs": 20},
)
def convnet(input_shape: tuple[int, int, int], n_classes: int, *, width: int = 32) -> "keras.Model":
    """Build five convolutions, each normalised over the batch, with two poolings between them.

    Two 3 x 3 convolutions see as far as one of 5 x 5, with fewer parameters and one more bend. Batch normalisation
    (Ioffe and Szegedy, 2015) lets them learn at high rates; a saved model has it folded into the convolutions.

    Parameters
    ----------
    input_shape, n_classes
        As for :func:`lenetkit.models.create_model`; at least 8 x 8. Sides below 28 are padded in every convolution.
    width : int, default 32
        Maps of the first two convolutions; the next two have twice, the last has four times as many.

    Raises
    ------
    SettingError
        If the image is smaller than 8 x 8, or `width` is not a positive integer.
    """
    import keras
    from keras import layers

    require_side("convnet", input_shape, _SMALLEST_SIDE)
    check_whole("width", width, 1)
    padding = "same" if min(input_shape[:2]) < _SIDE_WITHOUT_PADDING else "valid"

    def convolved(x: Any, maps: int, name: str) -> Any:
        # The normalisation that follows brings a bias of its own.
        x = layers.Conv2D(maps, 3, padding=padding, use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalised")(x)
        return layers.Activation("relu", name=f"{name}_relu")(x)

    image = keras.Input(input_shape, name="image")
    x = convolved(image, width, "conv1")
    x = convolved(x, width, "conv2")
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = convolved(x, 2 * width, "conv3")
    x = convolved(x, 2 * width, "conv4")
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = convolved(x, 4 * width, "conv5")
    x = layers.Flatten(name="flatten")(x)
    output = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="convnet")
