"""``lenetkit adapt``: a few examples of one hand, learnt by a saved pipeline."""

import contextlib
from typing import Literal

import click

import lenetkit
from lenetkit._utils.printable import printable
from lenetkit.cli._options import only_one, pipeline_option, start_tensorflow
from lenetkit.cli._outputs import check_output, refuse_input, save_or_rescue
from lenetkit.cli._saved import load_pipeline
from lenetkit.cli._streams import keep_going
from lenetkit.exceptions import SettingError

__all__ = ["adapt"]


@click.command()
@click.argument("files", metavar="[FILE] DATA", nargs=-1, required=True)
@pipeline_option
@click.option("--output", metavar="FILE", required=True, callback=check_output, help="Save the adapted pipeline here.")
@click.option("--keep", metavar="NAME|PATH", help="A data set of what must not be forgotten.")
@click.option(
    "--layers",
    type=click.Choice(["all", "last"]),
    help="The layers that learn: all, or the last ones, in a second.  [default: all where TensorFlow is installed]",
)
@click.option("--epochs", type=click.IntRange(1), help="Most passes over the examples.  [default: 40]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides every random draw.")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Folder in which data sets are kept.")
@click.option("--download/--no-download", default=True, show_default=True, help="May data be fetched?")
def adapt(
    files: tuple[str, ...],
    file: str | None,
    output: str,
    keep: str | None,
    layers: Literal["all", "last"] | None,
    epochs: int | None,
    seed: int,
    data_dir: str | None,
    download: bool,
) -> None:
    """Learn one hand, scanner or form from 3 to 300 labelled images a class.

    FILE is a saved pipeline (default: the one that comes with lenetkit), DATA a folder with a folder for each label, a
    table or a data set's name. The result is saved only if it makes fewer errors on images that it has not learnt
    from, and no more on what it knew; otherwise no file is written, and the exit code is 1. --output may be FILE.

    All layers leave fewer errors and take some seconds; without TensorFlow the last ones learn. The report names them.

    \b
    Examples:
      lenetkit adapt my_digits --output mine.lenet
      lenetkit adapt mine.lenet more_digits --output mine.lenet
      lenetkit adapt my_digits --layers last --output mine.lenet
    """
    if len(files) > 2:
        raise click.UsageError(f"name a saved pipeline and the data, or the data alone; got {' '.join(files)}.")
    *first, data = files
    file = only_one(*first, file)
    refuse_input("--output", output, data, keep)
    keep_going()
    pipeline = load_pipeline(file)
    examples = _load(data, data_dir, download)
    kept = None if keep is None else _load(keep, data_dir, download)
    if layers != "last":
        with contextlib.suppress(Exception):  # adapt falls back on the last layers, or says what is missing
            start_tensorflow()
    report = pipeline.adapt(*examples, keep=kept, layers=layers, epochs=epochs, seed=seed)
    click.echo(printable(f"{data}: {report.before.n:,} images") + f"\n{report}")
    if not report.accepted:
        click.echo(f"{printable(output)} was not written.", err=True)
        click.get_current_context().exit(1)
    saved = save_or_rescue(pipeline, output, {})
    if saved is None:
        click.get_current_context().exit(1)
    click.echo(f"saved: {printable(saved)}")


def _load(name: str, data_dir: str | None, download: bool) -> tuple[object, list[object]]:
    """Return a data set's images and the names of their classes."""
    try:
        found = lenetkit.load_dataset(name, data_dir=data_dir, download=download)
    except SettingError as error:
        raise SettingError(f"{printable(name)}: {error}") from error
    if found.labels.dtype.kind == "U":
        return found.images, found.labels.tolist()
    return found.images, [found.class_names[label] for label in found.labels.tolist()]
