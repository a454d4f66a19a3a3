"""Tests for `lenetkit.trainer`."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lenetkit.datasets import Dataset
from lenetkit.exceptions import DataError, SettingError, TrainingError
from lenetkit.trainer import OneCycle, Trainer
from lenetkit.trainer._data import TrainingData

pytestmark = [pytest.mark.tensorflow, pytest.mark.versions]
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")


def little_model(n_classes: int = 3, *, dropout: float = 0.0, seed: int = 0) -> Any:
    """Return a model of a few hundred weights on 4x4 images."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((4, 4, 1)),
            layers.Flatten(name="flatten"),
            layers.Dense(
                16, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=seed), name="hidden"
            ),
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(
                n_classes,
                activation="softmax",
                kernel_initializer=keras.initializers.HeNormal(seed=seed),
                name="output",
            ),
        ],
        name="little",
    )


def examples(n: int = 90, n_classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images whose brightest quarter tells the class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    images = generator.integers(0, 120, (n, 4, 4), np.uint8)
    images[np.arange(n), labels] += 120
    return images, labels


def classic(**settings: Any) -> Trainer:
    """Return a trainer without schedule and augmentation, so that what it does can be computed by other means."""
    return Trainer.preset("classic", **settings)


def weights_of(model: Any) -> bytes:
    """Return all weights as bytes, for comparisons to the bit."""
    return b"".join(np.asarray(weight).tobytes() for weight in model.get_weights())


def fit(model: Any = None, data: Any = None, **settings: Any) -> Any:
    """Train a little model quietly."""
    model = little_model() if model is None else model
    images, targets = examples() if data is None else data
    return classic(**{"verbose": 0, "batch_size": 16, **settings}).fit(model, images, targets)


class Recorder(keras.callbacks.Callback):
    """Writes down which hooks were called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.calls.append(("train_begin", None))

    def on_train_end(self, logs: Any = None) -> None:
        self.calls.append(("train_end", None))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(("epoch_begin", epoch))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(("epoch_end", epoch))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("batch_end", batch))


def test_it_learns() -> None:
    """An easy task is solved."""
    result = fit(epochs=30, learning_rate=0.01)
    assert result.history["accuracy"].iloc[-1] > 0.95
    assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0] / 2


def test_the_result_tells_what_happened() -> None:
    """History, cost and surroundings are all there, and survive JSON."""
    result = fit(epochs=3)
    assert list(result.history.columns) == ["loss", "accuracy", "learning_rate"]
    assert list(result.history.index) == [1, 2, 3]
    assert (result.epochs_run, result.steps, result.stopped_by) == (3, 3 * 6, "epochs")
    assert result.seconds >= sum(result.seconds_per_epoch) > 0
    assert result.images_per_second > 0
    told = json.loads(result.to_json())
    assert [row["epoch"] for row in told["history"]] == [1, 2, 3]
    assert told["provenance"]["keras"] == keras.__version__
    assert told["provenance"]["setting seed"] == "0"
    assert "3 epochs in" in str(result)


def test_the_provenance_names_the_data_as_a_data_set_does() -> None:
    """One-hot rows too; weights and rows have hashes of their own, and every pixel counts."""
    images, labels = examples()
    same = [classic(epochs=0, verbose=0).fit(little_model(), images, t).provenance for t in (labels, np.eye(3)[labels])]
    assert same[0]["data"] == same[1]["data"] == Dataset(images=images, labels=labels).fingerprint
    assert same[0]["validation data"] == "none"
    weighted = classic(epochs=0, verbose=0, validation_split=0.2).fit(
        little_model(), images, np.full((90, 3), 1 / 3), sample_weight=np.ones(90)
    )
    assert {"data: rows", "data: weights", "validation data: rows"} <= set(weighted.provenance)
    assert weighted.provenance["data"] == Dataset(images=images[:72], labels=np.zeros(72, int)).fingerprint


def test_the_old_name_of_the_provenance_still_works() -> None:
    """With a warning that names the new one."""
    result = fit(epochs=0)
    with pytest.warns(DeprecationWarning, match=r"TrainingResult\.environment is deprecated.*use provenance"):
        assert result.environment is result.provenance


def test_the_figures_are_those_of_keras() -> None:
    """Loss and accuracy of an epoch without learning are what ``model.evaluate`` says."""
    images, labels = examples()
    model = little_model()
    result = classic(epochs=1, learning_rate=1e-30, verbose=0).fit(model, images, labels)
    loss, accuracy = model.evaluate(images[..., None] / np.float32(255), keras.utils.to_categorical(labels), verbose=0)
    assert result.history.loc[1, "loss"] == pytest.approx(loss, rel=1e-5)
    assert result.history.loc[1, "accuracy"] == pytest.approx(accuracy, rel=1e-6)


def test_one_epoch_takes_the_steps_that_keras_takes() -> None:
    """In the same order and from the same weights, ``model.fit`` ends with the same weights but for rounding."""
    images, labels = examples()
    ours, theirs = little_model(), little_model()
    classic(epochs=1, batch_size=16, seed=5, verbose=0).fit(ours, images, labels)
    order = np.random.default_rng([5, 0]).permutation(len(images))
    theirs.compile(optimizer=keras.optimizers.Adam(0.001), loss="categorical_crossentropy")
    pixels = images[order][..., None] * np.float32(1 / 255)
    theirs.fit(pixels, keras.utils.to_categorical(labels[order]), batch_size=16, epochs=1, shuffle=False, verbose=0)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6)


def test_one_hot_targets_and_class_indices_give_the_same_bits() -> None:
    """The encoder's rows and its indices mean the same."""
    images, labels = examples()
    first, second = little_model(), little_model()
    fit(first, (images, labels), epochs=2)
    fit(second, (images, np.eye(3, dtype=np.float32)[labels]), epochs=2)
    assert weights_of(first) == weights_of(second)


def test_sparse_losses_take_class_indices() -> None:
    """A loss with "sparse" in its name gets the indices themselves."""
    first, second = little_model(), little_model()
    fit(first, epochs=2)
    fit(second, epochs=2, loss="sparse_categorical_crossentropy")
    np.testing.assert_allclose(first.get_weights()[0], second.get_weights()[0], atol=1e-6)


def test_the_affine_map_in_the_graph_equals_applying_it_first() -> None:
    """To the bit, as the transforms promise."""
    images, labels = examples()
    scale, offset = np.float32(0.0123), np.float32(-0.4567)
    first, second = little_model(), little_model()
    classic(epochs=2, verbose=0).fit(first, images, labels, scale=scale, offset=offset)
    classic(epochs=2, verbose=0).fit(second, images.astype(np.float32) * scale + offset, labels)
    assert weights_of(first) == weights_of(second)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_whatever_the_process_draws() -> None:
    """Dropout included; global generators neither matter nor are touched."""
    first, second, third = (little_model(dropout=0.5) for _ in range(3))
    fit(first, epochs=2)

    class Reseed(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            keras.utils.set_random_seed(batch + 1)

    fit(second, epochs=2, callbacks=[Reseed()], steps_per_call=1)
    fit(third, epochs=2, seed=1)
    assert weights_of(first) == weights_of(second)
    assert weights_of(first) != weights_of(third)


def test_global_generators_are_left_alone() -> None:
    """Nobody's draws depend on whether something was trained in between."""
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    fit(epochs=1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_two_epochs_never_share_an_order() -> None:
    """The order is keyed by (seed, epoch), seen here in what each step was given."""
    seen: list[int] = []

    def spy(images: Any, seed: Any) -> Any:
        import tensorflow as tf

        tf.numpy_function(lambda x: seen.extend(np.rint(x[:, 0, 0, 0] * 255).astype(int).tolist()), [images], [])
        return images

    images = np.zeros((32, 4, 4), np.uint8)
    images[:, 0, 0] = np.arange(32)
    fit(data=(images, np.arange(32) % 3), epochs=3, augmentation=spy)
    orders = [tuple(seen[start : start + 32]) for start in (0, 32, 64)]
    assert all(sorted(order) == list(range(32)) for order in orders)
    assert len(set(orders)) == 3


def test_augmentation_is_keyed_by_seed_and_step() -> None:
    """Every step has a number of its own, which goes on over the epochs."""
    seeds: list[list[int]] = []

    def spy(images: Any, seed: Any) -> Any:
        import tensorflow as tf

        tf.numpy_function(lambda key: seeds.append(key.tolist()), [seed], [])
        return images

    fit(epochs=2, augmentation=spy, seed=9, batch_size=45)
    assert seeds == [[9, 0], [9, 1], [9, 2], [9, 3]]


def test_the_size_of_a_compiled_call_does_not_change_the_result() -> None:
    """One step per call or many: the same bits."""
    first, second = little_model(dropout=0.3), little_model(dropout=0.3)
    fit(first, epochs=2, steps_per_call=1)
    fit(second, epochs=2, steps_per_call=100)
    assert weights_of(first) == weights_of(second)


@pytest.mark.parametrize("streamed", [False, True])
def test_each_loop_is_traced_once(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steps a call takes, and however many images there are to validate on: tracing takes seconds."""
    if streamed:
        monkeypatch.setattr("lenetkit.trainer._run._STREAMED_BYTES_PER_CALL", 5 * 16 * 8)
        monkeypatch.setattr("lenetkit.trainer._data.RESIDENT_BYTES", 100)
    traced = []

    class Watched(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            traced.append("train")
            return super().train_step(data)

        def test_step(self, data: Any) -> Any:
            traced.append("test" if not tf.executing_eagerly() else "eager")
            return super().test_step(data)

    model = Watched([keras.Input((4, 4, 1)), *little_model().layers])
    trainer = classic(epochs=3, batch_size=8, verbose=0)
    result = trainer.fit(model, *examples(90), validation_data=examples(71))
    assert result.steps == 36
    assert sorted(traced) == ["eager", "test", "train"]


def test_a_batch_may_be_larger_than_the_data() -> None:
    """Then an epoch is one step."""
    assert fit(epochs=2, batch_size=1000).steps == 2


def test_two_images_are_enough() -> None:
    """Sensible if useless."""
    images, _ = examples(2)
    assert fit(data=(images, np.array([0, 2])), epochs=1).steps == 1


@pytest.mark.parametrize("n", [1, 90])
@pytest.mark.parametrize("form", ["indices", "rows"])
def test_one_class_alone_is_refused(n: int, form: str) -> None:
    """Its accuracy would be 100 %; rows that are no single class are none."""
    images, _ = examples(n)
    labels = np.full(n, 2)
    with pytest.raises(DataError, match=r"the labels must be of at least 2 classes; got one class, 2\."):
        fit(data=(images, labels if form == "indices" else np.eye(3)[labels]), epochs=1)
    assert fit(data=(images, np.full((n, 3), 1 / 3)), epochs=1).epochs_run == 1


def test_zero_epochs_leave_the_model_as_it_is() -> None:
    """The result is empty, not an error."""
    model = little_model()
    before = weights_of(model)
    result = fit(model, epochs=0)
    assert weights_of(model) == before
    assert (result.epochs_run, result.steps, len(result.history)) == (0, 0, 0)
    assert "0 epochs" in str(result)


def test_validation_data_are_measured_but_not_learnt() -> None:
    """The columns are Keras' names; the weights stay those of a run without."""
    images, labels = examples()
    plain, watched = little_model(), little_model()
    classic(epochs=2, verbose=0).fit(plain, images, labels)
    result = classic(epochs=2, verbose=0).fit(watched, images, labels, validation_data=(images[:10], labels[:10]))
    assert weights_of(plain) == weights_of(watched)
    loss, accuracy = watched.evaluate(
        images[:10, ..., None] / np.float32(255), keras.utils.to_categorical(labels[:10], 3), verbose=0
    )
    assert result.history.loc[2, "val_loss"] == pytest.approx(loss, rel=1e-5)
    assert result.history.loc[2, "val_accuracy"] == pytest.approx(accuracy, rel=1e-6)


def test_a_validation_split_is_counted_exactly() -> None:
    """0.29 of 100 are 29, although 0.29 * 100 is less in binary arithmetic."""
    examples = TrainingData(images=np.zeros((100, 8, 8), np.uint8), targets=np.zeros(100, np.int32), weights=None)
    assert [len(part) for part in examples.split(0.29)] == [71, 29]
    assert [len(part) for part in examples.split(0.578)] == [43, 57]


def test_a_validation_split_is_cut_off_the_end() -> None:
    """As Keras does; those images are not learnt."""
    images, labels = examples()
    cut, split = little_model(), little_model()
    classic(epochs=2, verbose=0).fit(cut, images[:72], labels[:72], validation_data=(images[72:], labels[72:]))
    classic(epochs=2, verbose=0, validation_split=0.2).fit(split, images, labels)
    assert weights_of(cut) == weights_of(split)


def test_an_image_of_weight_zero_is_not_learnt() -> None:
    """Sample weights reach the loss."""
    images, labels = examples()
    wrong = labels.copy()
    wrong[::2] = (wrong[::2] + 1) % 3
    model = little_model()
    weights = np.ones(90)
    weights[::2] = 0
    classic(epochs=40, learning_rate=0.01, verbose=0).fit(model, images, wrong, sample_weight=weights)
    said = model.predict(images[..., None] / np.float32(255), verbose=0).argmax(axis=1)
    assert (said == labels).mean() > 0.9


def test_a_class_of_weight_zero_is_not_learnt() -> None:
    """Class weights are sample weights by class."""
    images, labels = examples()
    by_class, by_sample = little_model(), little_model()
    trainer = classic(epochs=2, verbose=0)
    trainer.fit(by_class, images, labels, class_weight={0: 0.0, 1: 1.0, 2: 2.0})
    trainer.fit(by_sample, images, labels, sample_weight=np.array([0.0, 1.0, 2.0])[labels])
    assert weights_of(by_class) == weights_of(by_sample)


def test_hooks_come_in_order() -> None:
    """Epoch hooks exactly; batch hooks at every batch where asked for."""
    recorder = Recorder()
    fit(epochs=2, callbacks=[recorder], batch_size=45, steps_per_call=1)
    epoch = lambda e: [("epoch_begin", e), ("batch_end", 0), ("batch_end", 1), ("epoch_end", e)]  # noqa: E731
    assert recorder.calls == [("train_begin", None), *epoch(0), *epoch(1), ("train_end", None)]


def test_batch_hooks_come_once_per_compiled_call() -> None:
    """With the number of the last batch."""
    recorder = Recorder()
    fit(epochs=1, callbacks=[recorder], batch_size=10, steps_per_call=4)
    assert [number for name, number in recorder.calls if name == "batch_end"] == [3, 7, 8]


def test_a_callback_can_stop_the_training() -> None:
    """EarlyStopping stops it and gives the best weights back."""
    images, labels = examples()
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    model = little_model()
    trainer = classic(epochs=200, learning_rate=0.3, callbacks=[stopping], verbose=0)
    result = trainer.fit(model, images, labels, validation_data=(images[:20], (labels[:20] + 1) % 3))
    assert result.stopped_by == "callback"
    assert result.epochs_run < 200
    loss, _ = model.evaluate(
        images[:20, ..., None] / np.float32(255), keras.utils.to_categorical((labels[:20] + 1) % 3, 3), verbose=0
    )
    assert loss == pytest.approx(result.history["val_loss"].min(), rel=1e-5)


def test_ctrl_c_keeps_what_was_learnt() -> None:
    """The run ends in order, says so, and the old signal handler is back."""

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    model = little_model()
    start = weights_of(model)
    result = fit(model, epochs=50, callbacks=[Interrupt()])
    assert (result.stopped_by, result.epochs_run) == ("interrupt", 2)
    assert weights_of(model) != start
    assert signal.getsignal(signal.SIGINT) is before


def test_it_trains_in_a_thread() -> None:
    """Where no signal handler can be set."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(fit(epochs=1)))
    thread.start()
    thread.join()
    assert results[0].epochs_run == 1


def test_an_optimizer_instance_is_only_read() -> None:
    """Two runs with one optimizer object do not share its state."""
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    trainer = classic(epochs=2, optimizer=optimizer, learning_rate=None, verbose=0)
    first, second = little_model(), little_model()
    trainer.fit(first, *examples())
    trainer.fit(second, *examples())
    assert weights_of(first) == weights_of(second)
    assert not optimizer.built


def test_a_run_that_becomes_infinite_fails_with_the_last_good_weights() -> None:
    """It names step, rate and images, and the weights are those of the steps before."""
    images, labels = examples()
    weights = np.ones(90, np.float32)
    order = np.random.default_rng([0, 0]).permutation(90)
    weights[order[32:48]] = 3e38  # finite, but the sum of sixteen is not
    broken, good = little_model(), little_model()
    with pytest.raises(TrainingError, match=r"step 3 \(epoch 1, learning rate 0\.001\).*images of this step are"):
        classic(batch_size=16, verbose=0).fit(broken, images, (labels + 1) % 3, sample_weight=weights)

    class StopAfterTwoSteps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_training = batch == 1

    stopping = classic(batch_size=16, verbose=0, callbacks=[StopAfterTwoSteps()], steps_per_call=1)
    stopping.fit(good, images, (labels + 1) % 3, sample_weight=weights)
    assert weights_of(broken) == weights_of(good)


BAD_EXAMPLES = {
    "NaN in one image": (np.r_[[np.full((4, 4), np.nan)], np.zeros((2, 4, 4))], [0, 1, 2], "image 0 holds NaN"),
    "infinity in one image": (
        np.r_[np.zeros((2, 4, 4)), [np.full((4, 4), np.inf)]],
        [0, 1, 2],
        "image 2 holds NaN or inf",
    ),
    "no images": (np.zeros((0, 4, 4), np.uint8), [], "there are no images"),
    "another size": (
        np.zeros((2, 5, 5), np.uint8),
        [0, 1],
        r"takes images of shape \(4, 4, 1\); got images of shape \(5, 5, 1\)",
    ),
    "a single image": (np.zeros((4, 4), np.uint8), [0], r"got \(4, 4\)"),
    "integers": (np.zeros((2, 4, 4), np.int64), [0, 1], "must be uint8 .* got int64"),
    "objects": (np.array([[["x"] * 4] * 4], object), [0], "got object"),
    "complex numbers": (np.zeros((1, 4, 4), complex), [0], "got complex128"),
    "a label too high": (np.zeros((2, 4, 4), np.uint8), [0, 3], "target 1 is 3; the model tells 3 classes apart"),
    "a label below zero": (np.zeros((2, 4, 4), np.uint8), [-1, 0], "target 0 is -1"),
    "fractional labels": (np.zeros((2, 4, 4), np.uint8), [0.5, 1.0], "must be integer class indices; got float64"),
    "too few labels": (np.zeros((2, 4, 4), np.uint8), [0], r"shape \(2,\)"),
    "other classes": (
        np.zeros((2, 4, 4), np.uint8),
        np.eye(5)[:2],
        "targets have 5 columns, but the model's output has 3",
    ),
    "NaN in targets": (np.zeros((1, 4, 4), np.uint8), [[np.nan, 0, 1]], "target 0 holds NaN"),
}


@pytest.mark.parametrize("case", BAD_EXAMPLES)
def test_what_would_spoil_a_run_is_refused_before_the_first_step(case: str) -> None:
    """And the message names the offender."""
    images, targets, message = BAD_EXAMPLES[case]
    model = little_model()
    before = weights_of(model)
    with pytest.raises(DataError, match=message):
        classic(verbose=0).fit(model, images, targets)
    assert weights_of(model) == before


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"sample_weight": np.ones(3)}, "sample_weight must be 90 numbers"),
        ({"sample_weight": np.full(90, -1.0)}, "sample_weight 0 is -1.0"),
        ({"sample_weight": np.full(90, np.nan)}, "sample_weight 0 is nan"),
        ({"class_weight": {0: 1.0, 2: 1.0}}, "no weight for the class 1; name every class: 0, 1, 2"),
        ({"class_weight": {0: 1.0, 1: -1.0, 2: 1.0}}, r"class_weight\[1\] is -1.0"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(weights: dict[str, Any], message: str) -> None:
    """Whether by image or by class."""
    with pytest.raises(ValueError, match=message):
        classic(verbose=0).fit(little_model(), *examples(), **weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": -1}, "epochs must be a number from 0"),
        ({"epochs": True}, "epochs must be a number"),
        ({"epochs": "many"}, "epochs must be a number from 0"),
        ({"batch_size": 0}, "batch_size must be an integer from 1"),
        ({"learning_rate": 0}, "learning_rate must be a positive number"),
        ({"learning_rate": float("nan")}, "learning_rate must be a positive number"),
        ({"validation_split": 1.0}, "validation_split must be a fraction"),
        ({"seed": -1}, "seed must be an integer"),
        ({"verbose": 3}, "verbose must be 'auto', 0"),
        ({"steps_per_call": 0}, "steps_per_call must be an integer from 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], message: str) -> None:
    """When the trainer is made, not when the data have been loaded."""
    with pytest.raises(SettingError, match=message):
        Trainer(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamant"}, "one that Keras knows; got 'adamant'"),
        ({"optimizer": 3}, "a name or a keras optimizer; got 3"),
        ({"callbacks": ["stop"]}, "callbacks must be keras.callbacks.Callback objects; got 'stop'"),
        ({"validation_split": 0.001}, "leaves one of the two parts empty"),
    ],
)
def test_settings_that_only_keras_can_judge_are_refused_by_fit(settings: dict[str, Any], message: str) -> None:
    """With our message, not a stack trace from inside."""
    with pytest.raises(SettingError, match=message):
        fit(**settings)


@pytest.mark.parametrize(
    "callback", [keras.callbacks.ReduceLROnPlateau(), keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)]
)
def test_two_masters_of_the_learning_rate_are_refused(callback: Any) -> None:
    """A schedule and a callback that sets the rate cannot be combined."""
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 100)
    with pytest.raises(SettingError, match="sets the learning rate, and so does the schedule"):
        fit(learning_rate=schedule, callbacks=[callback])


def test_a_model_with_the_wrong_kind_of_output_is_refused() -> None:
    """It must give one row of probabilities per image."""
    model = keras.Sequential([keras.layers.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(DataError, match=r"shape \(n, n_classes\); its output has shape \(None, 2, 2, 2\)"):
        classic(verbose=0).fit(model, *examples())


def test_a_line_per_epoch_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Logs get lines, not a moving bar."""
    fit(epochs=2, verbose="auto")
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2  loss ")
    assert "images/s" in lines[1]


def test_verbose_zero_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Not a character."""
    fit(epochs=1, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_large_data_are_read_piece_by_piece(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory map that does not fit gives the same bits as the array it holds."""
    images, labels = examples()
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    whole, pieces = little_model(), little_model()
    fit(whole, (images, labels), epochs=2)
    monkeypatch.setattr("lenetkit.trainer._data.RESIDENT_BYTES", 100)
    result = fit(pieces, (mapped, labels), epochs=2, validation_split=0.0)
    assert result.steps == 12
    assert weights_of(whole) == weights_of(pieces)


def test_presets_are_settings_with_a_name() -> None:
    """Changes win over the preset."""
    assert Trainer.preset() == Trainer.preset("default") == Trainer()
    assert Trainer.preset("classic").learning_rate == 0.001
    assert Trainer.preset("classic").augmentation is None
    assert Trainer.preset("fast", seed=3).seed == 3
    assert Trainer.preset("accurate", epochs=30).epochs == 30
    assert Trainer.preset("accurate", epochs=30).augmentation != Trainer.preset("accurate").augmentation


def test_an_unknown_preset_lists_the_known_ones() -> None:
    """And the nearest spelling."""
    with pytest.raises(SettingError, match=r"Did you mean 'classic'\? Presets: default, classic, fast, accurate"):
        Trainer.preset("clasic")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "classic", "fast", "accurate"])
def test_every_preset_learns_and_repeats(name: str) -> None:
    """An easy task in a few epochs; twice the same bits."""
    first, second = little_model(), little_model()
    for model in (first, second):
        result = fit(model, examples(200), epochs=8, **preset_settings(name))
    assert weights_of(first) == weights_of(second)
    assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0]


def preset_settings(name: str) -> dict[str, Any]:
    """Return a preset's settings but for epochs and batch size."""
    import attrs

    settings = attrs.asdict(Trainer.preset(name), recurse=False)
    return {key: settings[key] for key in ("optimizer", "optimizer_options", "learning_rate", "augmentation")}


def test_a_part_of_an_epoch_takes_a_part_of_the_images() -> None:
    """Two and a half epochs of six steps are fifteen."""
    result = fit(epochs=2.5, batch_size=15)
    assert (result.steps, result.epochs_run) == (15, 3)
    assert fit(epochs=0.5, batch_size=15).steps == 3


def test_the_one_cycle_rate_is_seen_in_the_history() -> None:
    """The last step has nearly none, and the schedule knows the whole run."""
    result = fit(epochs=4, learning_rate=OneCycle(0.01))
    cycle = OneCycle(0.01)
    steps = [6, 12, 18, 24]
    expected = [cycle.rate(step, 24) for step in steps]
    np.testing.assert_allclose(result.history["learning_rate"], expected, rtol=1e-5, atol=1e-9)


def test_one_cycle_rises_and_falls() -> None:
    """From a tenth to the peak in a fifth of the run, then down to nothing."""
    for shape in ("cosine", "linear"):
        rates = [OneCycle(0.5, shape=shape).rate(step, 100) for step in range(101)]
        assert rates[0] == pytest.approx(0.05)
        assert max(rates) == rates[20] == pytest.approx(0.5)
        assert rates[:21] == sorted(rates[:21])
        assert rates[20:] == sorted(rates[20:], reverse=True)
        assert rates[100] == pytest.approx(0, abs=1e-8)
        assert rates[60] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peak": 0}, "peak must be a positive number"),
        ({"peak": 1, "warmup": 1.0}, "warmup must be a fraction"),
        ({"peak": 1, "start": -1}, "start must be a fraction"),
        ({"peak": 1, "shape": "square"}, "shape must be 'cosine' or 'linear'; got 'square'"),
    ],
)
def test_a_cycle_that_cannot_be_meant_is_refused(settings: dict[str, Any], message: str) -> None:
    """When it is made."""
    with pytest.raises(SettingError, match=message):
        OneCycle(**settings)


