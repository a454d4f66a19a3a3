"""Data sets written to files that :func:`~lenetkit.datasets.load_dataset` reads back equal.

In: a data set, or its parts by name. Out: an ``.npz``, ``.csv`` or ``.parquet`` file, or a folder of IDX files or PNGs.
Next: any program that reads these formats.
"""

import gzip
import io
import json
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_extra, require_library
from lenetkit._utils.files import atomic_path, write_atomically
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.notices import notify
from lenetkit.datasets._class_files import class_file
from lenetkit.exceptions import DataError, SettingError

__all__ = ["FORMATS", "save_parts"]

FORMATS = {"npz": ".npz", "csv": ".csv", "parquet": ".parquet", "idx": "", "png": ""}
_BATCH = 2048
_IDX_NAMES = {"train": "train-", "test": "t10k-", "": ""}
_KERAS_NAMES = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test"), "": ("images", "labels")}
# QMNIST's rows: class, partition, writer, and five that say nothing here.
_QMNIST_COLUMNS, _WRITER = 8, 2

# Data sets by part; their class writes itself here, so it is not imported.
Parts = Mapping[str, Any]


def save_parts(parts: Parts, path: Path, form: str | None) -> Path:
    """Write a data set's parts, ``{"": dataset}`` or train and test, in the format of the suffix or of `form`.

    Raises
    ------
    SettingError
        If the format is unknown or does not fit the suffix, or the folder to write is not empty.
    DataError
        If the format cannot hold the data set so that it is read back equal.
    MissingExtraError
        If Parquet is asked for, and pyarrow is not installed.
    OSError
        If the file cannot be written.
    """
    form = _find_format(path, form)
    if form not in ("npz", "idx") and len(parts) > 1 and FORMATS[form] and path.suffix:
        raise SettingError(f"{path} is one file, and the data set has the parts {' and '.join(parts)}; name a folder.")
    for dataset in parts.values():
        _check(dataset, form)
    if form == "npz":
        return _write_npz(parts, path)
    if FORMATS[form] and len(parts) == 1 and path.suffix:
        return _write_table(next(iter(parts.values())), path, form)
    with _new_folder(path) as folder:
        if form == "idx":
            _write_idx(parts, folder)
        elif form == "png":
            _write_pictures(parts, folder)
        else:
            for part, dataset in parts.items():
                _write_table(dataset, folder / f"{part}.{form}", form)
    return path


def _find_format(path: Path, form: str | None) -> str:
    name = path.name.lower()
    known = "csv" if name.endswith((".csv", ".csv.gz")) else name.rpartition(".")[2] if "." in name else ""
    if form is not None and form not in FORMATS:
        raise SettingError(f"format must be one of {', '.join(FORMATS)}; got {form!r}.")
    if known in ("npz", "csv", "parquet"):
        if form not in (None, known):
            raise SettingError(f"{path} has the suffix of {known}; it cannot be written as {form}.")
        return known
    if form is None or form == "npz":
        raise SettingError(
            f"{path} must end in .npz, .csv, .csv.gz or .parquet; for a folder pass format='idx' or 'png'."
        )
    return form


def _check(dataset: Any, form: str) -> None:
    """Refuse what would not be read back equal."""
    shape = dataset.images.shape
    is_grey = len(shape) == 3
    if not len(dataset):
        raise DataError(f"{dataset!r} has no images to save.")
    if form == "csv" and not is_grey:
        raise DataError(f"a table holds grey images (n, height, width); got {shape}. Save it as .npz.")
    if form == "idx" and not is_grey and shape[3] not in (1, 3):
        raise DataError(f"IDX files hold images with 1 or 3 channels; got {shape}. Save it as .npz.")
    if form in ("png", "parquet") and not is_grey and (shape[3] != 3 or not _has_colour(dataset)):
        raise DataError(f"pictures are grey (n, height, width) or have colours; got {shape}. Save it as .npz.")
    if dataset.labels.dtype.kind != "U":
        return
    if form == "idx":
        raise DataError("IDX files hold integers as labels; these are strings. Save it as .npz, .csv, .parquet or PNG.")
    if form in ("csv", "png", "parquet") and (_as_read(dataset.labels) is None or "" in dataset.labels):
        raise DataError(f"{form} would give labels like {str(dataset.labels[0])!r} back as numbers. Save it as .npz.")


def _has_colour(dataset: Any) -> bool:
    return any(
        bool((images != images[..., :1]).any())
        for start in range(0, len(dataset), _BATCH)
        for images in [np.asarray(dataset.images[start : start + _BATCH])]
    )


