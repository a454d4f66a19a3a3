"""What the documentation says is there, and what it shows works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import lenetkit
from lenetkit import cli
from lenetkit.datasets import load_dataset
from lenetkit.synthesis import draw_number

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PATH = r"`((?:benchmarks|docs|examples|src|tests|tools)/[\w./*-]+)`"


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of one language on a Markdown page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("command", cli._COMMANDS)
def test_every_command_is_on_the_page_of_the_command_line(command: str) -> None:
    """What its ``--help`` says is taken from the command itself."""
    page = (ROOT / "docs" / "use" / "command_line.md").read_text("utf-8")
    assert f"## {command}\n" in page
    assert f"```{{command-help}} {command}\n```" in page


@pytest.mark.parametrize("page", PAGES)
def test_links_from_the_pages_at_the_root_lead_somewhere(page: str) -> None:
    """A relative link names a file that exists."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_files_that_pages_speak_of_are_in_the_repository() -> None:
    """Paths in code type that begin with a folder of the repository lead to a file or folder."""
    pages = [ROOT / page for page in PAGES] + sorted((ROOT / "docs").rglob("*.md"))
    named = {path for page in pages for path in re.findall(PATH, page.read_text("utf-8"))}
    assert named
    assert sorted(path for path in named if not any(ROOT.glob(path))) == []


def test_every_guarantee_names_tests_that_there_are() -> None:
    """Fifteen of them, numbered."""
    page = (ROOT / "docs/project/guarantees.md").read_text("utf-8")
    parts = re.split(r"^### ", page, flags=re.MULTILINE)[1:]
    assert [part.split(".")[0] for part in parts] == [str(number) for number in range(1, 16)]
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", file.read_text())
    }
    for part in parts:
        named = set(re.findall(r"`(test_\w+)`", part))
        assert named
        assert named <= there, named - there


def test_the_readme_names_one_command_to_train_and_two_to_test() -> None:
    """Each is a single line; the last is found by its comment, as continuous integration does."""
    train, quick, test = blocks("README.md", "sh")
    assert train == "python -m pip install . && lenetkit train\n"
    assert quick.endswith(' && python -m pytest -m "not slow and not tensorflow" -n 2\n')
    assert f"<!-- test command -->\n```sh\n{test}```" in (ROOT / "README.md").read_text("utf-8")
    assert test == "python -m pip install tox && python -m tox\n"


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_code_in_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks, one after the other, on the embedded digits in MNIST's place."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(load_dataset("digits").images[0]).save("photo.png")
    Image.fromarray(draw_number("47278", seed=1).image).save("amount.jpg")
    namespace: dict[str, object] = {}
    for block in blocks("README.md", "python"):
        exec(compile(block.replace('"mnist"', '"digits"'), "README.md", "exec"), namespace)
    assert Path("digits.lenet").exists()
    assert 0 <= namespace["evaluation"].accuracy <= 1  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def extended_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the package that has the three files of CONTRIBUTING.md, and no other change."""
    folder = tmp_path_factory.mktemp("extended")
    package = folder / "lenetkit"
    shutil.copytree(Path(lenetkit.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    model, dataset, transform = blocks("CONTRIBUTING.md", "python")
    (package / "models" / "softmax_regression.py").write_text(model, "utf-8")
    (package / "datasets" / "bars_and_rings.py").write_text(dataset, "utf-8")
    (package / "transforms" / "mirror.py").write_text(transform, "utf-8")
    return folder


def run(folder: Path, code: str) -> str:
    """Run code in a fresh Python that finds the package in this folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_model_and_a_data_set_are_one_new_file_each(extended_package: Path) -> None:
    """The files of the checklists, laid beside the others, are found by the command line, which learns with them."""
    command = ["train", "--dataset", "bars_and_rings", "--model", "softmax_regression"]
    output = run(extended_package, f"from lenetkit.cli import main; main({command})")
    match = re.fullmatch(r"accuracy (.*?) % .*", output.splitlines()[-1])
    assert match is not None
    assert float(match[1]) > 90


def test_a_transform_is_one_new_file(extended_package: Path) -> None:
    """The file of the checklist is listed, found by its name, saved, and its example holds."""
    code = """
import doctest, numpy as np
from lenetkit.transforms import create_transform, list_transforms, transform_from_dict, transform_to_dict
assert "mirror" in list_transforms()
mirror = create_transform("mirror", vertical=True)
assert transform_from_dict(transform_to_dict(mirror)) == mirror
from lenetkit.transforms import mirror as module
print(doctest.testmod(module))
"""
    assert run(extended_package, code) == "TestResults(failed=0, attempted=3)\n"
