"""NumPy's files: bounded, without pickle, every damage one error."""

import io
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lenetkit.datasets import load_dataset
from lenetkit.datasets._formats import npz
from lenetkit.datasets._formats.npz import read_npy_pair
from lenetkit.exceptions import DataError, LenetkitError, SettingError

IMAGES, LABELS = np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2), np.array([0, 1, 2])


def read_npz(*arguments):
    """Return images and labels alone."""
    found = npz.read_npz(*arguments)
    return found.images, found.labels


def npy_header(shape, dtype="|u1"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def npy_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_zip(path, members, kind=zipfile.ZIP_DEFLATED, claimed=None):
    """Write a zip file whose directory may lie about the unpacked size."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for info in archive.filelist if claimed is not None else ():
            info.file_size = claimed
    return path


@given(
    images=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=4, min_side=1, max_side=4)),
    save=st.sampled_from([np.savez, np.savez_compressed]),
    fortran=st.booleans(),
    kind=st.sampled_from(["u1", "<i8", ">i4", "U3"]),
)
@settings(deadline=None)
def test_what_numpy_saves_is_read_back(images, save, fortran, kind, tmp_path_factory):
    """Stored or compressed, in any order of memory and bytes, with integers or strings as labels."""
    path = tmp_path_factory.mktemp("npz") / "x.npz"
    labels = (np.arange(len(images)) % 3).astype(kind)
    save(path, images=np.asfortranarray(images) if fortran else images, labels=labels)
    got_images, got_labels = read_npz(path)
    assert np.array_equal(got_images, images)
    assert np.array_equal(got_labels, labels)


@pytest.mark.parametrize(("subset", "expected"), [("train", [0, 1]), ("test", [2]), ("all", [0, 1, 2])])
def test_keras_layout_has_two_parts(subset, expected, tmp_path):
    """All is train followed by test."""
    np.savez(tmp_path / "m.npz", x_train=IMAGES[:2], y_train=LABELS[:2], x_test=IMAGES[2:], y_test=LABELS[2:])
    images, labels = read_npz(tmp_path / "m.npz", subset)
    assert np.array_equal(images, IMAGES[expected])
    assert labels.tolist() == expected


def test_a_part_that_is_not_there_is_named(tmp_path):
    """The other part can be read."""
    path = tmp_path / "m.npz"
    np.savez(path, x_train=IMAGES, y_train=LABELS)
    assert len(read_npz(path, "train")[0]) == 3
    with pytest.raises(DataError, match=r"m\.npz must hold the entry x_test\.npy; it holds x_train\.npy, y_train\.npy"):
        read_npz(path)


def test_unknown_entries_are_listed(tmp_path):
    """With what was expected."""
    np.savez(tmp_path / "x.npz", mean=IMAGES, date=LABELS)
    with pytest.raises(DataError, match=r"must hold images and labels .*; it holds date, mean"):
        read_npz(tmp_path / "x.npz")


def test_a_plain_pair_has_no_parts(tmp_path):
    """Asking for one is a setting that is invalid."""
    np.savez(tmp_path / "x.npz", images=IMAGES, labels=LABELS)
    with pytest.raises(SettingError, match=r"x\.npz has no predefined splits"):
        read_npz(tmp_path / "x.npz", "test")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES / 255, LABELS, r"x\.npz: images must be uint8 of shape .*; got float64 of shape \(3, 2, 2\)"),
        (IMAGES[0], LABELS, r"images must be uint8 of shape .*got uint8 of shape \(2, 2\)"),
        (IMAGES, LABELS / 2, r"x\.npz: labels must be integers or strings of shape \(n,\); got float64"),
        (IMAGES, LABELS[:, None], r"labels must be .* of shape \(n,\); got int64 of shape \(3, 1\)"),
        (IMAGES, LABELS[:2], r"x\.npz: images has 3 images and \S*x\.npz: labels 2 labels"),
    ],
)
def test_arrays_that_are_no_data_set_are_named(images, labels, message, tmp_path):
    """By file and entry."""
    np.savez(tmp_path / "x.npz", images=images, labels=labels)
    with pytest.raises(DataError, match=message):
        read_npz(tmp_path / "x.npz")


class Trap:
    """Leaves a mark when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("entry", ["images", "labels"])
def test_nothing_is_ever_unpickled(entry, tmp_path):
    """Object arrays can run code when they are read."""
    trap = Trap()
    trap.mark = tmp_path / "mark"
    arrays = {"images": IMAGES, "labels": LABELS, entry: np.array([trap], object)}
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=rf"x\.npz: {entry} holds object, which is never read, because it can run code"):
        read_npz(tmp_path / "x.npz")
    assert not trap.mark.exists()
    np.load(tmp_path / "x.npz", allow_pickle=True)[entry]
    assert trap.mark.exists(), "the trap does not work"


def peak_of(function, message):
    tracemalloc.start()
    with pytest.raises(DataError, match=message):
        function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    ("content", "claimed", "message"),
    [
        (npy_header((2**20, 64, 64)) + bytes(2**23), 3 * 10**9, "announces 3000000000 bytes, which the file"),
        (npy_header((2**20, 64, 64)) + bytes(2**23), None, "header announces uint8 .* takes 4294967296 bytes; 8388608"),
        (npy_header((2**40, 64, 64)), None, "takes 4503599627370496 bytes; 0 follow"),
        (npy_header((2**31, 2**31, 2**31)) + b"x", None, "takes 9903520314283042199192993792 bytes; 1 follow"),
        (npy_header((-3, 2, 2)) + bytes(12), None, "is damaged"),
    ],
)
def test_a_bomb_or_a_liar_takes_no_memory(content, claimed, message, tmp_path):
    """Sizes are compared with one another and with the file before anything is allocated."""
    path = write_zip(tmp_path / "x.npz", {"images.npy": content, "labels.npy": npy_bytes(LABELS)}, claimed=claimed)
    assert peak_of(lambda: read_npz(path), rf"x\.npz: images .*{message}|x\.npz: images {message}") < 2**22


