"""Tests for `lenetkit.registry`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lenetkit.exceptions import LenetkitError, NameTakenError, PluginError, SettingError, UnknownNameError
from lenetkit.registry import UNREADABLE, Registry

GROUP = "lenetkit_test.things"


@pytest.fixture
def registry() -> Registry[str]:
    """Return a registry with two members."""
    things: Registry[str] = Registry("thing", group=GROUP)
    things.register("anchor", "an anchor", owner="tests.anchor")
    things.register("buoy", "a buoy", owner="tests.buoy")
    return things


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that installs a distribution of one module with entry points, the way pip lays it out."""

    def _install(distribution: str, module: str, source: str, *names: str) -> None:
        folder = tmp_path / distribution
        information = folder / f"{distribution}-1.0.dist-info"
        information.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {module}" for name in names)
        (information / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}\n")
        monkeypatch.syspath_prepend(str(folder))

    return _install


def test_a_member_is_found_by_its_name(registry: Registry[str]) -> None:
    """What was registered comes back unchanged."""
    assert registry.get("anchor") == "an anchor"
    assert registry.owner("anchor") == "tests.anchor"


def test_names_are_sorted_and_filtered(registry: Registry[str]) -> None:
    """A shell pattern chooses names."""
    assert registry.names() == ["anchor", "buoy"]
    assert registry.names("b*") == ["buoy"]


def test_a_miss_lists_the_names_and_the_nearest_spelling(registry: Registry[str]) -> None:
    """The message helps somebody who mistyped."""
    with pytest.raises(UnknownNameError, match=r"unknown thing 'ancor'\. Did you mean 'anchor'\? .* anchor, buoy\."):
        registry.get("ancor")


def test_a_taken_name_is_refused_and_both_owners_named(registry: Registry[str]) -> None:
    """Nothing is overwritten silently."""
    with pytest.raises(NameTakenError, match=r"'anchor' is taken by tests\.anchor; mine cannot have it"):
        registry.register("anchor", "another", owner="mine")
    assert registry.get("anchor") == "an anchor"


def test_a_name_can_be_taken_over_on_purpose(registry: Registry[str]) -> None:
    """``replace=True`` says so explicitly."""
    registry.register("anchor", "another", owner="mine", replace=True)
    assert registry.get("anchor") == "another"
    assert registry.owner("anchor") == "mine"


@pytest.mark.parametrize("name", ["", "a b", "../x", "-a", "ä", 3, None])
def test_a_name_that_cannot_be_one_is_refused(registry: Registry[str], name: object) -> None:
    """Names stay plain, so that they can stand in files and on command lines."""
    with pytest.raises(SettingError, match="name must be letters"):
        registry.register(name, "x", owner="tests")  # type: ignore[arg-type]


def test_a_forgotten_member_is_unknown(registry: Registry[str]) -> None:
    """``unregister`` undoes ``register``."""
    registry.unregister("buoy")
    with pytest.raises(UnknownNameError, match="Known things: anchor"):
        registry.get("buoy")


def test_errors_are_lenetkit_errors_and_builtins() -> None:
    """Users may catch either."""
    assert issubclass(UnknownNameError, (LenetkitError, LookupError))
    assert issubclass(NameTakenError, (LenetkitError, ValueError))


def test_a_plug_in_is_listed_without_being_imported(registry: Registry[str], install) -> None:
    """Listing reads metadata alone."""
    install("harbour", "harbour_plugin", "raise RuntimeError('imported')", "pier")
    assert registry.names() == ["anchor", "buoy", "pier"]
    assert registry.owner("pier") == "harbour"
    assert "harbour_plugin" not in sys.modules


