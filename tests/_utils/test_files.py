"""The writer behind every file: the old file or the new one, never a third thing, and no litter."""

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lenetkit._utils.files import STEPS, atomic_path, check_writable, write_atomically
from lenetkit.exceptions import SettingError

OLD = b"the old content"
NEW = b"the new content" * 1000

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="kills processes by POSIX signals")


@pytest.fixture
def target(tmp_path):
    """Return a file with old content, alone in its folder."""
    path = tmp_path / "digits.lenet"
    path.write_bytes(OLD)
    return path


def names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def run(script, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], env=environment, check=False, timeout=300
    )


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("content", [b"", NEW])
def test_writes_what_it_is_given(tmp_path, kind, content):
    """Anything like bytes becomes the file's content, and the file is alone in its folder."""
    path = write_atomically(tmp_path / "notes.txt", kind(content))
    assert path.read_bytes() == content
    assert names(path) == ["notes.txt"]


def test_replaces_what_is_there(target):
    """An existing file is replaced and its absolute path returned."""
    assert write_atomically(os.path.relpath(target), NEW) == target.resolve()
    assert target.read_bytes() == NEW


def test_lets_a_function_write(target):
    """Libraries that want a path get one."""
    write_atomically(target, lambda path: path.write_bytes(NEW))
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("name", ["a.weights.h5", "noname", ".hidden", "a" * 250 + ".npz", "é" * 100 + ".npz"])
def test_temporary_path_ends_as_the_target_does(tmp_path, name):
    """A library that looks at the suffix sees the right one, and the name is never too long for the file system."""
    with atomic_path(tmp_path / name) as temporary:
        assert temporary.parent == tmp_path.resolve()
        assert temporary.name.endswith(name[-13:])
        assert temporary.name.startswith(".lenetkit-")
        temporary.write_bytes(NEW)
    assert (tmp_path / name).read_bytes() == NEW


def test_the_old_file_is_there_until_the_end(target):
    """While the new content is written, readers see the old file."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(NEW)
        assert target.read_bytes() == OLD
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_no_litter(target, error):
    """When the writer raises, nothing has happened."""

    def fail(path):
        path.write_bytes(b"half of ")
        raise error("stop")

    with pytest.raises(error, match="stop"):
        write_atomically(target, fail)
    assert target.read_bytes() == OLD
    assert names(target) == [target.name]


def test_a_failing_rename_leaves_the_old_file_and_no_litter(target):
    """A temporary file that the writer removed is an error, and the old file stays."""
    with pytest.raises(FileNotFoundError, match="lenetkit-"):
        write_atomically(target, Path.unlink)
    assert target.read_bytes() == OLD
    assert names(target) == [target.name]


KILLED_AT_A_STEP = """
import os, signal, sys
from lenetkit._utils.files import write_atomically

target, step = sys.argv[1:]

def kill(event, arguments):
    if event == "lenetkit._utils.files" and arguments[0] == step:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
write_atomically(target, b"the new content" * 1000)
"""

KILLED_HALF_WAY = """
import os, signal, sys
from lenetkit._utils.files import write_atomically

def write_half(path):
    with open(path, "wb") as file:
        file.write(b"the new ")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

write_atomically(sys.argv[1], write_half)
"""


@needs_signals
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("existing", [True, False])
def test_a_kill_at_any_step_leaves_old_or_new(target, step, existing):
    """Killed before a step, the process leaves the old file or the whole new one, and the next write cleans up."""
    if not existing:
        target.unlink()
    assert run(KILLED_AT_A_STEP, target, step).returncode == -signal.SIGKILL
    renamed = STEPS.index(step) > STEPS.index("rename")
    before = OLD if existing else None
    assert (target.read_bytes() if target.exists() else None) == (NEW if renamed else before)
    write_atomically(target, b"later")
    assert target.read_bytes() == b"later"
    assert names(target) == [target.name]


@needs_signals
def test_a_kill_in_the_middle_of_writing_leaves_the_old_file(target):
    """A half-written temporary file is litter that the next write removes."""
    assert run(KILLED_HALF_WAY, target).returncode == -signal.SIGKILL
    assert target.read_bytes() == OLD
    assert len(names(target)) == 2
    write_atomically(target, NEW)
    assert names(target) == [target.name]


@needs_signals
def test_litter_of_another_file_is_left_alone(target):
    """Only the next write of the same file cleans up: other names may belong to others."""
    assert run(KILLED_HALF_WAY, target).returncode == -signal.SIGKILL
    other = write_atomically(target.with_name("other.lenet"), NEW)
    assert len(names(other)) == 3


FULL_DISK = """
import errno, resource, sys
from lenetkit._utils.files import write_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(sys.argv[1], b"the new content" * 1000)
except OSError as error:
    sys.exit(0 if error.errno == errno.EFBIG else 1)
