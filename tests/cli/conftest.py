"""The command line in this process and in one of its own, and files that the tests of all commands share."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import PIL.Image
import pytest

from lenetkit.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which no data set is at hand."""
    home = tmp_path_factory.mktemp("home")
    return {"LENETKIT_DATA": str(home / "data"), "KERAS_HOME": str(home / "keras"), "COLUMNS": "120", "PYTHONUTF8": "1"}


@pytest.fixture(scope="session")
def run(environment: dict[str, str]) -> Run:
    """Return a function that runs ``lenetkit`` in this process, with streams and an environment of its own."""

    def _run(*arguments: Any, **extra: str) -> subprocess.CompletedProcess[str]:
        stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with (
            mock.patch.dict(os.environ, environment | extra),
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
            pytest.raises(SystemExit) as stop,
        ):
            main([str(argument) for argument in arguments])
        written = [stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in (stdout, stderr)]
        return subprocess.CompletedProcess(arguments, stop.value.code, *written)

    return _run


@pytest.fixture(scope="session")
def run_process(environment: dict[str, str]) -> Run:
    """Return a function that runs ``python -m lenetkit`` in a process of its own."""

    def _run(*arguments: Any, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lenetkit", *map(str, arguments)]
        everything = {**os.environ, **environment, **extra}
        return subprocess.run(
            command, env=everything, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL, check=False
        )

    return _run


@pytest.fixture(scope="session")
def trained(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Return the output of a short training, and the file it saved."""
    path = tmp_path_factory.mktemp("trained") / "digits.lenet"
    return run("train", "--no-download", "--epochs", "4", "--output", path), path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three images, grey and in colours, and files that are none."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, shape in {"b.png": (9, 7), "a.png": (30, 40, 3), 'c, "d".bmp': (4, 4)}.items():
        PIL.Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_text("not a picture")
    return folder
