"""Put a trained line reader into the pipeline that comes with lenetkit, with the calibration of its answers.

    python tools/pack_line_reader.py --data DIR --fonts DIR --work DIR

takes what ``train_line_reader.py`` left in the work folder, converts it, lets it read composed pictures whose digits,
fonts and seeds no training saw, learns from some how far its probabilities are to be trusted, and from others how many
errors are left among the pipeline's readings above each probability. The rest of the file stays as it is.

    python tools/pack_line_reader.py --data DIR --fonts DIR --reader digits.lenet

takes the line reader of another file instead, with what it has learnt of its probabilities, and learns the errors of
this file's pipeline with it.
"""

import argparse
import hashlib
import json
import math
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from train_line_reader import SEED, Hands, held_back_hands

from lenetkit.bundle import Bundle, SavedLineReader, read_bundle, write_bundle
from lenetkit.exporting import convert_line_reader
from lenetkit.models import LINE_READER, create_line_reader
from lenetkit.pipeline import Pipeline
from lenetkit.reading._assembly import search_line
from lenetkit.reading._certainty import LineCalibration
from lenetkit.reading._knowledge import Knowledge
from lenetkit.reading._line_answers import LineReader, answer_lines
from lenetkit.runtime import SweptPredictor
from lenetkit.synthesis import DrawnLine, LineSettings, draw_line, draw_lines

HOME = Path(__file__).parent.parent
TARGET = HOME / "src" / "lenetkit" / "pretrained" / "digits.lenet"

N_EACH = 2_000  # pictures of each kind of hands
# The line that every runtime must read alike is even: where the network hesitates, their sums differ by twice as much.
_NONE = ("patterned", "stained", "bordered", "neighboured", "compressed", "bleached", "lettered", "printed", "crossed")
_MORE = ("starred", "framed", "boxed", "ruled", "underlined", "uncommon")
EVEN = LineSettings(
    styles="american", noise=(0, 0), blur=(0, 0), paper=(1, 1), ink=(0, 0), **dict.fromkeys((*_NONE, *_MORE), 0.0)
)


class Judged(NamedTuple):
    """What speaks for the reading of each picture, and whether it is right."""

    features: npt.NDArray[np.float64]  # (n, 8)
    right: npt.NDArray[np.bool_]


