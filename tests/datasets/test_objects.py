"""Objects of other libraries become data sets: copied once, in order, upright, in 0..255."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from lenetkit.datasets import Dataset, load_dataset
from lenetkit.exceptions import DataError, DataNotice, LenetkitError, SettingError

DIGITS = np.zeros((12, 8, 8), np.uint8)
DIGITS[:, 1, 6], DIGITS[:, 2, 6] = 200, np.arange(12) + 90
LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])


def check(dataset):
    """Compare the mark, which is no mirror image of itself, all pixels and the labels."""
    assert isinstance(dataset, Dataset)
    assert dataset.images[4, 1, 6] == 200
    assert np.array_equal(dataset.images, DIGITS)
    assert dataset.labels.tolist() == LABELS.tolist()


class Tensor:
    """An array as PyTorch has them, as far as it is used: no ndarray, but one can be made of it."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.shape, self.dtype = self.values.shape, str(self.values.dtype)

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return self.values


class EMNIST:
    """As torchvision has it: on its side, and letters numbered from 1."""

    def __init__(self, images, targets, classes):
        self.data, self.targets, self.classes = Tensor(images.swapaxes(1, 2)), Tensor(targets), classes


FRAME = pd.DataFrame(DIGITS.reshape(12, 64), columns=[f"pixel{i}" for i in range(64)]).assign(label=LABELS)
PAIRS = [(Image.fromarray(image), int(label)) for image, label in zip(DIGITS, LABELS, strict=True)]
OBJECTS = {
    "Bunch": Bunch(images=DIGITS.astype(float), data=None, target=LABELS, target_names=np.arange(10)),
    "Bunch of frames": Bunch(data=FRAME.drop(columns="label"), target=pd.Series(map(str, LABELS), dtype="category")),
    "pandas": FRAME,
    "pandas, shuffled columns": FRAME[FRAME.columns[::-1]],
    "polars": pl.from_pandas(FRAME),
    "images and labels": SimpleNamespace(images=DIGITS, labels=LABELS),
    "data and targets": SimpleNamespace(data=Tensor(DIGITS), targets=LABELS.tolist(), classes=list("0123456789")),
    "rows": SimpleNamespace(data=DIGITS.reshape(12, 64), target=LABELS),
    "floats": SimpleNamespace(data=DIGITS / 255, target=LABELS),
    "pair of arrays": (DIGITS, LABELS),
    "dict": {"images": DIGITS, "labels": LABELS},
    "dict of X and y": {"X": DIGITS.reshape(12, 64), "y": LABELS},
    "pairs": PAIRS,
    "pairs of tensors": [
        (Tensor(image[None] / np.float32(255)), label) for image, label in zip(DIGITS, LABELS, strict=True)
    ],
    "one-hot": SimpleNamespace(data=DIGITS, target=np.eye(10)[LABELS]),
    "channels first": SimpleNamespace(data=DIGITS[:, None], labels=LABELS),
    "EMNIST": EMNIST(DIGITS, LABELS, list("0123456789")),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_objects_are_read(kind):
    """Whatever they call their parts."""
    check(load_dataset(OBJECTS[kind]))


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_is_read_is_a_copy_or_read_only(kind):
    """Nothing of the data set can be written to."""
    dataset = load_dataset(OBJECTS[kind])
    with pytest.raises(ValueError, match="read-only"):
        dataset.images[0, 0, 0] = 1


PARTS = {
    "dict": {
        "train": SimpleNamespace(data=DIGITS, target=LABELS),
        "test": SimpleNamespace(data=DIGITS[:5], target=LABELS[:5]),
    },
    "arrays by name": {"x_train": DIGITS, "y_train": LABELS, "x_test": DIGITS[:5], "y_test": LABELS[:5]},
    "nested": {"train": {"image": DIGITS, "label": LABELS}, "test": {"image": DIGITS[:5], "label": LABELS[:5]}},
    "Keras": ((DIGITS, LABELS), (DIGITS[:5], LABELS[:5])),
}


@pytest.mark.parametrize("kind", PARTS)
def test_predefined_splits_of_objects_are_kept(kind):
    """By their names, or in Keras' order."""
    check(load_dataset(PARTS[kind], subset="train"))
    assert len(load_dataset(PARTS[kind], subset="test")) == 5
    assert len(load_dataset(PARTS[kind])) == 17


def test_scikit_learns_digits_are_the_built_in_ones():
    """17 levels of ink, spread over 0..255."""
    with pytest.warns(DataNotice, match=r"the sklearn object Bunch: the pixels are read as 0\.\.16"):
        dataset = load_dataset(load_digits())
    assert dataset.fingerprint == load_dataset("digits").fingerprint
    assert dataset.name == "bunch"


def test_torchvisions_letters_are_upright_and_named():
    """Classes begin with N/A, labels with 1."""
    dataset = load_dataset(EMNIST(DIGITS, LABELS, ["N/A", *"abcdefghi"]))
    assert np.array_equal(dataset.images, DIGITS)
    assert dataset.class_names == tuple("abcdefghi")
    assert dataset.labels.tolist() == (LABELS - 1).tolist()


def test_torchvisions_qmnist_has_writers():
    """In the third of eight columns."""
    targets = np.zeros((12, 8), np.int64)
    targets[:, 0], targets[:, 2] = LABELS, np.arange(12) + 500
    dataset = load_dataset(SimpleNamespace(data=Tensor(DIGITS), targets=Tensor(targets)))
    check(dataset)
    assert dataset.groups.tolist() == list(range(500, 512))


def test_torchvisions_names_of_digits_are_the_digits():
    """Not "3 - three"."""
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    source = SimpleNamespace(data=DIGITS, targets=LABELS, classes=[f"{i} - {word}" for i, word in enumerate(words)])
    assert load_dataset(source).class_names == tuple("0123456789")


def test_an_image_folder_is_read_from_its_files(tmp_path):
    """Through the list of samples that it made."""
    samples = []
    for index, (image, label) in enumerate(zip(DIGITS, LABELS, strict=True)):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
        samples.append((str(tmp_path / f"{index}.png"), int(label)))
    dataset = load_dataset(SimpleNamespace(samples=samples, classes=list("0123456789")))
    check(dataset)
    assert dataset.class_names == tuple("0123456789")


class HubDataset:
    """What Hugging Face's Dataset has, as far as it is used: Arrow tables by columns, in the order of its indices."""

    def __init__(self, table, indices):
        self.table, self.indices = table, indices
        self.features = SimpleNamespace(arrow_schema=table.schema)

    def __len__(self):
        return len(self.indices)

    def select_columns(self, columns):
        return HubDataset(self.table.select(columns), self.indices)

    def with_format(self, kind):
        assert kind == "arrow"
        return self

    def iter(self, batch_size):
        for start in range(0, len(self), batch_size):
            yield self.table.take(self.indices[start : start + batch_size])


def test_a_data_set_of_the_hub_is_read_in_its_own_order():
    """Rows that were shuffled or selected stay so."""

    def as_png(image):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "png")
        return {"bytes": stream.getvalue(), "path": None}

    order = np.random.default_rng(0).permutation(12)
    table = pa.table(
        {"image": [as_png(image) for image in DIGITS[np.argsort(order)]], "label": LABELS[np.argsort(order)]}
    )
    check(load_dataset(HubDataset(table, order)))
    check(load_dataset({"train": HubDataset(table, order), "test": HubDataset(table, order[:3])}, subset="train"))


