"""``lenetkit inspect``: the output of each layer of the network for one image."""

import os
import sys

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._options import pipeline_option, start_tensorflow
from lenetkit.cli._outputs import check_drawing, refuse_input, save_drawing
from lenetkit.cli._saved import echo, load_pipeline
from lenetkit.cli._streams import keep_going
from lenetkit.exceptions import SettingError

__all__ = ["inspect"]


@click.command()
@click.argument("image")
@click.option(
    "--output", required=True, metavar="OUT.png", callback=check_drawing, help="Draw the layers into this file."
)
@click.option("--filters", metavar="OUT.png", callback=check_drawing, help="Draw the layers' filters into another.")
@pipeline_option
def inspect(image: str, output: str, filters: str | None, file: str | None) -> None:
    """Draw the output of each layer of the network for an IMAGE: feature maps, units and the answer.

    The label is printed. Needs the extra plot, and TensorFlow, which takes some seconds to start.

    \b
    Examples:
      lenetkit inspect photo.png --output maps.png
      lenetkit inspect photo.png --output maps.svg --filters filters.svg --pipeline digits.lenet
    """
    from lenetkit.diagnosis import feature_maps

    refuse_input("--output", output, image, file, filters)
    refuse_input("--filters", filters, image, file)
    if filters is not None and os.path.abspath(output) == os.path.abspath(filters):
        raise SettingError(f"--output and --filters must be two files; got {printable(output)} for both.")
    keep_going()
    pipeline = load_pipeline(file)
    start_tensorflow()
    maps = feature_maps(image, pipeline)
    echo(f"{printable(image)}\t{printable(maps.label)}\t{maps.probabilities.max():.4f}")
    for path, draw in ((output, maps.plot), (filters, maps.plot_filters)):
        if path is not None:
            save_drawing(draw(), path)
            click.echo(f"the picture is in {printable(path)}", file=sys.stderr)
