"""Rules for numbers: which texts follow them, and which rules are refused."""

import copy
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reading.line_answers import is_luhn

from lenetkit.exceptions import SettingError
from lenetkit.reading._automata import Automaton
from lenetkit.reading._knowledge import Knowledge


def follows(text: str, automaton: Automaton | None) -> bool:
    """Tell whether a text goes through an automaton to an end."""
    if automaton is None:
        return True
    state = automaton.start
    for character in text:
        state = automaton.step(state, character)
        if state is None:
            return False
    return automaton.accepts(state)


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ({"length": 3}, ["123", "1.23", "-123", "1 2 3"], ["", "12", "1234", "1.2"]),
        ({"length": (2, 3)}, ["12", "123", "1/2"], ["1", "1234", "--"]),
        ({"pattern": "##"}, ["12", "1.2", "12.-"], ["1", "123", "1.23"]),
        ({"pattern": "##.##"}, ["12.50"], ["1250", "12,50", "12.5", "12.50-", "1.250"]),
        ({"pattern": "##.?##"}, ["12.50", "1250"], ["12,50", "1.250"]),
        ({"pattern": "#?#:##"}, ["9:30", "19:30"], ["930", "119:30"]),
        ({"pattern": "19##"}, ["1947", "19/47"], ["2047", "194"]),
        ({"pattern": "# ### ###"}, ["1 234 567"], ["1234567"]),
        ({"pattern": "1?1?1"}, ["1", "11", "111"], ["", "1111"]),
        ({"among": ["12", "123", "7"]}, ["12", "1.2", "123", "7"], ["1", "13", "1234", ""]),
        ({"check": "luhn"}, ["79927398713", "7992 7398 713", "00"], ["79927398710", "0", ""]),
        ({"length": 4, "check": "luhn", "pattern": "##-##"}, ["12-30"], ["1230", "12-31"]),
    ],
)
def test_texts_that_follow_rules(rules: dict, good: list[str], bad: list[str]) -> None:
    """Rules on digits let separators stand anywhere, and a pattern with separators says where."""
    automaton = Knowledge(**rules).make_automaton(separators=True)
    assert [text for text in [*good, *bad] if follows(text, automaton)] == good


@given(number=st.text("0123456789", max_size=20))
def test_luhn_agrees_with_the_sum_from_the_right(number: str) -> None:
    assert follows(number, Knowledge(check="luhn").make_automaton(separators=False)) == is_luhn(number)


@given(
    number=st.text("0123", max_size=4),
    parts=st.lists(st.tuples(st.sampled_from("#012"), st.sampled_from(["", "?"])), min_size=1, max_size=5),
)
def test_patterns_agree_with_regular_expressions(number: str, parts: list[tuple[str, str]]) -> None:
    pattern = "".join(map("".join, parts))
    expected = re.fullmatch(pattern.replace("#", r"\d"), number) is not None and number != ""
    assert follows(number, Knowledge(pattern=pattern).make_automaton(separators=False)) == expected


def test_known_numbers_are_those_that_follow_the_other_rules() -> None:
    """Integers are their digits, and each number counts once."""
    assert Knowledge(among=[12, "0012", np.int64(7), "7"]).numbers == ("0012", "12", "7")
    assert Knowledge(among=(number for number in ("18", "19", "26")), check="luhn").numbers == ("18", "26")
    assert Knowledge(among=["123", "12", "456"], pattern="#?2#", length=3).numbers == ("123",)
    assert Knowledge(among=["1250", "125"], pattern="##.##").numbers == ("1250",)
    assert Knowledge(among=["10", "11"], check=lambda number: int(number) % 2 == 1).numbers == ("11",)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"length": 0}, "length must be an integer from 1 to 100; got 0"),
        ({"length": -1}, "length must be an integer"),
        ({"length": True}, "length must be an integer"),
        ({"length": 2.0}, "length must be a number of digits, or a pair"),
        ({"length": "5"}, "length must be a number of digits, or a pair"),
        ({"length": (4, 2)}, "length must have the fewest digits first"),
        ({"length": (1, 2, 3)}, "length must be a number of digits, or a pair"),
        ({"length": [1, None]}, "length must be an integer"),
        ({"length": 101}, "length must be an integer from 1 to 100"),
        ({"pattern": ""}, "pattern must be a text such as '##.##', not empty"),
        ({"pattern": 5}, "pattern must be a text"),
        ({"pattern": "##x#"}, "pattern must not contain 'x'"),
        ({"pattern": "#\u0663"}, "pattern must not contain '\u0663'"),
        ({"pattern": "?##"}, "pattern has a . that follows nothing"),
        ({"pattern": "##??"}, "pattern has a . that follows nothing"),
        ({"pattern": "./-"}, "pattern must have 1 to 100 digits"),
        ({"pattern": "#" * 101}, "pattern must have 1 to 100 digits"),
        ({"pattern": " ##"}, "pattern must not begin or end with a gap"),
        ({"among": []}, "among must hold at least one number"),
        ({"among": "1947"}, "among must be a list of numbers"),
        ({"among": 1947}, "among must be a list of numbers"),
        ({"among": np.array(5)}, "among must be a list of numbers"),
        ({"among": ["12", "12.50"]}, r"its entry 1 is '12\.50'\. Give separators in pattern"),
        ({"among": ["12", ""]}, "its entry 1 is ''"),
        ({"among": [12.0]}, r"its entry 0 is 12\.0"),
        ({"among": [-3]}, "its entry 0 is -3"),
        ({"among": [None]}, "its entry 0 is None"),
        ({"among": ["\u0663"]}, "its entry 0 is"),
        ({"check": "lunh"}, "check must be 'luhn', or a function"),
        ({"check": 10}, "check must be 'luhn', or a function"),
        ({"length": 5, "pattern": "##.##"}, r"pattern '##\.##' has 4 digits and length is 5"),
        ({"length": (5, 6), "pattern": "##?"}, "pattern '##.' has 1 to 2 digits and length is 5 to 6"),
        ({"length": 1, "check": "luhn"}, "check='luhn' needs two digits"),
        ({"among": ["12", "13"], "length": 3}, "none of the 2 numbers of among follows the other rules: length="),
    ],
)
def test_bad_rules_are_refused_by_name(rules: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Knowledge(**rules)


def test_rules_are_values() -> None:
    """They compare, copy and travel to other processes."""
    rules = Knowledge(length=2, among=["18", "19"], check="luhn", pattern="1#")
    for twin in (copy.deepcopy(rules), pickle.loads(pickle.dumps(rules))):
        assert twin == rules
        assert twin.numbers == rules.numbers
    assert Knowledge(length=2) != rules
