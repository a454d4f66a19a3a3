"""Budget of work for one picture, counted and not timed: the same picture is refused on every machine, or on none.

In: a budget that is opened around the work on one picture, and amounts of work in units such as pieces of ink.
Out: an error in words as soon as one unit is spent. Next: :mod:`lenetkit.reading` spends; :mod:`lenetkit.demo` gives a
part of the budget to what shall be quick, and stops the work for visitors who have gone. Standard library only.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar

from lenetkit.exceptions import DataError

__all__ = ["BudgetError", "WorkCancelledError", "checkpoint", "constrained", "open_budget", "spend"]

_MEGAPIXEL = 1_000_000


class BudgetError(DataError):
    """A picture takes more work than its budget allows."""


class WorkCancelledError(Exception):
    """Nobody waits for the work any more."""


class _Budget:
    """Amounts of work allowed for one picture, and spent on it."""

    def __init__(self, name: str, limits: Mapping[str, int], fraction: float) -> None:
        self._name, self._limits, self._fraction = name, limits, fraction
        self._spent = dict.fromkeys(limits, 0)
        self._pixels = 0

    def spend(self, unit: str, amount: int, pixels: int | None) -> None:
        if pixels is not None:
            # A picture is looked at several times, each time as a whole.
            self._pixels, self._spent[unit] = max(self._pixels, pixels), 0
        self._spent[unit] += amount
        size = max(1.0, self._pixels / _MEGAPIXEL)
        most = int(self._limits[unit] * size * self._fraction)
        if self._spent[unit] > most:
            raise BudgetError(
                f"{self._name} takes too much work to read: it has more than {most:,} {unit}, the most for a page of "
                f"{size:.1f} megapixels. Cut it into parts, or clean the paper of specks and patterns."
            )


_budget: ContextVar[_Budget | None] = ContextVar("lenetkit_budget", default=None)
_fraction: ContextVar[float] = ContextVar("lenetkit_budget_fraction", default=1.0)
_look: ContextVar[Callable[[], None] | None] = ContextVar("lenetkit_look", default=None)


@contextlib.contextmanager
def open_budget(name: str, limits: Mapping[str, int]) -> Iterator[None]:
    """Open the budget of one picture: its name in errors, and the most of each unit per megapixel of its page.

    A page below one megapixel has the budget of one.
    """
    token = _budget.set(_Budget(name, limits, _fraction.get()))
    try:
        yield
    finally:
        _budget.reset(token)


@contextlib.contextmanager
def constrained(*, fraction: float, look: Callable[[], None]) -> Iterator[None]:
    """Give all budgets opened inside only a fraction of their limits, and call a function at each checkpoint.

    The function may wait, or raise WorkCancelledError to end the work.
    """
    tokens = _fraction.set(fraction), _look.set(look)
    try:
        yield
    finally:
        _fraction.reset(tokens[0])
        _look.reset(tokens[1])


def spend(unit: str, amount: int, *, pixels: int | None = None) -> None:
    """Count work of the open budget, if there is one, before it is done.

    With `pixels`, the size of the page, the amount replaces what was spent on the unit before.

    Raises
    ------
    BudgetError
        If more than the limit is spent.
    WorkCancelledError
        If nobody waits for the work.
    """
    checkpoint()
    budget = _budget.get()
    if budget is not None:
        budget.spend(unit, amount, pixels)


def checkpoint() -> None:
    """Let whoever has the work done look in; WorkCancelledError is raised if nobody waits for it any more."""
    look = _look.get()
    if look is not None:
        look()
