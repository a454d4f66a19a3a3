"""Arrow tables of images: which columns hold pictures, pixels, labels and groups, and what is in them.

In: batches of rows and their schema, of a file or an object. Out: images uint8, labels and class names.
Next: the reader of Parquet's and Arrow's files, and of Hugging Face's data sets.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit.datasets._entries import check_classes
from lenetkit.datasets._formats.csv_layout import GROUP_NAMES, LABEL_NAMES, is_index
from lenetkit.datasets._formats.labelled import Labelled
from lenetkit.datasets._formats.pictures import Source, stack_pictures
from lenetkit.datasets._formats.pixel_values import PixelRows, as_labels
from lenetkit.datasets._images import load_bytes
from lenetkit.datasets._pixel_tables import order_columns
from lenetkit.exceptions import DataError

__all__ = ["read_batches"]

_IMAGE_NAMES = ("image", "images", "img", "picture", "pixels", "x", "data")
_MOST_ROWS = 2**24
_MOST_BYTES = 2**30


@attrs.frozen(kw_only=True)
class _Columns:
    """The columns that are read; `image` is empty where each pixel has a column."""

    image: str
    pixels: list[str]
    shape: tuple[int, ...]
    label: str
    group: str
    class_names: tuple[str, ...] | None


def read_batches(iterate: Callable[[list[str]], Iterable[Any]], schema: Any, where: str, base: Path | None) -> Labelled:
    """Return the images and labels of an Arrow table.

    Parameters
    ----------
    iterate : callable
        Gives batches of rows with the columns named, from the beginning each time.
    schema : pyarrow.Schema
        Of the whole table.
    where : str
        The file or object, for messages.
    base : path, optional
        The folder that pictures known by their path lie in; None if they may lie anywhere.

    Raises
    ------
    DataError
        If there are no images or labels, or they do not hold what they should; rows are named.
    """
    columns = _find_columns(schema, where)
    labels, groups = _read_labels(iterate, columns, where)
    images = _read_images(iterate, columns, schema, len(labels), where, base)
    names = columns.class_names
    if names is None:
        check_classes(labels, where)
    elif labels.dtype.kind == "U" and not np.isin(labels, np.array(names, np.str_)).all():
        names = None
    return Labelled(images=images, labels=labels, class_names=names, groups=groups)


def _find_columns(schema: Any, where: str) -> _Columns:
    features = _read_features(schema)
    names = list(schema.names)
    lowered = [name.lower() for name in names]
    named_classes = {
        n: tuple(f["names"]) for n, f in features.items() if f.get("_type") == "ClassLabel" and f.get("names")
    }
    group = next((names[lowered.index(word)] for word in GROUP_NAMES if word in lowered), "")
    label = next((names[lowered.index(word)] for word in LABEL_NAMES if word in lowered), "")
    if not label and len(named_classes) == 1:
        label = next(iter(named_classes))
    if not label:
        raise DataError(f"{where} must have a column called label; it has {', '.join(names[:10])}.")
    rest = [name for name in names if name not in (label, group)]
    pictures = [name for name in rest if features.get(name, {}).get("_type") == "Image" or _is_picture(schema, name)]
    image = min(pictures, key=lambda name: _rank(name), default="")
    pixels: list[str] = []
    shape: tuple[int, ...] = ()
    if not image:
        numeric = [name for name in rest if _is_number(schema, name) and not is_index(name)]
        if not numeric:
            raise DataError(f"{where} must have a column image, or one for each pixel; it has {', '.join(names[:10])}.")
        pixels, shape = order_columns(where, numeric)
    classes = named_classes.get(label) or _read_own_names(schema)
    return _Columns(image=image, pixels=pixels, shape=shape, label=label, group=group, class_names=classes)


def _read_features(schema: Any) -> dict[str, Any]:
    """Return what Hugging Face's libraries note of the columns; nothing where they did not, or it is damaged."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = info["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    found = features if isinstance(features, dict) else {}
    return {name: feature for name, feature in found.items() if isinstance(feature, dict)}


def _read_own_names(schema: Any) -> tuple[str, ...] | None:
    """Return the class names that Dataset.save notes for labels that are strings."""
    try:
        names = json.loads((schema.metadata or {})[b"lenetkit"])["class_names"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) else None


def _rank(name: str) -> int:
    return _IMAGE_NAMES.index(name.lower()) if name.lower() in _IMAGE_NAMES else len(_IMAGE_NAMES)


def _is_picture(schema: Any, name: str) -> bool:
    import pyarrow as pa

    kind = _storage(schema.field(name).type)
    if pa.types.is_struct(kind):
        return "bytes" in {kind.field(index).name for index in range(kind.num_fields)}
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return bool(is_bytes or (_is_list(kind) and _rank(name) < len(_IMAGE_NAMES)))


