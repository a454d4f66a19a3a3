"""Calibrated probability that a line was read right.

In: a network's answer for a line, and the numbers found in it. Out: features, and the probability that the best of the
numbers is the right one. Next: readings that are declined.

The probability that the network gives a number is too high on writing unlike what it has learnt from. A logistic
regression over a few features, fitted to lines with known numbers, corrects it (Platt 1999, Probabilistic Outputs for
Support Vector Machines; Guo et al. 2017, On Calibration of Modern Neural Networks).
"""

import math
from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.exceptions import SettingError
from lenetkit.reading._ctc import Floats, check_answer

__all__ = ["FEATURES", "LineCalibration", "calibrated", "features"]

FEATURES = (
    "log odds of the best number",
    "log ratio of the best number to the next",
    "log ratio of the best number without rules to the best",
    "logarithm of the least sure column",
    "mean logarithm a character",
    "digits",
    "separators",
    "logarithm of columns a character",
)

# Logarithms of odds and ratios beyond this count as this: networks are not to be trusted farther.
_FARTHEST = 12.0


def features(
    log_probabilities: Floats, text: str, numbers: Sequence[tuple[str, float]], free: float | None = None
) -> npt.NDArray[np.float64]:
    """Return what speaks for the best number of a line: float64 (8,), see ``FEATURES``.

    Parameters
    ----------
    log_probabilities : ndarray of shape (columns, 17)
        The network's answer.
    text : str
        The best text, with separators.
    numbers : sequence of (str, float)
        The best number and the next, if there is one, with their probabilities.
    free : float, optional
        Probability of the best number whatever is known beforehand; that of the best number if not given.
    """
    answer = check_answer(log_probabilities)
    probability = numbers[0][1] if numbers else 0.0
    best = _log(probability)
    number = numbers[0][0] if numbers else ""
    odds = best - _log(1 - probability)
    values = (
        odds,
        best - (_log(numbers[1][1]) if len(numbers) > 1 else -math.inf),
        0.0 if free is None else max(_log(free) - best, 0.0),
        float(answer.max(axis=1).min(initial=0.0)),
        best / (len(text) + 1),
        len(number),
        len(text) - len(number),
        math.log((len(answer) + 1) / (len(text) + 1)),
    )
    return np.clip(np.nan_to_num(np.array(values, np.float64), nan=0.0), -_FARTHEST, _FARTHEST)


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def _check_weights(_: object, __: object, value: tuple[float, ...]) -> None:
    if len(value) != len(FEATURES) or not np.isfinite(value).all():
        raise SettingError(f"weights must be {len(FEATURES)} finite numbers, one for each feature; got {value!r}.")


def _convert_weights(value: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(weight) for weight in value)


@attrs.frozen(kw_only=True)
class LineCalibration:
    """Weights of the features of a line and a constant, of a logistic regression.

    The default leaves the network's probability as it is.
    """

    weights: tuple[float, ...] = attrs.field(
        default=(1.0,) + (0.0,) * (len(FEATURES) - 1), converter=_convert_weights, validator=_check_weights
    )
    constant: float = attrs.field(default=0.0, converter=float)


def calibrated(values: npt.NDArray[np.float64], calibration: LineCalibration) -> float:
    """Return the probability that the best number of a line is right, from its features (8,).

    Under rules it is at most the best number's part of what the best one without them has: a number that the line does
    not show is doubtful, however few others are possible.
    """
    odds = float(values @ np.array(calibration.weights)) + calibration.constant
    probability = 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))
    return min(probability, math.exp(-values[2]))
