"""Seconds and peak memory of loading the same images from several formats, beside the plain way of each.

    python benchmarks/formats.py                        60,000 images, drawn by lenetkit
    python benchmarks/formats.py --mnist folder         those of MNIST
    python benchmarks/formats.py --pictures 100000      number of PNGs in the folder that Pillow decodes on all cores

The files are written into a temporary folder by the libraries that own the formats. Each way runs in a process of its
own, in turn, and the fastest of three counts; memory is what the process needs on top of what it had before, in
multiples of the images' own bytes. Files are in the system's cache: the first run fills it.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

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
    for label in (0, 1):
        (folder / "first" / str(label)).mkdir(parents=True)
        (folder / "first" / str(label) / "1.png").write_bytes(files[0])
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


def run_one(folder: Path, kind: str, way: str) -> None:
    """Load once and print seconds, bytes above those before, and bytes of the images."""
    import pandas  # noqa: F401, ICN001
    import pyarrow.parquet  # noqa: F401
    import scipy.io  # noqa: F401
    import sklearn.datasets  # noqa: F401

    import lenetkit.datasets  # noqa: F401
    from lenetkit.datasets import load_dataset

    Image.init()
    load_dataset(folder / "first")  # what lenetkit imports when it is needed counts for none
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins here
    before, start = resident("VmRSS"), time.perf_counter()
    images = ours(folder, kind) if way == "lenetkit" else PLAIN[kind](folder)
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, resident("VmHWM") - before, images.nbytes]))


def measure(folder: Path, kind: str, way: str, n_runs: int) -> tuple[float, float]:
    """Return the best seconds of some processes and their memory in multiples of the images."""
    command = [sys.executable, __file__, "--one", kind, way, str(folder)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(n_runs)]
    return min(run[0] for run in runs), max(run[1] / run[2] for run in runs)


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's files; default: drawn digits")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--kinds", nargs="*", choices=PLAIN, default=list(PLAIN), help="which to measure; default: all")
    parser.add_argument("--runs", type=int, default=3)
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
        write_all(folder, np.asarray(data.images)[: given.images], data.labels[: given.images], given.pictures)
        print(f"{'':34} {'plain':>8} {'lenetkit':>9} {'ratio':>6}   memory / images")
        names = {kind: f"{given.images:,} as {name}" for kind, name in KINDS.items()}
        names["many"] = f"{given.pictures:,} PNGs, Pillow on {os.cpu_count()} cores"
        for kind, name in [(kind, names[kind]) for kind in given.kinds]:
            (plain, plain_memory), (own, own_memory) = (
                measure(folder, kind, way, given.runs) for way in ("plain", "lenetkit")
            )
            print(f"{name:34} {plain:7.2f}s {own:8.2f}s {own / plain:6.2f}   {plain_memory:.1f} and {own_memory:.1f}")


if __name__ == "__main__":
    main()
