"""Formats of other libraries: files written by them, read by lenetkit, with pixels and labels worked out by hand."""

import bz2
import contextlib
import gzip
import io
import lzma
import zipfile

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pypdfium2
import pytest
import scipy.io
from PIL import Image
from sklearn.datasets import dump_svmlight_file
from tests.datasets.idx_files import write_idx

from lenetkit.datasets import load_dataset
from lenetkit.exceptions import DataError, DataNotice, LenetkitError, SettingError

RANDOM = np.random.default_rng(0)
# Twelve images of 8 x 8 with a mark that is no mirror image of itself: 200 at row 1, column 6; 90 below it.
DIGITS = RANDOM.integers(0, 2, (12, 8, 8), np.uint8) * 4
DIGITS[:, 0], DIGITS[:, 7], DIGITS[:, :, 0], DIGITS[:, :, 7] = 0, 0, 0, 0
DIGITS[:, 1, 6], DIGITS[:, 2, 6] = 200, 90
LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])


def check(dataset, labels=LABELS):
    """Compare the mark, which is no mirror image of itself, all pixels and the labels."""
    assert dataset.images.dtype == np.uint8
    assert dataset.images[4, 1, 6] == 200
    assert dataset.images[4, 2, 6] == 90
    assert np.array_equal(dataset.images, DIGITS)
    assert dataset.labels.tolist() == np.asarray(labels).tolist()


def as_png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "png")
    return stream.getvalue()


# svmlight


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gz", "bz2", "xz"])
def test_svmlight_is_read_packed_or_not(pack, tmp_path):
    """Written by scikit-learn from 1; nothing in the name but the format's."""
    stream = io.BytesIO()
    dump_svmlight_file(DIGITS.reshape(12, 64).astype(float), LABELS, stream, zero_based=False)
    (tmp_path / "digits.libsvm").write_bytes(pack(stream.getvalue()))
    with pytest.warns(DataNotice, match="8 x 8, and its columns as numbered from 1"):
        check(load_dataset(tmp_path / "digits.libsvm"))


@pytest.mark.parametrize("zero_based", [True, False])
def test_svmlight_tells_the_first_column_by_content(zero_based, tmp_path):
    """Ink at the right edge goes over it when it is moved by one."""
    images = DIGITS.copy()
    images[:, 3, 6] = 255
    dump_svmlight_file(images.reshape(12, 64).astype(float), LABELS, str(tmp_path / "digits"), zero_based=zero_based)
    with pytest.warns(DataNotice, match=f"numbered from {1 - zero_based}"):
        assert np.array_equal(load_dataset(tmp_path / "digits").images, images)


def test_svmlight_with_a_full_square_or_a_column_0_needs_no_guess(tmp_path):
    """As LIBSVM's usps has: all columns, from -1 to 1."""
    values = DIGITS.reshape(12, 64) / 127.5 - 1
    values[:, 63] = 1
    for name, zero_based in (("usps", False), ("usps.t", True)):
        with (tmp_path / name).open("wb") as file:
            dump_svmlight_file(
                np.hstack([np.full((12, 1), -1), values])[:, zero_based:][:, :64], LABELS, file, zero_based=zero_based
            )
    dataset = None
    with pytest.warns(DataNotice, match=r"read as -1\.\.1"):
        dataset = load_dataset(tmp_path / "usps.t")
    assert dataset.images[4, 1, 6] == 200
    assert dataset.images[4, 7, 7] == 255
    with pytest.warns(DataNotice):
        assert len(load_dataset(tmp_path)) == 24
    with pytest.warns(DataNotice):
        assert load_dataset(tmp_path, subset="test").images[4, 1, 6] == 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 1:3 2:x\n" * 3, "is in no format|is not a file of svmlight"),
        (b"1 1:3 700000:2\n" * 3, "has a column 700,?001?,?|has a column 700,000"),
        (b"1 1:3 2:5\n" * 3, "too few for images"),
        (b"1 1:3 64:5 9:2\n" * 3, "is not a file of svmlight"),
        (b"1.5 1:30 64:5\n" * 3, r"label 0 is 1\.5"),
        (b"-1 1:30 64:5\n1 2:3\n", "label 0 is -1"),
        (b"1 1:nan 64:5\n" * 3, "is in no format|missing or infinite"),
        (b"1 1:300 64:5.5\n" * 3, r"pixels must lie in .*; they lie in 0\.\.300"),
    ],
)
def test_a_broken_svmlight_file_is_one_error(content, message, tmp_path):
    """It names the file."""
    (tmp_path / "broken.svm").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(tmp_path / "broken.svm")
    assert "broken.svm" in str(caught.value)


