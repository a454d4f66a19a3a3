"""Networks as C headers: compiled with the system's compiler, strictly, they answer as NumPy and Keras do."""

import ctypes
import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lenetkit.exporting._c_code import write_header
from lenetkit.exporting._c_steps import ACTIVATIONS, Step, compute

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1")

MAIN = """
#define {P}_TEST
#include "{file}"
#include <stdio.h>
int main(void)
{{
    static {p}_workspace workspace;
    float image[{P}_HEIGHT * {P}_WIDTH * {P}_CHANNELS], answer[{P}_CLASSES];
    fprintf(stderr, "%.9g %s", (double){p}_check(&workspace), {p}_labels[{P}_CLASSES - 1]);
    while (fread(image, sizeof image, 1, stdin) == 1) {{
        int best = {p}_predict(image, answer, &workspace);
        if (answer[best] < answer[0]) return 1;
        fwrite(answer, sizeof answer, 1, stdout);
    }}
    return 0;
}}
"""


@functools.cache
def can_sanitise() -> bool:
    """Tell whether the compiler has sanitisers with their libraries."""
    if COMPILER is None:
        return False
    command = [COMPILER, "-fsanitize=address,undefined", "-x", "c", "-", "-o", "/dev/null"]
    return (
        subprocess.run(command, input=b"int main(void) { return 0; }", capture_output=True, check=False).returncode == 0
    )


def run_header(header: Path, images: np.ndarray, *, prefix: str, n_classes: int) -> tuple[np.ndarray, float, str]:
    """Compile a header, run its own check and let it answer; return the answers, the difference and the last label."""
    source, program = header.with_name("main.c"), header.with_name("main")
    source.write_text(MAIN.format(p=prefix, P=prefix.upper(), file=header.name))
    checked = ["-fsanitize=address,undefined", "-fno-sanitize-recover"] if can_sanitise() else []
    subprocess.run([COMPILER, *STRICT, *checked, "-o", program, source, "-lm"], check=True)
    ran = subprocess.run(
        [program], input=np.ascontiguousarray(images, "<f4").tobytes(), capture_output=True, check=True
    )
    difference, _, label = ran.stderr.decode().partition(" ")
    return np.frombuffer(ran.stdout, "<f4").reshape(-1, n_classes), float(difference), label


# Steps by themselves, without TensorFlow


