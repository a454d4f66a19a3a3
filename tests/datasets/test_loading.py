"""The table of data sets: registering, listing and loading by name; and the built-in digits."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from lenetkit.datasets import (
    Dataset,
    DatasetInfo,
    _loading,
    dataset_info,
    list_datasets,
    load_dataset,
    read_image,
    read_images,
    register_dataset,
)
from lenetkit.exceptions import DataError, NameTakenError, SettingError, UnknownNameError


@pytest.fixture
def toy():
    """Register a data set, and forget it again."""

    @register_dataset("toy", description="Four black images.", epochs=7)
    def load_toy(*, subset, data_dir, download):
        calls.append((subset, data_dir, download))
        return Dataset(images=np.zeros((4, 2, 2), np.uint8), labels=[0, 1, 0, 1], name="another name")

    calls = []
    yield calls
    _loading.registry.unregister("toy")


def test_a_registered_data_set_is_listed_described_and_loaded(toy):
    """The record's name and epochs are the data set's."""
    assert "toy" in list_datasets()
    assert list_datasets("to?") == ["toy"]
    info = dataset_info("toy")
    assert isinstance(info, DatasetInfo)
    assert (info.name, info.description, info.epochs) == ("toy", "Four black images.", 7)
    dataset = load_dataset("toy")
    assert (dataset.name, dataset.epochs, len(dataset)) == ("toy", 7, 4)


def test_the_loader_is_told_what_was_asked_for(toy, tmp_path):
    """Subset, folder and whether to download are passed on."""
    load_dataset("toy")
    load_dataset("toy", subset="test", data_dir=tmp_path, download=False)
    assert toy == [("all", None, True), ("test", tmp_path, False)]


def test_a_taken_name_is_refused_and_can_be_taken_over(toy):
    """Silently overwriting would change what a name means."""

    def load_other(*, subset, data_dir, download):
        return Dataset(images=np.ones((1, 2, 2), np.uint8), labels=[0])

    with pytest.raises(NameTakenError, match=r"'toy' is taken by .*load_toy"):
        register_dataset("toy", description="Another.")(load_other)
    assert register_dataset("toy", description="Another.", replace=True)(load_other) is load_other
    assert len(load_dataset("toy")) == 1


def test_a_loader_without_the_three_keywords_is_refused_when_it_is_registered():
    """Not when somebody loads it."""
    with pytest.raises(SettingError, match=r"must take the keywords subset, data_dir, download; .*load_less does not"):

        @register_dataset("less", description="Takes too little.")
        def load_less(*, subset):
            raise AssertionError

    assert "less" not in list_datasets()


@pytest.mark.parametrize("epochs", [0, 1.5, True])
def test_epochs_are_checked_when_registering(epochs):
    """A record that is invalid is refused."""
    with pytest.raises(SettingError, match="epochs must be an integer of at least 1"):
        register_dataset("bad", description="Bad.", epochs=epochs)


def test_a_loader_must_return_a_dataset(toy):
    """Whose fault it is, is said."""
    register_dataset("toy", description="Broken.", replace=True)(lambda *, subset, data_dir, download: [1, 2])
    with pytest.raises(
        DataError, match=r"the loader of the data set 'toy', .*, must return a Dataset; it returned list"
    ):
        load_dataset("toy")


def test_what_is_neither_name_nor_path_lists_the_names():
    """With the nearest spelling and the path that was looked for."""
    with pytest.raises(
        UnknownNameError, match=r"no data set 'digit' and no file or folder '/.*digit'.*'digits'\?"
    ) as e:
        load_dataset("digit")
    assert all(name in str(e.value) for name in list_datasets())


@pytest.mark.parametrize("name", ["", "no/such/folder", "~nobody-at-all/x", "x" * 5000, "nul\0"])
def test_strange_paths_are_unknown_names(name):
    """Nothing but our own error comes out."""
    with pytest.raises(UnknownNameError, match="there is no data set"):
        load_dataset(name)


@pytest.mark.parametrize("thing", [7, None, b"digits", np.zeros((2, 2))])
def test_what_is_no_text_and_no_path_is_refused(thing):
    """Arrays are told where to go."""
    with pytest.raises(
        SettingError, match=r"must be the name of a data set, a path, or an object .*; got .*Dataset\(images="
    ):
        load_dataset(thing)


@pytest.mark.parametrize("subset", ["training", None, "ALL"])
def test_a_subset_is_one_of_three(subset):
    """For names and paths alike."""
    with pytest.raises(SettingError, match="subset must be one of 'all', 'train', 'test'; got"):
        load_dataset("digits", subset=subset)


def test_a_name_wins_over_a_folder_of_the_same_spelling(tmp_path, monkeypatch):
    """And a path with a slash means the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert len(load_dataset("digits")) == 1797
    with pytest.raises(DataError, match="digits is in no format that is read here; it holds nothing"):
        load_dataset("./digits")


def test_the_built_in_digits_are_scikit_learns():
    """17 levels spread over 0 to 255, nothing else changed."""
    dataset, bundled = load_dataset("digits"), load_digits()
    assert np.array_equal(dataset.images, np.rint(bundled.images * 15.9375))
    assert np.array_equal(dataset.labels, bundled.target)
    assert (dataset.images.min(), dataset.images.max()) == (0, 255)
    assert dataset.class_names == tuple("0123456789")
    assert dataset.epochs == dataset_info("digits").epochs > 5


@pytest.mark.parametrize("subset", ["train", "test"])
def test_the_built_in_digits_have_no_official_parts(subset):
    """The way out is in the message."""
    with pytest.raises(SettingError, match=r"'digits' has no predefined splits.*call split\(\)"):
        load_dataset("digits", subset=subset)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_the_stage_is_light():
    """Tables, statistics and deep learning are imported by what needs them; listing needs none of them."""
    heavy = "('tensorflow', 'keras', 'sklearn', 'pandas', 'scipy', 'matplotlib', 'rich')"
    code = f"import sys, lenetkit.datasets as d; d.list_datasets(); print([m for m in {heavy} if m in sys.modules])"
    assert run(code) == "[]"


@pytest.mark.slow
def test_loading_the_digits_opens_no_socket():
    """Not even to look whether there is a network."""
    code = """if True:
        import sys

        def watch(event, arguments):
            if event.startswith("socket."):
                raise AssertionError(event)

        sys.addaudithook(watch)
        import lenetkit.datasets

        print(lenetkit.datasets.load_dataset("digits"))
    """
    assert run(code) == "Dataset('digits': 1797 images of 8 x 8, 10 classes)"


def test_old_names_of_arguments_still_work(tmp_path):
    """Those of version 0.1, with a warning that names the new one."""
    Image.fromarray(np.full((9, 8), 200, np.uint8)).save(tmp_path / "a.png")
    with pytest.warns(DeprecationWarning, match=r"load_dataset\(name_or_path=\.\.\.\) is deprecated.*use source="):
        assert len(load_dataset(name_or_path="digits")) == 1797
    with pytest.warns(DeprecationWarning, match=r"read_image\(source=\.\.\.\) is deprecated.*use image="):
        assert read_image(source=tmp_path / "a.png").shape == (9, 8)
    with pytest.warns(DeprecationWarning, match=r"read_images\(sources=\.\.\.\) is deprecated.*use images="):
        assert len(read_images(sources=[tmp_path / "a.png"])) == 1
    with pytest.warns(DeprecationWarning, match="name_or_path"), pytest.raises(TypeError, match="source"):
        load_dataset("digits", name_or_path="digits")
