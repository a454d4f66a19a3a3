"""Saved pipelines and images as the commands name them, and text that is safe to print."""

import contextlib
import os
from collections.abc import Iterable, Iterator

import click

import lenetkit
from lenetkit._utils.printable import printable
from lenetkit.exceptions import DataError, SettingError

__all__ = [
    "echo",
    "echo_error",
    "expand_folders",
    "find_pipeline",
    "load_pipeline",
    "split_pipeline",
]


def split_pipeline(file: str | None, paths: tuple[str, ...], task: str) -> tuple[str | None, list[str]]:
    """Return the saved pipeline and the images; the pipeline may also come first among the paths, as it once had to."""
    if file is None and _is_saved_pipeline(paths[0]):
        file, paths = paths[0], paths[1:]
    if not paths:
        raise SettingError(f"there is nothing to {task} with {printable(file)}: name an image or a folder of them.")
    return file, list(expand_folders(paths))


def _is_saved_pipeline(path: str) -> bool:
    """Recognise a saved pipeline by its first bytes, which no image has, or by its name.

    Content decides, whatever the file is called; the name makes sure that a damaged one is not taken for an image.
    """
    from lenetkit.bundle import SUFFIX

    # A pipe or a device would be waited for.
    if os.path.isfile(path) and not path.endswith(SUFFIX):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            return file.read(4) == b"PK\3\4"
    return path.endswith(SUFFIX)


def find_pipeline(file: str | None) -> str:
    """Return the path of a saved pipeline; without one, of the pipeline that comes with lenetkit."""
    from lenetkit.pretrained import get_path

    return str(get_path("digits")) if file is None else file


def load_pipeline(file: str | None, runtime: str | None = None) -> "lenetkit.Pipeline":
    """Load a saved pipeline; without a file the one that comes with lenetkit."""
    if file is None:
        return lenetkit.Pipeline.pretrained(runtime=runtime)
    return lenetkit.Pipeline.load(file, runtime=runtime)


def expand_folders(paths: Iterable[str]) -> Iterator[str]:
    """Put the image files in a folder in its place; a folder without any stays, to be reported."""
    from lenetkit.datasets import IMAGE_SUFFIXES

    for path in paths:
        inside = []
        with contextlib.suppress(OSError):  # of a file, mostly
            inside = [os.path.join(path, name) for name in sorted(os.listdir(path)) if not name.startswith(".")]
        yield from [name for name in inside if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES] or [path]


def echo(line: str) -> None:
    """Print a line as it is."""
    # Without the flag click takes out of a file's name what looks like a terminal's colours.
    click.echo(line, color=True)


def echo_error(path: str, error: DataError) -> None:
    """Report an image that cannot be answered."""
    message = f"{path} is a folder without image files." if os.path.isdir(path) else str(error).strip()
    shown = printable(path)
    click.echo(f"error: {printable(message) if shown in message else f'{shown}: {printable(message)}'}", err=True)
