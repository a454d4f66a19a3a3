"""Answers of a network for one line, made up, and the probabilities of all their texts by counting every alignment."""

import itertools
import math

import numpy as np

from lenetkit.reading._ctc import CLASSES


def log_softmax(scores: np.ndarray) -> np.ndarray:
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def random_answer(seed: int, columns: int, n_classes: int, sharpness: float = 3.0) -> np.ndarray:
    """Return log probabilities float64 (columns, n_classes + 1)."""
    return log_softmax(np.random.default_rng(seed).normal(0, sharpness, (columns, n_classes + 1)))


def answer_for(text: str, *, sure: float = 0.98, or_else: dict[int, tuple[str, float]] | None = None) -> np.ndarray:
    """Return the answer for a text with a blank around each character.

    `or_else` gives the character that is the second choice at an index of the text, and its probability.
    """
    answer = np.full((2 * len(text) + 1, len(CLASSES) + 1), (1 - sure) / len(CLASSES))
    answer[::2, -1] = sure
    for index, character in enumerate(text):
        answer[2 * index + 1, CLASSES.index(character)] = sure
        if or_else and index in or_else:
            other, probability = or_else[index]
            answer[2 * index + 1, CLASSES.index(character)] = sure - probability
            answer[2 * index + 1, CLASSES.index(other)] = probability
    return np.log(answer / answer.sum(axis=1, keepdims=True))


def collapse(alignment: tuple[int, ...], classes: str) -> str:
    """Return the text of an alignment: repeated classes once, without blanks."""
    return "".join(classes[place] for place, _ in itertools.groupby(alignment) if place < len(classes))


def count_all(answer: np.ndarray, classes: str) -> dict[str, float]:
    """Return the probability of every text that the columns can hold."""
    probabilities = np.exp(answer)
    sums: dict[str, list[float]] = {}
    for alignment in itertools.product(range(len(classes) + 1), repeat=len(answer)):
        weight = math.prod(probabilities[column, place] for column, place in enumerate(alignment))
        sums.setdefault(collapse(alignment, classes), []).append(weight)
    return {text: math.fsum(weights) for text, weights in sums.items()}


def is_luhn(number: str) -> bool:
    """Tell whether the last digit checks the others, computed from the right."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(number) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0
