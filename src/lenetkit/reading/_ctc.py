"""Connectionist temporal classification: probabilities of texts, and columns of their characters.

In: a network's answer for one line, the logarithms of the class probabilities in each column, blank last. Out: the
probability of a text, summed over all its alignments, and the most probable alignment. Next: the search for texts in
:mod:`lenetkit.reading._beam_search`.

Graves et al. (2006), Connectionist Temporal Classification: sections 3 (classes, blank, what is collapsed) and 4.1
(the forward variables).
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError

__all__ = [
    "CLASSES", "DIGITS", "UNTHINKABLE", "TextTree", "align", "check_answer", "keep_digits", "score_texts",
    "without_hanging_slashes",
]  # fmt: skip

Floats: TypeAlias = npt.NDArray[np.floating[Any]]

DIGITS = "0123456789"
# The classes of a line reader in order; the space is a gap. The blank comes behind them.
CLASSES = DIGITS + ".,-/: "

# Columns after which probabilities are scaled where all are below `_SMALL`, to keep float64 from underflow. Where there
# are many, they are scaled always, and those below `_TINY` count as 0: subnormal ones would slow the processor down.
_SCALED, _SMALL, _MANY, _TINY = 4, 1e-60, 256, 1e-250
# What a column says of a class that it does not mean.
UNTHINKABLE = -30.0
# Columns that a character reaches into the blank beside it: with columns of 4 pixels and lines of 40, the width of a
# digit.
_REACH = 4.0


def check_answer(log_probabilities: Any, classes: str = CLASSES) -> npt.NDArray[np.float64]:
    """Return a network's answer for one line as float64; refuse other shapes, NaN, and what is no logarithm."""
    answer = np.asarray(log_probabilities, np.float64)
    if answer.ndim != 2 or answer.shape[1] != len(classes) + 1:
        raise DataError(
            f"the answer for a line must have the shape (columns, {len(classes) + 1}), a column for each of "
            f"{classes!r} and the blank; got {answer.shape}."
        )
    if not (answer <= 1e-3).all():  # NaN is not, either
        raise DataError("the answer for a line must hold logarithms of probabilities, at most 0; got NaN or more.")
    return answer


def keep_digits(log_probabilities: Floats) -> npt.NDArray[np.float64]:
    """Return the answer of a reader that knows digits alone: float64 (columns, 11).

    Separators and gaps count as blank. An alignment then collapses to the digits of what it collapsed to before, as a
    separator parts equal digits as a blank does; so the probability of digits is the sum over all texts with these
    digits, exactly.
    """
    answer = check_answer(log_probabilities)
    rest = np.logaddexp.reduce(answer[:, len(DIGITS) :], axis=1)
    return np.column_stack([answer[:, : len(DIGITS)], np.minimum(rest, 0.0)])


def without_hanging_slashes(log_probabilities: Floats) -> Floats:
    """Return an answer with no slash before all digits, or behind the last one with no sign after it.

    Nobody writes numbers so: in these columns the other classes share what the slash had.
    """
    slash, blank = CLASSES.index("/"), len(CLASSES)
    best = log_probabilities.argmax(axis=1)
    marks = np.flatnonzero((best != blank) & (best != CLASSES.index(" ")))
    others = marks[best[marks] != slash]
    if len(others) == len(marks):
        return log_probabilities
    first, last = (others[0], others[-1] + 1) if len(others) else (0, 0)
    hanging = np.zeros(len(best), bool)
    hanging[:first] = True
    hanging[last:] = not len(others) or best[others[-1]] < len(DIGITS)
    answer = np.array(log_probabilities)
    answer[hanging, slash] = UNTHINKABLE
    answer[hanging] -= np.logaddexp.reduce(answer[hanging], axis=1, keepdims=True)
    return answer


