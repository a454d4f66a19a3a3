"""``lenetkit read``: the numbers in images."""

import json

import click

from lenetkit._utils.printable import printable
from lenetkit.cli._options import pipeline_option
from lenetkit.cli._outputs import check_drawing, refuse_input, save_drawing
from lenetkit.cli._saved import echo, echo_error, load_pipeline
from lenetkit.exceptions import DataError, SettingError

__all__ = ["read"]


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@pipeline_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One object per image: text, each digit with its box, and what was left out.",
)
@click.option(
    "--annotate", metavar="OUT.png", callback=check_drawing, help="Draw the boxes into a picture; for one IMAGE only."
)
def read(images: tuple[str, ...], file: str | None, as_json: bool, annotate: str | None) -> None:
    """Read the numbers in each IMAGE: path and text, a line of output for each line of writing.

    A question mark stands for each place that may hold a digit that was not read; --json says where and why, and how
    probable it is that the whole is right.

    An image without any number gives its path alone. One that cannot be read is reported on standard error, and the
    rest is done; the exit code is then 2.

    \b
    Examples:
      lenetkit read meter.jpg
      lenetkit read form.png --json
      lenetkit read form.png --annotate read.png
    """
    if annotate is not None and len(images) != 1:
        raise SettingError(f"--annotate draws one image; got {len(images)} images. Call it once for each of them.")
    refuse_input("--annotate", annotate, *images, file)
    pipeline = load_pipeline(file)
    failed = False
    for path in images:
        try:
            reading = pipeline.read_number(path)
        except DataError as error:
            failed = True
            echo_error(path, error)
            continue
        if as_json:
            echo(json.dumps({"image": path, **reading.to_dict()}))
        else:
            echo(
                "\n".join(
                    f"{printable(path)}\t{printable(line)}" for line in reading.text_with_doubts.splitlines() or ("",)
                )
            )
        if annotate is not None:
            save_drawing(reading.plot(), annotate)
    click.get_current_context().exit(2 if failed else 0)
