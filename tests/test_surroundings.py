"""Hostile surroundings: training, saving, loading, predicting and reading give the same bytes, or one clear error.

Each surrounding is a process of its own, since much is decided when Python starts or a library is imported. Where
nothing is trained, TensorFlow is not imported; all trainings whose surroundings can be changed from within share one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from lenetkit import Pipeline
from lenetkit.synthesis import draw_digits

pytestmark = pytest.mark.slow

# What a process finds when it starts, and must find when lenetkit has worked.
STATE = """
import json, logging, os, random, signal, sys, warnings
import numpy as np
import PIL.Image, PIL.ImageFile

NAMES = sorted(os.environ)

def state():
    numbers = [number for number in signal.valid_signals() if number not in (signal.SIGKILL, signal.SIGSTOP)]
    return {
        "random": hash(random.getstate()),
        "numpy": [str(part) for part in np.random.get_state(legacy=True)],
        "numpy errors": dict(np.geterr()),
        "numpy printing": np.get_printoptions()["precision"],
        "filters": list(map(str, warnings.filters)),
        "signals": {int(number): str(signal.getsignal(number)) for number in numbers},
        "Pillow": [PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES],
        "logging": [logging.root.level, len(logging.root.handlers), logging.root.manager.disable],
        "streams": [id(sys.stdin), id(sys.stdout), id(sys.stderr)],
        # TensorFlow and OpenMP add names of their own.
        "environment": {name: os.environ.get(name) for name in NAMES},
        "path": list(sys.path),
    }

def changed(before):
    after = state()
    return [name for name in before if before[name] != after[name]]
"""

# Without TensorFlow: load, predict, reject, read, save again, a data set, an evaluation; from a file and from arrays.
ANSWER = """
import hashlib

def answer(picture, number, saved, folder):
    from lenetkit import Pipeline, load_dataset
    from lenetkit.evaluator import evaluate
    from lenetkit.synthesis import draw_digits
    images = draw_digits(12, seed=5).images
    pipe = Pipeline.load(saved)
    copy = pipe.save(os.path.join(folder, "copy.lenet"))
    probabilities = pipe.predict_proba(images)
    digits = load_dataset("digits", download=False)
    evaluation = evaluate(digits.labels[:40], np.eye(10)[digits.labels[1:41]])
    return {
        "labels": pipe.predict(picture).tolist(),
        "probabilities": probabilities.tobytes().hex()[:400],
        "rejected": [str(found) for found in pipe.predict(images[:3], reject=0.05)],
        "read": Pipeline.pretrained().read_number(number).text,
        "saved": hashlib.sha256(copy.read_bytes()).hexdigest(),
        "digits": digits.fingerprint,
        "evaluation": str(evaluation),
        "diagnosis": pipe.diagnose(picture).problems,
    }
"""

MAIN = """
arguments = json.loads(os.environ["LENETKIT_TEST"])
before = state()
try:
    found = answer(*arguments[:4])
except Exception as error:
    import lenetkit
    found = {"error": str(error), "clear": isinstance(error, lenetkit.LenetkitError)}
found["changed"] = changed(before)
with open(arguments[4], "w", encoding="utf-8") as file:
    json.dump(found, file)
"""


@attrs.frozen(kw_only=True)
class Surrounding:
    """A name, and what differs from an ordinary process."""

    name: str
    flags: tuple[str, ...] = ()
    environment: dict[str, str | None] = attrs.field(factory=dict)
    prelude: str = ""
    closed: tuple[int, ...] = ()
    full: tuple[int, ...] = ()
    posix: bool = False


def here(name: str, prelude: str, **more: Any) -> Surrounding:
    return Surrounding(name=name, prelude=prelude, **more)


UNKNOWN_USER = """
import os, pwd
def unknown(number):
    raise KeyError("getpwuid(): uid not found: 4711")
pwd.getpwuid = unknown
"""
DELETED_FOLDER = "import os, tempfile\nos.chdir(tempfile.mkdtemp())\nos.rmdir(os.getcwd())\n"
MALFORMED_PACKAGE = """
import pathlib, sys, tempfile
for name, line in (("wreck-1.0", "no equals sign"), ("worse-2.0", "= = =")):
    folder = pathlib.Path(tempfile.mkdtemp())
    information = folder / f"{name}.dist-info"
    information.mkdir()
    (information / "entry_points.txt").write_text(f"[lenetkit.models]\\n{line}\\n")
    sys.path.insert(0, str(folder))
"""
THREAD = """
import threading
inner = {"run": None}
def in_a_thread(function):
    def called(*arguments):
        result = []
        threading.stack_size(512 * 1024)
        thread = threading.Thread(target=lambda: result.append(function(*arguments)))
        thread.start()
        thread.join()
        return result[0]
    return called
