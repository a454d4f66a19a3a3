"""Pictures drawn with matplotlib: grids of digits, confusion matrices, curves, traces, feature maps.

In: plain arrays and tables; no stage is known here. Out: a display in scikit-learn's manner: it keeps the data, draws
them again with ``.plot(...)``, and holds what it drew in ``.figure_`` and ``.ax_`` or ``.axes_``. Next: a person.

Each ``plot_...`` function draws on the matplotlib Axes ``ax=`` or the Figure or SubFigure ``figure=`` that it is given.

matplotlib is imported on first use (extra ``plot``). Without figure or axes, a new figure comes from
``matplotlib.pyplot``, so that notebooks and ``plt.show()`` show it; with them, pyplot and its global state are left
alone, so that reports and servers can draw in any thread.
"""

from lenetkit.plotting._canvas import AnyFigure as AnyFigure
from lenetkit.plotting._canvas import Axes as Axes
from lenetkit.plotting._canvas import import_matplotlib as import_matplotlib
from lenetkit.plotting._confidence import RejectionDisplay, ReliabilityDisplay, plot_rejection, plot_reliability
from lenetkit.plotting._confusion import ConfusionDisplay, plot_confusion
from lenetkit.plotting._curves import HistoryDisplay, LearningRateDisplay, plot_history, plot_learning_rate_finder
from lenetkit.plotting._digits import DigitsDisplay, plot_digits
from lenetkit.plotting._feature_maps import FeatureMapsDisplay, FiltersDisplay, plot_feature_maps, plot_filters
from lenetkit.plotting._feature_maps import layer_picture as layer_picture
from lenetkit.plotting._pixels import as_uint8 as as_uint8
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
