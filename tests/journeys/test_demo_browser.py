"""The page to draw on in a real browser: drawn on with mouse, finger and keys, shown photos, and watched all the while.

Needs Playwright and a Chromium: the one that ``LENETKIT_TEST_CHROMIUM`` names, or ``chromium`` on the path.
"""

import csv
import io
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.pretrained import get_path
from lenetkit.synthesis import draw_number, draw_paper

REQUIRED = bool(os.environ.get("LENETKIT_TEST_REQUIRE_BROWSER"))
if not REQUIRED:
    pytest.importorskip("starlette")
    pytest.importorskip("playwright")
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright  # noqa: E402

pytestmark = pytest.mark.slow

WORDS = Path(__file__).parents[1] / "data" / "format_1.lenet"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 812},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
}
# Other tests may want the machine at the same time.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)

Stroke = list[tuple[float, float]]
# In shares of the drawing area's width and height.
ONE: Stroke = [(0.5, 0.15), (0.5, 0.85)]
SEVEN: Stroke = [(0.35, 0.2), (0.65, 0.2), (0.45, 0.85)]
THREE: Stroke = [(0.38, 0.22), (0.5, 0.15), (0.62, 0.25), (0.58, 0.42), (0.46, 0.48), (0.6, 0.52), (0.65, 0.68)]
THREE += [(0.55, 0.83), (0.38, 0.78)]
STAR: Stroke = [(0.5, 0.05), (0.62, 0.95), (0.2, 0.35), (0.8, 0.35), (0.3, 0.95), (0.5, 0.05), (0.2, 0.7), (0.8, 0.7)]


class Watch:
    """What the pages of a browser's context ask other hosts for, and what they complain about.

    Nothing that is asked of other hosts leaves the machine.
    """

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.own = urlsplit(address).netloc
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        context.route(self.is_foreign, lambda route: route.abort())
        context.on("request", lambda request: self.note(request.url))
        context.on("page", lambda page: page.on("websocket", lambda websocket: self.note(websocket.url)))
        context.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def is_foreign(self, url: str) -> bool:
        """Tell whether an address is another host's."""
        parts = urlsplit(url)
        return parts.scheme not in ("data", "blob", "about") and parts.netloc != self.own

    def note(self, url: str) -> None:
        """Keep an address if it is another host's."""
        if self.is_foreign(url):
            self.elsewhere.append(url)


Visit = Callable[..., tuple[Page, Watch]]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return the address of a page served by the command, which has nothing to complain about until it is stopped."""
    command = [sys.executable, "-m", "lenetkit", "demo", get_path("digits"), WORDS, "--port", "0", "--max-upload", "2"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition(" ")[2].strip()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=300)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a Chromium that knows no other host's address."""
    path = os.environ.get("LENETKIT_TEST_CHROMIUM") or shutil.which("chromium")
    if path is None:
        reason = "needs a Chromium: none on the path (set LENETKIT_TEST_CHROMIUM)"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    # The pages are our own; as root a Chromium starts without its sandbox only.
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """Return a function that opens the page; no other host may be asked for anything until the test is over."""
    opened = []

    def _visit(**settings: Any) -> tuple[Page, Watch]:
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        watch = Watch(context, address)
        opened.append((context, watch))
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#pipeline option")).to_have_count(2)
        return page, watch

    yield _visit
    for context, _ in opened:
        context.close()
    for _, watch in opened:
        assert watch.elsewhere == []
        assert watch.complaints == []


def points(page: Page, stroke: Stroke) -> list[tuple[float, float]]:
    """Return where a stroke goes on the screen."""
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    return [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in stroke]


def draw(page: Page, *strokes: Stroke) -> None:
    """Draw with the mouse."""
    for stroke in strokes:
        start, *rest = points(page, stroke)
        page.mouse.move(*start)
        page.mouse.down()
        for point in rest:
            page.mouse.move(*point, steps=8)
        page.mouse.up()