"""
LOOP = """
import asyncio
def in_a_loop(function):
    async def called(*arguments):
        return function(*arguments)
    return lambda *arguments: asyncio.run(called(*arguments))
"""

SURROUNDINGS = [
    Surrounding(name="no home", environment={"HOME": None, "XDG_CACHE_HOME": None}, prelude=UNKNOWN_USER, posix=True),
    Surrounding(name="language C", environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Surrounding(name="language unknown", environment={"LC_ALL": "xx_YY.none", "LANG": "zz"}),
    Surrounding(name="ascii streams", environment={"PYTHONIOENCODING": "ascii"}),
    Surrounding(name="latin streams", environment={"PYTHONIOENCODING": "latin-1:strict", "PYTHONUTF8": "0"}),
    Surrounding(name="warnings are errors", flags=("-W", "error")),
    Surrounding(name="warnings are errors by the environment", environment={"PYTHONWARNINGS": "error"}),
    Surrounding(name="optimised", flags=("-O",)),
    Surrounding(name="optimised twice", flags=("-OO",)),
    Surrounding(name="development mode", flags=("-X", "dev")),
    Surrounding(name="no bytecode", flags=("-B",)),
    Surrounding(name="isolated", flags=("-I",)),
    Surrounding(name="hash seed", environment={"PYTHONHASHSEED": "4711"}),
    Surrounding(name="closed standard input", closed=(0,), posix=True),
    Surrounding(name="closed standard error", closed=(2,), posix=True),
    Surrounding(name="closed streams", closed=(0, 1, 2), posix=True),
    Surrounding(name="full standard error", full=(2,), posix=True),
    Surrounding(name="full streams", full=(1, 2), posix=True),
    Surrounding(name="Keras on jax", environment={"KERAS_BACKEND": "jax"}),
    Surrounding(name="no folder for temporary files", environment={"TMPDIR": "/none", "TMP": "/none", "TEMP": "/none"}),
    Surrounding(name="one thread", environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}),
    here("one core", "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n", posix=True),
    here("low limit of pixels", "import PIL.Image\nPIL.Image.MAX_IMAGE_PIXELS = 300\n"),
    here("no limit of pixels", "import PIL.Image\nPIL.Image.MAX_IMAGE_PIXELS = None\n"),
    here("truncated pictures are loaded", "import PIL.ImageFile\nPIL.ImageFile.LOAD_TRUNCATED_IMAGES = True\n"),
    here("NumPy raises", "import numpy as np\nnp.seterr(all='raise', under='ignore')\n"),
    here(
        "NumPy prints otherwise", "import numpy as np\nnp.set_printoptions(precision=1, threshold=2, legacy='1.13')\n"
    ),
    here("interrupts ignored", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"),
    here("children ignored", "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n", posix=True),
    here("few open files", "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n", posix=True),
    here("private files", "import os\nos.umask(0o077)\n"),
    here("deleted working folder", DELETED_FOLDER, posix=True),
    here("malformed packages", MALFORMED_PACKAGE),
    here("shallow recursion", "import sys\nsys.setrecursionlimit(250)\n"),
    here("no garbage collection", "import gc\ngc.disable()\n"),
    here("logging of everything", "import logging, os\nlogging.basicConfig(level=1, stream=open(os.devnull, 'w'))\n"),
    here("logging disabled", "import logging\nlogging.disable()\n"),
    here("streams without a file", "import io, sys\nsys.stdout = sys.stderr = io.StringIO()\n"),
    here("streams closed by the program", "import io, sys\nsys.stdout = io.StringIO()\nsys.stdout.close()\n"),
    here("random seeded", "import random\nimport numpy as np\nrandom.seed(1)\nnp.random.seed(1)\n"),
    here("in a thread with a small stack", THREAD + "wrap = in_a_thread\n"),
    here("in an event loop", LOOP + "wrap = in_a_loop\n"),
]


def run(surrounding: Surrounding, program: str, arguments: list[Any], out: Path) -> dict[str, Any]:
    """Run a program in a surrounding; return what it wrote, and its streams."""
    out.unlink(missing_ok=True)
    environment = {**os.environ, "LENETKIT_TEST": json.dumps([*map(str, arguments), str(out)])}
    for name, value in surrounding.environment.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value

    def prepare() -> None:
        for number in surrounding.full:
            os.dup2(os.open("/dev/full", os.O_WRONLY), number)
        for number in surrounding.closed:
            os.close(number)

    command = [sys.executable, *surrounding.flags, "-c", surrounding.prelude + program]
    answer = subprocess.run(
        command,
        env=environment,
        cwd=out.parent,
        capture_output=True,
        preexec_fn=prepare if surrounding.full or surrounding.closed else None,
        check=False,
    )
    written = answer.stdout.decode(errors="replace"), answer.stderr.decode(errors="replace")
    if not out.exists():
        numpy_alone = [sys.executable, *surrounding.flags, "-c", surrounding.prelude + "import numpy"]
        if subprocess.run(numpy_alone, env=environment, cwd=out.parent, capture_output=True, check=False).returncode:
            pytest.skip("NumPy itself cannot be imported here, as with Python 3.13.0 in a folder that was deleted")
    assert out.exists(), written
    return {**json.loads(out.read_text("utf-8")), "streams": written}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return a picture of a digit, one of a number, a saved pipeline and a folder."""
    import numpy as np
    import PIL.Image

    folder = tmp_path_factory.mktemp("surroundings")
    picture, number, saved = folder / "7.png", folder / "number.png", folder / "saved.lenet"
    images = draw_digits(10, seed=1).images
    PIL.Image.fromarray(images[7]).save(picture)
    paper = np.full((60, 150), 255, np.uint8)
    for place, digit in enumerate((4, 2, 7)):
        paper[16:44, 20 + 36 * place : 48 + 36 * place] -= images[digit]
    PIL.Image.fromarray(paper).save(number)
    Pipeline.pretrained().save(saved)
    return [picture, number, saved, folder]


