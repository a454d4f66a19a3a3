"""Errors about a broken contract, in one form."""

import contextlib
from collections.abc import Iterator

from lenetkit.exceptions import ContractError, DownloadError, MissingExtraError

__all__ = ["promised", "require"]


def require(condition: object, what: str, expected: object, found: object) -> None:
    """Raise ContractError, with expectation and finding, unless the condition holds."""
    if not condition:
        raise ContractError(f"{what} must be {expected}; got {found}.")


@contextlib.contextmanager
def promised(promise: str) -> Iterator[None]:
    """Raise ContractError from any error of the block, but for data and libraries that are not on this machine."""
    try:
        yield
    except (ContractError, DownloadError, MissingExtraError):
        raise
    except Exception as error:
        raise ContractError(f"{promise}; it raised {type(error).__name__}: {error}") from error
