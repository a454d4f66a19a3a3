"""The NumPy runtime, and ONNX Runtime's: LiteRT's answers without LiteRT, and nothing but errors for lying files."""

import contextlib
import json
import os
import pickle
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit import Pipeline
from lenetkit.bundle import Bundle, read_bundle, verify_bundle
from lenetkit.exceptions import BundleError, DataError, MissingExtraError, SettingError
from lenetkit.pretrained import get_path
from lenetkit.runtime import Predictor, SweptPredictor
from lenetkit.runtime._graph import read_graph
from lenetkit.runtime._numpy import NumpyNetwork
from lenetkit.runtime._runtimes import BATCHES, RUNTIMES
from lenetkit.synthesis import draw_digits, draw_number

FORMAT_1 = Path(__file__).parents[1] / "data" / "format_1.lenet"
OTHERS = ("numpy", "onnx")


def skip_without(runtime: str) -> None:
    for module in {"litert": ["ai_edge_litert"], "onnx": ["onnx", "onnxruntime"]}.get(runtime, ()):
        pytest.importorskip(module)


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest) -> str:
    """Return a runtime that is not LiteRT."""
    skip_without(request.param)
    return str(request.param)


@pytest.fixture(scope="module")
def pretrained() -> Bundle:
    """Return the bundle that comes along."""
    return read_bundle(get_path("digits"))


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """Return 70 drawn digits and as many of noise, uint8."""
    noise = np.random.default_rng(0).integers(0, 256, (70, 28, 28), dtype=np.uint8)
    return np.concatenate([draw_digits(70, seed=1).images.reshape(-1, 28, 28), noise])[..., np.newaxis]


def same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


# The answers


@pytest.mark.parametrize("path", [get_path("digits"), FORMAT_1], ids=["pretrained", "format 1"])
def test_all_networks_of_a_file_give_its_golden_answers(other: str, path: Path) -> None:
    """The model, the gate and the line reader; a file of the first format as one of today."""
    assert verify_bundle(read_bundle(path), runtime=other) <= 1e-6


def test_probabilities_are_those_of_litert(other: str, pretrained: Bundle, digits: np.ndarray) -> None:
    """Of the model and of the gate, on digits and on noise."""
    skip_without("litert")
    assert pretrained.rejection is not None
    for tflite in (pretrained.tflite, pretrained.rejection.gate_tflite):
        expected = Predictor(tflite, scale=1 / 255, runtime="litert").predict_proba(digits)
        answers = Predictor(tflite, scale=1 / 255, runtime=other).predict_proba(digits)
        np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", OTHERS)
def test_all_test_labels_of_mnist_are_those_of_litert(runtime: str, shared_data: Path) -> None:
    """Ten thousand images, none of them with another label."""
    skip_without(runtime)
    skip_without("litert")
    from lenetkit import load_dataset

    images = load_dataset("mnist", subset="test", data_dir=shared_data, download=False).images
    expected = Pipeline.pretrained(runtime="litert").predict(images)
    assert np.array_equal(Pipeline.pretrained(runtime=runtime).predict(images), expected)


def test_numbers_are_read_as_with_litert(other: str) -> None:
    """The whole way: strips, the swept network and its second looks, the search, the doubts."""
    skip_without("litert")
    first, second = Pipeline.pretrained(runtime="litert"), Pipeline.pretrained(runtime=other)
    for text, seed in (("4711", 0), ("30518", 1), ("90210", 2)):
        image = draw_number(text, seed=seed).image
        expected, reading = first.read_number(image), second.read_number(image)
        assert reading.text == expected.text
        assert reading.probability == pytest.approx(expected.probability, abs=1e-3)


