"""LeNet-5 as courses teach it: the paper's layers, full connections in C3, plain pooling and a softmax output."""

from typing import TYPE_CHECKING

from lenetkit.exceptions import SettingError
from lenetkit.models._catalogue import register_model, require_activation, require_side

if TYPE_CHECKING:
    import keras

__all__ = ["lenet5"]

# C1 keeps (with padding) or shrinks the image to h; S2 halves it, C3 takes 4 off, S4 halves it: one pixel must be left.
_SMALLEST_SIDE = 12
# The paper pads its 28x28 digits to 32x32 so that C1 sees the corners whole; larger images need no padding.
_SIDE_WITHOUT_PADDING = 32


@register_model(
    "lenet5",
    description="LeNet-5: two convolutions, two poolings, three dense layers.",
    n_parameters=61_706,
    paper="LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, "
    "Proc. IEEE 86(11), 1998, section II-B",
    preset={"name": "accurate", "epochs": 10},
)
def lenet5(
    input_shape: tuple[int, int, int], n_classes: int, *, activation: str = "relu", pooling: str = "average"
) -> "keras.Model":
    """Build LeNet-5 layer by layer, named as in the paper.

    It has 61,706 parameters for ten classes, at 28x28 with padding in C1 as well as at 32x32 without. The paper's own
    network has 60,000: it connects C3 sparsely, trains its subsampling and compares with fixed bitmaps at the output.

    Parameters
    ----------
    input_shape, n_classes
        As for :func:`lenetkit.models.create_model`; at least 12 x 12. Sides below 32 are padded in C1.
    activation : str, default "relu"
        Any Keras activation: ``"relu"``; ``"tanh"`` is nearer to the paper.
    pooling : {"average", "max"}, default "average"
        Operation of S2 and S4 on each 2x2 block.

    Raises
    ------
    SettingError
        If the image is smaller than 12 x 12 or an option is unknown to Keras.
    """
    import keras
    from keras import layers

    require_side("lenet5", input_shape, _SMALLEST_SIDE)
    require_activation(activation)
    pool = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}.get(pooling)
    if pool is None:
        raise SettingError(f"pooling must be 'average' or 'max'; got {pooling!r}.")
    padding = "same" if min(input_shape[:2]) < _SIDE_WITHOUT_PADDING else "valid"

    image = keras.Input(input_shape, name="image")
    x = layers.Conv2D(6, 5, padding=padding, activation=activation, name="c1")(image)  # 6 maps, edges and corners
    x = pool(2, name="s2")(x)  # half the size: where exactly an edge is matters less
    x = layers.Conv2D(16, 5, activation=activation, name="c3")(x)  # 16 maps, each combines all of S2's
    x = pool(2, name="s4")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation=activation, name="c5")(x)  # in the paper a convolution that covers S4 whole
    x = layers.Dense(84, activation=activation, name="f6")(x)  # 84 = 7 x 12, the size of the paper's bitmaps
    output = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="lenet5")
