"""Weka's ARFF, dense and sparse, as OpenML has MNIST (``mnist_784``) and its relatives; packed or not.

In: the file. Out: images uint8 and labels; the label is the attribute called class or label, or the only one that is
no number. In a sparse row an attribute that is left out has its first value, the first class included.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.

Source: the format's description, https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_library
from lenetkit._utils.imports import import_quietly
from lenetkit._utils.names import shorten
from lenetkit.datasets._entries import check_classes, name_damage
from lenetkit.datasets._formats.csv_layout import LABEL_NAMES, is_index
from lenetkit.datasets._formats.labelled import Format, Labelled, Start
from lenetkit.datasets._formats.packed import DAMAGE, iter_blocks
from lenetkit.datasets._formats.pixel_values import PixelRows, as_labels, as_stack
from lenetkit.datasets._pixel_tables import order_columns
from lenetkit.datasets._subsets import refuse_splits
from lenetkit.exceptions import DataError

__all__ = ["FORMAT"]

_NAME = r"""(?P<name>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)"""
_ATTRIBUTE = re.compile(rf"@attribute\s+{_NAME}\s*(?P<kind>\{{.*\}}|\w+)", re.IGNORECASE)
_DATA = re.compile(r"@data\s*", re.IGNORECASE)
_SPARSE = re.compile(r"""\s*(\d+)\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,}]+)\s*(?:,|$)""")
_NUMERIC = ("numeric", "real", "integer")
_MOST_ATTRIBUTES = 512**2 + 10


@attrs.frozen(kw_only=True)
class _Header:
    """The attributes: their names, the values of nominal ones, and which are the label and the pixels."""

    names: list[str]
    known: list[list[str] | None]
    label: int
    pixels: list[int]
    shape: tuple[int, int] | None


def _recognise(start: Start) -> bool:
    lines = (line.strip().lower() for line in start.unpacked.split(b"\n"))
    first = next((line for line in lines if line and not line.startswith(b"%")), b"")
    is_named = start.path.name.lower().removesuffix(".gz").endswith(".arff")
    return first.startswith(b"@relation") or (is_named and start.unpacked[:1] == b"%")


def _read(path: Path, subset: str) -> Labelled:
    refuse_splits(str(path), subset)
    with name_damage(path, "is not an ARFF file", (*DAMAGE, IndexError, KeyError, csv.Error, OverflowError)):
        return _read_rows(path)


def _read_rows(path: Path) -> Labelled:
    lines: list[str] = []
    header: _Header | None = None
    pixels, labels, row = PixelRows(str(path)), [], 0
    for block in iter_blocks(path):
        text = block.decode("utf-8")
        if header is None:
            head, found, text = _split(text)
            lines += head
            if len(lines) > 2 * _MOST_ATTRIBUTES:
                raise DataError(f"{path} has more than {_MOST_ATTRIBUTES:,} attributes, which no image of pixels has.")
            if not found:
                continue
            header = _read_header(path, lines)
        values, cells = _parse(path, header, text, row)
        row += len(cells)
        pixels.add(values)
        labels.append(cells)
    if header is None or not row:
        raise DataError(f"{path} has no {'rows' if header else '@data'}.")
    names = header.known[header.label]
    found_labels = as_labels(np.concatenate(labels), str(path))
    check_classes(found_labels, str(path))
    images = pixels.finish()
    images = images.reshape(-1, *header.shape) if header.shape else as_stack(images, row, str(path))
    are_names = names is not None and found_labels.dtype.kind == "U"
    return Labelled(images=images, labels=found_labels, class_names=tuple(names or ()) if are_names else None)


def _split(text: str) -> tuple[list[str], bool, str]:
    """Return the header's lines, whether the data begin in this text, and what follows."""
    head: list[str] = []
    start = 0
    for line in text.splitlines(keepends=True):
        start += len(line)
        if _DATA.fullmatch(line.strip()):
            return head, True, text[start:]
        head.append(line.strip())
    return head, False, ""


