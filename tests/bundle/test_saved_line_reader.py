"""The line reader in a saved pipeline: written, read back, checked, and part of the fingerprint."""

from typing import Any

import attrs
import numpy as np
import pytest

from lenetkit.bundle import Bundle, SavedLineReader, decode_bundle, encode_bundle, read_bundle, verify_bundle
from lenetkit.exceptions import BundleError
from lenetkit.pretrained import get_path


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Return the bundle that comes with lenetkit."""
    return read_bundle(get_path("digits"))


@pytest.fixture(scope="module")
def saved(bundle: Bundle) -> SavedLineReader:
    assert bundle.line_reader is not None
    return bundle.line_reader


def test_it_comes_back_as_it_was(bundle: Bundle, saved: SavedLineReader) -> None:
    content = encode_bundle(bundle)
    again = decode_bundle(content)
    assert again.line_reader is not None
    for field in attrs.fields(SavedLineReader):
        old, new = getattr(saved, field.name), getattr(again.line_reader, field.name)
        assert np.array_equal(old, new) if isinstance(old, np.ndarray) else old == new
    assert encode_bundle(again) == content
    assert "line_reader" not in again.extras
    assert not any(name.startswith("line_reader") for name in again.extra_tensors)


def test_a_file_without_one_has_none(bundle: Bundle) -> None:
    without = attrs.evolve(bundle, line_reader=None)
    assert decode_bundle(encode_bundle(without)).line_reader is None
    assert without.fingerprint != bundle.fingerprint


def test_other_weights_are_another_fingerprint(bundle: Bundle, saved: SavedLineReader) -> None:
    other = attrs.evolve(saved, weights=[*saved.weights[:-1], saved.weights[-1] + 0.5])
    assert attrs.evolve(bundle, line_reader=other).fingerprint != bundle.fingerprint


def test_wrong_answers_are_found(bundle: Bundle, saved: SavedLineReader) -> None:
    assert verify_bundle(bundle) <= 1e-5
    wrong = attrs.evolve(saved, golden_line=saved.golden_line[:, ::-1].copy())
    with pytest.raises(BundleError, match="does not give the answers that were saved with it"):
        verify_bundle(attrs.evolve(bundle, line_reader=wrong))
    short = attrs.evolve(saved, golden_line=saved.golden_line[:, :20].copy())
    with pytest.raises(BundleError, match="the line reader answers with shape"):
        verify_bundle(attrs.evolve(bundle, line_reader=short))


@pytest.mark.parametrize(
    "change",
    [
        {"tflite": b"no model at all"},
        {"characters": 5},
        {"characters": "0123"},
        {"pitch": 0},
        {"pitch": 4.0},
        {"weights": ["much"]},
        {"golden_line": np.zeros((40, 20))},
        {"golden_line": np.zeros(40, np.uint8)},
        {"levels": np.zeros(3, np.float64)},
        {"levels": np.zeros((1, 1), np.float32)},
        {"risks": np.zeros(2, np.float32)},
        {"risks": np.array([np.nan], np.float32), "levels": np.array([0.5], np.float32)},
    ],
    ids=str,
)
def test_a_damaged_one_is_refused(saved: SavedLineReader, change: dict[str, Any]) -> None:
    with pytest.raises(BundleError):
        attrs.evolve(saved, **change)


def test_a_file_that_lacks_a_part_is_refused(saved: SavedLineReader) -> None:
    values, tensors = saved.to_extras()
    for name in tensors:
        rest = {key: array for key, array in tensors.items() if key != name}
        with pytest.raises(BundleError, match="line reader is damaged"):
            SavedLineReader.from_extras(values, rest)
    for name in values:
        with pytest.raises(BundleError, match="line reader is damaged"):
            SavedLineReader.from_extras({key: value for key, value in values.items() if key != name}, dict(tensors))
    with pytest.raises(BundleError, match="line reader is damaged"):
        SavedLineReader.from_extras(None, dict(tensors))


def test_the_file_is_small(saved: SavedLineReader) -> None:
    assert sum(array.nbytes for array in saved.to_extras()[1].values()) <= 3_000_000
