"""A reading put together from what is said of each line: numbers, boxes, and how sure they are.

In: :class:`LineAnswer` s and what is known of the number. Out: :class:`FoundNumbers`, and of these a :class:`Reading`.
Next: :func:`lenetkit.reading.read_number` gives it out.
"""

import math
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.lazy import lazy
from lenetkit.reading._certainty import LineCalibration, calibrated, features
from lenetkit.reading._ctc import CLASSES, align
from lenetkit.reading._knowledge import Knowledge
from lenetkit.reading._line_answers import LineAnswer
from lenetkit.reading._line_decoding import decode
from lenetkit.reading._outcome import DigitReading, LeftOut, Reading
from lenetkit.reading._segmentation import Array

__all__ = ["FoundNumber", "FoundNumbers", "assemble", "search_line", "select_numbers"]

# Lines of less than this part of the most weight, and all but one that are less probably right, are bits of writing
# beside the number; where there is ink without a character, as letters are, the third holds. Chosen on the composed
# scenes of benchmarks/_scenes.py: higher, whole pages lose lines; with 0.4 to 0.6 for the third as many of 960 scenes
# are right; with 0.6 a page of ten lines lost one. Bits of little weight are named if they are as probable as the last.
_BESIDE, _DOUBTFUL, _DOUBTFUL_WORDS, _WORTH_NAMING = 0.2, 0.4, 0.5, 0.5
# Writing with words below a number that has none, as a note in a register is, must be as sure as this where it weighs
# less than so much of the number: then no line of 300 scenes is lost; from 0.6 on pages lose some.
_NOTE, _SMALLER = 0.9, 0.5
# A long number is less probably right as a whole than a short one, and as plainly a number: the probability counts of
# so many of its digits.
_SHORT = 4
# A number that the network sees with less probability than this is looked at again, in other views of the line.
# Measured on composed lines of held-back hands: below it more than one in ten is wrong.
_LOOK_AGAIN = 0.97


@attrs.frozen(kw_only=True, eq=False, slots=False)
class FoundNumber:
    """The most probable number of a line."""

    answer: LineAnswer
    raw: str
    number: str
    features: Array  # what speaks for it, float64 (8,)
    probability: float  # as the network says it

    @lazy
    def spans(self) -> Array:
        """The columns of each character in the answer, float64 (n_characters, 2)."""
        return align(self.answer.log_probabilities, self.raw)

    @property
    def has_all_ink(self) -> bool:
        """Tell whether all ink of the picture that may be a digit is on its lines and has a character."""
        return self.answer.is_all and self.has_own_ink

    @lazy
    def has_own_ink(self) -> bool:
        """True if each place of ink on the line that may be a digit has a character.

        A character belongs to the place that is nearest to its middle.
        """
        places = self.answer.places
        middles = [float(sum(span)) / 2 for span, sign in zip(self.spans, self.raw, strict=True) if sign != " "]
        owners = {min(places, key=lambda place: abs(sum(place) / 2 - middle)) for middle in middles if places}
        return owners == set(places)

    @property
    def weight(self) -> float:
        """Its likeness to a number that is looked for: by the place of its writing, and by the network."""
        return self.answer.score * math.sqrt(self.probability)

    def find_box(self) -> tuple[int, int, int, int]:
        """Return its box in the picture."""
        boxes = [box for _, _, box in self.locate()]
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def locate(self) -> list[tuple[str, float, tuple[int, int, int, int]]]:
        """Return each character of the text, its probability where it stands, and its box in the picture."""
        found = []
        for character, (first, last) in zip(self.raw, self.spans, strict=True):
            columns = self.answer.log_probabilities[max(0, int(np.floor(first))) : max(1, int(np.ceil(last)))]
            sure = float(np.exp(columns[:, CLASSES.index(character)].max()))
            found.append((character, min(1.0, sure), self.answer.find_box(first, last)))
        return found


