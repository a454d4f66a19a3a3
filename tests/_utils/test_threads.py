"""Threads beside each other: order, how far ahead they work, errors, and that nothing is left running."""

import itertools
import threading
from collections.abc import Iterator

import pytest

from lenetkit._utils.threads import count_threads, map_in_order, using_threads
from lenetkit.exceptions import SettingError


def list_workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lenetkit-work")]


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(n_threads: int) -> None:
    """Although a later item is ready first."""
    first_waits = threading.Event()

    def square(item: int) -> int:
        if item == 0 and n_threads > 1:
            assert first_waits.wait(30)
        elif item == 1:
            first_waits.set()
        return item * item

    assert list(map_in_order(square, range(20), n_threads)) == [item * item for item in range(20)]
    assert not list_workers()


@pytest.mark.parametrize("n_threads", [1, 3])
def test_little_is_taken_ahead_of_what_was_given_out(n_threads: int) -> None:
    """Or a pile of any length would lie in memory."""
    taken = 0

    def count() -> Iterator[int]:
        nonlocal taken
        for number in itertools.count(1):
            taken = number
            yield number

    results = map_in_order(lambda item: item, count(), n_threads)
    for expected in range(1, 50):
        assert next(results) == expected
        assert taken <= expected + 2 * n_threads + 1
    results.close()
    assert not list_workers()


def test_an_error_comes_where_its_item_stands_and_ends_the_work() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise ValueError("three")
        return item

    results = map_in_order(work, range(1000), 2)
    assert list(itertools.islice(results, 3)) == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert not list_workers()
    assert len(begun) < 20


def test_an_error_of_the_source_leaves_no_thread() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise KeyboardInterrupt

    results = map_in_order(lambda item: item, source(), 2)
    with pytest.raises(KeyboardInterrupt):
        list(results)
    assert not list_workers()


def test_one_thread_and_one_item_need_no_others() -> None:
    names = set()
    for items, n_threads in ((range(5), 1), (range(1), 4)):
        list(map_in_order(lambda _: names.add(threading.current_thread().name), items, n_threads))
    assert names == {threading.current_thread().name}


def test_how_many_threads_are_asked_for() -> None:
    assert 1 <= count_threads() <= 8
    assert count_threads(11) == 11
    with using_threads(3):
        assert count_threads() == 3
        with using_threads(None):
            assert count_threads() == 3
        assert count_threads(2) == 2
    assert count_threads() <= 8
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(SettingError, match="n_jobs"):
            count_threads(wrong)  # type: ignore[arg-type]