def _storage(kind: Any) -> Any:
    return getattr(kind, "storage_type", kind)


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return any(check(kind) for check in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def _is_number(schema: Any, name: str) -> bool:
    import pyarrow as pa

    kind = schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _read_labels(
    iterate: Callable[[list[str]], Iterable[Any]], columns: _Columns, where: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    found: dict[str, list[Any]] = {columns.label: [], columns.group: []}
    wanted = [name for name in found if name]
    count = 0
    for batch in iterate(wanted):
        count += batch.num_rows
        if count > _MOST_ROWS:
            raise DataError(f"{where} has more than {_MOST_ROWS:,} rows; read parts of it.")
        for name in wanted:
            column = batch.column(name)
            if column.null_count:
                row = count - batch.num_rows + column.is_null().to_pylist().index(True)
                raise DataError(f"{where}: row {row} has no {name}.")
            found[name].append(np.asarray(column.to_pylist() if _needs_python(column) else column.to_numpy(False)))
    if not count:
        raise DataError(f"{where} has no rows.")
    labels = as_labels(np.concatenate(found[columns.label]), where)
    groups = as_labels(np.concatenate(found[columns.group]), where) if columns.group else None
    return labels, groups


def _needs_python(column: Any) -> bool:
    import pyarrow as pa

    return not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))


def _read_images(
    iterate: Callable[[list[str]], Iterable[Any]],
    columns: _Columns,
    schema: Any,
    count: int,
    where: str,
    base: Path | None,
) -> npt.NDArray[np.uint8]:
    name = columns.image
    if name and not _is_list(_storage(schema.field(name).type)):
        return stack_pictures(lambda: _iterate_pictures(iterate([name]), name, where, base), count, where)
    pixels = PixelRows(where, count)
    shape = columns.shape
    bytes_read = 0
    for batch in iterate([name] if name else columns.pixels):
        values = (
            _nested(batch.column(name), where) if name else _side_by_side(batch, columns.pixels, where, len(pixels))
        )
        shape = shape or values.shape[1:]
        bytes_read += values.size
        if name and values.shape[1:] != shape:
            raise DataError(f"{where}: the images must all have one shape; got {shape} and {values.shape[1:]}.")
        if bytes_read > _MOST_BYTES:
            raise DataError(f"{where} holds more than 1 GiB of pixels; read parts of it.")
        pixels.add(values)
    images = pixels.finish().reshape(count, *shape)
    if images.ndim not in (3, 4):
        raise DataError(f"{where}: the column {name} must hold images (height, width[, channels]); got {shape}.")
    return images[..., 0] if images.ndim == 4 and images.shape[3] == 1 else images


def _side_by_side(batch: Any, names: list[str], where: str, start: int) -> npt.NDArray[Any]:
    for name in names:
        if batch.column(name).null_count:
            row = start + batch.column(name).is_null().to_pylist().index(True)
            raise DataError(f"{where}: row {row} has no {name}.")
    return np.stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names], axis=1)


def _nested(column: Any, where: str) -> npt.NDArray[Any]:
    """Return lists of lists of numbers as an array."""
    import pyarrow.compute as pc

    values = getattr(column, "storage", column)
    shape = [len(values)]
    while _is_list(values.type):
        lengths = pc.unique(pc.list_value_length(values)).to_pylist()
        if len(lengths) != 1 or lengths[0] is None or values.null_count:
            raise DataError(
                f"{where}: the lists of pixels must all have one length; got {sorted(map(str, lengths))[:5]}."
            )
        shape.append(lengths[0])
        values = values.flatten()
    if values.null_count:
        raise DataError(f"{where}: a pixel is missing.")
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(shape)


def _iterate_pictures(batches: Iterable[Any], name: str, where: str, base: Path | None) -> Iterator[Source]:
    import pyarrow as pa

    row = 0
    for batch in batches:
        column = getattr(batch.column(name), "storage", batch.column(name))
        is_struct = pa.types.is_struct(column.type)
        contents = (column.field("bytes") if is_struct else column).to_pylist()
        fields = [column.type.field(index).name for index in range(column.type.num_fields)] if is_struct else []
        paths = column.field("path").to_pylist() if "path" in fields else [None] * len(contents)
        for content, path in zip(contents, paths, strict=True):
            what = f"{where}: row {row}"
            row += 1
            try:
                yield what, content if content is not None else _load(path, base, what)
            except DataError as error:
                yield what, error


def _load(path: str | None, base: Path | None, what: str) -> bytes:
    if not path:
        raise DataError(f"{what} has neither a picture nor the path of one.")
    if base is None:
        return load_bytes(Path(path), f"{what}, {path}")
    place = (base / path).resolve()
    if not place.is_relative_to(base.resolve()):
        raise DataError(f"{what} names a picture outside the folder of the file: {path}.")
    return load_bytes(place, f"{what}, {path}")