def convolution(rng: np.random.Generator, given: tuple[int, int, int], **settings: Any) -> Step:
    height, width, channels = given
    window, stride, same, outputs = (settings[name] for name in ("window", "stride", "same", "outputs"))
    sides = [-(-side // stride) if same else (side - window) // stride + 1 for side in (height, width)]
    top, left = (
        max(0, (result - 1) * stride + window - side) // 2 if same else 0
        for result, side in zip(sides, (height, width), strict=True)
    )
    sizes = {"height": window, "width": window, "stride_y": stride, "stride_x": stride, "top": top, "left": left}
    kernel = rng.normal(0, 0.3, (window, window, channels, outputs)).astype(np.float32)
    arrays: dict[str, Any] = {"kernel": kernel, "bias": rng.normal(0, 1, outputs).astype(np.float32)}
    if settings["int8"]:
        arrays["kernel"] = rng.integers(-127, 128, kernel.shape).astype(np.int8)
        arrays["scale"] = rng.uniform(0.001, 0.01, outputs).astype(np.float32)
    return Step(
        kind="convolve",
        layer="conv",
        inputs=(0,),
        given=given,
        shape=(sides[0], sides[1], outputs),
        arrays=arrays,
        sizes=sizes,
    )


def then(steps: list[Step], kind: str, shape: tuple[int, int, int] | None = None, **changes: Any) -> None:
    """Append a step that takes the last one's result."""
    last = steps[-1]
    changes = {"inputs": (len(steps),), "layer": kind, **changes}
    steps.append(Step(kind=kind, given=last.shape, shape=shape or last.shape, **changes))


def finish(steps: list[Step], rng: np.random.Generator) -> None:
    """Append a dense layer with three outputs and a softmax."""
    n = int(np.prod(steps[-1].shape))
    arrays = {
        "kernel": rng.normal(0, n**-0.5, (1, 1, n, 3)).astype(np.float32),
        "bias": np.zeros(3, np.float32),
    }
    if "scale" in steps[0].arrays:
        arrays["kernel"] = rng.integers(-127, 128, (1, 1, n, 3)).astype(np.int8)
        arrays["scale"] = np.full(3, 0.01 * n**-0.5, np.float32)
    sizes = {"height": 1, "width": 1, "stride_y": 1, "stride_x": 1, "top": 0, "left": 0}
    index = len(steps)
    steps.append(
        Step(
            kind="convolve", layer="out", inputs=(index,), given=(1, 1, n), shape=(1, 1, 3), arrays=arrays, sizes=sizes
        )
    )
    then(steps, "softmax")


@pytest.mark.slow
@needs_compiler
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_network_of_known_steps_answers_in_c_as_in_numpy(data: st.DataObject, tmp_path: Path) -> None:
    """Whatever its sizes, windows, strides, margins and branches: no byte is read or written beside an array."""
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(3, 9), st.integers(3, 9), st.integers(1, 3)))
    steps = [
        convolution(
            rng,
            shape,
            window=draw(st.integers(1, 3)),
            stride=draw(st.integers(1, 2)),
            same=draw(st.booleans()),
            outputs=draw(st.integers(1, 5)),
            int8=draw(st.booleans()),
        )
    ]
    then(steps, "activate", function=draw(st.sampled_from(sorted(ACTIVATIONS))))
    height, width, maps = steps[-1].shape
    if draw(st.booleans()):
        then(steps, "pad", (height + 3, width + 2, maps), sizes={"top": 1, "left": 2})
    scale, offset = rng.normal(1, 0.2, (2, maps)).astype(np.float32)
    then(steps, "affine", arrays={"scale": scale, "offset": offset})
    if draw(st.booleans()):
        before = len(steps) - 1
        then(steps, "add", inputs=(before, len(steps))) if steps[-2].shape == steps[-1].shape else None
    if draw(st.booleans()):
        height, width, maps = steps[-1].shape
        then(
            steps,
            "join",
            (height, width, 2 * maps),
            inputs=(len(steps), len(steps)),
            sizes={"channels_0": maps, "channels_1": maps},
        )
    height, width, maps = steps[-1].shape
    window, function = draw(st.integers(1, min(2, height, width))), draw(st.sampled_from(("max", "average")))
    margin = draw(st.integers(0, window - 1))
    then(
        steps,
        "pool",
        ((height + margin - window) // window + 1, (width + margin - window) // window + 1, maps),
        function=function,
        sizes={
            "height": window,
            "width": window,
            "stride_y": window,
            "stride_x": window,
            "top": margin,
            "left": margin,
        },
    )
    finish(steps, rng)
    images = rng.normal(0, 1, (4, *shape)).astype(np.float32)
    answers = compute(steps, images)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    header = tmp_path / "any.h"
    header.write_text(write_header("any.h", steps, "abc", images[:2], answers[:2], title="any"))
    found, difference, _ = run_header(header, images, prefix="any", n_classes=3)
    np.testing.assert_allclose(found, answers, atol=1e-5, rtol=0)
    assert difference <= 1e-5


def small_network() -> tuple[list[Step], np.ndarray]:
    rng = np.random.default_rng(0)
    steps = [convolution(rng, (4, 4, 1), window=2, stride=1, same=False, outputs=2, int8=False)]
    finish(steps, rng)
    return steps, rng.random((2, 4, 4, 1), dtype=np.float32)


@needs_compiler
@pytest.mark.parametrize(
    ("file", "prefix"),
    [
        ("digits.h", "digits"),
        ("7 of-9.h", "network_7_of_9"),
        ("int.h", "int"),
        ("Ziffern über.h", "ziffern_ber"),
        ("...h", "network"),
    ],
)
def test_any_file_name_makes_names_in_c(tmp_path: Path, file: str, prefix: str) -> None:
    """Words of the language, digits in front and other letters among them."""
    steps, images = small_network()
    header = tmp_path / file
    header.write_text(write_header(file, steps, range(3), images, compute(steps, images), title="small"), "utf-8")
    _, difference, _ = run_header(header, images, prefix=prefix, n_classes=3)
    assert difference <= 1e-5


@needs_compiler
@pytest.mark.parametrize("label", ['"; int x; /*', "??/", "\\", "é*/", "a\nb", "%s%n", "日本"])
def test_no_name_breaks_out_of_the_header(tmp_path: Path, label: str) -> None:
    """Names of classes, layers and models come from files of other people."""
    steps, images = small_network()
    steps[0] = Step(
        **{field: getattr(steps[0], field) for field in Step.__slots__ if field != "__weakref__"} | {"layer": label}
    )
    text = write_header("a.h", steps, ["x", "y", label], images, compute(steps, images), title=label)
    (tmp_path / "a.h").write_text(text)
    assert text.isascii()
    assert run_header(tmp_path / "a.h", images, prefix="a", n_classes=3)[2] == label


@pytest.mark.skipif(sys.platform == "win32", reason="the C library has another name there")
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_in_the_header_is_that_number(number: float) -> None:
    """The shortest text that is read as the same float32; C's own rules of reading are strtof's."""
    from lenetkit.exporting._c_code import _literal

    text = _literal(np.float32(number))
    strtof = ctypes.CDLL(None).strtof
    strtof.restype, strtof.argtypes = ctypes.c_float, [ctypes.c_char_p, ctypes.c_void_p]
    assert np.float32(strtof(text.rstrip("f").encode(), None)) == np.float32(number)
    assert re.fullmatch(r"-?\d+|-?\d(\.\d+)?e[+-]\d+f", text)


# Keras models


@pytest.fixture(scope="module")
def keras_model() -> Callable[..., Any]:
    """Return a function that builds a registered model with weights that give each image its own answer."""
    from lenetkit.models import create_model, model_info

    def build(name: str, **options: Any) -> Any:
        built = create_model(name, input_shape=model_info(name).input_shape, seed=0, **options)
        rng = np.random.default_rng(0)
        varied = [weights + rng.normal(0, 0.05, weights.shape).astype("f4") for weights in built.get_weights()]
        built.set_weights(varied)
        return built

    return build


def registered_models() -> Sequence[str]:
    from lenetkit.models import list_models

    return list_models()


@pytest.mark.tensorflow
@pytest.mark.versions
@needs_compiler
@pytest.mark.parametrize("quantize", [None, "int8"])
@pytest.mark.parametrize("name", registered_models())
def test_every_registered_model_answers_in_c(
    keras_model: Callable[..., Any], tmp_path: Path, name: str, quantize: str | None
) -> None:
    """Float weights give the answers of Keras; int8 ones those of NumPy with the same numbers."""
    from lenetkit.exporting._c_layers import read_steps

    model = keras_model(name)
    images = np.random.default_rng(1).random((6, *model.input_shape[1:]), dtype=np.float32)
    steps = read_steps(model, int8=quantize == "int8")
    answers = compute(steps, images)
    if quantize is None:
        np.testing.assert_allclose(answers, np.asarray(model(images, training=False)), atol=1e-5, rtol=0)
    header = tmp_path / "digits.h"
    header.write_text(write_header("digits.h", steps, range(10), images[:2], answers[:2], title=name))
    found, difference, label = run_header(header, images, prefix="digits", n_classes=10)
    np.testing.assert_allclose(found, answers, atol=1e-5, rtol=0)
    assert difference <= 1e-5
    assert label == "9"


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("activation", "pooling"), [("tanh", "max"), ("sigmoid", "average"), ("silu", "max"), ("relu6", "max")]
)
def test_the_variants_of_lenet5_have_c_code(keras_model: Callable[..., Any], activation: str, pooling: str) -> None:
    """Their steps compute what Keras does."""
    from lenetkit.exporting._c_layers import read_steps

    model = keras_model("lenet5", activation=activation, pooling=pooling)
    images = np.random.default_rng(1).random((6, 28, 28, 1), dtype=np.float32)
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(compute(read_steps(model), images), expected, atol=1e-5, rtol=0)


