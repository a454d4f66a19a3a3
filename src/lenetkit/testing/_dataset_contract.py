"""Contract of a registered data set."""

import pickle
import socket
from collections.abc import Callable
from unittest import mock

import numpy as np

from lenetkit.datasets import Dataset, dataset_info, load_dataset
from lenetkit.exceptions import ContractError, SettingError
from lenetkit.testing._require import promised, require

__all__ = ["CHECKS"]


def the_record_is_true(name: str) -> None:
    """Check name, number of epochs and classes, and the form of images and labels."""
    data, info = _load(name), dataset_info(name)
    require(info.description.strip(), f"description of {name!r}", "one line", repr(info.description))
    require((data.name, data.epochs) == (info.name, info.epochs), f"{name!r}", "loaded as recorded", data)
    shape, n_classes = data.images.shape, len(np.unique(data.labels))
    require(data.images.dtype == np.uint8, f"the images of {name!r}", "uint8", data.images.dtype)
    require(len(shape) in (3, 4) and min(shape) > 0, f"the images of {name!r}", "(n, height, width[, channels])", shape)
    require(len(data.labels) == len(data), f"the labels of {name!r}", f"{len(data)}", len(data.labels))
    require(n_classes == len(data.class_names), f"the classes of {name!r}", f"all {len(data.class_names)}", n_classes)


def it_is_the_same_every_time(name: str) -> None:
    """Check that the data have one fingerprint, and that they travel to other processes."""
    data = _load(name)
    require(data.fingerprint == _load(name).fingerprint, f"{name!r}", "the same every time", "different data")
    first = data[:10]
    copy = pickle.loads(pickle.dumps(first))  # noqa: S301
    require(copy.fingerprint == first.fingerprint, f"{name!r}, unpickled", "the same", "different data")


def predefined_splits_make_up_the_whole(name: str) -> None:
    """Check that the training part followed by the test part is all of it, or that both are refused."""
    whole, train, test = _load(name), _part(name, "train"), _part(name, "test")
    if train is None or test is None:
        require(train is test, f"the predefined splits of {name!r}", "both there or both refused", "one of them there")
        return
    require(len(train) + len(test) == len(whole), f"the parts of {name!r}", len(whole), f"{len(train)} + {len(test)}")
    ordered = np.array_equal(np.concatenate([train.labels, test.labels]), whole.labels)
    require(ordered, f"the parts of {name!r}", "in the order of the whole", "in another")
    last = np.array_equal(test.images[-1], whole.images[-1])
    require(last, f"the last image of {name!r}", "that of its test part", "another")


def no_socket_is_opened(name: str) -> None:
    """Check that nothing is downloaded with ``download=False``."""
    opened = ContractError(f"{name!r} must open no socket with download=False; it opened one.")
    with mock.patch.object(socket, "socket", side_effect=opened):
        _load(name)


CHECKS: tuple[Callable[[str], None], ...] = (
    the_record_is_true,
    it_is_the_same_every_time,
    predefined_splits_make_up_the_whole,
    no_socket_is_opened,
)


def _load(name: str) -> Dataset:
    with promised(f"the data set {name!r} must load"):
        return load_dataset(name, download=False)


def _part(name: str, subset: str) -> Dataset | None:
    try:
        return load_dataset(name, subset=subset, download=False)
    except SettingError:
        return None
