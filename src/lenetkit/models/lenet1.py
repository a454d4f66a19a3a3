"""LeNet-1, the first network to read real zip codes from pixels: 2,578 parameters."""

from typing import TYPE_CHECKING

from lenetkit.models._catalogue import register_model

if TYPE_CHECKING:
    import keras

__all__ = ["lenet1"]

# H3 in the paper's table 1: two groups of six maps, each over two of the four maps below.
_TABLE = ((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1), (2,), (2, 3), (2, 3), (3,), (2, 3), (2, 3))
_SIDE = 28


@register_model(
    "lenet1",
    description="LeNet-1: two small convolutions with trained subsampling.",
    n_parameters=2_578,
    paper="LeCun, Boser, Denker, Henderson, Howard, Hubbard and Jackel, Handwritten digit recognition with a "
    "back-propagation network, NIPS 2, 1990",
    paper_error=1.7,
    preset={"name": "default", "epochs": 15, "label_smoothing": 0.0},
)
def lenet1(input_shape: tuple[int, int, int], n_classes: int) -> "keras.Model":
    """Build LeNet-1 with the paper's 2,578 parameters and 98,442 connections.

    The paper squashes the ten outputs and minimises squared errors; here they are a softmax, so that they are
    probabilities. Its digits were 16 x 16 in the middle of 28 x 28; MNIST's are 20 x 20.

    Parameters
    ----------
    input_shape, n_classes
        As for :func:`lenetkit.models.create_model`; at least 8 x 8. Sides below 28 are framed.

    Raises
    ------
    SettingError
        If the image is smaller than 8 x 8.
    """
    import keras
    from keras import layers

    from lenetkit.models._layers import TableConv2D, framed_input, paper_uniform, scaled_tanh, subsample

    image, x = framed_input("lenet1", input_shape, _SIDE)
    x = layers.Conv2D(4, 5, activation=scaled_tanh, kernel_initializer=paper_uniform(25 * input_shape[2]), name="h1")(x)
    x = subsample(x, "h2")
    x = TableConv2D(_TABLE, 5, activation=scaled_tanh, name="h3")(x)
    x = subsample(x, "h4")
    x = layers.Flatten(name="flatten")(x)
    output = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="lenet1")
