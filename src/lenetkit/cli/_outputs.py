"""Output files of the commands: checked before anything is loaded, written whole after the work.

In: the paths that options name. Out: one error message before the work, or the files. Next: the user's disk.
"""

import os
import shlex
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

import lenetkit
from lenetkit._utils.files import check_writable, write_atomically
from lenetkit.cli._saved import printable
from lenetkit.exceptions import SettingError

__all__ = ["check_checkpoint", "check_drawing", "check_output", "save_drawing", "save_or_rescue", "try_output"]


def check_output(
    _: click.Context,
    option: click.Parameter,
    path: str | None,
    suffixes: tuple[str, ...] = ("",),
    prepare: Callable[[], object] = lambda: None,
) -> str | None:
    """As an option's callback, refuse a path with another suffix, or that could not be written to; then prepare."""
    if path is not None:
        if not path.lower().endswith(suffixes):
            raise SettingError(f"{option.opts[0]} must end in {', '.join(suffixes)}; got {printable(path)}.")
        try_output(path)
        prepare()
    return path


def _close_windows() -> None:
    """Import matplotlib, or say that it is missing; the command line opens no window."""
    from lenetkit.plotting import import_matplotlib

    import_matplotlib().use("agg")


check_drawing = partial(check_output, suffixes=(".png", ".jpg", ".jpeg", ".svg", ".pdf"), prepare=_close_windows)


def try_output(path: str, check: Callable[..., object] = check_writable, *arguments: Any) -> None:
    """Run a check of an output; a refusal of the system is the user's mistake, as a missing folder is."""
    try:
        check(path, *arguments)
    except OSError as error:
        raise SettingError(
            f"cannot write {printable(path)}: {error.strerror}. Choose another folder, or change its permissions."
        ) from error


def check_checkpoint(_: click.Context, option: click.Parameter, folder: str | None) -> str | None:
    """As an option's callback, refuse a folder that could not be made, or could not be written to."""
    if folder is not None:
        path = Path(os.path.abspath(folder))
        nearest = next(place for place in (path, *path.parents) if os.path.lexists(place))
        if not nearest.is_dir():
            raise SettingError(f"{option.opts[0]} must be a folder; {printable(nearest)} is a file.")
        try_output(str(nearest / "checkpoint.safetensors"))
    return folder


def save_drawing(display: Any, path: str) -> None:
    """Write the figure of a display in the format that the suffix says."""
    form = Path(path).suffix[1:].lower()
    write_atomically(path, lambda temporary: display.figure_.savefig(temporary, format=form, dpi=150))


def save_or_rescue(pipeline: "lenetkit.Pipeline", path: str, notes: dict[str, Any]) -> Path | None:
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
