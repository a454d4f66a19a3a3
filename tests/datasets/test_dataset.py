"""Dataset: what it accepts, how it is selected from, split and described, and what it costs."""

import copy
import pickle
import tracemalloc

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from tests.datasets.idx_files import write_idx

from lenetkit.datasets import Dataset, IndexedImages, load_dataset
from lenetkit.datasets._views import join_images, select_images
from lenetkit.exceptions import DataError, SettingError


def make(n=30, shape=(4, 5), n_classes=3, **options):
    pixels = np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)
    return Dataset(images=pixels, labels=np.arange(n) % n_classes, **options)


# What it accepts


def test_labels_become_int64_and_name_the_classes():
    """Any integer type will do; the classes run to the largest label."""
    dataset = Dataset(images=np.zeros((3, 2, 2), np.uint8), labels=np.array([0, 2, 0], np.uint8))
    assert dataset.labels.dtype == np.int64
    assert dataset.class_names == ("0", "1", "2")
    assert (dataset.name, dataset.epochs) == ("unnamed", 5)


@pytest.mark.parametrize("labels", [["b", "a", "b"], np.array(["b", "a", "b"], object), pd.Series(["b", "a", "b"])])
def test_labels_may_be_strings(labels):
    """Lists, object arrays and pandas' strings; the classes are sorted."""
    dataset = Dataset(images=np.zeros((3, 2, 2), np.uint8), labels=labels)
    assert dataset.labels.dtype.kind == "U"
    assert dataset.labels.tolist() == ["b", "a", "b"]
    assert dataset.class_names == ("a", "b")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((3, 2, 2)), r"must be uint8 in \[0, 255\]; got float64"),
        (np.zeros((3, 2, 2), bool), "must be uint8.*got bool"),
        (np.zeros((3, 4), np.uint8), r"must have shape.*got \(3, 4\)"),
        (np.zeros((3, 1, 28, 28), np.uint8), r"1 to 4 channels; got \(3, 1, 28, 28\)"),
        (np.zeros((3, 0, 28), np.uint8), r"must have shape.*got \(3, 0, 28\)"),
        ([np.zeros((2, 2), np.uint8), np.zeros((3, 3), np.uint8)], "images must all have one shape"),
    ],
)
def test_images_must_be_uint8_of_three_or_four_axes(images, message):
    """The message says what was found and what to do."""
    with pytest.raises(DataError, match=message):
        Dataset(images=images, labels=[0, 1, 2])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "one label for each image; got 3 images and 2 labels"),
        ([[0], [1], [2]], r"labels must have shape \(n,\).*got shape \(3, 1\)"),
        ([0.0, 1.0, 2.5], "integers .* or strings; got float64"),
        ([True, False, True], "integers .* or strings; got bool"),
        (np.array([1, "a", None], object), "integers .* or strings; got object"),
        ([0, [1], 2], "labels must be one integer or string each"),
        ([0, -1, -2], r"labels\[1\] is -1, which is outside the 1 classes \(0\); 2 of 3 labels are"),
        ([0, 10**9, 1], r"labels\[1\] is 1000000000; integer labels number the classes from 0"),
    ],
)
def test_labels_must_be_one_class_for_each_image(labels, message):
    """The message names the first offender."""
    with pytest.raises(DataError, match=message):
        Dataset(images=np.zeros((3, 2, 2), np.uint8), labels=labels)


@pytest.mark.parametrize(("labels", "found"), [([0, 1, 2, 5], "2"), (["a", "b", "x", "y"], "'x'")])
def test_a_label_outside_the_classes_is_named(labels, found):
    """With its position, and how many there are."""
    with pytest.raises(DataError, match=rf"labels\[2\] is {found}, which is outside the 2 classes \(a, b\); 2 of 4"):
        Dataset(images=np.zeros((4, 2, 2), np.uint8), labels=labels, class_names=["a", "b"])


def test_class_names_must_differ():
    """Two classes of one name could not be told apart in a table."""
    with pytest.raises(SettingError, match="'a' is there more than once"):
        make(n_classes=3, class_names=["a", "b", "a"])


@pytest.mark.parametrize("epochs", [0, 2.5, True, "5"])
def test_epochs_must_be_a_positive_whole_number(epochs):
    """Zero, fractions, truth values and text are refused."""
    with pytest.raises(SettingError, match=r"epochs must be an integer of at least 1; got"):
        make(epochs=epochs)


