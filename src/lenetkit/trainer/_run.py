"""One run of a trainer: the loop over epochs and compiled calls, with callbacks, progress and checkpoints."""

import contextlib
import itertools
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.files import check_writable
from lenetkit._utils.machine import get_peak_memory
from lenetkit._utils.rng import preserve_rng_state
from lenetkit.exceptions import CheckpointError, SettingError, TrainingError
from lenetkit.trainer._callbacks import CallbackStates, has_batch_hooks, note_callbacks, reopened_logs
from lenetkit.trainer._canary import NOT_REPEATABLE, OTHER_ARITHMETIC, take_probe
from lenetkit.trainer._checkpoint import FILE_NAME, Checkpoint, read_checkpoint, write_checkpoint
from lenetkit.trainer._data import TrainingData
from lenetkit.trainer._folder_lock import FolderLock
from lenetkit.trainer._progress import create_progress
from lenetkit.trainer._provenance import record_provenance
from lenetkit.trainer._result import TrainingResult
from lenetkit.trainer._schedules import OneCycle
from lenetkit.trainer._settings import TrainerSettings
from lenetkit.trainer._signals import StopSignals

if TYPE_CHECKING:
    from lenetkit.trainer._engine import Engine

__all__ = ["Run", "count_steps"]

# A compiled call is sized to last about this long, so that bars move and Ctrl-C is heard; the result does not depend
# on it, and benchmarks/train.py shows its price.
_SECONDS_PER_CALL = 0.25
_STREAMED_BYTES_PER_CALL = 8 * 2**20
# Before the speed is measured.
_FIRST_STEPS = 8


@attrs.define(kw_only=True)
class _Position:
    """Position in a run; with the variables and the callbacks, all that a checkpoint needs."""

    epoch: int = 0
    row: int = 0
    step: int = 0
    images_seen: int = 0
    seconds: float = 0.0
    stop_training: bool = False
    history: list[dict[str, float]] = attrs.field(factory=list)
    seconds_per_epoch: list[float] = attrs.field(factory=list)