@pytest.mark.tensorflow
def test_a_graph_of_many_kinds_of_layers_has_c_code() -> None:
    """Branches, margins, strides, and layers that only training needs."""
    import keras
    from keras import layers

    from lenetkit.exporting._c_layers import read_steps

    keras.utils.set_random_seed(3)
    image = keras.Input((9, 11, 2))
    x = layers.Conv2D(4, (3, 2), strides=(2, 1), padding="same", use_bias=False)(image)
    x = layers.ReLU(max_value=6)(layers.BatchNormalization(center=False)(x))
    y = layers.Conv2D(4, 3, padding="same", activation="elu")(x)
    x = layers.Concatenate()([layers.Add()([x, y]), layers.SpatialDropout2D(0.3)(x)])
    x = layers.AveragePooling2D(2, padding="same")(x)
    z = layers.GlobalMaxPooling2D()(x)
    x = layers.Concatenate()([layers.Flatten()(x), z, layers.Reshape((-1,))(x)])
    x = layers.Softmax()(layers.Dense(3, use_bias=False)(layers.Dropout(0.5)(x)))
    model = keras.Model(image, layers.Activation("linear")(x))
    images = np.random.default_rng(1).normal(0, 1, (5, 9, 11, 2)).astype(np.float32)
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(compute(read_steps(model), images), expected, atol=1e-5, rtol=0)


