"""Seconds and peak memory of loading the same images from several formats, beside the plain way of each.

    python benchmarks/formats.py                        60,000 images, drawn by lenetkit
    python benchmarks/formats.py --mnist folder         those of MNIST
    python benchmarks/formats.py --pictures 100000      number of PNGs in the folder that Pillow decodes on all cores
    python benchmarks/formats.py --page docs/research/data/formats.md

The files are written into a temporary folder by the libraries that own the formats. Each way runs in a process of its
own, both in turn, and the fastest of three counts, by the clock and in processor time of all cores and processes (which
others on the machine disturb less). Memory is what the process needs on top of what it had before, in multiples of the
images' own bytes. Each way reads a hundred images before, so that what the libraries themselves need counts for none.
Files are in the system's cache: the first run fills it.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from _shared import describe_machine, machine, markdown_table
from PIL import Image

_FEW = 100
KINDS = {"parquet": "Parquet", "mat": ".mat", "svmlight": "svmlight", "png": "PNG folder", "zip": "zip of PNGs"}


def as_png(image: np.ndarray) -> bytes:
    """Return a picture as Pillow saves it."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def write_all(folder: Path, images: np.ndarray, labels: np.ndarray, n_pictures: int) -> None:
    """Write the images in every format."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import scipy.io
    from sklearn.datasets import dump_svmlight_file

    files = [as_png(image) for image in images]
    table = pa.table({"image": [{"bytes": file, "path": None} for file in files], "label": labels})
    pq.write_table(table, folder / "digits.parquet")
    arrays = {"images": images.reshape(len(images), -1), "labels": labels}
    scipy.io.savemat(folder / "digits.mat", arrays, do_compression=True)
    dump_svmlight_file(arrays["images"].astype(float), labels, str(folder / "digits.svm"), zero_based=False)
    with zipfile.ZipFile(folder / "digits.zip", "w") as archive:
        for index, (file, label) in enumerate(zip(files, labels, strict=True)):
            archive.writestr(f"{label}/{index:06}.png", file)
    for name, count in (("png", len(images)), ("many", n_pictures)):
        for index in range(count):
            place = folder / name / str(labels[index % len(labels)])
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index:06}.png").write_bytes(files[index % len(files)])


def decode(path: Path) -> np.ndarray:
    """Return a picture as most people read it."""
    with Image.open(path) as image:
        return np.asarray(image)


def decode_many(paths: list[Path]) -> np.ndarray:
    """Return pictures of one size."""
    return np.stack([decode(path) for path in paths])


def plain_parquet(folder: Path) -> np.ndarray:
    """Read with pyarrow, decode with Pillow."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "digits.parquet")
    table["label"].to_numpy()
    return np.stack([np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in table["image"].to_pylist()])


def plain_mat(folder: Path) -> np.ndarray:
    """Read with SciPy."""
    import scipy.io

    return scipy.io.loadmat(folder / "digits.mat")["images"].reshape(-1, 28, 28)


def plain_svmlight(folder: Path) -> np.ndarray:
    """Read with scikit-learn."""
    from sklearn.datasets import load_svmlight_file

    rows, _ = load_svmlight_file(str(folder / "digits.svm"), n_features=784)
    return rows.toarray().astype(np.uint8).reshape(-1, 28, 28)


def plain_png(folder: Path) -> np.ndarray:
    """Decode one after the other with Pillow."""
    return decode_many(sorted((folder / "png").rglob("*.png")))


def plain_zip(folder: Path) -> np.ndarray:
    """Decode one after the other with Pillow."""
    with zipfile.ZipFile(folder / "digits.zip") as archive:
        names = sorted(archive.namelist())
        return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])


def plain_many(folder: Path) -> np.ndarray:
    """Decode with Pillow in a process for each core."""
    paths = sorted((folder / "many").rglob("*.png"))
    pieces = [paths[start : start + 500] for start in range(0, len(paths), 500)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(decode_many, pieces)))


PLAIN: dict[str, Callable[[Path], np.ndarray]] = {
    "parquet": plain_parquet,
    "mat": plain_mat,
    "svmlight": plain_svmlight,
    "png": plain_png,
    "zip": plain_zip,
    "many": plain_many,
}
FILES = {"parquet": "digits.parquet", "mat": "digits.mat", "svmlight": "digits.svm", "png": "png", "zip": "digits.zip"}


def ours(folder: Path, kind: str) -> np.ndarray:
    """Read with lenetkit."""
    from lenetkit.datasets import load_dataset

    warnings.simplefilter("ignore")
    return np.asarray(load_dataset(folder / FILES.get(kind, kind)).images)


def resident(field: str) -> int:
    """Return a figure of this process' memory in bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


def processor_seconds() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run_one(folder: Path, kind: str, way: str) -> None:
    """Load once and print seconds, processor seconds, bytes above those before, and bytes of the images."""
    load = partial(ours, kind=kind) if way == "lenetkit" else PLAIN[kind]
    load(folder / "few")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins here
    before, used, start = resident("VmRSS"), processor_seconds(), time.perf_counter()
    images = load(folder)
    seconds, used = time.perf_counter() - start, processor_seconds() - used
    print(json.dumps([seconds, used, resident("VmHWM") - before, images.nbytes]))


def measure(folder: Path, kind: str, n_runs: int) -> dict[str, tuple[float, float, float]]:
    """Return each way's best seconds and processor seconds, and its memory in multiples of the images."""
    runs: dict[str, list[list[float]]] = {"plain": [], "lenetkit": []}
    for _ in range(n_runs):
        for way, found in runs.items():
            command = [sys.executable, __file__, "--one", kind, way, str(folder)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    return {
        way: (min(run[0] for run in found), min(run[1] for run in found), max(run[2] / run[3] for run in found))
        for way, found in runs.items()
    }


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's files; default: drawn digits")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--kinds", nargs="*", choices=PLAIN, default=list(PLAIN), help="which to measure; default: all")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--page", type=Path, help="file to write the table into")
    parser.add_argument("--one", nargs=3, metavar=("KIND", "WAY", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(Path(given.one[2]), given.one[0], given.one[1])
        return
    from lenetkit.datasets import load_dataset
    from lenetkit.synthesis import draw_digits

    data = load_dataset(given.mnist, subset="train") if given.mnist else draw_digits(given.images, seed=0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images, labels = np.asarray(data.images)[: given.images], data.labels[: given.images]
        write_all(folder, images, labels, given.pictures)
        (folder / "few").mkdir()
        write_all(folder / "few", images[:_FEW], labels[:_FEW], _FEW)
        names = {kind: f"{given.images:,} as {name}" for kind, name in KINDS.items()}
        names["many"] = f"{given.pictures:,} PNGs, Pillow on {os.cpu_count()} cores"
        rows = []
        for kind in given.kinds:
            found = measure(folder, kind, given.runs)
            (wall, used, memory), (own_wall, own_used, own_memory) = found["plain"], found["lenetkit"]
            rows.append(
                [
                    names[kind],
                    f"{wall:.2f} and {own_wall:.2f} s: {own_wall / wall:.2f}",
                    f"{used:.2f} and {own_used:.2f} s: {own_used / used:.2f}",
                    f"{memory:.1f} and {own_memory:.1f}",
                ]
            )
            print(*rows[-1], sep=" | ", flush=True)
    header = ["plain and lenetkit", "by the clock", "of the processor", "memory / images"]
    page = f"{markdown_table(header, rows)}\n\nFastest of {given.runs} on {describe_machine(machine())}.\n"
    if given.page:
        given.page.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
