"""The readers that ``whole_numbers.py`` compares: lenetkit's, the tutorials' plain way, and general readers of text."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _number_sets import Example, NumberSet
from general_readers import REQUIREMENTS
from PIL import Image
from scipy import ndimage

from lenetkit import Pipeline, load_dataset
from lenetkit.exceptions import DataError
from lenetkit.reading import read_number
from lenetkit.trainer import Trainer

__all__ = [
    "Answer",
    "Reader",
    "digit_by_digit",
    "install_general_readers",
    "plain_way",
    "read_generally",
    "read_timed",
    "take_turns",
]

Reader = Callable[[np.ndarray], str]
Answer = tuple[str, float]  # text, seconds of processor time

_SMALLEST = 20  # pixels of a piece that the plain way reads


def read_timed(reader: Reader, image: np.ndarray) -> Answer:
    """Return what a reader reads, nothing where it refuses the image, and the processor time that it took."""
    begun = time.process_time()
    try:
        text = reader(image)
    except DataError:
        text = ""
    return text, time.process_time() - begun


def digit_by_digit(pipeline: Pipeline) -> Reader:
    """Return what reads by cutting between digits, without a network for whole lines."""
    rejecting = pipeline._check_fitted().rejecting
    is_digit = None if rejecting is None else rejecting[1].digit_probability
    return lambda image: read_number(image, pipeline, is_digit=is_digit).text


def plain_way(data: Path) -> Reader:
    """Return what reads numbers as tutorials do."""
    train = load_dataset("mnist", subset="train", data_dir=data, download=False)
    trained = Pipeline(trainer=Trainer.preset("classic", verbose=0)).fit(train.images, train.labels)

    def read(image: np.ndarray) -> str:
        grey = np.asarray(Image.fromarray(image).convert("L"))
        grey = 255 - grey if grey.mean() > 127 else grey
        labels, _ = ndimage.label(grey > _otsu(grey))
        crops = []
        places = [(place, number) for number, place in enumerate(ndimage.find_objects(labels), start=1)]
        for place, number in sorted(places, key=lambda found: found[0][1].start):
            mask = labels[place] == number
            if mask.sum() >= _SMALLEST:
                crops.append(_square(np.where(mask, grey[place], 0)))
        return "".join(map(str, trained.predict(np.array(crops)))) if crops else ""

    return read


def _otsu(grey: np.ndarray) -> int:
    """Return the threshold that parts an image's levels into the two most even groups."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    below, levels = counts.cumsum(), (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (levels[-1] * below / below[-1] - levels) ** 2 / (below * (below[-1] - below))
    return int(np.nan_to_num(between).argmax())


def _square(crop: np.ndarray) -> np.ndarray:
    """Return a crop in the middle of a black square with a border as MNIST has it, 28x28."""
    side = max(crop.shape)
    canvas = np.zeros((side * 28 // 20 + 1,) * 2, np.uint8)
    top, left = ((len(canvas) - length) // 2 for length in crop.shape)
    canvas[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    return np.asarray(Image.fromarray(canvas).resize((28, 28), Image.Resampling.BILINEAR))


def install_general_readers(folder: Path) -> dict[str, str]:
    """Install the general readers into a virtual environment; return the reason for each that cannot be installed.

    An environment that is there is used again; pip changes nothing in it where all versions fit.
    """
    try:
        if not (folder / "pyvenv.cfg").exists():
            venv.create(folder, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return dict.fromkeys(REQUIREMENTS, f"no virtual environment in {folder}: {error}")
    reasons = {}
    for reader, packages in REQUIREMENTS.items():
        # Wheels alone: nothing is built, and nothing of theirs runs while it is installed.
        install = [_python(folder), "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", *packages]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            reasons[reader] = ([line for line in done.stderr.splitlines() if "ERROR" in line] or ["pip failed"])[-1]
    return reasons


def read_generally(reader: str, folder: Path, sets: Sequence[NumberSet]) -> list[list[Answer]] | str:
    """Return a general reader's answer to each image of each set, or the reason for which there is none."""
    script = Path(__file__).with_name("general_readers.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"}
    with tempfile.TemporaryDirectory() as scratch:
        images, output = Path(scratch), Path(scratch) / "answers.json"
        entries = []
        for number_set in sets:
            for example in number_set.examples:
                entries.append({"file": f"{len(entries)}.png", "layout": number_set.layout})
                Image.fromarray(example.image).save(images / entries[-1]["file"], compress_level=1)
        (images / "images.json").write_text(json.dumps(entries), "utf-8")
        command = [_python(folder), str(script), reader, str(images), str(output)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        answers = iter([(entry["text"], entry["seconds"]) for entry in json.loads(output.read_text("utf-8"))])
    return [[next(answers) for _ in number_set.examples] for number_set in sets]


def _python(folder: Path) -> str:
    return str(folder.absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def take_turns(builds: dict[str, list[str]], examples: Sequence[Example], rounds: int) -> dict[str, list[list[float]]]:
    """Time several builds of lenetkit in turn: seconds for each, image by image.

    A build is an interpreter and, if it is not to read with its pretrained pipeline, the file of another.
    """
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in examples] for name in builds}
    with tempfile.TemporaryDirectory() as scratch:
        paths = [str(Path(scratch) / f"{index}.png") for index in range(len(examples))]
        for path, example in zip(paths, examples, strict=True):
            Image.fromarray(example.image).save(path, compress_level=1)
        with _timers(builds.values()) as timers:
            for round_, (index, path) in itertools.product(range(rounds + 1), enumerate(paths)):
                for name, timer in zip(builds, timers, strict=True):
                    taken = _ask(timer, path)
                    if round_:  # the first is for warming up
                        seconds[name][index].append(taken)
    return seconds


def _ask(timer: "subprocess.Popen[str]", path: str) -> float:
    assert timer.stdin is not None
    assert timer.stdout is not None
    timer.stdin.write(f"{path}\n")
    timer.stdin.flush()
    answer = timer.stdout.readline()
    if not answer:
        sys.exit(f"{timer.args} stopped while it read {path}.")
    return float(answer)


@contextmanager
def _timers(builds: Iterable[list[str]]) -> "Iterator[list[subprocess.Popen[str]]]":
    script = str(Path(__file__).with_name("time_numbers.py"))
    timers = [
        subprocess.Popen([python, script, *file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for python, *file in builds
    ]
    try:
        yield timers
    finally:
        for timer in timers:
            timer.communicate()
