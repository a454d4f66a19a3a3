"""Folders with one sub-folder of pictures for each class."""

import pickle

import numpy as np
import pytest
from PIL import Image

from lenetkit.datasets import load_dataset
from lenetkit.datasets._formats.folder import _box, read_class_folder
from lenetkit.exceptions import DataError, SettingError


@pytest.fixture
def save(tmp_path):
    """Return a function that saves a picture under a name relative to the folder."""

    def save_picture(name, array):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(array, np.uint8)).save(path)
        return path

    return save_picture


def grey(value, height=4, width=4):
    return np.full((height, width), value, np.uint8)


def test_sub_folders_named_by_numbers_give_integers(save, tmp_path):
    """In numeric order, and with the classes up to the largest."""
    for name in ("0", "2", "10", "1", "3", "4", "5", "6", "7", "8", "9"):
        save(f"{name}/a.png", grey(int(name)))
    images, labels, class_names = read_class_folder(tmp_path)
    assert labels.tolist() == images[:, 0, 0].tolist() == list(range(11))
    assert class_names == tuple(map(str, range(11)))


def test_other_sub_folders_give_their_names(save, tmp_path):
    """As strings, so that a prediction is a name too."""
    save("seven/a.png", grey(7))
    save("four/b.png", grey(4))
    save("four/a.png", grey(5))
    dataset = load_dataset(tmp_path)
    assert dataset.labels.tolist() == ["four", "four", "seven"]
    assert dataset.class_names == ("four", "seven")
    assert dataset.images[:, 0, 0].tolist() == [5, 4, 7]


def test_numbers_that_cannot_number_classes_are_names(save, tmp_path):
    """Years, for example."""
    save("1998/a.png", grey(0))
    save("2024/a.png", grey(0))
    assert load_dataset(tmp_path).class_names == ("1998", "2024")


def test_what_is_no_picture_is_passed_over(save, tmp_path):
    """Other files, hidden ones, hidden and empty folders, and pictures outside the sub-folders."""
    save("a/1.png", grey(1))
    save("b/1.PNG", grey(2))
    save("a/.hidden.png", grey(3))
    save(".cache/1.png", grey(4))
    save("__MACOSX/1.png", grey(5))
    save("overview.png", grey(6))
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("file,label\n")
    assert load_dataset(tmp_path).images[:, 0, 0].tolist() == [1, 2]


def test_train_and_test_folders_are_the_official_parts(save, tmp_path):
    """Both know the classes of both."""
    save("train/a/1.png", grey(1))
    save("train/b/1.png", grey(2))
    save("test/a/1.png", grey(3))
    save("test/c/1.png", grey(4))
    values = {subset: load_dataset(tmp_path, subset=subset) for subset in ("train", "test", "all")}
    assert [dataset.images[:, 0, 0].tolist() for dataset in values.values()] == [[1, 2], [3, 4], [1, 2, 3, 4]]
    assert {dataset.class_names for dataset in values.values()} == {("a", "b", "c")}


def test_a_folder_without_parts_says_so(save, tmp_path):
    """Instead of giving everything for the training part."""
    save("a/1.png", grey(1))
    with pytest.raises(SettingError, match="has no predefined splits"):
        load_dataset(tmp_path, subset="test")


def test_train_and_test_may_be_class_names(save, tmp_path):
    """Where they hold pictures and no folders."""
    save("train/1.png", grey(1))
    save("test/1.png", grey(2))
    assert load_dataset(tmp_path).class_names == ("test", "train")


def test_colours_are_kept_where_there_are_some(save, tmp_path):
    """Grey pictures among them become grey colours."""
    colour = np.zeros((4, 4, 3), np.uint8)
    colour[..., 0] = 200
    save("a/1.png", grey(7))
    save("a/2.png", colour)
    save("a/3.png", grey(9))
    images = load_dataset(tmp_path).images
    assert images.shape == (3, 4, 4, 3)
    assert images[:, 0, 0].tolist() == [[7, 7, 7], [200, 0, 0], [9, 9, 9]]


# Sizes


def test_pictures_of_one_size_stay_as_they_are(save, tmp_path):
    """Larger than 64 pixels too."""
    picture = np.random.default_rng(0).integers(0, 256, (80, 100), np.uint8)
    save("a/1.png", picture)
    save("b/1.png", picture.T.reshape(80, 100))
    assert np.array_equal(load_dataset(tmp_path).images[0], picture)


def test_strays_are_fitted_into_the_size_that_most_have(save, tmp_path):
    """Those that have it stay untouched; the others keep their aspect on the ground of their border."""
    pictures = np.random.default_rng(0).integers(0, 256, (3, 12, 12), np.uint8)
    for number, picture in enumerate(pictures):
        save(f"a/{number}.png", picture)
    stray = grey(200, 10, 40)
    stray[2:8, 10:30] = 0
    save("b/stray.png", stray)
    images = load_dataset(tmp_path).images
    assert np.array_equal(images[:3], pictures)
    fitted = images[3].astype(int)
    assert (fitted[:4] == 200).all()
    assert (fitted[8:] == 200).all()
    assert fitted[5, 4:8].max() < 60
    assert np.array_equal(fitted, fitted[:, ::-1])


