"""The public names, kept in two places: each room's ``__all__``, and the pages of the API reference.

Adding or removing one is a decision that the changelog tells users about; it changes both.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import lenetkit
import lenetkit.exceptions

REFERENCE = Path(__file__).parents[1] / "docs" / "api"
# Has its page elsewhere, made from what each command says of itself.
INTERNAL = {"cli"}
MODULES = sorted(
    module.name
    for module in pkgutil.iter_modules(lenetkit.__path__)
    if not module.name.startswith("_") and module.name not in INTERNAL
)

# Names that need no example of their own, and why.
WITHOUT_EXAMPLE = {
    r"exceptions\.(?!LenetkitError)\w+": "raised, not called; the example of LenetkitError catches one",
    r"plotting\.\w+Display": "returned by plot_..., whose example shows it",
}
# Their public methods need an example each, too.
MAIN_CLASSES = ["Dataset", "Evaluation", "LeNetClassifier", "Pipeline", "Trainer", "TrainingResult", "reading.Reading"]


def documented(page: str) -> list[str]:
    """Return the names that a page of the reference has an entry for."""
    entry = r"^   (\w+)$|^\.\. auto(?:class|data|exception|function):: (\w+)$"
    return [first or second for first, second in re.findall(entry, page, re.MULTILINE)]


def differences(names: Sequence[str], page: str) -> list[str]:
    """Return the names that are in one of the two places, or twice in one."""
    there = documented(page)
    return sorted({name for name in {*names, *there} if (names.count(name), there.count(name)) != (1, 1)})


def page_of(module: str) -> str:
    """Return the text of a module's page; a module that only forwards old names has none."""
    path = REFERENCE / f"{module}.rst"
    return path.read_text("utf-8") if path.exists() else ""


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_lists_each_public_name_once_and_no_other(module: str) -> None:
    """``__all__`` of a module is what its page lists."""
    assert differences(importlib.import_module(f"lenetkit.{module}").__all__, page_of(module)) == []


def test_a_name_that_is_missing_on_either_side_is_found() -> None:
    """The test of the test above."""
    names, page = lenetkit.exceptions.__all__, page_of("exceptions")
    assert differences([*names, "NewError"], page) == ["NewError"]
    assert differences(names[1:], page) == [names[0]]
    assert differences(names, f"{page}\n.. autoexception:: NewError\n") == ["NewError"]
    assert differences(names, page.replace(f".. autoexception:: {names[0]}\n", "")) == [names[0]]
    assert differences(["load"], ".. autosummary::\n   :toctree: generated\n\n   load\n   load\n") == ["load"]


def test_every_page_of_the_reference_is_a_modules_and_can_be_reached() -> None:
    """The reference's table of contents names each public module once."""
    index = (REFERENCE / "index.rst").read_text("utf-8")
    pages = sorted(path.stem for path in REFERENCE.glob("*.rst") if path.stem != "index")
    assert sorted(re.findall(r"^   (\w+)$", index, re.MULTILINE)) == pages
    assert set(pages) <= set(MODULES)


@pytest.mark.parametrize("name", lenetkit.__all__)
def test_every_short_name_leads_where_it_is_documented(name: str) -> None:
    """A name of ``lenetkit`` itself is found when it is first used, and has its entry on the page of its stage."""
    member = getattr(lenetkit, name)
    assert member.__module__.startswith("lenetkit.")
    assert name in dir(lenetkit)
    assert name in documented(page_of(member.__module__.split(".")[1]))


def without_example(members: dict[str, object]) -> list[str]:
    """Return the functions and classes whose documentation has no example that the doctests run."""
    documented = {
        name: member for name, member in members.items() if inspect.isroutine(member) or inspect.isclass(member)
    }
    return [name for name, member in documented.items() if not re.search("^ *>>> ", inspect.getdoc(member) or "", re.M)]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_running_example(module: str) -> None:
    """Each function and class shows itself at work, unless there is a reason why not."""
    names = importlib.import_module(f"lenetkit.{module}").__all__
    members = {f"{module}.{name}": getattr(importlib.import_module(f"lenetkit.{module}"), name) for name in names}
    missing = without_example(members)
    assert [name for name in missing if not any(re.fullmatch(names, name) for names in WITHOUT_EXAMPLE)] == []


@pytest.mark.parametrize("name", MAIN_CLASSES)
def test_every_method_of_what_people_use_most_has_a_running_example(name: str) -> None:
    """Each public method of lenetkit's own does; what scikit-learn adds is not ours to show."""
    module, _, short = name.rpartition(".")
    cls = getattr(importlib.import_module(f"lenetkit.{module}" if module else "lenetkit"), short)
    methods = {key: method for key, method in inspect.getmembers(cls, inspect.isroutine) if not key.startswith("_")}
    public = {key: method for key, method in methods.items() if method.__module__.startswith("lenetkit.")}
    assert public
    assert without_example(public) == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="module 'lenetkit' has no attribute 'Pipelin'"):
        lenetkit.Pipelin  # noqa: B018


def test_the_version_is_the_distributions() -> None:
    """Read from the installed metadata."""
    assert lenetkit.__version__.count(".") >= 2
