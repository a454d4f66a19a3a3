"""Folders with one sub-folder of pictures for each class."""

import contextlib
import os
import pickle
import re
import socket

import numpy as np
import pytest
from PIL import Image

from lenetkit.datasets import load_dataset, read_image, read_pixel_table
from lenetkit.datasets._formats.folder import read_class_folder
from lenetkit.datasets._formats.pictures import _box
from lenetkit.exceptions import DataError, DataNotice, SettingError


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
    with pytest.warns(DataNotice, match=r"read: the folders of pictures; left out: overview\.png"):
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


# Other names of parts


@pytest.mark.parametrize("names", [("training", "testing"), ("Train", "TEST"), ("train", "testing")])
def test_other_names_of_train_and_test_are_known(names, save, tmp_path):
    """Without a word, because nothing is assumed."""
    for value, name in enumerate(names):
        save(f"{name}/a/1.png", grey(value))
        save(f"{name}/b/1.png", grey(value + 5))
    assert load_dataset(tmp_path, subset="train").images[:, 0, 0].tolist() == [0, 5]
    assert load_dataset(tmp_path, subset="test").images[:, 0, 0].tolist() == [1, 6]
    assert load_dataset(tmp_path).class_names == ("a", "b")


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_a_validation_folder_is_the_test_part_where_there_is_no_other(name, save, tmp_path):
    """Which is said; beside a test folder it is a part of all."""
    for value, part in enumerate(("train", name)):
        save(f"{part}/0/1.png", grey(value))
        save(f"{part}/1/1.png", grey(value))
    with pytest.warns(DataNotice, match=f"has no folder test: {name} is its test part"):
        assert load_dataset(tmp_path, subset="test").images[:, 0, 0].tolist() == [1, 1]
    save("test/1/1.png", grey(7))
    assert load_dataset(tmp_path).images[:, 0, 0].tolist() == [0, 0, 1, 1, 7]
    for subset, values in {"train": [0, 0], "test": [7]}.items():
        with pytest.warns(DataNotice, match=rf"read: {subset}; left out: {name}\."):
            assert load_dataset(tmp_path, subset=subset).images[:, 0, 0].tolist() == values


@pytest.mark.parametrize("stray", ["models/1.png", "extra/0/1.png"])
def test_a_stray_folder_beside_the_parts_is_left_out_and_that_is_said(stray, save, tmp_path):
    """Be it one of pictures or one of classes; folders without pictures are passed over."""
    for part in ("train", "test"):
        save(f"{part}/0/1.png", grey(1))
        save(f"{part}/1/1.png", grey(2))
    (tmp_path / "notes").mkdir()
    assert len(load_dataset(tmp_path)) == 4
    save(stray, grey(9))
    with pytest.warns(DataNotice, match=f"read: train and test; left out: {stray.partition('/')[0]}"):
        assert load_dataset(tmp_path).images[:, 0, 0].tolist() == [1, 2, 1, 2]


def test_test_pictures_without_classes_are_left_out(save, tmp_path):
    """They have no labels; they were the only class once."""
    save("train/0/1.png", grey(1))
    save("train/1/1.png", grey(2))
    save("test/1.png", grey(3))
    with pytest.warns(DataNotice, match="read: train; left out: test"):
        assert load_dataset(tmp_path).class_names == ("0", "1")


# Tables of pictures


@pytest.mark.parametrize("folder", ["images", "png", "mnist", "."])
@pytest.mark.parametrize("header", ["filename,label", "label;path", "id,file,width,class", ""])
@pytest.mark.parametrize("in_names", ["", "images/", "C:\\data\\"])
def test_a_table_beside_pictures_says_their_labels(folder, header, in_names, save, tmp_path):
    """Its columns are found by content, its files beside it or in a folder beside it, in its order."""
    rows = []
    for number in range(6):
        save(f"{folder}/p{number}.png", grey(number))
        cells = {"id": number, "width": 4, "label": number % 3, "class": number % 3}
        name = f"{in_names}p{number}.png"
        separator = ";" if ";" in header else ","
        columns = (header or "filename,label").split(separator)
        rows.append(separator.join(str(cells.get(column, name)) for column in columns))
    (tmp_path / "labels.csv").write_text("\n".join([*([header] if header else []), *reversed(rows)]) + "\n")
    for path in (tmp_path, tmp_path / "labels.csv"):
        dataset = load_dataset(path)
        assert dataset.images[:, 0, 0].tolist() == [5, 4, 3, 2, 1, 0]
        assert dataset.labels.tolist() == [2, 1, 0, 2, 1, 0]
        assert dataset.class_names == ("0", "1", "2")
    with pytest.raises(SettingError, match="has no predefined splits"):
        load_dataset(tmp_path, subset="train")


