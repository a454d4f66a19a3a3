"""The settings of a trainer, each checked when it is made."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.validation import number, share, whole_number
from lenetkit.augment import Shift
from lenetkit.exceptions import SettingError
from lenetkit.trainer._schedules import OneCycle

__all__ = ["TrainerSettings"]


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
