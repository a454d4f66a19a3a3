"""Calibration of a line's probability."""

import numpy as np
import pytest
from tests.reading.line_answers import answer_for

from lenetkit.exceptions import SettingError
from lenetkit.reading._certainty import FEATURES, LineCalibration, calibrated, features
from lenetkit.reading._knowledge import Knowledge
from lenetkit.reading._line_decoding import decode


@pytest.mark.parametrize("second", [0.01, 0.2, 0.45])
def test_the_default_leaves_the_probability_as_it_is(second: float) -> None:
    answer = answer_for("12.50", or_else={1: ("7", second)})
    text, numbers = decode([answer])
    values = features(answer, text, numbers)
    assert values.shape == (len(FEATURES),)
    assert calibrated(values, LineCalibration()) == pytest.approx(numbers[0][1])


def test_features_are_finite_and_bounded_whatever_the_line() -> None:
    """Without a number, without columns, and where the network is entirely sure."""
    certain = np.full((5, 17), -np.inf)
    certain[:, -1] = 0.0
    for answer in (answer_for("1234"), certain, np.zeros((0, 17))):
        for text, numbers in (decode([answer]), ("", [])):
            values = features(answer, text, numbers, free=0.5)
            assert np.isfinite(values).all()
            assert 0 <= calibrated(values, LineCalibration()) <= 1
    assert calibrated(features(certain, "", []), LineCalibration()) < 1e-4


def test_a_doubt_makes_a_reading_less_probable() -> None:
    """By the next number, and by what would be read without a rule."""
    sure, doubtful = answer_for("1234"), answer_for("1234", or_else={0: ("7", 0.4)})
    first, second = (features(answer, *decode([answer])) for answer in (sure, doubtful))
    assert first[0] > second[0]
    assert first[1] > second[1]
    assert features(sure, *decode([sure]), free=1.0)[2] > features(sure, *decode([sure]))[2] == 0


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SettingError, match="weights must be 8 finite numbers"):
        LineCalibration(weights=[1.0, 2.0])
    with pytest.raises(SettingError, match="weights must be 8 finite numbers"):
        LineCalibration(weights=[np.nan] * 8)


def test_what_a_line_does_not_show_is_doubtful_under_any_rule() -> None:
    """Even if the weights that were learnt take few other numbers for certainty."""
    learnt = LineCalibration(weights=[0.3, 0.7, 0.2, 0.1, 0.8, 0.1, 0.0, -0.4], constant=0.3)
    line = answer_for("1947")
    free = decode([line])[1][0][1]
    for number, most in (("1947", 1.0), ("1847", 0.01)):
        text, numbers = decode([line], Knowledge(among=[number]))
        probability = calibrated(features(line, text, numbers, free), learnt)
        assert probability <= most
    assert calibrated(features(line, *decode([line], Knowledge(among=["1947"])), free), learnt) > 0.9
