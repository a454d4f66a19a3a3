"""Output files of the commands: checked before anything is loaded, written whole after the work.

In: the paths that options name. Out: one error message before the work, or the files. Next: the user's disk.
"""

import os
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lenetkit._utils.files import check_writable, write_atomically
from lenetkit.cli._saved import printable
from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["check_checkpoint", "check_drawings", "check_output", "save_drawing", "save_or_rescue", "try_output"]

_DRAWINGS = (".png", ".jpg", ".jpeg", ".svg", ".pdf")


def check_output(option: str, path: str | None, *suffixes: str) -> None:
    """Refuse a path that could not be written to, or that has another suffix; None is no output."""
    if path is None:
        return
    if suffixes and not path.lower().endswith(suffixes):
        raise SettingError(f"{option} must end in {', '.join(suffixes)}; got {printable(path)}.")
    try_output(path)


def try_output(path: str, check: Callable[..., object] = check_writable, *arguments: str) -> None:
    """Run a check of an output; a refusal of the system is the user's mistake, as a missing folder is."""
    try:
        check(path, *arguments)
    except OSError as error:
        raise SettingError(
            f"cannot write {printable(path)}: {error.strerror}. Choose another folder, or change its permissions."
        ) from error


def check_checkpoint(folder: str | None) -> None:
    """Refuse a folder for checkpoints that is not there and could not be made, or could not be written to."""
    if folder is None:
        return
    nearest = Path(os.path.abspath(folder))
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        raise SettingError(f"--checkpoint must be a folder; {printable(nearest)} is a file.")
    check_output("--checkpoint", str(nearest / "checkpoint.safetensors"))


def check_drawings(**paths: str | None) -> None:
    """Refuse drawings, by their options' names, that could not be written, and a missing matplotlib."""
    for option, path in paths.items():
        check_output(f"--{option}", path, *_DRAWINGS)
    if any(path is not None for path in paths.values()):
        from lenetkit.plotting import import_matplotlib

        # The command line opens no window.
        import_matplotlib().use("agg")


def save_drawing(display: Any, path: str) -> None:
    """Write the figure of a display in the format that the suffix says."""
    form = Path(path).suffix[1:].lower()
    write_atomically(path, lambda temporary: display.figure_.savefig(temporary, format=form, dpi=150))


def save_or_rescue(pipeline: "Pipeline", path: str, notes: dict[str, Any]) -> Path | None:
    """Save a trained pipeline; if that fails, save it where files can still be written, and report that.

    Returns
    -------
    pathlib.Path or None
        The file that was asked for; None if it could not be written.
    """
    try:
        return pipeline.save(path, notes=notes)
    except (OSError, SettingError) as error:
        click.echo(f"error: {printable(path)} could not be saved: {printable(error)}", err=True)
    for folder in (tempfile.gettempdir, Path.cwd, Path.home):
        try:
            home = Path(tempfile.mkdtemp(prefix="lenetkit-", dir=folder()))
        except (OSError, RuntimeError):
            continue
        try:
            rescue = pipeline.save(home / Path(path).name, notes=notes)
        except OSError:
            home.rmdir()
            continue
        move = shlex.join(["mv", str(rescue), path])
        click.echo(f"The trained pipeline is kept in {printable(rescue)}. Move it with: {printable(move)}", err=True)
        return None
    click.echo("The temporary, the current and the home folder cannot take the trained pipeline either.", err=True)
    return None
