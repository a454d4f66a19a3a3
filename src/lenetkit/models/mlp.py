"""Multilayer perceptron, a network without convolutions: two hidden layers of 300 and 100 units."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lenetkit.exceptions import SettingError
from lenetkit.models._catalogue import register_model, require_activation

if TYPE_CHECKING:
    import keras

__all__ = ["mlp"]


@register_model(
    "mlp",
    description="Two hidden layers, 300 and 100 units: what it takes without convolutions.",
    n_parameters=266_610,
    paper="LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, "
    "Proc. IEEE 86(11), 1998, section III-C",
    paper_error=3.05,
    preset={"name": "accurate", "epochs": 10},
)
def mlp(
    input_shape: tuple[int, int, int], n_classes: int, *, hidden: Sequence[int] = (300, 100), activation: str = "relu"
) -> "keras.Model":
    """Build a multilayer perceptron, the paper's 28x28-300-100-10.

    Parameters
    ----------
    input_shape, n_classes
        As for :func:`lenetkit.models.create_model`.
    hidden : sequence of int, default (300, 100)
        Units of each hidden layer.
    activation : str, default "relu"
        Any Keras activation; ``"tanh"`` is nearer to the paper.

    Raises
    ------
    SettingError
        If a layer has no unit, or the activation is unknown to Keras.
    """
    import keras
    from keras import layers

    require_activation(activation)
    if not isinstance(hidden, Sequence) or not all(isinstance(units, int) and units > 0 for units in hidden):
        raise SettingError(f"hidden must be positive integers, the units of each hidden layer; got {hidden!r}.")
    image = keras.Input(input_shape, name="image")
    x = layers.Flatten(name="flatten")(image)
    for index, units in enumerate(hidden, start=1):
        x = layers.Dense(units, activation=activation, name=f"hidden{index}")(x)
    output = layers.Dense(n_classes, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="mlp")
