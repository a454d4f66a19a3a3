"""What a training run leaves behind: its history, its cost and what its bits rest on."""

import json
import os
import platform
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainingResult", "current_environment", "peak_memory"]


@attrs.frozen(kw_only=True, eq=False)
class TrainingResult:
    """What a training run leaves behind.

    Parameters
    ----------
    history : pandas.DataFrame
        One row per finished epoch, indexed by epoch from 1. Columns as Keras names them: ``loss``, ``accuracy``, with
        validation data ``val_loss`` and ``val_accuracy``, then ``learning_rate`` (at the epoch's end) and ``seconds``.
    epochs_run : int
        Finished epochs.
    steps : int
        Optimizer steps taken.
    seconds : float
        Wall time of ``fit``, tracing included.
    images_per_second : float
        Training images seen, over the seconds spent.
    stopped_by : {"epochs", "callback", "interrupt"}
        Why it ended: all epochs done, a callback such as EarlyStopping, or Ctrl-C.
    peak_memory : int
        Largest resident memory of the process so far, in bytes; 0 where the system does not tell.
    environment : dict
        What the bits of the weights rest on: versions, threads, instruction set, seed and settings.

    Examples
    --------
    >>> import numpy as np
    >>> from lenetkit.models import create_model
    >>> from lenetkit.trainer import Trainer
    >>> images, targets = np.zeros((8, 28, 28), np.uint8), np.arange(8)
    >>> result = Trainer(epochs=2, verbose=0).fit(create_model(seed=0), images, targets)
    >>> result.epochs_run, list(result.history.index)
    (2, [1, 2])
    """

    history: "pd.DataFrame"
    epochs_run: int
    steps: int
    seconds: float
    images_per_second: float
    stopped_by: str
    peak_memory: int
    environment: dict[str, Any]

    def plot(self, **options: Any) -> Any:
        """Draw loss and accuracy per epoch; see :func:`lenetkit.plotting.plot_history`.

        Returns
        -------
        Display
            With ``figure_`` and ``axes_``.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        from lenetkit.plotting import plot_history

        return plot_history(self.history, **options)

    def to_json(self) -> str:
        """Return everything as one JSON object; the history is a list with one object per epoch."""
        fields = attrs.asdict(self, recurse=False)
        fields["history"] = self.history.reset_index().to_dict(orient="records")
        return json.dumps(fields)

    def __str__(self) -> str:
        last = "" if self.history.empty else ", ".join(
            f"{name} {value:.4f}" for name, value in self.history.iloc[-1].items() if name != "seconds"
        )
        ending = {"epochs": "", "callback": ", stopped by a callback", "interrupt": ", interrupted"}[self.stopped_by]
        return (
            f"{self.epochs_run} epochs in {self.seconds:.1f} s ({self.images_per_second:,.0f} images/s){ending}"
            + (f": {last}" if last else "")
        )


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def current_environment() -> dict[str, Any]:
    """Return what the bits of a result rest on besides data, seed and settings."""
    import tensorflow as tf

    packages = ("lenetkit", "keras", "tensorflow", "numpy")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "machine": platform.machine(),
        "instruction_set": _instruction_set(),
        "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads() or (os.cpu_count() or 1),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
    }


def _instruction_set() -> list[str]:
    """Name the vector extensions that the kernels may choose between."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return []
    return sorted(flag for flag in flags.split() if flag.startswith(("avx", "fma", "amx", "sse4", "asimd", "sve")))
