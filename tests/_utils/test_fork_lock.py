"""Locks and forks: a child does not wait for threads that it does not have."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lenetkit

pytestmark = pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="this system has no forks")

HOME = Path(lenetkit.__file__).parent

# The parent has a thread that does something that takes long, forks meanwhile, and waits for the child's answer.
PROGRAM = """
import os, sys, threading, time, warnings
import numpy as np
from lenetkit import Pipeline, list_models
from lenetkit._utils import fork_lock
from lenetkit._utils.rng import preserve_rng_state
from lenetkit._utils.stderr import filter_stderr
from lenetkit.bundle import read_bundle
from lenetkit.pretrained import get_path

warnings.simplefilter("ignore", DeprecationWarning)  # of forks with threads, which are what this is about
fork_lock._PATIENCE = 0.2
busy, done = threading.Event(), threading.Event()
image = np.pad(np.full((1, 14, 4), 255, np.uint8), ((0, 0), (7, 7), (12, 12)))

def wait():
    busy.set()
    done.wait()

{task}

thread = threading.Thread(target=work, daemon=True)
thread.start()
busy.wait()
child = os.fork()
if child == 0:
    with preserve_rng_state(), filter_stderr("nothing"):
        label = Pipeline.pretrained().predict(image)[0]
        known = "lenet5" in list_models()
    os.write(2, b"heard")
    os._exit(0 if label == 1 and known else 1)
until = time.monotonic() + 60
while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < until:
    time.sleep(0.02)
if not ended[0]:
    os.kill(child, 9)
    os.waitpid(child, 0)
    sys.exit("the child hangs")
done.set()
thread.join()
with preserve_rng_state():
    assert Pipeline.pretrained().predict(image)[0] == 1
sys.exit(os.waitstatus_to_exitcode(ended[1]))
"""

TASKS = {
    "random generators": """
def work():
    with preserve_rng_state():
        wait()
""",
    "stderr": """
def work():
    with filter_stderr("nothing"):
        if sys.argv[1] == "short":
            busy.set()
            time.sleep(0.1)
        else:
            wait()
""",
    "a registry": """
from lenetkit.registry import Registry
from lenetkit.models import _catalogue
registry = next(value for value in vars(_catalogue).values() if isinstance(value, Registry))
def work():
    with registry._lock.inner:
        wait()
""",
    "a conversion": """
from lenetkit.pipeline._fitted import FittedState
class Slow:
    rejection = None
    @property
    def tflite(self):
        wait()
        return bundle.tflite
bundle = read_bundle(get_path("digits"))
fitted = Pipeline.from_bundle(bundle)._check_fitted()
def work():
    FittedState(fitted.transforms, fitted.encoder, Slow()).predictor
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_child_does_not_wait_for_a_thread_that_it_does_not_have(task: str) -> None:
    """Whatever another thread was doing while the process was forked, the child answers, and the parent goes on."""
    program = PROGRAM.format(task=TASKS[task])
    run = subprocess.run(
        [sys.executable, "-c", program, "long"], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_a_fork_waits_until_stderr_is_back() -> None:
    """A child that began while a library's output was held back would never be heard."""
    program = PROGRAM.format(task=TASKS["stderr"]).replace("_PATIENCE = 0.2", "_PATIENCE = 30")
    run = subprocess.run(
        [sys.executable, "-c", program, "short"], capture_output=True, text=True, check=False, timeout=300
    )
    assert (run.returncode, run.stderr) == (0, "heard")


def test_no_other_locks_are_made() -> None:
    """A lock of ``threading`` does not survive a fork, nor does ``cached_property`` of Python 3.11, which has one."""
    made = re.compile(r"threading\.(R?Lock|Condition)\(|@(functools\.)?cached_property")
    users = {path.name for path in HOME.rglob("*.py") if made.search(path.read_text("utf-8"))}
    assert users == {"fork_lock.py"}
