"""Data sets from paths: the format is told, the parts are put together, and what is wrong is named."""

import gzip
import os

import numpy as np
import pytest
from PIL import Image
from tests.datasets.idx_files import write_idx

from lenetkit.datasets import load_dataset
from lenetkit.exceptions import DataError, SettingError

TRAIN = np.random.default_rng(0).integers(0, 256, (20, 6, 6), np.uint8)
TEST = np.random.default_rng(1).integers(0, 256, (10, 6, 6), np.uint8)
TRAIN_LABELS, TEST_LABELS = np.arange(20, dtype=np.uint8) % 10, np.arange(10, dtype=np.uint8)
EVERYTHING = np.concatenate([TRAIN, TEST]), np.concatenate([TRAIN_LABELS, TEST_LABELS])


def write_mnist(folder, suffix="", prefix="", dash="-"):
    for part, images, labels in (("train", TRAIN, TRAIN_LABELS), ("t10k", TEST, TEST_LABELS)):
        write_idx(folder / f"{prefix}{part}-images{dash}idx3-ubyte{suffix}", images)
        write_idx(folder / f"{prefix}{part}-labels{dash}idx1-ubyte{suffix}", labels)
    return folder


def write_all_formats(folder):
    """Write the same 30 images in every format that can hold them, and return the paths."""
    images, labels = EVERYTHING
    for name in ("plain", "packed", "npy", "folders"):
        (folder / name).mkdir()
    write_mnist(folder / "plain")
    write_mnist(folder / "packed", suffix=".gz")
    np.save(folder / "npy" / "images.npy", images)
    np.save(folder / "npy" / "labels.npy", labels)
    np.savez(folder / "pair.npz", images=images, labels=labels)
    np.savez_compressed(
        folder / "keras.npz", x_train=TRAIN, y_train=TRAIN_LABELS, x_test=TEST, y_test=TEST_LABELS.astype(np.int64)
    )
    header = ",".join(["label", *(f"pixel{number}" for number in range(36))])
    rows = [",".join(map(str, [label, *image.ravel()])) for image, label in zip(images, labels, strict=True)]
    (folder / "kaggle.csv").write_text("\n".join([header, *rows]) + "\n")
    return [folder / name for name in ("plain", "packed", "npy", "pair.npz", "keras.npz", "kaggle.csv")]


def test_every_format_gives_the_same_data_set(tmp_path):
    """The fingerprint does not know the container; the name is the path's."""
    datasets = [load_dataset(path) for path in write_all_formats(tmp_path)]
    assert len({dataset.fingerprint for dataset in datasets}) == 1
    assert [dataset.name for dataset in datasets] == ["plain", "packed", "npy", "pair", "keras", "kaggle"]
    assert np.array_equal(datasets[0].images, EVERYTHING[0])
    assert np.array_equal(datasets[0].labels, EVERYTHING[1])
    assert datasets[0].class_names == tuple("0123456789")


def test_class_folders_give_the_same_images_class_by_class(tmp_path):
    """The order is that of the classes and file names; content and classes are the same."""
    images, labels = EVERYTHING
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / str(label) / f"{number:03}.png")
    dataset = load_dataset(tmp_path)
    order = np.argsort(labels, kind="stable")
    assert np.array_equal(dataset.images, images[order])
    assert np.array_equal(dataset.labels, labels[order])
    assert dataset.class_names == tuple("0123456789")


@pytest.mark.parametrize("name", ["plain", "packed", "keras.npz"])
def test_official_parts_can_be_chosen(name, tmp_path):
    """All is the training part followed by the test part."""
    write_all_formats(tmp_path)
    train, test, both = (load_dataset(tmp_path / name, subset=subset) for subset in ("train", "test", "all"))
    assert np.array_equal(train.images, TRAIN)
    assert np.array_equal(test.labels, TEST_LABELS)
    assert np.array_equal(both.images, EVERYTHING[0])