def test_a_packed_file_that_is_cut_or_too_large_is_named(tmp_path, monkeypatch):
    """Whatever packed it."""
    stream = io.BytesIO()
    dump_svmlight_file(DIGITS.reshape(12, 64).astype(float), LABELS, stream, zero_based=False)
    for suffix, pack in ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)):
        (tmp_path / f"cut{suffix}").write_bytes(pack(stream.getvalue() * 50)[:-9])
        with pytest.raises(DataError, match=rf"cut\{suffix}"):
            load_dataset(tmp_path / f"cut{suffix}")
        monkeypatch.setattr("lenetkit.datasets._formats.packed._MOST_UNPACKED", 1000)
        (tmp_path / f"bomb{suffix}").write_bytes(pack(stream.getvalue() * 50))
        with pytest.raises(DataError, match=rf"bomb\{suffix} holds more than 1 GiB when unpacked"):
            load_dataset(tmp_path / f"bomb{suffix}")
        monkeypatch.undo()


# Numbers in text


def test_semeion_is_read(tmp_path):
    """256 bits with four decimals and ten columns of which one is 1, as UCI's file has them."""
    bits = (DIGITS.repeat(2, 1).repeat(2, 2) > 50).astype(float)
    rows = np.hstack([bits.reshape(12, 256), np.eye(10)[LABELS]])
    formats = ["%.4f"] * 256 + ["%d"] * 10
    np.savetxt(tmp_path / "semeion.data", rows, fmt=formats, newline=" \n")
    with pytest.warns(DataNotice, match=r"read as 0\.\.1"):
        dataset = load_dataset(tmp_path / "semeion.data")
    assert dataset.images.shape == (12, 16, 16)
    assert dataset.images[4, 3, 13] == 255  # the mark, twice as large
    assert dataset.images[4, 3, 11] == 0
    assert dataset.labels.tolist() == LABELS.tolist()


def test_optdigits_is_read_with_its_parts(tmp_path):
    """Counts of 0 to 16, the label behind them, in .tra and .tes."""
    counts = DIGITS // 16 + 4 * (DIGITS > 0)
    counts[:, 1, 6] = 16
    for name in ("optdigits.tra", "optdigits.tes"):
        np.savetxt(tmp_path / name, np.column_stack([counts.reshape(12, 64), LABELS]), fmt="%d", delimiter=",")
    with pytest.warns(DataNotice, match=r"read as 0\.\.16"):
        dataset = load_dataset(tmp_path / "optdigits.tra")
    assert dataset.images[4, 1, 6] == 255
    assert dataset.images[4, 2, 6] == round((90 // 16 + 4) * 255 / 16)
    assert dataset.labels.tolist() == LABELS.tolist()
    with pytest.warns(DataNotice):
        assert len(load_dataset(tmp_path)) == 24
    with pytest.warns(DataNotice):
        assert len(load_dataset(tmp_path, subset="test")) == 12


def test_the_books_usps_is_read(tmp_path):
    """zip.train: the label before 256 numbers from -1 to 1, gzipped."""
    values = DIGITS.repeat(2, 1).repeat(2, 2).reshape(12, 256) / 127.5 - 1
    values[0, 0] = 1
    rows = np.column_stack([LABELS, values])
    np.savetxt(tmp_path / "zip.train.gz", rows, fmt=["%.4f"] * 257)
    with pytest.warns(DataNotice, match=r"read as -1\.\.1"):
        dataset = load_dataset(tmp_path / "zip.train.gz")
    assert dataset.images[4, 2, 12] == 200
    assert dataset.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("200", "", 1), "has fewer numbers"),
        (lambda text: text.replace("200", "ink", 1), "not a text file of numbers|is in no format"),
        (lambda text: text.replace(",0", ",0,0", 1), "not a text file of numbers|has fewer numbers|numbers a line"),
        (lambda text: "\n".join(line[2:] for line in text.splitlines()), "64 numbers a line"),
        (lambda text: text.replace("200", "70000", 1).replace("90", "0.5", 1), "pixels must lie in"),
    ],
)
def test_a_broken_text_file_is_one_error(change, message, tmp_path):
    """It names the file."""
    stream = io.StringIO()
    np.savetxt(stream, np.column_stack([DIGITS.reshape(12, 64), LABELS]), fmt="%d", delimiter=",")
    (tmp_path / "broken.data").write_text(change(stream.getvalue()))
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(tmp_path / "broken.data")
    assert "broken.data" in str(caught.value)


