"""Adaptation: a few examples of one hand are learnt, nothing is forgotten, and what would not help is refused."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from scipy import ndimage

from lenetkit import Pipeline
from lenetkit.bundle import read_bundle, verify_bundle
from lenetkit.datasets import Dataset
from lenetkit.exceptions import BundleError, DataError, MissingExtraError, SettingError, TrainingError
from lenetkit.pipeline import AdaptationReport, Tally
from lenetkit.pretrained import get_path
from lenetkit.synthesis import draw_digits, draw_nondigits

FORMS = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
OTHER_FORMS = ["0-narrow", "1-swung", "2-zed", "3-flat", "4-chair", "5-check", "6-open", "7-plus", "8-ribbon", "9-ell"]
MINE, REST = slice(50), slice(50, None)


def draw_hand(forms: list[str] = FORMS, seed: int = 1) -> Dataset:
    """Draw 250 digits of one hand, 5 of each digit among the first 50."""
    return draw_digits(250, allographs=forms, pen_width=(2.4, 2.8), variation=0.6, seed=seed)


def minus_signs(n: int) -> np.ndarray:
    """Return short horizontal strokes."""
    images = np.zeros((n, 28, 28), np.uint8)
    for index, image in enumerate(images):
        image[13 + index % 3 : 15 + index % 3, 5 + index % 4 : 22] = 200
    return images


HAND = draw_hand()


@pytest.fixture(scope="module")
def adapted() -> tuple[Pipeline, AdaptationReport]:
    pipe = Pipeline.pretrained()
    return pipe, pipe.adapt(HAND.images[MINE], HAND.labels[MINE], layers="last")


def test_fifty_images_of_a_hand_teach_it(adapted: tuple[Pipeline, AdaptationReport]) -> None:
    """At most half of the errors are left on images that were not learnt."""
    pipe, report = adapted
    before = 1 - Pipeline.pretrained().score(HAND.images[REST], HAND.labels[REST])
    assert before >= 0.05
    assert 1 - pipe.score(HAND.images[REST], HAND.labels[REST]) <= before / 2
    assert report.accepted
    assert report.after.n_errors < report.before.n_errors
    assert 0 < report.steps <= 40
    assert report.layers == "last"
    assert "layers: last" in str(report).splitlines()
    assert report.before.n == report.after.n == 50


def test_other_digits_are_read_as_before(adapted: tuple[Pipeline, AdaptationReport]) -> None:
    """Drawn digits of every style, none of which was part of the replay."""
    pipe, report = adapted
    others = draw_digits(2000, styles=["american", "continental", "school"], seed=99)
    assert pipe.score(others.images, others.labels) >= Pipeline.pretrained().score(others.images, others.labels) - 0.002
    assert report.kept_before is not None
    assert report.kept_after is not None
    assert report.kept_after.n_errors <= report.kept_before.n_errors


def test_the_gate_lets_the_new_hand_through() -> None:
    """Digits that lean by 30 degrees are no non-digits any more, and non-digits still are."""
    leaning = np.stack([ndimage.rotate(image, -30, reshape=False, order=1) for image in HAND.images])
    pipe = Pipeline.pretrained()
    before = np.mean([answer.rejected for answer in pipe.predict(leaning[REST], reject=1)])
    assert pipe.adapt(leaning[MINE], HAND.labels[MINE], layers="last").accepted
    lost = np.mean([answer.rejected for answer in pipe.predict(leaning[REST], reject=1)])
    assert lost <= min(before / 2, 0.02)
    assert before > 0.02
    others = draw_nondigits(350, seed=5).images
    assert np.mean([answer.rejected for answer in pipe.predict(others, reject=1)]) > 0.9


def test_a_saved_adaptation_learns_on(adapted: tuple[Pipeline, AdaptationReport], tmp_path: Path) -> None:
    """Saved, loaded, adapted and saved again: another hand is learnt, and the first one is not forgotten."""
    first = Pipeline.load(adapted[0].save(tmp_path / "first.lenet"))
    assert first.fingerprint_ == adapted[0].fingerprint_
    other = draw_hand(OTHER_FORMS, seed=2)
    report = first.adapt(other.images[MINE], other.labels[MINE], layers="last")
    assert report.accepted
    assert report.kept_before is not None
    assert report.kept_before.n == 550
    second = Pipeline.load(first.save(tmp_path / "second.lenet"))
    assert verify_bundle(read_bundle(tmp_path / "second.lenet")) <= 1e-5
    assert second.score(other.images[REST], other.labels[REST]) > adapted[0].score(
        other.images[REST], other.labels[REST]
    )
    known = second.score(HAND.images[REST], HAND.labels[REST])
    assert known >= adapted[0].score(HAND.images[REST], HAND.labels[REST]) - 0.01


def test_the_same_examples_give_the_same_bytes(adapted: tuple[Pipeline, AdaptationReport], tmp_path: Path) -> None:
    """Another seed gives others."""
    again, other = Pipeline.pretrained(), Pipeline.pretrained()
    assert again.adapt(HAND.images[MINE], HAND.labels[MINE], layers="last") == adapted[1]
    other.adapt(HAND.images[MINE], HAND.labels[MINE], seed=1, layers="last")
    files = [pipe.save(tmp_path / name) for pipe, name in ((adapted[0], "a"), (again, "b"), (other, "c"))]
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()


@pytest.mark.parametrize("kind", ["nothing to learn", "wrong labels", "other names"])
def test_an_adaptation_that_does_not_help_is_refused(kind: str) -> None:
    """The pipeline stays as it was, to the bit, and the report says why."""
    pipe = Pipeline.pretrained()
    before = pipe.fingerprint_
    plain = draw_digits(50, styles="school", seed=3)
    labels = plain.labels
    if kind == "wrong labels":
        labels = np.random.default_rng(0).permutation(labels)
    if kind == "other names":  # every 3 is called 8: to learn that is to forget what a 3 is
        labels = np.where(labels == 3, 8, labels)
    report = pipe.adapt(plain.images, labels, layers="last")
    assert not report.accepted
    assert report.steps == 0
    assert pipe.fingerprint_ == before
    expected = {"nothing to learn": "nothing to learn", "wrong labels": "not help", "other names": "forget|not help"}
    assert any(words in report.reason for words in expected[kind].split("|"))
    assert "stays as it was" in str(report)


def test_a_new_class_is_added_behind_the_others(tmp_path: Path) -> None:
    """A string among integers makes strings of all; every stage knows the class, also after loading."""
    pipe = Pipeline.pretrained()
    signs = minus_signs(12)
    report = pipe.adapt(signs[:8], ["-"] * 8, layers="last")
    assert report.accepted
    assert report.new_classes == ("-",)
    loaded = Pipeline.load(pipe.save(tmp_path / "signs.lenet"))
    assert loaded.classes_.tolist() == [*"0123456789", "-"]
    assert loaded.predict(signs[8:]).tolist() == ["-"] * 4
    assert not any(answer.rejected for answer in loaded.predict(signs[8:], reject=1))
    plain = draw_digits(500, seed=3)
    assert loaded.score(plain.images, plain.labels.astype(str)) > 0.98
    report = loaded.adapt(HAND.images[MINE], HAND.labels[MINE], layers="last")  # integers are understood all the same
    assert report.accepted
    assert loaded.predict(signs[8:]).tolist() == ["-"] * 4


def test_digits_as_strings_are_the_digits() -> None:
    """Labels of a folder's names: the classes stay integers."""
    pipe = Pipeline.pretrained()
    assert pipe.adapt(HAND.images[MINE], HAND.labels[MINE].astype(str), layers="last").accepted
    assert pipe.classes_.tolist() == list(range(10))


