"""Grids of digits."""

from collections.abc import Sequence
from typing import Any

import attrs
import numpy.typing as npt

from lenetkit._utils.validation import check_whole
from lenetkit.exceptions import DataError
from lenetkit.plotting._canvas import INK, AnyFigure, FigureDisplay, draw_pixels, new_figure, panels
from lenetkit.plotting._pixels import check_image, value_range

__all__ = ["DigitsDisplay", "plot_digits"]


@attrs.define(eq=False, kw_only=True)
class DigitsDisplay(FigureDisplay):
    """A grid of digits in reading order with a line of text above each; made by :func:`plot_digits`."""

    images: Sequence[Any] | npt.NDArray[Any] = attrs.field(repr=False)
    titles: Sequence[Any] | npt.NDArray[Any] | None = attrs.field(default=None, repr=False)
    title: str | None = None
    n_columns: int = 10
    max_images: int = 50

    def _draw(self, figure: "AnyFigure | None") -> None:
        shown = [check_image(self.images[row], row) for row in range(min(len(self.images), self.max_images))]
        titles = None if self.titles is None else [str(self.titles[row]) for row in range(len(shown))]
        n_columns = max(1, min(self.n_columns, len(shown)))
        n_rows = max(1, -(-len(shown) // n_columns))
        rest = f"the first {len(shown)} of {len(self.images)}" if shown and len(shown) < len(self.images) else None
        heading = ", ".join(part for part in (self.title, rest) if part) or ("" if shown else "no images")
        side, lines = _tile(titles or [])
        height = n_rows * (side + 0.17 * lines) + (0.35 if heading else 0)
        self.figure_ = figure or new_figure((max((side + 0.02) * n_columns, 3.5), height), layout="compressed")
        self.axes_ = panels(self.figure_, len(shown), n_columns)
        low, high = value_range(shown)
        for ax, pixels in zip(self.axes_, shown, strict=True):
            draw_pixels(ax, pixels, low, high)
        for ax, text in zip(self.axes_, titles or [], strict=False):
            ax.set_title(text, fontsize=9, color=INK, pad=3)
        if heading:
            self.figure_.suptitle(heading, fontsize=11)


def plot_digits(
    images: Sequence[Any] | npt.NDArray[Any],
    titles: Sequence[Any] | npt.NDArray[Any] | None = None,
    *,
    title: str | None = None,
    n_columns: int = 10,
    max_images: int = 50,
    figure: "AnyFigure | None" = None,
) -> DigitsDisplay:
    """Draw digits in a grid, every pixel as it is stored: 0 is black, 255 (or 1.0) is white.

    Parameters
    ----------
    images : ndarray of shape (n, h, w[, c]) or sequence of arrays of shape (h, w[, c])
        uint8 in [0, 255], or floats, usually in [0, 1]; floats outside are drawn from their smallest to their
        largest value. One, three or four channels. No images at all give an empty figure that says so.
    titles : sequence of length n, optional
        Text above each digit, for example the labels.
    title : str, optional
        Text above the whole grid.
    n_columns : int
        Digits per row.
    max_images : int
        Draw no more than so many; the heading then says how many there are.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Give it ``layout="compressed"``.

    Raises
    ------
    DataError
        If an image has another shape or dtype, or there are not as many titles as images.
    SettingError
        If ``n_columns`` or ``max_images`` is not a positive integer.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.plotting import plot_digits
    >>> images = np.zeros((3, 28, 28), np.uint8)
    >>> display = plot_digits(images, titles=[7, 2, 1])
    >>> [ax.get_title() for ax in display.axes_]
    ['7', '2', '1']
    """
    check_whole("n_columns", n_columns, 1)
    check_whole("max_images", max_images, 1)
    if titles is not None and len(titles) != len(images):
        raise DataError(f"there must be one title per image: expected {len(images)}; got {len(titles)}.")
    return DigitsDisplay(
        images=images, titles=titles, title=title, n_columns=int(n_columns), max_images=int(max_images)
    ).plot(figure=figure)


def _tile(titles: list[str]) -> tuple[float, int]:
    """Return the inches that a digit gets, so that the titles of neighbours don't overlap, and the lines of text."""
    lines = [line for title in titles for line in title.splitlines()]
    longest = max(map(len, lines), default=0)
    return min(max(0.84, 0.08 * longest), 2.0), max((title.count("\n") + 1 for title in titles), default=0)
