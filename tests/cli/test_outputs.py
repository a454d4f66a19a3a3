"""Tests for output files: checked before any work, and never lost after it."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.evaluator import Evaluation
from lenetkit.exceptions import SettingError
from lenetkit.synthesis import draw_digits

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
    assert first.startswith("error: mine.lenet could not be saved: File too large. Raise the limit")
    assert second == "The temporary, the current and the home folder cannot take the trained pipeline either."
    assert list(tmp_path.iterdir()) == []


# An output that is an input


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """Return a picture of a 7."""
    path = tmp_path / "7.png"
    PIL.Image.fromarray(draw_digits(10, seed=1).images[7]).save(path)
    return path


@pytest.mark.parametrize("link", ["none", "symbolic", "hard"])
def test_an_output_never_replaces_what_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seven: Path, link: str
) -> None:
    """By its own name, or through a symbolic or hard link of an innocent name."""
    monkeypatch.chdir(tmp_path)
    saved = Pipeline.pretrained().save(tmp_path / "digits.lenet")
    table = tmp_path / "data.csv"
    table.write_text("label,pixel0\n1,2\n")
    page = tmp_path / "page.html"
    page.write_text("not a data set, but a file")

    def output(source: Path, suffix: str) -> Path:
        if link == "none":
            return source
        other = tmp_path / f"innocent-{source.stem}{suffix}"
        os.symlink(source, other) if link == "symbolic" else os.link(source, other)
        return other

    innocent = output(seven, ".png")
    before = {path: path.read_bytes() for path in (saved, table, page, seven)}
    for command, name, source in (
        (["read", seven, "--annotate", innocent], "--annotate", seven),
        (["diagnose", seven, "--trace", innocent], "--trace", seven),
        (["inspect", seven, "--output", innocent], "--output", seven),
        (["inspect", seven, "--output", "a.png", "--filters", innocent], "--filters", seven),
        (["train", "--dataset", table, "--output", output(table, ".lenet")], "--output", table),
        (["evaluate", "--dataset", page, "--report", output(page, ".html")], "--report", page),
    ):
        answer = run(*command)
        assert (answer.returncode, answer.stdout) == (2, ""), command
        assert answer.stderr.startswith(f"error: {name} "), command
        assert f"is the same file as {source}, which is to be read and would be lost." in answer.stderr
    if link != "none":
        target = output(saved, ".tflite")
        for command in (["export", saved, target], ["export", target, "--pipeline", saved]):
            answer = run(*command)
            assert (answer.returncode, answer.stdout) == (2, "")
            assert f"cannot export to {target}: there is a saved pipeline in that file" in answer.stderr
        with pytest.raises(SettingError, match="there is a saved pipeline in that file"):
            Pipeline.load(saved).export(target)
    assert {path: path.read_bytes() for path in before} == before


def test_an_export_beside_a_link_to_a_pipeline_is_refused_too(tmp_path: Path) -> None:
    """The labels and the preprocessing are files as well."""
    saved = Pipeline.pretrained().save(tmp_path / "digits.lenet")
    content = saved.read_bytes()
    for beside in (".labels.txt", ".preprocessing.json"):
        link = tmp_path / f"digits.tflite{beside}"
        link.symlink_to(saved)
        with pytest.raises(SettingError, match=f"cannot export to .*{beside}: there is a saved pipeline"):
            Pipeline.load(saved).export(tmp_path / "digits.tflite")
        link.unlink()
    assert saved.read_bytes() == content
    assert os.listdir(tmp_path) == ["digits.lenet"]


def test_two_outputs_are_two_files(run: Run, tmp_path: Path, seven: Path) -> None:
    """The second would replace the first."""
    target = tmp_path / "maps.png"
    answer = run("inspect", seven, "--output", target, "--filters", tmp_path / "." / "maps.png")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--output and --filters must be two files" in answer.stderr


@pytest.mark.parametrize(("command", "ending"), WRITERS)
def test_a_full_disk_is_noticed_before_any_work(tmp_path: Path, command: list[str], ending: str) -> None:
    """A full disk takes empty files; here no file may have more than 1,000 bytes."""
    pytest.importorskip("resource")
    code = """
import resource, sys
from lenetkit.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
main(sys.argv[1:])
"""
    answer = subprocess.run(
        [sys.executable, "-B", "-c", code, *command, f"out{ending}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: cannot write ")
    assert "File too large" in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="has other permissions")
@pytest.mark.parametrize(("command", "ending"), WRITERS)
def test_an_output_without_permission_is_refused_before_any_work(
    tmp_path: Path, command: list[str], ending: str
) -> None:
    """In a read-only folder, and a read-only file in a folder that may be written."""
    as_anybody = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("nothing is read-only for root")
        as_anybody = ["setpriv", "--bounding-set=-dac_override"]
    kept = tmp_path / f"kept{ending or '.labels.txt'}"
    kept.write_text("kept")
    kept.chmod(0o444)
    (tmp_path / "locked").mkdir(mode=0o555)
    for path in (f"locked/out{ending}", f"kept{ending}"):
        answer = subprocess.run(
            [*as_anybody, sys.executable, "-m", "lenetkit", *command, path],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (answer.returncode, answer.stdout) == (2, ""), answer.stderr
        assert answer.stderr.startswith("error: cannot write ")
        assert "Permission denied" in answer.stderr or "read-only" in answer.stderr
    assert kept.read_text() == "kept"
    assert sorted(tmp_path.rglob("*")) == [kept, tmp_path / "locked"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need privileges there")
def test_a_saved_model_goes_into_the_empty_folder_that_a_link_names(tmp_path: Path) -> None:
    """Found out before the work or done, not after it; the writer is tried without TensorFlow here."""
    from lenetkit.exporting import _export

    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "folder")
    with _export._atomic_folder(link) as temporary:
        temporary.mkdir()
        (temporary / "model").write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "folder" / "model").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["folder", "link"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["read", "7.png", "--annotate"], "out.png"),
        (["diagnose", "7.png", "--trace"], "out.png"),
        (["evaluate", "--dataset", "digits", "--report"], "out.html"),
        (["export"], "out.tflite"),
    ],
)
def test_an_interrupted_command_leaves_nothing_half_written(
    tmp_path: Path, seven: Path, command: list[str], name: str
) -> None:
    """The file that was there is untouched, there is no litter, and the exit code is that of an interruption."""
    code = """
import sys
from lenetkit.cli import main
def interrupt(event, arguments):
    if event == "lenetkit._utils.files" and arguments[0] == "rename":
        raise KeyboardInterrupt
sys.addaudithook(interrupt)
main(sys.argv[1:])
"""
    target = tmp_path / name
    target.write_bytes(b"old")
    arguments = [str(seven) if argument == seven.name else argument for argument in command]
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments, target], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 130, answer.stderr
    assert answer.stderr.endswith("error: interrupted\n")
    assert target.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == sorted([seven, target])


@pytest.mark.slow
def test_the_figures_are_printed_where_the_report_finds_no_room(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have been computed; the error is the system's, in words."""

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "report.html")

    monkeypatch.setattr(Evaluation, "to_html", fail)
    answer = run("evaluate", "--dataset", "digits", "--report", tmp_path / "report.html")
    assert answer.returncode == 1
    assert answer.stderr == ("error: report.html: No space left on device. Make room there, or name another folder.\n")
    assert answer.stdout.splitlines()[-1].startswith("accuracy ")
