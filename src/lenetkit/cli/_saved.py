"""What the commands for saved pipelines share."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["is_saved_pipeline", "let_any_text_out", "pictures_in", "pipeline_of", "printable"]


def is_saved_pipeline(path: str) -> bool:
    """Tell whether a file is meant as a saved pipeline: by its first bytes, which no picture has, or by its name.

    Content decides, whatever the file is called; the name makes sure that a damaged one is not taken for a picture.
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


def pipeline_of(file: str | None) -> "Pipeline":
    """Load a saved pipeline; without a file the one that comes with lenetkit."""
    from lenetkit.pipeline import Pipeline

    return Pipeline.pretrained() if file is None else Pipeline.load(file)


def pictures_in(paths: Iterable[str]) -> Iterator[str]:
    """Put the picture files in a folder in its place; a folder without any stays, to be reported."""
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


def let_any_text_out() -> None:
    """Let standard output take labels and file names that its encoding lacks, instead of failing at the first."""
    stdout = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        # File names that are no UTF-8 leave as the bytes they came as.
        stdout.reconfigure(errors="surrogateescape" if stdout.encoding.lower() == "utf-8" else "backslashreplace")
