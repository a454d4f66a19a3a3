"""The two distributions of one source: what is in them, and what they say that they need."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest

from lenetkit._utils.extras import has_wheels

requirements = pytest.importorskip("packaging.requirements")

ROOT = Path(__file__).parents[2]
CLONED = ("LICENSE", "README.md", "pyproject.toml", "src", "lite")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
READING = {"attrs", "click", "numpy", "pillow", "rich", "safetensors", "scipy"}
TRAINING = {"ai-edge-litert", "keras", "tensorflow"}
MEGABYTE = 10**6


def build(folder: Path, *targets: str) -> None:
    """Build the distribution whose folder it is, into ``dist``."""
    pytest.importorskip("hatchling")
    options = [part for target in targets for part in ("-t", target)]
    command = [sys.executable, "-m", "hatchling", "build", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the sdist of lenetkit-lite, and as ``again`` a wheel from that sdist."""
    clone = tmp_path_factory.mktemp("clone")
    for name in CLONED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__", "dist"))
        else:
            shutil.copy(ROOT / name, clone / name)
    build(clone / "lite", "wheel", "sdist")
    (sdist,) = (clone / "lite" / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(clone / "unpacked", filter="data")
    (unpacked,) = (clone / "unpacked").iterdir()
    build(unpacked, "wheel")
    shutil.move(unpacked / "dist", clone / "lite" / "dist" / "again")
    return clone / "lite" / "dist"


def get_wheel(folder: Path) -> zipfile.ZipFile:
    """Return the one wheel of a folder, opened."""
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


def get_metadata(wheel: zipfile.ZipFile) -> Message:
    """Return what a wheel says of itself."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return BytesParser().parsebytes(wheel.read(name))


def test_the_light_wheel_holds_the_whole_package(built: Path) -> None:
    """File by file, with the pretrained pipeline and the page of the demo; in a twentieth of what may be ours."""
    package = ROOT / "src" / "lenetkit"
    files = {path.relative_to(package.parent).as_posix() for path in package.rglob("*") if path.is_file()}
    wanted = {name for name in files if "__pycache__" not in name}
    assert {"lenetkit/pretrained/digits.lenet", "lenetkit/demo/assets/index.html", "lenetkit/py.typed"} <= wanted
    wheel = get_wheel(built)
    held = {info.filename: info.file_size for info in wheel.infolist()}
    assert {name for name in held if ".dist-info/" not in name} == wanted
    assert sum(held.values()) < 10 * MEGABYTE
    (licence,) = (name for name in held if name.endswith("licenses/LICENSE"))
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_the_light_wheel_needs_what_reading_needs(built: Path) -> None:
    """With the version, the bounds and the extras of the full one, and the same command."""
    wheel = get_wheel(built)
    metadata = get_metadata(wheel)
    assert (metadata["Name"], metadata["Version"]) == ("lenetkit-lite", PROJECT["version"])
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    found = [requirements.Requirement(line) for line in metadata.get_all("Requires-Dist")]
    needed = {one.name for one in found if "extra" not in str(one.marker)}
    assert needed == READING
    full = [requirements.Requirement(line) for line in PROJECT["dependencies"]]
    assert {str(one) for one in found if "extra" not in str(one.marker)} == {
        str(one) for one in full if one.name in READING
    }
    assert metadata.get_all("Provides-Extra") == ["demo", "plot"]
    (scripts,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert wheel.read(scripts).decode().split("\n")[:2] == [
        "[console_scripts]",
        f"lenetkit = {PROJECT['scripts']['lenetkit']}",
    ]


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_clone(built: Path) -> None:
    """An sdist brings along all that it is built from."""
    one, other = get_wheel(built), get_wheel(built / "again")
    assert {name: one.read(name) for name in one.namelist()} == {name: other.read(name) for name in other.namelist()}


def test_both_distributions_have_the_same_licence() -> None:
    """Each folder that is built from needs its own copy."""
    assert (ROOT / "lite" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14", "3.15"])
@pytest.mark.parametrize(
    ("system", "machine", "there"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("linux", "armv7l", False),
        ("darwin", "arm64", True),
        ("darwin", "x86_64", False),
        ("win32", "AMD64", True),
        ("win32", "ARM64", False),
        ("emscripten", "wasm32", False),
        ("freebsd14", "amd64", False),
    ],
)
def test_markers_leave_out_what_has_no_wheel(python: str, system: str, machine: str, there: bool) -> None:
    """The library says the same when it explains what is missing; everything else is needed everywhere."""
    place = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_machine": machine,
    }
    needed = [requirements.Requirement(line) for line in PROJECT["dependencies"]]
    needed = [one.name for one in needed if one.marker is None or one.marker.evaluate(place)]
    there = there and python != "3.15"
    assert has_wheels((3, int(python.partition(".")[2])), system, machine) == there
    assert sorted(set(needed) & TRAINING) == (sorted(TRAINING) if there else [])
    assert READING | {"pandas", "scikit-learn"} <= set(needed)
    assert len(needed) == len(set(needed))


def test_the_readme_gives_the_measured_sizes() -> None:
    """As benchmarks/install.py has written them."""
    table = (ROOT / "docs" / "research" / "data" / "install.txt").read_text("utf-8")
    full, light = re.findall(r"[\d,]+", table.partition("| megabytes |")[2].partition("\n")[0])
    sizes = [f"{int(number.replace(',', '')) / 1000:.1f} GB" for number in (light, full)]
    assert " instead of ".join(sizes) in (ROOT / "README.md").read_text("utf-8")


def test_python_3_14_admits_the_release_candidate_of_tensorflow() -> None:
    """Older versions of pip take none but where the specifier names one."""
    lines = [requirements.Requirement(line) for line in PROJECT["dependencies"] if line.startswith("tensorflow")]
    (line,) = (line for line in lines if "3.14" in str(line.marker))
    assert line.specifier.prereleases
    assert line.specifier.contains("2.22.0rc0")
