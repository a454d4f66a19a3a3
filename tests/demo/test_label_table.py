"""Tests for the table of decisions: what load_dataset makes of it, and what is left of it whatever happens."""

import csv
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lenetkit import load_dataset
from lenetkit._utils.files import STEPS
from lenetkit.demo._labelling.label_table import MISSING, NOTHING, SKIPPED, Decision, LabelTable, name_pictures
from lenetkit.demo._labelling.table_lock import hold_table
from lenetkit.exceptions import DataError, DataNotice, SettingError


def write_picture(path: Path, value: int = 0) -> None:
    """Write a picture of 4 x 4 pixels that are all alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.full((4, 4), value, np.uint8)).save(path, "png")


STEMS = st.text("ab7 ,;'\"=\t|\u00e9\u2028#-", min_size=1, max_size=6).filter(lambda stem: not stem.startswith("."))
DECISIONS = st.sampled_from(
    [*(Decision(str(digit)) for digit in range(10)), Decision("", NOTHING), Decision("", SKIPPED)]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    decisions=st.dictionaries(STEMS, DECISIONS, min_size=1, max_size=6), folder=st.sampled_from(["scans", " a,b", "x"])
)
@pytest.mark.filterwarnings("ignore::lenetkit.exceptions.DataNotice")
def test_what_was_decided_is_read_back(
    decisions: dict[str, Decision], folder: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """By the page, all of it; by load_dataset, the labels, in their order, each with its own picture."""
    place = tmp_path_factory.mktemp("law")
    files = {place / folder / f"{stem}.png": decision for stem, decision in decisions.items()}
    for value, path in enumerate(files):
        write_picture(path, value)
    named, unnamed = name_pictures(files, place)
    assert not unnamed
    table = LabelTable(place / "t.csv", "label")
    for name, path in named.items():
        table.change({name: files[path]})
    assert LabelTable(table.path, "label").rows == table.rows
    assert [named[name] for name in table.rows] == list(files)
    labelled = [(value, row.label) for value, row in enumerate(files.values()) if row.is_label]
    if labelled:
        dataset = load_dataset(table.path)
        assert dataset.images[:, 0, 0].tolist() == [value for value, _ in labelled]
        assert [dataset.class_names[label] for label in dataset.labels] == [label for _, label in labelled]


@pytest.mark.filterwarnings("ignore::lenetkit.exceptions.DataNotice")
def test_numbers_stay_texts(tmp_path: Path) -> None:
    """Zeros in front are part of them, and they number no classes."""
    texts = ["007", "003", "12"]
    for index in range(3):
        write_picture(tmp_path / "n" / f"{index}.png")
    table = LabelTable(tmp_path / "n.csv", "text")
    table.change({f"n/{index}.png": Decision(text) for index, text in enumerate(texts)})
    dataset = load_dataset(table.path)
    assert dataset.labels.tolist() == texts


def test_what_has_no_label_is_passed_over_and_that_is_said(tmp_path: Path) -> None:
    """Also a picture that is not there any more, however many there are."""
    for name in ("a", "b", "c"):
        write_picture(tmp_path / "s" / f"{name}.png")
    table = LabelTable(tmp_path / "s.csv", "label")
    rows = {"s/a.png": Decision("3"), "s/b.png": Decision("", NOTHING), "s/c.png": Decision("", SKIPPED)}
    table.change({**rows, **{f"s/gone{index}.png": Decision("5") for index in range(5)}})
    reopened = LabelTable(table.path, "label")
    assert reopened.rows["s/gone0.png"] == Decision("5", MISSING)
    with pytest.warns(DataNotice, match=r"s\.csv: 7 rows are passed over"):
        dataset = load_dataset(table.path)
    assert dataset.labels.tolist() == [3]
    write_picture(tmp_path / "s" / "gone0.png")
    assert LabelTable(table.path, "label").rows["s/gone0.png"] == Decision("5")


@pytest.mark.parametrize("cut", range(1, len("s/b.png,,skipped\n")))
def test_a_last_line_that_was_cut_off_is_repaired(cut: int, tmp_path: Path) -> None:
    """The picture is asked for again; the lines before it stay."""
    write_picture(tmp_path / "s" / "a.png")
    path = tmp_path / "s.csv"
    path.write_text("file,label,left_out\ns/a.png,3,\n" + "s/b.png,,skipped\n"[:-cut])
    table = LabelTable(path, "label")
    assert next(iter(table.rows)) == "s/a.png"
    assert set(table.rows) <= {"s/a.png", "s/b.png"}
    assert ("s/b.png" in table.rows) == (cut == 1)
    assert bool(table.torn) == (cut != 1)
    assert path.read_bytes().endswith(b"\n") or not table.torn


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name,age\nann,7\n", "line 1: it must be file,label,left_out; it is name,age"),
        (b"file,text,left_out\n", "It holds numbers: give --numbers"),
        (b"file,label,left_out\na.png,7\nb.png,3,\n", "line 2: it must be a file, a label"),
        (b"file,label,left_out\na.png,,\n", "line 2"),
        (b"file,label,left_out\na.png,7,who knows\n", "line 2"),
        (b"\xff\xfe\x00", "is not a table of lenetkit label"),
        (b"file,label,left_out\n" + b'"' + b"x" * 200_000, "is not a table of lenetkit label"),
    ],
)
def test_a_file_of_somebody_else_is_left_alone(content: bytes, words: str, tmp_path: Path) -> None:
    """With one error, and not a byte changed."""
    path = tmp_path / "s.csv"
    path.write_bytes(content)
    with pytest.raises(SettingError, match="Nothing was changed") as error:
        LabelTable(path, "label")
    assert words in str(error.value)
    assert path.read_bytes() == content


def test_the_limit_of_the_module_csv_decides_nothing(tmp_path: Path) -> None:
    """It is one for the whole process, and other readers raise it."""
    path = tmp_path / "s.csv"
    path.write_bytes(b"file,label,left_out\n" + b'"' + b"x" * 200_000)
    before = csv.field_size_limit(2**24)
    try:
        with pytest.raises(SettingError, match="Nothing was changed"):
            LabelTable(path, "label")
    finally:
        csv.field_size_limit(before)


def test_an_empty_file_is_a_table_without_rows(tmp_path: Path) -> None:
    """As a program leaves it that was killed before its first word."""
    (tmp_path / "s.csv").touch()
    assert LabelTable(tmp_path / "s.csv", "label").rows == {}


def test_names_that_no_table_can_hold_are_told_apart(tmp_path: Path) -> None:
    """Of bytes that are no text, or with what load_dataset takes for a folder's end."""
    paths = [tmp_path / name for name in ("a.png", "b\udcff.png", "c\\d.png", "e\nf.png")]
    named, unnamed = name_pictures(paths, tmp_path)
    assert (list(named), unnamed) == (["a.png"], paths[1:])
    assert list(name_pictures([tmp_path / "a.png"], tmp_path / "elsewhere")[0]) == [str(tmp_path / "a.png")]


