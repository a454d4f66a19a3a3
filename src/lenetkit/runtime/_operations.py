"""The operations of a network, in NumPy, one function for each that LiteRT has and a small network needs.

In: an operation's options, the weights that are fixed, and the tensor that it fills. Out: a function of arrays.
Next: :mod:`lenetkit.runtime._numpy` calls them in the order of the graph.

Images are (n, height, width, channels) as in LiteRT; in memory the channels come before the rows, so that a
convolution copies whole rows of pixels.

Every image of a batch is computed by itself: convolutions and dense layers are a stack of products of matrices, one for
each image, all of one shape. A product of the whole batch would be faster, but libraries of linear algebra sum in
another order for another number of rows, and the bits of an image would depend on its neighbours.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.runtime._graph import Tensor, unusable

__all__ = ["MOST_VALUES", "OPERATIONS", "Array", "Step", "pad_ends"]

Array = npt.NDArray[Any]
Step = Callable[..., Array]
Options = Mapping[str, Any]
Contents = list[Array | None]

# No array of a network for small images has so many values; a hostile file could ask for any number.
MOST_VALUES = 1 << 26
# Values of an image's columns that are laid out at a time: more do not stay in a processor's cache.
_MOST_COLUMNS = 1 << 20
# Multiplications in one product of matrices, and of a matrix with a vector. From there on OpenBLAS spreads a product
# over all cores, and waits for the slowest of them: on a busy machine that took up to 150 times as long, and the bits
# depend on the number of cores.
_MOST_PRODUCTS, _MOST_OF_VECTOR = 1 << 18, 9_000
_SAME = 0  # of schema.fbs' Padding


def _checked(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse an array that nobody can mean, before it is made."""
    size = 1
    for side in shape:
        size *= int(side)
    if size > MOST_VALUES:
        raise unusable(f"it asks for an array of shape {shape}, of more than {MOST_VALUES:,} values.")
    return shape


def _relu(x: Array) -> Array:
    return np.maximum(x, np.float32(0))


def _clip(low: float, high: float) -> Step:
    return lambda x: np.clip(x, np.float32(low), np.float32(high))


# By their numbers in schema.fbs' ActivationFunctionType.
_ACTIVATIONS: dict[int, Step] = {1: _relu, 2: _clip(-1, 1), 3: _clip(0, 6), 4: np.tanh}


def _activate(options: Options, x: Array) -> Array:
    number = options["activation"]
    if number == 1:
        return np.maximum(x, np.float32(0), out=x)
    if number and number not in _ACTIVATIONS:
        raise unusable(f"it holds an activation that only LiteRT knows (number {number}).")
    return _ACTIVATIONS[number](x) if number else x


