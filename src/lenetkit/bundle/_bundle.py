"""The contents of a saved pipeline, checked once, when they are put together: by saving as well as by loading."""

import hashlib
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.bundle._history import History, check_provenance
from lenetkit.bundle._values import check_arrays, check_names, check_plain, check_tensors, dump_values, show
from lenetkit.exceptions import BundleError

__all__ = ["Bundle", "Rejection", "SavedLineReader"]

Array = npt.NDArray[Any]

_MOST_CLASSES = 100_000
_MOST_PIXELS = 1 << 24
_MOST_GOLDEN = 1_000
_CURVES = ("levels", "risks", "true_probabilities")
_LINE_ARRAYS = ("levels", "risks", "golden_line", "golden_answer")

# The names under which a file keeps the typed fields among its extras.
_RESERVED = ("line_reader", "reference", "rejection", "training")


def _count(name: str) -> Any:
    """Return an attrs ``repr`` that counts."""
    return lambda value: f"<{len(value):,} {name}>"


@attrs.frozen(kw_only=True, eq=False)
class Rejection:
    """Thresholds and networks that tell when not to answer, as a file holds them; see :mod:`lenetkit.rejection`.

    Parameters
    ----------
    temperature : float
        Divisor of the logits; above 0.
    levels, risks : ndarray of shape (k,)
        float32: confidences, and the bound on the error among answers that are at least as confident.
    true_probabilities : ndarray of shape (n,)
        float32, ascending: the calibrated probability of the true label of each calibration example.
    gate_tflite : bytes
        The LiteRT model of the gate.
    gate_threshold : float
        The lowest probability of a digit that lets an image through.

    Raises
    ------
    BundleError
        If a value is not what is said here.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.pretrained import get_path
    >>> rejection = read_bundle(get_path("digits")).rejection
    >>> len(rejection.levels) == len(rejection.risks)
    True
    """

    temperature: float
    levels: npt.NDArray[np.float32]
    risks: npt.NDArray[np.float32]
    true_probabilities: npt.NDArray[np.float32]
    gate_tflite: bytes = attrs.field(repr=_count("bytes"))
    gate_threshold: float

    def __attrs_post_init__(self) -> None:
        if not all(type(value) in (int, float) for value in (self.temperature, self.gate_threshold)):
            raise _damaged("temperature and gate_threshold must be numbers")
        if not self.temperature > 0:
            raise BundleError(f"the saved pipeline's temperature must be above 0; got {self.temperature}.")
        arrays = {name: getattr(self, name) for name in _CURVES}
        check_arrays(arrays)
        flat = all(array.ndim == 1 and array.dtype == np.float32 for array in arrays.values())
        if not flat or len(self.levels) != len(self.risks):
            raise _damaged("arrays of the wrong shape or type")

    @classmethod
    def from_extras(cls, values: Any, tensors: dict[str, Array]) -> "Rejection":
        """Take what :meth:`to_extras` gave out of a file's extras; a BundleError if it is not there."""
        try:
            arrays = {name: tensors.pop(f"calibration.{name}") for name in _CURVES}
            temperature, threshold = values["temperature"], values["gate_threshold"]
            tflite = tensors.pop("gate.tflite")
        except (KeyError, TypeError) as error:
            raise _damaged(f"{error!r}") from error
        if tflite.ndim != 1 or tflite.dtype != np.uint8:
            raise _damaged("arrays of the wrong shape or type")
        return cls(temperature=temperature, **arrays, gate_tflite=tflite.tobytes(), gate_threshold=threshold)

    def to_extras(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return plain values and arrays."""
        tensors: dict[str, Array] = {f"calibration.{name}": getattr(self, name) for name in _CURVES}
        tensors["gate.tflite"] = np.frombuffer(self.gate_tflite, np.uint8)
        return {"temperature": self.temperature, "gate_threshold": self.gate_threshold}, tensors


@attrs.frozen(kw_only=True, eq=False)
class SavedLineReader:
    """The network that reads whole lines, as a file holds it; see :mod:`lenetkit.reading`.

    Parameters
    ----------
    tflite : bytes
        The LiteRT model: float32 lines (n, height, width, 1) in, log probabilities (n, columns, n_characters + 1) out.
    characters : str
        The classes in their order; the blank follows.
    pitch : int
        Columns of a line for one of the answer.
    weights : list of float
        They make a probability of the network's answer.
    levels, risks : ndarray of shape (k,)
        float32: probabilities of a whole number, and the bound on the error among those at least as probable.
    golden_line : ndarray of shape (height, width)
        uint8, dark on light.
    golden_answer : ndarray of shape (columns, n_characters + 1)
        float32: what the model must say of it.

    Raises
    ------
    BundleError
        If a value is not what is said here.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.pretrained import get_path
    >>> read_bundle(get_path("digits")).line_reader.characters
    '0123456789.,-/: '
    """

    tflite: bytes = attrs.field(repr=_count("bytes"))
    characters: str
    pitch: int
    weights: list[float]
    levels: npt.NDArray[np.float32] = attrs.field(repr=False)
    risks: npt.NDArray[np.float32] = attrs.field(repr=False)
    golden_line: npt.NDArray[np.uint8] = attrs.field(repr=False)
    golden_answer: npt.NDArray[np.float32] = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        line, answer = self.golden_line, self.golden_answer
        check_arrays({name: getattr(self, name) for name in _LINE_ARRAYS})
        fits = (
            isinstance(self.characters, str)
            and type(self.pitch) is int
            and self.pitch > 0
            and isinstance(self.weights, list)
            and all(type(weight) is float for weight in self.weights)
            and line.ndim == answer.ndim == 2
            and self.levels.dtype == self.risks.dtype == np.dtype(np.float32)
            and self.levels.ndim == 1
            and self.levels.shape == self.risks.shape
            and line.dtype == np.dtype(np.uint8)
            and answer.dtype == np.dtype(np.float32)
            and answer.shape[1] == len(self.characters) + 1
            and self.tflite[4:8] == b"TFL3"
        )
        if not fits:
            raise BundleError("the saved pipeline's line reader is damaged: values of the wrong shape or type.")

    @classmethod
    def from_extras(cls, values: Any, tensors: dict[str, Array]) -> "SavedLineReader":
        """Take what :meth:`to_extras` gave out of a file's extras; a BundleError if it is not there."""
        try:
            arrays = {name: tensors.pop(f"line_reader.{name}") for name in ("tflite", *_LINE_ARRAYS)}
            characters, pitch, weights = values["characters"], values["pitch"], values["weights"]
        except (KeyError, TypeError) as error:
            raise BundleError(f"the saved pipeline's line reader is damaged: {error!r}.") from error
        tflite = arrays.pop("tflite").tobytes()
        return cls(tflite=tflite, characters=characters, pitch=pitch, weights=weights, **arrays)

    def to_extras(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return plain values and arrays."""
        tensors: dict[str, Array] = {f"line_reader.{name}": getattr(self, name) for name in _LINE_ARRAYS}
        tensors["line_reader.tflite"] = np.frombuffer(self.tflite, np.uint8)
        return {"characters": self.characters, "pitch": self.pitch, "weights": self.weights}, tensors


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
        (height, width, channels) of the model's input.
    n_classes : int
        Columns of the output.
    transforms : tuple of dict
        Plain values, each with its registered ``name``.
    encoder : dict
        Plain values.
    metrics : dict
        Plain values; free for whoever saves.
    data : dict
        Plain values: the ``fingerprint`` of the training data, and the notes of whoever saved.
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
    history : History, optional
        The learning curves.
    provenance : dict of str to str, optional
        Settings, fingerprints, versions and machine of the training; it comes together with `history`.
    reference : dict, optional
        Plain values: the range of the training images, as :mod:`lenetkit.diagnosis` summarises them.
    rejection : Rejection, optional
        Thresholds and networks that tell when not to answer.
    line_reader : SavedLineReader, optional
        The network that reads whole lines.
    extras : dict, optional
        Plain values of other versions and programs, kept as they are.
    extra_tensors : dict of str to ndarray, optional
        Arrays of other versions and programs, kept as they are; finite.

    Raises
    ------
    BundleError
        If a value is not what is said here; the message names it.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.pretrained import get_path
    >>> bundle = read_bundle(get_path("digits"))
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
    weights: Mapping[str, Array] = attrs.field(repr=_count("arrays"))
    tflite: bytes = attrs.field(repr=_count("bytes"))
    golden_images: npt.NDArray[np.float32] = attrs.field(repr=lambda images: f"<shape {images.shape}>")
    golden_probabilities: npt.NDArray[np.float32] = attrs.field(repr=lambda answers: f"<shape {answers.shape}>")
    history: History | None = None
    provenance: dict[str, str] | None = None
    reference: dict[str, Any] | None = None
    rejection: Rejection | None = None
    line_reader: SavedLineReader | None = None
    extras: dict[str, Any] = attrs.field(factory=dict)
    extra_tensors: Mapping[str, Array] = attrs.field(factory=dict, repr=_count("arrays"))

    def __attrs_post_init__(self) -> None:
        self._check_model()
        plain = {name: getattr(self, name) for name in ("model_options", "encoder", "metrics", "data", "versions")}
        plain |= {} if self.reference is None else {"reference": self.reference}
        transforms = {f"transforms[{index}]": transform for index, transform in enumerate(self.transforms)}
        check_plain({**plain, **transforms, "extras": self.extras})
        for library, version in self.versions.items():
            if not isinstance(version, str):
                raise BundleError(f"versions[{show(library)}] must be a string; got {show(version)}.")
        check_names({f"{where}['name']": transform.get("name") for where, transform in transforms.items()})
        check_tensors({"weights": self.weights, "extra_tensors": self.extra_tensors})
        if not isinstance(self.tflite, bytes) or self.tflite[4:8] != b"TFL3":
            raise BundleError("tflite must be the bytes of a LiteRT model: its identifier TFL3 is missing.")
        self._check_golden()
        self._check_training()

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of everything that answers depend on: transforms, labels, network, calibration and gate.

        Notes, history, versions and the file format have no part in it.

        Examples
        --------
        >>> from lenetkit.bundle import read_bundle
        >>> from lenetkit.pretrained import get_path
        >>> len(read_bundle(get_path("digits")).fingerprint)
        64
        """
        values, arrays = ({}, {}) if self.rejection is None else self.rejection.to_extras()
        settings = {"transforms": list(self.transforms), "encoder": self.encoder, "rejection": values}
        if self.line_reader is not None:
            settings["line_reader"], more = self.line_reader.to_extras()
            arrays |= more
        digest = hashlib.sha256(b"lenetkit model 1\n" + dump_values(settings))
        for content in (self.tflite, *(arrays[name].tobytes() for name in sorted(arrays))):
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()

    def _check_model(self) -> None:
        names = {} if self.model is None else {"model": self.model}
        check_names({**names, "model_distribution": self.model_distribution})
        shape = self.input_shape
        if len(shape) != 3 or not all(type(side) is int and 0 < side <= _MOST_PIXELS for side in shape):
            raise BundleError(f"input_shape must be three positive integers; got {show(shape)}.")
        if shape[0] * shape[1] * shape[2] > _MOST_PIXELS:
            raise BundleError(f"input_shape must not exceed {_MOST_PIXELS:,} values; got {show(shape)}.")
        if type(self.n_classes) is not int or not 0 < self.n_classes <= _MOST_CLASSES:
            raise BundleError(f"n_classes must be an integer from 1 to {_MOST_CLASSES:,}; got {show(self.n_classes)}.")

    def _check_golden(self) -> None:
        k = len(self.golden_images) if isinstance(self.golden_images, np.ndarray) and self.golden_images.ndim else 0
        if not 0 < k <= _MOST_GOLDEN:
            raise BundleError(f"golden_images must be an array of 1 to {_MOST_GOLDEN} inputs; got {k}.")
        expected = {"golden_images": (k, *self.input_shape), "golden_probabilities": (k, self.n_classes)}
        check_arrays({name: getattr(self, name) for name in expected})
        for name, shape in expected.items():
            array = getattr(self, name)
            if array.dtype != np.float32 or array.shape != shape:
                raise BundleError(f"{name} must be float32 of shape {shape}; got {array.dtype} of {array.shape}.")

    def _check_training(self) -> None:
        if self.history is not None:
            check_provenance(self.provenance)
        elif self.provenance is not None:
            raise BundleError("provenance needs a history: give both or neither.")
        for name in _RESERVED:
            if name in self.extras:
                raise BundleError(f"extras must not hold {name!r}, which a bundle keeps in fields of its own.")


def _damaged(reason: str) -> BundleError:
    return BundleError(f"what the saved pipeline needs to reject is damaged: {reason}.")