def test_lines_of_any_width_are_answered_as_by_litert(other: str, pretrained: Bundle) -> None:
    """The narrowest, the widest, and each by itself: the same bits whatever came before."""
    skip_without("litert")
    reader = pretrained.line_reader
    assert reader is not None
    rng = np.random.default_rng(0)
    lines = [rng.integers(0, 256, (40, width), dtype=np.uint8) for width in (1, 16, 129, 700)]
    litert = SweptPredictor(reader.tflite, pitch=reader.pitch, runtime="litert")
    predictor = SweptPredictor(reader.tflite, pitch=reader.pitch, runtime=other)
    answers = [predictor.log_probabilities(line) for line in lines]
    for line, answer in zip(lines, answers, strict=True):
        np.testing.assert_allclose(np.exp(answer), np.exp(litert.log_probabilities(line)), rtol=0, atol=2e-6)
    again = pickle.loads(pickle.dumps(predictor))
    assert again.runtime == other
    assert all(map(same_bits, map(again.log_probabilities, lines[::-1]), answers[::-1]))
    with pytest.raises(DataError, match="must be 40 pixels high; got 39"):
        predictor.log_probabilities(lines[2][:39])


# Batches, threads, copies


@pytest.fixture(scope="module")
def predictor(other: str, pretrained: Bundle) -> Predictor:
    """Return the pretrained model in a runtime that is not LiteRT."""
    return Predictor(pretrained.tflite, scale=1 / 255, runtime=other)


@pytest.fixture(scope="module")
def alone(predictor: Predictor, digits: np.ndarray) -> np.ndarray:
    """Return the answer to each image when nobody else is there."""
    return np.concatenate([predictor.predict_proba(image[None]) for image in digits])


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_predictions_are_batch_invariant(
    predictor: Predictor, digits: np.ndarray, alone: np.ndarray, data: st.DataObject
) -> None:
    """Any choice of images in any order and number, repeated or not, and any place in a batch."""
    rows = BATCHES[predictor.runtime]
    size = data.draw(st.sampled_from([1, 2, rows - 1, rows, rows + 1, 3 * rows, 600]))
    chosen = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).integers(0, len(digits), size)
    assert same_bits(predictor.predict_proba(digits[chosen]), alone[chosen])
    assert predictor._agreement is not False


