"""Ctrl-C and SIGTERM, handled between two compiled calls rather than in the middle of one."""

import contextlib
import signal
import threading
from types import TracebackType
from typing import Any

__all__ = ["StopSignals"]


class StopSignals:
    """While the block lasts, signals to stop set :attr:`heard` instead of breaking in.

    A second Ctrl-C breaks in as usual. Nothing is changed where Python allows no handlers, as outside the main thread,
    nor for a signal that is ignored, or handled by the program that Python runs in: Python could not put that handler
    back.

    Parameters
    ----------
    terminate : bool
        True for SIGTERM, too; :meth:`pass_on` ends the process then, after the run has saved itself.
    """

    def __init__(self, *, terminate: bool) -> None:
        self.heard: int | None = None
        self._numbers = [signal.SIGINT, signal.SIGTERM] if terminate else [signal.SIGINT]
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in self._numbers:
                if (previous := signal.getsignal(number)) not in (None, signal.SIG_IGN):
                    with contextlib.suppress(ValueError):  # an interpreter within the interpreter
                        signal.signal(number, self._hear)
                        self._previous[number] = previous
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def pass_on(self) -> None:
        """Let a SIGTERM that was heard have its usual effect."""
        if self.heard == signal.SIGTERM:
            signal.raise_signal(signal.SIGTERM)

    def _hear(self, number: int, frame: Any) -> None:
        previous = self._previous.get(number)
        if self.heard is not None and callable(previous):
            previous(number, frame)
        self.heard = number
