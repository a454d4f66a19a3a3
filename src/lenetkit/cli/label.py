"""``lenetkit label``: a page to correct answers on."""

import os
from functools import partial

import click

from lenetkit._utils.memory import use_one_arena
from lenetkit._utils.printable import printable
from lenetkit.cli._options import pipeline_option, runtime_option
from lenetkit.cli._outputs import check_output, refuse_input
from lenetkit.cli._progress import show_progress
from lenetkit.cli._saved import load_pipeline
from lenetkit.cli._streams import keep_going

__all__ = ["label"]

# So many pictures are read before anybody would look at a bar.
_FEW = 200


@click.command()
@click.argument("folder")
@pipeline_option
@runtime_option
@click.option("--labels", metavar="FILE", help="The table of labels.  [default: FOLDER-labels.csv, beside the folder]")
@click.option("--numbers", is_flag=True, help="The pictures show whole numbers: correct their text.")
@click.option("--adapt", "to_adapt", is_flag=True, help="Learn from the labels while you go on; needs --output.")
@click.option("--output", metavar="FILE", callback=check_output, help="With --adapt: the adapted pipeline.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; only this machine's own.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
@click.option("--open/--no-open", "to_open", default=False, show_default=True, help="Open the page in a browser?")
def label(
    folder: str,
    file: str | None,
    runtime: str | None,
    labels: str | None,
    numbers: bool,
    to_adapt: bool,
    output: str | None,
    host: str,
    port: int,
    to_open: bool,
) -> None:
    """Serve a page to correct the answers for the pictures in FOLDER on, those first of which it is least sure.

    Keys 0 to 9 correct, Enter agrees, Shift+Enter agrees to all that are shown, Backspace undoes, Delete is for what is
    no digit, the space bar skips, the arrow keys move. There are buttons for all of them, for a phone.

    Everything is on the disk after every key, in a table that "lenetkit adapt" and all commands with a data set read.
    Started again, the page goes on where you stopped. Ctrl-C stops it.

    \b
    Examples:
      lenetkit label scans --open
      lenetkit label scans --adapt --output mine.lenet
      lenetkit label amounts --numbers
      lenetkit adapt scans-labels.csv --output mine.lenet
    """
    from lenetkit.demo import is_loopback, label_folder

    if to_adapt != (output is not None):
        raise click.UsageError("--adapt and --output belong together: give both, or none.")
    if to_adapt and numbers:
        raise click.UsageError("--adapt learns from pictures of single digits: omit it with --numbers.")
    refuse_input("--output", output, labels)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's products are small here, as in the demo
    if not is_loopback(host):
        click.secho(
            f"warning: anybody who can reach {printable(host)} can see and label the pictures, without a password or "
            "encryption.",
            err=True,
            fg="yellow",
        )

    def started(address: str) -> None:
        click.echo(f"The page is at {printable(address)}\nCtrl-C stops it.")
        if to_open:
            click.launch(address)

    keep_going()
    use_one_arena()
    label_folder(
        folder,
        load_pipeline(file, runtime),
        labels=labels,
        numbers=numbers,
        output=output,
        host=host,
        port=port,
        started=started,
        tell=partial(click.echo, err=True),
        bar=partial(show_progress, few=_FEW, prints=False),
    )
