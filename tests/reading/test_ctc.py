"""Probabilities and alignments of texts agree with counting every alignment by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading.line_answers import answer_for, collapse, count_all, random_answer

from lenetkit.exceptions import DataError
from lenetkit.reading._ctc import CLASSES, DIGITS, TextTree, align, keep_digits, score_texts, without_hanging_slashes

SMALL = "12-"


@given(seed=st.integers(0, 10**6), columns=st.integers(0, 5), sharpness=st.sampled_from([0.5, 3.0, 10.0]))
@settings(max_examples=40, deadline=None)
def test_scores_are_the_sums_over_all_alignments(seed: int, columns: int, sharpness: float) -> None:
    """The texts that fit into the columns share a probability of 1, and others have none."""
    answer = random_answer(seed, columns, len(SMALL), sharpness)
    counted = count_all(answer, SMALL)
    texts = [*counted, "1" * 6]
    scores = score_texts(answer, texts, SMALL)
    np.testing.assert_allclose(np.exp(scores[:-1]), list(counted.values()), rtol=1e-9)
    assert scores[-1] == -np.inf
    assert np.exp(scores).sum() == pytest.approx(1)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_digits_have_the_probability_of_all_texts_with_them(seed: int) -> None:
    """Separators counted as blank part equal digits, too."""
    answer = random_answer(seed, 3, len(CLASSES))
    digits: dict[str, float] = {}
    for text, probability in count_all(answer, CLASSES).items():
        number = "".join(character for character in text if character in DIGITS)
        digits[number] = digits.get(number, 0.0) + probability
    scores = score_texts(keep_digits(answer), list(digits), DIGITS)
    np.testing.assert_allclose(np.exp(scores), list(digits.values()), rtol=1e-9)


def test_texts_scored_together_score_as_alone() -> None:
    """Shared beginnings, one text inside another and repeated texts change nothing."""
    answer = random_answer(3, 30, len(CLASSES))
    texts = ["", "1", "11", "112", "12", "2-1", "112", "9" * 14]
    together = score_texts(answer, texts)
    np.testing.assert_allclose(together, [score_texts(answer, [text])[0] for text in texts], rtol=1e-12)


def test_long_lines_do_not_underflow() -> None:
    """The probability of an improbable text of a thousand columns is 1e-1000 or so; its logarithm is known."""
    answer = np.log(np.full((1000, 17), 1 / 17))
    assert score_texts(answer, [""])[0] == pytest.approx(-1000 * np.log(17))


def test_float32_and_impossible_classes_are_read() -> None:
    """A network's own type is enough, and -inf is a probability of 0."""
    answer = random_answer(1, 8, len(CLASSES))
    scores = score_texts(answer, ["12", "3"])
    np.testing.assert_allclose(score_texts(answer.astype(np.float32), ["12", "3"]), scores, rtol=1e-5)
    answer[:, 1] = -np.inf
    assert score_texts(answer, ["12", "3"])[0] == -np.inf
    assert np.isfinite(score_texts(keep_digits(answer), ["3"], DIGITS)).all()


@given(seed=st.integers(0, 10**6), text=st.sampled_from(["", "1", "11", "12", "1-1"]))
@settings(max_examples=40, deadline=None)
def test_the_alignment_is_the_most_probable_one(seed: int, text: str) -> None:
    """No other alignment with the text has a higher probability than one with the characters in their columns."""
    answer = random_answer(seed, 5, len(SMALL))
    ways = [way for way in itertools.product(range(4), repeat=5) if collapse(way, SMALL) == text]
    best = max(ways, key=lambda way: sum(answer[column, place] for column, place in enumerate(way)))
    runs = [(place, len(list(run))) for place, run in itertools.groupby(best)]
    ends = np.cumsum([length for _, length in runs])
    inner = [(end - length, end) for (place, length), end in zip(runs, ends, strict=True) if place < 3]
    spans = align(answer, text, SMALL)
    assert spans.shape == (len(text), 2)
    for (start, stop), (first, last) in zip(spans, inner, strict=True):
        assert start <= first < last <= stop


def test_characters_halve_the_blanks_between_them() -> None:
    """Neighbours meet in the middle of a short gap, and reach four columns into a long one."""
    near = np.full((11, 17), -20.0)
    near[:, -1] = 0.0
    near[[3, 6], :] = -20.0
    near[3, 1] = near[6, 2] = 0.0
    np.testing.assert_array_equal(align(near, "12"), [[0, 5], [5, 11]])
    far = np.concatenate([near[:4], near[:1].repeat(20, axis=0), near[6:7], near[:1].repeat(9, axis=0)])
    np.testing.assert_array_equal(align(far, "12"), [[0, 8], [20, 29]])


def test_a_text_longer_than_its_line_has_no_alignment() -> None:
    with pytest.raises(DataError, match=r"the text of 3 characters has no alignment with 4 columns"):
        align(random_answer(0, 4, len(CLASSES)), "111")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.zeros((5, 11)), r"shape \(columns, 17\).*got \(5, 11\)"),
        (np.zeros(17), r"got \(17,\)"),
        (np.full((5, 17), np.nan), "logarithms of probabilities"),
        (np.full((5, 17), 0.5), "logarithms of probabilities"),
    ],
)
def test_what_is_no_answer_is_refused(answer: np.ndarray, words: str) -> None:
    for use in (keep_digits, lambda answer: score_texts(answer, ["1"]), lambda answer: align(answer, "1")):
        with pytest.raises(DataError, match=words):
            use(answer)


def test_a_tree_of_no_texts_has_no_scores() -> None:
    assert TextTree([], CLASSES).score(answer_for("12")).shape == (0,)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("4/", "41"),
        ("/7", "17"),
        ("//000", "11000"),
        ("/.000", "1.000"),
        ("/", "1"),
        ("4/5", "4/5"),
        ("27/11/", "27/111"),
        ("12/-", "12/-"),
        ("9.//", "9.//"),
        ("19 47", "19 47"),
        ("", ""),
    ],
)
def test_a_slash_stands_between_digits_or_behind_a_sign(written: str, read: str) -> None:
    """At other places it is the next likely class, here a 1."""
    answer = answer_for(written, or_else={index: ("1", 0.2) for index, sign in enumerate(written) if sign == "/"})
    changed = without_hanging_slashes(answer)
    found = collapse(tuple(changed.argmax(axis=1)), CLASSES)
    assert found == read
    np.testing.assert_allclose(np.exp(changed).sum(axis=1), 1)
    assert (changed is answer) == ("/" not in written)
