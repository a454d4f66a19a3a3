"""The page under load: deadlines, a bound on what is held at once, and work that ends when its visitor has gone."""

import asyncio
import contextlib
import importlib
import io
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import requests

from lenetkit import Pipeline
from lenetkit._utils.budget import WorkCancelledError, checkpoint
from lenetkit.demo import create_app
from lenetkit.demo._workers import BusyError, LateError, VisitorGoneError, Workers
from lenetkit.exceptions import SettingError

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")

# They need Starlette and uvicorn.
application, uploads, connections = (
    importlib.import_module(f"lenetkit.demo.{name}") for name in ("_app", "_uploads", "_connections")
)

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "demo_load.py"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@contextlib.contextmanager
def serving(app: Any, **options: Any) -> Iterator[tuple[str, int]]:
    """Serve an application in a thread, at a port that is free."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", **options))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield "127.0.0.1", listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, format="png")
    return file.getvalue()


def bar() -> bytes:
    """Return a drawn 1."""
    paper = np.full((240, 320), 255, np.uint8)
    paper[40:200, 155:170] = 20
    return png(paper)


def head(address: tuple[str, int], size: int) -> bytes:
    return f"POST /api/read HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nContent-Length: {size}\r\n\r\n".encode()


def read_answer(visitor: socket.socket) -> bytes:
    """Return all that is sent until the connection is closed."""
    answer = b""
    while piece := visitor.recv(65536):
        answer += piece
    return answer


def test_an_upload_that_lacks_its_last_byte_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets an answer in words and its connection is closed."""
    monkeypatch.setattr(uploads, "SECONDS_TO_SEND", 0.3)
    with (
        serving(create_app()) as address,
        contextlib.ExitStack() as visitors,
    ):
        opened = [visitors.enter_context(socket.create_connection(address, timeout=60)) for _ in range(5)]
        for visitor in opened:
            visitor.sendall(head(address, 2000) + b"\0" * 1999)
        for visitor in opened:
            answer = read_answer(visitor)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"the picture did not arrive within 0.3 seconds" in answer
        assert requests.post(f"http://{address[0]}:{address[1]}/api/read", data=bar(), timeout=60).status_code == 200


def test_what_is_sent_at_once_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large pictures are turned away while others fill the room; a drawing never is."""
    monkeypatch.setattr(application, "_ROOM", 2_000_000)
    with serving(create_app(max_upload=1)) as address, contextlib.ExitStack() as visitors:
        url = f"http://{address[0]}:{address[1]}/api/read"
        # Of each 0.74 MB count: two fill the room, unless one comes while the picture below is in it.
        for _ in range(10):
            visitor = visitors.enter_context(socket.create_connection(address, timeout=60))
            visitor.sendall(head(address, 1_000_000) + b"\0" * 999_999)
            refused = requests.post(url, data=b"\0" * 1_000_000, timeout=60)
            if refused.status_code == 503:
                break
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
        assert requests.post(url, data=bar(), timeout=60).status_code == 200
    with uploads.Room(100).open() as seat:
        assert seat.grow(2**18 + 100)
        assert not seat.grow(2**18 + 101)


class Endless(Pipeline):
    """A pipeline that works until nobody waits for it."""

    begun, ended = threading.Event(), threading.Event()

    def trace(self, image: Any) -> Any:
        self.begun.set()
        try:
            while True:
                checkpoint()
                time.sleep(0.01)
        except WorkCancelledError:
            self.ended.set()
            raise


def test_work_ends_when_its_visitor_has_gone() -> None:
    """And the next one is answered."""
    app = create_app({"endless": Endless.pretrained(), "digits": Pipeline.pretrained()})
    with serving(app) as address:
        with socket.create_connection(address, timeout=60) as visitor:
            visitor.sendall(head(address, len(bar())) + bar())
            assert Endless.begun.wait(60)
        assert Endless.ended.wait(60)
        url = f"http://{address[0]}:{address[1]}/api/read?pipeline=digits"
        assert requests.post(url, data=bar(), timeout=60).status_code == 200


def test_an_answer_that_is_not_ready_in_time_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the advice to come back."""
    monkeypatch.setattr(application, "_SECONDS_TO_ANSWER", 0.2)
    with serving(create_app({"endless": Endless.pretrained()})) as address:
        answer = requests.post(f"http://{address[0]}:{address[1]}/api/read", data=bar(), timeout=60)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.json() == {"error": "the answer was not ready in time. Try again later."}