def test_muon_makes_every_step_of_a_matrix_orthogonal() -> None:
    """The inner matrices move along directions whose singular values are near one; the output layer by Adam."""
    from lenetkit.trainer._keras import Muon

    generator = np.random.default_rng(0)
    inner = keras.Variable(generator.normal(size=(5, 5, 2, 16)).astype(np.float32))
    output = keras.Variable(generator.normal(size=(16, 3)).astype(np.float32))
    vector = keras.Variable(np.zeros(16, np.float32))
    before = inner.numpy(), output.numpy(), vector.numpy()
    optimizer = Muon(learning_rate=0.1, adam_ratio=0.5)
    optimizer.build([inner, vector, output])
    gradients = [generator.normal(size=variable.shape).astype(np.float32) for variable in (inner, vector, output)]
    optimizer.apply(gradients, [inner, vector, output])
    step = (before[0] - inner.numpy()).reshape(50, 16) / (0.1 * np.sqrt(50 / 16))
    singular = np.linalg.svd(step, compute_uv=False)
    assert singular.min() > 0.6
    assert singular.max() < 1.3
    for variable, was, gradient in ((output, before[1], gradients[2]), (vector, before[2], gradients[1])):
        np.testing.assert_allclose(was - variable.numpy(), 0.05 * np.sign(gradient), rtol=1e-3)