def _as_read(labels: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Return strings, or None if a table that holds them would be read as numbers, or without blanks around."""
    stripped = all(label == label.strip() for label in np.unique(labels).tolist())
    try:
        [float(label) for label in np.unique(labels).tolist()]
    except ValueError:
        return labels if stripped else None
    return None


def _batches(dataset: Any) -> Iterator[npt.NDArray[np.uint8]]:
    for start in range(0, len(dataset), _BATCH):
        yield np.asarray(dataset.images[start : start + _BATCH])


def _new_folder(path: Path) -> Any:
    """Return a context that gives a folder which becomes `path` when all is written."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise SettingError(f"{path} is there already; name a new folder or an empty one.")
    return _NewFolder(path)


class _NewFolder:
    """A folder beside its final place, renamed when everything is written, removed when anything fails."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        self.folder = Path(tempfile.mkdtemp(prefix=".lenetkit-", dir=self.path.absolute().parent))
        return self.folder

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.folder.chmod(0o755)
                if self.path.exists():
                    self.path.rmdir()
                self.folder.rename(self.path)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def _write_npz(parts: Parts, path: Path) -> Path:
    arrays: dict[str, Any] = {}
    for part, dataset in parts.items():
        images, labels = _KERAS_NAMES[part]
        arrays |= {images: np.asarray(dataset.images), labels: dataset.labels}
        if dataset.groups is not None:
            arrays[f"groups_{part}".rstrip("_")] = dataset.groups
    arrays["class_names"] = np.array(next(iter(parts.values())).class_names, np.str_)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    return path


def _write_table(dataset: Any, path: Path, form: str) -> Path:
    if form == "csv":
        require_library("writing CSV", "pandas")
        with atomic_path(path) as temporary:
            _write_csv(dataset, temporary, packed=path.name.lower().endswith(".gz"))
        _write_classes(dataset, class_file(path))
    else:
        require_extra("writing Parquet", "formats", "pyarrow")
        with atomic_path(path) as temporary:
            _write_parquet(dataset, temporary)
    return path


def _write_classes(dataset: Any, path: Path) -> None:
    """Write the names of the classes where the labels do not tell them."""
    if dataset.labels.dtype.kind == "U":
        names = tuple(np.unique(dataset.labels).tolist())
    else:
        names = tuple(map(str, range(int(dataset.labels.max(initial=-1)) + 1)))
    if names != dataset.class_names:
        write_atomically(path, "".join(f"{name}\n" for name in dataset.class_names).encode())


def _write_csv(dataset: Any, path: Path, *, packed: bool) -> None:
    import pandas as pd

    _, height, width = dataset.images.shape
    square = [f"pixel{index}" for index in range(height * width)]
    names = square if height == width else [f"{y + 1}x{x + 1}" for y in range(height) for x in range(width)]
    opener: Callable[..., Any] = gzip.open if packed else open
    with opener(path, "wt", encoding="utf-8", newline="") as stream:
        start = 0
        for images in _batches(dataset):
            rows = slice(start, start + len(images))
            columns: dict[str, Any] = {"label": dataset.labels[rows]}
            if dataset.groups is not None:
                columns["group"] = dataset.groups[rows]
            pixels = pd.DataFrame(images.reshape(len(images), -1), columns=names)
            frame = pd.concat([pd.DataFrame(columns), pixels], axis=1)
            frame.to_csv(stream, header=not start, index=False)
            start += len(images)


def _as_png(image: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def _write_parquet(dataset: Any, path: Path) -> None:
    import_quietly("pyarrow.parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    is_text = dataset.labels.dtype.kind == "U"
    names = {} if is_text else {"names": list(dataset.class_names)}
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    features["label"] = {"dtype": "string", "_type": "Value"} if is_text else {"_type": "ClassLabel"} | names
    fields = [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("label", pa.string() if is_text else pa.int64()),
    ]
    if dataset.groups is not None:
        kind = dataset.groups.dtype.kind
        fields.append(("group", pa.string() if kind == "U" else pa.int64()))
        features["group"] = {"dtype": "string" if kind == "U" else "int64", "_type": "Value"}
    notes = {"huggingface": json.dumps({"info": {"features": features}})}
    if is_text:
        notes["lenetkit"] = json.dumps({"class_names": list(dataset.class_names)})
    schema = pa.schema(fields, metadata=notes)
    with pq.ParquetWriter(path, schema, write_page_checksum=True) as writer:
        start = 0
        for images in _batches(dataset):
            rows = slice(start, start + len(images))
            columns: list[Any] = [[{"bytes": _as_png(image), "path": None} for image in images]]
            columns += [values[rows].tolist() for values in (dataset.labels, dataset.groups) if values is not None]
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            start += len(images)


def _write_idx(parts: Parts, folder: Path) -> None:
    for part, dataset in parts.items():
        shape = dataset.images.shape
        beginning = _IDX_NAMES[part]
        with (folder / f"{beginning}images-idx{len(shape)}-ubyte").open("wb") as stream:
            stream.write(bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape))
            for images in _batches(dataset):
                stream.write(np.ascontiguousarray(images).data)
        groups = dataset.groups
        if groups is not None and (groups.dtype.kind != "i" or np.abs(groups).max(initial=0) >= 2**31):
            notify(
                f"{folder.name}: IDX files hold groups as 32-bit integers only; those of {dataset.name} are left out."
            )
            groups = None
        labels = dataset.labels
        if groups is not None:
            rows = np.zeros((len(labels), _QMNIST_COLUMNS), ">i4")
            rows[:, 0], rows[:, _WRITER] = labels, groups
            content = bytes([0, 0, 12, 2]) + struct.pack(">2I", *rows.shape) + rows.tobytes()
            (folder / f"{beginning}labels-idx2-int").write_bytes(content)
        else:
            kind, code = ("u1", 8) if labels.max(initial=0) < 256 else (">i4", 12)
            content = bytes([0, 0, code, 1]) + struct.pack(">I", len(labels)) + labels.astype(kind).tobytes()
            (folder / f"{beginning}labels-idx1-ubyte").write_bytes(content)
    _write_classes(dataset, folder / "classes.txt")


def _write_pictures(parts: Parts, folder: Path) -> None:
    import csv

    if len(parts) > 1:
        raise SettingError(
            "a folder of PNGs with its table holds one part; save train and test in folders of their own."
        )
    (dataset,) = parts.values()
    (folder / "images").mkdir()
    digits = len(str(len(dataset) - 1))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        groups = dataset.groups
        table.writerow(["filename", "label"] + (["group"] if groups is not None else []))
        index = 0
        for images in _batches(dataset):
            for image in images:
                name = f"{index:0{digits}}.png"
                (folder / "images" / name).write_bytes(_as_png(image))
                table.writerow([name, dataset.labels[index]] + ([groups[index]] if groups is not None else []))
                index += 1
    _write_classes(dataset, folder / "classes.txt")