sys.exit(2)
"""


@needs_signals
def test_a_full_disk_leaves_the_old_file_and_no_litter(target):
    """When the system takes no more bytes, the error reaches the caller and the old file is whole."""
    assert run(FULL_DISK, target).returncode == 0
    assert target.read_bytes() == OLD
    assert names(target) == [target.name]


def test_the_work_of_a_living_writer_is_not_taken_for_litter(target):
    """Two writers of one file do not disturb each other; the last one wins."""
    with atomic_path(target) as first:
        first.write_bytes(b"first")
        with atomic_path(target) as second:
            second.write_bytes(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert names(target) == [target.name]


def test_many_writers_at_once_leave_one_whole_file(target):
    """Whoever is last: the file is one of the contents, whole, and the folder is clean."""
    contents = [bytes([number]) * 50_000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_atomically(target, content), contents))
    assert target.read_bytes() in contents
    assert names(target) == [target.name]


def test_announces_its_steps_in_order(target):
    """An audit hook sees every step, so that a test can stop the writer at each of them."""
    seen = []
    # A hook cannot be removed, so it must not hold on to anything but this list.
    sys.addaudithook(lambda event, arguments: seen.append(arguments[0]) if event == "lenetkit._utils.files" else None)
    write_atomically(target, NEW)
    assert tuple(seen) == STEPS


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be flushed there")
def test_flushes_the_file_before_the_rename_and_the_folder_after(target, monkeypatch):
    """Content that is not on the disk before its name is may be empty after a power cut."""
    done = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        fsync(descriptor)

    def watched_replace(source, destination):
        done.append("rename")
        replace(source, destination)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_atomically(target, NEW)
    assert done == [len(NEW), "rename", "folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_keeps_the_permissions_of_the_file(target, mode):
    """A private file stays private."""
    target.chmod(mode)
    write_atomically(target, NEW)
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
def test_a_new_file_has_usual_permissions(tmp_path):
    """The temporary file's way of coming into being does not show."""
    usual = tmp_path / "usual"
    usual.touch()
    assert write_atomically(tmp_path / "new", NEW).stat().st_mode == usual.stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="links need privileges there")
def test_follows_a_symbolic_link(target, tmp_path):
    """A link stays one, and the file that it points to is written, in that file's folder."""
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.lenet"
    link.symlink_to(target)
    assert write_atomically(link, NEW) == target.resolve()
    assert link.is_symlink()
    assert target.read_bytes() == NEW


def test_refuses_a_folder_that_is_not_there(tmp_path):
    """The message names the folder, not a temporary file."""
    with pytest.raises(SettingError, match=r"there is no folder .*missing"):
        write_atomically(tmp_path / "missing" / "digits.lenet", NEW)


def test_refuses_to_replace_a_folder(tmp_path):
    """A folder is never replaced by a file."""
    with pytest.raises(SettingError, match="it is a folder"):
        write_atomically(tmp_path, NEW)


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device")
def test_refuses_to_replace_a_device():
    """A rename over a device would destroy it."""
    with pytest.raises(SettingError, match="a device or pipe"):
        write_atomically("/dev/null", NEW)
    assert not Path("/dev/null").is_file()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_refuses_to_replace_a_read_only_file(target):
    """Whoever protected a file meant it."""
    target.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only"):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD


# The check before long work


def test_the_check_changes_nothing_and_names_the_file(target, tmp_path):
    """An old file stays, a new one is not created, and nothing is left beside them."""
    assert check_writable(target) == target.resolve()
    assert check_writable(str(tmp_path / "new.PNG"), [".png", ".svg"]) == tmp_path.resolve() / "new.PNG"
    assert target.read_bytes() == OLD
    assert os.listdir(tmp_path) == [target.name]


@pytest.mark.parametrize("name", ["", "missing/a.html", ".", "/dev/null", "x" * 300 + ".html"])
def test_the_check_gives_the_error_that_writing_would_give(name, tmp_path, monkeypatch):
    """The same kind of error with the same message, before any work."""
    monkeypatch.chdir(tmp_path)
    errors = []
    for attempt in (check_writable, lambda path: write_atomically(path, NEW)):
        with pytest.raises((SettingError, OSError), match=r"path is empty|cannot write|too long") as caught:
            attempt(name)
        errors.append((caught.type, str(caught.value)))
    assert errors[0] == errors[1]
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_the_check_refuses_a_read_only_folder_and_file(target, tmp_path):
    """As the system would, after the work."""
    target.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only"):
        check_writable(target)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError, match="Permission denied"):
            check_writable(tmp_path / "new.lenet")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("name", ["a.txt", "a", "png"])
def test_the_check_names_the_suffixes_that_are_known(name, tmp_path):
    """In the words of the caller."""
    with pytest.raises(SettingError, match=r"the name of a picture must end in '\.png' or '\.svg'; got .*"):
        check_writable(tmp_path / name, [".png", ".svg"], kind="picture")
