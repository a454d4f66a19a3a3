"""Every code block of these pages is run: ``pytest docs``.

The blocks of one page share their names, in a folder with the files that the pages speak of. Blocks with prompts are
doctests, those without are run. A ``{code-block} python`` with the class ``foreign`` is another library's: it is parsed
and not run. Of shell blocks every ``lenetkit`` command must be one that the command line takes, and the quick ones are
run; every script that they name must be in the repository and know the options. What cannot be run anywhere stands
after ``<!-- skip: next "the reason" -->``.
"""

import ast
import doctest
import json
import os
import re
import shlex
import shutil
import tempfile
import tomllib
from pathlib import Path

import click
import matplotlib as mpl
import pytest
from click.testing import CliRunner
from PIL import Image
from sybil import Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

mpl.use("Agg")

# So that `pytest --doctest-modules docs` leaves the gallery's scripts to Sphinx.
collect_ignore_glob = ["*.py"]

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
QUICK = {"--help", "--version", "datasets", "diagnose", "info", "inspect", "models", "predict", "read", "verify"}
# What blocks show besides lenetkit's own commands and scripts.
ELSEWHERE = {"gunicorn", "pip", "pytest", "sha256sum", "sphinx-build", "tensorboard", "tox", "unzip"}


class Python(PythonCodeBlockParser):
    """Runs lenetkit's blocks, parses other people's."""

    def __call__(self, document):
        for region in super().__call__(document):
            if re.match(r"`{3,}\{code-block\} python\n:class: foreign\n", document.text[region.start :]):
                region.evaluator = lambda example: ast.parse(example.parsed) and None
            yield region


def check_commands(example):
    """Check each command of a shell block."""
    text = example.parsed.replace("\\\n", " ")
    lines = text.splitlines()
    if example.region.lexemes["arguments"] == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        command = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word not in ("&&", "|"):
                command.append(word)
            elif command:
                check_command(command)
                command = []


def check_command(words):
    """Check one command: run it if that is quick, else see that there is such a thing."""
    if words[:2] == ["python", "-m"]:
        words = words[2:]
    program, *arguments = words
    if program == "python":
        check_script(*arguments)
    elif program == "lenetkit":
        check_lenetkit(arguments)
    elif program not in ELSEWHERE:
        pytest.fail(f"{program}: say in docs/conftest.py whether it is a program from elsewhere")
    extras = {extra for word in words for found in re.findall(r"lenetkit\[(.*?)\]", word) for extra in found.split(",")}
    assert extras <= set(EXTRAS), f"lenetkit has no extra {extras - set(EXTRAS)}"


def check_script(script, *arguments):
    text = (ROOT / script).read_text("utf-8")
    unknown = [word for word in arguments if word.startswith("--") and f'"{word.partition("=")[0]}"' not in text]
    assert not unknown, f"{script} knows no {unknown}"


def check_lenetkit(arguments):
    from lenetkit import cli

    context = click.Context(cli._commands, info_name="lenetkit")
    name, command, rest = cli._commands.resolve_command(context, list(arguments))
    # Raises what a user would get for a wrong option, a missing argument or a file that is not there.
    command.make_context(name, list(rest), parent=context)
    if arguments[0] in QUICK and "--check" not in arguments:
        result = CliRunner().invoke(cli._commands, arguments)
        assert result.exit_code == 0, f"{result.output}{result.exception!r}"


def stand_in(*, subset="all", data_dir=None, download=True):  # noqa: ARG001
    """Return the embedded digits as large as MNIST's, so that a page that trains on MNIST takes seconds."""
    from lenetkit.datasets import Dataset, load_dataset
    from lenetkit.transforms import Resize

    digits = load_dataset("digits")
    if subset != "all":
        digits = digits.split(test_size=0.2, seed=0)[subset == "test"]
    return Dataset(images=Resize((28, 28))(digits.images), labels=digits.labels, name="mnist", epochs=1)


def draw_date():
    """Return a date on clean paper."""
    from lenetkit.synthesis import LineSettings, draw_line

    marks = ["patterned", "stained", "bordered", "neighboured", "framed", "boxed", "ruled", "underlined", "starred"]
    forms = ["touching", "joined", "small_zeros", "compressed", "bleached"]
    settings = LineSettings(
        height=64,
        styles="american",
        digit_height=(40, 44),
        margin=(0.5, 0.7),
        side_margin=(0.8, 1.2),
        drawn=1,
        **dict.fromkeys([*marks, *forms], 0),
    )
    return draw_line("27/11/2026", settings=settings, seed=4).image


def prepare(namespace):
    """Make a folder with the files that pages speak of, and go there."""
    from lenetkit.datasets import dataset_info, load_dataset, register_dataset
    from lenetkit.pretrained import get_path
    from lenetkit.synthesis import draw_number

    mnist = dataset_info("mnist")
    register_dataset("mnist", description=mnist.description, epochs=1, replace=True)(stand_in)
    folder = Path(tempfile.mkdtemp())
    namespace.update(__name__="__main__", _left=(folder, Path.cwd(), mnist))
    os.chdir(folder)
    digits = load_dataset("digits")
    Path("scans").mkdir()
    for name, row in (("photo.png", 7), ("scan.png", 3), ("scans/1.png", 1), ("scans/2.png", 2)):
        Image.fromarray(255 - digits.images[row]).resize((80, 80)).save(name)
    for label in range(10):
        Path("pictures", str(label)).mkdir(parents=True)
        for number, row in enumerate((digits.labels == label).nonzero()[0][:20]):
            Image.fromarray(digits.images[row]).save(f"pictures/{label}/{number}.png")
    for name in ("amount.jpg", "form.png"):
        Image.fromarray(255 - draw_number("47278", seed=1).image).save(name)
    Image.fromarray(draw_date()).save("date.png")
    Path("orders.txt").write_text("41218\n47278\n57270\n", "utf-8")
    shutil.copyfile(get_path("digits"), "digits.lenet")
    shutil.copyfile(ROOT / "docs" / "use" / "normalize_port.py", "normalize_port.py")


def leave(namespace):
    """Put everything back."""
    from matplotlib import pyplot as plt

    from lenetkit.datasets import register_dataset

    folder, before, mnist = namespace["_left"]
    os.chdir(before)
    shutil.rmtree(folder)
    register_dataset("mnist", description=mnist.description, epochs=mnist.epochs, replace=True)(mnist.loader)
    plt.close("all")


pytest_collect_file = Sybil(
    parsers=[
        Python(doctest_optionflags=doctest.ELLIPSIS),
        CodeBlockParser("sh", check_commands),
        CodeBlockParser("console", check_commands),
        CodeBlockParser("json", lambda example: json.loads(example.parsed) and None),
        CodeBlockParser("toml", lambda example: tomllib.loads(example.parsed) and None),
        SkipParser(),
    ],
    pattern="*.md",
    setup=prepare,
    teardown=leave,
).pytest()