def test_a_table_of_names_gives_names(save, tmp_path):
    """Beside folders named train and test, too, which are no classes."""
    save("train/1.png", grey(1))
    save("test/2.png", grey(2))
    (tmp_path / "all.csv").write_text("file,kind\ntrain/1.png,four\ntest/2.png,seven\n")
    dataset = load_dataset(tmp_path)
    assert dataset.labels.tolist() == ["four", "seven"]


def test_class_folders_win_over_a_table_and_that_is_said(save, tmp_path):
    """The table is read by its path."""
    for name in ("0", "1", "2"):
        save(f"{name}/{name}.png", grey(int(name)))
    (tmp_path / "labels.csv").write_text("file,label\n0/0.png,2\n1/1.png,0\n2/2.png,1\n")
    with pytest.warns(DataNotice, match=r"labels\.csv is not read: the folders beside it are the classes"):
        assert load_dataset(tmp_path).labels.tolist() == [0, 1, 2]
    assert load_dataset(tmp_path / "labels.csv").labels.tolist() == [2, 0, 1]


def test_pictures_that_a_table_does_not_name_are_left_out_and_that_is_said(save, tmp_path):
    """With their number and an example."""
    for number in range(5):
        save(f"images/{number}.png", grey(number))
    (tmp_path / "labels.csv").write_text("file,label\n0.png,2\n3.png,0\n4.png,1\n")
    with pytest.warns(DataNotice, match=r"does not name 2 of the pictures in \S*images: 1\.png, for example"):
        assert load_dataset(tmp_path).labels.tolist() == [2, 0, 1]


def test_rows_of_a_table_that_say_why_they_are_left_out_are_passed_over(save, tmp_path):
    """And that is said; a picture of such a row may be missing, and one that the table does not name is named."""
    for number in range(4):
        save(f"images/{number}.png", grey(number))
    rows = ["images/0.png,2,", "images/1.png,,skipped", "gone/9.png,7,no such picture", "images/2.png,1,"]
    (tmp_path / "t.csv").write_text("\n".join(["file,label,left_out", *rows]) + "\n")
    with pytest.warns(DataNotice) as notices:
        dataset = load_dataset(tmp_path / "t.csv")
    assert (dataset.labels.tolist(), dataset.images[:, 0, 0].tolist()) == ([2, 1], [0, 2])
    assert any("2 rows are passed over, which say in left_out why" in str(notice.message) for notice in notices)
    assert any("does not name 1 of the pictures" in str(notice.message) for notice in notices)
    (tmp_path / "t.csv").write_text("file,label,left_out\nimages/1.png,,skipped\n")
    with pytest.warns(DataNotice), pytest.raises(DataError, match="no rows with a label"):
        load_dataset(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("file,label,left_out\nimages/1.png,,\n")
    with pytest.raises(DataError, match="line 2: the label is missing"):
        load_dataset(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.png,1\nb.png,2\nz.png,0", r"1 in all(.|\n)*line 4: there is no picture 'z\.png'"),
        ("a.png,1\nb.png,", r"line 3: the label is missing"),
        ("y.png,1\nz.png,2", r"names pictures that are not there, as 'y\.png'; looked in"),
        ("a.png,x,1\nb.png,y,2", r"which column is the label is not clear; the others: what, then. Name it label"),
    ],
)
def test_a_table_that_does_not_fit_its_pictures_is_named(rows, message, save, tmp_path):
    """By path and by folder, with the line."""
    for name in ("a", "b"):
        save(f"images/{name}.png", grey(1))
    header = "file,what,then" if rows.count(",") > 3 else "file,what"
    (tmp_path / "labels.csv").write_text(f"{header}\n{rows}\n")
    for path in (tmp_path, tmp_path / "labels.csv"):
        with pytest.raises(
            DataError, match=rf"labels\.csv {message[1:] if message[0] == ' ' else '(.|' + chr(92) + 'n)*' + message}"
        ):
            load_dataset(path)


