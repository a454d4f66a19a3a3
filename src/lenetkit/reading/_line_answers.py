"""Answers to each line of a picture, as log probabilities: of the network for whole lines, or digit by digit.

In: a picture and a :class:`LineReader`, or a reading by digits. Out: :class:`LineAnswer` s.
Next: :mod:`lenetkit.reading._assembly` searches them for numbers.
"""

import itertools
from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.budget import checkpoint
from lenetkit._utils.ndimage import ndimage
from lenetkit.bundle import SavedLineReader
from lenetkit.exceptions import BundleError, SettingError
from lenetkit.reading._certainty import LineCalibration
from lenetkit.reading._ctc import CLASSES, UNTHINKABLE, without_hanging_slashes
from lenetkit.reading._outcome import Box, Reading
from lenetkit.reading._segmentation import Array
from lenetkit.reading._strip_ink import Sheet
from lenetkit.reading._strips import Strip, find_strips, whole_strip
from lenetkit.runtime import SweptPredictor

__all__ = ["LineAnswer", "LineReader", "answer_by_digits", "answer_lines", "answer_whole"]

# Between two strips of one line stands a gap or nothing, either as probable.
_BETWEEN = np.log(0.5)
# Other views of a line, in which more readings are right: how far its writing is leant to the right, and its size.
# Chosen on composed lines of held-back hands among leanings, sizes and widths.
_VIEWS = ((0.15, 1.0), (-0.15, 1.0), (0.0, 0.88), (0.0, 1.12))
# A picture of at most so many rows, and of a width in its heights between these, may be one line as it is.
_LINE_ROWS, _LINE_SHAPE = 200, (0.3, 25)


@attrs.frozen(kw_only=True, eq=False)
class LineReader:
    """The network that reads whole lines, ready to use.

    Parameters
    ----------
    predictor : SweptPredictor
        The network.
    calibration : LineCalibration
        Makes a probability of its answers.
    levels, risks : ndarray of shape (k,)
        Probabilities of whole numbers, and the bound on the error among those at least as probable.

    Examples
    --------
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.pretrained import get_path
    >>> from lenetkit.reading import LineReader
    >>> LineReader.from_saved(read_bundle(get_path("digits")).line_reader).predictor.pitch
    4
    """

    predictor: SweptPredictor
    calibration: LineCalibration
    levels: npt.NDArray[np.float32]
    risks: npt.NDArray[np.float32]

    @classmethod
    def from_saved(cls, saved: SavedLineReader, *, runtime: str | None = None) -> "LineReader":
        """Take what a file holds; a BundleError if it is not what this version reads with.

        `runtime` is that of :class:`~lenetkit.runtime.SweptPredictor`.
        """
        try:
            calibration = LineCalibration(weights=saved.weights[:-1], constant=saved.weights[-1])
        except (SettingError, IndexError) as error:
            raise BundleError(f"the saved pipeline's line reader is of another version: {error}") from error
        if saved.characters != CLASSES:
            raise BundleError(
                f"the saved pipeline's line reader knows the characters {saved.characters!r}; this version of lenetkit "
                f"reads {CLASSES!r}. Install the version that it was saved with."
            )
        return cls(
            predictor=SweptPredictor(saved.tflite, pitch=saved.pitch, runtime=runtime),
            calibration=calibration,
            levels=saved.levels,
            risks=saved.risks,
        )


@attrs.frozen(kw_only=True, eq=False)
class LineAnswer:
    """Answers to the columns of one line, and where these are in the picture."""

    log_probabilities: Array  # (columns, 17)
    find_box: Callable[[float, float], Box]  # of the picture, for two columns
    look_again: Callable[[], list[Array]] = list  # what is said of other views of the line, likewise
    score: float = 1.0  # how much of the picture's writing it is, beside the most
    places: tuple[tuple[float, float], ...] = ()  # first and end column of ink that may be a digit by its size
    is_all: bool = False  # whether all ink of the picture that may be a digit is on its lines, and no boxes part these

    def without_hanging_slashes(self) -> "LineAnswer":
        """Return the answer of which no slash comes first, or last behind a digit: a steep 1 looks like one."""
        answer = without_hanging_slashes(self.log_probabilities)
        look_again = self.look_again
        return attrs.evolve(
            self,
            log_probabilities=answer,
            look_again=lambda: [without_hanging_slashes(view) for view in look_again()],
        )


