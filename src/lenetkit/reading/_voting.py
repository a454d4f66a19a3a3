"""One reading of two: that of whole lines by a network, and that digit by digit.

In: both readings of one picture. Out: the one that counts, with how sure both make it.
Next: :func:`lenetkit.reading.read_number` gives it out.
"""

import re

import attrs

from lenetkit.reading._cut_reading import UNLIKE_DIGIT
from lenetkit.reading._outcome import Box, Reading

__all__ = ["choose"]

# Digits read one by one are preferred if they are surer than this and a whole line lacks some of them, or they stand in
# joined boxes; and if only slashes differ, a whole line being less sure than the second. They make another reading
# doubtful if surer than the third. Chosen on composed lines and scenes, rows of training digits and drawn numbers: in
# pictures of other kinds the way by cuts is not to be trusted farther.
_SURE_OF_LOST, _SURE_OF_SLASHES, _SURE_OF_OTHERS = 0.9, 0.9, 0.8
_SURE_OF_BOXES, _SURE_OF_STROKES = 0.7, 0.7
# A whole line that is less sure than this, and than digits one by one, gives way to as many of these.
_UNSURE = 0.7
# Ink of which the novelty detector thinks less is surely no digit: so few alone are none, more in one place are a
# scribble, and others make a doubt. Real
# digits of a whole line are refused too often to leave them out for it.
_SURELY_NONE, _FEW = 0.15, 2


def choose(by_lines: Reading, by_digits: Reading, in_boxes: bool) -> Reading:
    """Return the reading of whole lines, unless it has nothing or that by digits is to be preferred.

    If both agree it is surer than each; if digits one by one are sure of something else it is less sure. Ink on no line
    and empty boxes, which only the way by cuts looks for, are named in both.
    """
    refused = _find_refused(by_lines, by_digits)
    few = not by_digits.digits and len(refused) == len(by_lines.digits) <= _FEW
    if not by_lines.digits or few or (refused and _is_scribble(by_lines, by_digits)):
        return by_digits
    if refused:
        by_lines = attrs.evolve(by_lines, probability=_weigh(by_lines.probability, min(refused)))
    if not by_digits.digits:
        return by_lines
    lines, digits = by_lines.probability, by_digits.probability
    agree = by_lines.text == by_digits.text
    if agree:
        by_lines = attrs.evolve(by_lines, probability=_weigh(lines, digits))
    elif _prefers_digits(by_lines, by_digits, in_boxes):
        return by_digits
    elif digits > _SURE_OF_OTHERS:
        by_lines = attrs.evolve(by_lines, probability=_weigh(lines, 1 - digits))
    read = [digit.box for digit in by_lines.digits] + [place.box for place in by_lines.left_out]
    more = [
        place
        for place in by_digits.left_out
        if (agree or place.reason != UNLIKE_DIGIT) and not any(_overlaps(place.box, box) for box in read)
    ]
    return attrs.evolve(by_lines, left_out=(*by_lines.left_out, *more))


def _find_refused(by_lines: Reading, by_digits: Reading) -> list[float]:
    """Return how like a digit those of a whole line are that surely are none, if the others are read in both ways."""
    refused = [
        place for place in by_digits.left_out if place.reason == UNLIKE_DIGIT and place.probability < _SURELY_NONE
    ]
    found = [[place for place in refused if _overlaps(digit.box, place.box)] for digit in by_lines.digits]
    kept = [digit.label for digit, places in zip(by_lines.digits, found, strict=True) if not places]
    if kept != [digit.label for digit in by_digits.digits]:
        return []
    return [min(place.probability for place in places) for places in found if places]


def _is_scribble(by_lines: Reading, by_digits: Reading) -> bool:
    """Tell whether many digits of a whole line are one place that is unlike a digit."""
    return any(
        sum(_overlaps(digit.box, place.box) for digit in by_lines.digits) > _FEW
        for place in by_digits.left_out
        if place.reason == UNLIKE_DIGIT and place.probability < _SURELY_NONE
    )


def _prefers_digits(by_lines: Reading, by_digits: Reading, in_boxes: bool) -> bool:
    """Tell whether digits were in joined boxes, or a whole line is less sure of as many, lost some, or saw a slash."""
    sure = by_digits.probability
    has_signs = re.search("[-.,:/]", by_lines.raw) is not None  # which digits one by one take for digits
    strokes = re.sub(r"[^\d\n]", "", by_lines.raw.replace("/", "1"))
    return (
        (in_boxes and sure > _SURE_OF_BOXES)
        or (sure > _SURE_OF_LOST and not has_signs and _is_within(by_lines.lines, by_digits.lines))
        or (by_lines.probability < min(sure, _UNSURE) and _have_one_form(by_lines.lines, by_digits.lines))
        or (sure > _SURE_OF_STROKES and by_lines.probability < _SURE_OF_SLASHES and by_digits.text == strokes)
    )


def _have_one_form(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Tell whether all lines are as long in both, and there are some digits: a rule may pass for one."""
    return [len(line) for line in first] == [len(line) for line in second] and sum(map(len, first)) > _FEW


def _is_within(few: tuple[str, ...], many: tuple[str, ...]) -> bool:
    """Tell whether each line is the other one less some digits."""
    return len(few) == len(many) and all(
        len(own) < len(other) and all(digit in rest for digit in own)
        for own, other, rest in ((own, other, iter(other)) for own, other in zip(few, many, strict=True))
    )


def _weigh(first: float, second: float) -> float:
    """Return the probability that follows from two, as if one knew nothing of the other."""
    right, wrong = first * second, (1 - first) * (1 - second)
    return right / (right + wrong) if right + wrong else 0.0


def _overlaps(first: Box, second: Box) -> bool:
    """Tell whether the middle of one box is in the other."""
    return any(
        one[0] <= (other[0] + other[2]) / 2 < one[2] and one[1] <= (other[1] + other[3]) / 2 < one[3]
        for one, other in ((first, second), (second, first))
    )
