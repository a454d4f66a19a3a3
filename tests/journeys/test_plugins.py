"""Plug-ins as users meet them: installed packages, good and broken, used through the command line."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lenetkit.datasets import load_dataset

from .conftest import run_anew

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin"

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]


@pytest.fixture(scope="session")
def run_in(nowhere: dict[str, str]) -> Run:
    """Return a function that runs Python in a folder, where what is installed in it is found."""
    return lambda folder, *command: run_anew(nowhere, *command, folder=folder, path=[folder])


@pytest.fixture(scope="session")
def run_quickly_in(python: Run) -> Run:
    """Return a function that does the same with TensorFlow imported already."""
    return lambda folder, *command: python(*command, folder=folder, path=[folder])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, run_in: Run) -> Path:
    """Return a folder in which the example is installed by pip, without any network."""
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "plugin")
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    answer = run_in(source, "-m", "pip", "install", *options, "--target", folder, source)
    assert answer.returncode == 0, answer.stderr
    return folder


def test_the_example_is_short() -> None:
    """About sixty lines for a model, a data set and a transform."""
    assert len((EXAMPLE / "lenetkit_ink.py").read_text("utf-8").splitlines()) < 65


def test_an_installed_plug_in_is_listed(run_in: Run, installed: Path) -> None:
    """Beside the built-ins."""
    answer = run_in(installed, "-m", "lenetkit", "models")
    assert re.search(r"^ ?two_layers +28 x 28 x 1 +50,890 +One hidden layer\.", answer.stdout, re.MULTILINE)
    assert re.search(r"^ ?lenet5 +28 x 28 x 1 +61,706 ", answer.stdout, re.MULTILINE)
    assert "broken" not in answer.stdout
    assert re.search(r"^ ?bars_and_rings +5 ", run_in(installed, "-m", "lenetkit", "datasets").stdout, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_an_installed_plug_in_is_trained_saved_and_predicts(
    run_quickly_in: Run, installed: Path, tmp_path: Path
) -> None:
    """Its data set with its model, through the command line alone."""
    saved, picture = tmp_path / "plugin.lenet", tmp_path / "ring.png"
    names = ("--dataset", "bars_and_rings", "--model", "two_layers")
    answer = run_quickly_in(installed, "-m", "lenetkit", "train", *names, "--output", saved)
    assert answer.returncode == 0, answer.stderr
    accuracy = re.search(r"accuracy ([\d.]+) % \(.*n = 40\)$", answer.stdout.strip())
    assert accuracy is not None
    assert float(accuracy[1]) > 90
    draw = "from lenetkit import load_dataset; from PIL import Image; import sys;"
    draw += "Image.fromarray(load_dataset('bars_and_rings').images[399]).save(sys.argv[1])"
    assert run_quickly_in(installed, "-c", draw, picture).returncode == 0
    answer = run_quickly_in(installed, "-m", "lenetkit", "predict", saved, picture)
    assert answer.stdout.split("\t")[1] == "1", answer.stderr


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_pipeline_with_a_plug_ins_transform_names_what_is_missing(
    run_quickly_in: Run, installed: Path, tmp_path: Path
) -> None:
    """It is saved and loaded where the plug-in is; elsewhere the message says what to install."""
    code = """
import sys
from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.transforms import Resize, create_transform
data = load_dataset("bars_and_rings")
pipe = Pipeline(transforms=[Resize((28, 28)), create_transform("threshold")], trainer=Trainer(epochs=1, verbose=0))
pipe.fit(data.images, data.labels).save(sys.argv[1])
print(Pipeline.load(sys.argv[1]).transforms_.steps[1])
"""
    path = tmp_path / "threshold.lenet"
    answer = run_quickly_in(installed, "-c", code, path)
    assert answer.stdout == "Threshold(level=0.5)\n", answer.stderr
    picture = tmp_path / "zero.png"
    Image.fromarray(load_dataset("digits").images[0]).save(picture)
    answer = run_quickly_in(tmp_path, "-m", "lenetkit", "predict", path, picture)
    assert answer.returncode == 2
    assert "unknown transform 'threshold'" in answer.stderr


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_example_keeps_the_contract_by_its_own_test(run_quickly_in: Run, installed: Path) -> None:
    """The parametrisation works in a package of somebody else."""
    answer = run_quickly_in(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE / "test_contract.py")
    assert answer.returncode == 0, answer.stdout
    assert re.search(r"^17 passed", answer.stdout, re.MULTILINE), answer.stdout


GOOD = """
from lenetkit import register_model

