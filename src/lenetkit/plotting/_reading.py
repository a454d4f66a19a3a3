"""A picture with what was read in it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import BLUE, INK, ORANGE, import_matplotlib, new_figure
from lenetkit.plotting._digits import _drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["ReadingDisplay", "plot_reading"]

# Inches of the picture's longer side, and from which probability on an answer is sure.
_LONGER_SIDE, _SURE = 8.0, 0.9


@attrs.define(eq=False, kw_only=True)
class ReadingDisplay:
    """A picture with a box and a label for each thing read in it; made by :func:`plot_reading`.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        What was drawn on.
    ax_ : matplotlib.axes.Axes
        The same, as Axes.
    """

    image: npt.NDArray[Any] = attrs.field(repr=False)
    boxes: Sequence[tuple[float, float, float, float]] = attrs.field(repr=False)
    labels: Sequence[Any]
    probabilities: Sequence[float] | None = attrs.field(default=None, repr=False)
    figure_: "Figure | SubFigure" = attrs.field(init=False, repr=False)
    ax_: "Axes" = attrs.field(init=False, repr=False)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Draw the picture, see :func:`plot_reading` for the parameters and the errors."""
        import_matplotlib()
        height, width = self.image.shape[:2]
        if ax is None:
            scale = _LONGER_SIDE / max(height, width)
            size = max(scale * width, 2.0), max(scale * height + 0.3, 1.0)
            ax = new_figure(size).add_subplot()
        self.ax_, self.figure_ = ax, ax.figure
        ax.imshow(self.image, cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color="0.8", linewidth=0.8)
        probabilities = self.probabilities if self.probabilities is not None else [1.0] * len(self.boxes)
        for box, label, probability in zip(self.boxes, self.labels, probabilities, strict=True):
            self._draw_box(box, str(label), BLUE if probability >= _SURE else ORANGE)
        if not self.boxes:
            ax.set_title("nothing read", fontsize=11, color=INK)
        return self

    def _draw_box(self, box: tuple[float, float, float, float], label: str, colour: str) -> None:
        from matplotlib.patches import Rectangle

        left, top, right, bottom = box
        # A pixel's middle is at a whole number.
        corner = (left - 0.5, top - 0.5)
        self.ax_.add_patch(Rectangle(corner, right - left, bottom - top, fill=False, edgecolor=colour, linewidth=1.2))
        self.ax_.annotate(
            label,
            ((left + right) / 2, top),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=colour,
            fontsize=11,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
        )


def plot_reading(
    image: npt.NDArray[Any],
    boxes: Sequence[tuple[float, float, float, float]],
    labels: Sequence[Any],
    probabilities: Sequence[float] | None = None,
    *,
    ax: "Axes | None" = None,
) -> ReadingDisplay:
    """Draw a picture with a box and a label for each thing read in it.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3)
        uint8 in [0, 255].
    boxes : sequence of tuple
        Left, top, right and bottom in pixels; right and bottom are just outside.
    labels : sequence
        What each of them was read as.
    probabilities : sequence of float, optional
        0 to 1; what is less probable than 0.9 is drawn in orange instead of blue.
    ax : matplotlib.axes.Axes, optional
        Draw here; a new figure by default.

    Returns
    -------
    ReadingDisplay
        With ``figure_`` and ``ax_``.

    Raises
    ------
    DataError
        If the image has another shape, or there are not as many labels or probabilities as boxes.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.plotting import plot_reading
    >>> display = plot_reading(np.full((40, 60), 255, np.uint8), [(5, 5, 25, 35)], [7], [0.98])
    >>> [text.get_text() for text in display.ax_.texts]
    ['7']
    """
    pixels = _drawable(image, 0)
    counts = {"labels": len(labels), "probabilities": len(boxes) if probabilities is None else len(probabilities)}
    for name, count in counts.items():
        if count != len(boxes):
            raise DataError(f"there must be as many {name} as boxes: expected {len(boxes)}; got {count}.")
    display = ReadingDisplay(
        image=np.asarray(pixels), boxes=list(boxes), labels=list(labels), probabilities=probabilities
    )
    return display.plot(ax=ax)
