"""Methods and attributes of a fitted pipeline: its answers, the reports on them, and everything it has learnt.

In: images as people have them. Out: labels, probabilities, readings, evaluations, diagnoses.
Next: :class:`lenetkit.pipeline.Pipeline` inherits them.
"""

import copy
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Self, overload

import numpy.typing as npt

from lenetkit._utils.deprecation import warn_renamed
from lenetkit.exceptions import DataError, NotFittedError
from lenetkit.pipeline._fitted import FittedState

if TYPE_CHECKING:
    import keras
    import numpy as np
    import pandas as pd

    from lenetkit.encoder import LabelEncoder
    from lenetkit.evaluator import Evaluation
    from lenetkit.reading import Reading
    from lenetkit.rejection import Prediction
    from lenetkit.trainer import TrainingResult
    from lenetkit.transforms import Compose

__all__ = ["FittedMethods"]

_NOT_KEPT = "this Pipeline has no {}: it was loaded from a file that keeps none. Call fit to train it here."


class FittedMethods:
    """Base of :class:`lenetkit.pipeline.Pipeline`: everything that needs its fitted state and leaves it as it is."""

    _fitted: FittedState | None = None

    def __copy__(self) -> Self:
        """Return a pipeline with the fitted state of this moment, which a later ``fit`` of this one leaves as it is."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new

    @overload
    def predict(self, images: Any, *, n_jobs: int | None = None) -> npt.NDArray[Any]: ...

    @overload
    def predict(self, images: Any, *, reject: float, n_jobs: int | None = None) -> "list[Prediction]": ...

    def predict(
        self, images: Any, *, reject: float | None = None, n_jobs: int | None = None
    ) -> "npt.NDArray[Any] | list[Prediction]":
        """Return the most probable label of each image, an ndarray of shape (n,), or decline.

        With `reject` it is a list of :class:`~lenetkit.rejection.Prediction`, rejected where the image does not look
        like a digit, or where the answer is not sure enough to keep the fraction of errors among accepted answers at
        `reject` or below: for images like those of :meth:`calibrate` and for these pooled with corrupted copies of
        them. Sure is an answer that is probable for the image and for the image slightly blurred. 1 asks only if it is
        a digit.

        Many picture files are read and normalised a few at a time, in `n_jobs` threads: by default one for each core,
        up to 8; with 1, all in the caller's thread. The answers are the same, and so is the memory for any number.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`; with `reject` before :meth:`calibrate`.
        DataError
            If the images do not hold what they should; the message names the first offender, or all bad files.
        SettingError
            If `reject` is not above 0 and up to 1, or `n_jobs` is not a positive integer.

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
        fitted = self._check_fitted()
        if reject is not None:
            from lenetkit.pipeline._rejecting import predict_or_reject

            return predict_or_reject(fitted, images, reject, n_jobs)
        labels: npt.NDArray[Any] = fitted.classes[fitted.answer(images, fitted.find_best, n_jobs)]
        return labels

    def predict_set(self, images: Any, alpha: float = 0.05) -> list[npt.NDArray[Any]]:
        """Return for each image a set of labels that misses the true one for at most a fraction `alpha` of the images.

        That holds for images like those of :meth:`calibrate`. Labels come in the order of `classes_`; a set is empty
        where no label is as probable as the true one of 1 - `alpha` of the examples.

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

    def predict_proba(self, images: Any, *, n_jobs: int | None = None) -> "npt.NDArray[np.float32]":
        """Return the probability of every class for each image: float32 of shape (n, n_classes), as in `classes_`.

        Predictions are batch-invariant: an image gets the same answer, to the bit, with whatever others it comes.
        `n_jobs` is that of :meth:`predict`.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        DataError
            If the images do not hold what they should; the message names the first offender.
        SettingError
            If `n_jobs` is not a positive integer.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> probabilities = Pipeline.pretrained().predict_proba(draw_digits(3, styles="school", seed=3).images)
        >>> probabilities.shape, probabilities.argmax(axis=1).tolist()
        ((3, 10), [0, 1, 2])
        """
        fitted = self._check_fitted()
        return fitted.answer(images, fitted.predict_proba, n_jobs)

    def score(self, images: Any, labels: Any) -> float:
        """Return the accuracy, 0 to 1; see :meth:`evaluate`, which raises the same errors.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> test = draw_digits(100, seed=3)
        >>> Pipeline.pretrained().score(test.images, test.labels) > 0.95
        True
        """
        return float(self.evaluate(images, labels).accuracy)

    def evaluate(self, images: Any, labels: Any, *, groups: Any = None) -> "Evaluation":
        """Compare the answers with the true labels, by writer, too; see :func:`lenetkit.evaluator.evaluate`.

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

        now = copy.copy(self)
        return evaluate(labels, now.predict_proba(images), now.classes_, groups=groups)

    def read_number(
        self,
        image: Any,
        *,
        reject: float | None = None,
        length: int | tuple[int, int] | None = None,
        pattern: str | None = None,
        among: Iterable[str | int] | None = None,
        check: str | Callable[[str], bool] | None = None,
        lines: int | None = None,
    ) -> "Reading":
        """Read the numbers in one picture; see :func:`lenetkit.reading.read_number`, which raises the same errors.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number, draw_paper
        >>> number = draw_number("1947", seed=4)
        >>> picture = number.on(draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4))
        >>> Pipeline.pretrained().read_number(picture, length=4).text
        '1947'
        """
        from lenetkit.reading import read_number

        known = {"length": length, "pattern": pattern, "among": among, "check": check, "lines": lines}
        return read_number(image, reject=reject, **known, **self._readers())  # type: ignore[arg-type]

    def read_numbers(self, images: Any, *, n_jobs: int | None = None, **known: Any) -> "list[Reading]":
        """Read the numbers in each of many pictures, several at a time; see :func:`lenetkit.reading.read_numbers`.

        `known` is what :meth:`read_number` takes beside the picture: `reject`, `length` and so on.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> pictures = [draw_number(text, seed=4).image for text in ("1947", "2026")]
        >>> [reading.text for reading in Pipeline.pretrained().read_numbers(pictures, length=4)]
        ['1947', '2026']
        """
        from lenetkit.reading import read_numbers

        return read_numbers(images, n_jobs=n_jobs, **known, **self._readers())

    def iter_numbers(self, images: Any, **settings: Any) -> "Generator[tuple[str, Reading | DataError], None, None]":
        """Read the numbers in many pictures, each given out at once; see :func:`lenetkit.reading.iter_numbers`.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> [(name, type(error).__name__) for name, error in Pipeline.pretrained().iter_numbers(["none.png"])]
        [('none.png', 'DataError')]
        """
        from lenetkit.reading import iter_numbers

        return iter_numbers(images, **settings, **self._readers())

    def _readers(self) -> dict[str, Any]:
        """Return what reads numbers: this pipeline as it is now, its gate, and its network for whole lines."""
        now = copy.copy(self)
        fitted = now._check_fitted()
        is_digit = None if fitted.rejecting is None else fitted.rejecting[1].digit_probability
        return {"pipeline": now, "is_digit": is_digit, "line_reader": fitted.line_reader}

    @property
    def model_(self) -> "keras.Model":
        """The trained model; a loaded pipeline builds it from the registry when it is asked for.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`, as every attribute that ends in an underscore.
        PluginError
            If it comes from a plug-in that is not installed here.
        BundleError
            If a loaded pipeline's model has no registered name, or its weights do not fit what has that name now.
        """
        return self._check_fitted().model

    @property
    def transforms_(self) -> "Compose":
        """The fitted transforms."""
        return self._check_fitted().transforms

    @property
    def encoder_(self) -> "LabelEncoder":
        """The fitted encoder."""
        return self._check_fitted().encoder

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """The labels, ndarray of shape (n_classes,), in the order of the columns of :meth:`predict_proba`."""
        return self._check_fitted().classes

    @property
    def result_(self) -> "TrainingResult":
        """The result of the last :meth:`fit`; a NotFittedError if the pipeline was loaded."""
        result = self._check_fitted().result
        if result is None:
            raise NotFittedError(
                "this Pipeline has no training result: it was not trained in this process. Call fit first; "
                "what a file keeps of a training is in history_ and provenance_."
            )
        return result

    @property
    def history_(self) -> "pd.DataFrame":
        """The learning curves, one row per epoch; a NotFittedError if the pipeline's file keeps none."""
        history: pd.DataFrame = self._check_kept("history")
        return history

    @property
    def provenance_(self) -> dict[str, str]:
        """Settings, fingerprints, versions and machine of the training; a NotFittedError if the file keeps none.

        ``provenance_["data"]`` is the :attr:`~lenetkit.datasets.Dataset.fingerprint` of the training data. All but
        callbacks is saved with the pipeline.
        """
        provenance: dict[str, str] = self._check_kept("provenance")
        return provenance

    @property
    def reference_(self) -> dict[str, Any] | None:
        """The range of the training images, for :meth:`diagnose`; None in files of older versions."""
        return self._check_fitted().reference

    @property
    def fingerprint_(self) -> str:
        """Name of the model that answers: see :attr:`lenetkit.bundle.Bundle.fingerprint`.

        It is the same in memory, in a file and after loading. A copy answers with one model, whatever other threads fit
        the pipeline to meanwhile, and tells which one.

        Raises
        ------
        SettingError
            If a transform is not registered, so that it has no name.

        Examples
        --------
        >>> import copy
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_digits
        >>> pipe = Pipeline.pretrained()
        >>> now = copy.copy(pipe)
        >>> labels, model = now.predict(draw_digits(3, styles="school", seed=3).images), now.fingerprint_
        >>> labels.tolist(), model == pipe.fingerprint_
        ([0, 1, 2], True)
        """
        return self._check_fitted().fingerprint

    @property
    def environment_(self) -> dict[str, str]:
        """Deprecated name of ``provenance_``."""
        warn_renamed("Pipeline.environment_", "provenance_")
        return self.provenance_

    def _check_fitted(self) -> FittedState:
        if self._fitted is None:
            raise NotFittedError("this Pipeline is not fitted yet; call fit(images, labels) first.")
        return self._fitted

    def _check_kept(self, name: str) -> Any:
        kept = getattr(self._check_fitted(), name)
        if kept is None:
            raise NotFittedError(_NOT_KEPT.format(name))
        return kept
