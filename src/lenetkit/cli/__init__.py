"""The command line, ``lenetkit COMMAND``: one small file per command, no logic that the library lacks.

In: arguments and files. Out: text on standard output, errors as one message each on standard error, and an exit code:
0 done, 1 something went wrong, 2 wrong usage or bad data, 130 interrupted. Next: a person, or a script.
"""

import sys
from importlib import import_module
from typing import NoReturn

import click

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
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"lenetkit.cli.{cmd_name}"), cmd_name)
        return command


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
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        code = _commands.main(args=arguments, prog_name="lenetkit", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Abort:
        return _fail("interrupted", 130)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # Whoever reads our output has had enough; what Python still holds back must not raise at exit.
        sys.stdout = None
        return 1
    except Exception as error:
        from lenetkit.exceptions import DataError, LenetkitError, MissingExtraError, SettingError, UnknownNameError

        if isinstance(error, (DataError, MissingExtraError, SettingError, UnknownNameError)):
            return _fail(str(error), 2)
        if isinstance(error, (LenetkitError, OSError)):  # the system refuses: a full disk, for example
            return _fail(str(error), 1)
        return _fail(f"unexpected {type(error).__name__}: {error}. This is a bug in lenetkit; please report it.", 1)


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}", err=True)
    return code
