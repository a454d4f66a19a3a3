"""Export of a trained model to a file for another runtime, with its class names and its preprocessing beside it."""

import contextlib
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from lenetkit._utils.extras import require_extra, require_library
from lenetkit._utils.files import atomic_path, check_writable, sync_file, write_atomically
from lenetkit._utils.validation import check_whole
from lenetkit.exceptions import SettingError
from lenetkit.exporting import _formats
from lenetkit.exporting._conversion import Array, Batch, BuildModel, check_answers, quiet_conversion

__all__ = ["FORMATS", "ExportReport", "check_target", "export", "resolve_format"]

# A saved pipeline begins with the header of a zip file's member, in bytes, and the name of its first member.
_ZIP_HEADER, _FIRST_MEMBER = 30, b"manifest.json"
# A call of so many images is run once to check it: with LeNet-5 in about 1 GB of memory.
_LARGEST_BATCH = 10_000

# Each format's own runtime, by which an exported file is checked.
_LIBRARIES = {
    "litert": ("ai_edge_litert",),
    "onnx": ("tensorflow", "keras"),
    "saved_model": ("tensorflow", "keras"),
    "keras": ("tensorflow", "keras"),
}

FORMATS = {name: form.suffix for name, form in _formats.FORMATS.items()}
"""The export formats and the suffixes of their files; a SavedModel is a folder."""


@attrs.frozen(kw_only=True)
class ExportReport:
    """The files that an export wrote, and the greatest difference of its answers.

    Parameters
    ----------
    path : pathlib.Path
        The exported file; for a SavedModel the folder.
    format : str
        One of :data:`FORMATS`.
    labels : pathlib.Path
        Text file with one class name per line, in the order of the output's columns.
    preprocessing : pathlib.Path
        JSON file that describes the steps from an image to the model's input.
    greatest_difference : float
        Between the exported model's probabilities, computed by its own runtime, and the known ones.

    Examples
    --------
    >>> import tempfile
    >>> from lenetkit import Pipeline
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = Pipeline.pretrained().export(f"{folder}/digits.tflite")
    >>> report.path.name, report.labels.name
    ('digits.tflite', 'digits.tflite.labels.txt')
    >>> report.greatest_difference <= 1e-5
    True
    """

    path: Path
    format: str
    labels: Path
    preprocessing: Path
    greatest_difference: float


def export(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 -- the name that keras.Model.export uses too
    batch: int | None = None,
    tflite: bytes,
    build_model: BuildModel,
    golden_images: Array,
    golden_probabilities: Array,
    classes: Sequence[Any],
    preprocessing: Mapping[str, Any],
) -> ExportReport:
    """Write a model for another runtime, run it there, and keep it only if it answers as it should.

    Beside ``digits.onnx`` go ``digits.onnx.labels.txt`` and ``digits.onnx.preprocessing.json``.

    Parameters
    ----------
    path : str or path-like
        The file to write, with the format's suffix; for ``"saved_model"`` a folder that is empty or does not exist.
    format : {"litert", "onnx", "saved_model", "keras"}, optional
        By default the one that the suffix of `path` tells: ``.tflite``, ``.onnx`` or ``.keras``; a path without a
        suffix is the folder of a SavedModel. ``"onnx"`` needs ``pip install "lenetkit[onnx]"``.
    batch : int, optional
        Fix the number of images in a call, for runtimes that cannot choose it themselves, such as LiteRT.js and
        LiteRT's CompiledModel; only for ``"litert"`` and ``"onnx"``. By default any number goes.
    tflite : bytes
        The LiteRT model.
    build_model : callable
        Gives the Keras model; called for every format but ``"litert"`` without a `batch`.
    golden_images : ndarray of shape (k, height, width, channels)
        Inputs, at least one, float32.
    golden_probabilities : ndarray of shape (k, n_classes)
        The answers that they must give, float32.
    classes : sequence
        Class names in the order of the output's columns.
    preprocessing : mapping
        Plain JSON values; written as they are.

    Returns
    -------
    ExportReport

    Raises
    ------
    SettingError
        If the format is unknown, the path does not tell or contradicts it, `batch` is invalid, there are no golden
        inputs, or a saved pipeline would be overwritten.
    MissingExtraError
        If the libraries for ONNX are not installed.
    ExportError
        If the model cannot be converted, or its own runtime gives a probability that is off by more than 1e-5; then
        nothing is written.
    OSError
        If the system refuses to write; a file that was there before is untouched.

    Examples
    --------
    What :meth:`Pipeline.export <lenetkit.pipeline.Pipeline.export>` does:

    >>> import tempfile
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.models import create_model
    >>> from lenetkit.pretrained import get_path
    >>> bundle = read_bundle(get_path("digits"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export(
    ...         f"{folder}/digits.tflite",
    ...         format="litert",
    ...         tflite=bundle.tflite,
    ...         build_model=create_model,
    ...         golden_images=bundle.golden_images,
    ...         golden_probabilities=bundle.golden_probabilities,
    ...         classes=range(10),
    ...         preprocessing={},
    ...     )
    >>> report.format
    'litert'
    """
    format = resolve_format(path, format)  # noqa: A001
    target = check_target(path, format, batch)
    golden_images = np.ascontiguousarray(golden_images, dtype=np.float32)
    if not len(golden_images) or golden_probabilities.shape != (len(golden_images), len(classes)):
        raise SettingError(
            f"an export is checked on golden inputs: there must be at least one, with probabilities of shape "
            f"({len(golden_images)}, {len(classes)}); got {len(golden_images)} and {golden_probabilities.shape}."
        )
    chosen = _formats.FORMATS[format]
    class_names: list[Any] = np.asarray(classes).tolist()
    in_place = atomic_path(target) if chosen.suffix else _atomic_folder(target)
    with quiet_conversion(), in_place as temporary:
        chosen.write(temporary, tflite, build_model, batch)
        difference = check_answers(format, _run(chosen, temporary, golden_images, batch), golden_probabilities)
    labels = "".join(" ".join(str(label).splitlines()) + "\n" for label in class_names)
    n = "n" if batch is None else batch
    shapes = [n, *golden_images.shape[1:]], [n, len(class_names)]
    description = {
        "input": {"name": "images", "dtype": "float32", "shape": shapes[0], "layout": "NHWC"},
        "output": {"name": "probabilities", "dtype": "float32", "shape": shapes[1], "classes": class_names},
        "preprocessing": dict(preprocessing),
    }
    described = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return ExportReport(
        path=target,
        format=format,
        labels=write_atomically(f"{target}.labels.txt", labels.encode()),
        preprocessing=write_atomically(f"{target}.preprocessing.json", described.encode()),
        greatest_difference=difference,
    )


