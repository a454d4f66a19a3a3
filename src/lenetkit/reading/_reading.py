"""Reading of whole numbers: the function that reads an image, and its result.

In: an image of one or more numbers, and a fitted pipeline. Out: a :class:`Reading`.
"""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.html import card, png_uri, text
from lenetkit.datasets import read_image
from lenetkit.reading._candidates import best_path, find_candidates, normalize, score
from lenetkit.reading._page import Page, find_page
from lenetkit.reading._segmentation import Piece
from lenetkit.reading._text_lines import Line, find_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lenetkit.plotting import ReadingDisplay

__all__ = ["DigitReading", "Reading", "read_number"]

IsDigit: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]

# Candidates that are less probably a digit are left out; cuts leave something of the neighbours, so there less will do.
# Set on benchmarks/whole_numbers.py (commits 1250ab0, af88fcb): higher ones lose digits, lower ones keep scrawls.
_NO_DIGIT, _NO_DIGIT_CUT = 0.3, 0.1

# Pixels of the longer side of the picture that a notebook shows.
_LARGEST_PICTURE = 480


class _Pipeline(Protocol):
    """The part of a fitted :class:`lenetkit.pipeline.Pipeline` that reading needs."""

    @property
    def classes_(self) -> npt.NDArray[Any]: ...

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]: ...


@attrs.frozen(kw_only=True)
class DigitReading:
    """One digit in an image.

    Parameters
    ----------
    label : int or str
        One of the pipeline's labels.
    probability : float
        Of that label, 0 to 1.
    box : tuple of int
        Left, top, right and bottom in pixels of the image; right and bottom are just outside, as Pillow has it.
    line : int
        Index of its line, 0 for the topmost.

    Examples
    --------
    >>> from lenetkit.reading import DigitReading
    >>> DigitReading(label=4, probability=0.99, box=(10, 5, 30, 40), line=0)
    DigitReading(label=4, probability=0.99, box=(10, 5, 30, 40), line=0)
    """

    label: Any
    probability: float
    box: tuple[int, int, int, int]
    line: int


