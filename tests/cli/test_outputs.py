"""Tests for output files: checked before any work, and never lost after it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

# Each command that writes a file, up to the file's name, and an ending that it accepts.
WRITERS = [
    (["train", "--output"], ".lenet"),
    (["evaluate", "--dataset", "none", "--report"], ".html"),
    (["export"], ".tflite"),
    (["export", "--format", "saved_model"], ""),
    (["read", "none.png", "--annotate"], ".png"),
    (["diagnose", "none.png", "--trace"], ".png"),
    (["inspect", "none.png", "--output"], ".svg"),
    (["inspect", "none.png", "--output", "maps.png", "--filters"], ".svg"),
]


@pytest.mark.parametrize(("command", "ending"), WRITERS)
def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], ending: str
) -> None:
    """A missing folder, a folder or file in the way, a place without rights: one message, nothing read or written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"folder{ending}" / "full").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    paths = [f"missing/out{ending}", f"folder{ending}", f"file/out{ending}"]
    if sys.platform == "linux":
        paths.append(f"/proc/out{ending}")
    if hasattr(os, "geteuid") and os.geteuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        before = sorted(tmp_path.rglob("*"))
        paths.append(f"locked/out{ending}")
    for path in paths:
        answer = run(*command, path)
        assert (answer.returncode, answer.stdout) == (2, ""), path
        assert answer.stderr.startswith("error: cannot write "), path
        assert path in answer.stderr
        assert len(answer.stderr.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["evaluate", "--dataset", "none", "--report", "a.pdf"], "--report must end in .html, .htm; got a.pdf"),
        (
            ["read", "none.png", "--annotate", "a.gif"],
            "--annotate must end in .png, .jpg, .jpeg, .svg, .pdf; got a.gif",
        ),
        (["inspect", "none.png", "--output", "a.txt"], "--output must end in .png, .jpg, .jpeg, .svg, .pdf; got a.txt"),
        (["inspect", "none.png", "--output", "a.png", "--filters", "b"], "--filters must end in .png"),
        (["diagnose", "none.png", "--trace", "a.doc"], "--trace must end in .png, .jpg, .jpeg, .svg, .pdf; got a.doc"),
        (["train", "--checkpoint", f"{__file__}/folder"], "--checkpoint must be a folder; "),
        (["train", "--checkpoint", "/proc/a/b"], "cannot write /proc/"),
    ],
)
def test_an_output_of_the_wrong_kind_is_refused_before_any_work(run: Run, command: list[str], message: str) -> None:
    """By its suffix, or since a file stands where a folder is needed."""
    answer = run(*command)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("missing", "extra", "command"),
    [
        ("jinja2", "plot", ["evaluate", "--dataset", "none", "--report", "a.html"]),
        ("matplotlib", "plot", ["evaluate", "--dataset", "none", "--report", "a.html"]),
        ("matplotlib.figure", "plot", ["read", "none.png", "--annotate", "a.png"]),
        ("tf2onnx", "onnx", ["export", "a.onnx"]),
    ],
)
def test_a_missing_extra_is_named_before_any_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str, extra: str, command: list[str]
) -> None:
    """With the command that installs it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    answer = run(*command)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert missing.partition(".")[0] in answer.stderr
    assert f'pip install "lenetkit[{extra}]"' in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_checkpoint_folder_need_not_exist_yet(run: Run, tmp_path: Path) -> None:
    """It is made when there is something to keep; here the data set is missing."""
    answer = run("train", "--dataset", "mnits", "--checkpoint", tmp_path / "a" / "b")
    assert "Did you mean 'mnist'" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_that_cannot_be_saved_anywhere_is_reported(tmp_path: Path) -> None:
    """Every disk is full here: files may have 1,000 bytes. Nothing is left behind."""
    pytest.importorskip("resource")
    code = """
import resource
from lenetkit import Pipeline
from lenetkit.cli._outputs import save_or_rescue
pipeline = Pipeline.pretrained()
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
print(save_or_rescue(pipeline, "mine.lenet", {}))
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-B", "-c", code]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout == "None\n"
    first, second = answer.stderr.splitlines()
    assert first.startswith("error: mine.lenet could not be saved: [Errno 27] File too large")
    assert second == "The temporary, the current and the home folder cannot take the trained pipeline either."
    assert list(tmp_path.iterdir()) == []
