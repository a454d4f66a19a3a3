"""Options for what is known of a number before it is read, and the file of known numbers."""

import contextlib
import re
from collections.abc import Callable, Iterator

import click

from lenetkit._utils.printable import printable
from lenetkit._utils.spans import parse_span
from lenetkit.exceptions import SettingError

__all__ = ["known_options", "named_as_options"]

_SETTINGS = re.compile(r"\b(length|pattern|among|check|lines|reject)\b")


def _parse_length(_: click.Context, option: click.Parameter, text: str | None) -> int | tuple[int, int] | None:
    return None if text is None else parse_span(option.opts[0], text)


def _read_numbers(_: click.Context, option: click.Parameter, path: str | None) -> tuple[str, ...] | None:
    """Return the numbers in a file, one on each line; empty lines are skipped."""
    if path is None:
        return None
    file = f"{option.opts[0]} {printable(path)}"
    try:
        with open(path, encoding="utf-8-sig") as lines:
            numbers = [(row, text) for row, line in enumerate(lines, 1) if (text := line.strip())]
    except UnicodeDecodeError:
        raise SettingError(f"{file} must be a text file with one number on each line.") from None
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        raise SettingError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    for row, text in numbers:
        if not (text.isascii() and text.isdigit()):
            shown = text if len(text) <= 40 else f"{text[:40]}..."
            raise SettingError(
                f"{file}: line {row} must be one number of digits alone, such as 00412; got {printable(shown)!r}. "
                "Give separators in --pattern."
            )
    if not numbers:
        raise SettingError(f"{file} has no number: write one on each line.")
    return tuple(text for _, text in numbers)


def known_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for what is known."""
    options = (
        click.option(
            "--length",
            metavar="N|LOW-HIGH",
            callback=_parse_length,
            help="Number of digits, or the fewest and the most, for example 4-6.",
        ),
        click.option(
            "--pattern",
            metavar="FORM",
            help="Form of the number: # for a digit, digits, gaps and the signs . , - / : for themselves, ? behind "
            "what may lack, for example '##?/##?/####'.",
        ),
        click.option(
            "--among",
            metavar="FILE",
            callback=_read_numbers,
            help="The numbers that are possible: a text file with one on each line.",
        ),
        click.option("--check", type=click.Choice(["luhn"]), help="The last digit checks the others, as on cards."),
        click.option(
            "--lines", type=click.IntRange(1), metavar="N", help="Lines of writing that have a number, for example 1."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextlib.contextmanager
def named_as_options() -> Iterator[None]:
    """Name in errors the options as they are typed, where the library names its arguments."""
    try:
        yield
    except SettingError as error:
        raise SettingError(_SETTINGS.sub(r"--\1", str(error))) from error