@attrs.frozen(kw_only=True, eq=False)
class Reading:
    """The digits in an image in reading order; made by :func:`read_number`.

    Parameters
    ----------
    digits : tuple of DigitReading
        From left to right, line by line.
    image : ndarray of shape (height, width) or (height, width, 3)
        uint8.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.reading import DigitReading, Reading
    >>> four = DigitReading(label=4, probability=0.99, box=(10, 5, 30, 40), line=0)
    >>> two = DigitReading(label=2, probability=0.98, box=(36, 6, 58, 41), line=0)
    >>> reading = Reading(digits=(four, two), image=np.zeros((50, 70), np.uint8))
    >>> reading.text
    '42'
    >>> reading.to_dict()["digits"][0]
    {'label': 4, 'probability': 0.99, 'box': [10, 5, 30, 40], 'line': 0}
    """

    digits: tuple[DigitReading, ...]
    image: npt.NDArray[np.uint8] = attrs.field(repr=False)

    @property
    def lines(self) -> tuple[str, ...]:
        """The text of each line, from top to bottom; empty where there is no digit."""
        count = max((digit.line for digit in self.digits), default=-1) + 1
        return tuple("".join(str(digit.label) for digit in self.digits if digit.line == line) for line in range(count))

    @property
    def text(self) -> str:
        r"""The lines, joined by ``"\n"``."""
        return "\n".join(self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: ``text``, ``lines`` and ``digits``, each a :class:`DigitReading` as a dict.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> Pipeline.pretrained().read_number(draw_number("1947", seed=4).image).to_dict()["text"]
        '1947'
        """
        digits = [{**attrs.asdict(digit), "box": list(digit.box)} for digit in self.digits]
        return {"text": self.text, "lines": list(self.lines), "digits": digits}

    def _repr_html_(self) -> str:
        height, width = self.image.shape[:2]
        scale = min(1.0, _LARGEST_PICTURE / max(height, width))
        size = max(height, width) / 22
        marks = "".join(
            f"<rect x='{left}' y='{top}' width='{right - left}' height='{bottom - top}' fill='none' stroke='#0072B2' "
            f"stroke-width='{size / 9:.2f}'/><text x='{(left + right) / 2}' y='{max(top - size / 6, size):.1f}' "
            f"fill='#0072B2' font-size='{size:.1f}' font-weight='bold' text-anchor='middle'>{text(digit.label)}</text>"
            for digit in self.digits
            for left, top, right, bottom in [digit.box]
        )
        picture = (
            f"<svg viewBox='0 0 {width} {height}' width='{width * scale:.0f}' style='max-width:100%;height:auto'>"
            f"<image href='{png_uri(self.image, _LARGEST_PICTURE)}' width='{width}' height='{height}'/>{marks}</svg>"
        )
        lines = "<br>".join(map(text, self.lines)) or "<i>no number</i>"
        return card(f"<div style='font-size:140%;font-weight:600'>{lines}</div>{picture}")

    def plot(self, *, ax: "Axes | None" = None) -> "ReadingDisplay":
        """Draw the image with a box around each digit and its label; see :func:`lenetkit.plotting.plot_reading`.

        Examples
        --------
        >>> from lenetkit import Pipeline
        >>> from lenetkit.synthesis import draw_number
        >>> display = Pipeline.pretrained().read_number(draw_number("1947", seed=4).image).plot()
        >>> [text.get_text() for text in display.ax_.texts]
        ['1', '9', '4', '7']
        """
        from lenetkit.plotting import plot_reading

        return plot_reading(
            self.image,
            [digit.box for digit in self.digits],
            [digit.label for digit in self.digits],
            [digit.probability for digit in self.digits],
            ax=ax,
        )


def read_number(image: Any, pipeline: _Pipeline, *, is_digit: IsDigit | None = None) -> Reading:
    """Read the numbers in one image.

    The ink is found in any light, on any paper, in any colour; ruled and dotted lines, frames, specks and shadows are
    left out. Connected ink is cut wherever it may be several digits, neighbours are tried together, and the pipeline's
    model decides which of all ways to part a line into digits is the most probable.

    Parameters
    ----------
    image : path, bytes, binary file, PIL image or ndarray
        As for :func:`lenetkit.datasets.read_image`: one image, dark ink on light paper or the other way round.
    pipeline : Pipeline
        Fitted; it must know digits as MNIST's are: bright on black, in 28x28 pixels.
    is_digit : callable, optional
        Gives the probability that an image shows one digit and nothing else: from uint8 images of shape (n, 28, 28)
        to float32 of shape (n,). Without it, everything with the size and strokes of a digit counts as one.

    Returns
    -------
    Reading
        Without digits where the image has none.

    Raises
    ------
    DataError
        If the image cannot be read.
    NotFittedError
        If the pipeline has not been fitted.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.synthesis import draw_number, draw_paper
    >>> from lenetkit.reading import read_number
    >>> number = draw_number("1947", seed=4)
    >>> picture = number.on(draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4))
    >>> read_number(picture, Pipeline.pretrained()).text
    '1947'
    """
    pipeline = copy.copy(pipeline)  # one model answers, whatever other threads fit the pipeline to
    picture = read_image(image)
    classes = pipeline.classes_.tolist()
    page = find_page(picture)
    lines = [_read_line(line, page, pipeline, is_digit) for line in find_lines(page.pieces, page.digit_height)]
    digits = tuple(
        DigitReading(
            label=classes[probabilities.argmax()],
            probability=float(probabilities.max()),
            box=_box(piece, page, picture.shape),
            line=index,
        )
        for index, line in enumerate(filter(None, lines))
        for piece, probabilities in line
    )
    return Reading(digits=digits, image=picture)


def _read_line(
    line: Line, page: Page, pipeline: _Pipeline, is_digit: IsDigit | None
) -> list[tuple[Piece, npt.NDArray[np.float32]]]:
    """Return the digits of a line and the probabilities of all labels for each."""
    candidates = find_candidates(line)
    images = normalize(candidates, page)
    probabilities = pipeline.predict_proba(images)
    singles = None if is_digit is None else is_digit(images)
    path = best_path(candidates, score(candidates, probabilities, singles))
    if singles is not None:
        lowest = [_NO_DIGIT_CUT if candidate.is_cut else _NO_DIGIT for candidate in candidates]
        path = [index for index in path if singles[index] >= lowest[index]]
    return [(candidates[index].piece, probabilities[index]) for index in path]


def _box(piece: Piece, page: Page, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return a piece's box in pixels of the image."""
    height, width = shape[:2]
    down, right = height / page.ink.shape[0], width / page.ink.shape[1]
    return (
        int(piece.left * right),
        int(piece.top * down),
        min(width, -int(-piece.right * right // 1)),
        min(height, -int(-piece.bottom * down // 1)),
    )