def test_nothing_in_it_changes():
    """Attributes cannot be set and arrays not written to; the arrays that were passed stay as they were."""
    pixels, labels = np.zeros((3, 2, 2), np.uint8), np.array([0, 1, 2])
    dataset = Dataset(images=pixels, labels=labels)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dataset.name = "other"
    for array in (dataset.images, dataset.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    pixels[0] = labels[0] = 1


def test_its_representation_is_one_line():
    """Name, number, shape and classes."""
    assert repr(make(name="toy")) == "Dataset('toy': 30 images of 4 x 5, 3 classes)"
    assert repr(make(shape=(4, 5, 3))) == "Dataset('unnamed': 30 images of 4 x 5 x 3, 3 classes)"


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_it_can_be_copied_and_pickled(duplicate):
    """The copy has the same content."""
    dataset = make(name="toy", epochs=7)
    twin = duplicate(dataset)
    assert (twin.fingerprint, twin.name, twin.epochs) == (dataset.fingerprint, "toy", 7)


# Selecting


@pytest.mark.parametrize(
    "key", [slice(10, 20), slice(None, None, -3), [1, 2, -3], np.array([5, 5]), np.arange(30) % 7 == 0, [], slice(5, 5)]
)
def test_a_selection_holds_what_numpy_would_select(key):
    """Slices, indices, masks and nothing at all; everything else is kept."""
    dataset = make(name="toy", epochs=7)
    selected = dataset[key]
    key = key if isinstance(key, slice) or len(key) else slice(0)
    assert np.array_equal(selected.images, dataset.images[key])
    assert np.array_equal(selected.labels, dataset.labels[key])
    assert (selected.name, selected.epochs, selected.class_names) == ("toy", 7, dataset.class_names)


def test_a_whole_number_selects_an_image_with_its_label():
    """So that a data set can be walked through."""
    dataset = make(3)
    image, label = dataset[-1]
    assert np.array_equal(image, dataset.images[2])
    assert label == 2
    assert [label for _, label in dataset] == [0, 1, 2]


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (30, IndexError, "position 30 is outside the data set, which has 30 images"),
        ([0, -31], IndexError, "position -31 is outside"),
        ([True, False], SettingError, r"a mask of shape \(30,\); got bool of shape \(2,\)"),
        ([0.5], SettingError, "got float64"),
        ("0", SettingError, "is indexed by an integer, a slice"),
        ((slice(2), 1), SettingError, "got object"),
        ([[0], [1, 2]], SettingError, "is indexed by an integer"),
    ],
)
def test_what_cannot_be_an_index_is_refused(key, error, message):
    """Positions outside as Python has it, everything else as a setting that is invalid."""
    with pytest.raises(error, match=message):
        make(30)[key]


def test_a_slice_is_a_view():
    """Of the images of the whole set."""
    dataset = make()
    part = dataset[5:10]
    assert np.shares_memory(part.images, dataset.images)


# Splitting


def test_a_fraction_of_the_images_is_counted_exactly():
    """Rounded up, as scikit-learn does, but 0.07 * 100 is more than 7 in binary arithmetic, 0.29 * 100 less than 29."""
    for test_size, n_test in ((0.07, 7), (0.29, 29), (0.14, 14), (0.055, 6)):
        assert [len(part) for part in make(100).split(test_size=test_size, stratify=False)] == [100 - n_test, n_test]


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("test_size", [0.1, 0.25, 7])
@pytest.mark.parametrize("labels", ["integers", "strings"])
def test_a_split_is_scikit_learns(labels, test_size, stratify):
    """The same images in the same order for the same labels and seed."""
    dataset = make(61)
    if labels == "strings":
        dataset = Dataset(images=dataset.images, labels=[f"class {label}" for label in dataset.labels])
    train, test = dataset.split(test_size=test_size, seed=3, stratify=stratify)
    expected = train_test_split(
        dataset.images,
        dataset.labels,
        test_size=test_size,
        random_state=3,
        stratify=dataset.labels if stratify else None,
    )
    for found, wanted in zip((train.images, test.images, train.labels, test.labels), expected, strict=True):
        assert np.array_equal(found, wanted)


