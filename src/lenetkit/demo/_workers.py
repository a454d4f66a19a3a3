"""A few threads with a bounded queue, whose work ends when nobody waits for it."""

import asyncio
import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from lenetkit._utils.budget import WorkCancelledError, constrained
from lenetkit._utils.fork_lock import ForkLock
from lenetkit._utils.memory import return_memory

# Seconds of work and of a pause in turn while others go first.
_WORK, _PAUSE = 0.05, 0.5

__all__ = ["BusyError", "LateError", "VisitorGoneError", "Workers"]

T = TypeVar("T")


class BusyError(Exception):
    """The queue is full, or the room for pictures is."""


class LateError(Exception):
    """The work was not done in time."""


class VisitorGoneError(Exception):
    """The visitor does not wait for the answer any more."""


class _Job:
    """One function to run, which can be given up."""

    def __init__(self, function: Callable[[], Any], workers: "Workers") -> None:
        self.future: Future[Any] = Future()
        self.is_given_up = False
        self._function, self._workers = function, workers
        self._worked_since = 0.0

    def run(self) -> None:
        self._worked_since = time.monotonic()
        try:
            with constrained(fraction=self._workers.fraction, look=self._look):
                self.future.set_result(self._function())
        except BaseException as error:
            # The error knows the lines that it came from; the arrays they worked on are not kept with it.
            traceback.clear_frames(error.__traceback__)
            self.future.set_exception(error)

    def _look(self) -> None:
        """Wait while others go first, and end if nobody waits for the result."""
        first = self._workers.after
        if first is not None and not first.is_idle.is_set() and time.monotonic() - self._worked_since > _WORK:
            first.is_idle.wait(_PAUSE)
            self._worked_since = time.monotonic()
        if self.is_given_up:
            raise WorkCancelledError


class Workers:
    """Threads that run functions, so that the event loop stays free; of those that wait, the cheapest comes first.

    Parameters
    ----------
    n_threads : int
        Number that runs at once.
    n_waiting : int
        Number that may wait besides; further ones are refused.
    fraction : float
        The part of a picture's budget that each may spend.
    after : Workers, optional
        Others that go first: while they work, these pause nine tenths of the time. Python runs one thread at a time,
        and a thread that hands over after every step of NumPy's waits long for its next turn.
    """

    def __init__(
        self, n_threads: int, n_waiting: int, *, fraction: float = 1.0, after: "Workers | None" = None
    ) -> None:
        self.fraction, self.after = fraction, after
        self.is_idle = threading.Event()
        self.is_idle.set()
        self._count = 0
        self._slots = threading.Semaphore(n_threads + n_waiting)
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="lenetkit-demo")
        self._waiting: list[tuple[float, int, _Job]] = []
        self._numbers = itertools.count()
        self._lock = ForkLock()

    async def run(self, function: Callable[[], T], *, price: float, seconds: float, gone: "asyncio.Future[None]") -> T:
        """Run a function and return its result.

        The function should call :func:`lenetkit._utils.budget.checkpoint` from time to time, which ends it when the
        time is over or the visitor has gone.

        Parameters
        ----------
        function : callable
            Without arguments.
        price : float
            Those of a lower price come first.
        seconds : float
            For waiting and running together.
        gone : asyncio.Future
            Done when the visitor has gone.

        Raises
        ------
        BusyError
            If the queue is full.
        LateError
            If the time is over.
        VisitorGoneError
            If the visitor has gone.
        """
        if not self._slots.acquire(blocking=False):
            raise BusyError
        job = _Job(function, self)
        with self._lock.inner:
            self._count += 1
            self.is_idle.clear()
            heapq.heappush(self._waiting, (price, next(self._numbers), job))
        # Each submission takes the cheapest job that waits then.
        self._pool.submit(self._run_cheapest)
        result = asyncio.wrap_future(job.future)
        # What comes after the visitor has gone is nobody's error.
        result.add_done_callback(lambda late: late.cancelled() or late.exception())
        try:
            done, _ = await asyncio.wait((result, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            job.is_given_up = True
            self._forget(job)
        if result in done:
            answer: T = result.result()
            return answer
        raise VisitorGoneError if gone in done else LateError

    def _run_cheapest(self) -> None:
        with self._lock.inner:
            job = heapq.heappop(self._waiting)[2] if self._waiting else None
        if job is not None:
            try:
                job.run()
            finally:
                # When the work is done, not when nobody waits for it any more.
                self._end_one()

    def _forget(self, job: _Job) -> None:
        """Take a job out of the queue if it waits there still."""
        with self._lock.inner:
            kept = [entry for entry in self._waiting if entry[2] is not job]
            if len(kept) == len(self._waiting):
                return
            self._waiting = kept
            heapq.heapify(self._waiting)
        self._end_one()
        job.future.set_exception(WorkCancelledError())

    def _end_one(self) -> None:
        self._slots.release()
        with self._lock.inner:
            self._count -= 1
            if self._count:
                return
            self.is_idle.set()
        return_memory()
