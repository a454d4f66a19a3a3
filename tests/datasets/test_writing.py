"""Saved data sets are read back equal, by lenetkit and by the libraries that own the formats."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lenetkit.cli import main
from lenetkit.datasets import Dataset, load_dataset
from lenetkit.exceptions import DataError, DataNotice, SettingError

TARGETS = {
    "npz": "digits.npz",
    "csv": "digits.csv",
    "gz": "digits.csv.gz",
    "parquet": "digits.parquet",
    "idx": "d",
    "png": "d",
}


def make(n=23, shape=(8, 6), words=False, groups=None, **options):
    random = np.random.default_rng(n)
    images = random.integers(0, 256, (n, *shape), np.uint8)
    labels = random.permutation(np.arange(n) % 4)
    if words:
        labels = np.array(["nought", "one", "two", "a, b\tc"])[labels]
    given_groups = {None: None, "numbers": np.arange(n) // 3 + 100, "names": np.array([f"w{i // 3}" for i in range(n)])}
    return Dataset(images=images, labels=labels, name="mine", groups=given_groups[groups], **options)


def save(dataset, folder, form):
    return dataset.save(folder / TARGETS[form], format=form if form in ("idx", "png") else None)


def check_equal(found, dataset):
    assert np.array_equal(found.images, dataset.images)
    assert found.labels.tolist() == dataset.labels.tolist()
    assert found.class_names == dataset.class_names
    assert found.fingerprint == dataset.fingerprint
    assert (found.groups is None) == (dataset.groups is None)
    assert dataset.groups is None or found.groups.tolist() == dataset.groups.tolist()


@pytest.mark.parametrize("form", TARGETS)
@pytest.mark.parametrize("groups", [None, "numbers"])
@pytest.mark.parametrize("names", [None, ["zero", "one", "two", "three", "never seen"]], ids=["plain", "named"])
def test_grey_images_are_read_back_equal(form, groups, names, tmp_path):
    """In every format, with groups and names of classes."""
    dataset = make(groups=groups, **({} if names is None else {"class_names": names}))
    check_equal(load_dataset(save(dataset, tmp_path, form)), dataset)


@pytest.mark.parametrize("form", ["npz", "parquet", "idx", "png"])
def test_colours_are_read_back_equal(form, tmp_path):
    """In every format that has them."""
    dataset = make(shape=(8, 8, 3))
    check_equal(load_dataset(save(dataset, tmp_path, form)), dataset)


@pytest.mark.parametrize("form", ["npz", "csv", "parquet", "png"])
def test_labels_and_groups_that_are_text_are_read_back_equal(form, tmp_path):
    """With commas and tabs in them, and classes that have no images."""
    names = ["two", "one", "a, b\tc", "nought", "none"]
    dataset = make(words=True, groups="names", class_names=names)
    check_equal(load_dataset(save(dataset, tmp_path, form)), dataset)


@given(
    n=st.integers(1, 12),
    height=st.integers(5, 9),
    width=st.integers(5, 9),
    seed=st.integers(0, 99),
    form=st.sampled_from(["npz", "csv", "parquet", "idx", "png"]),
)
@settings(max_examples=40, deadline=None)
def test_any_grey_data_set_is_read_back_equal(n, height, width, seed, form, tmp_path_factory):
    """Whatever its shape and pixels."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, height, width), np.uint8)
    images[0, 0, 0] = 255
    dataset = Dataset(images=images, labels=random.integers(0, 10, n), class_names=list("0123456789"), name="any")
    check_equal(load_dataset(save(dataset, tmp_path_factory.mktemp("any"), form)), dataset)


def test_other_libraries_read_what_is_saved(tmp_path):
    """pandas, pyarrow, NumPy and Pillow give the same pixels."""
    dataset = make(shape=(8, 8))
    frame = pd.read_csv(dataset.save(tmp_path / "x.csv"))
    assert frame["pixel9"].tolist() == dataset.images[:, 1, 1].tolist()
    table = pq.read_table(dataset.save(tmp_path / "x.parquet"))
    assert table["label"].to_pylist() == dataset.labels.tolist()
    assert json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["image"] == {"_type": "Image"}
    arrays = np.load(dataset.save(tmp_path / "x.npz"))
    assert np.array_equal(arrays["images"], dataset.images)
    folder = dataset.save(tmp_path / "png", format="png")
    assert np.array_equal(np.asarray(Image.open(folder / "images" / "07.png")), dataset.images[7])
    assert (folder / "labels.csv").read_text().splitlines()[8] == f"07.png,{dataset.labels[7]}"
    folder = dataset.save(tmp_path / "idx", format="idx")
    content = (folder / "images-idx3-ubyte").read_bytes()
    assert content[:16].hex() == "00000803000000170000000800000008"
    assert content[16:] == dataset.images.tobytes()


