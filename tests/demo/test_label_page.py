"""Tests for the page to correct on, asked over HTTP as browsers do, and for what is learnt meanwhile."""

import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import requests

from lenetkit import Pipeline, load_dataset
from lenetkit.datasets import read_image
from lenetkit.synthesis import draw_digits

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")

from lenetkit.demo._labelling.doubt_queue import Answer, DoubtQueue  # noqa: E402
from lenetkit.demo._labelling.label_page import create_label_page  # noqa: E402
from lenetkit.demo._labelling.label_table import Decision, LabelTable  # noqa: E402
from lenetkit.demo._labelling.lessons import Lessons  # noqa: E402

FORMS = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
HAND = draw_digits(60, allographs=FORMS, pen_width=(2.4, 2.8), variation=0.6, seed=1)
NAMES = ["a.png", "b.png", "c.png"]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application in a thread, at a port that is free."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the address of a page with three pictures, and its table."""
    for index, name in enumerate(NAMES):
        PIL.Image.fromarray(HAND.images[index]).save(tmp_path / name)
    (tmp_path / "secret.png").write_bytes((tmp_path / "a.png").read_bytes())
    answers = {name: Answer(label=str(index), probability=0.5) for index, name in enumerate(NAMES)}
    queue = DoubtQueue(answers, LabelTable(tmp_path / "t.csv", "label"))
    settings = {"folder": "f", "table": "t.csv", "classes": list("0123456789"), "is_number": False, "left_out": []}
    app = create_label_page(queue, {name: tmp_path / name for name in NAMES}, None, settings, ["127.0.0.1"])
    with serving(app) as address:
        yield address, tmp_path / "t.csv"


def post(address: str, what: str, body: Any = None, **more: Any) -> requests.Response:
    """Send decisions."""
    return requests.post(f"{address}/api/{what}", json=body, timeout=300, **more)


def test_pictures_are_asked_about_and_decided(page: tuple[str, Path]) -> None:
    """Each answer says how far one is; the table is written by then."""
    address, table = page
    first = requests.get(f"{address}/api/queue", params={"count": 2}, timeout=300).json()
    assert [picture["name"] for picture in first["pictures"]] == NAMES[:2]
    answer = post(address, "decide", [{"name": "a.png", "label": "7"}]).json()
    assert table.read_text() == "file,label,left_out\na.png,7,\n"
    assert answer["progress"] == {
        "done": 1,
        "left": 2,
        "skipped": 0,
        "corrected": 1,
        "nothing": 0,
        "can_undo": True,
    }
    assert answer["lessons"] is None
    post(address, "decide", [{"name": "b.png", "label": "1"}, {"name": "c.png", "left_out": "skipped"}])
    assert requests.get(f"{address}/api/queue", timeout=300).json()["pictures"] == []
    assert [picture["name"] for picture in post(address, "undo").json()["pictures"]] == ["b.png", "c.png"]
    assert table.read_text() == "file,label,left_out\na.png,7,\n"
    post(address, "decide", [{"name": "c.png", "left_out": "skipped"}])
    assert post(address, "again").json()["progress"]["skipped"] == 0


def test_a_picture_is_sent_as_the_library_sees_it(page: tuple[str, Path]) -> None:
    """And no other file is."""
    address, table = page
    sent = requests.get(f"{address}/api/picture", params={"name": "b.png"}, timeout=300)
    assert sent.headers["Content-Type"] == "image/png"
    assert (read_image(sent.content) == HAND.images[1]).all()
    for name in ("secret.png", "../" + table.parent.name + "/a.png", str(table.parent / "a.png"), "t.csv", ""):
        assert requests.get(f"{address}/api/picture", params={"name": name}, timeout=300).status_code == 404
    (table.parent / "b.png").unlink()
    assert requests.get(f"{address}/api/picture", params={"name": "b.png"}, timeout=300).status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "there is no picture"),
        (b"{", 400, "the decisions must be a list of objects"),
        (b"[" * 100_000, 400, "the decisions must be a list of objects"),
        (b"[]", 400, "there must be 1 to 100 decisions; got 0"),
        (b'[{"label": "7"}]', 400, "the decisions must be a list of objects"),
        (b'[{"name": "a.png"}]', 422, "a picture must have a label, or left_out"),
        (b'[{"name": "a.png", "label": "7", "left_out": "skipped"}]', 422, "a picture must have a label, or left_out"),
        (b'[{"name": "a.png", "left_out": "no such picture"}]', 422, "a picture must have a label, or left_out"),
        (b'[{"name": "a.png", "label": 7}]', 422, "a label must have at most 200 characters"),
        (b'[{"name": "a.png", "label": "7\\n"}]', 422, "a label must have at most 200 characters"),
        (b'[{"name": "a.png", "label": "\\ud800"}]', 422, "a label must have at most 200 characters"),
        (b'[{"name": ["a.png"], "label": "7"}]', 400, "the decisions must be a list of objects"),
        (b'[{"name": "secret.png", "label": "7"}]', 404, "there is no picture 'secret.png' here. Load the page again."),
        (b" " * 200_001, 413, "at most 0.2 MB"),
    ],
)
def test_what_cannot_be_decided_is_said_in_words(page: tuple[str, Path], body: bytes, status: int, words: str) -> None:
    """And changes nothing."""
    address, table = page
    answer = requests.post(f"{address}/api/decide", data=body, timeout=300)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    assert not table.exists()


