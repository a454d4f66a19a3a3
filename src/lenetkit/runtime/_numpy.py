"""The NumPy runtime: the graph of a LiteRT model, run with nothing but NumPy; see :mod:`lenetkit.runtime`."""

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.runtime._graph import read_graph, unusable
from lenetkit.runtime._operations import MOST_VALUES, OPERATIONS, Array, Step

__all__ = ["NumpyNetwork"]

# Those that NumPy and the operations raise over arrays that do not fit.
_TROUBLE = (ValueError, IndexError, TypeError, AttributeError, OverflowError, ZeroDivisionError, MemoryError)


class NumpyNetwork:
    """A network that many threads may run at once: nothing in it changes.

    Parameters
    ----------
    tflite : bytes
        A LiteRT model.

    Raises
    ------
    DataError
        If it is none, or has an operation that is not known here.
    """

    def __init__(self, tflite: bytes) -> None:
        self._graph = graph = read_graph(tflite)
        self._contents = [tensor.content for tensor in graph.tensors]
        self._steps: list[tuple[Step, tuple[int, ...], int, tuple[int, ...]]] = []
        uses = {index: position for position, each in enumerate(graph.operations) for index in each.inputs}
        try:
            for position, each in enumerate(graph.operations):
                contents = [None if index < 0 else self._contents[index] for index in each.inputs]
                step = OPERATIONS[each.name](each.options, contents, graph.tensors[each.output])
                inputs = tuple(index for index in each.inputs if index >= 0)
                over = {index for index in (*inputs, each.output) if uses.get(index, 0) <= position}
                over = {index for index in over if index != graph.output and self._contents[index] is None}
                self._steps.append((step, inputs, each.output, tuple(over)))
        except _TROUBLE as error:
            raise _as_data_error(error) from error

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of the input, -1 where it is free."""
        return self._graph.tensors[self._graph.input].shape

    def __call__(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the network's answer.

        Raises
        ------
        DataError
            If the images do not fit it, or its parts do not fit each other.
        """
        values: list[Array | None] = [*self._contents]
        values[self._graph.input] = images
        room = MOST_VALUES
        try:
            with np.errstate(all="ignore"):
                for step, inputs, output, over in self._steps:
                    given = [values[index] for index in inputs]
                    if any(value is None for value in given):
                        raise unusable("an operation takes what none before it has given.")
                    values[output] = found = step(*given)
                    room -= found.size
                    if room < 0:
                        raise unusable(f"it asks for more than {MOST_VALUES:,} values at a time.")
                    for index in over:
                        room += getattr(values[index], "size", 0)
                        values[index] = None
        except _TROUBLE as error:
            raise _as_data_error(error) from error
        return np.asarray(values[self._graph.output], np.float32, order="C")


def _as_data_error(error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return unusable(f"its parts do not fit each other ({reason}).")
