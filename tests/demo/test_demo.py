"""Tests for the page to draw on, asked over HTTP as browsers do: what it answers, and to whom."""

import base64
import contextlib
import io
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import requests

import lenetkit.demo
from lenetkit import Pipeline
from lenetkit.datasets import read_image
from lenetkit.demo import create_app
from lenetkit.exceptions import DataError, NotFittedError, SettingError
from lenetkit.synthesis import draw_digits, draw_nondigits, draw_number, draw_paper

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")

PAGE = Path(lenetkit.demo.__file__).parent / "assets"
WORDS = Path(__file__).parents[1] / "data" / "format_1.lenet"  # reads words, and cannot tell when not to answer
PRETRAINED = Pipeline.pretrained()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask this machine directly, whatever proxy stands before the others."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application in a thread, at a port that is free."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return the address of a page with two pipelines and low limits."""
    pipelines = {"digits": PRETRAINED, "words": Pipeline.load(WORDS)}
    with serving(create_app(pipelines, max_upload=0.5, max_pixels=1_000_000)) as started:
        yield started


def png(pixels: np.ndarray) -> bytes:
    """Return an array as a picture file."""
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, format="png")
    return file.getvalue()


def drawn(digit: int) -> np.ndarray:
    """Return a digit as somebody draws it on the page: dark on white, in 320 x 240."""
    image = draw_digits(10, styles="school", seed=3).images[digit]
    paper = np.full((240, 320), 255, np.uint8)
    paper[20:220, 60:260] = 255 - np.asarray(PIL.Image.fromarray(image).resize((200, 200)))
    return paper


def ask(address: str, body: bytes, what: str = "read", headers: Any = None, **query: Any) -> Any:
    """Send a picture and return the answer, which is JSON whatever happens."""
    response = requests.post(f"{address}/api/{what}", data=body, params=query, headers=headers, timeout=300)
    return response.status_code, response.json()


def picture_of(url: str) -> PIL.Image.Image:
    """Return the picture in a data URL."""
    head, _, content = url.partition(",")
    assert head == "data:image/png;base64"
    return PIL.Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_drawn_seven_gets_the_librarys_own_answer(address: str) -> None:
    """Label, and every probability to the last bit."""
    status, found = ask(address, png(drawn(7)))
    assert status == 200
    assert found["answer"] == {"kind": "label", "text": "7"}
    assert (found["label"], found["rejected"], found["reason"], found["is_label"]) == (7, False, "", True)
    (expected,) = PRETRAINED.predict_proba([drawn(7)])
    answered = [found["probabilities"][str(label)] for label in range(10)]
    assert np.array_equal(np.array(answered, np.float32), expected)
    assert found["probability"] == max(answered)
    assert found["size"] == [320, 240]


def test_every_stage_comes_as_a_picture(address: str) -> None:
    """The same stages as the trace has, each with its size."""
    _, found = ask(address, png(drawn(3)))
    trace = PRETRAINED.trace(drawn(3))
    assert [stage["name"] for stage in found["stages"]] == [name for name, _ in trace.stages]
    for stage, (_, pixels) in zip(found["stages"], trace.stages, strict=True):
        assert stage["size"] == [pixels.shape[1], pixels.shape[0]]
        with picture_of(stage["picture"]) as picture:
            assert picture.size == tuple(stage["size"])
    with picture_of(found["stages"][-1]["picture"]) as picture:
        assert np.array_equal(np.asarray(picture), np.round(255 * trace.stages[-1][1]))


def test_what_is_no_digit_is_said_to_be_none(address: str) -> None:
    """With the library's reason."""
    other = next(
        image for image in draw_nondigits(50, seed=5).images if PRETRAINED.predict([image], reject=1)[0].rejected
    )
    _, found = ask(address, png(other))
    (expected,) = PRETRAINED.predict([other], reject=0.01)
    assert (found["rejected"], found["is_label"], found["reason"]) == (True, False, expected.reason)
    assert found["answer"]["kind"] != "label"


def test_doubt_is_no_denial(address: str) -> None:
    """Where only the share of errors is too strict, the picture still looks like a digit."""
    doubtful = next(image for image in draw_digits(400, seed=1).images if is_doubtful(image))
    _, found = ask(address, png(doubtful), reject=0.001)
    assert (found["rejected"], found["is_label"]) == (True, True)
    assert found["reason"].startswith("not sure enough: ")


