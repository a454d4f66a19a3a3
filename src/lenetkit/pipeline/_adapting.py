"""Adaptation of a pipeline to the writing of one hand, scanner or form, from a few examples.

In: a fitted state, images and labels. Out: another fitted state, or the same one, and a report.
Next: :class:`lenetkit.pipeline.Pipeline` keeps it.

The layers learn the new examples, and beside them mixtures of what the pipeline knows with the answers that it gives
now. Cross-validation decides whether that helps.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.blas import one_blas_thread
from lenetkit._utils.extras import require_library
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.validation import check_seed, check_whole, chosen_one
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import DataError, MissingExtraError
from lenetkit.pipeline._adaptation_report import AdaptationReport, Tally
from lenetkit.pipeline._fitted import FittedState, check_one_each, get_input
from lenetkit.pipeline._head import predict, read_head
from lenetkit.pipeline._known_examples import KnownExamples, collect_known, mix, store_examples
from lenetkit.pipeline._lesson import MIXTURES, STEPS, LastLayersLesson, Lesson, create_lesson
from lenetkit.runtime import Predictor

if TYPE_CHECKING:
    from lenetkit.bundle import Bundle, Rejection

__all__ = ["adapt"]

Indices = npt.NDArray[np.int64]
_W = TypeVar("_W")

_LAYERS, _LIBRARIES = ("all", "last"), ("tensorflow", "keras")
_FOLDS = 5
# With fewer, cross-validation has nothing to learn a class from.
_FEWEST, _FEWEST_OF_NEW_CLASS = 3, 3
# More errors on known images that count as chance, times the root of their number: one standard deviation of a count
# with an error rate of 1 %, two errors in 500.
_BY_CHANCE = 0.1
# The adapted gate may let through so many more of these non-digits, of a kind that is fast to draw.
_NONDIGITS, _MORE_PASSED = 200, 10


def adapt(
    fitted: FittedState,
    images: Any,
    labels: Any,
    *,
    keep: Any,
    layers: str | None,
    epochs: int | None,
    seed: int,
    show: bool,
) -> tuple[FittedState, AdaptationReport]:
    """Return a state that has learnt the examples, or the same one, and the report.

    See :meth:`Pipeline.adapt <lenetkit.pipeline.Pipeline.adapt>`; `show` allows a bar on a terminal.
    """
    check_seed(seed)
    if epochs is not None:
        check_whole("epochs", epochs, 1)
    if layers is not None:
        layers = chosen_one("layers", layers, _LAYERS)
    if layers == "all":
        require_library('adapting with layers="all"', *_LIBRARIES)
    encoder, indices = _extend_encoder(fitted.encoder, labels)
    inputs = get_input(fitted.prepare(images))
    check_one_each(inputs, indices)
    _check_enough(encoder.classes_, indices, len(fitted.classes))
    bundle = fitted.to_bundle()
    rng = np.random.default_rng([seed, len(indices)])
    with one_blas_thread():
        task = _Task(fitted, bundle, encoder, inputs, indices, collect_known(fitted, bundle, keep, rng), rng)
        return _learn(task, layers, epochs or STEPS, show=show)


class _Task(NamedTuple):
    """A pipeline, the examples that it is to learn, and what it knows."""

    fitted: FittedState
    bundle: "Bundle"
    encoder: LabelEncoder
    inputs: npt.NDArray[Any]
    indices: Indices
    known: KnownExamples
    rng: np.random.Generator


def _learn(task: _Task, layers: str | None, steps: int, *, show: bool) -> tuple[FittedState, AdaptationReport]:
    """Learn the examples; return what :func:`adapt` does."""
    fitted, bundle, encoder = task.fitted, task.bundle, task.encoder
    before, kept = (_count_errors(fitted, parts) for parts in ([(task.inputs, task.indices)], task.known.measured))
    if not before.n_errors:
        return fitted, AdaptationReport(
            accepted=False,
            reason="there is nothing to learn: all new images are read right already.",
            before=before,
            after=before,
            kept_before=kept if kept.n else None,
            kept_after=kept if kept.n else None,
            steps=0,
        )
    n_studies = min(_FOLDS, len(task.indices)) + 1
    with _show_steps(n_studies * steps, show=show and _tries_all(layers)) as advance:
        lesson = _create_lesson(task, layers, steps, advance)
        weights, report = _choose(lesson, before, kept, task.known, task.rng)
    report = attrs.evolve(report, new_classes=tuple(encoder.classes_[len(fitted.classes) :].tolist()))
    if weights is None:
        return fitted, report
    adapted = _assemble(bundle, lesson, weights, encoder, fitted.runtime)
    tensors = store_examples(bundle, task.inputs, task.indices, fitted.transforms.get_affine(np.uint8))
    rejection = adapted.rejection and _adapt_gate(fitted, adapted.rejection, task.inputs, task.known, task.rng)
    adapted = attrs.evolve(adapted, rejection=rejection, extra_tensors=tensors)
    return FittedState(fitted.transforms, encoder, adapted, fitted.runtime), report


def _count_errors(fitted: FittedState, parts: list[tuple[npt.NDArray[Any], Indices]]) -> Tally:
    answers = [(fitted.predictor.predict_proba(inputs).argmax(axis=1), truth) for inputs, truth in parts]
    return Tally(sum(len(truth) for _, truth in parts), sum(int((found != truth).sum()) for found, truth in answers))


def _tries_all(layers: str | None) -> bool:
    if layers is None:
        with contextlib.suppress(MissingExtraError):
            require_library("", *_LIBRARIES)
            return True
    return layers == "all"


def _create_lesson(task: _Task, layers: str | None, steps: int, advance: Callable[[], object]) -> Lesson[Any]:
    """Return a lesson for all layers; for the last ones if that is asked for, or the others cannot learn here."""
    n_classes, affine = len(task.encoder.classes_), task.fitted.transforms.get_affine(np.uint8)
    examples = task.inputs, task.indices, task.known.sources, task.rng
    if _tries_all(layers):
        from lenetkit.pipeline._all_layers import build_model, create_lesson_for_all

        try:
            model, output = build_model(task.bundle, affine, n_classes)
        except Exception:  # a broken installation of TensorFlow fails in many ways, and the last layers do without
            if layers == "all":
                raise
        else:
            return create_lesson_for_all(model, output, affine, *examples, steps=steps, advance=advance)
    scale, offset = affine
    head = read_head(task.bundle.tflite, scale=scale, offset=offset, among=task.bundle.weights.values())
    return create_lesson(head, *examples, n_classes=n_classes, steps=steps)


@contextlib.contextmanager
def _show_steps(total: int, *, show: bool) -> Iterator[Callable[[], object]]:
    """Show a bar on a terminal."""
    if not show or sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    import_quietly("rich.progress")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("learning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


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


class _Curve(NamedTuple):
    """Errors and losses on the new images, cross-validated, after each checkpoint."""

    errors: npt.NDArray[np.int64]
    losses: npt.NDArray[np.float64]


def _choose(
    lesson: Lesson[_W], before: Tally, kept: Tally, known: KnownExamples, rng: np.random.Generator
) -> tuple[_W | None, AdaptationReport]:
    """Return the weights of the best step, None if none is better than no step, and the report."""
    n = len(lesson.indices)
    measured = [(lesson.represent(inputs), truth) for inputs, truth in known.measured]
    curve = _cross_validate(lesson, rng)
    steps = lesson.checkpoints()
    studied = [weights for step, weights in enumerate(lesson.study(np.arange(n)), 1) if step in steps]
    kept_errors = np.array([lesson.count_errors(weights, measured) for weights in studied])
    helps, harmless = curve.errors < before.n_errors, kept_errors <= kept.n_errors + int(_BY_CHANCE * kept.n**0.5)
    allowed = helps & harmless
    # Of those that may not stay, the one to report is the one that would have been chosen otherwise.
    ranked = np.where(allowed if allowed.any() else helps if helps.any() else np.ones_like(helps), curve.losses, np.inf)
    best = int(ranked.argmin())
    after, kept_after = Tally(n, int(curve.errors[best])), Tally(kept.n, int(kept_errors[best]))
    if allowed[best]:
        reason = f"{before.n_errors - after.n_errors} of {before.n_errors} errors less on images not learnt from."
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
        layers=lesson.layers,
    )
    return studied[best] if allowed[best] else None, report


def _cross_validate(lesson: Lesson[Any], rng: np.random.Generator) -> _Curve:
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
                answers = lesson.predict(weights, lesson.inputs[rows])
                errors[steps.index(step)] += np.count_nonzero(answers.argmax(axis=1) != truth)
                losses[steps.index(step)] -= np.log(answers[np.arange(len(rows)), truth] + 1e-12).sum()
    return _Curve(errors, losses)


def _assemble(
    bundle: "Bundle", lesson: Lesson[_W], weights: _W, encoder: LabelEncoder, runtime: str | None
) -> "Bundle":
    """Return the bundle with the weights that were learnt, and what depends on them."""
    arrays, tflite = lesson.finish(bundle, weights)
    return attrs.evolve(
        bundle,
        n_classes=len(encoder.classes_),
        encoder=encoder.to_dict(),
        weights=arrays,
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
    mixtures = mix([*sources, others[:_NONDIGITS]], MIXTURES, rng)
    lesson = LastLayersLesson(
        head=head,
        inputs=head.features.predict_proba(inputs),
        indices=np.ones(len(inputs), np.int64),
        mixtures=mixtures,
        answers=predict(head.weights, head.activations, mixtures),
        n_classes=2,
        steps=STEPS,
    )
    *_, weights = lesson.study(np.arange(len(inputs)))
    passed = [
        np.count_nonzero(predict(each, head.activations, others[_NONDIGITS:])[:, 1] >= rejection.gate_threshold)
        for each in (head.weights, weights)
    ]
    if passed[1] > passed[0] + _MORE_PASSED:
        return rejection
    return attrs.evolve(rejection, gate_tflite=head.with_weights(weights))
