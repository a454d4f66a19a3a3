"""The registry of models, the four functions over it, and the checks that several builders share."""

import contextlib
import inspect
import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import numpy as np

from lenetkit._utils.deprecation import warn_renamed
from lenetkit._utils.keras_settings import standard_keras
from lenetkit._utils.rng import HIGHEST_SEED, preserve_rng_state
from lenetkit._utils.validation import check_seed, check_whole
from lenetkit.exceptions import SettingError
from lenetkit.models._backend import import_keras
from lenetkit.models._counting import ModelCounts, count_model
from lenetkit.registry import Registry

if TYPE_CHECKING:
    import keras

__all__ = [
    "ModelInfo",
    "create_model",
    "list_models",
    "model_info",
    "register_model",
    "require_activation",
    "require_side",
]

Builder = TypeVar("Builder", bound=Callable[..., Any])

_REQUIRED_PARAMETERS = ("input_shape", "n_classes")


@attrs.frozen(kw_only=True)
class ModelInfo:
    """Record of a registered model, known without building it.

    Parameters
    ----------
    name : str
        The name it is registered under.
    builder : callable
        ``builder(input_shape, n_classes, **options) -> keras.Model``.
    description : str
        One line for lists.
    input_shape : tuple of int
        (height, width, channels) it was designed for.
    value_range : tuple of float
        Smallest and largest pixel value that it expects.
    n_parameters : int
        Trainable parameters at ``input_shape`` with ten classes and default options.
    paper : str
        Its reference; empty where there is no paper.
    paper_error : float or None
        Percentage of MNIST's test images that the paper's network reads wrongly.
    preset : mapping of str to object
        Arguments for :meth:`lenetkit.trainer.Trainer.preset` that suit it, chosen on training images held back.
    options : mapping of str to object
        The builder's options with their defaults.

    Examples
    --------
    >>> from lenetkit.models import model_info
    >>> info = model_info("lenet5")
    >>> info.input_shape, info.n_parameters
    ((28, 28, 1), 61706)
    """

    name: str
    builder: Callable[..., "keras.Model"] = attrs.field(repr=False)
    description: str
    input_shape: tuple[int, int, int] = (28, 28, 1)
    value_range: tuple[float, float] = (0.0, 1.0)
    n_parameters: int
    paper: str = ""
    paper_error: float | None = None
    preset: Mapping[str, Any] = attrs.field(factory=dict)
    options: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def training(self) -> Mapping[str, Any]:
        """Deprecated name of ``preset``."""
        warn_renamed("ModelInfo.training", "preset")
        return self.preset

    def counts(
        self, *, input_shape: tuple[int, int, int] | None = None, n_classes: int = 10, **options: Any
    ) -> ModelCounts:
        """Build the model and count its trainable parameters and its connections.

        Parameters
        ----------
        input_shape, n_classes, **options
            As for :func:`create_model`; no shape stands for the one that it was designed for.

        Returns
        -------
        ModelCounts

        Raises
        ------
        SettingError
            If an argument is invalid, or the connections of a layer are unknown.
        BackendError
            If Keras runs on another backend than TensorFlow.

        Examples
        --------
        >>> from lenetkit.models import model_info
        >>> model_info("lenet5").counts()
        ModelCounts(parameters=61706, connections=429342)
        """
        return count_model(
            create_model(
                self.name,
                input_shape=self.input_shape if input_shape is None else input_shape,
                n_classes=n_classes,
                seed=0,
                **options,
            )
        )


_models: Registry[ModelInfo] = Registry("model", group="lenetkit.models", package="lenetkit.models")