def test_other_sites_and_names_are_refused(page: tuple[str, Path]) -> None:
    """By the same guard as the page to draw on."""
    address, table = page
    body = [{"name": "a.png", "label": "7"}]
    assert post(address, "decide", body, headers={"Origin": "http://evil.example"}).status_code == 403
    assert post(address, "undo", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert requests.get(f"{address}/api/queue", headers={"Host": "evil.example"}, timeout=300).status_code == 421
    assert "Content-Security-Policy" in requests.get(address, timeout=300).headers
    assert not table.exists()


def test_a_disk_that_is_full_is_said_to_be(page: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not kept is asked for again, and can be decided when there is room."""
    address, table = page
    post(address, "decide", [{"name": "b.png", "label": "1"}])
    before = table.read_text()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        answers = post(address, "decide", [{"name": "a.png", "label": "7"}]), post(address, "undo")
    for answer in answers:
        assert answer.status_code == 507
        assert "this was not kept, since the table cannot be written: No space left" in answer.json()["error"]
    assert table.read_text() == before
    assert post(address, "decide", [{"name": "a.png", "label": "7"}]).json()["progress"]["done"] == 2


@contextlib.contextmanager
def command(*arguments: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``lenetkit label`` in a process of its own; give its page's address, too."""
    line = [sys.executable, "-m", "lenetkit", "label", *map(str, arguments), "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            started = re.fullmatch(r"The page is at (http://127\.0\.0\.1:\d+)/\n", process.stdout.readline())
            assert started is not None
            assert process.stdout.readline() == "Ctrl-C stops it.\n"
            yield process, started[1]
        finally:
            process.kill()


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    """Return a folder with the pictures of one hand."""
    folder = tmp_path / "hand"
    folder.mkdir()
    for index, image in enumerate(HAND.images):
        PIL.Image.fromarray(image).save(folder / f"{index:02}.png")
    return folder


def truth(name: str) -> str:
    """Return the true label of a picture of the hand."""
    return str(HAND.labels[int(Path(name).stem)])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
@pytest.mark.filterwarnings("ignore::lenetkit.exceptions.DataNotice")
def test_a_killed_server_has_kept_every_key_and_the_next_one_goes_on(hand: Path) -> None:
    """While the lock of the killed one keeps nobody out; a second server beside one that lives is refused."""
    done: dict[str, str] = {}
    for _ in range(2):
        with command(hand) as (process, address):
            pictures = requests.get(f"{address}/api/queue", timeout=300).json()["pictures"]
            assert not done.keys() & {picture["name"] for picture in pictures}
            for picture in pictures[:7]:
                label = truth(picture["name"])
                assert post(address, "decide", [{"name": picture["name"], "label": label}]).status_code == 200
                done[picture["name"]] = label
            second = subprocess.run(
                [sys.executable, "-m", "lenetkit", "label", str(hand), "--port", "0"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert (second.returncode, second.stdout) == (2, "")
            assert f"another lenetkit label works on {hand}-labels.csv: process {process.pid}" in second.stderr
            process.send_signal(signal.SIGKILL)
    dataset = load_dataset(f"{hand}-labels.csv")
    assert [dataset.class_names[label] for label in dataset.labels] == list(done.values())


def wait_for(condition: Callable[[], object]) -> Any:
    """Return what a condition gives when it is true."""
    clock = threading.Event()
    for _ in range(6000):
        if found := condition():
            return found
        clock.wait(0.02)
    raise AssertionError("it did not come true")


@pytest.mark.slow
def test_it_learns_while_one_goes_on(hand: Path, tmp_path: Path) -> None:
    """From the tenth label on, in a file that is there by then; the last ones are learnt at the end."""
    pictures = {path.name: path for path in sorted(hand.iterdir())}
    pipeline, output = Pipeline.pretrained(), tmp_path / "mine.lenet"
    first = pipeline.predict(list(pictures.values())).tolist()
    answers = {name: Answer(label=str(label), probability=0.5) for name, label in zip(pictures, first, strict=True)}
    queue = DoubtQueue(answers, LabelTable(tmp_path / "t.csv", "label"))
    settings = {"folder": "f", "table": "t.csv", "classes": list("0123456789"), "is_number": False, "left_out": []}
    with (
        Lessons(pipeline, queue, pictures, str(output)) as lessons,
        serving(create_label_page(queue, pictures, lessons, settings, ["127.0.0.1"])) as address,
    ):
        for name in list(pictures)[:9]:
            state = post(address, "decide", [{"name": name, "label": truth(name)}]).json()["lessons"]
        assert state == {"is_learning": False, "told": "", "written": "", "changed": 0}
        post(address, "decide", [{"name": name, "label": truth(name)} for name in list(pictures)[9:50]])
        state = wait_for(lambda: (found := lessons.describe())["changed"] and not found["is_learning"] and found)
        assert state["told"].startswith("Learnt from 50 pictures: ")
        assert state["written"] == str(output)
        before = Pipeline.load(output).predict(list(pictures.values())).tolist()
        assert state["changed"] == sum(a != b for a, b in zip(before, first, strict=True))
        post(address, "decide", [{"name": "59.png", "label": truth("59.png")}])
    assert lessons.told.startswith("Learnt from 51 pictures: ")
    assert pipeline.predict(list(pictures.values())).tolist() == first
    right = sum(str(label) == truth(name) for name, label in zip(pictures, before, strict=True))
    assert right > sum(str(label) == truth(name) for name, label in zip(pictures, first, strict=True))


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        ("picture", "Nothing was learnt: "),
        ("disk", "Nothing was learnt: No space left on device"),
        ("nothing", "Nothing was learnt from 20 pictures: "),
    ],
)
def test_what_cannot_be_learnt_is_said_and_the_labels_stay(
    hand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: str, words: str
) -> None:
    """A picture that is gone, a disk that is full, or pictures that are read right already."""
    pictures = {path.name: path for path in sorted(hand.iterdir())}
    answers = {name: Answer(label="5", probability=0.5) for name in pictures}
    queue = DoubtQueue(answers, LabelTable(tmp_path / "t.csv", "label"))
    names = list(pictures)[:20]
    queue.decide({name: Decision(truth(name)) for name in names})
    if breaks == "nothing":
        for name, image in zip(names, draw_digits(20, styles="school", seed=3).images, strict=True):
            PIL.Image.fromarray(image).save(pictures[name])
    if breaks == "picture":
        pictures["03.png"].unlink()
    if breaks == "disk":

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Pipeline, "save", refuse)
    with Lessons(Pipeline.pretrained(), queue, pictures, str(tmp_path / "mine.lenet")) as lessons:
        pass
    assert lessons.told.startswith(words), lessons.told
    assert lessons.written == ""
    assert not (tmp_path / "mine.lenet").exists()
    assert len(queue.find_labels()) == 20


@pytest.mark.slow
def test_ctrl_c_learns_the_last_ones_and_says_what_was_done(hand: Path, tmp_path: Path) -> None:
    """The pictures that cannot be read were named, and the lock is gone."""
    (hand / "bad.png").write_bytes(b"no picture")
    output = tmp_path / "mine.lenet"
    with command(hand, "--adapt", "--output", output) as (process, address):
        settings = requests.get(f"{address}/api/settings", timeout=300).json()
        assert [str(hand / "bad.png") in line for line in settings["left_out"]] == [True]
        pictures = requests.get(f"{address}/api/queue", params={"count": 100}, timeout=300).json()["pictures"]
        rows = [{"name": picture["name"], "label": truth(picture["name"])} for picture in pictures]
        post(address, "decide", rows[:8])
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=300)
    assert (process.returncode, printed) == (0, "")
    lines = errors.splitlines()
    assert lines[0].startswith(f"{hand / 'bad.png'} must be a picture in PNG")
    assert lines[1] == f"8 of 60 pictures done: {hand}-labels.csv"
    assert lines[2].startswith(("Learnt from 8 pictures: ", "Nothing was learnt from 8 pictures: "))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["hand", "hand-labels.csv", *(["mine.lenet"] if lines[2].startswith("Learnt") else [])]
    )


@pytest.mark.slow
def test_the_page_needs_neither_tensorflow_nor_pandas(hand: Path) -> None:
    """As the light installation has neither; importing the room loads no server."""
    code = f"""
import sys
import lenetkit.demo
assert not {{"starlette", "uvicorn", "numpy"}} & set(sys.modules)
def stop(address):
    raise KeyboardInterrupt
lenetkit.demo.label_folder({str(hand)!r}, port=0, started=stop, output={str(hand.parent / "mine.lenet")!r})
print(sorted({{"tensorflow", "keras", "matplotlib", "filelock", "pandas", "sklearn"}} & set(sys.modules)))
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "0 of 60 pictures done.\n[]\n"