@pytest.mark.parametrize("name", ["npy", "pair.npz", "kaggle.csv", "plain/train-images-idx3-ubyte"])
def test_what_has_no_official_parts_says_so(name, tmp_path):
    """Instead of giving everything for the training part."""
    write_all_formats(tmp_path)
    with pytest.raises(SettingError, match=r"has no predefined splits, so there is no subset='train'.*call split\(\)"):
        load_dataset(tmp_path / name, subset="train")


@pytest.mark.parametrize("name", ["pair.npz", "keras.npz", "kaggle.csv"])
def test_a_folder_with_one_file_of_a_format_will_do(name, tmp_path):
    """As a downloaded archive unpacks it."""
    write_all_formats(tmp_path)
    (tmp_path / "alone").mkdir()
    (tmp_path / name).rename(tmp_path / "alone" / name)
    assert len(load_dataset(tmp_path / "alone")) == 30


def test_paths_may_be_text(tmp_path, monkeypatch):
    """Relative ones too."""
    write_mnist(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load_dataset(".").name == tmp_path.name


# The four IDX files


@pytest.mark.parametrize("naming", [{"dash": "."}, {"prefix": "my-digits-"}, {"suffix": ".gz", "prefix": "x-"}])
def test_idx_files_may_be_named_as_they_are_found(naming, tmp_path):
    """With a dot for a dash, as some programs unpack them; with one prefix for all."""
    assert len(load_dataset(write_mnist(tmp_path, **naming))) == 30


def test_one_idx_file_of_images_finds_its_labels(tmp_path):
    """Packed or not, under any name that says images."""
    write_idx(tmp_path / "my-images.idx3.gz", TRAIN)
    write_idx(tmp_path / "my-labels.idx1", TRAIN_LABELS)
    dataset = load_dataset(tmp_path / "my-images.idx3.gz")
    assert (dataset.name, len(dataset)) == ("my-images", 20)


def test_an_idx_file_without_labels_says_what_is_missing(tmp_path):
    """The name that was looked for is in the message."""
    write_idx(tmp_path / "my-images-idx3-ubyte", TRAIN)
    with pytest.raises(DataError, match=r"labels that belong to it are missing: no .*my-labels-idx1-ubyte and no"):
        load_dataset(tmp_path / "my-images-idx3-ubyte")


def test_the_unpacked_file_is_taken_where_both_are_there(tmp_path):
    """It is read faster; the packed one may be damaged."""
    write_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8bjunk")
    assert len(load_dataset(tmp_path)) == 30


def test_a_missing_idx_file_is_named(tmp_path):
    """The part that is complete can still be loaded."""
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"lacks the labels of the test part; .* it has: t10k-images.*Add it"):
        load_dataset(tmp_path)
    assert len(load_dataset(tmp_path, subset="train")) == 20


def test_idx_files_of_several_sets_are_not_mixed(tmp_path):
    """EMNIST's folder holds six sets."""
    write_mnist(write_mnist(tmp_path, prefix="a-"), prefix="b-")
    with pytest.raises(DataError, match=r"holds the IDX files of 2 data sets \('a-', 'b-'\)"):
        load_dataset(tmp_path)
    assert len(load_dataset(tmp_path / "a-train-images-idx3-ubyte")) == 20


def test_images_and_labels_that_disagree_in_number_are_named(tmp_path):
    """Both files with their numbers."""
    write_mnist(tmp_path)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", TEST_LABELS[:7])
    with pytest.raises(DataError, match=r"t10k-images\S* has 10 images and \S*t10k-labels\S* 7 labels"):
        load_dataset(tmp_path)


def test_a_damaged_idx_file_is_named(tmp_path):
    """Which of the four it is."""
    write_mnist(tmp_path, suffix=".gz")
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz is damaged"):
        load_dataset(tmp_path)


def test_parts_of_different_shapes_are_refused(tmp_path):
    """They cannot become one array."""
    write_mnist(tmp_path)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", np.zeros((10, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"images of one shape; got \(20, 6, 6\) and \(10, 8, 8\)"):
        load_dataset(tmp_path)


# Classes


