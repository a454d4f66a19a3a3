"""Names in messages: the nearest known one for an unknown name, and texts that are too long. Standard library only."""

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "shorten"]


def shorten(value: object, longest: int = 300) -> str:
    """Return a text for a message: of a longer one its beginning, its end and its length."""
    text = str(value)
    return text if len(text) <= longest else f"{text[:60]}...{text[-60:]} ({len(text):,} characters)"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` with the known name nearest in spelling, or an empty string if none is near."""
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
