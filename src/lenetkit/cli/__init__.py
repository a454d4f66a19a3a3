"""The command line, ``lenetkit COMMAND``: one small file per command, no logic that the library lacks.

In: arguments and files. Out: text on standard output, errors as one message each on standard error, and an exit code:
0 done, 1 something went wrong, 2 wrong usage or bad data, 130 interrupted. Next: a person, or a script.
"""

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NoReturn

import click

from lenetkit.exceptions import DataError, DataNotice, LenetkitError, MissingExtraError, SettingError, UnknownNameError

__all__ = ["main"]

_COMMANDS = (
    *("train", "evaluate", "predict", "read", "diagnose", "inspect", "demo"),
    *("verify", "info", "export", "compare", "models", "datasets"),
)


class _Commands(click.Group):
    """The commands, each imported when it is needed, so that ``--version`` and ``--help`` stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return getattr(import_module(f"lenetkit.cli.{cmd_name}"), cmd_name) if cmd_name in _COMMANDS else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lenetkit", message="lenetkit %(version)s", help="Show it.")
def _commands() -> None:
    """Handwritten-digit recognition: train, evaluate and use LeNet-5 and other models.

    A saved pipeline is named by --pipeline FILE everywhere; without it the one that comes with lenetkit is used.

    \b
    Examples:
      lenetkit train                          train LeNet-5 on MNIST and report its accuracy
      lenetkit train --output digits.lenet    keep the trained pipeline
      lenetkit predict 7.png                  read a digit
      lenetkit read meter.jpg                 read whole numbers
      lenetkit demo                           a page to draw digits on
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
    _accept_any_text()
    with _short_notices():
        code = _run(arguments)
    sys.exit(code)


@contextlib.contextmanager
def _short_notices() -> Iterator[None]:
    """Print each notice on data once, as one line, instead of as a warning with a line of source."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", DataNotice)
        show, shown = warnings.showwarning, set[str]()

        def print_notice(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if not issubclass(category, DataNotice):
                show(message, category, *rest, **more)
            elif str(message) not in shown:
                shown.add(str(message))
                from lenetkit.cli._saved import printable

                click.echo(f"note: {printable(message)}", err=True)

        warnings.showwarning = print_notice
        yield


def _accept_any_text() -> None:
    """Let standard output accept labels and file names that its encoding lacks, instead of failing at the first."""
    stdout = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        # File names that are no UTF-8 leave as the bytes they came as.
        stdout.reconfigure(errors="surrogateescape" if stdout.encoding.lower() == "utf-8" else "backslashreplace")


def _run(arguments: list[str] | None) -> int:
    try:
        return int(_commands.main(args=arguments, prog_name="lenetkit", standalone_mode=False) or 0)
    except click.exceptions.Abort:
        return _fail("interrupted", 130)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # Whoever reads our output has had enough; what Python still holds back must not raise at exit.
        sys.stdout = None
        return 1
    except (DataError, MissingExtraError, SettingError, UnknownNameError) as error:
        return _fail(str(error), 2)
    except (LenetkitError, OSError) as error:  # the system refuses: a full disk, for example
        return _fail(str(error), 1)
    except Exception as error:
        return _fail(f"unexpected {type(error).__name__}: {error}. This is a bug in lenetkit; please report it.", 1)


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}", err=True)
    return code
