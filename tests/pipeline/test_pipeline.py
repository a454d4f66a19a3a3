"""Tests for `lenetkit.pipeline`."""

import pickle
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.extra.numpy
import hypothesis.strategies as st
import numpy as np
import PIL.Image
import pytest

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.encoder import LabelEncoder
from lenetkit.exceptions import BundleError, DataError, LenetkitError, NotFittedError, SettingError, UnknownNameError
from lenetkit.transforms import Compose, Grayscale, Rescale, Resize, Standardize

pytestmark = pytest.mark.tensorflow

QUICK = Trainer(epochs=3, batch_size=32, verbose=0)


@pytest.fixture(scope="module")
def digits() -> Any:
    """Return 400 digits to learn and 100 to test."""
    data = load_dataset("digits")
    return data[:400], data[400:500]


@pytest.fixture(scope="module")
def fitted(digits: Any) -> Pipeline:
    """Return a pipeline that has learnt a little."""
    return Pipeline(trainer=QUICK).fit(digits[0].images, digits[0].labels)


def test_it_learns_and_says_how_well(fitted: Pipeline, digits: Any) -> None:
    """Score is the accuracy of evaluate, and predict is the largest probability."""
    _, test = digits
    evaluation = fitted.evaluate(test.images, test.labels)
    assert evaluation.accuracy > 0.7
    assert fitted.score(test.images, test.labels) == evaluation.accuracy
    probabilities = fitted.predict_proba(test.images)
    assert probabilities.shape == (100, 10)
    assert probabilities.dtype == np.float32
    assert (fitted.predict(test.images) == fitted.classes_[probabilities.argmax(axis=1)]).all()
    assert (fitted.predict(test.images) == test.labels).mean() == evaluation.accuracy


def test_the_answers_are_those_of_the_keras_model(fitted: Pipeline, digits: Any) -> None:
    """Prediction takes another way, but means the same."""
    images = Resize((28, 28))(digits[1].images)
    keras_says = fitted.model_.predict(images[..., None] / np.float32(255), verbose=0)
    np.testing.assert_allclose(fitted.predict_proba(digits[1].images), keras_says, atol=1e-5)


def test_the_constructor_only_stores() -> None:
    """As scikit-learn wants it: nothing is computed or checked."""
    transforms = [Grayscale()]
    pipe = Pipeline("no such model", model_options={"x": 1}, transforms=transforms, trainer=QUICK)
    assert (pipe.model, pipe.transforms, pipe.trainer) == ("no such model", transforms, QUICK)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_answers(digits: Any) -> None:
    """To the bit."""
    train, test = digits
    answers = [Pipeline(trainer=QUICK).fit(train.images, train.labels).predict_proba(test.images) for _ in range(2)]
    assert answers[0].tobytes() == answers[1].tobytes()


@pytest.mark.slow
def test_string_labels_come_back(digits: Any) -> None:
    """Answers have the dtype of the classes."""
    train, test = digits
    names = np.array(["even", "odd"])
    pipe = Pipeline(trainer=QUICK).fit(train.images, names[train.labels % 2])
    assert pipe.classes_.tolist() == ["even", "odd"]
    assert pipe.predict(test.images).dtype == pipe.classes_.dtype
    assert pipe.score(test.images, names[test.labels % 2]) > 0.7


def test_every_way_of_giving_an_image_gives_the_same_answer(fitted: Pipeline, digits: Any, tmp_path: Path) -> None:
    """Arrays, lists, paths and PIL images; a single path is one image."""
    image = digits[1].images[3]
    path = tmp_path / "digit.png"
    PIL.Image.fromarray(image).save(path)
    expected = fitted.predict_proba(image[None])
    for given in (
        image[None, ..., None],
        [image],
        [path],
        path,
        str(path),
        PIL.Image.open(path),
        [PIL.Image.open(path)],
    ):
        assert fitted.predict_proba(given).tobytes() == expected.tobytes()
    assert fitted.predict(path).shape == (1,)


