"""Tests for `lenetkit.robustness`."""

from typing import Any

import numpy as np
import pytest

from lenetkit.datasets import Dataset
from lenetkit.exceptions import DataError, SettingError
from lenetkit.robustness import measure_robustness
from lenetkit.synthesis import CORRUPTIONS, corrupt, draw_digits


class Remembering:
    """Reads right what it has seen to the bit, and says 0 otherwise."""

    def __init__(self, data: Dataset) -> None:
        self.known = {image.tobytes(): label for image, label in data}

    def predict(self, images: Any) -> Any:
        return np.array([self.known.get(np.asarray(image).tobytes(), 0) for image in images])


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Return forty drawn digits, none of them a 0."""
    data = draw_digits(60, styles="american", seed=3)
    return data[data.labels != 0][:40]


def test_the_table_has_a_row_for_each_kind_and_a_column_for_each_severity(digits: Dataset) -> None:
    """Clean first; a reader that knows the clean ones alone loses all others."""
    table = measure_robustness(Remembering(digits), digits, kinds=["fog", "rotate"], severities=[1, 5])
    assert table.index.tolist() == ["clean", "fog", "rotate"]
    assert table.columns.tolist() == [1, 5]
    assert table.loc["clean"].tolist() == [1.0, 1.0]
    assert table.loc[["fog", "rotate"]].to_numpy().tolist() == [[0.0, 0.0]] * 2
    assert table.attrs["n"] == 40


def test_the_images_are_spoilt_as_corrupt_does_it(digits: Dataset) -> None:
    """Who knows those of one kind and severity reads them all."""
    spoilt = Dataset(images=corrupt(digits.images, "fog", severity=2, seed=5), labels=digits.labels)
    table = measure_robustness(Remembering(spoilt), digits, kinds=["fog"], severities=[2, 3], seed=5)
    assert table.loc["fog"].tolist() == [1.0, 0.0]


def test_all_kinds_and_severities_are_the_default_and_few_images_are_taken(digits: Dataset) -> None:
    """Evenly spread over the data."""
    table = measure_robustness(Remembering(digits), digits, max_images=2)
    assert table.index.tolist() == ["clean", *CORRUPTIONS]
    assert table.columns.tolist() == [1, 2, 3, 4, 5]
    assert table.attrs["n"] == 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kinds": ["rain"]}, SettingError, "rain"),
        ({"severities": [6]}, SettingError, "severity"),
        ({"max_images": 0}, SettingError, "max_images must be an integer of at least 1; got 0"),
        ({"max_images": True}, SettingError, "max_images must be an integer of at least 1; got True"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    digits: Dataset, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The message names it."""
    with pytest.raises(error, match=message):
        measure_robustness(Remembering(digits), digits, **options)


def test_data_without_images_are_refused(digits: Dataset) -> None:
    """There is nothing to spoil."""
    with pytest.raises(DataError, match="the data set is empty"):
        measure_robustness(Remembering(digits), digits[:0])