KILLED = """
import os, signal, sys
from pathlib import Path
from lenetkit.demo._labelling.label_table import Decision, LabelTable
table = LabelTable(Path(sys.argv[1]), "label")
left = int(sys.argv[3])
def hook(event, arguments):
    global left
    if event == "lenetkit._utils.files" and arguments[0] == sys.argv[2]:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
for index in range(10):
    table.change({f"s/{index}.png": Decision(str(index))})
    print(index, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_process_leaves_all_that_it_had_reported(step: str, tmp_path: Path) -> None:
    """At every step of its fourth write; the next one goes on from there."""
    for index in range(10):
        write_picture(tmp_path / "s" / f"{index}.png")
    path = tmp_path / "s.csv"
    line = [sys.executable, "-c", KILLED, str(path), step, "4"]
    ended = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGKILL, "")
    reported = [int(word) for word in ended.stdout.split()]
    assert reported == [0, 1, 2]
    table = LabelTable(path, "label")
    assert table.torn == ""
    kept = [row.label for row in table.rows.values()]
    assert kept in (["0", "1", "2"], ["0", "1", "2", "3"])
    table.change({"s/9.png": Decision("9")})
    assert sorted(os.listdir(tmp_path)) == ["s", "s.csv"]


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the file nor in memory."""
    write_picture(tmp_path / "s" / "a.png")
    table = LabelTable(tmp_path / "s.csv", "label")
    table.change({"s/a.png": Decision("1")})
    before = table.path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            table.change({"s/a.png": Decision("2")})
    assert (table.rows, table.path.read_bytes()) == ({"s/a.png": Decision("1")}, before)
    assert sorted(os.listdir(tmp_path)) == ["s", "s.csv"]


@pytest.mark.parametrize("what", ["changed", "removed"])
def test_what_another_program_wrote_meanwhile_is_not_lost(what: str, tmp_path: Path) -> None:
    """It is said at the next key; a new start goes on with it."""
    write_picture(tmp_path / "s" / "a.png")
    table = LabelTable(tmp_path / "s.csv", "label")
    table.change({"s/a.png": Decision("1")})
    if what == "changed":
        table.path.write_text("file,label,left_out\ns/a.png,8,\n")
    else:
        table.path.unlink()
    with pytest.raises(DataError, match=r"s\.csv was changed or removed by another program"):
        table.change({"s/a.png": Decision("2")})
    assert table.rows == {"s/a.png": Decision("1")}
    expected = {"s/a.png": Decision("8")} if what == "changed" else {}
    assert LabelTable(table.path, "label").rows == expected


def test_one_process_at_a_time_holds_a_table(tmp_path: Path) -> None:
    """The other one is told who does; nothing is left behind."""
    path = tmp_path / "s.csv"
    with hold_table(path):
        with pytest.raises(SettingError, match=rf"another lenetkit label works on .*: process {os.getpid()}"):
            hold_table(path).__enter__()
        with hold_table(tmp_path / "other.csv"):
            pass
    with hold_table(path):
        pass
    assert os.listdir(tmp_path) == []
