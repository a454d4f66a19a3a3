"""Tests for the bar of commands that answer many images."""

import contextlib
import io
import re

import pytest

from lenetkit.cli._progress import show_progress


class Terminal(io.StringIO):
    """A text file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_shows_what_is_done_how_fast_and_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.redirect_stderr(Terminal()) as terminal, show_progress(1000, 10, prints=False) as advance:
        for _ in range(4):
            advance(100)
    assert re.search(r"400/1000.*\d/s.*\d:\d\d:\d\d", terminal.getvalue())


def test_a_few_images_need_no_bar() -> None:
    with contextlib.redirect_stderr(Terminal()) as terminal, show_progress(10, 10, prints=False) as advance:
        advance(10)
    assert terminal.getvalue() == ""