def refused_models() -> dict[str, tuple[Callable[[Any, Any], Any], str]]:
    return {
        "kind": (lambda k, x: k.layers.DepthwiseConv2D(3, name="deep")(x), "the layer 'deep' of class DepthwiseConv2D"),
        "activation": (lambda k, x: k.layers.Dense(2, "gelu", name="f")(k.layers.Flatten()(x)), "'f' with the activat"),
        "dilation": (lambda k, x: k.layers.Conv2D(2, 2, dilation_rate=2, name="c")(x), "'c' with groups or dilation"),
        "maps": (lambda k, x: k.layers.Dense(2, name="maps")(x), "the layer 'maps' over maps"),
        "relu": (lambda k, x: k.layers.ReLU(negative_slope=0.1, name="r")(x), "'r' with settings of its own"),
        "softmax": (lambda k, x: k.layers.Softmax(axis=1, name="s")(x), "'s' over maps"),
        "operation": (lambda k, x: k.layers.ReLU(name="r")(x + 1), "'r' whose input does not come from another layer"),
        "output": (lambda k, x: k.layers.ReLU()(x), "not a graph of layers from one input to one output of shape"),
    }


@pytest.mark.tensorflow
@pytest.mark.parametrize("case", refused_models())
def test_what_has_no_c_code_is_named(case: str) -> None:
    """With the layer's name and a way out."""
    import keras

    from lenetkit.exceptions import ExportError
    from lenetkit.exporting._c_layers import read_steps

    build, message = refused_models()[case]
    image = keras.Input((8, 8, 1))
    with pytest.raises(ExportError, match=rf"cannot be written in C: .*{message}.* another format, such as \"litert\""):
        read_steps(keras.Model(image, build(keras, image), name="odd"))


@pytest.mark.tensorflow
def test_a_layer_of_a_plug_in_is_named_too() -> None:
    """Also one with the name of a known layer."""
    import keras

    from lenetkit.exceptions import ExportError
    from lenetkit.exporting._c_layers import read_steps

    class Dense(keras.layers.Dense):  # type: ignore[misc]
        pass

    image = keras.Input((8, 8, 1))
    with pytest.raises(ExportError, match="the layer 'mine' of class Dense"):
        read_steps(keras.Model(image, Dense(3, name="mine")(keras.layers.Flatten()(image))))


@pytest.mark.tensorflow
def test_a_weight_that_is_not_finite_is_named() -> None:
    """C has no way to write it, and no answer would be right."""
    import keras

    from lenetkit.exceptions import ExportError
    from lenetkit.exporting._c_layers import read_steps

    image = keras.Input((2, 2, 1))
    model = keras.Model(image, keras.layers.Dense(3, name="f")(keras.layers.Flatten()(image)))
    model.layers[-1].bias.assign([0.0, np.nan, 0.0])
    with pytest.raises(ExportError, match="the layer 'f' whose bias is not finite"):
        read_steps(model)


@pytest.mark.tensorflow
@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("quantize", [None, "int8"])
def test_c_gives_the_labels_of_python_on_a_thousand_digits(
    shared_data: Path, tmp_path: Path, quantize: str | None
) -> None:
    """Compiled by the system's compiler: the labels that NumPy computes with the same numbers, and the pipeline's."""
    from lenetkit import Pipeline, load_dataset
    from lenetkit.exporting._c_layers import read_steps

    pipe = Pipeline.pretrained()
    images = load_dataset("mnist", subset="test", data_dir=shared_data, download=False).images[:1000]
    report = pipe.export(tmp_path / "digits.h", quantize=quantize)
    inputs = pipe.transforms_(images)[..., np.newaxis]
    answers, difference, _ = run_header(report.path, inputs, prefix="digits", n_classes=10)
    assert difference <= 1e-5
    in_python = compute(read_steps(pipe.model_, int8=quantize == "int8"), inputs)
    assert answers.argmax(axis=1).tolist() == in_python.argmax(axis=1).tolist()
    # One digit in a thousand, of which the pipeline is not sure, may become another with int8 weights.
    changed = int((answers.argmax(axis=1) != pipe.predict(images)).sum())
    assert changed <= (2 if quantize else 0)
