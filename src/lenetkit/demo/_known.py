"""Parameters of a request that say what is known of the number: bounded here, and checked where the number is read.

In: the parameters as texts. Out: settings of :func:`lenetkit.reading.read_number`, or one error in words.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lenetkit._utils.spans import parse_span
from lenetkit.exceptions import SettingError

__all__ = ["MOST_NUMBERS", "WrongKnowledgeError", "knowing", "parse_known"]

MOST_NUMBERS = 1000
"""A longer list of known numbers would keep the other visitors waiting: each answer looks through it."""

_LONGEST_LIST = 20_000
_LONGEST_PATTERN = 200
_MOST_LINES = 100


class WrongKnowledgeError(SettingError):
    """Rules for the number are invalid, or cannot be used here; the picture may be all right."""


@contextlib.contextmanager
def knowing() -> Iterator[None]:
    """Tell errors of what is known from others."""
    try:
        yield
    except SettingError as error:
        raise WrongKnowledgeError(str(error)) from error


def parse_known(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known, by the names that :func:`lenetkit.reading.read_number` has for it; empty texts are nothing.

    Raises
    ------
    WrongKnowledgeError
        If it has no such form, or there is too much of it.
    """
    parsers = {
        "length": lambda text: parse_span("length", text),
        "pattern": _parse_pattern,
        "among": _parse_among,
        "check": _parse_check,
        "lines": _parse_lines,
    }
    given = {name: parameters.get(name, "").strip() for name in parsers}
    with knowing():
        return {name: parsers[name](text) for name, text in given.items() if text}


def _parse_pattern(text: str) -> str:
    if len(text) > _LONGEST_PATTERN:
        raise SettingError(f"pattern must have at most {_LONGEST_PATTERN} characters; got {len(text):,}.")
    return text


def _parse_among(text: str) -> list[str]:
    numbers = [number for number in re.split(r"[\s,;]+", text) if number]
    if len(numbers) > MOST_NUMBERS:
        raise SettingError(
            f"there must be at most {MOST_NUMBERS:,} known numbers on this page; got {len(numbers):,}. The command "
            "lenetkit read --among FILE takes as many as there are."
        )
    if len(text) > _LONGEST_LIST:
        raise SettingError(f"the known numbers must have at most {_LONGEST_LIST:,} characters; got {len(text):,}.")
    if not numbers:
        raise SettingError("the known numbers are commas alone: write numbers between them, or nothing.")
    return numbers


def _parse_check(text: str) -> str:
    if text != "luhn":
        raise SettingError(f"check must be luhn, or nothing; got {text[:40]!r}.")
    return text


def _parse_lines(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= _MOST_LINES:
        raise SettingError(f"lines must be an integer from 1 to {_MOST_LINES}; got {text[:40]!r}.")
    return int(text)
