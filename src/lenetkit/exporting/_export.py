"""A trained model leaves the library: as LiteRT, ONNX, SavedModel or Keras file, checked before it is believed.

In: a ``keras.Model``, or the LiteRT bytes of one. Out: files for other runtimes, each run with its own runtime on
inputs whose answers are known, and beside them the class names and a description of the preprocessing.
Next: :mod:`lenetkit.runtime` runs the LiteRT bytes, :mod:`lenetkit.bundle` carries them.

TensorFlow is imported when a Keras model is converted, never for a LiteRT export.
"""

import contextlib
import glob
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_extra
from lenetkit._utils.files import atomic_path, check_writable, write_atomically
from lenetkit._utils.rng import preserve_rng_state
from lenetkit._utils.stderr import filter_stderr
from lenetkit.exceptions import ExportError, SettingError
from lenetkit.runtime import Predictor

if TYPE_CHECKING:
    import keras

__all__ = ["FORMATS", "TOLERANCE", "ExportReport", "check_target", "convert_to_litert", "export"]

FORMATS = {"litert": ".tflite", "onnx": ".onnx", "saved_model": "", "keras": ".keras"}
"""The export formats and the suffixes of their files; a SavedModel is a folder."""

TOLERANCE = 1e-5
"""How far an exported model's probabilities may be from the known ones."""

# Of the opset, not of the runtime: old enough for every ONNX Runtime of the last years.
_ONNX_OPSET = 17

# The log lines of TensorFlow's converter: I and W for information and warnings, month and day.
_CONVERTER_CHATTER = r"[IW]\d{4} \d\d:|WARNING: All log messages before"

Probabilities = npt.NDArray[np.float32]


@attrs.frozen(kw_only=True)
class ExportReport:
    """What an export wrote, and how near its answers are.

    Parameters
    ----------
    path : pathlib.Path
        The exported file; for a SavedModel the folder.
    format : str
        One of :data:`FORMATS`.
    labels : pathlib.Path
        Text file with one class name per line, in the order of the output's columns.
    preprocessing : pathlib.Path
        JSON file that says what must happen to an image before the model sees it.
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


def convert_to_litert(model: "keras.Model", *, check_images: npt.NDArray[np.float32] | None = None) -> bytes:
    """Convert a Keras model to LiteRT: float32, nothing quantised, no custom operations.

    The bytes depend on the architecture, the weights and the version of TensorFlow alone, not on how layers happen to
    be called. Global random generators are left as they were found.

    Parameters
    ----------
    model : keras.Model
        One input of shape (n, height, width, channels), one output of shape (n, n_classes), float32.
    check_images : ndarray of shape (k, height, width, channels), optional
        Inputs that the converted model must answer as the Keras model does.

    Returns
    -------
    bytes
        For :class:`lenetkit.runtime.Predictor`, or to be written to a ``.tflite`` file. The input is called
        ``images``, the output ``probabilities``.

    Raises
    ------
    ExportError
        If LiteRT has no operation for a layer, or an answer to `check_images` is off by more than 1e-5.

    Examples
    --------
    >>> from lenetkit.exporting import convert_to_litert
    >>> from lenetkit.models import create_model
    >>> from lenetkit.runtime import Predictor
    >>> images = np.zeros((2, 28, 28, 1), np.float32)
    >>> tflite = convert_to_litert(create_model("lenet5", seed=0), check_images=images)
    >>> Predictor(tflite).predict_proba(images).shape
    (2, 10)
    """
    with _to_the_point():
        module, function = _traced(model)
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], module)
        try:
            converted = converter.convert()
        except Exception as error:
            raise ExportError(
                f"the model {model.name!r} cannot be converted to LiteRT: {_first_line(error)}. "
                "Build it of layers that LiteRT has operations for: https://ai.google.dev/edge/litert/conversion."
            ) from error
        tflite = _without_layer_names(converted)
        if check_images is not None:
            expected = np.asarray(function(check_images)["probabilities"])
            _checked_difference("litert", Predictor(tflite).predict_proba(check_images), expected)
    return tflite


def export(
    path: str | os.PathLike[str],
    *,
    format: str,  # noqa: A002 -- the name that keras.Model.export uses too
    tflite: bytes,
    build_model: "Callable[[], keras.Model]",
    golden_images: npt.NDArray[np.float32],
    golden_probabilities: Probabilities,
    classes: Sequence[Any],
    preprocessing: Mapping[str, Any],
) -> ExportReport:
    """Write a model for another runtime, run it there, and keep it only if it answers as it should.

    Beside ``digits.onnx`` go ``digits.onnx.labels.txt`` and ``digits.onnx.preprocessing.json``.

    Parameters
    ----------
    path : str or path-like
        The file to write, with the format's suffix; for ``"saved_model"`` a folder that is empty or does not exist.
    format : {"litert", "onnx", "saved_model", "keras"}
        ``"onnx"`` needs ``pip install "lenetkit[onnx]"``.
    tflite : bytes
        The LiteRT model.
    build_model : callable
        Gives the Keras model; called for every format but ``"litert"``.
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
        If the format is unknown, the path does not fit it, or there are no golden inputs.
    MissingExtraError
        If the libraries for ONNX are not installed.
    ExportError
        If the model cannot be converted, or its own runtime gives a probability that is off by more than 1e-5; then
        nothing is written.
    OSError
        If the system refuses to write. What was there before is untouched.

    Examples
    --------
    What :meth:`Pipeline.export <lenetkit.pipeline.Pipeline.export>` does:

    >>> import tempfile
    >>> from lenetkit.bundle import read_bundle
    >>> from lenetkit.models import create_model
    >>> from lenetkit.pretrained import path_of
    >>> bundle = read_bundle(path_of("digits"))
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
    target = check_target(path, format)
    golden_images = np.ascontiguousarray(golden_images, dtype=np.float32)
    if not len(golden_images) or golden_probabilities.shape != (len(golden_images), len(classes)):
        raise SettingError(
            f"an export is checked on golden inputs: there must be at least one, with probabilities of shape "
            f"({len(golden_images)}, {len(classes)}); got {len(golden_images)} and {golden_probabilities.shape}."
        )
    write, run = _ROUTES[format]
    class_names: list[Any] = np.asarray(classes).tolist()
    in_place = _atomic_folder(target) if format == "saved_model" else atomic_path(target)
    with _to_the_point(), in_place as temporary:
        write(temporary, tflite, build_model)
        difference = _checked_difference(format, run(temporary, golden_images), golden_probabilities)
    labels = "".join(" ".join(str(label).splitlines()) + "\n" for label in class_names)
    described = _description(golden_images.shape[1:], class_names, preprocessing)
    return ExportReport(
        path=target,
        format=format,
        labels=write_atomically(f"{target}.labels.txt", labels.encode()),
        preprocessing=write_atomically(f"{target}.preprocessing.json", described.encode()),
        greatest_difference=difference,
    )


