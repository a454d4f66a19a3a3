"""The IDX reader."""

import gzip
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.datasets.idx_files import write_idx

from lenetkit.datasets._formats.idx import read_idx
from lenetkit.exceptions import DataError, LenetkitError

ARRAYS = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))


def idx_bytes(shape, values=b"", kind=8):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + values


@given(array=ARRAYS, suffix=st.sampled_from(["", ".gz"]))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(array, suffix, tmp_path_factory):
    """Any uint8 array of one to four axes, gzipped or not."""
    path = tmp_path_factory.getbasetemp() / f"x-idx-ubyte{suffix}"
    write_idx(path, array)
    np.testing.assert_array_equal(read_idx(path), array, strict=True)


def test_gzip_is_told_by_content_not_by_name(tmp_path):
    """A gzipped file without .gz and a plain file with it are both read."""
    content = idx_bytes((2,), b"\x07\x02")
    (tmp_path / "plain.gz").write_bytes(content)
    (tmp_path / "packed").write_bytes(gzip.compress(content))
    assert read_idx(tmp_path / "plain.gz").tolist() == [7, 2]
    assert read_idx(tmp_path / "packed").tolist() == [7, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file.*got nothing"),
        (b"\0\0\x08", "is not an IDX file"),
        (b"<html>", "is not an IDX file.*got 3c 68 74 6d"),
        (idx_bytes((1,), b"\0\0\0\0", kind=10), "unsigned bytes.*got type 0a with 1 axes"),
        (b"\0\0\x08\0", "at least one axis.*with 0 axes"),
        (b"\0\0\x08\x03\0\0\0\x05", "ends before their lengths"),
        (idx_bytes((1,) * 33, b"\0"), "announces 33 axes; 32 are the most"),
        (idx_bytes((2, 3), b"\1" * 5), "announces 2 x 3 = 6 values, but (only )?5 follow"),
        (idx_bytes((2, 3), b"\1" * 7), "announces 2 x 3 = 6 values, but (7|more) follow"),
        (idx_bytes((2**32 - 1,) * 4), "is damaged|are the most accepted"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_does_not_hold_what_it_says_is_named(pack, content, message, tmp_path):
    """Wrong magic numbers, lying headers, truncation and trailing bytes, packed or not."""
    path = tmp_path / "train-images"
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match=f"train-images.*({message})"):
        read_idx(path)


def test_the_number_of_axes_can_be_demanded(tmp_path):
    """Labels in the place of images are noticed by the header."""
    write_idx(tmp_path / "x", np.zeros(4, np.uint8))
    with pytest.raises(DataError, match=r"must have 3 axes.*got 1"):
        read_idx(tmp_path / "x", expected_ndim=3)


def test_the_number_of_packed_values_is_limited(tmp_path):
    """The limit is compared with the header, before anything is read."""
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(idx_bytes((2**20, 2**10 + 1), bytes(6))))
    with pytest.raises(DataError, match="announces 1048576 x 1025 = 1074790400 values; 1073741824 are the most accept"):
        read_idx(path)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b[:30], lambda b: b + b"junk", lambda b: b[:-6] + b"xxxxxx"]
)
def test_a_damaged_gzip_file_is_named(damage, tmp_path):
    """Truncation, trailing bytes and a wrong checksum of the container."""
    path = tmp_path / "packed.gz"
    path.write_bytes(damage(gzip.compress(idx_bytes((50,), bytes(range(50))))))
    with pytest.raises(DataError, match=r"packed\.gz is damaged"):
        read_idx(path)


def test_a_gzip_bomb_does_not_fill_the_memory(tmp_path):
    """A stream that goes on behind what the header announces is left at the first byte too many."""
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(idx_bytes((10, 28, 28)) + bytes(2**27)))
    tracemalloc.start()
    with pytest.raises(DataError, match="announces 10 x 28 x 28 = 7840 values, but more follow"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_an_announced_gigabyte_takes_no_memory_until_it_comes(tmp_path):
    """A header of 16 bytes makes nobody allocate what it promises."""
    path = tmp_path / "liar"
    path.write_bytes(gzip.compress(idx_bytes((2**20, 32, 32), b"1234")))
    tracemalloc.start()
    with pytest.raises(DataError, match="but only 4 follow"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


def test_a_large_plain_file_stays_on_disk(tmp_path):
    """More than 128 MiB are mapped, not read."""
    path = tmp_path / "large"
    shape = (180_000, 28, 28)
    with path.open("wb") as file:
        file.write(idx_bytes(shape))
        file.seek(16 + 179_999 * 784 + 5)
        file.write(b"\x09")
        file.truncate(16 + 180_000 * 784)
    images = read_idx(path)
    assert isinstance(images, np.memmap)
    assert images.shape == shape
    assert images[-1, 0, :7].tolist() == [0, 0, 0, 0, 0, 9, 0]
    assert not images.flags.writeable


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_named_and_not_waited_for(kind, tmp_path):
    """A pipe without a writer would block for ever."""
    path = tmp_path / "thing"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no named pipes")
        os.mkfifo(path)
    with pytest.raises(DataError, match=r"thing (cannot be read: No such file|is not a file)"):
        read_idx(path)


VALID = idx_bytes((3, 2, 2), bytes(range(12)))


@given(
    content=st.binary(max_size=80)
    | st.builds(
        lambda start, junk, end: VALID[:start] + junk + VALID[end:],
        st.integers(0, 28),
        st.binary(max_size=6),
        st.integers(0, 28),
    ),
    packed=st.booleans(),
    cut=st.none() | st.integers(0, 60),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_an_array_or_one_of_our_errors(content, packed, cut, tmp_path_factory):
    """Nothing else comes out of the reader, whatever goes in."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes((gzip.compress(content, mtime=0) if packed else content)[:cut])
    try:
        array = read_idx(path)
    except LenetkitError:
        return
    assert array.dtype == np.uint8


@given(position=st.integers(0, 200), value=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_changed_byte_of_a_gzipped_file_is_noticed_or_harmless(position, value, tmp_path_factory):
    """The checksum holds for the values; only the fields of the gzip header that mean nothing may differ."""
    data = bytearray(gzip.compress(VALID, mtime=0))
    data[position % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(data)
    try:
        array = read_idx(path)
    except LenetkitError:
        return
    assert array.tobytes() == VALID[16:]


def test_the_official_mnist_files_are_read(shared_data: Path):
    """The real thing, gzipped."""
    labels = read_idx(shared_data / "mnist" / "t10k-labels-idx1-ubyte.gz", expected_ndim=1)
    images = read_idx(shared_data / "mnist" / "t10k-images-idx3-ubyte.gz", expected_ndim=3)
    assert images.shape == (10_000, 28, 28)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
