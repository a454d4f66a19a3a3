"""The pipeline: all stages in one object."""

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.deprecation import warn_renamed
from lenetkit.bundle import decode_bundle, encode_bundle, read_bundle, write_bundle
from lenetkit.exceptions import DataError, NotFittedError, SettingError
from lenetkit.pipeline._fitted import FittedState
from lenetkit.pipeline._images import as_one_array, fit_and_prepare, read
from lenetkit.pipeline._saved import golden_rows, sample_rows

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from lenetkit.diagnosis import Diagnosis, Trace
    from lenetkit.evaluator import Evaluation
    from lenetkit.exporting import ExportReport
    from lenetkit.plotting import FeatureMapsDisplay
    from lenetkit.reading import Reading
    from lenetkit.rejection import Gate, Prediction
    from lenetkit.trainer import TrainingResult
    from lenetkit.transforms import Compose

__all__ = ["Pipeline"]

_NOT_KEPT = "this Pipeline has no {}: it was loaded from a file that keeps none. Call fit to train it here."


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
        What the last :meth:`fit` reported; a loaded pipeline has none.
    history_ : pandas.DataFrame
        The learning curves: one row per epoch. They are saved with the pipeline.
    provenance_ : dict of str to str
        What the weights rest on: settings, fingerprints of data and model, versions, machine. It is saved with the
        pipeline, but for callbacks.

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
        self._fitted: FittedState | None = None

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
            uint8 means 0..255, floating 0..1. Or a pandas table with a row for each image and the columns ``pixel0``,
            ``pixel1``, ... (or ``1x1``, ``1x2``, ...) of whole numbers from 0 to 255, or its column of paths.
        labels : array-like of shape (n,)
            Whole numbers or strings.
        validation_data : tuple of (images, labels), optional
            Measured after every epoch.
        sample_weight : array-like of shape (n,), optional
            Weight of each image in the loss.
        class_weight : mapping from label to float, or pandas.Series, optional
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

        Examples
        --------
        >>> from lenetkit import Pipeline, Trainer
        >>> from lenetkit.synthesis import draw_digits
        >>> train, validation = draw_digits(300, seed=1), draw_digits(100, seed=2)
        >>> pipe = Pipeline("mlp", trainer=Trainer(epochs=2, verbose=0))
        >>> pipe = pipe.fit(train.images, train.labels, validation_data=(validation.images, validation.labels))
        >>> pipe.history_[["accuracy", "val_accuracy"]].shape
        (2, 2)
        """
        from lenetkit.encoder import LabelEncoder
        from lenetkit.trainer import Trainer

        encoder = copy.deepcopy(LabelEncoder() if self.encoder is None else self.encoder)
        indices = encoder.fit(labels).indices(labels)
        transforms = self._fresh_transforms()
        prepared, affine = fit_and_prepare(transforms, read(images))
        if len(indices) != len(prepared):
            raise DataError(f"there must be one label per image; got {len(prepared)} images and {len(indices)} labels.")
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
        self._fitted = FittedState.from_training(
            transforms,
            encoder,
            model,
            result,
            name=self.model if isinstance(self.model, str) else None,
            options=dict(self.model_options or {}),
            examples=np.asarray(prepared[golden_rows(indices)]),
            sample=np.asarray(prepared[sample_rows(len(prepared))]),
        )
        return self

    def calibrate(self, images: Any, labels: Any, *, others: Any = None, gate: "Gate | None" = None) -> Self:
        """Learn when not to answer, from examples that the pipeline was not trained on.

        Three things are learnt: a temperature that makes :meth:`predict_proba` mean what it says, how sure an answer
        must be for a wanted share of errors, and a small second network that tells digits from everything else (about
        a minute of training for 10,000 images).

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), or sequence of arrays, paths or PIL images
            At least 100.
        labels : array-like of shape (n,)
            The true labels.
        others : images, optional
            Images of what is to be rejected. None: :func:`lenetkit.synthesis.draw_nondigits` draws scribbles,
            letters, shapes and more.
        gate : Gate, optional
            One that was trained already.

        Returns
        -------
        Pipeline
            This object.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If images or labels do not hold what they should, or are too few.

        Examples
        --------
        >>> from lenetkit import Pipeline, Trainer
        >>> from lenetkit.synthesis import draw_digits, draw_nondigits
        >>> train, held_back = draw_digits(500, seed=1), draw_digits(200, seed=2)
        >>> pipe = Pipeline("mlp", trainer=Trainer(epochs=5, batch_size=32, verbose=0)).fit(train.images, train.labels)
        >>> pipe = pipe.calibrate(held_back.images, held_back.labels, others=draw_nondigits(200).images)
        >>> len(pipe.predict(held_back.images[:3], reject=0.5))
        3
        """
        from lenetkit.pipeline._rejecting import calibrate

        calibrate(self._check_fitted(), images, labels, others, gate)
        return self

    @overload
    def predict(self, images: Any) -> npt.NDArray[Any]: ...

    @overload
    def predict(self, images: Any, *, reject: float) -> "list[Prediction]": ...

    def predict(self, images: Any, *, reject: float | None = None) -> "npt.NDArray[Any] | list[Prediction]":
        """Return the most probable label of each image, or decline.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), path, PIL image, or sequence of these
            As for :meth:`fit`; a single path or PIL image is one image.
        reject : float, optional
            Decline where the picture does not look like a digit, and where the answer is not sure enough to keep the
            share of errors among accepted answers at this or below. 1 asks only whether it is a digit.

        Returns
        -------
        ndarray of shape (n,), or list of Prediction with `reject`
            Labels, of the dtype of `classes_`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`; with `reject` before :meth:`calibrate`.
        DataError
            If the images do not hold what they should; the message names the first offender.
        SettingError
            If `reject` is not above 0 and up to 1.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> pipe = Pipeline.pretrained()
        >>> pipe.predict(draw_digits(5, styles="school", seed=3).images)
        array([0, 1, 2, 3, 4])
        >>> (answer,) = pipe.predict(np.full((1, 28, 28), 255, np.uint8), reject=0.01)
        >>> answer.rejected, answer.reason
        (True, 'there is nothing in the picture.')
        """
        if reject is not None:
            from lenetkit.pipeline._rejecting import predict_or_reject

            return predict_or_reject(self._check_fitted(), images, reject)
        probabilities = self.predict_proba(images)
        labels: npt.NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_set(self, images: Any, alpha: float = 0.05) -> list[npt.NDArray[Any]]:
        """Return for each image a set of labels that holds the true one with a chosen probability.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), path, PIL image, or sequence of these
            As for :meth:`predict`.
        alpha : float, default 0.05
            The share of images whose set may miss the true label, over images like those of :meth:`calibrate`.

        Returns
        -------
        list of ndarray
            Labels in the order of `classes_`. A set is empty where no label is as probable as that of 1 - `alpha` of
            the examples.

        Raises
        ------
        NotFittedError
            Before :meth:`calibrate`.
        DataError
            If the images do not hold what they should; the message names the first offender.
        SettingError
            If `alpha` is not above 0 and up to 1.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> sets = Pipeline.pretrained().predict_set(draw_digits(3, styles="school", seed=3).images, alpha=0.01)
        >>> [labels.tolist() for labels in sets]
        [[0], [1], [2]]
        """
        from lenetkit.pipeline._rejecting import label_sets

        return label_sets(self._check_fitted(), images, alpha)

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

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> probabilities = Pipeline.pretrained().predict_proba(draw_digits(3, styles="school", seed=3).images)
        >>> probabilities.shape, probabilities.argmax(axis=1).tolist()
        ((3, 10), [0, 1, 2])
        """
        return self._check_fitted().predict_proba(images)

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

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> test = draw_digits(100, seed=3)
        >>> Pipeline.pretrained().score(test.images, test.labels) > 0.95
        True
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

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> test = draw_digits(100, seed=3)
        >>> evaluation = Pipeline.pretrained().evaluate(test.images, test.labels)
        >>> evaluation.n, evaluation.accuracy > 0.95
        (100, True)
        """
        from lenetkit.evaluator import evaluate

        return evaluate(labels, self.predict_proba(images), self.classes_)

    def read_number(self, image: Any) -> "Reading":
        """Read whole numbers in one picture: lines found, touching digits parted, everything else left out.

        Parameters
        ----------
        image : path, PIL image or ndarray of shape (height, width[, 3])
            One picture of any size; an array is uint8.

        Returns
        -------
        Reading
            ``text``, ``lines``, and each digit with its box and probability; without digits where there are none.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the picture cannot be read.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number, draw_paper
        >>> number = draw_number("1947", seed=4)
        >>> picture = number.on(draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4))
        >>> Pipeline.pretrained().read_number(picture).text
        '1947'
        """
        from lenetkit.reading import read_number

        gate = self._check_fitted().gate
        return read_number(image, self, is_digit=None if gate is None else gate.digit_probability)

    def diagnose(self, images: Any) -> "Diagnosis":
        """Compare images with those that the model was trained on, and say why it may fail and what to do about it.

        Parameters
        ----------
        images : array-like of shape (n, height, width[, channels]), path, PIL image, or sequence of these
            As for :meth:`predict`.

        Returns
        -------
        Diagnosis
            One finding for each problem of each image.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        SettingError
            If the file was saved before pipelines kept what their training images look like.
        DataError
            If these are no images at all.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit import Pipeline
        >>> diagnosis = Pipeline.pretrained().diagnose(np.full((1, 60, 40), 230, np.uint8))
        >>> [finding.problem for finding in diagnosis.findings]
        ['blank']
        """
        from lenetkit.diagnosis import diagnose

        return diagnose(images, self)

    def trace(self, image: Any) -> "Trace":
        """Show what every stage makes of one picture.

        Parameters
        ----------
        image : path, PIL image or ndarray of shape (height, width[, channels])
            One picture.

        Returns
        -------
        Trace
            A picture for each stage, and the probabilities; prints as a strip, ``plot()`` draws it.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the picture cannot be read.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> trace = Pipeline.pretrained().trace(255 - draw_number("7", height=120, seed=1).image)
        >>> int(trace.label), trace.stages[-1][1].shape
        (7, (28, 28))
        """
        from lenetkit.diagnosis import trace

        return trace(image, self)

    def plot_feature_maps(self, image: Any) -> "FeatureMapsDisplay":
        """Draw what each layer of the network makes of one picture; see :func:`lenetkit.diagnosis.feature_maps`.

        Parameters
        ----------
        image : path, PIL image or ndarray of shape (height, width[, channels])
            One picture.

        Returns
        -------
        FeatureMapsDisplay
            With ``figure_`` and ``axes_``.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the picture cannot be read.
        SettingError
            If the model's layers cannot be taken apart.
        BundleError
            If the pipeline was loaded and its model has no registered name.
        MissingExtraError
            If matplotlib is not installed.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> display = Pipeline.pretrained().plot_feature_maps(draw_digits(8, seed=1).images[7])
        >>> [ax.get_title() for ax in display.axes_][:3]
        ['input', 'c1', 's2']
        """
        from lenetkit.diagnosis import feature_maps

        return feature_maps(image, self).plot()

    def save(self, path: str | os.PathLike[str], *, notes: Mapping[str, Any] | None = None) -> Path:
        """Write everything that prediction needs into one file that holds no code.

        The same pipeline gives the same bytes. The file appears whole or not at all.

        Parameters
        ----------
        path : path
            Usually ``*.lenet``. A file that is there is replaced.
        notes : mapping of str to plain values, optional
            Kept in the file as they are, for example the name of the data set.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        SettingError
            If a transform is not registered, so that its name would not find it again.
        BundleError
            If weights are not finite, or notes are no plain values.
        OSError
            If the system refuses; a file that was there is untouched then.

        Examples
        --------
        >>> import tempfile
        >>> from lenetkit import Pipeline
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Pipeline.pretrained().save(f"{folder}/digits.lenet", notes={"made for": "this page"})
        >>> path.name
        'digits.lenet'
        """
        bundle = self._check_fitted().to_bundle()
        return write_bundle(path, attrs.evolve(bundle, data={**bundle.data, **(notes or {})}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a saved pipeline, checking all of it before anything is used. No TensorFlow is needed to predict.

        Parameters
        ----------
        path : path
            A file that :meth:`save` wrote.

        Returns
        -------
        Pipeline
            Fitted; it predicts through LiteRT. `model_` is built when somebody asks for it.

        Raises
        ------
        BundleError
            If the file is damaged, was written by a newer version, or with a transform that is not installed here;
            the message says what is wrong.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> from lenetkit.pretrained import path_of
        >>> Pipeline.load(path_of("digits")).predict(draw_digits(5, styles="school", seed=3).images)
        array([0, 1, 2, 3, 4])
        """
        bundle = read_bundle(path)
        pipeline = cls(bundle.model, model_options=bundle.model_options or None)
        pipeline._fitted = FittedState.from_bundle(bundle)
        return pipeline

    @classmethod
    def pretrained(cls, name: str = "digits") -> Self:
        """Load a pipeline that comes with lenetkit: it reads digits at once, offline, without TensorFlow.

        Parameters
        ----------
        name : str, default "digits"
            ``"digits"`` is the only one: a LeNet-5 for pictures of one digit as people scan, photograph and draw them,
            which also tells when not to answer. The documentation's model card says what it was trained on and how
            well it reads what.

        Returns
        -------
        Pipeline
            Fitted.

        Raises
        ------
        UnknownNameError
            If there is no such pipeline.
        BundleError
            If the installed file is damaged.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> Pipeline.pretrained().predict(draw_digits(10, styles="school", seed=3).images)
        array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        """
        from lenetkit.pretrained import path_of

        return cls.load(path_of(name))

    def export(self, path: str | os.PathLike[str], *, format: str = "litert") -> "ExportReport":  # noqa: A002
        """Write the model for another runtime, run it there, and keep it only if it answers as this pipeline does.

        A file with the labels and one that describes the preprocessing go beside it.

        Parameters
        ----------
        path : path
            The file to write, or the folder for ``"saved_model"``.
        format : {"litert", "onnx", "saved_model", "keras"}, default "litert"
            ``"onnx"`` needs ``pip install "lenetkit[onnx]"``; all but ``"litert"`` need TensorFlow.

        Returns
        -------
        ExportReport
            What was written, and the greatest difference of its answers.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ExportError
            If an answer of the exported model is off by more than 1e-5.
        MissingExtraError
            If an optional dependency is not installed.
        SettingError
            If the format is unknown or the path does not fit it.

        Examples
        --------
        >>> import tempfile
        >>> from lenetkit import Pipeline
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = Pipeline.pretrained().export(f"{folder}/digits.tflite")
        >>> report.path.name, report.greatest_difference <= 1e-5
        ('digits.tflite', True)
        """
        from lenetkit.exporting import export

        bundle = self._check_fitted().to_bundle()
        return export(
            path,
            format=format,
            tflite=bundle.tflite,
            build_model=lambda: self.model_,
            golden_images=bundle.golden_images,
            golden_probabilities=bundle.golden_probabilities,
            classes=self.classes_.tolist(),
            preprocessing={"input_shape": list(bundle.input_shape), "transforms": list(bundle.transforms)},
        )

    def summary(self) -> None:
        """Print the steps and the model's layers; before :meth:`fit` those of the model that would be trained.

        Raises
        ------
        UnknownNameError
            If no model has the given name.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> Pipeline("mlp").summary()  # doctest: +ELLIPSIS
        transforms:
          Grayscale()
        ...
        """
        fitted = self._fitted
        transforms = self._fresh_transforms() if fitted is None else fitted.transforms
        print("transforms:", *transforms.steps, sep="\n  ")  # noqa: T201
        self._model_to_show().summary()

    def _model_to_show(self) -> "keras.Model":
        if self._fitted is not None:
            return self._fitted.model()
        if not isinstance(self.model, str):
            return self.model
        from lenetkit.models import create_model, model_info

        shape = model_info(self.model).input_shape
        return create_model(self.model, input_shape=shape, seed=0, **(self.model_options or {}))

    @property
    def model_(self) -> "keras.Model":
        """The trained model; a loaded pipeline builds it from the registry when it is asked for.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        PluginError
            If it comes from a plug-in that is not installed here.
        BundleError
            If a loaded pipeline's model has no registered name, or its weights do not fit what has that name now.
        """
        return self._check_fitted().model()

    @property
    def transforms_(self) -> "Compose":
        """The transforms, with what they have learnt.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        return self._check_fitted().transforms

    @property
    def encoder_(self) -> Any:
        """The encoder, with what it has learnt.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        return self._check_fitted().encoder

    @property
    def result_(self) -> "TrainingResult":
        """What the last :meth:`fit` reported.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`, and where the pipeline was loaded rather than trained here.
        """
        result = self._check_fitted().result
        if result is None:
            raise NotFittedError(
                "this Pipeline has no training result: it was not trained in this process. Call fit first; "
                "what a file keeps of a training is in history_ and provenance_."
            )
        return result

    @property
    def reference_(self) -> dict[str, Any] | None:
        """What the training images looked like to the model, for :meth:`diagnose`; None in files of older versions.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        return self._check_fitted().reference

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """The labels, in the order of the columns of :meth:`predict_proba`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        """
        classes: npt.NDArray[Any] = self._check_fitted().encoder.classes_
        return classes

    @property
    def history_(self) -> "pd.DataFrame":
        """The learning curves: one row per epoch, counted from 1; see :class:`lenetkit.trainer.TrainingResult`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`, and where the pipeline was loaded from a file that keeps no history.
        """
        history = self._check_fitted().history
        if history is None:
            raise NotFittedError(_NOT_KEPT.format("history"))
        return history

    @property
    def environment_(self) -> dict[str, str]:
        """Deprecated name of :attr:`provenance_`."""
        warn_renamed("Pipeline.environment_", "provenance_")
        return self.provenance_

    @property
    def provenance_(self) -> dict[str, str]:
        """What the weights rest on: settings, fingerprints of data and model, versions, machine.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`, and where the pipeline was loaded from a file that does not say.
        """
        environment = self._check_fitted().environment
        if environment is None:
            raise NotFittedError(_NOT_KEPT.format("environment"))
        return environment

    def __repr__(self) -> str:
        state = f"fitted, classes {', '.join(map(str, self.classes_))}" if self._fitted is not None else "not fitted"
        model = self.model if isinstance(self.model, str) else getattr(self.model, "name", type(self.model).__name__)
        return f"<Pipeline: {model}, {state}>"

    def _repr_html_(self) -> str:
        from lenetkit._utils.html import pipeline_html

        return pipeline_html(self)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle a fitted pipeline as its bundle: neither a Keras model nor an interpreter can travel."""
        if self._fitted is None:
            return self.__dict__
        settings = {name: getattr(self, name) for name in ("model_options", "transforms", "encoder", "trainer")}
        model = self.model if isinstance(self.model, str) else None
        return {"settings": {"model": model, **settings}, "bundle": encode_bundle(self._fitted.to_bundle())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "bundle" not in state:
            self.__dict__.update(state)
            return
        self.__init__(**state["settings"])  # type: ignore[misc]
        self._fitted = FittedState.from_bundle(decode_bundle(state["bundle"]))

    def _check_fitted(self) -> FittedState:
        if self._fitted is None:
            raise NotFittedError("this Pipeline is not fitted yet; call fit(images, labels) first.")
        return self._fitted

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
        return as_one_array(head(read(data[0]))), encoder.indices(data[1])


def _by_index(weights: Mapping[Any, float], encoder: Any) -> dict[int, float]:
    pairs = list(weights.items())  # which a pandas Series has, too
    indices = encoder.indices([label for label, _ in pairs])
    return {int(index): float(weight) for index, (_, weight) in zip(indices, pairs, strict=True)}
