"""Tests for the descriptions of settings: the same in every process, another for what does something else."""

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from lenetkit.augment import Compose, Shift
from lenetkit.trainer._setting_description import describe

RATE = 0.5


def scaled(x: float, by: float = 1.0) -> float:
    """Multiply."""
    return x * by


def make_scaling(by: Any) -> Any:
    return lambda x: x * by


class Scaling:
    """A callable object of the user's own."""

    def __init__(self, by: Any) -> None:
        self._by = by

    def __call__(self, x: float) -> float:
        return x * self._by


@attrs.frozen
class Frozen:
    """Settings with a function among them, and one that does not show."""

    function: Any
    hidden: float = attrs.field(default=1.0, repr=False)


class Loop:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.me = [self]


def compiled(source: str, name: str = "f") -> Any:
    """Return a function of a module of its own."""
    scope: dict[str, Any] = {"__name__": "a_module"}
    exec(source, scope)
    return scope[name]


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "numbers": (0.1, 0.2),
    "types": (1, 1.0),
    "texts": ("a", "b"),
    "arrays": (np.zeros(3), np.zeros(3, np.float32)),
    "long lists": (list(range(1000)), [*range(999), 5]),
    "mappings": ({1: 0.1}, {1: 0.2}),
    "partials": (functools.partial(scaled, by=2.0), functools.partial(scaled, by=3.0)),
    "positional partials": (functools.partial(scaled, 2.0), functools.partial(scaled, 3.0)),
    "closures": (make_scaling(2.0), make_scaling(3.0)),
    "closures over arrays": (make_scaling(np.ones(2)), make_scaling(np.zeros(2))),
    "closures over closures": (make_scaling(make_scaling(2.0)), make_scaling(make_scaling(3.0))),
    "callable objects": (Scaling(2.0), Scaling(3.0)),
    "methods of objects": (Scaling(2.0).__call__, Scaling(3.0).__call__),
    "attrs with functions": (Frozen(make_scaling(2.0)), Frozen(make_scaling(3.0))),
    "attrs that do not show": (Frozen(None, 2.0), Frozen(None, 3.0)),
    "augmentations": (Compose([Shift(pixels=1)]), Compose([Shift(pixels=2)])),
    "augmentations with functions": (Compose([make_scaling(2.0)]), Compose([make_scaling(3.0)])),
    "code": (compiled("def f(x):\n return x * 2"), compiled("def f(x):\n return x * 3")),
    "operators": (compiled("def f(x):\n return x * 2"), compiled("def f(x):\n return x + 2")),
    "inner functions": (
        compiled("def f(x):\n return list(map(lambda y: y * 2, x))"),
        compiled("def f(x):\n return list(map(lambda y: y * 3, x))"),
    ),
    "defaults": (compiled("def f(x, y=2):\n return x * y"), compiled("def f(x, y=3):\n return x * y")),
    "keyword defaults": (compiled("def f(x, *, y=2):\n return x"), compiled("def f(x, *, y=3):\n return x")),
    "constants of the module": (
        compiled("r = 2\ndef f(x):\n return x * r"),
        compiled("r = 3\ndef f(x):\n return x * r"),
    ),
    "functions of the module": (
        compiled("def g(x):\n return x * 2\ndef f(x):\n return g(x)"),
        compiled("def g(x):\n return x * 3\ndef f(x):\n return g(x)"),
    ),
    "methods of classes": (
        compiled("class C:\n def __call__(self, x):\n  return x * 2\nf = C()"),
        compiled("class C:\n def __call__(self, x):\n  return x * 3\nf = C()"),
    ),
    "constants of classes": (
        compiled("class C:\n r = 2.0\n def __call__(self, x):\n  return x\nf = C()"),
        compiled("class C:\n r = 3.0\n def __call__(self, x):\n  return x\nf = C()"),
    ),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_what_does_something_else_is_described_otherwise(kind: str) -> None:
    """In a text that says nothing of addresses and is short enough for a message."""
    one, other = map(describe, DIFFERENT[kind])
    assert one != other
    assert " at 0x" not in one
    assert len(one) < 500


ALIKE: dict[str, tuple[Any, Any]] = {
    "objects": (Scaling(2.0), Scaling(2.0)),
    "closures": (make_scaling(2.0), make_scaling(2.0)),
    "sets": ({"a", "b", "c", 1}, {1, "c", "b", "a"}),
    "mappings": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "comments and documentation": (
        compiled("def f(x):\n '''One.'''\n return x"),
        compiled("# a comment\n\ndef f(x):\n '''Another.'''\n return x"),
    ),
    "names of variables": (compiled("def f(x):\n y = x\n return y"), compiled("def f(a):\n b = a\n return b")),
    "where a closure writes": (make_scaling("/tmp/a"), make_scaling("/tmp/b")),
    "loops": (Loop(), Loop()),
    "wrapped": (functools.lru_cache(scaled), functools.lru_cache(scaled)),
}


@pytest.mark.parametrize("kind", ALIKE)
def test_what_does_the_same_is_described_alike(kind: str) -> None:
    """Where it was made, and in which order, does not count."""
    one, other = map(describe, ALIKE[kind])
    assert one == other


class Shy:
    """An object that does not let itself be looked at."""

    def get_config(self) -> Any:
        raise RuntimeError("no")


def test_what_cannot_be_looked_at_is_described_by_its_class() -> None:
    """A description never ends a training."""
    assert describe(Shy()) == "<Shy>"


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import test_setting_description as tests
from lenetkit.trainer._setting_description import describe
for pair in (*tests.DIFFERENT.values(), *tests.ALIKE.values(), (tests.Shift(), tests.RATE)):
    print(*map(describe, pair))
"""


def test_another_process_gives_the_same_descriptions() -> None:
    """Whatever the order of its sets and the addresses of its objects."""
    outputs = [
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", SCRIPT, str(Path(__file__).parent)],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) == len(DIFFERENT) + len(ALIKE) + 1
