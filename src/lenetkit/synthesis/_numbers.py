"""Whole numbers, written by one hand and laid on paper.

In: a text, settings and a seed. Out: a :class:`DrawnNumber`.
"""

import itertools
import math
from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit._utils.validation import check_interval, check_number, check_seed, check_whole, chosen_one
from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis._allographs import STYLES
from lenetkit.synthesis._backgrounds import as_colour
from lenetkit.synthesis._digit_images import form_table
from lenetkit.synthesis._one_hand import join_strokes, write_digits
from lenetkit.synthesis._pen import Trace, lay_ink

__all__ = ["DrawnNumber", "draw_number"]

_MOST_DIGITS, _MOST_PIXELS = 10_000, 100_000_000

# All set by eye beside written numbers; tests/synthesis/test_drawing.py holds what follows from them, and any change
# draws other pixels for every seed. In digit heights: the width of a space, from line to line, and the blank border.
_SPACE, _LINE_PITCH, _MARGIN = 0.6, 1.9, 0.35
# Standard deviations within one hand, in digit heights: of size, height above the line, gaps, and of the line's slope.
_SIZE_SPREAD, _LINE_SPREAD, _GAP_SPREAD, _SLOPE_SPREAD = 0.05, 0.03, 0.04, 0.02
# A pixel of which so much is covered belongs to a digit's box.
_INKED = 0.25
# Steps of the pen that are drawn together: short pieces of a line lie in small boxes.
_RUN = 8
# Rows per digit height in which the distance between neighbours is measured, and the highest above the line.
_ROWS, _HIGHEST = 8, 1.6
# Spots of grain per digit height; contrast and threshold of the grain.
_SPOTS, _GRAIN_CONTRAST, _GRAIN_THRESHOLD = 40, 1.6, 0.3


@attrs.frozen(kw_only=True, eq=False)
class DrawnNumber:
    """A handwritten number and where its digits are; made by :func:`draw_number`.

    Parameters
    ----------
    text : str
        The digits, lines joined by newlines.
    image : ndarray of shape (height, width)
        uint8, ink bright on black.
    boxes : ndarray of shape (k, 4)
        int64, one row (left, top, right, bottom) in pixels for each digit in reading order; right and bottom are just
        outside, as Pillow has it.
    labels : ndarray of shape (k,)
        int64, the digits in the same order.
    baselines : tuple of float
        For each line the row on which its digits stand.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_number
    >>> number = draw_number("42", seed=1)
    >>> number.labels.tolist(), number.boxes.shape
    ([4, 2], (2, 4))
    """

    text: str
    image: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    baselines: tuple[float, ...]

    def on(self, paper: npt.NDArray[np.uint8], *, ink: int | tuple[int, int, int] = 45) -> npt.NDArray[np.uint8]:
        """Return an image of the number on paper, as a scanner or a camera would see it.

        Parameters
        ----------
        paper : ndarray of shape (height, width) or (height, width, 3)
            uint8 of the height and width of `image`, from :func:`draw_paper` or from a photograph.
        ink : int or tuple of three int, default 45
            Grey level or RGB colour of the ink on white paper, 0 to 255; in a shadow it is darker, as paper is.

        Returns
        -------
        ndarray of shape (height, width) or (height, width, 3)
            uint8, dark on light; with colour channels where the paper or the ink has them.

        Raises
        ------
        DataError
            If the paper has another size or type.
        SettingError
            If `ink` is not a colour.

        Examples
        --------
        >>> from lenetkit.synthesis import draw_number, draw_paper
        >>> number = draw_number("1947", style="continental", seed=4)
        >>> paper = draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4)
        >>> picture = number.on(paper, ink=(30, 40, 120))
        >>> picture.shape == (*number.image.shape, 3)
        True
        """
        colour = as_colour("ink", ink)
        paper = np.asarray(paper)
        if paper.dtype != np.uint8 or paper.shape[:2] != self.image.shape or paper.shape[2:] not in ((), (3,)):
            raise DataError(
                f"paper must be uint8 of shape {self.image.shape} or {(*self.image.shape, 3)}, as the image is; got "
                f"{paper.dtype} of shape {paper.shape}. Draw it with draw_paper(*number.image.shape)."
            )
        ground = paper.reshape(*self.image.shape, -1)
        cover = self.image[..., None] / np.float32(255)
        picture = np.rint(ground * (1 - cover * (1 - np.array(colour, np.float32) / 255))).astype(np.uint8)
        return picture if picture.shape[2] == 3 else picture[..., 0]


