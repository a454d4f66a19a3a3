"""The predictor of lines: a LiteRT model that takes images of any width; see :mod:`lenetkit.runtime`."""

import contextlib
import os
from collections import deque
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit._utils.lazy import lazy
from lenetkit._utils.stderr import filter_stderr
from lenetkit.exceptions import DataError
from lenetkit.runtime._runtimes import Network, check_runtime, choose_runtime, load_network

__all__ = ["SweptPredictor"]

# Widths are rounded up to a multiple of this, so that the shapes that LiteRT prepares are few.
_STEP = 16
# Columns of mean paper on both sides: what a digit at the edge of an image sees beside it.
_MARGIN = 8
# Added to the spread of the levels, so that noise on empty paper does not become ink.
_LEAST_SPREAD = 4.0

_Runner: TypeAlias = "_LitertRunner | _NetworkRunner"


class SweptPredictor:
    """Run a LiteRT model over lines of writing, each as wide as it is: with LiteRT, NumPy or ONNX Runtime.

    Safe to use from many threads at once, to pickle and to use after a fork. Each line is answered alone, so that an
    answer depends on its line only, to the last bit.

    Parameters
    ----------
    tflite : bytes
        A LiteRT model with one float32 input of shape (n, height, width, 1), of any width, and one float32 output of
        shape (n, columns, n_classes): logarithms of probabilities.
    pitch : int
        Columns of the input for one of the output.
    runtime : {"litert", "numpy", "onnx"}, optional
        By default LiteRT, and NumPy where that cannot be imported.

    Raises
    ------
    SettingError
        If no runtime has this name.
    MissingExtraError
        If the runtime is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.runtime import SweptPredictor
    >>> SweptPredictor(b"not a model", pitch=4).log_probabilities(np.zeros((40, 100), np.uint8))
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.DataError: the LiteRT model cannot be used: ...
    """

    def __init__(self, tflite: bytes, *, pitch: int, runtime: str | None = None) -> None:
        check_runtime(runtime)
        self._wanted = runtime
        self.tflite = bytes(tflite)
        self.pitch = int(pitch)
        self._forget_interpreters()

    def __repr__(self) -> str:
        return f"SweptPredictor(tflite=<{len(self.tflite):,} bytes>, pitch={self.pitch})"

    def __getstate__(self) -> dict[str, Any]:
        return {"tflite": self.tflite, "pitch": self.pitch, "runtime": self._wanted}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @lazy
    def runtime(self) -> str:
        """The runtime that answers; a MissingExtraError if the one asked for cannot be imported."""
        return choose_runtime(self._wanted)

    def log_probabilities(self, line: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return what the model says at each place of a line.

        Parameters
        ----------
        line : ndarray of shape (height, width)
            uint8, dark on light, of the height that the model was trained with.

        Returns
        -------
        ndarray of shape (columns, n_classes)
            float32, natural logarithms. Column t stands for the columns ``pitch * t - 8`` to ``pitch * (t + 1) - 8``
            of the line.

        Raises
        ------
        DataError
            If the line is no such array or not as high as the model asks, or the runtime cannot use the
            model.
        """
        if line.ndim != 2 or line.dtype != np.uint8 or not line.size:
            raise DataError(f"a line must be a uint8 array of shape (height, width); got {line.dtype} {line.shape}.")
        levels = line.astype(np.float32)
        ink = (levels.mean() - levels) / (levels.std() + np.float32(_LEAST_SPREAD))
        height, width = line.shape
        padded = np.zeros((1, height, -(-(width + 2 * _MARGIN) // _STEP) * _STEP, 1), np.float32)
        padded[0, :, _MARGIN : _MARGIN + width, 0] = ink
        if self._process != os.getpid():
            self._forget_interpreters()
        idle = self._interpreters
        # A runner belongs to one thread while it is out of the queue: two must not meet in one interpreter.
        try:
            runner = idle.pop()
        except IndexError:
            runner = self._open_runner()
        try:
            answer = runner(padded)
        finally:
            idle.append(runner)
        return answer[: -(-(width + 2 * _MARGIN) // self.pitch)]

    def place(self, column: float) -> float:
        """Return the column of the line at which a column of the answer begins."""
        return column * self.pitch - _MARGIN

    def find_column(self, place: float) -> float:
        """Return the column of the answer at a column of the line."""
        return (place + _MARGIN) / self.pitch

    def _forget_interpreters(self) -> None:
        self._interpreters: deque[_Runner] = deque()
        self._process = os.getpid()

    def _open_runner(self) -> _Runner:
        return _LitertRunner(self.tflite) if self.runtime == "litert" else _NetworkRunner(self._network)

    @lazy
    def _network(self) -> Network:
        """The network of a runtime other than LiteRT, which all threads share."""
        return load_network(self.runtime, self.tflite)


class _LitertRunner:
    """One interpreter with one thread, whose input has the width of the last line."""

    _chatter = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU"
    _chatter_is_over = False

    def __init__(self, tflite: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            # More than one thread inside LiteRT hangs after a fork.
            self._interpreter = Interpreter(model_content=tflite, num_threads=1)
            (image,), (answer,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise DataError(f"the LiteRT model cannot be used: {error}") from error
        self._input, self._output = image["index"], answer["index"]
        self._height = _read_height(tuple(map(int, image["shape_signature"])))
        self._shape: tuple[int, ...] = ()

    def __call__(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        _check_height(image, self._height)  # not left to LiteRT: its version 2.0.2 ends the process over it
        try:
            if image.shape != self._shape:
                self._shape = ()
                self._interpreter.resize_tensor_input(self._input, image.shape)
                with contextlib.nullcontext() if _LitertRunner._chatter_is_over else filter_stderr(self._chatter):
                    self._interpreter.allocate_tensors()
                _LitertRunner._chatter_is_over = True
                self._shape = image.shape
            self._interpreter.set_tensor(self._input, image)
            self._interpreter.invoke()
            return np.array(self._interpreter.get_tensor(self._output)[0])
        except (ValueError, RuntimeError) as error:
            raise DataError(f"the LiteRT model cannot be used: {error}") from error


class _NetworkRunner:
    """A network of another runtime."""

    def __init__(self, network: Network) -> None:
        self._network, self._height = network, _read_height(network.input_shape)

    def __call__(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        _check_height(image, self._height)
        answer = self._network(image)
        if answer.ndim != 3:
            raise DataError(
                f"the LiteRT model cannot be used: its output must be (1, columns, n_classes), not {answer.shape}."
            )
        return np.asarray(answer[0])


def _read_height(form: tuple[int, ...]) -> int:
    """Return the height of the lines for a model, by the shape of its input."""
    if len(form) != 4 or (form[0], form[2:]) != (1, (-1, 1)):
        raise DataError(
            "the LiteRT model cannot be used: its input must have the shape (1, height, any width, 1); it has "
            f"{form}, -1 for any."
        )
    return form[1]


def _check_height(image: npt.NDArray[np.float32], height: int) -> None:
    if image.shape[1] != height:
        raise DataError(f"a line for this model must be {height} pixels high; got {image.shape[1]}.")
