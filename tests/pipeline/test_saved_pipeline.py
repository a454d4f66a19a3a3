"""Saved pipelines as a whole: the same bits in any batch, safe against accidents and hostile files, light to use."""

import json
import os
import re
import signal
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit import Pipeline, Trainer, list_models, load_dataset, model_info
from lenetkit._utils.files import STEPS
from lenetkit.bundle import Bundle, read_bundle, write_bundle
from lenetkit.exceptions import BundleError, LenetkitError, PluginError, SettingError
from lenetkit.exporting import FORMATS, TOLERANCE

# A small pipeline, made with a plug-in's model that is not installed.
SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="kills processes by POSIX signals")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved LeNet-5 that has learnt a little."""
    data = load_dataset("digits")[:200]
    pipe = Pipeline(trainer=Trainer(epochs=2, batch_size=32, verbose=0)).fit(data.images, data.labels)
    return pipe.save(tmp_path_factory.mktemp("saved") / "digits.lenet")


@pytest.fixture(scope="module", params=["sample", pytest.param("lenet5", marks=pytest.mark.tensorflow)])
def pipe(request: pytest.FixtureRequest) -> Pipeline:
    """Return a loaded pipeline."""
    return Pipeline.load(SAMPLE if request.param == "sample" else request.getfixturevalue("saved"))


@pytest.fixture(scope="module")
def array() -> np.ndarray:
    """Return 1,300 different images of one size: several tasks for threads, with a rest."""
    return np.random.default_rng(0).integers(0, 256, (1300, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Return 150 pictures of many sizes, grey and in colours."""
    rng = np.random.default_rng(1)
    shapes = [(*rng.integers(1, 60, 2), *([3] if rng.random() < 0.5 else [])) for _ in range(150)]
    return [rng.integers(0, 256, shape, np.uint8) for shape in shapes]


@pytest.fixture(scope="module")
def alone(pipe: Pipeline, array: np.ndarray) -> np.ndarray:
    """Return the answer to each image of one size when nobody else is there."""
    return np.concatenate([pipe.predict_proba(image[None]) for image in array])


@pytest.fixture(scope="module")
def pictures_alone(pipe: Pipeline, pictures: list[np.ndarray]) -> np.ndarray:
    """Return the answer to each picture when nobody else is there."""
    return np.concatenate([pipe.predict_proba([picture]) for picture in pictures])


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


def run(script: str, *arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)


def changed(path: Path, **changes: Any) -> Path:
    """Save the sample with other values in it, sound in itself: what somebody makes who means harm."""
    return write_bundle(path, attrs.evolve(read_bundle(SAMPLE), **changes))


# Batches


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_predictions_are_batch_invariant(
    pipe: Pipeline, array: np.ndarray, alone: np.ndarray, data: st.DataObject
) -> None:
    """Any choice of images in any order and number, repeated or not, also as float."""
    size = data.draw(st.sampled_from([1, 2, 63, 64, 65, 200, 600]))
    chosen = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).integers(0, len(array), size)
    assert same_bits(pipe.predict_proba(array[chosen]), alone[chosen])
    assert (pipe.predict(array[chosen]) == pipe.classes_[alone[chosen].argmax(axis=1)]).all()


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(150)), size=st.integers(1, 150))
def test_pictures_of_many_sizes_are_answered_as_if_alone(
    pipe: Pipeline, pictures: list[np.ndarray], pictures_alone: np.ndarray, order: list[int], size: int
) -> None:
    """The transforms that bring them together do not mix them."""
    chosen = order[:size]
    assert same_bits(pipe.predict_proba([pictures[index] for index in chosen]), pictures_alone[chosen])


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 1299), max_size=6, unique=True))
def test_an_answer_does_not_depend_on_where_a_call_is_split(
    pipe: Pipeline, array: np.ndarray, alone: np.ndarray, cuts: list[int]
) -> None:
    """The parts' answers, put together, are the whole's."""
    parts = np.split(array, sorted(cuts))
    assert same_bits(np.concatenate([pipe.predict_proba(part) for part in parts]), alone)


@pytest.mark.slow
def test_sixteen_threads_agree_with_one(
    pipe: Pipeline,
    array: np.ndarray,
    alone: np.ndarray,
    pictures: list[np.ndarray],
    pictures_alone: np.ndarray,
) -> None:
    """All at once on one pipeline, with large and small calls of every kind."""

    def predict(number: int) -> bool:
        order = np.random.default_rng(number).permutation(len(array))
        one_by_one = np.concatenate([pipe.predict_proba(array[index][None]) for index in order[:50]])
        return (
            same_bits(pipe.predict_proba(array[order]), alone[order])
            and same_bits(one_by_one, alone[order[:50]])
            and same_bits(pipe.predict_proba(pictures[number:]), pictures_alone[number:])
        )

    with ThreadPoolExecutor(16) as executor:
        assert all(executor.map(predict, range(32)))


