"""lenetkit-lite as it is installed: what reads digits, without what only training needs.

``tox -e lite`` installs its wheel into an environment of its own; anywhere else there is nothing to test here.
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import PIL.Image
import pytest

import lenetkit
from lenetkit.synthesis import draw_digits, draw_number

ROOT = Path(__file__).parents[2]
LIGHT = "lenetkit-lite"
ABSENT = {"tensorflow", "keras", "ai_edge_litert", "pandas", "sklearn", "filelock", "platformdirs", "requests"}
NEEDED = {"attrs", "click", "lenetkit-lite", "numpy", "pillow", "rich", "safetensors", "scipy"}
# What these need, and the demo; the rest of an environment is for testing.
INDIRECT = {"anyio", "h11", "idna", "markdown-it-py", "mdurl", "pygments", "starlette", "typing-extensions", "uvicorn"}
MEGABYTE = 10**6


def _is_light() -> bool:
    try:
        distribution("lenetkit")
    except PackageNotFoundError:
        return True
    return False


pytestmark = pytest.mark.skipif(not _is_light(), reason="lenetkit is installed, not lenetkit-lite: tox -e lite")


def run(*words: str, folder: Path) -> str:
    """Run a Python program in a process of its own, in which warnings are errors, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the pictures of the README's examples."""
    folder = tmp_path_factory.mktemp("pictures")
    PIL.Image.fromarray(draw_digits(10, styles="school", seed=3).images[7]).save(folder / "photo.png")
    PIL.Image.fromarray(draw_number("47278", seed=1).image).save(folder / "amount.jpg")
    return folder


def test_nothing_that_only_training_needs_is_installed() -> None:
    """Nor may it come from elsewhere."""
    code = f"from importlib.util import find_spec; print([name for name in {sorted(ABSENT)} if find_spec(name)])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_version_is_that_of_the_light_distribution() -> None:
    """Under the name of the package, too, and on the command line."""
    assert lenetkit.__version__ == distribution(LIGHT).version
    command = Path(sys.executable).with_name("lenetkit")
    printed = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    assert printed == f"lenetkit {distribution(LIGHT).version}\n"


def test_it_takes_less_than_280_megabytes_of_which_10_are_ours() -> None:
    """With all that it needs, and with the demo."""
    sizes = {}
    for installed in distributions():
        name = installed.metadata["Name"].lower().replace("_", "-")
        files = [Path(str(installed.locate_file(file))) for file in installed.files or ()]
        sizes[name] = sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
    assert set(sizes) >= NEEDED
    assert sum(sizes[name] for name in (NEEDED | INDIRECT) & set(sizes)) < 280 * MEGABYTE
    assert sizes[LIGHT] < 10 * MEGABYTE


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import lenetkit", {"numpy", "scipy", "PIL"}),
        ("from lenetkit.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass", {"numpy", "scipy"}),
        ("import lenetkit.datasets, lenetkit.transforms, lenetkit.encoder, lenetkit.registry", {"scipy"}),
        ("import lenetkit; lenetkit.list_models(); lenetkit.list_datasets()", {"scipy"}),
        ("from lenetkit import Pipeline; Pipeline.pretrained().predict('photo.png')", set()),
        ("from lenetkit import Pipeline; Pipeline.pretrained().read_number('amount.jpg')", set()),
        ("from lenetkit import Pipeline; Pipeline.pretrained().diagnose('photo.png')", set()),
    ],
)
def test_the_table_of_import_weights_holds(folder: Path, code: str, unwanted: set[str]) -> None:
    """It holds trivially for what is not installed, but that it works at all is no matter of course."""
    script = f"{code}\nimport sys\nprint(sorted({sorted(ABSENT | unwanted)} & sys.modules.keys()))"
    script = script.replace(f"{sorted(ABSENT | unwanted)} &", f"set({sorted(ABSENT | unwanted)}) &")
    assert run("-c", script, folder=folder).splitlines()[-1] == "[]"


