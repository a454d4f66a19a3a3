"""Tests for ``lenetkit read``."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.synthesis import draw_digits, draw_number, draw_paper

Run = Callable[..., Any]


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
    empty = {"text": "", "text_with_doubts": "", "lines": [], "probability": 1.0, "digits": [], "left_out": []}
    assert none == {"image": str(folder / "none.png"), **empty}
    expected = Pipeline.pretrained().read_number(path).to_dict()
    assert two == {"image": str(path), **expected}
    assert two["lines"] == ["30", "82"]


def test_a_place_that_was_left_out_is_a_question_mark(run: Run, tmp_path: Path) -> None:
    """In the text; --json says where and why."""
    digits = 255 - draw_digits(4, styles="american", seed=1).images
    row = np.concatenate([digits[0], digits[1], np.full((28, 28), 255, np.uint8), digits[2]], axis=1)
    row[4:24, 62:78] = 255 - 255 * (np.indices((20, 16)).sum(axis=0) % 6 < 2).astype(np.uint8)
    PIL.Image.fromarray(np.pad(row, 20, constant_values=255)).save(tmp_path / "row.png")
    reading = Pipeline.pretrained().read_number(tmp_path / "row.png")
    assert [place.reason for place in reading.left_out] == ["unlike a digit"]
    assert run("read", tmp_path / "row.png").stdout.split("\t")[1] == f"{reading.text_with_doubts}\n"
    assert reading.text_with_doubts[2] == "?"
    found = json.loads(run("read", tmp_path / "row.png", "--json").stdout)
    assert [place["reason"] for place in found["left_out"]] == ["unlike a digit"]


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
    ],
)
def test_read_says_what_is_wrong(run: Run, folder: Path, arguments: list[str], message: str) -> None:
    """One message, never a traceback."""
    given = [str(folder / "one.png") if argument == "ONE" else argument for argument in arguments]
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
