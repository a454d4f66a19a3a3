"""Drawing basics: matplotlib imported on first use, the base classes of all displays, new figures, one set of colours.

In: nothing but the caller's figure or axes. Out: figures and axes, styled. Next: the module of each kind of picture.
"""

from typing import TYPE_CHECKING, Any, Self, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import get_command
from lenetkit.exceptions import MissingExtraError

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

__all__ = [
    "BLUE",
    "FAINT",
    "INK",
    "ORANGE",
    "AnyFigure",
    "Array",
    "Axes",
    "AxesDisplay",
    "FigureDisplay",
    "Floats",
    "draw_pixels",
    "import_matplotlib",
    "new_figure",
    "panels",
    "tidy",
]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Axes: TypeAlias = "matplotlib.axes.Axes"
AnyFigure: TypeAlias = "matplotlib.figure.Figure | matplotlib.figure.SubFigure"

# Okabe and Ito's palette, told apart by colour-blind readers too: jfly.uni-koeln.de/color.
BLUE, ORANGE = "#0072B2", "#D55E00"
INK, FAINT = "0.15", "0.45"


@attrs.define(eq=False, kw_only=True)
class AxesDisplay:
    """Data of one diagram; ``figure_`` and ``ax_`` are what it was drawn on."""

    figure_: "AnyFigure" = attrs.field(init=False, repr=False)
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

    figure_: "AnyFigure" = attrs.field(init=False, repr=False)
    axes_: npt.NDArray[Any] = attrs.field(init=False, repr=False)

    def plot(self, *, figure: "AnyFigure | None" = None) -> Self:
        """Draw the panels on `figure`, by default on a new one, and return this display."""
        import_matplotlib()
        self._draw(figure)
        return self

    def _draw(self, figure: "AnyFigure | None") -> None:
        """Set ``figure_`` and ``axes_``, and draw on them."""


def import_matplotlib() -> Any:
    """Import matplotlib and return it. Raise MissingExtraError if it is not installed."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingExtraError(
            f"drawing needs matplotlib, which cannot be imported ({error}). Install it with: {get_command('plot')}"
        ) from error
    return matplotlib


def new_figure(size: tuple[float, float], layout: Any = "constrained") -> "matplotlib.figure.Figure":
    """Return a new figure of pyplot's, its size in inches, its layout by matplotlib's name or engine."""
    import_matplotlib()
    from matplotlib import pyplot as plt

    return plt.figure(figsize=size, layout=layout)


def panels(figure: "AnyFigure", n_panels: int, n_columns: int) -> npt.NDArray[Any]:
    """Return the axes of a grid in reading order; places that stay empty in its last row are hidden."""
    grid = figure.subplots(max(1, -(-n_panels // n_columns)), n_columns, squeeze=False).ravel()
    for ax in grid[n_panels:]:
        ax.set_axis_off()
    return np.asarray(grid[:n_panels])


def draw_pixels(ax: "Axes", pixels: Array, low: float, high: float, interpolation: str | None = "nearest") -> None:
    """Draw an image, `low` black and `high` white, with a frame that shows where one on white paper ends."""
    ax.imshow(pixels, cmap="gray", vmin=low, vmax=high, interpolation=interpolation)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color="0.8", linewidth=0.8)


def tidy(ax: "Axes") -> None:
    """Leave out the frame's upper and right side, and draw a faint grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
