"""Data sets of other libraries, as objects: copied once, in their order, upright and in 0..255.

In: a data set of Hugging Face, torchvision or tf.data, a scikit-learn Bunch, a frame of pandas or polars, arrays by
name, pairs of images and labels, or a mapping of such parts. Out: a :class:`~lenetkit.datasets.Dataset`.
Next: :mod:`lenetkit.transforms`.

Objects are known by what they have; no library of theirs is imported that is not there already.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit.datasets._dataset import Dataset
from lenetkit.datasets._entries import check_classes
from lenetkit.datasets._formats.arrow_table import read_batches
from lenetkit.datasets._formats.csv_layout import GROUP_NAMES, LABEL_NAMES, is_index
from lenetkit.datasets._formats.detect import as_dataset
from lenetkit.datasets._formats.labelled import Labelled, join_parts
from lenetkit.datasets._formats.named_arrays import from_arrays, read_named
from lenetkit.datasets._formats.pictures import group_paths, read_pictures, stack_arrays
from lenetkit.datasets._formats.pixel_values import PixelRows, as_labels
from lenetkit.datasets._images import read_image
from lenetkit.datasets._pixel_tables import order_columns
from lenetkit.datasets._subsets import refuse_splits, split_names
from lenetkit.exceptions import DataError, SettingError

__all__ = ["load_object"]

_PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_PARTS |= dict.fromkeys(("validation", "valid", "val"), "validation")
_IMAGES = ("images", "data", "x")
_LABELS = ("labels", "targets", "target", "y")
_CHANNELS = (1, 3)
_ROWS = 2048
_QMNIST_COLUMNS, _WRITER = 8, 2
# torchvision's MNIST
_SPELT = re.compile(r"(\d) - [a-z]+")
_INFINITE = -1


def load_object(source: Any, subset: str) -> Dataset:
    """Return a data set of another library as one of ours; see :func:`lenetkit.datasets.load_dataset`.

    Raises
    ------
    SettingError
        If it is nothing of the kind, or `subset` is a predefined split that is not there.
    DataError
        If it does not hold images and labels as it should.
    """
    if isinstance(source, Dataset):
        refuse_splits(repr(source), subset)
        return source
    where = f"the {type(source).__module__.partition('.')[0]} object {type(source).__qualname__}"
    found = _read(source, subset, where)
    if found is None:
        raise SettingError(
            f"source must be the name of a data set, a path, or an object with images and labels; got "
            f"{type(source).__name__}. From arrays, build Dataset(images=..., labels=...)."
        )
    return as_dataset(found, _name(source), where)


def _name(source: Any) -> str:
    named = getattr(getattr(source, "info", None), "dataset_name", None)
    return named if isinstance(named, str) and named else type(source).__name__.lower()


def _read(source: Any, subset: str, where: str) -> Labelled | None:
    parts = _find_parts(source)
    if parts is not None:
        return _read_parts(parts, subset, where)
    if isinstance(source, Mapping) and not hasattr(source, "target") and not hasattr(source, "columns"):
        return read_named({key: np.asarray(value) for key, value in _flatten(source)}, subset, where)
    found = _read_single(source, where)
    if found is not None:
        refuse_splits(where, subset)
    return found


def _find_parts(source: Any) -> dict[str, Any] | None:
    """Return the predefined splits of a mapping or of a pair of pairs; None where there are none."""
    if isinstance(source, Mapping) and source and set(map(str, source)) <= set(_PARTS):
        return {_PARTS[str(name)]: part for name, part in source.items()}
    if isinstance(source, (tuple, list)) and len(source) == 2:
        if all(isinstance(part, (tuple, list)) and len(part) == 2 and _is_array(part[0]) for part in source):
            return dict(zip(("train", "test"), source, strict=True))
        if all(hasattr(part, "as_numpy_iterator") or hasattr(part, "with_format") for part in source):
            return dict(zip(("train", "test"), source, strict=True))
    return None


def _read_parts(parts: Mapping[str, Any], subset: str, where: str) -> Labelled:
    wanted = split_names(subset)
    if subset == "all":
        wanted = tuple(part for part in ("train", "validation", "test") if part in parts)
    missing = next((part for part in wanted if part not in parts), None)
    if missing:
        raise SettingError(f"{where} has no part {missing!r}; it has {', '.join(parts)}.")
    found = []
    for part in wanted:
        labelled = _read(parts[part], "all", f"{where}, {part}")
        if labelled is None:
            raise DataError(f"{where}, {part}, must hold images and labels; it is a {type(parts[part]).__name__}.")
        found.append(labelled)
    return join_parts(found, where)


def _flatten(source: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in source.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _read_single(source: Any, where: str) -> Labelled | None:
    if hasattr(source, "features") and hasattr(source, "with_format"):
        return _read_hugging_face(source, where)
    if hasattr(source, "as_numpy_iterator"):
        return _read_tensors(source, where)
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        return _read_frame(source, where)
    if isinstance(source, (tuple, list)) and len(source) == 2 and all(hasattr(part, "__len__") for part in source):
        images, labels = source
        if _is_array(images) and len(images) == len(labels):
            return from_arrays(_as_array(images), _as_array(labels), where)
    if _has_samples(source):
        return _read_files(source, where)
    images, labels = (_get(source, names) for names in (_IMAGES, _LABELS))
    if images is not None and labels is not None and len(labels):
        return _read_attributes(source, images, labels, where)
    if isinstance(source, (tuple, list)) or (hasattr(source, "__getitem__") and hasattr(source, "__len__")):
        pairs = [source[index] for index in range(len(source))] if len(source) else []
        if pairs and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
            return _from_pairs(pairs, getattr(source, "classes", None), where)
    return None


def _get(source: Any, names: Iterable[str]) -> Any:
    if isinstance(source, (np.ndarray, str, bytes)):
        return None
    values = (getattr(source, name, None) for name in names)
    return next((value for value in values if value is not None and hasattr(value, "__len__")), None)


def _as_array(values: Any) -> npt.NDArray[Any]:
    """Return a tensor, a column or nested lists as an array."""
    to_numpy = getattr(values, "to_numpy", None)
    return np.asarray(to_numpy() if callable(to_numpy) else values)


# Hugging Face


def _read_hugging_face(source: Any, where: str) -> Labelled:
    if not hasattr(source, "__len__"):
        raise DataError(f"{where} is a stream of unknown length; load it without streaming=True.")

    def iterate(columns: list[str]) -> Iterator[Any]:
        for table in source.select_columns(columns).with_format("arrow").iter(batch_size=_ROWS):
            yield from table.combine_chunks().to_batches()

    return read_batches(iterate, source.features.arrow_schema, where, None)


# tf.data


def _read_tensors(source: Any, where: str) -> Labelled:
    cardinality = getattr(source, "cardinality", None)
    if callable(cardinality) and int(cardinality()) == _INFINITE:
        raise DataError(f"{where} never ends; leave out repeat(), or add take(n).")
    pixels, labels = PixelRows(where), []
    shape: tuple[int, ...] | None = None
    for element in _batches(source):
        image, label = _as_pair(element, where)
        images, values = (image, label) if np.ndim(label) == 1 and len(image) == len(label) else (image[None], [label])
        if shape is not None and images.shape[1:] != shape:
            raise DataError(f"{where}: the images must all have one shape; got {shape} and {images.shape[1:]}.")
        shape = images.shape[1:]
        pixels.add(images)
        labels.append(
            as_labels([v.decode() if isinstance(v, bytes) else v for v in np.asarray(values).tolist()], where)
        )
    if not labels:
        raise DataError(f"{where} holds no images.")
    return from_arrays(pixels.finish(), np.concatenate(labels), where)


def _as_text(values: list[Any]) -> list[Any]:
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]


def _batches(source: Any) -> Iterator[Any]:
    """Yield what the data set holds, many images at a time where their shapes are known."""
    specification = getattr(source, "element_spec", None)
    values = specification.values() if isinstance(specification, Mapping) else specification
    shapes = [getattr(value, "shape", None) for value in (values if isinstance(values, Iterable) else ())]
    single = len(shapes) > 1 and any(shape is not None and shape.rank == 0 for shape in shapes)
    known = all(shape is not None and shape.is_fully_defined() for shape in shapes)
    yield from (source.batch(_ROWS) if single and known else source).as_numpy_iterator()


def _as_pair(element: Any, where: str) -> tuple[Any, Any]:
    if isinstance(element, Mapping):
        lowered = {str(key).lower(): value for key, value in element.items()}
        image = next((lowered[name] for name in ("image", *_IMAGES) if name in lowered), None)
        label = next((lowered[name] for name in LABEL_NAMES if name in lowered), None)
    elif isinstance(element, (tuple, list)) and len(element) == 2:
        image, label = element
    else:
        image = label = None
    if image is None or label is None:
        raise DataError(f"{where} must give pairs of image and label, or dicts with image and label.")
    return np.asarray(image), np.asarray(label)


# Frames


def _read_frame(frame: Any, where: str) -> Labelled:
    names = [str(name) for name in frame.columns]
    lowered = [name.lower() for name in names]
    column = dict(zip(names, frame.columns, strict=True))
    label = next((names[lowered.index(word)] for word in LABEL_NAMES if word in lowered), None)
    if label is None:
        raise DataError(f"{where} must have a column called label; it has {', '.join(names[:10])}.")
    group = next((names[lowered.index(word)] for word in GROUP_NAMES if word in lowered), None)
    rest = [name for name in names if name not in (label, group) and not is_index(name)]
    if not rest:
        raise DataError(f"{where} must have a column for each pixel besides {label}.")
    labels = as_labels(_as_array(frame[column[label]]), where)
    groups = None if group is None else as_labels(_as_array(frame[column[group]]), where)
    first = frame[column[rest[0]]]
    if len(rest) == 1 and str(first.dtype) in ("object", "Object", "str"):
        found = _from_pairs(zip(first, labels.tolist(), strict=True), None, where)
        return attrs.evolve(found, groups=groups)
    ordered, shape = order_columns(where, [name if not name.isdigit() else f"pixel{name}" for name in rest])
    numbered = {name if not name.isdigit() else f"pixel{name}": column[name] for name in rest}
    pixels = PixelRows(where, len(labels))
    for start in range(0, len(labels), _ROWS):
        pixels.add(np.asarray(frame[start : start + _ROWS][[numbered[name] for name in ordered]].to_numpy()))
    check_classes(labels, where)
    return Labelled(images=pixels.finish().reshape(-1, *shape), labels=labels, groups=groups)


# Attributes: torchvision, scikit-learn, and whoever names them alike


def _read_attributes(source: Any, images: Any, labels: Any, where: str) -> Labelled:
    if hasattr(images, "columns"):
        images = _order_pixels(images, where)
    values, pixels = _as_array(labels), _as_array(images)
    groups = None
    if values.ndim == 2 and values.shape[1] == _QMNIST_COLUMNS:
        groups, values = values[:, _WRITER].astype(np.int64), values[:, 0]
    names = _class_names(source)
    if any(kind.__name__ == "EMNIST" for kind in type(source).__mro__):
        pixels = pixels.swapaxes(1, 2)  # torchvision keeps them as they lie in the files
    if names and names[0] == "N/A" and len(values) and values.min() > 0:
        values, names = values - 1, names[1:]  # its letters are numbered from 1
    converted = as_labels(values, where)
    fits = names and converted.dtype.kind == "i" and converted.max(initial=0) < len(names)
    found = from_arrays(pixels, converted, where, tuple(names) if fits else None)
    return attrs.evolve(found, groups=groups)


def _order_pixels(frame: Any, where: str) -> Any:
    try:
        ordered, _ = order_columns(where, [str(name) for name in frame.columns])
    except DataError:
        return frame
    return frame[ordered]


def _class_names(source: Any) -> list[str]:
    names = next(
        (
            n
            for n in (getattr(source, word, None) for word in ("classes", "target_names", "class_names"))
            if n is not None
        ),
        None,
    )
    listed = [str(name) for name in names] if names is not None and hasattr(names, "__len__") else []
    spelt = [_SPELT.fullmatch(name) for name in listed]
    return [match[1] for match in spelt if match] if all(spelt) else listed


# Pictures in files, and pairs


def _has_samples(source: Any) -> bool:
    samples = getattr(source, "samples", None)
    return isinstance(samples, list) and bool(samples) and isinstance(samples[0], tuple) and hasattr(source, "classes")


def _read_files(source: Any, where: str) -> Labelled:
    """Read torchvision's ImageFolder, whose samples are pairs of path and class."""
    paths = [Path(path) for path, _ in source.samples]
    labels = as_labels([label for _, label in source.samples], where)
    return Labelled(
        images=read_pictures(Path(where), group_paths(paths)),
        labels=labels,
        class_names=tuple(map(str, source.classes)),
    )


def _from_pairs(pairs: Iterable[Any], classes: Any, where: str) -> Labelled:
    pictures, labels = [], []
    for image, label in pairs:
        is_picture = isinstance(image, (Image.Image, str, bytes, Path))
        array = read_image(image) if is_picture else np.asarray(image)
        if array.ndim == 3 and array.shape[0] in _CHANNELS and array.shape[2] not in _CHANNELS:
            array = np.moveaxis(array, 0, -1)  # as PyTorch has them
        pictures.append(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array)
        labels.append(label.item() if _is_array(label) and not getattr(label, "shape", ()) else label)
    values = as_labels(labels, where)
    names = tuple(map(str, classes)) if classes is not None else None
    if len({picture.shape for picture in pictures}) > 1:
        if any(picture.dtype != np.uint8 for picture in pictures):
            raise DataError(f"{where}: images of different shapes must be uint8.")
        return Labelled(images=stack_arrays(pictures, where), labels=values, class_names=names)
    pixels = PixelRows(where)
    for start in range(0, len(pictures), _ROWS):
        pixels.add(np.stack(pictures[start : start + _ROWS]))
    return from_arrays(pixels.finish(), values, where, names)
