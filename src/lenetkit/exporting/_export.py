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
import numpy.typing as npt

from lenetkit._utils.files import atomic_path, sync_file, write_atomically
from lenetkit._utils.validation import check_number
from lenetkit.exceptions import SettingError
from lenetkit.exporting import _formats
from lenetkit.exporting._conversion import TOLERANCE, Array, BuildModel, Source, check_answers, quiet_conversion
from lenetkit.exporting._measuring import MAX_DROP, Measured, check_drop, check_inputs, measure
from lenetkit.exporting._target import check_target, resolve_format
from lenetkit.runtime import Predictor

__all__ = ["ExportReport", "export"]

# Images in a call of a file that takes any number.
_CHUNK = 1_000


@attrs.frozen(kw_only=True)
class ExportReport:
    """The files that an export wrote, and what was measured of it.

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
        Between the exported model's probabilities for the golden inputs, computed by its own runtime, and the known
        ones. A quantised model may be off by more than 1e-5.
    quantize : str or None
        How numbers were shortened.
    size : int
        Bytes of the file; of a folder those of all its files, of a header those of the constants in it.
    n_images : int
        Images that it was measured on: the golden inputs and those that were given.
    agreement : float
        Fraction of them that get the label that the pipeline gives.
    accuracy, accuracy_before : float or None
        Fraction of the given images that the exported model and the pipeline read rightly; None without labels.

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
    quantize: str | None = None
    size: int = 0
    n_images: int = 0
    agreement: float = 1.0
    accuracy: float | None = None
    accuracy_before: float | None = None


def export(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 -- the name that keras.Model.export uses too
    quantize: str | None = None,
    batch: int | None = None,
    images: Array | None = None,
    targets: npt.NDArray[np.int64] | None = None,
    calibration_images: Array | None = None,
    max_drop: float = MAX_DROP,
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
    format : {"litert", "onnx", "saved_model", "keras", "c"}, optional
        By default the one that the suffix of `path` tells: ``.tflite``, ``.onnx``, ``.keras`` or ``.h``; a path without
        a suffix is the folder of a SavedModel. ``"onnx"`` needs ``pip install "lenetkit[onnx]"``. ``"c"`` is a header
        for C99: the numbers, a function that answers an image, and test vectors.
    quantize : {"int8", "float16", "dynamic"}, optional
        A smaller file, of shorter numbers, whose input and output stay float32. With ``"litert"``: ``"int8"``, weights
        and what is computed between the layers; ``"float16"`` or ``"dynamic"``, weights only. With ``"c"``: ``"int8"``,
        weights only. By default all is float32.
    batch : int, optional
        Fix the number of images in a call, for runtimes that cannot choose it themselves, such as LiteRT.js and
        LiteRT's CompiledModel; only for ``"litert"`` and ``"onnx"``. By default any number goes.
    images : ndarray of shape (n, height, width, channels), optional
        More inputs to measure the export on, float32.
    targets : ndarray of shape (n,), optional
        The column of the right class of each of `images`, to measure the accuracy.
    calibration_images : ndarray of shape (k, height, width, channels), optional
        Inputs that show which values occur inside the network, float32; only for ``"litert"`` with ``"int8"``. By
        default the golden inputs.
    max_drop : float, default 0.005
        The largest accepted loss of accuracy, as a fraction; without `targets` the largest fraction of images, the
        golden ones included, that get another label.
    tflite : bytes
        The LiteRT model.
    build_model : callable
        Gives the Keras model; called for every format but ``"litert"`` with neither `quantize` nor `batch`.
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
        If the format is unknown, the path does not tell or contradicts it, another argument is invalid or does not fit
        the format, there are no golden inputs, or a saved pipeline would be overwritten.
    MissingExtraError
        If the libraries for ONNX, or TensorFlow where it converts, are not installed.
    ExportError
        If the model cannot be converted, a probability is off by more than 1e-5 although nothing was quantised, or
        more than `max_drop` is lost; then nothing is written.
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
    target = check_target(path, format, batch, quantize)
    check_number("max_drop", max_drop, 0, 1)
    golden_images = np.ascontiguousarray(golden_images, dtype=np.float32)
    if not len(golden_images) or golden_probabilities.shape != (len(golden_images), len(classes)):
        raise SettingError(
            f"an export is checked on golden inputs: there must be at least one, with probabilities of shape "
            f"({len(golden_images)}, {len(classes)}); got {len(golden_images)} and {golden_probabilities.shape}."
        )
    shape = golden_images.shape[1:]
    if calibration_images is not None and (format, quantize) != ("litert", "int8"):
        raise SettingError("calibration_images are for format='litert' with quantize='int8'. Leave them out.")
    if calibration_images is not None:
        calibration_images = check_inputs("calibration_images", calibration_images, shape)
    source = Source(
        target=target,
        tflite=tflite,
        build_model=build_model,
        batch=batch,
        quantize=quantize,
        samples=golden_images if calibration_images is None else calibration_images,
        golden_images=golden_images,
        golden_probabilities=golden_probabilities,
        class_names=np.asarray(classes).tolist(),
    )
    more = golden_images[:0] if images is None else check_inputs("images", images, shape)
    if targets is not None and np.shape(targets) != (len(more),):
        raise SettingError(f"targets must be one for each of images, {len(more)}; got shape {np.shape(targets)}.")
    chosen = _formats.FORMATS[format]
    in_place = atomic_path(target) if chosen.suffix else _atomic_folder(target)
    with quiet_conversion(), in_place as temporary:
        size = chosen.write(temporary, source)
        difference, measured = _judge(format, temporary, source, more, targets)
        check_drop(format, measured, max_drop)
        size = _measure_size(temporary) if size is None else size
    labels, described = _write_beside(source, preprocessing)
    return ExportReport(
        path=target,
        format=format,
        labels=labels,
        preprocessing=described,
        greatest_difference=difference,
        quantize=quantize,
        size=size,
        **attrs.asdict(measured),
    )


def _judge(
    form: str, path: Path, source: Source, images: Array, targets: npt.NDArray[np.int64] | None
) -> tuple[float, Measured]:
    """Return the greatest difference on the golden inputs, and what is measured on them and on some images."""
    golden = _run(form, path, source, source.golden_images), source.golden_probabilities
    # Probabilities differ by at most 1; NaN is refused all the same.
    difference = check_answers(form, *golden, TOLERANCE if source.quantize is None else 1.0)
    expected = Predictor(source.tflite).predict_proba(images) if len(images) else source.golden_probabilities[:0]
    answers = _run(form, path, source, images) if len(images) else expected
    return difference, measure(answers, expected, golden, targets)


def _run(form: str, path: Path, source: Source, images: Array) -> Array:
    """Run a file on any number of images, in calls of as many as it takes, the last one filled up."""
    run, batch = _formats.FORMATS[form].run, source.batch
    if batch is not None:
        filled = np.concatenate([images, np.zeros((-len(images) % batch, *images.shape[1:]), np.float32)])
        images, n = filled, len(images)
    else:
        n, batch = len(images), _CHUNK
    parts = [run(path, images[start : start + batch], source) for start in range(0, len(images), batch)]
    return np.concatenate(parts)[:n]


def _measure_size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())


def _write_beside(source: Source, preprocessing: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write the labels and the description of input, output and preprocessing; return their paths."""
    labels = "".join(" ".join(str(label).splitlines()) + "\n" for label in source.class_names)
    n = "n" if source.batch is None else source.batch
    shapes = [n, *source.golden_images.shape[1:]], [n, len(source.class_names)]
    description = {
        "input": {"name": "images", "dtype": "float32", "shape": shapes[0], "layout": "NHWC"},
        "output": {
            "name": "probabilities",
            "dtype": "float32",
            "shape": shapes[1],
            "classes": source.class_names,
        },
        "preprocessing": dict(preprocessing),
    }
    described = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return (
        write_atomically(f"{source.target}.labels.txt", labels.encode()),
        write_atomically(f"{source.target}.preprocessing.json", described.encode()),
    )


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