def is_doubtful(image: np.ndarray) -> bool:
    """Tell whether an image looks like a digit of which the pipeline is not sure."""
    return (
        PRETRAINED.predict([image], reject=0.001)[0].rejected and not PRETRAINED.predict([image], reject=1)[0].rejected
    )


def test_a_number_is_read_with_its_boxes(address: str) -> None:
    """As ``read_number`` gives it."""
    number = draw_number("1947", seed=4)
    picture = number.on(draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4))
    _, found = ask(address, png(picture))
    assert found["answer"] == {"kind": "number", "text": "1947"}
    expected = PRETRAINED.read_number(picture, reject=0.01)
    assert [(other["text"], other["probability"]) for other in found["number"].pop("alternatives")] == (
        expected.alternatives(4)
    )
    assert found["number"] == expected.to_dict()
    assert any("several digits" in finding["cause"] for finding in found["findings"])


NUMBER = png(draw_number("1947", seed=4).image)


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ({"length": "3"}, {"length": 3}),
        ({"length": " 2-3 ", "pattern": "", "among": " ", "check": "", "lines": ""}, {"length": (2, 3)}),
        ({"pattern": "18##"}, {"pattern": "18##"}),
        ({"among": "1847, 1948;2026\n7"}, {"among": ["1847", "1948", "2026", "7"]}),
        ({"check": "luhn", "lines": "1"}, {"check": "luhn", "lines": 1}),
    ],
)
def test_what_is_known_of_the_number_is_used(address: str, query: dict[str, str], known: dict[str, Any]) -> None:
    """As ``read_number`` uses it."""
    status, found = ask(address, NUMBER, **query)
    found["number"].pop("alternatives")
    assert status == 200
    assert found["number"] == PRETRAINED.read_number(read_image(NUMBER), reject=0.01, **known).to_dict()


def test_a_number_that_is_not_sure_is_rejected_with_its_reason(address: str) -> None:
    """The best guess comes all the same, and whoever asks is told not to use it."""
    _, found = ask(address, NUMBER, among="2026")
    assert (found["number"]["text"], found["number"]["rejected"]) == ("2026", True)
    assert found["number"]["reason"].startswith("the reading is right with a probability of")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"length": "five"}, "length must be a number of digits such as 5"),
        ({"length": "9" * 5000}, "length must be a number of digits such as 5"),
        ({"length": "0"}, "length must be an integer from 1 to 100; got 0"),
        ({"pattern": "#a"}, "pattern must not contain 'a'"),
        ({"pattern": "." * 30_000 + "#"}, "pattern must have at most 200 characters; got 30,001"),
        ({"pattern": "#?" * 100, "length": "101"}, "length must be an integer from 1 to 100; got 101"),
        ({"pattern": "##", "length": "3"}, "no number follows both rules"),
        ({"among": "12, x"}, "among must hold numbers of digits alone"),
        ({"among": " ".join(map(str, range(1001)))}, "at most 1,000 known numbers on this page; got 1,001"),
        ({"among": "1" * 20_001}, "the known numbers must have at most 20,000 characters; got 20,001"),
        ({"among": ", ;"}, "the known numbers are commas alone"),
        ({"check": "isbn"}, "check must be luhn, or nothing; got 'isbn'"),
        ({"lines": "0"}, "lines must be an integer from 1 to 100; got '0'"),
        ({"lines": "1e9"}, "lines must be an integer from 1 to 100; got '1e9'"),
        ({"length": "3", "pipeline": "words"}, "this pipeline reads words and no numbers"),
    ],
)
def test_wrong_knowledge_is_told_from_a_wrong_picture(address: str, query: dict[str, str], words: str) -> None:
    """In a sentence; the page keeps the picture."""
    status, found = ask(address, NUMBER, **query)
    assert (status, found["about"]) == (422, "known")
    assert words in found["error"]
    assert len(found["error"]) < 400


def test_a_search_that_takes_long_keeps_no_drawing_waiting() -> None:
    """Whatever is known sends a picture to the thread of the costly ones."""
    app = create_app({"slow": Knowing.pretrained()})
    with serving(app) as address, ThreadPoolExecutor(1) as visitors:
        try:
            asked = visitors.submit(ask, address, NUMBER, length="4")
            assert Knowing.begun.wait(60)
            assert ask(address, NUMBER)[0] == 200
            assert not asked.done()
        finally:
            Knowing.released.set()
        assert asked.result()[0] == 200


