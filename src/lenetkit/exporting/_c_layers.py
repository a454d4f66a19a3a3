"""The layers of a Keras model as the steps that C code can take.

In: a ``keras.Model`` of layers that are known here. Out: a list of steps. Next: ``_c_code`` writes them as C.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import ExportError
from lenetkit.exporting._c_steps import ACTIVATIONS, Step
from lenetkit.exporting._conversion import Array

__all__ = ["read_steps"]

_LEVELS = 127  # of an int8 weight on either side of 0
# They do nothing when a model answers.
_ONLY_IN_TRAINING = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "ActivityRegularization")


def read_steps(model: Any, *, int8: bool = False) -> list[Step]:
    """Return the steps of a Keras model, with weights as float32 or rounded to int8 for each output.

    Raises
    ------
    ExportError
        If the model has a layer that is not known here, or is no graph of layers; the message names it.
    """
    reader = _Reader(model, int8=int8)
    for layer in getattr(model, "layers", ()):
        reader.read(layer)
    return reader.finish()


class _Reader:
    """The way through a Keras model: which value each of its tensors is, and the steps so far."""

    def __init__(self, model: Any, *, int8: bool) -> None:
        self.model, self.int8 = model, int8
        self.steps: list[Step] = []
        self.values: dict[int, int] = {}

    def read(self, layer: Any) -> None:
        """Add the steps of a layer."""
        import keras

        name = keras.saving.get_registered_name(type(layer))
        builtin = type(layer).__module__.partition(".")[0] == "keras"
        if name == "InputLayer":
            self.values[id(layer.output)] = 0
            return
        if not (builtin or name.startswith("lenetkit>")) or name not in _READERS:
            raise self._unknown(layer, f"of class {type(layer).__name__}")
        try:
            given = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
            self.inputs = tuple(self.values.setdefault(id(tensor), 0) for tensor in given if self._is_known(tensor))
        except (AttributeError, ValueError, RuntimeError):
            given, self.inputs = [], ()
        if len(self.inputs) != len(given) or not given:
            raise self._unknown(layer, "whose input does not come from another layer")
        self.layer, self.given, self.shape = layer, _as_shape(given[0].shape), _as_shape(layer.output.shape)
        _READERS[name](self, layer)
        self.values[id(layer.output)] = self.inputs[0]

    def _is_known(self, tensor: Any) -> bool:
        return id(tensor) in self.values or any(tensor is known for known in self.model.inputs)

    def add(self, kind: str, *, function: str = "", sizes: dict[str, int] | None = None, **arrays: Any) -> None:
        """Add a step, whose result is what the next step of the layer takes."""
        floats = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
        for name, array in floats.items():
            if not np.isfinite(array).all():
                raise self._unknown(self.layer, f"whose {name} is not finite")
        if kind == "convolve" and self.int8:
            floats |= _round(floats["kernel"])
        step = Step(
            kind=kind,
            layer=self.layer.name,
            inputs=self.inputs,
            given=self.given,
            shape=self.shape,
            arrays=floats,
            sizes=sizes or {},
            function=function,
        )
        self.steps.append(step)
        self.inputs, self.given = (len(self.steps),), self.shape

    def activate(self, activation: Any) -> None:
        """Add the step of an activation function."""
        import keras

        name = keras.saving.get_registered_name(activation)
        if name == "softmax":
            if self.shape[:2] != (1, 1):
                raise self._unknown(self.layer, "with a softmax over maps")
            self.add("softmax")
        elif name in ACTIVATIONS:
            self.add("activate", function=name)
        elif name != "linear":
            raise self._unknown(self.layer, f"with the activation {name!r}")

    def require(self, condition: bool, reason: str) -> None:
        """Refuse a layer with settings that are not known here."""
        if not condition:
            raise self._unknown(self.layer, reason)

    def _unknown(self, layer: Any, reason: str) -> ExportError:
        return ExportError(
            f"the model {self.model.name!r} cannot be written in C: the layer {layer.name!r} {reason} is not among "
            'those that have C code. Export it with another format, such as "litert". Not exported.'
        )

    def finish(self) -> list[Step]:
        """Return the steps that the model's output depends on."""
        outputs = getattr(self.model, "outputs", None) or []
        single = len(outputs) == len(self.model.inputs) == 1
        last = self.values.get(id(outputs[0]), 0) if single else 0
        if not last or len(outputs[0].shape) != 2:
            raise ExportError(
                f"the model {self.model.name!r} cannot be written in C: it is not a graph of layers from one input to "
                'one output of shape (n, n_classes). Export it with another format, such as "litert". Not exported.'
            )
        needed = {last}
        for index in range(last, 0, -1):
            if index in needed:
                needed.update(self.steps[index - 1].inputs)
        renamed = {old: new for new, old in enumerate(sorted(needed | {0}))}
        kept = [self.steps[index - 1] for index in sorted(needed - {0})]
        return [attrs.evolve(step, inputs=tuple(renamed[index] for index in step.inputs)) for step in kept]


