"""Tests for ``lenetkit read``."""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.bundle import read_bundle, write_bundle
from lenetkit.pretrained import get_path
from lenetkit.reading import DigitReading, LeftOut, Reading
from lenetkit.synthesis import draw_digits, draw_number, draw_paper

Run = Callable[..., Any]

read_command: Any = importlib.import_module("lenetkit.cli.read")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with pictures of two lines, of one and of none, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("read")
    for name, text in {"two.png": "30\n82", "one.png": "502"}.items():
        number = draw_number(text, seed=3)
        paper = draw_paper(*number.image.shape, shade=(240, 235, 220))
        PIL.Image.fromarray(number.on(paper)).save(folder / name)
    PIL.Image.fromarray(np.full((40, 60), 230, np.uint8)).save(folder / "none.png")
    (folder / "bad.png").write_bytes(b"not a picture")
    return folder


def test_text_has_path_and_text_for_each_line(run: Run, folder: Path) -> None:
    """Between tabs, in the order of the pictures; a picture without any digit has a line without text."""
    names = ["two.png", "none.png", "one.png"]
    answer = run("read", *(folder / name for name in names))
    assert (answer.returncode, answer.stderr) == (0, "")
    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    assert [(Path(path).name, text) for path, text in rows] == [
        ("two.png", "30"),
        ("two.png", "82"),
        ("none.png", ""),
        ("one.png", "502"),
    ]


def test_json_has_every_digit(run: Run, folder: Path) -> None:
    """One object on each line, as the library gives it."""
    path = folder / "two.png"
    answer = run("read", path, folder / "none.png", "--json")
    two, none = map(json.loads, answer.stdout.splitlines())
    assert none["image"] == str(folder / "none.png")
    assert [none[key] for key in ("text", "raw", "groups", "digits", "left_out")] == ["", "", [], [], []]
    expected = Pipeline.pretrained().read_number(path).to_dict()
    assert two == {"image": str(path), **expected}
    assert two["lines"] == ["30", "82"]


def test_a_place_that_was_left_out_is_a_question_mark(run: Run, tmp_path: Path) -> None:
    """In the text; --json says where and why."""
    digits = 255 - draw_digits(4, styles="american", seed=1).images
    row = np.concatenate([digits[0], digits[1], np.full((28, 28), 255, np.uint8), digits[2]], axis=1)
    row[4:24, 62:78] = 255 - 255 * (np.indices((20, 16)).sum(axis=0) % 6 < 2).astype(np.uint8)
    PIL.Image.fromarray(np.pad(row, 20, constant_values=255)).save(tmp_path / "row.png")
    # Which places are left out depends on who reads: here digit by digit.
    file = tmp_path / "by_digits.lenet"
    write_bundle(file, attrs.evolve(read_bundle(get_path("digits")), line_reader=None))
    reading = Pipeline.load(file).read_number(tmp_path / "row.png")
    assert [place.reason for place in reading.left_out] == ["unlike a digit"]
    command = ["read", tmp_path / "row.png", "--pipeline", file]
    assert run(*command).stdout.split("\t")[1] == f"{reading.text_with_doubts}\n"
    assert reading.text_with_doubts[2] == "?"
    found = json.loads(run(*command, "--json").stdout)
    assert [place["reason"] for place in found["left_out"]] == ["unlike a digit"]


def test_what_is_known_decides(run: Run, folder: Path, tmp_path: Path) -> None:
    """Each option is the library's setting of its name."""
    path = folder / "one.png"
    (tmp_path / "known.txt").write_text("\ufeff582\n\n 1503 \n", "utf-8")
    pipeline = Pipeline.pretrained()
    for options, settings in (
        (["--among", tmp_path / "known.txt"], {"among": ["582", "1503"]}),
        (["--length", "2"], {"length": 2}),
        (["--length", "1-2"], {"length": (1, 2)}),
        (["--pattern", "5#3"], {"pattern": "5#3"}),
        (["--check", "luhn", "--length", "3", "--lines", "1"], {"check": "luhn", "length": 3, "lines": 1}),
    ):
        found = json.loads(run("read", path, "--json", *options).stdout)
        assert found == {"image": str(path), **pipeline.read_number(path, **settings).to_dict()}
    assert run("read", path, "--among", tmp_path / "known.txt").stdout == f"{path}\t582\n"


