"""The HTML report: what stands in it, that it is whole and safe, and what is refused."""

import base64
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd
import PIL.Image
import pytest

from lenetkit.datasets import Dataset, load_dataset
from lenetkit.evaluator import Evaluation, evaluate
from lenetkit.evaluator._report.description import CONTESTED, MNIST_TEST
from lenetkit.exceptions import DataError, MissingExtraError, SettingError
from lenetkit.synthesis import draw_digits

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

HOSTILE = "<script>alert('ü & \"you\"')</script>"
HISTORY = {"loss": [0.5, 0.2], "accuracy": [0.8, 0.9], "learning_rate": [1e-3, 1e-4]}


class _Page(HTMLParser):
    """Collects the tags with their attributes and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self.text += " " if tag == "td" else ""
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(path: Path) -> _Page:
    page = _Page(path.read_text("utf-8"))
    assert page.open == []
    return page


@pytest.fixture
def digits() -> Dataset:
    """Return sixty small digits."""
    return load_dataset("digits")[:60]


@pytest.fixture
def evaluation(digits: Dataset) -> Evaluation:
    """Return the evaluation of a model that is mostly right about them."""
    noise = np.random.default_rng(0).dirichlet(np.full(10, 0.3), len(digits))
    return evaluate(digits.labels, 0.6 * np.eye(10)[digits.labels] + 0.4 * noise[::-1])


def test_a_report_holds_everything_that_was_given(evaluation: Evaluation, digits: Dataset, tmp_path: Path) -> None:
    """Figures, tables, pictures, settings, versions and the data's fingerprint."""
    table = pd.DataFrame({1: [0.99, 0.875], 5: [0.99, 0.25]}, index=["clean", "fog"])
    path = evaluation.to_html(
        tmp_path / "report.html",
        data=digits,
        history=HISTORY,
        corruptions=table,
        settings={"recipe": "accurate"},
        title="My digits",
    )
    page = page_of(path)
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    for wanted in (
        *("My digits", evaluation.summary_line, "87.5 %", "25.0 %", "fog", digits.fingerprint, "60 of 8 x 8"),
        *("accurate", "lenetkit", "numpy", "Python", "Learning curves", "Spoilt images"),
        f"{100 * evaluation.calibration_error:.2f} %",
    ):
        assert wanted in text, wanted
    pictures = page.all("img")
    assert sum((image["src"] or "").startswith("data:image/svg+xml;base64,") for image in pictures) == 4
    assert sum((image["src"] or "").startswith("data:image/png;base64,") for image in pictures) == 32
    assert all(image["alt"] for image in pictures)


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    """An evaluation alone gives a report without empty sections."""
    page = page_of(evaluate([0, 1], [[0.9, 0.1], [0.2, 0.8]]).to_html(tmp_path / "report.html"))
    for absent in ("Learning curves", "Spoilt", "hardest", "Most confused", "contested", "Settings", "reject\n"):
        assert absent not in page.text
    assert "Class by class" in page.text


