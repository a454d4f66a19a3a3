"""Tests for the words for errors of the system, for text that is safe to print, and for quiet imports."""

import errno
import itertools
import os
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import lenetkit
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.printable import printable, printable_lines
from lenetkit._utils.system import describe_system_error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.lenet"), "a.lenet: No space left on device. Make room"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), b"a"), "a: Too many open files. Close files"),
        (OSError("in words alone."), "in words alone."),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "there is not enough memory."),
        (np.linalg.LinAlgError("no"), None),
        (KeyError("x"), None),
        (RuntimeError("anything"), None),
    ],
)
def test_an_error_of_the_system_is_told_in_words(error: Exception, words: str | None) -> None:
    """Place, reason and cure; other errors are no business of the system."""
    told = describe_system_error(error)
    assert told is None if words is None else str(told).startswith(words)
    assert "Errno" not in str(told)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, äöü 七 ½", "plain text, äöü 七 ½"),
        ("\x1b[31m\x07\x00\x9b\r\t", "\\x1b[31m\\x07\\x00\\x9b\\r\\t"),
        ("\u202e\u200b\ud800\U000e0001", "\\u202e\\u200b\\ud800\\U000e0001"),
        ("two\nlines", "two\\nlines"),
    ],
)
def test_text_of_others_cannot_steer_a_terminal(text: str, shown: str) -> None:
    """Escapes stand for what shows nothing; letters stay."""
    assert printable(text) == shown
    assert printable_lines(text) == shown.replace("\\n", "\n")
    assert printable(shown) == shown


@pytest.mark.slow
@pytest.mark.parametrize("module", ["rich.progress", "scipy.ndimage", "scipy.stats", "sklearn.datasets", "requests"])
def test_importing_a_library_moves_nothing_in_the_process(module: str) -> None:
    """In a process that has not imported it, where warnings are errors, too."""
    code = f"""
import random, sys, warnings
import numpy as np
from lenetkit._utils.imports import import_quietly
warnings.simplefilter("error")
before = random.getstate(), str(np.random.get_state()), list(warnings.filters)
assert import_quietly({module!r}) is sys.modules[{module!r}]
assert (random.getstate(), str(np.random.get_state()), list(warnings.filters)) == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_such_libraries_are_imported_quietly_wherever_they_are_needed() -> None:
    """A late import of one of them stands after ``import_quietly``; a command is a process of its own."""
    home = Path(lenetkit.__file__).parent
    late = re.compile(r"( +)from (scipy|sklearn|rich)\b.* import ")
    quiet = "import_quietly(", "from rich.", ">>>", "import requests"
    loud = []
    for path in home.rglob("*.py"):
        if path.parent.name in ("cli", "_utils"):
            continue
        lines = path.read_text("utf-8").splitlines()
        for before, line in itertools.pairwise(lines):
            if late.match(line) and not before.strip().startswith(quiet):
                loud.append(f"{path.name}: {line.strip()}")
    assert loud == []


def test_an_import_that_fails_moves_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the import's own."""
    (tmp_path / "draws_and_fails.py").write_text(
        "import random, warnings\nrandom.random()\nwarnings.simplefilter('ignore')\n1 / 0"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    before = random.getstate(), list(warnings.filters)
    with pytest.raises(ZeroDivisionError):
        import_quietly("draws_and_fails")
    assert (random.getstate(), list(warnings.filters)) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_remarks_of_libraries_are_not_worth_an_error(tmp_path: Path) -> None:
    """Where standard error is full, and where its number belongs to another file."""
    code = """
import os, sys
from lenetkit._utils.stderr import filter_stderr
data = None
if sys.stderr is None:
    data = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
    assert data == 2
with filter_stderr("x"):
    os.write(2, b"held back\\n")
    held = data is not None and os.fstat(2).st_size
print(held)
"""
    target = tmp_path / "data"
    for prepare, written in (
        (lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 2), "False"),
        (lambda: os.close(2), "10"),
    ):
        answer = subprocess.run(
            [sys.executable, "-c", code, target],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=prepare,
            check=True,
        )
        assert answer.stdout.strip() == written