def test_images_of_different_sizes_are_read_together(fitted: Pipeline, digits: Any) -> None:
    """The transforms bring them to one size."""
    image = digits[1].images[3]
    answers = fitted.predict_proba([image, Resize((28, 28))(image[None])[0], np.stack([image] * 3, axis=-1)])
    assert answers[0].tobytes() == answers[1].tobytes() == answers[2].tobytes()


def test_floats_mean_zero_to_one(fitted: Pipeline, digits: Any) -> None:
    """Beside bytes of 0 to 255, with answers that differ by rounding at most."""
    images = Resize((28, 28))(digits[1].images[:5])
    floats = images / np.float32(255)
    np.testing.assert_allclose(fitted.predict_proba(floats), fitted.predict_proba(images), atol=1e-6)


def test_predictions_are_batch_invariant(fitted: Pipeline, digits: Any) -> None:
    """Alone, in a batch, in another order: the same bits."""
    images = digits[1].images
    together = fitted.predict_proba(images)
    order = np.random.default_rng(0).permutation(len(images))
    assert fitted.predict_proba(images[order]).tobytes() == together[order].tobytes()
    for index in (0, 57, 99):
        assert fitted.predict_proba(images[index : index + 1]).tobytes() == together[index].tobytes()


@pytest.mark.slow
def test_standardized_images_are_learnt_and_read(digits: Any) -> None:
    """A transform that learns is fitted with the pipeline, and travels with it."""
    train, test = digits
    transforms = [Grayscale(), Resize((28, 28)), Standardize()]
    pipe = Pipeline(transforms=transforms, trainer=QUICK).fit(train.images, train.labels)
    assert pipe.score(test.images, test.labels) > 0.6
    with pytest.raises(NotFittedError, match="has not learnt"):
        transforms[2].mean_  # noqa: B018 -- the user's own object is left as it was
    again = pickle.loads(pickle.dumps(pipe))
    assert again.predict_proba(test.images).tobytes() == pipe.predict_proba(test.images).tobytes()


@pytest.mark.slow
def test_every_component_can_be_ones_own(digits: Any) -> None:
    """A model built by hand, transforms, fixed classes, a trainer."""
    import keras

    train, test = digits
    model = keras.Sequential(
        [
            keras.layers.Input((10, 10, 1), name="image"),
            keras.layers.Flatten(name="flatten"),
            # From nothing, so that every run of this test learns the same.
            keras.layers.Dense(12, activation="softmax", kernel_initializer="zeros", name="output"),
        ],
        name="mine",
    )
    pipe = Pipeline(
        model,
        transforms=Compose([Resize((10, 10)), Rescale()]),
        encoder=LabelEncoder(classes=range(12)),
        trainer=Trainer(epochs=20, learning_rate=0.01, optimizer="sgd", batch_size=8, verbose=0),
    ).fit(train.images, train.labels)
    assert pipe.model_ is model
    assert pipe.predict_proba(test.images).shape == (100, 12)
    assert pipe.score(test.images, test.labels) > 0.7


@pytest.mark.slow
def test_other_models_and_options_by_name(digits: Any) -> None:
    """Options reach the builder."""
    pipe = Pipeline("lenet5", model_options={"pooling": "max", "activation": "tanh"}, trainer=QUICK)
    pipe.fit(digits[0].images, digits[0].labels)
    assert type(pipe.model_.get_layer("s2")).__name__ == "MaxPooling2D"


@pytest.mark.slow
def test_validation_data_and_weights_reach_the_trainer(digits: Any) -> None:
    """In the pipeline's own terms: images as they come, weights by label."""
    train, test = digits
    names = np.array(list("abcdefghij"))
    pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(
        train.images,
        names[train.labels],
        validation_data=(test.images, names[test.labels]),
        class_weight={name: 0.0 if name == "a" else 1.0 for name in names},
        sample_weight=np.ones(len(train)),
    )
    assert "val_accuracy" in pipe.history_
    assert (pipe.predict(test.images) != "a").all()


