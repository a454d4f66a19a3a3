"""The pipeline as a scikit-learn estimator.

In: rows of features or images, and labels, as scikit-learn's own classifiers take them. Out: labels and probabilities.
:class:`LeNetClassifier` brings what it is given into the form of images and leaves everything else to
:class:`lenetkit.pipeline.Pipeline`. Next: anything of scikit-learn that takes a classifier.
"""

import math
import numbers
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import DataError, SettingError
from lenetkit.models import model_info
from lenetkit.pipeline import Pipeline
from lenetkit.trainer import Trainer

__all__ = ["LeNetClassifier"]

# Features are cut off so many deviations from their mean: what lies beyond is as black or white as it gets.
_DEVIATIONS = 3
# Fewer images make few steps per epoch; smaller batches make up for it.
_MANY = 10_000
_TRAINER_SETTINGS = (
    "epochs",
    "batch_size",
    "optimizer",
    "optimizer_options",
    "learning_rate",
    "augmentation",
    "label_smoothing",
    "verbose",
)


class LeNetClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network for images of digits that is a scikit-learn classifier.

    It takes images, and the rows of features that the rest of scikit-learn works with:

    * images of uint8 go to the pipeline as they are: 0 is black and 255 white;
    * images of other numbers, and rows of pixels with a given `image_shape`, are brought to 0..1 by the smallest and
      the largest value of the training images;
    * rows of features without an `image_shape` are standardised column by column, cut off at three deviations, and
      laid out as a square where their number is one, else as one row, which is repeated downwards.

    Parameters
    ----------
    model : str, default "lenet5"
        A name from :func:`lenetkit.models.list_models`.
    model_options : mapping, optional
        Options for :func:`lenetkit.models.create_model`.
    image_shape : tuple of int, optional
        (height, width) or (height, width, channels) of the images that the rows hold as pixels.
    epochs : int or float, default 5
        Passes over the training images.
    batch_size : int or "auto", default "auto"
        Images per step; ``"auto"`` is 32 for less than 10,000 images, else 128.
    optimizer : str or keras.optimizers.Optimizer, default "adam"
        As for :class:`lenetkit.trainer.Trainer`.
    optimizer_options : mapping, optional
        As for :class:`lenetkit.trainer.Trainer`.
    learning_rate : float, OneCycle, keras LearningRateSchedule, None or "auto", default "auto"
        As for :class:`lenetkit.trainer.Trainer`; a number is a constant rate. ``"auto"`` is the trainer's default.
    augmentation : callable, None or "auto", default "auto"
        As for :class:`lenetkit.trainer.Trainer`. ``"auto"`` is the trainer's default for images and rows of pixels,
        and none for rows of features, whose place has a meaning.
    label_smoothing : float, default 0.05
        As for :class:`lenetkit.trainer.Trainer`.
    random_state : int, numpy.random.RandomState or None, default None
        Decides every random draw. A whole number gives the bits of a pipeline with this ``Trainer(seed=...)``.
    verbose : {0, 1, 2, "auto"}, default 0
        As for :class:`lenetkit.trainer.Trainer`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns of X; for images their height, since scikit-learn counts the second axis.
    feature_names_in_ : ndarray of shape (n_features,)
        Only where X has column names, all of them strings.
    pipeline_ : Pipeline
        What was fitted; ``pipeline_.save(path)`` keeps it. It takes images of uint8 as this estimator does, and other
        images as this estimator has prepared them.
    history_ : pandas.DataFrame
        One row per epoch.

    Raises
    ------
    SettingError
        By :meth:`fit`, if a setting is invalid: the constructor only stores them.

    Notes
    -----
    All of :func:`sklearn.utils.estimator_checks.check_estimator` passes but one check,
    ``check_sample_weight_equivalence_on_dense_data``: it wants a weight of 2 to give, to seven digits, what the same
    row twice gives. A network that learns from mini-batches cannot do that, since another number of rows makes other
    batches. A weight of 0 is the same as leaving the row out.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import cross_val_score
    >>> from lenetkit import LeNetClassifier
    >>> pixels, labels = load_digits(return_X_y=True)
    >>> classifier = LeNetClassifier(image_shape=(8, 8), random_state=0)
    >>> bool(cross_val_score(classifier, pixels, labels, cv=2).mean() > 0.9)
    True
    """

    def __init__(
        self,
        model: str = "lenet5",
        *,
        model_options: Mapping[str, Any] | None = None,
        image_shape: tuple[int, ...] | None = None,
        epochs: float = 5,
        batch_size: int | str = "auto",
        optimizer: Any = "adam",
        optimizer_options: Mapping[str, Any] | None = None,
        learning_rate: Any = "auto",
        augmentation: Any = "auto",
        label_smoothing: float = 0.05,
        random_state: Any = None,
        verbose: int | str = 0,
    ) -> None:
        self.model = model
        self.model_options = model_options
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.optimizer_options = optimizer_options
        self.learning_rate = learning_rate
        self.augmentation = augmentation
        self.label_smoothing = label_smoothing
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn the labels, the range of the pixels or features, and the model.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, height, width[, channels])
            Rows of real numbers, or images.
        y : array-like of shape (n,)
            Whole numbers, strings or bools, of at least two classes.
        sample_weight : array-like of shape (n,), optional
            Weight of each row in the loss, 0 or more; rows of weight 0 are left out.

        Returns
        -------
        LeNetClassifier
            This object.

        Raises
        ------
        ValueError
            If X, y or the weights do not hold what they should. Those of lenetkit's own are
            :class:`lenetkit.exceptions.DataError`.
        SettingError
            If a setting is invalid.
        UnknownNameError
            If no model has this name.
        TrainingError
            If the loss stops being finite.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from lenetkit import LeNetClassifier
        >>> pixels, labels = load_digits(return_X_y=True)
        >>> classifier = LeNetClassifier("mlp", image_shape=(8, 8), epochs=2, random_state=0).fit(pixels, labels)
        >>> classifier.history_.shape[0]
        2
        """
        X, y = validate_data(self, X, y, allow_nd=True)
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise DataError(f"the labels must be of at least 2 classes; got one class, {classes[0]!r}.")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            kept = sample_weight != 0
            X, y, sample_weight = X[kept], y[kept], sample_weight[kept]
            if not len(X):
                raise DataError("all sample weights are 0: there is nothing to learn from.")
        self._shape, self._learnt = X.shape[1:], self._range(X)
        pipeline = Pipeline(
            self.model,
            model_options=self.model_options,
            encoder=LabelEncoder(classes),
            trainer=self._trainer(X),
        )
        pipeline.fit(self._images(X), y, sample_weight=sample_weight)
        self.classes_, self.pipeline_, self.history_ = classes, pipeline, pipeline.history_
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable label of each row or image.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, height, width[, channels])
            As for :meth:`fit`.

        Returns
        -------
        ndarray of shape (n,)
            Labels, of the dtype of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        ValueError
            If X does not hold what it should.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from lenetkit import LeNetClassifier
        >>> pixels, labels = load_digits(return_X_y=True)
        >>> classifier = LeNetClassifier("mlp", image_shape=(8, 8), epochs=2, random_state=0).fit(pixels, labels)
        >>> classifier.predict(pixels[:3]).shape
        (3,)
        """
        probabilities = self.predict_proba(X)
        labels: npt.NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each row or image.

        A row gets the same answer, to the bit, whatever other rows it comes with.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, height, width[, channels])
            As for :meth:`fit`.

        Returns
        -------
        ndarray of shape (n, n_classes)
            float32; columns in the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        ValueError
            If X does not hold what it should.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from lenetkit import LeNetClassifier
        >>> pixels, labels = load_digits(return_X_y=True)
        >>> classifier = LeNetClassifier("mlp", image_shape=(8, 8), epochs=2, random_state=0).fit(pixels, labels)
        >>> classifier.predict_proba(pixels[:3]).shape
        (3, 10)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, allow_nd=True)
        if X.shape[1:] != self._shape:
            raise DataError(f"X must have shape (n, {', '.join(map(str, self._shape))}), as in fit; got {X.shape}.")
        return self.pipeline_.predict_proba(self._images(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _trainer(self, X: npt.NDArray[Any]) -> Trainer:
        settings = {name: getattr(self, name) for name in _TRAINER_SETTINGS}
        if self.batch_size == "auto":
            settings["batch_size"] = 128 if len(X) >= _MANY else 32
        if self.augmentation == "auto" and self._holds_features(X):
            settings["augmentation"] = None
        whole = isinstance(self.random_state, numbers.Integral)
        seed = int(self.random_state) if whole else check_random_state(self.random_state).randint(2**31)
        return Trainer(seed=seed, **{name: value for name, value in settings.items() if not _is_auto(value)})

    def _holds_features(self, X: npt.NDArray[Any]) -> bool:
        """Tell whether X has columns, each with a range of its own, rather than pixels."""
        return X.ndim == 2 and self.image_shape is None

    def _range(self, X: npt.NDArray[Any]) -> Any:
        """Learn which values become 0, and how far above them 1 is; None where pixels stay as they are."""
        if self._holds_features(X):
            low, span = X.mean(axis=0), X.std(axis=0)
            low, span = low - _DEVIATIONS * span, 2 * _DEVIATIONS * span
        elif X.dtype != np.uint8:
            low, span = X.min(), np.ptp(X)
        else:
            return None
        return low, np.where(span > 0, span, 1)

    def _images(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return X as the pipeline takes it: images, uint8 or 0..1."""
        if self._learnt is not None:
            low, span = self._learnt
            X = np.clip((X - low) / span, 0, 1).astype(np.float32)
        if X.ndim > 2:
            return X
        if self.image_shape is not None:
            if math.prod(self.image_shape) != X.shape[1] or len(self.image_shape) not in (2, 3):
                raise SettingError(
                    f"image_shape must be (height, width) or (height, width, channels) of {X.shape[1]} pixels, as many "
                    f"as X has columns; got {self.image_shape!r}."
                )
            return X.reshape(-1, *self.image_shape)
        side = math.isqrt(X.shape[1])
        if side**2 == X.shape[1]:
            return X.reshape(-1, side, side)
        # Resizing keeps the proportions: a single line of pixels would become a single line.
        copies = min(X.shape[1], model_info(self.model).input_shape[0])
        return np.repeat(X[:, np.newaxis], copies, axis=1)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"
