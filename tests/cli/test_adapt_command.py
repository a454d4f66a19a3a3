"""Tests for ``lenetkit adapt``: what it writes, when it writes nothing, and that no file is ever half-written."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.pretrained import get_path
from lenetkit.synthesis import draw_digits

Run = Callable[..., Any]

FORMS = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
HAND = draw_digits(120, allographs=FORMS, pen_width=(2.4, 2.8), variation=0.6, seed=1)


def write_folder(folder: Path, images: np.ndarray, labels: Any) -> Path:
    """Write a folder for each label."""
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(folder / str(label) / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("hand"), HAND.images[:60], HAND.labels[:60])


def test_a_folder_of_one_hand_is_learnt(run: Run, hand: Path, tmp_path: Path) -> None:
    """By the pipeline that comes with lenetkit, and then by the file itself, which may be the output, too."""
    output = tmp_path / "mine.lenet"
    answer = run("adapt", hand, "--layers", "last", "--output", output)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "accepted" in answer.stdout
    assert "cross-validated" in answer.stdout
    adapted = Pipeline.load(output)
    rest = HAND.images[60:], HAND.labels[60:]
    assert adapted.score(*rest) > Pipeline.pretrained().score(*rest)
    assert adapted.classes_.tolist() == list(range(10))
    signs = np.zeros((6, 28, 28), np.uint8)
    for index, image in enumerate(signs):
        image[13:16, 4 + index : 22] = 200
    answer = run(
        "adapt", output, write_folder(tmp_path / "signs", signs, ["minus"] * 6), "--layers", "last", "--output", output
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "new classes: minus" in answer.stdout
    assert Pipeline.load(output).predict(signs).tolist() == ["minus"] * 6


@pytest.mark.slow
@pytest.mark.tensorflow
def test_all_layers_learn_where_tensorflow_is_installed(run_process: Run, hand: Path, tmp_path: Path) -> None:
    """The same command in another process writes the same bytes; nothing but the report is printed."""
    outputs = [tmp_path / "one.lenet", tmp_path / "other.lenet"]
    for output in outputs:
        answer = run_process("adapt", hand, "--output", output)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "layers: all" in answer.stdout.splitlines()
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    rest = HAND.images[60:], HAND.labels[60:]
    assert Pipeline.load(outputs[0]).score(*rest) > Pipeline.pretrained().score(*rest)


def test_nothing_is_written_where_it_would_not_help(run: Run, tmp_path: Path) -> None:
    plain = draw_digits(30, styles="school", seed=3)
    output = tmp_path / "mine.lenet"
    answer = run("adapt", write_folder(tmp_path / "plain", plain.images, plain.labels), "--output", output)
    assert answer.returncode == 1
    assert "not accepted, the pipeline stays as it was: there is nothing to learn" in answer.stdout
    assert answer.stderr == f"{output} was not written.\n"
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{hand}"], "Missing option '--output'"),
        (["--output", "{out}"], "Missing argument"),
        (["a.lenet", "{hand}", "more", "--output", "{out}"], "name a saved pipeline and the data"),
        (["{hand}", "--output", "{out}/no/such.lenet"], "no/such.lenet"),
        (["none.lenet", "{hand}", "--output", "{out}"], "cannot load none.lenet: there is no such file"),
        (["{hand}", "--epochs", "0", "--output", "{out}"], "--epochs"),
        (["{hand}", "--layers", "first", "--output", "{out}"], "'first' is not one of 'all', 'last'"),
    ],
)
def test_wrong_arguments_are_named(run: Run, hand: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    answer = run("adapt", *(text.format(hand=hand, out=tmp_path / "out.lenet") for text in arguments))
    assert answer.returncode == 2
    assert message in answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by a POSIX signal")
def test_a_killed_adaptation_leaves_the_old_file_or_the_new_one(
    environment: dict[str, str], hand: Path, tmp_path: Path
) -> None:
    """Killed at several moments of a run, from its start to its end."""
    output = tmp_path / "mine.lenet"
    command = [sys.executable, "-m", "lenetkit", "adapt", str(hand), "--layers", "last", "--output", str(output)]
    old = get_path("digits").read_bytes()
    output.write_bytes(old)
    start = time.monotonic()
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    seconds, new = time.monotonic() - start, output.read_bytes()
    assert new != old
    for part in (0.5, 0.8, 0.9, 0.95, 1.0):
        output.write_bytes(old)
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(part * seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert output.read_bytes() in (old, new)
        Pipeline.load(output)


def test_the_pipeline_may_be_named_as_everywhere(run: Run, hand: Path, tmp_path: Path) -> None:
    """By ``--pipeline``; twice is a mistake."""
    output = tmp_path / "mine.lenet"
    assert run("adapt", "--pipeline", get_path("digits"), hand, "--layers", "last", "--output", output).returncode == 0
    answer = run("adapt", "--pipeline", output, output, hand, "--output", output)
    assert answer.returncode == 2
    assert "name one saved pipeline" in answer.stderr