def main() -> None:
    """Read the command line and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in which the folder mnist is")
    parser.add_argument("--fonts", type=Path, required=True, help="folder of the fonts")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--work", type=Path, help="folder of the trained network")
    source.add_argument("--reader", type=Path, help="file whose line reader it is to be, with its card beside it")
    parser.add_argument("--output", type=Path, default=TARGET, help=f"file to change (default: {TARGET})")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    if arguments.reader:
        reader = read_bundle(arguments.reader).line_reader
        if reader is None:
            parser.error(f"{arguments.reader} has no line reader")
        facts = json.loads(arguments.reader.with_suffix(".json").read_text())["line_reader"]
    else:
        tflite, facts = convert(arguments.work / "result.npz"), sum_up(arguments.work)
        reader = as_saved(tflite, fit_weights(judge(tflite, held_back_hands(arguments.data, arguments.fonts))))
    # Without bounds of errors as yet.
    unbounded = attrs.evolve(reader, levels=np.ones(1, np.float32), risks=np.ones(1, np.float32))
    bundle = attrs.evolve(read_bundle(arguments.output), line_reader=unbounded)
    saved = bound_errors(bundle, arguments.data, arguments.fonts)
    write_bundle(arguments.output, attrs.evolve(bundle, line_reader=saved))
    write_card(arguments.output, {**facts, "packed_in_seconds": round(time.perf_counter() - begin)})


def convert(path: Path) -> bytes:
    """Return the trained network as a LiteRT model."""
    model = create_line_reader(seed=SEED)
    with np.load(path) as kept:
        for index, variable in enumerate(model.variables):
            variable.assign(kept[f"{index:03}"])
    return convert_line_reader(model)


def judge(tflite: bytes, hands: dict[str, Hands]) -> Judged:
    """Let the network read composed pictures, each freely and with the number of digits known."""
    reader = LineReader(
        predictor=SweptPredictor(tflite, pitch=LINE_READER.pitch),
        calibration=LineCalibration(),
        levels=np.ones(1, np.float32),
        risks=np.ones(1, np.float32),
    )
    found: list[npt.NDArray[np.float64]] = []
    right: list[bool] = []
    for kind in hands.values():
        for line in pictures(kind, N_EACH, seed=100):
            answers = answer_lines(line.image, reader)
            for knowledge in [Knowledge(), *([Knowledge(length=len(line.text))] if line.text else [])]:
                numbers = [number for number in (search_line(answer, knowledge) for answer in answers) if number]
                if len(numbers) == 1:  # several lines are the product of each
                    found.append(numbers[0].features)
                    right.append(numbers[0].number == line.text)
    return Judged(np.array(found), np.array(right))


def pictures(hands: Hands, n: int, *, seed: int) -> Iterator[DrawnLine]:
    """Draw pictures of lines with digits, fonts and seeds that no training saw."""
    settings = LineSettings(height=None, styles="varied", drawn=hands.drawn, digit_height=(13, 60))
    return draw_lines(n, digits=hands.digits, settings=settings, seed=hands.seed + seed)


def fit_weights(judged: Judged) -> list[float]:
    """Return the weights of the features and a constant, of a logistic regression."""
    fitted = LogisticRegression(max_iter=2_000).fit(judged.features, judged.right)
    weights = [*map(float, fitted.coef_[0]), float(fitted.intercept_[0])]
    print(f"{len(judged.right)} readings, {judged.right.mean():.1%} right, weights {[round(w, 3) for w in weights]}")
    return weights


def as_saved(tflite: bytes, weights: list[float]) -> SavedLineReader:
    """Return what the file holds, still without bounds on errors, with a line that must be read alike everywhere."""
    line = draw_line("27/11/1998", settings=EVEN, seed=SEED).image
    return SavedLineReader(
        tflite=tflite,
        characters=LINE_READER.characters,
        pitch=LINE_READER.pitch,
        weights=weights,
        levels=np.ones(1, np.float32),
        risks=np.ones(1, np.float32),
        golden_line=line,
        golden_answer=SweptPredictor(tflite, pitch=LINE_READER.pitch).log_probabilities(line),
    )


def bound_errors(bundle: Bundle, data: Path, fonts: Path) -> SavedLineReader:
    """Return the line reader with bounds on the errors of the whole pipeline, learnt from other pictures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pipeline.lenet")
        write_bundle(path, bundle)
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            parts = [pool.submit(read_kind, path, data, fonts, kind) for kind in held_back_hands(data, fonts)]
            sure, wrong = (np.concatenate(each) for each in zip(*(part.result() for part in parts), strict=True))
    levels, risks = bound_risks(sure, wrong)
    print(f"{len(wrong)} pictures with a reading, {1 - wrong.mean():.1%} right")
    for reject in (0.005, 0.01, 0.02, 0.05):
        least = levels[np.flatnonzero(risks <= reject)[-1]] if (risks <= reject).any() else np.inf
        kept = sure >= least
        errors = wrong[kept].mean() if kept.any() else math.nan
        print(f"reject={reject}: {kept.mean():.1%} accepted, {errors:.2%} of these wrong")
    assert bundle.line_reader is not None
    return attrs.evolve(bundle.line_reader, levels=levels, risks=risks)


def bound_risks(
    sure: npt.NDArray[np.float32], wrong: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return probabilities, falling, and for each the Clopper-Pearson bound on the error among what is as sure.

    Each bound holds by itself with a probability of 90 %.
    """
    order = np.argsort(-sure, kind="stable")
    counts = np.unique(np.linspace(20, len(sure), 200).astype(int))
    levels = sure[order][counts - 1]
    counts = np.searchsorted(-sure[order], -levels, side="right")  # all that are exactly as sure come together
    errors = np.cumsum(wrong[order])[counts - 1]
    risks = beta.ppf(0.9, errors + 1, np.maximum(counts - errors, 1))
    return levels.astype(np.float32), risks.astype(np.float32)


def read_kind(path: Path, data: Path, fonts: Path, kind: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return how sure the saved pipeline is of each picture of one kind of hands, and whether it is wrong."""
    pipeline = Pipeline.load(path)
    lines = pictures(held_back_hands(data, fonts)[kind], N_EACH, seed=200)
    readings = [(pipeline.read_number(line.image), line.text) for line in lines]
    kept = [(reading.probability, reading.text != text) for reading, text in readings if reading.digits]
    return np.array([sure for sure, _ in kept], np.float32), np.array([wrong for _, wrong in kept])


def sum_up(work: Path) -> dict[str, Any]:
    """Return how the network in the work folder was trained."""
    log = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    last = log[-1]
    spent = {name: count_all(log, name) for name in ("seconds", "processor_seconds")}
    return {"steps": last["step"], "lines": last["lines"], **spent, "exact": last["exact"]}


def write_card(path: Path, facts: dict[str, Any]) -> None:
    """Write down which file it is, and how the line reader in it was made."""
    content, card = path.read_bytes(), path.with_suffix(".json")
    known = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "line_reader": facts}
    card.write_text(json.dumps(json.loads(card.read_text()) | known, indent=2) + "\n")
    print(json.dumps(facts, indent=2))


def count_all(log: list[dict[str, Any]], name: str) -> int:
    """Return the seconds of all runs; each run begins to count anew."""
    counts = [int(line[name]) for line in log]
    return sum(now for now, later in zip(counts, [*counts[1:], 0], strict=True) if later < now)


if __name__ == "__main__":
    main()