def test_the_page_fetches_nothing_and_runs_nothing(evaluation: Evaluation, digits: Dataset, tmp_path: Path) -> None:
    """No address of another host anywhere, every picture inside, and a policy that forbids the rest."""
    path = evaluation.to_html(tmp_path / "report.html", data=digits, history=HISTORY)
    html = path.read_text("utf-8")
    assert re.findall(r"(?:https?:)?//\w", re.sub(r"base64,[\w+/=]+", "", html)) == []
    page = _Page(html)
    assert not {"script", "link", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:")
        assert not any(name.startswith("on") for name in attributes)
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_whatever_users_call_things_is_text(tmp_path: Path) -> None:
    """Names of classes, data, settings and corruptions cannot become markup, in the page or in its drawings."""
    names = [HOSTILE, "$\\frac{$", "七"]
    data = Dataset(
        images=np.zeros((3, 8, 8), np.uint8), labels=[names[0], names[1], names[1]], class_names=names, name=HOSTILE
    )
    evaluation = evaluate(data.labels, [[0.5, 0.5, 0], [0.9, 0.1, 0], [0, 0, 1]], names)
    path = evaluation.to_html(
        tmp_path / "report.html",
        data=data,
        settings={HOSTILE: HOSTILE},
        corruptions=pd.DataFrame({HOSTILE: [0.5]}, index=[HOSTILE]),
        title=HOSTILE,
    )
    page = page_of(path)
    assert page.all("script") == []
    # Title and heading, each class twice or more, the data's name, settings, corruptions.
    assert page.text.count(HOSTILE) >= 10
    assert "七" in page.text
    drawings = [image["src"] or "" for image in page.all("img") if "svg" in (image["src"] or "")]
    confusion = base64.b64decode(drawings[0].partition(",")[2]).decode("utf-8")
    assert "<script" not in confusion
    assert "&lt;script&gt;" in confusion
    assert "七" in confusion


def test_lone_surrogates_in_names_are_written_as_escapes(tmp_path: Path) -> None:
    """A file name that is no UTF-8 is no reason to lose the report."""
    path = evaluate([0], [[1.0]]).to_html(tmp_path / "report.html", settings={"file": "digit\udcff.lenet"})
    assert "digit\\udcff.lenet" in path.read_text("utf-8")


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3), (300, 200), (8, 8, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_of_any_kind_are_shown(shape: tuple[int, ...], dtype: type, tmp_path: Path) -> None:
    """Grey and colour, small and large, whole numbers and floats."""
    images = np.zeros((2, *shape), dtype)
    images[1] = 1
    page = page_of(evaluate([0, 1], np.eye(2)).to_html(tmp_path / "report.html", data=images))
    assert sum("image/png" in (image["src"] or "") for image in page.all("img")) == 2


@pytest.mark.parametrize("n_classes", [1, 2, 40])
def test_any_number_of_classes_gives_a_report(n_classes: int, tmp_path: Path) -> None:
    """One class, and more than a matrix has room for numbers."""
    labels = np.arange(3) % n_classes
    path = evaluate(labels, np.eye(n_classes)[labels]).to_html(tmp_path / "report.html")
    assert "Class by class" in page_of(path).text


def test_mnists_contested_labels_are_told_apart(tmp_path: Path) -> None:
    """Whoever has MNIST's test split, known by its fingerprint, sees the accuracy with and without them."""

    @attrs.frozen
    class Known:
        """Ten thousand blank images that pass for MNIST's test split."""

        images: Any
        labels: Any
        name: str = "mnist"
        class_names: tuple[str, ...] = tuple("0123456789")
        fingerprint: str = MNIST_TEST

    labels = np.arange(10_000) % 10
    said = labels.copy()
    said[[*CONTESTED[:3], 5]] = (said[[*CONTESTED[:3], 5]] + 1) % 10
    data = Known(np.zeros((10_000, 4, 4), np.uint8), labels)
    page = page_of(evaluate(labels, np.eye(10)[said]).to_html(tmp_path / "report.html", data=data))
    text = re.sub(r"\s+", " ", page.text)
    assert "15 of MNIST's 10,000 test images; 3 of the errors are among them" in text
    assert "all 10,000 4 99.96 %" in text
    assert "without the 15 contested 9,985 1 99.99 %" in text
    assert [tag for tag in page.all("span") if tag.get("class") == "tag"]


def test_the_fingerprint_is_that_of_the_official_test_part(shared_data: Path) -> None:
    """The constant belongs to the real files."""
    assert load_dataset("mnist", subset="test", data_dir=shared_data, download=False).fingerprint == MNIST_TEST
    assert load_dataset("mnist", subset="train", data_dir=shared_data, download=False).fingerprint != MNIST_TEST


def test_the_pipelines_settings_are_listed(digits: Dataset, tmp_path: Path) -> None:
    """Those of one that was loaded, without learning curves."""
    from lenetkit import Pipeline

    pipeline = Pipeline.pretrained()
    found = pipeline.evaluate(digits.images, digits.labels)
    text = page_of(found.to_html(tmp_path / "report.html", data=digits, pipeline=pipeline)).text
    assert "lenet5" in text
    assert "MnistNormalize" in text
    assert "there are no learning curves" in text
    assert "Learning curves" not in text


def test_a_report_replaces_the_old_one_only_when_it_is_whole(evaluation: Evaluation, tmp_path: Path) -> None:
    """What cannot be written leaves the file that was there."""
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(DataError, match="must be the 60 images that were evaluated"):
        evaluation.to_html(path, data=np.zeros((3, 8, 8), np.uint8))
    assert path.read_text() == "old"
    assert evaluation.to_html(path) == path.resolve()
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": np.zeros((2, 8, 8), np.uint8)}, "data must be the 1 images that were evaluated, in the same order"),
        ({"data": ["photo.png"]}, r"images\[0\] must have shape"),
        ({"data": np.zeros((1, 8), np.uint8)}, r"images\[0\] must have shape"),
        ({"history": {"accuracy": [0.5]}}, "a history must have a column 'loss'"),
    ],
)
def test_what_does_not_belong_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Data of another number or kind, and a history without a loss."""
    with pytest.raises(DataError, match=message):
        evaluate([0], [[1.0, 0.0]]).to_html(tmp_path / "report.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_data_in_another_order_is_refused(evaluation: Evaluation, digits: Dataset, tmp_path: Path) -> None:
    """Labels that are others than those evaluated would show the wrong pictures."""
    with pytest.raises(DataError, match=r"labels\[0\] is .* there and .* in the evaluation"):
        evaluation.to_html(tmp_path / "report.html", data=digits[::-1])


def test_a_missing_folder_is_said(evaluation: Evaluation, tmp_path: Path) -> None:
    """As everywhere."""
    with pytest.raises(SettingError, match="there is no folder"):
        evaluation.to_html(tmp_path / "none" / "report.html")


def test_without_jinja2_the_extra_is_named(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r'a report needs Jinja2.*pip install "lenetkit\[plot\]"'):
        evaluation.to_html(tmp_path / "report.html")


def test_the_style_of_matplotlib_is_left_alone(evaluation: Evaluation, tmp_path: Path) -> None:
    """Neither taken over nor changed, and no figure is left behind."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = plt.get_fignums()
    with mpl.rc_context({"axes.facecolor": "red", "text.parse_math": True}):
        evaluation.to_html(tmp_path / "report.html", history=HISTORY)
        assert mpl.rcParams["axes.facecolor"] == "red"
        assert mpl.rcParams["text.parse_math"] is True
    drawings = re.findall(r"svg\+xml;base64,([\w+/=]+)", (tmp_path / "report.html").read_text("utf-8"))
    assert all(b"#ff0000" not in base64.b64decode(drawing) for drawing in drawings)
    assert plt.get_fignums() == before