def test_what_is_not_sure_is_not_answered(run: Run, folder: Path) -> None:
    """There is a dash and the reason, as for ``lenetkit predict``; --json has the best guess all the same."""
    sure, none = folder / "one.png", folder / "none.png"
    answer = run("read", sure, none, "--reject", "0.3")
    assert answer.returncode == 0
    assert answer.stdout.splitlines() == [f"{sure}\t502", f"{none}\t-\tthere is no number in the picture."]
    doubtful = run("read", sure, "--reject", "0.001", "--pattern", "5#3").stdout
    assert doubtful.startswith(f"{sure}\t-\tthe reading is right with a probability of ")
    found = json.loads(run("read", sure, "--reject", "0.001", "--pattern", "5#3", "--json").stdout)
    assert (found["rejected"], found["text"][0], found["text"][2]) == (True, "5", "3")
    assert found["reason"] in doubtful


def test_alternatives_stand_beside_the_number(run: Run, folder: Path) -> None:
    """One row for each image, whatever its lines, with the library's alternatives."""
    two, none = folder / "two.png", folder / "none.png"
    options = [two, none, "--alternatives", "3"]
    first, second = (line.split("\t") for line in run("read", *options).stdout.splitlines())
    expected = Pipeline.pretrained().read_number(two).alternatives(3)
    assert expected[0][0] == "30\n82"
    cells = [cell for text, p in expected for cell in (text.replace("\n", r"\n"), f"{p:.4f}")]
    assert first == [str(two), r"30\n82", *cells]
    assert second == [str(none), ""]
    found = [json.loads(line)["alternatives"] for line in run("read", *options, "--json").stdout.splitlines()]
    assert found == [[{"text": text, "probability": p} for text, p in expected], []]


def test_a_number_with_signs_is_printed_as_it_stands() -> None:
    """Its digits alone would be another number; what has no signs shows its doubts."""
    blank = np.full((40, 60), 255, np.uint8)
    one = DigitReading(label=1, probability=0.9, box=(2, 2, 10, 30), line=0)
    point = LeftOut(box=(12, 26, 15, 30), reason="the sign .", probability=0.0, line=0)
    five = attrs.evolve(one, label=5, box=(17, 2, 28, 30))
    reading = Reading(digits=(one, five), left_out=(point,), image=blank, raw="1.5")
    assert read_command._to_text("a.png", reading, None) == "a.png\t1.5"
    assert read_command._to_text("a.png", attrs.evolve(reading, raw="1 5"), None) == "a.png\t1?5"


def test_a_folder_is_read_in_order_by_several_threads(run: Run, folder: Path) -> None:
    """The answers are those of one thread."""
    answers = [run("read", folder, "--jobs", jobs) for jobs in (1, 3)]
    assert answers[0].stdout == answers[1].stdout
    assert [Path(line.split("\t")[0]).name for line in answers[0].stdout.splitlines()] == [
        "none.png",
        "one.png",
        "two.png",
        "two.png",
    ]
    for answer in answers:
        assert answer.returncode == 2
        assert answer.stderr.startswith(f"error: {folder / 'bad.png'}")
        assert len(answer.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
def test_ctrl_c_ends_it(folder: Path, environment: dict[str, str]) -> None:
    """Between two pictures of many; what was printed is whole."""
    path = str(folder / "one.png")
    command = [sys.executable, "-u", "-m", "lenetkit", "read", *[path] * 4000]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **environment}) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, told = process.communicate()
    assert (process.returncode, told.strip()) == (130, "error: interrupted")
    lines = [first, *rest.splitlines(keepends=True)]
    assert set(lines) == {f"{path}\t502\n"}
    assert len(lines) < 4000


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.slow
def test_many_pictures_show_a_bar(folder: Path, tmp_path: Path) -> None:
    """On the terminal, while the answers go to a file."""
    import pty

    count = read_command._FEW + 1
    terminal, stderr = pty.openpty()
    command = [sys.executable, "-m", "lenetkit", "read", *[str(folder / "none.png")] * count]
    with (tmp_path / "answers.tsv").open("wb") as stdout:
        child = subprocess.Popen(
            command, stdout=stdout, stderr=stderr, env={**os.environ, "TERM": "xterm", "COLUMNS": "200"}
        )
    os.close(stderr)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while piece := os.read(terminal, 65536):
            shown += piece
    os.close(terminal)
    assert child.wait() == 0
    assert len((tmp_path / "answers.tsv").read_text().splitlines()) == count
    assert f"/{count}".encode() in shown


