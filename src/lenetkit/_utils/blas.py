"""One thread for NumPy's products of matrices, where the library that can set that is installed."""

import contextlib
from collections.abc import Iterator

from lenetkit._utils.fork_lock import ForkLock
from lenetkit._utils.imports import import_quietly

__all__ = ["one_blas_thread"]

# The setting belongs to the process: two threads would put it back in the wrong order.
_lock = ForkLock()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Compute small products in one thread in the block: several wait for each other longer than they compute.

    On a busy machine of two cores they take ten times the processor time. scikit-learn brings threadpoolctl along.
    """
    try:
        threadpoolctl = import_quietly("threadpoolctl")
    except ImportError:
        yield
        return
    with _lock.inner, threadpoolctl.threadpool_limits(1, user_api="blas"):
        yield
