"""The trainer: settings, and the calls that use them."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from lenetkit._utils.extras import require_library
from lenetkit._utils.keras_settings import standard_keras
from lenetkit._utils.rng import preserve_rng_state
from lenetkit.exceptions import DataError, SettingError, TrainingError
from lenetkit.trainer._data import TrainingData, check_classes_differ, check_examples
from lenetkit.trainer._result import TrainingResult
from lenetkit.trainer._run import Run, count_steps
from lenetkit.trainer._schedules import OneCycle
from lenetkit.trainer._settings import TrainerSettings, preset_settings
from lenetkit.trainer._weights import set_initial_weights

if TYPE_CHECKING:
    import keras

    from lenetkit.trainer._engine import Engine
    from lenetkit.trainer._finder import LearningRateSearch

__all__ = ["Trainer"]


@attrs.frozen(kw_only=True)
class Trainer(TrainerSettings):
    """Settings of a training run; :meth:`Trainer.fit <lenetkit.trainer.Trainer.fit>` trains a model with them.

    Parameters
    ----------
    epochs : int or float, default 5
        Passes over the training images; 0 leaves the model as it is, 0.5 is half a pass.
    batch_size : int, default 128
        Images per step.
    optimizer : str or keras.optimizers.Optimizer, default "adam"
        A name that Keras knows, or ``"muon"``: orthogonalised momentum for all inner weight matrices, convolution
        kernels too (Keras' own Muon leaves these to Adam), and Adam for the rest. An instance is only read: each
        ``fit`` trains with a fresh copy of it.
    optimizer_options : mapping, default {"beta_2": 0.99}
        Arguments for an optimizer given by name, but for the learning rate; those that it does not have are an error.
        The default is for ``"adam"``, and no other optimizer is given it.
    loss : str, callable or keras.losses.Loss, default "categorical_crossentropy"
        The function that is minimised.
    learning_rate : OneCycle, float, keras LearningRateSchedule or None, default OneCycle(0.01)
        Schedule, or constant rate. None keeps the optimizer's own.
    metrics : sequence of str or keras.metrics.Metric, default ("accuracy",)
        Measured on the training images as they pass, and on the validation images.
    validation_split : float, default 0.0
        Fraction of the images, cut off at the end, that is held back for validation.
    callbacks : sequence of keras.callbacks.Callback, default ()
        Called as under ``keras.Model.fit``; see `steps_per_call` for the hooks of batches.
    augmentation : callable or None, default Shift(pixels=1)
        ``augmentation(images, key) -> images`` in TensorFlow, applied to each training batch inside the graph; see
        :mod:`lenetkit.augment`. Images are float32 (n, height, width, channels), 0..1 where they came as
        uint8; the key is int32 (`seed`, step).
    label_smoothing : float, default 0.05
        Fraction of each one-hot training target that is spread evenly over all classes (Szegedy et al., Rethinking the
        Inception Architecture, 2016, section 7). Validation is measured against the plain targets; sparse losses, which
        have no rows to smooth, go without.
    seed : int, default 0
        Decides the order of the images (with the epoch), dropout and augmentation (with the step).
    steps_per_call : int or "auto", default "auto"
        Steps in one compiled call. Hooks of batches (``on_train_batch_end`` and its like) are called once per call;
        1 calls them at every batch, at the price of speed; so does ``"auto"`` with a `checkpoint`, if a callback of
        your own has such hooks.
    checkpoint : path, optional
        Folder for a checkpoint. A run that was stopped, by Ctrl-C, SIGTERM, ``kill -9`` or a power failure, goes on
        from there when the same ``fit`` is called again, and ends with the bits of a run that was never stopped. With
        other data, settings, versions or arithmetic (threads, instruction set, XLA) it is refused by name, but for more
        `epochs`: with any `learning_rate` but OneCycle, a run that has ended goes on to them, and ends with the bits of
        one that was planned so. The attributes of callbacks are kept, too; a step that gives another result when it is
        repeated, and a callback that holds what cannot be kept, are refused at the start. One run at a time uses the
        folder.
    checkpoint_steps : int, optional
        Write one after every so many steps, besides those below.
    checkpoint_seconds : float, default 30.0
        Write one when so much time has passed since the last, and at every epoch's end.
    verbose : {"auto", 0, 1, 2}, default "auto"
        0 is silent, 1 a progress bar, 2 a line per epoch; ``"auto"`` is a bar on a terminal and in a notebook, and
        lines elsewhere.

    Raises
    ------
    SettingError
        If a setting is invalid.

    Examples
    --------
    >>> from lenetkit.datasets import load_dataset
    >>> from lenetkit.models import create_model
    >>> from lenetkit.trainer import Trainer
    >>> from lenetkit.transforms import Resize
    >>> digits = load_dataset("digits")
    >>> images = Resize((28, 28))(digits.images)
    >>> trainer = Trainer(epochs=3, batch_size=32, verbose=0)
    >>> result = trainer.fit(create_model(seed=0), images, digits.labels)
    >>> result.history["accuracy"].is_monotonic_increasing
    True
    """

    @classmethod
    def preset(cls, name: str = "default", **changes: Any) -> "Trainer":
        """Return a trainer with the settings of a preset.

        The documentation's page of recipes compares the presets with the other settings that were tried.

        Parameters
        ----------
        name : {"default", "classic", "fast", "accurate"}
            ``"default"`` is ``Trainer()``: Adam, categorical cross-entropy, 5 epochs. ``"classic"`` is the classical
            procedure to the letter: Adam at a constant 0.001 and nothing else. ``"fast"`` reaches the accuracy of
            classic in the least time. ``"accurate"`` gives the highest accuracy in the time that plain Keras takes for
            five epochs; with more epochs, such as 30, the highest that the network can reach.
        **changes
            Settings that differ from the preset's.

        Returns
        -------
        Trainer

        Raises
        ------
        SettingError
            If there is no such preset, or a setting is invalid.

        Examples
        --------
        >>> from lenetkit.trainer import Trainer
        >>> Trainer.preset("classic", epochs=10).learning_rate
        0.001
        """
        return cls(**{**preset_settings(name, changes.get("epochs")), **changes})

    def fit(
        self,
        model: "keras.Model",
        images: Any,
        targets: Any,
        validation_data: tuple[Any, ...] | None = None,
        *,
        sample_weight: Any = None,
        class_weight: Any = None,
        scale: Any = None,
        offset: Any = None,
        initial_weights: Sequence[Any] | None = None,
    ) -> TrainingResult:
        """Train a model in place, with images and targets that are checked first.

        Parameters
        ----------
        model : keras.Model
            Any model with one input and one output; it is compiled with this trainer's settings.
        images : array-like of shape (n, height, width[, channels])
            uint8 (0..255) or floating. A memory map or anything indexed like an array is read batch by batch where it
            is large.
        targets : array-like of shape (n,) or (n, n_classes)
            Integer class indices, or one-hot rows.
        validation_data : tuple of (images, targets) or (images, targets, sample_weight), optional
            Evaluated after every epoch.
        sample_weight : array-like of shape (n,), optional
            Weight of each image in the loss.
        class_weight : "balanced", mapping of int to float, or array-like of shape (n_classes,), optional
            Weight of each class index in the loss. ``"balanced"`` lets all classes weigh the same, as in scikit-learn:
            n / (number of classes * images of the class). A mapping must name every class that occurs.
        scale, offset : float32 number or array, optional
            ``images * scale + offset`` is applied inside the graph. Without them uint8 images are brought to 0..1, and
            floating ones are taken as they are.
        initial_weights : sequence of ndarray, optional
            As ``model.get_weights()`` gives them, of this model or another one of the same form: the model starts from
            these. By default from the weights that it has. Small rates keep what they know: ``learning_rate=1e-4``.

        Returns
        -------
        TrainingResult

        Raises
        ------
        DataError
            If images, targets or weights are invalid, or all targets are of one class; nothing has been trained then.
        SettingError
            If the settings contradict each other or do not fit the model, a class weight is missing or invalid, or the
            initial weights are not those of such a model; with a checkpoint, if a step cannot be repeated or a callback
            holds what cannot be kept.
        OSError
            If a checkpoint cannot be written, for example because the disk is full or the folder is read-only.
        TrainingError
            If the loss stops being finite. The model keeps its last finite state.
        CheckpointError
            If there is a checkpoint that cannot be read, is damaged, or belongs to another run; if one step, computed
            again from it, gives other bits; or if another run is using its folder.

        Examples
        --------
        >>> from lenetkit.synthesis import draw_digits
        >>> from lenetkit.models import create_model
        >>> digits = draw_digits(300)
        >>> result = Trainer(epochs=2, verbose=0).fit(create_model("mlp", seed=0), digits.images, digits.labels)
        >>> result.history.columns.tolist()
        ['loss', 'accuracy', 'learning_rate']
        """
        require_library("training", "tensorflow", "keras", "pandas")
        input_shape, n_classes = _shapes(model)
        examples = check_examples(
            images,
            targets,
            input_shape=input_shape,
            n_classes=n_classes,
            sample_weight=sample_weight,
            class_weight=class_weight,
        )
        check_classes_differ(examples)
        validation = self._validation(validation_data, input_shape, n_classes)
        if validation is None and self.validation_split:
            examples, validation = examples.split(self.validation_split)
        _check_callbacks(self.callbacks, self.learning_rate)
        start = set_initial_weights(model, initial_weights)
        with standard_keras():
            with preserve_rng_state():
                optimizer = self._create_optimizer(count_steps(len(examples), self.epochs, self.batch_size))
                model.compile(optimizer=optimizer, loss=self.loss, metrics=list(self.metrics), jit_compile=False)
                engine = self._engine(model, examples, n_classes, scale, offset)
            try:
                return Run(self, model, engine, examples, validation, start).run()
            finally:
                engine.release()

    def find_learning_rate(
        self,
        model: "keras.Model",
        images: Any,
        targets: Any,
        *,
        lowest: float = 1e-5,
        highest: float = 1.0,
        steps: int = 200,
        **options: Any,
    ) -> "LearningRateSearch":
        """Train with a rising learning rate, watch the loss, and restore the model.

        Smith, Cyclical Learning Rates for Training Neural Networks (WACV 2017), section 3.3.

        Parameters
        ----------
        model, images, targets
            As for :meth:`fit`.
        lowest, highest : float
            First and last rate; each step multiplies the rate by the same factor.
        steps : int, default 200
            Largest number of steps; the search ends sooner when the loss explodes.
        **options
            Further arguments of :meth:`fit`, such as ``scale``.

        Returns
        -------
        LearningRateSearch
            With ``suggestion``, ``table`` and ``plot()``.

        Raises
        ------
        DataError
            If images or targets are invalid, or the loss fell at no rate.
        SettingError
            If the rates or the number of steps is invalid.

        Examples
        --------
        >>> from lenetkit.datasets import load_dataset
        >>> from lenetkit.models import create_model
        >>> from lenetkit.transforms import Resize
        >>> digits = load_dataset("digits")
        >>> images = Resize((28, 28))(digits.images)
        >>> search = Trainer(verbose=0).find_learning_rate(create_model(seed=0), images, digits.labels, steps=60)
        >>> 1e-5 < search.suggestion < 1
        True
        """
        require_library("training", "tensorflow", "keras", "pandas")
        from lenetkit.trainer._finder import rising_settings, summarise_search

        changes, losses = rising_settings(self.batch_size, len(images), lowest, highest, steps)
        weights = model.get_weights()
        try:
            # A loss that is not finite only shows that the rate was too high.
            with contextlib.suppress(TrainingError):
                attrs.evolve(self, **changes).fit(model, images, targets, **options)
        finally:
            model.set_weights(weights)
        return summarise_search(lowest * (highest / lowest) ** (np.arange(len(losses)) / steps), np.array(losses))

    def _validation(
        self, data: tuple[Any, ...] | None, input_shape: tuple[int | None, ...], n_classes: int | None
    ) -> TrainingData | None:
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise SettingError(
                "validation_data must be (images, targets) or (images, targets, sample_weight); "
                f"got {type(data).__name__}{f' of length {len(data)}' if hasattr(data, '__len__') else ''}."
            )
        return check_examples(
            *data[:2],
            input_shape=input_shape,
            n_classes=n_classes,
            sample_weight=data[2] if len(data) == 3 else None,
            part="validation ",
        )

    def _engine(
        self, model: "keras.Model", examples: TrainingData, n_classes: int | None, scale: Any, offset: Any
    ) -> "Engine":
        from lenetkit.trainer._engine import Engine, Preparation

        if scale is None:
            scale = np.float32(1) / np.float32(255) if examples.images.dtype == np.uint8 else 1.0
        loss = self.loss if isinstance(self.loss, str) else getattr(self.loss, "__name__", type(self.loss).__name__)
        indices = examples.targets.ndim == 1 and "sparse" not in loss.lower()
        preparation = Preparation(
            scale=np.asarray(scale, np.float32),
            offset=np.asarray(0.0 if offset is None else offset, np.float32),
            n_classes=n_classes if indices else None,
            augmentation=self.augmentation,
            label_smoothing=self.label_smoothing,
            seed=self.seed,
        )
        return Engine(model, preparation, batch_size=self.batch_size, weighted=examples.weights is not None)


def _shapes(model: Any) -> tuple[tuple[int | None, ...], int | None]:
    """Return the model's input shape without the batch axis, and the number of its classes."""
    shape, output = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or not isinstance(output, tuple):
        raise SettingError(
            f"the model must have one input and one output and be built; {model!r} has input shape {shape} and output "
            f"shape {output}. Call model.build((None, height, width, channels)) first."
        )
    if len(output) != 2 or output[1] is None:
        raise DataError(
            "the model must answer with one probability per class, shape (n, n_classes); its output has shape "
            f"{output}."
        )
    return tuple(shape[1:]), int(output[1])


def _check_callbacks(callbacks: Sequence[Any], learning_rate: Any) -> None:
    import keras

    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise SettingError(f"callbacks must be keras.callbacks.Callback objects; got {callback!r}.")
        sets_rate = isinstance(callback, (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler))
        if sets_rate and isinstance(learning_rate, (OneCycle, keras.optimizers.schedules.LearningRateSchedule)):
            raise SettingError(
                f"{type(callback).__name__} sets the learning rate, and so does the schedule {learning_rate!r}. "
                "Use one of the two: pass a constant learning_rate such as 0.001, or leave the callback out."
            )
