"""Parquet and Arrow files, as hubs of data sets have them: pictures in a column, or pixels in one or in many.

In: a file with a column of images (the structure of bytes and path that Hugging Face's Image feature is, bytes, or
nested lists of pixels) or columns of pixels, and a column of labels. Out: images uint8, labels and class names.
Next: :mod:`lenetkit.datasets._formats.detect` makes a data set of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lenetkit._utils.extras import require_extra
from lenetkit._utils.imports import import_quietly
from lenetkit.datasets._entries import name_damage
from lenetkit.datasets._formats.arrow_table import read_batches
from lenetkit.datasets._formats.labelled import Format, Labelled, Start
from lenetkit.datasets._subsets import refuse_splits

__all__ = ["FORMAT"]

_PARQUET, _ARROW, _STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
_ROWS = 2048


def _recognise(start: Start) -> bool:
    named = start.path.name.lower().endswith((".arrow", ".arrows", ".feather"))
    return start.first.startswith((_PARQUET, _ARROW)) or (named and start.first.startswith(_STREAM))


def _read(path: Path, subset: str) -> Labelled:
    refuse_splits(str(path), subset)
    require_extra("reading Parquet and Arrow", "formats", "pyarrow")
    import_quietly("pyarrow.parquet")
    import pyarrow as pa

    kinds = (pa.ArrowException, ValueError, KeyError, OverflowError)
    with name_damage(path, "is damaged or no file of Parquet or Arrow", kinds), path.open("rb") as stream:
        start = stream.read(len(_ARROW))
        stream.seek(0)
        if start.startswith(_PARQUET):
            return _read_parquet(stream, path)
        is_file = start == _ARROW
        with _open_arrow(stream, is_file) as opened:
            schema = opened.schema
        return read_batches(lambda columns: _iterate_arrow(stream, is_file, columns), schema, str(path), path.parent)


def _read_parquet(stream: Any, path: Path) -> Labelled:
    import pyarrow.parquet as pq

    # In small pieces: otherwise a whole column of pictures would be in memory.
    file = pq.ParquetFile(stream, buffer_size=2**16, pre_buffer=False, page_checksum_verification=True)
    iterate = lambda columns: file.iter_batches(_ROWS, columns=columns, use_threads=True)  # noqa: E731
    return read_batches(iterate, file.schema_arrow, str(path), path.parent)


def _open_arrow(stream: Any, is_file: bool) -> Any:
    import pyarrow as pa

    stream.seek(0)
    source = pa.PythonFile(stream)
    return (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source)


def _iterate_arrow(stream: Any, is_file: bool, columns: list[str]) -> Iterator[Any]:
    """Yield batches of few rows from the beginning, each checked: Arrow trusts a file's word where values begin."""
    with _open_arrow(stream, is_file) as opened:
        whole = (opened.get_batch(index) for index in range(opened.num_record_batches)) if is_file else opened
        for batch in whole:
            chosen = batch.select(columns)
            chosen.validate(full=True)
            yield from (chosen.slice(start, _ROWS) for start in range(0, batch.num_rows, _ROWS))


FORMAT = Format(
    description="a .parquet or .arrow file with a column of images, or columns of pixels, and one of labels",
    recognise=_recognise,
    read=_read,
    rank=10,
)
