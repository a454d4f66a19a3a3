"""The pipeline as a scikit-learn estimator.

In: rows of features or images, and labels, as scikit-learn's own classifiers take them. Out: labels and probabilities.
:class:`LeNetClassifier` makes images of them and delegates everything else to :class:`lenetkit.pipeline.Pipeline`.
Next: anything of scikit-learn that takes a classifier.
"""

import copy
import math
import numbers
from collections.abc import Mapping
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils import scikit_learn
from lenetkit._utils.levels import is_faint
from lenetkit._utils.pixel_rows import find_square as _find_square
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import DataError, SettingError
from lenetkit.models import model_info
from lenetkit.pipeline import Pipeline
from lenetkit.trainer import Trainer

__all__ = ["LeNetClassifier"]

# Features are clipped so many standard deviations from their mean, which become black and white. Three keep 99.7 % of
# normally distributed values apart; with many more, most of the grey levels would be lost on rare ones.
_CLIPPED_AT = 3
# Fewer images make few steps per epoch; smaller batches make up for it.
_LARGE_SET, _BATCH_SIZE, _SMALL_BATCH_SIZE = 10_000, 128, 32
# The pipeline takes a last axis of up to so many for the channels of one image.
_MOST_CHANNELS = 4
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


class LeNetClassifier(scikit_learn.ClassifierMixin, scikit_learn.BaseEstimator):  # type: ignore[misc]
    """Network for images of digits, as a scikit-learn classifier.

    It takes images, and the rows of features that the rest of scikit-learn works with:

    * images of uint8 go to the pipeline unchanged: 0 is black and 255 white, unless 3 is the largest value of all;
    * images of other numbers, and rows of pixels with a given `image_shape`, are brought to 0..1 by the smallest and
      the largest value of the training images;
    * rows of pixels are recognised without an `image_shape`, too: 64 to 4,096 columns, a square number, that hold
      integers from 0 to 255 or to 16, or such integers divided by 255, with neighbours more alike than other columns;
    * all other rows of features without an `image_shape` are standardised column by column, clipped at three standard
      deviations, and laid out as a square if their number is a square, else as one row, which is repeated downwards.

    Parameters
    ----------
    model : str, default "lenet5"
        A name from :func:`lenetkit.models.list_models`.
    model_options : mapping, optional
        Options for :func:`lenetkit.models.create_model`.
    image_shape : tuple of int, optional
        (height, width) or (height, width, channels) of the images that the rows hold as pixels. By default a square
        where the rows are recognised as pixels; ``image_shape_`` tells.
    epochs : int or float, default 5
        Passes over the training images.
    batch_size : int or "auto", default "auto"
        Images per step; ``"auto"`` is 32 for less than 10,000 images, else 128.
    optimizer : str or keras.optimizers.Optimizer, default "adam"
        This and all that follow but `class_weight` and `random_state`: as for :class:`lenetkit.trainer.Trainer`.
    optimizer_options : mapping, optional
    learning_rate : float, OneCycle, keras LearningRateSchedule, None or "auto", default "auto"
        A number is a constant rate; ``"auto"`` is the trainer's default.
    augmentation : callable, None or "auto", default "auto"
        ``"auto"`` is the trainer's default for images and rows of pixels, and none for rows of features, whose order
        has a meaning.
    label_smoothing : float, default 0.05
    class_weight : "balanced", mapping from label to float, or array-like of shape (n_classes,), optional
        Weight of each class in the loss, as for :meth:`lenetkit.pipeline.Pipeline.fit`. Unlike elsewhere in
        scikit-learn, a mapping must name every label: one that is missing is an error and not a weight of 1.
    random_state : int, numpy.random.RandomState or None, default None
        Decides every random draw. An integer gives the bits of a pipeline with this ``Trainer(seed=...)``.
    verbose : {0, 1, 2, "auto"}, default 0
    warm_start : bool, default False
        Let a further :meth:`fit` go on from the weights of the last one. It must bring labels of the same classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns of X; for images their height, since scikit-learn counts the second axis.
    feature_names_in_ : ndarray of shape (n_features,)
        Only if X has column names, all of them strings.
    image_shape_ : tuple of int or None
        The shape in which rows are taken as pixels; None for images and for features.
    pipeline_ : Pipeline
        The fitted pipeline; ``pipeline_.save(path)`` keeps it. It takes images of uint8 as this estimator does, and
        other images as this estimator has prepared them.
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
        class_weight: Any = None,
        random_state: Any = None,
        verbose: int | str = 0,
        warm_start: bool = False,
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
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start

    pipeline_: Pipeline

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn the labels, the range of the pixels or features, and the model.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, height, width[, channels])
            Rows of real numbers, or images.
        y : array-like of shape (n,)
            Integers, strings or bools, of at least two classes.
        sample_weight : array-like of shape (n,), optional
            Weight of each row in the loss, 0 or more; rows of weight 0 are left out.

        Returns
        -------
        LeNetClassifier

        Raises
        ------
        ValueError
            If X, y or the weights are invalid. Those of lenetkit's own are :class:`lenetkit.exceptions.DataError`.
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
        return self._fit(X, y, sample_weight, go_on=self.warm_start and hasattr(self, "pipeline_"))

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learn one epoch of these rows, on from the weights of the last call.

        Rows, labels and weights, and the errors, are those of :meth:`fit`; the rows need at least two classes. The
        range of the pixels or features is that of the first call.

        Parameters
        ----------
        classes : array-like of shape (n_classes,), optional
            All labels that any call will have, for the first call; by default the labels of its rows.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from lenetkit import LeNetClassifier
        >>> pixels, labels = load_digits(return_X_y=True)
        >>> classifier = LeNetClassifier("mlp", image_shape=(8, 8), random_state=0)
        >>> for start in range(0, 900, 300):
        ...     part = slice(start, start + 300)
        ...     classifier = classifier.partial_fit(pixels[part], labels[part], classes=range(10))
        >>> classifier.score(pixels[900:], labels[900:]) > 0.5
        True
        """
        return self._fit(X, y, sample_weight, go_on=hasattr(self, "pipeline_"), classes=classes, epochs=1)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, go_on: bool, classes: Any = None, epochs: float | None = None
    ) -> Self:
        X, y = scikit_learn.validate_data(self, X, y, allow_nd=True, reset=not go_on)
        scikit_learn.check_classification_targets(y)
        classes = self._check_classes(y, classes, go_on=go_on)
        if sample_weight is not None:
            try:
                sample_weight = scikit_learn.check_sample_weight(sample_weight, X, dtype=np.float64)
            except TypeError as error:  # of a mapping, for example
                raise DataError(f"sample_weight must be {len(X)} numbers, one per row: {error}.") from error
            kept = sample_weight != 0
            X, y, sample_weight = X[kept], y[kept], sample_weight[kept]
            if not len(X):
                raise DataError("all sample weights are 0: there is nothing to learn from.")
        if go_on:
            self._check_shape(X)
            pipeline = copy.copy(self.pipeline_)
        else:
            given = self.image_shape if self.image_shape is not None or X.ndim > 2 else _find_square(X)
            self.image_shape_ = given if X.ndim == 2 else None
            self._shape, self._value_range = X.shape[1:], self._compute_range(X)
            pipeline = Pipeline(self.model, model_options=self.model_options, encoder=LabelEncoder(classes))
        trainer = self._trainer(X)
        pipeline.trainer = trainer if epochs is None else attrs.evolve(trainer, epochs=epochs)
        pipeline.fit(self._images(X), y, sample_weight=sample_weight, class_weight=self.class_weight, warm_start=go_on)
        self.classes_, self.pipeline_, self.history_ = classes, pipeline, pipeline.history_
        return self

    def _check_classes(self, y: npt.NDArray[Any], classes: Any, *, go_on: bool) -> npt.NDArray[Any]:
        """Return the classes: those of the labels, or the given or known ones, which the labels must be among."""
        found = np.unique(y)
        named = found if classes is None else np.unique(np.asarray(list(classes)))
        if go_on:
            if classes is not None and not np.array_equal(named, self.classes_):
                raise DataError(
                    f"classes must be those of the first call, {self.classes_.tolist()}; got {named.tolist()}."
                )
            named = self.classes_
        unknown = found[~np.isin(found, named)]
        if len(unknown):
            raise DataError(f"the labels must be among the classes {named.tolist()}; got {unknown[0]!r}.")
        if len(found) < 2:
            raise DataError(f"the labels must be of at least 2 classes; got one class, {found[0]!r}.")
        return named

    def _check_shape(self, X: npt.NDArray[Any]) -> None:
        if X.shape[1:] != self._shape:
            raise DataError(f"X must have shape (n, {', '.join(map(str, self._shape))}), as in fit; got {X.shape}.")

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable label of each row or image, of shape (n,); see :meth:`predict_proba`.

        Examples
        --------
        >>> from lenetkit import LeNetClassifier, load_dataset
        >>> digits = load_dataset("digits")
        >>> classifier = LeNetClassifier("mlp", epochs=3).fit(digits.images, digits.labels)
        >>> classifier.predict(digits.images[:5]).shape
        (5,)
        """
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the probability of every class for each row or image.

        Predictions are batch-invariant, to the bit.

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
            If X is invalid.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from lenetkit import LeNetClassifier
        >>> pixels, labels = load_digits(return_X_y=True)
        >>> classifier = LeNetClassifier("mlp", image_shape=(8, 8), epochs=2, random_state=0).fit(pixels, labels)
        >>> classifier.predict_proba(pixels[:3]).shape
        (3, 10)
        """
        scikit_learn.check_is_fitted(self)
        X = scikit_learn.validate_data(self, X, reset=False, allow_nd=True)
        self._check_shape(X)
        return self.pipeline_.predict_proba(self._images(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _trainer(self, X: npt.NDArray[Any]) -> Trainer:
        auto: dict[str, Any] = {"batch_size": _BATCH_SIZE if len(X) >= _LARGE_SET else _SMALL_BATCH_SIZE}
        if self._has_features(X):
            auto["augmentation"] = None
        settings = ((name, getattr(self, name)) for name in _TRAINER_SETTINGS)
        # A verbose of "auto" is the trainer's default, too.
        given = {name: value for name, value in settings if not isinstance(value, str) or value != "auto"}
        whole = isinstance(self.random_state, numbers.Integral)
        seed = int(self.random_state) if whole else scikit_learn.check_random_state(self.random_state).randint(2**31)
        return Trainer(seed=seed, **{**auto, **given})

    def _has_features(self, X: npt.NDArray[Any]) -> bool:
        """Return True if X has columns, each with a range of its own, rather than pixels."""
        return X.ndim == 2 and self.image_shape_ is None

    def _compute_range(self, X: npt.NDArray[Any]) -> Any:
        """Return the values that become 0, and the span above them that becomes 1; None if pixels stay unchanged."""
        if self._has_features(X):
            span = 2 * _CLIPPED_AT * X.std(axis=0)
            low = X.mean(axis=0) - span / 2
        elif X.dtype != np.uint8 or is_faint(X.reshape(1, -1))[0]:
            low, span = X.min(), np.ptp(X)
        else:
            return None
        return low, np.where(span > 0, span, 1)

    def _images(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return X as images for the pipeline, uint8 or 0..1, narrow ones with a channel axis."""
        images = self._grid(X)
        return images[..., np.newaxis] if images.ndim == 3 and images.shape[2] <= _MOST_CHANNELS else images

    def _grid(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self._value_range is not None:
            low, span = self._value_range
            X = np.clip((X - low) / span, 0, 1).astype(np.float32)
            # The pipeline refuses what is nearly black; here the range is known, and it is black.
            X[is_faint(X)] = 0
        if X.ndim > 2:
            return X
        shape = self.image_shape_
        if shape is not None:
            if math.prod(shape) != X.shape[1] or len(shape) not in (2, 3):
                raise SettingError(
                    f"image_shape must be (height, width) or (height, width, channels) of {X.shape[1]} pixels, as many "
                    f"as X has columns; got {shape!r}."
                )
            return X.reshape(-1, *shape)
        side = math.isqrt(X.shape[1])
        if side**2 == X.shape[1]:
            return X.reshape(-1, side, side)
        # Resizing keeps the proportions: a single line of pixels would become a single line.
        copies = min(X.shape[1], model_info(self.model).input_shape[0])
        return np.repeat(X[:, np.newaxis], copies, axis=1)
