"""Many training steps in one compiled call.

Keras' ``fit`` goes back to Python after every step. Here a ``tf.while_loop`` runs as many steps as asked: the images
stay in memory as they are (uint8), and are picked, scaled, augmented and encoded inside the graph. The step itself is
the model's own ``train_step``, so that any ``keras.Model`` trains as it does under ``fit``.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.eager import context

__all__ = ["Engine", "Preparation"]


@attrs.frozen(kw_only=True, eq=False)
class Preparation:
    """Preparation of a batch inside the graph, before the model; see :class:`lenetkit.trainer.Trainer`."""

    scale: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    n_classes: int | None  # the width of one-hot rows; None leaves targets as they are
    augmentation: Callable[[Any, Any], Any] | None = None
    label_smoothing: float = 0.0
    seed: int = 0

    def images(self, images: tf.Tensor, step: tf.Tensor | None = None) -> tf.Tensor:
        """Cast, augment (where a step is given) and scale."""
        x = tf.cast(images, tf.float32)
        if x.shape.rank == 3:
            x = x[..., None]
        scale = self.scale
        if self.augmentation is not None and step is not None:
            unit = np.float32(255 if images.dtype == tf.uint8 else 1)
            x = self.augmentation(x * (1 / unit), tf.stack([tf.constant(self.seed, tf.int32), step]))
            scale = scale * unit
        if np.any(scale != 1):
            x = x * scale
        if np.any(self.offset != 0):
            x = x + self.offset
        return x

    def targets(self, targets: tf.Tensor, step: tf.Tensor | None = None) -> tf.Tensor:
        """Encode class indices as one-hot rows, where the loss wants them, and smooth rows (where a step is given)."""
        rows = targets if self.n_classes is None else tf.one_hot(targets, self.n_classes)
        if step is None or not self.label_smoothing or rows.shape.rank != 2:
            return rows
        return rows * (1 - self.label_smoothing) + self.label_smoothing / rows.shape[1]


class Engine:
    """The compiled loops over a compiled Keras model; `weighted` says that the examples' weights count."""

    def __init__(self, model: Any, preparation: Preparation, *, batch_size: int, weighted: bool) -> None:
        self._model = model
        self.preparation = preparation
        self._batch_size = batch_size
        self._weighted = weighted
        # TensorFlow counts tracings by code, over all engines, and would warn of "retracing" at the fifth model of a
        # cross-validation, though each is traced once. A partial has no code, so it is counted by itself.
        self._train_loop = tf.function(functools.partial(self._train_steps), autograph=False)
        self._test_loop = tf.function(functools.partial(self._test_steps), autograph=False)
        self._traced: dict[str, Any] = {}
        self._variables: list[Any] = []

    @property
    def variables(self) -> list[Any]:
        """The variables that the step uses, such as those of an augmentation; known after :meth:`compile`."""
        return self._variables

    def place(self, arrays: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        """Copy arrays to where the graph reads them, once for many calls."""
        images, targets, weights = map(tf.convert_to_tensor, arrays)
        return images, targets, weights

    def train(self, arrays: tuple[Any, Any, Any], order: npt.NDArray[np.int64], first_step: int) -> int:
        """Run one step per batch of the rows in `order`, numbered from `first_step` since training began.

        Return the number of steps with a finite loss; a step without one is the last.
        """
        loop = self._trace_training(arrays)
        return int(loop(*self.place(arrays), tf.constant(order, tf.int64), tf.constant(first_step, tf.int32)))

    def compile(self, arrays: tuple[Any, Any, Any]) -> None:
        """Compile the step for such arrays without running it."""
        self._variables = list(self._trace_training(arrays).variables)

    def test(self, arrays: tuple[Any, Any, Any]) -> None:
        """Update the model's metrics over all rows, without learning."""
        loop = self._trace("test", self._test_loop, _signature(arrays))
        loop(*self.place(arrays))

    def test_eagerly(self, arrays: tuple[Any, Any, Any]) -> None:
        """Test one batch without compiling anything, which creates the metrics' variables."""
        rows = tf.range(len(arrays[1]))
        self._model.test_step(self._batch(*self.place(arrays), rows, None))

    def _trace_training(self, arrays: tuple[Any, Any, Any]) -> Any:
        counts = tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int32)
        with _gradients_as_they_are(self._model.optimizer):
            return self._trace("train", self._train_loop, (*_signature(arrays), *counts))

    def _trace(self, name: str, loop: Any, signature: tuple[Any, ...]) -> Any:
        """Return the compiled loop: traced once, since each tracing takes as long as hundreds of steps."""
        if name not in self._traced:
            self._traced[name] = loop.get_concrete_function(*signature)
        return self._traced[name]

    def release(self) -> None:
        """Let go of what was compiled, which TensorFlow would keep for the next call of the same function."""
        # Keras' clear_session calls it too. Without it half a megabyte stays for each model.
        context.context().clear_kernel_cache()

    def _batch(self, images: Any, targets: Any, weights: Any, rows: Any, step: Any) -> tuple[Any, ...]:
        x = self.preparation.images(tf.gather(images, rows), step)
        y = self.preparation.targets(tf.gather(targets, rows), step)
        return (x, y, tf.gather(weights, rows)) if self._weighted else (x, y)

    def _train_steps(self, images: Any, targets: Any, weights: Any, order: Any, first_step: Any) -> Any:
        n_rows = tf.shape(order)[0]

        def step(done: Any, finite: Any) -> tuple[Any, Any]:
            rows = order[done * self._batch_size : tf.minimum((done + 1) * self._batch_size, n_rows)]
            logs = self._model.train_step(self._batch(images, targets, weights, rows, first_step + done))
            # The running mean of the loss is not finite from the first step on whose loss is not.
            finite = tf.reduce_all(tf.math.is_finite(logs["loss"]))
            return done + tf.cast(finite, tf.int32), finite

        done, _ = tf.while_loop(
            lambda done, finite: finite & (done * self._batch_size < n_rows),
            step,
            (tf.constant(0), tf.constant(True)),
            parallel_iterations=1,
        )
        return done

    def _test_steps(self, images: Any, targets: Any, weights: Any) -> Any:
        n_rows = tf.shape(targets, out_type=tf.int64)[0]

        def step(start: Any) -> tuple[Any]:
            rows = tf.range(start, tf.minimum(start + self._batch_size, n_rows))
            self._model.test_step(self._batch(images, targets, weights, rows, None))
            return (start + self._batch_size,)

        return tf.while_loop(lambda start: start < n_rows, step, (tf.constant(0, tf.int64),), parallel_iterations=1)


def _signature(arrays: tuple[Any, Any, Any]) -> tuple[Any, ...]:
    """Return the signature of such images, targets and weights, however many."""
    return tuple(tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in arrays)


@contextlib.contextmanager
def _gradients_as_they_are(optimizer: Any) -> Iterator[None]:
    """Let an optimizer not sum gradients over replicas where there is one.

    Keras does so by an operation with a gradient function of its own. TensorFlow registers it for ever, and with it the
    whole graph that it was traced in: 5 to 10 MB for each model that is trained (benchmarks/memory_per_fit.py).
    """
    name = "_all_reduce_sum_gradients"
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # that of mixed precision
    alone = hasattr(optimizer, name) and not tf.distribute.has_strategy()
    if alone:
        setattr(optimizer, name, _unchanged)
    try:
        yield
    finally:
        if alone:
            delattr(optimizer, name)


def _unchanged(gradients_and_variables: Any) -> Any:
    return gradients_and_variables