def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lenetkit", "evaluate", *map(str, arguments)]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.slow
def test_the_command_line_writes_the_report(tmp_path: Path) -> None:
    """Of the pipeline that comes along, with spoilt images; scripts still find the accuracy on the last line."""
    folder = tmp_path / "pictures"
    for number, (image, label) in enumerate(draw_digits(20, styles="american", seed=1)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(folder / str(label) / f"{number}.png")
    report = tmp_path / "report.html"
    answer = run("--dataset", folder, "--report", report, "--corruptions")
    assert (answer.returncode, answer.stderr) == (0, f"the report is in {report}\n")
    lines = answer.stdout.splitlines()
    assert lines[0] == "the pretrained pipeline on pictures, 20 images"
    assert re.fullmatch(r"zigzag( +\d+\.\d){5}", next(line for line in lines if line.startswith("zigzag")))
    assert re.fullmatch(r"accuracy [\d.]+ % \(95 % interval .*, n = 20\)", lines[-1])
    text = page_of(report).text
    for wanted in ("Evaluation on pictures", "Spoilt images", "zigzag", "the pretrained pipeline", lines[-1]):
        assert wanted in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "digits", "--report", "report.pdf"], "--report must end in .html, .htm; got report.pdf"),
        (["--dataset", "digits", "--report", "none/report.html"], "there is no folder"),
        (["--report", "report.html"], "name the data to measure on"),
    ],
)
def test_a_report_that_cannot_be_written_is_one_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    """Never a traceback."""
    answer = run(*arguments)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
