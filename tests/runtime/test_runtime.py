"""Prediction without TensorFlow: the same bits in any batch, from any thread, process or copy."""

import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.bundle import read_bundle
from lenetkit.exceptions import DataError, SettingError
from lenetkit.exporting._litert import _convert
from lenetkit.runtime import Predictor
from lenetkit.runtime._predictor import _BATCH, _ROWS_PER_TASK

pytestmark = pytest.mark.tensorflow

SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"
SCALE = np.float32(1 / 255)


@pytest.fixture(scope="session")
def lenet5() -> bytes:
    """Return LeNet-5 for LiteRT, with weights that give each image its own answer."""
    from lenetkit.exporting import convert_to_litert
    from lenetkit.models import create_model

    model = create_model(seed=3)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(0, 0.2, weights.shape).astype(np.float32) for weights in model.get_weights()])
    return convert_to_litert(model)


@pytest.fixture(scope="session")
def predictor(lenet5: bytes) -> Predictor:
    """Return a predictor that takes uint8 images."""
    return Predictor(lenet5, scale=SCALE)


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """Return 1,300 different images: several tasks for threads, with a rest."""
    return np.random.default_rng(0).integers(0, 256, (2 * _ROWS_PER_TASK + 4 * _BATCH + 20, 28, 28, 1), dtype=np.uint8)


@pytest.fixture(scope="session")
def alone(predictor: Predictor, images: np.ndarray) -> np.ndarray:
    """Return the answer to each image when nobody else is there."""
    return np.concatenate([predictor.predict_proba(image[None]) for image in images])


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


# What the answers are


def test_answers_are_probabilities_of_every_class(predictor: Predictor, alone: np.ndarray) -> None:
    """One float32 row per image, each with its own answer."""
    assert (predictor.input_shape, predictor.n_classes) == ((28, 28, 1), 10)
    assert alone.dtype == np.float32
    np.testing.assert_allclose(alone.sum(axis=1), 1, atol=1e-6)
    assert len(np.unique(alone, axis=0)) == len(alone)


def test_no_images_give_no_answers(predictor: Predictor) -> None:
    """The empty batch is one like any other."""
    assert predictor.predict_proba(np.empty((0, 28, 28, 1), np.uint8)).shape == (0, 10)


@pytest.mark.parametrize("offset", [None, 0, -0.25, np.linspace(-1, 1, 28, dtype=np.float32)[:, None]])
@pytest.mark.parametrize("scale", [SCALE, np.float32(-0.01), np.linspace(0, 0.1, 28 * 28).reshape(28, 28, 1)])
def test_uint8_images_are_scaled_as_the_transforms_do_it(
    lenet5: bytes, images: np.ndarray, scale: np.ndarray, offset: np.ndarray | None
) -> None:
    """Bit for bit: times scale, plus offset, each rounded to float32."""
    scaled = images[:100].astype(np.float32) * np.asarray(scale, np.float32)
    if offset is not None:
        scaled = scaled + np.asarray(offset, np.float32)
    answers = Predictor(lenet5, scale=scale, offset=offset).predict_proba(images[:100])
    assert same_bits(answers, Predictor(lenet5).predict_proba(scaled))


@pytest.mark.parametrize("dtype", ["f2", "f8", ">f4"])
def test_floating_images_of_any_width_are_taken_as_float32(predictor: Predictor, dtype: str) -> None:
    """They go to the model as they are: scale is for uint8."""
    images = np.random.default_rng(1).random((70, 28, 28, 1)).astype(dtype)
    assert same_bits(predictor.predict_proba(images), predictor.predict_proba(images.astype(np.float32)))


def test_the_memory_layout_does_not_matter(predictor: Predictor, images: np.ndarray, alone: np.ndarray) -> None:
    """Views, Fortran order and images without the channel axis."""
    assert same_bits(predictor.predict_proba(images[::-2]), alone[::-2])
    assert same_bits(predictor.predict_proba(np.asfortranarray(images)), alone)
    assert same_bits(predictor.predict_proba(images[..., 0]), alone)
    turned = np.ascontiguousarray(images.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    assert same_bits(predictor.predict_proba(turned), alone)


def test_a_memory_map_is_read_like_an_array(
    predictor: Predictor, images: np.ndarray, alone: np.ndarray, tmp_path: Path
) -> None:
    """Large sets stay on disk."""
    np.save(tmp_path / "images.npy", images)
    assert same_bits(predictor.predict_proba(np.load(tmp_path / "images.npy", mmap_mode="r")), alone)


# Batches


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_predictions_are_batch_invariant(
    predictor: Predictor, images: np.ndarray, alone: np.ndarray, data: st.DataObject
) -> None:
    """Any choice of images in any order and number, repeated or not."""
    size = data.draw(st.sampled_from([1, 2, _BATCH - 1, _BATCH, _BATCH + 1, 3 * _BATCH, _ROWS_PER_TASK + _BATCH]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    chosen = np.random.default_rng(seed).integers(0, len(images), size)
    assert same_bits(predictor.predict_proba(images[chosen]), alone[chosen])


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 2 * _ROWS_PER_TASK), max_size=6))
def test_an_answer_does_not_depend_on_where_a_call_is_split(
    predictor: Predictor, images: np.ndarray, alone: np.ndarray, cuts: list[int]
) -> None:
    """The parts' answers, put together, are the whole's."""
    parts = np.split(images, sorted(cuts))
    assert same_bits(np.concatenate([predictor.predict_proba(part) for part in parts]), alone)


