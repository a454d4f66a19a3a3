"""What notebooks show: small, escaped, whole, and drawn without matplotlib."""

import base64
import io
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit._utils.html import png_uri
from lenetkit.datasets import Dataset, load_dataset
from lenetkit.evaluator import evaluate
from lenetkit.reading import DigitReading, Reading
from lenetkit.trainer import TrainingResult
from lenetkit.transforms import Resize

HOSTILE = '<script>alert("1")</script>\''


class _Shown(HTMLParser):
    """The text of a piece of HTML, whose tags must close in order, and the tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self._open = "", [], []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append(tag)
        if tag not in ("img", "br"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"


def shown(thing: Any) -> _Shown:
    return _Shown(thing._repr_html_())


def a_result(history: pd.DataFrame) -> TrainingResult:
    return TrainingResult(
        history=history,
        epochs_run=len(history),
        steps=10,
        seconds=1.0,
        seconds_per_epoch=(0.5, 0.5),
        images_per_second=100.0,
        stopped_by="epochs",
        peak_memory=0,
        provenance={},
    )


def test_a_data_set_shows_the_first_image_and_the_number_of_each_class() -> None:
    """Classes without images are there too."""
    data = load_dataset("digits")
    seen = shown(data[data.labels != 3])
    assert "1614 images of 8 x 8, 10 classes" in seen.text
    assert seen.tags.count("img") == 9
    assert [name in seen.text.split("\n") for name in ("0", "9", "178", "180")] == [True] * 4


@pytest.mark.parametrize("shape", [(0, 8, 8), (2, 8, 8, 1), (2, 8, 8, 2), (2, 8, 8, 3), (2, 8, 8, 4), (1, 2000, 900)])
def test_every_data_set_can_be_shown(shape: tuple[int, ...]) -> None:
    """Empty, in colour, large; and however many classes it has, in a few kilobytes."""
    data = Dataset(images=np.zeros(shape, np.uint8), labels=[0] * shape[0], class_names=map(str, range(200)))
    assert len(data._repr_html_()) < 10_000
    assert "and 180 more classes" in shown(data).text


def test_an_evaluation_shows_its_figures() -> None:
    """The summary, a row for each class and what is confused."""
    seen = shown(evaluate(["a", "b", "b"], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], ["a", "b"]))
    for wanted in ("accuracy 66.67 %", "1 of 3 wrong", "most confused: b read as a (1x)", "precision", "0.5000"):
        assert wanted in seen.text
    assert "nothing confused" in shown(evaluate([0], [[1.0]])).text


def test_a_training_result_shows_its_last_epochs() -> None:
    """Ten of them; an empty history too."""
    history = pd.DataFrame({"loss": np.linspace(1, 0.1, 12), "val_loss": np.nan}, index=pd.RangeIndex(1, 13))
    seen = shown(a_result(history))
    assert seen.tags.count("tr") == 11
    assert "the first 2 epochs are left out" in seen.text
    assert "0.1\n-\n" in seen.text
    assert "0 epochs" in shown(a_result(history[:0])).text


@pytest.mark.parametrize(
    ("pipeline", "wanted"),
    [
        (lambda: Pipeline(), ["default transforms", "lenet5", "not fitted yet"]),
        (lambda: Pipeline("no_such_model", transforms=Resize((8, 8))), ["Resize", "no_such_model", "not fitted"]),
        (lambda: Pipeline(model_options={"pooling": "max"}, transforms=[abs] * 30), ["pooling='max'", "18 more steps"]),
        (lambda: Pipeline.pretrained(), ["MnistNormalize", "Rescale", "10 classes: 0, 1, 2"]),
    ],
)
def test_a_pipeline_is_drawn_step_by_step(pipeline: Any, wanted: list[str]) -> None:
    """Before and after it is fitted, whatever was given to it."""
    seen = shown(pipeline())
    places = [seen.text.find(text) for text in wanted]
    assert -1 not in places
    assert "→" in seen.text


def test_a_reading_is_a_picture_with_boxes_and_text() -> None:
    """The lines above, a box and a label for each digit; a large picture is shrunk."""
    digits = tuple(
        DigitReading(label=label, probability=0.9, box=(10 * label, 5, 10 * label + 8, 40), line=label // 3)
        for label in (1, 2, 3)
    )
    seen = shown(Reading(digits=digits, image=np.zeros((3000, 4000, 3), np.uint8)))
    assert seen.text.startswith("12\n3\n")
    assert (seen.tags.count("rect"), seen.tags.count("text"), seen.tags.count("image")) == (3, 3, 1)
    assert len(Reading(digits=digits, image=np.zeros((3000, 4000, 3), np.uint8))._repr_html_()) < 5000
    assert "no number" in shown(Reading(digits=(), image=np.zeros((5, 5), np.uint8))).text


def test_whatever_users_call_things_is_text() -> None:
    """Names and labels cannot become markup."""
    data = Dataset(images=np.zeros((2, 8, 8), np.uint8), labels=[HOSTILE, "b"], name=HOSTILE)
    digit = DigitReading(label=HOSTILE, probability=1.0, box=(0, 0, 4, 4), line=0)
    things = [
        data,
        evaluate(data.labels, np.eye(2)[::-1], [HOSTILE, "b"]),
        a_result(pd.DataFrame({HOSTILE: [0.5]}, index=[1])),
        Pipeline(HOSTILE, model_options={HOSTILE: HOSTILE}),
        Reading(digits=(digit,), image=np.zeros((8, 8), np.uint8)),
    ]
    for thing in things:
        seen = shown(thing)
        assert "script" not in seen.tags
        assert "alert(" in seen.text


@pytest.mark.slow
def test_notebooks_need_no_matplotlib() -> None:
    """Nor TensorFlow, for what does not train."""
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['matplotlib', 'tensorflow', 'jinja2']))\n"
        "import numpy as np\n"
        "from lenetkit import Pipeline, evaluate, load_dataset\n"
        "from lenetkit.reading import Reading\n"
        "data = load_dataset('digits')[:50]\n"
        "pipeline = Pipeline.pretrained()\n"
        "things = [data, pipeline, pipeline.evaluate(data.images, data.labels)]\n"
        "things += [Reading(digits=(), image=np.zeros((5, 5), np.uint8))]\n"
        "assert all(thing._repr_html_().startswith('<div') for thing in things)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 2), (5, 4, 3), (5, 4, 4)])
def test_a_png_in_a_uri_gives_the_pixels_back(shape: tuple[int, ...]) -> None:
    """Grey, with opacity, in colours."""
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    kind, _, content = png_uri(pixels).partition(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(content)))), pixels)


def test_large_images_are_shrunk() -> None:
    """The longer side has as many pixels as were allowed."""
    content = png_uri(np.zeros((300, 3000, 1), np.uint8), 100).partition(",")[2]
    assert PIL.Image.open(io.BytesIO(base64.b64decode(content))).size == (100, 10)
