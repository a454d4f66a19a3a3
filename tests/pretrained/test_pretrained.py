"""The pipeline that comes with lenetkit, and when it declines to answer."""

import hashlib
import json
import pickle
import subprocess
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
from PIL import Image

from lenetkit import Pipeline, load_dataset
from lenetkit.exceptions import DataError, NotFittedError, SettingError, UnknownNameError
from lenetkit.pretrained import get_path, list_pretrained
from lenetkit.rejection import Prediction
from lenetkit.synthesis import CORRUPTIONS, corrupt, draw_digits, draw_nondigits, draw_printed


@pytest.fixture(scope="module")
def pretrained() -> Pipeline:
    """Return the pipeline."""
    return Pipeline.pretrained()


def rejected(predictions: list[Prediction]) -> float:
    """Return the share that was rejected."""
    return float(np.mean([prediction.rejected for prediction in predictions]))


@pytest.mark.parametrize("name", list_pretrained())
def test_the_file_is_the_one_that_its_card_describes(name: str) -> None:
    """The hash beside it is its own."""
    path = get_path(name)
    card = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size == card["bytes"]


def test_an_unknown_name_is_an_error_that_lists_the_known() -> None:
    """The message names what there is."""
    with pytest.raises(
        UnknownNameError, match=r"unknown pretrained pipeline 'letters'\. Known pretrained pipelines: digits"
    ):
        Pipeline.pretrained("letters")


def test_it_is_the_lenet_of_61706_parameters(pretrained: Pipeline) -> None:
    """Nothing larger is hidden behind the name."""
    from lenetkit.bundle import read_bundle

    bundle = read_bundle(get_path("digits"))
    assert bundle.model == "lenet5"
    assert sum(array.size for array in bundle.weights.values()) == 61_706
    assert pretrained.classes_.tolist() == list(range(10))


@pytest.mark.parametrize("style", ["american", "continental", "school"])
def test_it_reads_the_pens_digits(pretrained: Pipeline, style: str) -> None:
    """Of each style nearly all, of a seed that no training saw."""
    drawn = draw_digits(500, styles=style, seed=4321)
    assert np.mean(pretrained.predict(drawn.images) == drawn.labels) >= 0.97


def test_it_reads_dark_ink_on_light_paper_of_any_size(pretrained: Pipeline) -> None:
    """A picture needs no preparation."""
    drawn = draw_digits(100, styles="school", seed=8, size=90)
    paper = [
        np.pad(235 - (image * 0.8).astype(np.uint8), ((40, 7), (3, 60)), constant_values=235) for image in drawn.images
    ]
    assert np.mean(pretrained.predict(paper) == drawn.labels) >= 0.97


def test_the_official_test_part_is_read_as_its_card_says(pretrained: Pipeline, shared_data: Path) -> None:
    """At least 99.4 % through the whole pipeline; at most 2 % are taken for something else than a digit."""
    test = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)
    answers = pretrained.predict(test.images, reject=1)
    assert np.mean([answer.label for answer in answers] == np.asarray(test.labels)) >= 0.994
    assert rejected(answers) <= 0.02


def test_normalizing_mnist_costs_no_accuracy(pretrained: Pipeline, shared_data: Path) -> None:
    """The model is right as often on the official test images as they are: within 0.05 points."""
    from lenetkit.bundle import read_bundle
    from lenetkit.runtime import Predictor

    test = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)
    images, labels = np.asarray(test.images), np.asarray(test.labels)
    model = Predictor(read_bundle(get_path("digits")).tflite, scale=1 / 255)
    original = np.mean(model.predict_proba(images).argmax(axis=1) == labels)
    assert abs(pretrained.score(images, labels) - original) <= 0.0005


@pytest.mark.slow
def test_the_error_stays_below_what_was_asked(pretrained: Pipeline, shared_data: Path) -> None:
    """Among the accepted digits of the official test part."""
    test = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)
    labels = np.asarray(test.labels)
    for reject in (0.002, 0.005, 0.01):
        answers = pretrained.predict(test.images, reject=reject)
        kept = np.array([not answer.rejected for answer in answers])
        error = np.mean(np.array([answer.label for answer in answers])[kept] != labels[kept])
        assert error <= reject
        assert kept.mean() >= 0.9


