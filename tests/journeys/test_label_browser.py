"""The page to correct on in a real browser: with the keyboard alone, with a finger, in both colour schemes.

Needs Playwright and a Chromium: the one that ``LENETKIT_TEST_CHROMIUM`` names, or ``chromium`` on the path.
"""

import contextlib
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.synthesis import draw_digits, draw_nondigits, draw_number

REQUIRED = bool(os.environ.get("LENETKIT_TEST_REQUIRE_BROWSER"))
if not REQUIRED:
    pytest.importorskip("starlette")
    pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

pytestmark = pytest.mark.slow

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 812},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
# Other tests may want the machine at the same time.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)

FORMS = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
WORDS = Path(__file__).parents[1] / "data" / "format_1.lenet"
NUMBERS = ["1947", "2026", "0042"]


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


Label = Callable[..., contextlib.AbstractContextManager[str]]


@pytest.fixture
def label(tmp_path: Path) -> Label:
    """Return a function that runs ``lenetkit label`` on a folder and gives the page's address."""

    @contextlib.contextmanager
    def run(*arguments: Any) -> Iterator[str]:
        command = [sys.executable, "-m", "lenetkit", "label", *map(str, arguments), "--port", "0"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=tmp_path) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().rpartition(" ")[2].strip()
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=300)
            finally:
                process.kill()
        assert process.returncode == 0, errors

    return run


@contextlib.contextmanager
def visiting(browser: Browser, address: str, **settings: Any) -> Iterator[tuple[Page, list[str]]]:
    """Open the page; no other host may be asked for anything, and nothing complained about but what is taken out."""
    complaints: list[str] = []
    context = browser.new_context(**settings)
    context.set_default_timeout(PATIENCE)
    context.on("request", lambda request: request.url.startswith(address) or complaints.append(request.url))
    context.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#count")).not_to_be_empty()
    yield page, complaints
    context.close()
    assert complaints == []


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    """Return a folder with thirty digits of one hand, and two pictures that are none."""
    folder = tmp_path / "hand"
    folder.mkdir()
    drawn = draw_digits(30, allographs=FORMS, pen_width=(2.4, 2.8), variation=0.6, seed=1)
    for index, (image, digit) in enumerate(zip(drawn.images, drawn.labels, strict=True)):
        PIL.Image.fromarray(255 - image).save(folder / f"{index:02}-is-{digit}.png")
    for index, image in enumerate(draw_nondigits(2, seed=5).images):
        PIL.Image.fromarray(image).save(folder / f"other-{index}-is-.png")
    return folder


def truth(name: str) -> str:
    """Return what a picture shows; nothing for one that is no digit."""
    return name.removesuffix(".png").rpartition("-")[2]


def rows(table: Path) -> dict[str, str]:
    """Return what the table says of each picture."""
    with open(table, encoding="utf-8", newline="") as file:
        return {
            row["file"].rpartition("/")[2]: row.get("label", row.get("text")) or row["left_out"]
            for row in csv.DictReader(file)
        }


def is_at(page: Page) -> str:
    """Return the name of the picture that is asked about, when there is one."""
    expect(page.locator(".card[aria-current=true][data-state=waiting]")).to_have_count(1)
    return str(page.evaluate("cards[current].name")).rpartition("/")[2]


def is_kept(page: Page, done: int) -> None:
    """Wait until so many pictures are done."""
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{done} done, "))


