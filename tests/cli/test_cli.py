"""Tests for the command line: each command in a process of its own, as a user runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from lenetkit.cli.train import _needs, _preset
from lenetkit.datasets import Dataset, load_dataset
from lenetkit.models import model_info, register_model, registry
from lenetkit.trainer import Trainer

LAST_LINE = re.compile(r"accuracy \d+\.\d\d % \(95 % interval \d+\.\d to \d+\.\d %, n = \d+\)")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function that runs ``lenetkit`` where no data set is at hand and none can be fetched."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "HOME": str(home),
        "LENETKIT_DATA": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "KERAS_HOME": str(home / "keras"),
        "COLUMNS": "120",
    }

    def _run(*arguments: Any, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lenetkit", *map(str, arguments)]
        return subprocess.run(
            command, env={**environment, **extra}, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )

    return _run


@pytest.fixture(scope="module")
def trained(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what a short training printed, and the file it saved."""
    path = tmp_path_factory.mktemp("trained") / "digits.lenet"
    return run("train", "--no-download", "--epochs", "4", "--output", path), path


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a picture of a digit."""
    path = tmp_path_factory.mktemp("pictures") / "digit.png"
    PIL.Image.fromarray(load_dataset("digits").images[0]).save(path)
    return path


@pytest.mark.tensorflow
def test_train_shows_the_steps_and_ends_with_the_figure(trained: Any) -> None:
    """Shapes, class counts, split, layers, epochs, table; the last line is for scripts."""
    answer, path = trained
    assert answer.returncode == 0, answer.stderr
    for step in (
        "digits: 1,797 images, 8 x 8 pixels, uint8 0..255, 10 classes",
        "per class: 0 178, 1 182",
        "1,617 images to train on, 180 (10%) to test on, stratified",
        "one-hot",
        "c3 (Conv2D)",
        "61,706",
        "epoch 4/4",
        "precision",
        "lenet5 on digits, 180 images that it has not seen",
    ):
        assert step in answer.stdout
    assert LAST_LINE.fullmatch(answer.stdout.splitlines()[-1])
    assert path.is_file()


@pytest.mark.tensorflow
def test_train_says_plainly_that_it_is_not_mnist(trained: Any) -> None:
    """On standard output, beside the figure, and why on standard error."""
    answer, _ = trained
    assert "Instead of MNIST this run uses the embedded data set 'digits'" in answer.stdout
    assert answer.stderr.startswith("MNIST is not available: ")
    assert "Traceback" not in answer.stderr


@pytest.mark.tensorflow
def test_an_explicit_mnist_that_cannot_be_had_is_an_error(run: Any) -> None:
    """No other data set is put in its place."""
    answer = run("train", "--dataset", "mnist", "--no-download")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: the data set 'mnist' needs")
    assert "LENETKIT_DATA" in answer.stderr
    assert "accuracy" not in answer.stdout


@pytest.mark.tensorflow
def test_the_record_of_a_model_says_how_it_is_trained(run: Any, shared_data: Path) -> None:
    """As many epochs, images shifted and warped, no smoothing: the recipe of the family's page."""
    answer = run(
        *("train", "--model", "lenet1", "--recipe", "recommended", "--dataset", "mnist", "--epochs", "0"),
        *("--no-download",),
        LENETKIT_DATA=str(shared_data),
    )
    assert answer.returncode == 0, answer.stderr
    assert "recipe recommended: 0 epochs" in answer.stdout
    recommended = Trainer.preset(**model_info("lenet1").preset)
    assert f"augmentation {recommended.augmentation}" in answer.stdout


@pytest.mark.parametrize(
    ("recipe", "model", "n_images", "name", "needs"),
    [
        ("default", "lenet5", 60_000, "default", {"epochs": 5}),
        ("accurate", "lenet5", 60_000, "accurate", {}),
        ("recommended", "convnet", 60_000, "accurate", {}),
        ("recommended", "unplanned", 60_000, "default", {"epochs": 5}),
        ("recommended", "convnet", 1_797, "accurate", {"epochs": 20, "batch_size": 32}),
    ],
)
def test_the_record_the_data_set_and_its_size_decide_the_epochs(
    recipe: str, model: str, n_images: int, name: str, needs: dict[str, Any]
) -> None:
    """A model without a recipe of its own gets the default one; few images need more epochs and smaller batches."""
    register_model("unplanned", description="", n_parameters=0)(lambda input_shape, n_classes: None)
    try:
        learn = Dataset(
            images=np.zeros((n_images, 1, 1), np.uint8),
            labels=np.zeros(n_images, np.int64),
            name="zeros",
            class_names=("0",),
            epochs=needs.get("epochs", 7),
        )
        preset = _preset(recipe, model)
        assert preset["name"] == name
        assert _needs(preset, learn) == needs
    finally:
        registry.unregister("unplanned")


