"""Trainings as whole processes, from the first import to the printed accuracy: lenetkit beside a plain Keras script.

    python benchmarks/whole_process.py MNIST_FOLDER [--rounds 5] [--output FILE.md]

MNIST_FOLDER holds the four gzipped IDX files. The ways take turns, one process at a time: the plain script
(``_plain_training.py``, five epochs of Adam), and ``lenetkit train`` with its presets ``default`` (five epochs) and
``fast``. Accuracy is that on MNIST's test part, as the process printed it. Times are medians, of the processor (all
cores, with what the process started) and of the wall; ratios are those of each round with the plain script.
"""

import argparse
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import attrs
from _shared import describe_machine, fresh_environment, machine, markdown_table

PLAIN = "plain script, 5 epochs"
_ACCURACY = re.compile(r"accuracy (\d+\.\d+) %")


@attrs.frozen
class Outcome:
    """One process."""

    processor: float  # seconds
    wall: float  # seconds
    accuracy: float  # percent


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the command line of each way."""
    ways = {PLAIN: [sys.executable, str(Path(__file__).with_name("_plain_training.py")), str(folder)]}
    for preset in ("default", "fast"):
        train = ["train", "--preset", preset, "--dataset", str(folder), "--predefined-split"]
        ways[f"lenetkit, {preset}"] = [sys.executable, "-m", "lenetkit", *train]
    return ways


def run(command: list[str]) -> Outcome:
    """Run a process to its end."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=fresh_environment(), check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = _ACCURACY.findall(done.stdout)
    if done.returncode or not found:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Outcome(processor=processor, wall=wall, accuracy=float(found[-1]))


def table(outcomes: dict[str, list[Outcome]]) -> str:
    """Return medians and ratios."""
    rows = []
    for name, own in outcomes.items():
        cells = [name, f"{statistics.mean(outcome.accuracy for outcome in own):.2f}"]
        for field in ("processor", "wall"):
            times = [getattr(outcome, field) for outcome in own]
            ratios = [mine / getattr(plain, field) for mine, plain in zip(times, outcomes[PLAIN], strict=True)]
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            cells += [f"{statistics.median(times):.1f}", "1" if name == PLAIN else spread]
        rows.append([*cells, str(len(own))])
    header = ["", "test accuracy, %", "processor, s", "of the plain script", "wall, s", "of the plain script", "runs"]
    return markdown_table(header, rows)


def main() -> None:
    """Let the ways take turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    ways = commands(options.folder)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in ways}
    run(ways["lenetkit, fast"])  # not counted: it compiles the modules that an installation has not compiled yet
    for round_ in range(options.rounds):
        for name, command in ways.items():
            outcomes[name].append(run(command))
            last = outcomes[name][-1]
            line = f"processor {last.processor:.1f} s, wall {last.wall:.1f} s, {last.accuracy:.2f} %"
            print(f"round {round_ + 1}, {name}: {line}", file=sys.stderr, flush=True)
    text = f"{table(outcomes)}\n\nMeasured on {describe_machine(machine())}.\n"
    print(text)
    if options.output:
        options.output.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
