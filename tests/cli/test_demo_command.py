"""Tests for ``lenetkit demo``: its mistakes, and the names of what it serves."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lenetkit.cli.demo import _load_named

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

Run = Callable[..., Any]

WORDS = Path(__file__).parents[1] / "data" / "format_1.lenet"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "PORT"], "error: port PORT on 127.0.0.1 is taken by another program"),
        (["--port", "65536"], "65536 is not in the range 0<=x<=65535"),
        (["--host", "192.0.2.1"], "error: host must be a name or address of this machine; got '192.0.2.1'"),
        (["--host", "no.such.invalid"], "error: host must be a name or address of this machine; got 'no.such.invalid'"),
        (["--host", "192.0.2.1"], "warning: anybody who can reach 192.0.2.1 can use the page"),
        (["--max-upload", "0"], "0.0 is not in the range x>0"),
        (["--pipeline", "none.lenet"], "cannot load none.lenet: there is no such file"),
        (["none.lenet"], "cannot load none.lenet: there is no such file"),
        ([WORDS, "--pipeline", WORDS], "error: each file can be given once"),
    ],
)
def test_the_command_says_what_is_wrong(run: Run, arguments: list[Any], message: str) -> None:
    """One message, and the exit code of wrong usage."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = run("demo", *(port if argument == "PORT" else argument for argument in arguments))
    assert (answer.stdout, answer.returncode) == ("", 2)
    assert message.replace("PORT", port) in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_a_missing_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, missing, None)
    answer = run("demo", "--port", "0")
    assert (answer.stdout, answer.returncode) == ("", 2)
    assert answer.stderr == (
        f'error: the demo needs {missing}, not installed here. Install it with: pip install "lenetkit[demo]"\n'
    )


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """By their paths."""
    other = tmp_path / WORDS.name
    other.write_bytes(WORDS.read_bytes())
    named = _load_named((str(WORDS), str(other)), None)
    assert named is not None
    assert list(named) == [str(WORDS), str(other)]
