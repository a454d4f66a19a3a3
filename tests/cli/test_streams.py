"""Tests for the standard streams of the commands, and for what may never reach a terminal."""

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
from lenetkit.datasets import read_image
from lenetkit.diagnosis import diagnose
from lenetkit.evaluator import evaluate
from lenetkit.exceptions import DataError
from lenetkit.synthesis import draw_digits

Run = Callable[..., Any]

ESCAPE = "\x1b[31mvermilion\x07"

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a picture of a 7."""
    path = tmp_path_factory.mktemp("seven") / "7.png"
    PIL.Image.fromarray(draw_digits(10, seed=1).images[7]).save(path)
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, seven: Path) -> tuple[Path, Path]:
    """Return a pipeline and a picture whose class and file names would steer a terminal, or have rare letters."""
    folder = tmp_path_factory.mktemp("hostile")
    bundle = read_bundle(Pipeline.pretrained().save(folder / "digits.lenet"))
    classes = [f"{ESCAPE} zwölf {number} 七" for number in range(10)]
    encoder = {**bundle.encoder, "classes": classes, "kind": "str"}
    saved = write_bundle(folder / "names.lenet", attrs.evolve(bundle, encoder=encoder))
    picture = folder / f"{ESCAPE}.png"
    picture.write_bytes(seven.read_bytes())
    return saved, picture


def run_with(arguments: list[Any], prepare: Callable[[], object] | None = None, **environment: str) -> Any:
    """Run a command in a process whose streams are prepared in some way; return its exit code and its bytes."""
    return subprocess.run(
        [sys.executable, "-m", "lenetkit", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        preexec_fn=prepare,
        check=False,
    )


def fill(*numbers: int) -> Callable[[], None]:
    def prepare() -> None:
        for number in numbers:
            os.dup2(os.open("/dev/full", os.O_WRONLY), number)

    return prepare


def close(*numbers: int) -> Callable[[], None]:
    def prepare() -> None:
        for number in numbers:
            os.close(number)

    return prepare


@needs_full
@pytest.mark.parametrize("command", [["predict", "7.png"], ["read", "7.png"], ["info"], ["verify"], ["models"]])
def test_a_full_standard_output_is_one_error(seven: Path, command: list[str]) -> None:
    """In words, with an exit code, and without what Python says about its own streams at exit."""
    arguments = [seven if argument == "7.png" else argument for argument in command]
    answer = run_with(arguments, fill(1))
    words = b"error: standard output cannot be written: No space left on device. Make room there, or name another"
    assert answer.returncode == 1
    assert answer.stderr.startswith(words)
    assert len(answer.stderr.splitlines()) == 1


@needs_full
def test_a_full_standard_error_changes_nothing_but_itself(seven: Path) -> None:
    """Answers and exit codes are those of an ordinary run, after an error as well."""
    answer = run_with(["predict", seven, "none.png"], fill(2))
    assert answer.returncode == 2
    assert answer.stdout.startswith(str(seven).encode())
    assert answer.stdout.count(b"\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has other streams")
def test_closed_streams_do_not_mix(seven: Path, tmp_path: Path) -> None:
    """Without standard error its lines are in no file; without standard output there is an error, not silence."""
    answer = run_with(["predict", seven, "none.png"], close(2))
    assert (answer.returncode, answer.stdout.count(b"\n")) == (2, 1)
    answer = run_with(["predict", seven], close(1))
    assert answer.returncode == 1
    assert answer.stderr.startswith(b"error: standard output cannot be written: it is closed")
    answer = run_with(["predict", seven], close(0))
    assert (answer.returncode, answer.stderr) == (0, b"")
    target = tmp_path / "digits.tflite"
    answer = run_with(["export", target], close(0, 1, 2))
    assert answer.returncode == 1
    assert target.stat().st_size > 100_000


def test_whoever_stops_reading_gets_no_error(seven: Path) -> None:
    """As after ``| head -1``."""
    reading, writing = os.pipe()
    os.close(reading)
    answer = run_with(["predict", *[seven] * 3], lambda: os.dup2(writing, 1))
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (1, b"")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_letters_that_the_encoding_lacks_are_escaped(hostile: tuple[Path, Path], encoding: str) -> None:
    """In every command that prints class names; nothing else than this encoding is written."""
    saved, picture = hostile
    for command in (
        ["predict", picture, "--pipeline", saved],
        ["predict", picture, "--pipeline", saved, "--format", "csv"],
        ["read", picture, "--pipeline", saved],
        ["diagnose", picture, "--pipeline", saved, "--trace", "-"],
        ["info", saved],
    ):
        answer = run_with(command, PYTHONIOENCODING=encoding)
        assert answer.returncode == 0, answer.stderr
        text = answer.stdout.decode(encoding)
        assert "zw\\xf6lf" in text if encoding == "ascii" else "zwölf" in text
        assert "\\u4e03" in text


@pytest.mark.slow
@pytest.mark.tensorflow
def test_training_and_evaluation_escape_class_names(run: Run, tmp_path: Path, environment: dict[str, str]) -> None:
    """Also where only the folders' names have the letters."""
    digits = draw_digits(60, seed=3)
    for index, label in enumerate(digits.labels):
        folder = tmp_path / "data" / f"七{label % 2}\x1b[2J"
        folder.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(digits.images[index]).save(folder / f"{index}.png")
    saved = tmp_path / "two.lenet"
    data = ["--dataset", tmp_path / "data"]
    train = ["train", *data, "--model", "mlp", "--epochs", "1", "--test-size", "0.4", "--output", saved]
    for command in (train, ["evaluate", *data, "--pipeline", saved]):
        answer = run_with(command, PYTHONIOENCODING="ascii", **environment)
        assert answer.returncode == 0, answer.stderr
        assert b"\\u4e030\\x1b[2J" in answer.stdout
        assert b"\x1b" not in answer.stdout + answer.stderr


