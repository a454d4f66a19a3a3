"""Write the table of who reads what, by running the libraries on the same local files; not part of the tests.

    python -m venv peers
    peers/bin/pip install torchvision datasets tensorflow-datasets tensorflow-cpu keras scikit-learn
    python tools/who_reads_what.py peers/bin/python > docs/research/data/who_reads_what.md
    rm -r peers

The files are written here, by the libraries that own the formats. Each peer is asked, in the environment given, with
the loader that its documentation names for such files, and nothing is converted for it; "yes" means the same pixels and
labels, "on its side" the same with rows and columns exchanged, "columns" a table that the user makes images of, "-" that
it has no loader for files of one's own in this format.
sets that a peer has by name come from the peer's own list.
"""  # noqa: E501

import gzip
import importlib.metadata
import io
import json
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(20, 256, (40, 28, 28), np.uint8)
LABELS = np.repeat(np.arange(10), 4)
PEERS = ("torchvision", "tensorflow_datasets", "datasets", "keras", "sklearn")
ROWS = {
    "idx": "MNIST's four IDX files",
    "emnist": "EMNIST's IDX files",
    "qmnist": "QMNIST's IDX files, with writers",
    "npz": "Keras' `mnist.npz`",
    "folders": "class folders of PNGs",
    "zip": "the same in a `.zip`",
    "parquet": "Parquet with Hugging Face's images",
    "csv": "CSV of pixels",
    "svmlight": "svmlight, bzip2",
    "mat": "SVHN's `.mat` (any content)",
    "arff": "ARFF, sparse",
    "text": "`optdigits.tra`",
}


class ColumnsError(Exception):
    """The file is read as a table, whose columns the user makes images of."""


