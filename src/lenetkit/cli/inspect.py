"""``lenetkit inspect``: the output of each layer of the network for one image."""

import sys

import click

from lenetkit.cli._options import pipeline_option, start_tensorflow
from lenetkit.cli._outputs import check_drawing, save_drawing
from lenetkit.cli._saved import echo, load_pipeline, printable

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

    pipeline = load_pipeline(file)
    start_tensorflow()
    maps = feature_maps(image, pipeline)
    for path, draw in ((output, maps.plot), (filters, maps.plot_filters)):
        if path is not None:
            save_drawing(draw(), path)
            click.echo(f"the picture is in {printable(path)}", file=sys.stderr)
    echo(f"{printable(image)}\t{printable(maps.label)}\t{maps.probabilities.max():.4f}")