def test_sixteen_threads_agree_with_one(predictor: Predictor, images: np.ndarray, alone: np.ndarray) -> None:
    """All at once, each with large and small calls on the same predictor."""

    def predict(number: int) -> bool:
        order = np.random.default_rng(number).permutation(len(images))
        in_one = same_bits(predictor.predict_proba(images[order]), alone[order])
        one_by_one = (predictor.predict_proba(images[i : i + 1]) for i in order[:50])
        return in_one and same_bits(np.concatenate(list(one_by_one)), alone[order[:50]])

    with ThreadPoolExecutor(16) as executor:
        assert all(executor.map(predict, range(32)))


def test_a_machine_whose_batches_differ_predicts_one_by_one(
    lenet5: bytes, images: np.ndarray, alone: np.ndarray
) -> None:
    """Where a row of a batch had other bits than the image alone, batches would not be used."""
    predictor = Predictor(lenet5, scale=SCALE)
    predictor._agreement = False
    assert same_bits(predictor.predict_proba(images), alone)
    assert not predictor._interpreters[_BATCH]


def test_a_model_that_mixes_its_images_is_predicted_one_by_one() -> None:
    """The check of batches against single images notices a model that breaks the rule."""
    import tensorflow as tf

    from lenetkit.runtime import Predictor

    function = tf.function(
        lambda images: tf.reshape(images, (-1, 16)) - tf.reduce_mean(images),
        input_signature=[tf.TensorSpec((None, 4, 4, 1), tf.float32)],
    )
    tflite = _convert("a test", function.get_concrete_function(), tf.Module())
    images = np.random.default_rng(0).random((_BATCH, 4, 4, 1), dtype=np.float32)
    predictor = Predictor(tflite)
    alone = np.concatenate([predictor.predict_proba(image[None]) for image in images])
    assert same_bits(predictor.predict_proba(images), alone)


# Copies and processes


def test_a_pickled_copy_gives_the_same_answers(
    lenet5: bytes, predictor: Predictor, images: np.ndarray, alone: np.ndarray
) -> None:
    """The bytes travel, not the interpreters: the pickle is no larger than the model."""
    content = pickle.dumps(predictor)
    assert len(content) < len(lenet5) + 1000
    assert same_bits(pickle.loads(content).predict_proba(images), alone)


PREDICT_IN_CHILDREN = """
import multiprocessing, os, sys
import numpy as np
from lenetkit.bundle import read_bundle
from lenetkit.runtime import Predictor

images = np.random.default_rng(0).random((1500, 4, 4, 1), dtype=np.float32)
predictor = Predictor(read_bundle(sys.argv[1]).tflite)
expected = predictor.predict_proba(images).tobytes()  # both interpreters exist, threads have run
used = [id(runner) for runners in predictor._interpreters.values() for runner in runners]
assert used

children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        agrees = predictor.predict_proba(images).tobytes() == expected
        os._exit(0 if agrees else 1)
    children.append(child)
assert predictor.predict_proba(images).tobytes() == expected
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4

for method in ("fork", "spawn"):
    with multiprocessing.get_context(method).Pool(2) as pool:
        for answers in pool.map(predictor.predict_proba, [images] * 4):
            assert answers.tobytes() == expected
print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_and_spawned_processes_give_the_same_answers(tmp_path: Path) -> None:
    """After interpreters were made and threads have run in the parent."""
    script = tmp_path / "children.py"
    script.write_text("if __name__ == '__main__':\n" + PREDICT_IN_CHILDREN.replace("\n", "\n    "))
    child = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", str(script), str(SAMPLE)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (child.stdout, child.stderr) == ("done\n", "")


IMPORTS = """
import json, sys
import lenetkit.runtime
early = sorted(sys.modules)
import numpy as np
from lenetkit.bundle import read_bundle
bundle = read_bundle(sys.argv[1])
lenetkit.runtime.Predictor(bundle.tflite).predict_proba(np.repeat(bundle.golden_images, 100, axis=0))
print(json.dumps([early, sorted(sys.modules)]))
"""


def test_predicting_imports_no_tensorflow_and_says_nothing() -> None:
    """Nor Keras, scikit-learn, pandas or SciPy; LiteRT only once it is needed, and without its line on stderr."""
    child = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(SAMPLE)], capture_output=True, text=True, timeout=300, check=True
    )
    early, late = json.loads(child.stdout)
    assert "ai_edge_litert" not in early
    assert "ai_edge_litert" in late
    assert not {"tensorflow", "keras", "sklearn", "pandas", "scipy"} & set(late)
    assert child.stderr == ""


STDERR = """
import os, sys, threading
from lenetkit._utils.stderr import filter_stderr
with filter_stderr("INFO: noise"):
    os.write(2, b"kept\\nINFO: noise and more\\nkept too, INFO: noise\\n")
    print("from Python", file=sys.stderr)
