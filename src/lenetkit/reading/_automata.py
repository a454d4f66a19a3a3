"""Automata that accept texts: what is known of a number, followed character by character while it is searched for.

In: lengths, patterns, known numbers. Out: an :class:`Automaton`. Next: :mod:`lenetkit.reading._beam_search` carries the
state of one with each beginning of a text and drops the beginnings that nothing can follow.
"""

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from typing import Any, Protocol

__all__ = ["Automaton", "DigitsOnly", "HasLength", "IsAmong", "Matches", "PassesAll", "PassesLuhn"]


class Automaton(Protocol):
    """A rule for texts that reads one character after another."""

    @property
    def start(self) -> Hashable:
        """State before the first character."""
        ...

    def step(self, state: Any, character: str) -> Hashable | None:
        """Return the state behind a character; None where no text goes on like this."""
        ...

    def accepts(self, state: Any) -> bool:
        """Tell whether a text may end in this state."""
        ...


class HasLength:
    """Texts of `low` to `high` characters; the state counts them."""

    start = 0

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def step(self, state: int, character: str) -> int | None:  # noqa: ARG002
        return state + 1 if state < self.high else None

    def accepts(self, state: int) -> bool:
        return state >= self.low


class Matches:
    """Texts of the form of a pattern: ``#`` is any digit, others are themselves, ``?`` makes optional what it follows.

    The state is the set of places in the pattern that may come next, as the bits of an integer.
    """

    def __init__(self, pattern: str) -> None:
        self.places = [character for character in pattern if character != "?"]
        behind = pattern[1:] + " "
        self.optional = [after == "?" for character, after in zip(pattern, behind, strict=True) if character != "?"]
        self.start = self._close(1)

    @property
    def lengths(self) -> tuple[int, int]:
        """Fewest and most digits of a text."""
        digits = [not optional for place, optional in zip(self.places, self.optional, strict=True) if _is_digit(place)]
        return sum(digits), len(digits)

    def _close(self, state: int) -> int:
        """Add the places behind optional ones."""
        for index, optional in enumerate(self.optional):
            if optional and state >> index & 1:
                state |= 1 << index + 1
        return state

    def step(self, state: int, character: str) -> int | None:
        after = 0
        for index, place in enumerate(self.places):
            if state >> index & 1 and (place == character or (place == "#" and character.isdigit())):
                after |= 1 << index + 1
        return self._close(after) or None

    def accepts(self, state: int) -> bool:
        return bool(state >> len(self.places) & 1)


def _is_digit(place: str) -> bool:
    return place == "#" or place.isdigit()


class IsAmong:
    """Known texts, sorted; the state is the part of them that begins as the text does, and how much of them is read."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.start = ("", 0, len(texts))

    def step(self, state: tuple[str, int, int], character: str) -> tuple[str, int, int] | None:
        read, low, high = state
        read += character
        low = bisect_left(self.texts, read, low, high)
        high = bisect_left(self.texts, read[:-1] + chr(ord(character) + 1), low, high)
        return (read, low, high) if low < high else None

    def accepts(self, state: tuple[str, int, int]) -> bool:
        return self.texts[state[1]] == state[0]


class PassesLuhn:
    """Numbers of two or more digits whose last one checks the others (Luhn 1960, ISO/IEC 7812-1 annex B).

    Every second digit from the right counts twice, less 9 where that is more than 9, and the sum ends in 0. As the
    number of digits is not known in advance, the state is the sum with the last digit once, and that with it twice.
    """

    start = (0, 0, 0)

    def step(self, state: tuple[int, int, int], character: str) -> tuple[int, int, int]:
        once, twice, count = state
        digit = int(character)
        double = 2 * digit - 9 * (digit > 4)
        return (twice + digit) % 10, (once + double) % 10, min(count + 1, 2)

    def accepts(self, state: tuple[int, int, int]) -> bool:
        return state[0] == 0 and state[2] == 2


class PassesAll:
    """Texts that each of several automata accepts."""

    def __init__(self, automata: Sequence[Automaton]) -> None:
        self.automata = automata
        self.start = tuple(automaton.start for automaton in automata)

    def step(self, state: tuple[Any, ...], character: str) -> tuple[Any, ...] | None:
        after = []
        for automaton, part in zip(self.automata, state, strict=True):
            next_part = automaton.step(part, character)
            if next_part is None:
                return None
            after.append(next_part)
        return tuple(after)

    def accepts(self, state: tuple[Any, ...]) -> bool:
        return all(automaton.accepts(part) for automaton, part in zip(self.automata, state, strict=True))


class DigitsOnly:
    """Texts whose digits another automaton accepts, whatever separators stand between them."""

    def __init__(self, automaton: Automaton) -> None:
        self.automaton, self.start = automaton, automaton.start

    def step(self, state: Any, character: str) -> Hashable | None:
        return self.automaton.step(state, character) if character.isdigit() else state

    def accepts(self, state: Any) -> bool:
        return self.automaton.accepts(state)
