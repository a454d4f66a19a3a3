"""Reading of the numbers in many images, beside each other.

In: images of any kind, and what reads one. Out: a :class:`lenetkit.reading.Reading` for each.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any

from lenetkit._utils.budget import WorkCancelledError, constrained
from lenetkit.datasets import iter_batches
from lenetkit.exceptions import DataError
from lenetkit.reading._outcome import Reading

__all__ = ["iter_many", "read_many"]

# Images for each thread that are read or wait for it; more would only take room.
_AHEAD = 2


def iter_many(
    images: Any, read: Callable[[Any], Reading], n_threads: int
) -> Generator[tuple[str, Reading | DataError], None, None]:
    """Yield the name of each image, in their order, with its reading or its error.

    When nobody takes them any more, as after Ctrl-C, the work ends at the next place where it may.
    """
    stopped = threading.Event()

    def look() -> None:
        if stopped.is_set():
            raise WorkCancelledError

    def attempt(image: Any) -> Reading | DataError:
        try:
            with constrained(fraction=1.0, look=look):
                return image if isinstance(image, DataError) else read(image)
        except DataError as error:
            return error

    waiting: deque[tuple[str, Future[Reading | DataError]]] = deque()

    def get_next() -> tuple[str, Reading | DataError]:
        name, reading = waiting.popleft()
        return name, reading.result()

    with ThreadPoolExecutor(n_threads, thread_name_prefix="lenetkit-read") as pool:
        try:
            for name, image in chain.from_iterable(iter_batches(images)):
                waiting.append((name, pool.submit(attempt, image)))
                if len(waiting) > _AHEAD * n_threads:
                    yield get_next()
            while waiting:
                yield get_next()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def read_many(images: Any, read: Callable[[Any], Reading], n_threads: int) -> list[Reading]:
    """Return the reading of each image, in their order.

    Raises a DataError that names every image that cannot be read, after all others were tried.
    """
    found = [*iter_many(images, read, n_threads)]
    failures = [f"{name}: {reading}" for name, reading in found if isinstance(reading, DataError)]
    if failures:
        raise DataError(f"{len(failures)} of {len(found)} pictures cannot be read:\n" + "\n".join(failures))
    return [reading for _, reading in found if isinstance(reading, Reading)]
