"""A lesson: new images, what is to be learnt beside them, and the layers that learn.

In: a few labelled images, and mixtures of what is known with the answers to them. Out: weights, after every step.
Next: :mod:`lenetkit.pipeline._adapting` decides which of them stay.

Li and Hoiem, Learning without Forgetting (ECCV 2016).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.pipeline._adam import Floats
from lenetkit.pipeline._head import Head, Weights, learn, match_layer, predict, run_layers
from lenetkit.pipeline._known_examples import mix

if TYPE_CHECKING:
    from lenetkit.bundle import Bundle

__all__ = ["MIXTURES", "STEPS", "LastLayersLesson", "Lesson", "add_class", "create_lesson"]

Indices = npt.NDArray[np.int64]
_W = TypeVar("_W")

# These were chosen on drawn hands, with MNIST's training part for what is forgotten: other hands than those of
# benchmarks/adapt.py, and not its test parts. Twice the rate or the importance forgets more, half of it learns less.
STEPS, _RATE = 40, 2e-4
_IMPORTANCE = 0.2  # of all new examples in the loss; the mixtures have the rest
MIXTURES = 400
_SMOOTHING = 0.1
_CHECKPOINTS = 8
# How far the logit of a new class falls, before any step, from its own examples to what is known, and the part of the
# mean variance that is added to each: with a tenth of it a class of five examples takes others' images.
_GAP, _RIDGE = 10.0, 0.1


@attrs.frozen(kw_only=True, eq=False)
class Lesson(ABC, Generic[_W]):
    """New images, mixtures of what is known with the answers to them, and the layers that learn.

    Parameters
    ----------
    inputs : ndarray of shape (n, ...)
        float32, the new images as :meth:`represent` gives them.
    indices : ndarray of shape (n,)
        Their classes.
    mixtures : ndarray of shape (m, ...)
    answers : ndarray of shape (m, n_known_classes)
        The probabilities that the pipeline gives now.
    n_classes : int
        With new classes, which are the last ones.
    steps : int
    """

    layers: ClassVar[str]
    inputs: Floats
    indices: Indices
    mixtures: Floats
    answers: Floats
    n_classes: int
    steps: int

    @property
    @abstractmethod
    def weights(self) -> _W:
        """The weights as they are before."""

    @abstractmethod
    def represent(self, images: npt.NDArray[Any]) -> Floats:
        """Return images, as the whole model takes them, as the layers that learn do."""

    @abstractmethod
    def predict(self, weights: _W, inputs: Floats) -> Floats:
        """Return the probabilities that these weights give."""

    @abstractmethod
    def study(self, rows: Indices) -> Iterator[_W]:
        """Yield the weights after each step of learning from some of the new images."""

    @abstractmethod
    def finish(self, bundle: "Bundle", weights: _W) -> tuple[dict[str, Floats], bytes]:
        """Return all weights of the model by their names in a bundle, and the LiteRT model."""

    def checkpoints(self) -> list[int]:
        """Return the steps after which the weights are looked at."""
        return sorted({-(-self.steps * part // _CHECKPOINTS) for part in range(1, _CHECKPOINTS + 1)})

    def count_errors(self, weights: _W, parts: list[tuple[Floats, Indices]]) -> int:
        """Return the number of wrong answers to all inputs."""
        return sum(
            int(np.count_nonzero(self.predict(weights, inputs).argmax(axis=1) != truth)) for inputs, truth in parts
        )

    def get_targets(self, rows: Indices) -> tuple[Floats, Floats]:
        """Return what some of the new images and what all mixtures are to be answered with."""
        new = np.full((len(rows), self.n_classes), _SMOOTHING / self.n_classes, np.float32)
        new[np.arange(len(rows)), self.indices[rows]] += 1 - _SMOOTHING
        return new, np.pad(self.answers, ((0, 0), (0, self.n_classes - self.answers.shape[1])))


@attrs.frozen(kw_only=True, eq=False)
class LastLayersLesson(Lesson[Weights]):
    """A lesson for the dense layers at the end; its inputs are the features that the layers before them give."""

    layers = "last"
    head: Head

    @property
    def weights(self) -> Weights:
        """The weights of the head."""
        return self.head.weights

    def represent(self, images: npt.NDArray[Any]) -> Floats:
        """Return the features."""
        return self.head.features.predict_proba(images)

    def predict(self, weights: Weights, inputs: Floats) -> Floats:
        """Return the probabilities for features."""
        return predict(weights, self.head.activations, inputs)

    def study(self, rows: Indices) -> Iterator[Weights]:
        """Yield the weights after each step; every step takes all images and all mixtures."""
        inputs, indices, weights = self.inputs[rows], self.indices[rows], self.weights
        for index in range(self.answers.shape[1], self.n_classes):
            weights = add_class(weights, self.head.activations, inputs[indices == index], self.mixtures)
        shares = np.array([_IMPORTANCE / len(rows), (1 - _IMPORTANCE) / len(self.answers)], np.float32)
        return learn(
            weights,
            self.head.activations,
            np.concatenate([inputs, self.mixtures]),
            np.concatenate(self.get_targets(rows)),
            np.repeat(shares, [len(rows), len(self.answers)]),
            steps=self.steps,
            rate=_RATE,
        )

    def finish(self, bundle: "Bundle", weights: Weights) -> tuple[dict[str, Floats], bytes]:
        """Put the last layers back."""
        names, arrays, changed = list(bundle.weights), list(bundle.weights.values()), dict(bundle.weights)
        for (kernel, bias), (new_kernel, new_bias) in zip(self.weights, weights, strict=True):
            index, factor = match_layer(arrays, kernel, bias) or (-1, 1.0)
            changed |= {names[index]: (new_kernel / factor).astype(np.float32), names[index + 1]: new_bias}
        return changed, self.head.with_weights(weights)


def create_lesson(
    head: Head,
    inputs: npt.NDArray[Any],
    indices: Indices,
    sources: list[npt.NDArray[Any]],
    rng: np.random.Generator,
    *,
    n_classes: int,
    steps: int = STEPS,
) -> LastLayersLesson:
    """Return a lesson for the last layers; `sources` are the images of which mixtures are made."""
    features = [head.features.predict_proba(source) for source in sources]
    mixtures = mix(features, MIXTURES, rng)
    if n_classes > head.weights[-1][1].size:  # to be told from what is known as it is, too, and not only from mixtures
        mixtures = np.concatenate([mixtures, mix(features, MIXTURES, rng, (1, 1))])
    return LastLayersLesson(
        head=head,
        inputs=head.features.predict_proba(inputs),
        indices=indices,
        mixtures=mixtures,
        answers=predict(head.weights, head.activations, mixtures),
        n_classes=n_classes,
        steps=steps,
    )


def add_class(weights: Weights, activations: tuple[str, ...], features: Floats, known: Floats) -> Weights:
    """Return the weights with one more class, which Fisher's linear discriminant tells from what is known."""
    *lower, (kernel, bias) = weights
    own, others = (run_layers(lower, activations[:-1], each)[-1].astype(np.float64) for each in (features, known))
    middles = own.mean(axis=0), others.mean(axis=0)
    spread = np.cov(others, rowvar=False)
    spread += np.eye(len(spread)) * (_RIDGE * np.trace(spread) / len(spread) + 1e-12)
    direction = np.linalg.solve(spread, middles[0] - middles[1])
    direction *= _GAP / max(float(direction @ (middles[0] - middles[1])), 1e-12)
    height = float(np.mean([(each @ kernel + bias).max(axis=1).mean() for each in (own, others)]))
    level = height - float(direction @ (middles[0] + middles[1])) / 2
    column = direction.astype(np.float32)[:, np.newaxis]
    return [*lower, (np.concatenate([kernel, column], axis=1), np.append(bias, np.float32(level)))]
