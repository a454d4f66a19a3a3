"""Reading digit by digit: ink is cut where digits may touch, and the best of all ways to part a line is taken.

In: a picture of one or more numbers, and a fitted pipeline. Out: a :class:`lenetkit.reading.Reading`.
Next: :func:`lenetkit.reading.read_number` chooses between it and the network that reads whole lines.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.budget import spend
from lenetkit.reading._candidates import best_path, compute_posteriors, find_candidates, normalize, score
from lenetkit.reading._doubts import compute_probability
from lenetkit.reading._frames import Cell, find_gaps
from lenetkit.reading._outcome import DigitReading, LeftOut, Reading
from lenetkit.reading._page import Page, find_page
from lenetkit.reading._price import CANDIDATES, CELLS
from lenetkit.reading._segmentation import Array, Piece
from lenetkit.reading._text_lines import Line, find_lines

__all__ = ["UNLIKE_DIGIT", "FittedPipeline", "IsDigit", "read_by_cuts"]

IsDigit: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]

# The reason of a place on a line that is left out.
UNLIKE_DIGIT = "unlike a digit"
# Candidates that are less probably a digit are left out; cuts leave something of the neighbours, so there less will do.
# Set on benchmarks/whole_numbers.py (commits 1250ab0, af88fcb): higher ones lose digits, lower ones keep scrawls.
_NO_DIGIT, _NO_DIGIT_CUT = 0.3, 0.1
# Ink on no line is named from this probability on that it is a digit, and from this size on to the largest height and
# width, in digit heights: lower ones would name every dot and stain. Guarded by tests/reading/test_left_out.py.
_LIKE_A_DIGIT = 0.5
_LOWEST, _HIGHEST, _WIDEST = 0.4, 2.6, 1.5


class FittedPipeline(Protocol):
    """The part of a fitted :class:`lenetkit.pipeline.Pipeline` that reading needs."""

    @property
    def classes_(self) -> npt.NDArray[Any]: ...

    def predict_proba(self, images: Any) -> npt.NDArray[np.float32]: ...


def read_by_cuts(
    picture: Array, pipeline: FittedPipeline, is_digit: IsDigit | None
) -> tuple[Reading, list[list[Array]], bool]:
    """Cut the ink of each line wherever digits may touch, and let the model choose among all ways to part it.

    Returns the reading, the probabilities of all labels for each digit of each line, and whether there are joined
    boxes.
    """
    page = find_page(picture)
    lines, loose = find_lines(page.pieces, page.digit_height, page.cells)
    ways = [_read_line(line, page, pipeline, is_digit) for line in lines]
    spare = _read_loose([*loose, *page.set_aside], page, pipeline, is_digit)
    return *_make_reading(picture, page, ways, spare, pipeline.classes_.tolist()), bool(page.cells)


@attrs.frozen(kw_only=True, eq=False)
class _Place:
    """Ink that is read as one digit, or may be one."""

    piece: Piece
    posterior: float  # probability that it is cut from the line rightly
    probabilities: Array  # of all labels, float32 (n_classes,)
    single: float  # probability that it is one digit; without a gate that of its most probable label
    reason: str | None  # why it is left out; None where it is read


def _read_line(line: Line, page: Page, pipeline: FittedPipeline, is_digit: IsDigit | None) -> list[_Place]:
    """Return the best of all ways to part a line into digits."""
    candidates = find_candidates(line)
    probabilities, singles = _judge([candidate.piece for candidate in candidates], page, pipeline, is_digit)
    scores = score(candidates, probabilities, None if is_digit is None else singles)
    path, posteriors = best_path(candidates, scores), compute_posteriors(candidates, scores)
    way = []
    for index in path:
        least = 0.0 if is_digit is None else _NO_DIGIT_CUT if candidates[index].is_cut else _NO_DIGIT
        place = _Place(
            piece=candidates[index].piece,
            posterior=float(posteriors[index]),
            probabilities=probabilities[index],
            single=float(singles[index]),
            reason=None if singles[index] >= least else UNLIKE_DIGIT,
        )
        way.append(place)
    return way


def _read_loose(
    pieces: Sequence[Piece], page: Page, pipeline: FittedPipeline, is_digit: IsDigit | None
) -> list[_Place]:
    """Return the pieces on no line that are like a digit by their size and by their strokes."""
    height = page.digit_height
    pieces = [
        piece
        for piece in pieces
        if max(piece.height, piece.width) >= _LOWEST * height
        and piece.height <= _HIGHEST * height
        and piece.width <= _WIDEST * height
    ]
    if not pieces:
        return []
    spend(CANDIDATES, len(pieces))
    spend(CELLS, sum(piece.height * piece.width for piece in pieces))
    probabilities, singles = _judge(pieces, page, pipeline, is_digit)
    set_aside = {id(piece) for piece in page.set_aside}
    return [
        _Place(
            piece=piece,
            posterior=1.0,
            probabilities=probabilities[index],
            single=float(singles[index]),
            reason="a blot, or paler than the rest" if id(piece) in set_aside else "on no line of writing",
        )
        for index, piece in enumerate(pieces)
        if singles[index] >= _LIKE_A_DIGIT
    ]


def _judge(
    pieces: Sequence[Piece], page: Page, pipeline: FittedPipeline, is_digit: IsDigit | None
) -> tuple[Array, Array]:
    """Return for each piece the probabilities of all labels, and that it is one digit."""
    images = normalize(pieces, page)
    probabilities = pipeline.predict_proba(images)
    return probabilities, probabilities.max(axis=1) if is_digit is None else is_digit(images)


def _make_reading(
    picture: Array, page: Page, ways: list[list[_Place]], spare: list[_Place], classes: Any
) -> tuple[Reading, list[list[Array]]]:
    written = [way for way in ways if any(place.reason is None for place in way)]
    bands = [(min(place.piece.top for place in way), max(place.piece.bottom for place in way)) for way in written]
    placed: list[tuple[_Place, int | None]] = [(place, line) for line, way in enumerate(written) for place in way]
    placed += [(place, None) for way in ways if way not in written for place in way]
    placed += [(place, _find_line(place.piece, bands)) for place in spare]
    left_out = [
        LeftOut(box=_box(place.piece, page, picture.shape), reason=place.reason, probability=place.single, line=line)
        for place, line in placed
        if place.reason is not None
    ]
    left_out += [
        LeftOut(box=_box(cell, page, picture.shape), reason="an empty box", probability=0.0, line=line)
        for cell in find_gaps(page.cells)
        for line in [_find_line(cell, bands)]
    ]
    read = [(place, line) for place, line in placed if place.reason is None and line is not None]
    digits = [
        DigitReading(
            label=classes[place.probabilities.argmax()],
            probability=float(place.probabilities.max()),
            box=_box(place.piece, page, picture.shape),
            line=line,
        )
        for place, line in read
    ]
    probabilities: list[list[Array]] = [[] for _ in written]
    for place, line in read:
        probabilities[line].append(place.probabilities)
    reading = Reading(
        digits=tuple(digits),
        left_out=tuple(sorted(left_out, key=lambda place: (place.line is None, place.line or 0, place.box[0]))),
        image=picture,
        probability=compute_probability(
            [digit.probability for digit in digits],
            [place.single for place, _ in read],
            [place.posterior for place, _ in read],
            [place.probability for place in left_out],
        ),
    )
    return reading, probabilities


def _find_line(box: Piece | Cell, bands: Sequence[tuple[int, int]]) -> int | None:
    """Return the line whose rows hold the middle of a box; None where there is none."""
    middle = (box.top + box.bottom) / 2
    return next((line for line, (top, bottom) in enumerate(bands) if top <= middle < bottom), None)


def _box(piece: Piece | Cell, page: Page, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return a box of the page in pixels of the image."""
    height, width = shape[:2]
    down, right = height / page.ink.shape[0], width / page.ink.shape[1]
    return (
        int(piece.left * right),
        int(piece.top * down),
        min(width, -int(-piece.right * right // 1)),
        min(height, -int(-piece.bottom * down // 1)),
    )
