"""What every registered data set must do; a new one is tested by being registered."""

import socket
from typing import Any

import numpy as np
import pytest

from lenetkit.datasets import Dataset, dataset_info, list_datasets, load_dataset
from lenetkit.exceptions import DownloadError, SettingError


@pytest.fixture(params=list_datasets())
def load(request: pytest.FixtureRequest) -> Any:
    """Return a function that loads one data set from this machine; skip where it is not there."""

    def _load(subset: str = "all") -> Dataset:
        try:
            return load_dataset(request.param, subset=subset, download=False)
        except DownloadError:
            folder = request.getfixturevalue("shared_data")
        try:
            return load_dataset(request.param, subset=subset, data_dir=folder, download=False)
        except DownloadError:
            pytest.skip(f"the data set {request.param} is not on this machine")

    _load.name = request.param  # type: ignore[attr-defined]
    return _load


def test_a_registered_data_set_holds_to_its_record(load: Any) -> None:
    """It has the registered name and number of epochs, and no class without an image."""
    data, record = load(), dataset_info(load.name)
    assert (data.name, data.epochs) == (record.name, record.epochs)
    assert record.description.endswith(".")
    assert len(np.unique(data.labels)) == len(data.class_names)


def test_a_registered_data_set_is_the_same_every_time(load: Any) -> None:
    """What is drawn or read has one fingerprint."""
    assert load().fingerprint == load().fingerprint


def test_official_parts_make_up_the_whole_or_are_refused(load: Any) -> None:
    """The training part followed by the test part is all of it."""
    whole = load()
    try:
        train, test = load("train"), load("test")
    except SettingError:
        with pytest.raises(SettingError, match=load.name):
            load("test")
        return
    assert len(train) + len(test) == len(whole)
    assert np.array_equal(np.concatenate([train.labels, test.labels]), whole.labels)
    assert np.array_equal(test.images[-1], whole.images[-1])


def test_no_socket_is_opened_where_nothing_may_be_downloaded(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """``download=False`` is meant."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert len(load()) > 0
