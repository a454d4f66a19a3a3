"""A data set in another format.

In: the name of a data set, or a path or object, and a target. Out: files, and a line that says what is in them.
Next: any program that reads these formats.
"""

from pathlib import Path
from typing import Any

from lenetkit.datasets._loading import load_dataset
from lenetkit.datasets._writing import save_parts
from lenetkit.exceptions import DataError, SettingError

__all__ = ["convert_dataset", "load_parts"]


def load_parts(source: Any, **options: Any) -> dict[str, Any]:
    """Return the predefined splits of a data set by name, or ``{"": dataset}`` if it has none.

    `options` are those of :func:`load_dataset`, without its subset.

    Raises
    ------
    LenetkitError
        As :func:`load_dataset` does.
    """
    try:
        return {part: load_dataset(source, subset=part, **options) for part in ("train", "test")}
    except (SettingError, DataError):
        # One part may be missing; what is wrong with the whole is said then.
        return {"": load_dataset(source, **options)}


def convert_dataset(
    source: Any,
    target: Path,
    *,
    format: str | None = None,  # noqa: A002
    subset: str | None = None,
    data_dir: str | None = None,
    download: bool = True,
) -> str:
    """Write a data set to a file or folder, its predefined splits apart where the target can hold them.

    Raises
    ------
    LenetkitError
        As :func:`load_dataset` and :meth:`Dataset.save` do.
    """
    options: dict[str, Any] = {"data_dir": data_dir, "download": download}
    parts = {"": load_dataset(source, subset=subset, **options)} if subset else load_parts(source, **options)
    one_file = target.name.lower().endswith((".csv", ".csv.gz", ".parquet")) or format == "png"
    if len(parts) > 1 and one_file:
        parts = {"": load_dataset(source, **options)}
    save_parts(parts, target, format)
    return ", ".join(f"{len(part):,} images{f' to {name}' if name else ''}" for name, part in parts.items())