@pytest.mark.parametrize(
    ("options", "target", "form", "error", "message"),
    [
        ({}, "x", None, SettingError, r"must end in \.npz, .* for a folder pass format='idx' or 'png'"),
        ({}, "x.npz", "csv", SettingError, "has the suffix of npz"),
        ({}, "x", "arff", SettingError, "format must be one of npz"),
        ({}, "full", "png", SettingError, "is there already"),
        ({"shape": (8, 8, 3)}, "x.csv", None, DataError, "a table holds grey images"),
        ({"shape": (8, 8, 4)}, "x", "png", DataError, "pictures are grey .* or have colours"),
        ({"shape": (8, 8, 2)}, "x", "idx", DataError, "1 or 3 channels"),
        ({"words": True}, "x", "idx", DataError, "IDX files hold integers as labels"),
        ({"n": 0}, "x.npz", None, DataError, "has no images to save"),
    ],
)
def test_what_could_not_be_read_back_equal_is_refused(options, target, form, error, message, tmp_path):
    """Before anything is written."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(error, match=message):
        make(**options).save(tmp_path / target, format=form)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["full", "mine"]


def test_text_that_would_come_back_as_numbers_is_refused(tmp_path):
    """In tables; .npz keeps it."""
    dataset = Dataset(images=make(4).images, labels=["1", "2", "1", "2"])
    with pytest.raises(DataError, match="would give labels like '1' back as numbers"):
        dataset.save(tmp_path / "x.csv")
    check_equal(load_dataset(dataset.save(tmp_path / "x.npz")), dataset)


def test_groups_that_idx_files_cannot_hold_are_left_out_with_a_notice(tmp_path):
    """Names of writers."""
    with pytest.warns(DataNotice, match="IDX files hold groups as 32-bit integers only"):
        path = make(groups="names").save(tmp_path / "x", format="idx")
    assert load_dataset(path).groups is None


def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    """A folder appears when all of it is written."""
    dataset = make()
    monkeypatch.setattr("lenetkit.datasets._writing._as_png", lambda image: 1 / 0)
    for target, form in (("x", "png"), ("x.parquet", None)):
        with pytest.raises(ZeroDivisionError):
            dataset.save(tmp_path / target, format=form)
    assert list(tmp_path.iterdir()) == []


# The command


def run(capfd, *arguments):
    """Return exit code, output and errors of a command."""
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    return end.value.code, *capfd.readouterr()


@pytest.mark.parametrize("form", ["npz", "idx"])
def test_convert_keeps_predefined_splits(form, tmp_path, capfd):
    """In the formats that have them, and from one to the other."""
    first, second = make(30), make(12)
    source = tmp_path / "x.npz"
    np.savez(source, x_train=first.images, y_train=first.labels, x_test=second.images, y_test=second.labels)
    target = tmp_path / TARGETS[form]
    code, out, err = run(capfd, "convert", source, target, *(["--format", form] if form == "idx" else []))
    assert (code, err) == (0, "")
    assert "30 images to train, 12 images to test" in out
    assert np.array_equal(load_dataset(target, subset="test").images, second.images)
    assert len(load_dataset(target)) == 42


def test_convert_joins_parts_in_one_file_and_gives_a_folder_a_file_each(tmp_path, capfd):
    """As the target says."""
    first, second = make(30), make(12)
    source = tmp_path / "x.npz"
    np.savez(source, x_train=first.images, y_train=first.labels, x_test=second.images, y_test=second.labels)
    assert run(capfd, "convert", source, tmp_path / "all.parquet")[0] == 0
    assert len(load_dataset(tmp_path / "all.parquet")) == 42
    assert run(capfd, "convert", source, tmp_path / "parts", "--format", "csv")[0] == 0
    assert np.array_equal(load_dataset(tmp_path / "parts", subset="test").images, second.images)
    code, _, err = run(capfd, "convert", source, source)
    assert code == 2
    assert "is the same file" in err
    assert run(capfd, "convert", tmp_path / "parts", tmp_path / "test.npz", "--subset", "test")[0] == 0
    assert len(load_dataset(tmp_path / "test.npz")) == 12