@pytest.mark.tensorflow
def test_tensors_are_read():
    """Single or in batches, as pairs or as dicts with text; one that never ends is refused."""
    import tensorflow as tf

    pairs = tf.data.Dataset.from_tensor_slices((DIGITS[..., None], LABELS))
    check(load_dataset(pairs))
    check(load_dataset(pairs.batch(5)))
    check(load_dataset(pairs.map(lambda x, y: (tf.cast(x, tf.float32) / 255, y)).batch(5)))
    check(load_dataset(pairs.map(lambda x, y: {"image": x, "label": tf.strings.as_string(y)})))
    assert len(load_dataset({"train": pairs, "test": pairs.take(3)}, subset="test")) == 3
    assert len(load_dataset([pairs, pairs.take(3)])) == 15
    with pytest.raises(DataError, match=r"never ends; leave out repeat"):
        load_dataset(pairs.repeat())
    with pytest.raises(DataError, match="must give pairs of image and label"):
        load_dataset(pairs.map(lambda x, y: x))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (7, SettingError, "must be the name of a data set, a path, or an object"),
        (SimpleNamespace(images=DIGITS), SettingError, "must be the name of a data set"),
        (SimpleNamespace(images=DIGITS, labels=LABELS[:5]), DataError, "n = 5, one for each label"),
        (SimpleNamespace(images=DIGITS, labels=LABELS + 0.5), DataError, r"label 0 is 3\.5"),
        (SimpleNamespace(images=DIGITS, labels=LABELS + 400), DataError, "which is no class"),
        (SimpleNamespace(images=DIGITS - 70.5, labels=LABELS), DataError, "pixels must lie in"),
        (SimpleNamespace(images=DIGITS * np.nan, labels=LABELS), DataError, "a pixel that is missing or infinite"),
        (FRAME.drop(columns="label"), DataError, "must have a column called label"),
        (FRAME.drop(columns="pixel7"), DataError, "pixel7 is missing"),
        ({"train": FRAME, "test": 3}, DataError, "test, must hold images and labels"),
        ({"size": np.arange(3)}, DataError, "must hold images and labels"),
        ([], SettingError, "must be the name of a data set"),
    ],
)
def test_an_object_that_is_no_data_set_is_one_error(source, error, message):
    """It says which object, or what is expected."""
    with pytest.raises(error, match=message) as caught:
        load_dataset(source)
    assert isinstance(caught.value, LenetkitError)


def test_a_part_that_an_object_does_not_have_is_refused():
    """Of one without parts, and of one without this one."""
    with pytest.raises(SettingError, match="has no predefined splits"):
        load_dataset(FRAME, subset="test")
    with pytest.raises(SettingError, match="has no part 'test'; it has train"):
        load_dataset({"train": FRAME}, subset="test")


def test_a_data_set_is_itself():
    """So that what takes a source takes it, too."""
    dataset = load_dataset("digits")
    assert load_dataset(dataset) is dataset
