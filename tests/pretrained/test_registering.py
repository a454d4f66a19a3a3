"""The registry of pretrained pipelines: in Python, on the command line, and from installed packages."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import lenetkit
from lenetkit import Pipeline, list_pretrained, register_pretrained
from lenetkit.cli import _commands, main
from lenetkit.exceptions import NameTakenError, SettingError, UnknownNameError
from lenetkit.pretrained import get_path, pretrained_info, registry
from lenetkit.synthesis import draw_digits

PLUG_IN = """
from pathlib import Path
from lenetkit import register_pretrained
register_pretrained("mine", Path(__file__).with_name("weights.lenet"), description="My hand.")
"""


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Path]:
    """Return the file of a pretrained pipeline that is registered as ``mine`` during the test."""
    path = Pipeline.pretrained().save(tmp_path / "weights.lenet", notes={"made for": "a test"})
    register_pretrained("mine", path, description="My hand.")
    yield path
    registry.unregister("mine")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a good and a broken package, as pip lays them out."""
    for name, source in (("mine", PLUG_IN), ("broken", PLUG_IN.replace('"mine"', '"broken"').replace(".lenet", ""))):
        information = tmp_path / f"dist_{name}-1.0.dist-info"
        information.mkdir()
        (tmp_path / f"module_{name}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[lenetkit.pretrained]\n{name} = module_{name}\n")
    (tmp_path / "weights.lenet").write_bytes(get_path("digits").read_bytes())
    return tmp_path


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python`` where the packages in a folder are installed."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "160", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, encoding="utf-8", check=False
    )


def test_a_registered_file_is_a_pretrained_pipeline(mine: Path) -> None:
    """It is listed, has a record, and answers."""
    assert list_pretrained() == ["digits", "digits-accurate", "mine"]
    assert list_pretrained("m*") == ["mine"]
    assert pretrained_info("mine").description == "My hand."
    assert get_path("mine") == mine
    drawn = draw_digits(5, styles="school", seed=3).images
    pipeline = Pipeline.pretrained("mine", runtime="numpy")
    assert pipeline.predict(drawn).tolist() == [0, 1, 2, 3, 4]


def test_a_relative_path_goes_on_to_mean_the_same_file(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the program goes after it was registered."""
    monkeypatch.chdir(mine.parent)
    register_pretrained("mine", mine.name, description="My hand.", replace=True)
    monkeypatch.chdir("/")
    assert get_path("mine").is_file()


@pytest.mark.usefixtures("mine")
def test_a_wrong_name_is_an_error_that_lists_the_known_and_the_nearest() -> None:
    """Wherever a name is taken."""
    message = (
        r"unknown pretrained pipeline 'digit'\. Did you mean 'digits'\? Known pretrained pipelines: digits, "
        r"digits-accurate, mine\."
    )
    for function in (Pipeline.pretrained, get_path, pretrained_info):
        with pytest.raises(UnknownNameError, match=message):
            function("digit")


def test_a_taken_name_is_refused_and_both_owners_named(mine: Path) -> None:
    """The pipeline that comes with lenetkit is not replaced in silence."""
    with pytest.raises(NameTakenError, match=r"'digits' is taken by .*digits\.lenet; .*weights\.lenet cannot have it"):
        register_pretrained("digits", mine, description="My hand.")
    assert get_path("digits").name == "digits.lenet"


@pytest.mark.parametrize("path", ["none.lenet", ".", "a\0b", 3, None])
def test_what_is_no_file_is_refused(path: object) -> None:
    """Before the name is taken."""
    with pytest.raises(SettingError, match=r"needs a file that Pipeline\.save wrote|must be the path of a saved"):
        register_pretrained("nothing", path, description="None.")  # type: ignore[arg-type]
    assert "nothing" not in list_pretrained()


def test_a_package_brings_its_own(folder: Path) -> None:
    """Listed without being imported; loaded by its name; a broken one harms only itself."""
    code = (
        "import sys, json; from lenetkit import Pipeline, list_pretrained\n"
        "found = list_pretrained(); assert 'module_mine' not in sys.modules\n"
        "Pipeline.pretrained('mine', runtime='numpy')\n"
        "try:\n    Pipeline.pretrained('broken')\n"
        "except Exception as error: print(json.dumps([found, type(error).__name__, str(error)]))"
    )
    answer = run_in(folder, "-c", code)
    assert answer.returncode == 0, answer.stderr
    found, error, message = json.loads(answer.stdout)
    assert found == ["broken", "digits", "digits-accurate", "mine"]
    assert error == "PluginError"
    assert "of the distribution dist-broken cannot be loaded: SettingError: the pretrained pipeline 'broken'" in message


def test_the_command_models_lists_them(folder: Path) -> None:
    """Below the models, broken ones with their package and the reason."""
    answer = run_in(folder, "-m", "lenetkit", "models")
    assert answer.returncode == 0, answer.stderr
    models, pretrained = " ".join(answer.stdout.split()).split("pretrained bytes description")
    assert "lenet5 28 x 28 x 1 61,706" in models
    size = f"{get_path('digits').stat().st_size:,}"
    assert f"digits {size} LeNet-5 for pictures" in pretrained
    assert f"mine {size} My hand." in pretrained
    assert "broken broken: the pretrained pipeline 'broken' of the distribution dist-broken" in pretrained
    answer = run_in(folder, "-m", "lenetkit", "models", "mi*")
    assert answer.stdout.split() == ["pretrained", "bytes", "description", "mine", size, "My", "hand."]


def test_every_command_that_takes_a_saved_pipeline_takes_a_name() -> None:
    """None is forgotten; train and compare make pipelines of their own."""
    context = click.Context(_commands)
    options = {
        name: {option for parameter in _commands.get_command(context, name).params for option in parameter.opts}
        for name in _commands.list_commands(context)
    }
    taking = {name for name, known in options.items() if "--pipeline" in known}
    assert len(taking) >= 11
    assert taking == {name for name, known in options.items() if "--pretrained" in known}


@pytest.mark.usefixtures("mine")
def test_a_command_runs_with_the_pipeline_that_is_named(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option stands for the file; a wrong name and two pipelines are errors."""

    def run(*arguments: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        return (stop.value.code, *capsys.readouterr())

    code, out, _ = run("info", "--pretrained", "mine", "--json")
    assert (code, json.loads(out)["path"]) == (0, str(mine))
    (picture,) = draw_digits(1, styles="school", seed=3).images
    from PIL import Image

    Image.fromarray(picture).save(tmp_path / "zero.png")
    named = run("predict", tmp_path / "zero.png", "--pretrained", "mine")
    assert named == run("predict", tmp_path / "zero.png", "--pipeline", mine)
    assert named[1].split("\t")[1] == "0"
    code, out, err = run("predict", tmp_path / "zero.png", "--pretrained", "digit")
    assert (code, out) == (2, "")
    assert err.startswith("error: unknown pretrained pipeline 'digit'. Did you mean 'digits'?")
    code, out, err = run("predict", tmp_path / "zero.png", "--pretrained", "mine", "--pipeline", mine)
    assert (code, out) == (2, "")
    assert "name one saved pipeline" in err


def test_the_short_names_are_the_registrys() -> None:
    """And asking for them imports nothing heavy."""
    assert len(lenetkit.__all__) <= 30
    code = (
        "import sys, lenetkit; lenetkit.list_pretrained(); lenetkit.register_pretrained\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'pandas', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