def test_what_is_to_be_kept_is_measured() -> None:
    """Half of it: the other half is learnt beside the new images."""
    pipe, kept = Pipeline.pretrained(), draw_digits(60, styles="school", seed=8)
    report = pipe.adapt(HAND.images[MINE], HAND.labels[MINE], keep=(kept.images, kept.labels), layers="last")
    assert report.kept_before is not None
    assert report.kept_before.n == 530


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((HAND.images[:2], [0, 1]), DataError, "at least 3 images"),
        ((HAND.images[:5], [0, 1, 2, 3, 44]), DataError, "new class needs at least 3 images; got 1 with the label 44"),
        ((HAND.images[:5], [0, 1, 2]), DataError, "one label per image; got 5 images and 3 labels"),
        ((HAND.images[:5], [0.5, 1, 2, 3, 4]), DataError, "labels.0. must be an integer"),
        ((HAND.images[:5], [True, False, True, False, True]), DataError, "must be of type int"),
    ],
)
def test_examples_that_cannot_be_learnt_are_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Pipeline.pretrained().adapt(*arguments, layers="last")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": HAND.images}, "keep must be"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"seed": -1}, "seed"),
        ({"layers": "first"}, "layers: there is no 'first'. Choose among all, last"),
        ({"layers": 2}, "layers must be one of all, last; got 2"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Pipeline.pretrained().adapt(HAND.images[MINE], HAND.labels[MINE], **settings)


def test_all_layers_need_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for by name; without a wish the last layers learn."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    pipe = Pipeline.pretrained()
    before = pipe.fingerprint_
    with pytest.raises(MissingExtraError, match=r'adapting with layers="all" needs TensorFlow, .* pip install'):
        pipe.adapt(HAND.images[MINE], HAND.labels[MINE], layers="all")
    assert pipe.fingerprint_ == before
    assert pipe.adapt(HAND.images[MINE], HAND.labels[MINE]).layers == "last"


def test_nothing_to_learn_costs_nothing() -> None:
    """No layer learns, and no framework is imported for it; the figures are those of the pipeline as it is."""
    pipe, plain = Pipeline.pretrained(), draw_digits(50, styles="school", seed=3)
    report = pipe.adapt(plain.images, plain.labels)
    assert not report.accepted
    assert report.layers is None
    assert report.after == report.before == Tally(50, 0)
    assert report.kept_after == report.kept_before
    assert "as before" in str(report)


def test_an_adaptation_is_for_the_model_that_it_began_with() -> None:
    pipe = Pipeline.pretrained()

    def relearn() -> Iterator[Any]:
        yield from HAND.images[MINE]
        pipe._fitted = Pipeline.pretrained()._fitted

    with pytest.raises(TrainingError, match="learnt something else while it was adapted"):
        pipe.adapt(relearn(), HAND.labels[MINE], layers="last")


@pytest.mark.parametrize(
    "damage",
    [
        {"adaptation.labels": np.array([10, 1])},
        {"adaptation.labels": np.array([1])},
        {"adaptation.images": np.zeros((2, 8, 8), np.uint8)},
        {"adaptation.images": None},
    ],
)
def test_damaged_examples_of_an_earlier_adaptation_are_an_error(damage: dict[str, Any]) -> None:
    tensors = {"adaptation.images": HAND.images[:2], "adaptation.labels": np.array([0, 1]), **damage}
    tensors = {name: array for name, array in tensors.items() if array is not None}
    bundle = attrs.evolve(read_bundle(get_path("digits")), extra_tensors=tensors)
    with pytest.raises(BundleError, match="earlier adaptations are damaged"):
        Pipeline.from_bundle(bundle).adapt(HAND.images[MINE], HAND.labels[MINE], layers="last")


def test_adapting_imports_no_training_framework() -> None:
    """In a fresh process: no TensorFlow, Keras, scikit-learn or pandas, so that a small server can learn."""
    code = (
        "import sys; from lenetkit import Pipeline; from lenetkit.synthesis import draw_digits\n"
        f"hand = draw_digits(50, allographs={FORMS}, pen_width=(2.4, 2.8), variation=0.6, seed=1)\n"
        "assert Pipeline.pretrained().adapt(hand.images, hand.labels, layers='last').accepted\n"
        "print([name for name in ('tensorflow', 'keras', 'sklearn', 'pandas') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_adapting_needs_no_litert(tmp_path: Path) -> None:
    """In a process that has none; the file answers here, in LiteRT, as it did there in NumPy. A new class likewise."""
    np.savez(tmp_path / "examples.npz", hand=HAND.images, labels=HAND.labels, signs=minus_signs(8))
    code = f"""
import os, sys
for name in ("ai_edge_litert", "flatbuffers", "tensorflow", "keras", "pandas", "sklearn"):
    sys.modules[name] = None
os.chdir({str(tmp_path)!r})
import numpy as np
from lenetkit import Pipeline
examples = np.load("examples.npz")
pipe = Pipeline.pretrained()
report = pipe.adapt(examples["hand"][:50], examples["labels"][:50])
assert report.accepted and report.layers == "last"
pipe.save("hand.lenet")
assert pipe.adapt(examples["signs"], ["-"] * 8).accepted
pipe.save("signs.lenet")
np.save("answers.npy", pipe.predict_proba(examples["hand"]))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    before = Pipeline.pretrained().score(HAND.images[REST], HAND.labels[REST])
    assert Pipeline.load(tmp_path / "hand.lenet", runtime="litert").score(HAND.images[REST], HAND.labels[REST]) > before
    adapted = Pipeline.load(tmp_path / "signs.lenet", runtime="litert")
    assert adapted.classes_.tolist() == [*"0123456789", "-"]
    assert np.abs(adapted.predict_proba(HAND.images) - np.load(tmp_path / "answers.npy")).max() <= 1e-6


def test_the_runtime_stays() -> None:
    pipe = Pipeline.pretrained(runtime="numpy")
    assert pipe.adapt(HAND.images[MINE], HAND.labels[MINE], layers="last").accepted
    assert pipe._fitted.predictor.runtime == "numpy"


def test_a_tally_has_an_interval() -> None:
    tally = Tally(100, 10)
    low, high = tally.interval
    assert tally.accuracy == 0.9
    assert 0.82 < low < 0.9 < high < 0.95
    assert str(tally) == "90.0 % right (82.6 to 94.5 %; 10 errors in 100)"
