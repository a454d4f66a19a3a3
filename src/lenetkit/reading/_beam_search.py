"""Search for the most probable texts of one line, under a rule.

In: a network's answer for one line (see :mod:`lenetkit.reading._ctc`), an automaton. Out: texts with their
probabilities. Next: :mod:`lenetkit.reading._line_decoding`.

Prefix beam search: Hannun et al. (2014), First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional
Recurrent DNNs, algorithm 1; the probabilities of the texts found are then computed anew, over all their alignments.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit._utils.budget import checkpoint
from lenetkit.reading._automata import Automaton
from lenetkit.reading._ctc import Floats, check_answer, score_texts

__all__ = ["read_greedily", "search"]

# Of each beginning of a text: probability of its alignments that end in a blank, that of the others, and its state.
_Starts: TypeAlias = dict[str, tuple[float, float, Any]]


class _Step(NamedTuple):
    """Effort of a search."""

    width: int  # beginnings of texts that are kept
    least: float  # probability from which on a class of a column counts
    floor: float  # probability from which on a beginning is kept, as a fraction of all


# The second step is for lines that the first does not settle, the last for those where neither finds any text. On 774
# composed lines, twenty times the effort finds no better text of probability 0.001 or more with a rule, and none at all
# without one, where the first step is enough.
_STEPS = (_Step(16, 1e-3, 1e-4), _Step(64, 1e-5, 1e-7), _Step(128, 1e-8, 1e-12))
# Beginnings kept for each number of characters, up to twice the width in all: with a rule, the best text may have more
# characters, or fewer, than those that lead for most of the line.
_OF_EACH_LENGTH = 4
# Where more than this is dropped, the line is a scrawl, and more effort finds nothing of weight.
_HOPELESS = math.log(0.9)
# A text of more than half of the probability is the best, however it was found.
_HALF = math.log(0.5)
# Texts whose probabilities are computed anew beyond those wanted: the search has nearly the right order.
_SPARE = 2
# The probabilities are scaled up when their sum is below this, and a logarithm below this counts as this.
_SMALL, _NEVER = 1e-100, -1e4


def search(
    log_probabilities: Floats,
    classes: str,
    automaton: Automaton | None = None,
    *,
    count: int = 1,
    passes: Callable[[str], bool] | None = None,
) -> list[tuple[str, float]]:
    """Return the most probable texts with the logarithms of their probabilities, best first.

    The first is the most probable of all if its probability is at least that of all alignments which the search has
    dropped. If it is less and there is a rule, or if fewer than `count` texts are found, the search is repeated with
    more effort. Of the other texts, some with a probability below about 0.01 may be missed.

    Parameters
    ----------
    log_probabilities : ndarray of shape (columns, n_classes + 1)
        The network's answer for a line, blank last.
    classes : str
        The classes in order, without the blank.
    automaton : Automaton, optional
        Texts that it does not accept are not searched for.
    count : int, default 1
        Texts wanted; fewer are returned where no more are found.
    passes : callable, optional
        Asked for finished texts, the best first, until enough have passed.

    Raises
    ------
    DataError
        If the answer has another shape, or holds NaN or numbers above 0.
    """
    answer = check_answer(log_probabilities, classes)
    if count == 1 and automaton is None and passes is None:
        text = read_greedily(answer, classes)
        score = float(score_texts(answer, [text], classes)[0])
        if score > _HALF:
            return [(text, score)]
    asked: dict[str, bool] = {}
    found: list[str] = []
    for step in _STEPS:
        texts, dropped = _find(answer, classes, automaton, step)
        found = []
        for text in sorted(texts, key=lambda text: (-texts[text], text)):
            if text not in asked:
                asked[text] = passes is None or passes(text)
            if asked[text]:
                found.append(text)
            if len(found) == count + _SPARE:
                break
        settled = len(found) >= count and ((automaton is None and passes is None) or texts[found[0]] >= dropped)
        again = step is not _STEPS[0]
        if settled or (found and again) or (dropped > _HOPELESS and (found or again)):
            break
    scores = score_texts(answer, found, classes).tolist()
    return sorted(zip(found, scores, strict=True), key=lambda pair: (-pair[1], pair[0]))[:count]


def read_greedily(log_probabilities: Floats, classes: str) -> str:
    """Return the text of the most probable alignment: the most probable class in each column."""
    answer = check_answer(log_probabilities, classes)
    best = answer.argmax(axis=1)
    begins = np.diff(best, prepend=-1) != 0
    return "".join(classes[place] for place in best[begins & (best < len(classes))].tolist())


def _find(
    answer: npt.NDArray[np.float64], classes: str, automaton: Automaton | None, step: _Step
) -> tuple[dict[str, float], float]:
    """Return accepted texts with the logarithms of their probabilities, and that of all alignments dropped."""
    starts: _Starts = {"": (1.0, 0.0, None if automaton is None else automaton.start)}
    # Probabilities are those in `starts` times e**scale.
    scale, mass, dropped = 0.0, 1.0, 0.0
    for skipped, blank, characters, lost in _columns(answer, classes, step.least):
        checkpoint()
        if skipped < 0.0:
            dropped += math.exp(scale) * mass * -math.expm1(skipped)
            scale += skipped
            starts = {text: (ended + going, 0.0, state) for text, (ended, going, state) in starts.items()}
        dropped += math.exp(scale) * mass * lost
        starts, below = _read_column(starts, blank, characters, automaton, mass * step.floor)
        starts, more = _keep_best(starts, step, automaton is not None)
        dropped += math.exp(scale) * (below + more)
        mass = sum(ended + going for ended, going, _ in starts.values())
        if mass == 0.0:
            return {}, _log(dropped)
        if mass < _SMALL:
            starts = {text: (ended / mass, going / mass, state) for text, (ended, going, state) in starts.items()}
            scale, mass = scale + math.log(mass), 1.0
    texts = {
        text: math.log(ended + going) + scale
        for text, (ended, going, state) in starts.items()
        if ended + going > 0.0 and (automaton is None or automaton.accepts(state))
    }
    return texts, _log(dropped)


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def _columns(
    answer: npt.NDArray[np.float64], classes: str, least: float
) -> Iterator[tuple[float, float, dict[str, float], float]]:
    """Yield the columns with characters that count, and one more for the blanks at the end.

    For each: the logarithm of the probability of blanks in all columns since the last, 0 without any; the
    probabilities of a blank, of the characters, and of the others.
    """
    probabilities = np.exp(answer)
    counts = probabilities[:, :-1] >= least
    blanks = np.concatenate([[0.0], np.cumsum(np.clip(answer[:, -1], _NEVER, 0.0))]).tolist()
    before = 0
    for index in np.flatnonzero(counts.any(axis=1)).tolist():
        column = probabilities[index].tolist()
        characters = {classes[place]: column[place] for place in np.flatnonzero(counts[index]).tolist()}
        lost = max(0.0, 1.0 - column[-1] - sum(characters.values()))
        yield blanks[index] - blanks[before], column[-1], characters, lost
        before = index + 1
    yield blanks[-1] - blanks[before], 1.0, {}, 0.0


def _read_column(
    starts: _Starts, blank: float, characters: Mapping[str, float], automaton: Automaton | None, floor: float
) -> tuple[_Starts, float]:
    """Return the beginnings behind a column, and the probability of those below the floor."""
    ended_after: dict[str, float] = {}
    going_after: dict[str, float] = {}
    states: dict[str, Any] = {}
    below = 0.0
    for text, (ended, going, state) in starts.items():
        total, last = ended + going, text[-1:]
        ended_after[text] = total * blank
        going_after[text] = going_after.get(text, 0.0) + going * characters.get(last, 0.0)
        states[text] = state
        for character, probability in characters.items():
            # Equal characters are two only with a blank between them.
            added = (ended if character == last else total) * probability
            if added < floor:
                below += added
                continue
            longer = text + character
            if longer not in states:
                after = state if automaton is None else automaton.step(state, character)
                if automaton is not None and after is None:
                    continue
                states[longer] = after
            going_after[longer] = going_after.get(longer, 0.0) + added
    return {text: (ended_after.get(text, 0.0), going_after[text], state) for text, state in states.items()}, below


def _keep_best(starts: _Starts, step: _Step, of_each_length: bool) -> tuple[_Starts, float]:
    """Return the most probable beginnings, and the probability of the others."""
    if len(starts) <= step.width:
        return starts, 0.0
    totals = {text: ended + going for text, (ended, going, _) in starts.items()}
    ranked = sorted(totals, key=totals.__getitem__, reverse=True)
    kept = {text: starts[text] for text in ranked[: step.width]}
    if of_each_length:
        lengths = Counter(map(len, kept))
        for text in ranked[step.width :]:
            lengths[len(text)] += 1
            if lengths[len(text)] <= _OF_EACH_LENGTH and len(kept) < 2 * step.width:
                kept[text] = starts[text]
    return kept, sum(totals[text] for text in ranked[step.width :] if text not in kept)