def test_names_of_users_steer_no_terminal(run: Run, hostile: tuple[Path, Path], tmp_path: Path) -> None:
    """Names of classes, files, data sets and pipelines, in answers and in errors."""
    saved, picture = hostile
    folder = tmp_path / ESCAPE
    folder.mkdir()
    for command in (
        ["predict", picture, "--pipeline", saved],
        ["predict", folder],
        ["predict", folder / "none.png"],
        ["read", picture, "--pipeline", saved],
        ["read", folder / "none.png"],
        ["diagnose", picture, "--pipeline", saved, "--trace", "-"],
        ["diagnose", folder / "none.png"],
        ["info", saved],
        ["info", folder / "none.lenet"],
        ["verify", folder],
        ["evaluate", "--dataset", folder],
        ["evaluate", "--dataset", "digits", "--pipeline", folder],
        ["evaluate", folder / "a", "--pipeline", folder / "b", "--dataset", "digits"],
        ["train", "--dataset", f"digits{ESCAPE}"],
        ["train", "--dataset", "digits", "--model", ESCAPE],
        ["train", f"--{ESCAPE}"],
        ["train", "--epochs", ESCAPE],
        ["train", "--dataset", "digits", "--output", folder / "none" / "x.lenet"],
        ["export", f"{ESCAPE}.x"],
        ["models", ESCAPE],
        [ESCAPE],
    ):
        answer = run(*command)
        shown = answer.stdout + answer.stderr
        assert not set(shown) & {"\x1b", "\x07"}, command
        if command[0] != "models":
            assert "\\x1b" in shown or "vermilion" not in shown, command


