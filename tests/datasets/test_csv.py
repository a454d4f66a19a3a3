"""Kaggle's CSV layout through pandas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.datasets import load_dataset
from lenetkit.datasets._formats.csv import read_csv
from lenetkit.exceptions import DataError, LenetkitError

HEADER = "label,pixel0,pixel1,pixel2,pixel3"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes lines to a CSV file."""

    def write_lines(*lines):
        path = tmp_path / "train.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write_lines


def test_pixels_run_along_the_rows_of_a_square(write):
    """As Kaggle has them."""
    images, labels = read_csv(write(HEADER, "7,0,1,2,255", "1,4,5,6,7"))
    assert images.dtype == np.uint8
    assert images.tolist() == [[[0, 1], [2, 255]], [[4, 5], [6, 7]]]
    assert labels.tolist() == [7, 1]
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    "header",
    ["label,pixel1,pixel2,pixel3,pixel4", "label,1x1,1x2,2x1,2x2", "label,pixel0,pixel1,pixel2,pixel3"],
)
def test_pixels_may_be_numbered_from_one_or_placed(header, write):
    """The two other namings that are about."""
    assert read_csv(write(header, "7,0,1,2,255"))[0].tolist() == [[[0, 1], [2, 255]]]


def test_columns_may_stand_in_any_order(write):
    """Their names say where they belong."""
    images, labels = read_csv(write("pixel3,pixel0,label,pixel2,pixel1", "255,0,7,2,1"))
    assert images.tolist() == [[[0, 1], [2, 255]]]
    assert labels.tolist() == [7]


def test_placed_pixels_need_not_be_square(write):
    """Row x column."""
    assert read_csv(write("label,1x1,1x2,1x3,2x1,2x2,2x3", "0,1,2,3,4,5,6"))[0].tolist() == [[[1, 2, 3], [4, 5, 6]]]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,pixel0", r"must have a header line .*starts with id, pixel0 and has no column label"),
        ("pixel0,pixel1,pixel2,pixel3", "has no column label"),
        ("5,0,0,0,0", "it starts with 5, 0, 0.1"),
        ("label", "must have a header line with the columns label, pixel0"),
        ("label,pixel0,pixel1,pixel3", "the column pixel2 is missing; there are 3 up to pixel3"),
        ("label,pixel0,pixel1,pixel2", r"3 pixels make no square image \(1 x 1 would be 1\)"),
        ("label,pixel0,pixel1,name,pixel3", "the column 'name' is neither label nor a pixel like pixel0"),
        ("label,a,b", "must be pixel0, pixel1, .* or 1x1, 1x2, .*; got 'a'"),
        ("label,1x1,1x2,2x1", r"must be 1x1 to 2x2 \(row x column\), 4 in all, each once; got 3"),
        ("label,0x0,0x1,1x0,1x1", "must be 1x1 to 1x1"),
    ],
)
def test_columns_that_make_no_image_are_refused(header, message, write):
    """By the header alone."""
    with pytest.raises(DataError, match=message):
        read_csv(write(header, "1,2,3"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("7,0,1,2,256", "pixel3 must be an integer from 0 to 255; it is '256'"),
        ("7,0,1,2,-1", "pixel3 must be .*; it is '-1'"),
        ("7,0,0.5,2,3", "pixel1 must be .*; it is '0.5'"),
        ("7,0,,2,3", "pixel1 must be .*; it is missing"),
        ("7,0,nan,2,3", "pixel1 must be .*; it is missing"),
        ("7,0,inf,2,3", "pixel1 must be .*; it is 'inf'"),
        ("7,0,x,2,3", "pixel1 must be .*; it is 'x'"),
        ("7,0,1,2", "pixel3 must be .*; it is missing"),
        ("7,0,1,2,1e30", "pixel3 must be .*; it is '1e"),
        (",0,1,2,3", "label must be a class name or an integer from 0; it is missing"),
        ("3.7,0,1,2,3", "label must be .*; it is '3.7'"),
        ("-1,0,1,2,3", "label must be .*; it is '-1'"),
        ("1e300,0,1,2,3", "label must be .*; it is '1e300'"),
    ],
)
def test_a_bad_row_is_named(row, message, write):
    """By its row, its line, its column and what it holds."""
    with pytest.raises(DataError, match=rf"train\.csv .*1 in all(.|\n)*row 1 \(line 3\): {message}"):
        read_csv(write(HEADER, "7,0,1,2,3", row, "1,0,1,2,3"))


