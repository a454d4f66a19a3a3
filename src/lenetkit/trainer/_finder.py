"""Learning-rate range test: the loss while the rate rises, and the rate at which the loss falls fastest."""

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.validation import check_whole
from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LearningRateSearch", "rising_settings", "summarise_search"]

# The loss of single batches jumps: an exponential mean over about so many steps shows the trend.
_SMOOTHED_OVER = 10
# Beyond this multiple of the best loss the run has left the useful range; fast.ai's range test uses the same.
_DIVERGED = 4.0
# Fewer steps than two spans of the mean show no trend.
_FEWEST_STEPS = 20


@attrs.frozen(kw_only=True, eq=False)
class LearningRateSearch:
    """Result of a search for the learning rate.

    Parameters
    ----------
    suggestion : float
        The rate at which the loss falls fastest, to be used as a constant rate or, times three, as the peak of a cycle.
    table : pandas.DataFrame
        One row per step: ``learning_rate``, ``loss`` and ``smoothed_loss``.

    Examples
    --------
    >>> from lenetkit import Trainer, create_model, load_dataset
    >>> from lenetkit.transforms import Resize
    >>> digits = load_dataset("digits")
    >>> images = Resize((28, 28))(digits.images)
    >>> search = Trainer(verbose=0).find_learning_rate(create_model("mlp", seed=0), images, digits.labels, steps=40)
    >>> search.table.columns.tolist()
    ['learning_rate', 'loss', 'smoothed_loss']
    """

    suggestion: float
    table: "pd.DataFrame"

    def plot(self, **options: Any) -> Any:
        """Draw the loss against the rate; see :func:`lenetkit.plotting.plot_learning_rate_finder`."""
        from lenetkit.plotting import plot_learning_rate_finder

        return plot_learning_rate_finder(
            self.table["learning_rate"].to_numpy(), self.table["smoothed_loss"].to_numpy(), self.suggestion, **options
        )


def rising_settings(
    batch_size: int, n_images: int, lowest: float, highest: float, steps: int
) -> tuple[dict[str, Any], list[float]]:
    """Return the trainer's settings for a search, and the list to which its callback appends the loss of each step.

    Raises
    ------
    SettingError
        If the rates or the number of steps is invalid.
    """
    import keras

    if not 0 < lowest < highest < float("inf"):
        raise SettingError(f"lowest and highest must be positive and rising; got {lowest!r} and {highest!r}.")
    check_whole("steps", steps, _FEWEST_STEPS)
    losses: list[float] = []

    class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            losses.append(float(logs["loss"]))
            self.model.reset_metrics()  # or the next loss would be a mean over the steps so far
            self.model.stop_training = losses[-1] > _DIVERGED * min(losses)

    return {
        "learning_rate": keras.optimizers.schedules.ExponentialDecay(lowest, steps, highest / lowest),
        "epochs": steps * batch_size / n_images,
        "steps_per_call": 1,
        "callbacks": (Recorder(),),
        "metrics": (),
        "validation_split": 0.0,
        "checkpoint": None,
        "verbose": 0,
    }, losses


def summarise_search(rates: npt.NDArray[np.float64], losses: npt.NDArray[np.float64]) -> LearningRateSearch:
    """Find the rate at which the loss falls fastest, from the rate and the loss of each step.

    Raises
    ------
    DataError
        If the loss never fell.
    """
    import pandas as pd

    table = pd.DataFrame({"learning_rate": rates, "loss": losses})
    table["smoothed_loss"] = table["loss"].ewm(span=_SMOOTHED_OVER).mean()
    smooth = table["smoothed_loss"].to_numpy()
    useful = smooth[: int(np.argmin(smooth)) + 1]
    if len(useful) < 3 or not useful.min() < smooth[0]:
        raise DataError(
            "the loss did not fall at any learning rate tried; look at images and targets, or search lower rates."
        )
    slope = np.gradient(useful, np.log(rates[: len(useful)]))
    return LearningRateSearch(suggestion=float(rates[int(np.argmin(slope))]), table=table)
