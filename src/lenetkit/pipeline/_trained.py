"""A model that was trained in this process, on its way into a bundle, and the Keras model of a bundle."""

import contextlib
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import get_version
from lenetkit._utils.lazy import lazy
from lenetkit.bundle import Bundle, History, Rejection, clean_provenance
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import BundleError, PluginError, SettingError, UnknownNameError
from lenetkit.runtime import Predictor
from lenetkit.transforms import Compose, Prepared, transform_to_dict

if TYPE_CHECKING:
    import keras

    from lenetkit.trainer import TrainingResult

__all__ = ["Trained", "rebuild_model"]

_PACKAGES = ("lenetkit", "keras", "tensorflow", "numpy")
_MOST_GOLDEN = 16
# Enough for the quantiles of 0.5 % that a diagnosis compares with; fewer images make its limits uncertain.
_SAMPLE = 2000

# Stands for the distribution of a model that was registered by a script or in a notebook.
_SCRIPT = "none"


@attrs.frozen(kw_only=True, eq=False, slots=False)
class Trained:
    """A trained model, and a few of its images.

    Parameters
    ----------
    model : keras.Model
    name : str or None
        Its name in the registry, if it has one.
    options : dict
        The options that it was built with.
    result : TrainingResult
    provenance : dict of str to str
        Settings, fingerprints, versions and machine; ``"data"`` is the fingerprint of the images as they were given.
    golden_images : ndarray of shape (k, height, width, channels)
        Inputs of the model, float32, to check every later form of it with.
    sample : ndarray of shape (m, height, width[, channels])
        Some more images, without the trailing affine transform, to remember the range of the training images.
    """

    model: "keras.Model"
    name: str | None
    options: dict[str, Any]
    result: "TrainingResult"
    provenance: dict[str, str]
    golden_images: npt.NDArray[np.float32]
    sample: npt.NDArray[Any]

    @staticmethod
    def choose_images(prepared: Prepared, indices: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """Return the golden images, the first of each class, and a sample that is spread evenly."""
        _, first = np.unique(indices, return_index=True)
        chosen = np.asarray(prepared.images[np.sort(first)[:_MOST_GOLDEN]])
        golden = attrs.evolve(prepared, images=chosen).apply_affine()
        step = max(1, len(prepared.images) // _SAMPLE)
        return {
            "golden_images": golden[..., np.newaxis] if golden.ndim == 3 else golden,
            "sample": np.asarray(prepared.images[::step]),
        }

    def freeze(self) -> None:
        """Keep the model as it is now, if it can be converted: a model of the user's own is trained on in place."""
        # A model that cannot be converted says so when it is to predict: its training must not be lost.
        with contextlib.suppress(Exception):
            self._snapshot  # noqa: B018 -- computed when it is first asked for

    @property
    def tflite(self) -> bytes:
        """The LiteRT model."""
        return self._snapshot[1]

    @lazy
    def _snapshot(self) -> tuple[dict[str, npt.NDArray[Any]], bytes]:
        """The weights and the LiteRT model of one moment: whoever has the Keras model may train it on."""
        from lenetkit.exporting import convert_to_litert

        weights = {f"{index:03d} {w.path}": np.array(w.numpy()) for index, w in enumerate(self.model.weights)}
        return weights, convert_to_litert(self.model, check_images=self.golden_images)

    @lazy
    def reference(self) -> dict[str, Any]:
        """The range of the training images."""
        from lenetkit.diagnosis import compute_reference

        return compute_reference(self.sample)

    def to_bundle(
        self,
        transforms: Compose,
        encoder: LabelEncoder,
        predictor: Predictor,
        rejection: Rejection | None,
        notes: dict[str, Any],
    ) -> Bundle:
        """Put the parts of a fitted pipeline into a bundle.

        Raises
        ------
        SettingError
            If a transform has no registered name, which would be needed to find it again.
        BundleError
            If weights are not finite, or notes are no plain values.
        """
        steps: Any = [transform_to_dict(step) for step in transforms.steps]
        history = History.from_table(self.result.history)
        return Bundle(
            model=self.name,
            model_distribution="lenetkit" if self.name is None else _get_distribution(self.name),
            model_options=self.options,
            input_shape=tuple(self.model.input_shape[1:]),
            n_classes=int(self.model.output_shape[1]),
            transforms=steps,
            encoder=encoder.to_dict(),
            metrics=history.last(),
            data={"fingerprint": self.provenance["data"], **notes},
            versions={package: get_version(package) for package in _PACKAGES},
            weights=self._snapshot[0],
            tflite=self.tflite,
            golden_images=self.golden_images,
            golden_probabilities=predictor.predict_proba(self.golden_images),
            history=history,
            provenance=clean_provenance(self.provenance),
            reference=self.reference,
            rejection=rejection,
        )


def _get_distribution(name: str) -> str:
    """Return the distribution that a registered model comes from, for the error that says what to install."""
    from lenetkit.models import model_info

    package = model_info(name).builder.__module__.partition(".")[0]
    if package == "lenetkit":
        return "lenetkit"
    if package == "__main__":
        return _SCRIPT
    return packages_distributions().get(package, [package])[0]


def rebuild_model(bundle: Bundle) -> "keras.Model":
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
