"""A whole line and digits one by one: which of both counts, and how sure it is."""

import attrs
import numpy as np
import pytest
from tests.reading.line_answers import answer_for

from lenetkit.reading import DigitReading, LeftOut, Reading
from lenetkit.reading._assembly import FoundNumbers, select_numbers
from lenetkit.reading._cut_reading import UNLIKE_DIGIT
from lenetkit.reading._knowledge import Knowledge
from lenetkit.reading._line_answers import LineAnswer
from lenetkit.reading._voting import choose, compare, settle


def reading(text: str, probability: float, *left_out: LeftOut) -> Reading:
    """Return a reading of one line, a digit every 20 pixels."""
    digits = tuple(
        DigitReading(label=int(digit), probability=0.9, box=(20 * index, 0, 20 * index + 15, 20), line=0)
        for index, digit in enumerate(text)
        if digit != " "
    )
    return Reading(digits=digits, left_out=left_out, image=np.zeros((20, 200), np.uint8), probability=probability)


def place(left: int, reason: str = "on no line of writing") -> LeftOut:
    return LeftOut(box=(left, 0, left + 15, 20), reason=reason, probability=0.6)


def voted(
    lines: Reading, digits: Reading, *, in_boxes: bool = False, has_all_ink: bool = True, n_places: int = 1
) -> Reading:
    places = [(float(index), index + 1.0) for index in range(n_places)]
    answer = LineAnswer(
        log_probabilities=answer_for(lines.text),
        find_box=lambda first, last: (0, 0, 1, 1),
        places=tuple(places if has_all_ink else [*places, (50.0, 60.0)]),
        is_all=True,
    )
    numbers = select_numbers([answer] if lines.digits else [], Knowledge(), None, None)
    return choose(numbers, lines, digits, in_boxes=in_boxes)


def test_digits_apart_that_are_surer_count() -> None:
    """Each is one piece of ink, so that nothing was cut; with fewer pieces some were."""
    assert voted(reading("4711", 0.7), reading("4771", 0.8), n_places=4).text == "4771"
    assert voted(reading("4711", 0.8), reading("4771", 0.7), n_places=4).text == "4711"
    assert voted(reading("4711", 0.7), reading("4771", 0.8), n_places=3).text == "4711"
    assert voted(reading("41", 0.7), reading("47", 0.8), n_places=2).text == "41"


def test_both_together_are_surer_than_each() -> None:
    found = voted(reading("471", 0.8), reading("471", 0.9))
    assert found.text == "471"
    assert found.probability > 0.95
    # Digits that are less sure than not take nothing away where they are the same.
    assert voted(reading("471", 0.8), reading("471", 0.1)).probability == pytest.approx(0.8)


@pytest.mark.parametrize(("sure", "doubted"), [(0.89, False), (0.91, True)])
def test_sure_digits_make_another_line_doubtful(sure: float, doubted: bool) -> None:
    """The line counts all the same."""
    found = voted(reading("471", 0.93), reading("411", sure))
    assert found.text == "471"
    assert (found.probability < 0.9) == doubted


@pytest.mark.parametrize(
    ("line", "digits", "sure", "has_all_ink", "text"),
    [
        ("41", "471", 0.995, False, "471"),
        ("41", "471", 0.985, False, "41"),
        ("41", "471", 0.995, True, "41"),
        ("47", "411", 0.995, False, "47"),
        ("471", "41", 0.995, False, "471"),
    ],
)
def test_digits_that_a_line_has_not_looked_at_are_added(
    line: str, digits: str, sure: float, has_all_ink: bool, text: str
) -> None:
    """If the others are the same, and they are sure."""
    assert voted(reading(line, 0.97), reading(digits, sure), has_all_ink=has_all_ink).text == text


def test_in_joined_boxes_the_surer_one_counts() -> None:
    assert voted(reading("471", 0.6), reading("411", 0.7), in_boxes=True).text == "411"
    assert voted(reading("471", 0.7), reading("411", 0.6), in_boxes=True).text == "471"
    assert voted(reading("", 1.0), reading("411", 0.6), in_boxes=True).text == "411"
    assert voted(reading("", 1.0), reading("411", 0.4), in_boxes=True).text == ""


def test_ink_on_no_line_is_named_once() -> None:
    """Not where the line has a digit, and what is unlike a digit only if both agree."""
    beside, own = place(100), place(20)
    assert voted(reading("471", 0.9), reading("471", 0.9, beside, own)).left_out == (beside,)
    unlike = place(100, UNLIKE_DIGIT)
    assert voted(reading("471", 0.9), reading("471", 0.9, unlike)).left_out == (unlike,)
    assert voted(reading("471", 0.9), reading("41", 0.5, unlike)).left_out == ()