def test_a_label_that_can_be_no_class_is_named(tmp_path):
    """A corrupt byte does not make a set of ten classes one of two hundred."""
    write_mnist(tmp_path)
    labels = TEST_LABELS.copy()
    labels[3] = 200
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", labels)
    with pytest.raises(
        DataError, match=r"t10k-labels\S* label 3 is 200, which is no class: .* only 10 different ones occur"
    ):
        load_dataset(tmp_path)


def test_a_negative_label_is_named(tmp_path):
    """Integers from other files can be negative."""
    np.savez(tmp_path / "x.npz", images=TEST, labels=np.arange(10) - 1)
    with pytest.raises(DataError, match=r"x\.npz: labels: label 0 is -1, which is no class"):
        load_dataset(tmp_path / "x.npz")


@pytest.mark.parametrize(("labels", "n_classes"), [(range(1, 27), 27), ([7, 9], 10), (["b", "a"], 2)])
def test_labels_that_can_be_classes_are_kept(labels, n_classes, tmp_path):
    """Letters numbered from 1, a few digits, and strings."""
    np.savez(tmp_path / "x.npz", images=np.zeros((len(labels), 4, 4), np.uint8), labels=np.array(labels))
    dataset = load_dataset(tmp_path / "x.npz")
    assert dataset.labels.tolist() == list(labels)
    assert len(dataset.class_names) == n_classes


# What is no data set


def test_a_file_in_no_format_lists_the_formats(tmp_path):
    """And says how a single picture is read."""
    Image.fromarray(TEST[0]).save(tmp_path / "seven.png")
    with pytest.raises(DataError, match=r"seven\.png is in no format .* Formats: the four IDX files.*by read_image"):
        load_dataset(tmp_path / "seven.png")


def test_a_folder_in_no_format_says_what_it_holds(tmp_path):
    """So that a wrong folder is noticed."""
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match=r"is in no format .*; it holds notes\.txt\. Formats: "):
        load_dataset(tmp_path)


def test_a_folder_with_several_files_of_a_format_asks_which(tmp_path):
    """Guessing would be wrong half of the time."""
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", images=TEST, labels=TEST_LABELS)
    with pytest.raises(DataError, match=r"has 2 \.npz files \(a\.npz, b\.npz\); give the path"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("shape", [(0, 4, 4), (3, 0, 4), (3, 4, 4, 7)])
def test_no_images_are_no_data_set(shape, tmp_path):
    """Files that are well-formed and empty, or of a strange shape."""
    np.savez(tmp_path / "x.npz", images=np.zeros(shape, np.uint8), labels=np.zeros(shape[0], int))
    with pytest.raises(DataError, match=r"x\.npz(:| holds no images)"):
        load_dataset(tmp_path / "x.npz")


def test_a_pipe_is_not_waited_for(tmp_path):
    """Opening one blocks until somebody writes."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe is neither a file nor a folder"):
        load_dataset(tmp_path / "pipe")


def test_a_tar_archive_is_never_opened(tmp_path):
    """Nor is anything else that could write files."""
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(b"file.txt".ljust(512, b"\0")))
    with pytest.raises(DataError, match=r"is a tar archive"):
        load_dataset(tmp_path / "x.tar.gz")


# The real thing


def test_mnist_is_the_same_from_idx_and_from_keras_file(shared_data, tmp_path):
    """Packed IDX files and an npz file in Keras' layout."""
    dataset = load_dataset(shared_data / "mnist")
    assert (len(dataset), dataset.images.shape[1:]) == (70_000, (28, 28))
    parts = {"x_train": dataset.images[:60_000], "y_train": dataset.labels[:60_000].astype(np.uint8)}
    np.savez(tmp_path / "mnist.npz", x_test=dataset.images[60_000:], y_test=dataset.labels[60_000:], **parts)
    assert load_dataset(tmp_path / "mnist.npz").fingerprint == dataset.fingerprint


def test_usps_is_read(shared_data):
    """Envelope digits from a plain npz file."""
    dataset = load_dataset(shared_data / "usps" / "usps-train.npz")
    assert (len(dataset), dataset.images.shape[1:], len(dataset.class_names)) == (7291, (16, 16), 10)
