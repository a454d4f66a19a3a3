"""The report's drawings, each an SVG in a data URI; in one style, whatever matplotlib is set to.

In: an evaluation or learning curves. Out: data URIs. Next: :mod:`lenetkit.evaluator._report.writer` puts them in place.
"""

import io
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lenetkit._utils.html import data_uri
from lenetkit.evaluator._metrics import Measures
from lenetkit.plotting import import_matplotlib, plot_confusion, plot_history, plot_rejection, plot_reliability

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["confusion", "learning_curves", "rejection", "reliability"]

_STYLE = {
    # Names of classes are no formulas, and characters that matplotlib's font lacks are the browser's to draw.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "lenetkit",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
}


def confusion(evaluation: Measures) -> str:
    """Draw the confusion matrix."""
    side = min(max(4.6, 0.5 * len(evaluation.classes) + 1.2), 14)
    matrix, classes = evaluation.confusion_matrix, evaluation.classes
    return _draw((side + 0.6, side), lambda figure: plot_confusion(matrix, classes, ax=figure.subplots()), "compressed")


def reliability(evaluation: Measures) -> str:
    """Draw accuracy against confidence."""
    table = evaluation.reliability()
    columns = [table[name] for name in ("confidence", "accuracy", "count")]
    return _draw((4.8, 4.0), lambda figure: plot_reliability(*columns, ax=figure.subplots()))


def rejection(evaluation: Measures) -> str:
    """Draw the error rate against the fraction that is rejected."""
    curve = evaluation.rejection_curve()
    return _draw(
        (4.8, 4.0), lambda figure: plot_rejection(curve["rejected"], curve["error_rate"], ax=figure.subplots())
    )


def learning_curves(history: "pd.DataFrame | Mapping[str, Any] | None") -> str | None:
    """Draw the learning curves, if there are any."""
    if history is None or (len(history) and not len(next(iter(dict(history).values())))):
        return None
    n_panels = max(sum(name in history for name in ("loss", "accuracy", "learning_rate")), 1)
    return _draw(
        (3.7 * n_panels, 3.1),
        lambda figure: plot_history(history, axes=figure.subplots(1, n_panels, squeeze=False).ravel()),
    )


def _draw(size: tuple[float, float], draw: "Callable[[Figure], object]", layout: str = "constrained") -> str:
    """Return what is drawn on a new figure, its size in inches."""
    matplotlib = import_matplotlib()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = matplotlib.figure.Figure(figsize=size, layout=layout)
        draw(figure)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return data_uri("image/svg+xml", file.getvalue())
