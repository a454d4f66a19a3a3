"""Learning rates that change with the step."""

from typing import Any

import attrs

from lenetkit._utils.validation import share
from lenetkit.exceptions import SettingError

__all__ = ["OneCycle"]

_SHAPES = ("cosine", "linear")


@attrs.frozen
class OneCycle:
    """Rise to a peak, then fall to nothing at the last step of the run.

    Smith and Topin, Super-Convergence (2018), section 3, with a rise of a fifth rather than half of the run.

    Parameters
    ----------
    peak : float
        The highest rate.
    warmup : float, default 0.2
        Fraction of the steps that rise.
    start : float, default 0.1
        First rate, as a fraction of the peak.
    shape : {"cosine", "linear"}, default "cosine"
        Form of the fall.

    Raises
    ------
    SettingError
        If a number or the shape is invalid.

    Examples
    --------
    >>> from lenetkit.trainer import OneCycle
    >>> cycle = OneCycle(0.01, shape="linear")
    >>> [round(cycle.rate(step, 100), 4) for step in (0, 20, 60, 99)]
    [0.001, 0.01, 0.005, 0.0001]
    """

    peak: float = attrs.field()
    warmup: float = attrs.field(default=0.2, validator=share, kw_only=True)
    start: float = attrs.field(default=0.1, validator=share, kw_only=True)
    shape: str = attrs.field(default="cosine", kw_only=True)

    @peak.validator
    def _check_peak(self, _: Any, value: Any) -> None:
        positive = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")
        if not positive:
            raise SettingError(f"peak must be a positive number; got {value!r}.")

    @shape.validator
    def _check_shape(self, _: Any, value: Any) -> None:
        if value not in _SHAPES:
            raise SettingError(f"shape must be {' or '.join(map(repr, _SHAPES))}; got {value!r}.")

    def rate(self, step: int, steps: int) -> float:
        """Return the rate of a step, counted from 0, in a run of so many steps."""
        return float(self.schedule(steps)(step))

    def schedule(self, steps: int) -> Any:
        """Return the Keras ``LearningRateSchedule`` for a run of so many steps."""
        from lenetkit.trainer._keras import OneCycleSchedule

        return OneCycleSchedule(**attrs.asdict(self), steps=max(1, steps))
