"""Scans of several pages, TIFF and PDF: each page is an image.

In: the path of the scan, whose labels lie beside it, a line for each page: ``digits.txt`` or ``digits.csv`` for
``digits.tif``. Out: images uint8 of one shape, and labels.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.extras import require_extra
from lenetkit.datasets._decoding import decode_frames
from lenetkit.datasets._entries import check_classes, name_damage
from lenetkit.datasets._formats.csv_layout import LABEL_NAMES
from lenetkit.datasets._formats.labelled import Format, Labelled, Start
from lenetkit.datasets._formats.pictures import stack_arrays
from lenetkit.datasets._formats.pixel_values import as_labels
from lenetkit.datasets._subsets import refuse_splits
from lenetkit.exceptions import DataError

__all__ = ["FORMAT"]

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PDF_START = b"%PDF-"
_MOST_PAGES = 100_000
_MOST_BYTES = 2**30
_MOST_PIXELS = 50_000_000
# As scanners do.
_POINTS_PER_INCH, _DOTS_PER_INCH = 72, 150
_LONGEST_TABLE = 2**24


def _recognise(start: Start) -> bool:
    return start.first.startswith((_PDF_START, *_TIFF_STARTS))


def _read(path: Path, subset: str) -> Labelled:
    refuse_splits(str(path), subset)
    labels = as_labels(_read_labels(path), str(path))
    pages = []
    size = 0
    with path.open("rb") as stream:
        is_pdf = stream.read(len(_PDF_START)) == _PDF_START
    for page in _iterate_pdf(path) if is_pdf else _iterate_tiff(path):
        pages.append(page)
        size += page.nbytes
        if size > _MOST_BYTES or len(pages) > _MOST_PAGES:
            raise DataError(f"{path} has more than {_MOST_PAGES:,} pages, or 1 GiB of pixels; split it.")
    if len(pages) != len(labels):
        raise DataError(f"{path} has {len(pages)} pages, and the file beside it {len(labels)} labels.")
    check_classes(labels, str(path))
    return Labelled(images=stack_arrays(pages, str(path)), labels=labels)


def _iterate_tiff(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    with path.open("rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise DataError(f"{path} holds more than 1 GiB; split it.")
    with name_damage(path, "is damaged or of an unusual kind", (Exception,)):
        yield from decode_frames(data, str(path), _MOST_PIXELS)


def _iterate_pdf(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    require_extra("reading PDF", "formats", "pypdfium2")
    import pypdfium2

    kinds = (pypdfium2.PdfiumError, ValueError, RuntimeError)
    with name_damage(path, "is damaged, encrypted or no PDF", kinds):
        document = pypdfium2.PdfDocument(path)
        try:
            for index in range(len(document)):
                page = document[index]
                scale = _DOTS_PER_INCH / _POINTS_PER_INCH
                width, height = page.get_size()
                if not 0 < width * height * scale**2 <= _MOST_PIXELS:
                    raise DataError(f"{path}: page {index + 1} has {width:g} x {height:g} points, which is too large.")
                pixels = page.render(scale=scale, grayscale=True).to_numpy()
                page.close()
                yield np.array(pixels).reshape(pixels.shape[:2])
        finally:
            document.close()


def _read_labels(path: Path) -> list[str]:
    """Return a label for each page, from the text file or table of the same name."""
    names = [path.with_suffix(suffix) for suffix in (".txt", ".csv", ".labels.txt")]
    beside = next((name for name in names if name.is_file()), None)
    if beside is None:
        raise DataError(
            f"{path} has no labels: put {names[0].name} beside it, with the label of each page in a line. To have "
            "pages answered, read them with PIL or pypdfium2, and pass them to predict."
        )
    with name_damage(beside, "is not a text file of labels", (ValueError, csv.Error)), beside.open("rb") as stream:
        content = stream.read(_LONGEST_TABLE)
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if any(map(str.strip, row))]
    if not rows:
        raise DataError(f"{beside} is empty; it must hold the label of each page of {path.name}, a line for each.")
    header = [cell.strip().lower() for cell in rows[0]]
    column = next((header.index(word) for word in LABEL_NAMES if word in header), None)
    rows = rows if column is None else rows[1:]
    lacking = next((index for index, row in enumerate(rows) if len(row) <= (column or 0)), None)
    if lacking is not None or (column is None and len(header) > 1 and len({len(row) for row in rows}) > 1):
        raise DataError(f"{beside}: line {1 + (lacking or 0)} has no label; name the column label.")
    return [_clean(row[len(row) - 1 if column is None else column]) for row in rows]


def _clean(cell: Any) -> str:
    return str(cell).strip()


FORMAT = Format(
    description="a scan of several pages (.tif, .pdf), with a label a line in the .txt file beside it",
    recognise=_recognise,
    read=_read,
    rank=30,
)
