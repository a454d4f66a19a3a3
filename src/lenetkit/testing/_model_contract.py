"""Contract of a registered model."""

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.models import ModelInfo, create_model, model_info
from lenetkit.pipeline import Pipeline
from lenetkit.testing._require import promised, require
from lenetkit.trainer import Trainer

__all__ = ["CHECKS"]

# LiteRT computes the same sums in another order, in float32: about 1e-7 each. A wrong layer differs by far more.
_TOLERANCE = 1e-5
_N_IMAGES = 8


def the_record_is_true(name: str) -> None:
    """Check the record's form, and count the parameters of the built model."""
    info = model_info(name)
    shape, values = info.input_shape, info.value_range
    sizes = isinstance(shape, tuple) and len(shape) == 3 and all(isinstance(n, int) and n > 0 for n in shape)
    require(sizes, f"input_shape of {name!r}", "three positive integers", repr(shape))
    require(len(values) == 2 and values[0] < values[1], f"value_range of {name!r}", "(smallest, largest)", repr(values))
    require(info.description.strip(), f"description of {name!r}", "one line", repr(info.description))
    count = sum(int(np.prod(variable.shape)) for variable in _build(name, seed=0).trainable_variables)
    same = info.n_parameters == count
    require(same, f"n_parameters of {name!r}", f"{count:,}, as in the built model", info.n_parameters)


def answers_are_probabilities(name: str) -> None:
    """Check the answers' shape, type and sum for any number of classes, between the ends of the value range."""
    images = _images(model_info(name))
    for n_classes in (2, 7):
        answer = np.asarray(_build(name, n_classes=n_classes, seed=0)(images))
        what = f"the answer of {name!r} to {_N_IMAGES} images and {n_classes} classes"
        require(answer.shape == (_N_IMAGES, n_classes), what, f"of shape {(_N_IMAGES, n_classes)}", answer.shape)
        require(answer.dtype == np.float32, what, "float32", answer.dtype)
        require(bool((answer >= 0).all()), what, "probabilities of at least 0", answer.min())
        require(bool(np.allclose(answer.sum(axis=1), 1, atol=1e-5)), what, "rows that sum to 1", answer.sum(axis=1))


def every_layer_is_named(name: str) -> None:
    """Check that nothing has an automatic name: it would depend on what was built before, and end in saved files."""
    first, second = _build(name, seed=0), _build(name, seed=0)
    require(first.name == second.name == name, f"the name of the model {name!r}", repr(name), repr(first.name))
    for one, two in zip(first.layers, second.layers, strict=True):
        require(one.name == two.name, f"the names of the layers of {name!r}", "given by the builder", repr(one.name))


def the_seed_decides_the_weights(name: str) -> None:
    """Check that the same seed gives the same bits, and another one others."""
    one, again, other = (_bits(_build(name, seed=seed)) for seed in (1, 1, 2))
    require(one == again, f"the weights of {name!r} with one seed", "the same each time", "others")
    require(one != other, f"the weights of {name!r} with another seed", "others", "the same")


def training_is_repeatable(name: str) -> None:
    """Check that two steps change the weights, to finite ones, and to the same bits each time."""
    one, again = (_trained(name, epochs=2).model_ for _ in range(2))
    what = f"the weights of {name!r} after two steps"
    require(all(np.isfinite(weights).all() for weights in one.get_weights()), what, "finite", "NaN or infinity")
    require(_bits(one) != _bits(_build(name, n_classes=2, seed=0)), what, "others than before", "the same")
    require(_bits(one) == _bits(again), f"two trainings of {name!r} with one seed", "equal", "different bits")


def the_trained_state_is_kept(name: str) -> None:
    """Check that pickling, saving, loading and rebuilding change nothing, and that LiteRT answers as Keras does."""
    images, trained = _images(model_info(name)), _trained(name, epochs=1)
    with promised(f"LiteRT must run {name!r}"):
        answer = trained.predict_proba(images)
    difference = float(np.abs(answer - np.asarray(trained.model_(images))).max())
    require(difference <= _TOLERANCE, f"LiteRT's answers for {name!r}", f"within {_TOLERANCE} of Keras'", difference)
    with promised(f"{name!r} must be saved and loaded"), tempfile.TemporaryDirectory() as folder:
        loaded = Pipeline.load(trained.save(Path(folder) / "model.lenet"))
    for origin, copy in (("loaded", loaded), ("unpickled", pickle.loads(pickle.dumps(trained)))):  # noqa: S301
        same = copy.predict_proba(images).tobytes() == answer.tobytes()
        require(same, f"the answers of {name!r}, {origin}", "the same bits", "others")
    same = _bits(loaded.model_) == _bits(trained.model_)
    require(same, f"the weights of {name!r}, loaded", "the same bits", "others")


CHECKS: tuple[Callable[[str], None], ...] = (
    the_record_is_true,
    answers_are_probabilities,
    every_layer_is_named,
    the_seed_decides_the_weights,
    training_is_repeatable,
    the_trained_state_is_kept,
)


def _build(name: str, *, n_classes: int = 10, seed: int) -> Any:
    """Build the model as it was designed."""
    with promised(f"the model {name!r} must be buildable for {n_classes} classes"):
        return create_model(name, input_shape=model_info(name).input_shape, n_classes=n_classes, seed=seed)


def _trained(name: str, *, epochs: int) -> Pipeline:
    """Train on one batch of noise per epoch, the images as they are."""
    images = _images(model_info(name))
    trainer = Trainer(epochs=epochs, batch_size=_N_IMAGES, seed=0, verbose=0)
    with promised(f"the model {name!r} must learn"):
        return Pipeline(name, transforms=[], trainer=trainer).fit(images, np.arange(_N_IMAGES) % 2)


def _images(info: ModelInfo) -> npt.NDArray[np.float32]:
    """Draw noise that lies within the model's range of values, and within that of images."""
    low, high = max(info.value_range[0], 0.0), min(info.value_range[1], 1.0)
    return np.random.default_rng(0).uniform(low, high, (_N_IMAGES, *info.input_shape)).astype(np.float32)


def _bits(model: Any) -> bytes:
    return b"".join(np.asarray(weights).tobytes() for weights in model.get_weights())
