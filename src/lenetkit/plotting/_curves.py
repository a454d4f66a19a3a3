"""Learning curves by epoch, and the loss by learning rate."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError, SettingError
from lenetkit.plotting._canvas import (
    BLUE,
    ORANGE,
    AnyFigure,
    Axes,
    AxesDisplay,
    Floats,
    import_matplotlib,
    new_figure,
    tidy,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HistoryDisplay", "LearningRateDisplay", "plot_history", "plot_learning_rate_finder"]


@attrs.define(eq=False, kw_only=True)
class HistoryDisplay:
    """Learning curves side by side, ``axes_`` of shape (n_panels,); made by :func:`plot_history`."""

    history: "Mapping[str, Any] | pd.DataFrame" = attrs.field(repr=False)
    figure_: "AnyFigure" = attrs.field(init=False, repr=False)
    axes_: npt.NDArray[Any] = attrs.field(init=False, repr=False)

    def plot(self, *, axes: Sequence["Axes"] | npt.NDArray[Any] | None = None) -> Self:
        """Draw the curves, see :func:`plot_history` for the parameters and the errors."""
        panels = [name for name in ("loss", "accuracy", "learning_rate") if name in self.history]
        if axes is None:
            axes = new_figure((4.2 * len(panels), 3.4)).subplots(1, len(panels), squeeze=False)
        self.axes_ = np.ravel(np.asarray(axes, dtype=object))
        if len(self.axes_) != len(panels):
            raise SettingError(
                f"this history has {len(panels)} panels ({', '.join(panels)}); got {len(self.axes_)} axes."
            )
        self.figure_ = self.axes_[0].figure
        for name, ax in zip(panels, self.axes_, strict=True):
            self._draw(name, ax)
        return self

    def _draw(self, name: str, ax: "Axes") -> None:
        ticker = import_matplotlib().ticker
        index = getattr(self.history, "index", None)
        counted = getattr(index, "name", None) == "epoch"
        epochs = np.asarray(index) if counted else np.arange(1, len(self.history["loss"]) + 1)
        curves = [(name, "training", BLUE, "o-"), (f"val_{name}", "validation", ORANGE, "s--")]
        for column, label, colour, style in curves:
            if column in self.history:
                values = np.asarray(self.history[column], dtype=float)
                ax.plot(epochs, values, style, color=colour, label=label, markersize=4, linewidth=1.6)
        ax.set(xlabel="epoch", title=name.replace("_", " "))
        ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
        if name == "accuracy":
            ax.yaxis.set_major_formatter(ticker.PercentFormatter(xmax=1))
        if f"val_{name}" in self.history:
            ax.legend(frameon=False)
        tidy(ax)


def plot_history(
    history: "Mapping[str, Any] | pd.DataFrame", *, axes: Sequence["Axes"] | npt.NDArray[Any] | None = None
) -> HistoryDisplay:
    """Draw loss, accuracy and learning rate by epoch, training and validation together.

    Parameters
    ----------
    history : pandas.DataFrame or mapping of str to sequences
        Columns as Keras names them: ``loss`` and, where there are any, ``accuracy``, ``val_loss``, ``val_accuracy``
        and ``learning_rate``; one row per epoch. An index named ``epoch`` counts the epochs, else they start at 1.
    axes : sequence of matplotlib.axes.Axes, optional
        One for each of loss, accuracy and learning rate that the history has. A new figure by default.

    Raises
    ------
    DataError
        If there is no column ``loss`` or no epoch.
    SettingError
        If the number of axes is not the number of panels.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from lenetkit.plotting import plot_history
    >>> display = plot_history({"loss": [0.5, 0.2], "accuracy": [0.8, 0.9]})
    >>> [ax.get_title() for ax in display.axes_]
    ['loss', 'accuracy']
    """
    columns = list(history)
    if "loss" not in columns or not len(history["loss"]):
        raise DataError(f"a history must have a column 'loss' with at least one epoch; got the columns {columns}.")
    import_matplotlib()
    return HistoryDisplay(history=history).plot(axes=axes)


@attrs.define(eq=False, kw_only=True)
class LearningRateDisplay(AxesDisplay):
    """Loss against learning rate; made by :func:`plot_learning_rate_finder`."""

    learning_rates: Floats = attrs.field(repr=False)
    losses: Floats = attrs.field(repr=False)
    suggestion: float | None = None

    def _new_axes(self) -> "Axes":
        return new_figure((5.6, 3.6)).subplots()

    def _draw(self) -> None:
        self.ax_.plot(self.learning_rates, self.losses, color=BLUE, linewidth=1.6)
        if self.suggestion is not None:
            self.ax_.axvline(self.suggestion, color=ORANGE, linestyle="--", linewidth=1.4)
            # On the left, above the curve: on the right the explosion would cross it.
            label, across = f"suggestion {self.suggestion:.2g}  ", self.ax_.get_xaxis_transform()
            self.ax_.text(self.suggestion, 0.97, label, color=ORANGE, ha="right", va="top", transform=across)
        self.ax_.set(xscale="log", xlabel="learning rate", ylabel="loss", title="learning-rate search")
        # The loss axis ends a little above where the search began: what diverges would flatten the rest.
        finite = self.losses[np.isfinite(self.losses)]
        low, high = float(finite.min()), float(finite[0])
        if finite.max() > high > low:
            self.ax_.set_ylim(low - 0.08 * (high - low), high + 0.35 * (high - low))
        tidy(self.ax_)


def plot_learning_rate_finder(
    learning_rates: npt.ArrayLike,
    losses: npt.ArrayLike,
    suggestion: float | None = None,
    *,
    ax: "Axes | None" = None,
) -> LearningRateDisplay:
    """Draw the loss against the learning rate on a logarithmic scale, with the suggested rate marked.

    Parameters
    ----------
    learning_rates : array-like of shape (n,)
        Positive.
    losses : array-like of shape (n,)
        One loss per rate; NaN and infinity, where training diverged, are left out.
    suggestion : float, optional
        The rate to mark.

    Raises
    ------
    DataError
        If the lengths differ, a rate is not positive or no loss is finite.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from lenetkit.plotting import plot_learning_rate_finder
    >>> display = plot_learning_rate_finder([1e-4, 1e-3, 1e-2], [2.3, 1.1, 4.0], suggestion=1e-3)
    >>> display.ax_.get_xscale()
    'log'
    """
    rates, values = np.asarray(learning_rates, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if rates.ndim != 1 or rates.shape != values.shape:
        raise DataError(f"there must be one loss per learning rate; got shapes {rates.shape} and {values.shape}.")
    if not (rates > 0).all() or not np.isfinite(rates).all():
        raise DataError(f"learning rates must be positive; got {rates[~(rates > 0) | ~np.isfinite(rates)][0]}.")
    if not np.isfinite(values).any():
        raise DataError("at least one loss must be finite; got none.")
    return LearningRateDisplay(learning_rates=rates, losses=values, suggestion=suggestion).plot(ax=ax)
