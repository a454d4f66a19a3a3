"""The pipeline: all stages in one object, in the manner of a scikit-learn estimator.

In: images as people have them, and labels. Out: a fitted pipeline, in memory, in a file, or exported.
Next: its answers come from the methods of :mod:`lenetkit.pipeline._fitted_methods`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lenetkit._utils.files import check_writable
from lenetkit._utils.printable import printable
from lenetkit.bundle import Bundle, decode_bundle, encode_bundle, read_bundle, write_bundle
from lenetkit.exceptions import BundleError, DataError
from lenetkit.pipeline._fitted import FittedState
from lenetkit.pipeline._learning_methods import LearningMethods

if TYPE_CHECKING:
    from lenetkit.exporting import ExportReport

__all__ = ["Pipeline"]


class Pipeline(LearningMethods):
    """Transforms, label encoder, model and trainer, in the manner of a scikit-learn estimator.

    The constructor stores its arguments untouched; the fitted state ends in an underscore. ``images`` of every method
    are what :func:`lenetkit.datasets.read_images` takes: an array (n, height, width[, channels]), uint8 in [0, 255] or
    floating in [0, 1], a path, an open file, a PIL image, a table, or a list of these.

    Parameters
    ----------
    model : str or keras.Model, default "lenet5"
        A name from :func:`lenetkit.models.list_models`, or a model of one's own with one output per class; such a
        model is trained in place.
    model_options : mapping, optional
        Options for :func:`lenetkit.models.create_model`; only where `model` is a name.
    transforms : transform, sequence of transforms or None
        Applied to images before the model sees them. None: grey, resized to the model's input, scaled to 0..1.
    encoder : LabelEncoder, optional
        Labels to targets and back. None: a fresh :class:`lenetkit.encoder.LabelEncoder`.
    trainer : Trainer, optional
        The settings of the training. None: :class:`lenetkit.trainer.Trainer` with its defaults.

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
        class_weight: Any = None,
        warm_start: bool = False,
    ) -> Self:
        """Fit the encoder, the transforms and the model; if that fails, the pipeline stays as it was.

        Every fit starts anew, from random weights: what a fitted, loaded or pretrained pipeline had learnt, with its
        calibration, is forgotten, and the first line of the progress says so. Only a `model` that was given as a
        ``keras.Model`` goes on from the weights that it has. To go on from what was learnt, see `warm_start`, or
        :meth:`adapt`, which forgets nothing.

        Parameters
        ----------
        images : images
            Of a table, the columns ``pixel0``, ``pixel1``, ... (or ``1x1``, ``1x2``, ...) hold integers from 0 to 255.
        labels : array-like of shape (n,)
            Integers or strings.
        validation_data : tuple of (images, labels), optional
            Measured after every epoch.
        sample_weight : array-like of shape (n,), optional
            Weight of each image in the loss.
        class_weight : "balanced", mapping from label to float, pandas.Series or array-like, optional
            Weight of each class in the loss. ``"balanced"`` lets all classes weigh the same, as in scikit-learn:
            n / (number of classes * images of the class). A mapping must name every label that occurs; an array has
            one weight per class in the order of ``classes_``.
        warm_start : bool, default False
            Go on from the weights, classes and transforms of a fitted, loaded or pretrained pipeline, all layers, with
            the trainer's settings. It soon forgets what the images do not show, the faster the higher the rate:
            set ``pipe.trainer = Trainer(learning_rate=1e-4)`` before. The calibration and the line reader are for the
            weights of before and are left out. A pipeline that is not fitted starts anew.

        Raises
        ------
        DataError
            If images or labels do not hold what they should; the message names the first offender.
        SettingError
            If the settings contradict each other, or a class weight is missing or invalid.
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
        >>> pipe.provenance_["data"] == train.fingerprint
        True
        """
        from lenetkit.pipeline._fitting import fit

        self._fitted = fit(
            self,
            images,
            labels,
            validation_data=validation_data,
            sample_weight=sample_weight,
            class_weight=class_weight,
            before=self._fitted,
            warm_start=warm_start,
        )
        return self

    def save(self, path: str | os.PathLike[str], *, notes: Mapping[str, Any] | None = None) -> Path:
        """Write everything that prediction needs into one file without code, usually ``*.lenet``; return its path.

        The same pipeline gives the same bytes. `notes`, plain values by name, are kept in the file as they are.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        SettingError
            If a transform is not registered, a note has the name of something recorded, or the folder does not exist.
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
        fitted = self._check_fitted()
        check_writable(path)
        return write_bundle(path, fitted.to_bundle(notes))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, runtime: str | None = None) -> Self:
        """Load a saved pipeline after checking all of it; predicting with it needs no TensorFlow.

        `runtime` is ``"litert"``, ``"numpy"`` or ``"onnx"``; by default LiteRT, and NumPy where that is not available.
        A runtime other than the default LiteRT must first give the answers that were saved with the file.

        Raises
        ------
        BundleError
            If the file is damaged, was written by a newer version, or with a transform that is not installed here, or
            if the runtime gives other answers or lacks an operation of the model.
        SettingError, MissingExtraError
            If the runtime is unknown or not installed.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> from lenetkit.pretrained import get_path
        >>> Pipeline.load(get_path("digits")).predict(draw_digits(5, styles="school", seed=3).images)
        array([0, 1, 2, 3, 4])
        """
        bundle = read_bundle(path)
        try:
            return cls.from_bundle(bundle, runtime=runtime)
        except DataError as error:
            raise BundleError(f"cannot load {os.fspath(path)}: {error}") from error

    @classmethod
    def from_bundle(cls, bundle: Bundle, *, runtime: str | None = None) -> Self:
        """Make a pipeline of a bundle, for example of one that :func:`lenetkit.bundle.decode_bundle` gave.

        Raises
        ------
        BundleError
            If a transform is not installed here, or labels or settings are invalid.
        DataError, SettingError, MissingExtraError
            For a `runtime`, as :meth:`load` does.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.bundle import read_bundle
        >>> from lenetkit.pretrained import get_path
        >>> Pipeline.from_bundle(read_bundle(get_path("digits")))
        <Pipeline: lenet5, fitted, classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9>
        """
        pipeline = cls(bundle.model, model_options=bundle.model_options or None)
        pipeline._fitted = FittedState.from_bundle(bundle, runtime)
        return pipeline

    @classmethod
    def pretrained(cls, name: str = "digits", *, runtime: str | None = None) -> Self:
        """Load a pipeline that comes with lenetkit or an installed package.

        :func:`lenetkit.pretrained.list_pretrained` lists their names.

        ``"digits"`` reads pictures of one digit as people scan, photograph and draw them, offline and without
        TensorFlow, and tells when not to answer; the documentation's model card says how well.

        Raises
        ------
        UnknownNameError
            If there is no such pipeline; the message has the nearest spelling.
        PluginError
            If an installed package announces the name and cannot be imported.
        BundleError
            If the installed file is damaged.
        SettingError, MissingExtraError
            For a `runtime`, as :meth:`load` does.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> Pipeline.pretrained().predict(draw_digits(10, styles="school", seed=3).images)
        array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        """
        from lenetkit.pretrained import get_path

        return cls.load(get_path(name), runtime=runtime)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,  # noqa: A002
        quantize: str | None = None,
        batch: int | None = None,
        images: Any = None,
        labels: Any = None,
        calibration_images: Any = None,
        max_drop: float = 0.005,
    ) -> "ExportReport":
        """Write the model for another runtime, measured before it is kept; see :func:`lenetkit.exporting.export`.

        Parameters
        ----------
        path, format, quantize, batch, max_drop
            As for the function.
        images, labels, calibration_images
            Images as for :meth:`predict`, and their labels, where the function wants inputs and columns.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If images or labels do not hold what they should, or a label is none of `classes_`.
        SettingError, MissingExtraError, ExportError, OSError
            As the function does; all but the ExportError before anything is converted.

        Examples
        --------
        >>> import tempfile
        >>> from lenetkit import Pipeline
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = Pipeline.pretrained().export(f"{folder}/digits.tflite")
        >>> report.path.name, report.greatest_difference <= 1e-5
        ('digits.tflite', True)
        """
        from lenetkit.pipeline._exporting import export_fitted

        return export_fitted(
            self._check_fitted(),
            path,
            format=format,
            quantize=quantize,
            batch=batch,
            images=images,
            labels=labels,
            calibration_images=calibration_images,
            max_drop=max_drop,
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
        from lenetkit.pipeline._view import print_summary

        print_summary(self, self._fitted)

    def __repr__(self) -> str:
        fitted = self._fitted
        state = "not fitted" if fitted is None else f"fitted, classes {', '.join(map(str, fitted.classes))}"
        model = self.model if isinstance(self.model, str) else getattr(self.model, "name", type(self.model).__name__)
        return printable(f"<Pipeline: {model}, {state}>")

    def _repr_html_(self) -> str:
        from lenetkit.pipeline._view import draw_steps

        return draw_steps(self, self._fitted)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle a fitted pipeline as its bundle: neither a Keras model nor an interpreter can travel."""
        fitted = self._fitted
        if fitted is None:
            return self.__dict__
        settings = {name: getattr(self, name) for name in ("model_options", "transforms", "encoder", "trainer")}
        model = self.model if isinstance(self.model, str) else None
        content = encode_bundle(fitted.to_bundle())
        return {"settings": {"model": model, **settings}, "bundle": content, "runtime": fitted.runtime}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "bundle" not in state:
            self.__dict__.update(state)
            return
        self.__init__(**state["settings"])  # type: ignore[misc]
        self._fitted = FittedState.from_bundle(decode_bundle(state["bundle"]), state.get("runtime"))
