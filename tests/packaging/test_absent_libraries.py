"""What needs a library that is not installed says so in one sentence, with the command that cures it.

All is tried in one process in which TensorFlow, Keras, LiteRT, pandas, scikit-learn and what downloads cannot be
imported; with lenetkit-lite they are not there at all.
"""

import importlib
import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from lenetkit._utils import extras
from lenetkit.exceptions import MissingExtraError

ABSENT = (
    *("tensorflow", "keras", "ai_edge_litert", "pandas", "sklearn"),
    *("filelock", "platformdirs", "requests", "matplotlib", "jinja2"),
)
FULL, LIGHT = "lenetkit", "lenetkit-lite"

CODE = """
import json, os, sys

for name in {absent!r}:
    sys.modules[name] = None  # importing it is a ModuleNotFoundError now
os.chdir(sys.argv[1])

import numpy as np
from lenetkit import *
import lenetkit.augment, lenetkit.robustness, lenetkit.testing
from lenetkit.cli import main
from lenetkit.datasets import Dataset, read_images
from lenetkit.models import create_line_reader
from lenetkit.plotting import plot_digits

images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10
images[:, 5:20, 12:16] = 255
data = Dataset(images=images, labels=labels, class_names=tuple("0123456789"), name="bars")
open("a.csv", "w").write("label," + ",".join(f"pixel{{i}}" for i in range(9)) + "\\n1" + ",1" * 9 + "\\n")
data.save("bars.npz")
numbers = [*map(str, range(64))]
open("a.arff", "w").write("@relation a\\n" + "".join(f"@attribute p{{i}} numeric\\n" for i in range(64))
                          + "@attribute class {{0,1}}\\n@data\\n" + ",".join([*numbers, "1"]) + "\\n")
open("a.svm", "w").write("1 " + " ".join(f"{{i + 1}}:{{i}}" for i in range(1, 64)) + "\\n")
open("a.data", "w").write(",".join([*numbers, "1"]) + "\\n")
evaluation, pretrained = evaluate(labels, np.eye(10)[labels]), Pipeline.pretrained()


def command(*words):
    import contextlib, io
    with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main(list(words))
        except SystemExit as stop:
            assert stop.code == 2, (stop.code, out.getvalue(), told.getvalue())
    message = told.getvalue()
    assert message.startswith("error: ") and message.count("\\n") == 1, message
    raise lenetkit.exceptions.MissingExtraError(message[len("error: "):-1])


TRIED = {tried}
answers = {{}}
for name, trial in TRIED.items():
    try:
        trial()
    except BaseException as error:
        answers[name] = type(error).__name__, str(error)
    else:
        answers[name] = "no error", ""
print(json.dumps(answers))
"""

