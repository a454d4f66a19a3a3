"""Adam, in NumPy: weights and their gradient in, the weights after each step out.

In: the weights of some layers, and what computes their gradient. Out: weights of the same shapes.
Next: :mod:`lenetkit.pipeline._lesson` looks at some of them, and keeps the best.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Values", "descend"]

Floats: TypeAlias = npt.NDArray[np.float32]
Values: TypeAlias = list[Floats]

# Adam (Kingma and Ba, 2015) with the decay of the trainer's default, beta_2 = 0.99.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.99, 1e-7


def descend(
    values: Values, compute_gradients: Callable[[Values, int], Sequence[Floats | None]], *, steps: int, rate: float
) -> Iterator[Values]:
    """Yield the values after each step of Adam.

    Parameters
    ----------
    values : list of ndarray
        float32; they are not changed.
    compute_gradients : callable
        Gives the gradient by each of the values, for the values and the number of the step, from 0; None by one that
        stays as it is.
    steps : int
        The rate falls to 0 over the second half of them.
    rate : float
    """
    first, second = ([np.zeros_like(array) for array in values] for _ in range(2))
    for step in range(1, steps + 1):
        gradients = compute_gradients(values, step - 1)
        now = rate * min(1.0, 2 * (steps - step + 1) / steps) * (1 - _BETA_2**step) ** 0.5 / (1 - _BETA_1**step)
        values = list(values)
        for index, gradient in enumerate(gradients):
            if gradient is None:
                continue
            first[index] = _BETA_1 * first[index] + (1 - _BETA_1) * gradient
            second[index] = _BETA_2 * second[index] + (1 - _BETA_2) * gradient**2
            change = np.float32(now) * first[index] / (np.sqrt(second[index]) + _EPSILON)
            values[index] = values[index] - change.astype(np.float32)
        yield values