def draw_number(
    text: str,
    *,
    style: str = "american",
    seed: int = 0,
    height: int = 48,
    pen_width: tuple[float, float] = (0.05, 0.11),
    spacing: float = 0.12,
    grain: float = 0.0,
    variation: float = 1.0,
    joined: float = 0.0,
) -> DrawnNumber:
    r"""Write a number by hand: one hand, its forms, slant and pen the same in all of it.

    Parameters
    ----------
    text : str
        Digits; spaces and newlines part them.
    style : str, default "american"
        Style of the forms, as in :func:`draw_digits`.
    seed : int, default 0
        Decides the hand and the pen, and how each digit comes out.
    height : int, default 48
        Height of the digits in pixels, 12 to 2000.
    pen_width : tuple of two float, default (0.05, 0.11)
        Thinnest and thickest line as fractions of `height`.
    spacing : float, default 0.12
        Mean distance between the ink of neighbours as a fraction of `height`, -0.5 to 3. From about 0 down they touch.
    grain : float, default 0.0
        Strength of the paper's grain in the line, 0 to 1, as with a pencil.
    variation : float, default 1.0
        Variation between hands, from 0 to 2.
    joined : float, default 0.0
        Probability that the pen stays down between two neighbours, as in ``000`` written in one stroke. The stroke
        between them is in neither box.

    Returns
    -------
    DrawnNumber
        With ``image`` (ink bright on black), ``boxes``, ``labels`` and ``baselines``.

    Raises
    ------
    SettingError
        If the text holds anything else or no digit, the style is unknown, a number is out of its range, or the image
        would have more than a hundred million pixels.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_number
    >>> number = draw_number("2024\n17", seed=1)
    >>> number.labels
    array([2, 0, 2, 4, 1, 7])
    >>> len(number.boxes), len(number.baselines)
    (6, 2)
    """
    digits = _checked_digits(text)
    style = chosen_one("style", style, STYLES)
    check_seed(seed)
    check_whole("height", height, 12, 2000)
    check_interval("pen_width", pen_width, 0.01, 0.3)
    for name, value, lowest, most in (
        ("spacing", spacing, -0.5, 3),
        ("grain", grain, 0, 1),
        ("variation", variation, 0, 2),
        ("joined", joined, 0, 1),
    ):
        check_number(name, value, lowest, most)
    trace = write_digits(
        digits.tolist(),
        form_table(style, None, None),
        (RandomStreams("hand", seed, n=10), RandomStreams("number", seed, n=len(digits))),
        pen_width=pen_width,
        variation=variation,
        n_samples=96 + height // 8,
    )
    trace, baselines, size = _set_out(trace, text, spacing, RandomStreams("places", seed, n=len(digits)), variation)
    rows, columns = (math.ceil(side * height) for side in size)
    if rows * columns > _MOST_PIXELS:
        raise SettingError(
            f"text and height would give a picture of {columns} x {rows} pixels; at most {_MOST_PIXELS:,} are drawn. "
            "Take a smaller height or a shorter text."
        )
    ink = np.zeros((rows, columns), np.float32)
    trace = trace.moved(np.full(len(digits), float(height)), np.zeros((len(digits), 2)))
    boxes = np.array([_write(trace, index, ink) for index in range(len(digits))], np.int64)
    for join in _joins(trace, text, joined, seed) if joined else ():
        _write(join, 0, ink)
    return DrawnNumber(
        text=text,
        image=_grained(ink, grain, height, seed),
        boxes=boxes,
        labels=digits,
        baselines=tuple(height * row for row in baselines),
    )


def _checked_digits(text: str) -> npt.NDArray[np.int64]:
    if not isinstance(text, str) or not set(text) <= set("0123456789 \n") or not text.strip():
        raise SettingError(f"text must be digits, spaces and newlines, with at least one digit; got {text!r}.")
    digits = [int(character) for character in text if character.strip()]
    if len(digits) > _MOST_DIGITS:
        raise SettingError(f"text must have at most {_MOST_DIGITS} digits; got {len(digits)}.")
    return np.array(digits, np.int64)