class Knowing(Pipeline):
    """A pipeline that takes its time where something is known."""

    begun, released = threading.Event(), threading.Event()

    def read_number(self, image: Any, **settings: Any) -> Any:
        """Answer when it is allowed to."""
        if "length" in settings:
            self.begun.set()
            assert self.released.wait(60)
        return super().read_number(image, **settings)


def test_another_pipeline_can_be_asked(address: str) -> None:
    """One whose labels are words reads no numbers; one that was not calibrated rejects nothing."""
    status, found = ask(address, png(drawn(3)), pipeline="words")
    assert status == 200
    assert (found["number"], found["rejected"], found["reason"], found["is_label"]) == (None, None, None, None)
    assert found["answer"] == {"kind": "label", "text": found["label"]}
    assert found["label"] == Pipeline.load(WORDS).predict([drawn(3)])[0]


def test_the_pipelines_are_listed_with_their_labels(address: str) -> None:
    """In the order in which they were given."""
    listed = requests.get(f"{address}/api/pipelines", timeout=300).json()
    assert [pipeline["name"] for pipeline in listed["pipelines"]] == ["digits", "words"]
    assert listed["pipelines"][0]["labels"] == list("0123456789")
    assert (listed["max_bytes"], listed["max_known"]) == (500_000, 1000)


def bomb() -> bytes:
    """Return a PNG of few bytes that unpacks to four million pixels."""
    return png(np.zeros((2000, 2000), np.uint8))


@pytest.mark.parametrize(
    ("body", "query", "status", "words"),
    [
        (b"not a picture", {"name": "a.png"}, 422, "a.png must be a picture in PNG"),
        (b"not a picture", {}, 422, "the picture must be a picture in PNG"),
        (b"", {}, 400, "there is no picture"),
        (b"\0" * 500_001, {}, 413, "the picture must have at most 0.5 MB"),
        (b"\0" * 5_000_000, {}, 413, "the picture must have at most 0.5 MB"),
        (b"\0" * 50_000_000, {}, 413, "the picture must have at most 0.5 MB"),
        (bomb(), {"name": "b.png"}, 422, "b.png must have 1 to 1,000,000 pixels; it has 2,000 x 2,000"),
        (png(drawn(7))[:300], {}, 422, "the picture is damaged"),
        (png(drawn(7)), {"pipeline": "lettres"}, 404, "there is no pipeline 'lettres' here. Known are: digits, words."),
        (png(drawn(7)), {"reject": "much"}, 400, "reject must be a fraction of errors"),
        (png(drawn(7)), {"reject": "2"}, 422, "reject must be"),
        (png(drawn(7)), {"reject": "nan"}, 422, "reject must be"),
    ],
)
def test_what_cannot_be_answered_is_said_in_words(
    address: str, body: bytes, query: dict[str, str], status: int, words: str
) -> None:
    """A status and a sentence, never a traceback."""
    answered, found = ask(address, body, **query)
    assert (answered, list(found)) == (status, ["error"])
    assert words in found["error"]
    assert "Traceback" not in found["error"]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A file whose pixels would fill gigabytes costs no more than its header."""
    header = b"P5 30000 30000 255\n"
    with pytest.raises(DataError, match=r"must have 1 to 1,000 pixels; it has 30,000 x 30,000"):
        read_image(header, max_pixels=1000)
    with pytest.raises(DataError, match=r"must have 1 to 5 pixels; it has 3 x 2"):
        read_image(np.zeros((2, 3), np.uint8), max_pixels=5)
    assert read_image(np.zeros((2, 3), np.uint8), max_pixels=6).shape == (2, 3)


@pytest.mark.parametrize("path", ["/", "/api/pipelines"])
def test_only_its_own_names_are_answered(address: str, path: str) -> None:
    """A site whose name was pointed to this machine's address gets nothing."""
    port = address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", f"[::1]:{port}"):
        assert requests.get(address + path, headers={"Host": host}, timeout=300).status_code == 200
    for host in ("evil.example", f"127.0.0.1.evil.example:{port}", "[", "", "[::2]"):
        response = requests.get(address + path, headers={"Host": host}, timeout=300)
        assert response.status_code == 421
        assert response.json() == {"error": "unknown host name; use the address printed at start-up."}


