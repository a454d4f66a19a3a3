"""The layers of the 1990s networks, as Keras layers. Imports Keras.

LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86(11), 1998,
section II-B, unless said otherwise.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from lenetkit.exceptions import SettingError
from lenetkit.models._bitmaps import class_bitmaps
from lenetkit.models._catalogue import require_side

__all__ = [
    "BitmapOutput",
    "Subsampling",
    "TableConv2D",
    "check_table",
    "framed_input",
    "paper_uniform",
    "scaled_tanh",
    "subsample",
]

_SMALLEST_SIDE = 8

_serializable = keras.saving.register_keras_serializable(package="lenetkit")


@_serializable  # type: ignore[untyped-decorator]
def scaled_tanh(x: Any) -> Any:
    """Return 1.7159 tanh(2x/3), which is 1 at 1 and -1 at -1 and bends most there; the paper's appendix A."""
    return 1.7159 * ops.tanh(x * (2 / 3))


def paper_uniform(fan_in: int) -> Any:
    """Return an initializer: uniform within 2.4 / fan-in, the number of inputs of one unit; the paper's appendix A."""
    return keras.initializers.RandomUniform(-2.4 / fan_in, 2.4 / fan_in)


def framed_input(model: str, input_shape: tuple[int, int, int], side: int) -> tuple[Any, Any]:
    """Return a model's input, and the image centred in a frame of at least `side` x `side`.

    Paper is mapped to -0.1 and ink to 1.175: the mean then is about 0 and the variance about 1.
    """
    require_side(model, input_shape, _SMALLEST_SIDE)
    image = x = keras.Input(input_shape, name="image")
    missing = [max(0, side - size) for size in input_shape[:2]]
    if any(missing):
        x = layers.ZeroPadding2D([(total // 2, total - total // 2) for total in missing], name="frame")(x)
    return image, layers.Rescaling(1.275, offset=-0.1, name="grey_levels")(x)


def check_table(table: Sequence[Sequence[int]], n_maps: int, name: str) -> tuple[tuple[int, ...], ...]:
    """Return a table of connections as tuples: for each feature map, the indices of the `n_maps` below that it sees."""
    try:
        rows = tuple(tuple(map(int, row)) for row in table)
    except (TypeError, ValueError):
        raise SettingError(f"{name} must be a sequence of sequences of integers; got {table!r}.") from None
    if not rows:
        raise SettingError(f"{name} must have at least one row, one for each feature map; got {table!r}.")
    for index, row in enumerate(rows):
        if not row or len(set(row)) != len(row) or not set(row) <= set(range(n_maps)):
            raise SettingError(
                f"each row of {name} must name different maps from 0 to {n_maps - 1}, at least one; "
                f"row {index} is {row!r}."
            )
    return rows


def subsample(maps: Any, name: str) -> Any:
    """Apply :class:`Subsampling` and the squashing activation that follows it in the paper."""
    return layers.Activation(scaled_tanh, name=f"{name}_squashed")(Subsampling(name=name)(maps))


@_serializable
class Subsampling(layers.Layer):  # type: ignore[misc]
    """Sum each 2 x 2 block, multiply by a coefficient, add a bias: both trained, one pair per map.

    Not squashed here; an activation follows.
    """

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create coefficients and biases."""
        n_maps = input_shape[-1]
        self.coefficient = self.add_weight(shape=(n_maps,), initializer=paper_uniform(4), name="coefficient")
        self.bias = self.add_weight(shape=(n_maps,), initializer="zeros", name="bias")

    def call(self, maps: Any) -> Any:
        """Return maps of half the height and width."""
        # Four times the mean is the sum, to the last bit.
        return ops.average_pool(maps, 2, 2, data_format="channels_last") * (4 * self.coefficient) + self.bias

    def count_connections(self) -> int:
        """Four inputs and a bias for every unit."""
        return int(np.prod(self.output.shape[1:])) * 5


@_serializable
class TableConv2D(layers.Layer):  # type: ignore[misc]
    """A convolution whose feature maps each see some of the maps below only.

    `table` names the maps that each feature map sees: there is one kernel for each connection and none for the others.
    """

    def __init__(
        self, table: Sequence[Sequence[int]], kernel_size: int, *, activation: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.table = tuple(tuple(row) for row in table)
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create kernels and biases."""
        size, n_maps, n_below = self.kernel_size, len(self.table), int(input_shape[-1] or 0)
        columns = [below * n_maps + index for index, row in enumerate(self.table) for below in row]
        self._spread = np.zeros((len(columns), n_below * n_maps), np.float32)
        self._spread[np.arange(len(columns)), columns] = 1
        fan_in = np.array([size * size * len(row) for row in self.table for _ in row], np.float32)

        def within_fan_in(shape: Any, dtype: Any = None) -> Any:
            return paper_uniform(1)(shape, dtype) / fan_in

        self.kernel = self.add_weight(shape=(size, size, len(columns)), initializer=within_fan_in, name="kernel")
        self.bias = self.add_weight(shape=(n_maps,), initializer="zeros", name="bias")

    def call(self, maps: Any) -> Any:
        """Return the feature maps."""
        size, n_maps = self.kernel_size, len(self.table)
        # Zeros and ones put each kernel in its place, exactly, and the gradient back.
        dense = ops.matmul(self.kernel, self._spread)
        dense = ops.reshape(dense, (size, size, self._spread.shape[1] // n_maps, n_maps))
        return self.activation(ops.conv(maps, dense, padding="valid", data_format="channels_last") + self.bias)

    def count_connections(self) -> int:
        """Count the weights and the bias of a unit, for every unit of every map."""
        _, height, width, n_maps = self.output.shape
        return int(height * width * (self.kernel_size**2 * sum(map(len, self.table)) + n_maps))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        activation = keras.activations.serialize(self.activation)
        own = {"table": self.table, "kernel_size": self.kernel_size, "activation": activation}
        return {**super().get_config(), **own}


@_serializable
class BitmapOutput(layers.Layer):  # type: ignore[misc]
    """Compare with one fixed bitmap per class: the softmax of the negative squared Euclidean distances.

    With categorical cross-entropy as the loss, training minimises the paper's maximum a posteriori criterion,
    equation 9: for distances y and the right class D, ::

        y[D] + log(exp(-j) + sum(exp(-y)))
        = cross-entropy(softmax(-y)) + log(1 + exp(-j) / sum(exp(-y)))

    The second term does not depend on the label, so that the layer adds it itself while training, as the mean over the
    batch, whatever weights the examples have. It stands for a class of rubbish at a constant distance j: an image that
    is far from all bitmaps is pulled towards its own without being pushed away from the others.
    This distance is `rubbish_distance`.
    """

    def __init__(self, n_classes: int, *, rubbish_distance: float, **options: Any) -> None:
        super().__init__(**options)
        self.n_classes, self.rubbish_distance = n_classes, rubbish_distance
        self._bitmaps = class_bitmaps(n_classes)

    def distances(self, x: Any) -> Any:
        """Return the squared distance of each row (n, 84) from each bitmap: (n, n_classes)."""
        return ops.sum(ops.square(ops.expand_dims(x, 1) - self._bitmaps), axis=-1)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the probabilities."""
        closeness = -self.distances(x)
        if training:
            self.add_loss(ops.mean(ops.softplus(-self.rubbish_distance - ops.logsumexp(closeness, axis=-1))))
        return ops.softmax(closeness)

    def count_connections(self) -> int:
        """One for each pixel of each bitmap."""
        return int(self._bitmaps.size)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "n_classes": self.n_classes, "rubbish_distance": self.rubbish_distance}
