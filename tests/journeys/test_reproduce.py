"""The benchmark of the family goes on where it stopped, and its page shows what was measured."""

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenetkit.datasets import Dataset, load_dataset
from lenetkit.models import model_info
from lenetkit.transforms import Resize

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "reproduce.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tensorflow,
    pytest.mark.skipif(os.name != "posix", reason="needs process groups and SIGKILL"),
]


@pytest.fixture(scope="module")
def mnist_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder like MNIST's, with some of the embedded digits in it."""
    folder = tmp_path_factory.mktemp("mnist")
    digits = load_dataset("digits")
    for part, data in (("train", digits[:1000]), ("t10k", digits[1500:])):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", np.asarray(Resize((28, 28))(data.images)))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", data.labels.astype(np.uint8))
    return folder


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write bytes in MNIST's format."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))


def command(mnist_folder: Path, out: Path) -> list[str]:
    """Return the command that measures one model with one seed."""
    places = ["--json", out / "runs.json", "--page", out / "models.md", "--picture", out / "models.svg"]
    choice = ["--models", "mlp", "--seeds", "1", "--checkpoints", out / "checkpoints"]
    return [str(part) for part in (sys.executable, SCRIPT, mnist_folder, *choice, *places)]


def runs(out: Path) -> list[dict[str, Any]]:
    """Return what was measured."""
    found: list[dict[str, Any]] = json.loads((out / "runs.json").read_text("utf-8"))["runs"]
    return found


@pytest.fixture(scope="module")
def uninterrupted(mnist_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the results of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("uninterrupted")
    subprocess.run(command(mnist_folder, out), check=True, capture_output=True)
    return out


def test_the_page_shows_what_was_measured(uninterrupted: Path) -> None:
    """Error, the paper's error and counts in the model's row; the picture beside it."""
    (run,) = runs(uninterrupted)
    assert run["model"] == "mlp"
    assert run["error"] < 50
    info = model_info("mlp")
    (row,) = [
        line for line in (uninterrupted / "models.md").read_text("utf-8").splitlines() if line.startswith("| `mlp`")
    ]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:4] == [f"{run['error']:.2f}", f"{info.paper_error:g}", f"{info.n_parameters:,}"]
    assert "<!-- mlp -->" in (uninterrupted / "models.svg").read_text("utf-8")  # the text that is drawn in outlines


KILL_AT_THE_FIRST_CHECKPOINT = """
import os, signal, sys

def kill(event, arguments):
    if event == "lenetkit._utils.files" and arguments[0] == "done" and arguments[1].endswith("checkpoint.safetensors"):
        os.killpg(0, signal.SIGKILL)

sys.addaudithook(kill)
"""


def test_a_run_that_was_killed_goes_on_to_the_same_end(uninterrupted: Path, mnist_folder: Path, tmp_path: Path) -> None:
    """After ``kill -9`` of all its processes, the same command gives the same error, from the checkpoint on."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(KILL_AT_THE_FIRST_CHECKPOINT)
    path = os.pathsep.join(filter(None, [str(hook), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    told = subprocess.Popen(
        command(mnist_folder, tmp_path), start_new_session=True, stdout=subprocess.DEVNULL, env=environment
    )
    assert told.wait(timeout=300) == -signal.SIGKILL
    assert list(tmp_path.glob("checkpoints/*/checkpoint.safetensors"))
    assert not (tmp_path / "runs.json").exists()
    subprocess.run(command(mnist_folder, tmp_path), check=True, capture_output=True)
    (run,), (whole,) = runs(tmp_path), runs(uninterrupted)
    assert run["processor_seconds"] is None, "it began anew"
    assert whole["processor_seconds"] > 0
    assert run["error"] == whole["error"]
    assert run["epochs"] == whole["epochs"]


def test_what_is_measured_is_not_measured_again(uninterrupted: Path, mnist_folder: Path) -> None:
    """The same command once more only writes the page."""
    before = (uninterrupted / "runs.json").read_bytes()
    (uninterrupted / "models.md").unlink()
    answer = subprocess.run(command(mnist_folder, uninterrupted), check=True, capture_output=True, text=True)
    assert answer.stdout.splitlines() == [f"wrote {uninterrupted / 'models.md'} and {uninterrupted / 'models.svg'}"]
    assert (uninterrupted / "runs.json").read_bytes() == before


def test_an_unknown_model_is_named(mnist_folder: Path, tmp_path: Path) -> None:
    """Before anything is trained."""
    arguments = [part.replace("mlp", "lenet9") for part in command(mnist_folder, tmp_path)]
    answer = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert answer.returncode == 2
    assert "unknown models: lenet9; known: convnet, lenet1" in answer.stderr


def test_digits_in_place_of_mnist_are_read_as_they_are(mnist_folder: Path) -> None:
    """What the other tests stand on."""
    train: Dataset = load_dataset(mnist_folder, subset="train")
    assert train.images.shape == (1000, 28, 28)
    assert (np.asarray(train.labels) == load_dataset("digits").labels[:1000]).all()
