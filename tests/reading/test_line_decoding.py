"""Numbers and texts of a line, from the network's answer and from rules, agree with counting every alignment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading.line_answers import answer_for, count_all, is_luhn, random_answer

from lenetkit.reading._ctc import CLASSES
from lenetkit.reading._knowledge import Knowledge, extract_digits
from lenetkit.reading._line_decoding import decode, find_numbers, find_texts, merge

RULES = [
    ({}, lambda text: True),
    ({"length": 2}, lambda text: len(extract_digits(text)) == 2),
    ({"length": (1, 2)}, lambda text: 1 <= len(extract_digits(text)) <= 2),
    ({"pattern": "#.#"}, lambda text: len(text) == 3 and text[1] == "." and len(extract_digits(text)) == 2),
    ({"pattern": "1#"}, lambda text: len(extract_digits(text)) == 2 and extract_digits(text)[0] == "1"),
    ({"among": ["10", "123", "7", "77"]}, lambda text: extract_digits(text) in ("10", "123", "7", "77")),
    ({"check": "luhn"}, lambda text: is_luhn(extract_digits(text))),
    (
        {"check": lambda number: int(number) % 7 == 0},
        lambda text: extract_digits(text) != "" and int(extract_digits(text)) % 7 == 0,
    ),
    ({"length": 2, "check": "luhn"}, lambda text: len(extract_digits(text)) == 2 and is_luhn(extract_digits(text))),
]


@pytest.mark.parametrize(("rules", "follows"), RULES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_the_best_are_the_best_of_all_that_follow_the_rules(rules: dict, follows, seed: int) -> None:
    """Texts with separators are ranked each for itself, numbers by the sum over their texts."""
    answer = random_answer(seed, 3, len(CLASSES))
    knowledge = Knowledge(**rules)
    counted = {text: each for text, each in count_all(answer, CLASSES).items() if follows(text)}
    assert find_numbers(answer, knowledge)[0][1] == pytest.approx(merge(counted.items())[0][1], rel=1e-3)
    tidied: dict[str, float] = {}
    for text, each in counted.items():
        tidied[" ".join(text.split())] = tidied.get(" ".join(text.split()), 0.0) + each
    texts = find_texts(answer, knowledge, count=3)
    assert 1 <= len(texts) <= 3
    assert all(0 < each <= tidied[text] * (1 + 1e-9) for text, each in texts)
    if not rules or knowledge.names_separators:
        assert texts[0][1] >= max(counted.values()) * (1 - 1e-6)
    text, found = decode([answer], knowledge)
    assert extract_digits(text) == found[0][0]


def test_what_is_known_changes_what_is_read() -> None:
    """The rule is part of the search: the second best digit is read where the best one breaks it."""
    answer = answer_for("12345", or_else={1: ("7", 0.1), 4: ("6", 0.01)})
    assert decode([answer])[0] == "12345"
    assert decode([answer], Knowledge(among=["17345", "99999"]))[0] == "17345"
    assert decode([answer], Knowledge(pattern="17###"))[0] == "17345"
    assert decode([answer], Knowledge(check=lambda number: number.endswith("6")))[0] == "12346"
    assert decode([answer], Knowledge(length=4))[1][0][1] < 0.05
    checked, numbers = decode([answer], Knowledge(check="luhn"))
    assert is_luhn(checked)
    assert numbers[0][1] < 0.1


def test_separators_are_read_as_what_they_are() -> None:
    """And rules on digits do not mind them."""
    answer = answer_for("27/11/2026", or_else={2: ("1", 0.4)})
    assert decode([answer])[0] == "27/11/2026"
    assert decode([answer], Knowledge(length=8))[0] == "27/11/2026"
    assert decode([answer], Knowledge(length=9))[0] == "27111/2026"
    assert decode([answer], Knowledge(pattern="##-##-####"))[1][0][1] < 1e-3
    assert decode([answer_for("12.50")], Knowledge(pattern="##.##", among=["1250", "1251"]))[0] == "12.50"
    assert decode([answer_for(" 1  2 ")])[0] == "1 2"


def test_a_line_without_a_number() -> None:
    """It is empty, unless a rule wants digits; then the best there is has no probability to speak of."""
    for answer in (answer_for(""), np.zeros((0, len(CLASSES) + 1))):
        assert decode([answer])[0] == ""
        assert decode([answer])[1][0] == ("", pytest.approx(1, abs=0.05))
    empty = np.zeros((0, len(CLASSES) + 1))
    assert decode([empty], Knowledge(length=5)) == ("", [])
    assert find_texts(empty, Knowledge(check="luhn")) == []
    assert find_numbers(empty, Knowledge(among=["12"])) == []
    numbers = find_numbers(answer_for("12", sure=0.9999), Knowledge(length=5))
    assert not numbers or numbers[0][1] < 1e-6
    assert decode([answer_for("-")])[0] == "-"


def test_ten_thousand_known_numbers_have_their_exact_probabilities() -> None:
    """The number that is written is found among them, and so is its neighbour."""
    known = Knowledge(among=[f"{number:06}" for number in range(0, 1_000_000, 100)])
    answer = answer_for("071903", or_else={2: ("7", 0.3)})
    numbers = find_numbers(answer, known, count=3)
    assert [number for number, _ in numbers[:2]] == ["071900", "077900"]
    alone = [find_numbers(answer, Knowledge(among=[number]))[0][1] for number, _ in numbers]
    np.testing.assert_allclose([each for _, each in numbers], alone, rtol=1e-9)


def test_numbers_of_several_texts_are_merged() -> None:
    assert merge([("12.5", 0.4), ("7", 0.3), ("125", 0.2), ("1 25", 0.1)]) == [("125", pytest.approx(0.7)), ("7", 0.3)]