def test_without_a_majority_the_box_is_a_square_of_the_longest_side(save, tmp_path):
    """Smaller pictures are enlarged to fit it."""
    save("a/1.png", grey(9, 10, 20))
    save("a/2.png", grey(9, 5, 5))
    save("a/3.png", grey(9, 40, 8))
    images = load_dataset(tmp_path).images
    assert images.shape == (3, 40, 40)
    assert (images == 9).all()


@pytest.mark.parametrize(
    ("sizes", "expected"), [([(90, 200), (300, 100)], (64, 64)), ([(100, 200)] * 3 + [(9, 9)], (32, 64))]
)
def test_large_pictures_of_different_sizes_become_64_pixels(sizes, expected, save, tmp_path):
    """The aspect of the majority is kept."""
    for number, size in enumerate(sizes):
        save(f"a/{number}.png", grey(number, *size))
    assert load_dataset(tmp_path).images.shape[1:] == expected


@pytest.mark.parametrize(("n", "expected"), [(1, (6000, 4500)), (39, (6000, 4500)), (40, (64, 48))])
def test_large_pictures_of_one_size_beyond_a_gigabyte_become_64_pixels(n, expected):
    """Memory is bounded by the number of pictures."""
    assert _box([(6000, 4500)] * n) == expected


@pytest.mark.parametrize("size", [(1, 500), (500, 1)])
def test_a_line_of_pixels_is_fitted_too(size, save, tmp_path):
    """Its short side stays at least a pixel."""
    for number in range(3):
        save(f"a/{number}.png", grey(5, 8, 8))
    save("a/line.png", grey(99, *size))
    assert (load_dataset(tmp_path).images[3] == 99).all()


def test_a_photo_that_was_turned_counts_with_its_upright_size(tmp_path):
    """Phones write the orientation beside the pixels."""
    (tmp_path / "a").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(2):
        Image.fromarray(grey(9, 8, 16)).save(tmp_path / "a" / f"{number}.jpg", exif=exif)
    assert load_dataset(tmp_path).images.shape == (2, 16, 8)


# Damage


@pytest.mark.parametrize("k", [1, 3, 25])
def test_of_k_bad_pictures_exactly_k_are_reported(k, save, tmp_path):
    """By name, among good ones; cut short in the header, in the pixels, or no picture at all."""
    bad = []
    for number in range(60):
        path = save(f"{number % 3}/{number:02}.png", np.random.default_rng(number).integers(0, 256, (9, 9)))
        if number % 60 < k:
            content = path.read_bytes()
            path.write_bytes([content[:20], content[:-40], b"<html>", b""][number % 4])
            bad.append(path)
    with pytest.raises(DataError, match=rf"has pictures that cannot be read \({k} in all\)") as caught:
        load_dataset(tmp_path)
    assert len(caught.value.entries) == k
    assert all(any(str(path) in entry for entry in caught.value.entries) for path in bad)


def test_a_folder_of_bad_pictures_only_is_reported(tmp_path):
    """Nothing tells a size then."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"1 in all(.|\n)*1\.png"):
        load_dataset(tmp_path)


def test_a_bomb_of_a_picture_is_one_bad_picture(save, tmp_path):
    """A header that announces more than can be meant does not decide about the others' size."""
    for number in range(3):
        save(f"a/{number}.png", grey(number, 5, 5))
    content = (tmp_path / "a" / "2.png").read_bytes()
    (tmp_path / "a" / "2.png").write_bytes(content[:16] + (60_000).to_bytes(4, "big") * 2 + content[24:])
    with pytest.raises(DataError, match=r"1 in all(.|\n)*2\.png"):
        load_dataset(tmp_path)


def test_the_error_can_cross_to_another_process(tmp_path):
    """With its entries."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"junk")
    with pytest.raises(DataError, match="1 in all") as caught:
        load_dataset(tmp_path)
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.entries) == (str(caught.value), caught.value.entries)


def test_a_folder_without_class_folders_is_refused(tmp_path):
    """By the reader itself too."""
    with pytest.raises(DataError, match="has no sub-folder with pictures; it must have one for each class"):
        read_class_folder(tmp_path)


# Progress


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_is_shown_on_a_terminal_only(terminal, save, tmp_path, capfd, monkeypatch):
    """On standard error, and for many files only; scripts see nothing."""
    first = save("a/0000.pgm", grey(1))
    for number in range(1, 1000):
        (tmp_path / "a" / f"{number:04}.pgm").hardlink_to(first)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
    assert len(load_dataset(tmp_path)) == 1000
    printed = capfd.readouterr()
    assert printed.out == ""
    assert ("reading" in printed.err) == terminal
