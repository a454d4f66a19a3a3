"""What a pipeline has learnt: it predicts, and becomes a bundle and comes back from one."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenetkit.bundle import Bundle
from lenetkit.exceptions import BundleError, DataError, PluginError, SettingError, UnknownNameError
from lenetkit.pipeline._images import affine_of, as_one_array, read
from lenetkit.pipeline._saved import bundle_parts, model_from
from lenetkit.runtime import Predictor

if TYPE_CHECKING:
    import keras

    from lenetkit.trainer import TrainingResult
    from lenetkit.transforms import Compose

__all__ = ["Fitted"]


class Fitted:
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
        self._model: Any = None
        self._name: str | None = None
        self._options: dict[str, Any] = {}
        self._golden: npt.NDArray[np.float32] | None = None
        self._predictor: Predictor | None = None
        self._bundle: Bundle | None = None

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
    ) -> "Fitted":
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
        """
        fitted = cls(transforms, encoder)
        fitted._model, fitted.result, fitted._name, fitted._options = model, result, name, options
        fitted._golden = fitted._ready(examples)
        return fitted

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> "Fitted":
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
        return fitted

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]:
        """Return the probability of every class for images as people have them."""
        prepared = as_one_array(self._head(read(images)))
        # The predictor maps uint8 images itself, chunk by chunk.
        return self.predictor().predict_proba(prepared if prepared.dtype == np.uint8 else self._ready(prepared))

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
            last = self.result.history.tail(1).dropna(axis="columns").to_dict(orient="records")
            self._bundle = bundle_parts(
                model=self._model,
                name=self._name,
                options=self._options,
                transforms=self.transforms,
                encoder=self.encoder,
                golden_images=self._golden,
                metrics={str(name): float(value) for row in last for name, value in row.items()},
                data={"fingerprint": self.result.environment["data"]},
                predictor=self.predictor(),
            )
        if self._bundle is None:
            raise AssertionError("a fitted pipeline comes from training or from a bundle")
        return self._bundle

    def _predictor_of(self, tflite: bytes) -> Predictor:
        scale, offset = affine_of(self._tail, np.dtype(np.uint8))
        return Predictor(tflite, scale=scale, offset=offset)

    def _ready(self, prepared: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Apply the last, affine transform: what the model sees."""
        mapped: Any = prepared if self._tail is None else self._tail(prepared)
        images: npt.NDArray[np.float32] = np.asarray(mapped, np.float32)
        return images[..., np.newaxis] if images.ndim == 3 else images
