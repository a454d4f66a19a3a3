"""Tests that a run which was stopped goes on to the same bits, or is refused by the name of what has changed."""

import collections
import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lenetkit.augment import Shift
from lenetkit.exceptions import CheckpointError, SettingError
from lenetkit.trainer import Trainer
from lenetkit.trainer._checkpoint import FILE_NAME, Checkpoint, read_checkpoint, write_checkpoint
from lenetkit.trainer._folder_lock import FolderLock

pytestmark = pytest.mark.tensorflow


class Crash(BaseException):
    """The end of a process that is not ended: nothing of the run is used after it."""


class Crashing(keras.callbacks.Callback):
    """Ends a run when an epoch begins, which a test chooses in the class."""

    at: int | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.at:
            raise Crash


class Own(keras.callbacks.Callback):
    """A callback of the user's own: its settings are not all named as they are given."""

    def __init__(self, strength: float = 0.1, table: Any = None) -> None:
        super().__init__()
        self.power, self.table = strength, table or {1: 0.5}
        self.seen: set[int] = set()
        self.last: collections.deque[float] = collections.deque(maxlen=2)
        self.by_epoch: dict[int, float] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.add(epoch // 2)
        self.last.append(logs["loss"])
        self.by_epoch[epoch] = sum(self.last)
        rate = self.model.optimizer.learning_rate
        rate.assign(rate * (1 - self.power * len(self.seen) / (1 + self.by_epoch[0])))


class Focal(keras.losses.Loss):
    """A loss whose setting is not in its configuration."""

    def __init__(self, gamma: float) -> None:
        super().__init__(name="focal")
        self.gamma = gamma

    def call(self, y_true: Any, y_pred: Any) -> Any:
        entropy = keras.losses.categorical_crossentropy(y_true, y_pred)
        return entropy * keras.ops.power(1 - keras.ops.exp(-entropy), self.gamma)


class Noisy:
    """An augmentation as an object."""

    def __init__(self, amount: float) -> None:
        self.amount = amount

    def __call__(self, images: Any, key: Any) -> Any:
        return noisy(images, key, self.amount)


def noisy(images: Any, key: Any, amount: float = 0.1) -> Any:
    return images + tf.random.stateless_uniform(tf.shape(images), key, -amount, amount)


def make_loss(weight: float) -> Any:
    def weighted(y_true: Any, y_pred: Any) -> Any:
        return weight * keras.losses.categorical_crossentropy(y_true, y_pred)

    return weighted


def make_schedule(fall: float) -> Any:
    return lambda epoch, rate: rate * fall


def little_model(units: int = 8, dropout: float = 0.2) -> Any:
    layers = keras.layers
    keras.utils.clear_session(free_memory=False)  # automatic names as in a new process
    return keras.Sequential(
        [
            layers.Input((4, 4, 1)),
            layers.Flatten(),
            layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
            layers.Dropout(dropout),
            layers.Dense(3, activation="softmax", kernel_initializer=keras.initializers.GlorotUniform(seed=2)),
        ]
    )


def fit(
    folder: Path | None, *, callbacks: Any = None, model: Any = None, stop: int | None = None, **changes: Any
) -> Any:
    """Train for four epochs of three steps, or until the beginning of epoch `stop`; return weights and history."""
    images = np.random.default_rng(0).integers(0, 255, (48, 4, 4), np.uint8)
    labels = np.arange(48) % 3
    arguments = {
        name: changes.pop(name) for name in ("scale", "offset", "sample_weight", "class_weight") if name in changes
    }
    Crashing.at = stop
    settings = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "augmentation": None, "verbose": 0, **changes}
    trainer = Trainer(callbacks=[*(callbacks or []), Crashing()], checkpoint=folder, **settings)
    model = model or little_model()
    result = trainer.fit(model, images, labels, (images[:16], labels[:16]), **arguments)
    return b"".join(np.asarray(v.numpy()).tobytes() for v in model.variables), result.history.to_dict()


