"""EMNIST and its relatives: upright images, named classes, labels of other kinds."""

import gzip
import pickle
import string
import struct

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.datasets.idx_files import as_idx, write_idx

from lenetkit import Pipeline
from lenetkit.datasets import load_dataset
from lenetkit.exceptions import DataError, LenetkitError

MERGED = string.digits + string.ascii_uppercase + "abdefghnqrt"
EVERYTHING = string.digits + string.ascii_uppercase + string.ascii_lowercase
SPLITS = {
    "digits": (string.digits, 0),
    "mnist": (string.digits, 0),
    "letters": (string.ascii_uppercase, 1),
    "balanced": (MERGED, 0),
    "bymerge": (MERGED, 0),
    "byclass": (EVERYTHING, 0),
}


def example(split, n=70):
    """Return upright images, the characters, and the labels as EMNIST numbers them."""
    characters, first = SPLITS[split]
    indices = np.arange(n) % len(characters)
    images = np.random.default_rng(0).integers(0, 256, (n, 28, 28), np.uint8)
    return images, np.array(list(characters))[indices], indices + first


def check(dataset, split, images, characters):
    assert np.array_equal(dataset.images, images)
    assert dataset.class_names == tuple(SPLITS[split][0])
    assert list(map(str, dataset.labels.tolist())) == characters.tolist()
    assert dataset.labels.dtype.kind == ("i" if split in ("digits", "mnist") else "U")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_files_with_emnists_names_are_turned_upright_and_their_classes_named(split, suffix, tmp_path):
    """By the path of a file and by the folder."""
    images, characters, labels = example(split)
    for part in ("train", "test"):
        write_idx(tmp_path / f"emnist-{split}-{part}-images-idx3-ubyte{suffix}", images.transpose(0, 2, 1))
        write_idx(tmp_path / f"emnist-{split}-{part}-labels-idx1-ubyte{suffix}", labels.astype(np.uint8))
    check(load_dataset(tmp_path / f"emnist-{split}-test-images-idx3-ubyte{suffix}"), split, images, characters)
    check(load_dataset(tmp_path, subset="train"), split, images, characters)
    assert len(load_dataset(tmp_path)) == 140


def test_other_names_are_left_as_they_are(tmp_path):
    """Nothing else lies on its side."""
    images, _, labels = example("digits")
    write_idx(tmp_path / "my-emnist-images-idx3-ubyte", images)
    write_idx(tmp_path / "my-emnist-labels-idx1-ubyte", labels.astype(np.uint8))
    assert np.array_equal(load_dataset(tmp_path / "my-emnist-images-idx3-ubyte").images, images)


@pytest.mark.parametrize(("split", "label"), [("letters", 0), ("letters", 27), ("digits", 10), ("balanced", 47)])
def test_a_label_outside_the_split_is_named(split, label, tmp_path):
    """Letters are numbered from 1."""
    images, _, labels = example(split)
    labels[3] = label
    write_idx(tmp_path / f"emnist-{split}-test-images-idx3-ubyte", images)
    write_idx(tmp_path / f"emnist-{split}-test-labels-idx1-ubyte", labels.astype(np.uint8))
    with pytest.raises(DataError, match=rf"label 3 is none of the \d+ classes of EMNIST's {split}"):
        load_dataset(tmp_path / f"emnist-{split}-test-images-idx3-ubyte")


def test_real_digits_in_emnists_files_are_read_as_well_as_mnist(shared_data, tmp_path):
    """On their side they were read at 23 %."""
    test = load_dataset(shared_data / "mnist", subset="test")[:500]
    write_idx(tmp_path / "emnist-digits-test-images-idx3-ubyte.gz", np.asarray(test.images).transpose(0, 2, 1))
    write_idx(tmp_path / "emnist-digits-test-labels-idx1-ubyte.gz", test.labels.astype(np.uint8))
    dataset = load_dataset(tmp_path / "emnist-digits-test-images-idx3-ubyte.gz")
    assert Pipeline.pretrained().score(dataset.images, dataset.labels) > 0.99


# MATLAB


def save_mat(path, split, **changes):
    images, characters, labels = example(split)
    characters_of = SPLITS[split][0]
    first = SPLITS[split][1]
    codes = [
        [number + first, ord(c)] + ([ord(c.lower())] if split == "letters" else [])
        for number, c in enumerate(characters_of)
    ]
    part = {"images": images.transpose(0, 2, 1).reshape(70, -1), "labels": labels[:, None].astype(np.uint8), **changes}
    dataset = {"train": part, "test": part, "mapping": np.array(codes, np.uint8)}
    scipy.io.savemat(path, {"dataset": dataset}, do_compression=True)
    return images, characters


@pytest.mark.parametrize("split", SPLITS)
def test_emnists_matlab_files_are_read_likewise(split, tmp_path):
    """With their predefined splits, by path or alone in a folder."""
    images, characters = save_mat(tmp_path / f"emnist-{split}.mat", split)
    check(load_dataset(tmp_path / f"emnist-{split}.mat", subset="test"), split, images, characters)
    check(load_dataset(tmp_path, subset="train"), split, images, characters)
    assert len(load_dataset(tmp_path)) == 140