def test_a_plug_in_is_imported_when_its_name_is_asked_for(registry: Registry[str], install) -> None:
    """The first look-up loads it."""
    source = "import lenetkit_test_home\nlenetkit_test_home.things.register('pier', 'a pier', owner='harbour_good')\n"
    home = type(sys)("lenetkit_test_home")
    home.things = registry  # type: ignore[attr-defined]
    sys.modules["lenetkit_test_home"] = home
    install("harbour-good", "harbour_good", source, "pier")
    try:
        assert registry.get("pier") == "a pier"
    finally:
        del sys.modules["lenetkit_test_home"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
        ("print('hello')", "did not register it"),
    ],
)
def test_a_broken_plug_in_harms_only_itself(registry: Registry[str], install, capsys, source: str, reason: str) -> None:
    """It is named with its distribution, prints nothing to standard output, and the others go on working."""
    module = f"broken_{abs(hash(source))}"
    install("broken-dist", module, source, "wreck")
    with pytest.raises(PluginError, match=f"broken-dist.*{reason}"):
        registry.get("wreck")
    assert capsys.readouterr().out == ""
    assert registry.get("anchor") == "an anchor"


@pytest.mark.parametrize(
    "content",
    [
        b"[lenetkit_test.things]\nno equals sign\n",
        b"[lenetkit_test.things]\n= nameless\n",
        b"[lenetkit_test.things]\n\x1b[2J = escape\n",
        b"[lenetkit_test.things]\n\xff\xfe = not text\n",
        b"[console_scripts]\nsomething else entirely\n",
    ],
)
def test_malformed_entry_points_of_any_distribution_harm_nothing_else(
    registry: Registry[str], install, tmp_path: Path, content: bytes
) -> None:
    """The distribution is named, and everything else is listed and found."""
    install("sound-dist", "sound_module", "", "pier")
    install("wreck-dist", "wreck_module", "", "unused")
    (tmp_path / "wreck-dist" / "wreck-dist-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    assert registry.names() == ["anchor", "buoy", "pier"]
    with pytest.warns(UserWarning, match="entry points of the distribution wreck-dist cannot be read"):
        assert registry.listed() == ["anchor", "buoy", "pier"]
    assert registry.get("anchor") == "an anchor"
    broken = {plug_in.distribution: plug_in for plug_in in registry.plug_ins() if plug_in.name == UNREADABLE}
    assert list(broken) == ["wreck-dist"]
    assert (broken["wreck-dist"].error or "").startswith("the entry points of the distribution wreck-dist cannot be")
    with pytest.raises(UnknownNameError, match="Not read were the entry points of wreck-dist: they are malformed"):
        registry.get("unused")


def test_a_distribution_without_a_name_is_named_by_its_place(registry: Registry[str], install, tmp_path: Path) -> None:
    """Of an installation that was broken off, say."""
    install("half-dist", "half_module", "", "pier")
    information = tmp_path / "half-dist" / "half-dist-1.0.dist-info"
    (information / "METADATA").unlink()
    assert registry.names() == ["anchor", "buoy", "pier"]
    (information / "entry_points.txt").write_text("[x]\ny\n")
    assert registry.names() == ["anchor", "buoy"]
    assert [plug_in.distribution for plug_in in registry.plug_ins()] == [str(information)]


@pytest.mark.parametrize("command", ["models", "datasets"])
def test_the_lists_name_a_malformed_distribution(command: str, tmp_path: Path) -> None:
    """Of all registries, in a process of its own, as pip has left it."""
    information = tmp_path / "wreck_dist-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: wreck-dist\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[lenetkit.models]\nbroken\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"}
    code = "from lenetkit.transforms import list_transforms; print(list_transforms())"
    for arguments in (["-m", "lenetkit", command], ["-c", code]):
        answer = subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stderr
        assert ("the entry points of the distribution wreck-dist cannot be read" in answer.stdout) == (
            command in arguments
        )
        assert "lenet5" in answer.stdout or "mnist" in answer.stdout


def test_two_plug_ins_with_one_name_are_both_named(registry: Registry[str], install) -> None:
    """Which one wins must not depend on the order of folders."""
    install("first-dist", "first_module", "", "pier")
    install("second-dist", "second_module", "", "pier")
    with pytest.raises(PluginError, match="first-dist, second-dist"):
        registry.get("pier")


def test_built_in_names_are_found_in_a_fresh_process() -> None:
    """The public modules of the package register themselves on first use."""
    code = "import lenetkit; print(lenetkit.list_models('lenet5'))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "['lenet5']"