def _as_shape(shape: Sequence[int | None]) -> tuple[int, int, int]:
    """Return the shape of one image or vector, without the number of them, as height, width and channels."""
    sides = [int(side or 0) for side in shape[1:]]
    height, width, channels = [1] * (3 - len(sides)) + sides if len(sides) <= 3 else (0, 0, 0)
    return height, width, channels


def _round(kernel: Array) -> dict[str, npt.NDArray[Any]]:
    """Return a kernel as int8 with a scale for each output: half a step is the most that a weight is off."""
    scale = (np.abs(kernel).max(axis=(0, 1, 2)) / np.float32(_LEVELS)).astype(np.float32)
    scale[scale == 0] = 1
    return {"kernel": np.rint(kernel / scale).clip(-_LEVELS, _LEVELS).astype(np.int8), "scale": scale}


def _margin(size: int, result: int, window: int, stride: int, padding: str) -> int:
    """Return the rows or columns of padding in front."""
    return max(0, (result - 1) * stride + window - size) // 2 if padding == "same" else 0


def _window_sizes(reader: _Reader, window: Sequence[int], strides: Sequence[int], padding: str) -> dict[str, int]:
    reader.require(padding in ("same", "valid"), f"with padding={padding!r}")
    margins = [
        _margin(size, result, side, stride, padding)
        for size, result, side, stride in zip(reader.given[:2], reader.shape[:2], window, strides, strict=True)
    ]
    names = ("height", "width", "stride_y", "stride_x", "top", "left")
    return dict(zip(names, map(int, (*window, *strides, *margins)), strict=True))


def _read_convolution(reader: _Reader, layer: Any) -> None:
    reader.require(layer.groups == 1 and set(layer.dilation_rate) == {1}, "with groups or dilation")
    reader.require(layer.data_format == "channels_last", "with channels in front")
    bias = layer.bias if layer.use_bias else np.zeros(layer.filters)
    sizes = _window_sizes(reader, layer.kernel_size, layer.strides, layer.padding)
    reader.add("convolve", sizes=sizes, kernel=layer.kernel, bias=bias)
    reader.activate(layer.activation)


def _read_table(reader: _Reader, layer: Any) -> None:
    size = layer.kernel_size
    kernel = np.zeros((size, size, reader.given[2], len(layer.table)), np.float32)
    connections = ((below, index) for index, row in enumerate(layer.table) for below in row)
    for column, (below, index) in enumerate(connections):
        kernel[:, :, below, index] = np.asarray(layer.kernel)[:, :, column]
    sizes = _window_sizes(reader, (size, size), (1, 1), "valid")
    reader.add("convolve", sizes=sizes, kernel=kernel, bias=layer.bias)
    reader.activate(layer.activation)


def _read_dense(reader: _Reader, layer: Any) -> None:
    reader.require(reader.given[:2] == (1, 1), "over maps")
    bias = layer.bias if layer.use_bias else np.zeros(layer.units)
    sizes = _window_sizes(reader, (1, 1), (1, 1), "valid")
    reader.add("convolve", sizes=sizes, kernel=np.asarray(layer.kernel)[None, None], bias=bias)
    reader.activate(layer.activation)


def _read_pooling(reader: _Reader, layer: Any) -> None:
    reader.require(layer.data_format == "channels_last", "with channels in front")
    sizes = _window_sizes(reader, layer.pool_size, layer.strides, layer.padding)
    reader.add("pool", sizes=sizes, function="max" if "Max" in type(layer).__name__ else "average")


