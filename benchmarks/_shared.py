"""What the benchmarks of training share: fresh processes, results that outlive a stop, and where they were measured."""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from lenetkit._utils.files import write_atomically
from lenetkit.trainer import Trainer  # imports neither TensorFlow nor Keras: plain Keras' process stays plain

__all__ = [
    "Results",
    "describe_machine",
    "fresh_environment",
    "in_fresh_process",
    "machine",
    "markdown_table",
    "peak_mib",
    "same_settings",
    "settings_of",
    "spread",
]

_PACKAGES = ("lenetkit", "tensorflow", "keras", "numpy")


class Results:
    """Runs, kept in a JSON file that is written anew after each, so that a stopped benchmark goes on.

    Parameters
    ----------
    path : pathlib.Path or None
        The file; without one the runs are kept in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.machine = machine()
        self.runs: list[dict[str, Any]] = []
        if path is not None and path.exists():
            found = json.loads(path.read_text("utf-8"))
            if found["machine"] != self.machine:
                sys.exit(
                    f"{path} was measured on {describe_machine(found['machine'])}; this is "
                    f"{describe_machine(self.machine)}. Name another file, or remove this one."
                )
            self.runs = found["runs"]

    def find(self, **fields: Any) -> list[dict[str, Any]]:
        """Return the runs with these fields, in the order in which they were made."""
        return [run for run in self.runs if all(run[name] == value for name, value in fields.items())]

    def add(self, run: dict[str, Any]) -> None:
        """Keep one more run."""
        self.runs.append(run)
        self.write()

    def write(self) -> None:
        """Write the file, where there is one."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            content = json.dumps({"machine": self.machine, "runs": self.runs}, indent=1)
            write_atomically(self._path, f"{content}\n".encode())


def machine() -> dict[str, Any]:
    """Return what a result was measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or "unknown processor"


def describe_machine(machine: dict[str, Any]) -> str:
    """Return processor, cores and versions in one line."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", *_PACKAGES))
    return f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {versions}"


# What they say does not change what a run gives.
_WITHOUT_EFFECT = ("seed", "verbose", "steps_per_call", "checkpoint", "checkpoint_steps", "checkpoint_seconds")


def settings_of(trainer: Trainer) -> dict[str, str]:
    """Return all that a trainer is set to, as text."""
    fields = [field.name for field in attrs.fields(Trainer) if field.name not in _WITHOUT_EFFECT]
    return {name: repr(getattr(trainer, name)) for name in fields}


def same_settings(then: dict[str, str], now: dict[str, str]) -> bool:
    """Tell whether a run was made with these settings; one that did not exist then counts as its default now."""
    defaults = {field.name: repr(field.default) for field in attrs.fields(Trainer)}
    return all(then.get(name, defaults.get(name)) == value for name, value in now.items())


def fresh_environment() -> dict[str, str]:
    """Return the environment of a new process: a quiet TensorFlow, and modules that are compiled once and kept.

    Where Python keeps none, each process compiles what it imports: importing TensorFlow then takes 13 s instead of 5.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "TF_CPP_MIN_LOG_LEVEL": "3"}


def in_fresh_process(script: str, *arguments: str) -> dict[str, Any]:
    """Run a script to its end and return the JSON object in its last line."""
    command = [sys.executable, script, *arguments]
    child = subprocess.run(command, capture_output=True, text=True, env=fresh_environment(), check=False)
    if child.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{child.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return result


def peak_mib() -> float:
    """Return the largest resident memory of this process so far; NaN where the system does not tell."""
    # The resource module's peak would start with the parent's.
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text("ascii")) if status.exists() else None
    return int(found[1]) / 1024 if found else float("nan")


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return mean and standard deviation."""
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that reads well as Markdown and as it is; all columns but the first are set right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = [
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join([first, *others])} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(header), line(rule), *map(line, rows)])
