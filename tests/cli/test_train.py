"""Tests for the commands that train and evaluate, and for mistakes on the command line."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.cli import _COMMANDS
from lenetkit.cli.train import _data_settings
from lenetkit.datasets import Dataset, load_dataset
from lenetkit.models import create_model, model_info, register_model, registry
from lenetkit.trainer import Trainer

Run = Callable[..., Any]

LAST_LINE = re.compile(r"accuracy \d+\.\d\d % \(95 % interval \d+\.\d to \d+\.\d %, n = \d+\)")


@pytest.mark.slow
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
        "preset default: 4 epochs, adam",
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


def test_an_explicit_mnist_that_is_not_available_is_an_error(run: Run) -> None:
    """No other data set is put in its place."""
    answer = run("train", "--dataset", "mnist", "--no-download")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: the data set 'mnist' needs")
    assert "LENETKIT_DATA" in answer.stderr
    assert "accuracy" not in answer.stdout


@pytest.fixture(scope="module")
def two_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of images with a training and a test part."""
    folder = tmp_path_factory.mktemp("parts")
    data = load_dataset("digits")
    for index in range(30):
        part = folder / ("test" if index % 3 == 0 else "train") / str(data.labels[index])
        part.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(data.images[index]).save(part / f"{index}.png")
    return folder


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "spelling", [("--preset", "model", "--predefined-split"), ("--recipe", "recommended", "--official")]
)
def test_the_record_of_a_model_and_the_predefined_split_can_be_used(
    run: Run, two_parts: Path, spelling: tuple[str, ...]
) -> None:
    """The augmentation of the model's record, the parts of the data set; also as version 0.1 spelled them."""
    answer = run("train", "--model", "lenet1", *spelling, "--dataset", two_parts, "--epochs", "0")
    assert answer.returncode == 0, answer.stderr
    assert "preset model: 0 epochs" in answer.stdout
    assert f"augmentation {Trainer.preset(**model_info('lenet1').preset).augmentation}" in answer.stdout
    assert "the predefined splits: 20 images to train on, 10 to test on" in answer.stdout
    assert answer.stdout.splitlines()[-1].endswith("n = 10)")


@pytest.mark.parametrize(
    ("preset", "n_images", "settings"),
    [
        ({"name": "default"}, 60_000, {"epochs": 5}),
        ({"name": "accurate"}, 60_000, {}),
        ({"name": "default", "epochs": 15}, 60_000, {}),
        ({"name": "accurate", "epochs": 20}, 1_797, {"epochs": 20, "batch_size": 32}),
    ],
)
def test_the_preset_the_data_set_and_its_size_decide_the_epochs(
    preset: dict[str, Any], n_images: int, settings: dict[str, Any]
) -> None:
    """Few images need more epochs and smaller batches; a preset or record may know its epochs."""
    learn = Dataset(
        images=np.zeros((n_images, 1, 1), np.uint8),
        labels=np.zeros(n_images, np.int64),
        name="zeros",
        class_names=("0",),
        epochs=settings.get("epochs", 7),
    )
    assert _data_settings(preset, learn) == settings