def test_pages_of_other_sites_get_no_answer(address: str) -> None:
    """Browsers say where the page comes from that asks."""
    picture = png(drawn(7))
    for headers in ({"Origin": address}, {"Sec-Fetch-Site": "same-origin"}, {}):
        assert ask(address, picture, headers=headers)[0] == 200
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert ask(address, picture, headers=headers) == (403, {"error": "pages of other sites get no answer here."})


@pytest.mark.parametrize("path", ["/", "/demo.js", "/demo.css", "/icon.svg", "/api/pipelines", "/none"])
def test_every_answer_tells_the_browser_to_be_careful(address: str, path: str) -> None:
    """Nothing but the page's own files may be loaded, types are not guessed, and nothing is remembered of visitors."""
    headers = requests.get(address + path, timeout=300).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' data: blob:;")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers


def test_the_page_names_no_other_host() -> None:
    """Every address in its files is relative; and no script or style stands in the page itself."""
    for file in PAGE.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+|@import|url\(", text) == []
    page = (PAGE / "index.html").read_text("utf-8")
    assert re.findall(r"<style|<script>|\son\w+=|\sstyle=", page) == []
    assert all(not link.startswith("/") for link in re.findall(r'(?:src|href)="([^"]*)"', page))


@pytest.mark.slow
def test_many_visitors_get_their_own_answers(address: str) -> None:
    """Pictures sent at once are not mixed up."""
    digits = [7, 3, 1, 4, 7, 0, 3, 6]
    with ThreadPoolExecutor(len(digits)) as visitors:
        answers = list(visitors.map(lambda digit: ask(address, png(drawn(digit))), digits))
    assert [found["label"] for _, found in answers] == digits


class Waiting(Pipeline):
    """A pipeline that takes its time."""

    released = threading.Event()

    def trace(self, image: Any) -> Any:
        """Answer when it is allowed to."""
        assert self.released.wait(60)
        return super().trace(image)


@pytest.mark.slow
def test_too_many_pictures_are_turned_away_and_the_page_still_comes() -> None:
    """The queue has an end; the event loop does not wait for it."""
    with serving(create_app({"slow": Waiting.pretrained()})) as address, ThreadPoolExecutor(40) as visitors:
        try:
            asked = [visitors.submit(ask, address, png(drawn(1))) for _ in range(30)]
            refused = [future.result() for future in itertools.islice(as_completed(asked), 12)]
            assert requests.get(address, timeout=300).status_code == 200
        finally:
            Waiting.released.set()
        assert sorted(future.result()[0] for future in asked) == [200] * 18 + [503] * 12
    words = {"error": "too many pictures are waiting. Try again in a moment."}
    assert refused == [(503, words)] * 12


class Broken(Pipeline):
    """A pipeline with a bug."""

    def trace(self, image: Any) -> Any:
        """Raise what nobody expects."""
        raise ZeroDivisionError("the secret")


def test_a_bug_is_logged_here_and_said_in_words_there(caplog: pytest.LogCaptureFixture) -> None:
    """Visitors learn nothing of the inside."""
    with serving(create_app({"broken": Broken.pretrained()})) as address:
        status, found = ask(address, png(drawn(1)))
    words = "something went wrong here: a bug in lenetkit. The server's log says more."
    assert (status, found) == (500, {"error": words})
    assert "ZeroDivisionError: the secret" in caplog.text


def test_the_page_works_under_any_path() -> None:
    """Mounted in another application."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    with serving(Starlette(routes=[Mount("/digits", create_app())])) as address:
        assert "<h1>Draw a digit</h1>" in requests.get(f"{address}/digits/", timeout=300).text
        assert requests.get(f"{address}/digits/demo.js", timeout=300).status_code == 200
        assert ask(f"{address}/digits", png(drawn(4)))[1]["label"] == 4


@pytest.mark.slow
@pytest.mark.tensorflow
def test_layers_are_shown_as_the_library_finds_them(address: str) -> None:
    """Names, captions, and pictures in which a grey means one thing."""
    from lenetkit.diagnosis import feature_maps

    status, found = ask(address, png(drawn(5)), "layers")
    assert status == 200
    maps = feature_maps(drawn(5), PRETRAINED)
    assert [layer["name"] for layer in found["layers"]] == [name for name, _ in maps.layers]
    assert [layer["caption"] for layer in found["layers"][:3]] == ["28 x 28", "6 maps of 28 x 28", "6 maps of 14 x 14"]
    with picture_of(found["layers"][0]["picture"]) as picture:
        grey, alpha = np.asarray(picture).transpose(2, 0, 1)
    values = dict(maps.layers)["input"][..., 0]
    assert np.array_equal(grey, np.rint(255 * (values - values.min()) / np.ptp(values)))
    assert alpha.min() == 255


def test_a_network_that_cannot_be_looked_into_is_said_so(address: str) -> None:
    """Whatever the reason is."""
    status, found = ask(address, b"not a picture", "layers")
    assert (status, list(found)) == (422, ["error"])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"pipelines": {}}, SettingError, "there must be at least one pipeline"),
        ({"pipelines": {"new": Pipeline()}}, NotFittedError, "not fitted"),
        ({"max_upload": 0}, SettingError, "max_upload must be above 0; got 0"),
        ({"max_pixels": -1}, SettingError, "max_pixels must be above 0; got -1"),
        ({"hosts": "example.org"}, SettingError, r"hosts must be a list of names; got 'example.org'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], error: Any, message: str) -> None:
    """Before anything is served."""
    with pytest.raises(error, match=message):
        create_app(**settings)


def run(code: str) -> str:
    """Return what some code prints in a fresh Python."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_answering_loads_no_tensorflow() -> None:
    """And importing the module loads no server."""
    code = f"""
import sys
import lenetkit.demo
assert not {{"starlette", "uvicorn", "numpy"}} & set(sys.modules)
from lenetkit import Pipeline
from lenetkit.demo import create_app
from lenetkit.datasets import read_image
from lenetkit.demo._answer import answer
create_app()
assert answer(Pipeline.pretrained(), read_image({png(drawn(7))!r}), 0.01)["label"] == 7
print(sorted({{"tensorflow", "keras", "matplotlib", "jinja2", "pandas", "sklearn"}} & set(sys.modules)))
"""
    assert run(code) == "[]\n"


@contextlib.contextmanager
def command(*arguments: Any) -> Iterator[subprocess.Popen[str]]:
    """Run ``lenetkit demo`` in a process of its own."""
    line = [sys.executable, "-m", "lenetkit", "demo", *map(str, arguments)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def slow_visitor(address: str) -> Iterator[None]:
    """Send the beginning of a picture, and no more."""
    host = address.removeprefix("http://").rstrip("/")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port))) as visitor:
        visitor.sendall(f"POST /api/read HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nP5".encode())
        yield


