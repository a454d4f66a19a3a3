"""What a training run leaves behind: its history, its cost and what its bits rest on."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainingResult", "peak_memory"]


@attrs.frozen(kw_only=True, eq=False)
class TrainingResult:
    """What a training run leaves behind.

    Parameters
    ----------
    history : pandas.DataFrame
        One row per finished epoch, indexed by epoch from 1. Columns as Keras names them: ``loss``, ``accuracy``, with
        validation data ``val_loss`` and ``val_accuracy``, then ``learning_rate`` at the epoch's end.
    epochs_run : int
        Finished epochs.
    steps : int
        Optimizer steps taken.
    seconds : float
        Wall time of ``fit``, tracing included; a run that was resumed counts what it had spent before.
    seconds_per_epoch : tuple of float
        Wall time of each epoch, validation included.
    images_per_second : float
        Training images seen, over the seconds spent.
    stopped_by : {"epochs", "callback", "interrupt"}
        Why it ended: all epochs done, a callback such as EarlyStopping, or Ctrl-C.
    peak_memory : int
        Largest resident memory of the process so far, in bytes; 0 where the system does not tell.
    environment : dict of str to str
        What the bits of the weights rest on: fingerprints of data and model, settings, versions, threads and
        instruction set. The same environment gives the same weights.

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
    seconds_per_epoch: tuple[float, ...]
    images_per_second: float
    stopped_by: str
    peak_memory: int
    environment: dict[str, str]

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

        Examples
        --------
        >>> from lenetkit import Trainer, create_model
        >>> from lenetkit.synthesis import draw_digits
        >>> digits = draw_digits(100)
        >>> result = Trainer(epochs=2, verbose=0).fit(create_model("mlp", seed=0), digits.images, digits.labels)
        >>> [ax.get_title() for ax in result.plot().axes_]
        ['loss', 'accuracy', 'learning rate']
        """
        from lenetkit.plotting import plot_history

        return plot_history(cast("Mapping[str, Any]", self.history), **options)

    def to_json(self) -> str:
        """Return everything as one JSON object; the history is a list with one object per epoch.

        Examples
        --------
        >>> import json
        >>> from lenetkit import Trainer, create_model
        >>> from lenetkit.synthesis import draw_digits
        >>> digits = draw_digits(100)
        >>> result = Trainer(epochs=2, verbose=0).fit(create_model("mlp", seed=0), digits.images, digits.labels)
        >>> json.loads(result.to_json())["epochs_run"]
        2
        """
        fields = attrs.asdict(self, recurse=False)
        fields["history"] = self.history.reset_index().to_dict(orient="records")
        return json.dumps(fields)

    def _repr_html_(self) -> str:
        from lenetkit._utils.html import training_html

        return training_html(self)

    def __str__(self) -> str:
        last = (
            ""
            if self.history.empty
            else ", ".join(f"{name} {value:.4f}" for name, value in self.history.iloc[-1].items())
        )
        ending = {"epochs": "", "callback": ", stopped by a callback", "interrupt": ", interrupted"}[self.stopped_by]
        return f"{self.epochs_run} epochs in {self.seconds:.1f} s ({self.images_per_second:,.0f} images/s){ending}" + (
            f": {last}" if last else ""
        )


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
