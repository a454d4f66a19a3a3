"""The stages of one image in a strip, and the probabilities beside them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import BLUE, FAINT, INK, new_figure
from lenetkit.plotting._digits import _common_range, _drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["TraceDisplay", "plot_trace"]

_PER_ROW = 6
_MOST_BARS = 10
# Larger pictures are drawn with every second, third, ... pixel: a panel has some 200.
_LARGEST = 800


@attrs.define(eq=False, kw_only=True)
class TraceDisplay:
    """One image, stage by stage; made by :func:`plot_trace`.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        What was drawn on.
    axes_ : ndarray of shape (n_stages,) or (n_stages + 1,)
        One matplotlib Axes per stage, and the last for the probabilities.
    """

    stages: Sequence[tuple[str, npt.NDArray[Any]]] = attrs.field(repr=False)
    probabilities: npt.NDArray[Any] | None = attrs.field(default=None, repr=False)
    classes: Sequence[Any] | npt.NDArray[Any] | None = attrs.field(default=None, repr=False)
    title: str | None = None
    figure_: "Figure | SubFigure" = attrs.field(init=False, repr=False)
    axes_: npt.NDArray[Any] = attrs.field(init=False, repr=False)

    def plot(self, *, figure: "Figure | SubFigure | None" = None) -> Self:
        """Draw the strip, see :func:`plot_trace` for the parameters and the errors."""
        n_panels = len(self.stages) + (self.probabilities is not None)
        n_columns = min(n_panels, _PER_ROW)
        n_rows = -(-n_panels // n_columns)
        size = (max(1.75 * n_columns, 3.5), 2.2 * n_rows + (0.3 if self.title else 0))
        self.figure_ = figure or _figure_with_room(size)
        grid = self.figure_.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax in grid[n_panels:]:
            ax.set_axis_off()
        for ax, (name, picture) in zip(grid, self.stages, strict=False):
            _draw_stage(ax, name, picture)
        if self.probabilities is not None:
            ax = grid[n_panels - 1]
            _draw_bars(ax, self.probabilities, self.classes)
            ax.set_title("probabilities", fontsize=8, color=INK, pad=3)
        self.axes_ = grid[:n_panels]
        if self.title:
            self.figure_.suptitle(self.title, fontsize=11, parse_math=False)
        return self


def plot_trace(
    stages: Sequence[tuple[str, npt.NDArray[Any]]],
    probabilities: npt.ArrayLike | None = None,
    classes: Sequence[Any] | npt.NDArray[Any] | None = None,
    *,
    title: str | None = None,
    figure: "Figure | SubFigure | None" = None,
) -> TraceDisplay:
    """Draw what becomes of an image: a panel for each stage, six in a row, and a bar for each class.

    Parameters
    ----------
    stages : sequence of (str, ndarray)
        Name and picture of shape (h, w[, c]): uint8 in [0, 255], or floats, usually in [0, 1]; floats outside are drawn
        from the picture's smallest to its largest value.
    probabilities : array-like of shape (n_classes,), optional
        In [0, 1]. Of more than ten classes the ten most probable are drawn.
    classes : sequence of length n_classes, optional
        The classes' names. 0, 1, 2, ... by default.
    title : str, optional
        What stands above the strip.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Draw here; give it ``layout="compressed"``. A new figure by default.

    Returns
    -------
    TraceDisplay
        With ``figure_`` and ``axes_``.

    Raises
    ------
    DataError
        If there is no stage, a picture has another shape or dtype, or there are not as many classes as probabilities.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.plotting import plot_trace
    >>> stages = [("as read", np.zeros((90, 60, 3), np.uint8)), ("model", np.zeros((28, 28), np.float32))]
    >>> display = plot_trace(stages, [0.1, 0.9], ["six", "seven"])
    >>> [ax.get_title() for ax in display.axes_]
    ['as read', 'model', 'probabilities']
    """
    drawable = [(name, _drawable(picture, place)) for place, (name, picture) in enumerate(stages)]
    if not drawable:
        raise DataError("there must be at least one stage to draw; got none.")
    values = None if probabilities is None else np.asarray(probabilities)
    if values is not None and values.ndim != 1:
        raise DataError(f"probabilities must have shape (n_classes,); got {values.shape}.")
    if classes is not None and (values is None or len(classes) != len(values)):
        n_values = 0 if values is None else len(values)
        raise DataError(f"there must be one class per probability: expected {n_values}; got {len(classes)}.")
    return TraceDisplay(stages=drawable, probabilities=values, classes=classes, title=title).plot(figure=figure)


def _figure_with_room(size: tuple[float, float], layout: str = "compressed") -> "Figure":
    """Return a new figure in which a row's titles keep clear of the sizes above them."""
    figure: Figure = new_figure(size, layout=layout)
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.09)
    return figure


def _draw_stage(ax: "Axes", name: str, picture: npt.NDArray[Any]) -> None:
    low, high = _common_range([picture])
    step = -(-max(picture.shape[:2]) // _LARGEST)
    shown = picture[::step, ::step]
    if shown.ndim == 3 and shown.dtype != np.uint8:
        # Colours are drawn in 0..1 only.
        shown, low, high = ((shown - low) / max(high - low, 1e-6)).clip(0, 1), 0, 1
    ax.imshow(shown, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color="0.8", linewidth=0.8)
    ax.set_title(name.replace(": ", ":\n"), fontsize=8, color=INK, pad=3, parse_math=False)
    ax.set_xlabel(" x ".join(map(str, picture.shape[1::-1])), fontsize=7, color=FAINT, labelpad=2)


def _draw_bars(ax: "Axes", probabilities: npt.NDArray[Any], classes: Sequence[Any] | npt.NDArray[Any] | None) -> None:
    values = np.asarray(probabilities, dtype=float)
    names = list(range(len(values)) if classes is None else classes)
    shown = list(range(len(values)))
    if len(values) > _MOST_BARS:
        shown = np.argsort(-values, kind="stable")[:_MOST_BARS].tolist()
    ax.barh(np.arange(len(shown)), values[shown], color=BLUE, height=0.7)
    ax.set(xlim=(0, 1), xticks=[0, 1], yticks=np.arange(len(shown)))
    ax.set_yticklabels([str(names[index]) for index in shown], parse_math=False)
    ax.invert_yaxis()
    ax.tick_params(labelsize=7, length=2, color=FAINT)
    ax.spines[["top", "right"]].set_visible(False)