def test_the_reading_examples_of_the_readme_run(folder: Path) -> None:
    """And give what the comments beside them say."""
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if block.startswith("pipe = Pipeline.pretrained()")]
    printed = run("-c", f"from lenetkit import Pipeline\n{block}print(pipe.predict('photo.png')[0])", folder=folder)
    assert printed.splitlines()[-1] == "7"
    assert "'47278'" in block
    code = "from lenetkit import Pipeline; print(Pipeline.pretrained().read_number('amount.jpg', length=5).text)"
    assert run("-c", code, folder=folder) == "47278\n"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("predict photo.png --reject 0.01", r"photo\.png\t7\t[01]\.\d{4}\n"),
        ("read amount.jpg", r"amount\.jpg\t47278\n"),
        ("read amount.jpg --length 5", r"amount\.jpg\t47278\n"),
        ("diagnose photo.png", r"photo\.png: .*"),
        ("info", r".*lenet5.*"),
        ("verify", r".* is sound\n.*golden inputs, greatest difference \d.*"),
        ("models", r".*lenet5.*"),
        ("datasets", r".*mnist.*"),
    ],
)
def test_the_commands_that_read_work(folder: Path, command: str, answer: str) -> None:
    """As with the full distribution."""
    assert re.fullmatch(answer, run("-m", "lenetkit", *command.split(), folder=folder), re.DOTALL)


def test_a_pipeline_that_was_trained_elsewhere_is_loaded_answers_and_is_saved(tmp_path: Path) -> None:
    """The file of an earlier version, too, which holds the answers that it must give."""
    from lenetkit.bundle import read_bundle, verify_bundle

    sample = ROOT / "tests" / "data" / "format_1.lenet"
    saved = lenetkit.Pipeline.load(sample).save(tmp_path / "again.lenet")
    for file in (sample, saved):
        assert verify_bundle(read_bundle(file)) <= 1e-6


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_the_demo_answers(folder: Path) -> None:
    """A picture is read; a look inside the network says what it needs."""
    command = [sys.executable, "-m", "lenetkit", "demo", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as server:
        try:
            assert server.stdout is not None
            found = next(filter(None, (re.search(r"http://[\d.]+:\d+", line) for line in server.stdout)))
            assert found is not None
            address, picture = found[0], (folder / "photo.png").read_bytes()
            with urllib.request.urlopen(f"{address}/api/read", picture, timeout=300) as answer:
                assert json.load(answer)["answer"] == {"kind": "label", "text": "7"}
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{address}/api/layers", picture, timeout=300)
            assert "TensorFlow and Keras, not installed here" in refused.value.read().decode()
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_answers_are_corrected_and_learnt(tmp_path: Path) -> None:
    """On the page to correct on, and by the command that learns its table."""
    forms = ["0-oval", "1-hat", "2-hooked", "3-zed", "4-ell", "5-root", "6-upright", "7-tee", "8-open", "9-p"]
    hand = draw_digits(50, allographs=forms, pen_width=(2.4, 2.8), variation=0.6, seed=1)
    (tmp_path / "hand").mkdir()
    for index, image in enumerate(hand.images):
        PIL.Image.fromarray(image).save(tmp_path / "hand" / f"{index:02}.png")
    command = [sys.executable, "-m", "lenetkit", "label", "hand", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as server:
        try:
            assert server.stdout is not None
            found = next(filter(None, (re.search(r"http://[\d.]+:\d+", line) for line in server.stdout)))
            assert found is not None
            rows = [{"name": f"hand/{index:02}.png", "label": str(label)} for index, label in enumerate(hand.labels)]
            with urllib.request.urlopen(f"{found[0]}/api/decide", json.dumps(rows).encode(), timeout=300) as answer:
                assert json.load(answer)["progress"]["done"] == 50
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    printed = run("-m", "lenetkit", "adapt", "hand-labels.csv", "--output", "mine.lenet", folder=tmp_path)
    assert "accepted: " in printed
