"""One image stage by stage in a strip, and the probabilities beside it."""

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import FAINT, INK, AnyFigure, Array, draw_pixels
from lenetkit.plotting._panels import PanelsDisplay, as_probabilities
from lenetkit.plotting._pixels import check_image, value_range

__all__ = ["TraceDisplay", "plot_trace"]

_PER_ROW = 6
# Larger images are drawn with every second, third, ... pixel: a panel has some 200.
_LARGEST = 800


@attrs.define(eq=False, kw_only=True)
class TraceDisplay(PanelsDisplay):
    """One image, stage by stage, a panel for each; made by :func:`plot_trace`."""

    stages: Sequence[tuple[str, Array]] = attrs.field(repr=False)

    def _draw(self, figure: "AnyFigure | None") -> None:
        n_panels = len(self.stages) + (self.probabilities is not None)
        n_columns = min(n_panels, _PER_ROW)
        size = max(1.75 * n_columns, 3.5), 2.2 * -(-n_panels // n_columns)
        self._lay_out(figure, n_panels, n_columns, size, compress=True)
        for ax, (name, pixels) in zip(self.axes_, self.stages, strict=False):
            low, high = value_range([pixels])
            step = -(-max(pixels.shape[:2]) // _LARGEST)
            shown = pixels[::step, ::step]
            if shown.ndim == 3 and shown.dtype != np.uint8:
                # Colours are drawn in 0..1 only.
                shown, low, high = ((shown - low) / max(high - low, 1e-6)).clip(0, 1), 0, 1
            draw_pixels(ax, shown, low, high)
            ax.set_title(name.replace(": ", ":\n"), fontsize=8, color=INK, pad=3, parse_math=False)
            ax.set_xlabel(" x ".join(map(str, pixels.shape[1::-1])), fontsize=7, color=FAINT, labelpad=2)
        if self.probabilities is not None:
            self.axes_[-1].set_title("probabilities", fontsize=8, color=INK, pad=3)


def plot_trace(
    stages: Sequence[tuple[str, Array]],
    probabilities: npt.ArrayLike | None = None,
    classes: Sequence[Any] | Array | None = None,
    *,
    title: str | None = None,
    figure: "AnyFigure | None" = None,
) -> TraceDisplay:
    """Draw the stages of an image: a panel for each, six in a row, and a bar for each class.

    Parameters
    ----------
    stages : sequence of (str, ndarray)
        Name and image of shape (h, w[, c]): uint8 in [0, 255], or floats, usually in [0, 1]; floats outside are drawn
        from the image's smallest to its largest value.
    probabilities : array-like of shape (n_classes,), optional
        In [0, 1]. Of more than ten classes the ten most probable are drawn.
    classes : sequence of length n_classes, optional
        The classes' names. 0, 1, 2, ... by default.
    title : str, optional
        Text above the strip.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Give it ``layout="compressed"``.

    Raises
    ------
    DataError
        If there is no stage, an image has another shape or dtype, or there are not as many classes as probabilities.
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
    drawable = [(name, check_image(pixels, index)) for index, (name, pixels) in enumerate(stages)]
    if not drawable:
        raise DataError("there must be at least one stage to draw; got none.")
    return TraceDisplay(
        stages=drawable, probabilities=as_probabilities(probabilities, classes), classes=classes, title=title
    ).plot(figure=figure)
