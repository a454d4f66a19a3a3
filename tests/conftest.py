"""What several test files share: where the real data are."""

import os
from pathlib import Path

import hypothesis
import pytest

# What is written to a pipe or a file is compared; these would have it coloured as on a terminal.
for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(name, None)

# The first example of a test pays for imports and compilation, and other tests run beside it; that says nothing about
# the code. Continuous integration tries the same examples every time; everywhere else they are new ones.
hypothesis.settings.register_profile(
    "lenetkit",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("lenetkit")


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
