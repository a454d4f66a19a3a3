"""A lesson for every layer, with TensorFlow.

In: a bundle, new images, and images of what is known. Out: weights of the whole model, after every step.
Next: :mod:`lenetkit.pipeline._adapting` decides which of them stay.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.keras_settings import standard_keras
from lenetkit.pipeline._adam import Floats, Values, descend
from lenetkit.pipeline._head import Head, match_layer, read_head
from lenetkit.pipeline._known_examples import as_floats, mix
from lenetkit.pipeline._lesson import MIXTURES, Lesson, add_class
from lenetkit.pipeline._trained import rebuild_model

if TYPE_CHECKING:
    import keras

    from lenetkit.bundle import Bundle

__all__ = ["AllLayersLesson", "Network", "build_model", "create_lesson_for_all"]

Indices = npt.NDArray[np.int64]

# Chosen on the same hands as those of the last layers. Half as much again leaves a third less of a hand's errors, and
# costs up to 8 of MNIST's 10,000 test images (benchmarks/adapt.py), where 5 are the bound.
_RATE, _IMPORTANCE = 4e-4, 0.2
# New images and mixtures in one step. Twice as many take a third longer and change the errors by a tenth.
_NEW_AT_ONCE, _KNOWN_AT_ONCE = 100, 100
_MOST_AT_ONCE = 512  # images that are answered in one call
# The logit of a class that is not learnt yet: its probability is 0.
_NEVER = np.float32(-1e9)


class Network:
    """A Keras model whose gradient and answers are computed for weights that come as arrays, in the model's order."""

    def __init__(self, model: "keras.Model") -> None:
        import keras
        import tensorflow as tf

        self.model = model
        learning = {id(variable) for variable in model.trainable_variables}
        self._learns = [id(variable) in learning for variable in model.weights]
        images = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        rows = tf.TensorSpec((None, *model.output_shape[1:]), tf.float32)
        variables = [each.value for each, learns in zip(model.weights, self._learns, strict=True) if learns]

        def compute_gradients(images: Any, targets: Any, importance: Any) -> Any:
            with tf.GradientTape() as tape:
                losses = keras.losses.categorical_crossentropy(targets, model(images, training=False))
                loss = tf.reduce_sum(importance * losses)
            return tape.gradient(loss, variables, unconnected_gradients="zero")

        def answer(images: Any) -> Any:
            return model(images, training=False)

        signature = [images, rows, tf.TensorSpec((None,), tf.float32)]
        with standard_keras():
            self._gradients = tf.function(compute_gradients, input_signature=signature, autograph=False)
            self._answers = tf.function(answer, input_signature=[images], autograph=False)
            for function in (self._gradients, self._answers):
                function.get_concrete_function()  # traced here, with these settings

    def set_values(self, values: Values) -> None:
        """Put other weights into the model."""
        for variable, array in zip(self.model.weights, values, strict=True):
            variable.assign(array)

    def compute_gradients(
        self, values: Values, images: Floats, targets: Floats, importance: Floats
    ) -> list[Floats | None]:
        """Return the gradient of the weighted cross-entropy by each of the values, None by those that are not trained.

        Each row of targets sums to 1; so does the importance of the rows.
        """
        self.set_values(values)
        gradients = iter(self._gradients(images, targets, importance))
        return [np.asarray(next(gradients)) if learns else None for learns in self._learns]

    def predict(self, values: Values, images: Floats) -> Floats:
        """Return the probabilities (n, n_classes)."""
        self.set_values(values)
        starts = range(0, len(images), _MOST_AT_ONCE)
        return np.concatenate([np.asarray(self._answers(images[start : start + _MOST_AT_ONCE])) for start in starts])


@attrs.frozen(kw_only=True)
class _Output:
    """The position of the last kernel among the weights, its factor in the head, and the head."""

    position: int
    factor: float
    head: Head