def write_all(folder: Path) -> None:
    """Write the same digits in every format."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    import scipy.io
    from PIL import Image
    from sklearn.datasets import dump_svmlight_file

    def idx(array: np.ndarray, kind: int = 8) -> bytes:
        return bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()

    def png(image: np.ndarray) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "png")
        return stream.getvalue()

    for name in ("idx", "emnist", "qmnist", "npz", "zip", "parquet", "csv", "svmlight", "mat", "arff", "text"):
        (folder / name).mkdir()
    for part, peer in (("train", "train"), ("test", "t10k")):
        labels = LABELS.astype(np.uint8)
        (folder / "idx" / f"{peer}-images-idx3-ubyte").write_bytes(idx(IMAGES))
        (folder / "idx" / f"{peer}-labels-idx1-ubyte").write_bytes(idx(labels))
        (folder / "emnist" / f"emnist-digits-{part}-images-idx3-ubyte").write_bytes(idx(IMAGES.transpose(0, 2, 1)))
        (folder / "emnist" / f"emnist-digits-{part}-labels-idx1-ubyte").write_bytes(idx(labels))
        rows = np.zeros((40, 8), ">i4")
        rows[:, 0], rows[:, 2] = LABELS, np.arange(40)
        (folder / "qmnist" / f"qmnist-{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES)))
        (folder / "qmnist" / f"qmnist-{part}-labels-idx2-int.gz").write_bytes(gzip.compress(idx(rows, 12)))
    np.savez(folder / "npz" / "mnist.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=LABELS)
    with zipfile.ZipFile(folder / "zip" / "digits.zip", "w") as archive:
        for index, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
            place = folder / "folders" / "train" / str(label)
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index:02}.png").write_bytes(png(image))
            archive.writestr(f"train/{label}/{index:02}.png", png(image))
    pictures = [{"bytes": png(image), "path": None} for image in IMAGES]
    features = '{"info": {"features": {"image": {"_type": "Image"}, "label": {"dtype": "int64", "_type": "Value"}}}}'
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(pictures, kind), "label": LABELS}).replace_schema_metadata(
        {"huggingface": features}
    )
    pq.write_table(table, folder / "parquet" / "train.parquet")
    flat = IMAGES.reshape(40, -1)
    frame = pd.DataFrame(flat, columns=[f"pixel{index}" for index in range(784)])
    frame.insert(0, "label", LABELS)
    frame.to_csv(folder / "csv" / "train.csv", index=False)
    stream = io.BytesIO()
    dump_svmlight_file(flat.astype(float), LABELS + 1, stream, zero_based=False)
    import bz2

    (folder / "svmlight" / "usps.bz2").write_bytes(bz2.compress(stream.getvalue()))
    colours = np.repeat(IMAGES[..., None], 3, axis=3)
    matlab = {"X": np.moveaxis(colours, 0, -1), "y": LABELS[:, None]}
    scipy.io.savemat(folder / "mat" / "train_32x32.mat", matlab)
    lines = [
        "@relation digits",
        *(f"@attribute pixel{i} numeric" for i in range(784)),
        "@attribute class {0,1,2,3,4,5,6,7,8,9}",
    ]
    lines += [
        "@data",
        *(
            "{" + ",".join(f"{i} {v}" for i, v in enumerate([*row, label]) if v) + "}"
            for row, label in zip(flat, LABELS, strict=True)
        ),
    ]
    (folder / "arff" / "digits.arff").write_text("\n".join(lines))
    np.savetxt(folder / "text" / "optdigits.tra", np.column_stack([flat, LABELS]), fmt="%d", delimiter=",")


def ask_lenetkit(folder: Path, row: str) -> tuple[Any, Any]:
    """Read with lenetkit."""
    from lenetkit.datasets import load_dataset

    subset = "train" if row in ("idx", "emnist", "qmnist", "npz") else "all"
    place = folder / "folders" / "train" if row == "folders" else folder / row
    if row == "zip":
        place = folder / row / "digits.zip"
    found = load_dataset(place, subset=subset)
    return found.images, found.labels - (row == "svmlight")


def ask_torchvision(folder: Path, row: str) -> tuple[Any, Any]:
    """Read with torchvision."""
    from torchvision import datasets

    raw = {"idx": "MNIST", "emnist": "EMNIST", "qmnist": "QMNIST"}
    if row in raw:
        root = folder / f"torch-{row}"
        (root / raw[row] / "raw").mkdir(parents=True, exist_ok=True)
        for file in (folder / row).iterdir():
            content = file.read_bytes()
            (root / raw[row] / "raw" / file.name).write_bytes(content)
            if file.suffix == ".gz":
                (root / raw[row] / "raw" / file.stem).write_bytes(gzip.decompress(content))
        options = {"split": "digits"} if row == "emnist" else {}
        found = getattr(datasets, raw[row])(root, train=True, download=False, **options)
        labels = found.targets.numpy()
        return found.data.numpy(), labels[:, 0] if labels.ndim == 2 else labels
    if row == "folders":
        found = datasets.ImageFolder(folder / row / "train")
        return np.stack([np.asarray(image)[..., 0] for image, _ in found]), found.targets
    if row == "svmlight":
        found = datasets.USPS(folder / row, train=True, download=False)
        return found.data, found.targets
    if row == "mat":
        found = datasets.SVHN(folder / row, split="train", download=False)
        return found.data.transpose(0, 2, 3, 1)[..., 0], found.labels
    raise NotImplementedError


def ask_tensorflow_datasets(folder: Path, row: str) -> tuple[Any, Any]:
    """Read with TensorFlow Datasets."""
    import tensorflow_datasets as tfds

    if row != "folders":
        raise NotImplementedError
    found = list(tfds.folder_dataset.ImageFolder(str(folder / row)).as_dataset("train").as_numpy_iterator())
    order = np.argsort([element["image/filename"] for element in found])
    return np.stack([found[i]["image"][..., 0] for i in order]), [found[i]["label"] for i in order]


def ask_datasets(folder: Path, row: str) -> tuple[Any, Any]:
    """Read with Hugging Face's datasets."""
    import datasets

    kinds = {"folders": "imagefolder", "zip": "imagefolder", "parquet": "parquet", "csv": "csv", "mat": "hdf5"}
    if row not in kinds:
        raise NotImplementedError
    given = (
        {"data_dir": str(folder / row)}
        if row in ("folders", "zip")
        else {"data_files": [str(next((folder / row).iterdir()))]}
    )
    found = datasets.load_dataset(kinds[row], split="train", cache_dir=str(folder / "cache"), **given)
    if "image" not in found.column_names:
        raise ColumnsError
    return np.stack([np.asarray(image) for image in found["image"]]), list(found["label"])