@pytest.mark.parametrize("k", [1, 20, 21, 3000])
def test_of_k_bad_rows_exactly_k_are_reported(k, write):
    """The message shows twenty and the number; the attribute holds all."""
    rows = ["1,0,0,0,0"] * 6000
    bad = np.sort(np.random.default_rng(k).choice(6000, k, replace=False))
    for row in bad:
        rows[row] = "1,0,0,0,999"
    with pytest.raises(DataError, match=rf"\({k} in all\)") as caught:
        read_csv(write(HEADER, *rows))
    assert [int(entry.split()[1]) for entry in caught.value.entries] == bad.tolist()
    assert ("and" in str(caught.value).splitlines()[-1]) == (k > 20)
    assert len(str(caught.value).splitlines()) == 1 + min(k, 21)


def test_a_row_that_is_too_long_is_named(write):
    """Pandas says which line."""
    with pytest.raises(DataError, match=r"train\.csv is not a CSV file .*line 3, saw 6"):
        read_csv(write(HEADER, "1,0,0,0,0", "1,0,0,0,0,0"))
    with pytest.raises(DataError, match="the first rows have more values than there are columns"):
        read_csv(write(HEADER, "1,0,0,0,0,0"))


def test_empty_lines_are_passed_over_and_counted(write):
    """So that the line is the one that an editor shows."""
    images, _ = read_csv(write(HEADER, "", "1,0,0,0,0", "", ""))
    assert len(images) == 1
    with pytest.raises(DataError, match=r"\(line 4\): pixel3"):
        read_csv(write(HEADER, "1,0,0,0,0", "", "1,0,0,0,999", ""))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(["7", "7.0", " 3"], [7, 7, 3]), (["a", "B", "a"], ["a", "B", "a"]), (["a", "7"], ["a", "7"])],
)
def test_labels_are_integers_or_names(texts, expected, write):
    """Whole numbers however a spreadsheet writes them; names where one is no number."""
    labels = read_csv(write(HEADER, *(f"{text},0,0,0,0" for text in texts)))[1]
    assert labels.tolist() == expected


def test_many_rows_are_read_in_blocks_and_in_order(write):
    """What the blocks of rows hold is put together."""
    pixels = np.random.default_rng(0).integers(0, 256, (5001, 4))
    path = write(HEADER, *(",".join(map(str, [row % 10, *values])) for row, values in enumerate(pixels)))
    images, labels = read_csv(path)
    assert np.array_equal(images.reshape(-1, 4), pixels)
    assert np.array_equal(labels, np.arange(5001) % 10)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\0", b"label,pixel0\n"])
def test_a_file_without_rows_is_refused(content, tmp_path):
    """Empty, binary, or a header and nothing else."""
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.csv (is not a CSV file|has a header line but no rows|must have)"):
        load_dataset(tmp_path / "x.csv")


def test_a_label_that_can_be_no_class_is_named(write):
    """Its row is the one in the file."""
    with pytest.raises(DataError, match=r"train\.csv: label 1 is 200, which is no class"):
        load_dataset(write(HEADER, "1,0,0,0,0", "200,0,0,0,0"))


TEXT = st.text("0123456789,.-+e\n\r\"' axnNlabelpix\0é", max_size=40)


@given(head=TEXT | st.just(HEADER + "\n"), body=TEXT)
@settings(max_examples=200, deadline=None)
def test_any_text_gives_arrays_or_one_of_our_errors(head, body, tmp_path_factory):
    """Nothing else comes out of the reader, whatever goes in."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_text(head + body, encoding="utf-8")
    try:
        images, labels = read_csv(path)
    except LenetkitError:
        return
    assert images.dtype == np.uint8
    assert len(images) == len(labels) > 0
