"""The command line, ``lenetkit COMMAND``: one small file per command, no logic that the library lacks.

In: arguments and files. Out: text on standard output, errors as one message each on standard error, and an exit code:
0 done, 1 something went wrong, 2 wrong usage or bad data, 130 interrupted. Next: a person, or a script.
"""

import contextlib
import io
import sys
import traceback
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NoReturn

import click

from lenetkit._utils.extras import get_version
from lenetkit._utils.printable import printable, printable_lines
from lenetkit._utils.system import describe_system_error
from lenetkit.cli._streams import Stream, describe_output, guarded_streams
from lenetkit.exceptions import DataError, DataNotice, LenetkitError, MissingExtraError, SettingError, UnknownNameError

__all__ = ["main"]

_COMMANDS = (
    *("train", "adapt", "evaluate", "predict", "read", "diagnose", "inspect", "demo", "label"),
    *("verify", "info", "export", "compare", "models", "datasets", "convert", "sheet"),
)


class _Commands(click.Group):
    """The commands, each imported when it is needed, so that ``--version`` and ``--help`` stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return getattr(import_module(f"lenetkit.cli.{cmd_name}"), cmd_name) if cmd_name in _COMMANDS else None


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print the version: of lenetkit or lenetkit-lite, whichever is installed."""
    if asked and not context.resilient_parsing:
        click.echo(f"lenetkit {get_version()}")
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show it.",
)
def _commands() -> None:
    """Handwritten-digit recognition: train, evaluate and use LeNet-5 and other models.

    A saved pipeline is named by --pipeline FILE everywhere; without it the one that comes with lenetkit is used.

    \b
    Examples:
      lenetkit train                          train LeNet-5 on MNIST and report its accuracy
      lenetkit train --output digits.lenet    keep the trained pipeline
      lenetkit adapt my_digits --output mine.lenet   learn one hand from a few images
      lenetkit predict 7.png                  read a digit
      lenetkit read form.jpg                  read whole numbers
      lenetkit demo                           a page to draw digits on
      lenetkit label scans                    a page to correct answers on, the doubtful ones first
      lenetkit export digits.lenet 7.tflite   take the model to a phone
      lenetkit COMMAND --help                 more about one command
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process.
    """
    with guarded_streams() as output, _short_notices():
        code = _run(arguments)
        output.stops = False
        output.flush()
        if output.error is not None:
            # Whoever reads our output has had enough; anything else is told, once.
            told = code != 0 or isinstance(output.error, BrokenPipeError)
            code = code or (1 if told else _fail(describe_output(output.error), 1))
    sys.exit(code)


@contextlib.contextmanager
def _short_notices() -> Iterator[None]:
    """Print each notice on data once, as one line, instead of as a warning with a line of source."""
    with warnings.catch_warnings():
        # Warnings that were made errors are for the author of a program, not for whom a command works.
        warnings.filters = [("default" if entry[0] == "error" else entry[0], *entry[1:]) for entry in warnings.filters]
        warnings.simplefilter("always", DataNotice)
        show, shown = warnings.showwarning, set[str]()

        def print_notice(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if not issubclass(category, DataNotice):
                show(message, category, *rest, **more)
            elif str(message) not in shown:
                shown.add(str(message))
                click.echo(f"note: {printable(message)}", err=True)

        warnings.showwarning = print_notice
        yield


def _run(arguments: list[str] | None) -> int:
    try:
        return int(_commands.main(args=arguments, prog_name="lenetkit", standalone_mode=False) or 0)
    except click.exceptions.Abort:
        return _fail("interrupted", 130)
    except click.ClickException as error:
        told = _Text()
        error.show(told)
        click.echo(printable_lines(told.getvalue()), nl=False, err=True)
        return error.exit_code
    except SystemExit as stop:  # click's, when whoever reads our output has had enough
        return stop.code if isinstance(stop.code, int) else 1
    except (DataError, MissingExtraError, SettingError, UnknownNameError) as error:
        return _fail(str(error), 2)
    except LenetkitError as error:
        return _fail(str(error), 1)
    except Exception as error:
        return _fail(_describe(error), 1)


class _Text(io.StringIO):
    """Text that click takes for a terminal, so that it leaves in what looks like a terminal's colours."""

    def isatty(self) -> bool:
        return True


def _describe(error: Exception) -> str:
    """Return the words for an error that no room has expected: the system's, a library's, or a bug."""
    if isinstance(sys.stdout, Stream) and error is sys.stdout.error:
        return describe_output(error)
    if (words := describe_system_error(error)) is not None:
        return words
    if isinstance(error, ImportError):
        return f"a library cannot be loaded: {error}. Install lenetkit again, or have a look at what is installed."
    if broken := _find_malformed_packages(error):
        return f"a library does not work here: {broken}"
    return f"unexpected {type(error).__name__}: {error}. This is a bug in lenetkit; please report it."


def _find_malformed_packages(error: Exception) -> str:
    """Return the distributions whose entry points cannot be read, if a library has failed at that."""
    frames = traceback.walk_tb(error.__traceback__)
    if not any(frame.f_globals.get("__name__", "").startswith("importlib.metadata") for frame, _ in frames):
        return ""
    from lenetkit.registry import UNREADABLE, Registry

    plug_ins = Registry[object]("plug-in", group="lenetkit.none").plug_ins()
    return " ".join(plug_in.error or "" for plug_in in plug_ins if plug_in.name == UNREADABLE)


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {printable_lines(message)}", err=True)
    return code