def draw_with_a_finger(page: Page, stroke: Stroke) -> None:
    """Draw as a touch screen sees it."""
    session = page.context.new_cdp_session(page)
    path = np.array(points(page, stroke))
    pairs = itertools.pairwise(path)
    steps = [start + share * (end - start) for start, end in pairs for share in np.linspace(0, 1, 8)]
    for number, (x, y) in enumerate(steps):
        kind = "touchMove" if number else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def beside(stroke: Stroke, left: float) -> Stroke:
    """Return a stroke at half its size, further left or right."""
    return [(left + across / 2, 0.25 + down / 2) for across, down in stroke]


def asks_nothing(page: Page) -> None:
    """Wait until no question is on its way."""
    page.evaluate(
        """async (patience) => {
            const end = Date.now() + patience;
            while ((timer !== null || $("answer").hasAttribute("aria-busy")) && Date.now() < end)
                await new Promise((resolve) => setTimeout(resolve, 20));
        }""",
        PATIENCE,
    )


def is_answered(page: Page, text: str) -> None:
    """Wait for the answer to what was asked last."""
    asks_nothing(page)
    expect(page.locator("#label")).to_have_text(text)


def file_of(pixels: Any, name: str = "photo.jpg") -> Any:
    """Return pixels as a file to upload."""
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, format="jpeg", quality=92)
    return {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()}


def photographed(text: str) -> Any:
    """Return a number as it looks on dotted paper in half shadow."""
    number = draw_number(text, seed=4)
    return number.on(draw_paper(*number.image.shape, ruling="dotted", rows=number.baselines, shadow=0.4))


@pytest.mark.parametrize(("digit", "stroke"), [("7", SEVEN), ("3", THREE)])
def test_a_digit_drawn_with_the_mouse_is_read(visit: Visit, digit: str, stroke: Stroke) -> None:
    """The label, its probability, every stage, and the answer in words for those who do not see it."""
    page, _ = visit(**DESK)
    expect(page.locator("#hint")).to_be_visible()
    draw(page, stroke)
    is_answered(page, digit)
    expect(page.locator("#hint")).to_be_hidden()
    expect(page.locator("#bars li")).to_have_count(10)
    best = page.locator("#bars li.best")
    expect(best.locator("b")).to_have_text(digit)
    assert float(best.locator("span").inner_text().removesuffix(" %")) > 90
    expect(page.locator("#stages li")).to_have_count(8)
    assert page.locator("#stages img").evaluate_all("images => images.every((image) => image.naturalWidth > 0)")
    expect(page.get_by_role("status").first).to_contain_text(f"{digit}. 9")


def test_what_is_cleared_is_not_said_any_more(visit: Visit) -> None:
    """Nor when the words were about to be said."""
    page, _ = visit(**DESK)
    page.clock.install()
    draw(page, SEVEN)
    is_answered(page, "7")
    page.get_by_role("button", name="Clear").click()
    page.clock.fast_forward(1500)
    expect(page.get_by_role("status").first).to_have_text("")


def test_several_digits_are_read_as_a_number(visit: Visit) -> None:
    """Each gets its box, around the ink that was drawn; and the visitor may know better."""
    page, _ = visit(**DESK)
    lefts = (-0.05, 0.22, 0.5)
    draw(page, *(beside(stroke, left) for stroke, left in zip((SEVEN, THREE, SEVEN), lefts, strict=True)))
    is_answered(page, "737")
    boxes = page.locator("#boxes rect")
    expect(boxes).to_have_count(3)
    found = [boxes.nth(place).evaluate("box => [+box.getAttribute('x'), +box.getAttribute('y')]") for place in range(3)]
    # 640 x 480 pixels; the pen is 24 wide.
    for (x, y), left in zip(found, lefts, strict=True):
        assert x == pytest.approx(640 * (left + 0.35 / 2) - 12, abs=16)
        assert y == pytest.approx(480 * (0.25 + 0.2 / 2) - 12, abs=20)
    page.get_by_label("Read as").select_option("one digit")
    expect(page.locator("#label")).to_have_text("Not a digit")
    expect(boxes).to_have_count(0)


def test_what_is_no_digit_is_said_to_be_none(visit: Visit) -> None:
    """With the reason."""
    page, _ = visit(**DESK)
    draw(page, STAR)
    is_answered(page, "Not a digit")
    expect(page.locator("#sure")).to_have_text("This does not look like one of the labels, or not like only one.")
    expect(page.locator("#bars li.best")).to_have_count(0)


