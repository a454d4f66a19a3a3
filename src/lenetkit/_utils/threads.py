"""Threads that work beside each other, in order, on as little at a time as keeps them busy."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from itertools import chain, islice
from typing import TypeVar

from lenetkit._utils.machine import count_cores
from lenetkit._utils.validation import check_whole

__all__ = ["count_threads", "map_in_order", "using_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# A server has other work to do; of more threads most wait for the interpreter's lock.
_MOST_THREADS = 8
# Results for each thread that are ready or in work; more would only take room.
_AHEAD = 2


_asked: ContextVar[int | None] = ContextVar("lenetkit_threads", default=None)


@contextlib.contextmanager
def using_threads(n_jobs: int | None) -> Iterator[None]:
    """Let everything inside use so many threads; None changes nothing.

    Raises
    ------
    SettingError
        As :func:`count_threads` does.
    """
    token = _asked.set(_asked.get() if n_jobs is None else count_threads(n_jobs))
    try:
        yield
    finally:
        _asked.reset(token)


def count_threads(n_jobs: int | None = None) -> int:
    """Return the number of threads that `n_jobs` asks for; None: one for each core, up to 8.

    Raises
    ------
    SettingError
        If it is neither None nor a positive integer.
    """
    if n_jobs is not None:
        check_whole("n_jobs", n_jobs, 1)
    return n_jobs or _asked.get() or min(count_cores(), _MOST_THREADS)


def map_in_order(function: Callable[[Item], Result], items: Iterable[Item], n_threads: int) -> Iterator[Result]:
    """Yield what a function makes of each item, in their order; with one thread, or one item, in the caller's.

    Items are taken, and worked on, only a little ahead of the results that were yielded. When nobody takes these any
    more, as after Ctrl-C, what has begun is finished, nothing else is begun, and no thread is left.
    """
    source = iter(items)
    first = list(islice(source, 2))
    if n_threads == 1 or len(first) < 2:
        yield from map(function, chain(first, source))
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="lenetkit-work") as pool:
        try:
            for item in chain(first, source):
                waiting.append(pool.submit(function, item))
                if len(waiting) > _AHEAD * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