# ARFF


def write_arff(path, sparse=False, classes="0123456789", name="class"):
    """As OpenML's files are: numbered pixels, the class last, nominal."""
    lines = ["% a remark", "@RELATION 'digits of mine'", ""]
    lines += [f"@ATTRIBUTE pixel{index} real" for index in range(1, 65)]
    lines += [f"@ATTRIBUTE {name} {{{','.join(classes)}}}", "", "@DATA"]
    for row, label in zip(DIGITS.reshape(12, 64), LABELS, strict=True):
        if sparse:
            pairs = [f"{index} {value}" for index, value in enumerate(row) if value]
            pairs += [f"64 {label}"] if str(label) != classes[0] else []
            lines.append("{" + ", ".join(pairs) + "}")
        else:
            lines.append(",".join([*map(str, row), f"{label}"]))
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_arff_is_read(sparse, tmp_path):
    """SciPy's reader, which is not ours, says the same of the dense one."""
    write_arff(tmp_path / "digits.arff", sparse)
    check(load_dataset(tmp_path / "digits.arff"))
    if not sparse:
        frame, _ = scipy.io.arff.loadarff(tmp_path / "digits.arff")
        assert frame["pixel15"][4] == 200
        assert frame["class"][4] == b"5"


def test_an_omitted_class_in_sparse_arff_is_the_first_one(tmp_path):
    """The header begins with 5; rows without attribute 64 are fives."""
    write_arff(tmp_path / "digits.arff", sparse=True, classes="5012346789")
    assert "64 5" not in (tmp_path / "digits.arff").read_text()
    check(load_dataset(tmp_path / "digits.arff"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("@DATA", "@NODATA"), "has no @data"),
        (("pixel7 real", "pixel7 date 'yyyy'"), "neither a number nor a list"),
        (("real\n@ATTRIBUTE class", "real\n@ATTRIBUTE kind_of_digit"), None),
        (("{0,1,2,3,4,5", "{0,1,2,3,4"), r"row 4 has the label '5'"),
        ((",200,", ",?,"), "row 0 lacks a pixel"),
        ((",200,", ",dark,"), "row 0 lacks a pixel"),
        ((",200,", ",-7,"), "pixels must lie in"),
    ],
)
def test_a_broken_arff_is_one_error(change, message, tmp_path):
    """It names file and row; the only nominal attribute is the label, whatever its name."""
    write_arff(tmp_path / "digits.arff")
    text = (tmp_path / "digits.arff").read_text()
    assert change[0] in text
    (tmp_path / "digits.arff").write_text(text.replace(*change, 1))
    if message is None:
        check(load_dataset(tmp_path / "digits.arff"))
    else:
        with pytest.raises(DataError, match=rf"digits\.arff.*{message}"):
            load_dataset(tmp_path / "digits.arff")


def test_a_sparse_row_with_too_many_attributes_is_named(tmp_path):
    """Row and attribute."""
    write_arff(tmp_path / "digits.arff", sparse=True)
    with (tmp_path / "digits.arff").open("a") as file:
        file.write("{3 7, 9999 1}\n")
    with pytest.raises(DataError, match="row 12 has an attribute 9999; there are 65"):
        load_dataset(tmp_path / "digits.arff")


# MATLAB and HDF5


