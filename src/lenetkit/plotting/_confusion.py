"""Confusion matrices in which the errors catch the eye."""

from collections.abc import Sequence
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, SettingError
from lenetkit.plotting._canvas import FAINT, INK, Axes, AxesDisplay, Floats, import_matplotlib, new_figure

__all__ = ["ConfusionDisplay", "plot_confusion"]

Normalize = Literal["true", "pred", "all"]


@attrs.define(eq=False, kw_only=True)
class ConfusionDisplay(AxesDisplay):
    """A confusion matrix in which the errors catch the eye; made by :func:`plot_confusion`.

    Attributes
    ----------
    image_ : matplotlib.image.AxesImage
        The coloured cells: the errors, with the diagonal masked.
    texts_ : dict
        The matplotlib Text in each annotated cell, by (row, column).
    """

    matrix: npt.NDArray[Any] = attrs.field(repr=False)
    class_names: Sequence[str]
    normalize: Normalize | None = None
    image_: Any = attrs.field(init=False, repr=False)
    texts_: dict[tuple[int, int], Any] = attrs.field(init=False, repr=False)

    def _new_axes(self) -> "Axes":
        side = min(max(4.5, 0.52 * len(self.class_names) + 1.2), 14)
        return new_figure((side + 0.6, side), layout="compressed").subplots()

    def _draw(self) -> None:
        n_classes = len(self.class_names)
        values = self._normalized()
        errors = np.ma.masked_array(values, mask=np.eye(n_classes, dtype=bool))
        # Under the smallest value is nothing: white, where the palette would begin with a tint.
        colours = import_matplotlib().colormaps["Oranges"].with_extremes(bad="0.92", under="white")
        top = float(errors.max()) if n_classes > 1 else 0.0
        self.image_ = self.ax_.imshow(errors, cmap=colours, vmin=1e-9, vmax=top or 1, interpolation="nearest")
        self.texts_ = {}
        if n_classes <= 30:
            self._annotate(values, top)
        self._label_axes()
        self._add_colour_bar()

    def _normalized(self) -> Floats:
        """Return the counts as they are, or in per cent of their row, column or sum."""
        counts = self.matrix.astype(np.float64)
        if self.normalize is None:
            return counts
        total = counts.sum(axis={"true": 1, "pred": 0, "all": None}[self.normalize], keepdims=True)
        # The cells of a class without images are 0, not 0 / 0.
        return np.asarray(100 * counts / np.maximum(total, np.finfo(float).tiny))

    def _annotate(self, values: Floats, top: float) -> None:
        form = "{:.0f}" if self.normalize is None else "{:.1f}"
        size = 9 if len(values) <= 20 else 6.5
        for row, column in zip(*np.nonzero(values), strict=True):
            value = values[row, column]
            colour = FAINT if row == column else "white" if value > 0.55 * top else INK
            self.texts_[int(row), int(column)] = self.ax_.text(
                column, row, form.format(value), ha="center", va="center", color=colour, fontsize=size
            )

    def _label_axes(self) -> None:
        ticks = range(len(self.class_names))
        long = max(map(len, self.class_names)) > 3
        self.ax_.set_xticks(ticks, self.class_names, rotation=45 if long else 0, ha="right" if long else "center")
        self.ax_.set_yticks(ticks, self.class_names)
        self.ax_.set(xlabel="predicted class", ylabel="true class")
        for axis in (self.ax_.xaxis, self.ax_.yaxis):
            axis.set_ticks(np.arange(len(ticks) - 1) + 0.5, minor=True)
        self.ax_.grid(which="minor", color="0.88", linewidth=0.6)
        self.ax_.tick_params(which="both", length=0)
        self.ax_.spines[:].set_color("0.7")
        total, right = self.matrix.sum(), np.trace(self.matrix)
        self.ax_.set_title(f"{total - right:,.0f} of {total:,.0f} misread", fontsize=11)

    def _add_colour_bar(self) -> None:
        unit = {None: "misread images", "true": "% of the true class", "pred": "% of the predicted class"}
        bar = self.figure_.colorbar(self.image_, ax=self.ax_, fraction=0.046, pad=0.03)
        if self.normalize is None:
            bar.locator = import_matplotlib().ticker.MaxNLocator(integer=True, min_n_ticks=1)
            bar.update_ticks()
        bar.set_label(unit.get(self.normalize, "% of all images"))
        bar.outline.set_visible(False)


def plot_confusion(
    matrix: npt.ArrayLike,
    class_names: Sequence[Any] | npt.NDArray[Any],
    *,
    ax: "Axes | None" = None,
    normalize: Normalize | None = None,
) -> ConfusionDisplay:
    """Draw a confusion matrix so that the errors catch the eye.

    The colour scale belongs to the errors alone: a diagonal a hundred times larger would leave them all white. The
    diagonal is grey and keeps its numbers; cells with nothing in them stay empty.

    Parameters
    ----------
    matrix : array-like of shape (n_classes, n_classes)
        Counts, rows true, columns predicted, for example a pandas DataFrame.
    class_names : sequence of length n_classes
        Names of the rows and columns.
    normalize : {"true", "pred", "all"}, optional
        Show per cent of each row, of each column or of all images instead of counts.

    Returns
    -------
    ConfusionDisplay
        With ``figure_``, ``ax_``, ``image_`` and ``texts_``. More than 30 classes are drawn without numbers.

    Raises
    ------
    DataError
        If the matrix is not square, holds anything but finite counts, or has another size than ``class_names``.
    SettingError
        If ``normalize`` is something else.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from lenetkit.plotting import plot_confusion
    >>> display = plot_confusion([[5, 1], [0, 4]], ["four", "nine"])
    >>> display.ax_.get_title()
    '1 of 10 misread'
    """
    if normalize not in (None, "true", "pred", "all"):
        raise SettingError(f"normalize must be None, 'true', 'pred' or 'all'; got {normalize!r}.")
    counts = np.asarray(matrix)
    names = [str(name) for name in class_names]
    if counts.shape != (len(names), len(names)) or not names:
        raise DataError(
            f"a confusion matrix must have shape (n_classes, n_classes), here {(len(names),) * 2} for the "
            f"{len(names)} class names; got {counts.shape}."
        )
    if counts.dtype.kind not in "iuf" or not np.isfinite(counts).all() or (counts < 0).any():
        raise DataError(f"a confusion matrix must hold counts, all finite and none negative; got {counts.tolist()!r}.")
    return ConfusionDisplay(matrix=counts, class_names=names, normalize=normalize).plot(ax=ax)
