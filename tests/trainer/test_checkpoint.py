"""Tests for the checkpoints of `lenetkit.trainer`: runs that are killed, at every step and inside the write."""

import hashlib
import json
import multiprocessing
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenetkit.exceptions import CheckpointError
from lenetkit.trainer import _checkpoint
from lenetkit.trainer._checkpoint import FILE_NAME, Checkpoint, read_checkpoint, write_checkpoint

pytestmark = [pytest.mark.tensorflow, pytest.mark.versions]

N_STEPS = 12  # 4 epochs of 3 steps


class Crash(BaseException):
    """The end of a process that is not ended: nothing of the run is used after it."""


def train(folder: Path | None, report: Path, *, kill: str = "", changes: dict[str, Any] | None = None) -> None:
    """Run the training that all these tests compare.

    `kill` is "", "step 5" (when step 5 is done), "crash 5" (the same, by an error) or "file rename 2" (at the second
    time a file is about to be renamed).
    """
    import keras

    from lenetkit.trainer import Trainer

    images, labels, model, validation = _task(keras)
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1)
    kind, _, when = kill.partition(" ")
    if kind == "file":
        _kill_inside_the_writer(*when.split())
    settings: dict[str, Any] = {
        "epochs": 4,
        "batch_size": 16,
        "callbacks": [stopping, plateau, *_killers(keras, kind, when)],
        "learning_rate": 0.001,
        "augmentation": _augment,
        "steps_per_call": 1,
        "checkpoint": folder,
        "checkpoint_steps": 2,
        "checkpoint_seconds": 1e9,
        "verbose": 0,
        **(changes or {}),
    }
    result = Trainer(**settings).fit(model, images, labels, validation)
    state = [np.asarray(v.numpy()).tobytes() for v in (*model.variables, *model.optimizer.variables)]
    told = {
        "weights": hashlib.sha256(b"".join(state)).hexdigest(),
        "history": result.history.to_dict(orient="list"),
        "stopping": [float(vars(stopping).get(name) or 0) for name in ("wait", "best_epoch", "best")],
        "stopped_by": result.stopped_by,
        "steps": result.steps,
    }
    report.write_text(json.dumps(told))


def _task(keras: Any) -> tuple[Any, Any, Any, Any]:
    layers = keras.layers
    keras.utils.clear_session(free_memory=False)  # automatic names as in a new process
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            layers.Input((4, 4, 1), name="image"),
            layers.Flatten(name="flatten"),
            layers.Dense(12, name="hidden"),
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(3, activation="softmax", name="output"),
        ],
        name="little",
    )
    generator = np.random.default_rng(0)
    labels = np.arange(48) % 3
    images = generator.integers(0, 255, (48, 4, 4), np.uint8)
    return images, labels, model, (images[:16], (labels[:16] + 1) % 3)


def _augment(images: Any, seed: Any) -> Any:
    import tensorflow as tf

    return images + tf.random.stateless_uniform(tf.shape(images), seed, -0.1, 0.1)


def _killers(keras: Any, kind: str, when: str) -> list[Any]:
    class Killer(keras.callbacks.Callback):
        steps = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if kind in ("", "file") or int(self.model.optimizer.iterations) != int(when):
                return
            if kind == "crash":
                raise Crash
            if kind == "full":
                resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
            else:
                signals = {"step": signal.SIGKILL, "interrupt": signal.SIGINT, "terminate": signal.SIGTERM}
                os.kill(os.getpid(), signals[kind])

    return [Killer()]


def _kill_inside_the_writer(step: str, time: str) -> None:
    seen = 0

    def hook(event: str, arguments: Any) -> None:
        nonlocal seen
        if event == "lenetkit._utils.files" and arguments[0] == step:
            seen += 1
            if seen == int(time):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.fixture(scope="module")
