"""Reading of whole numbers: the function that reads an image.

In: an image of one or more numbers, and a fitted pipeline. Out: a :class:`lenetkit.reading.Reading`.
"""

import copy
from collections.abc import Callable, Generator, Iterable
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.machine import count_cores
from lenetkit._utils.validation import check_fraction, check_whole
from lenetkit.datasets import read_image
from lenetkit.exceptions import DataError, SettingError
from lenetkit.reading._assembly import FoundNumbers, assemble, select_numbers
from lenetkit.reading._cut_reading import FittedPipeline, IsDigit, read_by_cuts
from lenetkit.reading._knowledge import Knowledge
from lenetkit.reading._line_answers import LineAnswer, LineReader, answer_by_digits, answer_lines, answer_whole
from lenetkit.reading._many import iter_many, read_many
from lenetkit.reading._outcome import Reading
from lenetkit.reading._price import priced
from lenetkit.reading._segmentation import Array
from lenetkit.reading._strip_ink import find_ink
from lenetkit.reading._voting import choose, compare, settle

__all__ = ["NumberReader", "iter_numbers", "read_number", "read_numbers"]

_DIGITS = "0123456789"
# Lines that are this sure and have all ink need no other look: of 505 of 2,626 composed, drawn and real pictures the
# view as one line mended none of 5 wrong ones, and made 17 right ones doubtful; from 0.99 on fewer could be accepted
# at a low error, as agreeing looks make the difference there. A reading that is less sure than the second is compared
# with that digit by digit. So few digits always are: they may be a scribble.
_CERTAIN, _SURE, _FEW = 0.999, 0.95, 2


def read_number(
    image: Any,
    pipeline: FittedPipeline,
    *,
    is_digit: IsDigit | None = None,
    line_reader: LineReader | None = None,
    reject: float | None = None,
    length: int | tuple[int, int] | None = None,
    pattern: str | None = None,
    among: Iterable[str | int] | None = None,
    check: str | Callable[[str], bool] | None = None,
    lines: int | None = None,
) -> Reading:
    """Read the numbers in one image.

    The lines of writing are found in any light, on any paper, in any colour. A network is swept over each line and says
    at each place which digit or sign stands there; the most probable number is searched in its answer. If it is not
    sure, or has no character for ink that may be a digit, connected ink is cut wherever it may be several digits, and
    the pipeline's model decides which of all ways to part a line into digits is the most probable: it confirms the
    network's reading, makes it doubtful or, in joined boxes and where the network has lost digits, takes its place.
    Without such a network it is the only way.

    Parameters
    ----------
    image : path, bytes, binary file, PIL image or ndarray
        As for :func:`lenetkit.datasets.read_image`: one image, dark ink on light paper or the other way round.
    pipeline : Pipeline
        Fitted; it must know digits as MNIST's are: bright on black, in 28x28 pixels.
    is_digit : callable, optional
        Gives the probability that an image shows one digit and nothing else: from uint8 images of shape (n, 28, 28)
        to float32 of shape (n,). Without it, everything with the size and strokes of a digit counts as one.
    line_reader : LineReader, optional
        The network that reads whole lines; without it numbers are read digit by digit.
    reject : float, optional
        Fraction of wrong readings among those not rejected that is not to be exceeded, above 0 and up to 1. A less
        sure reading is marked as `rejected`, with a reason.
    length : int or tuple of two int, optional
        Number of digits, or the fewest and the most.
    pattern : str, optional
        Form of the number: ``#`` for a digit, digits and the signs ``.,-/:`` and space for themselves, ``?`` behind
        one that may lack: ``"##?/##?/####"`` is a date. With signs in it, the number has these and no others.
    among : iterable of str or int, optional
        The numbers that are possible.
    check : "luhn" or callable, optional
        The check digit of payment cards; or a function that is given the digits and says whether they may be right.
    lines : int, optional
        How many lines of writing have a number; the most probable ones are kept. All that is known holds for each
        line, and is searched for, not filtered out afterwards.

    Returns
    -------
    Reading
        Without digits where the image has none.

    Raises
    ------
    DataError
        If the image cannot be read, or takes more work than its budget: 30,000 pieces of ink, 2,500 candidates for
        digits and 25 million pixels in these, per megapixel of the page that is read (1 to 4 megapixels).
    SettingError
        If `reject`, `length`, `pattern`, `among`, `check` or `lines` is invalid, no number can follow all of them, or
        they are given and the pipeline's labels are not the digits 0 to 9.
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
    >>> read_number(picture, Pipeline.pretrained(), among=[1847, 1957], reject=0.01).rejected
    True
    """
    knowledge = Knowledge(length=length, pattern=pattern, among=among, check=check)
    return NumberReader(pipeline, is_digit, line_reader, knowledge, reject, lines)(image)