os.close(2)
with filter_stderr("x"):
    print("without stderr")
"""


def test_nothing_but_the_unwanted_line_is_lost_from_stderr() -> None:
    """What others write meanwhile comes after; and no stderr at all is no error."""
    child = subprocess.run([sys.executable, "-c", STDERR], capture_output=True, text=True, timeout=300, check=True)
    assert child.stderr == "kept\nkept too, INFO: noise\nfrom Python\n"
    assert child.stdout == "without stderr\n"


# What is refused


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((28, 28, 1), np.uint8), r"images must have shape \(n, 28, 28, 1\); got \(28, 28, 1\)"),
        (np.zeros((1, 28, 27, 1), np.uint8), r"got \(1, 28, 27, 1\)"),
        (np.zeros((1, 28, 28, 3), np.uint8), r"got \(1, 28, 28, 3\)"),
        (np.zeros((1, 28, 28, 1, 1), np.uint8), r"got \(1, 28, 28, 1, 1\)"),
        (np.zeros((1, 28, 28, 1), np.int64), r"must be uint8 or floating-point numbers; got dtype int64"),
        (np.zeros((1, 28, 28, 1), bool), r"got dtype bool"),
        ([[0]], r"images must be an ndarray; got list"),
    ],
)
def test_images_that_do_not_fit_are_refused(predictor: Predictor, images: np.ndarray, message: str) -> None:
    """The message says what the model takes and what it got."""
    with pytest.raises(DataError, match=message):
        predictor.predict_proba(images)


def test_uint8_images_need_a_scale() -> None:
    """A model that learnt from 0..1 must not silently see 0..255."""
    bundle = read_bundle(SAMPLE)
    with pytest.raises(DataError, match="images must be floating-point numbers; got dtype uint8"):
        Predictor(bundle.tflite).predict_proba(np.zeros((1, 4, 4, 1), np.uint8))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": np.nan}, "scale must be finite"),
        ({"scale": 1, "offset": np.inf}, "offset must be finite"),
        ({"offset": 1}, "offset needs a scale"),
        ({"scale": np.ones(5)}, r"scale must broadcast to the model's input shape \(4, 4, 1\); got shape \(5,\)"),
        ({"scale": np.ones((2, 4, 4, 1))}, r"scale must broadcast"),
        ({"scale": 1, "offset": np.ones((4, 4, 3))}, r"offset must broadcast"),
    ],
)
def test_a_scale_that_cannot_be_meant_is_refused(settings: dict[str, object], message: str) -> None:
    """As early as it can be known."""
    with pytest.raises(SettingError, match=message):
        _ = Predictor(read_bundle(SAMPLE).tflite, **settings).input_shape


@pytest.mark.parametrize("tflite", [b"", b"not a model", b"\x1c\0\0\0TFL3" + bytes(100)])
def test_bytes_that_are_no_model_are_refused(tflite: bytes) -> None:
    """With LiteRT's reason."""
    with pytest.raises(DataError, match="the LiteRT model cannot be used: "):
        _ = Predictor(tflite).n_classes


@pytest.mark.parametrize("shape", [(None, 4), (None, 4, 4, 1)])
def test_models_of_another_kind_are_refused(shape: tuple[int | None, ...]) -> None:
    """One float32 image in, one row of probabilities out."""
    import tensorflow as tf

    function = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec(shape, tf.float32)])
    tflite = _convert("a test", function.get_concrete_function(), tf.Module())
    kind = "input" if len(shape) == 2 else "output"
    with pytest.raises(DataError, match=f"it must have one float32 {kind} of shape"):
        _ = Predictor(tflite).n_classes