def test_strokes_can_be_taken_back(visit: Visit) -> None:
    """One by one, and all of them; taking back takes back the clearing, too, and the paper may be another."""
    page, _ = visit(**DESK)
    undo, clear = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Clear")
    expect(undo).to_be_disabled()
    draw(page, SEVEN)
    is_answered(page, "7")
    draw(page, STAR)
    is_answered(page, "Not a digit")
    page.keyboard.press("Control+z")
    is_answered(page, "7")
    clear.click()
    expect(page.locator("#sure")).to_have_text("Nothing drawn yet.")
    expect(clear).to_be_disabled()
    page.get_by_label("White on black").check()
    undo.click()
    is_answered(page, "7")
    corner = "canvas => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data]"
    assert page.locator("#canvas").evaluate(corner) == [0, 0, 0, 255]


def test_the_keyboard_draws(visit: Visit) -> None:
    """The arrow keys move the pen, the space bar puts it down."""
    page, _ = visit(**DESK)
    page.locator("#canvas").focus()
    for key, times in (("Shift+ArrowUp", 4), (" ", 1), ("Shift+ArrowDown", 8), (" ", 1), ("Shift+ArrowRight", 3)):
        for _press in range(times):
            page.keyboard.press(key)
    is_answered(page, "1")


def test_another_pipeline_can_be_chosen(visit: Visit) -> None:
    """The labels change with it."""
    page, _ = visit(**DESK)
    draw(page, THREE)
    is_answered(page, "3")
    page.get_by_label("Read by").select_option("format_1")
    expect(page.locator("#bars b")).to_have_text(sorted(Pipeline.load(WORDS).classes_.tolist()))
    answer = page.locator("#label").inner_text()
    assert answer in Pipeline.load(WORDS).classes_.tolist()