IN_CHILDREN = """
import multiprocessing, os, pickle, sys
import numpy as np
from lenetkit import Pipeline

if __name__ == "__main__":
    images = np.random.default_rng(0).integers(0, 256, (1500, 28, 28), np.uint8)
    pipe = Pipeline.load(sys.argv[1])
    expected = pipe.predict_proba(images).tobytes()  # both interpreters exist, threads have run
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            os._exit(0 if pipe.predict_proba(images).tobytes() == expected else 1)
        children.append(child)
    assert pipe.predict_proba(images).tobytes() == expected
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            for answers in pool.map(pipe.predict_proba, [images] * 4):
                assert answers.tobytes() == expected
    assert not {"tensorflow", "keras"} & set(sys.modules)
    print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_and_spawned_processes_agree(pipe: Pipeline, tmp_path: Path) -> None:
    """After the pipeline has answered in the parent; it travels to spawned ones by pickle."""
    path = pipe.save(tmp_path / "digits.lenet")
    (tmp_path / "children.py").write_text(IN_CHILDREN)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(tmp_path / "children.py"), str(path)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (child.stdout, child.stderr) == ("done\n", "")


AFTER_TRAINING = """
import os, sys
from lenetkit import Pipeline, Trainer, load_dataset

data = load_dataset("digits")[:64]
pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(data.images, data.labels)
expected = pipe.predict_proba(data.images).tobytes()
child = os.fork()
if child == 0:
    os._exit(0 if pipe.predict_proba(data.images).tobytes() == expected else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_has_trained_can_be_forked_to_predict() -> None:
    """TensorFlow would hang there; LiteRT does not."""
    child = run(AFTER_TRAINING)
    assert child.returncode == 0, child.stderr


# Light


LIGHT = """
import re, sys
from importlib.metadata import requires

MODULES = {"ai-edge-litert": "ai_edge_litert", "pillow": "PIL", "scikit-learn": "sklearn"}
needed = {re.match("[A-Za-z0-9_-]+", line)[0] for line in requires("lenetkit") if "extra ==" not in line}
assert {"tensorflow", "pandas", "numpy"} <= needed
for package in needed - set(sys.argv[3].split()):
    sys.modules[MODULES.get(package, package)] = None  # importing it is an ImportError now

import numpy as np
from lenetkit import Pipeline
pipe = Pipeline.load(sys.argv[1])
pipe.predict([np.zeros((9, 9), np.uint8)] * 700)
pipe.save(sys.argv[2])
from lenetkit.cli import main
main(["verify", sys.argv[2]])
"""


def test_a_saved_pipeline_needs_only_the_packages_that_lenetkit_lite_brings(tmp_path: Path) -> None:
    """For a container without TensorFlow: loading, predicting, saving and verifying do without the others."""
    build = (Path(__file__).parents[2] / "lite" / "hatch_build.py").read_text("utf-8")
    named = re.search(r"^DEPENDENCIES = \((.*)\)$", build, re.MULTILINE)
    assert named
    child = run(LIGHT, SAMPLE, tmp_path / "again.lenet", re.sub('[",]', "", named[1]))
    assert (child.returncode, child.stderr) == (0, "")
    assert "is sound" in child.stdout


@pytest.mark.tensorflow
def test_large_calls_hold_no_float_copy_of_their_images(saved: Path) -> None:
    """What is needed besides the images is a fraction of them."""
    pipe = Pipeline.load(saved)
    images = np.random.default_rng(0).integers(0, 256, (20_000, 28, 28), np.uint8)
    pipe.predict_proba(images[:2000])
    tracemalloc.start()
    try:
        pipe.predict_proba(images)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < images.nbytes / 4


# Accidents while saving


KILLED_AT_A_STEP = """
import os, signal, sys
from lenetkit import Pipeline

source, target, step = sys.argv[1:]
pipe = Pipeline.load(source)

def kill(event, arguments):
    if event == "lenetkit._utils.files" and arguments[0] == step:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
pipe.save(target, notes={"name": "new"})
"""


@needs_signals
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_of_a_save_leaves_the_old_file_or_the_new_one(tmp_path: Path, step: str) -> None:
    """Both are whole, and the next save leaves nothing beside its file."""
    target = Pipeline.load(SAMPLE).save(tmp_path / "digits.lenet", notes={"name": "old"})
    old = target.read_bytes()
    assert run(KILLED_AT_A_STEP, SAMPLE, target, step).returncode == -signal.SIGKILL
    assert (target.read_bytes() == old) == (STEPS.index(step) <= STEPS.index("rename"))
    assert read_bundle(target).data["name"] == ("old" if target.read_bytes() == old else "new")
    Pipeline.load(target).save(target)
    assert os.listdir(tmp_path) == ["digits.lenet"]


ON_A_FULL_DISK = """
import resource, signal, sys
from lenetkit import Pipeline

source, target, limit = sys.argv[1:]
pipe = Pipeline.load(source)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
try:
    pipe.save(target)
except OSError:
    print("refused")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
@pytest.mark.parametrize("limit", [0, 1, 4096, SAMPLE.stat().st_size - 1])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, limit: int) -> None:
    """Byte for byte, and nothing beside it; on a new name it leaves nothing."""
    target = tmp_path / "digits.lenet"
    target.write_bytes(b"the old file")
    for path in (target, tmp_path / "new.lenet"):
        assert run(ON_A_FULL_DISK, SAMPLE, path, limit).stdout == "refused\n"
    assert target.read_bytes() == b"the old file"
    assert os.listdir(tmp_path) == ["digits.lenet"]


# Hostile files


RESCALE = {"name": "rescale", "settings": {}}
ENCODER = {"kind": "str", "classes": ["a", "b", "c"], "fixed": False}


def hostile_transforms() -> dict[str, list[Any]]:
    """Return transforms that no pipeline has written."""
    names = ("os.system", "builtins.eval", "subprocess.Popen", "lenetkit.transforms.resize.Resize", "lenet5")
    sizes = ([10**9] * 2, "441", [-1, 0], [True, True], [1.5, 2], None, [], {"a": 1}, 4, [[4, 4]], [4, 4, 4])
    learnt: list[Any] = [
        {},
        {"mean": [], "std": []},
        {"mean": ["0.5"], "std": ["0.5"]},
        {"mean": [0.5], "std": [0.0]},
        {"mean": [0.5], "std": [1e-30]},
        {"mean": [True], "std": [True]},
        {"mean": [0.5], "std": [0.5, 0.5]},
        {"mean": [0.5], "std": [0.5], "__class__": "os"},
        [0.5],
    ]
    return {
        **{f"name {name}": [{"name": name, "settings": {}}] for name in names},
        **{f"size {size}": [{"name": "resize", "settings": {"size": size}}] for size in sizes},
        **{f"background {b}": [{"name": "resize", "settings": {"background": b}}] for b in ("x", -1, 2, True, [])},
        **{f"learnt {values}": [{"name": "standardize", "settings": {}, "learnt": values}] for values in learnt},
        "learnt by one that does not learn": [{**RESCALE, "learnt": {"a": 1}}],
        "unknown setting": [{"name": "rescale", "settings": {"__class__": "os"}}],
        "unknown key": [{**RESCALE, "module": "os"}],
        "settings list": [{"name": "rescale", "settings": [1]}],
        "settings text": [{"name": "rescale", "settings": "os.system('true')"}],
        "steps text": [{"name": "compose", "settings": {"steps": "abc"}}],
        "inside": [{"name": "compose", "settings": {"steps": [{"name": "os.system", "settings": {}}]}}],
    }


def hostile_encoders() -> dict[str, dict[str, Any]]:
    """Return encoders that no pipeline has written."""
    classes: list[Any] = [
        [],
        "abc",
        {"a": 1},
        None,
        1,
        [["a"], ["b"], ["c"]],
        ["a", "a", "b"],
        ["a", 1, "c"],
        [None] * 3,
        [1.5, 2, 3],
        ["a\0", "b", "c"],
        ["", "b", "c"],
        [{}, {}, {}],
        list(range(50_000)),
        [1, 2, 3],
    ]
    described: dict[str, dict[str, Any]] = {"empty": {}, "more": {**ENCODER, "module": "os"}}
    described |= {f"no {key}": {other: ENCODER[other] for other in ENCODER if other != key} for key in ENCODER}
    described |= {f"classes {number}": {**ENCODER, "classes": value} for number, value in enumerate(classes)}
    described |= {f"kind {kind}": {**ENCODER, "kind": kind} for kind in ("object", "os.system", None, 1, ["str"])}
    return described | {f"fixed {fixed}": {**ENCODER, "fixed": fixed} for fixed in (0, 1, "yes", None, [])}


LOAD_HOSTILE = """
import json, pathlib, re, sys
import numpy as np
from lenetkit import Pipeline
from lenetkit.exceptions import BundleError
from lenetkit.transforms import create_transform, list_transforms, transform_from_dict, transform_to_dict

WATCHED = ("import", "exec", "compile", "code.", "ctypes", "marshal", "os.exec", "os.fork", "os.posix_spawn",
           "os.putenv", "os.remove", "os.rename", "os.mkdir", "os.spawn", "os.system", "pickle", "shutil", "socket",
           "subprocess", "tempfile")
events, found, current = [], {}, None

def watch(event, arguments):
    writes = event == "open" and (not isinstance(arguments[1], str) or set(arguments[1]) & set("wax+"))
    if current is not None and (writes or event.startswith(WATCHED)):
        events.append([current, event, repr(arguments)[:200]])

def outcome(path):
    try:
        Pipeline.load(path)
    except BundleError as error:
        return "BundleError"
    except BaseException as error:
        return repr(error)[:200]
    return "believed"

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text()).group(1))