@pytest.fixture
def vanishing(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is removed when the model ``vanishing`` is built, which is after all checks."""
    folder = tmp_path / "vanishing"
    folder.mkdir()

    @register_model("vanishing", description="", n_parameters=0)
    def build(input_shape: Any, n_classes: int) -> Any:
        shutil.rmtree(folder, ignore_errors=True)
        return create_model("mlp", input_shape=input_shape, n_classes=n_classes)

    yield folder
    registry.unregister("vanishing")


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_trained_pipeline_is_kept_when_its_folder_is_gone(
    run: Run, vanishing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the temporary folder, with the command that moves it; the figure is printed all the same."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    target = vanishing / "mine.lenet"
    answer = run("train", "--model", "vanishing", "--dataset", "digits", "--epochs", "0", "--output", target)
    assert answer.returncode == 1
    first, second = answer.stderr.splitlines()
    assert first.startswith(f"error: {target} could not be saved: cannot write {target}: there is no folder")
    match = re.fullmatch(r"The trained pipeline is kept in (\S+)\. Move it with: mv \1 (\S+)", second)
    assert match is not None
    assert match[2] == str(target)
    assert Path(match[1]).is_relative_to(tmp_path)
    assert len(Pipeline.load(match[1]).classes_) == 10
    assert LAST_LINE.fullmatch(answer.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.tensorflow
def test_evaluate_measures_a_saved_pipeline(run: Run, trained: Any) -> None:
    """Named by the option or, as in version 0.1, before it; the last line is for scripts."""
    answer = run("evaluate", "--pipeline", trained[1], "--dataset", "digits")
    assert answer.returncode == 0, answer.stderr
    assert LAST_LINE.fullmatch(answer.stdout.splitlines()[-1])
    assert "n = 1797" in answer.stdout
    assert run("evaluate", trained[1], "--dataset", "digits").stdout == answer.stdout


def test_models_and_data_sets_are_listed(run: Run) -> None:
    """With their descriptions."""
    listed = run("models").stdout
    assert re.search(r"lenet5 +28 x 28 x 1 +61,706", listed)
    assert re.search(r"lenet5_1998 +28 x 28 x 1 +60,000 +0\.95 %", listed)
    assert re.search(r"mnist +5 ", run("datasets").stdout)
    assert "mnist" not in run("datasets", "dig*").stdout


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_help_shows_examples(run: Run, command: str) -> None:
    """Everybody copies an example first; a command that needs a pipeline takes ``--pipeline``."""
    answer = run(*filter(None, [command]), "--help")
    assert answer.returncode == 0
    assert f"lenetkit {command}".strip() in answer.stdout.partition("Examples:")[2]
    without = {"", "train", "compare", "models", "datasets", "convert", "sheet"}
    assert (command in without) != bool(re.search(r"^  --pipeline FILE", answer.stdout, re.MULTILINE))
    assert not re.search("--recipe|--official|recommended", answer.stdout)


MISTAKES = [
    (["trian"], "No such command 'trian'"),
    (["train", "--epochs", "many"], "Invalid value for '--epochs'"),
    (["train", "--epochs", "-1"], "Invalid value for '--epochs'"),
    (["train", "--preset", "quick"], "Invalid value for '--preset'"),
    (["train", "--dataset", "mnits"], "Did you mean 'mnist'"),
    (["train", "--dataset", "digits", "--test-size", "2"], "Invalid value for '--test-size'"),
    (["train", "--dataset", "digits", "--model", "lenet6"], "Did you mean 'lenet5'"),
    (["train", "--dataset", "digits", "--learning-rate", "-1"], "learning_rate must be a positive number"),
    (["compare", "lenet5", "lenet6", "--dataset", "digits"], "Did you mean 'lenet5'"),
    (["evaluate", "no_such_file.lenet", "--dataset", "digits"], "no_such_file.lenet"),
    (
        ["evaluate", "a.lenet", "--pipeline", "b.lenet", "--dataset", "digits"],
        "name one saved pipeline; got a.lenet",
    ),
    (["evaluate"], "--dataset mnist"),
    (["predict", __file__, "x.png"], "error: "),
    (["predict"], "Missing argument 'IMAGE...'"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes_are_one_message_and_an_exit_code(run: Run, arguments: list[str], message: str) -> None:
    """Never a traceback."""
    answer = run(*arguments)
    assert answer.returncode == 2, answer.stderr
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_a_mistake_is_told_before_tensorflow_starts(environment: dict[str, str]) -> None:
    """Options are checked before anything is loaded."""
    code = f"""
import sys
from lenetkit.cli import main
for arguments in {[arguments for arguments, _ in MISTAKES]!r}:
    try:
        main(arguments)
    except SystemExit:
        assert not {{"tensorflow", "keras"}} & set(sys.modules), arguments
"""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, check=True)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_damaged_file_is_an_error(run: Run, trained: Any, tmp_path: Path, pictures: Path) -> None:
    """One flipped bit is enough."""
    content = bytearray(trained[1].read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged.lenet"
    damaged.write_bytes(content)
    answer = run("predict", "--pipeline", damaged, pictures / "a.png")
    assert answer.returncode == 2
    assert "damaged.lenet" in answer.stderr
    assert answer.stdout == ""
