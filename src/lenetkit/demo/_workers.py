"""A few threads with a bounded queue."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["BusyError", "Workers"]

T = TypeVar("T")


class BusyError(Exception):
    """The queue is full."""


class Workers:
    """Threads that run functions, so that the event loop stays free.

    Parameters
    ----------
    n_threads : int
        Number that runs at once.
    n_waiting : int
        Number that may wait besides; further ones are refused.
    """

    def __init__(self, n_threads: int, n_waiting: int) -> None:
        self._slots = threading.Semaphore(n_threads + n_waiting)
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="lenetkit-demo")

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function and return its result.

        Raises
        ------
        BusyError
            If the queue is full.
        """
        if not self._slots.acquire(blocking=False):
            raise BusyError
        # Released when the work is done, not when nobody waits for it any more.
        future = self._pool.submit(function)
        future.add_done_callback(lambda _: self._slots.release())
        return await asyncio.wrap_future(future)