def test_a_head_that_does_not_end_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is the first of its connection or not; a connection that asks is left alone."""
    for name, seconds in (("_LOOK", 0.05), ("_HEAD", 0.3)):
        monkeypatch.setattr(connections, name, seconds)
    with serving(create_app(), http=connections.DeadlineProtocol) as address, contextlib.ExitStack() as visitors:
        silent = visitors.enter_context(socket.create_connection(address, timeout=60))
        silent.sendall(b"POST /api/read HTTP/1.1\r\nHost: ")
        with contextlib.suppress(ConnectionResetError):
            assert silent.recv(100) == b""
        question = f"GET /api/pipelines HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode()
        asking = visitors.enter_context(socket.create_connection(address, timeout=60))
        asking.sendall(question)
        assert asking.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("origin", ["http://[::1", "http://[", "[", "http://[::1]]", "http://\xbd", "//["])
def test_an_origin_that_is_no_address_is_another_sites(origin: str) -> None:
    """Refused in words, and no bug."""
    with serving(create_app()) as address:
        answer = requests.post(
            f"http://{address[0]}:{address[1]}/api/read",
            data=b"x",
            headers={"Origin": origin.encode("latin-1")},
            timeout=60,
        )
    assert (answer.status_code, answer.json()) == (403, {"error": "pages of other sites get no answer here."})


@pytest.mark.parametrize("name", ["max_upload", "max_pixels"])
@pytest.mark.parametrize("limit", [float("inf"), float("nan"), -1, 0, -float("inf"), "10", None, True])
def test_limits_are_finite_numbers(name: str, limit: Any) -> None:
    """Infinity is no megabytes."""
    with pytest.raises(SettingError, match=rf"{name} must be above 0; got .*\. Give a finite number"):
        create_app(**{name: limit})


def test_the_cheapest_of_those_that_wait_comes_first() -> None:
    """Late, gone, and too many are told apart."""
    order: list[str] = []
    release = threading.Event()

    async def run() -> None:
        workers = Workers(1, 3)
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ask(name: str, price: float, seconds: float = 60, gone: "asyncio.Future[None]" = never) -> Any:
            def work() -> None:
                order.append(name)
                assert release.wait(60)

            return asyncio.ensure_future(workers.run(work, price=price, seconds=seconds, gone=gone))

        first = ask("first", 5)
        while not order:
            await asyncio.sleep(0.01)
        others = [ask("dear", 9), ask("cheap", 1), ask("gone", 0, gone=gone)]
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await ask("one too many", 0)
        gone.set_result(None)
        with pytest.raises(VisitorGoneError):
            await others.pop()
        with pytest.raises(LateError):
            await ask("late", 0, seconds=0.05)
        release.set()
        await asyncio.gather(first, *others)

    asyncio.run(run())
    assert order == ["first", "cheap", "dear"]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_a_mixed_load_leaves_nothing_behind() -> None:
    """Some seconds of what benchmarks/demo_load.py does for a minute: every 7 is answered, the memory comes back."""
    line = [sys.executable, str(SCRIPT), "--seconds", "3", "--clients", "12", "--json"]
    found = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    assert [what for what, _ in found["answers"]["a drawn 7"]] == ["200"] * len(found["answers"]["a drawn 7"])
    assert {what for what, _ in found["answers"]["lacks its last byte"]} == {"408"}
    assert {what for kind in found["answers"].values() for what, _ in kind} <= {
        *("200", "408", "422", "503", "gone", "closed"),
    }
    assert found["end"] - found["start"] < 50 * 2**20