@pytest.mark.parametrize("folder", ["", "images/"])
@pytest.mark.parametrize("labels", [range(10), ["seven", "four"] * 5, ["a", "b"] * 5])
def test_names_that_begin_with_labels_are_read_and_that_is_said(folder, labels, save, tmp_path):
    """In one folder of pictures, or in one called so."""
    for number, label in enumerate(labels):
        save(f"{folder}{label}_{number:04}.png", grey(number))
    with pytest.warns(DataNotice, match=r"the beginnings of the names are the labels, '\w+' of \w+_000\d\.png"):
        dataset = load_dataset(tmp_path)
    expected = dict(zip(range(10), labels, strict=True))
    assert dataset.labels.tolist() == [expected[int(value)] for value in dataset.images[:, 0, 0]]


@pytest.mark.parametrize(
    "names", [["IMG_1", "DSC_2"], ["001_a", "002_b", "003_c"], ["7_1", "7_2"], ["7_1", "x"], ["a", "b"]]
)
def test_names_that_are_no_labels_are_no_data_set(names, save, tmp_path):
    """A camera's, a count, one class alone, and some without one."""
    for name in names:
        save(f"{name}.png", grey(1))
    with pytest.raises(DataError, match="is in no format that is read here; it holds "):
        load_dataset(tmp_path)


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


needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def listening(path):
    """Put a socket at a path, however long that is."""
    here = os.getcwd()
    server = socket.socket(socket.AF_UNIX)
    os.chdir(path.parent)
    try:
        server.bind(path.name)
    finally:
        os.chdir(here)
    return server


@needs_pipes
def test_pipes_sockets_and_devices_are_named_and_the_rest_is_read(save, tmp_path):
    """Opening a named pipe would wait for ever."""
    save("3/a.png", grey(3))
    save("4/a.png", grey(4))
    os.mkfifo(tmp_path / "3" / "x.png")
    (tmp_path / "4" / "null.png").symlink_to("/dev/null")
    with contextlib.closing(listening(tmp_path / "4" / "s.png")), pytest.warns(DataNotice) as notices:
        dataset = load_dataset(tmp_path)
    assert dataset.labels.tolist() == dataset.images[:, 0, 0].tolist() == [3, 4]
    (said,) = [str(notice.message) for notice in notices]
    for part in ("no ordinary files", "3/x.png (a named pipe)", "4/s.png (a socket)", "4/null.png (a device)"):
        assert part in said


@needs_pipes
def test_a_class_of_pipes_alone_is_none(save, tmp_path):
    """It has no picture."""
    save("3/a.png", grey(3))
    save("4/a.png", grey(4))
    (tmp_path / "5").mkdir()
    os.mkfifo(tmp_path / "5" / "x.png")
    with pytest.warns(DataNotice, match=r"5/x\.png \(a named pipe\)"):
        assert load_dataset(tmp_path).class_names == tuple("01234")


@needs_pipes
def test_a_pipe_among_labelled_names_is_named(save, tmp_path):
    """As in folders of classes."""
    for name in ("3_1.png", "3_2.png", "4_1.png", "4_2.png"):
        save(name, grey(int(name[0])))
    os.mkfifo(tmp_path / "4_3.png")
    with pytest.warns(DataNotice) as notices:
        assert len(load_dataset(tmp_path)) == 4
    assert any("4_3.png (a named pipe)" in str(notice.message) for notice in notices)


@needs_pipes
@pytest.mark.parametrize(
    "name", ["labels.csv", "images.npy", "labels.npy", "x.npz", "x.mat", "train-images-idx3-ubyte"]
)
def test_a_pipe_in_the_place_of_a_file_is_an_error(tmp_path, name):
    """Given as its folder or by its own name: nobody waits for what never comes."""
    if name == "labels.npy":
        np.save(tmp_path / "images.npy", np.zeros((2, 8, 8), np.uint8))
    os.mkfifo(tmp_path / name)
    for path in (tmp_path, tmp_path / name):
        is_named = (path, name) == (tmp_path, "labels.csv")
        with (
            pytest.warns(DataNotice, match="a named pipe") if is_named else contextlib.nullcontext(),
            pytest.raises(DataError, match=re.escape(str(tmp_path))),
        ):
            load_dataset(path)


@needs_pipes
def test_a_picture_that_is_a_pipe_is_called_one(tmp_path):
    """By every reader of pictures and tables."""
    os.mkfifo(tmp_path / "x.png")
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(DataError, match=r"x\.png must be a picture file; it is a named pipe\."):
        read_image(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x\.csv is not a file: it is a named pipe\."):
        read_pixel_table(tmp_path / "x.csv")
    with pytest.raises(DataError, match=r"null must be a picture file; it is a device\."):
        read_image("/dev/null")