PROGRAM = STATE + ANSWER + "answer = globals().get('wrap', lambda function: function)(answer)\n" + MAIN


@pytest.fixture(scope="module")
def expected(files: list[Path]) -> dict[str, Any]:
    """Return the answers of an ordinary process."""
    found = run(Surrounding(name="ordinary"), PROGRAM, files, files[3] / "ordinary.json")
    assert found["streams"] == ("", "")
    assert found["changed"] == []
    assert found["read"] == "427"
    assert found["labels"] == [7]
    return found


@pytest.mark.parametrize("surrounding", SURROUNDINGS, ids=lambda surrounding: surrounding.name)
def test_the_answers_are_the_same_in_any_surrounding(
    files: list[Path], expected: dict[str, Any], surrounding: Surrounding, tmp_path: Path
) -> None:
    """The same bytes, everything as it was found, and nothing written that nobody asked for."""
    if surrounding.posix and (sys.platform == "win32" or not Path("/dev/full").exists()):
        pytest.skip("needs what this system lacks")
    found = run(surrounding, PROGRAM, [*files[:3], tmp_path], tmp_path / "found.json")
    assert found == expected


# With TensorFlow: fit, save, load, predict. An ordinary training comes first in each process, for comparison.
TRAIN = """
import hashlib

def train(folder, verbose=0):
    from lenetkit import Pipeline, Trainer
    from lenetkit.synthesis import draw_digits
    digits = draw_digits(60, seed=2)
    trainer = Trainer(epochs=2, batch_size=32, verbose=verbose)
    pipe = Pipeline("lenet1", trainer=trainer).fit(digits.images, digits.labels)
    path = pipe.save(os.path.join(folder, "trained.lenet"))
    loaded = Pipeline.load(path)
    return {
        "saved": hashlib.sha256(path.read_bytes()).hexdigest(),
        "probabilities": loaded.predict_proba(digits.images).tobytes().hex()[:400],
        "labels": loaded.predict(digits.images[:20]).tolist(),
        "evaluation": str(loaded.evaluate(digits.images, digits.labels)),
    }
"""

ONE_TRAINING = """
def answer(folder):
    return train(folder)
"""

MANY_TRAININGS = """
surroundings = json.loads(os.environ["LENETKIT_SURROUNDINGS"])

def answer(folder):
    before = state()
    found = {"ordinary": {**train(folder), "changed": changed(before)}}
    import keras
    for name, (begin, end) in surroundings.items():
        names = {"keras": keras, "np": np}
        with warnings.catch_warnings():
            exec(begin, names)
            before = state() | settings(keras)
            try:
                found[name] = train(folder, names.get("verbose", 0))
            except Exception as error:
                found[name] = {"error": f"{type(error).__name__}: {error}"}
            after = state() | settings(keras)
            found[name]["changed"] = [key for key in before if before[key] != after[key]]
            exec(end, names)
    return found

def settings(keras):
    config = keras.config
    return {"Keras": [config.floatx(), config.image_data_format(), config.epsilon(), config.dtype_policy().name]}
"""