def test_more_than_a_gigabyte_is_not_unpacked(tmp_path):
    """An honest bomb: the file could hold it."""
    path = tmp_path / "x.npz"
    header = npy_header((2**18 + 1, 64, 64))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("labels.npy", os.urandom(2**21))
        with archive.open("images.npy", "w", force_zip64=True) as member:
            member.write(header)
        archive.getinfo("images.npy").file_size = len(header) + 2**30 + 4096
    assert peak_of(lambda: read_npz(path), "1073741824 are the most accepted of what is compressed") < 2**22


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(kind, tmp_path):
    """NumPy never writes them, and their memory is not bounded by the file's size."""
    path = write_zip(tmp_path / "x.npz", {"images.npy": npy_bytes(IMAGES), "labels.npy": npy_bytes(LABELS)}, kind)
    with pytest.raises(DataError, match="images must be stored or deflated"):
        read_npz(path)


def test_a_wrong_checksum_is_noticed(tmp_path):
    """A flipped bit in stored pixels changes no size."""
    path = tmp_path / "x.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    content = path.read_bytes()
    path.write_bytes(content.replace(bytes(range(12)), bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])))
    with pytest.raises(DataError, match=r"x\.npz: images is damaged.*CRC"):
        read_npz(path)


@pytest.mark.parametrize("code", [0x110000, 0xFFFFFFFF, 0xD800])
def test_a_string_that_is_no_text_is_named(code, tmp_path):
    """NumPy stores code points that do not exist, and fails when it shows them."""
    labels = np.array(["a", "b", "c"])
    content = npy_bytes(labels).replace(struct.pack("<I", ord("b")), struct.pack("<I", code))
    path = write_zip(tmp_path / "x.npz", {"images.npy": npy_bytes(IMAGES), "labels.npy": content})
    with pytest.raises(DataError, match=r"x\.npz: labels: label 1 is a string that is no text"):
        read_npz(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip file at all"])
def test_what_is_no_zip_file_is_named(content, tmp_path):
    """With the reason that zipfile gives."""
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npz is damaged or no file of NumPy's: BadZipFile"):
        read_npz(tmp_path / "x.npz")


def test_a_missing_file_is_named(tmp_path):
    """As an error of the data."""
    with pytest.raises(DataError, match=r"x\.npz cannot be read: No such file"):
        read_npz(tmp_path / "x.npz")


@given(
    start=st.integers(0, 900),
    junk=st.binary(max_size=8),
    length=st.integers(0, 40),
    compressed=st.booleans(),
    text=st.booleans(),
)
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")  # zipfile and NumPy warn of what they then refuse
def test_any_damage_gives_arrays_or_one_of_our_errors(start, junk, length, compressed, text, tmp_path_factory):
    """Bytes replaced, removed or added anywhere in a good file."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    labels = np.array(["a", "b", "a"]) if text else LABELS
    (np.savez_compressed if compressed else np.savez)(path, images=IMAGES, labels=labels)
    content = path.read_bytes()
    start %= len(content)
    path.write_bytes(content[:start] + junk + content[start + length :])
    try:
        images, got = read_npz(path)
    except LenetkitError:
        return
    assert images.dtype == np.uint8
    assert len(images) == len(got)


# The same arrays as two .npy files


def test_a_pair_of_npy_files_is_read(tmp_path):
    """From their folder."""
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "labels.npy", LABELS)
    images, labels = read_npy_pair(tmp_path)
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(labels, LABELS)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_npy_file_stays_a_memory_map(order, tmp_path):
    """Its header is believed only where the file is as long as it says."""
    n = 180_000
    np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (n, 28, 28), order == "F")[n - 1, 3, 4] = 9
    np.save(tmp_path / "labels.npy", np.arange(n) % 10)
    dataset = load_dataset(tmp_path)
    assert isinstance(dataset.images, np.memmap)
    assert dataset.images[n - 1, 3, 4] == 9


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-1], r"images\.npy is damaged: .* takes 12 bytes; 11 follow"),
        (lambda content: content + b"x", "takes 12 bytes; 13 follow"),
        (lambda content: b"\x93NUMPY\x07" + content[7:], r"images\.npy is damaged or no file|version 7\.0"),
        (lambda content: content.replace(b"'shape'", b"'shapo'"), r"images\.npy is damaged or no file of NumPy's"),
        (lambda content: b"", r"images\.npy is damaged or no file of NumPy's"),
    ],
)
def test_a_damaged_npy_file_is_named(damage, message, tmp_path):
    """Length, version and header."""
    (tmp_path / "images.npy").write_bytes(damage(npy_bytes(IMAGES)))
    np.save(tmp_path / "labels.npy", LABELS)
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path)


def test_a_missing_npy_file_is_named(tmp_path):
    """Images without labels are no data set."""
    np.save(tmp_path / "images.npy", IMAGES)
    with pytest.raises(DataError, match=r"labels\.npy cannot be read: No such file"):
        load_dataset(tmp_path)
