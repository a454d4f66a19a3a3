"""The choice of the runtime that answers: LiteRT, ONNX Runtime or NumPy; see :mod:`lenetkit.runtime`."""

import contextlib
import math
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_extra
from lenetkit.exceptions import DataError, MissingExtraError, SettingError

__all__ = ["BATCHES", "RUNTIMES", "Network", "NetworkRunner", "check_runtime", "choose_runtime", "load_network"]

RUNTIMES = ("litert", "numpy", "onnx")
"""The names of the runtimes."""

# Images at a time, measured by benchmarks/predict.py: large enough for the full throughput of a core, small enough for
# its cache and for the rest of a division by it, which is predicted one by one.
BATCHES = {"litert": 64, "numpy": 32, "onnx": 64}

# As many as the images of a saved pipeline may have.
_MOST_PIXELS = 1 << 24


class Network(Protocol):
    """A model that is ready to run, from many threads at once, with any number of images."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of its input, -1 where it is free."""

    def __call__(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return its answer."""


class NetworkRunner:
    """A network that answers a fixed number of images at a time, float32 (n, n_classes), checked once."""

    def __init__(self, network: Network, rows: int) -> None:
        form = network.input_shape
        if len(form) != 4 or min(form[1:]) < 1 or math.prod(form[1:]) > _MOST_PIXELS:
            raise DataError(
                "the LiteRT model cannot be used: it must have one float32 input of shape (n, height, width, "
                f"channels); it has {form}, -1 for any."
            )
        self.input_shape = form[1:]
        self._network = network
        found = self(np.zeros((rows, *self.input_shape), np.float32)).shape
        if len(found) != 2 or found[0] != rows:
            raise DataError(
                f"the LiteRT model cannot be used: it must have one float32 output of shape ({rows}, n_classes) for "
                f"{rows} images; it has {found}."
            )
        self.n_classes = found[1]

    def __call__(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return self._network(images)


def check_runtime(runtime: str | None) -> None:
    """Check that a runtime is known and installed; None is the best that is.

    Raises
    ------
    SettingError
        If no runtime has this name; the message lists those that there are.
    MissingExtraError
        If it is not installed; the message says how to install it.
    """
    if runtime is not None and runtime not in RUNTIMES:
        raise SettingError(f"runtime must be one of {', '.join(map(repr, RUNTIMES))}, or None; got {runtime!r}.")
    if runtime == "litert" and not _is_here("ai_edge_litert"):
        raise _missing_litert()
    if runtime == "onnx":
        require_extra('runtime="onnx"', "onnx", "onnx", "onnxruntime")


def choose_runtime(runtime: str | None) -> str:
    """Return the runtime to use: the given one, or else LiteRT, the fastest, and NumPy where that is not available.

    ONNX Runtime is faster than NumPy, but takes longer to import than NumPy needs for a thousand images: it is for
    whoever asks for it.

    Raises
    ------
    SettingError, MissingExtraError
        As :func:`check_runtime` does, and if LiteRT was asked for and cannot be imported.
    """
    check_runtime(runtime)
    if runtime not in (None, "litert"):
        return str(runtime)
    try:
        import_module("ai_edge_litert.interpreter")
    except (ImportError, OSError) as error:
        if runtime == "litert":
            raise _missing_litert() from error
        return "numpy"
    return "litert"


def load_network(runtime: str, tflite: bytes) -> Network:
    """Return a LiteRT model for a runtime other than LiteRT."""
    if runtime == "onnx":
        from lenetkit.runtime._onnx import OnnxNetwork

        return OnnxNetwork(tflite)
    from lenetkit.runtime._numpy import NumpyNetwork

    return NumpyNetwork(tflite)


def _is_here(module: str) -> bool:
    with contextlib.suppress(ImportError, ValueError):
        return (sys.modules[module] if module in sys.modules else find_spec(module)) is not None
    return False


def _missing_litert() -> MissingExtraError:
    return MissingExtraError(
        'runtime="litert" needs LiteRT, which is not installed here or cannot be imported. Install it with: '
        "pip install ai-edge-litert, or leave runtime out: NumPy gives the same answers."
    )
