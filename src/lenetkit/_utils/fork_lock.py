"""A lock that survives a fork. Standard library only."""

import os
import threading
import time
import weakref

__all__ = ["ForkLock"]

# A fork waits so many seconds for other threads to leave their locks: longer than any but an import of TensorFlow.
_PATIENCE = 5.0


class ForkLock:
    """Reentrant lock, used by ``with lock.inner``, which the child of a fork finds free.

    A child has only the thread that forked: a lock that another thread held would stay locked for ever, and what it
    guards would stay half done. So a fork waits until the other threads have left the locks. One that is held for
    longer than five seconds is replaced by a new one in the child.
    """

    def __init__(self) -> None:
        self.inner = threading.RLock()
        _locks.add(self)


class _Fork(threading.local):
    """Locks that the forking thread has taken."""

    taken: tuple[ForkLock, ...] = ()


_locks: "weakref.WeakSet[ForkLock]" = weakref.WeakSet()
_fork = _Fork()


def _before() -> None:
    until = time.monotonic() + _PATIENCE
    _fork.taken = tuple(lock for lock in list(_locks) if lock.inner.acquire(timeout=max(0.0, until - time.monotonic())))


def _in_parent() -> None:
    for lock in _fork.taken:
        lock.inner.release()
    _fork.taken = ()


def _in_child() -> None:
    for lock in set(_locks) - set(_fork.taken):
        lock.inner = threading.RLock()
    _in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
