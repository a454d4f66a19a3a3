"""A reading put together from what is said of each line: numbers, boxes, and how sure they are.

In: :class:`LineAnswer` s and what is known of the number. Out: a :class:`Reading`.
Next: :func:`lenetkit.reading.read_number` gives it out.
"""

import math
from typing import Any

import attrs
import numpy as np

from lenetkit.reading._certainty import LineCalibration, calibrated, features
from lenetkit.reading._ctc import CLASSES, align
from lenetkit.reading._knowledge import Knowledge
from lenetkit.reading._line_answers import LineAnswer
from lenetkit.reading._line_decoding import decode
from lenetkit.reading._outcome import DigitReading, LeftOut, Reading
from lenetkit.reading._segmentation import Array

__all__ = ["FoundNumber", "assemble", "search_line"]

# Lines of less than this part of the most weight, and all but one that are less probably right, are bits of writing
# beside the number. Chosen on the composed scenes of benchmarks/_scenes.py: higher, whole pages lose lines. Bits of
# little weight are named if they are as probable as the third.
_BESIDE, _DOUBTFUL, _WORTH_NAMING = 0.2, 0.4, 0.5
# A number that the network sees with less probability than this is looked at again, in other views of the line.
# Measured on composed lines of held-back hands: below it more than one in ten is wrong.
_LOOK_AGAIN = 0.97


@attrs.frozen(kw_only=True, eq=False)
class FoundNumber:
    """The most probable number of a line."""

    answer: LineAnswer
    raw: str
    number: str
    features: Array  # what speaks for it, float64 (8,)
    probability: float  # as the network says it
    has_all_ink: bool  # a character for each place of ink that may be a digit, and no boxes

    @property
    def weight(self) -> float:
        """Its likeness to a number that is looked for: by the place of its writing, and by the network."""
        return self.answer.score * math.sqrt(self.probability)

    def find_box(self) -> tuple[int, int, int, int]:
        """Return its box in the picture."""
        boxes = [box for _, _, box in _locate(self.answer, self.raw)]
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)


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
    has_all_ink = answer.is_all and not _has_unread_ink(answer, raw)
    return FoundNumber(
        answer=answer,
        raw=raw,
        number=numbers[0][0],
        features=features(answer.log_probabilities, raw, numbers, free),
        probability=numbers[0][1],
        has_all_ink=has_all_ink,
    )


def assemble(
    picture: Array,
    answers: list[LineAnswer],
    knowledge: Knowledge,
    calibration: LineCalibration | None,
    labels: dict[str, Any],
    lines: int | None,
) -> tuple[Reading, bool]:
    """Return the most probable number of each line that has one, and whether these have all ink that may be digits.

    Without a calibration the probability is taken as it is said. `labels` are the pipeline's by their digits. Bits of
    writing beside what is much more like a number are left out, and of more than `lines` lines the least probable.
    """
    searched = [number for number in (search_line(answer, knowledge) for answer in answers) if number is not None]
    sure = [line.probability if calibration is None else calibrated(line.features, calibration) for line in searched]
    kept = _select(searched, sure, lines)
    found = [searched[index] for index in kept]
    most = max((number.weight for number in searched), default=0.0)
    rest = [number for number in searched if number not in found]
    digits: list[DigitReading] = []
    left_out = [
        LeftOut(box=number.find_box(), reason=f"{number.raw} beside the number", probability=number.probability)
        for number in rest
        if number.probability >= _WORTH_NAMING or number.weight >= _BESIDE * most
    ]
    for line, number in enumerate(found):
        for character, probability, box in _locate(number.answer, number.raw):
            if character.isdigit():
                digits.append(DigitReading(label=labels[character], probability=probability, box=box, line=line))
            elif character != " ":
                left_out.append(LeftOut(box=box, reason=f"the sign {character}", probability=0.0, line=line))
    reading = Reading(
        digits=tuple(digits),
        left_out=tuple(left_out),
        image=picture,
        probability=math.prod(sure[index] for index in kept),
        raw="\n".join(line.raw for line in found),
        answers=tuple(line.answer.log_probabilities for line in found),
        knowledge=knowledge,
    )
    return reading, bool(found) and all(number.has_all_ink for number in found)


def _has_unread_ink(answer: LineAnswer, raw: str) -> bool:
    """Tell whether ink of a line that may be a digit has no character."""
    spans = align(answer.log_probabilities, raw)[[character != " " for character in raw]]
    return any(((spans[:, 1] <= left) | (right <= spans[:, 0])).all() for left, right in answer.places)


def _select(searched: list[FoundNumber], sure: list[float], lines: int | None) -> list[int]:
    """Return which lines are read, from top to bottom."""
    order = sorted(range(len(searched)), key=lambda index: -searched[index].weight)
    if lines is not None:
        return sorted(order[:lines])
    least = _BESIDE * searched[order[0]].weight if searched else 0.0
    beside = [index for index in order[1:] if searched[index].weight >= least and sure[index] >= _DOUBTFUL]
    return sorted([*order[:1], *beside])


def _locate(answer: LineAnswer, raw: str) -> list[tuple[str, float, tuple[int, int, int, int]]]:
    """Return each character of a text, its probability where it stands, and its box in the picture."""
    spans = align(answer.log_probabilities, raw)
    found = []
    for character, (first, last) in zip(raw, spans, strict=True):
        columns = answer.log_probabilities[max(0, int(np.floor(first))) : max(1, int(np.ceil(last)))]
        sure = float(np.exp(columns[:, CLASSES.index(character)].max()))
        found.append((character, min(1.0, sure), answer.find_box(first, last)))
    return found
