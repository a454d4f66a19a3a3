"""The search finds the texts that counting every alignment finds, with and without rules."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading.line_answers import answer_for, count_all, random_answer

from lenetkit.reading._automata import HasLength
from lenetkit.reading._beam_search import _STEPS, _find, _Step, search
from lenetkit.reading._ctc import CLASSES

SMALL = "12-"


ALL = _Step(width=10**6, least=0.0, floor=0.0)


@given(seed=st.integers(0, 10**6), columns=st.integers(0, 5), sharpness=st.sampled_from([0.5, 3.0, 10.0]))
@settings(max_examples=40, deadline=None)
def test_a_beam_that_drops_nothing_finds_every_text(seed: int, columns: int, sharpness: float) -> None:
    """Each with its probability, without a rule and with one."""
    answer = random_answer(seed, columns, len(SMALL), sharpness)
    counted = count_all(answer, SMALL)
    texts, dropped = _find(answer, SMALL, None, ALL)
    assert {text: np.exp(score) for text, score in texts.items()} == pytest.approx(counted)
    assert dropped < -25
    texts, dropped = _find(answer, SMALL, HasLength(2, 3), ALL)
    expected = {text: each for text, each in counted.items() if 2 <= len(text) <= 3}
    assert {text: np.exp(score) for text, score in texts.items()} == pytest.approx(expected)
    assert dropped < -25


@given(seed=st.integers(0, 10**6), columns=st.integers(1, 5), rule=st.sampled_from([None, (0, 0), (1, 2), (3, 4)]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_best_text_is_found_and_what_is_dropped_is_known(
    seed: int, columns: int, rule: tuple[int, int] | None
) -> None:
    """A text that is more probable than all that was dropped is the best."""
    answer = random_answer(seed, columns, len(SMALL))
    low, high = rule or (0, 5)
    counted = {text: each for text, each in count_all(answer, SMALL).items() if low <= len(text) <= high}
    found = search(answer, SMALL, HasLength(*rule) if rule else None, count=2)
    for text, score in found:
        assert np.exp(score) == pytest.approx(counted[text])
    if max(counted.values(), default=0.0) > 0.3:
        assert np.exp(found[0][1]) == pytest.approx(max(counted.values()))
    texts, dropped = _find(answer, SMALL, HasLength(low, high), _STEPS[0])
    missing = [each for text, each in counted.items() if text not in texts]
    assert sum(missing) <= np.exp(dropped) * (1 + 1e-9)
    assert all(np.exp(score) <= counted[text] * (1 + 1e-9) for text, score in texts.items())


def test_texts_are_asked_for_best_first_until_enough_pass() -> None:
    """The question is not put twice for one text."""
    asked: list[str] = []

    def passes(text: str) -> bool:
        asked.append(text)
        return "7" in text

    answer = answer_for("1234", or_else={1: ("7", 0.2), 3: ("9", 0.3)})
    assert search(answer, CLASSES, passes=passes)[0][0] == "1734"
    assert asked[0] == "1234"
    assert len(asked) == len(set(asked)) < 1000


def test_fewer_texts_than_wanted_are_returned_where_there_are_no_more() -> None:
    answer = random_answer(0, 1, len(SMALL))
    assert sorted(text for text, _ in search(answer, SMALL, count=100)) == ["", "-", "1", "2"]
    assert search(answer[:0], SMALL, count=5) == [("", 0.0)]
    assert search(answer, SMALL, HasLength(2, 3)) == []
    assert search(answer, SMALL, passes=lambda text: False) == []


def test_classes_of_no_probability_are_never_read() -> None:
    answer = np.full((6, 4), -np.inf)
    answer[:, -1] = 0.0
    answer[2] = [0.0, -np.inf, -np.inf, -np.inf]
    assert search(answer, SMALL, count=3) == [("1", 0.0)]
    assert search(answer, SMALL, HasLength(2, 2)) == []


def test_a_long_hard_line_is_read_in_bounds() -> None:
    """All classes are alike in 400 columns: the probabilities are far below the smallest float64."""
    answer = np.log(np.full((400, 4), 1 / 4))
    (_, score), *_ = search(answer, SMALL, count=2)
    assert np.isfinite(score)
