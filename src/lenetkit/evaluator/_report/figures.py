"""Pictures as data inside the page: drawings as SVG, digits as PNG."""

import base64
import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit.plotting import plot_confusion, plot_history, plot_rejection, plot_reliability
from lenetkit.plotting._canvas import import_matplotlib
from lenetkit.plotting._digits import _common_range, _drawable

__all__ = ["Pictures", "png_uri"]

# A digit is shown about this large; photographs are shrunk to it.
_LARGEST = 160


class Pictures:
    """The report's drawings, each as a data URI; in one style, whatever matplotlib is set to."""

    def confusion(self, evaluation: Any) -> str:
        """Draw the confusion matrix."""
        side = min(max(4.6, 0.5 * len(evaluation.classes) + 1.2), 14)
        with _figure((side + 0.6, side), layout="compressed") as (figure, uri):
            plot_confusion(evaluation.confusion_matrix, evaluation.classes, ax=figure.subplots())
        return uri[0]

    def reliability(self, evaluation: Any) -> str:
        """Draw accuracy against confidence."""
        table = evaluation.reliability()
        with _figure((4.8, 4.0)) as (figure, uri):
            plot_reliability(table["confidence"], table["accuracy"], table["count"], ax=figure.subplots())
        return uri[0]

    def rejection(self, evaluation: Any) -> str:
        """Draw the error against what is rejected."""
        curve = evaluation.rejection_curve()
        with _figure((4.8, 4.0)) as (figure, uri):
            plot_rejection(curve["rejected"], curve["error_rate"], ax=figure.subplots())
        return uri[0]

    def history(self, history: Any) -> str | None:
        """Draw the learning curves, if there are any."""
        if history is None or (len(history) and not len(next(iter(dict(history).values())))):
            return None
        n_panels = sum(name in history for name in ("loss", "accuracy", "learning_rate"))
        with _figure((3.7 * max(n_panels, 1), 3.1)) as (figure, uri):
            plot_history(history, axes=figure.subplots(1, max(n_panels, 1), squeeze=False).ravel())
        return uri[0]


@contextlib.contextmanager
def _figure(size: tuple[float, float], layout: str = "constrained") -> Iterator[tuple[Any, list[str]]]:
    """Give a figure to draw on and a list that holds the drawing afterwards."""
    matplotlib = import_matplotlib()
    style = {
        # Names of classes are no formulas, and characters that matplotlib's font lacks are the browser's to draw.
        "text.parse_math": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "lenetkit",
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    }
    uri: list[str] = []
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style)
        figure = matplotlib.figure.Figure(figsize=size, layout=layout)
        yield figure, uri
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    uri.append(_data_uri("image/svg+xml", file.getvalue()))


def png_uri(image: Any, row: int, *, largest: int = _LARGEST) -> str:
    """Return an image as a data URI, drawn as :func:`lenetkit.plotting.plot_digits` draws it.

    Raises
    ------
    DataError
        If it cannot be drawn.
    """
    import PIL.Image

    pixels = _drawable(image, row)
    low, high = _common_range([pixels])
    step = -(-max(pixels.shape[:2]) // (8 * largest))
    values = np.nan_to_num(pixels[::step, ::step].astype(np.float64), nan=low, posinf=high, neginf=low)
    scaled = ((values - low) / max(high - low, 1e-12)).clip(0, 1)
    bytes_: npt.NDArray[np.uint8] = np.round(255 * scaled).astype(np.uint8)
    picture = PIL.Image.fromarray(bytes_)
    if max(picture.size) > largest:
        picture.thumbnail((largest, largest), PIL.Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    return _data_uri("image/png", file.getvalue())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