def test_a_photo_is_read(visit: Visit) -> None:
    """Chosen as a file, or dropped on the page."""
    page, _ = visit(**DESK)
    page.get_by_label("Choose a picture").set_input_files(file_of(photographed("1947")))
    is_answered(page, "1947")
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator("#boxes rect")).to_have_count(4)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#photo")).to_be_hidden()
    transfer = page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", { type: "image/jpeg" }));
            return transfer;
        }""",
        list(file_of(photographed("502"))["buffer"]),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    is_answered(page, "502")


@pytest.mark.parametrize("settings", [DESK, {**PHONE, "color_scheme": "dark"}], ids=["desk", "phone"])
def test_what_is_known_of_the_number_is_used(visit: Visit, settings: dict[str, Any]) -> None:
    """Fields appear where a number is asked for; what is wrong in them is said beside them, and the picture stays."""
    page, watch = visit(**settings)
    page.get_by_label("Choose a picture").set_input_files(file_of(photographed("1947")))
    is_answered(page, "1947")
    length = page.get_by_label("Length")
    expect(length).to_be_hidden()
    page.get_by_label("Read as").select_option("a number")
    # With the keyboard alone, from field to field.
    length.focus()
    page.keyboard.type("4")
    page.keyboard.press("Tab")
    page.keyboard.type("##a")
    asks_nothing(page)
    expect(page.get_by_role("alert")).to_contain_text("Pattern must not contain 'a'")
    expect(page.locator("#label")).to_have_text("No answer")
    expect(page.locator("#photo")).to_be_visible()
    page.get_by_label("Pattern").fill("")
    page.keyboard.press("Tab")
    page.keyboard.type("2026")
    page.keyboard.press("Enter")
    page.keyboard.type("1847")
    is_answered(page, "1847")
    expect(page.locator("#label")).to_have_attribute("data-kind", "doubt")
    expect(page.locator("#sure")).to_contain_text("Not sure enough: the reading is right with a probability of")
    expect(page.get_by_role("alert")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Known numbers").fill(" ".join(map(str, range(2000))))
    expect(page.get_by_role("alert")).to_contain_text("at most 1,000 known numbers on this page; there are 2,000")
    page.get_by_label("Read as").select_option("digit or number")
    expect(length).to_be_hidden()
    is_answered(page, "1947")
    assert all("422" in complaint for complaint in watch.complaints)
    watch.complaints.clear()


def test_a_number_with_signs_is_shown_as_it_stands(visit: Visit) -> None:
    """With its parts and what else it may be, as the server found them."""
    page, _ = visit(**DESK)

    def answer(route: Route) -> None:
        response = route.fetch()
        found = response.json()
        place = {"box": [100, 20, 105, 30], "reason": "the sign .", "probability": 0, "line": 0}
        found["number"].update(
            raw_with_doubts="19.47",
            groups=["19", "47"],
            left_out=[place],
            alternatives=[{"text": "1947", "probability": 0.9}, {"text": "1941", "probability": 0.05}],
        )
        route.fulfill(response=response, json=found)

    page.route("**/api/read?*", answer)
    page.get_by_label("Choose a picture").set_input_files(file_of(photographed("1947")))
    is_answered(page, "19.47")
    expect(page.locator("#sure")).to_contain_text("There are signs beside the digits.")
    expect(page.locator("#more")).to_have_text("Parts19 \u00b7 47Or else1941 (5.0 %)")
    expect(page.locator("#boxes text.doubt")).to_have_text(".")


def test_a_phones_photo_gets_the_librarys_own_answer(visit: Visit, shared_data: Path) -> None:
    """Whether it is right or not."""
    page, _ = visit(**DESK)
    folder = shared_data / "wild" / "digits"
    with open(folder / "labels.csv", encoding="utf-8") as table:
        photo = next(folder / row["file"] for row in csv.DictReader(table) if row["group"] == "phone")
    (expected,) = Pipeline.pretrained().predict([photo], reject=0.01)
    assert not expected.rejected
    page.get_by_label("Choose a picture").set_input_files(photo)
    is_answered(page, str(expected.label))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.png", b"not a picture", "notes.png must be a picture in PNG, JPEG"),
        ("large.png", b"\0" * 2_100_000, "large.png must have at most 2 MB; it has 2.1."),
    ],
)
def test_what_is_no_picture_is_said_in_words(visit: Visit, name: str, content: bytes, words: str) -> None:
    """And the drawing is still there."""
    page, watch = visit(**DESK)
    draw(page, SEVEN)
    is_answered(page, "7")
    file: Any = {"name": name, "mimeType": "image/png", "buffer": content}
    page.get_by_label("Choose a picture").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#label")).to_have_text("No answer")
    expect(page.locator("#photo")).to_be_hidden()
    # The browser itself notes each answer that is a refusal, and a preview that is no picture.
    assert all("422" in complaint for complaint in watch.complaints)
    watch.complaints.clear()
    draw(page, [(0.5, 0.5), (0.52, 0.5)])
    is_answered(page, "7")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_drawing_that_waits_to_be_asked_about_does_not_hide_what_is_wrong_with_a_file(visit: Visit) -> None:
    """The file is dropped in the very moment in which the pen goes up."""
    page, _ = visit(**DESK)
    page.evaluate(
        """size => {
            for (const way of ["down", "up"]) $("canvas").dispatchEvent(new KeyboardEvent("keydown", { key: " " }));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(size)], "large.png", { type: "image/png" }));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer }));
        }""",
        2_100_000,
    )
    asks_nothing(page)
    expect(page.get_by_role("alert")).to_contain_text("large.png must have at most 2 MB")
    expect(page.locator("#label")).to_have_text("No answer")
    draw(page, SEVEN)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_late_answer_does_not_hide_what_is_wrong_with_a_file(visit: Visit) -> None:
    """One question is on its way when the file is chosen, another waits for it; what is drawn later counts again."""
    page, _ = visit(**DESK)
    asked: list[Route] = []
    page.route("**/api/read?*", lambda route: asked.append(route), times=1)
    with page.expect_request("**/api/read?*"):
        draw(page, [(0.5, 0.5), (0.5, 0.5)])
    draw(page, SEVEN)
    page.evaluate("async () => { while (timer !== null) await new Promise((resolve) => setTimeout(resolve, 20)); }")
    file: Any = {"name": "large.png", "mimeType": "image/png", "buffer": b"\0" * 2_100_000}
    page.get_by_label("Choose a picture").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("large.png must have at most 2 MB")
    asked[0].continue_()
    asks_nothing(page)
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#label")).to_have_text("No answer")
    draw(page, [(0.5, 0.5), (0.52, 0.5)])
    asks_nothing(page)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_server_that_is_gone_is_said_to_be(visit: Visit) -> None:
    """When it is back, the next stroke is answered."""
    page, watch = visit(**DESK)
    page.context.set_offline(True)
    draw(page, SEVEN)
    expect(page.get_by_role("alert")).to_have_text("The server does not answer. Is it still running?")
    page.context.set_offline(False)
    draw(page, [(0.5, 0.5), (0.52, 0.5)])
    is_answered(page, "7")
    assert all("net::ERR_INTERNET_DISCONNECTED" in complaint for complaint in watch.complaints)
    watch.complaints.clear()


def test_the_page_fits_a_phone_and_a_finger_draws(visit: Visit) -> None:
    """Nothing is wider than the screen, the page stays where it is under the finger, and the answer is in sight."""
    page, _ = visit(**PHONE)
    draw_with_a_finger(page, SEVEN)
    is_answered(page, "7")
    assert page.evaluate("[scrollX, scrollY]") == [0, 0]
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    expect(page.locator("#label")).to_be_in_viewport()
    expect(page.get_by_label("Take a photo")).to_be_attached()
    for name in ("Undo", "Clear"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 40, "fingers hit it"


@pytest.mark.parametrize("settings", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_moves_when_the_answer_comes(visit: Visit, settings: dict[str, Any]) -> None:
    """Everything down to the stages has its place from the start."""
    page, _ = visit(**settings)
    tops = (
        "['#canvas', '#sure', '#bars', '#stages'].map((id) => document.querySelector(id).getBoundingClientRect().top)"
    )
    before = page.evaluate(tops)
    draw(page, SEVEN)
    is_answered(page, "7")
    assert page.evaluate(tops) == before


@pytest.mark.tensorflow
def test_the_layers_of_the_network_are_shown_when_they_are_asked_for(visit: Visit) -> None:
    """What is computed is said to be, meanwhile."""
    page, _ = visit(**DESK)
    draw(page, THREE)
    is_answered(page, "3")
    page.get_by_text("Inside the network").click()
    expect(page.locator("#inside-note")).to_contain_text("Computing")
    expect(page.locator("#layers li")).to_have_count(7, timeout=3 * PATIENCE)
    expect(page.locator("#layers li").nth(1)).to_contain_text("6 maps of 28 x 28")
    assert page.locator("#layers img").evaluate_all("images => images.every((image) => image.naturalWidth > 0)")


def test_the_watch_sees_what_a_page_asks_other_hosts_for(visit: Visit) -> None:
    """The test of the tests: with such a picture on the page each of them would fail."""
    page, watch = visit(**DESK)
    page.goto("about:blank")
    page.set_content('<img src="http://other.example/picture.png">')
    assert watch.elsewhere == ["http://other.example/picture.png"]
    assert len(watch.complaints) == 1
    watch.elsewhere.clear()
    watch.complaints.clear()


def test_the_browser_lets_the_page_ask_nobody_else(visit: Visit) -> None:
    """Whatever a script on it tries: the content security policy forbids it."""
    page, watch = visit(**DESK)
    refused = page.evaluate(
        """async () => {
            const refused = [];
            document.addEventListener("securitypolicyviolation", (event) => refused.push(event.blockedURI));
            await fetch("http://other.example/count").catch(() => {});
            const image = new Image();
            image.src = "http://other.example/picture.png";
            await new Promise((resolve) => { image.onerror = resolve; });
            return refused;
        }"""
    )
    assert refused == ["http://other.example/count", "http://other.example/picture.png"]
    # The watch notes what was tried, even though nothing was sent.
    assert set(watch.elsewhere) <= set(refused)
    assert watch.complaints
    watch.elsewhere.clear()
    watch.complaints.clear()