def test_threads_agree_with_one(predictor: Predictor, digits: np.ndarray, alone: np.ndarray) -> None:
    """Large and small calls on the same predictor at once."""

    def predict(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(len(digits))
        one = same_bits(predictor.predict_proba(digits[order[:1]]), alone[order[:1]])
        return one and same_bits(predictor.predict_proba(digits[order]), alone[order])

    with ThreadPoolExecutor(8) as executor:
        assert all(executor.map(predict, range(16)))


def test_a_pickled_pipeline_keeps_its_runtime(other: str, digits: np.ndarray) -> None:
    """It travels as its file and the name of the runtime."""
    pipe = Pipeline.pretrained(runtime=other)
    copied = pickle.loads(pickle.dumps(pipe))
    assert copied._fitted.predictor.runtime == other
    assert same_bits(copied.predict_proba(digits), pipe.predict_proba(digits))
    assert pickle.loads(pickle.dumps(Predictor(b"", runtime=other)))._wanted == other


FORK = """
import os, sys
import numpy as np
from lenetkit import Pipeline
pipe = Pipeline.pretrained(runtime=sys.argv[1])
images = np.random.default_rng(0).integers(0, 256, (600, 28, 28), dtype=np.uint8)
expected = pipe.predict_proba(images).tobytes()
child = os.fork()
if child == 0:
    os._exit(0 if pipe.predict_proba(images).tobytes() == expected else 1)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_gives_the_same_answers(other: str) -> None:
    """After threads have run in the parent."""
    assert run("-W", "ignore::DeprecationWarning", "-c", FORK, other) == "0\n"


def run(*arguments: str, **environment: str) -> str:
    child = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )
    assert child.returncode == 0, child.stderr
    return child.stdout


# The choice


EVERYTHING = """
import json, sys
{}
import numpy as np
from lenetkit import Pipeline
from lenetkit.synthesis import draw_digits, draw_number
pipe = Pipeline.pretrained()
images = draw_digits(20, styles="school", seed=3).images
rejecting = pipe.predict(images, reject=0.01)
answers = pipe.predict(images).tolist(), len(rejecting), pipe.read_number(draw_number("472", seed=0).image).text
pipe.diagnose(images[:1])
runtimes = {{pipe._fitted.predictor.runtime, pipe._fitted.line_reader.predictor.runtime}}
names = {{name.partition(".")[0] for name, module in sys.modules.items() if module is not None}}
print(json.dumps([answers, sorted(runtimes), sorted(names)]))
"""
ABSENT = {
    "not there": 'sys.modules["ai_edge_litert"] = None',
    "not found": (
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        '        if name.startswith("ai_edge_litert"): raise ImportError(name)\n'
        "sys.meta_path.insert(0, Finder())"
    ),
    "broken": "sys.path.insert(0, {folder!r})",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ABSENT)
def test_without_litert_everything_runs_in_numpy_by_itself(kind: str, tmp_path: Path) -> None:
    """Labels, rejection, numbers and diagnosis; not installed, or installed and not fit for this machine."""
    package = tmp_path / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").write_text('raise ImportError("libLiteRt.so: cannot open shared object file")')
    answers, runtimes, names = json.loads(run("-c", EVERYTHING.format(ABSENT[kind].format(folder=str(tmp_path)))))
    assert answers == [[*range(10)] * 2, 20, "472"]
    assert runtimes == ["numpy"]
    assert not {"tensorflow", "keras", "sklearn", "pandas", "ai_edge_litert", "onnx", "onnxruntime"} & set(names)


def test_numpy_is_used_where_litert_is_when_it_is_asked_for() -> None:
    """And LiteRT is not imported for it."""
    skip_without("litert")
    code = EVERYTHING.format("").replace("pretrained()", 'pretrained(runtime="numpy")')
    _, runtimes, names = json.loads(run("-c", code))
    assert runtimes == ["numpy"]
    assert not {"tensorflow", "keras", "sklearn", "pandas", "ai_edge_litert"} & set(names)


def test_an_unknown_runtime_lists_the_known_ones() -> None:
    """Wherever one can be named, before anything is read."""
    message = "runtime must be one of 'litert', 'numpy', 'onnx', or None; got 'torch'"
    for ask in (Pipeline.pretrained, lambda runtime: Pipeline.load(get_path("digits"), runtime=runtime)):
        with pytest.raises(SettingError, match=message):
            ask(runtime="torch")
    with pytest.raises(SettingError, match=message):
        Predictor(b"", runtime="torch")
    with pytest.raises(SettingError, match=message):
        SweptPredictor(b"", pitch=4, runtime="torch")


@pytest.mark.parametrize(
    ("runtime", "module", "cure"),
    [("litert", "ai_edge_litert", "pip install"), ("onnx", "onnxruntime", r'pip install "lenetkit\[onnx\]"')],
)
def test_a_runtime_that_is_not_installed_names_the_cure(
    runtime: str, module: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, at load."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=f'runtime="{runtime}" needs .*{cure}'):
        Pipeline.pretrained(runtime=runtime)


def test_a_runtime_that_gives_other_answers_is_refused_at_load(other: str, tmp_path: Path) -> None:
    """As a file would be whose golden answers do not belong to its weights; LiteRT's check is ``lenetkit verify``."""
    from lenetkit.bundle import write_bundle

    bundle = read_bundle(FORMAT_1)
    moved = (bundle.golden_probabilities + np.float32(1e-4)).astype(np.float32)
    path = write_bundle(tmp_path / "other.lenet", attrs.evolve(bundle, golden_probabilities=moved))
    with pytest.raises(BundleError, match=r"cannot load .*other\.lenet: the model does not give the answers"):
        Pipeline.load(path, runtime=other)


def test_the_command_line_names_the_same_runtimes() -> None:
    """Its list is a copy, so that a help text imports nothing."""
    for name in ("predict", "read", "diagnose", "evaluate", "verify", "demo"):
        command = getattr(import_module(f"lenetkit.cli.{name}"), name)
        (option,) = [option for option in command.params if option.name == "runtime"]
        assert tuple(option.type.choices) == RUNTIMES


def test_commands_answer_in_the_runtime_that_is_asked_for() -> None:
    """``verify`` says how far its answers are from the file's; ``predict`` gives the label."""
    from click.testing import CliRunner

    verify = import_module("lenetkit.cli.verify").verify
    result = CliRunner().invoke(verify, ["--runtime", "numpy"])
    assert result.exit_code == 0
    assert "golden inputs, greatest difference" in result.output
    predict = import_module("lenetkit.cli.predict").predict
    result = CliRunner().invoke(predict, ["--runtime", "torch", "x.png"])
    assert result.exit_code == 2
    assert "'litert', 'numpy', 'onnx'" in result.output


# Files that lie


def attempt(tflite: bytes, images: np.ndarray) -> None:
    """Run a model that may be damaged: it answers or says what is wrong."""
    with contextlib.suppress(DataError):
        answers = Predictor(tflite, runtime="numpy").predict_proba(images)
        assert len(answers) == len(images)


@pytest.fixture(scope="module")
def small() -> Bundle:
    """Return a file with a small network."""
    return read_bundle(FORMAT_1)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_model_is_an_error_or_another_model(small: Bundle, data: st.DataObject) -> None:
    """Any few bytes changed, any number written over another, cut short anywhere: no crash, no other error."""
    content = bytearray(small.tflite)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(8, len(content) - 4))
        value = data.draw(
            st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(2**32 - 300, 2**32 - 1))
        )
        size = data.draw(st.sampled_from([1, 2, 4]))
        content[position : position + size] = struct.pack("<I", value)[:size]
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    attempt(bytes(content), small.golden_images)


