"""Random numbers: streams for images in a row, and the process' global generators kept as they were found."""

import contextlib
import itertools
import random
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lenetkit._utils.fork_lock import ForkLock

__all__ = ["HIGHEST_SEED", "Floats", "RandomStreams", "preserve_rng_state"]

Floats = npt.NDArray[np.float64]

HIGHEST_SEED = 2**32 - 1

_lock = ForkLock()


@contextlib.contextmanager
def preserve_rng_state() -> Iterator[None]:
    """Put the states of ``random`` and NumPy's global generator back when the block ends.

    Keras draws the seed of every initializer and dropout layer that has none from the global ``random``, and importing
    TensorFlow draws from it too; the user's own draws must not depend on either.
    """
    with _lock.inner:
        python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002


class RandomStreams:
    """Random numbers for n images; what one image gets does not depend on n.

    Parameters
    ----------
    purpose : str
        Their use: different purposes get different numbers.
    seed : int
        0 to `HIGHEST_SEED`.
    block : int, default 0
        Which of many blocks of n images.
    n : int
        How many images.
    """

    def __init__(self, purpose: str, seed: int, block: int = 0, *, n: int) -> None:
        self.n = n
        self._key = (int(seed), zlib.crc32(purpose.encode()), block)
        self._stream = itertools.count()

    @classmethod
    def in_blocks(cls, purpose: str, seed: int, *, n: int, size: int) -> Iterator[tuple[slice, "RandomStreams"]]:
        """Yield the rows of each block of `size` images, the last one perhaps smaller, and its random numbers."""
        for block, start in enumerate(range(0, n, size)):
            stop = min(n, start + size)
            yield slice(start, stop), cls(purpose, seed, block, n=stop - start)

    def generator(self) -> np.random.Generator:
        """Return a new generator."""
        # Every quantity has a stream of its own, filled image by image: that is what makes it independent of n.
        return np.random.default_rng([*self._key, next(self._stream)])

    def normal(self, *shape: int) -> Floats:
        """Return standard normal numbers of shape (n, ...)."""
        return self.generator().standard_normal((self.n, *shape))

    def uniform(self, low: float, high: float, *shape: int) -> Floats:
        """Return evenly spread numbers of shape (n, ...)."""
        return low + (high - low) * self.generator().random((self.n, *shape))
