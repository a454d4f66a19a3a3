"""Several readings of one picture: of the lines that are found, of the picture as one line, and digit by digit.

In: two of one picture. Out: the one that counts, with how sure both make it.
Next: :func:`lenetkit.reading.read_number` gives it out.
"""

import attrs

from lenetkit.reading._assembly import FoundNumbers
from lenetkit.reading._cut_reading import UNLIKE_DIGIT
from lenetkit.reading._outcome import Box, LeftOut, Reading

__all__ = ["choose", "compare"]

# Digits read one by one that are surer than this make another reading doubtful, and count where a whole line has not
# looked at their ink. Chosen on composed lines and scenes, rows of training digits and drawn numbers: there the way by
# cuts, for all its sureness, is wrong more often than a whole line that says something else.
_SURE = 0.9
# So much of its probability a reading loses to another one that is certain of something else.
_SHARE = 0.5
# The reason of a place that only the way by cuts takes for a digit.
_ALONE = "read as {} digit by digit, as nothing in a whole line"


def compare(found: FoundNumbers, whole: FoundNumbers) -> FoundNumbers:
    """Return the more probable numbers: of the lines that were found, or of the picture as one line.

    One sees what the other does not: a digit that was cut off with a border, or lost in a pattern. So both together
    are surer than each, and less sure where they differ.
    """
    if not whole.found or not found.found:
        return found if found.found else whole
    if found.text == whole.text:
        return attrs.evolve(found, probability=_weigh(found.probability, max(0.5, whole.probability)))
    best, other = (whole, found) if whole.probability > found.probability else (found, whole)
    return attrs.evolve(best, probability=best.probability * (1 - _SHARE * other.probability))


def choose(by_lines: Reading, by_digits: Reading, *, in_boxes: bool, has_all_ink: bool) -> Reading:
    """Return the reading of whole lines, unless digits are in joined boxes, or on ink that these do not have.

    If both agree it is surer than each; if digits one by one are sure of something else it is less sure. Ink on no line
    and empty boxes, which only the way by cuts looks for, are named in both.
    """
    if in_boxes:
        prefers_digits = by_digits.probability > (by_lines.probability if by_lines.digits else 0.5)
    else:
        is_lost = bool(by_lines.digits) and not has_all_ink and _is_within(by_lines.lines, by_digits.lines)
        prefers_digits = is_lost and by_digits.probability > _SURE
    if by_digits.digits and prefers_digits:
        return by_digits
    read = [digit.box for digit in by_lines.digits] + [place.box for place in by_lines.left_out]
    agree = by_lines.text == by_digits.text
    more = [
        place
        for place in _doubtful(by_digits, by_lines)
        if (agree or place.reason != UNLIKE_DIGIT) and not any(_overlaps(place.box, box) for box in read)
    ]
    probability = by_lines.probability
    if not by_lines.digits:
        probability = 1 - by_digits.probability if by_digits.digits else by_digits.probability
    elif agree:
        probability = _weigh(probability, max(0.5, by_digits.probability))
    elif by_digits.digits and by_digits.probability > _SURE:
        probability = _weigh(probability, 1 - by_digits.probability)
    return attrs.evolve(by_lines, probability=probability, left_out=(*by_lines.left_out, *more))


def _doubtful(by_digits: Reading, by_lines: Reading) -> list[LeftOut]:
    """Return what the way by cuts leaves out; where whole lines have nothing, what it reads, too."""
    if by_lines.digits:
        return list(by_digits.left_out)
    alone = [
        LeftOut(box=digit.box, reason=_ALONE.format(digit.label), probability=digit.probability)
        for digit in by_digits.digits
    ]
    return [*by_digits.left_out, *alone]


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