def test_a_failed_fit_leaves_the_pipeline_as_it_was(fitted: Pipeline, digits: Any) -> None:
    """What was learnt before still answers."""
    before = fitted.predict_proba(digits[1].images)
    with pytest.raises(DataError, match="there must be one label per image; got 400 images and 3 labels"):
        fitted.fit(digits[0].images, [1, 2, 3])
    assert fitted.predict_proba(digits[1].images).tobytes() == before.tobytes()


@pytest.mark.parametrize(("label", "named"), [(7, "7"), ("seven", "'seven'"), (True, "True")])
@pytest.mark.parametrize("n", [1, 20])
def test_one_class_alone_is_refused_in_the_words_of_the_classifier(digits: Any, label: Any, named: str, n: int) -> None:
    """Its accuracy would be 100 %; the classes that an encoder fixes make no difference."""
    images = digits[0].images[:n]
    other = {7: 3, "seven": "three", True: False}[label]
    for encoder in (None, LabelEncoder(classes=[label, other])):
        pipeline = Pipeline("mlp", trainer=QUICK, encoder=encoder)
        with pytest.raises(DataError, match=rf"the labels must be of at least 2 classes; got one class, {named}\."):
            pipeline.fit(images, [label] * n)


@pytest.mark.parametrize("use", ["predict", "predict_proba", "classes_", "model_", "history_", "save", "transforms_"])
def test_using_it_before_fit_is_an_error(use: str) -> None:
    """It says what to do."""
    pipe = Pipeline()
    with pytest.raises(NotFittedError, match=r"not fitted yet; call fit\(images, labels\) first"):
        getattr(pipe, use)("x") if use in ("predict", "predict_proba", "save") else getattr(pipe, use)


def test_summary_shows_steps_and_layers(fitted: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    """Before and after fit."""
    Pipeline().summary()
    unfitted = capsys.readouterr().out
    fitted.summary()
    assert "Resize(size=(28, 28)" in unfitted
    assert "61,706" in unfitted
    assert "c3 (Conv2D)" in unfitted
    shown = capsys.readouterr().out
    assert "Resize(size=(28, 28)" in shown
    assert "c3 (Conv2D)" in shown


def test_its_representation_is_short(fitted: Pipeline) -> None:
    """Model, state and classes."""
    assert repr(Pipeline()) == "<Pipeline: lenet5, not fitted>"
    assert repr(fitted) == "<Pipeline: lenet5, fitted, classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9>"


BAD_IMAGES = {
    "rows of pixels": (np.zeros((5, 784), np.uint8), r"got shape \(5, 784\)\. Pass images\.reshape\(-1, 28, 28\)"),
    "no images": (np.zeros((0, 28, 28), np.uint8), "at least one image"),
    "an empty list": ([], "there are no images: got an empty list"),
    "a number": (7, "an array, a path, a PIL image or a list of these; got int"),
    "nothing": (None, "got NoneType"),
    "NaN": (np.full((2, 28, 28), np.nan), "0"),
    "floats of 0 to 255": (np.full((1, 28, 28), 200.0), "200"),
    "integers": (np.zeros((1, 28, 28), np.int32), "int32"),
    "complex numbers": (np.zeros((1, 28, 28), complex), "complex"),
    "objects": (np.array([[["x"]]], object), "object"),
    "a missing file": ("no_such_file.png", "no_such_file.png"),
    "a missing file in a list": ([np.zeros((28, 28), np.uint8), "no_such_file.png"], "no_such_file.png"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_refused_by_fit_and_predict(fitted: Pipeline, case: str) -> None:
    """Before the first step, naming what is wrong."""
    images, message = BAD_IMAGES[case]
    with pytest.raises(DataError, match=message):
        fitted.predict(images)
    with pytest.raises(DataError, match=message):
        Pipeline(trainer=QUICK).fit(images, [0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.5] * 400, r"labels\[0\]"),
        ([[1]] * 400, r"labels\[0\] must be an integer"),
        ([None] * 400, r"labels\[0\] is missing"),
        (range(3), "400 images"),
    ],
)
def test_bad_labels_are_refused(digits: Any, labels: Any, message: str) -> None:
    """Before the first step, naming what is wrong."""
    with pytest.raises(DataError, match=message):
        Pipeline(trainer=QUICK).fit(digits[0].images, labels)


def test_an_unknown_label_in_the_test_data_is_named(fitted: Pipeline, digits: Any) -> None:
    """It cannot be right or wrong."""
    with pytest.raises(DataError, match="11"):
        fitted.score(digits[1].images, [11] * 100)


def test_transforms_that_leave_different_sizes_are_an_error(digits: Any) -> None:
    """With the transform that is missing."""
    images = [np.zeros((8, 8), np.uint8), np.zeros((9, 8), np.uint8)]
    with pytest.raises(DataError, match=r"one shape; got \(8, 8\), \(9, 8\)\. Add lenetkit\.transforms\.Resize"):
        Pipeline(transforms=[Grayscale()], trainer=QUICK).fit(images, [0, 1])


def test_a_misspelt_model_is_found_before_training(digits: Any) -> None:
    """With the nearest name."""
    with pytest.raises(UnknownNameError, match="Did you mean 'lenet5'"):
        Pipeline("lenet_5", trainer=QUICK).fit(digits[0].images, digits[0].labels)


def test_options_for_a_model_that_is_built_already_are_refused(digits: Any) -> None:
    """They could have no effect."""
    import keras

    model = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    with pytest.raises(SettingError, match="this model is built already"):
        Pipeline(model, model_options={"pooling": "max"}).fit(digits[0].images, digits[0].labels)


@hypothesis.given(
    hypothesis.extra.numpy.arrays(
        dtype=st.sampled_from([np.uint8, np.float32, np.float64, np.int64, np.bool_, np.complex64]),
        shape=hypothesis.extra.numpy.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=9),
    )
)
def test_any_array_gives_an_answer_or_our_error(fitted: Pipeline, array: np.ndarray) -> None:
    """Never another exception, never a number from nothing."""
    try:
        probabilities = fitted.predict_proba(array)
    except LenetkitError:
        return
    is_one_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] <= 4 < array.shape[0])
    assert probabilities.shape == (1 if is_one_picture else len(array), 10)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)