def _read_header(path: Path, lines: list[str]) -> _Header:
    names: list[str] = []
    values: list[list[str] | None] = []
    for line in lines:
        if not line.lower().startswith("@attribute"):
            continue
        match = _ATTRIBUTE.match(line)
        kind = match["kind"] if match else ""
        if match is None or (kind[:1] != "{" and kind.lower() not in (*_NUMERIC, "string")):
            raise DataError(f"{path}: the attribute {shorten(repr(line))} is neither a number nor a list of values.")
        names.append(_unquoted(match["name"]))
        is_list = kind.startswith("{")
        values.append(
            [_unquoted(v) for v in _cells(kind[1:-1])] if is_list else [] if kind.lower() == "string" else None
        )
    lowered = [name.lower() for name in names]
    nominal = [index for index, known in enumerate(values) if known is not None and not is_index(names[index])]
    label = next(
        (lowered.index(word) for word in LABEL_NAMES if word in lowered), nominal[0] if len(nominal) == 1 else -1
    )
    if label < 0:
        raise DataError(f"{path} must have one attribute called class or label; it has {len(names)} attributes.")
    pixels = [index for index in range(len(names)) if index != label and not is_index(names[index])]
    if not pixels or any(values[index] == [] for index in pixels):
        raise DataError(f"{path} must have a number for each pixel besides the label {names[label]!r}.")
    shape = None
    if len({names[index] for index in pixels}) == len(pixels):
        try:
            ordered, shape = order_columns(path, [names[index] for index in pixels])
            pixels = [names.index(name) for name in ordered]
        except DataError:
            shape = None  # the attributes' own order counts then
    return _Header(names=names, known=values, label=label, pixels=pixels, shape=shape)


def _unquoted(text: str) -> str:
    text = text.strip()
    quoted = len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if quoted else text


def _cells(text: str) -> list[str]:
    quote = "'" if "'" in text else '"'
    return next(csv.reader([text], skipinitialspace=True, quotechar=quote), [])


def _parse(path: Path, header: _Header, text: str, row: int) -> tuple[npt.NDArray[Any], list[str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("%")]
    if lines and lines[0].lstrip().startswith("{"):
        return _parse_sparse(path, header, lines, row)
    return _parse_dense(path, header, lines, row)


def _parse_dense(path: Path, header: _Header, lines: list[str], row: int) -> tuple[npt.NDArray[Any], list[str]]:
    require_library("reading an ARFF file", "pandas")
    import_quietly("pandas")
    import pandas as pd

    if not lines:
        return np.zeros((0, len(header.pixels)), np.uint8), []
    text = "\n".join(lines)
    frame = pd.read_csv(
        io.StringIO(text),
        header=None,
        names=range(len(header.names)),
        index_col=False,
        dtype={header.label: str},
        keep_default_na=False,
        na_values=["?"],
        quotechar="'" if "'" in text else '"',
        skipinitialspace=True,
    )
    numbers = frame[header.pixels].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(numbers).all(axis=1) | frame[header.label].isna().to_numpy()
    if bad.any():
        raise DataError(
            f"{path}: row {row + int(bad.argmax())} lacks a pixel or its label, or has one that is no number."
        )
    labels = [_unquoted(label) for label in frame[header.label]]
    return numbers, _known(path, header, labels, row)


def _parse_sparse(path: Path, header: _Header, lines: list[str], row: int) -> tuple[npt.NDArray[Any], list[str]]:
    place = np.full(len(header.names), -1)
    place[header.pixels] = np.arange(len(header.pixels))
    firsts = [_first_value(values) for values in header.known]
    numbers = np.tile(np.array([_number(firsts[index]) for index in header.pixels]), (len(lines), 1))
    labels = []
    for index, line in enumerate(lines):
        label = firsts[header.label]
        for attribute, value in _iterate(path, line.strip(), row + index):
            if attribute >= len(header.names):
                raise DataError(
                    f"{path}: row {row + index} has an attribute {attribute}; there are {len(header.names)}."
                )
            if attribute == header.label:
                label = _unquoted(value)
            elif place[attribute] >= 0:
                numbers[index, place[attribute]] = _number(_unquoted(value))
        labels.append(label)
    if np.isnan(numbers).any():
        bad = int(np.isnan(numbers).any(axis=1).argmax())
        raise DataError(f"{path}: row {row + bad} has a pixel that is no number.")
    return numbers, _known(path, header, labels, row)


def _first_value(values: list[str] | None) -> str:
    return values[0] if values else "0"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _iterate(path: Path, line: str, row: int) -> Iterator[tuple[int, str]]:
    if not (line.startswith("{") and line.endswith("}")):
        raise DataError(f"{path}: row {row} must be sparse like the first one, in {{ }}; it is {shorten(line)!r}.")
    inside, start = line[1:-1].strip(), 0
    while start < len(inside):
        match = _SPARSE.match(inside, start)
        if match is None:
            raise DataError(
                f"{path}: row {row} must hold pairs of attribute and value; got {shorten(inside[start:])!r}."
            )
        yield int(match[1]), match[2]
        start = match.end()


def _known(path: Path, header: _Header, labels: list[str], row: int) -> list[str]:
    names = header.known[header.label]
    known = set(names or labels)
    wrong = next((index for index, label in enumerate(labels) if label not in known), None)
    if wrong is not None:
        raise DataError(
            f"{path}: row {row + wrong} has the label {labels[wrong]!r}, which is none of the values that "
            f"{header.names[header.label]!r} has in the header."
        )
    return labels


FORMAT = Format(description="Weka's .arff, dense or sparse, packed or not", recognise=_recognise, read=_read, rank=20)
