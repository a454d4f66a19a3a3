"""The optimizer of a run, from the trainer's settings."""

from typing import TYPE_CHECKING, Any

from lenetkit.exceptions import SettingError
from lenetkit.trainer._schedules import OneCycle

if TYPE_CHECKING:
    from lenetkit.trainer._trainer import Trainer

__all__ = ["fresh_optimizer"]


def fresh_optimizer(trainer: "Trainer", steps: int) -> Any:
    """Return a new optimizer; one that was used before holds another run's state."""
    import keras

    optimizer, rate = trainer.optimizer, trainer.learning_rate
    if isinstance(rate, OneCycle):
        rate = rate.schedule(steps)
    arguments = {} if rate is None else {"learning_rate": rate}
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if trainer.optimizer_options:
            raise SettingError("optimizer_options are for optimizers given by name; set them on the optimizer itself.")
        return type(optimizer).from_config({**optimizer.get_config(), **arguments})
    if not isinstance(optimizer, str):
        raise SettingError(f"optimizer must be a name or a keras optimizer; got {optimizer!r}.")
    options = trainer.optimizer_options
    if options is None:
        options = {"beta_2": 0.99} if optimizer == "adam" else {}
    try:
        return _optimizer_class(keras, optimizer)(**arguments, **options)
    except (TypeError, ValueError) as error:
        raise SettingError(f"the optimizer {optimizer!r} does not take {dict(options)!r}: {error}") from None


def _optimizer_class(keras: Any, name: str) -> Any:
    if name == "muon":
        from lenetkit.trainer._keras import Muon

        return Muon
    try:
        return type(keras.optimizers.get(name))
    except ValueError:
        raise SettingError(f"optimizer must be one that Keras knows; got {name!r}.") from None
