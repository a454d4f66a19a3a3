"""Contract tests of the additions: ``pytest test_contract.py``."""

from lenetkit.testing import parametrize_with_checks


@parametrize_with_checks(models=["two_layers"], datasets=["bars_and_rings"], transforms=["threshold"])
def test_contract(name, check):
    """Each requirement is one test."""
    check(name)