@pytest.mark.parametrize("alpha", [0.002, 0.01, 0.05, 0.1])
def test_label_sets_cover_the_official_test_part(pretrained: Pipeline, shared_data: Path, alpha: float) -> None:
    """The true label is in the set as often as promised, up to chance in 10,000 images here and there."""
    test = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)
    sets = pretrained.predict_set(test.images, alpha=alpha)
    coverage = np.mean([label in chosen for label, chosen in zip(test.labels, sets, strict=True)])
    assert coverage >= 1 - alpha - 4 * np.sqrt(2 * alpha * (1 - alpha) / 10_000)
    assert np.mean([len(chosen) for chosen in sets]) < 1.5


@pytest.mark.slow
def test_the_wild_digits_are_read_and_kept(pretrained: Pipeline, shared_data: Path) -> None:
    """The development pictures, which no training saw."""
    import csv

    table = shared_data / "wild" / "digits" / "labels.csv"
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    answers = pretrained.predict([table.parent / row["file"] for row in rows], reject=1)
    right = np.array([str(answer.label) == row["label"] for answer, row in zip(answers, rows, strict=True)])
    assert right.mean() >= 0.99
    assert rejected(answers) <= 0.05


@pytest.mark.parametrize("kind", ["blank", "noise", "scribble", "letter", "shape", "turned", "several"])
def test_what_is_no_digit_is_rejected(pretrained: Pipeline, kind: str) -> None:
    """Pictures of a seed that no training saw."""
    assert rejected(pretrained.predict(draw_nondigits(200, kinds=kind, seed=5150).images, reject=1)) >= 0.95


def test_letters_of_an_unseen_font_are_rejected(pretrained: Pipeline) -> None:
    """Those that no digit looks like, in a font that no training saw."""
    import matplotlib as mpl

    font = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    letters = draw_printed(300, characters="ACDEFHJKLMNPRTUVWXYadefhkmnprtuvwxy", seed=5150, fonts=[font])
    assert rejected(pretrained.predict(letters.images, reject=1)) >= 0.95


@pytest.mark.parametrize("level", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (1, 50), (50, 1), (3, 3), (300, 200)])
def test_an_even_picture_is_no_digit(pretrained: Pipeline, level: int, shape: tuple[int, int]) -> None:
    """It is rejected, with a reason."""
    (answer,) = pretrained.predict(np.full((1, *shape), level, np.uint8), reject=1)
    assert answer.rejected
    assert answer.reason == "there is nothing in the picture."


def test_files_that_are_no_pictures_are_errors_that_name_them(pretrained: Pipeline, tmp_path: Path) -> None:
    """Damaged, empty, missing."""
    (tmp_path / "empty.png").write_bytes(b"")
    whole = tmp_path / "whole.png"
    Image.fromarray(np.asarray(draw_digits(1, seed=1).images[0])).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:-40])
    for name in ("empty.png", "cut.png", "missing.png"):
        with pytest.raises(DataError, match=name):
            pretrained.predict(tmp_path / name, reject=0.01)


def test_numbers_that_are_none_are_refused(pretrained: Pipeline) -> None:
    """NaN and infinity are no grey levels."""
    for value in (np.nan, np.inf):
        with pytest.raises(DataError, match=r"must lie in 0..1; images.0. holds (nan|inf)"):
            pretrained.predict(np.full((1, 28, 28), value), reject=0.01)


def test_predictions_are_batch_invariant(pretrained: Pipeline) -> None:
    """Alone or in a batch: the same label, probability and reason."""
    images = np.concatenate([np.asarray(draw_digits(40, seed=2).images), np.asarray(draw_nondigits(40, seed=2).images)])
    together = pretrained.predict(images, reject=0.01)
    assert together == [pretrained.predict(image[np.newaxis], reject=0.01)[0] for image in images]
    assert {prediction.rejected for prediction in together} == {True, False}


def test_it_travels_with_what_it_rejects_by(pretrained: Pipeline, tmp_path: Path) -> None:
    """A pickle and a saved file give the same answers."""
    images = draw_nondigits(70, seed=3).images
    answers = pretrained.predict(images, reject=0.01)
    assert pickle.loads(pickle.dumps(pretrained)).predict(images, reject=0.01) == answers
    copy = Pipeline.load(pretrained.save(tmp_path / "copy.lenet"))
    assert copy.predict(images, reject=0.01) == answers