@pytest.mark.filterwarnings("ignore::lenetkit.exceptions.DataNotice")
def test_the_keyboard_alone_is_enough(browser: Browser, label: Label, hand: Path, tmp_path: Path) -> None:
    """To correct, to agree, to skip, to take back and to go on after a restart; each key is on the disk at once."""
    table = tmp_path / "hand-labels.csv"
    with label(hand) as address, visiting(browser, address, **DESK) as (page, _):
        expect(page.locator(".card")).to_have_count(24)
        expect(page.locator(".card[aria-current=true]")).to_be_focused()
        first = is_at(page)
        page.keyboard.press("3")
        is_kept(page, 1)
        assert rows(table) == {first: "3"}
        second = is_at(page)
        assert second != first
        page.keyboard.press("Delete")
        is_kept(page, 2)
        assert rows(table) == {first: "3", second: "nothing to read"}
        page.keyboard.press("Backspace")
        is_kept(page, 1)
        assert (is_at(page), rows(table)) == (second, {first: "3"})
        page.keyboard.press("ArrowLeft")
        page.keyboard.press(truth(first) or "Delete")  # another key changes it
        expect(page.locator(".card").first).to_have_attribute("data-state", "done")
        page.keyboard.press("Space")
        expect(page.locator("#count")).to_contain_text("1 skipped")
        assert rows(table) == {first: truth(first) or "nothing to read", second: "skipped"}
    with label(hand) as address, visiting(browser, address, **DESK) as (page, _):
        for done in range(1, 31):
            is_kept(page, done)
            name = is_at(page)
            assert name not in (first, second)
            shown = page.evaluate("cards[current].label")
            page.keyboard.press("Enter" if shown == truth(name) else truth(name) or "Delete")
        expect(page.locator("#end-title")).to_have_text("All but 1 skipped picture is done")
        page.get_by_role("button", name="Go through the 1 skipped again").click()
        expect(page.locator(".card")).to_have_count(1)
        page.keyboard.press(truth(second) or "Delete")
        expect(page.locator("#end-title")).to_have_text("All 32 pictures are done")
        expect(page.locator("#command")).to_contain_text("hand-labels.csv --output mine.lenet")
        expect(page.locator("#end-title")).to_be_visible()
        page.keyboard.press("Control+z")
        expect(page.locator("#end-title")).to_be_hidden()
        page.keyboard.press(truth(second) or "Delete")
        expect(page.locator("#end-title")).to_be_visible()
    assert rows(table) == {path.name: truth(path.name) or "nothing to read" for path in hand.iterdir()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finger_is_enough_on_a_phone(browser: Browser, label: Label, hand: Path, tmp_path: Path, scheme: Any) -> None:
    """The pad stays in sight, nothing is wider than the screen, and it reads well in both colour schemes."""
    with label(hand) as address, visiting(browser, address, **PHONE, color_scheme=scheme) as (page, _):
        for done in range(1, 6):
            name = is_at(page)
            expect(page.locator(".card[aria-current=true]")).to_be_in_viewport()
            button = (
                page.get_by_role("button", name=truth(name), exact=True) if truth(name) else page.locator("#nothing")
            )
            expect(button).to_be_in_viewport()
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 40, "fingers hit it"
            button.tap()
            is_kept(page, done)
        page.get_by_role("button", name="Undo").tap()
        is_kept(page, 4)
        page.get_by_role("button", name="Agree: ").tap()
        is_kept(page, 5)
        page.locator(".card").nth(10).tap()
        expect(page.locator(".card").nth(10)).to_have_attribute("aria-current", "true")
        page.get_by_role("button", name="Agree to all").tap()
        is_kept(page, 24)
        expect(page.locator(".card")).to_have_count(8)
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        # WCAG 2.1, 1.4.3, for small text.
        for selector in ("#count", "#where", ".card b", ".card small", "#agree", "#pad button", "#skip", "#sure"):
            assert contrast(page, selector) >= 4.5, selector
    assert len(rows(tmp_path / "hand-labels.csv")) == 24


def contrast(page: Page, selector: str) -> float:
    """Return the contrast of a text with what is behind it."""
    return float(
        page.locator(selector).first.evaluate(
            """element => {
                const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
                const light = (colour) => parse(colour).slice(0, 3).map((value) => value / 255)
                    .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
                    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
                let behind = element;
                while ((parse(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
                const ink = light(getComputedStyle(element).color);
                const paper = light(getComputedStyle(behind).backgroundColor);
                return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
            }"""
        )
    )


def test_everything_has_a_name(browser: Browser, label: Label, hand: Path) -> None:
    """For those who hear the page: each picture with its answer, each button and bar, and what was done."""
    with label(hand) as address, visiting(browser, address, **DESK) as (page, _):
        page.keyboard.press("ArrowRight")
        card = page.evaluate("cards[current]")
        current = page.locator(".card[aria-current=true]")
        kind = f"read as {card['label']}, " if card["label"] else "read as not a digit, "
        expect(current).to_have_accessible_name(re.compile(rf"^{card['name'].rpartition('/')[2]}: {kind}"))
        page.keyboard.press("7")
        expect(page.locator("#said")).to_have_text("7.")
        expect(page.locator(".card").nth(1)).to_have_accessible_name(re.compile("kept as 7$"))
        expect(page.get_by_role("progressbar")).to_have_accessible_name("1 done, 31 left; 1 corrected")
        expect(page.get_by_role("group", name="Correct to").get_by_role("button")).to_have_count(10)
        # With Tab one comes to every button, and a key on it does not answer a second time.
        page.get_by_role("button", name="Skip").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#count")).to_contain_text("1 skipped")
        is_kept(page, 1)


def test_the_text_of_numbers_is_corrected(browser: Browser, label: Label, tmp_path: Path) -> None:
    """In a field: Enter agrees, nothing in it is no number, Escape skips, Ctrl+Z takes back."""
    folder = tmp_path / "amounts"
    folder.mkdir()
    for index, text in enumerate(NUMBERS):
        PIL.Image.fromarray(draw_number(text, seed=index).image).save(folder / f"{index}.png")
    table = tmp_path / "amounts-labels.csv"
    with label(folder, "--numbers") as address, visiting(browser, address, **DESK) as (page, complaints):
        field = page.get_by_label("The number")
        expect(field).to_be_focused()
        names = [picture["name"].rpartition("/")[2] for picture in page.evaluate("cards.map(({ name }) => ({ name }))")]
        expect(field).to_have_value(NUMBERS[int(names[0][0])])
        page.keyboard.press("Enter")
        is_kept(page, 1)
        page.keyboard.type("12,50")
        page.keyboard.press("Enter")
        is_kept(page, 2)
        page.keyboard.press("Control+z")
        is_kept(page, 1)
        page.keyboard.press("Escape")
        expect(page.locator("#count")).to_contain_text("1 skipped")
        page.keyboard.type("x")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("A number must have digits, gaps and the signs")
        assert all("422" in complaint for complaint in complaints)
        complaints.clear()
        field.fill("")
        page.keyboard.press("Enter")
        is_kept(page, 2)
        expected = {names[0]: NUMBERS[int(names[0][0])], names[1]: "skipped", names[2]: "nothing to read"}
        assert rows(table) == expected


def test_words_have_buttons_and_keys(browser: Browser, label: Label, hand: Path, tmp_path: Path) -> None:
    """Where the labels are no digits: each has a button, and the first ten a key, which stands on it."""
    classes = [str(word) for word in Pipeline.load(WORDS).classes_]
    assert all(len(word) > 1 for word in classes)
    with label(hand, "--pipeline", WORDS) as address, visiting(browser, address, **DESK) as (page, _):
        first = is_at(page)
        page.keyboard.press("2")
        is_kept(page, 1)
        second = is_at(page)
        page.get_by_role("group", name="Correct to").get_by_role("button", name=classes[0]).click()
        is_kept(page, 2)
        expect(page.locator(".card[aria-current=true]")).to_be_focused()
    assert rows(tmp_path / "hand-labels.csv") == {first: classes[1], second: classes[0]}


def test_what_the_server_does_not_keep_is_asked_again(browser: Browser, label: Label, hand: Path) -> None:
    """While it is away; nothing is shown as done that is not."""
    with label(hand) as address, visiting(browser, address, **DESK) as (page, complaints):
        first = is_at(page)
        page.context.set_offline(True)
        for key in "123":
            page.keyboard.press(key)
        expect(page.get_by_role("alert")).to_have_text("The server does not answer. Is it still running?")
        expect(page.locator(".card[data-state=waiting]")).to_have_count(24)
        assert is_at(page) == first
        page.context.set_offline(False)
        page.keyboard.press("4")
        is_kept(page, 1)
        expect(page.get_by_role("alert")).to_be_hidden()
        assert all("net::ERR_INTERNET_DISCONNECTED" in complaint for complaint in complaints)
        complaints.clear()


def test_it_says_what_was_learnt_meanwhile(browser: Browser, label: Label, hand: Path, tmp_path: Path) -> None:
    """And goes on in the new order, with the new answers, without a pause."""
    output = tmp_path / "mine.lenet"
    with label(hand, "--adapt", "--output", output) as address, visiting(browser, address, **DESK) as (page, _):
        expect(page.locator("#lessons")).to_have_text("Learns from your corrections, from the tenth label on.")
        for done in range(1, 25):
            page.keyboard.press(truth(is_at(page)) or "Delete")
            is_kept(page, done)
        expect(page.locator("#lessons")).to_contain_text("now read otherwise. Kept in mine.lenet.")
        assert output.is_file()
