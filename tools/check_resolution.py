"""Ask the package index what an install of lenetkit and of lenetkit-lite would bring elsewhere; nothing is installed.

``python tools/check_resolution.py`` resolves both distributions with uv, from wheels alone, for Pythons and machines
that may not be at hand, and prints a line for each. It ends with 1 where one cannot be resolved, and where the
libraries that the markers in pyproject.toml leave out are not those that are expected; with 2 where uv or the index is
not available.
"""

import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = ("tensorflow", "keras", "ai-edge-litert")
READING = ("attrs", "click", "numpy", "pillow", "rich", "safetensors", "scipy")
LINUX, ALPINE = "x86_64-manylinux_2_28", "x86_64-unknown-linux-musl"
WINDOWS, WINDOWS_ARM = "x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"
MAC, INTEL_MAC = "aarch64-apple-darwin", "x86_64-apple-darwin"
MACHINES = {
    LINUX: "Linux x86-64",
    "aarch64-manylinux_2_28": "Linux ARM64",
    WINDOWS: "Windows x86-64",
    MAC: "macOS, Apple silicon",
    WINDOWS_ARM: "Windows ARM64",
    INTEL_MAC: "macOS, Intel",
    ALPINE: "Alpine Linux (musl)",
}

# Distribution, Python, machine, whether training comes along. lenetkit itself does not install on Alpine Linux.
CASES = [
    *(("lenetkit", "3.14", machine, True) for machine in list(MACHINES)[:4]),
    *(("lenetkit", "3.15", machine, False) for machine in (LINUX, WINDOWS, MAC)),
    *(("lenetkit", "3.13", machine, False) for machine in (WINDOWS_ARM, INTEL_MAC)),
    ("lenetkit", "3.11", INTEL_MAC, False),  # there is a TensorFlow for it, too old for lenetkit
    *(("lenetkit-lite", python, LINUX, False) for python in ("3.14", "3.15")),
    *(("lenetkit-lite", "3.13", machine, False) for machine in (WINDOWS_ARM, INTEL_MAC, ALPINE)),
    ("lenetkit-lite", "3.15", ALPINE, False),
]


def get_requirements(distribution: str) -> list[str]:
    """Return a distribution's requirements, as its pyproject.toml or its build hook gives them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    if distribution == "lenetkit":
        return list(project["dependencies"])
    return [line for line in project["dependencies"] if line.split(">")[0] in READING] + project[
        "optional-dependencies"
    ]["demo"]


def resolve(distribution: str, python: str, machine: str) -> tuple[list[str], str]:
    """Return the names of what would be installed, or none and uv's reason."""
    command = ["uv", "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-version", python, "--python-platform", machine, "--python", sys.executable]
    done = subprocess.run(
        command,
        input="\n".join(get_requirements(distribution)),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.anchor,
    )
    return [line.partition("==")[0] for line in done.stdout.splitlines()], done.stderr.strip()


def find_fault(found: list[str], reason: str, trains: bool) -> str:
    """Return what is wrong with a resolution; nothing if it is as expected."""
    if not found:
        return reason or "nothing was resolved"
    if missing := [name for name in READING if name not in found]:
        return f"{', '.join(missing)} would be missing"
    heavy = [name for name in HEAVY if name in found]
    if heavy != (list(HEAVY) if trains else []):
        return f"of {', '.join(HEAVY)} it would bring {', '.join(heavy) or 'none'}"
    return ""


def find_obstacle() -> str:
    """Return why nothing can be asked here; nothing if all is well."""
    if shutil.which("uv") is None:
        return "uv is not on the path; install it with: pip install uv"
    found, reason = resolve("lenetkit-lite", "3.11", LINUX)
    return "" if found else f"uv resolves nothing: {reason}"


def resolve_all() -> list[tuple[list[str], str]]:
    """Resolve all cases, some at a time: uv waits for the index."""
    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(lambda case: resolve(*case[:3]), CASES))


def main() -> int:
    """Print a line for each case, and return the exit code."""
    if obstacle := find_obstacle():
        print(obstacle)
        return 2
    faults = 0
    for (distribution, python, machine, trains), (found, reason) in zip(CASES, resolve_all(), strict=True):
        fault = find_fault(found, reason, trains)
        faults += bool(fault)
        end = f"FAULT: {fault}" if fault else f"{len(found)} packages, {'reads and trains' if trains else 'reads'}"
        print(f"{distribution:14} Python {python}  {MACHINES[machine]:21} {end}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
