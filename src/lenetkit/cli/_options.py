"""Options that several commands have, the data sets that they name, and the start of TensorFlow."""

import os
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import click

import lenetkit
from lenetkit.exceptions import DownloadError

__all__ = [
    "dataset_options",
    "load_or_fall_back",
    "only_one",
    "pipeline_option",
    "pretrained_option",
    "runtime_option",
    "start_tensorflow",
    "test_size_option",
]

Command = Callable[..., None]


def dataset_options(command: Command) -> Command:
    """Add the options for the source of the data."""
    options = (
        click.option("--dataset", metavar="NAME|PATH", help="A data set's name, or a file or folder of images."),
        click.option("--data-dir", type=click.Path(file_okay=False), help="Folder in which data sets are kept."),
        click.option("--download/--no-download", default=True, show_default=True, help="May data be fetched?"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _find_pretrained(_: click.Context, __: click.Parameter, given: str | tuple[str, ...] | None) -> Any:
    """Return the file of each name."""
    from lenetkit.pretrained import get_path

    if isinstance(given, tuple):
        return tuple(str(get_path(name)) for name in given)
    return None if given is None else str(get_path(given))


pretrained_option = partial(click.option, "--pretrained", metavar="NAME", callback=_find_pretrained)


def pipeline_option(command: Command) -> Command:
    """Add ``--pipeline FILE`` and ``--pretrained NAME``: the argument ``file`` is the path of the one that is given."""

    @click.option(
        "--pipeline", "file", metavar="FILE", help="A saved pipeline; default: the one that comes with lenetkit."
    )
    @pretrained_option(help='A pretrained pipeline; "lenetkit models" lists them.')
    @wraps(command)
    def choose(*, file: str | None, pretrained: str | None, **settings: Any) -> None:
        command(file=only_one(file, pretrained), **settings)

    return choose


# The names in lenetkit.runtime.RUNTIMES, which is not imported for a help text.
runtime_option = click.option(
    "--runtime",
    type=click.Choice(["litert", "numpy", "onnx"]),
    help="Library that runs the networks. Default: litert, and numpy where that is not installed.",
)

test_size_option = partial(
    click.option,
    "--test-size",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    show_default=True,
    help="Fraction of the images kept for testing.",
)


def only_one(*files: str | None) -> str | None:
    """Return the one saved pipeline that was named, as an argument or by ``--pipeline``; None if there is none."""
    named = [file for file in files if file is not None]
    if len(named) > 1:
        raise click.UsageError(f"name one saved pipeline; got {' and '.join(named)}.")
    return named[0] if named else None


def load_or_fall_back(name: str | None, *, subset: str, data_dir: str | None, download: bool) -> "lenetkit.Dataset":
    """Load a data set; without a name MNIST if available, otherwise the embedded digits.

    The fall-back is printed: a figure on 180 small digits must not be mistaken for one on MNIST.
    """
    try:
        return lenetkit.load_dataset(name or "mnist", subset=subset, data_dir=data_dir, download=download)
    except DownloadError as error:
        if name is not None or subset != "all":
            raise
        reason = str(error).partition("\n")[0]
        click.echo(f"MNIST is not available: {reason} For the whole story: lenetkit train --dataset mnist\n", err=True)
        click.secho(
            "Instead of MNIST this run uses the embedded data set 'digits': 1,797 digits of 8 x 8 pixels. "
            "Its accuracy says nothing about MNIST.\n",
            bold=True,
        )
        return lenetkit.load_dataset("digits")


def start_tensorflow() -> None:
    """Import TensorFlow without the lines that its C++ side writes on import, regardless of its log level."""
    from lenetkit._utils.stderr import filter_stderr
    from lenetkit.models import import_keras

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with filter_stderr(""):
        import_keras()
        import tensorflow as tf

        tf.config.list_logical_devices()  # looks for accelerators, and complains if there are none
