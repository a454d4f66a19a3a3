"""The steps of a network as C code takes them, and the same computed in NumPy.

In: steps, as ``_c_layers`` reads them from a Keras model. Out: the answers. Next: ``_c_code`` writes the steps as C.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exporting._conversion import Array

__all__ = ["ACTIVATIONS", "Step", "compute"]

# Images in one go: the windows of a convolution take 25 times their memory.
_CHUNK = 200

# Each as C writes it for a value x, and as NumPy computes it.
ACTIVATIONS: dict[str, tuple[str, Callable[[Array], Any]]] = {
    "relu": ("x > 0.0f ? x : 0.0f", lambda x: np.maximum(x, 0)),
    "relu6": ("x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x", lambda x: np.clip(x, 0, 6)),
    "tanh": ("tanhf(x)", np.tanh),
    "lenetkit>scaled_tanh": (
        "1.7159f * tanhf(x * 0.6666667f)",
        lambda x: np.float32(1.7159) * np.tanh(x * np.float32(2 / 3)),
    ),
    "sigmoid": ("1.0f / (1.0f + expf(-x))", lambda x: 1 / (1 + np.exp(-x))),
    "silu": ("x / (1.0f + expf(-x))", lambda x: x / (1 + np.exp(-x))),
    "elu": ("x > 0.0f ? x : expf(x) - 1.0f", lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)),
}


@attrs.frozen(kw_only=True, eq=False)
class Step:
    """One step of a network.

    Parameters
    ----------
    kind : {"convolve", "pool", "affine", "pad", "activate", "softmax", "compare", "join", "add"}
    layer : str
        Name of the Keras layer.
    inputs : tuple of int
        The values that it takes: 0 is the image, k the result of step k - 1.
    given, shape : tuple of int
        (height, width, channels) of the first input and of the result.
    arrays : dict of str to ndarray
        Weights.
    sizes : dict of str to int
        Sides of windows, strides and margins.
    function : str
        Name of the activation; of a pooling ``"max"`` or ``"average"``.
    """

    kind: str
    layer: str
    inputs: tuple[int, ...]
    given: tuple[int, int, int]
    shape: tuple[int, int, int]
    arrays: dict[str, npt.NDArray[Any]] = attrs.field(factory=dict)
    sizes: dict[str, int] = attrs.field(factory=dict)
    function: str = ""


def compute(steps: Sequence[Step], images: Array) -> Array:
    """Return the answers of the steps, float32 of shape (n, n_classes), summed in NumPy's order."""
    parts = [_compute(steps, images[start : start + _CHUNK]) for start in range(0, len(images), _CHUNK)]
    return np.concatenate(parts)


def _compute(steps: Sequence[Step], images: Array) -> Array:
    values = [np.asarray(images, np.float32)]
    for step in steps:
        given = [values[index].reshape(len(images), *step.given[:2], -1) for index in step.inputs]
        with np.errstate(over="ignore"):  # of exp, whose quotient is right all the same
            values.append(np.asarray(_COMPUTED[step.kind](step, *given), np.float32))
    return values[-1].reshape(len(images), -1)


def _windows(x: Array, step: Step, fill: float) -> Array:
    """Return what the windows of a convolution or pooling see: (n, rows, columns, channels, height, width)."""
    size = step.sizes
    rows, columns = step.shape[:2]
    below = (rows - 1) * size["stride_y"] + size["height"] - size["top"] - x.shape[1]
    right = (columns - 1) * size["stride_x"] + size["width"] - size["left"] - x.shape[2]
    margins = ((0, 0), (size["top"], max(0, below)), (size["left"], max(0, right)), (0, 0))
    padded = np.pad(x, margins, constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size["height"], size["width"]), (1, 2))
    return np.asarray(windows[:, :: size["stride_y"], :: size["stride_x"]][:, :rows, :columns])


def _convolve(step: Step, x: Array) -> Array:
    kernel = step.arrays["kernel"].astype(np.float32)
    y = np.tensordot(_windows(x, step, 0), kernel, ([4, 5, 3], [0, 1, 2]))
    if "scale" in step.arrays:
        y = y * step.arrays["scale"]
    return np.asarray(y + step.arrays["bias"])


def _pool(step: Step, x: Array) -> Array:
    if step.function == "max":
        return np.asarray(_windows(x, step, -np.inf).max(axis=(4, 5)))
    inside = _windows(np.ones_like(x[:1]), step, 0).sum(axis=(4, 5))
    return np.asarray(_windows(x, step, 0).sum(axis=(4, 5)) / inside)


def _pad(step: Step, x: Array) -> Array:
    top, left = step.sizes["top"], step.sizes["left"]
    y = np.zeros((len(x), *step.shape), np.float32)
    y[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    return y


def _softmax(_: Step, x: Array) -> Array:
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(y / y.sum(axis=-1, keepdims=True))


def _compare(step: Step, x: Array) -> Array:
    return np.asarray(-np.square(x - step.arrays["bitmaps"]).sum(axis=-1))


_COMPUTED: dict[str, Callable[..., Array]] = {
    "convolve": _convolve,
    "pool": _pool,
    "affine": lambda step, x: x * step.arrays["scale"] + step.arrays["offset"],
    "pad": _pad,
    "activate": lambda step, x: ACTIVATIONS[step.function][1](x),
    "softmax": _softmax,
    "compare": _compare,
    "join": lambda _, *parts: np.concatenate(parts, axis=-1),
    "add": lambda _, *parts: sum(parts[1:], parts[0]),
}
