"""Texts of written numbers: amounts, dates, times, row numbers, codes.

In: a generator of random numbers, bounds. Out: strings of digits, separators and spaces. Next: the writing of lines.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np

from lenetkit.synthesis._line_signs import CROSSED_OUT, LETTERS

__all__ = ["FRAMES", "SEPARATORS", "beside", "random_text", "tidied"]

# What a line reader may read besides digits and gaps.
SEPARATORS = ".,-/:"
# What stands around amounts so that nobody adds a digit: before, behind. No reader is to read it.
FRAMES = (("#", "#"), ("*", "*"), ("**", "**"), ("", "="), ("$", ""), ("$", "="), ("*", ""), ("", "#"), ("", "*"))

_ROUND, _ZERO_FIRST = 0.3, 0.1  # fractions of numbers that end in zeros, and that may begin with one
# How often what stands beside a number is a digit that was struck out, and how many letters a word has at most.
_STRUCK, _WORD = 0.35, 3


def random_text(rng: np.random.Generator, n_digits: tuple[int, int], signs: float) -> str:
    """Return a text with so many digits, both bounds included; the fraction `signs` of them has more than digits."""
    count = int(rng.integers(n_digits[0], n_digits[1] + 1))
    digits = _number(rng, count)
    if rng.random() >= signs:
        return digits
    kinds = tuple(_KINDS)
    text = _KINDS[kinds[int(rng.integers(len(kinds)))]](rng, digits)
    # A date has as many digits as it has.
    return text if n_digits[0] <= len(re.sub(r"\D", "", text)) <= n_digits[1] else digits


def tidied(text: str) -> str:
    """Return what there is to read: without frames, and with one space for several."""
    return " ".join(re.sub(rf"[^\d{re.escape(SEPARATORS)} ]", "", text).split())


def beside(rng: np.random.Generator) -> tuple[str, str]:
    """Return what no reader is to read before and behind a number: a letter, part of a word, a digit struck out."""
    if rng.random() < _STRUCK:
        return CROSSED_OUT + " " * int(rng.integers(2)), ""
    letters = list(LETTERS)
    word = "".join(letters[int(at)] for at in rng.integers(0, len(letters), int(rng.integers(1, _WORD + 1))))
    # A letter right behind a number belongs to it as in "61a"; a longer word stands apart.
    return [(word + " ", ""), ("", " " + word), ("", word[0])][int(rng.integers(3))]


def _number(rng: np.random.Generator, count: int) -> str:
    """Return so many digits; a part of the numbers is round."""
    digits = rng.integers(0, 10, count)
    if count > 1 and rng.random() >= _ZERO_FIRST:
        digits[0] = rng.integers(1, 10)
    if count > 2 and rng.random() < _ROUND:
        digits[int(rng.integers(1, count)) :] = 0
    return "".join(map(str, digits.tolist()))


def _one(rng: np.random.Generator, *among: str) -> str:
    return among[int(rng.integers(len(among)))]


def _grouped(digits: str, separator: str) -> str:
    return f"{int(digits):,}".replace(",", separator) if digits[0] != "0" else digits


def _thousands(rng: np.random.Generator, digits: str) -> str:
    return _grouped(digits, _one(rng, ".", ".", ",", " "))


def _decimals(rng: np.random.Generator, digits: str) -> str:
    if len(digits) < 2:
        return digits + _one(rng, ".", ",")
    places = min(int(_one(rng, "1", "2", "2", "2", "3")), len(digits) - 1)
    point = _one(rng, ".", ",")
    whole = _grouped(digits[:-places], _one(rng, "", "", " ", "." if point == "," else ","))
    return whole + point + digits[-places:]


def _amount(rng: np.random.Generator, digits: str) -> str:
    return _thousands(rng, digits) + _one(rng, ".-", ".-", ",-", "-", ".", ",", ":-", "--", ".--", ".//")


def _date(rng: np.random.Generator, _: str) -> str:
    day, month = str(rng.integers(1, 32)), str(rng.integers(1, 13))
    if rng.random() < 0.5:
        day, month = day.zfill(2), month.zfill(2)
    year = str(rng.integers(1800, 2100))
    mark = _one(rng, "/", "/", ".", "-", " ")
    if rng.random() < 0.1:
        return mark.join((year, month.zfill(2), day.zfill(2)))
    return mark.join((day, month, year[2:] if rng.random() < 0.5 else year))


def _time(rng: np.random.Generator, _: str) -> str:
    text = f"{rng.integers(0, 24)}{_one(rng, ':', ':', '.')}{rng.integers(0, 60):02}"
    return text + f":{rng.integers(0, 60):02}" if rng.random() < 0.2 else text


def _fraction(rng: np.random.Generator, digits: str) -> str:
    at = int(rng.integers(1, len(digits))) if len(digits) > 1 else 1
    return digits[:at] + "/" + (digits[at:] or str(rng.integers(2, 10)))


def _negative(rng: np.random.Generator, digits: str) -> str:
    return "-" + (digits if rng.random() < 0.5 else _decimals(rng, digits))


def _ordinal(_: np.random.Generator, digits: str) -> str:
    return digits + "."


def _hundredths(rng: np.random.Generator, digits: str) -> str:
    """Return an amount with its cents as a fraction, as on cheques."""
    whole = digits if len(digits) < 4 else digits[:-5]
    whole = _grouped(whole, _one(rng, "", ".", ",")) + " " if whole else ""
    return f"{whole}{_one(rng, digits[-2:].zfill(2), '00')}/100"


def _code(rng: np.random.Generator, digits: str) -> str:
    """Return digits in groups that have no meaning."""
    marks = {int(at): _one(rng, " ", " ", "-", "-", ".", "/") for at in rng.integers(1, max(2, len(digits)), 2)}
    return "".join(marks.get(index, "") + digit for index, digit in enumerate(digits))


_KINDS: Mapping[str, Callable[[np.random.Generator, str], str]] = {
    "thousands": _thousands,
    "amount": _amount,
    "decimals": _decimals,
    "date": _date,
    "time": _time,
    "fraction": _fraction,
    "negative": _negative,
    "ordinal": _ordinal,
    "code": _code,
    "hundredths": _hundredths,
}
