"""Data sets by name, from a server on this machine that serves files of their true formats, made by other libraries."""

import bz2
import gzip
import hashlib
import http.server
import io
import string
import threading
import zipfile
from urllib.parse import quote

import attrs
import numpy as np
import pytest
import scipy.io
from PIL import Image
from sklearn.datasets import dump_svmlight_file, load_digits
from tests.datasets.idx_files import as_idx

from lenetkit.datasets import (
    Dataset,
    dataset_info,
    emnist,
    k49,
    kannada,
    kmnist,
    list_datasets,
    load_dataset,
    madbase,
    mnist,
    mnist_c,
    optdigits,
    qmnist,
    semeion,
    svhn,
    usps,
)
from lenetkit.datasets._fetch.records import RemoteFile, UnfitError, verify
from lenetkit.exceptions import DownloadError, SettingError
from lenetkit.synthesis import CORRUPTIONS, corrupt

RANDOM = np.random.default_rng(0)
DIGITS = RANDOM.integers(0, 200, (20, 28, 28), np.uint8)
DIGITS[:, 2, 20] = 255
LABELS = np.arange(20) % 10


def npz(array):
    stream = io.BytesIO()
    np.savez_compressed(stream, array)
    return stream.getvalue()


def mat(images, labels):
    stream = io.BytesIO()
    scipy.io.savemat(
        stream, {"X": np.moveaxis(images, 0, -1), "y": labels[:, None].astype(np.uint8)}, do_compression=True
    )
    return stream.getvalue()


def svmlight(values, labels):
    stream = io.BytesIO()
    dump_svmlight_file(values.reshape(len(values), -1), labels, stream, zero_based=False)
    return bz2.compress(stream.getvalue())


def qmnist_labels(first):
    rows = np.zeros((20, 8), ">i4")
    rows[:, 0], rows[:, 2] = LABELS, np.arange(20) + first
    return gzip.compress(bytes([0, 0, 12, 2]) + np.array(rows.shape, ">u4").tobytes() + rows.tobytes())


def zipped(entries):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def as_png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def mnist_like(images, labels):
    return gzip.compress(as_idx(images)), gzip.compress(as_idx(labels.astype(np.uint8)))


