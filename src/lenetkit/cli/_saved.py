"""What the commands for saved pipelines share."""

import io
import sys
from pathlib import Path
from typing import Any

__all__ = ["is_saved_pipeline", "let_any_text_out", "printable"]


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
