"""Photograph the report and the pages to draw and to correct on for the documentation.

Needs Playwright, a Chromium and, for the report, MNIST's test part. Usage::

    python tools/screenshots.py [report] [demo] [label] [--browser chromium]

Writes ``docs/images/report.png``, ``demo.png``, ``demo_phone.png`` and ``label.png``.
"""

import argparse
import io
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PIL.Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lenetkit import Pipeline, load_dataset
from lenetkit._utils.files import write_atomically
from lenetkit.synthesis import draw_digits, draw_number, draw_paper

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 812},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


def arc(x: float, y: float, radius: float, start: int, end: int) -> list[tuple[float, float]]:
    """Return points on an arc from one angle to another, clockwise from the right, in shares of the drawing area."""
    angles = [math.radians(start + (end - start) * step / 40) for step in range(41)]
    return [(x + 0.75 * radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


THREE = arc(0.49, 0.31, 0.17, 205, 450) + arc(0.49, 0.665, 0.19, 270, 520)


def report(browser: Browser) -> None:
    """Photograph the head of the pretrained pipeline's report."""
    test = load_dataset("mnist", subset="test")
    pipeline = Pipeline.pretrained()
    evaluation = pipeline.evaluate(test.images, test.labels)
    page = browser.new_page(viewport={"width": 1120, "height": 1700})
    with tempfile.TemporaryDirectory() as folder:
        page.goto(evaluation.to_html(Path(folder) / "report.html", data=test, pipeline=pipeline).as_uri())
        keep(page, "report.png")


def demo(browser: Browser) -> None:
    """Photograph the page with a digit drawn on a desk's screen, and with a photo of a number on a phone's."""
    with serving() as address:
        page = browser.new_page(**DESK)
        page.goto(address)
        draw(page, THREE)
        expect(page.locator("#label")).to_have_text("3", timeout=60_000)
        page.locator("#inside summary").click()
        expect(page.locator("#layers li")).to_have_count(7, timeout=180_000)
        page.mouse.move(0, 0)
        keep(page, "demo.png", full_page=True)
        page = browser.new_page(**PHONE)
        page.goto(address)
        page.locator("#file").set_input_files(
            {"name": "amount.jpg", "mimeType": "image/jpeg", "buffer": photo("47278")}  # type: ignore[arg-type]
        )
        expect(page.locator("#label")).to_have_text("47278", timeout=60_000)
        keep(page, "demo_phone.png")


def label(browser: Browser) -> None:
    """Photograph the page to correct on, with digits of a hand that is new to the pipeline."""
    forms = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
    hand = draw_digits(80, size=84, allographs=forms, pen_width=(2.4, 2.8), variation=0.6, seed=1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "scans"
        folder.mkdir()
        for index, (image, digit) in enumerate(zip(hand.images, hand.labels, strict=True)):
            PIL.Image.fromarray(255 - image).save(folder / f"{index:02}-{digit}.png")
        with serving("label", str(folder)) as address:
            page = browser.new_page(**DESK)
            page.goto(address)
            for _ in range(10):
                expect(page.locator(".card[aria-current=true][data-state=waiting]")).to_have_count(1, timeout=60_000)
                page.keyboard.press(page.evaluate("cards[current].name")[-5])
            expect(page.locator("#count")).to_contain_text("10 done", timeout=60_000)
            page.wait_for_load_state("networkidle")
            keep(page, "label.png")


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """Run a command and return its page's address."""
    command = [sys.executable, "-m", "lenetkit", *(arguments or ("demo",)), "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process.stdout.readline().rpartition(" ")[2].strip()  # type: ignore[union-attr]
        finally:
            process.terminate()


def draw(page: Page, stroke: list[tuple[float, float]]) -> None:
    """Draw with the mouse."""
    box: Any = page.locator("#canvas").bounding_box()
    for number, (across, down) in enumerate(stroke):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=3)
        if not number:
            page.mouse.down()
    page.mouse.up()


def photo(text: str) -> bytes:
    """Return a number as a phone sees it: on dotted paper, in half shadow."""
    number = draw_number(text, seed=4, height=120)
    paper = draw_paper(*number.image.shape, shade=(235, 230, 215), ruling="dotted", rows=number.baselines, shadow=0.3)
    file = io.BytesIO()
    PIL.Image.fromarray(number.on(paper)).save(file, format="jpeg", quality=92)
    return file.getvalue()


def keep(page: Page, name: str, **settings: Any) -> None:
    """Write what the page looks like."""
    with PIL.Image.open(io.BytesIO(page.screenshot(**settings))) as taken:
        picture = taken.convert("RGB")
    file = io.BytesIO()
    # 128 colours are enough for text on white, and a quarter of the bytes.
    picture.quantize(128, dither=PIL.Image.Dither.NONE).save(file, format="png", optimize=True)
    print(write_atomically(IMAGES / name, file.getvalue()))


def main(wanted: list[str], chromium: str) -> None:
    """Photograph what is wanted."""
    with sync_playwright() as playwright:
        # The pages are our own; as root a Chromium starts without its sandbox only.
        browser = playwright.chromium.launch(executable_path=shutil.which(chromium), args=["--no-sandbox"])
        for name, photograph in {"report": report, "demo": demo, "label": label}.items():
            if name in wanted or not wanted:
                photograph(browser)
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Photograph pages for the documentation.")
    parser.add_argument("wanted", nargs="*", metavar="report | demo | label", help="default: all")
    parser.add_argument("--browser", default="chromium", help="the Chromium to use")
    arguments = parser.parse_args()
    main(arguments.wanted, arguments.browser)
