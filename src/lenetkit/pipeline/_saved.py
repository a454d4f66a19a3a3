"""A fitted pipeline's parts as a bundle of plain values, and a Keras model from a bundle."""

from importlib.metadata import packages_distributions, version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit.bundle import Bundle
from lenetkit.exceptions import BundleError, PluginError, SettingError, UnknownNameError
from lenetkit.pipeline._training import SavedTraining
from lenetkit.runtime import Predictor

if TYPE_CHECKING:
    import keras

    from lenetkit.transforms import Compose

__all__ = ["TRAINING", "bundle_parts", "distribution_of", "golden_rows", "model_from", "sample_rows"]

TRAINING = "training"
"""Where a bundle's extras hold the learning curves and what the weights rest on."""

_PACKAGES = ("lenetkit", "keras", "tensorflow", "numpy")
_MOST_GOLDEN = 16
_SAMPLE = 2000

# Stands for the distribution of a model that was registered by a script or in a notebook.
_SCRIPT = "none"


def golden_rows(indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Choose a few rows to keep as examples of what the model must answer: the first of each class."""
    _, first = np.unique(indices, return_index=True)
    return np.sort(first)[:_MOST_GOLDEN]


def sample_rows(n: int) -> slice:
    """Choose some rows, spread evenly, to remember what the training images looked like."""
    return slice(None, None, max(1, n // _SAMPLE))


def bundle_parts(
    *,
    model: "keras.Model",
    name: str | None,
    options: dict[str, Any],
    transforms: "Compose",
    encoder: Any,
    golden_images: npt.NDArray[np.float32],
    training: SavedTraining,
    predictor: Predictor,
) -> Bundle:
    """Put the parts of a fitted pipeline into a bundle.

    Raises
    ------
    SettingError
        If a transform has no registered name, which would be needed to find it again.
    """
    from lenetkit.transforms import transform_to_dict

    steps: Any = [transform_to_dict(step) for step in transforms.steps]
    values, arrays = training.to_extras()
    return Bundle(
        model=name,
        model_distribution="lenetkit" if name is None else distribution_of(name),
        model_options=options,
        input_shape=tuple(model.input_shape[1:]),
        n_classes=int(model.output_shape[1]),
        transforms=steps,
        encoder=encoder.to_dict(),
        metrics=training.last(),
        data={"fingerprint": training.environment["data"]},
        versions={package: version(package) for package in _PACKAGES},
        weights={f"{place:03d} {w.path}": np.asarray(w.numpy()) for place, w in enumerate(model.weights)},
        tflite=predictor.tflite,
        golden_images=golden_images,
        golden_probabilities=predictor.predict_proba(golden_images),
        extras={TRAINING: values},
        extra_tensors=arrays,
    )


def distribution_of(name: str) -> str:
    """Return the distribution that a registered model comes from, for the error that says what to install."""
    from lenetkit.models import model_info

    package = model_info(name).builder.__module__.partition(".")[0]
    if package == "lenetkit":
        return "lenetkit"
    if package == "__main__":
        return _SCRIPT
    return packages_distributions().get(package, [package])[0]


def model_from(bundle: Bundle) -> "keras.Model":
    """Build the Keras model that a bundle describes, from the registry, and give it the saved weights.

    Raises
    ------
    BundleError
        If the model has no registered name, or its weights do not fit what is registered under that name.
    PluginError
        If the model comes from a distribution that is not installed.
    """
    from lenetkit.models import create_model

    if bundle.model is None:
        raise BundleError(
            "the saved model was built by hand and has no name in the registry, so it cannot be rebuilt as a Keras "
            "model; predicting works. Register its builder with lenetkit.models.register_model before training."
        )
    try:
        model = create_model(
            bundle.model, input_shape=bundle.input_shape, n_classes=bundle.n_classes, seed=0, **bundle.model_options
        )
    except UnknownNameError as error:
        if bundle.model_distribution == _SCRIPT:
            raise PluginError(
                f"the Keras model {bundle.model!r} was registered by a script or in a notebook, and is not here; "
                "predicting works without it. Run the code with its @register_model first."
            ) from error
        raise PluginError(
            f"the Keras model {bundle.model!r} comes from the distribution {bundle.model_distribution}, which is not "
            f"installed; predicting works without it. Install it: pip install {bundle.model_distribution}"
        ) from error
    except SettingError as error:
        raise BundleError(f"the model {bundle.model!r} cannot be rebuilt as it was saved: {error}") from error
    shapes = [tuple(weight.shape) for weight in model.weights]
    saved = [array.shape for array in bundle.weights.values()]
    if shapes != saved:
        raise BundleError(
            f"the saved weights do not fit the model {bundle.model!r} as it is registered now: saved {saved}, "
            f"wanted {shapes}. Use the version of {bundle.model_distribution} that it was saved with."
        )
    model.set_weights(list(bundle.weights.values()))
    return model