def interrupt(folder: Path, **settings: Any) -> None:
    with pytest.raises(Crash):
        fit(folder, stop=2, **settings)


EARLY = functools.partial(keras.callbacks.EarlyStopping, monitor="val_loss", patience=1)
PLATEAU = functools.partial(keras.callbacks.ReduceLROnPlateau, monitor="val_loss", patience=1, factor=0.5)
SCHEDULER = keras.callbacks.LearningRateScheduler

SLOWLY = {"epochs": 8, "learning_rate": 0.003}  # so that a min_delta of 0.03 decides, after the run was stopped
GO_ON: dict[str, Any] = {
    "EarlyStopping": lambda: {"callbacks": [EARLY(min_delta=0.03, patience=2)], **SLOWLY},
    "ReduceLROnPlateau": lambda: {"callbacks": [PLATEAU(min_delta=0.03, patience=2)], **SLOWLY},
    "own": lambda: {"callbacks": [Own(0.3), SCHEDULER(make_schedule(0.7))]},
    "objects": lambda: {"loss": Focal(2.0), "augmentation": Noisy(0.2)},
    "layer as augmentation": lambda: {"augmentation": with_layer(keras.layers.GaussianNoise(0.3, seed=5))},
    "generator of TensorFlow": lambda: {"augmentation": with_generator(tf.random.Generator.from_seed(3))},
}


def with_layer(layer: Any) -> Any:
    return lambda images, key: layer(images, training=True)


def with_generator(generator: Any) -> Any:
    return lambda images, key: images + generator.uniform(tf.shape(images), -0.1, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", GO_ON)
def test_a_run_goes_on_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    """With what a callback decides, and with random numbers that the step draws from variables."""
    uninterrupted = fit(None, **GO_ON[kind]())
    interrupt(tmp_path, **GO_ON[kind]())
    assert fit(tmp_path, **GO_ON[kind]()) == uninterrupted
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def settings(**changes: Any) -> dict[str, Any]:
    """Return the settings of the run that the changed ones are compared with."""
    callbacks = {
        "stopping": EARLY(min_delta=0.001, patience=3),
        "plateau": PLATEAU(min_delta=0.001),
        "schedule": SCHEDULER(make_schedule(0.9)),
        "own": Own(),
        "hook": keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=0.5)),
    }
    named = {name: changes.pop(name) for name in list(changes) if name in callbacks}
    return {
        "callbacks": list({**callbacks, **named}.values()),
        "augmentation": functools.partial(noisy, amount=0.1),
        "loss": make_loss(1.5),
        **changes,
    }