def test_a_saved_pipeline_gives_the_same_answers(fitted: Pipeline, digits: Any, tmp_path: Path) -> None:
    """To the bit; and what it was made of is there again."""
    path = fitted.save(tmp_path / "digits.lenet")
    loaded = Pipeline.load(path)
    assert loaded.predict_proba(digits[1].images).tobytes() == fitted.predict_proba(digits[1].images).tobytes()
    assert loaded.classes_.tolist() == fitted.classes_.tolist()
    assert loaded.transforms_ == fitted.transforms_
    assert loaded.model == "lenet5"


def test_saving_twice_gives_the_same_bytes(fitted: Pipeline, tmp_path: Path) -> None:
    """Also when what is saved was loaded, or unpickled."""
    first = fitted.save(tmp_path / "a.lenet").read_bytes()
    assert fitted.save(tmp_path / "b.lenet").read_bytes() == first
    assert Pipeline.load(tmp_path / "a.lenet").save(tmp_path / "c.lenet").read_bytes() == first
    assert pickle.loads(pickle.dumps(fitted)).save(tmp_path / "d.lenet").read_bytes() == first


@pytest.mark.slow
def test_a_loaded_pipeline_rebuilds_its_model_and_learns_again(fitted: Pipeline, digits: Any, tmp_path: Path) -> None:
    """When it is asked for: the same weights, and `fit` starts anew."""
    loaded = Pipeline.load(fitted.save(tmp_path / "digits.lenet"))
    for mine, other in zip(loaded.model_.get_weights(), fitted.model_.get_weights(), strict=True):
        assert mine.tobytes() == other.tobytes()
    with pytest.raises(NotFittedError, match="was not trained in this process"):
        loaded.result_  # noqa: B018
    loaded.trainer = QUICK
    loaded.fit(digits[0].images, digits[0].labels)
    assert loaded.predict_proba(digits[1].images).tobytes() == fitted.predict_proba(digits[1].images).tobytes()


