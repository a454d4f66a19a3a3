"""The settings of a trainer, each checked when it is made, and the presets.

Each preset was chosen on the last 10,000 of MNIST's training images; ``benchmarks/recipes.py`` makes the page that
shows what was tried and what it gave.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.names import did_you_mean
from lenetkit._utils.validation import number, share, whole_number
from lenetkit.augment import Shift, Warp
from lenetkit.exceptions import SettingError
from lenetkit.trainer._schedules import OneCycle

__all__ = ["TrainerSettings", "preset_settings"]

# A run of at least so many epochs is long enough for stronger augmentation to pay (benchmarks/recipes.py).
_MANY_EPOCHS = 15


def _check_verbose(_: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or value not in ("auto", 0, 1, 2):
        raise SettingError(f"{attribute.name} must be 'auto', 0 (silent), 1 (bar) or 2 (lines); got {value!r}.")


def _check_steps_per_call(_: Any, attribute: Any, value: Any) -> None:
    if value != "auto":
        whole_number(1)(_, attribute, value)


def _check_learning_rate(_: Any, attribute: Any, value: Any) -> None:
    if isinstance(value, (int, float)) and (isinstance(value, bool) or not np.isfinite(value) or value <= 0):
        raise SettingError(f"{attribute.name} must be a positive number or a Keras schedule; got {value!r}.")


@attrs.frozen(kw_only=True)
class TrainerSettings:
    """The frozen fields of :class:`lenetkit.trainer.Trainer`, which documents them."""

    epochs: float = attrs.field(default=5, validator=number(0, 1_000_000))
    batch_size: int = attrs.field(default=128, validator=whole_number(1))
    optimizer: Any = "adam"
    optimizer_options: Mapping[str, Any] | None = None
    loss: Any = "categorical_crossentropy"
    learning_rate: Any = attrs.field(default=OneCycle(0.01), validator=_check_learning_rate)
    metrics: Sequence[Any] = ("accuracy",)
    validation_split: float = attrs.field(default=0.0, validator=share)
    callbacks: Sequence[Any] = ()
    augmentation: Any = attrs.field(default=Shift(pixels=1))
    label_smoothing: float = attrs.field(default=0.05, validator=share)
    seed: int = attrs.field(default=0, validator=whole_number(0))
    steps_per_call: int | str = attrs.field(default="auto", validator=_check_steps_per_call)
    checkpoint: Any = None
    checkpoint_steps: int | None = attrs.field(default=None, validator=attrs.validators.optional(whole_number(1)))
    checkpoint_seconds: float = attrs.field(default=30.0, validator=number(0))
    verbose: str | int = attrs.field(default="auto", validator=_check_verbose)

    def _create_optimizer(self, steps: int) -> Any:
        """Return a new optimizer; one that was used before holds another run's state."""
        import keras

        from lenetkit.trainer._keras import Muon

        optimizer, options, rate = self.optimizer, self.optimizer_options, self.learning_rate
        if isinstance(rate, OneCycle):
            rate = rate.schedule(steps)
        arguments = {} if rate is None else {"learning_rate": rate}
        if isinstance(optimizer, keras.optimizers.Optimizer):
            if options:
                raise SettingError(
                    "optimizer_options are for optimizers given by name; set them on the optimizer itself."
                )
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


def preset_settings(name: str, epochs: float | None) -> dict[str, Any]:
    """Return the settings of a preset that are not the trainer's defaults, for a run of so many epochs, if known.

    Raises
    ------
    SettingError
        If there is no such preset; the message lists them.
    """
    short = {
        "epochs": 5,
        "optimizer_options": {"weight_decay": 0.2},
        "learning_rate": OneCycle(0.025, shape="linear"),
        "augmentation": Warp(elastic=0.4),
    }
    long = {
        "optimizer_options": {"weight_decay": 0.15},
        "learning_rate": OneCycle(0.02, warmup=0.1, shape="linear"),
        "augmentation": Warp(rotation=0.15, scale=0.1, shear=0.15, shift=1.5, elastic=0.6),
    }
    presets: dict[str, dict[str, Any]] = {
        "default": {},
        "classic": {
            "learning_rate": 0.001,
            "optimizer_options": {},
            "augmentation": None,
            "label_smoothing": 0.0,
        },
        "fast": {
            "epochs": 0.35,
            "optimizer": "muon",
            "optimizer_options": {"weight_decay": 0.2, "momentum": 0.85, "newton_schulz_steps": 4},
            "learning_rate": OneCycle(0.06, warmup=0.1, shape="linear"),
            "label_smoothing": 0.15,
        },
        "accurate": {
            "batch_size": 256,
            "optimizer": "muon",
            "label_smoothing": 0.1,
            **(long if epochs is not None and epochs >= _MANY_EPOCHS else short),
        },
    }
    if name not in presets:
        raise SettingError(f"there is no preset {name!r}.{did_you_mean(name, presets)} Presets: {', '.join(presets)}.")
    return presets[name]
