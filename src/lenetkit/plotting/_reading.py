"""A picture with a box and a label for each digit read in it."""

from collections.abc import Sequence
from typing import Any

import attrs
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import (
    BLUE,
    INK,
    ORANGE,
    Array,
    Axes,
    AxesDisplay,
    draw_pixels,
    import_matplotlib,
    new_figure,
)
from lenetkit.plotting._pixels import check_image

__all__ = ["ReadingDisplay", "plot_reading"]

Box = tuple[float, float, float, float]

# Inches of the picture's longer side, and from which probability on an answer is sure.
_LONGER_SIDE, _SURE = 8.0, 0.9


@attrs.define(eq=False, kw_only=True)
class ReadingDisplay(AxesDisplay):
    """A picture with a box and a label for each thing read in it; made by :func:`plot_reading`."""

    image: Array = attrs.field(repr=False)
    boxes: Sequence[Box] = attrs.field(repr=False)
    labels: Sequence[Any]
    probabilities: Sequence[float] | None = attrs.field(default=None, repr=False)
    title: str = ""

    def _new_axes(self) -> "Axes":
        height, width = self.image.shape[:2]
        scale = _LONGER_SIDE / max(height, width)
        return new_figure((max(scale * width, 2.0), max(scale * height + 0.3, 1.0))).add_subplot()

    def _draw(self) -> None:
        draw_pixels(self.ax_, self.image, 0, 255, interpolation=None)
        rectangle = import_matplotlib().patches.Rectangle
        probabilities = self.probabilities if self.probabilities is not None else [1.0] * len(self.boxes)
        for (left, top, right, bottom), label, probability in zip(self.boxes, self.labels, probabilities, strict=True):
            colour = BLUE if probability >= _SURE else ORANGE
            # The middle of a pixel has integer coordinates.
            corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
            self.ax_.add_patch(rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=1.2))
            self.ax_.annotate(
                str(label),
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
        title = self.title or ("" if self.boxes else "nothing read")
        if title:
            self.ax_.set_title(title, fontsize=11, color=INK)


def plot_reading(
    image: npt.NDArray[Any],
    boxes: Sequence[Box],
    labels: Sequence[Any],
    probabilities: Sequence[float] | None = None,
    *,
    title: str = "",
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
        The label of each box.
    probabilities : sequence of float, optional
        0 to 1; what is less probable than 0.9 is drawn in orange instead of blue.
    title : str, optional
        Text above the picture.

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
    pixels = check_image(image)
    counts = {"labels": len(labels), "probabilities": len(boxes) if probabilities is None else len(probabilities)}
    for name, count in counts.items():
        if count != len(boxes):
            raise DataError(f"there must be as many {name} as boxes: expected {len(boxes)}; got {count}.")
    display = ReadingDisplay(
        image=pixels, boxes=list(boxes), labels=list(labels), probabilities=probabilities, title=title
    )
    return display.plot(ax=ax)