@pytest.mark.tensorflow
def test_the_official_parts_can_be_chosen(run: Any, shared_data: Path) -> None:
    """60,000 to train on, 10,000 to test on."""
    answer = run(
        "train", "--dataset", "mnist", "--official", "--epochs", "0", "--no-download", LENETKIT_DATA=str(shared_data)
    )
    assert answer.returncode == 0, answer.stderr
    assert "60,000 images to train on, 10,000 to test on" in answer.stdout
    assert answer.stdout.splitlines()[-1].endswith("n = 10000)")


def test_predict_reads_pictures_and_goes_on_after_a_bad_one(run: Any, trained: Any, picture: Path) -> None:
    """One line each; what cannot be read is reported, and the exit code tells."""
    bad = picture.with_name("bad.png")
    bad.write_bytes(b"not a picture")
    answer = run("predict", trained[1], picture, bad, picture)
    lines = answer.stdout.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(rf"{re.escape(str(picture))}\t\d\t[01]\.\d{{4}}", lines[0])
    assert lines[0] == lines[1]
    assert "bad.png" in answer.stderr
    assert answer.returncode == 2


def test_evaluate_measures_a_saved_pipeline(run: Any, trained: Any) -> None:
    """The last line is for scripts."""
    answer = run("evaluate", trained[1], "--dataset", "digits")
    assert answer.returncode == 0, answer.stderr
    assert LAST_LINE.fullmatch(answer.stdout.splitlines()[-1])
    assert "n = 1797" in answer.stdout


def test_models_and_data_sets_are_listed(run: Any) -> None:
    """With what they are."""
    listed = run("models").stdout
    assert re.search(r"lenet5 +28 x 28 x 1 +61,706", listed)
    assert re.search(r"lenet5_1998 +28 x 28 x 1 +60,000 +0\.95 %", listed)
    assert re.search(r"mnist +5 ", run("datasets").stdout)
    assert "mnist" not in run("datasets", "dig*").stdout


@pytest.mark.parametrize("command", ["", "train", "evaluate", "predict", "models", "datasets"])
def test_help_shows_examples(run: Any, command: str) -> None:
    """Everybody copies an example first."""
    answer = run(*filter(None, [command]), "--help")
    assert answer.returncode == 0
    assert "Examples:" in answer.stdout
    assert f"lenetkit {command}".strip() in answer.stdout.partition("Examples:")[2]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["trian"], 2, "No such command 'trian'"),
        (["train", "--epochs", "many"], 2, "Invalid value for '--epochs'"),
        (["train", "--epochs", "-1"], 2, "Invalid value for '--epochs'"),
        (["train", "--dataset", "mnits"], 2, "Did you mean 'mnist'"),
        (["train", "--dataset", "digits", "--test-size", "2"], 2, "test_size"),
        (["train", "--dataset", "digits", "--model", "lenet6"], 2, "Did you mean 'lenet5'"),
        (["train", "--dataset", "digits", "--learning-rate", "-1"], 2, "learning_rate must be a positive number"),
        (["evaluate", "no_such_file.lenet", "--dataset", "digits"], 2, "no_such_file.lenet"),
        (["predict", __file__, "x.png"], 2, "error: "),
        (["predict"], 2, "Missing argument"),
    ],
)
def test_mistakes_are_one_message_and_an_exit_code(run: Any, arguments: list[str], code: int, message: str) -> None:
    """Never a traceback."""
    answer = run(*arguments)
    assert answer.returncode == code, answer.stderr
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


def test_evaluate_wants_a_data_set(run: Any, trained: Any) -> None:
    """It does not guess one."""
    answer = run("evaluate", trained[1])
    assert answer.returncode == 2
    assert "--dataset mnist" in answer.stderr


def test_a_damaged_file_is_an_error(run: Any, trained: Any, tmp_path: Path, picture: Path) -> None:
    """One flipped bit is enough."""
    content = bytearray(trained[1].read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.lenet"
    damaged.write_bytes(content)
    answer = run("predict", damaged, picture)
    assert answer.returncode == 2
    assert "damaged.lenet" in answer.stderr
    assert answer.stdout == ""
