"""Tests for Ctrl-C and SIGTERM where the program, the shell or a host decides about them."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lenetkit.trainer._signals import StopSignals

HOST = """
#include <signal.h>
#include <unistd.h>
static void handle(int number) { (void) number; (void) !write(2, "host\\n", 5); }
__attribute__((constructor)) static void start(void) { signal(SIGINT, handle); signal(SIGTERM, handle); }
"""

SCRIPT = """
import os, signal
from lenetkit.trainer._signals import StopSignals
assert signal.getsignal(signal.SIGINT) is None
with StopSignals(terminate=True) as signals:
    os.kill(os.getpid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGTERM)
print("kept", signals.heard)
"""


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the handlers back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="needs a C compiler and LD_PRELOAD")
def test_a_handler_of_the_host_program_stays_and_the_result_is_kept(tmp_path: Path) -> None:
    """Python runs in a program that handles signals itself; Python does not know how, and could not put that back."""
    (tmp_path / "host.c").write_text(HOST)
    library = tmp_path / "host.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "host.c"], check=True)
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "kept None\n", "host\nhost\n")


def test_an_ignored_signal_stays_ignored(handlers: Any) -> None:
    """As a shell does for what runs in the background, and nohup for what shall go on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with StopSignals(terminate=True) as signals:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert signals.heard is None
    signals.pass_on()
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == [signal.SIG_IGN] * 2


def test_a_handler_of_python_is_put_back(handlers: Any) -> None:
    """And hears a second Ctrl-C."""
    heard: list[int] = []

    def handler(number: int, frame: Any) -> None:
        heard.append(number)

    signal.signal(signal.SIGINT, handler)
    with StopSignals(terminate=False) as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert (signals.heard, heard) == (signal.SIGINT, [])
        os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is handler
