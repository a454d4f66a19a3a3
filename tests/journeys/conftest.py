"""The marker of the tests in this folder, and a Python that starts quickly."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Completed = subprocess.CompletedProcess[str]
Python = Callable[..., Completed]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here as a journey: run in one environment only."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return environment variables by which no data set lies anywhere."""
    folder = tmp_path_factory.mktemp("home")
    places = ("HOME", "KERAS_HOME", "LENETKIT_DATA", "XDG_CACHE_HOME")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "200", "MPLCONFIGDIR": str(folder / "matplotlib")}
    return dict.fromkeys(places, str(folder / "nothing")) | quiet


@pytest.fixture(scope="session")
def python(nowhere: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Python]:
    """Return a function that runs Python in a process of its own, with TensorFlow imported if it can be forked.

    ``python("-m", "lenetkit", "models", folder=here, path=[there])`` is ``python -m lenetkit models``.
    """
    if not hasattr(os, "fork"):
        yield lambda *arguments, **options: run_anew(nowhere, *arguments, **options)
        return
    folder = tmp_path_factory.mktemp("forked")
    streams = {name: folder / name for name in ("stdout", "stderr")}
    pipe = subprocess.PIPE
    command = [sys.executable, Path(__file__).with_name("forking.py")]
    with subprocess.Popen(
        command, env={**os.environ, **nowhere}, text=True, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def run(*arguments: object, folder: Path, path: list[Path] | None = None) -> Completed:
            job: dict[str, Any] = {name: str(file) for name, file in streams.items()}
            paths = [str(part) for part in path or []]
            job |= {"arguments": [str(word) for word in arguments], "folder": str(folder), "path": paths}
            job["environment"] = {"PYTHONPATH": os.pathsep.join(paths)}
            print(json.dumps(job), file=asked, flush=True)
            code = int(answered.readline())
            return subprocess.CompletedProcess(arguments, code, *(file.read_text("utf-8") for file in streams.values()))

        yield run
        asked.close()


def run_anew(nowhere: dict[str, str], *arguments: object, folder: Path, path: list[Path] | None = None) -> Completed:
    """Run Python in a process of its own."""
    environment = {**os.environ, **nowhere, "PYTHONPATH": os.pathsep.join(map(str, path or []))}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