TRAINING = "tensorflow keras pandas"
# What is tried; what the message begins with; the libraries that it names.
TRIED = {
    "Pipeline().fit(images, labels)": ("training", TRAINING),
    "pretrained.fit(images, labels)": ("training", TRAINING),
    "Trainer().fit(object(), images, labels)": ("training", TRAINING),
    "Trainer().find_learning_rate(object(), images, labels)": ("training", TRAINING),
    "create_model('lenet5')": ("a Keras model", "tensorflow keras"),
    "create_line_reader()": ("a Keras model", "tensorflow keras"),
    "Pipeline().summary()": ("a Keras model", "tensorflow keras"),
    "pretrained.summary()": ("a Keras model", "tensorflow keras"),
    "pretrained.model_": ("a Keras model", "tensorflow keras"),
    "lenetkit.testing.check_model('lenet5')": ("a Keras model", "tensorflow keras"),
    "lenetkit.augment.Shift()(images[..., None], (0, 1))": ("augmentation", "tensorflow"),
    "compare(['lenet5', 'mlp'], data)": ("comparing models", f"{TRAINING} sklearn"),
    "LeNetClassifier()": ("LeNetClassifier", "sklearn"),
    "load_dataset('digits')": ("the data set 'digits'", "sklearn"),
    "load_dataset('mnist')": ("downloading the data set 'mnist'", "filelock platformdirs requests"),
    "load_dataset('fashion_mnist')": ("downloading the data set 'fashion_mnist'", "filelock platformdirs requests"),
    "load_dataset('a.csv')": ("reading a CSV file", "pandas"),
    "load_dataset('a.arff')": ("reading an ARFF file", "pandas"),
    "load_dataset('a.svm')": ("reading an svmlight file", "sklearn"),
    "load_dataset('a.data')": ("reading numbers in a text file", "pandas"),
    "data.save('b.csv')": ("writing CSV", "pandas"),
    "evaluate(labels, np.eye(10)[labels], groups=labels).per_group": ("a table of figures", "pandas"),
    "pretrained.fit(images, labels, warm_start=True)": ("training", TRAINING),
    "data.split(groups=True)": ("splitting a data set", "sklearn"),
    "data.split()": ("splitting a data set", "sklearn"),
    "data.describe()": ("the description of a data set", "pandas"),
    "str(evaluation)": ("a table of figures", "pandas"),
    "evaluation.confusion_matrix": ("a table of figures", "pandas"),
    "evaluation.per_class": ("a table of figures", "pandas"),
    "evaluation.to_html('a.html')": ("a report", "pandas"),
    "pretrained.diagnose(images).to_frame()": ("the table of a diagnosis", "pandas"),
    "lenetkit.robustness.measure_robustness(pretrained, data)": (
        "the table of accuracies on corrupted images",
        "pandas",
    ),
    "pretrained.export('a.tflite')": ("exporting with format='litert'", "ai_edge_litert"),
    "pretrained.export('a.keras')": ("exporting with format='keras'", "tensorflow keras"),
    "pretrained.export('folder', format='saved_model')": ("exporting with format='saved_model'", "tensorflow keras"),
    "command('train')": ("training", f"{TRAINING} sklearn"),
    "command('train', '--dataset', 'a.csv')": ("training", f"{TRAINING} sklearn"),
    "command('compare', 'lenet5', 'mlp')": ("comparing models", f"{TRAINING} sklearn"),
    "command('evaluate', '--dataset', 'a.csv')": ("evaluating", "pandas"),
    "command('predict', 'a.csv')": ("reading a CSV file", "pandas"),
    "command('convert', 'a.csv', 'b.npz')": ("reading a CSV file", "pandas"),
    "command('adapt', 'a.csv', '--output', 'b.lenet')": ("reading a CSV file", "pandas"),
    "command('datasets', '--check', 'bars.npz')": ("the description of a data set", "pandas"),
    "command('export', 'a.keras')": ("exporting with format='keras'", "tensorflow keras"),
}
NAMES = {"ai_edge_litert": "LiteRT", "keras": "Keras", "sklearn": "scikit-learn", "tensorflow": "TensorFlow"}
DISTRIBUTIONS = {"ai_edge_litert": "ai-edge-litert", "sklearn": "scikit-learn"}


