"""Every picture: grids of digits, confusion matrices, curves, traces, feature maps.

Ground floor: takes plain arrays and tables, knows no stage. Each ``plot_...`` function returns a Display in
scikit-learn's manner: it keeps the data, draws them with ``.plot(...)``, and holds what it drew in ``.figure_`` and
``.ax_`` or ``.axes_``.

matplotlib is imported on first use (extra ``plot``). Without a figure or axes of the caller's, a new figure comes from
``matplotlib.pyplot``, so that notebooks and ``plt.show()`` show it; with them, pyplot and its global state are left
alone, so that reports and servers can draw in any thread.
"""

from lenetkit.plotting._canvas import import_matplotlib as import_matplotlib
from lenetkit.plotting._confidence import RejectionDisplay, ReliabilityDisplay, plot_rejection, plot_reliability
from lenetkit.plotting._confusion import ConfusionDisplay, plot_confusion
from lenetkit.plotting._curves import HistoryDisplay, LearningRateDisplay, plot_history, plot_learning_rate_finder
from lenetkit.plotting._digits import DigitsDisplay, plot_digits
from lenetkit.plotting._feature_maps import (
    FeatureMapsDisplay,
    FiltersDisplay,
    plot_feature_maps,
    plot_filters,
)
from lenetkit.plotting._reading import ReadingDisplay, plot_reading
from lenetkit.plotting._trace import TraceDisplay, plot_trace

__all__ = [
    "ConfusionDisplay",
    "DigitsDisplay",
    "FeatureMapsDisplay",
    "FiltersDisplay",
    "HistoryDisplay",
    "LearningRateDisplay",
    "ReadingDisplay",
    "RejectionDisplay",
    "ReliabilityDisplay",
    "TraceDisplay",
    "plot_confusion",
    "plot_digits",
    "plot_feature_maps",
    "plot_filters",
    "plot_history",
    "plot_learning_rate_finder",
    "plot_reading",
    "plot_rejection",
    "plot_reliability",
    "plot_trace",
]