def test_weight_decay_is_for_matrices_alone() -> None:
    """With no gradient, only they shrink."""
    from lenetkit.trainer._keras import Muon

    variables = [keras.Variable(np.ones(shape, np.float32)) for shape in ((4, 4), (4,), (4, 2))]
    optimizer = Muon(learning_rate=0.1, weight_decay=0.5)
    optimizer.build(variables)
    optimizer.apply([np.zeros(v.shape, np.float32) for v in variables], variables)
    np.testing.assert_allclose(variables[0].numpy(), 0.95, rtol=1e-6)
    assert (variables[1].numpy() == 1).all()
    assert (variables[2].numpy() == 1).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adam", "optimizer_options": {"beta_9": 1}}, "'adam' does not take .*beta_9"),
        ({"optimizer": keras.optimizers.SGD(), "optimizer_options": {"momentum": 1}}, "for optimizers given by name"),
    ],
)
def test_optimizer_options_that_cannot_be_meant_are_refused(settings: dict[str, Any], message: str) -> None:
    """Naming the option."""
    with pytest.raises(SettingError, match=message):
        fit(**settings)


def scalars(folder: Path, tag: str) -> dict[int, float]:
    """Return what TensorBoard itself reads from its event files, by step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder)).Reload()
    return {event.step: float(make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}


def test_keras_own_callbacks_work(tmp_path: Any) -> None:
    """Each of them does for real what it is for."""
    callbacks = keras.callbacks
    images, labels = examples()
    model = little_model()
    kept = [
        callbacks.CSVLogger(str(tmp_path / "log.csv")),
        callbacks.ModelCheckpoint(
            str(tmp_path / "best.weights.h5"), monitor="val_loss", save_best_only=True, save_weights_only=True
        ),
        callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.1, patience=1, min_delta=10.0, cooldown=0),
        callbacks.TensorBoard(str(tmp_path / "board"), update_freq="epoch"),
        callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=epoch)),
    ]
    result = classic(epochs=4, callbacks=kept, verbose=0).fit(model, images, labels, (images[:30], labels[:30]))
    logged = pd.read_csv(tmp_path / "log.csv", index_col="epoch")
    assert logged.index.tolist() == [0, 1, 2, 3]
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert logged[name].tolist() == pytest.approx(result.history[name].tolist())
    assert result.history["learning_rate"].tolist() == pytest.approx([1e-3, 1e-4, 1e-5, 1e-6])
    for part, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "accuracy"):
            written = scalars(tmp_path / "board" / part, f"epoch_{name}")
            assert written == pytest.approx(dict(enumerate(result.history[f"{prefix}{name}"])))
    rates = scalars(tmp_path / "board" / "train", "epoch_learning_rate")
    assert list(rates.values()) == pytest.approx([1e-3, 1e-4, 1e-5, 1e-6], rel=1e-5)
    best = little_model()
    best.load_weights(tmp_path / "best.weights.h5")
    best.compile(loss="categorical_crossentropy")
    loss = best.evaluate(
        images[:30, ..., None] / np.float32(255), keras.utils.to_categorical(labels[:30], 3), verbose=0
    )
    assert loss == pytest.approx(result.history["val_loss"].min(), rel=1e-5)


def test_a_schedule_by_epoch_sets_the_rate() -> None:
    """LearningRateScheduler, with a constant rate to start from."""
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    result = fit(epochs=3, callbacks=[scheduler])
    assert result.history["learning_rate"].tolist() == pytest.approx([0.1, 0.05, 0.1 / 3])


MEMORY_SCRIPT = """
import pathlib, sys
import numpy as np
import pandas as pd
import keras
import lenetkit.trainer._data
from lenetkit.trainer import Trainer

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

