"""How fast answers come: one image, 64, ten thousand, and the first answer of a fresh process, in every runtime.

Every way is measured in turn, in several rounds of one run, beside what a user would otherwise write. Usage::

    python benchmarks/predict.py [FILE.lenet]

Without a file a LeNet-5 is trained for one epoch on a part of the data first. ONNX Runtime takes part where
``pip install "lenetkit[onnx]"`` was run. With ``--runtimes`` lenetkit's own runtimes alone are measured: that takes a
minute, and no TensorFlow where a file is named.
"""

import argparse
import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _shared import fresh_environment

from lenetkit import Pipeline, load_dataset
from lenetkit.exceptions import DownloadError, MissingExtraError
from lenetkit.trainer import Trainer

N_IMAGES = 10_000
ROUNDS = 5
RUNTIMES = ("litert", "numpy", "onnx")
CALLS = {"one image": 300, "64 images": 30, "10,000 images": 1}
SLOW_CALLS = 20  # of ways that take milliseconds for one image

LIBRARIES = ("lenetkit", "ai-edge-litert", "numpy", "onnxruntime", "tensorflow", "keras")

Ways = dict[str, Callable[[np.ndarray], Any]]


def find_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def load_images() -> tuple[np.ndarray, np.ndarray, str]:
    """Return different uint8 images and their labels; noise will do for the speed."""
    try:
        dataset = load_dataset("mnist", subset="test")
        return np.asarray(dataset.images)[..., None], np.asarray(dataset.labels), "MNIST's test images"
    except DownloadError:
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (N_IMAGES, 28, 28, 1), dtype=np.uint8)
        return images, np.arange(N_IMAGES) % 10, "noise (MNIST is not here)"


def save_pipeline(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    pipe = Pipeline(trainer=Trainer(epochs=1, verbose=0)).fit(images[:2000], labels[:2000])
    return pipe.save(folder / "digits.lenet")


def litert_with(tflite: bytes, batch: int, n_threads: int) -> Callable[[np.ndarray], Any]:
    """Return LiteRT as it comes: float32 in, one interpreter per Python thread, one batch size."""
    from ai_edge_litert.interpreter import Interpreter

    interpreters = []
    for _ in range(n_threads):
        interpreter = Interpreter(model_content=tflite, num_threads=1)
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, (batch, *interpreter.get_input_details()[0]["shape"][1:]))
        interpreter.allocate_tensors()
        answer = interpreter.get_output_details()[0]["index"]
        interpreters.append(interpreter)

    def run_part(interpreter: Any, images: np.ndarray) -> None:
        for start in range(0, len(images), batch):
            interpreter.set_tensor(index, images[start : start + batch])
            interpreter.invoke()
            interpreter.get_tensor(answer)

    def run(images: np.ndarray) -> None:
        whole = images[: len(images) // batch * batch]  # the rest is left out, in its favour
        if n_threads == 1:
            run_part(interpreters[0], whole)
            return
        bounds = np.linspace(0, len(whole) // batch, n_threads + 1).astype(int) * batch
        parts = [whole[start:end] for start, end in itertools.pairwise(bounds)]
        with ThreadPoolExecutor(n_threads) as executor:
            list(executor.map(run_part, interpreters, parts))

    return run


def onnx_runtime(pipe: Pipeline, folder: Path) -> Callable[[np.ndarray], Any] | None:
    try:
        path = pipe.export(folder / "digits.onnx", format="onnx").path
    except MissingExtraError:
        return None
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})


def own_ways(path: Path) -> Ways:
    """Return lenetkit's own ways, for uint8 images: a pipeline and its network in every runtime that is installed."""
    from lenetkit.bundle import read_bundle
    from lenetkit.runtime import Predictor

    tflite = read_bundle(path).tflite
    found: Ways = {"Pipeline.predict": Pipeline.load(path).predict}
    for runtime in RUNTIMES:
        try:
            found[f'Predictor, runtime="{runtime}"'] = Predictor(tflite, scale=1 / 255, runtime=runtime).predict_proba
        except MissingExtraError as error:
            print(error)
    return found


def other_ways(path: Path, folder: Path) -> Ways:
    """Return what a user would otherwise write, for float32 images in 0..1."""
    import tensorflow as tf

    from lenetkit.bundle import read_bundle

    pipe = Pipeline.load(path)
    tflite = read_bundle(path).tflite
    model = pipe.model_
    function = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    floats: Ways = {
        f"LiteRT, batch {batch}, {threads} thread(s)": litert_with(tflite, batch, threads)
        for batch in (1, 32, 64, 100, 128, 256)
        for threads in sorted({1, cores})
    }
    onnx = onnx_runtime(pipe, folder)
    if onnx is not None:
        floats["ONNX Runtime"] = onnx
    floats["tf.function"] = lambda images: function(images).numpy()
    floats["Keras model(x)"] = lambda images: model(images, training=False).numpy()
    floats["Keras predict"] = lambda images: model.predict(images, batch_size=128, verbose=0)
    return floats