@contextlib.contextmanager
def _to_the_point() -> Iterator[None]:
    """Leave random generators as they are, and hold back what TensorFlow tells of its temporary files and passes."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    with preserve_rng_state(), filter_stderr(_CONVERTER_CHATTER):
        logger.setLevel(max(level, logging.WARNING))  # in notebooks it is INFO
        try:
            yield
        finally:
            logger.setLevel(level)


def _write_litert(path: Path, tflite: bytes, _: "Callable[[], keras.Model]") -> None:
    path.write_bytes(tflite)


def _run_litert(path: Path, images: npt.NDArray[np.float32]) -> Probabilities:
    return Predictor(path.read_bytes()).predict_proba(images)


def _write_onnx(path: Path, _: bytes, build_model: "Callable[[], keras.Model]") -> None:
    import tf2onnx

    model = build_model()
    _, function = _traced(model)
    try:
        proto, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=_ONNX_OPSET)
    except Exception as error:
        raise ExportError(f"the model {model.name!r} cannot be converted to ONNX: {_first_line(error)}.") from error
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "n"
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _run_onnx(path: Path, images: npt.NDArray[np.float32]) -> Probabilities:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    probabilities: Probabilities = session.run(["probabilities"], {"images": images})[0]
    return probabilities


def _write_saved_model(path: Path, _: bytes, build_model: "Callable[[], keras.Model]") -> None:
    import tensorflow as tf

    module, function = _traced(build_model())
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})


def _run_saved_model(path: Path, images: npt.NDArray[np.float32]) -> Probabilities:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    probabilities: Probabilities = signature(images=tf.constant(images))["probabilities"].numpy()
    return probabilities


def _write_keras(path: Path, _: bytes, build_model: "Callable[[], keras.Model]") -> None:
    build_model().save(path)


def _run_keras(path: Path, images: npt.NDArray[np.float32]) -> Probabilities:
    import keras

    # The file was written a moment ago by this very process; files from elsewhere are never given to Keras.
    model = keras.saving.load_model(path, compile=False)
    return np.asarray(model(images, training=False))


_ROUTES = {
    "litert": (_write_litert, _run_litert),
    "onnx": (_write_onnx, _run_onnx),
    "saved_model": (_write_saved_model, _run_saved_model),
    "keras": (_write_keras, _run_keras),
}


def _traced(model: "keras.Model") -> tuple[Any, Any]:
    """Return the model as a ``tf.function`` for any number of images, and the ``tf.Module`` that owns its variables."""
    import tensorflow as tf

    shape = tuple(model.input_shape) if isinstance(model.input_shape, tuple) else ()
    if len(shape) != 4:
        raise ExportError(
            f"a model to export must have one input of shape (n, height, width, channels); {model.name!r} has "
            f"{model.input_shape}."
        )
    signature = [tf.TensorSpec((None, *shape[1:]), tf.float32, name="images")]
    module = tf.Module()
    module.variables_of_the_model = [variable.value for variable in model.variables]
    module.function = tf.function(
        lambda images: {"probabilities": model(images, training=False)}, input_signature=signature, autograph=False
    )
    return module, module.function


def _without_layer_names(tflite: bytes) -> bytes:
    """Return the same LiteRT model without the names that Keras gives to layers as it goes: dense, dense_1, ..."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(tflite))
    for graph in model.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = None
    main = model.subgraphs[0]
    main.tensors[main.inputs[0]].name = b"images"
    main.tensors[main.outputs[0]].name = b"probabilities"
    model.buffers = [_AlignedBuffer(buffer) for buffer in model.buffers]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