def _set_out(
    trace: Trace, text: str, spacing: float, streams: RandomStreams, variation: float
) -> tuple[Trace, list[float], tuple[float, float]]:
    """Put the digits side by side and the lines below one another; return also the lines' rows and the page's size."""
    sizes = np.exp(variation * _SIZE_SPREAD * streams.normal())
    gaps = spacing + variation * _GAP_SPREAD * streams.normal()
    heights = variation * _LINE_SPREAD * streams.normal()
    slope = variation * _SLOPE_SPREAD * streams.normal()[0]
    # The designs stand on y = 1; now on y = 0.
    trace = trace.moved(sizes, np.stack([np.zeros(streams.n), -sizes], axis=1))
    shifts, index = np.zeros((streams.n, 2)), 0
    lines = text.split("\n")
    for row, line in enumerate(lines):
        edge: Floats | None = None
        pause = 0.0
        for character in line:
            if character == " ":
                pause += _SPACE
            else:
                left, right = _profile(trace.points[index], trace.radii[index])
                at = -left.min() if edge is None else np.max(edge - left) + gaps[index] + pause
                edge, pause = right + at, 0.0
                shifts[index] = at, row * _LINE_PITCH + heights[index] + slope * at
                index += 1
    trace = trace.moved(np.ones(streams.n), shifts)
    low, high = trace.extent()
    corner = low.min(axis=0) - _MARGIN
    width, height = high.max(axis=0) + _MARGIN - corner
    rows = [row * _LINE_PITCH - float(corner[1]) for row in range(len(lines))]
    return trace.moved(np.ones(streams.n), np.tile(-corner, (streams.n, 1))), rows, (height, width)


def _joins(trace: Trace, text: str, joined: float, seed: int) -> Iterator[Trace]:
    """Yield the strokes between neighbours that no space parts, one trace each."""
    chosen = RandomStreams("joins", seed, n=len(trace.points)).uniform(0, 1) < joined
    index = -1
    for here, following in itertools.pairwise(text):
        index += here.isdigit()
        if here.isdigit() and following.isdigit() and chosen[index]:
            left, reached = trace.points[index], trace.points[index + 1]
            ends, ways = np.stack([left[-1], reached[0]]), np.stack([left[-1] - left[-3], reached[2] - reached[0]])
            yield join_strokes(ends[None], ways[None], trace.radii[index].mean(keepdims=True), trace.points.shape[1])


def _profile(points: Floats, radii: Floats) -> tuple[Floats, Floats]:
    """Return how far left and right the ink reaches, in rows from above the digit to below it."""
    rows = np.clip(((points[:, 1] + _HIGHEST) * _ROWS).astype(int), 0, 3 * _ROWS - 1)
    reach = np.full((2, 3 * _ROWS), -np.inf)  # leftwards, so that more is further, and rightwards
    for side, sign in zip(reach, (-1, 1), strict=True):
        np.maximum.at(side, rows, sign * points[:, 0] + radii)
    # A little of the neighbouring rows counts too, and of all rows a bit: no digit slips under another.
    left, right = np.maximum(reach, np.maximum(np.roll(reach, 1, axis=1), np.roll(reach, -1, axis=1)))
    middle = (points[:, 0].min() + points[:, 0].max()) / 2
    return np.minimum(-left, middle), np.maximum(right, middle)


def _write(trace: Trace, index: int, page: npt.NDArray[np.float32]) -> tuple[int, ...]:
    """Write one digit onto the page, a few steps of the pen at a time, and return the box of its ink."""
    corners: list[npt.NDArray[np.int64]] = []
    for start in range(0, trace.down.shape[1], _RUN):
        part = trace.cut(index, start, start + _RUN)
        low, high = part.extent()
        left, top = np.maximum(np.floor(low[0]).astype(int) - 1, 0).tolist()
        right, bottom = np.minimum(np.ceil(high[0]).astype(int) + 1, page.shape[::-1]).tolist()
        ink = lay_ink(part.moved(np.ones(1), np.array([[-left, -top]])), bottom - top, right - left)[0]
        here = page[top:bottom, left:right]
        np.maximum(here, ink, out=here)
        inked = np.argwhere(ink.T > _INKED) + np.array([left, top])
        if len(inked):
            corners += [inked.min(axis=0), inked.max(axis=0) + 1]
    return *np.min(corners, axis=0), *np.max(corners, axis=0)


def _grained(ink: npt.NDArray[np.float32], grain: float, height: int, seed: int) -> npt.NDArray[np.uint8]:
    """Let the paper show through the ink in spots."""
    if grain:
        spot = max(1, round(height / _SPOTS))
        shape = tuple(side // spot + 2 for side in ink.shape)
        coarse = RandomStreams("grain", seed, n=1).generator().random(shape, np.float32)
        noise = np.kron(coarse, np.ones((spot, spot), np.float32))[: ink.shape[0], : ink.shape[1]]
        ink = ink * (1 - grain * np.clip(_GRAIN_CONTRAST * noise - _GRAIN_THRESHOLD, 0, 1))
    return np.asarray(np.rint(ink * 255), np.uint8)
