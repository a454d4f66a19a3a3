"""Tests for long commands that are interrupted, or whose result finds no room: nothing that was computed is lost."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lenetkit import Pipeline

Run = Callable[..., Any]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tensorflow,
    pytest.mark.skipif(sys.platform == "win32", reason="interrupts processes by POSIX signals"),
]

ENDLESS = ["train", "--dataset", "digits", "--model", "mlp", "--epochs", "100000"]


def start(environment: dict[str, str], *arguments: Any, **options: Any) -> "subprocess.Popen[str]":
    """Start a command in a process of its own, with pipes to its streams."""
    command = [sys.executable, "-u", "-m", "lenetkit", *map(str, arguments)]
    return subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def read_until(process: "subprocess.Popen[str]", pattern: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(pattern, line):
            return
    raise AssertionError((pattern, process.communicate()))


def test_ctrl_c_leaves_the_output_and_keeps_what_was_learnt_beside_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The exit code is that of an interruption, and the name of the part-trained pipeline is printed."""
    good, part = tmp_path / "good.lenet", tmp_path / "good-interrupted.lenet"
    good.write_bytes(b"years of work")
    part.write_bytes(b"of another interruption")
    process = start(environment, *ENDLESS, "--output", good)
    read_until(process, "^epoch +2/")
    process.send_signal(signal.SIGINT)
    written, told = process.communicate()
    assert process.returncode == 130
    assert good.read_bytes() == b"years of work"
    assert part.read_bytes() == b"of another interruption"
    kept = tmp_path / "good-interrupted-2.lenet"
    assert told.splitlines() == [
        f"{good} is untouched; the part-trained pipeline is in {kept}.",
        "",
        "error: interrupted",
    ]
    assert "interrupted" in written
    assert "precision" not in written
    assert len(Pipeline.load(kept).classes_) == 10
    assert sorted(tmp_path.iterdir()) == [kept, part, good]


def test_an_interruption_that_the_shell_ignores_stays_ignored(environment: dict[str, str], tmp_path: Path) -> None:
    """As for a command in the background of a script."""
    target = tmp_path / "mine.lenet"
    process = start(
        environment,
        *["train", "--dataset", "digits", "--model", "mlp", "--epochs", "12", "--output", target],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    read_until(process, "^epoch +1/")
    process.send_signal(signal.SIGINT)
    written, told = process.communicate()
    assert (process.returncode, told) == (0, "")
    assert "epoch 12/12" in written
    assert target.is_file()


def test_a_comparison_that_is_interrupted_compares_nothing(environment: dict[str, str]) -> None:
    """A half-trained model would be taken for a whole one."""
    process = start(environment, "compare", "mlp", "lenet1", "--dataset", "digits", "--epochs", "3", "--seeds", "99")
    read_until(process, "^mlp, seed 0")
    time.sleep(0.5)  # into the next training, mostly; at any other moment the end is the same
    process.send_signal(signal.SIGINT)
    written, told = process.communicate()
    assert process.returncode == 130
    assert told.endswith("error: interrupted\n")
    assert "p_value" not in written


def test_training_goes_on_when_nobody_reads_any_more(environment: dict[str, str], tmp_path: Path) -> None:
    """As after ``| head``: the output is what counts."""
    target = tmp_path / "mine.lenet"
    process = start(
        environment, *["train", "--dataset", "digits", "--model", "mlp", "--epochs", "4", "--output", target]
    )
    read_until(process, "^epoch +1/")
    process.stdout.close()  # type: ignore[union-attr]
    assert process.stderr is not None
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), told) == (1, "")
    assert len(Pipeline.load(target).classes_) == 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_training_goes_on_when_standard_output_is_full(environment: dict[str, str], tmp_path: Path) -> None:
    """The figures go to standard error instead; the exit code tells that something was wrong."""
    target = tmp_path / "mine.lenet"
    code = """
import os, sys
from lenetkit import Trainer
from lenetkit.cli import main
fit = Trainer.fit
def fill_and_fit(*arguments, **options):
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)  # all was well until the first epoch
    return fit(*arguments, **options)
Trainer.fit = fill_and_fit
main(["train", "--dataset", "digits", "--model", "mlp", "--epochs", "1", "--output", sys.argv[1]])
"""
    answer = subprocess.run(
        [sys.executable, "-c", code, target],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "accuracy" in answer.stderr
    words = "error: standard output cannot be written: No space left on device."
    assert answer.stderr.splitlines()[-1].startswith(words)
    assert len(Pipeline.load(target).classes_) == 10


def test_a_disk_that_is_full_after_the_training_costs_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    """The model goes where there is room, under a name that is printed; here to the folder for temporary files."""
    code = """
import os, sys
from lenetkit import Pipeline
from lenetkit.cli import main
save = Pipeline.save
def save_or_fail(self, path, **options):
    if str(path) == sys.argv[1]:
        raise OSError(28, os.strerror(28), ".lenetkit-0123456789ab-mine.lenet")
    return save(self, path, **options)
Pipeline.save = save_or_fail
main(["train", "--dataset", "digits", "--model", "mlp", "--epochs", "0", "--output", sys.argv[1]])
"""
    target = tmp_path / "mine.lenet"
    answer = subprocess.run(
        [sys.executable, "-c", code, target],
        env={**os.environ, **environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    first, second = answer.stderr.splitlines()
    assert first.startswith(f"error: {target} could not be saved: ")
    assert "No space left on device" in first
    kept = re.search(r"is kept in (\S+)\. Move it with: mv ", second)
    assert kept is not None
    assert len(Pipeline.load(kept[1]).classes_) == 10
    assert answer.stdout.splitlines()[-1].startswith("accuracy ")


def test_a_network_that_is_no_pipeline_is_kept_as_keras_keeps_it(environment: dict[str, str], tmp_path: Path) -> None:
    """Of a plug-in, say, with a layer that LiteRT has no operation for: found out when it is saved."""
    code = """
import sys
import lenetkit
from lenetkit.cli import main

@lenetkit.register_model("odd", description="Not for LiteRT.", n_parameters=1)
def odd(input_shape, n_classes):
    import keras
    x = inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(n_classes, dtype="mixed_bfloat16")(x)
    return keras.Model(inputs, keras.layers.Softmax(dtype="mixed_bfloat16")(x))

main(["train", "--dataset", "digits", "--model", "odd", "--epochs", "1", "--output", sys.argv[1]])
"""
    target = tmp_path / "odd.lenet"
    answer = subprocess.run(
        [sys.executable, "-c", code, target],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1, answer.stderr
    assert f"error: {target} could not be saved: " in answer.stderr
    kept = re.search(r"The trained network is kept as a Keras model in (\S+)", answer.stderr)
    assert kept is not None, answer.stderr
    assert Path(kept[1]).is_relative_to(tmp_path)
    assert Path(kept[1]).stat().st_size > 10_000
