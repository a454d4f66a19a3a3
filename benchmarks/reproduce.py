"""The family: every registered model trained as its record recommends, and its error beside the paper's.

Every model trains on MNIST's 60,000 training images and is judged once on the 10,000 test images. Usage::

    python benchmarks/reproduce.py MNIST_FOLDER [--models lenet1,lenet4] [--seeds 3] [--json FILE] [--page FILE]
                                   [--picture FILE] [--checkpoints FOLDER]

MNIST_FOLDER holds the four gzipped IDX files. Every run, a model and a seed, is a fresh process and is written to the
JSON file at once (docs/research/data/models.json); a run that was stopped goes on from its checkpoint, and runs made
with another recipe than the record's do not count any more. At the end docs/research/models.md and its picture are
made from all runs there are; ``--seeds 0`` makes only these.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _shared import (
    Results,
    describe_machine,
    in_fresh_process,
    markdown_table,
    same_settings,
    settings_of,
    spread,
)

from lenetkit.models import list_models, model_info
from lenetkit.trainer import Trainer

RESEARCH = Path(__file__).parents[1] / "docs" / "research"
# What the model is meant to reach: mean error on the test images, in percent.
GOALS = {"lenet5_1998": 1.1, "convnet": 0.35}


def recommended(name: str) -> Trainer:
    """Return the trainer that the model's record recommends."""
    return Trainer.preset(**{"name": "default", **model_info(name).preset})


# -- one run, in a process of its own


def run(name: str, folder: Path, seed: int, checkpoints: Path) -> dict[str, Any]:
    """Train once, or go on with it, and return what it gave."""
    import attrs

    from lenetkit.datasets import load_dataset
    from lenetkit.models import create_model

    settings = settings_of(recommended(name))
    recipe = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    checkpoint = checkpoints / f"{name}-{seed}-{recipe}"
    went_on = checkpoint.exists()
    trainer = attrs.evolve(recommended(name), seed=seed, verbose=0, checkpoint=checkpoint)
    mnist = load_dataset(folder, subset="train")
    model = create_model(name, seed=seed)
    began = time.process_time()
    result = trainer.fit(model, mnist.images, mnist.labels)
    processor_seconds = time.process_time() - began
    if result.epochs_run < trainer.epochs:
        raise SystemExit(f"{name}, seed {seed} was stopped; the same command goes on.")
    test = load_dataset(folder, subset="test")  # read only now
    images = np.asarray(test.images)[..., None].astype("float32") / 255
    answers = model.predict(images, batch_size=1000, verbose=0).argmax(axis=1)
    shutil.rmtree(checkpoint)
    return {
        "model": name,
        "seed": seed,
        "error": round(100 * float((answers != np.asarray(test.labels)).mean()), 4),
        "epochs": trainer.epochs,
        "seconds": result.seconds,
        "processor_seconds": None if went_on else processor_seconds,
        **attrs.asdict(model_info(name).counts()),
        "settings": settings,
    }


# -- all runs


def runs_of(results: Results, name: str) -> list[dict[str, Any]]:
    """Return the runs of a model, but for those made with another recipe."""
    now = settings_of(recommended(name))
    return [run for run in results.find(model=name) if same_settings(run["settings"], now)]


def measure(names: list[str], options: argparse.Namespace, results: Results) -> None:
    """Make the runs that are missing: the first seed of every model, then the second, and so on."""
    for seed in range(options.seeds):
        for name in names:
            if any(run["seed"] == seed for run in runs_of(results, name)):
                continue
            places = (str(options.folder), "--checkpoints", str(options.checkpoints))
            results.add(in_fresh_process(__file__, *places, "--child", name, str(seed)))
            last = results.runs[-1]
            print(f"{name}, seed {seed}: {last['error']:.2f} % wrong after {last['seconds']:.0f} s", flush=True)


# -- the page


def row(name: str, runs: list[dict[str, Any]]) -> list[str]:
    paper = model_info(name).paper_error
    processor = [run["processor_seconds"] for run in runs if run["processor_seconds"] is not None]
    return [
        f"`{name}`",
        spread([run["error"] for run in runs]),
        "-" if paper is None else f"{paper:g}",
        f"{runs[0]['parameters']:,}",
        f"{runs[0]['connections']:,}",
        f"{runs[0]['epochs']:g}",
        f"{statistics.median(run['seconds'] for run in runs):.0f}",
        f"{statistics.median(processor):.0f}" if processor else "-",
        str(len(runs)),
    ]


def verdict(name: str, runs: list[dict[str, Any]]) -> str:
    mean = statistics.mean(run["error"] for run in runs)
    reached = "reached" if mean <= GOALS[name] else "missed"
    return f"- `{name}`: goal: error of at most {GOALS[name]} %; measured: {mean:.3f} %; {reached}\n"


