"""Each example runs offline on the embedded digits and shows what it says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import run_anew

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

EXAMPLES = Path(__file__).parents[2] / "examples"

# What must be in the output, in this order.
EXPECTED = {
    "classical_procedure.py": [
        r"Dataset\('digits': 1797 images of 8 x 8, 10 classes\)",
        r"images: \(1797, 28, 28\), uint8 from 0 to 255",
        r"1,617 images to train on, 180 to test on",
        r"float32 from 0 to 1",
        r"becomes \[[01 ]+\], targets: \(1617, 10\)",
        r"61,706",
        r"epoch 30/30",
        r"said: \[.*\]\ntrue: \[.*\]",
        r"accuracy",
    ],
    "diagnose.py": [
        r"as in training: accuracy",
        r"scanned: \d+% are read right",
        r"3 of 4 images differ .*polarity \(1\)",
        r"images\[1\]\n  polarity: the ink is dark on light.*\n    -> add Invert\(\)",
        r"images\[2\]\n  blank: ",
        r"no_such_photo.png\n  unreadable: there is no file",
        r"as read +Grayscale +Resize\n",
        r"cured: accuracy",
    ],
    "many_machines.py": [
        r"accuracy",
        r"1 worker: [\d,]+ images per second, the same answers as one process",
        r"2 workers: [\d,]+ images per second, the same answers as one process",
    ],
    "drawn_digits.py": [
        r"how a continental hand may write a 7: \w+",
        r"shown American digits only, it reads \d+% of continental 1, 4 and 7",
        r"shown both, it reads (9\d|100)% of them",
        r"accuracy",
        r"drawn 1947: \d+ pixels wide, the 9 in the box \[",
    ],
    "own_folder.py": [
        r"1797 images of \d+ x \d+, 10 classes",
        r"accuracy",
        r"0.\d{4}\.png is read as 0",
    ],
    "own_labels.py": [
        r"columns: eight, five, four, nine, one, seven, six, three, two, zero",
        r"\['seven' 'one'\]",
        r"said: \w+, .*\ntrue: \w+, ",
        r"accuracy",
        r"columns: zero, one, two, three, four, five, six, seven, eight, nine",
        r"shape of the probabilities: \(8, 10\)",
    ],
    "own_model.py": [
        r"models: .*lenet5.*two_layers",
        r"\{'units': 128\}",
        r"two_layers with 32 units has 25,450 parameters",
        r"two_layers on digits: accuracy",
        r"lenet5 on digits: accuracy",
    ],
    "pipeline_in_ten_lines.py": [
        r"trained on digits: 30 epochs",
        r"accuracy",
        r"said: \[.*\]\ntrue: \[.*\]",
    ],
    "read_number.py": [
        r"accuracy",
        r"text: 1947, 30582\n",
        r"line 0: 1 with probability [01]\.\d\d in the box \(\d+, \d+, \d+, \d+\)",
        r"line 1: 2 with probability",
        r"right as a whole with probability [01]\.\d{3}",
        r"knowing a length of 4 to 5: 1947, 30582\n",
        r"knowing a pattern of 4 digits, and one that may be missing: 1947, 30582\n",
        r"knowing the numbers that are possible: 1947, 30582\n",
    ],
    "real_pictures.py": [
        r"accuracy",
        r"pages inverted and resized: [1-4]?\d% read",
        r"pages by MnistNormalize: (9\d|100)% read",
        r"the steps: grey \(300, 260\), .*, result \(28, 28\)",
    ],
    "report.py": [
        r"accuracy",
        r"calibration error: \d+\.\d\d%",
        r"without the least sure 1\d%: \d of 1\d\d wrong",
        r"report.html: \d+ KiB",
        r"input: 28 x 28 x 1\nc1: 28 x 28 x 6\n.*f6: 84\nread as \d",
    ],
    "save_and_serve.py": [
        r"accuracy",
        r"sent 180 pictures, 8 at once: 100% of the answers are those of pipe.predict",
        r"the first: {'label': (\d), 'probability': [\d.]+} and it is \1",
        r"no picture at all: {'error': .*it begins with b'hello'",
    ],
}


Run = Callable[..., str]


@pytest.fixture
def run(python: Callable[..., Any], tmp_path: Path) -> Run:
    """Return a function that runs an example in an empty folder and returns what it printed."""

    def _run(example: str, *options: str) -> str:
        done = python(EXAMPLES / example, *options, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return _run


def test_every_example_is_tested() -> None:
    """A new example needs its expectations here."""
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == sorted(EXPECTED)


@pytest.mark.parametrize("example", EXPECTED)
def test_example_shows_what_it_says_and_reads_most_digits(example: str, run: Run) -> None:
    """The expected lines come in their order, and every accuracy is far above chance."""
    output = run(example)
    assert re.search(".*?".join(EXPECTED[example]), output, re.DOTALL), output
    accuracies = [float(figure) for figure in re.findall(r"accuracy (\d+\.\d+) %", output)]
    assert accuracies
    assert min(accuracies) > 93


@pytest.mark.parametrize(
    "example",
    ["classical_procedure.py", "own_folder.py", "own_model.py", "read_number.py", "report.py", "save_and_serve.py"],
)
def test_example_explains_its_options(example: str, run: Run) -> None:
    """``--help`` says what can be chosen."""
    assert "--" in run(example, "--help").split("options:")[1]


def test_an_example_is_a_program(nowhere: dict[str, str], tmp_path: Path) -> None:
    """It runs in a Python that has nothing imported, too."""
    done = run_anew(nowhere, EXAMPLES / "read_number.py", folder=tmp_path)
    assert re.search(EXPECTED["read_number.py"][0], done.stdout), done.stderr


def test_own_folder_reads_a_folder_of_the_users_own(tmp_path: Path, run: Run) -> None:
    """``--folder`` takes pictures that are there instead of drawing some."""
    from PIL import Image

    from lenetkit.datasets import load_dataset

    for number, (image, label) in enumerate(load_dataset("digits")[:500]):
        folder = tmp_path / "pictures" / ("even" if label % 2 == 0 else "odd")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - image).save(folder / f"{number}.png")
    output = run("own_folder.py", "--folder", str(tmp_path / "pictures"))
    assert "500 images of 8 x 8, 2 classes" in output
    assert "0.png is read as even" in output
