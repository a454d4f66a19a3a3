"""What several test files share: where the real data are."""

import os
from pathlib import Path

import pytest


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