@pytest.mark.parametrize("damage", ["cut", "other", "shape", "label", "bomb"])
def test_a_matlab_file_that_is_damaged_or_of_something_else_is_named(damage, tmp_path, monkeypatch):
    """Nothing but our error comes out."""
    path = tmp_path / "x.mat"
    changes = {"shape": {"images": np.zeros((70, 30), np.uint8)}, "label": {"labels": np.full((70, 1), 99)}}
    save_mat(path, "digits", **changes.get(damage, {}))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "other":
        scipy.io.savemat(path, {"x": np.zeros(3)})
    elif damage == "bomb":
        monkeypatch.setattr("lenetkit.datasets._formats.mat5._MOST_UNPACKED", 10_000)
    with pytest.raises(
        DataError,
        match=r"x\.mat(:| is not a MATLAB file of images| must hold images and labels| holds more than 1 GiB)",
    ):
        load_dataset(path)


@pytest.fixture(scope="module", params=[True, False], ids=["compressed", "plain"])
def mat(request, tmp_path_factory):
    """Return the bytes of a MATLAB file that SciPy wrote."""
    path = tmp_path_factory.mktemp("mat") / "x.mat"
    save_mat(path, "digits")
    content = scipy.io.loadmat(path)
    scipy.io.savemat(path, {"dataset": content["dataset"]}, do_compression=request.param)
    assert load_dataset(path).class_names == tuple(string.digits)
    return path.read_bytes()


@given(
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3),
    cut=st.none() | st.integers(0, 3000),
)
@settings(max_examples=150)
def test_any_damage_of_a_matlab_file_is_one_of_our_errors_or_harmless(mat, changes, cut, tmp_path_factory):
    """SciPy's own reader ends the process at some of them."""
    content = bytearray(mat)
    for position, value in changes:
        content[-position - 1 if position % 2 else 128 + position] = value
    path = tmp_path_factory.getbasetemp() / "fuzzed.mat"
    path.write_bytes(content[:cut])
    try:
        dataset = load_dataset(path)
    except LenetkitError:
        return
    assert len(dataset.images) == len(dataset.labels)


# QMNIST, colours, pickles


def as_integers(array):
    return bytes([0, 0, 12, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(">i4").tobytes()


@pytest.mark.parametrize("columns", [8, 1, None])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_qmnists_labels_are_the_first_column(columns, suffix, tmp_path):
    """The others name the writer; by folder and by path."""
    images, _, labels = example("digits")
    table = labels if columns is None else np.column_stack([labels, *[labels + 1000] * (columns - 1)])
    for part in ("train", "test"):
        write_idx(tmp_path / f"qmnist-{part}-images-idx3-ubyte{suffix}", images)
        content = as_integers(table)
        path = tmp_path / f"qmnist-{part}-labels-idx2-int{suffix}"
        path.write_bytes(gzip.compress(content) if suffix else content)
    assert load_dataset(tmp_path).labels.tolist() == [*labels, *labels]
    one = load_dataset(tmp_path / f"qmnist-test-images-idx3-ubyte{suffix}")
    assert one.labels.tolist() == labels.tolist()
    assert np.array_equal(one.images, images)


@pytest.mark.parametrize(
    "content", [as_integers(np.zeros((3, 0))), as_integers(np.zeros((3, 2, 2))), as_integers(np.zeros(3))[:-1]]
)
def test_integer_labels_that_are_damaged_are_named(content, tmp_path):
    """Without a column, of too many axes, or cut short."""
    write_idx(tmp_path / "x-images-idx3-ubyte", np.zeros((3, 4, 4), np.uint8))
    (tmp_path / "x-labels-idx2-int").write_bytes(content)
    with pytest.raises(DataError, match=r"x-labels-idx2-int (must have 1 or 2 axes|is damaged)"):
        load_dataset(tmp_path / "x-images-idx3-ubyte")


@pytest.mark.parametrize(("channels", "fits"), [(3, True), (1, True), (2, False), (7, False)])
@pytest.mark.parametrize("name", ["idx3", "idx4"])
def test_a_fourth_axis_of_three_is_colour(channels, fits, name, tmp_path):
    """Of others the shape is named."""
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 6, channels), np.uint8)
    write_idx(tmp_path / f"train-images-{name}-ubyte", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(4, dtype=np.uint8))
    for path, subset in ((tmp_path, "train"), (tmp_path / f"train-images-{name}-ubyte", "all")):
        if fits:
            assert np.array_equal(load_dataset(path, subset=subset).images, images)
        else:
            with pytest.raises(DataError, match=rf"must have 3 axes .*; got 4 axes: 4 x 5 x 6 x {channels}"):
                load_dataset(path, subset=subset)


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code ran')",)


@pytest.mark.parametrize("name", ["mnist.pkl.gz", "mnist.pkl", "x.pickle", "x.PKL.GZ", "x.dat", "x.gz"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_is_never_read(name, protocol, tmp_path):
    """It can run code; the error names the file and says how to convert it."""
    content = pickle.dumps(Bomb(), protocol)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.lower().endswith("gz") else content)
    message = rf"{name} is a pickle, which can run any code .*numpy\.savez"
    if protocol == 0 and ".p" not in name.lower():
        message = rf"{name} is in no format"
    with pytest.raises(DataError, match=message):
        load_dataset(path)


def test_a_gzipped_file_of_something_else_is_named_as_it_was_given(tmp_path):
    """Not by the labels that would belong to images."""
    (tmp_path / "notes.txt.gz").write_bytes(gzip.compress(b"some text"))
    with pytest.raises(DataError, match=r"notes\.txt\.gz is in no format that is read here; it starts with b'some"):
        load_dataset(tmp_path / "notes.txt.gz")
    (tmp_path / "images.gz").write_bytes(gzip.compress(as_idx(np.zeros((2, 3, 3), np.uint8))))
    with pytest.raises(DataError, match="labels that belong to it are missing"):
        load_dataset(tmp_path / "images.gz")