@register_model("{name}", description="Good.", n_parameters=1)
def build(input_shape, n_classes):
    import keras
    from keras import layers
    model = keras.Sequential([layers.Input(input_shape), layers.Flatten(), layers.Dense(3)])
    return model
"""
BROKEN = {
    "absent": (
        "import a_module_that_is_not_there",
        "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
    ),
    "leaves": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax": ("def (", "SyntaxError"),
    "talks": ("print('hello from a plug-in')", "did not register it"),
    "takes": (GOOD.format(name="lenet5"), "the model name 'lenet5' is taken by lenetkit.models.lenet5.lenet5"),
    "grabs": (
        GOOD.format(name="lenet5").replace("parameters=1", "parameters=1, replace=True"),
        "a plug-in cannot take it over",
    ),
    "halves": (GOOD.format(name="halves") + "\nraise OSError('in the middle')", "OSError: in the middle"),
    "odd": (GOOD.format(name="odd").replace("=1", "='many'"), "cannot be shown: ValueError"),
    "lenet5": (GOOD.format(name="something_else"), "the name is taken by lenetkit.models.lenet5.lenet5"),
}


@pytest.fixture(scope="module")
def wrecks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a good plug-in among many broken ones, as pip lays them out."""
    folder = tmp_path_factory.mktemp("wrecks")

    def install(name: str, source: str, entries: str) -> None:
        information = folder / f"dist_{name}-1.0.dist-info"
        information.mkdir()
        (folder / f"module_{name}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[lenetkit.models]\n{entries}")

    for name, (source, _) in BROKEN.items():
        install(name, source, f"{name} = module_{name}\n")
    install("good", "print('hello from a plug-in')\n" + GOOD.format(name="wrong_shape"), "wrong_shape = module_good\n")
    return folder


def test_every_broken_plug_in_is_shown_with_its_distribution(run_in: Run, wrecks: Path) -> None:
    """And the built-ins and the plug-in that prints are shown as ever, with nothing else on standard output."""
    answer = run_in(wrecks, "-m", "lenetkit", "models")
    assert answer.returncode == 0, answer.stderr
    text = " ".join(answer.stdout.split())
    for name, (_, reason) in BROKEN.items():
        assert re.search(rf" {name} broken: .{{,99}}dist-{name}\b", text), (name, text)
        assert reason in text, (name, text)
    assert "lenet5 28 x 28 x 1 61,706" in text
    assert "wrong_shape 28 x 28 x 1 1 Good." in text
    assert "hello from a plug-in" not in answer.stdout
    assert "hello from a plug-in" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_model_of_the_wrong_shape_is_found_out_by_the_check(run_quickly_in: Run, wrecks: Path) -> None:
    """It is built, and the others are checked all the same."""
    answer = run_quickly_in(wrecks, "-m", "lenetkit", "models", "--check", "[mw]*")
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    assert lines[0] == "mlp: keeps its contract"
    assert re.match(r"wrong_shape: .*of dist-good.* must answer with shape \(n, 10\); its output has .* 3\)", lines[1])
    assert len(lines) == 2


@pytest.mark.slow
@pytest.mark.tensorflow
def test_training_goes_on_beside_broken_plug_ins(run_quickly_in: Run, wrecks: Path) -> None:
    """And asking for a broken one is one message."""
    command = ("-m", "lenetkit", "train", "--dataset", "digits", "--epochs", "0", "--model")
    assert "accuracy" in run_quickly_in(wrecks, *command, "mlp").stdout
    answer = run_quickly_in(wrecks, *command, "leaves")
    assert answer.returncode == 1
    assert answer.stderr.endswith(
        "error: the model 'leaves' of the distribution dist-leaves cannot be loaded: SystemExit: 3. "
        "Update or uninstall dist-leaves.\n"
    )


@pytest.mark.slow
def test_data_sets_are_checked_too(run_in: Run, installed: Path) -> None:
    """What is not on this machine is said to be unchecked."""
    answer = run_in(installed, "-m", "lenetkit", "datasets", "--check", "*s")
    assert answer.returncode == 0, answer.stderr
    found = dict(line.split(": ") for line in answer.stdout.splitlines())
    assert found["bars_and_rings"] == found["digits"] == "keeps its contract"
    assert found["emnist-digits"] == "not on this machine, not checked"