def write_mat73(path, **arrays):
    """As MATLAB writes version 7.3: HDF5 with axes reversed, and 512 bytes before it."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=np.asarray(array).T, compression="gzip")
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


@pytest.mark.parametrize(
    "write", [lambda path, **arrays: scipy.io.savemat(path, arrays), write_mat73], ids=["5", "7.3"]
)
class TestMatlab:
    """The same layouts in both versions."""

    def test_svhn_is_read(self, write, tmp_path):
        """X is height x width x 3 x n, y is 10 for the digit 0."""
        colours = np.stack([DIGITS, DIGITS // 2, DIGITS // 4], axis=-1)
        labels = np.where(LABELS == 9, 10, LABELS)
        for name in ("train_32x32.mat", "test_32x32.mat"):
            write(tmp_path / name, X=np.moveaxis(colours, 0, -1), y=labels[:, None].astype(np.uint8))
        dataset = load_dataset(tmp_path / "train_32x32.mat")
        assert dataset.images.shape == (12, 8, 8, 3)
        assert dataset.images[4, 1, 6].tolist() == [200, 100, 50]
        assert dataset.labels.tolist() == np.where(LABELS == 9, 0, LABELS).tolist()
        assert len(load_dataset(tmp_path)) == 24
        assert len(load_dataset(tmp_path, subset="test")) == 12

    def test_images_counted_by_the_last_axis_are_read(self, write, tmp_path):
        """And rows, in one variable or one for each part."""
        write(tmp_path / "last.mat", images=np.moveaxis(DIGITS, 0, -1), labels=LABELS)
        check(load_dataset(tmp_path / "last.mat"))
        rows = DIGITS.reshape(12, 64).astype(float)
        write(tmp_path / "original.mat", data=rows.T, label=LABELS[None].astype(float))
        check(load_dataset(tmp_path / "original.mat"))
        write(tmp_path / "parts.mat", trainX=rows, trainY=LABELS, testX=rows[:5], testY=LABELS[:5])
        check(load_dataset(tmp_path / "parts.mat", subset="train"))
        assert len(load_dataset(tmp_path / "parts.mat")) == 17

    def test_a_variable_for_each_class_is_read(self, write, tmp_path):
        """train0 to test9, as in an old collection of MNIST."""
        parts = {f"train{digit}": DIGITS.reshape(12, 64)[digit == LABELS] for digit in (1, 3, 5)}
        write(tmp_path / "mnist_all.mat", **parts, test3=DIGITS.reshape(12, 64)[:2])
        dataset = load_dataset(tmp_path / "mnist_all.mat", subset="train")
        assert dataset.labels.tolist() == [1, 1, 3, 3, 5, 5, 5]
        assert np.array_equal(dataset.images[4], DIGITS[4])

    def test_others_are_refused(self, write, tmp_path):
        """With what they hold, or what does not fit."""
        write(tmp_path / "x.mat", temperature=np.ones((3, 4)))
        with pytest.raises(DataError, match=r"x\.mat must hold images and labels .*; it holds temperature"):
            load_dataset(tmp_path / "x.mat")
        write(tmp_path / "x.mat", X=np.moveaxis(DIGITS, 0, -1), y=LABELS[:5])
        with pytest.raises(DataError, match=r"x\.mat: images must have shape .* n = 5"):
            load_dataset(tmp_path / "x.mat")
        write(tmp_path / "x.mat", images=DIGITS, labels=LABELS + 300)
        with pytest.raises(DataError, match=r"x\.mat: label \d is 30\d"):
            load_dataset(tmp_path / "x.mat")
        (tmp_path / "x.mat").write_bytes((tmp_path / "x.mat").read_bytes()[:700])
        with pytest.raises(DataError, match=r"x\.mat"):
            load_dataset(tmp_path / "x.mat")


def test_hdf5_of_other_programs_is_read_as_it_stands(tmp_path):
    """Groups train and test with data and target."""
    with h5py.File(tmp_path / "usps.h5", "w") as file:
        for part in ("train", "test"):
            file[f"{part}/data"] = DIGITS.reshape(12, 64) / np.float32(255)
            file[f"{part}/target"] = LABELS
    check(load_dataset(tmp_path / "usps.h5", subset="test"))


def test_hdf5_that_lies_or_reaches_into_other_files_is_refused(tmp_path):
    """A size that nothing stands behind, values in another file, links."""
    with h5py.File(tmp_path / "lie.h5", "w") as file:
        file.create_dataset("images", shape=(2**30, 8, 8), dtype="u1", chunks=(1024, 8, 8))
        file["labels"] = LABELS
    with pytest.raises(DataError, match=r"lie\.h5"):
        load_dataset(tmp_path / "lie.h5")
    (tmp_path / "raw").write_bytes(DIGITS.tobytes())
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_dataset(
            "images", shape=DIGITS.shape, dtype="u1", external=[(str(tmp_path / "raw"), 0, DIGITS.size)]
        )
        file["labels"] = LABELS
    with pytest.raises(DataError, match="lies in other files"):
        load_dataset(tmp_path / "outside.h5")
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["images"] = h5py.ExternalLink("outside.h5", "/images")
        file["labels"] = LABELS
    with pytest.raises(DataError, match=r"link\.h5 must hold images and labels .* it holds labels"):
        load_dataset(tmp_path / "link.h5")


# Parquet and Arrow


def hub_table(images=None, labels=LABELS, names=None, **columns):
    """Return a table as Hugging Face's libraries write it."""
    images = [{"bytes": as_png(image), "path": None} for image in DIGITS] if images is None else images
    table = pa.table({"image": images, "label": labels, **columns})
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names or list("0123456789")}}
    metadata = {"huggingface": f'{{"info": {{"features": {features}}}}}'.replace("'", '"')}
    return table.replace_schema_metadata(metadata)