class TextTree:
    """Texts as a tree of their beginnings, whose probabilities are computed together.

    Building it takes about 3 us for each character; 10,000 numbers are scored in about 10 ms (33 columns).

    Parameters
    ----------
    texts : sequence of str
        Of characters in `classes`.
    classes : str
        The classes in order, without the blank.
    """

    def __init__(self, texts: Sequence[str], classes: str) -> None:
        nodes = {"": 0}
        parents, labels, ends = [0], [len(classes) + 1], []
        for text in texts:
            node = 0
            for length, character in enumerate(text, 1):
                beginning = text[:length]
                parent, node = node, nodes.setdefault(beginning, len(nodes))
                if node == len(parents):
                    parents.append(parent)
                    labels.append(classes.index(character))
            ends.append(node)
        self.classes = classes
        self._parents, self._labels, self._ends = np.array(parents), np.array(labels), np.array(ends, np.intp)
        self._doubled = np.flatnonzero(self._labels == self._labels[self._parents])
        self._doubled = self._doubled[self._doubled > 0]

    def score(self, log_probabilities: Floats) -> npt.NDArray[np.float64]:
        """Return the logarithm of the probability of each text: float64 (n_texts,).

        The sum over all alignments (the forward algorithm). It is -inf for a text that has no alignment, and for one
        1e-250 times less probable than the best.
        """
        answer = check_answer(log_probabilities, self.classes)
        # Of each beginning: the probability of its alignments that end in a blank, and of the others. The empty one
        # has a class of its own, of probability 0.
        probabilities = np.column_stack([np.exp(answer), np.zeros(len(answer))])
        ended, going = np.zeros((2, len(self._parents)))
        ended[0], scale = 1.0, 0.0
        parents, doubled = self._parents, self._doubled
        above = parents[doubled]
        for index, column in enumerate(probabilities):
            total = ended + going
            longer = total.take(parents)
            if len(doubled):
                longer[doubled] = ended.take(above)  # equal characters are two only with a blank between them
            going += longer
            going *= column.take(self._labels)
            ended = total * column[-2]
            if index % _SCALED == _SCALED - 1 and (len(total) > _MANY or total.max() < _SMALL):
                largest = max(ended.max(), going.max()) or 1.0
                scale += math.log(largest)
                for part in (ended, going):
                    part /= largest
                    part[part < _TINY] = 0.0
        with np.errstate(divide="ignore"):
            return np.asarray(np.log((ended + going)[self._ends]) + scale)


def score_texts(log_probabilities: Floats, texts: Sequence[str], classes: str = CLASSES) -> npt.NDArray[np.float64]:
    """Return the logarithm of the probability of each text: float64 (n_texts,); see :class:`TextTree`."""
    return TextTree(texts, classes).score(log_probabilities)


def align(log_probabilities: Floats, text: str, classes: str = CLASSES) -> npt.NDArray[np.float64]:
    """Return the columns of each character of a text: float64 (n_characters, 2), first and just behind the last.

    Of the most probable alignment (Viterbi). The blanks between two characters are halved between them, as far as a
    character reaches: 4 columns to each side.

    Raises
    ------
    DataError
        If the line has fewer columns than the text needs, or a column gives the text no probability at all.
    """
    answer = check_answer(log_probabilities, classes)
    states = np.full(2 * len(text) + 1, len(classes))
    states[1::2] = [classes.index(character) for character in text]
    path = _find_path(answer[:, states], states)
    spans = np.zeros((len(text), 2))
    for index in range(len(text)):
        columns = np.flatnonzero(path == 2 * index + 1)
        spans[index] = columns[0], columns[-1] + 1
    gaps = np.diff(np.concatenate([[0.0], spans.ravel(), [float(len(answer))]]))[::2]
    reach = np.minimum(gaps / 2, _REACH)
    reach[[0, -1]] = np.minimum(gaps[[0, -1]], _REACH)
    spans[:, 0] -= reach[:-1]
    spans[:, 1] += reach[1:]
    return spans


def _find_path(scores: npt.NDArray[np.float64], states: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the most probable state in each column: int64 (columns,)."""
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    best = np.full(len(states), -np.inf)
    best[0] = 0.0
    came_from = np.zeros(scores.shape, np.int64)
    for index, column in enumerate(scores):
        ways = np.full((3, len(states)), -np.inf)
        ways[0] = best
        ways[1, 1:] = best[:-1]
        ways[2, 2:] = np.where(may_skip[2:], best[:-2], -np.inf)
        came_from[index] = ways.argmax(axis=0)
        best = ways.max(axis=0) + column
    ends = best[-2:]
    if ends.max() == -np.inf:
        raise DataError(f"the text of {len(states) // 2} characters has no alignment with {len(scores)} columns.")
    path = np.zeros(len(scores), np.int64)
    state = len(states) - len(ends) + int(ends.argmax())
    for index in range(len(scores) - 1, -1, -1):
        path[index] = state
        state -= came_from[index, state]
    return path