@pytest.mark.slow
def test_the_command_prints_the_address_and_stops_at_ctrl_c() -> None:
    """With the pipelines that were named, and nothing to complain about, even while somebody is sending a picture."""
    with command("--pipeline", WORDS, "--port", "0") as process:
        assert process.stdout is not None
        match = re.fullmatch(r"The page is at (http://127\.0\.0\.1:\d+/)\n", process.stdout.readline())
        assert match is not None
        assert process.stdout.readline() == "Ctrl-C stops it.\n"
        response = requests.get(f"{match[1]}api/pipelines", timeout=300)
        assert [pipeline["name"] for pipeline in response.json()["pipelines"]] == ["format_1"]
        assert "Server" not in response.headers
        with slow_visitor(match[1]):
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=300)
    assert (output, errors, process.returncode) == ("stopped\n", "", 0)


def test_a_compressed_bomb_of_text_is_refused(address: str) -> None:
    """Remarks in a picture may not unpack to more than Pillow allows."""
    data = png(np.zeros((8, 8), np.uint8))
    text = b"bomb\0\0" + zlib.compress(b"\0" * 50_000_000)
    chunk = len(text).to_bytes(4) + b"zTXt" + text + zlib.crc32(b"zTXt" + text).to_bytes(4)
    status, found = ask(address, data[:33] + chunk + data[33:])
    assert status == 422
    assert "damaged or of an unusual kind" in found["error"]