@given(seed=st.integers(0, 2**32 - 1), test_size=st.floats(0.2, 0.8))
def test_a_split_loses_nothing_and_repeats_itself(seed, test_size):
    """Every image is in exactly one part, and the seed decides in which."""
    dataset = Dataset(images=np.arange(40, dtype=np.uint8).reshape(40, 1, 1), labels=np.arange(40) % 4)
    train, test = dataset.split(test_size=test_size, seed=seed)
    assert sorted([*train.images.ravel(), *test.images.ravel()]) == list(range(40))
    assert dataset.split(test_size=test_size, seed=seed)[1].fingerprint == test.fingerprint


@pytest.mark.parametrize("test_size", [0, 1.0, -0.1, 1.5, 30, True, "0.1", None, float("nan")])
def test_a_split_that_cannot_be_meant_is_refused(test_size):
    """A part that would be empty, or no number at all."""
    with pytest.raises(SettingError, match=r"test_size must be a fraction between 0 and 1 or a number.*got"):
        make(30).split(test_size=test_size)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None, True])
def test_a_seed_must_be_a_whole_number(seed):
    """None would take from the global generator."""
    with pytest.raises(SettingError, match="seed must be an integer from 0 to 4294967295; got"):
        make().split(seed=seed)


def test_a_class_with_one_member_cannot_be_stratified():
    """The message names it; without stratification the split goes through."""
    dataset = Dataset(images=np.zeros((5, 2, 2), np.uint8), labels=[0, 0, 1, 0, 0], class_names=["bar", "dash"])
    with pytest.raises(SettingError, match=r"the class 'dash' of .* has one member only.*stratify=False"):
        dataset.split(test_size=0.5)
    assert [len(part) for part in dataset.split(test_size=0.4, stratify=False)] == [3, 2]


def test_a_part_smaller_than_the_number_of_classes_cannot_be_stratified():
    """scikit-learn's reason is passed on."""
    with pytest.raises(SettingError, match=r"cannot be split with test_size=2 and stratify=True: .*number of classes"):
        make(30, n_classes=3).split(test_size=2)


# Describing


def test_a_description_counts_the_classes():
    """Those without an image too."""
    facts = make(7, n_classes=2, class_names=["bar", "dash", "dot"], name="toy").describe()
    assert isinstance(facts, pd.Series)
    assert facts.name == "toy"
    assert facts["class"].to_dict() == {"bar": 4, "dash": 3, "dot": 0}
    assert facts["images"]["count"] == 7
    assert facts["images"]["shape"] == "4 x 5"
    assert facts["images"]["dtype"] == "uint8"


def test_a_description_gives_the_range():
    """Of all pixels; of no pixels there is none."""
    pixels = np.full((3, 2, 2), 9, np.uint8)
    pixels[1, 0, 0], pixels[2, 1, 1] = 4, 200
    dataset = Dataset(images=pixels, labels=[0, 0, 0])
    assert dataset.describe()["images"][["lowest", "highest"]].tolist() == [4, 200]
    assert dataset[:0].describe()["images"]["lowest"] is None


@pytest.mark.parametrize("labels", [[0, 1, 1], ["bar", "dash", "dash"]])
def test_it_is_drawn_with_its_class_names(labels):
    """As many images as asked for, each under its title."""
    dataset = Dataset(images=np.zeros((3, 4, 4), np.uint8), labels=labels, class_names=["bar", "dash"])
    display = dataset.plot(max_images=2, n_columns=2)
    assert [axes.get_title() for axes in display.axes_] == ["bar", "dash"]


def test_images_read_on_demand_are_drawn_too():
    """Only those that are shown are read."""
    whole = np.zeros((3, 4, 4), np.uint8)
    dataset = Dataset(images=IndexedImages([whole[:1], whole[1:]]), labels=[0, 1, 2], name="toy")
    display = dataset.plot(max_images=2)
    assert len(display.axes_) == 2
    assert display.figure_.get_suptitle() == "toy, the first 2 of 3"


# The fingerprint


def test_the_fingerprint_of_a_small_set_is_known():
    """So that an accidental change of its definition is noticed."""
    dataset = Dataset(images=np.arange(8, dtype=np.uint8).reshape(2, 2, 2), labels=[1, 0])
    assert dataset.fingerprint == "273951691018e979cd2f9c0b3ca24038db9315e7394c641794b6e8777b4c2792"


