"""Result of a training run: its history, its cost and its provenance."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from lenetkit._utils.deprecation import warn_renamed
from lenetkit._utils.html import card, heading, note, table, text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainingResult"]

# A notebook shows the last epochs; the history has all of them.
_MOST_EPOCHS = 10


@attrs.frozen(kw_only=True, eq=False)
class TrainingResult:
    """Result of a training run.

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
        The reason for the end: all epochs done, a callback such as EarlyStopping, or Ctrl-C.
    peak_memory : int
        Largest resident memory of the process so far, in bytes; 0 where the system does not tell.
    provenance : dict of str to str
        Everything that the weights depend on: fingerprints of data and model, settings, versions, threads and
        instruction set. The same provenance gives the same weights. ``provenance["data"]`` is the
        ``fingerprint`` of a data set of the same images and integer labels.

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
    provenance: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """Deprecated name of ``provenance``."""
        warn_renamed("TrainingResult.environment", "provenance")
        return self.provenance

    def plot(self, **options: Any) -> Any:
        """Draw loss and accuracy per epoch; see :func:`lenetkit.plotting.plot_history`.

        Examples
        --------
        >>> from lenetkit import Trainer, create_model
        >>> from lenetkit.synthesis import draw_digits
        >>> digits = draw_digits(100)
        >>> result = Trainer(epochs=2, verbose=0).fit(create_model("mlp", seed=0), digits.images, digits.labels)
        >>> display = result.plot()
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
        history = self.history.reset_index().to_dict(orient="records")
        return json.dumps({**attrs.asdict(self, recurse=False), "history": history})

    def _repr_html_(self) -> str:
        history = self.history.tail(_MOST_EPOCHS)
        rows = [
            [str(epoch), *("-" if value != value else f"{value:.4g}" for value in row)]
            for epoch, row in zip(history.index, history.to_numpy(), strict=True)
        ]
        left_out = len(self.history) - len(history)
        rest = note(f"the first {left_out} epochs are left out") if left_out else ""
        return card(heading(str(self)) + table(["epoch", *map(text, history.columns)], rows) + rest)

    def __str__(self) -> str:
        ending = {"epochs": "", "callback": ", stopped by a callback", "interrupt": ", interrupted"}[self.stopped_by]
        values = ", ".join(f"{name} {column.iloc[-1]:.4f}" for name, column in self.history.items() if len(column))
        return f"{self.epochs_run} epochs in {self.seconds:.1f} s ({self.images_per_second:,.0f} images/s){ending}" + (
            f": {values}" if values else ""
        )