# What is done before a training, and what undoes it.
TRAININGS = {
    "float16": ("keras.config.set_floatx('float16')", "keras.config.set_floatx('float32')"),
    "float64": ("keras.config.set_floatx('float64')", "keras.config.set_floatx('float32')"),
    "channels first": (
        "keras.config.set_image_data_format('channels_first')",
        "keras.config.set_image_data_format('channels_last')",
    ),
    "epsilon": ("keras.config.set_epsilon(0.1)", "keras.config.set_epsilon(1e-7)"),
    "mixed float16": ("keras.config.set_dtype_policy('mixed_float16')", "keras.config.set_dtype_policy('float32')"),
    "mixed bfloat16": ("keras.config.set_dtype_policy('mixed_bfloat16')", "keras.config.set_dtype_policy('float32')"),
    "warnings are errors": ("import warnings\nwarnings.simplefilter('error')", ""),
    "NumPy raises": (
        "errors = np.seterr(over='raise', divide='raise', invalid='raise')",
        "np.seterr(**errors)",
    ),
    "interrupts ignored": (
        "import signal\nkept = signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "signal.signal(signal.SIGINT, kept)",
    ),
    "output closed": (
        "import io, sys\nkept, sys.stdout, verbose = sys.stdout, io.StringIO(), 2\nsys.stdout.close()",
        "sys.stdout = kept",
    ),
    "output full": (
        "import os, sys\nverbose = 2 if os.path.exists('/dev/full') else 0\n"
        "kept, sys.stdout = sys.stdout, open('/dev/full' if verbose else os.devnull, 'w', buffering=1)",
        "full, sys.stdout = sys.stdout, kept\nos.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())\nfull.close()",
    ),
    "global seeds": ("import random\nrandom.seed(3)\nnp.random.seed(3)\nkeras.utils.set_random_seed(3)", ""),
    "no working folder": (
        "import os, tempfile\nhome = os.getcwd()\nos.chdir(tempfile.mkdtemp())\n"
        "if os.name == 'posix':\n    os.rmdir(os.getcwd())",
        "os.chdir(home)",
    ),
}


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what an ordinary training gave, and those in other surroundings after it."""
    folder = tmp_path_factory.mktemp("trainings")
    program = STATE + TRAIN + MANY_TRAININGS + MAIN.replace("[:4]", "[:1]").replace("[4]", "[1]")
    many = Surrounding(name="many", environment={"LENETKIT_SURROUNDINGS": json.dumps(TRAININGS)})
    return run(many, program, [folder], folder / "found.json")


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_is_the_same_in_any_surrounding(trainings: dict[str, Any], name: str) -> None:
    """The same file, byte for byte, the same answers, and everything as it was found."""
    assert trainings[name] == trainings["ordinary"]


@pytest.mark.tensorflow
def test_trainings_leave_the_process_as_it_was(trainings: dict[str, Any]) -> None:
    """Random generators, signals, filters of warnings, streams; TensorFlow has been imported in between."""
    assert trainings["ordinary"]["changed"] == []


KERAS_FILE = {"floatx": "float16", "epsilon": 0.1, "backend": "tensorflow", "image_data_format": "channels_first"}

TRAINING_PROCESSES = [
    Surrounding(name="a file of Keras' settings", environment={"KERAS_HOME": "keras"}),
    Surrounding(
        name="warnings are errors, no home, closed streams",
        environment={"PYTHONWARNINGS": "error", "HOME": None},
        prelude=UNKNOWN_USER,
        closed=(0, 1, 2),
        posix=True,
    ),
]


def train_once(surrounding: Surrounding, folder: Path) -> dict[str, Any]:
    program = STATE + TRAIN + ONE_TRAINING + MAIN.replace("[:4]", "[:1]").replace("[4]", "[1]")
    return run(surrounding, program, [folder], folder / "found.json")


@pytest.mark.tensorflow
@pytest.mark.parametrize("surrounding", TRAINING_PROCESSES, ids=lambda surrounding: surrounding.name)
def test_a_training_is_the_same_in_a_process_of_another_kind(
    trainings: dict[str, Any], surrounding: Surrounding, tmp_path: Path
) -> None:
    """Set up before Python starts."""
    if surrounding.posix and sys.platform == "win32":
        pytest.skip("needs what this system lacks")
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text(json.dumps(KERAS_FILE))
    found = train_once(surrounding, tmp_path)
    del found["streams"]
    assert found == trainings["ordinary"]


@pytest.mark.parametrize("by_file", [False, True])
def test_another_backend_is_one_clear_error_before_any_training(by_file: bool, tmp_path: Path) -> None:
    """By Keras' variable and by its file; whether or not that backend is installed."""
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text(json.dumps(KERAS_FILE | {"backend": "jax"}))
    environment: dict[str, str | None] = {"KERAS_BACKEND": None if by_file else "torch", "KERAS_HOME": "keras"}
    found = train_once(Surrounding(name="backend", environment=environment), tmp_path)
    wanted = "jax" if by_file else "torch"
    assert found["error"].startswith(f"lenetkit needs Keras on TensorFlow; Keras is set to '{wanted}'.")
    assert found["clear"]
    assert found["changed"] == []