def test_every_reference_of_a_model_may_lie(small: Bundle) -> None:
    """Each aligned number in turn is made large, negative, and one that refers to itself."""
    for position in range(8, len(small.tflite) - 4, 4):
        for value in (0, 0x7FFFFFFF, 0xFFFFFFFF):
            content = bytearray(small.tflite)
            struct.pack_into("<I", content, position, value)
            attempt(bytes(content), small.golden_images[:1])


def test_an_array_that_nobody_can_mean_is_refused_before_it_is_made(small: Bundle) -> None:
    """A constant of (1, 1) added to images becomes one that spreads them over terabytes."""
    network = NumpyNetwork(small.tflite)
    graph = network._graph
    add = next(each for each in graph.operations if each.name == "dense")
    from lenetkit.runtime._operations import OPERATIONS

    step = OPERATIONS["add"]({"activation": 0}, [None, None], graph.tensors[add.output])
    with pytest.raises(DataError, match="asks for an array of shape"):
        step(np.zeros((1 << 20, 1), np.float32), np.zeros((1, 1 << 20), np.float32))
    pad = OPERATIONS["pad"]({}, [None, None], graph.tensors[add.output])
    with pytest.raises(DataError, match="asks for an array of shape"):
        pad(np.zeros((1, 4), np.float32), np.array([[0, 0], [0, 2**31 - 1]], np.int32))


def test_an_operation_that_only_litert_knows_says_so(small: Bundle) -> None:
    """With the command that installs LiteRT."""
    content = bytearray(small.tflite)
    graph = read_graph(small.tflite)
    assert graph.operations[-1].name == "softmax"
    for number in (32, 127):  # an operation of the user's own, and the mark of those above 127
        changed = replace_code(content, 25, number)
        with pytest.raises(DataError, match=r"only LiteRT knows .*pip install ai-edge-litert"):
            NumpyNetwork(changed)


def replace_code(content: bytearray, old: int, new: int) -> bytes:
    """Return a model in which an operation has another number, in both fields that hold it."""
    changed = bytearray(content)
    for table in find_codes(bytes(content)):
        for field, form in ((0, "b"), (3, "i")):
            position = table.find(field)
            if position is not None and table.number(field, form) == old:
                struct.pack_into(f"<{form}", changed, position, new)
    return bytes(changed)


def find_codes(content: bytes) -> list:
    from lenetkit._utils.flat_table import FlatTable

    return FlatTable.root(content).tables(1)
