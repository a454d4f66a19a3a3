"""What a model's answers are worth, in numbers, tables and pictures."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from lenetkit.plotting import ConfusionDisplay, DigitsDisplay

__all__ = ["Evaluation"]

# As in Keras: one digit that is thought impossible costs 16.1 and not infinity.
_SMALLEST_PROBABILITY = 1e-7


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Evaluation:
    """What a model's answers are worth; made by :func:`evaluate`, which checks what goes in.

    Printed, it begins with :attr:`summary_line`; a table by class follows, then what is taken for what.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The class labels in the order of the columns of ``probabilities``.
    true_indices : ndarray of shape (n,)
        int64, the position of each true label in ``classes``.
    probabilities : ndarray of shape (n, n_classes)
        float64 in [0, 1], rows sum to 1.

    Examples
    --------
    >>> from lenetkit.evaluator import evaluate
    >>> evaluation = evaluate(["a", "b", "b"], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], classes=["a", "b"])
    >>> print(evaluation)
    accuracy 66.67 % (95 % interval 20.8 to 93.9 %, n = 3)
    1 of 3 wrong, cross-entropy 0.4149
    <BLANKLINE>
    class  precision  recall      f1  support
    a         0.5000  1.0000  0.6667        1
    b         1.0000  0.5000  0.6667        2
    <BLANKLINE>
    most confused: b read as a (1 time)
    >>> evaluation.most_confused()
      true predicted  count  share
    0    b         a      1    0.5
    """

    classes: npt.NDArray[Any]
    true_indices: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.true_indices)

    @property
    def labels(self) -> npt.NDArray[Any]:
        """True labels, ndarray of shape (n,)."""
        return self._named(self.true_indices)

    @property
    def predictions(self) -> npt.NDArray[Any]:
        """Predicted labels, ndarray of shape (n,): the class of the largest probability, of equal ones the first."""
        return self._named(self._predicted_indices)

    @property
    def n_errors(self) -> int:
        """Number of images whose predicted label is not the true one."""
        return int(np.count_nonzero(self._predicted_indices != self.true_indices))

    @property
    def accuracy(self) -> float:
        """Share of right predictions, in [0, 1]."""
        return (self.n - self.n_errors) / self.n

    @property
    def error_rate(self) -> float:
        """Share of wrong predictions, in [0, 1]."""
        return self.n_errors / self.n

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy: what another sample of the same size might have given.

        Wilson, J. Am. Stat. Assoc. 22 (1927): unlike the textbook interval it holds near 100 % and for few images.
        """
        from scipy.stats import binomtest

        interval = binomtest(self.n - self.n_errors, self.n).proportion_ci(confidence_level=0.95, method="wilson")
        return float(interval.low), float(interval.high)

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """Cross-entropy of each image in nats: -log of the true class's probability, which counts as 1e-7 or more."""
        return -np.log(np.clip(self._true_probabilities, _SMALLEST_PROBABILITY, 1))

    @property
    def cross_entropy(self) -> float:
        """Mean of :attr:`losses`."""
        return float(self.losses.mean())

    @property
    def per_class(self) -> "pd.DataFrame":
        """Precision, recall, F1 and support by class, a pandas DataFrame indexed by the class labels.

        NaN where a figure is not defined: the precision of a class that was never predicted, the recall of a class
        without images.
        """
        import pandas as pd
        from sklearn.metrics import precision_recall_fscore_support

        columns = precision_recall_fscore_support(
            self.true_indices, self._predicted_indices, labels=np.arange(len(self.classes)), zero_division=np.nan
        )
        table = dict(zip(("precision", "recall", "f1", "support"), columns, strict=True))
        return pd.DataFrame(table, index=pd.Index(self.classes, name="class"))

    @property
    def confusion_matrix(self) -> "pd.DataFrame":
        """Number of images by true class (rows) and predicted class (columns), a pandas DataFrame."""
        import pandas as pd

        n_classes = len(self.classes)
        # Not scikit-learn's: it warns where there is one class, even when told so.
        cells = np.bincount(self.true_indices * n_classes + self._predicted_indices, minlength=n_classes**2)
        rows, columns = (pd.Index(self.classes, name=name) for name in ("true", "predicted"))
        return pd.DataFrame(cells.reshape(n_classes, n_classes), index=rows, columns=columns)

    @property
    def summary_line(self) -> str:
        """One line that people and scripts read: ``accuracy 97.22 % (95 % interval 95.1 to 98.5 %, n = 180)``."""
        low, high = self.accuracy_interval
        return (
            f"accuracy {100 * self.accuracy:.2f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %, n = {self.n})"
        )

    def most_confused(self, k: int = 10) -> "pd.DataFrame":
        """Return the pairs of classes that are taken for one another most often.

        Parameters
        ----------
        k : int
            How many pairs at most.

        Returns
        -------
        pandas.DataFrame
            Columns ``true``, ``predicted``, ``count`` and ``share`` (of the true class's images), most frequent first.

        Raises
        ------
        SettingError
            If ``k`` is not a positive whole number.
        """
        import pandas as pd

        counts = self.confusion_matrix.to_numpy(copy=True)
        support = counts.sum(axis=1)
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[: _positive(k)]
        true, predicted = np.divmod(order[counts.ravel()[order] > 0], len(self.classes))
        count = counts[true, predicted]
        pairs = {"true": self._named(true), "predicted": self._named(predicted)}
        return pd.DataFrame({**pairs, "count": count, "share": count / support[true]})

    def top_losses(self, k: int = 10) -> "pd.DataFrame":
        """Return the images that the model got most wrong, or right with the least confidence.

        Parameters
        ----------
        k : int
            How many images at most.

        Returns
        -------
        pandas.DataFrame
            Columns ``index`` (position among the evaluated images), ``true``, ``predicted``, ``loss`` and
            ``probability`` (of the true class), largest loss first.

        Raises
        ------
        SettingError
            If ``k`` is not a positive whole number.
        """
        return self._table(np.argsort(self._true_probabilities, kind="stable")[: _positive(k)])

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values, for JSON: NaN is None, classes and rows in the order of the columns."""
        low, high = self.accuracy_interval
        table = {name: [_plain(value) for value in column] for name, column in self.per_class.items()}
        return {
            "n": self.n,
            "n_errors": self.n_errors,
            "accuracy": self.accuracy,
            "accuracy_interval": [low, high],
            "error_rate": self.error_rate,
            "cross_entropy": self.cross_entropy,
            "classes": self.classes.tolist(),
            "per_class": table,
            "confusion_matrix": self.confusion_matrix.to_numpy().tolist(),
        }

    def plot_confusion(
        self, *, ax: "Axes | None" = None, normalize: Literal["true", "pred", "all"] | None = None
    ) -> "ConfusionDisplay":
        """Draw the confusion matrix, see :func:`lenetkit.plotting.plot_confusion`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Draw here. A new figure by default.
        normalize : {"true", "pred", "all"}, optional
            Show per cent of each row, of each column or of all images instead of counts.

        Returns
        -------
        ConfusionDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        SettingError
            If ``normalize`` is something else.
        MissingExtraError
            If matplotlib is not installed.
        """
        from lenetkit.plotting import plot_confusion

        return plot_confusion(self.confusion_matrix, self.classes, ax=ax, normalize=normalize)

    def plot_errors(
        self,
        images: Sequence[Any] | npt.NDArray[Any],
        *,
        max_images: int = 50,
        n_columns: int = 10,
        figure: "Figure | SubFigure | None" = None,
    ) -> "DigitsDisplay":
        """Draw the misread images with their true and predicted labels, largest loss first.

        Parameters
        ----------
        images : ndarray of shape (n, h, w[, c]) or sequence of n arrays of shape (h, w[, c])
            The images that were evaluated, in the same order.
        max_images : int
            Draw no more than so many; the heading then says how many there are.
        n_columns : int
            Images per row.
        figure : matplotlib.figure.Figure or SubFigure, optional
            Draw here. A new figure by default.

        Returns
        -------
        DigitsDisplay
            With ``figure_`` and ``axes_``; without axes where nothing was misread.

        Raises
        ------
        DataError
            If there are not as many images as labels, or an image cannot be drawn.
        SettingError
            If ``max_images`` or ``n_columns`` is not a positive whole number.
        MissingExtraError
            If matplotlib is not installed.
        """
        from lenetkit.plotting import plot_digits

        if len(images) != self.n:
            raise DataError(f"images must be the {self.n} that were evaluated, in the same order; got {len(images)}.")
        errors = self._table(np.argsort(self._true_probabilities, kind="stable"))
        errors = errors[errors["true"] != errors["predicted"]]
        titles = [_misreading(*pair) for pair in zip(errors["true"], errors["predicted"], strict=True)]
        return plot_digits(
            [images[row] for row in errors["index"]],
            titles,
            title="misread: true → predicted" if titles else f"none of {self.n} images was misread",
            max_images=max_images,
            n_columns=n_columns,
            figure=figure,
        )

    def __str__(self) -> str:
        table = self.per_class.rename_axis(index=None, columns="class")
        pairs = [
            f"{true} read as {predicted} ({count} {'time' if count == 1 else 'times'})"
            for true, predicted, count, _ in self.most_confused(3).itertuples(index=False)
        ]
        return "\n".join(
            [
                self.summary_line,
                f"{self.n_errors} of {self.n} wrong, cross-entropy {self.cross_entropy:.4f}",
                "",
                table.to_string(float_format="{:7.4f}".format, na_rep="-"),
                *(["", f"most confused: {', '.join(pairs)}"] if pairs else []),
            ]
        )

    def __repr__(self) -> str:
        return f"<Evaluation: {self.summary_line}>"

    @property
    def _predicted_indices(self) -> npt.NDArray[np.int64]:
        largest: npt.NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return largest

    @property
    def _true_probabilities(self) -> npt.NDArray[np.float64]:
        return self.probabilities[np.arange(self.n), self.true_indices]

    def _named(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        labels: npt.NDArray[Any] = np.take(self.classes, indices)
        return labels

    def _table(self, rows: npt.NDArray[np.int64]) -> "pd.DataFrame":
        import pandas as pd

        columns = {
            "index": rows,
            "true": self.labels[rows],
            "predicted": self.predictions[rows],
            "loss": self.losses[rows],
            "probability": self._true_probabilities[rows],
        }
        return pd.DataFrame(columns)


def _misreading(true: Any, predicted: Any) -> str:
    short = len(f"{true}{predicted}") < 8
    return f"{true} → {predicted}" if short else f"{true} →\n{predicted}"


def _plain(value: Any) -> int | float | None:
    return None if math.isnan(value) else value.item() if isinstance(value, np.generic) else value


def _positive(k: int) -> int:
    if not isinstance(k, int | np.integer) or k < 1:
        raise SettingError(f"k must be a positive whole number; got {k!r}.")
    return int(k)
