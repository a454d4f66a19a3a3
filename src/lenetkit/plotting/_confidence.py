"""Reliability diagrams, and the error against the fraction of answers that is rejected."""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.intervals import wilson_interval
from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import BLUE, FAINT, ORANGE, Axes, AxesDisplay, Floats, import_matplotlib, tidy

__all__ = ["RejectionDisplay", "ReliabilityDisplay", "plot_rejection", "plot_reliability"]

# The curve is drawn until this fraction of the errors is left, and never to less or more rejected than so; set by eye.
_FEW, _LEAST_REJECTED, _MOST_REJECTED = 0.05, 0.02, 0.3


@attrs.define(eq=False, kw_only=True)
class ReliabilityDisplay(AxesDisplay):
    """Accuracy against confidence; made by :func:`plot_reliability`."""

    confidence: Floats = attrs.field(repr=False)
    accuracy: Floats = attrs.field(repr=False)
    count: npt.NDArray[np.int64] = attrs.field(repr=False)

    def _draw(self) -> None:
        tidy(self.ax_)
        self.ax_.plot([0, 1], [0, 1], "--", color=FAINT, linewidth=1, label="as sure as right")
        low, high = wilson_interval(self.accuracy, self.count)
        reach = np.clip([self.accuracy - low, high - self.accuracy], 0, 1)
        self.ax_.errorbar(self.confidence, self.accuracy, reach, fmt="none", ecolor=BLUE, elinewidth=1, alpha=0.5)
        # An area that grows with the logarithm: ten images can be seen beside ten thousand.
        areas = 10 + 26 * np.log10(self.count)
        label = f"{self.count.sum():,} images, with 95 % intervals"
        self.ax_.scatter(self.confidence, self.accuracy, areas, color=BLUE, zorder=3, label=label, clip_on=False)
        self.ax_.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="right among them")
        for axis in (self.ax_.xaxis, self.ax_.yaxis):
            axis.set_major_formatter(import_matplotlib().ticker.PercentFormatter(xmax=1))
        self.ax_.legend(loc="upper left", fontsize=8, edgecolor="none", framealpha=0.85)


@attrs.define(eq=False, kw_only=True)
class RejectionDisplay(AxesDisplay):
    """Error against the fraction that is rejected; made by :func:`plot_rejection`."""

    rejected: Floats = attrs.field(repr=False)
    error_rate: Floats = attrs.field(repr=False)

    def _draw(self) -> None:
        tidy(self.ax_)
        order = np.argsort(self.rejected, kind="stable")
        rejected, error = self.rejected[order], self.error_rate[order]
        self.ax_.step(rejected, error, where="post", color=ORANGE, linewidth=1.6)
        self.ax_.plot(rejected[:1], error[:1], "o", color=ORANGE, markersize=5)
        end = _right_end(rejected, error)
        top = float(error[rejected <= end].max())
        self.ax_.set(
            xlim=(-0.02 * end, end),
            ylim=(0, 1.08 * top or 1),
            xlabel="rejected: the least sure",
            ylabel="error among the others",
        )
        for axis in (self.ax_.xaxis, self.ax_.yaxis):
            axis.set_major_locator(import_matplotlib().ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(lambda fraction, _: f"{100 * fraction:.4g} %")


def _right_end(rejected: Floats, error: Floats) -> float:
    """Return where the picture ends: soon after nearly all errors are gone."""
    nearly_perfect = rejected[error <= _FEW * error[0]]
    end = 1.5 * float(nearly_perfect.min()) if nearly_perfect.size else _MOST_REJECTED
    return float(np.clip(end, max(_LEAST_REJECTED, rejected[0]), max(_MOST_REJECTED, rejected[0])))


def plot_reliability(
    confidence: npt.ArrayLike, accuracy: npt.ArrayLike, count: npt.ArrayLike, *, ax: "Axes | None" = None
) -> ReliabilityDisplay:
    """Draw a reliability diagram: the accuracy of predictions against their confidence.

    On the dashed line a model is as often right as it says. Below it, it is too sure of itself. The bars are Wilson's
    95 % intervals: a dot far from the line means little where its bar reaches it.

    Parameters
    ----------
    confidence, accuracy : array-like of shape (n_bins,)
        In [0, 1], the means of each group of predictions.
    count : array-like of shape (n_bins,)
        Number of predictions in each group, at least 1.

    Raises
    ------
    DataError
        If there is no group, the lengths differ, a fraction is outside [0, 1] or a group is empty.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from lenetkit.plotting import plot_reliability
    >>> display = plot_reliability([0.7, 0.98], [0.6, 0.99], [10, 500])
    >>> display.ax_.get_xlabel()
    'confidence'
    """
    fractions = _as_fractions(confidence=confidence, accuracy=accuracy)
    numbers = np.asarray(count)
    if numbers.shape != fractions[0].shape or numbers.dtype.kind not in "iuf" or not (numbers >= 1).all():
        raise DataError(f"count must hold one number of at least 1 for each confidence; got {numbers.tolist()!r}.")
    return ReliabilityDisplay(confidence=fractions[0], accuracy=fractions[1], count=numbers.astype(np.int64)).plot(
        ax=ax
    )


def plot_rejection(rejected: npt.ArrayLike, error_rate: npt.ArrayLike, *, ax: "Axes | None" = None) -> RejectionDisplay:
    """Draw the error rate among the answers that are kept against the fraction that is rejected.

    Parameters
    ----------
    rejected : array-like of shape (k,)
        Fractions of the answers, in [0, 1].
    error_rate : array-like of shape (k,)
        In [0, 1], among the others.

    Raises
    ------
    DataError
        If there is nothing to draw, the lengths differ or a fraction is outside [0, 1].
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from lenetkit.plotting import plot_rejection
    >>> display = plot_rejection([0, 0.01, 0.02], [0.01, 0.004, 0.002])
    >>> display.ax_.get_ylabel()
    'error among the others'
    """
    given = _as_fractions(rejected=rejected, error_rate=error_rate)
    return RejectionDisplay(rejected=given[0], error_rate=given[1]).plot(ax=ax)


def _as_fractions(**named: Any) -> list[Floats]:
    arrays = {name: np.asarray(values) for name, values in named.items()}
    lengths = {values.shape for values in arrays.values()}
    for name, values in arrays.items():
        if values.ndim != 1 or not values.size or values.dtype.kind not in "iuf" or len(lengths) > 1:
            raise DataError(
                f"{' and '.join(arrays)} must be numbers of one shape (n,), at least one each; "
                f"{name} is {values.dtype} of shape {values.shape}."
            )
        # Means of fractions may leave the interval by a rounding error.
        if not ((values >= -1e-6) & (values <= 1 + 1e-3)).all():
            raise DataError(f"{name} must be in [0, 1]; got {values.min()} to {values.max()}.")
    return [values.astype(np.float64) for values in arrays.values()]
