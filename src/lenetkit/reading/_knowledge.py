"""Rules for a number that are known before it is read: its length, its form, a list of known numbers, a check digit.

In: the arguments of :func:`lenetkit.reading.read_number`. Out: :class:`Knowledge`, checked. Next: the search in
:mod:`lenetkit.reading._line_decoding`, which finds no other texts.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np

from lenetkit._utils.validation import check_whole, is_integer
from lenetkit.exceptions import SettingError
from lenetkit.reading._automata import Automaton, DigitsOnly, HasLength, IsAmong, Matches, PassesAll, PassesLuhn
from lenetkit.reading._ctc import CLASSES, DIGITS, TextTree

__all__ = ["Knowledge", "extract_digits"]

Check: TypeAlias = Callable[[str], bool]

# Longer numbers have no place in a line.
_LONGEST = 100
_SEPARATORS = re.compile(rf"[{re.escape(CLASSES[len(DIGITS) :])}]\??")


def extract_digits(text: str) -> str:
    """Return the digits of a text."""
    return "".join(character for character in text if character in DIGITS)


def _convert_length(value: Any) -> Any:
    """Return the fewest and most digits; what is neither an integer nor a pair is left to the check."""
    if isinstance(value, (int, np.integer)):
        return (value, value)
    return tuple(value) if isinstance(value, list) else value


def _check_length(_: Any, __: Any, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, tuple) or len(value) != 2:
        raise SettingError(f"length must be a number of digits, or a pair of the fewest and the most; got {value!r}.")
    for end in value:
        check_whole("length", end, 1, _LONGEST)
    if value[0] > value[1]:
        raise SettingError(f"length must have the fewest digits first; got {value!r}.")


def _check_pattern(_: Any, __: Any, value: Any) -> None:
    if value is None:
        return
    hint = "use # for any digit, digits and the separators . , - / : and space for themselves, ? after what may lack"
    if not isinstance(value, str) or not value:
        raise SettingError(f"pattern must be a text such as '##.##', not empty; got {value!r}: {hint}.")
    unknown = next((character for character in value if character not in CLASSES + "#?"), None)
    if unknown is not None:
        raise SettingError(f"pattern must not contain {unknown!r}; got {value!r}: {hint}.")
    if value != " ".join(value.split()):
        raise SettingError(f"pattern must not begin or end with a gap, nor have two in a row; got {value!r}.")
    if value.startswith("?") or "??" in value:
        raise SettingError(f"pattern has a ? that follows nothing; got {value!r}: {hint}.")
    if not 1 <= Matches(value).lengths[1] <= _LONGEST:
        raise SettingError(
            f"pattern must have 1 to {_LONGEST} digits, written # or as themselves; got {value!r}: {hint}."
        )


def _convert_among(value: Any) -> Any:
    """Return known numbers as texts, sorted, each once; what is no list is left to the check."""
    if value is None or isinstance(value, (str, bytes)):
        return value
    try:
        entries = list(value)
    except TypeError:
        return value
    numbers = [str(entry) if is_integer(entry, 0) else entry for entry in entries]
    for index, number in enumerate(numbers):
        if not (isinstance(number, str) and number.isascii() and number.isdigit()):
            raise SettingError(
                f"among must hold numbers of digits alone, such as '00412' (or 412, without leading zeros); "
                f"its entry {index} is {number!r}. Give separators in pattern."
            )
    return tuple(sorted({str(number) for number in numbers}))


def _check_among(_: Any, __: Any, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, tuple):
        raise SettingError(f"among must be a list of numbers, such as ['1947', '1948']; got {value!r}.")
    if not value:
        raise SettingError("among must hold at least one number; it is empty. Leave it out if none are known.")


def _check_check(_: Any, __: Any, value: Any) -> None:
    if value is not None and not callable(value) and not (isinstance(value, str) and value == "luhn"):
        raise SettingError(f"check must be 'luhn', or a function from the digits to True or False; got {value!r}.")


@attrs.frozen(kw_only=True)
class Knowledge:
    """Rules for a number that are known before it is read; all that are given hold together.

    `length`, `among` and `check` look at the digits alone: separators and gaps may stand anywhere between them.

    Parameters
    ----------
    length : int or tuple of two int, optional
        Number of digits, or the fewest and the most, 1 to 100.
    pattern : str, optional
        Form of the whole text: ``#`` stands for any digit, digits and the separators ``.``, ``,``, ``-``, ``/``, ``:``
        and space for themselves, and ``?`` behind one of these says that it may lack: ``"##?/##?/####"`` is a date.
        With separators, the text has these and no others; without any, separators may stand anywhere, as with `length`.
    among : iterable of str or int, optional
        The numbers that are possible, of digits alone. An integer has no leading zeros; give ``"0042"`` as a text.
    check : "luhn" or callable, optional
        The last digit checks the others as on payment cards; or a function that is given the digits, a str, and says
        whether they may be right. It is asked for the most probable ones until enough have passed, some hundreds
        of times at most, or, with `among`, for each of these at once. Its exceptions are passed on.

    Raises
    ------
    SettingError
        If a rule is invalid, or no number can follow all of them.

    Examples
    --------
    >>> from lenetkit.reading._knowledge import Knowledge
    >>> Knowledge(length=4, among=["1947", "1948", "20"]).numbers
    ('1947', '1948')
    """

    length: Any = attrs.field(default=None, converter=_convert_length, validator=_check_length)
    pattern: str | None = attrs.field(default=None, validator=_check_pattern)
    among: Any = attrs.field(default=None, converter=_convert_among, validator=_check_among, repr=False)
    check: Any = attrs.field(default=None, validator=_check_check)
    numbers: tuple[str, ...] | None = attrs.field(init=False, repr=False, eq=False)
    tree: TextTree = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        fewest, most = self.length or (1, _LONGEST)
        form = (fewest, most) if self.pattern is None else Matches(self.pattern).lengths
        if form[0] > most or form[1] < fewest:
            raise SettingError(
                f"no number follows both rules: pattern {self.pattern!r} has {_join(form)} digits and length is "
                f"{_join(self.length)}."
            )
        if self.check == "luhn" and min(most, form[1]) < 2:
            raise SettingError("check='luhn' needs two digits at least, and length or pattern allow only one.")
        object.__setattr__(self, "numbers", None)  # for the rules that choose among them
        object.__setattr__(self, "numbers", self._choose_numbers())
        object.__setattr__(self, "tree", TextTree(self.numbers or (), DIGITS))

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is known."""
        return all(rule is None for rule in (self.length, self.pattern, self.among, self.check))

    @property
    def names_separators(self) -> bool:
        """Tell whether the pattern says which separators there are."""
        return self.pattern is not None and _SEPARATORS.search(self.pattern) is not None

    @property
    def question(self) -> Check | None:
        """Check that is a function, to be asked for texts with or without separators; None where there is none."""
        if not callable(self.check):
            return None
        check: Check = self.check
        return lambda text: bool(check(extract_digits(text)))

    def make_automaton(self, *, separators: bool) -> Automaton | None:
        """Return the automaton for texts of digits and separators, or of digits alone; None where nothing is known.

        A check that is a function is no part of it: see :attr:`question`.
        """
        if self.is_empty:
            return None
        if not separators:
            return PassesAll(self._make_rules())
        if self.names_separators and self.pattern is not None:
            return PassesAll([Matches(self.pattern), DigitsOnly(PassesAll(self._make_rules()))])
        return DigitsOnly(PassesAll(self._make_rules()))

    def _make_rules(self) -> list[Automaton]:
        """Return the automata for digits."""
        rules: list[Automaton] = [HasLength(*(self.length or (1, _LONGEST)))]
        if self.pattern is not None:
            rules.append(Matches(_SEPARATORS.sub("", self.pattern)))
        if self.check == "luhn":
            rules.append(PassesLuhn())
        if self.numbers is not None:
            rules.append(IsAmong(self.numbers))
        return rules

    def _choose_numbers(self) -> tuple[str, ...] | None:
        """Return those of the known numbers that follow the other rules; None without known ones."""
        if self.among is None:
            return None
        if self.length is self.pattern is self.check is None:
            return tuple(self.among)
        rule, asks = PassesAll(self._make_rules()), self.question
        numbers = tuple(number for number in self.among if _follows(number, rule) and (asks is None or asks(number)))
        if not numbers:
            raise SettingError(
                f"none of the {len(self.among):,} numbers of among follows the other rules: length={self.length!r}, "
                f"pattern={self.pattern!r}, check={self.check!r}."
            )
        return numbers


def _follows(text: str, automaton: Automaton) -> bool:
    """Tell whether an automaton accepts a text."""
    state: Any = automaton.start
    for character in text:
        state = automaton.step(state, character)
        if state is None:
            return False
    return automaton.accepts(state)


def _join(ends: tuple[int, int]) -> str:
    return f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
