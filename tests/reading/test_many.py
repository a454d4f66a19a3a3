"""Tests for reading the numbers in many images, beside each other."""

import threading
from typing import Any

import numpy as np
import pytest

from lenetkit import Pipeline
from lenetkit._utils.budget import checkpoint
from lenetkit.exceptions import DataError, SettingError
from lenetkit.reading import Reading
from lenetkit.reading._many import iter_many
from lenetkit.synthesis import draw_number

PIPELINE = Pipeline.pretrained()
TEXTS = ("1947", "2026", "7", "30\n82")


def empty(image: Any) -> Reading:
    return Reading(digits=(), image=image)


def test_each_image_has_its_reading_in_order_or_its_error() -> None:
    """The same as alone, whatever the number of threads; and what cannot be read stops none of the others."""
    pictures: list[Any] = [draw_number(text, seed=3).image for text in TEXTS]
    expected = [PIPELINE.read_number(picture, length=(1, 4)).to_dict() for picture in pictures]
    for n_jobs in (1, 3):
        readings = PIPELINE.read_numbers(pictures, n_jobs=n_jobs, length=(1, 4))
        assert [reading.to_dict() for reading in readings] == expected
        found = dict(PIPELINE.iter_numbers([*pictures, "none.png"], n_jobs=n_jobs, length=(1, 4)))
        assert list(found) == [*(f"images[{index}]" for index in range(len(TEXTS))), "none.png"]
        assert isinstance(found.pop("none.png"), DataError)
        assert [reading.to_dict() for reading in found.values() if isinstance(reading, Reading)] == expected
    with pytest.raises(DataError, match=r"(?s)1 of 2 pictures cannot be read:.*none\.png"):
        PIPELINE.read_numbers([pictures[0], "none.png"])


def test_settings_are_checked_before_the_first_image_is_read() -> None:
    """When the iterator is made, not when it is used."""
    for wrong in ({"length": 0}, {"n_jobs": 0}, {"reject": 2}, {"lines": 0}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            PIPELINE.iter_numbers([], **wrong)


def test_the_first_answer_is_given_out_before_the_last_image_is_read() -> None:
    """Only some images are read ahead of what was taken."""
    read = []
    answers = iter_many(np.zeros((200, 4, 5), np.uint8), lambda image: read.append(1) or empty(image), 2)
    next(answers)
    assert len(read) < 20
    assert len([*answers]) == 199


def test_work_ends_when_nobody_takes_its_results_any_more() -> None:
    """What is being read stops at its next checkpoint, and what waits is not begun."""
    began, begun = threading.Event(), []

    def read(image: Any) -> Reading:
        if not image.any():
            return empty(image)
        begun.append(1)
        began.set()
        while True:
            checkpoint()

    answers = iter_many([np.full((4, 5), index, np.uint8) for index in range(9)], read, 1)
    next(answers)
    assert began.wait(60)
    answers.close()
    assert begun == [1]
