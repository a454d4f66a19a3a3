"""The checks before an export, which cost next to nothing: format, settings, libraries, and the place of the file."""

import contextlib
import os
from pathlib import Path

from lenetkit._utils.extras import require_extra, require_library
from lenetkit._utils.files import check_writable
from lenetkit._utils.validation import check_whole
from lenetkit.exceptions import SettingError
from lenetkit.exporting import _formats

__all__ = ["FORMATS", "check_target", "resolve_format"]

# A saved pipeline begins with the header of a zip file's member, in bytes, and the name of its first member.
_ZIP_HEADER, _FIRST_MEMBER = 30, b"manifest.json"
# A call of so many images is run once to check it: with LeNet-5 in about 1 GB of memory.
_LARGEST_BATCH = 10_000

FORMATS = {name: form.suffix for name, form in _formats.FORMATS.items()}
"""The export formats and the suffixes of their files; a SavedModel is a folder."""


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


def check_target(
    path: str | os.PathLike[str], format_name: str | None, batch: int | None = None, quantize: str | None = None
) -> Path:
    """Check before long work that an export can be written: format, suffix, settings, libraries, folder and rights.

    Raises
    ------
    MissingExtraError
        If the libraries for ONNX, or TensorFlow where it converts, are not installed.
    SettingError
        If the format is unknown, the path does not tell it or does not fit it, the batch or the quantisation is
        invalid, or a saved pipeline is in the way.
    OSError
        If the system refuses to write.
    """
    format_name = resolve_format(path, format_name)
    target, chosen = Path(path), _formats.FORMATS[format_name]
    suffix = chosen.suffix
    if target.suffix.lower() != suffix and suffix:
        raise SettingError(f"the name of a file with format={format_name!r} must end in {suffix!r}; got {path}.")
    _check_settings(format_name, batch, quantize)
    if not suffix and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        raise SettingError(
            f"cannot write a SavedModel to {path}: it exists. Remove it first, or give the name of a new folder."
        )
    require_extra(f"exporting to {format_name.upper()}", format_name, *chosen.modules)
    asked = f", quantize={quantize!r}" * (quantize is not None) + f", batch={batch}" * (batch is not None)
    libraries = _list_libraries(format_name, batch, quantize)
    require_library(f"exporting with format={format_name!r}{asked}", *libraries)
    for beside in ("", ".labels.txt", ".preprocessing.json")[not suffix :]:
        written = f"{target}{beside}"
        check_writable(written)
        if _is_saved_pipeline(written):
            raise SettingError(
                f"cannot export to {written}: there is a saved pipeline in that file, or in the one that it links to, "
                "which would be lost. Remove the link, or give another name."
            )
    return target


def _check_settings(format_name: str, batch: int | None, quantize: str | None) -> None:
    formats = _formats.FORMATS
    if batch is not None:
        check_whole("batch", batch, 1, _LARGEST_BATCH)
        if not formats[format_name].batch:
            can = " or ".join(f"format={name!r}" for name, form in formats.items() if form.batch)
            raise SettingError(f"batch fixes the number of images with {can}, not with format={format_name!r}.")
    if quantize is not None and quantize not in formats[format_name].quantize:
        can = "; ".join(
            f"with format={name!r} {', '.join(map(repr, form.quantize))}"
            for name, form in formats.items()
            if form.quantize
        )
        raise SettingError(f"quantize={quantize!r} is not possible with format={format_name!r}: choose {can}.")


def _list_libraries(format_name: str, batch: int | None, quantize: str | None) -> list[str]:
    """Return the libraries that convert the model and that run the file, where those are not the extra's."""
    as_it_is = format_name == "litert" and batch is None and quantize is None
    converter = [] if as_it_is else ["tensorflow", "keras"]
    return ["ai_edge_litert", *converter] if format_name == "litert" else converter


def _is_saved_pipeline(path: str) -> bool:
    """Recognise a file that holds a saved pipeline, whatever it is called, by the first member of its zip file."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read(_ZIP_HEADER + len(_FIRST_MEMBER))[_ZIP_HEADER:] == _FIRST_MEMBER
    return False
