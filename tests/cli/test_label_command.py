"""Tests for ``lenetkit label``: its mistakes, each one message before anything is changed."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from lenetkit.synthesis import draw_digits

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a place with a folder of two pictures, and others that are no such thing."""
    for name in ("scans", "empty", "bad", "folder.csv"):
        (tmp_path / name).mkdir()
    for index, image in enumerate(draw_digits(2, seed=1).images):
        PIL.Image.fromarray(image).save(tmp_path / "scans" / f"{index}.png")
    (tmp_path / "empty" / "notes.txt").write_text("7")
    (tmp_path / "bad" / "a.png").write_bytes(b"no picture")
    (tmp_path / "other.csv").write_text("name,age\nann,7\n")
    (tmp_path / "numbers.csv").write_text("file,text,left_out\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["HERE/none"], "error: HERE/none must be a folder of pictures; there is no such folder."),
        (["HERE/other.csv"], "error: HERE/other.csv must be a folder of pictures; it is a file."),
        (["HERE/empty"], "error: HERE/empty has no pictures: name a folder with some, such as PNG or JPEG files."),
        (["HERE/bad"], "HERE/bad/a.png must be a picture in PNG"),
        (["HERE/bad"], "error: HERE/bad has no picture that can be read."),
        (["HERE/scans", "--labels", "HERE/other.csv"], "line 1: it must be file,label,left_out; it is name,age."),
        (["HERE/scans", "--labels", "HERE/numbers.csv"], "It holds numbers: give --numbers. Nothing was changed."),
        (["HERE/scans", "--labels", "HERE/labels.txt"], "the file of labels must end in .csv; got HERE/labels.txt."),
        (
            ["HERE/scans", "--labels", "HERE/none/l.csv"],
            "there is no folder HERE/none for the labels. Create it first.",
        ),
        (["HERE/scans", "--adapt"], "--adapt and --output belong together: give both, or none."),
        (["HERE/scans", "--output", "HERE/mine.lenet"], "--adapt and --output belong together: give both, or none."),
        (["HERE/scans", "--adapt", "--output", "HERE/none/x.lenet"], "there is no folder HERE/none. Create it first."),
        (["HERE/scans", "--adapt", "--output", "HERE/m.lenet", "--numbers"], "learns from pictures of single digits"),
        (["HERE/scans", "--port", "PORT"], "error: port PORT on 127.0.0.1 is taken by another program"),
        (["HERE/scans", "--host", "192.0.2.1"], "anybody who can reach 192.0.2.1 can see and label the pictures"),
        (["HERE/scans", "--pipeline", "none.lenet"], "cannot load none.lenet: there is no such file"),
        (["HERE/scans", "--labels", "HERE/folder.csv"], "cannot write HERE/folder.csv: it must be a regular file"),
        (["/"], "error: there is no place beside this folder for the table: name a file for the labels."),
        ([], "Missing argument 'FOLDER'"),
    ],
)
def test_the_command_says_what_is_wrong(run: Run, folder: Path, arguments: list[str], message: str) -> None:
    """In one sentence, with the exit code of wrong usage, and no file is there that was not."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = run("label", *(text.replace("HERE", str(folder)).replace("PORT", port) for text in arguments))
    assert (answer.stdout, answer.returncode) == ("", 2)
    assert message.replace("HERE", str(folder)).replace("PORT", port) in answer.stderr
    assert "Traceback" not in answer.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a folder that takes no files from anybody")
def test_a_place_that_takes_no_files_is_said_to_be_none(run: Run, folder: Path) -> None:
    """In one sentence, for the table."""
    answer = run("label", folder / "scans", "--labels", "/proc/labels.csv")
    assert (answer.stdout, answer.returncode) == ("", 2)
    assert answer.stderr.startswith("error: /proc/labels.csv cannot be written: ")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs permissions that bind its user")
def test_a_table_that_cannot_be_written_is_said_to_be(run: Run, folder: Path) -> None:
    """Before the pictures are read."""
    folder.chmod(0o555)
    try:
        answer = run("label", folder / "scans")
    finally:
        folder.chmod(0o755)
    assert answer.returncode == 2
    assert f"{folder / 'scans-labels.csv'} cannot be written: " in answer.stderr


def test_the_help_has_examples(run: Run) -> None:
    """And the keys."""
    text = run("label", "--help").stdout
    assert "lenetkit label scans --adapt --output mine.lenet" in text
    assert "Backspace undoes" in text
