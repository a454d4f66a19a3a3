"""The predictor: a LiteRT model, what runs it, and the threads that share that; see :mod:`lenetkit.runtime`."""

import contextlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenetkit._utils.lazy import lazy
from lenetkit._utils.machine import count_cores
from lenetkit._utils.stderr import filter_stderr
from lenetkit.exceptions import DataError, SettingError
from lenetkit.runtime._runtimes import BATCHES, NetworkRunner, check_runtime, choose_runtime, load_network

__all__ = ["Predictor"]

_BATCH = BATCHES["litert"]
# The rows of one thread's task, measured likewise: below two tasks, starting threads costs more than they save.
_ROWS_PER_TASK = 8 * _BATCH
# A task costs some ten microseconds, and a thread that was held up leaves the others this part of its work.
_TASKS_PER_THREAD = 4
# A server has other work to do; more threads gain little, because memory limits them.
_MOST_THREADS = 8
_Runner: TypeAlias = "_LitertRunner | NetworkRunner"

# The line that LiteRT writes to stderr for the first interpreter of a process; it has no switch for it.
_CHATTER = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU"


class Predictor:
    """Run a LiteRT model on images: with LiteRT, NumPy or ONNX Runtime.

    Safe to use from many threads at once, to pickle (an interpreter is made anew where it arrives) and to use after a
    fork. Large calls are spread over a few threads.

    Parameters
    ----------
    tflite : bytes
        A LiteRT model with one float32 input of shape (n, height, width, channels) and one float32 output of shape
        (n, n_classes), as :func:`lenetkit.exporting.convert_to_litert` gives it.
    scale : array-like of float32, optional
        Factor of uint8 images; it must broadcast to (height, width, channels). Without it uint8 images
        are refused. Images of floating-point numbers go to the model as they are.
    offset : array-like of float32, optional
        Added after that.
    runtime : {"litert", "numpy", "onnx"}, optional
        By default LiteRT, and NumPy where that cannot be imported. The probabilities agree within 1e-6.

    Raises
    ------
    SettingError
        If a factor is not finite, or no runtime has this name.
    MissingExtraError
        If the runtime is not installed.

    Examples
    --------
    A model that is not one is an error when it is used first:

    >>> import numpy as np
    >>> from lenetkit.runtime import Predictor
    >>> Predictor(b"not a model").predict_proba(np.zeros((1, 28, 28, 1), np.float32))
    Traceback (most recent call last):
        ...
    lenetkit.exceptions.DataError: the LiteRT model cannot be used: ...
    """

    def __init__(
        self,
        tflite: bytes,
        *,
        scale: npt.ArrayLike | None = None,
        offset: npt.ArrayLike | None = None,
        runtime: str | None = None,
    ) -> None:
        check_runtime(runtime)
        self._wanted = runtime
        self.tflite = bytes(tflite)
        self.scale = _as_factor("scale", scale)
        self.offset = _as_factor("offset", offset)
        if self.offset is not None and self.scale is None:
            raise SettingError("offset needs a scale: uint8 images become images * scale + offset.")
        if self.offset is not None and not self.offset.any():
            self.offset = None
        self._agreement: bool | None = None
        self._forget_interpreters()

    def __repr__(self) -> str:
        return f"Predictor(tflite=<{len(self.tflite):,} bytes>)"

    def __getstate__(self) -> dict[str, Any]:
        return {"tflite": self.tflite, "scale": self.scale, "offset": self.offset, "runtime": self._wanted}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @lazy
    def runtime(self) -> str:
        """The runtime that answers; a MissingExtraError if the one asked for cannot be imported."""
        return choose_runtime(self._wanted)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image; a DataError if the runtime cannot use the model."""
        return self._contract[:3]

    @property
    def n_classes(self) -> int:
        """Number of columns in the answer; a DataError if the runtime cannot use the model."""
        return self._contract[3]

    def predict_proba(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the probability of every class for every image.

        Parameters
        ----------
        images : ndarray of shape (n, height, width, channels)
            uint8 in [0, 255], brought to the model's range by `scale` and `offset` chunk by chunk; or floating-point
            numbers as the model wants them. (n, height, width) will do where there is one channel.

        Returns
        -------
        ndarray of shape (n, n_classes)
            float32. Row i depends on image i alone, to the last bit.

        Raises
        ------
        DataError
            If the images have another shape or dtype, or the runtime cannot use the model.
        """
        images = self._checked(images)
        if len(images) == 1:
            runner = self._take_runner(1)
            try:
                return runner(self._as_input(images))
            finally:
                self._interpreters[1].append(runner)
        probabilities = np.empty((len(images), self.n_classes), dtype=np.float32)
        rows = BATCHES[self.runtime]
        if len(images) < rows:
            self._run(1, images, probabilities)
            return probabilities
        rows = rows if self._batches_agree() else 1
        whole = len(images) // rows * rows
        self._spread(rows, images[:whole], probabilities[:whole])
        self._run(1, images[whole:], probabilities[whole:])
        return probabilities

    def _spread(self, rows: int, images: npt.NDArray[Any], probabilities: npt.NDArray[np.float32]) -> None:
        n_threads = min(-(-len(images) // _ROWS_PER_TASK), count_cores(), _MOST_THREADS)
        if n_threads < 2:
            self._run(rows, images, probabilities)
            return
        step = max(_ROWS_PER_TASK, len(images) // (_TASKS_PER_THREAD * n_threads) // rows * rows)
        starts = range(0, len(images), step)

        def run(start: int) -> None:
            part = slice(start, start + step)
            self._run(rows, images[part], probabilities[part])

        with ThreadPoolExecutor(n_threads, thread_name_prefix="lenetkit-predict") as executor:
            deque(executor.map(run, starts), maxlen=0)  # raises what a task raised

    def _run(self, rows: int, images: npt.NDArray[Any], probabilities: npt.NDArray[np.float32]) -> None:
        """Fill in the answers, `rows` images at a time; their number must be a multiple of it."""
        if not len(images):
            return
        runner = self._take_runner(rows)
        try:
            for start in range(0, len(images), rows):
                part = slice(start, start + rows)
                probabilities[part] = runner(self._as_input(images[part]))
        finally:
            self._interpreters[rows].append(runner)

    def _take_runner(self, rows: int) -> _Runner:
        """Take a runner from those that are idle; until it is put back no other thread may use its interpreter."""
        try:
            return self._idle(rows).pop()
        except IndexError:
            return self._open_runner(rows)

    def _idle(self, rows: int) -> "deque[_Runner]":
        """Return the runners that are not in use, of this process."""
        if self._process != os.getpid():
            self._forget_interpreters()
        return self._interpreters[rows]

    def _forget_interpreters(self) -> None:
        self._interpreters: dict[int, deque[_Runner]] = {rows: deque() for rows in (1, *BATCHES.values())}
        self._process = os.getpid()

    @lazy
    def _open_runner(self) -> Callable[[int], _Runner]:
        """The function that gives a runner for so many images at a time."""
        if self.runtime == "litert":
            return lambda rows: _LitertRunner(self.tflite, rows)
        network = load_network(self.runtime, self.tflite)
        return lambda rows: NetworkRunner(network, rows)

    @lazy
    def _contract(self) -> tuple[int, int, int, int]:
        """The input shape and the number of classes."""
        runner = self._open_runner(1)
        shape = runner.input_shape
        for name, factor in (("scale", self.scale), ("offset", self.offset)):
            if factor is not None:
                try:
                    np.broadcast_to(factor, shape)
                except ValueError:
                    raise SettingError(
                        f"{name} must broadcast to the model's input shape {shape}; got shape {factor.shape}."
                    ) from None
        self._idle(1).append(runner)
        return (*shape, runner.n_classes)

    def _batches_agree(self) -> bool:
        """Return True if this machine computes a row of a batch as it computes the image alone, to the last bit.

        A runtime picks its kernels by shape and processor, not by content, so one batch of noise tells. They agree on
        every processor seen so far; on one where they do not, images are predicted one by one.
        """
        if self._agreement is None:
            rows = BATCHES[self.runtime]
            noise = np.random.default_rng(0).random((rows, *self.input_shape), dtype=np.float32)
            together, alone = np.empty((2, rows, self.n_classes), dtype=np.float32)
            self._run(1, noise, alone)
            try:
                self._run(rows, noise, together)
                self._agreement = together.tobytes() == alone.tobytes()
            except DataError:  # a model whose batch size is fixed
                self._agreement = False
        return self._agreement

    def _checked(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        shape = self.input_shape
        if not isinstance(images, np.ndarray):
            raise DataError(f"images must be an ndarray; got {type(images).__name__}.")
        if isinstance(images, np.ma.MaskedArray):
            raise DataError(
                "images must not be a masked array, which may lack pixels; pass images.filled(0), or another value."
            )
        found = images.shape
        images = np.asarray(images)  # a view without the overhead of memory maps and other subclasses
        if images.ndim == 3 and shape[2] == 1:
            images = images[..., np.newaxis]
        if images.shape[1:] != shape or images.ndim != 4:
            raise DataError(
                f"images must have shape (n, {shape[0]}, {shape[1]}, {shape[2]}); got {found}. "
                "For a single image pass images[None]."
            )
        if images.dtype.kind != "f" and not (images.dtype == np.uint8 and self.scale is not None):
            wanted = "uint8 or floating-point numbers" if self.scale is not None else "floating-point numbers"
            raise DataError(f"images must be {wanted}; got dtype {images.dtype}.")
        return images

    def _as_input(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        if self.scale is None or images.dtype != np.uint8:
            return np.ascontiguousarray(images, dtype=np.float32)
        prepared = images.astype(np.float32, order="C")
        prepared *= self.scale
        if self.offset is not None:
            prepared += self.offset
        return prepared


class _LitertRunner:
    """One interpreter with one thread, for a fixed number of images at a time."""

    _chatter_is_over = False

    def __init__(self, tflite: bytes, rows: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            # More than one thread inside LiteRT hangs after a fork.
            self._interpreter = Interpreter(model_content=tflite, num_threads=1)
            details = self._interpreter.get_input_details()
            wanted = "input of shape (n, height, width, channels)"
            self._input, self.input_shape = _read_tensor(details, wanted, (None,) * 4)
            self._interpreter.resize_tensor_input(self._input, (rows, *self.input_shape))
            with contextlib.nullcontext() if _LitertRunner._chatter_is_over else filter_stderr(_CHATTER):
                self._interpreter.allocate_tensors()
            _LitertRunner._chatter_is_over = True
            self._interpreter.invoke()  # shapes that depend on the number of images are known after it only
            details = self._interpreter.get_output_details()
            wanted = f"output of shape ({rows}, n_classes) for {rows} images"
            self._output, (self.n_classes,) = _read_tensor(details, wanted, (rows, None))
        except DataError:
            raise
        except (ValueError, RuntimeError) as error:
            raise DataError(f"the LiteRT model cannot be used: {error}") from error

    def __call__(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output))


def _as_factor(name: str, value: npt.ArrayLike | None) -> npt.NDArray[np.float32] | None:
    factor = None if value is None else np.asarray(value, dtype=np.float32)
    if factor is not None and not np.isfinite(factor).all():
        raise SettingError(f"{name} must be finite; got {value!r}.")
    return factor


def _read_tensor(details: list[dict[str, Any]], wanted: str, form: tuple[int | None, ...]) -> tuple[int, Any]:
    """Return the index of the only input or output of a model, and its shape without the number of images."""
    shape = tuple(map(int, details[0]["shape"])) if len(details) == 1 else ()
    fits = len(shape) == len(form) and all(size in (None, found) for size, found in zip(form, shape, strict=True))
    if not fits or details[0]["dtype"] is not np.float32:
        tensors = [f"{np.dtype(detail['dtype']).name} {tuple(map(int, detail['shape']))}" for detail in details]
        raise DataError(
            f"the LiteRT model cannot be used: it must have one float32 {wanted}; it has "
            f"{', '.join(tensors) or 'none'}."
        )
    return details[0]["index"], shape[1:]