def zygote() -> Any:
    """Return a context whose processes start from one that has imported TensorFlow and run nothing."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras"])
    return context


@pytest.fixture(scope="module")
def run(zygote: Any) -> Any:
    """Return a function that trains in a process of its own and returns its exit code and report."""

    def _run(folder: Path | None, report: Path, **options: Any) -> tuple[int, Any]:
        report.unlink(missing_ok=True)
        process = zygote.Process(target=train, args=(folder, report), kwargs=options)
        process.start()
        process.join()
        return process.exitcode, json.loads(report.read_text()) if report.exists() else None

    return _run


@pytest.fixture(scope="module")
def uninterrupted(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the report of the run that nobody stopped."""
    code, told = run(None, tmp_path_factory.mktemp("whole") / "report.json")
    assert code == 0
    return told


@pytest.mark.slow
def test_a_checkpoint_changes_nothing(run: Any, uninterrupted: Any, tmp_path: Path) -> None:
    """Writing them does not disturb the run, and a finished run is taken up finished."""
    for kill in ("", f"step {N_STEPS}"):
        assert run(tmp_path / "run", tmp_path / "report.json", kill=kill) == (0, uninterrupted)


@pytest.mark.slow
def test_crashed_after_every_step(uninterrupted: Any, tmp_path: Path) -> None:
    """One run, crashed after each of its steps in turn, ends as if it had never been."""
    for step in range(1, uninterrupted["steps"] + 1):
        with pytest.raises(Crash):
            train(tmp_path / "run", tmp_path / "report.json", kill=f"crash {step}")
    train(tmp_path / "run", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == uninterrupted


@pytest.mark.slow
def test_killed_at_a_step_and_at_every_moment_of_a_write(run: Any, uninterrupted: Any, tmp_path: Path) -> None:
    """One run, killed again and again, at another write each time, ends as if it had never been; no litter stays."""
    writes = ("create 2", "write 1", "sync 2", "rename 1", "sync_folder 2", "done 1")
    for kill in (*(f"file {when}" for when in writes), f"step {N_STEPS - 1}"):
        assert run(tmp_path / "run", tmp_path / "report.json", kill=kill) == (-signal.SIGKILL, None)
    assert run(tmp_path / "run", tmp_path / "report.json") == (0, uninterrupted)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [FILE_NAME]


@pytest.mark.slow
def test_ctrl_c_and_sigterm_write_one_more_checkpoint(run: Any, uninterrupted: Any, tmp_path: Path) -> None:
    """At a step where none was due; SIGTERM then ends the process as usual."""
    code, told = run(tmp_path / "run", tmp_path / "report.json", kill="interrupt 5")
    assert code == 0
    assert (told["stopped_by"], told["steps"]) == ("interrupt", 5)
    code, told = run(tmp_path / "run", tmp_path / "report.json", kill="terminate 7")
    assert (code, told) == (-signal.SIGTERM, None)
    # The signal was heard: the run went on from step 7, so that step 7 is not seen again.
    code, told = run(tmp_path / "run", tmp_path / "report.json", kill="step 7")
    assert (code, told) == (0, uninterrupted)


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_checkpoint(run: Any, uninterrupted: Any, tmp_path: Path) -> None:
    """The run fails, and goes on once there is room again."""
    code, told = run(tmp_path / "run", tmp_path / "report.json", kill="full 5")
    assert code != 0
    assert told is None
    code, told = run(tmp_path / "run", tmp_path / "report.json")
    assert (code, told) == (0, uninterrupted)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that crashed after five steps."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.raises(Crash):
        train(folder / "run", folder / "report.json", kill="crash 5")
    return folder / "run"


def refusal(folder: Path, **changes: Any) -> str:
    """Return the message with which the run is refused in this process."""
    with pytest.raises(CheckpointError, match=str(folder)) as caught:
        train(folder, folder.parent / "report.json", changes=changes)
    return str(caught.value)


def test_another_setting_is_refused_and_shown(interrupted: Path) -> None:
    """With what it was and what it is."""
    message = refusal(interrupted, epochs=9, batch_size=8)
    assert "setting epochs: 4 then, 9 now" in message
    assert "setting batch_size: 16 then, 8 now" in message
    assert "setting seed" not in message


def test_other_data_are_refused(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pixel is enough."""
    original = _task

    def changed(keras: Any) -> Any:
        images, labels, model, validation = original(keras)
        images[7, 2, 2] ^= 1
        return images, labels, model, validation

    monkeypatch.setattr(sys.modules[__name__], "_task", changed)
    assert "\n  data: " in refusal(interrupted)


def test_another_version_is_refused(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Keras would not give the same bits."""
    from lenetkit.trainer import _provenance

    monkeypatch.setattr(_provenance, "get_version", lambda name: "0.0.1")
    assert "keras: " in refusal(interrupted)


def test_a_damaged_checkpoint_is_refused(interrupted: Path, tmp_path: Path) -> None:
    """A flipped bit anywhere, or a missing end."""
    content = (interrupted / FILE_NAME).read_bytes()
    damaged = tmp_path / "run"
    damaged.mkdir()
    for index in [*range(0, len(content), max(1, len(content) // 400)), len(content) - 1]:
        changed = bytearray(content)
        changed[index] ^= 0x10
        (damaged / FILE_NAME).write_bytes(changed)
        with pytest.raises(CheckpointError, match=r"is damaged|belongs to another run"):
            read_checkpoint(damaged, {})
    (damaged / FILE_NAME).write_bytes(content[:-1])
    assert "is damaged" in refusal(damaged)


def test_a_checkpoint_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number, with what to do."""
    monkeypatch.setattr(_checkpoint, "_FORMAT", 1)
    write_checkpoint(tmp_path, Checkpoint(arrays={"x": np.zeros(2)}, state={}, provenance={}))
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"has format 1; this version of lenetkit reads format 3\. Go on with"):
        read_checkpoint(tmp_path, {})


@pytest.mark.slow
def test_more_epochs_go_on_at_a_constant_rate_and_end_with_the_uninterrupted_bits(tmp_path: Path) -> None:
    """After a run that has ended, and after one that was stopped; twice, too."""
    through = told(tmp_path, None, {"epochs": 6, "callbacks": []})
    for epochs in (2, 3, 6):
        longer = told(tmp_path, tmp_path / "run", {"epochs": epochs, "callbacks": []})
    assert longer == through
    assert through["steps"] == 18
    with_callbacks = told(tmp_path, None, {"epochs": 5})
    told(tmp_path, tmp_path / "callbacks", {"epochs": 2})
    assert told(tmp_path, tmp_path / "callbacks", {"epochs": 5}) == with_callbacks
    with pytest.raises(CheckpointError, match="setting epochs: 6 then, 4 now"):
        train(tmp_path / "run", tmp_path / "report", changes={"epochs": 4, "callbacks": []})


@pytest.mark.slow
def test_more_epochs_are_refused_where_the_rate_depends_on_their_number(tmp_path: Path) -> None:
    """With the reason; and after a fraction of an epoch, whose end was no epoch's."""
    from lenetkit.trainer import OneCycle

    cycle = {"callbacks": [], "learning_rate": OneCycle(0.01)}
    told(tmp_path, tmp_path / "cycle", {"epochs": 2, **cycle})
    with pytest.raises(CheckpointError, match=r"epochs: 2 then, 3 now\n.*a constant learning rate: one-cycle falls"):
        train(tmp_path / "cycle", tmp_path / "report", changes={"epochs": 3, **cycle})
    told(tmp_path, tmp_path / "fraction", {"epochs": 1.5, "callbacks": []})
    with pytest.raises(CheckpointError, match=r"setting epochs: 1\.5 then, 3 now"):
        train(tmp_path / "fraction", tmp_path / "report", changes={"epochs": 3, "callbacks": []})
    with pytest.raises(CheckpointError, match=r"epochs: 1\.5 then, 3 now\n  setting seed: 0 then, 1 now"):
        train(tmp_path / "fraction", tmp_path / "report", changes={"epochs": 3, "callbacks": [], "seed": 1})


def told(folder: Path, checkpoint: Path | None, changes: dict[str, Any]) -> Any:
    train(checkpoint, folder / "report", changes=changes)
    return json.loads((folder / "report").read_text())
