"""A newcomer's walk: from the README's first command to a report in a browser, with nothing but what the pages say.

Commands and code are taken from the pages. What the newcomer brings is a clone, Python, a photo and a few pictures.
There is no network: packages come from what is installed already, and every address leads nowhere.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import pytest

from lenetkit.datasets import load_dataset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tensorflow,
    pytest.mark.skipif(sys.platform == "win32", reason="the commands are a POSIX shell's"),
]

ROOT = Path(__file__).parents[2]
CLONED = ("LICENSE", "README.md", "pyproject.toml", "src")
LAST_LINE = r"accuracy (\d+\.\d\d) % \(95 % interval \d+\.\d to \d+\.\d %, n = (\d+)\)"


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of one language on a Markdown page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


class Newcomer:
    """Somebody with a shell, in which pip installs into a folder from what is at hand, and nothing can be fetched."""

    def __init__(self, home: Path) -> None:
        self.home, self.installed = home, home / "installed"
        nowhere = "http://127.0.0.1:9"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), nowhere),
            **{name: str(home / "nothing") for name in ("HOME", "KERAS_HOME", "LENETKIT_DATA", "XDG_CACHE_HOME")},
            "PATH": os.pathsep.join(
                [str(self.installed / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "PYTHONPATH": str(self.installed),
            "PIP_TARGET": str(self.installed),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip takes this for the value, not for its negation
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUTF8": "1",
            "COLUMNS": "120",
        }

    def types(self, command: str, folder: Path) -> str:
        """Run a command of the shell as it stands, and return what it prints."""
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def photo_of_a_seven() -> PIL.Image.Image:
    """Return what a phone sees: blue ink on paper in uneven light, not quite sharp."""
    rows, columns = np.mgrid[:240, :200]
    light = 225 - 0.16 * rows - 0.12 * columns + np.random.default_rng(0).normal(0, 2.5, (240, 200))
    paper = np.stack([light, light - 3, light - 12], axis=-1).clip(0, 255).astype(np.uint8)
    image = PIL.Image.fromarray(paper)
    pen = PIL.ImageDraw.Draw(image)
    seven = [(60, 62), (98, 58), (141, 60), (120, 108), (103, 150), (92, 191)]
    pen.line(seven, fill=(40, 50, 110), width=9, joint="curve")
    return image.filter(PIL.ImageFilter.GaussianBlur(1.2))


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    """Return somebody who has not done anything yet."""
    return Newcomer(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture(scope="module")
def first_output(newcomer: Newcomer) -> str:
    """Return what the README's first command prints, in a clone."""
    clone = newcomer.home / "clone"
    clone.mkdir()
    for name in CLONED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, clone / name)
    return newcomer.types(blocks("README.md", "sh")[0], clone)


@pytest.fixture
def folder(newcomer: Newcomer, first_output: str, tmp_path: Path) -> Path:
    """Return an empty folder to work in, after the first command."""
    return tmp_path


def test_the_first_command_installs_and_trains(newcomer: Newcomer, first_output: str) -> None:
    """It leaves an installed package, which is not the clone, says what it trained on, and ends with the accuracy."""
    where = newcomer.types('python -c "import lenetkit; print(lenetkit.__file__)"', newcomer.home)
    assert Path(where.strip()).parent == newcomer.installed / "lenetkit"
    promise = r"it trains on the bundled 1,797 digits of 8 x 8 pixels and prints a notice"
    assert re.search(promise.replace(" ", r"\s+"), (ROOT / "README.md").read_text("utf-8"))
    assert "Instead of MNIST this run uses the embedded data set 'digits': 1,797" in first_output
    last = re.fullmatch(LAST_LINE, first_output.splitlines()[-1])
    assert last
    assert float(last[1]) > 93


