"""The optimizer of a run, from the trainer's settings."""

from typing import Any

from lenetkit.exceptions import SettingError
from lenetkit.trainer._schedules import OneCycle
from lenetkit.trainer._settings import TrainerSettings

__all__ = ["fresh_optimizer"]


def fresh_optimizer(settings: TrainerSettings, steps: int) -> Any:
    """Return a new optimizer; one that was used before holds another run's state."""
    import keras

    from lenetkit.trainer._keras import Muon

    optimizer, options, rate = settings.optimizer, settings.optimizer_options, settings.learning_rate
    if isinstance(rate, OneCycle):
        rate = rate.schedule(steps)
    arguments = {} if rate is None else {"learning_rate": rate}
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if options:
            raise SettingError("optimizer_options are for optimizers given by name; set them on the optimizer itself.")
        return type(optimizer).from_config({**optimizer.get_config(), **arguments})
    if not isinstance(optimizer, str):
        raise SettingError(f"optimizer must be a name or a keras optimizer; got {optimizer!r}.")
    if options is None:
        options = {"beta_2": 0.99} if optimizer == "adam" else {}
    try:
        optimizer_class = Muon if optimizer == "muon" else type(keras.optimizers.get(optimizer))
    except ValueError:
        raise SettingError(f"optimizer must be one that Keras knows; got {optimizer!r}.") from None
    try:
        return optimizer_class(**arguments, **options)
    except (TypeError, ValueError) as error:
        raise SettingError(f"the optimizer {optimizer!r} does not take {dict(options)!r}: {error}") from None