CHANGED: dict[str, Any] = {
    "setting callbacks[0].min_delta: 0.001 then, 0.01 now": lambda: {"stopping": EARLY(min_delta=0.01, patience=3)},
    "setting callbacks[0].patience: 3 then, 2 now": lambda: {"stopping": EARLY(min_delta=0.001, patience=2)},
    "setting callbacks[0].baseline: None then, 0.5 now": lambda: {
        "stopping": EARLY(min_delta=0.001, patience=3, baseline=0.5)
    },
    "setting callbacks[1].factor: 0.5 then, 0.25 now": lambda: {"plateau": PLATEAU(min_delta=0.001, factor=0.25)},
    "setting callbacks[1].min_lr: 0.0 then, 0.01 now": lambda: {"plateau": PLATEAU(min_delta=0.001, min_lr=0.01)},
    "setting callbacks[2].schedule: ": lambda: {"schedule": SCHEDULER(make_schedule(0.8))},
    "setting callbacks[2].schedule: .*abs": lambda: {"schedule": SCHEDULER(abs)},
    "setting callbacks[3].power: 0.1 then, 0.2 now": lambda: {"own": Own(0.2)},
    "setting callbacks[3].table: {1: 0.5} then, {1: 0.25} now": lambda: {"own": Own(table={1: 0.25})},
    "setting callbacks[4].on_epoch_end: ": lambda: {
        "hook": keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=0.25))
    },
    "setting augmentation: partial.*amount=0.1.* then, partial.*amount=0.2.* now": lambda: {
        "augmentation": functools.partial(noisy, amount=0.2)
    },
    "setting augmentation: .* then, Noisy .*_?amount=0.1": lambda: {"augmentation": Noisy(0.1)},
    "setting augmentation: .* then, Shift.*pixels=2": lambda: {"augmentation": Shift(pixels=2)},
    "setting loss: .*weight=1.5.* then, .*weight=2.5.* now": lambda: {"loss": make_loss(2.5)},
    "setting loss: .* then, Focal .*gamma=2.0": lambda: {"loss": Focal(2.0)},
    "setting batch_size: 16 then, 8 now": lambda: {"batch_size": 8},
    "setting learning_rate: 0.01 then, 0.02 now": lambda: {"learning_rate": 0.02},
    "setting label_smoothing: 0.05 then, 0.1 now": lambda: {"label_smoothing": 0.1},
    "setting seed: 0 then, 1 now": lambda: {"seed": 1},
    "setting optimizer_options: None then, {'beta_1': 0.8} now": lambda: {"optimizer_options": {"beta_1": 0.8}},
    "setting metrics: ": lambda: {"metrics": [keras.metrics.TopKCategoricalAccuracy(2)]},
    "setting epochs: 4 then, 3 now": lambda: {"epochs": 3},
    "scale: ": lambda: {"scale": 1 / 256},
    "offset: ": lambda: {"offset": 0.5},
    "data: weights: missing then, ": lambda: {"sample_weight": np.linspace(0.5, 1, 48)},
    "model: ": lambda: {"model": little_model(dropout=0.1)},
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was stopped after two epochs."""
    folder = tmp_path_factory.mktemp("stopped")
    interrupt(folder, **settings())
    return folder


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_setting_is_refused_by_name(name: str, stopped: Path) -> None:
    """And leaves the checkpoint and the folder as they were."""
    before = (stopped / FILE_NAME).read_bytes()
    pattern = name.replace("[", r"\[").replace("{", r"\{")
    with pytest.raises(CheckpointError, match=rf"(?s)belongs to another run.*\n  {pattern}"):
        fit(stopped, **settings(**CHANGED[name]()))
    assert (stopped / FILE_NAME).read_bytes() == before
    assert [path.name for path in stopped.iterdir()] == [FILE_NAME]


def test_one_callback_less_or_another_order_is_refused(stopped: Path) -> None:
    """Naming them all."""
    for change in (lambda kept: kept[:-1], lambda kept: kept[::-1]):
        changed = settings()
        changed["callbacks"] = change(changed["callbacks"])
        with pytest.raises(CheckpointError, match=r"setting callbacks: \[EarlyStopping, ReduceLROnPlateau, .* then, "):
            fit(stopped, **changed)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("TF_NUM_INTRAOP_THREADS", "77", r"intra_op_threads: \d+ then, 77 now"),
        ("ONEDNN_MAX_CPU_ISA", "AVX2", "environment ONEDNN_MAX_CPU_ISA: missing then, AVX2 now"),
        ("DNNL_MAX_CPU_ISA", "SSE41", "environment DNNL_MAX_CPU_ISA: missing then, SSE41 now"),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "BF16", "environment ONEDNN_DEFAULT_FPMATH_MODE: missing then, BF16 now"),
        ("TF_XLA_FLAGS", "--tf_xla_auto_jit=2", "environment TF_XLA_FLAGS: missing then, --tf_xla_auto_jit=2 now"),
        ("XLA_FLAGS", "--xla_cpu_enable_fast_math=true", "environment XLA_FLAGS: missing then, --xla_cpu"),
        ("TF_ENABLE_ONEDNN_OPTS", "0", "onednn: True then, False now"),
    ],
)
def test_another_arithmetic_is_refused_by_name(
    variable: str, value: str, message: str, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each environment variable by which TensorFlow chooses how to compute."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(CheckpointError, match=message):
        fit(stopped, **settings())


def test_another_xla_is_refused_by_name(stopped: Path) -> None:
    """What a program sets rather than the environment."""
    tf.config.optimizer.set_jit("autoclustering")
    try:
        with pytest.raises(CheckpointError, match="xla: off then, autoclustering now"):
            fit(stopped, **settings())
    finally:
        tf.config.optimizer.set_jit(False)


@pytest.mark.slow
def test_what_only_watches_does_not_count(stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does how a run is shown, how often it writes, or a setting of Keras that training does not follow."""
    (tmp_path / FILE_NAME).write_bytes((stopped / FILE_NAME).read_bytes())
    monkeypatch.setenv("ONEDNN_VERBOSE", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    uninterrupted = fit(None, **settings())
    epsilon = keras.config.epsilon()
    keras.config.set_epsilon(1e-5)
    try:
        again = fit(tmp_path, **settings(), steps_per_call=2, checkpoint_steps=1, checkpoint_seconds=1.0)
    finally:
        keras.config.set_epsilon(epsilon)
    assert again == uninterrupted


HIDDEN = {"amount": 0.1}


def looks_up(images: Any, key: Any) -> Any:
    """Depend on something that no description can follow."""
    return noisy(images, key, HIDDEN["amount"])


@pytest.mark.slow
def test_the_canary_notices_what_no_description_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step is computed again and compared; the model is left as it was given."""
    interrupt(tmp_path, augmentation=looks_up)
    model = little_model()
    before = [np.asarray(v.numpy()) for v in model.variables]
    with monkeypatch.context() as patch:
        patch.setitem(HIDDEN, "amount", 0.2)
        with pytest.raises(CheckpointError, match=r"where a training step gives other bits: one step, computed again"):
            fit(tmp_path, augmentation=looks_up, model=model)
    weights = set(map(id, model.trainable_variables))
    after = [(id(v) in weights, np.asarray(v.numpy())) for v in model.variables]
    assert all((a == b).all() for (trained, a), b in zip(after, before, strict=True) if trained)
    assert fit(tmp_path, augmentation=looks_up) == fit(None, augmentation=looks_up)


def draw() -> Any:
    return np.float32(np.random.rand())  # noqa: NPY002


@pytest.mark.slow
@pytest.mark.parametrize(
    "augmentation",
    [
        lambda images, key: images + tf.random.uniform(tf.shape(images), -0.1, 0.1),
        lambda images, key: images + tf.ensure_shape(tf.numpy_function(draw, [], tf.float32), ()),
    ],
    ids=["drawn by an operation", "drawn by NumPy"],
)
def test_a_step_that_cannot_be_repeated_is_refused_at_the_start(augmentation: Any, tmp_path: Path) -> None:
    """With a checkpoint only; without one it trains."""
    with pytest.raises(SettingError, match="a training step gives another result when it is repeated"):
        fit(tmp_path, augmentation=augmentation)
    assert list(tmp_path.iterdir()) == []
    fit(None, augmentation=augmentation, epochs=1)


@pytest.mark.slow
def test_state_that_cannot_be_kept_is_refused_at_the_start(tmp_path: Path) -> None:
    """Before any hook of a callback; without a checkpoint it trains."""

    class Iterating(keras.callbacks.Callback):
        began = False

        def __init__(self) -> None:
            super().__init__()
            self.source = iter([1, 2])

        def on_train_begin(self, logs: Any = None) -> None:
            self.began = True

    callback = Iterating()
    with pytest.raises(
        SettingError, match=r"callbacks\[0\] \(Iterating\) keeps a list_iterator in its attribute source"
    ):
        fit(tmp_path, callbacks=[callback])
    assert not callback.began
    fit(None, callbacks=[callback], epochs=1)


def test_two_runs_in_one_folder_are_told_at_once(tmp_path: Path) -> None:
    """Before the first step of the second, which leaves the first's folder alone."""
    with FolderLock(tmp_path), pytest.raises(CheckpointError, match="is in use by another run of this process"):
        fit(tmp_path)
    fit(tmp_path, epochs=1)


@contextlib.contextmanager
def powerless() -> Iterator[None]:
    """Give up the rights of the superuser, whom no permission stops."""
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65534)
    try:
        yield
    finally:
        if superuser:
            os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    """It may be whole: nobody shall be told to remove it."""
    write_checkpoint(tmp_path, Checkpoint(arrays={"x": np.zeros(2)}, state={}, provenance={}))
    (tmp_path / FILE_NAME).chmod(0)
    read_checkpoint(tmp_path / "none", {})  # imports all that it needs
    denied = pytest.raises(CheckpointError, match=r"cannot be read: Permission denied\. It may be whole")
    with denied as caught, powerless():
        read_checkpoint(tmp_path, {})
    assert "damaged" not in str(caught.value)


