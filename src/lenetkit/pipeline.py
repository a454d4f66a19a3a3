"""The whole way from images to answers in one object.

In: images as people have them (arrays, lists, paths, PIL images) and labels. Out: labels and probabilities.
:class:`Pipeline` knows the stages and leaves the work to them; each of them can be replaced by one's own.
"""

import copy
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, NotFittedError, SettingError

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from lenetkit.evaluator import Evaluation
    from lenetkit.runtime import Predictor
    from lenetkit.trainer import TrainingResult
    from lenetkit.transforms import Compose

__all__ = ["Pipeline"]


class Pipeline:
    """Transforms, label encoder, model and trainer, in the manner of a scikit-learn estimator.

    The constructor stores its arguments untouched; what :meth:`fit` learns ends in an underscore.

    Parameters
    ----------
    model : str or keras.Model, default "lenet5"
        A name from :func:`lenetkit.models.list_models`, or a model of one's own with one output per class; such a
        model is trained in place.
    model_options : mapping, optional
        Options for :func:`lenetkit.models.create_model`; only where `model` is a name.
    transforms : transform, sequence of transforms or None
        What happens to images before the model sees them. None: grey, resized to the model's input, scaled to 0..1.
    encoder : LabelEncoder, optional
        Labels to targets and back. None: a fresh :class:`lenetkit.encoder.LabelEncoder`.
    trainer : Trainer, optional
        How the model is trained. None: :class:`lenetkit.trainer.Trainer` with its defaults.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, in the order of the columns of :meth:`predict_proba`.
    model_ : keras.Model
        The trained model.
    transforms_ : Compose
        The transforms, with what they have learnt.
    encoder_ : LabelEncoder
        The encoder, with what it has learnt.
    result_ : TrainingResult
        What the last :meth:`fit` reported.
    history_ : pandas.DataFrame
        One row per epoch of the last :meth:`fit`.

    Examples
    --------
    >>> from lenetkit import Pipeline, load_dataset
    >>> from lenetkit.trainer import Trainer
    >>> train, test = load_dataset("digits").split(test_size=0.1, seed=0)
    >>> pipe = Pipeline(trainer=Trainer(epochs=8, batch_size=32, verbose=0))
    >>> pipe.fit(train.images, train.labels).score(test.images, test.labels) > 0.9
    True
    """

    def __init__(
        self,
        model: Any = "lenet5",
        *,
        model_options: Mapping[str, Any] | None = None,
        transforms: Any = None,
        encoder: Any = None,
        trainer: Any = None,
    ) -> None:
        self.model = model
        self.model_options = model_options
        self.transforms = transforms
        self.encoder = encoder
        self.trainer = trainer

    def fit(
        self,
        images: Any,
        labels: Any,
        *,
        validation_data: tuple[Any, Any] | None = None,
        sample_weight: Any = None,
        class_weight: Mapping[Any, float] | None = None,
    ) -> Self:
        """Learn the labels, the transforms that learn, and the model.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or sequence of arrays, paths or PIL images
            uint8 means 0..255, floating 0..1.
        labels : array-like of shape (n,)
            Whole numbers or strings.
        validation_data : tuple of (images, labels), optional
            Measured after every epoch.
        sample_weight : array-like of shape (n,), optional
            Weight of each image in the loss.
        class_weight : mapping from label to float, optional
            Weight of each class in the loss.

        Returns
        -------
        Pipeline
            This object. When fitting fails, it is as it was before.

        Raises
        ------
        DataError
            If images or labels do not hold what they should; the message names the first offender.
        SettingError
            If the settings contradict each other.
        UnknownNameError
            If no model has the given name.
        TrainingError
            If the loss stops being finite.
        """
        from lenetkit.encoder import LabelEncoder
        from lenetkit.trainer import Trainer

        checked = _read(images)
        encoder = copy.deepcopy(LabelEncoder() if self.encoder is None else self.encoder)
        indices = encoder.fit(labels).indices(labels)
        if len(indices) != len(checked):
            raise DataError(f"there must be one label per image; got {len(checked)} images and {len(indices)} labels.")
        transforms = self._fresh_transforms()
        prepared, affine = _fit_prepare(transforms, checked)
        model = self._fresh_model(prepared, len(encoder.classes_))
        if validation_data is not None:
            validation_data = self._prepare_validation(validation_data, transforms, encoder)
        trainer = Trainer() if self.trainer is None else self.trainer
        result = trainer.fit(
            model,
            prepared,
            indices,
            validation_data,
            sample_weight=sample_weight,
            class_weight=None if class_weight is None else _by_index(class_weight, encoder),
            **affine,
        )
        self._take(transforms, encoder)
        self.model_, self.result_ = model, result
        return self

    def predict(self, images: Any) -> npt.NDArray[Any]:
        """Return the most probable label of each image.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), path, PIL image, or sequence of these
            As for :meth:`fit`; a single path or PIL image is one image.

        Returns
        -------
        ndarray of shape (n,)
            Labels, of the dtype of `classes_`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the images do not hold what they should; the message names the first offender.
        """
        probabilities = self.predict_proba(images)
        labels: npt.NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each image.

        An image gets the same answer, to the bit, whatever other images it comes with.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), path, PIL image, or sequence of these
            As for :meth:`predict`.

        Returns
        -------
        ndarray of shape (n, n_classes)
            float32; columns in the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the images do not hold what they should; the message names the first offender.
        """
        self._require_fit()
        prepared = _as_one_array(self._head(_read(images)))
        if prepared.dtype != np.uint8 and self._tail is not None:
            prepared = self._tail(prepared)
        return self._compiled().predict_proba(prepared)

    def score(self, images: Any, labels: Any) -> float:
        """Return the accuracy: the share of images whose most probable label is right.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or sequence of arrays, paths or PIL images
            As for :meth:`predict`.
        labels : array-like of shape (n,)
            The true labels.

        Returns
        -------
        float
            0 to 1.

        Raises
        ------
        NotFittedError, DataError
            As :meth:`evaluate` does.
        """
        return float(self.evaluate(images, labels).accuracy)

    def evaluate(self, images: Any, labels: Any) -> "Evaluation":
        """Compare the answers with the truth.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or sequence of arrays, paths or PIL images
            As for :meth:`predict`.
        labels : array-like of shape (n,)
            The true labels.

        Returns
        -------
        Evaluation
            Accuracy with its interval, tables per class, confusion matrix, hardest images.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If images or labels do not hold what they should, or a label is none of `classes_`.
        """
        from lenetkit.evaluator import evaluate

        return evaluate(labels, self.predict_proba(images), self.classes_)

    def summary(self) -> None:
        """Print the steps and the model's layers; before :meth:`fit` those of the model that would be trained.

        Raises
        ------
        UnknownNameError
            If no model has the given name.
        """
        transforms = self.transforms_ if hasattr(self, "transforms_") else self._fresh_transforms()
        print("transforms:", *transforms.steps, sep="\n  ")  # noqa: T201
        if hasattr(self, "transforms_"):
            self.model_.summary()
        elif isinstance(self.model, str):
            from lenetkit.models import create_model, model_info

            shape = model_info(self.model).input_shape
            create_model(self.model, input_shape=shape, seed=0, **(self.model_options or {})).summary()
        else:
            self.model.summary()

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """The labels, in the order of the columns of :meth:`predict_proba`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        self._require_fit()
        classes: npt.NDArray[Any] = self.encoder_.classes_
        return classes

    @property
    def history_(self) -> "pd.DataFrame":
        """One row per epoch of the last :meth:`fit`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`, and where the pipeline was loaded rather than trained here.
        """
        if not hasattr(self, "result_"):
            raise NotFittedError("this Pipeline has no history: it was not trained in this process. Call fit first.")
        result: TrainingResult = self.result_
        return result.history

    def __repr__(self) -> str:
        state = f"fitted, classes {', '.join(map(str, self.classes_))}" if self._is_fitted() else "not fitted"
        model = self.model if isinstance(self.model, str) else getattr(self.model, "name", type(self.model).__name__)
        return f"<Pipeline: {model}, {state}>"

    def _is_fitted(self) -> bool:
        return hasattr(self, "encoder_")

    def _require_fit(self) -> None:
        if not self._is_fitted():
            raise NotFittedError("this Pipeline is not fitted yet; call fit(images, labels) first.")

    def _take(self, transforms: "Compose", encoder: Any) -> None:
        """Have these fitted parts from now on."""
        self.transforms_, self.encoder_ = transforms, encoder
        # Split once: prediction is a matter of microseconds.
        self._head, self._tail = transforms.split_affine()
        self._predictor: Predictor | None = None

    def _fresh_transforms(self) -> "Compose":
        from lenetkit.transforms import Compose, Grayscale, Rescale, Resize

        if self.transforms is None:
            height, width, channels = self._wanted_shape()
            grey = [Grayscale()] if channels == 1 else []
            return Compose([*grey, Resize((height, width)), Rescale()])
        steps = self.transforms if isinstance(self.transforms, (list, tuple)) else [self.transforms]
        return Compose(copy.deepcopy(steps))

    def _wanted_shape(self) -> tuple[int, int, int]:
        if isinstance(self.model, str):
            from lenetkit.models import model_info

            return model_info(self.model).input_shape
        shape = getattr(self.model, "input_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
            raise SettingError(
                f"the model must take images of one known shape (height, width, channels) for the default transforms; "
                f"its input shape is {shape}. Pass transforms of your own."
            )
        return shape[1], shape[2], shape[3]

    def _fresh_model(self, prepared: Any, n_classes: int) -> "keras.Model":
        options = dict(self.model_options or {})
        if not isinstance(self.model, str):
            if options:
                raise SettingError("model_options are for models given by name; this model is built already.")
            return self.model
        from lenetkit.models import create_model

        shape = prepared.shape[1:] if prepared.ndim == 4 else (*prepared.shape[1:], 1)
        seed = getattr(self.trainer, "seed", 0)
        return create_model(self.model, input_shape=shape, n_classes=n_classes, seed=seed, **options)

    def _prepare_validation(self, data: Any, transforms: "Compose", encoder: Any) -> tuple[Any, Any]:
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise SettingError(f"validation_data must be (images, labels); got {type(data).__name__}.")
        head, _ = transforms.split_affine()
        return _as_one_array(head(_read(data[0]))), encoder.indices(data[1])

    def _compiled(self) -> "Predictor":
        """Return what predicts; after ``fit`` it is made when it is first needed."""
        if self._predictor is None:
            from lenetkit.exporting import convert_to_litert
            from lenetkit.runtime import Predictor

            scale, offset = _affine_of(self._tail, np.dtype(np.uint8))
            self._predictor = Predictor(convert_to_litert(self.model_), scale=scale, offset=offset)
        return self._predictor


def _read(images: Any) -> Any:
    """Return images as arrays: what is an array stays one, everything else is read."""
    if hasattr(images, "shape") and hasattr(images, "dtype"):
        return images
    from lenetkit.datasets import read_image, read_images

    if isinstance(images, (str, os.PathLike, bytes)) or hasattr(images, "convert"):
        return [read_image(images)]
    if not isinstance(images, (list, tuple)):
        raise DataError(
            f"images must be an array, a path, a PIL image or a list of these; got {type(images).__name__}."
        )
    if not images:
        raise DataError("there are no images: got an empty list.")
    return read_images(images)


def _as_one_array(images: Any) -> Any:
    if isinstance(images, list):
        shapes = sorted({image.shape for image in images})
        raise DataError(
            f"after the transforms all images must have one shape; got {', '.join(map(str, shapes[:4]))}. "
            "Add lenetkit.transforms.Resize."
        )
    return images


def _fit_prepare(transforms: "Compose", images: Any) -> tuple[Any, dict[str, Any]]:
    """Let the transforms learn and apply all but the trailing affine one, which the trainer does in its graph."""
    head, affine = transforms.fit(images).split_affine()
    prepared = _as_one_array(head(images))
    scale, offset = _affine_of(affine, prepared.dtype)
    return prepared, {"scale": scale, "offset": offset}


def _affine_of(affine: Any, dtype: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the map that the last transform makes of pixels of this type; without one pixels stay as they are."""
    if affine is None:
        return np.ones((), np.float32), np.zeros((), np.float32)
    scale, offset = affine.affine(dtype)
    return scale, offset


def _by_index(weights: Mapping[Any, float], encoder: Any) -> dict[int, float]:
    indices = encoder.indices(list(weights))
    return {int(index): float(weight) for index, weight in zip(indices, weights.values(), strict=True)}