@attrs.frozen
class _AlignedBuffer:
    """A buffer that is written at a multiple of 16 bytes: LiteRT's schema wants it, the Python generator ignores it."""

    buffer: Any

    def Pack(self, builder: Any) -> Any:  # noqa: N802 -- the generated classes call it so
        if self.buffer.data is not None:
            builder.Prep(16, len(self.buffer.data))
        return self.buffer.Pack(builder)


def _checked_difference(format_name: str, actual: Probabilities, expected: Probabilities) -> float:
    if actual.shape != expected.shape:
        raise ExportError(
            f"the {format_name} model answers with shape {actual.shape}; it should be {expected.shape}. Not exported."
        )
    differences = np.abs(actual.astype(np.float64) - expected).max(axis=1)
    greatest = float(differences.max())
    if not greatest <= TOLERANCE:
        raise ExportError(
            f"the {format_name} model does not answer as it should: on golden input {int(differences.argmax())} a "
            f"probability is off by {greatest:.3g}, more than {TOLERANCE:g}. Not exported."
        )
    return greatest


def check_target(path: str | os.PathLike[str], format_name: str) -> Path:
    """Check before long work that an export can be written: format, suffix, extra, folder and rights.

    Raises
    ------
    MissingExtraError
        If the libraries for ONNX are not installed.
    SettingError
        If the format is unknown or the path does not fit it.
    OSError
        If the system refuses to write.
    """
    if format_name not in FORMATS:
        raise SettingError(f"format must be one of {', '.join(map(repr, FORMATS))}; got {format_name!r}.")
    target, suffix = Path(path), FORMATS[format_name]
    if suffix and target.suffix != suffix:
        raise SettingError(f"the name of a file in the format {format_name!r} must end in {suffix!r}; got {path}.")
    if not suffix and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        raise SettingError(
            f"cannot write a SavedModel to {path}: it exists. Remove it first, or give the name of a new folder."
        )
    if not suffix and not target.absolute().parent.is_dir():
        raise SettingError(f"cannot write {path}: there is no folder {target.absolute().parent}. Create it first.")
    if format_name == "onnx":
        require_extra("exporting to ONNX", "onnx", "onnxruntime", "tf2onnx")
    for file in (*([target] if suffix else []), f"{target}.labels.txt", f"{target}.preprocessing.json"):
        check_writable(file)
    return target


def _description(shape: tuple[int, ...], classes: list[Any], preprocessing: Mapping[str, Any]) -> str:
    content = {
        "input": {"name": "images", "dtype": "float32", "shape": ["n", *shape], "layout": "NHWC"},
        "output": {"name": "probabilities", "dtype": "float32", "shape": ["n", len(classes)], "classes": classes},
        "preprocessing": dict(preprocessing),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextlib.contextmanager
def _atomic_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write to and rename it to `target` when the block ends without an error."""
    prefix = f".{target.name}.lenetkit-"
    for litter in target.absolute().parent.glob(f"{glob.escape(prefix)}*"):
        shutil.rmtree(litter, ignore_errors=True)  # of an export that was killed
    with tempfile.TemporaryDirectory(prefix=prefix, dir=target.absolute().parent) as around:
        temporary = Path(around) / "model"  # has the usual permissions; the folder around it is private
        yield temporary
        _sync_tree(temporary)
        with contextlib.suppress(FileNotFoundError):
            target.rmdir()  # only ever an empty one
        temporary.rename(target)


def _sync_tree(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        for name in files:
            with open(os.path.join(place, name), "rb+") as file:
                os.fsync(file.fileno())


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