def test_where_a_line_has_nothing_digits_are_a_doubt() -> None:
    """Nothing is read, and what may be there is named, with its place."""
    found = voted(reading("", 1.0), reading("47", 0.8, place(100)))
    assert found.text == ""
    assert found.text_with_doubts == "???"
    assert found.probability == pytest.approx(0.2)
    assert [entry.box for entry in found.left_out] == [(100, 0, 115, 20), (0, 0, 15, 20), (20, 0, 35, 20)]
    assert "read as 7" in found.left_out[2].reason
    assert voted(reading("", 1.0), reading("", 0.97)).probability == pytest.approx(0.97)


def numbers(text: str, probability: float) -> FoundNumbers:
    """Return a line of which a network is so sure; with ink beside the text if it has two digits."""
    answer = LineAnswer(
        log_probabilities=answer_for(text),
        find_box=lambda first, last: (int(first), 0, int(last) + 1, 9),
        places=((0.0, 1.0), (50.0, 60.0)) if len(text) == 2 else (),
        is_all=True,
    )
    found = select_numbers([answer] if text else [], Knowledge(), None, None)
    return attrs.evolve(found, probability=probability)


@pytest.mark.parametrize(
    ("found", "whole", "text", "probability", "has_all_ink"),
    [
        (("471", 0.8), ("471", 0.9), "471", 0.973, True),
        (("471", 0.8), ("471", 0.2), "471", 0.8, True),
        (("47", 0.9), ("471", 0.6), "47", 0.63, False),
        (("47", 0.6), ("471", 0.9), "471", 0.63, True),
        (("47", 0.6), ("", 1.0), "47", 0.6, False),
        (("", 1.0), ("471", 0.6), "471", 0.6, True),
        (("", 1.0), ("", 1.0), "", 1.0, False),
    ],
)
def test_lines_are_compared_with_the_picture_as_one_line(
    found: tuple[str, float], whole: tuple[str, float], text: str, probability: float, has_all_ink: bool
) -> None:
    """The more probable one counts: surer if both are the same, less sure if not."""
    best = compare(numbers(*found), numbers(*whole))
    assert best.text == text
    assert best.probability == pytest.approx(probability, abs=0.001)
    assert best.has_all_ink == has_all_ink


@pytest.mark.parametrize(
    ("digits", "text", "probability"),
    [
        (reading("12 579", 0.9), "12579", 0.6),  # two of three say so, and together are surer
        (reading("12579", 0.3), "12529", 0.56),  # not surer together
        (reading("12519", 0.99), "12529", 0.56),  # digits one by one say something else again
    ],
)
def test_two_of_three_looks_count_if_they_are_surer(digits: Reading, text: str, probability: float) -> None:
    """The lines that were found, the picture as one line, and digits one by one."""
    numbers_of_two_looks = compare(numbers("12579", 0.6), numbers("12529", 0.8))
    settled = settle(numbers_of_two_looks, digits)
    assert (settled.text, settled.probability) == (text, pytest.approx(probability))


def test_two_looks_that_agree_have_no_rival() -> None:
    agreed = compare(numbers("471", 0.6), numbers("471", 0.7))
    assert settle(agreed, reading("417", 0.99)) is agreed


def test_sure_digits_count_where_the_line_is_broken_strokes() -> None:
    """As of digits so large that each stroke falls into two; a line that has all ink, or is surer, stays."""
    sure = reading("44", 0.995)
    assert voted(reading("1111", 0.3), sure, has_all_ink=False).text == "44"
    assert voted(reading("1111", 0.3), sure).text == "1111"
    assert voted(reading("1111", 0.6), sure, has_all_ink=False).text == "1111"
    assert voted(reading("1111", 0.3), reading("44", 0.98), has_all_ink=False).text == "1111"


@pytest.mark.parametrize(
    ("lines", "digits", "sure", "text"),
    [
        (["8385", "115957"], ["8385", "1159157"], 0.99, "8385\n1159157"),
        (["8385", "115957"], ["8385", "1159157"], 0.9, "8385\n115957"),  # one digit in ten may be another
        (["8385", "115957"], ["8385", "1152957"], 0.99, "8385\n1152957"),
        (["8385", "115957"], ["8385", "1259157"], 0.99, "8385\n115957"),  # not the same with more digits
        (["8385", "115957"], ["1159157"], 0.99, "8385\n115957"),
    ],
)
def test_sure_digits_fill_the_gaps_in_the_lines_of_a_page(
    lines: list[str], digits: list[str], sure: float, text: str
) -> None:
    by_lines, by_digits = (
        attrs.evolve(
            reading("".join(parts), probability),
            digits=tuple(
                DigitReading(
                    label=int(digit), probability=0.9, box=(20 * index, 30 * line, 20 * index + 15, 0), line=line
                )
                for line, part in enumerate(parts)
                for index, digit in enumerate(part)
            ),
        )
        for parts, probability in ((lines, 0.5), (digits, sure))
    )
    found = choose(numbers("83855", 0.5), by_lines, by_digits, in_boxes=False)
    assert found.text == text
