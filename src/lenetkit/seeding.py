"""Keeping the process' global random generators as they were found."""

import contextlib
import random
import threading
from collections.abc import Iterator

import numpy as np

__all__ = ["global_generators_kept"]

_lock = threading.RLock()


@contextlib.contextmanager
def global_generators_kept() -> Iterator[None]:
    """Put the states of ``random`` and NumPy's global generator back when the block ends.

    Keras draws the seed of every initializer and dropout layer that has none from the global ``random``, and importing
    TensorFlow draws from it too; the user's own draws must not depend on either.
    """
    with _lock:
        python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002
