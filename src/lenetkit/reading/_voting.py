"""Several readings of one picture: of the lines that are found, of the picture as one line, and digit by digit.

In: two of one picture. Out: the one that counts, with how sure both make it.
Next: :func:`lenetkit.reading.read_number` gives it out.
"""

import attrs

from lenetkit.reading._assembly import FoundNumbers
from lenetkit.reading._cut_reading import UNLIKE_DIGIT
from lenetkit.reading._outcome import Box, LeftOut, Reading

__all__ = ["choose", "compare", "settle"]

# Digits read one by one that are surer than this make another reading doubtful. Surer than the second, they count where
# a whole line has not looked at their ink; and so many of them, if they are surer than the line, where each is a piece
# of ink. Chosen on composed lines and scenes, rows of training digits and drawn numbers.
_SURE, _SURE_OF_LOST, _APART = 0.9, 0.99, 3
# Lines that are less sure than this, with ink that has no character, are broken strokes. So sure, on average, must each
# digit be where some fill gaps in the lines of a page, as a narrow 1 does. On 250 large numbers and pages that lenetkit
# draws, 300 scenes, 900 lines and 200 pictures of no number three answers changed by these two, and all became right.
_BROKEN, _SURE_EACH = 0.5, 0.996
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
    return attrs.evolve(best, probability=best.probability * (1 - _SHARE * other.probability), rival=other)


def settle(numbers: FoundNumbers, by_digits: Reading) -> FoundNumbers:
    """Return the less sure of two looks at the lines if digits one by one say the same, and both are surer together.

    Of 2,400 composed lines of held-back hands it mended 6 and spoilt 2.
    """
    rival = numbers.rival
    if rival is None or rival.text != by_digits.text.replace(" ", ""):
        return numbers
    both = _weigh(rival.probability, by_digits.probability)
    return rival if both > numbers.probability else numbers


def choose(numbers: FoundNumbers, by_lines: Reading, by_digits: Reading, *, in_boxes: bool) -> Reading:
    """Return the reading of whole lines, unless digits need no cuts, are in joined boxes, or on ink without a line.

    If both agree it is surer than each; if digits one by one are sure of something else it is less sure. Ink on no line
    and empty boxes, which only the way by cuts looks for, are named in both. `numbers` are those of whole lines.
    """
    if by_digits.digits and _prefers_digits(numbers, by_lines, by_digits, in_boxes):
        return by_digits
    read = [digit.box for digit in by_lines.digits] + [place.box for place in by_lines.left_out]
    agree = by_lines.text == by_digits.text
    more = [place for place in by_digits.left_out if agree or place.reason != UNLIKE_DIGIT]
    if not numbers.has_all_ink:
        more += [
            LeftOut(
                box=digit.box,
                reason=_ALONE.format(digit.label),
                probability=digit.probability,
                line=digit.line if by_lines.digits else None,
            )
            for digit in by_digits.digits
        ]
    more = [place for place in more if not any(_overlaps(place.box, box) for box in read)]
    probability = by_lines.probability
    if not by_lines.digits:
        probability = 1 - by_digits.probability if by_digits.digits else by_digits.probability
    elif agree:
        probability = _weigh(probability, max(0.5, by_digits.probability))
    elif by_digits.digits and by_digits.probability > _SURE:
        probability = _weigh(probability, 1 - by_digits.probability)
    return attrs.evolve(by_lines, probability=probability, left_out=(*by_lines.left_out, *more))


def _prefers_digits(numbers: FoundNumbers, by_lines: Reading, by_digits: Reading, in_boxes: bool) -> bool:
    """Tell whether digits read one by one count more than whole lines."""
    if not by_lines.digits:
        return in_boxes and by_digits.probability > 0.5
    if by_digits.probability <= by_lines.probability:
        return False
    is_sure = by_digits.probability > _SURE_OF_LOST
    is_apart = numbers.n_places == len(by_digits.digits) >= _APART
    is_lost = not numbers.has_all_ink and is_sure and _is_within(by_lines.lines, by_digits.lines)
    is_broken = not numbers.has_all_ink and is_sure and by_lines.probability < _BROKEN
    return in_boxes or is_apart or is_lost or is_broken or _fills_gaps(by_lines, by_digits)


def _fills_gaps(by_lines: Reading, by_digits: Reading) -> bool:
    """Tell whether digits one by one are those of several lines, and more, each of them sure."""
    few, many = by_lines.lines, by_digits.lines
    is_more = len(few) == len(many) > 1 and few != many
    sure = by_digits.probability ** (1 / max(1, len(by_digits.digits)))
    return is_more and sure > _SURE_EACH and all(_is_part(*pair) for pair in zip(few, many, strict=True))


def _is_within(few: tuple[str, ...], many: tuple[str, ...]) -> bool:
    """Tell whether each line is the other one less some digits."""
    return len(few) == len(many) and all(
        len(own) < len(other) and _is_part(own, other) for own, other in zip(few, many, strict=True)
    )


def _is_part(own: str, other: str) -> bool:
    """Tell whether a line is another one less some digits, or the same."""
    rest = iter(other)
    return all(digit in rest for digit in own)


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