def test_parquet_with_the_hubs_image_feature_is_read(tmp_path):
    """Bytes or path, with parts and pieces of parts."""
    pq.write_table(hub_table(), tmp_path / "test-00000-of-00001.parquet")
    check(load_dataset(tmp_path / "test-00000-of-00001.parquet"))
    for index in range(2):
        pq.write_table(hub_table().slice(6 * index, 6), tmp_path / f"train-0000{index}-of-00002.parquet")
    check(load_dataset(tmp_path, subset="train"))
    assert len(load_dataset(tmp_path)) == 24
    assert load_dataset(tmp_path).class_names == tuple("0123456789")
    (tmp_path / "paths").mkdir()
    for index, image in enumerate(DIGITS):
        (tmp_path / "paths" / f"{index}.png").write_bytes(as_png(image))
    images = [{"bytes": None, "path": f"{index}.png"} for index in range(12)]
    pq.write_table(hub_table(images), tmp_path / "paths" / "digits.parquet")
    check(load_dataset(tmp_path / "paths" / "digits.parquet"))


def test_class_names_of_the_hub_are_kept(tmp_path):
    """Labels stay integers, which are indices into the names."""
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    pq.write_table(hub_table(names=names), tmp_path / "digits.parquet")
    dataset = load_dataset(tmp_path / "digits.parquet")
    check(dataset)
    assert dataset.class_names == tuple(names)


def test_parquet_with_columns_or_lists_of_pixels_is_read(tmp_path):
    """From pandas, in any order, with the writers; from pyarrow, nested."""
    frame = pd.DataFrame(DIGITS.reshape(12, 64), columns=[f"pixel{index}" for index in range(64)])
    frame = frame.assign(writer=LABELS % 3, label=LABELS)[["label", *reversed(frame.columns), "writer"]]
    frame.to_parquet(tmp_path / "pixels.parquet")
    dataset = load_dataset(tmp_path / "pixels.parquet")
    check(dataset)
    assert dataset.groups.tolist() == (LABELS % 3).tolist()
    pq.write_table(pa.table({"image": DIGITS.tolist(), "label": list(map(str, LABELS))}), tmp_path / "lists.parquet")
    check(load_dataset(tmp_path / "lists.parquet"))


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_arrow_files_are_read(kind, tmp_path):
    """Both ways that Arrow has; Hugging Face's save_to_disk writes the second."""
    table = hub_table()
    with (pa.ipc.new_file if kind == "file" else pa.ipc.new_stream)(tmp_path / "data.arrow", table.schema) as writer:
        writer.write_table(table)
    check(load_dataset(tmp_path / "data.arrow"))