def test_a_model_built_by_hand_predicts_after_loading_but_cannot_be_rebuilt(digits: Any, tmp_path: Path) -> None:
    """The error says how to make it possible."""
    import keras

    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1), name="image"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="mine",
    )
    pipe = Pipeline(model, transforms=[Rescale()], trainer=QUICK).fit(digits[0].images, digits[0].labels)
    loaded = Pipeline.load(pipe.save(tmp_path / "mine.lenet"))
    assert loaded.predict_proba(digits[1].images).tobytes() == pipe.predict_proba(digits[1].images).tobytes()
    with pytest.raises(BundleError, match=r"built by hand.*Register its builder"):
        loaded.model_  # noqa: B018


@pytest.mark.parametrize(("options", "found"), [({}, True), ({"activation": "tanh"}, False)])
def test_a_model_that_its_name_builds_can_be_rebuilt(options: Any, found: bool, digits: Any, tmp_path: Path) -> None:
    """It was built before, as a loaded pipeline's is; to the letter, or the file would give another network."""
    from lenetkit.models import create_model

    model = create_model("lenet5", seed=3, **options)
    pipe = Pipeline(model, trainer=QUICK).fit(digits[0].images, digits[0].labels)
    loaded = Pipeline.load(pipe.save(tmp_path / "mine.lenet"))
    if not found:
        with pytest.raises(BundleError, match="built by hand"):
            loaded.model_  # noqa: B018
        return
    again = Pipeline(loaded.model_, transforms=loaded.transforms_, encoder=loaded.encoder_, trainer=QUICK)
    again.fit(digits[0].images, digits[0].labels)
    once_more = Pipeline.load(again.save(tmp_path / "again.lenet"))
    for mine, other in zip(once_more.model_.get_weights(), again.model_.get_weights(), strict=True):
        assert mine.tobytes() == other.tobytes()


def test_a_transform_without_a_name_cannot_be_saved(digits: Any, tmp_path: Path) -> None:
    """A function would have to travel as code."""
    brief = Trainer(epochs=0, verbose=0)
    pipe = Pipeline("mlp", transforms=[Resize((28, 28)), lambda images: images, Rescale()], trainer=brief)
    pipe.fit(digits[0].images, digits[0].labels)
    with pytest.raises(SettingError, match="cannot be saved"):
        pipe.save(tmp_path / "x.lenet")
    assert list(tmp_path.iterdir()) == []


def test_notes_are_kept(fitted: Pipeline, tmp_path: Path) -> None:
    """Plain values that the file carries for people."""
    from lenetkit.bundle import read_bundle

    bundle = read_bundle(fitted.save(tmp_path / "digits.lenet", notes={"data set": "digits"}))
    assert bundle.data["data set"] == "digits"
    assert len(bundle.data["fingerprint"]) == 64


def test_notes_cannot_replace_what_was_recorded(fitted: Pipeline, tmp_path: Path) -> None:
    """Nobody can say that a model was trained on other data."""
    with pytest.raises(SettingError, match="notes must not replace what was recorded: 'fingerprint'"):
        fitted.save(tmp_path / "x.lenet", notes={"fingerprint": "mine"})
    assert list(tmp_path.iterdir()) == []


def test_anyone_can_check_what_a_model_was_trained_on(fitted: Pipeline, digits: Any, tmp_path: Path) -> None:
    """One fingerprint in the data set, in the provenance and in the file, however the images were passed."""
    from lenetkit.bundle import read_bundle

    train, _ = digits
    bundle = read_bundle(fitted.save(tmp_path / "digits.lenet"))
    assert bundle.data["fingerprint"] == fitted.provenance_["data"] == train.fingerprint
    assert bundle.provenance is not None
    assert bundle.provenance["data"] == train.fingerprint
    brief = Trainer(epochs=0, verbose=0)
    listed = Pipeline("mlp", trainer=brief).fit(list(train.images), train.labels.tolist())
    assert listed.provenance_["data"] == train.fingerprint
    mixed = [*train.images[:-1], np.zeros((9, 7), np.uint8)]
    found = Pipeline("mlp", trainer=brief).fit(mixed, train.labels).provenance_["data"]
    assert len(found) == 64
    assert found != train.fingerprint


