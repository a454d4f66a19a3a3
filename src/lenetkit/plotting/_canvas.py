"""Drawing basics: matplotlib imported on first use, the base classes of all displays, new figures, one set of colours.

In: nothing but the caller's figure or axes. Out: figures and axes, styled. Next: the module of each kind of picture.
"""

from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "BLUE",
    "FAINT",
    "INK",
    "ORANGE",
    "Array",
    "AxesDisplay",
    "FigureDisplay",
    "Floats",
    "import_matplotlib",
    "new_figure",
    "new_roomy_figure",
    "panels",
    "tidy",
]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

# Okabe and Ito's palette, told apart by colour-blind readers too: jfly.uni-koeln.de/color.
BLUE, ORANGE = "#0072B2", "#D55E00"
INK, FAINT = "0.15", "0.45"


@attrs.define(eq=False, kw_only=True)
class AxesDisplay:
    """Data of one diagram; ``figure_`` and ``ax_`` are what it was drawn on."""

    figure_: "Figure | SubFigure" = attrs.field(init=False, repr=False)
    ax_: "Axes" = attrs.field(init=False, repr=False)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Draw the data on `ax`, by default on a new figure, and return this display."""
        import_matplotlib()
        self.ax_ = ax or self._new_axes()
        self.figure_ = self.ax_.figure
        self._draw()
        return self

    def _new_axes(self) -> "Axes":
        return new_figure((4.6, 4.2)).subplots()

    def _draw(self) -> None:
        """Draw on ``ax_``."""


@attrs.define(eq=False, kw_only=True)
class FigureDisplay:
    """Data of several panels; ``figure_`` and the ndarray ``axes_``, one per panel, are what they were drawn on."""

    figure_: "Figure | SubFigure" = attrs.field(init=False, repr=False)
    axes_: npt.NDArray[Any] = attrs.field(init=False, repr=False)

    def plot(self, *, figure: "Figure | SubFigure | None" = None) -> Self:
        """Draw the panels on `figure`, by default on a new one, and return this display."""
        import_matplotlib()
        self._draw(figure)
        return self

    def _draw(self, figure: "Figure | SubFigure | None") -> None:
        """Set ``figure_`` and ``axes_``, and draw on them."""


def import_matplotlib() -> Any:
    """Import matplotlib and return it. Raise MissingExtraError if it is not installed."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingExtraError(
            f"drawing needs matplotlib, which cannot be imported ({error}). "
            'Install it with: pip install "lenetkit[plot]"'
        ) from error
    return matplotlib


def new_figure(size: tuple[float, float], layout: str = "constrained") -> "Figure":
    """Return a new figure of pyplot's, its size in inches."""
    import_matplotlib()
    from matplotlib import pyplot as plt

    return plt.figure(figsize=size, layout=layout)


def new_roomy_figure(size: tuple[float, float], layout: str) -> "Figure":
    """Return a new figure in which a row's titles keep clear of the notes under the row above."""
    figure = new_figure(size, layout)
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.09)
    return figure


def panels(figure: "Figure | SubFigure", n_panels: int, n_columns: int) -> npt.NDArray[Any]:
    """Return the axes of a grid in reading order; places that stay empty in its last row are hidden."""
    grid = figure.subplots(max(1, -(-n_panels // n_columns)), n_columns, squeeze=False).ravel()
    for ax in grid[n_panels:]:
        ax.set_axis_off()
    return np.asarray(grid[:n_panels])


def tidy(ax: "Axes") -> None:
    """Leave out the frame's upper and right side, and draw a faint grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