@pytest.mark.parametrize(
    "other",
    [
        Dataset(images=np.ones((4, 2, 3), np.uint8), labels=[0, 1, 0, 1]),
        Dataset(images=np.zeros((4, 3, 2), np.uint8), labels=[0, 1, 0, 1]),
        Dataset(images=np.zeros((4, 2, 3, 1), np.uint8), labels=[0, 1, 0, 1]),
        Dataset(images=np.zeros((4, 2, 3), np.uint8), labels=[0, 1, 1, 1]),
        Dataset(images=np.zeros((4, 2, 3), np.uint8), labels=[0, 1, 0, 1], class_names=["a", "b"]),
        Dataset(images=np.zeros((4, 2, 3), np.uint8), labels=["0", "1", "0", "1"]),
    ],
    ids=["pixels", "shape", "channel axis", "labels", "class names", "type of the labels"],
)
def test_other_content_has_another_fingerprint(other):
    """Pixels, shape, labels and class names all count."""
    assert Dataset(images=np.zeros((4, 2, 3), np.uint8), labels=[0, 1, 0, 1]).fingerprint != other.fingerprint


def test_the_same_content_has_the_same_fingerprint(tmp_path):
    """In memory, mapped, transposed in memory, joined or selected; whatever its name."""
    dataset = make(30, name="toy")
    path = tmp_path / "images.npy"
    np.save(path, dataset.images)
    variants = [
        np.load(path, mmap_mode="r"),
        np.asfortranarray(dataset.images),
        IndexedImages([dataset.images[:11], dataset.images[11:]]),
        dataset.images[::-1][::-1],
    ]
    for images in variants:
        assert Dataset(images=images, labels=dataset.labels.astype(">i2")).fingerprint == dataset.fingerprint


# Large sets


@given(
    cuts=st.lists(st.integers(0, 12), max_size=3).map(sorted),
    first=st.lists(st.integers(-12, 11), max_size=20),
    key=st.slices(20) | st.lists(st.integers(0, 5), max_size=5),
)
def test_images_read_on_demand_are_indexed_like_an_array(cuts, first, key):
    """Whatever the parts and the selection of a selection."""
    whole = np.arange(12 * 4, dtype=np.uint8).reshape(12, 2, 2)
    parts = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, 12], strict=True)]
    lazy = IndexedImages(parts)
    index = np.array(first, np.int64)
    viewed, expected = lazy.select(index), whole[index]
    assert viewed.shape == expected.shape
    assert np.array_equal(viewed, expected)
    if isinstance(key, slice) or all(position < len(expected) for position in key):
        key = key if isinstance(key, slice) else np.array(key, np.int64)
        assert np.array_equal(np.asarray(viewed[key]), expected[key])


def test_images_read_on_demand_look_like_an_array():
    """Shape, type, size, iteration, one image, a mask, and conversion."""
    whole = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
    lazy = IndexedImages([whole[:1], whole[1:]])
    assert (lazy.shape, lazy.ndim, lazy.dtype, lazy.nbytes, len(lazy)) == ((3, 2, 4), 3, np.uint8, 24, 3)
    assert np.array_equal(lazy[-1], whole[2])
    assert np.array_equal(list(lazy), whole)
    assert np.array_equal(lazy[np.array([True, False, True])], whole[[0, 2]])
    assert np.array_equal(np.asarray(lazy, dtype=np.float32), whole.astype(np.float32))
    assert isinstance(lazy[1:], IndexedImages)
    with pytest.raises(SettingError, match="along their first axis only"):
        lazy[:, 0]
    with pytest.raises(ValueError, match="without a copy"):
        lazy.__array__(copy=False)


def test_parts_of_different_shapes_cannot_be_joined():
    """The shapes are named."""
    with pytest.raises(DataError, match=r"one shape; got \(1, 2, 2\) and \(1, 3, 3\)"):
        join_images([np.zeros((1, 2, 2), np.uint8), np.zeros((1, 3, 3), np.uint8)])


def test_small_images_are_joined_and_selected_as_arrays():
    """Whoever has no large data never meets anything but arrays."""
    part = np.zeros((3, 2, 2), np.uint8)
    assert type(join_images([part, part])) is np.ndarray
    assert type(select_images(IndexedImages([part, part]), np.array([1, 4]))) is np.ndarray
    assert type(select_images(IndexedImages([part, part]), slice(2, 5))) is np.ndarray


