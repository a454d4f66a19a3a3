"""Feature maps of one image layer by layer, and the filters of the layers."""

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import FAINT, INK, AnyFigure, Array, Axes, FigureDisplay, import_matplotlib, new_figure
from lenetkit.plotting._panels import PanelsDisplay, as_probabilities
from lenetkit.plotting._pixels import finite_range

__all__ = ["FeatureMapsDisplay", "FiltersDisplay", "counted", "layer_picture", "plot_feature_maps", "plot_filters"]

# A layer of units is drawn as a picture of twelve rows, as the paper draws F6: 84 = 7 x 12.
_ROWS_OF_UNITS = 12
# More filters than these are grey specks.
_MOST_FILTERS = 512
_PAPER = "#e8edf2"


@attrs.define(eq=False, kw_only=True)
class FeatureMapsDisplay(PanelsDisplay):
    """One image, layer by layer, a panel for each; made by :func:`plot_feature_maps`."""

    layers: Sequence[tuple[str, Array]] = attrs.field(repr=False)

    def _draw(self, figure: "AnyFigure | None") -> None:
        n_panels = len(self.layers) + (self.probabilities is not None)
        # Two rows of four for LeNet-5; three rows at most for what has more layers.
        n_columns = n_panels if n_panels <= 4 else max(4, -(-n_panels // (2 if n_panels <= 10 else 3)))
        size = 2.15 * n_columns, 2.45 * -(-n_panels // n_columns)
        self._lay_out(figure, n_panels, n_columns, size, compress=False)
        for ax, (name, values) in zip(self.axes_, self.layers, strict=False):
            picture, note = layer_picture(values)
            _show(ax, picture)
            ax.set_title(name, fontsize=10, color=INK, pad=4, parse_math=False)
            ax.set_xlabel(note, fontsize=8, color=FAINT, labelpad=3)
        if self.probabilities is not None:
            self.axes_[-1].set_title("output", fontsize=10, color=INK, pad=4)
            self.axes_[-1].set_xlabel("probability", fontsize=8, color=FAINT, labelpad=2)


@attrs.define(eq=False, kw_only=True)
class FiltersDisplay(FigureDisplay):
    """The filters of some layers, a panel for each; made by :func:`plot_filters`."""

    filters: Sequence[tuple[str, Array]] = attrs.field(repr=False)

    def _draw(self, figure: "AnyFigure | None") -> None:
        tables = [(name, _filter_table(kernels)) for name, kernels in self.filters]
        heights = [min(max(8.0 * table.shape[0] / table.shape[1], 1.2), 7.0) for _, table in tables]
        self.figure_ = figure or new_figure((8.2, sum(heights) + 0.5 * len(tables)))
        self.axes_ = self.figure_.subplots(len(tables), 1, squeeze=False, height_ratios=heights).ravel()
        for ax, (name, table), (_, kernels) in zip(self.axes_, tables, self.filters, strict=True):
            _show(ax, table, symmetric=True)
            height, width, n_in, n_out = kernels.shape
            ax.set_title(f"{name}: {counted(n_out, 'filter')} of {width} x {height}", fontsize=10, color=INK, pad=4)
            if n_in > 1:
                ax.set_xlabel("a column for each map of this layer", fontsize=8, color=FAINT)
                ax.set_ylabel("a row for each map\nof the layer before", fontsize=8, color=FAINT)


def plot_feature_maps(
    layers: Sequence[tuple[str, Array]],
    probabilities: npt.ArrayLike | None = None,
    classes: Sequence[Any] | Array | None = None,
    *,
    title: str | None = None,
    figure: "AnyFigure | None" = None,
) -> FeatureMapsDisplay:
    """Draw the feature maps of one image: a panel for each layer of a network, and a bar for each class.

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
        Text above it all.

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
    return FeatureMapsDisplay(
        layers=named, probabilities=as_probabilities(probabilities, classes), classes=classes, title=title
    ).plot(figure=figure)


def plot_filters(filters: Sequence[tuple[str, Array]], *, figure: "AnyFigure | None" = None) -> FiltersDisplay:
    """Draw the filters that layers slide over their input: mid grey is 0, white adds, black takes away.

    Parameters
    ----------
    filters : sequence of (str, ndarray)
        Layer and kernels of shape (height, width, n_maps_before, n_maps). NaN stands for no connection and stays empty.
        Layers with more than 512 kernels are left out: each would be a speck.

    Raises
    ------
    DataError
        If there is nothing to draw, or kernels have another shape.
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
    return FiltersDisplay(filters=shown).plot(figure=figure)


def _numbers(name: Any, values: Any, n_axes: tuple[int, ...]) -> Array:
    array = np.asarray(values)
    if array.ndim not in n_axes or not array.size or array.dtype.kind not in "buif":
        wanted = " or ".join(map(str, n_axes))
        raise DataError(f"{name} must hold numbers on {wanted} axes; got {array.dtype} of shape {array.shape}.")
    return array.astype(np.float64)


def layer_picture(values: Array) -> tuple[Array, str]:
    """Return a layer's values as one grey picture, NaN where it is empty, and their number and size in words.

    Parameters
    ----------
    values : ndarray of shape (n_units,), (height, width) or (height, width, n_maps)
        Units become a picture of twelve rows; maps stand side by side with gaps between them.
    """
    if values.ndim == 1:
        n_columns = -(-len(values) // _ROWS_OF_UNITS)
        return _padded(values, n_columns).reshape(-1, n_columns), counted(len(values), "unit")
    maps = values[..., np.newaxis] if values.ndim == 2 else values
    height, width, n_maps = maps.shape
    fewest = int(np.ceil(np.sqrt(n_maps)))
    # A number of columns that leaves no row half empty, where there is one.
    n_columns = next((n for n in range(fewest, 2 * fewest) if n_maps % n == 0), fewest)
    size = f"{width} x {height}"
    return _mosaic(maps, n_columns), size if n_maps == 1 else f"{n_maps} maps of {size}"


def _show(ax: "Axes", picture: Array, *, symmetric: bool = False) -> None:
    low, high = finite_range(picture)
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


def _mosaic(maps: Array, n_columns: int) -> Array:
    """Return maps (height, width, n) side by side, row by row."""
    cells = _padded(np.moveaxis(maps, 2, 0), n_columns)
    return _tiled(cells.reshape(-1, n_columns, *maps.shape[:2]))


def _padded(cells: Array, n_columns: int) -> Array:
    """Return cells (n, ...) with as many empty ones, NaN, as make the last row whole."""
    empty = np.full((-len(cells) % n_columns, *cells.shape[1:]), np.nan)
    return np.concatenate([cells, empty])


def _filter_table(kernels: Array) -> Array:
    """Return kernels as a table: a row for each map below and a column for each map; many of one map in a mosaic."""
    if kernels.shape[2] == 1:
        n_maps = kernels.shape[3]
        # Up to 16 filters in one row, more in rows of 20 at most, all about equally long.
        return _mosaic(kernels[:, :, 0], n_maps if n_maps <= 16 else -(-n_maps // -(-n_maps // 20)))
    return _tiled(kernels.transpose(2, 3, 0, 1))


def _tiled(cells: Array) -> Array:
    """Return a grid of images (rows, columns, height, width) as one picture, with gaps."""
    n_rows, n_columns, height, width = cells.shape
    gap = max(1, round(max(height, width) / 14))
    framed = np.full((n_rows, n_columns, height + gap, width + gap), np.nan)
    framed[:, :, :height, :width] = cells
    whole = framed.transpose(0, 2, 1, 3).reshape(n_rows * (height + gap), n_columns * (width + gap))
    return whole[:-gap, :-gap]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
