"""Size and speed of the two installs: megabytes, seconds to install, seconds to the first answer of a process.

    python benchmarks/install.py                          both, three times each, in environments that are deleted
    python benchmarks/install.py --runs 1 --page FILE     once each, and the table into a file, too

The wheels of lenetkit and lenetkit-lite are built from this clone and installed with uv. An uncounted install fills its
cache with all other packages: what is measured is unpacking, not the network. A first answer is a fresh process, from
its start to its end; the one that compiles Python's files is not counted. Medians stand in the table. Processor seconds
depend less on what else the machine does.
"""

import argparse
import itertools
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import PIL.Image
from _shared import machine

from lenetkit._utils.files import write_atomically
from lenetkit.synthesis import draw_digits, draw_number

ROOT = Path(__file__).parents[1]
DISTRIBUTIONS = {"lenetkit": ROOT, "lenetkit-lite": ROOT / "lite"}
PROCESSES = 7
MEGABYTE = 10**6
PREDICT = "from lenetkit import Pipeline; print(Pipeline.pretrained().predict('digit.png')[0])"
READ = "from lenetkit import Pipeline; print(Pipeline.pretrained().read_number('number.png').text)"
EXPECTED = {PREDICT: "7", READ: "47278"}


def uv(*arguments: object) -> None:
    """Run uv, quietly."""
    subprocess.run(["uv", *map(str, arguments), "--quiet"], check=True)


def measure_size(folder: Path) -> tuple[float, float]:
    """Return the megabytes of an environment's packages, and those of lenetkit alone."""
    (packages,) = (path for path in folder.rglob("site-packages") if path.is_dir())
    sizes = {path: path.stat().st_size for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    ours = sum(size for path, size in sizes.items() if path.relative_to(packages).parts[0].startswith("lenetkit"))
    return sum(sizes.values()) / MEGABYTE, ours / MEGABYTE


def spent() -> float:
    """Return the processor seconds of all processes that have ended."""
    return sum(os.times()[2:4])


def measure_answer(python: Path, code: str, folder: Path) -> tuple[float, float]:
    """Return the median seconds of a process that answers one question, and its processor seconds."""
    seconds = []
    for _ in range(PROCESSES + 1):
        began, before = time.perf_counter(), spent()
        done = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
        seconds.append((time.perf_counter() - began, spent() - before))
        if done.stdout.strip() != EXPECTED[code]:
            sys.exit(f"{code} answered {done.stdout.strip()}, not {EXPECTED[code]}")
    return tuple(map(statistics.median, zip(*seconds[1:], strict=True)))  # type: ignore[return-value]


def measure(name: str, wheel: Path, folder: Path) -> dict[str, float]:
    """Install a wheel into a new environment, let it answer, and delete the environment."""
    environment = folder / name
    uv("venv", "--python", sys.executable, environment)
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    began, before = time.perf_counter(), spent()
    uv("pip", "install", "--python", python, wheel)
    installed = time.perf_counter() - began, spent() - before
    whole, ours = measure_size(environment)
    run = {"megabytes": whole, "of it ours": ours}
    answers = {"digit": PREDICT, "number": READ}
    pairs = {"install": installed, **{key: measure_answer(python, code, folder) for key, code in answers.items()}}
    for key, (seconds, processor) in pairs.items():
        run |= {key: seconds, f"{key}, processor": processor}
    shutil.rmtree(environment)
    return run


def describe(runs: dict[str, list[dict[str, float]]]) -> str:
    """Return the table and what it was measured on."""
    here = machine()
    middle = {
        name: {key: statistics.median(run[key] for run in made) for key in made[0]} for name, made in runs.items()
    }
    rows = [
        ("megabytes", "megabytes", "{:,.0f}"),
        ("of it lenetkit's own", "of it ours", "{:,.1f}"),
        ("seconds to install, packages at hand", "install", "{:.1f}"),
        ("seconds to the first digit", "digit", "{:.2f}"),
        ("seconds to the first number", "number", "{:.2f}"),
        ("processor seconds to install", "install, processor", "{:.1f}"),
        ("processor seconds to the first digit", "digit, processor", "{:.2f}"),
        ("processor seconds to the first number", "number, processor", "{:.2f}"),
    ]
    lines = [f"| | {' | '.join(f'`{name}`' for name in runs)} |", "|---" * (len(runs) + 1) + "|"]
    lines += [
        f"| {title} | {' | '.join(form.format(middle[name][key]) for name in runs)} |" for title, key, form in rows
    ]
    number = len(next(iter(runs.values())))
    lines.append(
        f"\nMedians of {number} installs, and of {PROCESSES} processes in each. {here['processor']}, {here['cores']} "
        f"cores, {here['system']}, Python {platform.python_version()}; the machine did other work meanwhile."
    )
    return "\n".join(lines)


def main() -> None:
    """Measure both distributions in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--page", type=Path, help="Write the table into this file, too.")
    options = parser.parse_args()
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in DISTRIBUTIONS}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        PIL.Image.fromarray(draw_digits(10, styles="school", seed=3).images[7]).save(folder / "digit.png")
        PIL.Image.fromarray(draw_number("47278", seed=1).image).save(folder / "number.png")
        wheels = {}
        for name, source in DISTRIBUTIONS.items():
            uv("build", "--wheel", "--out-dir", folder / f"{name}-wheel", source)
            (wheels[name],) = (folder / f"{name}-wheel").glob("*.whl")
            uv("venv", "--python", sys.executable, folder / "filling")
            uv("pip", "install", "--python", folder / "filling", wheels[name])
            shutil.rmtree(folder / "filling")
        for _, name in itertools.product(range(options.runs), DISTRIBUTIONS):
            runs[name].append(run := measure(name, wheels[name], folder))
            print(name, {key: round(value, 2) for key, value in run.items()}, flush=True)
    table = describe(runs)
    print(table)
    if options.page is not None:
        write_atomically(options.page, f"{table}\n".encode())


if __name__ == "__main__":
    main()