def _read_global_pooling(reader: _Reader, layer: Any) -> None:
    reader.require(layer.data_format == "channels_last", "with channels in front")
    reader.shape = (1, 1, reader.given[2])
    sizes = _window_sizes(reader, reader.given[:2], (1, 1), "valid")
    reader.add("pool", sizes=sizes, function="max" if "Max" in type(layer).__name__ else "average")


def _read_subsampling(reader: _Reader, layer: Any) -> None:
    sizes = _window_sizes(reader, (2, 2), (2, 2), "valid")
    reader.add("pool", sizes=sizes, function="average")
    reader.add("affine", scale=4 * np.asarray(layer.coefficient), offset=layer.bias)


def _read_normalisation(reader: _Reader, layer: Any) -> None:
    reader.require(layer.axis in (-1, len(layer.output.shape) - 1), "over another axis than the channels'")
    scale = 1 / np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
    scale = scale * np.asarray(layer.gamma) if layer.scale else scale
    offset = -np.asarray(layer.moving_mean) * scale
    reader.add("affine", scale=scale, offset=offset + np.asarray(layer.beta) if layer.center else offset)


def _read_rescaling(reader: _Reader, layer: Any) -> None:
    factors = [np.asarray(value, np.float32) for value in (layer.scale, layer.offset)]
    reader.require(all(factor.shape in ((), reader.given[2:]) for factor in factors), "with a factor for each pixel")
    scale, offset = (np.broadcast_to(factor, reader.given[2:]) for factor in factors)
    reader.add("affine", scale=scale, offset=offset)


def _read_padding(reader: _Reader, layer: Any) -> None:
    reader.require(layer.data_format == "channels_last", "with channels in front")
    (top, _), (left, _) = layer.padding
    reader.add("pad", sizes={"top": int(top), "left": int(left)})


def _read_relu(reader: _Reader, layer: Any) -> None:
    plain = not layer.negative_slope and not layer.threshold and layer.max_value in (None, 6)
    reader.require(plain, "with settings of its own")
    reader.add("activate", function="relu6" if layer.max_value else "relu")


def _read_softmax(reader: _Reader, layer: Any) -> None:
    reader.require(reader.shape[:2] == (1, 1) and layer.axis in (-1, 1), "over maps")
    reader.add("softmax")


def _read_bitmaps(reader: _Reader, layer: Any) -> None:
    # The squared distances of 0 and of the unit vectors from a bitmap b are |b|^2 and |b|^2 + 1 - 2 b.
    n = reader.given[2]
    nought = np.asarray(layer.distances(np.zeros((1, n), np.float32)))
    units = np.asarray(layer.distances(np.eye(n, dtype=np.float32)))
    reader.add("compare", bitmaps=((nought + 1 - units) / 2).T)
    reader.add("softmax")


def _read_joining(reader: _Reader, layer: Any) -> None:
    reader.require(layer.axis in (-1, len(layer.output.shape) - 1), "along another axis than the channels'")
    sides = {_as_shape(tensor.shape)[:2] for tensor in layer.input}
    reader.require(sides == {reader.shape[:2]}, "of maps of several sizes")
    reader.add("join", sizes={f"channels_{k}": _as_shape(tensor.shape)[2] for k, tensor in enumerate(layer.input)})


def _read_sum(reader: _Reader, layer: Any) -> None:
    reader.require({_as_shape(tensor.shape) for tensor in layer.input} == {reader.shape}, "of several shapes")
    reader.add("add")


def _read_nothing(_: _Reader, __: Any) -> None:
    """Take the value as it is: channels lie together, so that a change of shape moves nothing."""


_READERS: dict[str, Callable[[_Reader, Any], None]] = {
    "Conv2D": _read_convolution,
    "lenetkit>TableConv2D": _read_table,
    "Dense": _read_dense,
    **dict.fromkeys(("AveragePooling2D", "MaxPooling2D"), _read_pooling),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D"), _read_global_pooling),
    "lenetkit>Subsampling": _read_subsampling,
    "BatchNormalization": _read_normalisation,
    "Rescaling": _read_rescaling,
    "ZeroPadding2D": _read_padding,
    "Activation": lambda reader, layer: reader.activate(layer.activation),
    "ReLU": _read_relu,
    "Softmax": _read_softmax,
    "lenetkit>BitmapOutput": _read_bitmaps,
    "Concatenate": _read_joining,
    "Add": _read_sum,
    **dict.fromkeys(("Flatten", "Reshape", *_ONLY_IN_TRAINING), _read_nothing),
}