def test_a_folder_or_an_endless_link_in_its_place_is_named(tmp_path: Path) -> None:
    """Rather than the run begun anew, to fail at its first checkpoint."""
    (tmp_path / "a" / FILE_NAME).mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / FILE_NAME).symlink_to(FILE_NAME)
    for name, words in (("a", "Is a directory"), ("b", "symbolic links")):
        with pytest.raises(CheckpointError, match=rf"cannot be read: .*{words}"):
            fit(tmp_path / name)


def interrupt_logged(folder: Path, log: Path) -> None:
    logger = keras.callbacks.CSVLogger(log)
    interrupt(folder, callbacks=[logger])
    logger.csv_file.close()


@pytest.mark.slow
def test_the_log_of_a_stopped_run_is_complete(tmp_path: Path) -> None:
    """Keras' logger would begin its file anew."""
    logs = []
    for name, folder in (("whole", None), ("stopped", tmp_path / "run")):
        path = tmp_path / f"{name}.csv"
        if folder is not None:
            interrupt_logged(folder, path)
            path.write_text(path.read_text() + "2,0.5")  # a line that a kill cut short
        fit(folder, callbacks=[keras.callbacks.CSVLogger(path)])
        logs.append(path.read_text())
    assert logs[0] == logs[1]
    assert len(logs[0].splitlines()) == 5


