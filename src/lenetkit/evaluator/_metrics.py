"""Figures and tables of an evaluation.

In: checked labels and probabilities. Out: numbers and pandas tables. Next: text, pictures and the report.
"""

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit._utils.intervals import resample_groups, wilson_interval
from lenetkit._utils.validation import check_whole

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Measures"]

# As in Keras: one digit that is thought impossible costs 16.1 and not infinity.
_SMALLEST_PROBABILITY = 1e-7


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Measures:
    """Figures and tables; :class:`lenetkit.evaluator.Evaluation` adds text and pictures, and documents them all."""

    classes: npt.NDArray[Any]
    true_indices: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    groups: npt.NDArray[Any] | None = None

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
        return int(np.count_nonzero(~self._right))

    @property
    def accuracy(self) -> float:
        """Fraction of right predictions, in [0, 1]."""
        return (self.n - self.n_errors) / self.n

    @property
    def error_rate(self) -> float:
        """Fraction of wrong predictions, in [0, 1]."""
        return self.n_errors / self.n

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy: what another sample of the same size might have given.

        Wilson, J. Am. Stat. Assoc. 22 (1927): unlike the textbook interval it holds near 100 % and for few images.
        With groups, what another sample of as many groups might have given: see :attr:`per_group`.
        """
        if self.groups is not None:
            return resample_groups(self.per_group["n"].to_numpy(), self.per_group["n_errors"].to_numpy())
        low, high = wilson_interval(self.accuracy, self.n)
        return float(low), float(high)

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
        # Not scikit-learn's: it fails where the entry points of any installed package are malformed.
        n_classes = len(self.classes)
        right = np.bincount(self.true_indices[self._right], minlength=n_classes)
        support = np.bincount(self.true_indices, minlength=n_classes)
        predicted = np.bincount(self._predicted_indices, minlength=n_classes)
        with np.errstate(invalid="ignore", divide="ignore"):
            table = {
                "precision": right / predicted,
                "recall": right / support,
                "f1": 2 * right / (support + predicted),
                "support": support,
            }
        return _frame(table, index=self.classes).rename_axis("class")

    @property
    def per_group(self) -> "pd.DataFrame":
        """Images and errors by group, such as the writer: columns ``n``, ``n_errors`` and ``accuracy``, worst first.

        Equally bad groups come in the order of their names; without groups the table has no row.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> answers = [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]]
        >>> table = evaluate(["a", "a", "b", "b"], answers, ["a", "b"], groups=["ann", "bob", "bob", "ann"]).per_group
        >>> table["accuracy"].to_dict()
        {'bob': 0.5, 'ann': 1.0}
        """
        groups = np.empty(0, np.int64) if self.groups is None else self.groups
        names, codes = np.unique(groups, return_inverse=True)
        n = np.bincount(codes, minlength=len(names))
        errors = np.bincount(codes, weights=~self._right[: len(codes)], minlength=len(names)).astype(np.int64)
        worst = np.argsort(1 - errors / np.maximum(n, 1), kind="stable")
        table = {"n": n, "n_errors": errors, "accuracy": 1 - errors / np.maximum(n, 1)}
        return _frame({name: values[worst] for name, values in table.items()}, index=names[worst]).rename_axis("group")

    @property
    def confusion_matrix(self) -> "pd.DataFrame":
        """Number of images by true class (rows) and predicted class (columns), a pandas DataFrame."""
        n_classes = len(self.classes)
        # Not scikit-learn's: it warns where there is one class, even when told so.
        cells = np.bincount(self.true_indices * n_classes + self._predicted_indices, minlength=n_classes**2)
        table = _frame(cells.reshape(n_classes, n_classes), index=self.classes, columns=self.classes)
        return table.rename_axis(index="true", columns="predicted")

    @property
    def summary_line(self) -> str:
        """One line that people and scripts read: ``accuracy 97.22 % (95 % interval 95.1 to 98.5 %, n = 180)``."""
        low, high = self.accuracy_interval
        groups = "" if self.groups is None else f" in {len(np.unique(self.groups))} groups"
        return (
            f"accuracy {100 * self.accuracy:.2f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %, "
            f"n = {self.n}{groups})"
        )

    def most_confused(self, k: int = 10) -> "pd.DataFrame":
        """Return the most confused pairs of classes.

        The table of `k` rows at most has the columns ``true``, ``predicted``, ``count`` and ``share`` (of the true
        class's images), most frequent first.

        Raises
        ------
        SettingError
            If ``k`` is not a positive integer.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.most_confused()
          true predicted  count  share
        0    a         b      1    0.5
        """
        check_whole("k", k, 1)
        counts = self.confusion_matrix.to_numpy(copy=True)
        support = counts.sum(axis=1)
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[:k]
        true, predicted = np.divmod(order[counts.ravel()[order] > 0], len(self.classes))
        count = counts[true, predicted]
        pairs = {"true": self._named(true), "predicted": self._named(predicted)}
        return _frame({**pairs, "count": count, "share": count / support[true]})

    def top_losses(self, k: int = 10) -> "pd.DataFrame":
        """Return the images that the model got most wrong, or right with the least confidence.

        The table of `k` rows at most has the columns ``index`` (position among the evaluated images), ``true``,
        ``predicted``, ``loss`` and ``probability`` (of the true class), largest loss first.

        Raises
        ------
        SettingError
            If ``k`` is not a positive integer.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.top_losses(1)["index"].tolist()
        [1]
        """
        check_whole("k", k, 1)
        rows = np.argsort(self._true_probabilities, kind="stable")[:k]
        columns = {
            "true": self.labels,
            "predicted": self.predictions,
            "loss": self.losses,
            "probability": self._true_probabilities,
        }
        return _frame({"index": rows, **{name: column[rows] for name, column in columns.items()}})

    def reliability(self, n_bins: int = 15) -> "pd.DataFrame":
        """Compare the confidence of the predictions with their accuracy, bin by bin.

        Parameters
        ----------
        n_bins : int
            The confidence, which is the probability of the predicted label, is divided into so many parts of equal
            width; 15 as in Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks (ICML 2017).

        Returns
        -------
        pandas.DataFrame
            A row for each part that has images, with the columns ``low`` and ``high`` (its edges), ``confidence`` and
            ``accuracy`` (their means) and ``count`` (of images).

        Raises
        ------
        SettingError
            If ``n_bins`` is not a positive integer.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.reliability(n_bins=2)[["low", "high", "count"]].values.tolist()
        [[0.5, 1.0, 3.0]]
        """
        check_whole("n_bins", n_bins, 1)
        # A bin holds its upper edge, as in Guo et al.; 0.28 * 25 is more than 7, so that the edges are compared, in the
        # precision of the probabilities. Rounding may take a sum of probabilities beyond 1.
        uppers, confidences = np.arange(1, n_bins + 1) / n_bins, self._confidences
        if (confidences == confidences.astype(np.float32)).all():
            uppers = uppers.astype(np.float32)
        bins = np.minimum(np.searchsorted(uppers, confidences), n_bins - 1)
        count = np.bincount(bins, minlength=n_bins)
        filled = np.flatnonzero(count)
        edges = {"low": filled / n_bins, "high": (filled + 1) / n_bins}
        means = {
            name: np.bincount(bins, weights=values, minlength=n_bins)[filled] / count[filled]
            for name, values in (("confidence", self._confidences), ("accuracy", self._right))
        }
        return _frame({**edges, **means, "count": count[filled]})

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: the mean distance of accuracy and confidence in :meth:`reliability`, in [0, 1].

        0 where of all predictions that are 90 % sure 90 % are right. With few images it is never quite 0.
        """
        table = self.reliability()
        distance = (table["confidence"] - table["accuracy"]).abs()
        return float((distance * table["count"]).sum() / table["count"].sum())

    def rejection_curve(self) -> "pd.DataFrame":
        """Return the error rate that is left when the least sure predictions are rejected.

        The table has a row for each confidence that a prediction has, from the lowest: ``threshold`` (predictions that
        are at least so sure are kept), ``rejected`` (the fraction of the others), ``error_rate`` (among those kept, in
        [0, 1]), ``answered`` and ``errors`` (their numbers).

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.rejection_curve()[["answered", "errors"]].values.tolist()
        [[3, 1], [2, 0], [1, 0]]
        """
        order = np.argsort(-self._confidences, kind="stable")
        confidences = self._confidences[order]
        # Equally sure answers are rejected together: only the last of each run is a threshold.
        last = np.flatnonzero(np.append(confidences[1:] < confidences[:-1], True))[::-1]
        errors, answered = np.cumsum(~self._right[order])[last], last + 1
        rates = {"threshold": confidences[last], "rejected": 1 - answered / self.n, "error_rate": errors / answered}
        return _frame({**rates, "answered": answered, "errors": errors})

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values, for JSON: NaN is None, classes and rows in the order of the columns.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.to_dict()["confusion_matrix"]
        [[1, 1], [0, 1]]
        """
        return {
            "n": self.n,
            "n_errors": self.n_errors,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "error_rate": self.error_rate,
            "cross_entropy": self.cross_entropy,
            "calibration_error": self.calibration_error,
            "classes": self.classes.tolist(),
            "per_class": {
                name: [None if math.isnan(value) else value for value in column.tolist()]
                for name, column in self.per_class.items()
            },
            "confusion_matrix": self.confusion_matrix.to_numpy().tolist(),
        }

    @property
    def _predicted_indices(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def _confidences(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def _right(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self._predicted_indices == self.true_indices)

    @property
    def _true_probabilities(self) -> npt.NDArray[np.float64]:
        return self.probabilities[np.arange(self.n), self.true_indices]

    def _named(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        return np.asarray(np.take(self.classes, indices))


def _frame(data: Any, **axes: Any) -> "pd.DataFrame":
    """Return a table; pandas is imported with the first one."""
    require_library("a table of figures", "pandas")
    import pandas as pd

    return pd.DataFrame(data, **axes)
