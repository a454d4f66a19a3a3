"""One call, one state: an answer comes from one model and its own labels, whatever is learnt meanwhile."""

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from lenetkit import Pipeline, Trainer
from lenetkit.bundle import read_bundle
from lenetkit.diagnosis import diagnose, trace
from lenetkit.exceptions import SettingError, TrainingError
from lenetkit.pretrained import get_path
from lenetkit.reading import read_number
from lenetkit.synthesis import draw_digits

DIGITS = draw_digits(200, styles="school", seed=3)
SEVEN = 255 - np.pad(DIGITS.images[7], 8)
BUNDLE = read_bundle(get_path("digits"))
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# The same network with labels in another order: what a fit to other labels would leave.
OTHER = attrs.evolve(BUNDLE, encoder={**BUNDLE.encoder, "classes": WORDS[::-1], "kind": "str"}, rejection=None)


def relearn(pipeline: Pipeline, images: Any) -> Iterator[Any]:
    """Give images, and let the pipeline learn other labels before the last one is given: in the midst of a call."""
    *first, last = images
    yield from first
    pipeline._fitted = Pipeline.from_bundle(OTHER)._fitted
    yield last


CALLS: dict[str, Callable[[Pipeline, Any], Any]] = {
    "predict": lambda pipeline, images: pipeline.predict(images).tolist(),
    "predict or reject": lambda pipeline, images: pipeline.predict(images, reject=0.05),
    "predict_proba": lambda pipeline, images: pipeline.predict_proba(images).tobytes(),
    "predict_set": lambda pipeline, images: [found.tolist() for found in pipeline.predict_set(images)],
    "evaluate": lambda pipeline, images: str(pipeline.evaluate(images, [7])),
    "score": lambda pipeline, images: pipeline.score(images, [7]),
    "read_number": lambda pipeline, images: pipeline.read_number(images).to_dict(),
    "read_number, the function": lambda pipeline, images: read_number(images, pipeline).to_dict(),
    "trace": lambda pipeline, images: pipeline.trace(images).to_dict(),
    "trace, the function": lambda pipeline, images: trace(images, pipeline).to_dict(),
    "diagnose": lambda pipeline, images: str(pipeline.diagnose(images)),
    "diagnose, the function": lambda pipeline, images: str(diagnose(images, pipeline)),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_answers_with_the_state_that_it_began_with(call: str) -> None:
    """All of its answer: the labels, the probabilities, the novelty detector."""
    pipeline = Pipeline.from_bundle(BUNDLE)
    expected = CALLS[call](pipeline, iter([SEVEN]))
    assert CALLS[call](pipeline, relearn(pipeline, [SEVEN])) == expected
    assert pipeline.classes_.tolist() == WORDS[::-1]


def test_a_calibration_is_for_the_model_that_it_was_learnt_with() -> None:
    """What was learnt meanwhile is not replaced by the model of before."""
    pipeline = Pipeline.from_bundle(BUNDLE)
    gate = pipeline._check_fitted().rejecting[1]
    with pytest.raises(TrainingError, match="learnt something else while it was calibrated"):
        pipeline.calibrate(relearn(pipeline, DIGITS.images), DIGITS.labels, gate=gate, corruptions=())
    assert pipeline.classes_.tolist() == WORDS[::-1]
    pipeline.calibrate(DIGITS.images, np.array(WORDS)[DIGITS.labels], gate=gate, corruptions=())


def test_a_calibration_leaves_calls_that_have_begun_alone() -> None:
    """They go on with the thresholds of before."""
    pipeline = Pipeline.from_bundle(BUNDLE)
    before = pipeline._check_fitted()
    kept, threshold = before.rejection, before.rejecting[0].threshold(0.01)
    pipeline.calibrate(DIGITS.images, DIGITS.labels, gate=before.rejecting[1], corruptions=())
    assert pipeline._check_fitted().rejection is not kept
    assert before.rejection is kept
    assert before.rejecting[0].threshold(0.01) == threshold


def test_a_copy_keeps_the_state_of_its_moment() -> None:
    """It is made at once, and the original's next training does not reach it."""
    pipeline = Pipeline.from_bundle(BUNDLE)
    now = copy.copy(pipeline)
    pipeline._fitted = Pipeline.from_bundle(OTHER)._fitted
    assert now.predict(SEVEN)[0] == 7
    assert now.fingerprint_ != pipeline.fingerprint_


def test_a_model_has_one_name_wherever_it_is(tmp_path: Path) -> None:
    """In memory, in a file with notes, after loading and pickling; another one has another name."""
    pipeline = Pipeline.from_bundle(BUNDLE)
    loaded = Pipeline.load(pipeline.save(tmp_path / "copy.lenet", notes={"made for": "a test"}))
    pickled = pickle.loads(pickle.dumps(pipeline))
    names = [pipeline.fingerprint_, loaded.fingerprint_, pickled.fingerprint_, BUNDLE.fingerprint]
    assert len(set(names)) == 1
    assert len(names[0]) == 64
    changed = {
        "labels": OTHER,
        "no rejection": attrs.evolve(BUNDLE, rejection=None),
        "temperature": attrs.evolve(BUNDLE, rejection=attrs.evolve(BUNDLE.rejection, temperature=2.0)),
        "network": attrs.evolve(BUNDLE, tflite=BUNDLE.rejection.gate_tflite),
        "transforms": attrs.evolve(BUNDLE, transforms=BUNDLE.transforms[1:]),
    }
    assert len({names[0], *(bundle.fingerprint for bundle in changed.values())}) == 1 + len(changed)
    pipeline.calibrate(DIGITS.images, DIGITS.labels, gate=pipeline._check_fitted().rejecting[1], corruptions=())
    assert pipeline.fingerprint_ != names[0]


def quick(**options: Any) -> Pipeline:
    return Pipeline(trainer=Trainer(epochs=2, batch_size=32, verbose=0), **options)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_predictions_while_others_are_learnt_have_one_set_of_labels() -> None:
    """Threads predict, evaluate and reject while another one fits the pipeline to other labels again and again."""
    names = {"digits": DIGITS.labels, "words": np.array(WORDS)[DIGITS.labels], "backwards": 9 - DIGITS.labels}
    pipeline = quick(model="mlp").fit(DIGITS.images, names["digits"])
    known = {pipeline.fingerprint_: "digits"}
    stop = threading.Event()
    found: list[tuple[str, Any]] = []
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            while not stop.is_set():
                assert len({type(label) for label in pipeline.predict(DIGITS.images)}) == 1
                now = copy.copy(pipeline)
                found.append((now.fingerprint_, now.predict(DIGITS.images)))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for name in ("words", "backwards", "digits", "words"):
        pipeline.fit(DIGITS.images, names[name])
        known[pipeline.fingerprint_] = name
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert len({fingerprint for fingerprint, _ in found}) > 1
    for fingerprint, labels in found:
        assert np.mean(labels == names[known[fingerprint]]) > 0.5


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_model_of_ones_own_that_is_trained_on_in_place_keeps_its_earlier_answers() -> None:
    """A second pipeline, or a second fit, trains the same Keras model; the first state has its answers already."""
    from lenetkit.models import create_model

    first = quick(model=create_model("mlp", seed=0)).fit(DIGITS.images, DIGITS.labels)
    before = copy.copy(first)
    quick(model=first.model_).fit(DIGITS.images, 9 - DIGITS.labels)
    first.fit(DIGITS.images, np.array(WORDS)[9 - DIGITS.labels])
    assert np.mean(before.predict(DIGITS.images) == DIGITS.labels) > 0.5
    assert np.mean(first.predict(DIGITS.images) == np.array(WORDS)[9 - DIGITS.labels]) > 0.5


@pytest.mark.tensorflow
@pytest.mark.slow
def test_a_trained_model_keeps_its_name(tmp_path: Path) -> None:
    """From the end of its training to the file and back; one with a transform that has no name has none either."""
    pipeline = quick(model="mlp").fit(DIGITS.images, DIGITS.labels)
    assert Pipeline.load(pipeline.save(tmp_path / "own.lenet")).fingerprint_ == pipeline.fingerprint_
    nameless = quick(model="mlp", transforms=[lambda images: images]).fit(DIGITS.images, DIGITS.labels)
    with pytest.raises(SettingError, match="regist"):
        _ = nameless.fingerprint_