# What a sound file makes happen once in a process: registries filled, converters generated from the classes.
outcome(sys.argv[1])
for name in list_transforms():
    transform_from_dict(transform_to_dict(create_transform(name)))
paths = sorted(pathlib.Path(sys.argv[2]).iterdir())
for path in paths[:1]:
    outcome(path)
sys.addaudithook(watch)
before = peak()
for path in paths:
    current = path.name
    found[path.name] = outcome(path)
current = None
grown = (peak() - before) // 1024
print(json.dumps({"events": events, "found": found, "grown": grown, "modules": sorted(sys.modules)}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured through /proc")
def test_hostile_pipelines_are_refused_and_nothing_happens(tmp_path: Path) -> None:
    """Sound files around transforms and encoders that mean harm: no import, no code, no write; a BundleError."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name, transforms in hostile_transforms().items():
        changed(folder / f"transform {re.sub('[^a-z0-9 ]', '_', name)[:80]}", transforms=transforms)
    for name, encoder in hostile_encoders().items():
        changed(folder / f"encoder {re.sub('[^a-z0-9 ]', '_', name)[:80]}", encoder=encoder)
    assert len(list(folder.iterdir())) > 60
    child = run(LOAD_HOSTILE, SAMPLE, folder)
    assert child.returncode == 0, child.stderr
    report = json.loads(child.stdout)
    assert {name: outcome for name, outcome in report["found"].items() if outcome != "BundleError"} == {}
    assert report["events"] == []
    assert report["grown"] < 100
    assert not {"tensorflow", "keras", "sklearn", "pandas"} & set(report["modules"])


names = st.sampled_from(["grayscale", "resize", "rescale", "standardize", "compose", "pad", "invert", "os.system"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5000) | st.floats(-2, 300) | st.text("ab.", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "settings"]), inner),
    max_leaves=6,
)
keys = st.sampled_from(["size", "background", "margin", "steps", "per_channel", "mean", "std"])
steps = st.fixed_dictionaries(
    {"name": names}, optional={"settings": st.dictionaries(keys, values), "learnt": st.dictionaries(keys, values)}
)


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("LENETKIT_FUZZ_EXAMPLES", "150")), deadline=None)
@given(transforms=st.lists(steps, max_size=3))
def test_fuzz_any_transforms_give_a_pipeline_or_our_error(
    tmp_path_factory: pytest.TempPathFactory, transforms: list[Any]
) -> None:
    """Whatever was saved as transforms."""
    path = changed(tmp_path_factory.getbasetemp() / "fuzz.lenet", transforms=transforms)
    try:
        pipe = Pipeline.load(path)
    except LenetkitError:
        return
    assert len(pipe.transforms_.steps) == len(transforms)


@pytest.mark.parametrize("name", ["os.system", "lenet_5", "one_layer"])
def test_an_unknown_model_predicts_and_is_not_imported(tmp_path: Path, name: str) -> None:
    """Its name is only looked up when the Keras model is asked for."""
    pipe = Pipeline.load(changed(tmp_path / "x.lenet", model=name))
    assert pipe.predict(np.zeros((1, 4, 4), np.uint8)).tolist() == ["eins"]


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "os.system"}, "the Keras model 'os.system' comes from the distribution lenetkit-example"),
        ({"model": "lenet5", "model_options": {"pooling": "os.system"}}, "cannot be rebuilt as it was saved"),
        ({"model": "lenet5", "model_options": {"no_such_option": 1}}, "cannot be rebuilt as it was saved"),
        ({"model": None}, "built by hand"),
    ],
)
def test_a_model_that_cannot_be_rebuilt_says_why(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Predicting works meanwhile."""
    pipe = Pipeline.load(changed(tmp_path / "x.lenet", **changes))
    with pytest.raises(LenetkitError, match=message):
        pipe.model_  # noqa: B018


# Every registered model and format


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", list_models())
def test_every_model_answers_alike_as_keras_as_litert_and_from_its_file(name: str, tmp_path: Path) -> None:
    """Trained, saved, loaded and rebuilt."""
    info = model_info(name)
    data = load_dataset("digits")[:40]
    pipe = Pipeline(name, trainer=Trainer(epochs=1, batch_size=20, verbose=0)).fit(data.images, data.labels)
    answers = pipe.predict_proba(data.images)
    loaded = Pipeline.load(pipe.save(tmp_path / "x.lenet"))
    assert same_bits(loaded.predict_proba(data.images), answers)
    prepared = np.asarray(pipe.transforms_(data.images), np.float32).reshape(-1, *info.input_shape)
    for model in (pipe.model_, loaded.model_):
        np.testing.assert_allclose(answers, np.asarray(model(prepared, training=False)), atol=TOLERANCE, rtol=0)


@pytest.mark.tensorflow
@pytest.mark.parametrize("form", FORMATS)
def test_a_loaded_pipeline_exports_what_answers_alike(saved: Path, tmp_path: Path, form: str) -> None:
    """In every format; the labels lie beside it."""
    if form == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    report = Pipeline.load(saved).export(tmp_path / f"digits{FORMATS[form]}", format=form)
    assert report.greatest_difference < TOLERANCE
    assert report.labels.read_text().split() == list("0123456789")
    described = json.loads(report.preprocessing.read_text())
    assert [step["name"] for step in described["preprocessing"]["transforms"]] == ["grayscale", "resize", "rescale"]


def test_the_sample_of_every_format_loads_as_a_pipeline() -> None:
    """Files of every released format stay usable."""
    for path in SAMPLE.parent.glob("format_*.lenet"):
        pipe = Pipeline.load(path)
        bundle: Bundle = read_bundle(path)
        assert pipe.classes_.tolist() == bundle.encoder["classes"]
        assert pipe.predict_proba(np.zeros((2, *bundle.input_shape[:2]), np.uint8)).shape == (2, bundle.n_classes)
    assert pipe is not None


def test_a_transform_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """With what to do."""
    path = changed(tmp_path / "x.lenet", transforms=[{"name": "someone_elses", "settings": {}}])
    with pytest.raises(BundleError, match=r"unknown transform 'someone_elses'.*Install the package"):
        Pipeline.load(path)


SCRIPT = """
import sys
import keras
from lenetkit import Pipeline, Trainer, load_dataset, register_model

@register_model("of_a_script", description="One layer.", input_shape=(8, 8, 1), n_parameters=650)
def of_a_script(input_shape, n_classes):
    layers = [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(n_classes, activation="softmax")]
    return keras.Sequential(layers)

digits = load_dataset("digits")[:100]
pipe = Pipeline("of_a_script", trainer=Trainer(epochs=1, verbose=0)).fit(digits.images, digits.labels)
pipe.save(sys.argv[1])
Pipeline.load(sys.argv[1]).model_
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_model_registered_by_a_script_is_saved(tmp_path: Path) -> None:
    """There it can be rebuilt; elsewhere it predicts, and says what is missing to rebuild it."""
    path = tmp_path / "script.lenet"
    subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, capture_output=True)
    elsewhere = Pipeline.load(path)
    assert elsewhere.predict(np.zeros((1, 8, 8), np.uint8)).shape == (1,)
    with pytest.raises(PluginError, match="registered by a script or in a notebook"):
        _ = elsewhere.model_


@pytest.mark.tensorflow
def test_an_export_tells_the_format_from_its_name_and_can_fix_the_number_of_images(tmp_path: Path) -> None:
    """Of the pretrained pipeline, too, whose Keras model is rebuilt for it."""
    pipe = Pipeline.pretrained()
    assert pipe.export(tmp_path / "a.tflite").format == "litert"
    report = pipe.export(tmp_path / "b.tflite", batch=4)
    assert (report.format, report.greatest_difference <= TOLERANCE) == ("litert", True)
    with pytest.raises(SettingError, match=r"format='litert' contradicts the suffix '\.onnx'"):
        pipe.export(tmp_path / "c.onnx", format="litert")
    with pytest.raises(SettingError, match=r"does not tell the format"):
        pipe.export(tmp_path / "c.h5")