def pad_ends(options: Options, sides: tuple[int, int], kernel: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Return for rows and columns the padding before and after them, and the length of the result."""
    ends = []
    for name, side, size in zip(("height", "width"), sides, kernel, strict=True):
        stride, reach = options[f"stride_{name}"], (size - 1) * options.get(f"dilation_{name}", 1) + 1
        if min(stride, reach) < 1:
            raise unusable(f"a window of {size} and stride {stride} in {name} is none.")
        if options["padding"] == _SAME:
            length = -(-side // stride)
            missing = max(0, (length - 1) * stride + reach - side)
            ends.append((missing // 2, missing - missing // 2, length))
        else:
            ends.append((0, 0, (side - reach) // stride + 1))
        if ends[-1][-1] < 1:
            raise unusable(f"a window of {reach} does not fit into {side} pixels of {name}.")
    return ends


def _get_planes(images: Array, ends: list[tuple[int, int, int]], fill: float = 0.0) -> Array:
    """Return images as (n, channels, height, width), one row after the other in memory, padded."""
    planes = images.transpose(0, 3, 1, 2)
    (top, bottom, _), (left, right, _) = ends
    if not top + bottom + left + right:
        return np.ascontiguousarray(planes)
    n, channels, height, width = planes.shape
    padded = np.full(_checked((n, channels, top + height + bottom, left + width + right)), fill, planes.dtype)
    padded[:, :, top : top + height, left : left + width] = planes
    return padded


def _convolve(options: Options, matrix: Array, kernel: tuple[int, int], bias: Array | None, images: Array) -> Array:
    """Convolve images with a matrix of shape (groups, maps of a group, channels of a group x rows x columns)."""
    groups, n_maps, _ = matrix.shape
    ends = pad_ends(options, images.shape[1:3], kernel)
    planes = _get_planes(images, ends)
    n, channels = planes.shape[:2]
    height, width = ends[0][2], ends[1][2]
    steps = [planes.strides[2] * options["dilation_height"], planes.strides[3] * options["dilation_width"]]
    strides = [planes.strides[2] * options["stride_height"], planes.strides[3] * options["stride_width"]]
    # A view: every output pixel's window. The dimensions were checked above, so that it stays inside the planes.
    windows = np.ndarray(
        (n, channels, *kernel, height, width), planes.dtype, planes, 0, (*planes.strides[:2], *steps, *strides)
    )
    maps = np.empty(_checked((n, groups, n_maps, height, width)), np.float32)
    rows = max(1, _MOST_COLUMNS // (channels * kernel[0] * kernel[1] * width))
    for first in range(0, height, rows):
        part = windows[..., first : first + rows, :]
        _checked(part.shape)
        columns = part.reshape(n, groups, matrix.shape[2], -1)
        flat = maps.reshape(n, groups, n_maps, -1)[..., first * width : (first + rows) * width]
        at_once = max(4, _MOST_PRODUCTS // (n_maps * matrix.shape[2]) // 8 * 8)
        for start in range(0, columns.shape[3], at_once):
            some = slice(start, start + at_once)
            np.matmul(matrix, columns[..., some], out=flat[..., some])
    maps = maps.reshape(n, groups * n_maps, height, width)
    if bias is not None:
        maps += bias[:, None, None]
    return _activate(options, maps).transpose(0, 2, 3, 1)


def _get_weights(contents: Contents, rank: int, name: str) -> tuple[Array, Array | None]:
    """Return weights and biases as float32."""
    weights, bias = contents[1], contents[2] if len(contents) > 2 else None
    if weights is None or weights.ndim != rank or weights.dtype != np.float32:
        raise unusable(f"the weights of a {name} are not {rank}-dimensional float32 numbers of the file's own.")
    return weights, None if bias is None else bias.astype(np.float32)


def _make_convolution(options: Options, contents: Contents, _: Tensor) -> Step:
    weights, bias = _get_weights(contents, 4, "convolution")
    n_maps, height, width, depth = weights.shape

    def run(images: Array, *_: Any) -> Array:
        groups = images.shape[3] // depth
        matrix = ordered.reshape(groups, n_maps // groups, depth * height * width)
        return _convolve(options, matrix, (height, width), bias, images)

    ordered = np.ascontiguousarray(weights.transpose(0, 3, 1, 2))
    return run


def _make_depthwise(options: Options, contents: Contents, _: Tensor) -> Step:
    weights, bias = _get_weights(contents, 4, "depthwise convolution")
    _, height, width, _ = weights.shape
    ordered = np.ascontiguousarray(weights[0].transpose(2, 0, 1))

    def run(images: Array, *_: Any) -> Array:
        matrix = ordered.reshape(images.shape[3], -1, height * width)
        return _convolve(options, matrix, (height, width), bias, images)

    return run


def _make_dense(options: Options, contents: Contents, _: Tensor) -> Step:
    weights, bias = _get_weights(contents, 2, "dense layer")
    if options["weights_format"]:
        raise unusable("the weights of a dense layer are stored in a way that only LiteRT knows.")
    n_units, n_inputs = weights.shape
    at_once = max(1, min(n_units, _MOST_OF_VECTOR // n_inputs))
    n_blocks = -(-n_units // at_once)
    blocks = np.zeros((n_blocks, -(-n_units // n_blocks), n_inputs), np.float32)
    blocks.reshape(-1, n_inputs)[:n_units] = weights

    def run(x: Array, *_: Any) -> Array:
        rows = x.reshape(-1, 1, n_inputs, 1)
        _checked((len(rows), n_units))
        out: Array = np.matmul(blocks, rows).reshape(len(rows), -1)[:, :n_units]
        if bias is not None:
            out += bias
        out = _activate(options, out)
        return out.reshape(*x.shape[:-1], n_units) if options["keep_dims"] else out

    return run


def _make_pool(options: Options, *_: Any, largest: bool) -> Step:
    def run(images: Array) -> Array:
        kernel = options["height"], options["width"]
        ends = pad_ends(options, images.shape[1:3], kernel)
        planes = _get_planes(images, ends, -np.inf if largest else 0.0)
        out = _pool(planes)
        if not largest:
            (top, bottom, _), (left, right, _) = ends
            if top + bottom + left + right:  # the padding does not count
                there = np.ones((1, *images.shape[1:3], 1), np.float32)
                out /= _pool(_get_planes(there, ends))
            else:
                out *= np.float32(1 / (kernel[0] * kernel[1]))
        return _activate(options, out).transpose(0, 2, 3, 1)

    def _pool(planes: Array) -> Array:
        down, right = options["stride_height"], options["stride_width"]
        rows = planes.shape[2] - options["height"] + 1
        columns = planes.shape[3] - options["width"] + 1
        join = np.maximum if largest else np.add
        across = planes[..., 0:columns:right].copy()
        for shift in range(1, options["width"]):
            join(across, planes[..., shift : columns + shift : right], out=across)
        out: Array = across[:, :, 0:rows:down].copy()
        for shift in range(1, options["height"]):
            join(out, across[:, :, shift : rows + shift : down], out=out)
        return out

    return run


def _make_binary(options: Options, *_: Any, function: Callable[..., Array]) -> Step:
    def run(x: Array, y: Array) -> Array:
        if x.shape != y.shape and min(x.size, y.size) > 1:
            _checked(np.broadcast_shapes(x.shape, y.shape))
        out = function(x, y)
        return _activate(options, out) if options.get("activation") else out

    return run


def _make_reduction(options: Options, *_: Any, function: Callable[..., Array]) -> Step:
    def run(x: Array, axes: Array) -> Array:
        chosen = tuple(np.atleast_1d(axes).tolist())
        return np.asarray(function(x, axis=chosen, keepdims=bool(options["keep_dims"])), x.dtype)

    return run


def _make_softmax(options: Options, *_: Any) -> Step:
    beta = np.float32(options["beta"])

    def run(x: Array) -> Array:
        powers = np.exp((x - x.max(axis=-1, keepdims=True)) * beta)
        powers /= powers.sum(axis=-1, keepdims=True)
        return np.asarray(powers)

    return run


def _log_softmax(x: Array) -> Array:
    moved = x - x.max(axis=-1, keepdims=True)
    return np.asarray(moved - np.log(np.exp(moved).sum(axis=-1, keepdims=True)))


def _make_reshape(_: Options, __: Contents, output: Tensor) -> Step:
    def run(x: Array, shape: Array | None = None) -> Array:
        return x.reshape(output.shape if shape is None else np.atleast_1d(shape).tolist())

    return run


def _zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return zeros; those of images with the channels before the rows in memory."""
    if len(shape) != 4:
        return np.zeros(shape, dtype)
    return np.zeros((shape[0], shape[3], *shape[1:3]), dtype).transpose(0, 2, 3, 1)


def _pad(x: Array, paddings: Array) -> Array:
    ends = [(int(before), int(after)) for before, after in paddings]
    if len(ends) != x.ndim or min(map(min, ends)) < 0:
        raise unusable(f"a padding by {ends} does not fit an array of {x.ndim} dimensions.")
    shape = tuple(before + side + after for (before, after), side in zip(ends, x.shape, strict=True))
    out = _zeros(_checked(shape), x.dtype)
    out[tuple(slice(before, before + side) for (before, _), side in zip(ends, x.shape, strict=True))] = x
    return out


def _make_strided_slice(options: Options, *_: Any) -> Step:
    if options["ellipsis_mask"] or options["new_mask"]:
        raise unusable("it cuts an array in a way that only LiteRT knows.")

    def run(x: Array, begins: Array, ends: Array, steps: Array) -> Array:
        cuts: list[Any] = []
        for axis, (begin, end, step) in enumerate(zip(begins.tolist(), ends.tolist(), steps.tolist(), strict=True)):
            on = {name: options[f"{name}_mask"] >> axis & 1 for name in ("begin", "end", "shrink")}
            cut = slice(None if on["begin"] else begin, None if on["end"] else end, step)
            cuts.append(begin if on["shrink"] else cut)
        return np.asarray(x[tuple(cuts)])

    return run


def _make_concatenation(options: Options, *_: Any) -> Step:
    def run(*arrays: Array) -> Array:
        axis, shape = options["axis"] % arrays[0].ndim, list(arrays[0].shape)
        shape[axis] = sum(array.shape[axis] for array in arrays)
        out = _zeros(_checked(tuple(shape)), arrays[0].dtype)
        return _activate(options, np.concatenate(arrays, axis, out=out))

    return run


def _make_pack(options: Options, *_: Any) -> Step:
    def run(*arrays: Array) -> Array:
        _checked((sum(array.size for array in arrays),))
        return np.stack(arrays, options["axis"])

    return run


def _elu(x: Array) -> Array:
    return np.asarray(np.where(x > 0, x, np.expm1(x)))


def _gelu(approximate: bool, x: Array) -> Array:
    from lenetkit._utils.imports import import_quietly

    half = np.float32(0.5)
    if approximate:
        return np.asarray(half * x * (1 + np.tanh(np.float32(0.7978845608) * (x + np.float32(0.044715) * x**3))))
    erf = import_quietly("scipy.special").erf
    return np.asarray(half * x * (1 + erf(x * np.float32(0.7071067812))))


def _dequantize(x: Array) -> Array:
    if x.dtype != np.float16:
        raise unusable("it holds integers in place of weights, which only LiteRT computes with.")
    return x.astype(np.float32)


def _plain(function: Step) -> Callable[[Options, Contents, Tensor], Step]:
    return lambda *_: function


OPERATIONS: Mapping[str, Callable[[Options, Contents, Tensor], Step]] = MappingProxyType(
    {
        "convolution": _make_convolution,
        "depthwise_convolution": _make_depthwise,
        "dense": _make_dense,
        "average_pool": partial(_make_pool, largest=False),
        "max_pool": partial(_make_pool, largest=True),
        "add": partial(_make_binary, function=np.add),
        "sub": partial(_make_binary, function=np.subtract),
        "mul": partial(_make_binary, function=np.multiply),
        "div": partial(_make_binary, function=np.divide),
        "pow": partial(_make_binary, function=np.power),
        "maximum": partial(_make_binary, function=np.maximum),
        "minimum": partial(_make_binary, function=np.minimum),
        "squared_difference": partial(_make_binary, function=lambda x, y: np.square(x - y)),
        "mean": partial(_make_reduction, function=np.mean),
        "sum": partial(_make_reduction, function=np.sum),
        "product": partial(_make_reduction, function=np.prod),
        "largest": partial(_make_reduction, function=np.max),
        "smallest": partial(_make_reduction, function=np.min),
        "softmax": _make_softmax,
        "log_softmax": _plain(_log_softmax),
        "relu": _plain(_relu),
        "relu6": _plain(_clip(0, 6)),
        "relu_n1_to_1": _plain(_clip(-1, 1)),
        "relu_0_to_1": _plain(_clip(0, 1)),
        "leaky_relu": lambda options, *_: lambda x: np.where(x > 0, x, x * np.float32(options["alpha"])),
        "elu": _plain(_elu),
        "gelu": lambda options, *_: partial(_gelu, bool(options["approximate"])),
        "hard_swish": _plain(lambda x: x * np.clip(x + np.float32(3), 0, 6) * np.float32(1 / 6)),
        "sigmoid": _plain(lambda x: 1 / (1 + np.exp(-x))),
        "tanh": _plain(np.tanh),
        "exp": _plain(np.exp),
        "log": _plain(np.log),
        "sqrt": _plain(np.sqrt),
        "rsqrt": _plain(lambda x: 1 / np.sqrt(x)),
        "square": _plain(np.square),
        "abs": _plain(np.abs),
        "neg": _plain(np.negative),
        "cast": lambda _, __, output: lambda x: x.astype(output.dtype),
        "dequantize": _plain(_dequantize),
        "shape": lambda _, __, output: lambda x: np.array(x.shape, output.dtype),
        "strided_slice": _make_strided_slice,
        "reshape": _make_reshape,
        "squeeze": lambda _, __, output: lambda x: x.reshape(output.shape),
        "expand_dims": _plain(lambda x, axis: np.expand_dims(x, axis.item())),
        "transpose": _plain(lambda x, order: x.transpose(order.tolist())),
        "pack": _make_pack,
        "concatenation": _make_concatenation,
        "pad": _plain(_pad),
    }
)
