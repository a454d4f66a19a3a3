"""The last dense layers of a LiteRT model, in NumPy: taken out, run, trained by their gradient, and put back.

In: the bytes of a model, and images as it takes them. Out: the bytes of a model that has learnt, of the same form.
Next: :mod:`lenetkit.pipeline._adapting` decides what it learns from, and whether it may stay.

All layers before the last dense ones stay as they are and are run by :class:`lenetkit.runtime.Predictor`: their output,
the features of an image, is computed once, however often the last ones are trained on it.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import SettingError
from lenetkit.pipeline._adam import Floats, Values, descend
from lenetkit.pipeline._lite_model import LiteModel, LiteOperator
from lenetkit.runtime import Predictor

__all__ = ["Head", "Weights", "learn", "match_layer", "predict", "read_head", "run_layers"]

Weights = list[tuple[Floats, Floats]]
"""Kernel (n_inputs, n_outputs) and bias (n_outputs,) of each layer, in the order of the data."""

# The numbers of the operations and activations in LiteRT's schema.
_DENSE, _SOFTMAX, _TANH, _SIGMOID = 9, 25, 28, 14
_FUSED = {0: "linear", 1: "relu"}
_ALONE = {_TANH: "tanh", _SIGMOID: "sigmoid"}


@attrs.frozen(kw_only=True, eq=False)
class Head:
    """The dense layers at the end of a model, and what computes their input.

    Parameters
    ----------
    weights : list of (kernel, bias)
    activations : tuple of str
        Of each layer: "relu", "tanh", "sigmoid" or "linear"; the last one is "linear", and its softmax follows.
    features : Predictor
        The layers before: images in, float32 of shape (n, n_features) out.
    """

    weights: Weights
    activations: tuple[str, ...]
    features: Predictor
    _model: LiteModel
    _layers: list[tuple[int, int, str]]

    def with_weights(self, weights: Weights) -> bytes:
        """Return the whole model with other weights in these layers, perhaps with more classes."""
        layers = zip(self._layers, weights, strict=True)
        contents = {
            index: array
            for (kernel, bias, _), new in layers
            for index, array in ((kernel, np.ascontiguousarray(new[0].T)), (bias, new[1]))
        }
        last, more = self._model.operators[-1], weights[-1][1].size - self.weights[-1][1].size
        return self._model.with_contents(contents, (last.inputs[0], last.outputs[0]), more)


def read_head(tflite: bytes, *, scale: Any, offset: Any, among: Iterable[npt.NDArray[Any]] = ()) -> Head:
    """Take the last dense layers out of a model.

    Parameters
    ----------
    tflite : bytes
    scale, offset : array-like of float32
        As :class:`lenetkit.runtime.Predictor` takes them.
    among : iterable of ndarray, optional
        The weights that the model was made of, in their order. A layer that has others, such as one with a
        normalisation folded in, and all layers before it are no part of the head.

    Raises
    ------
    SettingError
        If it does not end in a dense layer of float32 weights and a softmax.
    DataError
        If it is damaged, or has operations that the NumPy runtime does not know.
    """
    model = LiteModel(tflite)
    layers, start = _find_layers(model, among)
    if not layers:
        raise SettingError(
            "the model does not end in a dense layer with a softmax, so its last layers cannot be adapted. Train it on "
            "with Pipeline.fit(images, labels, warm_start=True), which needs TensorFlow and forgets more."
        )
    weights = []
    for kernel, bias, _ in layers:
        read = [_read(model, index) for index in (kernel, bias)]
        weights.append((np.ascontiguousarray(read[0].T), read[1].copy()))
    # In NumPy: LiteRT 2.0.2 ends the process over a model that was cut off.
    features = Predictor(model.with_output(start), scale=scale, offset=offset, runtime="numpy")
    return Head(
        weights=weights,
        activations=tuple(activation for _, _, activation in layers),
        features=features,
        model=model,
        layers=layers,
    )


def predict(head_weights: Weights, activations: tuple[str, ...], features: Floats) -> Floats:
    """Return the probabilities (n, n_classes) for features (n, n_features)."""
    return _softmax(run_layers(head_weights, activations, features)[-1])


def learn(
    weights: Weights,
    activations: tuple[str, ...],
    features: Floats,
    targets: Floats,
    importance: Floats,
    *,
    steps: int,
    rate: float,
) -> Iterator[Weights]:
    """Yield the weights after each step of Adam on the cross-entropy of all examples.

    Parameters
    ----------
    weights, activations
        Of a head; the weights are not changed.
    features, targets : ndarray of shape (n, n_features) and (n, n_classes)
        float32; each row of targets sums to 1.
    importance : ndarray of shape (n,)
        float32, the weight of each row in the loss; they sum to 1.
    steps : int
        Each is one pass over all rows. The rate falls to 0 over the second half of them.
    rate : float
    """

    def compute(values: Values, _: int) -> Values:
        return _compute_gradients(_pair(values), activations, features, targets, importance)

    values = [array for layer in weights for array in layer]
    for found in descend(values, compute, steps=steps, rate=rate):
        yield _pair(found)


def _pair(values: Values) -> Weights:
    return list(zip(values[::2], values[1::2], strict=True))


def _compute_gradients(
    weights: Weights, activations: tuple[str, ...], features: Floats, targets: Floats, importance: Floats
) -> list[Floats]:
    """Return the gradient of the weighted cross-entropy by each kernel and bias."""
    values = run_layers(weights, activations, features)
    slope = (_softmax(values[-1]) - targets) * importance[:, np.newaxis]
    gradients: list[Floats] = []
    for layer in range(len(weights) - 1, -1, -1):
        below = values[layer]
        gradients += [slope.sum(axis=0), below.T @ slope]
        if layer:
            slope = (slope @ weights[layer][0].T) * _derive(activations[layer - 1], below)
    return gradients[::-1]


def run_layers(weights: Weights, activations: tuple[str, ...], features: Floats) -> list[Floats]:
    """Return the features and the output of each layer."""
    values = [features]
    for (kernel, bias), activation in zip(weights, activations, strict=True):
        values.append(_activate(activation, values[-1] @ kernel + bias))
    return values


def _activate(name: str, sums: Floats) -> Floats:
    if name == "relu":
        return np.maximum(sums, 0)
    if name == "tanh":
        return np.tanh(sums)
    return 0.5 * (1 + np.tanh(0.5 * sums)) if name == "sigmoid" else sums


def _derive(name: str, outputs: Floats) -> Floats:
    """Return the derivative of an activation, from its outputs."""
    if name == "relu":
        return (outputs > 0).astype(np.float32)
    if name == "tanh":
        return 1 - outputs**2
    return outputs * (1 - outputs) if name == "sigmoid" else np.ones_like(outputs)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _find_layers(model: LiteModel, among: Iterable[npt.NDArray[Any]] = ()) -> tuple[list[tuple[int, int, str]], int]:
    """Return kernel, bias and activation of the last dense layers, in the data's order, and the tensor of their input.

    The search goes from the softmax backwards, up to the first thing that is no dense layer with weights of its own.
    """
    known = list(among)
    makers = {tensor: operator for operator in model.operators for tensor in operator.outputs}
    uses = Counter(tensor for operator in model.operators for tensor in operator.inputs)
    last = makers.get(model.output)
    layers: list[tuple[int, int, str]] = []
    if last is None or last is not model.operators[-1] or not _is_softmax(last):
        return layers, -1
    at = last.inputs[0]
    while (found := _find_layer(model, makers, uses, at)) is not None:
        read = [_read(model, index) for index in found[:2]]
        if not (layers or found[2] == "linear") or (known and match_layer(known, read[0].T, read[1]) is None):
            break
        layers.insert(0, found[:3])
        at = found[3]
    return layers, at


def match_layer(arrays: Sequence[npt.NDArray[Any]], kernel: Floats, bias: Floats) -> tuple[int, float] | None:
    """Return the only position of a kernel among arrays where its bias follows, and the factor that it has here.

    A converter may have put a constant into the kernel, such as the 1.7159 of the paper's activation before it.
    """
    found = []
    for index, (one, next_one) in enumerate(itertools.pairwise(arrays)):
        if one.shape == kernel.shape and np.array_equal(next_one, bias):
            factor = float(np.vdot(one, kernel) / max(float(np.vdot(one, one)), 1e-30))
            if np.allclose(factor * one, kernel, rtol=1e-5, atol=1e-6 * float(np.abs(kernel).max())):
                found.append((index, factor))
    return found[0] if len(found) == 1 else None


def _find_layer(
    model: LiteModel, makers: Mapping[int, LiteOperator], uses: Mapping[int, int], at: int
) -> tuple[int, int, str, int] | None:
    """Return kernel, bias, activation and input of the dense layer that makes a tensor, if one does."""
    activation = "linear"
    operator = makers.get(at)
    if operator is not None and operator.code in _ALONE:
        activation = _ALONE[operator.code]
        operator = makers.get(operator.inputs[0]) if uses.get(operator.outputs[0]) == 1 else None
    if operator is None or operator.code != _DENSE or len(operator.inputs) != 3:
        return None
    below, kernel, bias = operator.inputs
    fused = _FUSED.get(_option(operator, 0, "b"))
    plain = (
        uses.get(operator.outputs[0]) == 1
        and min(below, kernel, bias) >= 0
        and uses[kernel] == uses[bias] == 1
        and len(model.tensors[below].shape) == 2
        and not _option(operator, 1, "b")
        and fused is not None
        and "linear" in (fused, activation)
    )
    if not plain or any(model.tensors[index].content is None for index in (kernel, bias)):
        return None
    return kernel, bias, activation if fused == "linear" else str(fused), below


def _is_softmax(operator: LiteOperator) -> bool:
    return operator.code == _SOFTMAX and _option(operator, 0, "f") == 1


def _option(operator: LiteOperator, field: int, form: str) -> Any:
    return 0 if operator.options is None else operator.options.number(field, form)


def _read(model: LiteModel, index: int) -> Floats:
    return cast("Floats", model.tensors[index].content)  # not None: _find_layer has seen to it