path, n = sys.argv[1], int(sys.argv[2])
images = np.memmap(path, np.uint8, "r", shape=(n, 64, 64))
layers = keras.layers
small_images = layers.AveragePooling2D(8)
model = keras.Sequential([layers.Input((64, 64, 1)), small_images, layers.Flatten(), layers.Dense(3, "softmax")])
lenetkit.trainer._data.RESIDENT_BYTES = int(sys.argv[3])
trainer = Trainer.preset("classic", epochs=1, batch_size=256, verbose=0)
small = np.zeros((640, 64, 64), np.uint8)
trainer.fit(model, small, np.arange(640) % 3)
before = peak()
trainer.fit(model, images, np.arange(n) % 3)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured through /proc")
def test_memory_does_not_grow_with_the_data(tmp_path: Any) -> None:
    """A memory map of four times the allowance is trained on within the allowance, seen in a process of its own."""
    allowance = 80 * 2**20
    n = 4 * allowance // (64 * 64)
    path = tmp_path / "images.raw"
    with path.open("wb") as file:
        file.truncate(n * 64 * 64)
    answer = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, str(path), str(n), str(allowance)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(answer.stdout) * 1024 < allowance


def test_a_learning_rate_is_found_and_the_model_left_as_it_was() -> None:
    """Where the loss falls fastest: neither where nothing happens nor where it explodes."""
    model = little_model()
    before = weights_of(model)
    search = classic(verbose=0, batch_size=30).find_learning_rate(model, *examples(), highest=10.0, steps=120)
    assert weights_of(model) == before
    assert list(search.table.columns) == ["learning_rate", "loss", "smoothed_loss"]
    assert search.table["learning_rate"].is_monotonic_increasing
    assert 1e-4 < search.suggestion < 1
    at_suggestion, wild = (
        classic(epochs=10, learning_rate=rate, verbose=0).fit(little_model(), *examples()).history["loss"].iloc[-1]
        for rate in (search.suggestion, 10.0)
    )
    assert at_suggestion < wild
    assert len(search.plot().ax_.lines) >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lowest": 0.1, "highest": 0.01}, "positive and rising"),
        ({"lowest": 0}, "positive and rising"),
        ({"steps": 5}, "steps must be an integer of at least 20"),
    ],
)
def test_a_search_that_cannot_be_meant_is_refused(options: dict[str, Any], message: str) -> None:
    """Before anything is trained."""
    with pytest.raises(SettingError, match=message):
        classic(verbose=0).find_learning_rate(little_model(), *examples(), **options)


