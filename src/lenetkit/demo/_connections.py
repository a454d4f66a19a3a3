"""Connections of uvicorn that do not stay open for nothing."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["DeadlineProtocol"]

# Seconds between two looks; for the head of a request, or the rest of one that was answered early; and for a whole
# request: sending the picture, waiting and answering, and fetching the answer.
_LOOK, _HEAD, _REQUEST = 2.0, 15.0, 240.0


class DeadlineProtocol(H11Protocol):
    """uvicorn's protocol, which by itself waits for ever for the rest of a request's head and for a slow reader."""

    _look: asyncio.TimerHandle | None = None
    _phase: tuple[Any, bool] = (None, False)
    _since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin to look."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look = self.loop.call_later(_LOOK, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """End to look."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _check(self) -> None:
        is_busy = self.cycle is not None and not self.cycle.response_complete
        now = self.loop.time()
        if (self.cycle, is_busy) != self._phase:
            self._phase, self._since = (self.cycle, is_busy), now
        elif now - self._since >= (_REQUEST if is_busy else _HEAD):
            self.transport.abort()
            return
        self._look = self.loop.call_later(_LOOK, self._check)
