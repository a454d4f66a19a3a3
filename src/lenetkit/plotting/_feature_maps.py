"""What the layers of a network make of one image, and the filters they do it with."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import FAINT, INK, import_matplotlib, new_figure
from lenetkit.plotting._trace import _draw_bars, _figure_with_room

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["FeatureMapsDisplay", "FiltersDisplay", "plot_feature_maps", "plot_filters"]

# A layer of units is drawn as a picture of twelve rows, as the paper draws F6: 84 = 7 x 12.
_ROWS_OF_UNITS = 12
# More filters than these are grey specks.
_MOST_FILTERS = 512
_PAPER = "#e8edf2"

Array = npt.NDArray[Any]


@attrs.define(eq=False, kw_only=True)
class FeatureMapsDisplay:
    """One image, layer by layer; made by :func:`plot_feature_maps`.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        What was drawn on.
    axes_ : ndarray of shape (n_layers,) or (n_layers + 1,)
        One matplotlib Axes per layer, and the last for the probabilities.
    """

    layers: Sequence[tuple[str, Array]] = attrs.field(repr=False)
    probabilities: Array | None = attrs.field(default=None, repr=False)
    classes: Sequence[Any] | Array | None = attrs.field(default=None, repr=False)
    title: str | None = None
    figure_: "Figure | SubFigure" = attrs.field(init=False, repr=False)
    axes_: npt.NDArray[Any] = attrs.field(init=False, repr=False)

    def plot(self, *, figure: "Figure | SubFigure | None" = None) -> Self:
        """Draw the layers, see :func:`plot_feature_maps` for the parameters and the errors."""
        n_panels = len(self.layers) + (self.probabilities is not None)
        # Two rows of four for LeNet-5; three rows at most for what has more layers.
        n_columns = n_panels if n_panels <= 4 else max(4, -(-n_panels // (2 if n_panels <= 10 else 3)))
        n_rows = -(-n_panels // n_columns)
        size = 2.15 * n_columns, 2.45 * n_rows + (0.3 if self.title else 0)
        self.figure_ = figure or _figure_with_room(size, layout="constrained")
        grid = self.figure_.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax in grid[n_panels:]:
            ax.set_axis_off()
        for ax, (name, values) in zip(grid, self.layers, strict=False):
            _draw_layer(ax, name, values)
        if self.probabilities is not None:
            ax = grid[n_panels - 1]
            _draw_bars(ax, self.probabilities, self.classes)
            ax.set_title("output", fontsize=10, color=INK, pad=4)
            ax.set_xlabel("probability", fontsize=8, color=FAINT, labelpad=2)
        self.axes_ = grid[:n_panels]
        if self.title:
            self.figure_.suptitle(self.title, fontsize=11, parse_math=False)
        return self


@attrs.define(eq=False, kw_only=True)
class FiltersDisplay:
    """The filters of some layers; made by :func:`plot_filters`.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        What was drawn on.
    axes_ : ndarray of shape (n_layers,)
        One matplotlib Axes per layer.
    """

    filters: Sequence[tuple[str, Array]] = attrs.field(repr=False)
    figure_: "Figure | SubFigure" = attrs.field(init=False, repr=False)
    axes_: npt.NDArray[Any] = attrs.field(init=False, repr=False)

    def plot(self, *, figure: "Figure | SubFigure | None" = None) -> Self:
        """Draw the filters, see :func:`plot_filters` for the parameters and the errors."""
        tables = [(name, _filter_table(kernels)) for name, kernels in self.filters]
        heights = [min(max(8.0 * table.shape[0] / table.shape[1], 1.2), 7.0) for _, table in tables]
        self.figure_ = figure or new_figure((8.2, sum(heights) + 0.5 * len(tables)))
        self.axes_ = self.figure_.subplots(len(tables), 1, squeeze=False, height_ratios=heights).ravel()
        for ax, (name, table), (_, kernels) in zip(self.axes_, tables, self.filters, strict=True):
            _show(ax, table, symmetric=True)
            height, width, n_in, n_out = kernels.shape
            ax.set_title(f"{name}: {_counted(n_out, 'filter')} of {width} x {height}", fontsize=10, color=INK, pad=4)
            if n_in > 1:
                ax.set_xlabel("a column for each map of this layer", fontsize=8, color=FAINT)
                ax.set_ylabel("a row for each map\nof the layer before", fontsize=8, color=FAINT)
        return self


def plot_feature_maps(
    layers: Sequence[tuple[str, Array]],
    probabilities: npt.ArrayLike | None = None,
    classes: Sequence[Any] | Array | None = None,
    *,
    title: str | None = None,
    figure: "Figure | SubFigure | None" = None,
) -> FeatureMapsDisplay:
    """Draw what each layer of a network makes of one image: a panel for each layer, and a bar for each class.

    Within a panel a grey means one thing: the smallest value is black, the largest white. Layers without maps are drawn
    as a picture of twelve rows, a pixel for each unit, the way LeCun et al. (1998) think of F6.

    Parameters
    ----------
    layers : sequence of (str, ndarray)
        Name and values: maps of shape (height, width[, n_maps]) or units of shape (n_units,).
    probabilities : array-like of shape (n_classes,), optional
        In [0, 1]. Of more than ten classes the ten most probable are drawn.
    classes : sequence of length n_classes, optional
        The classes' names. 0, 1, 2, ... by default.
    title : str, optional
        What stands above it all.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Draw here. A new figure by default.

    Returns
    -------
    FeatureMapsDisplay
        With ``figure_`` and ``axes_``.

    Raises
    ------
    DataError
        If there is no layer, one has another shape or holds no numbers, or there are not as many classes as
        probabilities.
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    lenetkit.diagnosis.feature_maps : Gives the layers of a pipeline or model.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.plotting import plot_feature_maps
    >>> layers = [("input", np.zeros((28, 28))), ("c1", np.zeros((28, 28, 6))), ("f6", np.zeros(84))]
    >>> display = plot_feature_maps(layers, [0.1, 0.9])
    >>> [ax.get_title() for ax in display.axes_]
    ['input', 'c1', 'f6', 'output']
    """
    named = [(str(name), _numbers(name, values, (1, 2, 3))) for name, values in layers]
    if not named:
        raise DataError("there must be at least one layer to draw; got none.")
    shares = None if probabilities is None else np.asarray(probabilities)
    if shares is not None and shares.ndim != 1:
        raise DataError(f"probabilities must have shape (n_classes,); got {shares.shape}.")
    if classes is not None and (shares is None or len(classes) != len(shares)):
        n_shares = 0 if shares is None else len(shares)
        raise DataError(f"there must be one class per probability: expected {n_shares}; got {len(classes)}.")
    import_matplotlib()
    return FeatureMapsDisplay(layers=named, probabilities=shares, classes=classes, title=title).plot(figure=figure)


def plot_filters(filters: Sequence[tuple[str, Array]], *, figure: "Figure | SubFigure | None" = None) -> FiltersDisplay:
    """Draw the filters that layers slide over their input: mid grey is 0, white adds, black takes away.

    Parameters
    ----------
    filters : sequence of (str, ndarray)
        Layer and kernels of shape (height, width, n_maps_before, n_maps). NaN stands for no connection and stays empty.
        Layers with more than 512 kernels are left out: each would be a speck.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Draw here. A new figure by default.

    Returns
    -------
    FiltersDisplay
        With ``figure_`` and ``axes_``.

    Raises
    ------
    DataError
        If there is nothing that can be drawn, or kernels have another shape.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.plotting import plot_filters
    >>> display = plot_filters([("c1", np.random.default_rng(0).normal(size=(5, 5, 1, 6)))])
    >>> display.axes_[0].get_title()
    'c1: 6 filters of 5 x 5'
    """
    named = [(str(name), _numbers(name, kernels, (4,))) for name, kernels in filters]
    shown = [(name, kernels) for name, kernels in named if kernels.shape[2] * kernels.shape[3] <= _MOST_FILTERS]
    if not shown:
        raise DataError(
            f"there are no filters to draw: {len(named)} layers have some, and each of them more than {_MOST_FILTERS}."
        )
    import_matplotlib()
    return FiltersDisplay(filters=shown).plot(figure=figure)


def _numbers(name: Any, values: Any, n_axes: tuple[int, ...]) -> Array:
    array = np.asarray(values)
    if array.ndim not in n_axes or not array.size or array.dtype.kind not in "buif":
        wanted = " or ".join(map(str, n_axes))
        raise DataError(f"{name} must hold numbers on {wanted} axes; got {array.dtype} of shape {array.shape}.")
    return array.astype(np.float64)


def _draw_layer(ax: "Axes", name: str, values: Array) -> None:
    if values.ndim == 1:
        _show(ax, _as_bitmap(values))
        note = _counted(len(values), "unit")
    else:
        maps = values[..., np.newaxis] if values.ndim == 2 else values
        height, width, n_maps = maps.shape
        _show(ax, _mosaic(maps))
        note = f"{width} x {height}" if n_maps == 1 else f"{n_maps} maps of {width} x {height}"
    ax.set_title(name, fontsize=10, color=INK, pad=4, parse_math=False)
    ax.set_xlabel(note, fontsize=8, color=FAINT, labelpad=3)


def _show(ax: "Axes", picture: Array, *, symmetric: bool = False) -> None:
    finite = picture[np.isfinite(picture)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if symmetric:
        high = max(abs(low), abs(high))
        low = -high
    if low == high:
        # All units rest: that is black, not the middle of the scale.
        high = low + 1
    colours = import_matplotlib().colormaps["gray"].with_extremes(bad=_PAPER)
    ax.imshow(np.ma.masked_invalid(picture), cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _as_bitmap(units: Array) -> Array:
    """Return units row by row in a picture of twelve rows; what is left over in the last stays empty."""
    n_columns = -(-len(units) // _ROWS_OF_UNITS)
    picture = np.full(-(-len(units) // n_columns) * n_columns, np.nan)
    picture[: len(units)] = units
    return picture.reshape(-1, n_columns)


def _mosaic(maps: Array) -> Array:
    """Return maps (height, width, n) side by side, a little wider than high, with gaps between them."""
    height, width, n_maps = maps.shape
    fewest = int(np.ceil(np.sqrt(n_maps)))
    # A number of columns that leaves no row half empty, where there is one.
    n_columns = next((n for n in range(fewest, 2 * fewest) if n_maps % n == 0), fewest)
    n_rows = -(-n_maps // n_columns)
    cells = np.full((n_rows * n_columns, height, width), np.nan)
    cells[:n_maps] = np.moveaxis(maps, 2, 0)
    return _tiled(cells.reshape(n_rows, n_columns, height, width))


def _filter_table(kernels: Array) -> Array:
    """Return kernels as a table: a row for each map below and a column for each map; many of one map in a mosaic."""
    if kernels.shape[2] == 1:
        n_maps = kernels.shape[3]
        n_columns = n_maps if n_maps <= 16 else -(-n_maps // -(-n_maps // 20))
        height, width = kernels.shape[:2]
        cells = np.full((-(-n_maps // n_columns) * n_columns, height, width), np.nan)
        cells[:n_maps] = np.moveaxis(kernels[:, :, 0], 2, 0)
        return _tiled(cells.reshape(-1, n_columns, height, width))
    return _tiled(kernels.transpose(2, 3, 0, 1))


def _tiled(cells: Array) -> Array:
    """Return a grid of pictures (rows, columns, height, width) as one picture."""
    n_rows, n_columns, height, width = cells.shape
    gap = max(1, round(max(height, width) / 14))
    framed = np.full((n_rows, n_columns, height + gap, width + gap), np.nan)
    framed[:, :, :height, :width] = cells
    whole = framed.transpose(0, 2, 1, 3).reshape(n_rows * (height + gap), n_columns * (width + gap))
    return whole[:-gap, :-gap]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