def read_numbers(
    images: Any,
    pipeline: FittedPipeline,
    *,
    n_jobs: int | None = None,
    is_digit: IsDigit | None = None,
    line_reader: LineReader | None = None,
    reject: float | None = None,
    length: int | tuple[int, int] | None = None,
    pattern: str | None = None,
    among: Iterable[str | int] | None = None,
    check: str | Callable[[str], bool] | None = None,
    lines: int | None = None,
) -> list[Reading]:
    """Read the numbers in each of many images, several at a time.

    Parameters
    ----------
    images : array-like, path, bytes, binary file, PIL image, pandas.DataFrame, or iterable of these
        As for :func:`lenetkit.datasets.read_images`; pictures of any sizes.
    pipeline, is_digit, line_reader, reject, length, pattern, among, check, lines
        As for :func:`read_number`; they hold for every image.
    n_jobs : int, optional
        Threads that read; by default one for each core. 1 reads one image after the other.

    Returns
    -------
    list of Reading
        In the order of the images.

    Raises
    ------
    DataError
        If some images cannot be read; the message names every one of them.
    SettingError
        If `n_jobs` is not a positive integer, or as for :func:`read_number`.
    NotFittedError
        If the pipeline has not been fitted.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.reading import read_numbers
    >>> from lenetkit.synthesis import draw_number
    >>> pictures = [draw_number(text, seed=4).image for text in ("1947", "2026")]
    >>> [reading.text for reading in read_numbers(pictures, Pipeline.pretrained(), length=4)]
    ['1947', '2026']
    """
    n_threads = _count_threads(n_jobs)
    knowledge = Knowledge(length=length, pattern=pattern, among=among, check=check)
    return read_many(images, NumberReader(pipeline, is_digit, line_reader, knowledge, reject, lines), n_threads)


def iter_numbers(
    images: Any,
    pipeline: FittedPipeline,
    *,
    n_jobs: int | None = None,
    is_digit: IsDigit | None = None,
    line_reader: LineReader | None = None,
    reject: float | None = None,
    length: int | tuple[int, int] | None = None,
    pattern: str | None = None,
    among: Iterable[str | int] | None = None,
    check: str | Callable[[str], bool] | None = None,
    lines: int | None = None,
) -> Generator[tuple[str, Reading | DataError], None, None]:
    """Read the numbers in each of many images as :func:`read_numbers` does, and give out each as soon as it is ready.

    For more images than are to be kept, and where one that cannot be read stops none of the others.

    Parameters
    ----------
    images, pipeline, n_jobs, is_digit, line_reader, reject, length, pattern, among, check, lines
        As for :func:`read_numbers`; all but the images are checked at once.

    Returns
    -------
    iterator of (str, Reading or DataError)
        The name of each image, which is its path or ``images[3]``, in their order, with its reading, or the error.

    Raises
    ------
    SettingError
        As for :func:`read_numbers`.
    NotFittedError
        If the pipeline has not been fitted.

    Examples
    --------
    >>> from lenetkit import Pipeline
    >>> from lenetkit.reading import iter_numbers
    >>> from lenetkit.synthesis import draw_number
    >>> pictures = [draw_number("2026", seed=4).image, "none.png"]
    >>> [(name, type(found).__name__) for name, found in iter_numbers(pictures, Pipeline.pretrained())]
    [('images[0]', 'Reading'), ('none.png', 'DataError')]
    """
    n_threads = _count_threads(n_jobs)
    knowledge = Knowledge(length=length, pattern=pattern, among=among, check=check)
    return iter_many(images, NumberReader(pipeline, is_digit, line_reader, knowledge, reject, lines), n_threads)


def _count_threads(n_jobs: int | None) -> int:
    if n_jobs is None:
        return count_cores()
    check_whole("n_jobs", n_jobs, 1)
    return n_jobs