def test_broken_parquet_is_one_error(tmp_path):
    """Rows are named; pictures outside the folder are not opened."""
    path = tmp_path / "digits.parquet"

    def refused(table, message):
        pq.write_table(table, path)
        with pytest.raises(DataError, match=message) as caught:
            load_dataset(path)
        assert "digits.parquet" in str(caught.value)

    pictures = [{"bytes": as_png(image), "path": None} for image in DIGITS]
    refused(hub_table([*pictures[:3], {"bytes": b"\x89PNG\r\n\x1a\nno", "path": None}, *pictures[4:]]), "row 3")
    refused(
        hub_table([*pictures[:3], {"bytes": None, "path": "../7.png"}, *pictures[4:]]), "row 3 names a picture outside"
    )
    refused(hub_table([*pictures[:3], {"bytes": None, "path": None}, *pictures[4:]]), "row 3 has neither")
    refused(hub_table(labels=[*LABELS[:7], None, *LABELS[8:]]), "row 7 has no label")
    refused(hub_table(labels=LABELS + 1), r"labels\[5\] is 10, which is outside the 10 classes")
    refused(pa.table({"image": pictures}), "must have a column called label; it has image")
    refused(pa.table({"label": LABELS}), "must have a column image")
    refused(pa.table({"image": [[[1, 2], [3]]] * 12, "label": LABELS}), "must all have one length")
    pq.write_table(hub_table(), path)
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    with pytest.raises(DataError, match=r"digits\.parquet is damaged or no file of Parquet"):
        load_dataset(path)


def test_a_damaged_arrow_file_does_not_end_the_process(tmp_path):
    """Each byte of the header changed in turn: the same digits or our error."""
    table = hub_table()
    with pa.ipc.new_stream(tmp_path / "data.arrow", table.schema) as writer:
        writer.write_table(table)
    content = (tmp_path / "data.arrow").read_bytes()
    for place in RANDOM.integers(8, len(content), 150):
        (tmp_path / "data.arrow").write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        with contextlib.suppress(LenetkitError):
            load_dataset(tmp_path / "data.arrow")


# IDX of every type


