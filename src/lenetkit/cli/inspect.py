"""``lenetkit inspect``: what each layer of the network makes of a picture."""

import sys
from pathlib import Path
from typing import Any

import click

from lenetkit.cli._options import tensorflow_quietly
from lenetkit.cli._saved import pipeline_of, printable
from lenetkit.exceptions import SettingError

__all__ = ["inspect"]

_DRAWINGS = (".png", ".svg", ".pdf")


@click.command()
@click.argument("image")
@click.option("--output", "target", required=True, metavar="OUT.png", help="Draw the layers into this file.")
@click.option("--filters", metavar="OUT.png", help="Draw the layers' filters into another.")
@click.option("--pipeline", "file", metavar="FILE", help="A saved pipeline; default: the one that comes with lenetkit.")
def inspect(image: str, target: str, filters: str | None, file: str | None) -> None:
    """Draw what each layer of the network makes of an IMAGE: feature maps, units and the answer.

    The label is printed. Needs the extra plot, and TensorFlow, which takes some seconds to start.

    \b
    Examples:
      lenetkit inspect photo.png --output maps.png
      lenetkit inspect photo.png --output maps.svg --filters filters.svg --pipeline digits.lenet
    """
    wanted = [(name, path) for name, path in (("--output", target), ("--filters", filters)) if path is not None]
    for option, path in wanted:
        if Path(path).suffix.lower() not in _DRAWINGS:
            raise SettingError(f"{option} must end in {', '.join(_DRAWINGS)}; got {printable(path)}.")
    from lenetkit.diagnosis import feature_maps
    from lenetkit.plotting import import_matplotlib

    # The command line opens no window.
    import_matplotlib().use("agg")
    pipeline = pipeline_of(file)
    with tensorflow_quietly():
        maps = feature_maps(image, pipeline)
    for option, path in wanted:
        _save(maps.plot() if option == "--output" else maps.plot_filters(), path)
    click.echo(f"{printable(image)}\t{printable(maps.label)}\t{maps.probabilities.max():.4f}", color=True)


def _save(display: Any, path: str) -> None:
    from lenetkit._utils.files import write_atomically

    form = Path(path).suffix[1:].lower()
    write_atomically(path, lambda temporary: display.figure_.savefig(temporary, format=form, dpi=150))
    click.echo(f"the picture is in {printable(path)}", file=sys.stderr)