@pytest.mark.slow
def test_a_refused_run_leaves_the_log_alone(tmp_path: Path) -> None:
    """It is refused before any callback begins."""
    path = tmp_path / "log.csv"
    interrupt_logged(tmp_path / "run", path)
    before = path.read_text()
    with pytest.raises(CheckpointError, match="setting seed"):
        fit(tmp_path / "run", callbacks=[keras.callbacks.CSVLogger(path)], seed=1)
    assert path.read_text() == before


@pytest.mark.slow
def test_hooks_of_batches_are_called_as_often_in_a_run_that_goes_on(tmp_path: Path) -> None:
    """Where they count, every batch is a call of its own, whatever the machine's speed."""

    class Batches(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.batches: list[int] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches.append(batch)

    interrupt(tmp_path, callbacks=[Batches()])
    with pytest.raises(CheckpointError, match="setting steps_per_call: 'auto' then, 3 now"):
        fit(tmp_path, callbacks=[Batches()], steps_per_call=3)
    callback = Batches()
    fit(tmp_path, callbacks=[callback])
    assert callback.batches == [0, 1, 2] * 4


@pytest.mark.slow
def test_killed_at_random_moments_every_run_ends_with_the_same_bits() -> None:
    """A few of the kills that ``benchmarks/kills.py`` makes, with every callback that the documentation names."""
    script = Path(__file__).parents[2] / "benchmarks" / "kills.py"
    done = subprocess.run(
        [sys.executable, str(script), "--kills", "4", "--seed", str(int.from_bytes(os.urandom(2), "big"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "4 kills in" in done.stdout
