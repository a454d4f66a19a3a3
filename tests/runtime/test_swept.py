"""The predictor of lines: any width, each line alone, safe for threads and copies."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lenetkit.bundle import SavedLineReader, read_bundle
from lenetkit.exceptions import DataError
from lenetkit.pretrained import get_path
from lenetkit.runtime import SweptPredictor


@pytest.fixture(scope="module")
def saved() -> SavedLineReader:
    """Return the line reader that comes with lenetkit."""
    found = read_bundle(get_path("digits")).line_reader
    assert found is not None
    return found


@pytest.fixture(scope="module")
def predictor(saved: SavedLineReader) -> SweptPredictor:
    return SweptPredictor(saved.tflite, pitch=saved.pitch)


def noise(width: int) -> np.ndarray:
    return np.random.default_rng(width).integers(0, 256, (40, width), np.uint8)


def test_it_gives_the_answer_that_was_saved_with_it(saved: SavedLineReader, predictor: SweptPredictor) -> None:
    answer = predictor.log_probabilities(saved.golden_line)
    assert np.abs(np.exp(answer) - np.exp(saved.golden_answer)).max() <= 1e-5
    # Another line has another answer: the comparison can fail.
    other = predictor.log_probabilities(saved.golden_line[:, ::-1].copy())
    assert np.abs(np.exp(other) - np.exp(saved.golden_answer)).max() > 0.1


@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 32, 100, 641])
def test_a_column_stands_for_four(predictor: SweptPredictor, width: int) -> None:
    answer = predictor.log_probabilities(noise(width))
    assert answer.shape == (-(-(width + 16) // 4), 17)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(np.exp(answer).sum(axis=1), 1, atol=1e-5)


def test_an_answer_depends_on_its_line_only(predictor: SweptPredictor) -> None:
    widths = [120, 33, 500, 121, 120, 64]
    alone = [SweptPredictor(predictor.tflite, pitch=4).log_probabilities(noise(width)) for width in widths]
    in_turn = [predictor.log_probabilities(noise(width)) for width in widths]
    with ThreadPoolExecutor(4) as pool:
        beside = [*pool.map(predictor.log_probabilities, map(noise, widths * 5))]
    copied = [pickle.loads(pickle.dumps(predictor)).log_probabilities(noise(width)) for width in widths]
    for found in (in_turn, copied, *(beside[start : start + len(widths)] for start in range(0, len(beside), 6))):
        assert [answer.tobytes() for answer in found] == [answer.tobytes() for answer in alone]


def test_brightness_and_contrast_of_a_line_hardly_matter(saved: SavedLineReader, predictor: SweptPredictor) -> None:
    pale = (saved.golden_line.astype(float) * 0.5 + 100).round().astype(np.uint8)
    assert (predictor.log_probabilities(pale).argmax(axis=1) == saved.golden_answer.argmax(axis=1)).mean() > 0.9


@pytest.mark.parametrize(
    "line",
    [np.zeros((40, 0), np.uint8), np.zeros((40, 20, 1), np.uint8), np.zeros(40, np.uint8), np.zeros((40, 20))],
    ids=["empty", "three axes", "one axis", "floats"],
)
def test_what_is_no_line_is_refused(predictor: SweptPredictor, line: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"a line must be a uint8 array of shape \(height, width\); got"):
        predictor.log_probabilities(line)


def test_a_line_of_another_height_is_refused(predictor: SweptPredictor) -> None:
    for height in (1, 39, 41, 80):
        with pytest.raises(DataError, match=f"a line for this model must be 40 pixels high; got {height}"):
            predictor.log_probabilities(np.zeros((height, 100), np.uint8))
    assert predictor.log_probabilities(noise(50)).shape == (17, 17)  # and it goes on


def test_a_model_for_anything_but_lines_is_refused() -> None:
    digits = SweptPredictor(read_bundle(get_path("digits")).tflite, pitch=4)
    with pytest.raises(DataError, match=r"its input must have the shape \(1, height, any width, 1\); it has"):
        digits.log_probabilities(noise(50))


def test_places_of_columns_are_those_of_the_line(predictor: SweptPredictor) -> None:
    assert predictor.place(2) == 0.0
    assert predictor.place(27) == 100.0
    assert predictor.find_column(100.0) == 27