@pytest.mark.parametrize("kind", ["i1", ">i2", ">i4", ">f4", ">f8"])
def test_idx_images_of_every_type_are_read(kind, tmp_path):
    """Big-endian, as the format says; floats from 0 to 1."""
    codes = {"i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}
    images = np.minimum(DIGITS, 120) if kind == "i1" else DIGITS
    values = (images / 255 if "f" in kind else images).astype(kind)
    header = bytes([0, 0, codes[kind], 3]) + np.array(values.shape, ">u4").tobytes()
    (tmp_path / "my-images-idx3-ubyte").write_bytes(header + values.tobytes())
    write_idx(tmp_path / "my-labels-idx1-ubyte", LABELS.astype(np.uint8))
    dataset = load_dataset(tmp_path / "my-images-idx3-ubyte")
    assert np.array_equal(dataset.images, images)


def test_qmnists_writers_are_the_groups(tmp_path):
    """Eight columns of big-endian integers: class, partition, writer, ..."""
    rows = np.zeros((12, 8), ">i4")
    rows[:, 0], rows[:, 1], rows[:, 2] = LABELS, 4, np.arange(12) + 3000
    header = bytes([0, 0, 12, 2]) + np.array(rows.shape, ">u4").tobytes()
    for part in ("train", "test"):
        write_idx(tmp_path / f"qmnist-{part}-images-idx3-ubyte.gz", DIGITS)
        (tmp_path / f"qmnist-{part}-labels-idx2-int").write_bytes(header + rows.tobytes())
    dataset = load_dataset(tmp_path, subset="test")
    check(dataset)
    assert dataset.groups.tolist() == list(range(3000, 3012))
    assert len(load_dataset(tmp_path).groups) == 24


# Archives


def write_zip(path, entries, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def test_an_archive_of_class_folders_is_read(tmp_path):
    """In one folder around them or not, with parts or without, and what archivers add passed over."""
    order = np.argsort(LABELS, kind="stable")
    entries = {
        f"{label}/{index:02}.png": as_png(image)
        for index, (image, label) in enumerate(zip(DIGITS, LABELS, strict=True))
    }
    write_zip(tmp_path / "digits.zip", entries)
    dataset = load_dataset(tmp_path / "digits.zip")
    assert np.array_equal(dataset.images, DIGITS[order])
    assert dataset.labels.tolist() == sorted(LABELS)
    write_zip(
        tmp_path / "around.zip",
        {f"digits/{name}": content for name, content in entries.items()} | {"__MACOSX/digits/._0": b""},
    )
    assert load_dataset(tmp_path / "around.zip").fingerprint == dataset.fingerprint
    both = {f"{part}/{name}": content for name, content in entries.items() for part in ("train", "test")}
    write_zip(tmp_path / "parts.zip", both)
    assert len(load_dataset(tmp_path / "parts.zip")) == 24
    assert load_dataset(tmp_path / "parts.zip", subset="test").fingerprint == dataset.fingerprint


def test_an_archive_with_a_table_is_read(tmp_path):
    """The table beside the pictures, in its order."""
    entries = {f"images/{index}.png": as_png(image) for index, image in enumerate(DIGITS)}
    table = "filename,label\n" + "".join(f"{index}.png,{label}\n" for index, label in enumerate(LABELS))
    write_zip(tmp_path / "digits.zip", entries | {"labels.csv": table})
    check(load_dataset(tmp_path / "digits.zip"))


def test_a_broken_archive_is_one_error(tmp_path, monkeypatch):
    """Names that lead out of it, bombs, damage, and archives of other things."""
    path = tmp_path / "digits.zip"

    def refused(message):
        with pytest.raises(DataError, match=message) as caught:
            load_dataset(path)
        assert "digits.zip" in str(caught.value)

    good = {
        f"{label}/{index}.png": as_png(image) for index, (image, label) in enumerate(zip(DIGITS, LABELS, strict=True))
    }
    write_zip(path, {"../7/a.png": b"", **good})
    refused("leads out of the archive")
    write_zip(path, {"1/bad.png": b"no picture", **good})
    refused(r"pictures that cannot be read \(1 in all\)")
    write_zip(path, {"train.csv": "label,pixel0\n1,2\n"})
    refused("Unpack it")
    write_zip(path, good, zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"IDAT", b"IDOT", 3))
    refused(r"\(3 in all\)")
    path.write_bytes(content[:-200])
    refused("damaged or no .zip")
    write_zip(path, {"1/bomb.png": bytes(2**20), **good})
    monkeypatch.setattr("lenetkit.datasets._formats.zip_tree._MOST_UNPACKED", 2**20)
    refused("are the most accepted")


def test_tar_archives_are_refused_with_the_reason_and_the_cure(tmp_path):
    """By name, and by content."""
    (tmp_path / "digits.tar.gz").write_bytes(gzip.compress(bytes(257) + b"ustar" + bytes(300)))
    with pytest.raises(DataError, match=r"tar archive, which has no list .* Unpack it \(tar -xf"):
        load_dataset(tmp_path / "digits.tar.gz")


# Scans of several pages


def test_a_tiff_of_several_pages_is_read(tmp_path):
    """Labels beside it, a line each; or a table."""
    pages = [Image.fromarray(image) for image in DIGITS]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match=r"has no labels: put scan\.txt beside it"):
        load_dataset(tmp_path / "scan.tif")
    (tmp_path / "scan.txt").write_text("\n".join(map(str, LABELS)))
    check(load_dataset(tmp_path / "scan.tif"))
    (tmp_path / "scan.txt").unlink()
    (tmp_path / "scan.csv").write_text("page,label\n" + "".join(f"{i + 1},{label}\n" for i, label in enumerate(LABELS)))
    check(load_dataset(tmp_path / "scan.tif"))
    (tmp_path / "scan.csv").write_text("page,label\n1,3\n")
    with pytest.raises(DataError, match="has 12 pages, and the file beside it 1 labels"):
        load_dataset(tmp_path / "scan.tif")
    (tmp_path / "scan.tif").write_bytes((tmp_path / "scan.tif").read_bytes()[:-300])
    with pytest.raises(DataError, match=r"scan\.tif"):
        load_dataset(tmp_path / "scan.tif")


