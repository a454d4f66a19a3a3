"""LeNet-4: LeNet-1 grown by more maps and a hidden layer."""

from typing import TYPE_CHECKING

from lenetkit.models._catalogue import register_model

if TYPE_CHECKING:
    import keras

__all__ = ["lenet4"]

# Each map of C3 sees three of S2's eight: neighbours first, then every other one. Every S2 map is used six times.
_TABLE = tuple(tuple((first + step * k) % 8 for k in range(3)) for step in (1, 2) for first in range(8))
_SIDE = 32


@register_model(
    "lenet4",
    description="LeNet-4: LeNet-1 with more maps and a hidden layer.",
    n_parameters=50_698,
    paper="LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, "
    "Proc. IEEE 86(11), 1998, section III-C",
    paper_error=1.1,
    preset={"name": "accurate", "epochs": 10, "label_smoothing": 0.0},
)
def lenet4(input_shape: tuple[int, int, int], n_classes: int) -> "keras.Model":
    """Build LeNet-4 as far as the paper describes it.

    The paper gives the layers, "about 260,000 connections" and "about 17,000 free parameters", but not which maps of
    C3 see which of S2's. Three each give 262,306 connections. The parameters can't be met together with that: the
    hidden layer alone, 120 units over 16 maps of 5 x 5, has 48,120 weights that nothing shares. The outputs are a
    softmax, so that they are probabilities.

    Parameters
    ----------
    input_shape, n_classes
        As for :func:`lenetkit.models.create_model`; at least 8 x 8. Sides below 32 are framed.

    Raises
    ------
    SettingError
        If the image is smaller than 8 x 8.
    """
    import keras
    from keras import layers

    from lenetkit.models._layers import TableConv2D, framed_input, paper_uniform, scaled_tanh, subsample

    image, x = framed_input("lenet4", input_shape, _SIDE)
    x = layers.Conv2D(4, 5, activation=scaled_tanh, kernel_initializer=paper_uniform(25 * input_shape[2]), name="c1")(x)
    # Eight maps "connected in pairs to each first-layer feature map": each map of C1 is summarised twice.
    x = layers.Concatenate(name="pairs")([x, x])
    x = subsample(x, "s2")
    x = TableConv2D(_TABLE, 5, activation=scaled_tanh, name="c3")(x)
    x = subsample(x, "s4")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation=scaled_tanh, name="f5")(x)
    output = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="lenet4")
