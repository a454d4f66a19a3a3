"""Size of a built model: trainable parameters, and connections as the papers of the 1990s count them."""

import math
from typing import TYPE_CHECKING, Any

import attrs

from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    import keras

__all__ = ["ModelCounts", "count_connections", "count_model"]


@attrs.frozen(kw_only=True)
class ModelCounts:
    """Size of a built model.

    Parameters
    ----------
    parameters : int
        Trainable numbers.
    connections : int
        For every unit that sums its inputs, as a convolution, a dense or a pooling layer does, one for each input and
        one for its bias; a weight that is shared by many units counts for each. Layers that work on one number at a
        time, such as activations and normalisations, have none.

    Examples
    --------
    >>> from lenetkit.models import model_info
    >>> model_info("lenet5_1998").counts()
    ModelCounts(parameters=60000, connections=340908)
    """

    parameters: int
    connections: int


def count_model(model: "keras.Model") -> ModelCounts:
    """Count the parameters and connections of a functional or sequential model."""
    return ModelCounts(
        parameters=sum(math.prod(variable.shape) for variable in model.trainable_variables),
        connections=count_connections(model),
    )


def count_connections(layer: Any) -> int:
    """Count the connections of a layer, or of all layers of a model.

    Raises
    ------
    SettingError
        If a layer has weights and its connections are unknown.
    """
    from keras import layers

    if hasattr(layer, "count_connections"):
        return int(layer.count_connections())
    if hasattr(layer, "layers"):
        return sum(map(count_connections, layer.layers))
    depthwise = isinstance(layer, (layers.DepthwiseConv1D, layers.DepthwiseConv2D))
    if depthwise or isinstance(layer, (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Dense)):
        return int(_units(layer) * (math.prod(layer.kernel.shape[: -2 if depthwise else -1]) + layer.use_bias))
    if isinstance(layer, (layers.AveragePooling2D, layers.MaxPooling2D)):
        return _units(layer) * int(math.prod(layer.pool_size))
    if isinstance(layer, (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)):
        return int(math.prod(layer.input.shape[1:]))
    one_by_one = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.PReLU)
    if layer.weights and not isinstance(layer, one_by_one):
        raise SettingError(
            f"it is not known how many connections the layer {layer.name!r} ({type(layer).__name__}) has. "
            "Give it a method count_connections() that returns their number."
        )
    return 0


def _units(layer: Any) -> int:
    return int(math.prod(layer.output.shape[1:]))