@pytest.fixture
def large_folder(tmp_path):
    """Make the IDX files of 400,000 images (314 MB, most of them a hole in the file)."""
    for part, n in (("train", 300_000), ("t10k", 100_000)):
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", (np.arange(n) % 10).astype(np.uint8))
        path = tmp_path / f"{part}-images-idx3-ubyte"
        write_idx(path, np.zeros((0, 28, 28), np.uint8))
        with path.open("r+b") as file:
            file.seek(4)
            file.write(n.to_bytes(4, "big"))
            file.seek(16 + (n - 1) * 784)
            file.write(bytes([n % 251]) * 784)
    return tmp_path


@pytest.mark.slow
def test_a_large_set_is_loaded_split_and_sliced_without_being_copied(large_folder):
    """Memory grows with the number of images, not with their size; what is read is right."""
    train_test_split(np.arange(9), random_state=0)  # so that importing it is not measured
    tracemalloc.start()
    whole = load_dataset(large_folder)
    train, test = whole.split(test_size=0.2, seed=0)
    half = train[:200_000]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.8 * 400_000 * 784, "as much as the training part alone would take"
    assert [type(part.images) for part in (whole, train, half)] == [IndexedImages] * 3
    assert (len(whole), len(train), len(test), len(half)) == (400_000, 320_000, 80_000, 200_000)
    assert whole.images[[0, 299_999, 399_999]].max(axis=(1, 2)).tolist() == [0, 300_000 % 251, 100_000 % 251]
    expected = train_test_split(np.arange(400_000), test_size=0.2, random_state=0, stratify=whole.labels)[0]
    rows = [0, 7, 319_999]
    assert np.array_equal(train.images[rows], whole.images[expected[rows]])
    assert np.array_equal(train.labels, whole.labels[expected])
    assert [whole.images[int(expected[row])].max() for row in rows] == train.images[rows].max(axis=(1, 2)).tolist()


def test_a_large_part_stays_a_memory_map(large_folder):
    """One file: the map itself, and slices of it."""
    train = load_dataset(large_folder, subset="train")
    assert isinstance(train.images, np.memmap)
    assert isinstance(train[1000:].images, np.memmap)
    assert train[299_990:].images[-1, 0, 0] == 300_000 % 251


# Groups


@pytest.mark.parametrize("groups", [[7, 7, 8, 9], ["ann", "ann", "bob", "eve"]], ids=["numbers", "names"])
def test_groups_go_with_their_images(groups):
    """By slices, indices, masks and splits."""
    images = np.arange(4, dtype=np.uint8).repeat(64).reshape(4, 8, 8)
    dataset = Dataset(images=images, labels=[0, 1, 0, 1], groups=groups)
    assert dataset[1:].groups.tolist() == groups[1:]
    assert dataset[[3, 0]].groups.tolist() == [groups[3], groups[0]]
    assert dataset[dataset.labels == 1].groups.tolist() == [groups[1], groups[3]]
    for part in dataset.split(test_size=2, seed=0):
        assert part.groups.tolist() == [groups[image[0, 0]] for image in part.images]
    assert dataset.groups.dtype == (np.int64 if groups[0] == 7 else dataset.groups.dtype)
    with pytest.raises(ValueError, match="read-only"):
        dataset.groups[0] = groups[1]


def test_a_data_set_has_no_groups_unless_it_is_given_some():
    """They say nothing about the content, so the fingerprint does not know them."""
    images = np.zeros((2, 8, 8), np.uint8)
    plain, grouped = Dataset(images=images, labels=[0, 1]), Dataset(images=images, labels=[0, 1], groups=[3, 4])
    assert plain.groups is None
    assert plain[:1].groups is None
    assert plain.fingerprint == grouped.fingerprint


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1], "2 images and 1 groups"),
        ([[1, 2]], r"groups must be integers or strings of shape \(n,\).*got int64 of shape \(1, 2\)"),
        ([0.5, 1.5], "got float64"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, message):
    """One integer or string for each image."""
    with pytest.raises(DataError, match=message):
        Dataset(images=np.zeros((2, 8, 8), np.uint8), labels=[0, 1], groups=groups)
