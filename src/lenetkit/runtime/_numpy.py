"""The NumPy runtime: the graph of a LiteRT model, run with nothing but NumPy; see :mod:`lenetkit.runtime`."""

import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import DataError
from lenetkit.runtime._graph import read_graph, unusable
from lenetkit.runtime._operations import OPERATIONS, Array, Step

__all__ = ["NumpyNetwork"]

# Those that NumPy and the operations raise over arrays that do not fit.
_TROUBLE = (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError, KeyError, MemoryError)


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
                over = {index for index in inputs if uses[index] == position and self._contents[index] is None}
                self._steps.append((step, inputs, each.output, tuple(over - {graph.output})))
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
        try:
            with np.errstate(all="ignore"):
                for step, inputs, output, over in self._steps:
                    values[output] = step(*[values[index] for index in inputs])
                    for index in over:
                        values[index] = None
        except _TROUBLE as error:
            raise _as_data_error(error) from error
        return np.asarray(values[self._graph.output], np.float32, order="C")


def _as_data_error(error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return unusable(f"its parts do not fit each other ({reason}).")