def test_a_pdf_is_read_page_by_page(tmp_path):
    """Pages of 28 x 28 points as a scanner would give them; upright, dark on white."""
    document = pypdfium2.PdfDocument.new()
    for label in (7, 1):
        page = document.new_page(48, 48)
        bitmap = pypdfium2.PdfBitmap.from_pil(Image.fromarray(np.repeat(255 - DIGITS[label, :, :, None], 3, axis=2)))
        image = pypdfium2.PdfImage.new(document)
        image.set_bitmap(bitmap)
        image.set_matrix(pypdfium2.PdfMatrix().scale(48, 48))
        page.insert_obj(image)
        page.gen_content()
    document.save(tmp_path / "scan.pdf")
    (tmp_path / "scan.txt").write_text("7\n1\n")
    dataset = load_dataset(tmp_path / "scan.pdf")
    assert dataset.images.shape[1:] == (100, 100)  # 48 points at 150 dots an inch
    assert dataset.labels.tolist() == [7, 1]
    # The mark of row 1, column 6 of eight, dark: its middle in the page is at 19, 81 of 100.
    assert dataset.images[0][19, 81] < 100
    assert dataset.images[0][19, 19] > 200
    (tmp_path / "scan.pdf").write_bytes((tmp_path / "scan.pdf").read_bytes()[:300])
    with pytest.raises(DataError, match=r"scan\.pdf is damaged"):
        load_dataset(tmp_path / "scan.pdf")


# Labels beside the pictures, and in the ends of their names


@pytest.mark.parametrize("form", ["txt", "json", "ends"])
def test_labels_of_single_pictures_are_found(form, tmp_path):
    """A notice says where."""
    for index, (image, label) in enumerate(zip(DIGITS, LABELS, strict=True)):
        name = f"img{index:02}_{label}" if form == "ends" else f"img{index:02}"
        (tmp_path / f"{name}.png").write_bytes(as_png(image))
        if form == "txt":
            (tmp_path / f"{name}.txt").write_text(f"{label}\n")
        elif form == "json":
            (tmp_path / f"{name}.json").write_text(f'{{"width": 8, "label": {label}}}')
    message = "the ends of the names" if form == "ends" else "the files beside the pictures hold the labels"
    with pytest.warns(DataNotice, match=message):
        check(load_dataset(tmp_path))


def test_a_file_beside_a_picture_without_a_label_is_named(tmp_path):
    """And nothing is guessed."""
    for index, image in enumerate(DIGITS):
        (tmp_path / f"{index}.png").write_bytes(as_png(image))
        (tmp_path / f"{index}.txt").write_text("" if index == 3 else "7")
    with pytest.raises(DataError, match=r"3\.txt must hold one label"):
        load_dataset(tmp_path)


def test_pairs_of_npz_files_are_read(tmp_path):
    """As Kuzushiji-49 and Kannada-MNIST are published: one array in each, without a name."""
    for names in (("k49-{}-imgs.npz", "k49-{}-labels.npz"), ("X_kannada_MNIST_{}.npz", "y_kannada_MNIST_{}.npz")):
        folder = tmp_path / names[0][:3]
        folder.mkdir()
        for part in ("train", "test"):
            np.savez_compressed(folder / names[0].format(part), DIGITS)
            np.savez_compressed(folder / names[1].format(part), LABELS.astype(np.uint8))
        check(load_dataset(folder, subset="test"))
        assert len(load_dataset(folder)) == 24
        (folder / names[1].format("test")).unlink()
        with pytest.raises(DataError, match="lacks the labels of the test part"):
            load_dataset(folder)


def test_a_part_that_is_not_there_is_refused(tmp_path):
    """Of one file with one part."""
    pq.write_table(hub_table(), tmp_path / "digits.parquet")
    with pytest.raises(SettingError, match="has no predefined splits"):
        load_dataset(tmp_path / "digits.parquet", subset="test")