def _run(chosen: _formats.Format, path: Path, images: Array, batch: Batch) -> Array:
    """Run a file on any number of images, in calls of as many as it takes, the last one filled up."""
    if batch is None:
        return chosen.run(path, images, None)
    filled = np.concatenate([images, np.zeros((-len(images) % batch, *images.shape[1:]), np.float32)])
    parts = [chosen.run(path, filled[start : start + batch], batch) for start in range(0, len(filled), batch)]
    return np.concatenate(parts)[: len(images)]


def resolve_format(path: str | os.PathLike[str], format_name: str | None = None) -> str:
    """Return the format of an export: the given one, or the one that the suffix of its path tells.

    Raises
    ------
    SettingError
        If the format is unknown, the suffix tells none, or it tells another one.
    """
    if format_name is not None and format_name not in FORMATS:
        raise SettingError(f"format must be one of {', '.join(map(repr, FORMATS))}; got {format_name!r}.")
    suffix = Path(path).suffix.lower()
    told = next((name for name, of_format in FORMATS.items() if of_format == suffix), None)
    if format_name is None:
        told = "saved_model" if Path(path).is_dir() and not told else told
        if told is None:
            raise SettingError(
                f"the name {path} does not tell the format: end it in {', '.join(filter(None, FORMATS.values()))}, "
                f"give the name of a folder without a suffix, or say format={' or '.join(map(repr, FORMATS))}."
            )
        return told
    if told not in (None, format_name) and suffix:
        wanted = f"must end in {FORMATS[format_name]!r}" if FORMATS[format_name] else "must be that of a folder"
        raise SettingError(
            f"format={format_name!r} contradicts the suffix {suffix!r}, that of format={told!r}: the name {wanted}; "
            f"got {path}. Change one of them, or leave format= out."
        )
    return format_name


def check_target(path: str | os.PathLike[str], format_name: str | None, batch: int | None = None) -> Path:
    """Check before long work that an export can be written: format, suffix, batch, extra, folder and rights.

    Raises
    ------
    MissingExtraError
        If the libraries for ONNX are not installed.
    SettingError
        If the format is unknown, the path does not tell it or does not fit it, the batch is invalid, or a saved
        pipeline is in the way.
    OSError
        If the system refuses to write.
    """
    format_name = resolve_format(path, format_name)
    target, chosen = Path(path), _formats.FORMATS[format_name]
    suffix = chosen.suffix
    if target.suffix.lower() != suffix and suffix:
        raise SettingError(f"the name of a file with format={format_name!r} must end in {suffix!r}; got {path}.")
    if batch is not None:
        check_whole("batch", batch, 1, _LARGEST_BATCH)
        if not chosen.batch:
            can = " or ".join(f"format={name!r}" for name, form in _formats.FORMATS.items() if form.batch)
            raise SettingError(f"batch fixes the number of images with {can}, not with format={format_name!r}.")
    if not suffix and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        raise SettingError(
            f"cannot write a SavedModel to {path}: it exists. Remove it first, or give the name of a new folder."
        )
    require_extra(f"exporting to {format_name.upper()}", format_name, *chosen.modules)
    require_library(f"exporting with format={format_name!r}", *_LIBRARIES.get(format_name, ()))
    for beside in ("", ".labels.txt", ".preprocessing.json")[not suffix :]:
        written = f"{target}{beside}"
        check_writable(written)
        if _is_saved_pipeline(written):
            raise SettingError(
                f"cannot export to {written}: there is a saved pipeline in that file, or in the one that it links to, "
                "which would be lost. Remove the link, or give another name."
            )
    return target


def _is_saved_pipeline(path: str) -> bool:
    """Recognise a file that holds a saved pipeline, whatever it is called, by the first member of its zip file."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read(_ZIP_HEADER + len(_FIRST_MEMBER))[_ZIP_HEADER:] == _FIRST_MEMBER
    return False


@contextlib.contextmanager
def _atomic_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write to and rename it to `target` when the block ends without an error."""
    target = Path(os.path.realpath(target))  # a link to an empty folder stays one
    prefix = f".{target.name}.lenetkit-"
    for litter in target.parent.glob(f"{glob.escape(prefix)}*"):
        shutil.rmtree(litter, ignore_errors=True)  # of an export that was killed
    with tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent) as around:
        temporary = Path(around) / "model"  # has the usual permissions; the folder around it is private
        yield temporary
        for path in filter(Path.is_file, temporary.rglob("*")):
            sync_file(path)
        with contextlib.suppress(FileNotFoundError):
            target.rmdir()  # only ever an empty one
        temporary.rename(target)
