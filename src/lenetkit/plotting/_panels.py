"""Panels of one image and a bar for each class, as traces and feature maps are drawn."""

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import (
    BLUE,
    FAINT,
    AnyFigure,
    Array,
    FigureDisplay,
    import_matplotlib,
    new_figure,
    panels,
)

__all__ = ["PanelsDisplay", "as_probabilities"]

_MOST_BARS = 10


@attrs.define(eq=False, kw_only=True)
class PanelsDisplay(FigureDisplay):
    """Panels, the last of ``axes_`` for the probabilities where there are any."""

    probabilities: Array | None = attrs.field(default=None, repr=False)
    classes: Sequence[Any] | Array | None = attrs.field(default=None, repr=False)
    title: str | None = None

    def _lay_out(
        self, figure: "AnyFigure | None", n_panels: int, n_columns: int, size: tuple[float, float], compress: bool
    ) -> None:
        """Set ``figure_`` and ``axes_``, and draw the title and a bar for each class, of many the most probable.

        `size` is in inches, without the title's.
        """
        # A row's titles keep clear of the notes under the row above.
        layout = import_matplotlib().layout_engine.ConstrainedLayoutEngine(h_pad=0.09, compress=compress)
        self.figure_ = figure or new_figure((size[0], size[1] + (0.3 if self.title else 0)), layout)
        self.axes_ = panels(self.figure_, n_panels, n_columns)
        if self.title:
            self.figure_.suptitle(self.title, fontsize=11, parse_math=False)
        if self.probabilities is None:
            return
        ax, values = self.axes_[-1], np.asarray(self.probabilities, dtype=float)
        names = list(range(len(values)) if self.classes is None else self.classes)
        few = len(values) <= _MOST_BARS
        shown = np.arange(len(values)) if few else np.argsort(-values, kind="stable")[:_MOST_BARS]
        ax.barh(np.arange(len(shown)), values[shown], color=BLUE, height=0.7)
        ax.set(xlim=(0, 1), xticks=[0, 1], yticks=np.arange(len(shown)))
        ax.set_yticklabels([str(names[index]) for index in shown], parse_math=False)
        ax.invert_yaxis()
        ax.tick_params(labelsize=7, length=2, color=FAINT)
        ax.spines[["top", "right"]].set_visible(False)


def as_probabilities(probabilities: npt.ArrayLike | None, classes: Sequence[Any] | Array | None) -> Array | None:
    """Return the probabilities as an array.

    Raise DataError if they have another shape than (n_classes,), or another length than the classes.
    """
    values = None if probabilities is None else np.asarray(probabilities)
    if values is not None and values.ndim != 1:
        raise DataError(f"probabilities must have shape (n_classes,); got {values.shape}.")
    if classes is not None and (values is None or len(classes) != len(values)):
        n_values = 0 if values is None else len(values)
        raise DataError(f"there must be one class per probability: expected {n_values}; got {len(classes)}.")
    return values
