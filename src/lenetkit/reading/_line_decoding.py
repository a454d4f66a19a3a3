"""Numbers and texts of one line, from a network's answer and from what is known beforehand.

In: log probabilities (columns, 17), see :mod:`lenetkit.reading._ctc`, and :class:`Knowledge`. Out: numbers (digits
alone) and texts (with separators), each with its probability. Next: the reading of whole pictures.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from lenetkit.reading._beam_search import read_greedily, search
from lenetkit.reading._ctc import CLASSES, DIGITS, Floats, keep_digits, score_texts
from lenetkit.reading._knowledge import Knowledge, extract_digits

__all__ = ["decode", "find_alternatives", "find_numbers", "find_texts", "merge"]

_NOTHING = Knowledge()
# Texts searched for each number wanted where several may have the same digits.
_MERGED = 4
# Less probable numbers are a guess, and their separators are not searched for.
_HOPELESS = 1e-9


def find_texts(
    log_probabilities: Floats, knowledge: Knowledge = _NOTHING, *, count: int = 1
) -> list[tuple[str, float]]:
    """Return the most probable texts of a line, digits and separators, with their probabilities, best first.

    Parameters
    ----------
    log_probabilities : ndarray of shape (columns, 17)
        The network's answer.
    knowledge : Knowledge, optional
        Rules for the number; no other texts are searched for.
    count : int, default 1
        Texts wanted; fewer are returned where the line has no more, or none that agrees with what is known.

    Returns
    -------
    list of (str, float)
        The probability is that of the text as the network sees the line, whatever is known: the sum over all
        alignments. Gaps at the ends are no part of a text. Under rules on digits alone, these are texts of the `count`
        most probable numbers.

    Raises
    ------
    DataError
        If the answer has another shape, or holds NaN or numbers above 0.
    """
    rules = [knowledge]
    if not (knowledge.is_empty or knowledge.names_separators):
        # A rule on digits is searched among digits: with separators, a beam would hold many texts of few numbers.
        rules = [Knowledge(among=[number]) for number, _ in find_numbers(log_probabilities, knowledge, count=count)]
    found = [
        text
        for rule in rules
        for text in search(
            log_probabilities, CLASSES, rule.make_automaton(separators=True), count=count, passes=rule.question
        )
    ]
    return _sum((_tidy(text), math.exp(score)) for text, score in found)[:count]


def find_numbers(
    log_probabilities: Floats, knowledge: Knowledge = _NOTHING, *, count: int = 1
) -> list[tuple[str, float]]:
    """Return the most probable numbers of a line, digits alone, with their probabilities, best first.

    As :func:`find_texts`, but the probability of a number is the sum over all texts with its digits, whatever
    separators they have: those that the pattern allows, if it names any.
    """
    if knowledge.names_separators:
        return merge(find_texts(log_probabilities, knowledge, count=_MERGED * count))[:count]
    answer = keep_digits(log_probabilities)
    if knowledge.numbers is None:
        automaton = knowledge.make_automaton(separators=False)
        found = search(answer, DIGITS, automaton, count=count, passes=knowledge.question)
    else:
        scores = knowledge.tree.score(answer)
        best = np.argsort(-scores, kind="stable")[:count]
        found = [(knowledge.numbers[index], float(scores[index])) for index in best if scores[index] > -np.inf]
    return [(number, math.exp(score)) for number, score in found]


def merge(texts: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the numbers of texts, each once with the sum of their probabilities, best first."""
    return _sum((extract_digits(text), probability) for text, probability in texts)


def _sum(texts: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return each text once with the sum of its probabilities, best first."""
    sums: dict[str, float] = {}
    for text, probability in texts:
        sums[text] = sums.get(text, 0.0) + probability
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))


def decode(
    views: Sequence[Floats], knowledge: Knowledge = _NOTHING, *, count: int = 2
) -> tuple[str, list[tuple[str, float]]]:
    """Return the text of the most probable number, separators and all, and the `count` most probable numbers.

    `views` are the network's answers to one line, seen as it is and otherwise; the probability of a number is the mean
    of what they give it. The text is the most probable one with these digits in the first view; it and the list are
    empty if no number of the line agrees with what is known, and the text is the digits alone where their probability
    is below 1e-9.
    """
    numbers = find_numbers(views[0], knowledge, count=count)
    own = dict(numbers)
    if len(views) > 1:
        numbers = _find_together(views, knowledge, count)
    if not numbers:
        return "", []
    return _find_text(views[0], knowledge, numbers[0][0], own.get(numbers[0][0], 0.0)), numbers


def _find_together(views: Sequence[Floats], knowledge: Knowledge, count: int) -> list[tuple[str, float]]:
    """Return the most probable numbers of several views of a line, by their mean probability."""
    found = [dict(find_numbers(view, knowledge, count=count)) for view in views]
    numbers = sorted({number for numbers in found for number in numbers})
    if knowledge.names_separators:
        means = [sum(own.get(number, 0.0) for own in found) / len(views) for number in numbers]
    else:
        means = np.mean([np.exp(score_texts(keep_digits(view), numbers, DIGITS)) for view in views], axis=0).tolist()
    return sorted(zip(numbers, means, strict=True), key=lambda pair: (-pair[1], pair[0]))[:count]


def find_alternatives(
    answers: Sequence[Floats], knowledge: Knowledge | None, text: str, count: int
) -> list[tuple[str, float]]:
    """Return the most probable texts of several lines but for one, with their probabilities, best first."""
    found = [("", 1.0)] if answers else []
    for index, answer in enumerate(answers):
        numbers = find_numbers(answer, knowledge or _NOTHING, count=count + 1)
        joined = [(f"{before}\n{own}" if index else own, p * q) for before, p in found for own, q in numbers if own]
        found = sorted(joined, key=lambda pair: -pair[1])[: count + 1]
    return [pair for pair in found if pair[0] != text][:count]


def _find_text(log_probabilities: Floats, knowledge: Knowledge, number: str, probability: float) -> str:
    """Return the most probable text with the digits of a number of this probability."""
    pattern = knowledge.pattern if knowledge.names_separators else None
    text = read_greedily(log_probabilities, CLASSES)
    # More than half of the sum over all texts with these digits: no other can have more.
    if (
        pattern is None
        and extract_digits(text) == number
        and 2 * math.exp(score_texts(log_probabilities, [text])[0]) > probability
    ):
        return _tidy(text)
    if probability < _HOPELESS:
        return number
    if not number:
        return next((text for text, _ in find_texts(log_probabilities, count=_MERGED) if not extract_digits(text)), "")
    texts = find_texts(log_probabilities, Knowledge(pattern=pattern, among=[number]))
    return texts[0][0] if texts else number


def _tidy(text: str) -> str:
    """Return a text without gaps at its ends, and with one for two in a row."""
    return " ".join(text.split())
