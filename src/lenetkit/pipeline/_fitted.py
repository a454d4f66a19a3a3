"""What a pipeline has learnt: it predicts, and becomes a bundle and comes back from one."""

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.bundle import Bundle
from lenetkit.exceptions import BundleError, DataError, PluginError, SettingError, UnknownNameError
from lenetkit.pipeline._images import affine_of, as_one_array, read
from lenetkit.pipeline._saved import TRAINING, bundle_parts, model_from
from lenetkit.pipeline._training import SavedTraining
from lenetkit.rejection import Calibration, Gate, extras_of, from_extras
from lenetkit.runtime import Predictor

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from lenetkit.trainer import TrainingResult
    from lenetkit.transforms import Compose

__all__ = ["FittedState"]

# Where a bundle's extras hold what the pipeline rejects with, and what the training images looked like.
_REJECTION = "rejection"
_REFERENCE = "reference"


class FittedState:
    """Transforms and encoder with what they have learnt, and a trained model as Keras model, LiteRT bytes or both.

    Parameters
    ----------
    transforms : Compose
        Fitted.
    encoder : LabelEncoder
        Fitted.
    """

    def __init__(self, transforms: "Compose", encoder: Any) -> None:
        self.transforms = transforms
        self.encoder = encoder
        # Split once: prediction is a matter of microseconds.
        self._head, self._tail = transforms.split_affine()
        self.result: TrainingResult | None = None
        self._training: SavedTraining | None = None
        self._model: Any = None
        self._name: str | None = None
        self._options: dict[str, Any] = {}
        self._golden: npt.NDArray[np.float32] | None = None
        self._predictor: Predictor | None = None
        self._bundle: Bundle | None = None
        self.calibration: Calibration | None = None
        self.gate: Gate | None = None
        self._sample: npt.NDArray[Any] | None = None
        self._reference: dict[str, Any] | None = None

    @classmethod
    def from_training(
        cls,
        transforms: "Compose",
        encoder: Any,
        model: "keras.Model",
        result: "TrainingResult",
        *,
        name: str | None,
        options: dict[str, Any],
        examples: npt.NDArray[Any],
        sample: npt.NDArray[Any],
    ) -> "FittedState":
        """Keep what a training run made.

        Parameters
        ----------
        transforms, encoder, model, result
            What was fitted and trained, and what the trainer reported.
        name : str or None
            The model's name in the registry, if it has one.
        options : dict
            What it was built with.
        examples : ndarray of shape (k, height, width[, channels])
            A few images after all transforms but the affine one, kept to check every later form of the model with.
        sample : ndarray of shape (m, height, width[, channels])
            Some more of them, to remember what the training images looked like.
        """
        fitted = cls(transforms, encoder)
        fitted._sample = sample
        fitted._model, fitted.result, fitted._name, fitted._options = model, result, name, options
        fitted._golden = fitted._ready(examples)
        return fitted

    @property
    def affine(self) -> Any:
        """The last transform, if it maps pixel values only."""
        return self._tail

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> "FittedState":
        """Take up what :meth:`to_bundle` gave."""
        from lenetkit.encoder import LabelEncoder
        from lenetkit.transforms import Compose, transform_from_dict

        try:
            steps = [transform_from_dict(step) for step in bundle.transforms]
            encoder = LabelEncoder.from_dict(bundle.encoder)
        except (DataError, SettingError, UnknownNameError, PluginError) as error:
            raise BundleError(
                f"the saved pipeline needs what is not here: {error} Install the package that it was saved with."
            ) from error
        fitted = cls(Compose(steps), encoder)
        fitted._bundle = bundle
        fitted._predictor = fitted._predictor_of(bundle.tflite)
        fitted._reference = bundle.extras.get(_REFERENCE)
        if TRAINING in bundle.extras:
            fitted._training = SavedTraining.from_extras(bundle.extras[TRAINING], bundle.extra_tensors)
        if _REJECTION in bundle.extras:
            scale, offset = affine_of(fitted._tail, np.dtype(np.uint8))
            values, tensors = bundle.extras[_REJECTION], bundle.extra_tensors
            fitted.calibration, fitted.gate = from_extras(values, tensors, scale=scale, offset=offset)
        return fitted

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]:
        """Return the probability of every class for images as people have them."""
        return self.predict_prepared(self.prepare(images))

    def prepare(self, images: Any) -> npt.NDArray[Any]:
        """Apply all transforms but the affine one."""
        prepared: npt.NDArray[Any] = as_one_array(self._head(read(images)))
        return prepared

    def for_predictor(self, prepared: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return prepared images as a predictor takes them: it maps uint8 images itself, chunk by chunk."""
        return prepared if prepared.dtype == np.uint8 else self._ready(prepared)

    def predict_prepared(self, prepared: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the probabilities, calibrated where that was learnt."""
        probabilities = self.predictor().predict_proba(self.for_predictor(prepared))
        return probabilities if self.calibration is None else self.calibration.calibrate(probabilities)

    @property
    def reference(self) -> dict[str, Any] | None:
        """What the training images looked like; None for a file that was saved before that was kept."""
        if self._reference is None and self._sample is not None:
            from lenetkit.diagnosis import compute_reference

            self._reference = compute_reference(self._sample)
        return self._reference

    @property
    def history(self) -> "pd.DataFrame | None":
        """The learning curves; None for a file that has none."""
        if self.result is not None:
            return self.result.history
        return None if self._training is None else self._training.history()

    @property
    def environment(self) -> dict[str, str] | None:
        """What the weights rest on; None for a file that does not say."""
        if self.result is not None:
            return self.result.environment
        return None if self._training is None else dict(self._training.environment)

    def reject_with(self, calibration: Calibration, gate: Gate) -> None:
        """Keep what tells when not to answer."""
        self.calibration, self.gate = calibration, gate

    def predictor(self) -> Predictor:
        """Return what predicts; after training it is made when it is first needed."""
        if self._predictor is None:
            from lenetkit.exporting import convert_to_litert

            self._predictor = self._predictor_of(convert_to_litert(self._model, check_images=self._golden))
        return self._predictor

    def model(self) -> "keras.Model":
        """Return the Keras model, built from the registry if this was loaded."""
        if self._model is None and self._bundle is not None:
            self._model = model_from(self._bundle)
        return self._model

    def to_bundle(self) -> Bundle:
        """Return everything that prediction needs as plain values."""
        if self._bundle is None and self.result is not None and self._golden is not None:
            self._bundle = bundle_parts(
                model=self._model,
                name=self._name,
                options=self._options,
                transforms=self.transforms,
                encoder=self.encoder,
                golden_images=self._golden,
                training=SavedTraining.of(self.result),
                predictor=self.predictor(),
            )
        if self._bundle is None:
            raise AssertionError("a fitted pipeline comes from training or from a bundle")
        return self._with_extras(self._bundle)

    def _with_extras(self, bundle: Bundle) -> Bundle:
        extras, tensors = dict(bundle.extras), dict(bundle.extra_tensors)
        if self.reference is not None:
            extras[_REFERENCE] = self.reference
        if self.calibration is not None and self.gate is not None:
            values, arrays = extras_of(self.calibration, self.gate)
            extras[_REJECTION] = values
            tensors.update(arrays)
        return attrs.evolve(bundle, extras=extras, extra_tensors=tensors)

    def _predictor_of(self, tflite: bytes) -> Predictor:
        scale, offset = affine_of(self._tail, np.dtype(np.uint8))
        return Predictor(tflite, scale=scale, offset=offset)

    def _ready(self, prepared: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Apply the last, affine transform: what the model sees."""
        mapped: Any = prepared if self._tail is None else self._tail(prepared)
        images: npt.NDArray[np.float32] = np.asarray(mapped, np.float32)
        return images[..., np.newaxis] if images.ndim == 3 else images
