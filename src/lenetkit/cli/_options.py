"""What several commands share."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lenetkit.datasets import Dataset

__all__ = ["dataset_options", "load_or_fall_back", "tensorflow_quietly"]


def dataset_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where data come from."""
    options = (
        click.option("--dataset", metavar="NAME|PATH", help="A data set's name, or a file or folder of images."),
        click.option("--data-dir", type=click.Path(file_okay=False), help="Where data sets are looked for and kept."),
        click.option("--download/--no-download", default=True, show_default=True, help="May data be fetched?"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def load_or_fall_back(name: str | None, *, subset: str, data_dir: str | None, download: bool) -> "Dataset":
    """Load the data set asked for; where none was, MNIST if it can be had and the embedded digits otherwise.

    The fall-back is said plainly: a figure on 180 small digits must not be taken for one on MNIST.
    """
    from lenetkit.datasets import load_dataset
    from lenetkit.exceptions import DownloadError

    if name is not None:
        return load_dataset(name, subset=subset, data_dir=data_dir, download=download)
    try:
        return load_dataset("mnist", subset=subset, data_dir=data_dir, download=download)
    except DownloadError as error:
        if subset != "all":
            raise
        reason = str(error).partition("\n")[0]
        click.echo(f"MNIST is not available: {reason} For the whole story: lenetkit train --dataset mnist\n", err=True)
        click.secho(
            "Instead of MNIST this run uses the embedded data set 'digits': 1,797 digits of 8 x 8 pixels. "
            "Its accuracy says nothing about MNIST.\n",
            bold=True,
        )
        return load_dataset("digits")


@contextlib.contextmanager
def tensorflow_quietly() -> Iterator[None]:
    """Keep the lines that TensorFlow's C++ side writes on import, whatever its log level, off the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
        import tensorflow as tf

        tf.config.list_logical_devices()  # looks for accelerators, and complains where there are none
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