def ask_keras(folder: Path, row: str) -> tuple[Any, Any]:
    """Read with Keras."""
    import keras

    if row == "folders":
        found = keras.utils.image_dataset_from_directory(
            folder / row / "train",
            image_size=(28, 28),
            color_mode="grayscale",
            shuffle=False,
            batch_size=None,
            verbose=False,
        )
        pairs = list(found.as_numpy_iterator())
        return np.stack([image[..., 0] for image, _ in pairs]), [label for _, label in pairs]
    raise NotImplementedError


def ask_sklearn(folder: Path, row: str) -> tuple[Any, Any]:
    """Read with scikit-learn."""
    from sklearn.datasets import load_svmlight_file

    if row != "svmlight":
        raise NotImplementedError
    found, labels = load_svmlight_file(str(folder / row / "usps.bz2"))
    return found.toarray().reshape(-1, 28, 28), labels - 1


def judge(images: Any, labels: Any) -> str:
    """Compare with what was written."""
    images = np.asarray(images)
    images = images[..., 0] if images.ndim == 4 else images
    if images.shape != IMAGES.shape or not np.array_equal(np.asarray(labels), LABELS):
        return "other values"
    if np.array_equal(images, IMAGES):
        return "yes"
    return "on its side" if np.array_equal(images, IMAGES.transpose(0, 2, 1)) else "other values"


def list_names(peer: str) -> list[str]:
    """Return the names of data sets of digits and letters that a peer lists itself."""
    words = ("mnist", "digit", "svhn", "usps", "semeion", "omniglot")
    if peer == "torchvision":
        from torchvision import datasets as found

        names = found.__all__
    elif peer == "tensorflow_datasets":
        import tensorflow_datasets as tfds

        names = tfds.list_builders(with_community_datasets=False)
    elif peer == "keras":
        import keras

        names = dir(keras.datasets)
    elif peer == "sklearn":
        from sklearn import datasets as found

        names = found.__all__
    elif peer == "lenetkit":
        from lenetkit.datasets import list_datasets

        return list_datasets()
    else:
        return []
    return sorted(name for name in names if any(word in name.lower() for word in words))


ASK: dict[str, Callable[[Path, str], tuple[Any, Any]]] = {
    "lenetkit": ask_lenetkit,
    "torchvision": ask_torchvision,
    "tensorflow_datasets": ask_tensorflow_datasets,
    "datasets": ask_datasets,
    "keras": ask_keras,
    "sklearn": ask_sklearn,
}
DISTRIBUTIONS = {"tensorflow_datasets": "tensorflow-datasets", "sklearn": "scikit-learn"}


def answer(peer: str, folder: Path) -> dict[str, Any]:
    """Ask one peer for every row."""
    warnings.simplefilter("ignore")
    cells = {}
    for row in ROWS:
        try:
            cells[row] = judge(*ASK[peer](folder, row))
        except NotImplementedError:
            cells[row] = "-"
        except ColumnsError:
            cells[row] = "columns"
        except Exception as error:
            cells[row] = f"no: {type(error).__name__}"
    version = importlib.metadata.version(DISTRIBUTIONS.get(peer, peer))
    return {"cells": cells, "version": version, "names": list_names(peer)}


def main() -> None:
    """Write the files, ask everyone, print the table."""
    if len(sys.argv) == 4:
        print("\nANSWER" + json.dumps(answer(sys.argv[2], Path(sys.argv[3]))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        write_all(Path(temporary))
        found = {}
        for peer in ASK:
            python = sys.executable if peer == "lenetkit" else sys.argv[1]
            run = subprocess.run(
                [python, __file__, "--ask", peer, temporary], capture_output=True, text=True, check=True
            )
            found[peer] = json.loads(run.stdout.rpartition("ANSWER")[2])
    print("<!-- Written by tools/who_reads_what.py -->\n")
    print("| | " + " | ".join(f"{DISTRIBUTIONS.get(peer, peer)} {found[peer]['version']}" for peer in ASK) + " |")
    print("|---|" + "---|" * len(ASK))
    for row, name in ROWS.items():
        print(f"| {name} | " + " | ".join(found[peer]["cells"][row] for peer in ASK) + " |")
    print("| by name | " + " | ".join(", ".join(found[peer]["names"]) or "a hub" for peer in ASK) + " |")


if __name__ == "__main__":
    main()
