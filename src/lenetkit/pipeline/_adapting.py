"""Adaptation of a pipeline to the writing of one hand, scanner or form, from a few examples.

In: a fitted state, images and labels. Out: another fitted state, or the same one, and a report.
Next: :class:`lenetkit.pipeline.Pipeline` keeps it.

The last dense layers learn the new examples, and beside them mixtures of what the pipeline knows with the answers that
it gives now (Li and Hoiem, Learning without Forgetting, ECCV 2016). Cross-validation decides whether that helps.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.blas import one_blas_thread
from lenetkit._utils.validation import check_seed, check_whole
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import DataError
from lenetkit.pipeline._adaptation_report import AdaptationReport, Tally
from lenetkit.pipeline._fitted import FittedState, check_one_each, get_input
from lenetkit.pipeline._head import Head, Weights, learn, match_layer, predict, read_head, run_layers
from lenetkit.pipeline._known_examples import KnownExamples, collect_known, mix, store_examples
from lenetkit.runtime import Predictor

if TYPE_CHECKING:
    from lenetkit.bundle import Bundle, Rejection

__all__ = ["adapt"]

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

# These were chosen on drawn hands, with MNIST's training part for what is forgotten: other hands than those of
# benchmarks/adapt.py, and not its test parts. Twice the rate or the importance forgets more, half of it learns less.
_STEPS, _RATE = 40, 2e-4
_IMPORTANCE = 0.2  # of all new examples in the loss; the mixtures have the rest
_SMOOTHING = 0.1
_MIXTURES = 400
_FOLDS, _CHECKPOINTS = 5, 8
# With fewer, cross-validation has nothing to learn a class from.
_FEWEST, _FEWEST_OF_NEW_CLASS = 3, 3
# More errors on known images that count as chance, times the root of their number: one standard deviation of a count
# with an error rate of 1 %, two errors in 500.
_BY_CHANCE = 0.1
# How far the logit of a new class falls, before any step, from its own examples to what is known, and the part of the
# mean variance that is added to each: with a tenth of it a class of five examples takes others' images.
_GAP, _RIDGE = 10.0, 0.1
# The adapted gate may let through so many more of these non-digits, of a kind that is fast to draw.
_NONDIGITS, _MORE_PASSED = 200, 10


def adapt(
    fitted: FittedState, images: Any, labels: Any, *, keep: Any, epochs: int | None, seed: int
) -> tuple[FittedState, AdaptationReport]:
    """Return a state that has learnt the examples, or the same one, and the report.

    See :meth:`Pipeline.adapt <lenetkit.pipeline.Pipeline.adapt>`.
    """
    check_seed(seed)
    if epochs is not None:
        check_whole("epochs", epochs, 1)
    encoder, indices = _extend_encoder(fitted.encoder, labels)
    inputs = get_input(fitted.prepare(images))
    check_one_each(inputs, indices)
    _check_enough(encoder.classes_, indices, len(fitted.classes))
    bundle = fitted.to_bundle()
    scale, offset = fitted.transforms.get_affine(np.uint8)
    head = read_head(bundle.tflite, scale=scale, offset=offset, among=bundle.weights.values())
    rng = np.random.default_rng([seed, len(indices)])
    with one_blas_thread():
        known = collect_known(fitted, bundle, keep, rng)
        return _learn(fitted, bundle, head, encoder, (inputs, indices), known, epochs or _STEPS, rng)


def _learn(
    fitted: FittedState,
    bundle: "Bundle",
    head: Head,
    encoder: LabelEncoder,
    examples: tuple[npt.NDArray[Any], Indices],
    known: KnownExamples,
    steps: int,
    rng: np.random.Generator,
) -> tuple[FittedState, AdaptationReport]:
    """Learn the examples; return what :func:`adapt` does."""
    inputs, indices = examples
    lesson = _create_lesson(head, inputs, indices, known, rng, n_classes=len(encoder.classes_), steps=steps)
    weights, report = _choose(lesson, head, known, rng)
    report = attrs.evolve(report, new_classes=tuple(encoder.classes_[len(fitted.classes) :].tolist()))
    if weights is None:
        return fitted, report
    adapted = _assemble(bundle, head, weights, encoder, fitted.runtime)
    tensors = store_examples(bundle, inputs, indices, fitted.transforms.get_affine(np.uint8))
    rejection = adapted.rejection and _adapt_gate(fitted, adapted.rejection, inputs, known, rng)
    adapted = attrs.evolve(adapted, rejection=rejection, extra_tensors=tensors)
    return FittedState(fitted.transforms, encoder, adapted, fitted.runtime), report


def _extend_encoder(encoder: LabelEncoder, labels: Any) -> tuple[LabelEncoder, Indices]:
    """Return an encoder that knows all labels, new ones behind the others, and the index of each label.

    Integers become strings if a label is a string that is none of them.
    """
    given = LabelEncoder().fit(labels)
    classes, found = encoder.classes_, given.classes_
    if classes.dtype.kind == "i" and found.dtype.kind == "U":
        if np.isin(found, classes.astype(str)).all():
            found = found.astype(np.int64)
        else:
            classes = classes.astype(str)
    elif classes.dtype.kind == "U" and found.dtype.kind == "i":
        found = found.astype(str)
    if classes.dtype.kind != found.dtype.kind:
        encoder.indices(labels)  # raises
    new = found[~np.isin(found, classes)]
    extended = LabelEncoder.from_dict(
        {**encoder.to_dict(), "kind": _get_kind(classes), "classes": [*classes.tolist(), *new.tolist()]}
    )
    return extended, extended.indices(found)[given.indices(labels)]


def _get_kind(classes: npt.NDArray[Any]) -> str:
    return {"i": "int", "U": "str", "b": "bool"}[classes.dtype.kind]


def _check_enough(classes: npt.NDArray[Any], indices: Indices, n_known: int) -> None:
    if len(indices) < _FEWEST:
        raise DataError(
            f"adapting needs at least {_FEWEST} images, better 5 or more of every class that is misread; got "
            f"{len(indices)}."
        )
    for index, amount in enumerate(np.bincount(indices, minlength=len(classes))[n_known:].tolist(), n_known):
        if amount < _FEWEST_OF_NEW_CLASS:
            raise DataError(
                f"a new class needs at least {_FEWEST_OF_NEW_CLASS} images; got {amount} with the label "
                f"{classes[index].item()!r}. Give more, or correct the label if it is a slip."
            )


@attrs.frozen(kw_only=True, eq=False)
class _Lesson:
    """Features and classes of the new images, mixtures of what is known with the answers to them, and the weights."""

    weights: Weights
    activations: tuple[str, ...]
    features: Floats
    indices: Indices
    mixtures: Floats
    answers: Floats
    n_classes: int
    steps: int

    def study(self, rows: npt.NDArray[Any]) -> Iterator[Weights]:
        """Yield the weights after each step of learning from some of the new images."""
        features, indices = self.features[rows], self.indices[rows]
        weights = self.weights
        for index in range(self.answers.shape[1], self.n_classes):
            weights = _add_class(weights, self.activations, features[indices == index], self.mixtures)
        new = np.full((len(rows), self.n_classes), _SMOOTHING / self.n_classes, np.float32)
        new[np.arange(len(rows)), indices] += 1 - _SMOOTHING
        answers = np.pad(self.answers, ((0, 0), (0, self.n_classes - self.answers.shape[1])))
        shares = np.array([_IMPORTANCE / len(rows), (1 - _IMPORTANCE) / len(answers)], np.float32)
        return learn(
            weights,
            self.activations,
            np.concatenate([features, self.mixtures]),
            np.concatenate([new, answers]),
            np.repeat(shares, [len(rows), len(answers)]),
            steps=self.steps,
            rate=_RATE,
        )

    def checkpoints(self) -> list[int]:
        """Return the steps after which the weights are looked at."""
        return sorted({-(-self.steps * part // _CHECKPOINTS) for part in range(1, _CHECKPOINTS + 1)})


def _create_lesson(
    head: Head,
    inputs: npt.NDArray[Any],
    indices: Indices,
    known: KnownExamples,
    rng: np.random.Generator,
    *,
    n_classes: int,
    steps: int,
) -> _Lesson:
    sources = [head.features.predict_proba(source) for source in known.sources]
    mixtures = mix(sources, _MIXTURES, rng)
    if n_classes > head.weights[-1][1].size:  # to be told from what is known as it is, too, and not only from mixtures
        mixtures = np.concatenate([mixtures, mix(sources, _MIXTURES, rng, (1, 1))])
    return _Lesson(
        weights=head.weights,
        activations=head.activations,
        features=head.features.predict_proba(inputs),
        indices=indices,
        mixtures=mixtures,
        answers=predict(head.weights, head.activations, mixtures),
        n_classes=n_classes,
        steps=steps,
    )


def _add_class(weights: Weights, activations: tuple[str, ...], features: Floats, known: Floats) -> Weights:
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


class _Curve(NamedTuple):
    """Errors and losses on the new images, cross-validated, after each checkpoint."""

    errors: npt.NDArray[np.int64]
    losses: npt.NDArray[np.float64]


def _choose(
    lesson: _Lesson, head: Head, known: KnownExamples, rng: np.random.Generator
) -> tuple[Weights | None, AdaptationReport]:
    """Return the weights of the best step, None if none is better than no step, and the report."""
    n, indices = len(lesson.indices), lesson.indices
    measured = [(head.features.predict_proba(inputs), truth) for inputs, truth in known.measured]
    before = Tally(n, _count_errors(lesson, lesson.weights, [(lesson.features, indices)]))
    kept = Tally(sum(len(truth) for _, truth in measured), _count_errors(lesson, lesson.weights, measured))
    curve = _cross_validate(lesson, rng)
    steps = lesson.checkpoints()
    studied = [weights for step, weights in enumerate(lesson.study(np.arange(n)), 1) if step in steps]
    kept_errors = np.array([_count_errors(lesson, weights, measured) for weights in studied])
    helps, harmless = curve.errors < before.n_errors, kept_errors <= kept.n_errors + int(_BY_CHANCE * kept.n**0.5)
    allowed = helps & harmless
    # Of those that may not stay, the one to report is the one that would have been chosen otherwise.
    ranked = np.where(allowed if allowed.any() else helps if helps.any() else np.ones_like(helps), curve.losses, np.inf)
    best = int(ranked.argmin())
    after, kept_after = Tally(n, int(curve.errors[best])), Tally(kept.n, int(kept_errors[best]))
    if allowed[best]:
        reason = f"{before.n_errors - after.n_errors} of {before.n_errors} errors less on images not learnt from."
    elif not before.n_errors:
        reason = "there is nothing to learn: all new images are read right already."
    elif helps.any():
        reason = f"it would forget: {kept_after.n_errors} errors on images that it knows, before {kept.n_errors}."
    else:
        reason = f"it would not help: {after.n_errors} errors on images not learnt from, before {before.n_errors}."
    report = AdaptationReport(
        accepted=bool(allowed[best]),
        reason=reason,
        before=before,
        after=after,
        kept_before=kept if kept.n else None,
        kept_after=kept_after if kept.n else None,
        steps=steps[best] if allowed[best] else 0,
    )
    return studied[best] if allowed[best] else None, report


def _cross_validate(lesson: _Lesson, rng: np.random.Generator) -> _Curve:
    """Learn from all folds but one and measure on that one, for each."""
    n, steps = len(lesson.indices), lesson.checkpoints()
    order = rng.permutation(n)
    order = order[np.argsort(lesson.indices[order], kind="stable")]
    folds = np.empty(n, np.int64)
    folds[order] = np.arange(n) % min(_FOLDS, n)
    errors, losses = np.zeros(len(steps), np.int64), np.zeros(len(steps))
    for fold in range(min(_FOLDS, n)):
        rows = np.flatnonzero(folds == fold)
        truth = lesson.indices[rows]
        for step, weights in enumerate(lesson.study(np.flatnonzero(folds != fold)), 1):
            if step in steps:
                answers = predict(weights, lesson.activations, lesson.features[rows])
                errors[steps.index(step)] += np.count_nonzero(answers.argmax(axis=1) != truth)
                losses[steps.index(step)] -= np.log(answers[np.arange(len(rows)), truth] + 1e-12).sum()
    return _Curve(errors, losses)


def _count_errors(lesson: _Lesson, weights: Weights, parts: list[tuple[Floats, Indices]]) -> int:
    return sum(
        int(np.count_nonzero(predict(weights, lesson.activations, features).argmax(axis=1) != truth))
        for features, truth in parts
    )


def _assemble(bundle: "Bundle", head: Head, weights: Weights, encoder: LabelEncoder, runtime: str | None) -> "Bundle":
    """Return the bundle with other weights in the last layers, and what depends on them."""
    names, arrays, changed = list(bundle.weights), list(bundle.weights.values()), dict(bundle.weights)
    for (kernel, bias), (new_kernel, new_bias) in zip(head.weights, weights, strict=True):
        index, factor = match_layer(arrays, kernel, bias) or (-1, 1.0)
        changed |= {names[index]: (new_kernel / factor).astype(np.float32), names[index + 1]: new_bias}
    tflite = head.with_weights(weights)
    return attrs.evolve(
        bundle,
        n_classes=len(encoder.classes_),
        encoder=encoder.to_dict(),
        weights=changed,
        tflite=tflite,
        golden_probabilities=Predictor(tflite, runtime=runtime).predict_proba(bundle.golden_images),
    )


def _adapt_gate(
    fitted: FittedState,
    rejection: "Rejection",
    inputs: npt.NDArray[Any],
    known: KnownExamples,
    rng: np.random.Generator,
) -> "Rejection":
    """Return the novelty detector with the new images among what it lets through.

    Its threshold, the calibration and the bounds on the error stay: they hold for images like those of the calibration.
    """
    from lenetkit.synthesis import draw_nondigits

    scale, offset = fitted.transforms.get_affine(np.uint8)
    head = read_head(rejection.gate_tflite, scale=scale, offset=offset)
    scribbles = draw_nondigits(2 * _NONDIGITS, kinds="scribble", seed=int(rng.integers(2**31))).images
    others = head.features.predict_proba(get_input(fitted.prepare(scribbles)))
    sources = [head.features.predict_proba(source) for source in known.sources]
    mixtures = mix([*sources, others[:_NONDIGITS]], _MIXTURES, rng)
    lesson = _Lesson(
        weights=head.weights,
        activations=head.activations,
        features=head.features.predict_proba(inputs),
        indices=np.ones(len(inputs), np.int64),
        mixtures=mixtures,
        answers=predict(head.weights, head.activations, mixtures),
        n_classes=2,
        steps=_STEPS,
    )
    *_, weights = lesson.study(np.arange(len(inputs)))
    passed = [
        np.count_nonzero(predict(each, head.activations, others[_NONDIGITS:])[:, 1] >= rejection.gate_threshold)
        for each in (head.weights, weights)
    ]
    if passed[1] > passed[0] + _MORE_PASSED:
        return rejection
    return attrs.evolve(rejection, gate_tflite=head.with_weights(weights))
