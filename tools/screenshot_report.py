"""Photograph the head of a report for the documentation.

Needs a Chromium and MNIST's test part. Usage::

    python tools/screenshot_report.py [--browser chromium]

Writes ``docs/images/report.png``.
"""

import argparse
import io
import subprocess
import tempfile
from pathlib import Path

import PIL.Image

from lenetkit import Pipeline, load_dataset
from lenetkit.files import write_atomically

TARGET = Path(__file__).parents[1] / "docs" / "images" / "report.png"
SIZE = 1120, 1700


def photograph(page: Path, browser: str, size: tuple[int, int]) -> PIL.Image.Image:
    """Return a page as a browser shows it."""
    picture = page.with_suffix(".png")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    with PIL.Image.open(picture) as taken:
        return taken.convert("RGB")


def main(browser: str) -> None:
    """Write the pretrained pipeline's report and photograph it."""
    test = load_dataset("mnist", subset="test")
    pipeline = Pipeline.pretrained()
    evaluation = pipeline.evaluate(test.images, test.labels)
    with tempfile.TemporaryDirectory() as folder:
        page = evaluation.to_html(Path(folder) / "report.html", data=test, pipeline=pipeline)
        picture = photograph(page, browser, SIZE)
    file = io.BytesIO()
    # 128 colours are enough for text on white, and a quarter of the bytes.
    picture.quantize(128, dither=PIL.Image.Dither.NONE).save(file, format="png", optimize=True)
    print(write_atomically(TARGET, file.getvalue()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Photograph the head of a report for the documentation.")
    parser.add_argument("--browser", default="chromium", help="the Chromium to use")
    main(parser.parse_args().browser)
