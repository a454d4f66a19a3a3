"""Files of every format with bits changed and ends cut off: a right answer, or one error that names the file."""

import bz2
import gzip
import io
import zipfile

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import dump_svmlight_file
from tests.datasets.idx_files import as_idx

from lenetkit.datasets import Dataset, load_dataset
from lenetkit.datasets._formats.pictures import stack_pictures
from lenetkit.exceptions import DataError

RANDOM = np.random.default_rng(0)
DIGITS = RANDOM.integers(0, 200, (12, 8, 8), np.uint8)
DIGITS[:, 0] = 255
LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])
ROWS = DIGITS.reshape(12, 64)
LONGEST_MESSAGE = 6000  # twenty pictures may be named


def as_png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def write_svmlight(stream):
    dump_svmlight_file(ROWS.astype(float), LABELS, stream, zero_based=False)


def write_text(stream):
    np.savetxt(stream, np.column_stack([ROWS // 16, LABELS]), fmt="%d", delimiter=",")


def write_arff(stream):
    lines = ["@relation d", *(f"@attribute pixel{index} real" for index in range(64)), "@attribute class {0,1,2,3,4,5"]
    lines[-1] += ",6,7,8,9}"
    lines += ["@data", *(",".join(map(str, [*row, label])) for row, label in zip(ROWS, LABELS, strict=True))]
    stream.write("\n".join(lines).encode())


def write_csv(stream):
    frame = pd.DataFrame(ROWS, columns=[f"pixel{index}" for index in range(64)])
    frame.insert(0, "label", LABELS)
    stream.write(frame.to_csv(index=False).encode())


def write_mat(stream):
    scipy.io.savemat(stream, {"images": DIGITS, "labels": LABELS}, do_compression=True)


def write_hdf5(stream):
    with h5py.File(stream, "w") as file:
        file.create_dataset("images", data=DIGITS, compression="gzip")
        file["labels"] = LABELS


def pictures_table():
    return pa.table({"image": [{"bytes": as_png(image), "path": None} for image in DIGITS], "label": LABELS})


def write_parquet(stream):
    pq.write_table(pictures_table(), stream)


def write_arrow(stream):
    table = pictures_table()
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)


def write_npz(stream):
    np.savez(stream, images=DIGITS, labels=LABELS)


def write_zip(stream):
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, (image, label) in enumerate(zip(DIGITS, LABELS, strict=True)):
            archive.writestr(f"{label}/{index}.png", as_png(image))


def write_pages(stream, kind):
    pages = [Image.fromarray(image) for image in DIGITS]
    pages[0].save(stream, kind, save_all=True, append_images=pages[1:])


FORMATS = {
    "digits.svm": write_svmlight,
    "digits.svm.bz2": write_svmlight,
    "optdigits.tra": write_text,
    "digits.arff": write_arff,
    "digits.csv": write_csv,
    "digits.csv.gz": write_csv,
    "digits.mat": write_mat,
    "digits.h5": write_hdf5,
    "digits.parquet": write_parquet,
    "digits.arrow": write_arrow,
    "digits.npz": write_npz,
    "digits.zip": write_zip,
    "digits.tif": lambda stream: write_pages(stream, "tiff"),
    "digits.pdf": lambda stream: write_pages(stream, "pdf"),
}
PACK = {".gz": gzip.compress, ".bz2": bz2.compress}


@pytest.fixture(scope="module", params=FORMATS)
def written(request, tmp_path_factory):
    """Return the path of a right file, and its bytes."""
    path = tmp_path_factory.mktemp("damage") / request.param
    stream = io.BytesIO()
    FORMATS[request.param](stream)
    path.write_bytes(PACK.get(path.suffix, bytes)(stream.getvalue()))
    path.with_suffix(".txt").write_text("\n".join(map(str, LABELS)))  # the labels of pages
    assert sorted(load_dataset(path).labels.tolist()) == sorted(LABELS.tolist())
    return path, path.read_bytes()


@given(
    # From the beginning and from the end, where the headers are, more often than from between.
    changes=st.lists(
        st.tuples(st.integers(0, 300) | st.integers(-300, -1) | st.integers(0, 10_000), st.integers(1, 255)), max_size=4
    ),
    cut=st.none() | st.integers(1, 300) | st.integers(1, 10_000),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_read_or_named(written, changes, cut):
    """Whatever its format."""
    path, right = written
    content = bytearray(right[: None if cut is None else -cut]) or bytearray(right[:1])
    for position, value in changes:
        content[position % len(content)] ^= value
    path.write_bytes(content)
    message = ""
    try:
        dataset = load_dataset(path)
    except DataError as error:
        message = str(error)
    if message:
        assert path.name in message
        assert len(message) < LONGEST_MESSAGE
    else:
        assert len(dataset.images) == len(dataset.labels)


@pytest.mark.parametrize("ours", [True, False])
def test_parquet_with_checksums_is_checked(ours, tmp_path):
    """A changed label is found where the writer left checksums, as Dataset.save does."""
    path = tmp_path / "digits.parquet"
    labels = np.arange(12) % 10
    if ours:
        Dataset(images=DIGITS, labels=labels).save(path)
    else:
        table = pictures_table().set_column(1, "label", pa.array(labels))
        pq.write_table(table, path, write_page_checksum=True, use_dictionary=False, compression="none")
    right = path.read_bytes()
    assert load_dataset(path).labels.tolist() == labels.tolist()
    refused = 0
    # Somewhere in the last third of the pages the labels lie.
    for position in range(len(right) // 3, len(right) * 2 // 3, 7):
        content = bytearray(right)
        content[position] ^= 1
        path.write_bytes(content)
        try:
            found = load_dataset(path)
        except DataError:
            refused += 1
        else:
            assert found.labels.tolist() == labels.tolist()
            assert np.array_equal(found.images, DIGITS)
    assert refused > 20


@pytest.mark.parametrize("name", ["digits.zip", "digits.npz"])
def test_an_archive_of_an_unknown_version_is_one_error(name, tmp_path):
    """The version that is needed to read an entry, in the list at the end."""
    stream = io.BytesIO()
    FORMATS[name](stream)
    content = bytearray(stream.getvalue())
    content[content.index(b"PK\x01\x02") + 6] = 99
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name} is damaged or no .*zip file version 9\.9"):
        load_dataset(tmp_path / name)


@pytest.mark.parametrize("name", ["digits.zip", "digits.npz"])
def test_an_entry_whose_name_seems_to_be_long_makes_no_long_message(name, tmp_path):
    """Where an entry says that its name is 40,000 bytes long zipfile quotes all of them."""
    stream = io.BytesIO()
    FORMATS[name](stream)
    content = bytearray(stream.getvalue())
    content[content.index(b"PK\x03\x04") + 27] = 0x05
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name) as caught:
        load_dataset(tmp_path / name)
    assert len(str(caught.value)) < LONGEST_MESSAGE


def test_entries_with_accents_in_their_names_are_read(tmp_path):
    """In the bytes of UTF-8, as zipfile writes them, and in those of old DOS, which it reads."""
    utf, old = tmp_path / "utf.zip", tmp_path / "old.zip"
    with zipfile.ZipFile(utf, "w") as archive:
        for index, label in enumerate(("é", "ä", "é")):
            archive.writestr(f"{label}/{index}ß.png", as_png(DIGITS[index]))
    old.write_bytes(utf.read_bytes())
    content = bytearray(utf.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + flags + 1] &= ~0x08 & 0xFF  # names are no longer said to be UTF-8
    old.write_bytes(content)
    for path, names in ((utf, ["ä", "é"]), (old, sorted(name.encode().decode("cp437") for name in "äé"))):
        dataset = load_dataset(path)
        assert dataset.labels.tolist() == [names[0], names[1], names[1]]
        assert np.array_equal(dataset.images, DIGITS[[1, 0, 2]])


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_kannada_mnists_idx_files_are_read(suffix, tmp_path):
    """By their names, as a folder and by the path of the images."""
    pack = gzip.compress if suffix else bytes
    for part, n in (("train", 12), ("test", 7)):
        (tmp_path / f"X_kannada_MNIST_{part}-idx3-ubyte{suffix}").write_bytes(pack(as_idx(DIGITS[:n])))
        labels = as_idx(LABELS[:n].astype(np.uint8))
        (tmp_path / f"y_kannada_MNIST_{part}-idx1-ubyte{suffix}").write_bytes(pack(labels))
    assert len(load_dataset(tmp_path)) == 19
    test = load_dataset(tmp_path, subset="test")
    assert np.array_equal(test.images, DIGITS[:7])
    assert test.labels.tolist() == LABELS[:7].tolist()
    alone = load_dataset(tmp_path / f"X_kannada_MNIST_test-idx3-ubyte{suffix}")
    assert alone.fingerprint == test.fingerprint
    (tmp_path / f"y_kannada_MNIST_test-idx1-ubyte{suffix}").unlink()
    with pytest.raises(DataError, match="lacks the labels of the test part"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("n_labels", [2, 4])
def test_more_or_fewer_pictures_than_labels_are_refused(n_labels):
    """As a damaged table has them: none is left black, none is left out."""
    pictures = [(f"row {index}", as_png(image)) for index, image in enumerate(DIGITS[:3])]
    with pytest.raises(DataError, match=rf"x must have one picture for each of {n_labels} labels"):
        stack_pictures(lambda: pictures, n_labels, "x")
    assert np.array_equal(stack_pictures(lambda: pictures, 3, "x"), DIGITS[:3])
