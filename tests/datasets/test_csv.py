"""Kaggle's CSV layout through pandas."""

import gzip
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.datasets import load_dataset
from lenetkit.datasets._formats import csv as pixel_csv
from lenetkit.datasets._formats.csv import read_pixel_table
from lenetkit.exceptions import DataError, DataNotice, LenetkitError

HEADER = "label,pixel0,pixel1,pixel2,pixel3"


def read_csv(path):
    """Return images and labels alone."""
    return pixel_csv.read_csv(path)[:2]


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
        ("id,pixel0", r"has the pixels of 1 x 1 images but no column label \(or class, target, digit, y\)"),
        ("pixel0,pixel1,pixel2,pixel3", "has the pixels of 2 x 2 images but no column label"),
        ("5,0,0,0,0,0,0", "must have a header line .* or no header .*; it starts with 5, 0, 0 and has 7 columns"),
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


# Tables as people have them

SIDE = 5
PIXELS = np.random.default_rng(7).integers(0, 256, (30, SIDE * SIDE))
PIXELS[:, [0, -1]] = 0
LABELS = np.arange(30) % 10
NAMED = pd.DataFrame(PIXELS).add_prefix("pixel")


def check(path):
    images, labels = read_csv(path)
    assert np.array_equal(images.reshape(30, -1), PIXELS)
    assert labels.tolist() == LABELS.tolist()
    assert np.array_equal(read_pixel_table(path), images)


@pytest.mark.parametrize("name", ["label", "class", "target", "digit", "y", "Label", " CLASS"])
@pytest.mark.parametrize("position", [0, 3, SIDE * SIDE])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_label_is_known_by_its_usual_names(name, position, separator, tmp_path):
    """Wherever the column stands, and whatever parts the columns."""
    table = NAMED.copy()
    table.insert(position, name, LABELS)
    table.to_csv(tmp_path / "x.csv", sep=separator, index=False)
    check(tmp_path / "x.csv")


@pytest.mark.parametrize("prefix", ["pixel", "pixel_", "px", "V", "", "Pixel "])
@pytest.mark.parametrize("index", [None, "id", "ID", "index", "", "image_id"])
def test_an_index_is_passed_over_and_pixels_may_begin_otherwise(prefix, index, tmp_path):
    """Columns of numbers, with what pandas and R write in front of them."""
    table = pd.DataFrame(PIXELS).add_prefix(prefix).assign(label=LABELS)
    table.to_csv(tmp_path / "x.csv", index=index is not None, index_label=index or None)
    check(tmp_path / "x.csv")


@pytest.mark.parametrize(("position", "word"), [(0, "first"), (SIDE * SIDE, "last")])
@pytest.mark.parametrize("header", [None, [f"V{number}" for number in range(1, SIDE * SIDE + 2)]])
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_column_without_a_name_is_taken_for_the_label_and_that_is_said(position, word, header, separator, tmp_path):
    """The first, or the last where the first is the same in every row; the file and the columns are named."""
    table = pd.DataFrame(np.insert(PIXELS, position, LABELS, axis=1))
    table.to_csv(tmp_path / "x.csv", header=header or False, index=False, sep=separator)
    what = "no column named label" if header else "no header line"
    message = rf"x\.csv has {what}: the {word} of its 26 columns is read as the label, .* 25 as the pixels of 5 x 5"
    with pytest.warns(DataNotice, match=message) as caught:
        check(tmp_path / "x.csv")
    assert {notice.filename for notice in caught} == {__file__}


def test_names_may_be_labels_without_a_header(write):
    """A first row with one word is a row."""
    with pytest.warns(DataNotice, match="the first of its 5 columns is read as the label"):
        images, labels = read_csv(write("one,0,9,2,3", "two,4,5,6,7"))
    assert labels.tolist() == ["one", "two"]
    assert images.tolist() == [[[0, 9], [2, 3]], [[4, 5], [6, 7]]]


@pytest.mark.parametrize("header", [False, True])
def test_a_table_without_labels_is_images_but_no_data_set(header, tmp_path):
    """The error names the file and its cure, not its columns."""
    NAMED.to_csv(tmp_path / "x.csv", header=header, index=False)
    assert np.array_equal(read_pixel_table(tmp_path / "x.csv").reshape(30, -1), PIXELS)
    with pytest.raises(
        DataError, match=r"x\.csv has the pixels of 5 x 5 images but no column label.*predict"
    ) as caught:
        load_dataset(tmp_path / "x.csv")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["x.csv.gz", "x.CSV.GZ", "x.csv", "x.tsv.gz"])
def test_a_gzipped_table_is_read_by_its_content(name, tmp_path):
    """By its path, or alone in a folder."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(NAMED.assign(label=LABELS).to_csv(index=False).encode()))
    check(path)
    assert load_dataset(path).name == "x"
    assert load_dataset(tmp_path).labels.tolist() == LABELS.tolist()


def test_a_gzipped_table_that_is_damaged_or_a_bomb_is_named(tmp_path, monkeypatch):
    """By the name that was given."""
    whole = gzip.compress(NAMED.assign(label=LABELS).to_csv(index=False).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[:-100])
    with pytest.raises(DataError, match=r"cut\.csv\.gz is not a CSV file of images: EOFError"):
        load_dataset(tmp_path / "cut.csv.gz")
    monkeypatch.setattr("lenetkit.datasets._formats.csv_layout._MOST_UNPACKED", 1000)
    (tmp_path / "bomb.csv.gz").write_bytes(whole)
    with pytest.raises(DataError, match=r"bomb\.csv\.gz holds more than 1 GiB when unpacked"):
        load_dataset(tmp_path / "bomb.csv.gz")


def test_no_error_of_a_table_quotes_its_columns(tmp_path):
    """Be there hundreds of them."""
    table = pd.DataFrame(np.zeros((2, 784), int)).add_prefix("pixel")
    for name, wrong in {
        "few": table.iloc[:, :700].assign(label=1),
        "strange": table.assign(label=1, comment=1),
        "range": (table + 256).assign(label=1),
        "names": table.add_suffix("x").assign(label=1),
    }.items():
        wrong.to_csv(tmp_path / f"{name}.csv", index=False)
        with pytest.raises(DataError, match=rf"{name}\.csv") as caught:
            load_dataset(tmp_path / f"{name}.csv")
        assert len(str(caught.value)) < 500


TEXT = st.text("0123456789,.-+e\n\r\"' axnNlabelpix\0é", max_size=40)


@given(head=TEXT | st.just(HEADER + "\n"), body=TEXT)
@settings(max_examples=200, deadline=None)
def test_any_text_gives_arrays_or_one_of_our_errors(head, body, tmp_path_factory):
    """Nothing else comes out of the reader, whatever goes in."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_text(head + body, encoding="utf-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataNotice)
            images, labels = read_csv(path)
    except LenetkitError:
        return
    assert images.dtype == np.uint8
    assert len(images) == len(labels) > 0
