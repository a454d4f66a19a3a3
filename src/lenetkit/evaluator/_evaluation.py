"""The evaluation of a model: its figures with text, pictures and a report.

In: checked labels and probabilities. Out: an :class:`Evaluation`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy.typing as npt

from lenetkit._utils.html import card, heading, note, table, text
from lenetkit._utils.printable import printable
from lenetkit.evaluator._metrics import Measures
from lenetkit.evaluator._report import FittedPipeline, Images, LabelledImages, write_report
from lenetkit.exceptions import DataError
from lenetkit.plotting import (
    AnyFigure,
    Axes,
    ConfusionDisplay,
    DigitsDisplay,
    RejectionDisplay,
    ReliabilityDisplay,
    plot_confusion,
    plot_digits,
    plot_rejection,
    plot_reliability,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation"]

# A notebook shows so many classes; the others are in per_class.
_MOST_CLASSES = 20


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Evaluation(Measures):
    """Numbers, tables and pictures of a model's answers; made by :func:`lenetkit.evaluator.evaluate`, which checks.

    Printed, it begins with :attr:`summary_line`; a table by class follows, then the most confused classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The class labels in the order of the columns of ``probabilities``.
    true_indices : ndarray of shape (n,)
        int64, the position of each true label in ``classes``.
    probabilities : ndarray of shape (n, n_classes)
        float64 in [0, 1], rows sum to 1.
    groups : ndarray of shape (n,), optional
        The group of each image, such as its writer.

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

    def plot_confusion(
        self, *, ax: "Axes | None" = None, normalize: Literal["true", "pred", "all"] | None = None
    ) -> ConfusionDisplay:
        """Draw the confusion matrix; see :func:`lenetkit.plotting.plot_confusion`.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.plot_confusion().ax_.get_xlabel()
        'predicted class'
        """
        return plot_confusion(self.confusion_matrix, self.classes, ax=ax, normalize=normalize)

    def plot_errors(
        self,
        images: Sequence[Any] | npt.NDArray[Any],
        *,
        max_images: int = 50,
        n_columns: int = 10,
        figure: "AnyFigure | None" = None,
    ) -> DigitsDisplay:
        """Draw the misread images with their true and predicted labels, largest loss first.

        The other parameters and errors are those of :func:`lenetkit.plotting.plot_digits`.

        Parameters
        ----------
        images : ndarray of shape (n, h, w[, c]) or sequence of n arrays of shape (h, w[, c])
            The images that were evaluated, in the same order.

        Raises
        ------
        DataError
            If there are not as many images as labels, or an image cannot be drawn.

        Examples
        --------
        >>> import numpy as np
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> display = evaluation.plot_errors(np.zeros((3, 28, 28), np.uint8))
        >>> [ax.get_title() for ax in display.axes_]
        ['a → b']
        """
        if len(images) != self.n:
            raise DataError(f"images must be the {self.n} that were evaluated, in the same order; got {len(images)}.")
        errors = self.top_losses(self.n).loc[lambda table: table["true"] != table["predicted"]]
        pairs = zip(errors["true"], errors["predicted"], strict=True)
        titles = [f"{true} → {said}" if len(f"{true}{said}") < 8 else f"{true} →\n{said}" for true, said in pairs]
        return plot_digits(
            [images[row] for row in errors["index"]],
            titles,
            title="misread: true → predicted" if titles else f"none of {self.n} images was misread",
            max_images=max_images,
            n_columns=n_columns,
            figure=figure,
        )

    def plot_reliability(self, *, ax: "Axes | None" = None, n_bins: int = 15) -> ReliabilityDisplay:
        """Draw accuracy against confidence; see :func:`lenetkit.plotting.plot_reliability` and :meth:`reliability`.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.plot_reliability(n_bins=5).ax_.get_xlabel()
        'confidence'
        """
        table = self.reliability(n_bins)
        return plot_reliability(table["confidence"], table["accuracy"], table["count"], ax=ax)

    def plot_rejection(self, *, ax: "Axes | None" = None) -> RejectionDisplay:
        """Draw the error rate against the fraction that is rejected; see :func:`lenetkit.plotting.plot_rejection`.

        Examples
        --------
        >>> from lenetkit.evaluator import evaluate
        >>> evaluation = evaluate(["a", "a", "b"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], ["a", "b"])
        >>> evaluation.plot_rejection().ax_.get_xlabel()
        'rejected: the least sure'
        """
        curve = self.rejection_curve()
        return plot_rejection(curve["rejected"], curve["error_rate"], ax=ax)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        data: LabelledImages | Images | None = None,
        pipeline: FittedPipeline | None = None,
        history: "pd.DataFrame | Mapping[str, Any] | None" = None,
        corruptions: "pd.DataFrame | None" = None,
        settings: Mapping[str, Any] | None = None,
        title: str | None = None,
    ) -> Path:
        """Write a report: one HTML file that opens in any browser, offline.

        The file appears whole or not at all, fetches nothing and runs no script.

        Parameters
        ----------
        path : path
            Usually ``*.html``. A file that is there is replaced.
        data : Dataset or sequence of images, optional
            The images that were evaluated, in the same order: with them the hardest are shown. A
            :class:`~lenetkit.datasets.Dataset` also gives its name and fingerprint, and MNIST's predefined test
            split is recognised by it, so that its contested labels are told apart.
        pipeline : Pipeline, optional
            The pipeline that gave the answers: its settings are listed, and its learning curves drawn if it has any.
        history : pandas.DataFrame or mapping of str to sequences, optional
            Learning curves instead of the pipeline's, as :func:`lenetkit.plotting.plot_history` takes them.
        corruptions : pandas.DataFrame, optional
            Accuracies on spoilt images, as :func:`lenetkit.robustness.measure_robustness` gives them.
        settings : mapping of str to anything, optional
            Further settings to list.
        title : str, optional
            The heading.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        DataError
            If there are not as many images as labels, the data's labels are others than those that were evaluated, an
            image cannot be drawn, or the history cannot be.
        MissingExtraError
            If matplotlib or Jinja2 is not installed.
        SettingError
            If the folder does not exist.
        OSError
            If the system refuses; a file that was there is untouched then.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from lenetkit.evaluator import evaluate
        >>> folder = tempfile.TemporaryDirectory()
        >>> evaluation = evaluate([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> evaluation.to_html(Path(folder.name) / "report.html", title="Three digits").name
        'report.html'
        >>> folder.cleanup()
        """
        return write_report(
            path,
            self,
            data=data,
            pipeline=pipeline,
            history=history,
            corruptions=corruptions,
            settings=settings,
            title=title,
        )

    def _repr_html_(self) -> str:
        measures = self.per_class
        rows = [
            [text(name), *(f"{value:.4f}" for value in row.iloc[:3]), f"{int(row['support']):,}"]
            for name, row in measures.head(_MOST_CLASSES).iterrows()
        ]
        pairs = [
            f"{true} read as {predicted} ({count}x)"
            for true, predicted, count, _ in self.most_confused(5).itertuples(index=False)
        ]
        figures = (
            f"{self.n_errors:,} of {self.n:,} wrong, cross-entropy {self.cross_entropy:.4f}, "
            f"calibration error {100 * self.calibration_error:.2f} %"
        )
        return card(
            heading(self.summary_line)
            + note(figures)
            + table(["class", *map(text, measures.columns)], rows)
            + note(f"most confused: {', '.join(pairs)}" if pairs else "nothing confused")
        )

    def __str__(self) -> str:
        measures = self.per_class.rename_axis(index=None, columns="class")
        measures = measures.rename(index=lambda name: printable(name) if isinstance(name, str) else name)
        pairs = [
            f"{printable(true)} read as {printable(predicted)} ({count} {'time' if count == 1 else 'times'})"
            for true, predicted, count, _ in self.most_confused(3).itertuples(index=False)
        ]
        return "\n".join(
            [
                self.summary_line,
                f"{self.n_errors} of {self.n} wrong, cross-entropy {self.cross_entropy:.4f}",
                "",
                measures.to_string(float_format="{:7.4f}".format, na_rep="-"),
                *(["", f"most confused: {', '.join(pairs)}"] if pairs else []),
            ]
        )

    def __repr__(self) -> str:
        return f"<Evaluation: {self.summary_line}>"
