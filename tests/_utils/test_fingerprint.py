"""Tests for `lenetkit._utils.fingerprint`."""

import numpy as np
import pytest

from lenetkit._utils import memmap
from lenetkit._utils.fingerprint import fingerprint
from lenetkit.datasets import Dataset


def test_it_is_the_fingerprint_of_the_data_set() -> None:
    """Integers and strings, with and without class names; chunks and memory order change nothing."""
    images = np.random.default_rng(0).integers(0, 256, (30, 6, 5), dtype=np.uint8)
    for labels in (np.arange(30) % 3, np.array(list("abc") * 10)):
        assert fingerprint(images, labels) == Dataset(images=images, labels=labels).fingerprint
    named = Dataset(images=images, labels=np.arange(30) % 3, class_names=["x", "y", "z"])
    assert fingerprint(images, named.labels, named.class_names) == named.fingerprint
    assert fingerprint(np.asfortranarray(images), np.arange(30) % 3) == fingerprint(images, np.arange(30) % 3)


def test_it_is_read_chunk_by_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of a chunk changes nothing; every pixel, label and dtype counts."""
    images, labels = np.zeros((30, 6, 5), np.uint8), np.arange(30) % 3
    whole = fingerprint(images, labels)
    monkeypatch.setattr(memmap, "_CHUNK_BYTES", 100)
    assert fingerprint(images, labels) == whole
    changed = images.copy()
    changed[29, 5, 4] = 1
    others = [
        (changed, labels),
        (images, labels[::-1]),
        (images.astype(np.float32), labels),
        (images[..., None], labels),
    ]
    assert len({whole, *(fingerprint(*other) for other in others)}) == 5