def test_a_photo_is_read_as_the_readme_shows(newcomer: Newcomer, folder: Path) -> None:
    """The command after the prompt, and an answer of the form that stands below it."""
    prompt, shown = blocks("README.md", "console")[0].splitlines()
    assert shown.split("\t")[:2] == ["photo.png", "7"]
    photo_of_a_seven().save(folder / "photo.png")
    path, label, probability = newcomer.types(prompt.removeprefix("$ "), folder).rstrip("\n").split("\t")
    assert (path, label) == ("photo.png", "7")
    assert re.fullmatch(r"[01]\.\d{4}", probability)
    assert float(probability) > 0.9


def test_a_model_of_ones_own_is_registered_trained_compared_and_reads(newcomer: Newcomer, folder: Path) -> None:
    """The two files and the commands of the page about extending."""
    page = "docs/research/extending.md"
    (code,) = [block for block in blocks(page, "python") if block.startswith("from lenetkit import register_model\n")]
    (project,) = [block for block in blocks(page, "toml") if "[project]" in block]
    (folder / "my_models.py").write_text(code, "utf-8")
    (folder / "pyproject.toml").write_text(project, "utf-8")
    digits = load_dataset("digits")
    PIL.Image.fromarray(digits.images[4]).save(folder / "digit.png")
    (commands,) = [block.splitlines() for block in blocks(page, "sh") if "two_layers" in block]
    install, list_models, train, compare, predict = commands
    newcomer.types(install, folder)
    assert "two_layers" in newcomer.types(list_models, folder)
    assert float(re.fullmatch(LAST_LINE, newcomer.types(train, folder).splitlines()[-1])[1]) > 90  # type: ignore[index]
    table = newcomer.types(compare, folder)
    for model in ("two_layers", "lenet5"):
        assert float(re.search(rf"^{model} +(\d+\.\d\d)%", table, re.MULTILINE)[1]) > 90  # type: ignore[index]
    assert newcomer.types(predict, folder).split("\t")[:2] == ["digit.png", str(digits.labels[4])]


class _Dom(HTMLParser):
    """The text of a page as a browser has built it, and the headline figures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.headlines, self._tag = "", [], ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self._tag = tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._tag == "b" and data.strip():
            self.headlines.append(data.replace("\N{NO-BREAK SPACE}", " ").strip())


def opened_in_a_browser(report: Path) -> _Dom:
    """Return a file as a browser shows it, or skip where there is none."""
    browser = os.environ.get("LENETKIT_TEST_CHROMIUM") or shutil.which("chromium")
    if browser is None:
        reason = "needs a Chromium: none on the path (set LENETKIT_TEST_CHROMIUM)"
        if os.environ.get("LENETKIT_TEST_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={report.parent / 'browser'}"]
    options += ["--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", report.as_uri()]
    done = subprocess.run([browser, *options], capture_output=True, encoding="utf-8", timeout=300, check=True)
    return _Dom(done.stdout)


def test_a_report_is_written_and_says_in_a_browser_what_the_command_said(newcomer: Newcomer, folder: Path) -> None:
    """The commands of the page about reports, on a folder laid out as the page about own pictures says."""
    assert "One sub-folder for each class, named after it" in (ROOT / "docs/use/own_images.md").read_text("utf-8")
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    for number, (image, label) in enumerate(load_dataset("digits")[:20]):
        pictures = folder / "my_folder_of_images" / str(label)
        pictures.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(pictures / f"{number}.png")
    (commands,) = [block.splitlines() for block in blocks("docs/use/report.md", "sh") if "digits.lenet" in block]
    train, evaluate = commands
    newcomer.types(train, folder)
    printed = newcomer.types(evaluate, folder).splitlines()[-1]
    found = re.fullmatch(LAST_LINE, printed)
    assert found
    assert (float(found[1]) > 90, found[2]) == (True, "20")
    words = shlex.split(evaluate)
    page = opened_in_a_browser(folder / words[words.index("--report") + 1])
    assert page.headlines[0] == f"{found[1]} %"
    assert printed in page.text
    for section in ("Learning curves", "Spoilt images", "The hardest images"):
        assert section in page.text