def test_a_path_is_checked_before_the_model_is_converted(
    digits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a save nor an export works for nothing."""
    monkeypatch.setattr("lenetkit.exporting.convert_to_litert", lambda *_, **__: pytest.fail("converted first"))
    pipe = Pipeline("mlp", trainer=Trainer(epochs=0, verbose=0)).fit(digits[0].images, digits[0].labels)
    with pytest.raises(SettingError, match="there is no folder"):
        pipe.save(tmp_path / "missing" / "x.lenet")
    with pytest.raises(SettingError, match="there is no folder"):
        pipe.export(tmp_path / "missing" / "x.tflite")
    with pytest.raises(SettingError, match=r"must end in '\.keras'"):
        pipe.export(tmp_path / "x.h5", format="keras")


def test_what_is_saved_is_checked_once(digits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first save, with notes, one bundle is made; at loading one is made of a manifest that is parsed once."""
    from lenetkit.bundle import Bundle, _file

    made, parsed = [], []
    check, parse = Bundle.__attrs_post_init__, _file.load_values
    monkeypatch.setattr(Bundle, "__attrs_post_init__", lambda self: (made.append(self), check(self))[1])
    monkeypatch.setattr(_file, "load_values", lambda *given: (parsed.append(given), parse(*given))[1])
    pipe = Pipeline("mlp", trainer=Trainer(epochs=0, verbose=0)).fit(digits[0].images, digits[0].labels)
    path = pipe.save(tmp_path / "x.lenet", notes={"data set": "digits"})
    assert (len(made), len(parsed)) == (1, 0)
    again = Pipeline.load(path)
    assert (len(made), len(parsed)) == (2, 1)
    again.save(tmp_path / "y.lenet")
    assert (len(made), len(parsed)) == (2, 1)


@pytest.mark.slow
def test_mnist_is_learnt(shared_data: Path) -> None:
    """A tenth of MNIST in one epoch, as a whole from the files to the figure."""
    mnist = load_dataset("mnist", data_dir=shared_data, download=False)
    train, test = mnist.split(test_size=0.1, seed=0)
    pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(train.images[:12_600], train.labels[:12_600])
    assert pipe.score(test.images, test.labels) > 0.88


@pytest.mark.slow
def test_a_second_fit_says_that_it_forgets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In the first line of the progress, of a pipeline that was fitted or loaded; not where something goes on."""
    from lenetkit.models import create_model

    images, labels = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8), np.arange(20) % 2
    first = "starts anew: what was learnt before is forgotten; new weights are learnt from these 20 images"

    def lines(pipe: Pipeline) -> list[str]:
        capsys.readouterr()
        pipe.fit(images, labels)
        return capsys.readouterr().out.splitlines()

    pipe = Pipeline("mlp", trainer=Trainer(epochs=1, verbose=2))
    assert not lines(pipe)[0].startswith("starts anew")
    pipe.save(tmp_path / "a.lenet")
    loaded = Pipeline.load(tmp_path / "a.lenet")
    loaded.trainer = pipe.trainer
    assert [lines(pipe)[0], lines(loaded)[0]] == [first, first]
    loaded.trainer = Trainer(epochs=1, verbose=0)
    assert lines(loaded) == []
    own = Pipeline(create_model("mlp", n_classes=2, seed=0), trainer=pipe.trainer)
    lines(own)
    assert len(lines(own)) == 1
    kept = Pipeline("mlp", trainer=Trainer(epochs=1, verbose=2, checkpoint=tmp_path / "run"))
    lines(kept)
    assert lines(kept)[0].startswith("going on from the checkpoint")
