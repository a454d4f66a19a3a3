"""Output files of the commands: checked before anything is loaded, written whole after the work.

In: the paths that options name. Out: one error message before the work, or the files. Next: the user's disk.
"""

import itertools
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

import lenetkit
from lenetkit._utils.files import check_writable, write_atomically
from lenetkit._utils.printable import printable
from lenetkit._utils.system import describe_system_error
from lenetkit.cli._streams import hold_interrupts
from lenetkit.exceptions import LenetkitError, SettingError

__all__ = [
    "check_checkpoint",
    "check_drawing",
    "check_output",
    "name_part_trained",
    "refuse_input",
    "save_drawing",
    "save_or_rescue",
    "try_output",
]


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
        advice = "Choose another folder, or change its permissions."
        reason = f"{error.strerror}. {advice}" if error.filename is not None else describe_system_error(error)
        raise SettingError(f"cannot write {printable(path)}: {reason}") from error


def check_checkpoint(_: click.Context, option: click.Parameter, folder: str | None) -> str | None:
    """As an option's callback, refuse a folder that could not be made, or could not be written to."""
    if folder is not None:
        try_output(folder, os.path.abspath)
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


def refuse_input(option: str, output: str | None, *inputs: str | None) -> None:
    """Refuse an output that is one of the files to be read, under another name, too: links are looked through."""
    for given in inputs:
        if output is not None and given is not None and _is_same_file(output, given):
            raise SettingError(
                f"{option} {printable(output)} is the same file as {printable(given)}, which is to be read and would "
                "be lost. Name another file."
            )


def _is_same_file(path: str, other: str) -> bool:
    try:
        return os.path.isfile(path) and os.path.samefile(path, other)
    except (OSError, ValueError):  # there is no such file, or can be none
        return False


def name_part_trained(path: str) -> str:
    """Return a name beside a file's that no file has yet: for digits.lenet digits-interrupted.lenet."""
    stem, suffix = os.path.splitext(path)
    names = (f"{stem}-interrupted{f'-{number}' if number > 1 else ''}{suffix}" for number in itertools.count(1))
    return next(name for name in names if not os.path.lexists(name))


def save_or_rescue(pipeline: "lenetkit.Pipeline", path: str, notes: dict[str, Any]) -> Path | None:
    """Save a trained pipeline; if that fails, save it where files can still be written, and report that.

    Ctrl-C waits until it is saved. A model that cannot be saved as a pipeline is kept in Keras' own format.

    Returns
    -------
    pathlib.Path or None
        The file that was asked for; None if it could not be written.
    """
    with hold_interrupts():
        try:
            return pipeline.save(path, notes=notes)
        except (OSError, MemoryError, LenetkitError) as error:
            reason = describe_system_error(error) or str(error)
            click.echo(f"error: {printable(path)} could not be saved: {printable(reason)}", err=True)
            unfit = isinstance(error, LenetkitError) and not isinstance(error, SettingError)
        _rescue(pipeline, path, notes, unfit=unfit)
    return None


def _rescue(pipeline: "lenetkit.Pipeline", path: str, notes: dict[str, Any], *, unfit: bool) -> None:
    """Save a trained pipeline in a folder that takes it; as a Keras model if it is not fit to be saved otherwise."""
    folders: list[Callable[[], str | Path]] = [tempfile.gettempdir, Path.cwd, Path.home]
    if unfit:
        folders.insert(0, lambda: Path(path).absolute().parent)
    for folder in folders:
        try:
            home = Path(tempfile.mkdtemp(prefix="lenetkit-", dir=folder()))
        except (OSError, RuntimeError):
            continue
        try:
            if unfit:
                rescue = home / f"{Path(path).stem}.keras"
                pipeline.model_.save(rescue)
            else:
                rescue = pipeline.save(home / Path(path).name, notes=notes)
        except (OSError, MemoryError):
            shutil.rmtree(home, ignore_errors=True)
            continue
        if unfit:
            click.echo(f"The trained network is kept as a Keras model in {printable(rescue)}", err=True)
        else:
            move = shlex.join(["mv", str(rescue), path])
            click.echo(
                f"The trained pipeline is kept in {printable(rescue)}. Move it with: {printable(move)}", err=True
            )
        return
    click.echo("The temporary, the current and the home folder cannot take the trained pipeline either.", err=True)
