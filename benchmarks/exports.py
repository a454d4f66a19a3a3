"""Every export of the pretrained pipeline: its size, its accuracy, its agreement with the pipeline, and its time.

Each file is written, run with its own runtime on MNIST's test images, and timed for one image and for ten thousand, in
turn, in several rounds of one run. The C header is compiled with the system's compiler. int8 is calibrated on the
reference images in the pipeline's own file, which are training images. Usage::

    python benchmarks/exports.py DATA_FOLDER [--output docs/research/data/exports.txt]
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from _shared import describe_machine, machine

from lenetkit import Pipeline, load_dataset
from lenetkit._utils.files import write_atomically
from lenetkit.exceptions import MissingExtraError

ROUNDS = 5
CALLS = 200  # for one image
EXPORTS: list[tuple[str, dict[str, Any]]] = [
    ("digits.tflite", {}),
    ("float16.tflite", {"quantize": "float16"}),
    ("dynamic.tflite", {"quantize": "dynamic"}),
    ("int8.tflite", {"quantize": "int8"}),
    ("one.tflite", {"quantize": "int8", "batch": 1}),
    ("digits.onnx", {}),
    ("float.h", {}),
    ("int8.h", {"quantize": "int8"}),
]

TIMED = """
#include "{header}"
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **arguments)
{{
    static {p}_workspace workspace;
    static float image[784];
    float answer[10];
    long repeat = atol(arguments[count - 1]), i;
    FILE *file = fopen(arguments[1], "rb");
    while (file && fread(image, sizeof image, 1, file) == 1) {{
        for (i = 0; i < repeat; i++) {p}_predict(image, answer, &workspace);
        fwrite(answer, sizeof answer, 1, stdout);
    }}
    return 0;
}}
"""

Answer = Callable[[np.ndarray], np.ndarray]


@attrs.define
class Measured:
    """An export, its answers and its times in seconds."""

    name: str
    size: int
    runtime: str
    answers: np.ndarray | None = None
    one: list[float] = attrs.field(factory=list)
    many: list[float] = attrs.field(factory=list)


def litert(path: Path, *, fixed: bool) -> Answer:
    """Return LiteRT, as the pipeline runs it; of a file for one image an interpreter that is called for each."""
    if not fixed:
        from lenetkit.runtime import Predictor

        return Predictor(path.read_bytes()).predict_proba
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    given, answer = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(images: np.ndarray) -> np.ndarray:
        found = []
        for image in images:
            interpreter.set_tensor(given, image[np.newaxis])
            interpreter.invoke()
            found.append(interpreter.get_tensor(answer))
        return np.concatenate(found)

    return run


def onnx(path: Path) -> Answer:
    """Return ONNX Runtime as it comes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(None, {"images": images})[0])


def compiled(path: Path) -> Path:
    """Compile a header with a main function that times it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise MissingExtraError("there is no C compiler here.")
    source, program = path.with_suffix(".c"), path.with_suffix("")
    source.write_text(TIMED.format(header=path.name, p=path.stem))
    subprocess.run([compiler, "-std=c99", "-O3", "-march=native", "-o", program, source, "-lm"], check=True)
    return program


def time_c(program: Path, images: np.ndarray, repeat: int) -> tuple[np.ndarray, float]:
    """Return the answers, and the seconds for each image; the start of the process is measured, and taken off."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(np.ascontiguousarray(images, "<f4").tobytes())
        file.flush()
        took = []
        for times in (0, repeat):
            started = time.perf_counter()
            ran = subprocess.run([program, file.name, str(times)], capture_output=True, check=True)
            took.append(time.perf_counter() - started)
    return np.frombuffer(ran.stdout, "<f4").reshape(-1, 10), (took[1] - took[0]) / (repeat * len(images))


def measure(measured: Measured, run: Answer | Path, inputs: np.ndarray) -> None:
    """Time one round."""
    if isinstance(run, Path):
        measured.answers, each = time_c(run, inputs, 1)
        _, one = time_c(run, inputs[:1], 20 * CALLS)
        measured.one.append(one)
        measured.many.append(each * len(inputs))
        return
    for start in range(CALLS):
        if start == CALLS // 10:  # after a warm-up
            began = time.perf_counter()
        run(inputs[start : start + 1])
    measured.one.append((time.perf_counter() - began) / (CALLS - CALLS // 10))
    began = time.perf_counter()
    measured.answers = run(inputs)
    measured.many.append(time.perf_counter() - began)


def export_all(pipe: Pipeline, folder: Path) -> list[tuple[Measured, Answer | Path]]:
    """Write all files and return how each is run."""
    ways: list[tuple[Measured, Answer | Path]] = []
    for name, settings in EXPORTS:
        try:
            report = pipe.export(folder / name, **settings)
            told = ", ".join(filter(None, (settings.get("quantize", "float32"), "batch=1" * ("batch" in settings))))
            if report.format == "c":
                ways.append((Measured(f"C, {told}", report.size, "compiled"), compiled(report.path)))
            elif report.format == "onnx":
                ways.append((Measured(f"ONNX, {told}", report.size, "ONNX Runtime"), onnx(report.path)))
            else:
                run = litert(report.path, fixed="batch" in settings)
                ways.append((Measured(f"LiteRT, {told}", report.size, "LiteRT"), run))
        except MissingExtraError as error:
            print(f"{name} is left out: {error}")
    return ways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    pipe = Pipeline.pretrained()
    test = load_dataset("mnist", subset="test", data_dir=arguments.data, download=False)
    inputs = np.ascontiguousarray(pipe.transforms_(test.images)[..., np.newaxis], np.float32)
    known = pipe.predict(test.images)
    with tempfile.TemporaryDirectory() as folder:
        ways = export_all(pipe, Path(folder))
        for _ in range(ROUNDS):
            for measured, run in ways:
                measure(measured, run, inputs)
    lines = [
        "| export | bytes | accuracy, % | same label, % | one image, ms | 10,000 images, s |",
        "|---|---|---|---|---|---|",
    ]
    for measured, _ in ways:
        assert measured.answers is not None
        labels = pipe.classes_[measured.answers.argmax(axis=1)]
        lines.append(
            f"| {measured.name} | {measured.size:,} | {100 * (labels == test.labels).mean():.2f} | "
            f"{100 * (labels == known).mean():.2f} | {1000 * min(measured.one):.3f} | "
            f"{min(measured.many):.2f} |"
        )
    lines += [
        "",
        f"MNIST's 10,000 test images, prepared beforehand; the best of {ROUNDS} rounds of one run. "
        f"{describe_machine(machine())}, ai-edge-litert {version('ai-edge-litert')}. "
        "The C code: one thread, `-O3 -march=native`.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        write_atomically(arguments.output, text.encode())


if __name__ == "__main__":
    main()