@attrs.frozen(kw_only=True, eq=False)
class FoundNumbers:
    """The numbers of a picture, one a line."""

    found: tuple[FoundNumber, ...]  # from top to bottom
    beside: tuple[FoundNumber, ...]  # what is not read, but may be a number
    probability: float  # that all are right, calibrated

    @property
    def text(self) -> str:
        """The digits, line by line."""
        return "\n".join(number.number for number in self.found)

    @property
    def has_all_ink(self) -> bool:
        """Tell whether there are numbers, and these have all ink that may be digits."""
        return bool(self.found) and all(number.has_all_ink for number in self.found)

    @property
    def n_places(self) -> int:
        """Count the places of ink on the lines that may be digits."""
        return sum(len(number.answer.places) for number in self.found)


def search_line(answer: LineAnswer, knowledge: Knowledge) -> FoundNumber | None:
    """Return the most probable number of a line, or None if it has none that agrees with what is known."""
    if not knowledge.names_separators:
        answer = answer.without_hanging_slashes()
    views = [answer.log_probabilities]
    raw, numbers = decode(views, knowledge)
    if not numbers or numbers[0][1] < _LOOK_AGAIN:
        views += answer.look_again()
        raw, numbers = decode(views, knowledge)
    if not numbers or not numbers[0][0]:
        return None
    free = None
    if not knowledge.is_empty:
        best = decode(views)[1]
        free = best[0][1] if best else 0.0
    return FoundNumber(
        answer=answer,
        raw=raw,
        number=numbers[0][0],
        features=features(answer.log_probabilities, raw, numbers, free),
        probability=numbers[0][1],
    )


def select_numbers(
    answers: list[LineAnswer], knowledge: Knowledge, calibration: LineCalibration | None, lines: int | None
) -> FoundNumbers:
    """Return the most probable number of each line that has one.

    Without a calibration the probability is taken as it is said. Bits of writing beside what is much more like a number
    are left out, and of more than `lines` lines the least probable.
    """
    searched = [number for number in (search_line(answer, knowledge) for answer in answers) if number is not None]
    sure = [line.probability if calibration is None else calibrated(line.features, calibration) for line in searched]
    order = sorted(range(len(searched)), key=lambda index: -searched[index].weight)
    kept = order[:1] + [
        index for index in order[1:] if _is_line(searched[index], sure[index], beside=searched[order[0]])
    ]
    if lines is not None:
        kept = order[:lines]
    return FoundNumbers(
        found=tuple(searched[index] for index in sorted(kept)),
        beside=tuple(
            number
            for index, number in enumerate(searched)
            if index not in kept
            and (number.probability >= _WORTH_NAMING or number.weight >= _BESIDE * searched[order[0]].weight)
        ),
        probability=math.prod(sure[index] for index in kept),
    )


def _is_line(number: FoundNumber, sure: float, *, beside: FoundNumber) -> bool:
    """Tell whether a number is a line of its own, or else a bit of writing beside the one of most weight."""
    if number.weight < _BESIDE * beside.weight:
        return False
    sure **= min(1.0, _SHORT / len(number.number))
    if number.has_own_ink:
        return sure >= _DOUBTFUL
    is_note = beside.has_own_ink and number.weight < _SMALLER * beside.weight
    return sure >= (_NOTE if is_note else _DOUBTFUL_WORDS)


def assemble(picture: Array, numbers: FoundNumbers, labels: dict[str, Any], knowledge: Knowledge) -> Reading:
    """Return the reading of a picture with these numbers, each digit with its box.

    `labels` are the pipeline's by their digits; `knowledge` is what the numbers were searched with.
    """
    digits: list[DigitReading] = []
    left_out = [
        LeftOut(box=number.find_box(), reason=f"{number.raw} beside the number", probability=number.probability)
        for number in numbers.beside
    ]
    for line, number in enumerate(numbers.found):
        for character, probability, box in number.locate():
            if character.isdigit():
                digits.append(DigitReading(label=labels[character], probability=probability, box=box, line=line))
            elif character != " ":
                left_out.append(LeftOut(box=box, reason=f"the sign {character}", probability=0.0, line=line))
    return Reading(
        digits=tuple(digits),
        left_out=tuple(left_out),
        image=picture,
        probability=numbers.probability,
        raw="\n".join(number.raw for number in numbers.found),
        answers=tuple(number.answer.log_probabilities for number in numbers.found),
        knowledge=knowledge,
    )