class Run:
    """One run of a trainer: a compiled model, trained in place with the loops of `engine` on checked data."""

    def __init__(
        self,
        trainer: TrainerSettings,
        model: Any,
        engine: "Engine",
        data: TrainingData,
        validation: TrainingData | None,
        initial_weights: Mapping[str, str],
    ) -> None:
        self._trainer, self._model, self._engine = trainer, model, engine
        self._data, self._validation = data, validation
        self._initial_weights = initial_weights
        self._at = _Position()
        self._seconds_per_step: float | None = None
        self._signals = StopSignals(terminate=trainer.checkpoint is not None)
        self._progress = create_progress(trainer.verbose)

    def run(self) -> TrainingResult:
        """Train to the end, or until something stops the run."""
        folder = self._trainer.checkpoint
        with FolderLock(folder) if folder is not None else contextlib.nullcontext():
            stopped_by = self._run()
        self._signals.pass_on()
        return self._result(stopped_by)

    def _run(self) -> str:
        self._started = self._saved_at = time.perf_counter()
        with preserve_rng_state():
            self._build()
        _key_random_layers(self._model, self._trainer.seed)
        preparation = self._engine.preparation
        self._provenance = {
            **record_provenance(
                self._trainer,
                self._model,
                self._data,
                self._validation,
                scale=preparation.scale,
                offset=preparation.offset,
            ),
            **self._initial_weights,
        }
        self._model.stop_training = False
        self._callbacks = self._callback_list()
        self._resident = self._engine.place(self._data.whole()) if self._data.resident else None
        self._progress.start(self._trainer.epochs, len(self._data))
        try:
            with self._signals:
                self._begin(self._find_checkpoint())
                stopped_by = self._all_epochs()
                self._callbacks.on_train_end(self._at.history[-1] if self._at.history else {})
        finally:
            note_callbacks(self._trainer.callbacks)
            self._progress.stop()
        return stopped_by

    def _build(self) -> None:
        """Create the variables of optimizer and metrics, which must exist before anything is compiled."""
        self._model.optimizer.build(self._model.trainable_variables)
        self._engine.test_eagerly(self._data.rows(np.arange(min(len(self._data), 2))))
        self._model.reset_metrics()

    def _callback_list(self) -> Any:
        import keras

        return keras.callbacks.CallbackList(
            list(self._trainer.callbacks),
            model=self._model,
            epochs=math.ceil(self._trainer.epochs),
            steps=-(-len(self._data) // self._trainer.batch_size),
            verbose=0,
            add_history=False,
            add_progbar=False,
        )

    def _all_epochs(self) -> str:
        """Train to the end; return the reason for it."""
        while self._at.epoch < self._trainer.epochs:
            if self._at.stop_training:
                return "callback"
            if not self._one_epoch():
                self._save()
                return "interrupt"
        # The last word of a callback may have been to stop, which changes nothing any more.
        return "epochs"

    def _one_epoch(self) -> bool:
        """Go on with the current epoch; return whether it was finished."""
        at, model = self._at, self._model
        began = time.perf_counter()
        if at.row == 0:
            model.reset_metrics()
            self._callbacks.on_epoch_begin(at.epoch)
        n_rows = count_rows(len(self._data), self._trainer.epochs, at.epoch)
        order = np.random.default_rng([self._trainer.seed, at.epoch]).permutation(len(self._data))[:n_rows]
        while at.row < len(order) and not model.stop_training:
            if self._signals.heard:
                return False
            self._one_call(order)
        logs = _plain(model.get_metrics_result()) | self._validate()
        self._callbacks.on_epoch_end(at.epoch, logs)
        at.history.append({**logs, **_plain({"learning_rate": model.optimizer.learning_rate})})
        at.seconds_per_epoch.append(time.perf_counter() - began)
        self._progress.finish_epoch(at.epoch, at.seconds_per_epoch[-1], at.row, logs)
        at.epoch, at.row, at.stop_training = at.epoch + 1, 0, bool(model.stop_training)
        self._save()
        return True

    def _one_call(self, order: npt.NDArray[np.int64]) -> None:
        """Run one compiled call, with the hooks around it."""
        at, batch_size = self._at, self._trainer.batch_size
        rows = order[at.row : at.row + self._steps_per_call() * batch_size]
        self._callbacks.on_train_batch_begin(at.row // batch_size)
        self._train(rows)
        at.row += len(rows)
        logs = _plain(self._model.get_metrics_result())
        self._callbacks.on_train_batch_end((at.row - 1) // batch_size, logs)
        self._progress.advance(at.epoch, at.row, logs)
        if at.row < len(order) and self._save_is_due():
            self._save()

    def _steps_per_call(self) -> int:
        """Choose how many steps the next compiled call takes; the result does not depend on it."""
        trainer = self._trainer
        if trainer.steps_per_call != "auto":
            steps = int(trainer.steps_per_call)
        elif trainer.checkpoint is not None and has_batch_hooks(trainer.callbacks):
            steps = 1  # a run that goes on must call them as often
        elif self._seconds_per_step is None:
            steps = _FIRST_STEPS
        else:
            steps = max(1, int(_SECONDS_PER_CALL / self._seconds_per_step))
        if trainer.checkpoint is not None and trainer.checkpoint_steps is not None:
            steps = min(steps, trainer.checkpoint_steps - self._at.step % trainer.checkpoint_steps)
        if self._resident is None:
            images = self._data.images
            bytes_per_step = int(np.prod(images.shape[1:])) * images.dtype.itemsize * trainer.batch_size
            steps = min(steps, max(1, _STREAMED_BYTES_PER_CALL // bytes_per_step))
        return steps

    def _train(self, rows: npt.NDArray[np.int64]) -> None:
        """Train on these rows in this order."""
        at, batch_size = self._at, self._trainer.batch_size
        steps = -(-len(rows) // batch_size)
        arrays, index = self._place(rows)
        before = self._values()
        began = time.perf_counter()
        finite = self._engine.train(arrays, index, at.step)
        if at.step:  # the first call also compiles
            self._seconds_per_step = (time.perf_counter() - began) / steps
        if finite < steps:
            # Go back and repeat the steps that were good: the same steps give the same bits.
            self._assign(before)
            self._engine.train(arrays, index[: finite * batch_size], at.step)
            self._fail(at.step + finite, rows[finite * batch_size : (finite + 1) * batch_size])
        at.step += steps
        at.images_seen += len(rows)

    def _place(self, rows: npt.NDArray[np.int64]) -> tuple[Any, npt.NDArray[np.int64]]:
        """Return arrays that hold these rows, and their indices in them."""
        return (self._resident, rows) if self._resident else (self._data.rows(rows), np.arange(len(rows)))

    def _fail(self, step: int, rows: npt.NDArray[np.int64]) -> None:
        rate = float(np.asarray(self._model.optimizer.learning_rate))
        raise TrainingError(
            f"the loss is not finite at step {step + 1} (epoch {self._at.epoch + 1}, learning rate {rate:g}); the "
            f"images of this step are {', '.join(map(str, rows[:8]))}{', ...' if len(rows) > 8 else ''}. "
            "The model keeps the weights from before this step. Lower the learning rate, or look at these images."
        )

    def _validate(self) -> dict[str, float]:
        if (validation := self._validation) is None:
            return {}
        self._model.reset_metrics()
        self._callbacks.on_test_begin()
        size = len(validation) if validation.resident else self._trainer.batch_size * 8
        for start in range(0, len(validation), size):
            self._engine.test(validation.rows(np.arange(start, min(start + size, len(validation)))))
        logs = _plain(self._model.get_metrics_result())
        self._callbacks.on_test_end(logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def _variables(self) -> list[Any]:
        """Return every variable that a step changes."""
        model = self._model
        every = (*model.variables, *model.optimizer.variables, *model.metrics_variables)
        known = {id(variable.value): variable for variable in every}
        # And what else the compiled step reads, such as a generator in an augmentation.
        return [*known.values(), *(further for further in self._engine.variables if id(further) not in known)]

    def _values(self) -> list[npt.NDArray[Any]]:
        return [np.array(variable.numpy()) for variable in self._variables()]

    def _assign(self, values: list[npt.NDArray[Any]]) -> None:
        for variable, value in zip(self._variables(), values, strict=True):
            variable.assign(value)

    def _save_is_due(self) -> bool:
        trainer, steps = self._trainer, self._trainer.checkpoint_steps
        overdue = time.perf_counter() - self._saved_at >= trainer.checkpoint_seconds
        return trainer.checkpoint is not None and (overdue or (steps is not None and self._at.step % steps == 0))

    def _save(self) -> None:
        """Write a checkpoint, if the trainer has a folder for it."""
        if self._trainer.checkpoint is None:
            return
        now = time.perf_counter()
        self._at.seconds, self._started, self._saved_at = self._at.seconds + now - self._started, now, now
        states, arrays = self._states.get()
        canary = self._probe()
        arrays.update({f"variable/{index}": value for index, value in enumerate(self._values())})
        state = {**attrs.asdict(self._at), "callbacks": states, "canary": canary}
        write_checkpoint(self._trainer.checkpoint, Checkpoint(arrays=arrays, state=state, provenance=self._provenance))

    def _probe(self) -> str:
        """Compute the canary of this place in the run, and go back."""
        rows = np.arange(min(len(self._data), self._trainer.batch_size))
        arrays, index = self._place(rows)
        return take_probe(self._variables(), lambda: self._engine.train(arrays, index, self._at.step))

    def _find_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint to go on from, if any, when all is proved that going on, or a checkpoint, needs."""
        trainer, callbacks = self._trainer, self._trainer.callbacks
        if (folder := trainer.checkpoint) is None:
            return None
        more_epochs = not isinstance(trainer.learning_rate, OneCycle)
        found = read_checkpoint(folder, self._provenance, more_epochs=more_epochs)
        check_writable(Path(folder) / FILE_NAME)
        CallbackStates(callbacks, self._variables())
        state = {"epoch": 0, "stop_training": False} if found is None else found.state
        if state["epoch"] < trainer.epochs and not state["stop_training"]:
            self._engine.compile(self._place(np.arange(min(len(self._data), trainer.batch_size)))[0])
            self._check_canary(found)
        return found

    def _check_canary(self, found: Checkpoint | None) -> None:
        """Refuse to go on where a step gives something else than it gave, or than it gives the second time."""
        start = self._values()
        with preserve_rng_state():
            if found is None:
                if self._probe() != self._probe():
                    raise SettingError(NOT_REPEATABLE)
                return
            self._assign_from(found)
            self._at.step = found.state["step"]
            differs = self._probe() != found.state["canary"]
        self._at.step = 0
        self._assign(start)
        if differs:
            raise CheckpointError(OTHER_ARITHMETIC.format(path=Path(self._trainer.checkpoint) / FILE_NAME))

    def _assign_from(self, found: Checkpoint) -> None:
        variables = self._variables()
        values = [found.arrays.get(f"variable/{index}") for index in range(len(variables))]
        shapes = [None if value is None else value.shape for value in values]
        if shapes != [tuple(variable.shape) for variable in variables]:
            raise CheckpointError(OTHER_ARITHMETIC.format(path=Path(self._trainer.checkpoint) / FILE_NAME))
        self._assign([value for value in values if value is not None])

    def _begin(self, found: Checkpoint | None) -> None:
        """Let the callbacks begin, and continue the run of a checkpoint, if there is one."""
        callbacks = self._trainer.callbacks
        with reopened_logs(callbacks, None if found is None else found.state["epoch"]):
            self._callbacks.on_train_begin()
            if self._trainer.checkpoint is not None:
                self._states = CallbackStates(callbacks, self._variables())
            if found is not None:
                self._resume(found)

    def _resume(self, found: Checkpoint) -> None:
        state = {name: value for name, value in found.state.items() if name != "canary"}
        self._states.set(state.pop("callbacks"), found.arrays)
        self._assign_from(found)
        self._at = _Position(**state)
        self._model.stop_training = self._at.stop_training
        self._progress.resume(self._at.epoch, self._at.row)

    def _result(self, stopped_by: str) -> TrainingResult:
        import pandas as pd

        at = self._at
        seconds = at.seconds + time.perf_counter() - self._started
        index = pd.RangeIndex(1, len(at.history) + 1, name="epoch")
        return TrainingResult(
            history=pd.DataFrame(at.history, index=index),
            epochs_run=len(at.history),
            steps=at.step,
            seconds=seconds,
            seconds_per_epoch=tuple(at.seconds_per_epoch),
            images_per_second=at.images_seen / seconds,
            stopped_by=stopped_by,
            peak_memory=get_peak_memory(),
            provenance=self._provenance,
        )


def count_rows(n: int, epochs: float, epoch: int) -> int:
    """Return the number of images, of `n`, in an epoch (from 0): all of them but in a last one that is a fraction."""
    return n if epoch + 1 <= epochs else max(1, round(n * (epochs - epoch)))


def count_steps(n: int, epochs: float, batch_size: int) -> int:
    """Return the number of steps of a run."""
    return sum(-(-count_rows(n, epochs, epoch) // batch_size) for epoch in range(math.ceil(epochs)))


def _key_random_layers(model: Any, seed: int) -> None:
    """Key every random layer by (seed, its index in the model); the layer itself counts the steps."""
    from keras.random import SeedGenerator

    values = itertools.chain.from_iterable(vars(layer).values() for layer in model._flatten_layers())
    generators = {id(value): value for value in values if isinstance(value, SeedGenerator)}
    for index, generator in enumerate(generators.values()):
        words = np.random.SeedSequence([seed, index]).generate_state(1, np.uint32)
        generator.state.assign(np.array([words[0], 0], np.uint32))


def _plain(logs: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(np.asarray(value)) for name, value in logs.items()}