def test_label_smoothing_is_keras_label_smoothing() -> None:
    """While training; validation is measured against the plain targets."""
    images, labels = examples()
    rows = np.eye(3, dtype=np.float32)[labels]
    ours, theirs = little_model(), little_model()
    classic(epochs=2, label_smoothing=0.2, verbose=0).fit(ours, images, labels)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.2)
    classic(epochs=2, loss=loss, verbose=0).fit(theirs, images, rows)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6)
    plain, smoothed = (
        classic(epochs=1, learning_rate=1e-30, label_smoothing=share, verbose=0)
        .fit(little_model(), images, labels, (images, labels))
        .history
        for share in (0.0, 0.2)
    )
    assert smoothed["val_loss"].iloc[0] == pytest.approx(plain["val_loss"].iloc[0])
    assert smoothed["loss"].iloc[0] != pytest.approx(plain["loss"].iloc[0], rel=1e-3)


@pytest.mark.slow
def test_many_trainings_in_one_process_bring_no_warning_of_retracing(caplog: pytest.LogCaptureFixture) -> None:
    """Each model is traced once, as a cross-validation must; a function of the user's that is retraced is warned of."""
    import tensorflow as tf

    logger = tf.get_logger()
    logger.addHandler(caplog.handler)
    try:
        for seed in range(7):
            fit(little_model(seed=seed), epochs=1, validation_split=0.2)
        assert "retracing" not in caplog.text
        retraced = tf.function(lambda value: value + 1)
        for value in range(7):
            retraced(value)
        assert "retracing" in caplog.text
    finally:
        logger.removeHandler(caplog.handler)