@attrs.frozen(kw_only=True, eq=False)
class AllLayersLesson(Lesson[Values]):
    """A lesson for the whole model; its inputs are images as the model takes them."""

    layers = "all"
    network: Network
    before: Values
    output: _Output | None
    affine: Any
    seed: int
    advance: Callable[[], object]

    @property
    def weights(self) -> Values:
        """The weights of all layers; a new class has a probability of 0 by them."""
        return self.before

    def represent(self, images: npt.NDArray[Any]) -> Floats:
        """Return the images in the model's range."""
        return as_floats(images, self.affine)

    def predict(self, weights: Values, inputs: Floats) -> Floats:
        """Return the probabilities for images."""
        return self.network.predict(weights, inputs)

    def study(self, rows: Indices) -> Iterator[Values]:
        """Yield the weights after each step; every step takes some of the images, and some of the mixtures, in turn."""
        new, known = self.get_targets(rows)
        order = np.random.default_rng(self.seed).permutation(len(rows))
        n_parts = -(-len(rows) // _NEW_AT_ONCE)

        def compute(values: Values, step: int) -> list[Floats | None]:
            own = order[step % n_parts :: n_parts]
            beside = np.arange(step * _KNOWN_AT_ONCE, (step + 1) * _KNOWN_AT_ONCE) % len(known)
            shares = np.array([_IMPORTANCE / len(own), (1 - _IMPORTANCE) / len(beside)], np.float32)
            self.advance()
            return self.network.compute_gradients(
                values,
                np.concatenate([self.inputs[rows[own]], self.mixtures[beside]]),
                np.concatenate([new[own], known[beside]]),
                np.repeat(shares, [len(own), len(beside)]),
            )

        return descend(self._add_classes(rows), compute, steps=self.steps, rate=_RATE)

    def finish(self, bundle: "Bundle", weights: Values) -> tuple[dict[str, Floats], bytes]:
        """Convert the model with these weights."""
        from lenetkit.exporting import convert_to_litert

        self.network.set_values(weights)
        tflite = convert_to_litert(self.network.model, check_images=bundle.golden_images)
        return dict(zip(bundle.weights, weights, strict=True)), tflite

    def _add_classes(self, rows: Indices) -> Values:
        """Return the weights to start from: with columns for new classes, as a lesson for the last layers has them."""
        if self.output is None:
            return self.before
        head, at = self.output.head, self.output.position
        n_known = head.weights[-1][1].size
        own, known = (head.features.predict_proba(each) for each in (self.inputs[rows], self.mixtures))
        weights = head.weights
        for index in range(n_known, self.n_classes):
            weights = add_class(weights, head.activations, own[self.indices[rows] == index], known)
        kernel, bias = weights[-1]
        values = [*self.before]
        values[at] = np.concatenate([values[at][:, :n_known], kernel[:, n_known:] / self.output.factor], axis=1)
        values[at + 1] = bias
        return values


def build_model(bundle: "Bundle", affine: Any, n_classes: int) -> tuple["keras.Model", _Output | None]:
    """Return the Keras model, with room for new classes, none of which it answers with, and where they are.

    Raises
    ------
    BundleError, PluginError, BackendError, MissingExtraError
        If it cannot be built.
    SettingError
        If there are new classes, and the model does not end in a dense layer and a softmax.
    """
    if n_classes == bundle.n_classes:
        return rebuild_model(bundle), None
    output = _find_output(bundle, affine)
    return rebuild_model(_widen(bundle, output, n_classes)), output


def create_lesson_for_all(
    model: "keras.Model",
    output: _Output | None,
    affine: Any,
    inputs: npt.NDArray[Any],
    indices: Indices,
    sources: list[npt.NDArray[Any]],
    rng: np.random.Generator,
    *,
    steps: int,
    advance: Callable[[], object],
) -> AllLayersLesson:
    """Return a lesson for all layers of what :func:`build_model` gives; `sources` are images to make mixtures of."""
    network = Network(model)
    before = [np.array(each.numpy()) for each in model.weights]
    flat = [as_floats(source, affine).reshape(len(source), -1) for source in sources]
    mixtures = mix(flat, MIXTURES, rng)
    if output is not None:  # to be told from what is known as it is, too, and not only from mixtures
        mixtures = rng.permutation(np.concatenate([mixtures, mix(flat, MIXTURES, rng, (1, 1))]))
    mixtures = mixtures.reshape(-1, *model.input_shape[1:])
    return AllLayersLesson(
        network=network,
        before=before,
        output=output,
        affine=affine,
        seed=int(rng.integers(2**31)),
        advance=advance,
        inputs=as_floats(inputs, affine),
        indices=indices,
        mixtures=mixtures,
        answers=network.predict(before, mixtures),
        n_classes=int(model.output_shape[1]),
        steps=steps,
    )


def _find_output(bundle: "Bundle", affine: Any) -> _Output:
    arrays = list(bundle.weights.values())
    scale, offset = affine
    head = read_head(bundle.tflite, scale=scale, offset=offset, among=arrays)
    position, factor = match_layer(arrays, *head.weights[-1]) or (-1, 1.0)
    return _Output(position=position, factor=factor, head=head)


def _widen(bundle: "Bundle", output: _Output, n_classes: int) -> "Bundle":
    names, more = list(bundle.weights)[output.position :][:2], n_classes - bundle.n_classes
    wider = {
        names[0]: np.pad(bundle.weights[names[0]], ((0, 0), (0, more))),
        names[1]: np.append(bundle.weights[names[1]], np.full(more, _NEVER)),
    }
    return attrs.evolve(
        bundle,
        n_classes=n_classes,
        weights={**bundle.weights, **wider},
        golden_probabilities=np.pad(bundle.golden_probabilities, ((0, 0), (0, more))),
    )
