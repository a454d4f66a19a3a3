"""The rules of the house: each is shown to find what it forbids, and to leave alone what it allows."""

import ast
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
CLEAN = {
    "__init__.py": '"""A house of two rooms."""\n',
    "old.py": (
        '"""Forwarder: see ``cellar``."""\n\nfrom house._utils.names import forward\n\n'
        '__getattr__ = forward(__name__, {"jam": "house.cellar.jam"})\n'
    ),
    "_utils/__init__.py": "",
    "_utils/names.py": '"""Names."""\n\n\ndef forward(module, targets):\n    """Return nothing."""\n',
    "_ink/__init__.py": '"""Ink."""\n\nfrom house._ink.mask import digit_mask\n',
    "_ink/mask.py": '"""Masks."""\n\n\ndef digit_mask():\n    """Return nothing."""\n',
    "attic/__init__.py": '"""The attic."""\n\nfrom house.attic._box import Box, _Lid\n',
    "attic/_box.py": '"""Boxes."""\n\n\nclass Box:\n    """A box."""\n\n    _side = 1\n\n\nclass _Lid:\n    pass\n',
    "cellar.py": (
        '"""The cellar: takes whole numbers of jars."""\n\nfrom house._ink import digit_mask\n'
        "from house._utils.names import forward\nfrom house.attic import Box\n"
    ),
    "cli/attic.py": '"""A command, named after the room that it serves."""\n',
}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Return ``tools/check_house.py``."""
    spec = importlib.util.spec_from_file_location("check_house", ROOT / "tools" / "check_house.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Findings = Callable[..., list[str]]


@pytest.fixture
def findings(tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Findings:
    """Return a function that plants files in a clean house and returns what is found there."""

    def _findings(planted: dict[str, str], *pages: Path) -> list[str]:
        house = tmp_path / "house"
        for name, text in {**CLEAN, **planted}.items():
            path = house / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        code = tool.main([str(house), *map(str, pages)])
        found = [line.removeprefix(f"{house}/") for line in capsys.readouterr().out.splitlines()]
        assert code == bool(found)
        return found

    return _findings


def test_a_clean_house_passes(findings: Findings) -> None:
    """The open rooms, a forwarder, a command named after its room and ordinary words are all allowed."""
    text = '"""A file.\n\nHe decides whether to take it, and where; what is left is shared."""\n'
    text += 'import numpy as np\n\n\nfor index, label in enumerate("ab"):\n    rows = np.take(label, index)\n'
    assert findings({"attic/_rows.py": text}) == []


A_LONG_BODY = '"""Long."""\n\n\ndef long():\n    """Return."""\n' + "    x = 1\n" * 51
PLANTED = {
    "a private module": (
        {"cellar.py": '"""A."""\nfrom house.attic._box import Box\n'},
        r"cellar.py:2: private: _box is private to house.attic",
    ),
    "a private name inside a function": (
        {"cellar.py": '"""A."""\n\n\ndef f():\n    """Do."""\n    from house.attic import _Lid\n'},
        r"cellar.py:6: private: _Lid is private to house.attic",
    ),
    "a relative import": (
        {"cellar.py": '"""A."""\nfrom .attic import _Lid\n'},
        r"cellar.py:2: private: _Lid is private",
    ),
    "a private attribute of a module": (
        {"cellar.py": '"""A."""\nfrom house import attic\n\nprint(attic._Lid)\n'},
        r"cellar.py:4: private: _Lid is private",
    ),
    "a private attribute of a class": (
        {"cellar.py": '"""A."""\nimport house.attic as a\n\nprint(a.Box._side)\n'},
        r"cellar.py:4: private: _side is private",
    ),
    "a module imported by its name": (
        {"cellar.py": '"""A."""\nimport importlib\n\nimportlib.import_module("house.attic._box")\n'},
        r"cellar.py:4: private: _box is private",
    ),
    "a private name of _utils": (
        {"cellar.py": '"""A."""\nfrom house._utils.names import _hidden\n'},
        r"cellar.py:2: private: _hidden is private to house._utils",
    ),
    "a module of _ink": (
        {"cellar.py": '"""A."""\nfrom house._ink.mask import digit_mask\n'},
        r"cellar.py:2: private: house._ink.mask.digit_mask: import it from the package house._ink",
    ),
    "a circle": (
        {"attic/_lid.py": '"""A."""\nfrom house.attic._key import k\n', "attic/_key.py": "import house.attic._lid\n"},
        r"attic/_key.py:1: circle: house.attic._key -> house.attic._lid -> house.attic._key",
    ),
    "a circle of types": (
        {
            "attic/lid.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import house.cellar\n",
            "cellar.py": '"""A."""\n\n\ndef f():\n    """Do."""\n    import house.attic.lid as l\n',
        },
        r"attic/lid.py:4: circle: house.attic.lid -> house.cellar -> house.attic.lid",
    ),
    "a circle through an __init__": (
        {"attic/_box.py": '"""A."""\nfrom house.attic import Box\n'},
        r"attic/__init__.py:3: circle: house.attic -> house.attic._box -> house.attic",
    ),
    "too many entries": (
        {f"room{number}.py": "" for number in range(25)},
        r"__init__.py:1: entries: 31 entries at the top of the package; 30 at most",
    ),
    "a long file": ({"cellar.py": "\n" * 401}, r"cellar.py:401: size: the file has 401 lines"),
    "a long body": ({"cellar.py": A_LONG_BODY}, r"cellar.py:4: size: the body of long has 51 lines"),
    "a long line": ({"cellar.py": f"# {'a' * 120}\n"}, r"cellar.py:1: size: the line has 122 characters"),
    "a name that stands twice": ({"cellar/_box.py": ""}, r"cellar/_box.py:1: name: attic/_box.py has this name, too"),
    "a phrase in a docstring": (
        {"cellar.py": '"""Jam.\n\nIt is there if it cannot\nbe had elsewhere.\n"""\n'},
        r"cellar.py:3: words: 'cannot be had'; say: \(not\) available",
    ),
    "a phrase in a comment": (
        {"cellar.py": "x = 1  # The share\n# of jam; a\n# standard deviation.\n"},
        r"cellar.py:1: words: 'The share of'; say: fraction",
    ),
    "a phrase in a message": (
        {"cellar.py": 'n = 1\nprint(f"{n} must be a positive whole number")\n'},
        r"cellar.py:2: words: 'positive whole number'; say: integer",
    ),
    "a name": (
        {"cellar.py": "class Chance:\n    pass\n"},
        r"cellar.py:1: words: the name 'Chance'; say: RandomStreams",
    ),
    "a name of a function": ({"cellar.py": "def size_of(x):\n    pass\n"}, r"cellar.py:1: words: the name 'size_of'"),
    "an index": (
        {"cellar.py": 'x = [place for place, _ in enumerate("ab")]\n'},
        r"cellar.py:1: words: the name 'place'; say: index",
    ),
    "an opening": (
        {"cellar.py": 'def _f():\n    """Whether it is so."""\n'},
        r"cellar.py:2: opening: a docstring begins with 'Whether'",
    ),
    "an opening of a module": (
        {"cellar.py": '"""From jars to jam."""\n'},
        r"cellar.py:1: opening: a docstring begins with 'From'",
    ),
    "a sentence": (
        {"cellar.py": '"""Jam.\n\nIt is sweet. What is left\nis eaten."""\n'},
        r"cellar.py:3: opening: a sentence of a docstring begins with 'What'",
    ),
    "the text of a parameter": (
        {"cellar.py": 'def f(x):\n    """Do.\n\n    x : bool\n        Whether.\n    """\n'},
        r"cellar.py:5: opening: a sentence of a docstring begins with 'Whether'",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_each_rule_finds_what_is_planted(planted: str, findings: Findings) -> None:
    """One finding, in its file and on its line."""
    files, expected = PLANTED[planted]
    (found,) = findings(files)
    assert re.match(expected, found), found


def test_pages_are_read_too(findings: Findings, tmp_path: Path) -> None:
    """A folder stands for the pages in it."""
    page = tmp_path / "docs" / "use" / "page.md"
    page.parent.mkdir(parents=True)
    page.write_text("# Jam\n\nIt is not\nto be had.\n", "utf-8")
    assert findings({}, tmp_path / "docs") == [f"{page}:4: words: 'to be had'; say: (not) available"]


def test_the_linters_environment_checks_the_house() -> None:
    """On the source and the pages."""
    lint = re.search(r"^\[testenv:lint\]\n(.*?)^\[", (ROOT / "tox.ini").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert lint is not None
    assert "    python tools/check_house.py src/lenetkit README.md docs\n" in lint[1]


def test_one_function_calls_the_converter_of_tensorflow() -> None:
    """It is announced for removal: what takes its place is then changed in one place."""
    named = {
        (path.name, function.name)
        for folder in ("src", "tests", "tools", "benchmarks", "examples")
        for path in (ROOT / folder).rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(node, ast.Attribute) and node.attr == "lite" for node in ast.walk(function))
    }
    assert named == {("_litert.py", "_convert")}
