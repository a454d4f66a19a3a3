"""One sentence for a contract that is not kept."""

import contextlib
from collections.abc import Iterator

from lenetkit.exceptions import ContractError, DownloadError

__all__ = ["promised", "require"]


def require(condition: object, what: str, expected: object, found: object) -> None:
    """Raise what says which promise is broken, unless the condition holds.

    Raises
    ------
    ContractError
        If the condition does not hold.
    """
    if not condition:
        raise ContractError(f"{what} must be {expected}; got {found}.")


@contextlib.contextmanager
def promised(promise: str) -> Iterator[None]:
    """Make one kind of error of whatever a member raises while it should do what it promises.

    Raises
    ------
    ContractError
        If the block raises anything, but for data that are not on this machine.
    """
    try:
        yield
    except (ContractError, DownloadError):
        raise
    except Exception as error:
        raise ContractError(f"{promise}; it raised {type(error).__name__}: {error}") from error