def test_a_table_for_a_terminal_is_escaped_and_one_for_a_file_is_not(hostile: tuple[Path, Path]) -> None:
    """A file gets the names as they are."""
    pty = pytest.importorskip("pty")
    saved, picture = hostile
    command = ["predict", picture, "--pipeline", saved, "--format", "csv"]
    assert ESCAPE.encode() in run_with(command, PYTHONUTF8="1").stdout
    ours, theirs = pty.openpty()
    answer = run_with(command, lambda: os.dup2(theirs, 1), PYTHONUTF8="1", TERM="dumb")
    os.close(theirs)
    shown = os.read(ours, 10_000)
    os.close(ours)
    assert answer.returncode == 0
    assert b"\\x1b[31mvermilion" in shown
    assert b"\x1b" not in shown


def test_printed_objects_and_errors_of_the_library_steer_no_terminal(hostile: tuple[Path, Path]) -> None:
    """What ``print`` shows of an evaluation, a diagnosis, a trace, a pipeline, and every message."""
    saved, picture = hostile
    pipe = Pipeline.load(saved)
    evaluation = evaluate([ESCAPE, "b", "b"], np.array([[0.4, 0.6], [0.2, 0.8], [0.9, 0.1]]), classes=[ESCAPE, "b"])
    texts = [str(evaluation), str(diagnose([picture.with_name(f"{ESCAPE}none.png")], pipe)), str(pipe.trace(picture))]
    with pytest.raises(DataError, match=r"no file .*\\x1b\[31mvermilion\\x07none\.png") as caught:
        read_image(picture.with_name(f"{ESCAPE}none.png"))
    for text in [*texts, repr(pipe), str(caught.value)]:
        assert "\x1b" not in text
        assert "\\x1b[31mvermilion\\x07" in text


@pytest.mark.slow
@pytest.mark.parametrize("warnings", ["error", "error::DeprecationWarning", "always"])
def test_filters_of_warnings_do_not_stop_a_command(
    run_process: Run, seven: Path, tmp_path: Path, warnings: str
) -> None:
    """They are for the author of a program: a note on data stays a note."""
    np.savetxt(tmp_path / "x.csv", np.random.default_rng(0).integers(0, 256, (2, 785)), "%d", ",")
    answer = run_process("predict", seven, tmp_path / "x.csv", PYTHONWARNINGS=warnings)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("\n") == 4
    assert answer.stderr.startswith(f"note: {tmp_path / 'x.csv'} has no header line")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="folders in use cannot be deleted there")
def test_a_deleted_working_folder_is_called_so(seven: Path, tmp_path: Path) -> None:
    """Where a path needs it, and it is no hindrance where none does."""
    gone = tmp_path / "gone"

    def prepare() -> None:
        os.chdir(gone)
        gone.rmdir()

    for command, code in (
        (["predict", seven], 0),
        (["predict", "7.png"], 2),
        (["train", "--dataset", "digits", "--output", "x.lenet"], 2),
        (["train", "--dataset", "digits", "--checkpoint", "x"], 2),
        (["train", "--dataset", "data"], 2),
        (["export", "x.tflite"], 2),
        (["export", "x", "--format", "saved_model"], 2),
        (["info", "x.lenet"], 2),
    ):
        gone.mkdir()
        answer = run_with(command, prepare)
        assert answer.returncode == code, answer.stderr
        assert b"bug" not in answer.stderr
        assert b"damaged" not in answer.stderr
        if code and command[0] != "info":
            assert b"does not exist any more" in answer.stderr or b"deleted" in answer.stderr, command