SMALL = DIGITS[:, 6:22, 6:22]
SCALED = SMALL / 127.5 - 1
COLOURS = np.stack([DIGITS, DIGITS // 2, DIGITS // 3], axis=-1)[:, :, :, :]
LETTERS = np.arange(20) + 1
COUNTS = SMALL[:, 4:12, 4:12] // 16
COUNTS[:, 0, 0] = 16
# Bright on black; every 1 is a tall stroke. A quarter of the others' ink makes them no mirror images of themselves.
STROKES = np.zeros((20, 28, 28), np.uint8)
STROKES[:, 4:24, 12:15] = 255
STROKES[:, 4:8, 15:20] = 90


def madbase_files(drawn):
    entries = {f"Pictures/id_{i + 1}_label_{LABELS[i]}.png": as_png(drawn[i]) for i in reversed(range(20))}
    return {f"{part} Images.zip": zipped(entries | {"Pictures/Thumbs.db": b""}) for part in ("Train", "Test")}


def files_of(name):
    """Return the content of each file by its name."""
    if name == "kmnist":
        images, labels = mnist_like(DIGITS, LABELS)
        return {f"{p}-images-idx3-ubyte.gz": images for p in ("train", "t10k")} | {
            f"{p}-labels-idx1-ubyte.gz": labels for p in ("train", "t10k")
        }
    if name == "k49":
        return {f"k49-{p}-imgs.npz": npz(DIGITS) for p in ("train", "test")} | {
            f"k49-{p}-labels.npz": npz(LABELS.astype(np.uint8)) for p in ("train", "test")
        }
    if name == "usps":
        return {file: svmlight(SCALED, LABELS + 1) for file in ("usps.bz2", "usps.t.bz2")}
    if name == "semeion":
        stream = io.StringIO()
        np.savetxt(stream, np.hstack([(SMALL > 99).reshape(20, 256), np.eye(10)[LABELS]]), fmt="%.4f")
        return {"semeion.data": stream.getvalue().encode()}
    if name == "svhn":
        return {f"{p}_32x32.mat": mat(COLOURS, np.where(LABELS == 0, 10, LABELS)) for p in ("train", "test")}
    if name == "qmnist":
        images, _ = mnist_like(DIGITS, LABELS)
        return {f"qmnist-{p}-images-idx3-ubyte.gz": images for p in ("train", "test")} | {
            f"qmnist-{p}-labels-idx2-int.gz": qmnist_labels(n) for p, n in (("train", 0), ("test", 2100))
        }
    if name == "mnist_c":
        entries = {}
        for part in ("train", "test"):
            for corruption in mnist_c._CORRUPTIONS:
                entries[f"mnist_c/{corruption}/{part}_images.npy"] = npy(DIGITS[:10, :, :, None])
                entries[f"mnist_c/{corruption}/{part}_labels.npy"] = npy(LABELS[:10])
        return {"mnist_c.zip": zipped(entries)}
    if name == "kannada":
        images, labels = mnist_like(DIGITS, LABELS)
        return {f"X_kannada_MNIST_{p}-idx3-ubyte.gz": images for p in ("train", "test")} | {
            f"y_kannada_MNIST_{p}-idx1-ubyte.gz": labels for p in ("train", "test")
        }
    if name == "optdigits":
        stream = io.StringIO()
        np.savetxt(stream, np.column_stack([COUNTS.reshape(20, 64), LABELS]), fmt="%d", delimiter=",")
        return {f"optdigits.{kind}": stream.getvalue().encode() for kind in ("tra", "tes")}
    if name == "madbase":
        return madbase_files(STROKES)
    entries = {}
    for selection in emnist.SELECTIONS:
        images, labels = mnist_like(DIGITS.transpose(0, 2, 1), LETTERS if selection == "letters" else LABELS)
        for part in ("train", "test"):
            entries[f"gzip/emnist-{selection}-{part}-images-idx3-ubyte.gz"] = images
            entries[f"gzip/emnist-{selection}-{part}-labels-idx1-ubyte.gz"] = labels
    return {"gzip.zip": zipped(entries)}


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Start a server, and let the records of a data set name it, with the hashes of its files."""
    contents, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(contents[self.path])))
            self.end_headers()
            self.wfile.write(contents[self.path])

        def log_message(self, *arguments):
            """Stay silent."""

    monkeypatch.setenv("LENETKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def local(record, wrong=False):
        content = contents[f"/{quote(record.name)}"]
        kind = "md5" if record.md5 else "sha256"
        digest = hashlib.new(kind, content + b"x" * wrong).hexdigest()
        size = len(content) if kind == "sha256" else record.size
        url = f"http://127.0.0.1:{server.server_port}/{quote(record.name)}"
        return attrs.evolve(record, mirrors=[url], size=size, **{kind: digest})

    def begin(name, published, wrong=False, files=None):
        contents.update({f"/{quote(file)}": content for file, content in (files or files_of(name)).items()})
        parts = {part: tuple(local(record, wrong) for record in records) for part, records in published.parts.items()}
        return attrs.evolve(published, parts=parts)

    yield begin, asked
    server.shutdown()
    server.server_close()
    thread.join()


MODULES = {
    "kmnist": kmnist,
    "k49": k49,
    "kannada": kannada,
    "madbase": madbase,
    "optdigits": optdigits,
    "usps": usps,
    "semeion": semeion,
    "svhn": svhn,
    "qmnist": qmnist,
    "mnist_c": mnist_c,
}
SHOWN = {
    "usps": SMALL,
    "semeion": (SMALL > 99) * np.uint8(255),
    "svhn": COLOURS,
    "madbase": STROKES,
    "optdigits": np.rint(COUNTS * (255 / 16)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_published_data_set_is_fetched_once_and_read(name, serve, monkeypatch, recwarn):
    """Upright, in 0..255, classes named, without a notice."""
    begin, asked = serve
    monkeypatch.setattr(MODULES[name], name.upper(), begin(name, getattr(MODULES[name], name.upper())))
    test = load_dataset(name) if name == "semeion" else load_dataset(name, subset="test")
    n = 150 if name == "mnist_c" else 20
    assert len(test) == n
    assert np.array_equal(test.images[:10], SHOWN.get(name, DIGITS)[:10])
    assert test.labels[:10].tolist() == LABELS[:10].tolist()
    assert test.name == name
    assert len(test.class_names) == (49 if name == "k49" else 10)
    count = len(asked)
    assert len(load_dataset(name)) == (n if name == "semeion" else 2 * n)
    again = load_dataset(name, download=False)
    assert again.fingerprint == load_dataset(name, download=False).fingerprint
    assert len(asked) == len(set(asked)) >= count
    assert not [warning for warning in recwarn if "read as" in str(warning.message)]


def test_groups_are_writers_and_corruptions(serve, monkeypatch):
    """Of QMNIST and MNIST-C; the lost digits are those after the first 10,000."""
    begin, _ = serve
    monkeypatch.setattr(qmnist, "QMNIST", begin("qmnist", qmnist.QMNIST))
    monkeypatch.setattr(mnist_c, "MNIST_C", begin("mnist_c", mnist_c.MNIST_C))
    assert load_dataset("qmnist", subset="test").groups.tolist() == list(range(2100, 2120))
    assert load_dataset("mnist_c", subset="test").groups[::10].tolist() == list(mnist_c._CORRUPTIONS)
    monkeypatch.setattr(qmnist, "_KNOWN", 15)
    lost = load_dataset("qmnist-lost")
    assert np.array_equal(lost.images, DIGITS[15:])
    assert lost.groups.tolist() == list(range(2115, 2120))
    with pytest.raises(SettingError, match="no predefined splits"):
        load_dataset("qmnist-lost", subset="test")


def test_mnist_has_its_writers_where_qmnist_is_at_hand(serve, monkeypatch):
    """And as before where it is not, or where its tables are for other digits."""
    begin, asked = serve
    monkeypatch.setattr(qmnist, "QMNIST", begin("qmnist", qmnist.QMNIST))
    monkeypatch.setattr(qmnist, "_KNOWN", 15)

    class Known:
        def load(self, *, subset, data_dir, download):
            n = {"train": 20, "test": 15, "all": 35}[subset]
            return Dataset(images=np.resize(DIGITS, (n, *DIGITS.shape[1:])), labels=np.resize(labels[subset], n))

    labels = {"train": LABELS, "test": LABELS, "all": np.concatenate([LABELS, LABELS[:15]])}
    monkeypatch.setattr(mnist, "MNIST", Known())
    assert load_dataset("mnist", subset="test").groups is None
    assert not asked
    load_dataset("qmnist")
    count = len(asked)
    assert load_dataset("mnist", subset="test").groups.tolist() == list(range(2100, 2115))
    assert load_dataset("mnist").groups.tolist() == [*range(20), *range(2100, 2115)]
    labels["train"] = LABELS[::-1].copy()
    assert load_dataset("mnist", subset="train").groups is None
    assert len(asked) == count


def test_mnist_c_is_made_only_for_who_asks_for_it(serve, monkeypatch):
    """In its order, from MNIST of either part; its own name never falls back."""
    begin, _ = serve
    monkeypatch.setattr(mnist_c, "MNIST_C", begin("mnist_c", mnist_c.MNIST_C, wrong=True))

    class Known:
        def load(self, *, subset, data_dir, download):
            taken = {"train": slice(0, 12), "test": slice(12, 20), "all": slice(0, 20)}[subset]
            return Dataset(images=STROKES[taken], labels=LABELS[taken])

    monkeypatch.setattr(mnist, "MNIST", Known())
    with pytest.raises(DownloadError, match=r"found [\s\S]*load_dataset\('mnist_c-made'\) makes"):
        load_dataset("mnist_c", subset="test")
    made = load_dataset("mnist_c-made", subset="test")
    assert made.groups[::8].tolist() == list(mnist_c._CORRUPTIONS)
    assert made.name == "mnist_c-made"
    for start, kind in zip(range(0, 120, 8), mnist_c._CORRUPTIONS, strict=True):
        assert np.array_equal(made.images[start : start + 8], corrupt(STROKES[12:], kind)), kind
        assert np.array_equal(made.labels[start : start + 8], LABELS[12:]), kind
    whole = load_dataset("mnist_c-made")
    assert len(whole) == 15 * 20
    assert np.array_equal(whole.images[15 * 12 :], made.images)
    assert np.array_equal(whole.images[: 15 * 12], load_dataset("mnist_c-made", subset="train").images)
    assert set(mnist_c._CORRUPTIONS) == set(CORRUPTIONS)


def test_making_mnist_c_needs_mnist(monkeypatch, tmp_path):
    """The error is MNIST's own."""
    monkeypatch.setattr(mnist, "MNIST", attrs.evolve(mnist.MNIST, name="nowhere"))
    with pytest.raises(DownloadError, match="nowhere"):
        load_dataset("mnist_c-made", subset="test", data_dir=tmp_path, download=False)


@pytest.mark.parametrize("selection", emnist.SELECTIONS)
def test_emnist_is_upright_and_its_classes_named(selection, serve, monkeypatch):
    """One archive for all six."""
    begin, asked = serve
    monkeypatch.setitem(emnist.EMNIST, selection, begin("emnist", emnist.EMNIST[selection]))
    dataset = load_dataset(f"emnist-{selection}", subset="test")
    assert np.array_equal(dataset.images, DIGITS)
    expected = list(string.ascii_uppercase[:20]) if selection == "letters" else LABELS.astype(str).tolist()
    assert list(map(str, dataset.labels.tolist())) == expected
    n_classes = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26}
    assert len(dataset.class_names) == n_classes.get(selection, 10)
    assert asked == ["/gzip.zip"]


@pytest.mark.parametrize("on_its_side", [False, True])
@pytest.mark.parametrize("inverted", [False, True])
def test_madbase_is_upright_and_bright_however_its_pictures_are(on_its_side, inverted, serve, monkeypatch):
    """The ones tell the first, the border the second."""
    begin, _ = serve
    drawn = STROKES.swapaxes(1, 2) if on_its_side else STROKES
    files = madbase_files(255 - drawn if inverted else drawn)
    monkeypatch.setattr(madbase, "MADBASE", begin("madbase", madbase.MADBASE, files=files))
    assert np.array_equal(load_dataset("madbase", subset="train").images, STROKES)


def test_the_published_hash_of_optdigits_is_that_of_scikit_learns_digits(tmp_path):
    """Written as the published text: real digits, by name, without a network."""
    bundled = load_digits()
    rows = np.column_stack([bundled.data.astype(int), bundled.target])
    content = "".join(",".join(map(str, row)) + "\n" for row in rows.tolist()).encode()
    (record,) = optdigits.OPTDIGITS.parts["test"]
    assert verify(content, record) == content
    with pytest.raises(UnfitError, match="with sha256"):
        verify(content[:-2] + b"9\n", record)
    (tmp_path / "optdigits").mkdir()
    (tmp_path / "optdigits" / "optdigits.tes").write_bytes(content)
    test = load_dataset("optdigits", subset="test", data_dir=tmp_path, download=False)
    assert test.fingerprint == load_dataset("digits").fingerprint


def test_a_file_with_another_hash_is_never_read(serve, monkeypatch):
    """Each is refused with its reason."""
    begin, _ = serve
    for name in ("usps", "svhn"):
        monkeypatch.setattr(MODULES[name], name.upper(), begin(name, getattr(MODULES[name], name.upper()), wrong=True))
        with pytest.raises(DownloadError, match=r"with (md5|sha256) \w+, found \w+"):
            load_dataset(name)


def test_what_the_user_has_is_used_without_a_network(serve, monkeypatch, tmp_path):
    """Put into the folder under its published name."""
    begin, asked = serve
    monkeypatch.setattr(usps, "USPS", begin("usps", usps.USPS))
    (tmp_path / "mine" / "usps").mkdir(parents=True)
    for file, content in files_of("usps").items():
        (tmp_path / "mine" / "usps" / file).write_bytes(content)
    assert len(load_dataset("usps", data_dir=tmp_path / "mine", download=False)) == 40
    assert asked == []


def test_every_record_is_complete():
    """Licence, citation, and where the hash was read."""
    names = [name for name in list_datasets() if dataset_info(name).loader.__module__.startswith("lenetkit.")]
    assert set(MODULES) | {"emnist-digits", "qmnist-lost"} <= set(names)
    for name in names:
        info = dataset_info(name)
        assert info.licence, name
        assert info.citation, name
        assert info.source or name in ("mnist", "fashion_mnist", "digits"), name


@pytest.mark.parametrize(("kind", "digest"), [("md5", "0" * 31), ("md5", "G" * 32), ("sha256", "0" * 32)])
def test_a_hash_that_is_none_is_refused(kind, digest):
    """By its length and its digits."""
    with pytest.raises(SettingError, match=rf"the {kind} of a must be \d+ lower-case"):
        RemoteFile(name="a", size=3, mirrors=(), packed=kind == "md5", **{kind: digest})
