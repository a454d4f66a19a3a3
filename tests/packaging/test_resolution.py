"""What an install would bring on Pythons and machines that are not at hand, asked of the package index."""

import pytest
from tools.check_resolution import CASES, MACHINES, find_fault, find_obstacle, resolve_all

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def resolutions() -> dict[tuple[str, str, str, bool], tuple[list[str], str]]:
    """Return what each case resolves to, or skip."""
    if obstacle := find_obstacle():
        pytest.skip(obstacle)
    return dict(zip(CASES, resolve_all(), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{MACHINES[case[2]]}")
def test_an_install_brings_what_reading_needs_and_what_training_needs_where_there_are_wheels(
    resolutions: dict[tuple[str, str, str, bool], tuple[list[str], str]], case: tuple[str, str, str, bool]
) -> None:
    """From wheels alone."""
    assert find_fault(*resolutions[case], case[3]) == ""


def test_a_resolution_that_lacks_something_is_a_fault() -> None:
    """Each of the four that there are."""
    reading = ["attrs", "click", "numpy", "pillow", "rich", "safetensors", "scipy"]
    assert find_fault(reading, "", False) == ""
    assert find_fault([], "no solution", False) == "no solution"
    assert find_fault(reading[1:], "", False) == "attrs would be missing"
    assert find_fault(reading, "", True).endswith("it would bring none")
    assert find_fault([*reading, "keras"], "", False).endswith("it would bring keras")
