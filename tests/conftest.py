"""Settings and fixtures of all tests: the real data, Hypothesis, and files that need not be imported."""

import os
import re
import signal
from pathlib import Path

import hypothesis
import pytest

# Tests compare what is written to a pipe or a file; these would have it coloured as on a terminal.
for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(name, None)

# A shell ignores Ctrl-C for what a script runs in the background, and lenetkit leaves it so; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The first example of a test pays for imports and compilation, and other tests run beside it; that says nothing about
# the code. Continuous integration tries the same examples every time; everywhere else they are new ones.
hypothesis.settings.register_profile(
    "lenetkit",
    deadline=None,
    max_examples=60,  # other ones on every run, but for continuous integration
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("lenetkit")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of which no test is asked for: with ``-m "not tensorflow"`` nothing imports TensorFlow.

    A file says so by its ``pytestmark``. Each process of a parallel run would import it, only to deselect its tests.
    """
    excluded = re.fullmatch(r"not \w+(?: and not \w+)*", config.option.markexpr)
    if excluded is None or not collection_path.name.startswith("test_"):
        return None
    marks = re.search(r"^pytestmark = (\[[^]]*]|.*?$)", collection_path.read_text("utf-8"), re.MULTILINE)
    names = re.findall(r"pytest\.mark\.(\w+)", marks[1]) if marks else []
    return True if set(names) & set(excluded[0].replace("not ", "").split(" and ")) else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder with the full MNIST, USPS and photographed digits, or skip."""
    folder = Path(os.environ.get("LENETKIT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "mnist").is_dir():
        reason = f"needs the real data: no {folder / 'mnist'} (set LENETKIT_TEST_DATA)"
        if os.environ.get("LENETKIT_TEST_REQUIRE_DATA"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
