"""Saved pipelines and images as the commands name them, and text that is safe to print."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lenetkit.exceptions import DataError, SettingError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = [
    "accept_any_text",
    "echo",
    "echo_error",
    "expand_folders",
    "find_pipeline",
    "load_pipeline",
    "printable",
    "split_pipeline",
]


def split_pipeline(file: str | None, paths: tuple[str, ...], task: str) -> tuple[str | None, list[str]]:
    """Return the saved pipeline and the images; the pipeline may also come first among the paths, as it once had to."""
    if file is None and _is_saved_pipeline(paths[0]):
        file, paths = paths[0], paths[1:]
    if not paths:
        raise SettingError(f"there is nothing to {task} with {file}: name an image or a folder of them.")
    return file, list(expand_folders(paths))


def _is_saved_pipeline(path: str) -> bool:
    """Recognise a saved pipeline by its first bytes, which no image has, or by its name.

    Content decides, whatever the file is called; the name makes sure that a damaged one is not taken for an image.
    """
    from lenetkit.bundle import SUFFIX

    if path.endswith(SUFFIX):
        return True
    try:
        # A pipe or a device would be waited for.
        if not Path(path).is_file():
            return False
        with open(path, "rb") as file:
            return file.read(4) == b"PK\3\4"
    except (OSError, ValueError):
        return False


def find_pipeline(file: str | None) -> str:
    """Return the path of a saved pipeline; without one, of the pipeline that comes with lenetkit."""
    from lenetkit.pretrained import path_of

    return str(path_of("digits")) if file is None else file


def load_pipeline(file: str | None) -> "Pipeline":
    """Load a saved pipeline; without a file the one that comes with lenetkit."""
    from lenetkit.pipeline import Pipeline

    return Pipeline.pretrained() if file is None else Pipeline.load(file)


def expand_folders(paths: Iterable[str]) -> Iterator[str]:
    """Put the image files in a folder in its place; a folder without any stays, to be reported."""
    from lenetkit.datasets import IMAGE_SUFFIXES

    for path in paths:
        try:
            names = sorted(os.listdir(path))
        except OSError:  # a file, mostly
            names = []
        inside = [os.path.join(path, name) for name in names if not name.startswith(".")]
        yield from [name for name in inside if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES] or [path]


def printable(value: Any) -> str:
    """Return a value from a file as text that stays on one line and cannot steer a terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )


def accept_any_text() -> None:
    """Let standard output accept labels and file names that its encoding lacks, instead of failing at the first."""
    stdout = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        # File names that are no UTF-8 leave as the bytes they came as.
        stdout.reconfigure(errors="surrogateescape" if stdout.encoding.lower() == "utf-8" else "backslashreplace")


def echo(line: str) -> None:
    """Print a line as it is."""
    # Without the flag click takes out of a file's name what looks like a terminal's colours.
    click.echo(line, color=True)


def echo_error(path: str, error: DataError) -> None:
    """Report an image that cannot be answered."""
    message = f"{path} is a folder without image files." if os.path.isdir(path) else str(error).strip()
    click.echo(f"error: {printable(message if path in message else f'{path}: {message}')}", err=True)
