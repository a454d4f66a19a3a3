"""Tests for the lock on a folder of checkpoints."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lenetkit.exceptions import CheckpointError, SettingError
from lenetkit.trainer._folder_lock import FolderLock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks between processes are those of POSIX")

HOLDER = """
import sys, os
from lenetkit.trainer._folder_lock import FolderLock
with FolderLock(sys.argv[1]):
    if sys.argv[2] == "fork" and os.fork() == 0:
        sys.stdin.readline()  # outlives its parent, and holds all that it inherited
        os._exit(0)
    print("held", flush=True)
    sys.stdin.readline()
"""


def start_holder(folder: Path, kind: str = "plain") -> "subprocess.Popen[str]":
    """Start a process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_is_told_at_once_who_holds_the_folder(tmp_path: Path) -> None:
    """And gets it when that one has ended; nothing is left in the folder."""
    process = start_holder(tmp_path)
    with pytest.raises(CheckpointError, match=rf"{tmp_path} is in use by another run \(process {process.pid}\)"):
        FolderLock(tmp_path).__enter__()
    process.communicate("\n")
    with FolderLock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["plain", "fork"])
def test_a_killed_owner_does_not_block_the_next(tmp_path: Path, kind: str) -> None:
    """Not even where a process that it forked lives on."""
    process = start_holder(tmp_path, kind)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with FolderLock(tmp_path):
        pass
    process.communicate()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_of_one_process_are_told_apart(tmp_path: Path) -> None:
    """Under another name of the folder, and in another thread, too; then the first still holds it."""
    link = tmp_path / "link"
    (tmp_path / "run").mkdir()
    link.symlink_to(tmp_path / "run")
    errors: list[str] = []

    def try_it() -> None:
        try:
            with FolderLock(link):
                pass
        except CheckpointError as error:
            errors.append(str(error))

    with FolderLock(tmp_path / "run"):
        for _ in range(2):
            thread = threading.Thread(target=try_it)
            thread.start()
            thread.join()
        process = subprocess.run(
            [sys.executable, "-c", HOLDER, str(tmp_path / "run"), ""], capture_output=True, text=True, check=False
        )
    assert len(errors) == 2
    assert "another run of this process" in errors[0]
    assert f"process {os.getpid()}" in process.stderr
    with FolderLock(link):
        pass


def test_an_error_gives_the_folder_back(tmp_path: Path) -> None:
    """As a run that fails would."""
    with pytest.raises(KeyboardInterrupt), FolderLock(tmp_path / "new" / "run"):
        raise KeyboardInterrupt
    with FolderLock(tmp_path / "new" / "run"):
        pass


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Nor is what lies in one."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(SettingError, match="checkpoint must be a folder"):
            FolderLock(path).__enter__()