def test_what_cannot_be_read_is_reported_and_the_rest_done(run: Run, folder: Path) -> None:
    """The exit code tells."""
    answer = run("read", folder / "bad.png", folder / "one.png")
    assert answer.returncode == 2
    assert answer.stdout == f"{folder / 'one.png'}\t502\n"
    assert answer.stderr.startswith(f"error: {folder / 'bad.png'}")
    assert "Traceback" not in answer.stderr


def test_another_pipeline_may_read(run: Run, folder: Path, tmp_path: Path) -> None:
    """A saved one; its labels make the text."""
    sample = Path(__file__).parents[1] / "data" / "format_1.lenet"
    answer = run("read", folder / "one.png", "--pipeline", sample)
    # It was made for other pictures; what matters here is who was asked.
    assert set(answer.stdout.split("\t")[-1].strip()) <= set("dreiinszwölf")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".svg"])
def test_the_annotated_picture_is_written(run: Run, folder: Path, tmp_path: Path, suffix: str) -> None:
    """Beside the text; in the format that its name says."""
    pytest.importorskip("matplotlib")
    target = tmp_path / f"out{suffix}"
    answer = run("read", folder / "two.png", "--annotate", target)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.endswith("\t82\n")
    if suffix == ".svg":
        assert "<svg" in target.read_text("utf-8")
    else:
        with PIL.Image.open(target) as image:
            colours = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
        assert (np.ptp(colours, axis=1) > 60).any(), "the boxes have colours"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "b.png", "--annotate", "out.png"], "--annotate draws one image; got 2 images"),
        (["ONE", "--annotate", "out.gif"], "--annotate must end in .png, .jpg, .jpeg, .svg, .pdf; got out.gif"),
        (["ONE", "--annotate", "none/out.png"], "cannot write none/out.png: there is no folder"),
        ([], "Missing argument 'IMAGE...'"),
        (["a.png", "--pipeline", "none.lenet"], "cannot load none.lenet: there is no such file"),
        (["none.png"], "none.png"),
        (["ONE", "--length", "five"], "error: --length must be a number of digits such as 5, or the fewest and the"),
        (["ONE", "--length", "0"], "error: --length must be an integer from 1 to 100; got 0"),
        (["ONE", "--length", "6-4"], "error: --length must have the fewest digits first"),
        (["ONE", "--pattern", "a#"], "error: --pattern must not contain 'a'"),
        (["ONE", "--pattern", "##", "--length", "3"], "--pattern '##' has 2 digits and --length is 3"),
        (["ONE", "--among", "none.txt"], "--among none.txt cannot be read: No such file or directory"),
        (["ONE", "--among", "EMPTY"], "has no number: write one on each line"),
        (["ONE", "--among", "WRONG"], "line 3 must be one number of digits alone, such as 00412; got '12.50'"),
        (["ONE", "--among", "BYTES"], "must be a text file with one number on each line"),
        (["ONE", "--check", "isbn"], "Invalid value for '--check'"),
        (["ONE", "--lines", "0"], "Invalid value for '--lines'"),
        (["ONE", "--reject", "0"], "Invalid value for '--reject'"),
        (["ONE", "--jobs", "0"], "Invalid value for '--jobs'"),
        (["ONE", "--length", "3", "--pipeline", "WORDS"], "--length, --pattern, --among, --check and --lines are for"),
    ],
)
def test_read_says_what_is_wrong(run: Run, folder: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    """One message, never a traceback, with the options as they are typed."""
    files = {"ONE": folder / "one.png", "WORDS": Path(__file__).parents[1] / "data" / "format_1.lenet"}
    for name, content in {"EMPTY": b"\n \n", "WRONG": b"1\n\n12.50\n", "BYTES": b"\xff\xfe1"}.items():
        files[name] = tmp_path / name
        files[name].write_bytes(content)
    given = [files.get(argument, argument) for argument in arguments]
    answer = run("read", *given)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_reading_imports_no_tensorflow(folder: Path) -> None:
    """Answers come from LiteRT."""
    code = """
import sys
from lenetkit.cli import main
try:
    main(sys.argv[1:])
finally:
    heavy = {"tensorflow", "keras", "sklearn", "pandas", "matplotlib", "rich"}
    print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    command = [sys.executable, "-c", code, "read", str(folder / "one.png")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stderr == "[]\n"
    assert answer.stdout.endswith("\t502\n")
