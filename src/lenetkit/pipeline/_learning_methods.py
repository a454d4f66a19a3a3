"""Methods by which a fitted pipeline learns more: a new hand, and when not to answer.

In: images as people have them, and labels. Out: another fitted state, in one assignment.
Next: :class:`lenetkit.pipeline.Pipeline` inherits them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Self

from lenetkit.exceptions import TrainingError
from lenetkit.pipeline._explaining_methods import ExplainingMethods
from lenetkit.pipeline._fitted import FittedState

if TYPE_CHECKING:
    from lenetkit.pipeline._adaptation_report import AdaptationReport
    from lenetkit.rejection import Gate

__all__ = ["LearningMethods"]


class LearningMethods(ExplainingMethods):
    """Base of :class:`lenetkit.pipeline.Pipeline`: everything that learns on from its fitted state."""

    def adapt(
        self,
        images: Any,
        labels: Any,
        *,
        keep: tuple[Any, Any] | None = None,
        layers: Literal["all", "last"] | None = None,
        epochs: int | None = None,
        seed: int = 0,
    ) -> "AdaptationReport":
        """Learn the writing of one hand, scanner or form from a few examples, without forgetting what was known.

        Three to 300 examples of each class that is misread are enough, of the other classes some or none. The layers
        learn them, together with drawn digits, where the pipeline reads digits, and with `keep`, all answered as
        before. The pipeline changes only if that makes fewer errors on new images that it has not learnt from, and on
        known ones no more than chance explains (two in 500); the report says how many, and which layers learnt.

        All layers learn where TensorFlow is installed; for 50 images that takes about five seconds of processor time
        and TensorFlow's import, with a bar on a terminal unless `trainer.verbose` is 0. Elsewhere the dense layers at
        the end learn, in about a second, and leave more errors. So that every installation gives the same pipeline,
        name the `layers`.

        At most 50 examples of each class are kept, as the model sees them, and are part of the file that :meth:`save`
        writes, so that a later adaptation does not forget this one. The gate of :meth:`predict` with `reject` learns
        the new images, too; calibration, line reader, history and provenance stay.

        Parameters
        ----------
        images : images
        labels : array-like of shape (n,)
            Labels that are none of `classes_` become new classes, behind the others, each with at least three
            examples. If a new label is a string that is no number, such as "-", integer classes become strings.
        keep : tuple of (images, labels), optional
            Examples of what must not be forgotten: half of them are learnt beside the new ones, half are measured.
            Needed where the pipeline does not read digits.
        layers : {"all", "last"}, optional
            The layers that learn: all, which needs TensorFlow, or the dense ones at the end. None is "all" where
            TensorFlow is installed and the Keras model can be rebuilt, and "last" elsewhere.
        epochs : int, optional
            Most passes over the examples, with all layers over at most 100 of them; the best number up to it is taken.
            Default: 40.
        seed : int, default 0
            The same examples, layers and seed give the same bytes, on the same machine with the same libraries.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If images or labels do not hold what they should, there are less than three, or too few of a new class.
        SettingError
            If the model does not end in a dense layer and a softmax, and the last layers or a new class are to be
            learnt; if `keep` is no pair, there are no such `layers`, or a number is invalid.
        MissingExtraError
            With ``layers="all"``, if TensorFlow or Keras is not installed.
        BackendError, BundleError, PluginError
            With ``layers="all"``, if Keras is set to another backend, or the Keras model cannot be rebuilt: it was
            built by hand, or what registers it is not installed. BundleError, too, if the examples that a file keeps of
            earlier adaptations are damaged.
        ExportError
            If all layers have learnt, and the model cannot be converted to LiteRT.
        TrainingError
            If another thread has changed the pipeline meanwhile, which stays as that has left it.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> forms = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
        >>> hand = draw_digits(250, allographs=forms, pen_width=(2.4, 2.8), variation=0.6, seed=1)
        >>> mine, others = slice(50), slice(50, None)
        >>> pipe = Pipeline.pretrained()
        >>> before = pipe.score(hand.images[others], hand.labels[others])
        >>> report = pipe.adapt(hand.images[mine], hand.labels[mine])
        >>> report.accepted, pipe.score(hand.images[others], hand.labels[others]) > before
        (True, True)
        """
        from lenetkit.pipeline._adapting import adapt

        fitted = self._check_fitted()
        show = getattr(getattr(self, "trainer", None), "verbose", "auto") != 0
        adapted, report = adapt(fitted, images, labels, keep=keep, layers=layers, epochs=epochs, seed=seed, show=show)
        self._replace(fitted, adapted, "adapted", "adaptation")
        return report

    def calibrate(
        self,
        images: Any,
        labels: Any,
        *,
        others: Any = None,
        gate: "Gate | None" = None,
        corruptions: Iterable[str] | None = None,
        harder: tuple[Any, Any] | None = None,
    ) -> Self:
        """Learn when not to answer, from at least 100 labelled images that the pipeline was not trained on.

        A :class:`~lenetkit.rejection.Calibration` of the probabilities, and a :class:`~lenetkit.rejection.Gate`, which
        tells digits from everything else (about a minute of training for 10,000 images), unless `gate` is one; it
        learns from `others`, images of what is to be rejected (default: :func:`lenetkit.synthesis.draw_nondigits`).
        An earlier calibration has no influence.

        Clean images alone say little about unlike ones. So the bounds on the error hold for the images as they are and,
        pooled, for them together with corrupted copies of them all, of each of the kinds `corruptions`: None for all of
        :data:`lenetkit.synthesis.CORRUPTIONS`, ``()`` for none. Another minute for 10,000 images. Copies are made of
        images that have one channel after the transforms. `harder`, a pair of images and labels, are pooled with them,
        too: spoilt or foreign digits of one's own, from elsewhere than the training images.

        The promise holds for what was learnt from. On kinds that were not, the error may be larger: measure it.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If images or labels do not hold what they should, or are too few.
        SettingError
            If there is no such corruption, or `harder` is no pair.
        TrainingError
            If another thread has fitted or calibrated the pipeline meanwhile, which stays as that has left it.

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

        fitted = self._check_fitted()
        calibrated = calibrate(fitted, images, labels, others=others, gate=gate, corruptions=corruptions, harder=harder)
        self._replace(fitted, calibrated, "calibrated", "calibration")
        return self

    def _replace(self, fitted: FittedState, new: FittedState, done: str, what: str) -> None:
        """Take a new fitted state that was made of this one, unless there is another one now."""
        if self._fitted is not fitted:
            raise TrainingError(
                f"the pipeline learnt something else while it was {done}, so this {what} is not for the model that it "
                "has now. Call it again."
            )
        self._fitted = new