class NumberReader:
    """A reader of one image after the other, all in the same way; see :func:`read_number` for what it is given."""

    def __init__(
        self,
        pipeline: FittedPipeline,
        is_digit: IsDigit | None,
        line_reader: LineReader | None,
        knowledge: Knowledge,
        reject: float | None,
        lines: int | None,
    ) -> None:
        if reject is not None:
            check_fraction("reject", reject)
        if lines is not None:
            check_whole("lines", lines, 1)
        self._pipeline = copy.copy(pipeline)  # one model answers, whatever other threads do with the pipeline
        self._labels = {str(label): label for label in self._pipeline.classes_.tolist()}
        self._knows_digits = set(self._labels) >= set(_DIGITS)
        if not self._knows_digits and not (knowledge.is_empty and lines is None):
            raise SettingError(
                "length, pattern, among, check and lines are for pipelines whose labels are the digits 0 to 9; this "
                f"one's are {', '.join(list(self._labels)[:12])}. Leave them out."
            )
        self._is_digit = is_digit
        self._line_reader = line_reader if self._knows_digits else None
        self._knowledge, self._reject, self._lines = knowledge, reject, lines

    def __call__(self, image: Any) -> Reading:
        """Read one image."""
        return _read(image, self)

    def read_picture(self, picture: Array) -> Reading:
        """Read a picture, as an array."""
        numbers = self._read_lines(picture)
        if numbers is None:
            reading, _ = self._read_digits(picture)
        else:
            reading = assemble(picture, numbers, self._labels, self._knowledge)
            if numbers.probability < _SURE or len(reading.digits) <= _FEW or not numbers.has_all_ink:
                by_digits, in_boxes = self._read_digits(picture)
                settled = settle(numbers, by_digits)
                if settled is not numbers:
                    numbers, reading = settled, assemble(picture, settled, self._labels, self._knowledge)
                reading = choose(numbers, reading, by_digits, in_boxes=in_boxes)
        return reading if self._reject is None else _judge(reading, self._reject, self._line_reader, self._lines)

    def _read_lines(self, picture: Array) -> FoundNumbers | None:
        """Return the numbers of whole lines; None where there is no network for it."""
        if self._line_reader is None:
            return None
        sheet = find_ink(picture)
        numbers = self._select(answer_lines(picture, self._line_reader, sheet))
        is_certain = numbers.probability >= _CERTAIN and numbers.has_all_ink
        if self._lines in (None, 1) and not is_certain:
            numbers = compare(numbers, self._select(answer_whole(picture, self._line_reader, sheet)))
        return numbers

    def _select(self, answers: list[LineAnswer]) -> FoundNumbers:
        calibration = None if self._line_reader is None else self._line_reader.calibration
        return select_numbers(answers, self._knowledge, calibration, self._lines)

    def _read_digits(self, picture: Array) -> tuple[Reading, bool]:
        """Return the reading digit by digit, and whether there are joined boxes.

        Rules for the number choose among the labels, not among the cuts.
        """
        reading, probabilities, in_boxes = read_by_cuts(picture, self._pipeline, self._is_digit)
        if not self._knows_digits:
            return reading, in_boxes
        names = [*self._labels]
        order = [names.index(digit) for digit in _DIGITS]
        answers = answer_by_digits(reading, [[row[order] for row in rows] for rows in probabilities])
        if self._knowledge.is_empty and self._lines is None:
            return attrs.evolve(reading, answers=tuple(answer.log_probabilities for answer in answers)), in_boxes
        known = select_numbers(answers, self._knowledge, None, self._lines)
        free = select_numbers(answers, Knowledge(), None, None)
        share = min(1.0, known.probability / free.probability) if known.found and free.found else 0.0
        read = assemble(picture, known, self._labels, self._knowledge)
        return attrs.evolve(read, left_out=reading.left_out, probability=share * reading.probability), in_boxes


@priced
def _read(image: Any, reader: NumberReader) -> Reading:
    return reader.read_picture(read_image(image))


def _judge(reading: Reading, reject: float, reader: LineReader | None, lines: int | None) -> Reading:
    """Mark a reading as rejected where it is not sure enough."""
    found = len(reading.lines)
    if not reading.digits:
        reason = "there is no number in the picture."
    elif lines is not None and found < lines:
        reason = f"only {found} of {lines} lines have a number."
    elif reading.probability < _find_threshold(reject, reader):
        reason = f"the reading is right with a probability of {reading.probability:.2g} only."
    else:
        return reading
    return attrs.evolve(reading, rejected=True, reason=reason)


def _find_threshold(reject: float, reader: LineReader | None) -> float:
    """Return the lowest probability to accept; infinite where no such error was ever seen kept."""
    if reader is None:
        return 1 - reject
    kept = np.flatnonzero(reader.risks <= reject)
    return float(reader.levels[kept[-1]]) if len(kept) else np.inf