def register_model(
    name: str,
    *,
    description: str,
    n_parameters: int,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    value_range: tuple[float, float] = (0.0, 1.0),
    paper: str = "",
    paper_error: float | None = None,
    preset: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> Callable[[Builder], Builder]:
    """Register a model: a decorator for the function that builds it.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``.``.
    description, n_parameters, input_shape, value_range, paper, paper_error, preset
        The record's fields; see :class:`ModelInfo`.
    training : mapping, optional
        Deprecated name of `preset`.
    replace : bool, default False
        Take the name over from its owner.

    Returns
    -------
    callable
        The decorator; it returns the builder unchanged.

    Raises
    ------
    NameTakenError
        If the name has an owner already.
    SettingError
        If the name is not valid, or the builder does not take ``input_shape`` and ``n_classes``.

    Examples
    --------
    >>> from lenetkit.models import list_models, register_model
    >>> @register_model("one_layer", description="Softmax regression.", n_parameters=7850)
    ... def one_layer(input_shape, n_classes):
    ...     from keras import Sequential, layers
    ...
    ...     pixels = [layers.Input(input_shape, name="image"), layers.Flatten(name="flatten")]
    ...     output = layers.Dense(n_classes, activation="softmax", name="output")
    ...     return Sequential([*pixels, output], name="one_layer")
    >>> list_models("one*")
    ['one_layer']
    """
    if training is not None:
        warn_renamed("register_model(training=...)", "preset=...")
        preset = training

    def decorate(builder: Builder) -> Builder:
        parameters = inspect.signature(builder).parameters
        if tuple(parameters)[:2] != _REQUIRED_PARAMETERS:
            raise SettingError(
                f"a model's builder must start with the parameters input_shape and n_classes; "
                f"{builder.__qualname__} has ({', '.join(parameters)})."
            )
        record = ModelInfo(
            name=name,
            builder=builder,
            description=description,
            input_shape=input_shape,
            value_range=value_range,
            n_parameters=n_parameters,
            paper=paper,
            paper_error=paper_error,
            preset=dict(preset or {}),
            options={key: parameter.default for key, parameter in list(parameters.items())[2:]},
        )
        _models.register(name, record, owner=f"{builder.__module__}.{builder.__qualname__}", replace=replace)
        return builder

    return decorate


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of the registered models, sorted, without importing TensorFlow or any plug-in.

    Parameters
    ----------
    pattern : str, default "*"
        Shell pattern the names must match.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from lenetkit.models import list_models
    >>> list_models("lenet5")
    ['lenet5']
    """
    return _models.listed(pattern)


def model_info(name: str) -> ModelInfo:
    """Return the record of a model: input contract, parameter count, paper and options.

    Parameters
    ----------
    name : str
        A name from :func:`list_models`.

    Returns
    -------
    ModelInfo

    Raises
    ------
    UnknownNameError
        If no model has this name.
    PluginError
        If the plug-in that announces the name cannot be imported.

    Examples
    --------
    >>> from lenetkit.models import model_info
    >>> model_info("lenet5").n_parameters
    61706
    """
    return _models.get(name)


def create_model(
    name: str = "lenet5",
    *,
    input_shape: tuple[int, int, int] = (28, 28, 1),
    n_classes: int = 10,
    seed: int | None = None,
    **options: Any,
) -> "keras.Model":
    """Build a model, untrained.

    The initial weights depend on `seed` alone; the global generators of random, NumPy and Keras are left untouched.

    Parameters
    ----------
    name : str, default "lenet5"
        A name from :func:`list_models`.
    input_shape : tuple of int, default (28, 28, 1)
        (height, width, channels) of one image.
    n_classes : int, default 10
        Number of classes, at least 1.
    seed : int, optional
        Decides the initial weights, 0 to 2**32 - 1. None draws a fresh seed.
    **options
        The builder's own options; see ``model_info(name).options``.

    Returns
    -------
    keras.Model
        Takes float32 images (n, height, width, channels), gives probabilities (n, n_classes).

    Raises
    ------
    UnknownNameError
        If no model has this name.
    SettingError
        If the shape, the number of classes, the seed or an option is invalid.
    BackendError
        If Keras runs on another backend than TensorFlow.
    PluginError
        If the plug-in that announces the name cannot be imported.

    Examples
    --------
    >>> from lenetkit.models import create_model
    >>> create_model("lenet5", seed=0).count_params()
    61706
    """
    record = _models.get(name)
    shape = _check_shape(input_shape)
    check_whole("n_classes", n_classes, 1, 2**31 - 1)
    if unknown := sorted(set(options) - set(record.options)):
        raise SettingError(
            f"the model {name!r} has no option {unknown[0]!r}; its options are: "
            f"{', '.join(f'{key}={value!r}' for key, value in record.options.items()) or 'none'}."
        )
    seed = secrets.randbelow(HIGHEST_SEED + 1) if seed is None else seed
    check_seed(seed)
    with preserve_rng_state():
        import_keras()
        # What a builder draws by itself shall depend on the seed as well.
        random.seed(int(seed))
        np.random.seed(seed)  # noqa: NPY002
        with _keras_seeded(int(seed)), standard_keras():
            model = record.builder(shape, int(n_classes), **options)
    if tuple(model.output_shape) != (None, n_classes):
        raise SettingError(
            f"the model {name!r} of {_models.distribution(name) or _models.owner(name)} must answer with shape "
            f"(n, {n_classes}); its output has shape {model.output_shape}."
        )
    return model


@contextlib.contextmanager
def _keras_seeded(seed: int) -> Iterator[None]:
    """Let Keras draw from a generator of its own.

    Initializers and dropout layers without a seed take one from the global generator, and there is no other way to hand
    them one that works for every builder. But other threads, such as a cluster's heartbeat, may draw from it meanwhile.
    """
    from keras.src.random import seed_generator

    theirs = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)  # noqa: S311
    try:
        yield
    finally:
        seed_generator.python_random = theirs


def _check_shape(shape: Any) -> tuple[int, int, int]:
    try:
        height, width, channels = shape
    except (TypeError, ValueError):
        height = width = channels = 0
    if not all(isinstance(n, (int, np.integer)) and n > 0 for n in (height, width, channels)):
        raise SettingError(f"input_shape must be three positive integers (height, width, channels); got {shape!r}.")
    return int(height), int(width), int(channels)


def require_side(model: str, input_shape: tuple[int, int, int], smallest: int) -> None:
    """Raise SettingError if height or width is below `smallest`: convolutions and poolings would leave nothing."""
    height, width, _ = input_shape
    if min(height, width) < smallest:
        raise SettingError(
            f"{model} needs images of at least {smallest} x {smallest} pixels; got {height} x {width}. "
            "Enlarge them first, for example with lenetkit.transforms.Resize."
        )


def require_activation(activation: str) -> None:
    """Raise SettingError if it is not the name of a Keras activation."""
    import keras

    try:
        keras.activations.get(activation)
    except ValueError:
        raise SettingError(f"activation must be the name of a Keras activation; got {activation!r}.") from None