def answer_lines(picture: Array, reader: LineReader, sheet: Sheet | None = None) -> list[LineAnswer]:
    """Let the network read each line of writing in a picture, from top to bottom."""
    answers = []
    for strip in find_strips(picture, sheet):
        checkpoint()
        answers.append((strip, reader.predictor.log_probabilities(strip.image)))
    by_line = itertools.groupby(answers, key=lambda pair: pair[0].line)
    lines = [[*group] for _, group in by_line]
    return [_join(group, reader.predictor) for group in lines if any(_says_something(answer) for _, answer in group)]


def answer_whole(picture: Array, reader: LineReader, sheet: Sheet | None = None) -> list[LineAnswer]:
    """Let the network read a picture of one line as it is: on strong patterns the search finds no ink, or too much."""
    height, width = picture.shape[:2]
    if height > _LINE_ROWS or not _LINE_SHAPE[0] * height <= width <= _LINE_SHAPE[1] * height:
        return []
    strip = whole_strip(picture, sheet)
    return [_join([(strip, reader.predictor.log_probabilities(strip.image))], reader.predictor)]


def _says_something(answer: Array) -> bool:
    """Return True if a digit is the most probable class of some column."""
    return bool((answer.argmax(axis=1) < 10).any())


def _join(group: list[tuple[Strip, Array]], predictor: SweptPredictor) -> LineAnswer:
    """Return the answers to the strips of one line as one."""
    joined = _put_together([answer for _, answer in group])
    starts = np.cumsum([0, *(len(answer) + 1 for _, answer in group)])[:-1]

    def find_box(first: float, last: float) -> Box:
        index = max(0, int(np.searchsorted(starts, first, side="right")) - 1)
        return group[index][0].box(*(predictor.place(column - starts[index]) for column in (first, last)))

    def look_again() -> list[Array]:
        return [
            _put_together([predictor.log_probabilities(see_otherwise(strip.image, *view)) for strip, _ in group])
            for view in _VIEWS
        ]

    return LineAnswer(
        log_probabilities=joined,
        find_box=find_box,
        look_again=look_again,
        score=max(strip.score for strip, _ in group),
        places=tuple(
            (start + predictor.find_column(left), start + predictor.find_column(right))
            for start, (strip, _) in zip(starts.tolist(), group, strict=True)
            for left, right in strip.places
        ),
        is_all=all(strip.is_all for strip, _ in group),
    )


def _put_together(answers: list[Array]) -> Array:
    """Return the answers to strips that stand beside each other as one, with room for a gap between them."""
    between = np.full((1, len(CLASSES) + 1), UNTHINKABLE, np.float32)
    between[0, [CLASSES.index(" "), -1]] = _BETWEEN
    return np.concatenate([part for answer in answers for part in (between, answer)][1:])


def see_otherwise(line: npt.NDArray[np.uint8], lean: float, size: float) -> npt.NDArray[np.uint8]:
    """Return a line with its writing leant to the right and made larger, of the same height."""
    height, width = line.shape
    middle = (height - 1) / 2
    matrix = np.array([[1 / size, 0.0], [lean / size, 1 / size]])  # from rows and columns of the new line
    start = middle - middle / size, -lean * middle / size
    shape = height, max(1, round(width * size))
    return np.asarray(ndimage.affine_transform(line, matrix, start, output_shape=shape, order=1, mode="nearest"))


def answer_by_digits(reading: Reading, probabilities: list[list[npt.NDArray[np.float32]]]) -> list[LineAnswer]:
    """Return a reading by digits in the form of the network's answers: a column for each digit, between blanks.

    `probabilities` are those of the labels 0 to 9, for each digit of each line.
    """
    answers = []
    for line, rows in enumerate(probabilities):
        boxes = [digit.box for digit in reading.digits if digit.line == line]
        columns = np.full((2 * len(rows) + 1, len(CLASSES) + 1), UNTHINKABLE)
        columns[::2, -1] = 0.0
        columns[1::2, :10] = np.log(np.maximum(rows, np.exp(UNTHINKABLE)))
        answers.append(LineAnswer(log_probabilities=columns, find_box=_BoxOf(boxes)))
    return answers


@attrs.frozen
class _BoxOf:
    """Boxes of digits by their columns."""

    boxes: list[Box]

    def __call__(self, first: float, last: float) -> Box:
        return self.boxes[min(len(self.boxes) - 1, int((first + last) / 2) // 2)]