@pytest.mark.parametrize("reject", [0, -1, 1.5, "some", float("nan")])
def test_fractions_that_are_none_are_refused(pretrained: Pipeline, reject: object) -> None:
    """The message says what can be."""
    with pytest.raises(SettingError, match="reject must be a number above 0 and up to 1"):
        pretrained.predict(np.zeros((1, 28, 28), np.uint8), reject=reject)


def test_it_answers_without_tensorflow_and_without_a_network() -> None:
    """In a fresh process, whose sockets are closed."""
    code = (
        "import sys, socket; socket.socket = None\n"
        "from lenetkit import Pipeline; from lenetkit.datasets import draw_digits\n"
        "pipeline = Pipeline.pretrained()\n"
        "assert pipeline.predict(draw_digits(3, seed=1).images, reject=0.01)\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_dark_ink_is_calibrated_as_bright_ink() -> None:
    """Corrupted copies keep the polarity, and a transform that must not be applied twice is not."""
    from lenetkit.pipeline._rejecting import make_corrupted
    from lenetkit.trainer import Trainer
    from lenetkit.transforms import Invert, Rescale

    train = draw_digits(2000, seed=1)
    pipeline = Pipeline("mlp", transforms=[Invert(), Rescale()], trainer=Trainer(epochs=2, verbose=0))
    fitted = pipeline.fit(train.images, train.labels)._check_fitted()
    some = draw_digits(200, seed=2).images
    (copies,) = make_corrupted(fitted, fitted.prepare(some), ["rotate"])
    np.testing.assert_array_equal(copies.images, 255 - corrupt(some, "rotate", seed=1))


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_pipeline_of_ones_own_learns_when_not_to_answer(tmp_path: Path) -> None:
    """After calibrate it rejects what is no digit, keeps digits, and takes all that along when it is saved."""
    from lenetkit.trainer import Trainer
    from lenetkit.transforms import Rescale

    train, held_back, test = (draw_digits(n, seed=seed) for n, seed in ((3000, 1), (1500, 2), (500, 3)))
    pipeline = Pipeline(transforms=[Rescale()], trainer=Trainer(epochs=3, verbose=0)).fit(train.images, train.labels)
    with pytest.raises(NotFittedError, match=r"Call calibrate\(images, labels\)"):
        pipeline.predict(test.images, reject=0.1)
    raw = pipeline.predict_proba(test.images)
    assert pipeline.calibrate(held_back.images, held_back.labels) is pipeline
    np.testing.assert_array_equal(pipeline.predict_proba(test.images).argmax(axis=1), raw.argmax(axis=1))
    assert rejected(pipeline.predict(test.images, reject=1)) <= 0.06
    assert rejected(pipeline.predict(draw_nondigits(300, seed=9).images, reject=1)) >= 0.8
    copy = Pipeline.load(pipeline.save(tmp_path / "own.lenet"))
    assert copy.predict(test.images, reject=0.05) == pipeline.predict(test.images, reject=0.05)
    with pytest.raises(DataError, match="one label per image"):
        pipeline.calibrate(held_back.images, held_back.labels[:-1])


@pytest.mark.slow
def test_calibrating_anew_starts_from_the_models_own_probabilities() -> None:
    """The same result on a calibrated pipeline, on an uncalibrated one, and each time again."""
    fresh = Pipeline.pretrained()
    fitted = fresh._check_fitted()
    assert fitted.rejecting is not None
    gate = fitted.rejecting[1]
    held_back = draw_digits(300, styles="continental", seed=9)
    fresh = Pipeline.from_bundle(attrs.evolve(fitted.to_bundle(), rejection=None))
    found = []
    for _ in range(3):
        fresh.calibrate(held_back.images, held_back.labels, gate=gate, corruptions=("rotate", "fog"))
        found.append(fresh._check_fitted().rejecting[0])
    assert len({calibration.temperature for calibration in found}) == 1
    for calibration in found[1:]:
        np.testing.assert_array_equal(calibration.true_probabilities, found[0].true_probabilities)
        np.testing.assert_array_equal(calibration.risks, found[0].risks)


@pytest.mark.slow
def test_harder_images_make_the_promise_stricter() -> None:
    """Images of another kind are pooled with the others; labels must fit them."""
    fresh = Pipeline.pretrained()
    gate = fresh._check_fitted().rejecting[1]
    held_back = draw_digits(400, styles="continental", seed=9)
    foreign = corrupt(draw_digits(800, seed=10).images, "rotate", severity=5), draw_digits(800, seed=10).labels
    found = []
    for harder in (None, foreign):
        fresh.calibrate(held_back.images, held_back.labels, gate=gate, corruptions=(), harder=harder)
        found.append(fresh._check_fitted().rejecting[0])
    assert found[0].temperature == found[1].temperature
    assert found[0].threshold(0.05) < found[1].threshold(0.05)
    with pytest.raises(SettingError, match=r"harder must be \(images, labels\); got ndarray"):
        fresh.calibrate(held_back.images, held_back.labels, gate=gate, corruptions=(), harder=foreign[0])
    with pytest.raises(DataError, match="one label per image"):
        fresh.calibrate(held_back.images, held_back.labels, gate=gate, corruptions=(), harder=(foreign[0], [1, 2]))


@pytest.mark.slow
def test_an_error_that_is_asked_for_takes_more_than_the_gate(pretrained: Pipeline) -> None:
    """On corrupted digits fewer answers are accepted than at `reject=1`, half as many are wrong as of all.

    What is refused besides what the gate refuses is wrong ten times as often as what is still accepted.
    """
    drawn = draw_digits(1500, styles="american", seed=4321)
    images = np.concatenate([corrupt(drawn.images, kind) for kind in ("canny_edges", "zigzag", "rotate")])
    labels = np.tile(drawn.labels, 3)
    sure, all_digits = pretrained.predict(images, reject=0.01), pretrained.predict(images, reject=1)
    assert [answer.label for answer in sure] == [answer.label for answer in all_digits]
    wrong = np.array([answer.label for answer in sure]) != labels
    accepted, by_gate = (np.array([not answer.rejected for answer in answers]) for answers in (sure, all_digits))
    assert accepted.sum() < by_gate.sum()
    assert wrong[accepted].mean() < wrong[by_gate].mean()
    assert wrong[accepted].mean() < wrong.mean() / 2
    assert wrong[by_gate & ~accepted].mean() > 10 * wrong[accepted].mean()
    new = [answer for answer, other in zip(sure, all_digits, strict=True) if answer.rejected and not other.rejected]
    assert {answer.reason[:17] for answer in new} == {"not sure enough: "}


@pytest.mark.slow
def test_corruptions_make_a_calibration_stricter() -> None:
    """Without them the bound at full acceptance may allow everything; a kind that does not exist is refused at once."""
    pipeline = Pipeline.pretrained()
    fitted = pipeline._check_fitted()
    assert fitted.rejecting is not None
    gate = fitted.rejecting[1]
    held_back = draw_digits(500, styles="american", seed=10)
    bounds = []
    for corruptions in ((), ("rotate", "glass_blur"), None, CORRUPTIONS):
        pipeline.calibrate(held_back.images, held_back.labels, gate=gate, corruptions=corruptions)
        calibration, _ = pipeline._check_fitted().rejecting
        bounds.append(calibration.risks.tolist())
    assert bounds[0][-1] < bounds[1][-1]
    assert bounds[0][-1] < bounds[2][-1]
    assert bounds[2] == bounds[3]
    with pytest.raises(SettingError, match=r"corruptions: there is no 'fogg'\. Did you mean 'fog'"):
        pipeline.calibrate(held_back.images, held_back.labels, corruptions=["fogg"])


@pytest.mark.slow
def test_the_error_on_corrupted_digits_stays_as_low_as_documented(pretrained: Pipeline, shared_data: Path) -> None:
    """MNIST-C's fifteen pooled at `reject=0.01`: at most 1.5 % errors among the at least 70 % that are accepted."""
    test = load_dataset("mnist", subset="test", data_dir=shared_data, download=False)
    images, labels = np.asarray(test.images)[::20], np.asarray(test.labels)[::20]
    n_accepted = n_wrong = 0
    for kind in CORRUPTIONS:
        for answer, label in zip(pretrained.predict(corrupt(images, kind), reject=0.01), labels, strict=True):
            n_accepted += not answer.rejected
            n_wrong += not answer.rejected and answer.label != label
    assert n_accepted >= 0.7 * 15 * len(labels)
    assert n_wrong <= 0.015 * n_accepted
