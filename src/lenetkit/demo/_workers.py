"""A few threads with a queue that has an end."""

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
    """Runs functions in threads, so that the event loop stays free.

    Parameters
    ----------
    n_threads : int
        Run so many at once.
    n_waiting : int
        So many more may wait; what comes after them is turned away.
    """

    def __init__(self, n_threads: int, n_waiting: int) -> None:
        self._places = threading.Semaphore(n_threads + n_waiting)
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="lenetkit-demo")

    async def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns.

        Raises
        ------
        BusyError
            If too many are waiting already.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError
        # Given back when the work is done, not when nobody waits for it any more.
        future = self._pool.submit(function)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)