def page(results: Results, picture: str) -> str:
    """Return the page of the documentation."""
    found = {name: runs for name in list_models() if (runs := runs_of(results, name))}
    header = ("model", "error, %", "paper's, %", "parameters", "connections", "epochs", "`fit`, s", "processor, s")
    table = markdown_table((*header, "runs"), [row(name, runs) for name, runs in found.items()])
    papers = "".join(f"`{name}`\n: {paper}\n\n" for name in found if (paper := model_info(name).paper))
    return PAGE.format(
        table=table,
        picture=picture,
        verdicts="".join(verdict(name, found[name]) for name in GOALS if name in found),
        papers=papers,
        machine=describe_machine(results.machine),
    )


PAGE = """\
# The models, measured

<!-- Written by benchmarks/reproduce.py from docs/research/data/models.json; changes made here are lost. -->

Every built-in model, trained on MNIST's 60,000 training images with the preset of its record
(`Trainer.preset(**model_info(name).preset)`) and evaluated once on the 10,000 test images, compared with its paper.
The presets were chosen on the last 10,000 training images.

```{{image}} {picture}
:alt: Errors of the models on the test images over their numbers of parameters, and the errors in their papers
:class: on-white
```

{table}

{verdicts}
Error
: Percentage of misclassified test images, mean ± standard deviation over seeds. With 10,000 images, the 95 % interval
  of a single run at 1 % is about ±0.2 points.

Paper's
: Without distorted training images. lenetkit shifts and warps the training images, with training settings unknown to
  the papers, so that a smaller error says more about the training than about the network.

Parameters, connections
: Counted in the built model: `model_info(name).counts()`.

`fit`, processor
: Elapsed seconds, in which the machine may also have done other work, and processor seconds summed over cores; medians.
  Interrupted and continued runs count for the elapsed time only.

Measured on {machine}.

## Papers

{papers}## Repeat the measurement

```sh
python benchmarks/reproduce.py MNIST_FOLDER
```

`MNIST_FOLDER` holds the four gzipped IDX files. Only runs missing in `docs/research/data/models.json` are made. Each is
saved at once, and an interrupted run continues from its checkpoint. A new built-in model gets its row automatically.
"""


def draw(results: Results, path: Path) -> None:
    """Draw error over parameters, the paper's as hollow marks."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "lenetkit"  # the same picture is the same file
    figure = Figure(figsize=(7, 4), layout="constrained")
    ax = figure.add_subplot(xscale="log", yscale="log")
    for name in list_models():
        runs = runs_of(results, name)
        if not runs:
            continue
        errors, x, paper = [run["error"] for run in runs], runs[0]["parameters"], model_info(name).paper_error
        mean = statistics.mean(errors)
        if paper is not None:
            ax.plot([x, x], [mean, paper], color="0.8", linewidth=1, zorder=1)
            ax.plot(x, paper, "o", color="#D55E00", fillstyle="none", zorder=2)
        deviation = statistics.stdev(errors) if len(errors) > 1 else 0
        ax.errorbar(x, mean, yerr=deviation, fmt="o", color="#0072B2", capsize=3, zorder=3)
        # Among neighbours of nearly the same size, the smallest has its name to its left.
        ratios = [model_info(other).n_parameters / x for other in list_models()]
        smallest = any(1 < r < 1.3 for r in ratios) and not any(1 < 1 / r < 1.3 for r in ratios)
        side, place = ("right", (-7, -11)) if smallest else ("left", (7, 3))
        ax.annotate(name, (x, mean), place, textcoords="offset points", fontsize=9, ha=side)
    ax.plot([], [], "o", color="#0072B2", label="lenetkit, mean and deviation over seeds")
    ax.plot([], [], "o", color="#D55E00", fillstyle="none", label="paper")
    # As wide as the family, whoever of it has been measured.
    sizes = [model_info(name).n_parameters for name in list_models()]
    ax.set(xlabel="trainable parameters", ylabel="wrong on the test images, %", xlim=(min(sizes) / 2, max(sizes) * 2))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.grid(axis="y", which="both", color="0.92")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Run what is still missing, then write the page and draw its picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default=",".join(list_models()))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=RESEARCH / "data" / "models.json")
    parser.add_argument("--page", type=Path, default=RESEARCH / "models.md")
    parser.add_argument("--picture", type=Path, default=RESEARCH / "data" / "models.svg")
    parser.add_argument("--checkpoints", type=Path, default=Path(tempfile.gettempdir()) / "lenetkit-reproduce")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, seed = options.child
        print(json.dumps(run(name, options.folder, int(seed), options.checkpoints)))
        return
    names = options.models.split(",")
    if unknown := set(names) - set(list_models()):
        parser.error(f"unknown models: {', '.join(sorted(unknown))}; known: {', '.join(list_models())}")
    results = Results(options.json)
    measure(names, options, results)
    draw(results, options.picture)
    picture = Path(os.path.relpath(options.picture, options.page.parent)).as_posix()
    options.page.write_text(page(results, picture), "utf-8")
    print(f"wrote {options.page} and {options.picture}")


if __name__ == "__main__":
    main()