def test_errors_of_the_system_are_called_what_they_are(run: Run, seven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No permission, a failing disk, no memory, no threads: never a bug, never a damaged picture."""
    import errno

    for error, words in (
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x"), "x: Permission denied. Change the permissions"),
        (OSError(errno.EIO, os.strerror(errno.EIO), "x"), "x: Input/output error. The disk, or the connection to it"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device. Make room there"),
        (MemoryError(), "there is not enough memory."),
        (RuntimeError("can't start new thread"), "the system starts no more threads"),
        (ImportError("x.so: Cannot allocate memory"), "there is not enough memory."),
        (ImportError("x.so: invalid ELF header"), "a library cannot be loaded: x.so: invalid ELF header"),
    ):

        def fail(*_: Any, error: Exception = error, **__: Any) -> Any:
            raise error

        monkeypatch.setattr(Pipeline, "load", fail)
        answer = run("predict", seven, "--pipeline", "x.lenet")
        assert answer.returncode == 1
        assert answer.stderr.startswith(f"error: {words}")
        assert "bug" not in answer.stderr


def test_a_picture_that_the_system_cannot_read_is_not_damaged(seven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For lack of memory, or since the disk fails; a truncated one is."""
    import errno

    from lenetkit.datasets import _images

    for error, words in (
        (MemoryError(), "there is not enough memory"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "Input/output error"),
    ):
        monkeypatch.setattr(_images, "decode", lambda *_, error=error: (_ for _ in ()).throw(error))
        with pytest.raises(DataError, match=f"7.png cannot be read: {words}"):
            read_image(seven)
    monkeypatch.undo()
    with pytest.raises(DataError, match="damaged"):
        read_image(seven.read_bytes()[:-20])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs the limit of memory of Linux")
def test_little_memory_is_called_so(tmp_path: Path) -> None:
    """A picture of 100 megapixels in a process that may have 60 megabytes more than it has."""
    picture = tmp_path / "large.png"
    PIL.Image.new("RGB", (10_000, 10_000), "white").save(picture, compress_level=1)
    code = """
import resource, sys
from lenetkit.cli import main
import lenetkit.datasets, PIL.PngImagePlugin, numpy
lenetkit.Pipeline.pretrained().predict(numpy.zeros((28, 28), numpy.uint8))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 60_000_000,) * 2)
main(["predict", sys.argv[1]])
"""
    answer = subprocess.run(
        [sys.executable, "-c", code, picture], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert answer.returncode in (1, 2), answer.stderr
    assert "there is not enough memory" in answer.stderr
    assert "bug" not in answer.stderr
    assert "damaged" not in answer.stderr


def test_json_of_hostile_names_is_json(run: Run, hostile: tuple[Path, Path]) -> None:
    """Programs get names as they are, in JSON's own escapes."""
    saved, picture = hostile
    found = json.loads(run("predict", picture, "--pipeline", saved, "--format", "json").stdout)
    assert found["image"] == str(picture)
    assert found["label"].startswith(ESCAPE)


# Long piles


@pytest.fixture
def long_folder(tmp_path: Path, seven: Path) -> Path:
    """Return a folder of more pictures than a command reads ahead, and than have answers that a pipe has room for."""
    folder = tmp_path / "long"
    folder.mkdir()
    for index in range(6000):
        os.link(seven, folder / f"{index:04d}.png")
    return folder


def start(*arguments: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "lenetkit", *map(str, arguments), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_lines_of_a_table_are_written_while_later_pictures_are_still_unread(long_folder: Path) -> None:
    """The last picture becomes a bad one when the first line is there."""
    with start("predict", long_folder, "--format", "csv") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "image,label,probability\n"
        assert process.stdout.readline().startswith(f"{long_folder / '0000.png'},7,")
        last = long_folder / "5999.png"
        last.unlink()
        last.write_bytes(b"not a picture")
        assert process.stderr is not None
        table, errors = process.stdout.read(), process.stderr.read()  # communicate() forgets what is read ahead
        assert process.wait(timeout=300) == 2
    assert len(table.splitlines()) == 5998
    assert len(errors.splitlines()) == 1
    assert str(last) in errors


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
@pytest.mark.parametrize("command", [["predict", "--format", "csv"], ["diagnose"]], ids=lambda words: words[0])
def test_ctrl_c_ends_a_long_pile(long_folder: Path, command: list[str]) -> None:
    """After whole lines, with one sentence and the exit code of an interruption."""
    with start(*command, long_folder) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        written, errors = process.communicate(timeout=300)
    assert (process.returncode, errors.strip()) == (130, "error: interrupted")
    assert len((first + written).splitlines()) < 6000
    assert written.endswith("\n") or not written
