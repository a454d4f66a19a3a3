"""What a saved pipeline consists of, checked when it is made: by saving as well as by loading."""

import re
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.bundle._values import check_plain, show
from lenetkit.exceptions import BundleError

__all__ = ["Bundle"]

Array = npt.NDArray[Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_LONGEST_TENSOR_NAME = 300
_MOST_TENSORS = 10_000
_MOST_CLASSES = 100_000
_MOST_PIXELS = 1 << 24
_MOST_GOLDEN = 1_000

# The types that a safetensors file and NumPy have in common, complex numbers left out.
_TYPES = frozenset(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"])


@attrs.frozen(kw_only=True, eq=False)
class Bundle:
    """Everything that a saved pipeline needs, as plain values, arrays and a LiteRT model.

    *Plain* are dict (with strings as keys), list, tuple, str, int, finite float, bool and None; tuples come back as
    lists.

    Parameters
    ----------
    model : str or None
        Name in the registry of models; None for a model that has no name there.
    model_distribution : str
        The distribution whose plug-in has that name; ``"lenetkit"`` for built-in models.
    model_options : dict
        Plain values the model was built with.
    input_shape : tuple of int
        (height, width, channels) of what goes into the model.
    n_classes : int
        Columns of the output.
    transforms : tuple of dict
        Plain values, each with its registered ``name``.
    encoder : dict
        Plain values.
    metrics : dict
        Plain values; free for whoever saves.
    data : dict
        Plain values: what it was trained on (``name``, ``fingerprint``).
    versions : dict of str to str
        Libraries that made it.
    weights : dict of str to ndarray
        The Keras model's variables, in its order; finite.
    tflite : bytes
        The LiteRT model with the same weights.
    golden_images : ndarray of shape (k, height, width, channels)
        Inputs of the model, float32, at least one.
    golden_probabilities : ndarray of shape (k, n_classes)
        The answers that they must give, float32.
    extras : dict, optional
        Plain values for what comes later, such as a calibration temperature.
    extra_tensors : dict of str to ndarray, optional
        Arrays for what comes later; finite.

    Raises
    ------
    BundleError
        If a value is not what is said here; the message names it.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.pretrained import path_of
    >>> bundle = read_bundle(path_of("digits"))
    >>> bundle.model, bundle.input_shape, bundle.n_classes
    ('lenet5', (28, 28, 1), 10)
    """

    model: str | None
    model_distribution: str = "lenetkit"
    model_options: dict[str, Any]
    input_shape: tuple[int, int, int] = attrs.field(converter=tuple)
    n_classes: int
    transforms: tuple[dict[str, Any], ...] = attrs.field(converter=tuple)
    encoder: dict[str, Any]
    metrics: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str]
    weights: Mapping[str, Array] = attrs.field(repr=lambda weights: f"<{len(weights)} arrays>")
    tflite: bytes = attrs.field(repr=lambda tflite: f"<{len(tflite):,} bytes>")
    golden_images: npt.NDArray[np.float32] = attrs.field(repr=lambda images: f"<shape {images.shape}>")
    golden_probabilities: npt.NDArray[np.float32] = attrs.field(repr=lambda answers: f"<shape {answers.shape}>")
    extras: dict[str, Any] = attrs.field(factory=dict)
    extra_tensors: Mapping[str, Array] = attrs.field(factory=dict, repr=lambda tensors: f"<{len(tensors)} arrays>")

    def __attrs_post_init__(self) -> None:
        self._check_model()
        for name in ("model_options", "encoder", "metrics", "data", "extras"):
            _check_values(name, getattr(self, name))
        _check_values("versions", self.versions)
        for library, version in self.versions.items():
            if not isinstance(version, str):
                raise BundleError(f"versions[{show(library)}] must be a string; got {show(version)}.")
        for number, transform in enumerate(self.transforms):
            _check_values(f"transforms[{number}]", transform)
            _check_name(f"transforms[{number}]['name']", transform.get("name"))
        _check_tensors("weights", self.weights)
        _check_tensors("extra_tensors", self.extra_tensors)
        if not isinstance(self.tflite, bytes) or self.tflite[4:8] != b"TFL3":
            raise BundleError("tflite must be the bytes of a LiteRT model: its identifier TFL3 is missing.")
        self._check_golden()

    def _check_model(self) -> None:
        if self.model is not None:
            _check_name("model", self.model)
        _check_name("model_distribution", self.model_distribution)
        shape = self.input_shape
        if len(shape) != 3 or not all(type(side) is int and 0 < side <= _MOST_PIXELS for side in shape):
            raise BundleError(f"input_shape must be three positive whole numbers; got {show(shape)}.")
        if shape[0] * shape[1] * shape[2] > _MOST_PIXELS:
            raise BundleError(f"input_shape must not exceed {_MOST_PIXELS:,} values; got {show(shape)}.")
        if type(self.n_classes) is not int or not 0 < self.n_classes <= _MOST_CLASSES:
            raise BundleError(f"n_classes must be an integer from 1 to {_MOST_CLASSES:,}; got {show(self.n_classes)}.")

    def _check_golden(self) -> None:
        k = len(self.golden_images) if isinstance(self.golden_images, np.ndarray) and self.golden_images.ndim else 0
        if not 0 < k <= _MOST_GOLDEN:
            raise BundleError(f"golden_images must be an array of 1 to {_MOST_GOLDEN} inputs; got {k}.")
        expected = {"golden_images": (k, *self.input_shape), "golden_probabilities": (k, self.n_classes)}
        for name, shape in expected.items():
            array = getattr(self, name)
            _check_tensor(name, array)
            if array.dtype != np.float32 or array.shape != shape:
                raise BundleError(f"{name} must be float32 of shape {shape}; got {array.dtype} of {array.shape}.")


def _check_values(name: str, value: Any) -> None:
    if type(value) is not dict:
        raise BundleError(f"{name} must be a dict; got {show(value)}.")
    check_plain(value, name)


def _check_name(name: str, value: Any) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BundleError(
            f"{name} must be letters, digits, '_', '-' and '.', starting with a letter or digit; got {show(value)}."
        )


def _check_tensors(name: str, tensors: Any) -> None:
    if not isinstance(tensors, Mapping) or len(tensors) > _MOST_TENSORS:
        raise BundleError(f"{name} must be a dict of at most {_MOST_TENSORS:,} arrays.")
    for key, array in tensors.items():
        if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_TENSOR_NAME or not key.isprintable():
            raise BundleError(f"{name} must be named by printable strings; got {show(key)}.")
        _check_tensor(f"{name}[{show(key)}]", array)


def _check_tensor(name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray) or f"{array.dtype.kind}{array.dtype.itemsize}" not in _TYPES:
        raise BundleError(f"{name} must be an array of numbers; got {show(getattr(array, 'dtype', array))}.")
    if not array.size:
        raise BundleError(f"{name} is empty: it has shape {array.shape}.")
    if not np.isfinite(array).all():
        raise BundleError(f"{name} holds NaN or infinite values. Such a model gives no answers.")