def is_light() -> bool:
    """Tell whether lenetkit-lite is installed here, and not lenetkit."""
    try:
        distribution(FULL)
    except PackageNotFoundError:
        return True
    return False


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return the kind and the message of the error of each trial."""
    tried = "{" + ", ".join(f"{trial!r}: lambda: {trial}" for trial in [*TRIED, "plot_digits(images)"]) + "}"
    folder = tmp_path_factory.mktemp("absent")
    code = CODE.format(absent=ABSENT, tried=tried)
    environment = {"LENETKIT_DATA": str(folder), "HOME": str(folder), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("trial", TRIED)
def test_an_absent_library_is_named_with_the_command_that_cures_it(answers: dict[str, list[str]], trial: str) -> None:
    """One sentence, whatever was called."""
    purpose, missing = TRIED[trial][0], TRIED[trial][1].split()
    *others, last = (NAMES.get(name, name) for name in missing)
    names = f"{', '.join(others)} and {last}" if others else last
    cure = " ".join(DISTRIBUTIONS.get(name, name) for name in missing)
    if is_light():
        cure = f"{FULL}"
    command = f"pip uninstall -y {LIGHT} && pip install {cure}" if is_light() else f"pip install {cure}"
    message = f"{purpose} needs {names}, not installed here. Install it with: {command}"
    assert answers[trial] == ["MissingExtraError", message]


def test_drawing_names_the_extra_of_what_is_installed(answers: dict[str, list[str]]) -> None:
    """Both distributions have it."""
    kind, message = answers["plot_digits(images)"]
    assert kind == "MissingExtraError"
    assert message.endswith(f'Install it with: pip install "{LIGHT if is_light() else FULL}[plot]"')


@pytest.mark.parametrize(
    ("installed", "musl", "where", "sentence"),
    [
        (FULL, False, ("linux", "x86_64"), "not installed here. Install it with: pip install tensorflow pandas"),
        (LIGHT, False, ("linux", "x86_64"), "Install it with: pip uninstall -y lenetkit-lite && pip install lenetkit"),
        (FULL, False, ("win32", "ARM64"), "for which there is no wheel for Python .* on .* ARM64: use Python 3.11 to"),
        (LIGHT, False, ("darwin", "x86_64"), "for which there is no wheel for Python .* on .* x86_64: use Python 3.11"),
        (LIGHT, True, ("linux", "x86_64"), "for which there is no wheel for .* x86_64 with musl: use Python 3.11"),
    ],
)
def test_the_cure_is_one_that_works_on_the_machine(
    monkeypatch: pytest.MonkeyPatch, installed: str, musl: bool, where: tuple[str, str], sentence: str
) -> None:
    """The other distribution, the library alone, or another machine."""
    for name in ("tensorflow", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(extras, "_find_distribution", lambda: installed)
    monkeypatch.setattr(extras, "_has_musl", lambda: musl)
    monkeypatch.setattr(sys, "platform", where[0])
    monkeypatch.setattr(platform, "machine", lambda: where[1])
    with pytest.raises(MissingExtraError, match=f"^training needs TensorFlow and pandas, .*{sentence}"):
        extras.require_library("training", "tensorflow", "pandas")


def test_a_library_that_has_wheels_everywhere_is_installed_alone_on_alpine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The full distribution cannot be installed there."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setattr(extras, "_find_distribution", lambda: LIGHT)
    monkeypatch.setattr(extras, "_has_musl", lambda: True)
    with pytest.raises(MissingExtraError, match=r"Install it with: pip install pandas$"):
        extras.require_library("a table", "pandas")


@pytest.mark.parametrize(
    ("installed", "extra", "command"),
    [
        (FULL, "demo", 'pip install "lenetkit[demo]"'),
        (LIGHT, "demo", 'pip install "lenetkit-lite[demo]"'),
        (LIGHT, "onnx", 'pip uninstall -y lenetkit-lite && pip install "lenetkit[onnx]"'),
    ],
)
def test_an_extra_is_that_of_the_distribution_that_has_it(
    monkeypatch: pytest.MonkeyPatch, installed: str, extra: str, command: str
) -> None:
    """lenetkit-lite has few."""
    monkeypatch.setattr(extras, "_find_distribution", lambda: installed)
    assert extras.get_command(extra) == command


def test_every_module_imports_without_them(tmp_path: Path) -> None:
    """All names that are documented, too: ``from lenetkit import *``."""
    absent = f"import sys\nfor name in {ABSENT!r}:\n    sys.modules[name] = None\n"
    home = Path(importlib.import_module("lenetkit").__file__).parent  # type: ignore[arg-type]
    rooms = [path.stem for path in home.iterdir() if not path.stem.startswith("_") and path.suffix in ("", ".py")]
    code = "".join(f"import lenetkit.{room}\n" for room in sorted(rooms)) + "from lenetkit import *\n"
    done = subprocess.run([sys.executable, "-c", absent + code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