def seconds(way: Callable[[np.ndarray], Any], images: np.ndarray, size: int, calls: int) -> float:
    """Return the median time of one call with so many images; each call gets others."""
    times = []
    for index in range(calls):
        start = index * size % max(1, len(images) - size)
        given = images[start : start + size]
        start = time.perf_counter()
        way(given)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(job: str, uint8_ways: Ways, float_ways: Ways, images: np.ndarray) -> None:
    """Print the median of the rounds for each way, the best first."""
    scaled = images.astype(np.float32) / np.float32(255)
    size = {"one image": 1, "64 images": 64}.get(job, len(images))
    tasks = [(name, way, images) for name, way in uint8_ways.items()]
    tasks += [(name, way, scaled) for name, way in float_ways.items() if _takes(name, size)]
    rounds: dict[str, list[float]] = {name: [] for name, _, _ in tasks}
    for _ in range(ROUNDS + 1):
        for name, way, given in tasks:
            calls = min(CALLS[job], SLOW_CALLS) if "Keras" in name else CALLS[job]
            rounds[name].append(seconds(way, given, size, calls))
    results = {name: statistics.median(times[1:]) for name, times in rounds.items()}  # the first warms up
    best_litert = min(value for name, value in results.items() if "litert" in name.lower())
    print(f"\n{job}, median of {ROUNDS} rounds")
    for name, value in sorted(results.items(), key=lambda item: item[1]):
        speed = f"{value * 1e3:9.3f} ms" if job == "one image" else f"{size / value:9,.0f} images/s"
        print(f"  {name:32} {speed}   {best_litert / value:7.1%} of the best LiteRT")


def _takes(name: str, size: int) -> bool:
    """Tell if a way can be called with so many images: LiteRT leaves out what does not fill a batch."""
    if not name.startswith("LiteRT"):
        return True
    return int(name.split()[2].rstrip(",")) <= size and (size > 1 or name.endswith(" 1 thread(s)"))


FIRST_ANSWER = {
    "Pipeline.load(...).predict": "from lenetkit import Pipeline; Pipeline.load(sys.argv[1]).predict(image)",
    **{
        f'the same, runtime="{runtime}"': (
            f"from lenetkit import Pipeline; Pipeline.load(sys.argv[1], runtime={runtime!r}).predict(image)"
        )
        for runtime in RUNTIMES[1:]
    },
}
KERAS = "import keras; keras.saving.load_model(sys.argv[2]).predict(image.astype('float32') / 255, verbose=0)"
PROCESS = """
import pathlib, re, sys, numpy
image = numpy.zeros((1, 28, 28, 1), numpy.uint8)
{}
status = pathlib.Path("/proc/self/status")  # the resource module's peak would start with this process'
print(re.search("VmHWM: *([0-9]+)", re.sub(r"\\s", " ", status.read_text()))[1] if status.exists() else "nan")
"""


def measure_first_answer(path: Path, folder: Path, runtimes: Ways, *, only_runtimes: bool) -> None:
    """Print wall time and peak memory of a whole process that reads one digit."""
    keras_file, ways = folder / "digits.keras", dict(FIRST_ANSWER)
    if not only_runtimes:
        Pipeline.load(path).export(keras_file, format="keras")
        ways["the same model in Keras"] = KERAS
    environment = fresh_environment()
    print(f"\nfirst answer of a fresh process, median of {ROUNDS}")
    for name, code in ways.items():
        if "runtime" in name and f"Predictor, {name.partition(', ')[2]}" not in runtimes:
            continue
        times, peaks = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            command = [sys.executable, "-c", PROCESS.format(code), str(path), str(keras_file)]
            child = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
            times.append(time.perf_counter() - start)
            peaks.append(float(child.stdout.splitlines()[-1]))
        print(f"  {name:32} {statistics.median(times):9.2f} s    {statistics.median(peaks) / 1024:6.0f} MB")


def main() -> None:
    """Measure everything and say where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE.lenet", help="a saved pipeline")
    parser.add_argument("--runtimes", action="store_true", help="measure lenetkit's own runtimes alone")
    given = parser.parse_args()
    images, labels, what = load_images()
    libraries = ", ".join(f"{name} {found}" for name in LIBRARIES if (found := find_version(name)))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {libraries}; {what}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = given.file or save_pipeline(folder, images, labels)
        uint8_ways = own_ways(path)
        measure_first_answer(path, folder, uint8_ways, only_runtimes=given.runtimes)
        float_ways = {} if given.runtimes else other_ways(path, folder)
        for job in CALLS:
            measure(job, uint8_ways, float_ways, images[:N_IMAGES])


if __name__ == "__main__":
    main()
